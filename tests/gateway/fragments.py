"""The policy fragments as API Management takes them in the format `rawxml`: XML, and in it C# as it is written.

Such a file is no well-formed XML, since an expression keeps its quotes and its `<`. So this reader is a tolerant one:
where a value or a text begins with `@(` or `@{`, it goes on to the bracket that closes the expression, as C# has it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent.parent.parent / "infra" / "policies"
NAMES = ("meter-inbound", "meter-outbound", "meter-on-error")
LARGEST_FRAGMENT = 32 * 1024
"""Bytes (Microsoft Learn, "Reuse policy configurations"; since 2026 the page says 512 KB)."""
LITERAL = re.compile(r'@"(?:[^"]|"")*"|"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
"""Texts and characters of C#, in which a bracket closes nothing."""
OPENING = re.compile(r"\s*<([a-z-]+)")
ATTRIBUTE = re.compile(r'\s*([a-z-]+)="')
BRACKETS = {"(": ")", "{": "}"}


@dataclass(slots=True)
class Element:
    """An element of a fragment; expressions stand in attributes and text as they were written, with their brackets."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Element"] = field(default_factory=list)
    text: str = ""

    def walk(self) -> Iterator["Element"]:
        """Yield this element and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def expressions(self) -> list[str]:
        """Return the expressions of this element and all below it."""
        values = [value for element in self.walk() for value in (*element.attributes.values(), element.text)]
        return [value for value in values if is_expression(value)]


def is_expression(value: str) -> bool:
    """Tell an expression from a plain value."""
    return value.startswith(("@(", "@{"))


def source_of(name: str) -> str:
    """Return the text of a fragment's file."""
    return (FOLDER / f"{name}.xml").read_text(encoding="utf-8")


def size_of(name: str) -> int:
    """Return the bytes of a fragment's file."""
    return len(source_of(name).encode())


def read_fragment(name: str) -> Element:
    """Return the root element of a fragment."""
    text = re.sub(r"<!--.*?-->", "", source_of(name), flags=re.DOTALL)
    element, end = _element(text, 0)
    assert not text[end:].strip(), text[end:]
    return element


def _element(text: str, start: int) -> tuple[Element, int]:
    opening = OPENING.match(text, start)
    assert opening is not None, text[start : start + 80]
    element, at = Element(opening[1]), opening.end()
    while attribute := ATTRIBUTE.match(text, at):
        end = _end_of_value(text, attribute.end())
        # XML takes every white space in an attribute's value for a blank
        element.attributes[attribute[1]] = re.sub(r"\s", " ", text[attribute.end() : end])
        at = end + 1
    at += len(text[at:]) - len(text[at:].lstrip())
    if text.startswith("/>", at):
        return element, at + 2
    assert text[at] == ">", text[at : at + 80]
    return _content(element, text, at + 1)


def _content(element: Element, text: str, at: int) -> tuple[Element, int]:
    if is_expression(text[at:]):
        end = end_of_expression(text, at)
        element.text, at = text[at:end], end
    closing = re.compile(rf"\s*</{element.name}>")
    while not (found := closing.match(text, at)):
        child, at = _element(text, at)
        element.children.append(child)
    return element, found.end()


def _end_of_value(text: str, start: int) -> int:
    end = end_of_expression(text, start) if is_expression(text[start:]) else text.index('"', start)
    assert text[end] == '"', text[end : end + 80]
    return end


def end_of_expression(text: str, start: int, *, literals: bool = True) -> int:
    """Return where an expression ends. Without `literals` brackets count in texts too, as a simpler reader has it."""
    opens = text[start + 1]
    closes = BRACKETS[opens]
    depth, at = 0, start + 1
    while at < len(text):
        literal = LITERAL.match(text, at) if literals else None
        if literal:
            at = literal.end()
            continue
        depth += {opens: 1, closes: -1}.get(text[at], 0)
        at += 1
        if not depth:
            return at
    raise AssertionError(text[start : start + 80])
