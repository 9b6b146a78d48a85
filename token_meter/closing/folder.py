"""The folder of issued documents: read as chains, written once, checked."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from token_meter.closing.documents import (
    LARGEST,
    Content,
    NoDocument,
    csv_of,
    json_of,
    name_of,
    read_document,
    stated_lines,
)
from token_meter.closing.lines import Lines, all_of

FILE_NAME = re.compile(r"(?:statement-(?P<stated>\d{4}-\d{2})|adjustment-(?P<month>\d{4}-\d{2})-(?P<number>\d{3,}))")
LAST_NUMBER = 100_000


class FolderUnusable(Exception):  # noqa: N818 - it names a state of the folder, as the command line reports it
    """Documents are damaged, or cannot be read or written. The message has one clear line a document."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What was issued for a month, in order: a statement and its adjustments. Empty where nothing was."""

    month: str
    documents: tuple[Content, ...]

    @property
    def lines(self) -> Lines:
        """What all documents come to."""
        return all_of(map(stated_lines, self.documents))

    @property
    def digest(self) -> str:
        """The digest of the newest document, which vouches for all before it; empty where there is none."""
        return str(self.documents[-1]["digest"]) if self.documents else ""


def read_chain(folder: Path, month: str) -> Chain:
    """Return what was issued for a month. Raises FolderUnusable where a document is not as it was issued."""
    chain, problems = _chain(folder, month)
    if problems:
        raise FolderUnusable("\n".join(problems))
    return chain


def check_folder(folder: Path) -> list[Chain]:
    """Return all chains of a folder. Raises FolderUnusable, with a line for everything that is wrong."""
    found: dict[str, set[int]] = {}
    problems: list[str] = []
    chains: list[Chain] = []
    for name in _names(folder):
        parts = FILE_NAME.fullmatch(name)
        if parts is not None:
            found.setdefault(parts["stated"] or parts["month"], set()).add(int(parts["number"] or 0))
    for month, numbers in sorted(found.items()):
        chain, faults = _chain(folder, month)
        chains.append(chain)
        problems += faults
        beyond = sorted(number for number in numbers if number >= len(chain.documents)) if not faults else []
        problems += [f"{name_of(month, number)}: the document before it is missing" for number in beyond]
    if problems:
        raise FolderUnusable("\n".join(problems))
    if not chains:
        raise FolderUnusable(f"{folder}: holds no statement")
    return chains


def issue(folder: Path, content: Content) -> list[Path]:
    """Write a document and its CSV, and return both files. Raises FolderUnusable where one of that name was issued."""
    name = name_of(content["month"], content["number"])
    document, sheet = folder / f"{name}.json", folder / f"{name}.csv"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(sheet, csv_of(content).encode())
        _write_once(document, json_of(content))
    except FileExistsError:
        raise FolderUnusable(f"{document}: was issued and never changes") from None
    except OSError as fault:
        raise FolderUnusable(f"{folder}: cannot be written ({fault.strerror})") from fault
    return [document, sheet]


def _chain(folder: Path, month: str) -> tuple[Chain, list[str]]:
    """Return a month's documents as far as they are sound, and what is wrong with the first that is not."""
    documents: list[Content] = []
    for number in range(LAST_NUMBER):
        name = name_of(month, number)
        if not (folder / f"{name}.json").exists():
            break
        try:
            documents.append(_sound(folder, month, number, documents))
        except NoDocument as fault:
            return Chain(month, tuple(documents)), [f"{name}.json {fault}"]
    return Chain(month, tuple(documents)), []


def _sound(folder: Path, month: str, number: int, before: list[Content]) -> Content:
    """Return a document that is what was issued after those before it. Raises NoDocument."""
    name = name_of(month, number)
    content = read_document(_read(folder / f"{name}.json"), month, number)
    if content.get("predecessor") != (before[-1]["digest"] if before else ""):
        raise NoDocument("does not name the digest of the document before it: one of the two was replaced")
    try:
        sheet = csv_of(content).encode()
    except (KeyError, TypeError, AttributeError):
        raise NoDocument("lacks lines or names") from None
    if _read(folder / f"{name}.csv") != sheet:
        raise NoDocument("has a CSV beside it that says something else, or none")
    return content


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise NoDocument("is larger than any document")
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as fault:
        raise NoDocument(f"cannot be read ({fault.strerror})") from fault


def _names(folder: Path) -> Iterator[str]:
    try:
        yield from sorted(path.stem for path in folder.iterdir() if path.suffix in {".json", ".csv"})
    except OSError as fault:
        raise FolderUnusable(f"{folder}: {fault.strerror}") from fault


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _write_once(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, and never over another: linking fails where the name is taken."""
    whole = path.with_name(f"{path.name}.whole")
    _write(whole, content)
    try:
        path.hardlink_to(whole)
    finally:
        whole.unlink()
