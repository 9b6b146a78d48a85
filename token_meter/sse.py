"""Server-sent events: the text of a stream into the JSON payloads that it carried.

Follows the event-stream format of the HTML standard (any of CR LF, LF, CR ends a line; `:` starts a comment), and is
more forgiving in one point: where the `data:` lines of an event are no JSON together, each is tried by itself, for
loggers that drop the blank lines between events.
"""

import re
from dataclasses import dataclass

from token_meter.jsontypes import JsonObject, parse_json

LINE_END = re.compile(r"\r\n|\n|\r")
DONE = "[DONE]"
FIRST_LINE = re.compile(r"\s*(?:data:|event:|id:|retry:|:)")


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream's payloads in order, and how it ended."""

    payloads: tuple[JsonObject, ...]
    done: bool
    """The stream's own end mark, `[DONE]`, was seen."""
    damaged: bool
    """Some data was no JSON, as where the last line was cut."""


def looks_like_sse(text: str) -> bool:
    """Tell whether a body is an event stream by its first line."""
    return FIRST_LINE.match(text) is not None


def parse_sse(text: str) -> Stream:
    """Return the payloads of an event stream; data that is no JSON object is left out and marks the stream damaged."""
    payloads: list[JsonObject] = []
    done = damaged = False
    for data in _events(text):
        joined = "\n".join(data)
        if joined.strip() == DONE:
            done = True
            continue
        value = parse_json(joined)
        for member in [value] if value is not None else _each(data):
            if isinstance(member, dict):
                payloads.append(member)
            elif member == DONE:
                done = True
            else:
                damaged = True
    return Stream(tuple(payloads), done, damaged)


def _each(data: list[str]) -> list[object]:
    return [DONE if line.strip() == DONE else parse_json(line) for line in data]


def _events(text: str) -> list[list[str]]:
    """Return the data lines of each event. A line that is no field (the rest of a cut one) stands as data by itself."""
    events: list[list[str]] = []
    data: list[str] = []
    for line in [*LINE_END.split(text), ""]:
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line:
            if data:
                events.append(data)
                data = []
        elif not line.startswith((":", "event:", "id:", "retry:")) and line != "data":
            events.append([line])
    return events
