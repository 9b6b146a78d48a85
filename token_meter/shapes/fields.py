"""An object's fields, whatever their spelling: `message-id`, `MessageId` and `message_id` are one name.

Readers take candidate names, the likeliest first, and answer with a value of the asked type or with nothing. What
policies write where they know nothing (`NA`, `Portal-Admin`, a zero GUID) is nothing, and is remembered.
"""

import base64
import binascii
import functools
import re
from collections.abc import Mapping
from datetime import datetime

from token_meter.jsontypes import (
    Json,
    JsonObject,
    as_list,
    as_object,
    as_real,
    as_text,
    as_token_count,
    as_whole_number,
    dump_json,
)
from token_meter.salvage import WHOLE, Cut
from token_meter.secrets import REMOVED
from token_meter.times import from_epoch, parse_culture_time, parse_time

NOTHING_SAID = frozenset({"na", "n/a", "portal-admin", "not_supported", "00000000-0000-0000-0000-000000000000"})
"""What the policies of docs/record-shapes.md write for what they do not know."""
PLACEHOLDERS = NOTHING_SAID | {REMOVED}
"""And what stands in a dead letter for a secret."""
PLACEHOLDER_BODIES = PLACEHOLDERS | {"streaming", "not-streaming"}
IGNORED_IN_NAMES = str.maketrans("", "", "-_ \t")
LONGEST_USUAL = 64
"""Characters of a name whose one spelling is remembered."""
HEADER_SEPARATORS = re.compile(r";;|\r\n|\n| \| ")
TIME_SPAN = re.compile(r"(?:(?P<days>\d{1,4})\.)?(?P<hours>\d{2}):(?P<minutes>\d{2}):(?P<seconds>\d{2}(?:\.\d{1,7})?)")
"""How .NET writes a TimeSpan, which APIM's `context.Elapsed` is: `[d.]hh:mm:ss[.fffffff]`."""
MILLISECONDS_FROM = 10**11
"""A Unix time above this is in milliseconds: in seconds it would be the year 5138."""


def normalised(name: str) -> str:
    """Return a field's name in the one spelling that all its spellings share."""
    return _usual(name) if len(name) <= LONGEST_USUAL else _spelled(name)


def _spelled(name: str) -> str:
    return name.translate(IGNORED_IN_NAMES).lower()


_usual = functools.lru_cache(maxsize=4_096)(_spelled)
"""Every record is asked for the same few hundred names; what a sender makes up only pushes others out for a while."""


def normalised_fields(value: JsonObject) -> dict[str, Json]:
    """Return an object's fields by normalised name. Of several spellings of one name the fullest value counts."""
    spellings: dict[str, list[Json]] = {}
    for name, item in value.items():
        spellings.setdefault(normalised(name), []).append(item)
    return {name: items[0] if len(items) == 1 else max(items, key=_fullness) for name, items in spellings.items()}


def _fullness(value: Json) -> tuple[int, bytes]:
    text = dump_json(value)
    return len(text) if value is not None else 0, text


class Fields:
    """The fields of one object. `cut` says how the object ends where it was cut off."""

    def __init__(self, value: JsonObject, cut: Cut = WHOLE, cut_name: str | None = None) -> None:
        """Take an object as it was parsed or salvaged; a salvaged one's last field is the cut one, or `cut_name`."""
        self.values = normalised_fields(value)
        """The values by normalised name."""
        self.names = frozenset(self.values)
        """The normalised names of all fields."""
        self._cut = cut
        last = normalised(next(reversed(value))) if isinstance(value, dict) and value else ""
        found = last if cut.depth > 1 or (cut.depth == 1 and cut.in_text) else ""
        self.cut_name = found if cut_name is None else cut_name
        """The normalised name of the field whose value was cut, empty where none was."""
        self.placeholder_seen = False

    @property
    def was_cut(self) -> bool:
        """Whether the object's end is missing."""
        return self._cut.depth > 0

    def is_cut(self, *names: str) -> bool:
        """Tell whether the value of one of these fields is the one that was cut."""
        return self.cut_name != "" and self.cut_name in {normalised(name) for name in names}

    def raw(self, *names: str) -> Json:
        """Return the first value that is not null, as it stands."""
        keys = (normalised(name) for name in names)
        return next((self.values[key] for key in keys if self.values.get(key) is not None), None)

    def text(self, *names: str) -> str:
        """Return the first value that is a text (or a whole number, as digits) and says something."""
        for name in names:
            value = self.values.get(normalised(name))
            if self.is_cut(name) or isinstance(value, bool):
                continue
            text = str(value) if isinstance(value, int) else as_text(value)
            if text.strip().lower() in PLACEHOLDERS:
                self.placeholder_seen = True
            elif text.strip():
                return text
        return ""

    def body(self, *names: str) -> Json:
        """Return the first object, list or text with something in it; a text that was cut keeps its beginning."""
        for name in names:
            value = self.values.get(normalised(name))
            if isinstance(value, str) and value.strip().lower() in PLACEHOLDER_BODIES:
                self.placeholder_seen = True
            elif isinstance(value, dict | list | str) and value:
                return value
        return None

    def base64_body(self, *names: str) -> str:
        """Return the first text that base64 hides; of a cut one, what its beginning holds."""
        text = "".join(as_text(self.body(*names)).split())
        whole_groups = text[: len(text) - len(text) % 4]
        try:
            return base64.b64decode(whole_groups, validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            return ""

    def inside(self, *names: str) -> "Fields":
        """Return the fields of the first value that is an object; of none where there is none."""
        for name in names:
            value = self.values.get(normalised(name))
            if isinstance(value, dict):
                return Fields(value, self._cut.inner() if self.is_cut(name) else WHOLE)
        return Fields({})

    def merged(self, name: str) -> "Fields":
        """Return these fields and those of an object among them; the outer ones count where both have a name."""
        inner = self.inside(name)
        cut_name = inner.cut_name if self.is_cut(name) else self.cut_name
        return Fields({**inner.values, **self.values}, self._cut, cut_name)

    def whole(self, *names: str) -> int | None:
        """Return the first whole number, also one in a text."""
        return next((number for name in names if (number := as_whole_number(self._scalar(name))) is not None), None)

    def tokens(self, *names: str) -> int | None:
        """Return the first number of tokens, also one in a text."""
        return next((number for name in names if (number := as_token_count(self._scalar(name))) is not None), None)

    def milliseconds(self, *names: str) -> float | None:
        """Return the first duration in milliseconds: a number of them, or a .NET TimeSpan."""
        for name in names:
            value = self._scalar(name)
            span = TIME_SPAN.fullmatch(as_text(value))
            if span is not None:
                days, hours, minutes = (int(span[part] or 0) for part in ("days", "hours", "minutes"))
                return round((((days * 24 + hours) * 60 + minutes) * 60 + float(span["seconds"])) * 1000, 4)
            number = as_real(value)
            if number is not None and number >= 0:
                return number
        return None

    def truth(self, *names: str) -> bool | None:
        """Return the first truth value, also as the text `true` or `false`."""
        for name in names:
            value = self._scalar(name)
            if isinstance(value, bool):
                return value
            if as_text(value).strip().lower() in ("true", "false"):
                return as_text(value).strip().lower() == "true"
        return None

    def moment(self, *names: str) -> datetime | None:
        """Return the first time that is ISO 8601 or a Unix time: one that is sure."""
        for name in names:
            value = self._scalar(name)
            number = as_real(value)
            if number is not None:
                number = number / 1000 if number > MILLISECONDS_FROM else number
            moment = parse_time(as_text(value)) or from_epoch(number)
            if moment is not None:
                return moment
        return None

    def culture_moments(self, *names: str) -> tuple[datetime, ...]:
        """Return what the first time in a culture's writing may mean, the likeliest first."""
        for name in names:
            moments = parse_culture_time(as_text(self._scalar(name)))
            if moments:
                return moments
        return ()

    def headers(self, *names: str) -> Mapping[str, str]:
        """Return headers by lower-case name: of an object, of a list of `name: value`, or of one text of them."""
        value = self.raw(*names)
        if isinstance(value, dict):
            return header_texts(value)
        lines = HEADER_SEPARATORS.split(value) if isinstance(value, str) else [as_text(line) for line in as_list(value)]
        return header_lines(lines)

    def _scalar(self, name: str) -> Json:
        """Return a field's value unless part of it is missing, when it would mean something else."""
        return None if self.is_cut(name) else self.values.get(normalised(name))


def header_texts(value: Json) -> dict[str, str]:
    """Return the texts of an object by lower-case name; several values of a header joined, others left out."""
    return {name.lower(): text for name, text in texts(value).items()}


def header_lines(lines: list[str]) -> dict[str, str]:
    """Return the headers in lines of `name: value`, by lower-case name."""
    found: dict[str, str] = {}
    for line in lines:
        name, colon, content = line.partition(":")
        if colon and name.strip():
            key = name.strip().lower()
            found[key] = f"{found[key]}, {content.strip()}" if key in found else content.strip()
    return found


def texts(value: Json) -> dict[str, str]:
    """Return the texts of an object by name; a list of texts is joined, other values are left out."""
    found: dict[str, str] = {}
    for name, item in as_object(value).items():
        joined = ", ".join(as_text(part) for part in item) if isinstance(item, list) else item
        if isinstance(joined, str):
            found[name] = joined
    return found
