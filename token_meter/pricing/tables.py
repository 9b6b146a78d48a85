"""CSV files that people write: read whole, every fault said in one line that names the file and the line."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

LARGEST_FILE = 16 * 1024 * 1024
"""Bytes. A book of a hundred thousand prices is smaller."""
LONGEST_CELL = 2_000
LONGEST_SHOWN = 60
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where: prints as `file:line: text`."""

    place: str
    text: str

    def __str__(self) -> str:
        """Return the fault as one line."""
        return f"{self.place}: {CONTROL.sub('?', self.text)}"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a table: its cells by column, without blanks around them."""

    place: str
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """A file's lines in order, and what kept others from being lines."""

    lines: tuple[Line, ...]
    faults: tuple[Fault, ...]


def read_table(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> Table:
    """Return a CSV file's lines. A fault of the file as a whole leaves none of them."""
    try:
        data = path.read_bytes()
    except OSError as fault:
        return Table((), (Fault(str(path), fault.strerror or "cannot be read"),))
    if len(data) > LARGEST_FILE:
        return Table((), (Fault(str(path), f"is larger than {LARGEST_FILE} bytes"),))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Table((), (Fault(str(path), "is not UTF-8"),))
    return _parse(path, text, required, optional)


def _parse(path: Path, text: str, required: Sequence[str], optional: Sequence[str]) -> Table:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        faults = _header_faults(path, header, required, optional)
        if faults:
            return Table((), faults)
        return _lines(path, header, ((reader.line_num, row) for row in reader))
    except csv.Error as fault:
        return Table((), (Fault(f"{path}:{reader.line_num}", f"is no CSV: {fault}"),))


def _header_faults(
    path: Path, header: Sequence[str], required: Sequence[str], optional: Sequence[str]
) -> tuple[Fault, ...]:
    place = f"{path}:1"
    missing = [name for name in required if name not in header]
    unknown = [name for name in header if name not in {*required, *optional}]
    faults = [Fault(place, f"column {name} is missing") for name in missing]
    faults += [Fault(place, f"column {shown(name)} is unknown") for name in unknown]
    faults += [Fault(place, f"column {name} is there twice") for name in sorted(set(header)) if header.count(name) > 1]
    return tuple(faults)


def _lines(path: Path, header: Sequence[str], rows: Iterator[tuple[int, list[str]]]) -> Table:
    lines: list[Line] = []
    faults: list[Fault] = []
    for number, row in rows:
        place = f"{path}:{number}"
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header):
            faults.append(Fault(place, f"has {len(row)} cells where the header has {len(header)}"))
        elif any(len(cell) > LONGEST_CELL or CONTROL.search(cell) for cell in row):
            faults.append(Fault(place, f"has a cell with control characters or of more than {LONGEST_CELL} characters"))
        else:
            lines.append(Line(place, {name: cell.strip() for name, cell in zip(header, row, strict=True)}))
    return Table(tuple(lines), tuple(faults))


class Cells:
    """The cells of one line, read one by one; what cannot be read becomes a fault and a stand-in value."""

    def __init__(self, line: Line) -> None:
        """Start with no fault."""
        self.line = line
        self.faults: list[Fault] = []

    def fault(self, text: str) -> None:
        """Add a fault of this line."""
        self.faults.append(Fault(self.line.place, text))

    def text(self, name: str, pattern: re.Pattern[str], what: str) -> str:
        """Return a cell that must match a pattern; `what` says in words what is allowed."""
        value = self.line.cells.get(name, "")
        if not pattern.fullmatch(value):
            self.fault(f"{name} {shown(value)} is not {what}")
        return value

    def word(self, name: str, words: type[Word], default: Word | None = None) -> Word | None:
        """Return a cell's word out of a closed list, None where it is none; an empty cell is the default."""
        value = self.line.cells.get(name, "")
        if not value and default is not None:
            return default
        try:
            return words(value)
        except ValueError:
            self.fault(f"{name} {shown(value)} is none of {', '.join(words)}")
            return None

    def day(self, name: str) -> date | None:
        """Return a cell's date, written as 2026-10-31; None where it is none."""
        value = self.line.cells.get(name, "")
        try:
            return datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC).date()
        except ValueError:
            self.fault(f"{name} {shown(value)} is no date such as 2026-10-31")
            return None

    def number(self, name: str, largest: int) -> int:
        """Return a cell's whole number from 0 to a largest; an empty cell is 0."""
        value = self.line.cells.get(name, "") or "0"
        if not (value.isascii() and value.isdecimal() and len(value) <= len(str(largest)) and int(value) <= largest):
            self.fault(f"{name} {shown(value)} is no whole number from 0 to {largest}")
            return 0
        return int(value)


def shown(value: str) -> str:
    """Return a value as it may stand in a message: quoted, bounded, without control characters."""
    return repr(CONTROL.sub("?", value[:LONGEST_SHOWN])) if value else "(empty)"
