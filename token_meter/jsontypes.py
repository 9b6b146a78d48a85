"""The JSON values that records are made of, and the only ways this package reads them.

Everything here comes from the wire: each reader answers with a value of the asked type or with nothing, never with an
exception and never with a value bent into shape.
"""

import re
from collections.abc import Mapping
from typing import TypeAlias

import orjson

Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
JsonObject: TypeAlias = Mapping[str, Json]

# Half of a surrogate pair: as an escape without its other half, or raw in a text.
LONE_SURROGATE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    "|[\ud800-\udfff]"
)

# Token counts above this are not counts: Kusto's long ends at 2**63 - 1 and no model reads a trillion tokens.
LARGEST_TOKEN_COUNT = 10**12
LONGEST_NUMBER = 20


def parse_json(text: str | bytes) -> Json:
    """Return the JSON value of `text`, or None where it is not JSON (or is `null`).

    Bytes that are no UTF-8 and halves of surrogate pairs, which a cut leaves behind, become U+FFFD.
    """
    try:
        value: Json = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _parse_mended(text)
    return value


def _parse_mended(text: str | bytes) -> Json:
    """Parse text that is JSON but for characters that are none."""
    escapes = b"\\u" in text if isinstance(text, bytes) else "\\u" in text
    if text.isascii() and not escapes:
        return None
    mended = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    damaged = "\ufffd" in mended or LONE_SURROGATE.search(mended) is not None
    if not damaged:
        return None
    try:
        value: Json = orjson.loads(LONE_SURROGATE.sub(lambda _: "\\ufffd", mended).encode("utf-8", "replace"))
    except orjson.JSONDecodeError:
        return None
    return value


def as_object(value: Json | JsonObject) -> JsonObject:
    """Return `value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Json) -> list[Json]:
    """Return `value` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: Json) -> str:
    """Return `value` if it is a string, else the empty string."""
    return value if isinstance(value, str) else ""


def as_whole_number(value: Json) -> int | None:
    """Return `value` as a whole number if it is one (also as digits in a string or as 3.0), else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str) and len(value) <= LONGEST_NUMBER and value.strip().lstrip("-").isdecimal():
        try:
            return int(value)
        except ValueError:
            return None
    return None


def as_token_count(value: Json) -> int | None:
    """Return `value` as a number of tokens: a whole number from 0 to a trillion, else None."""
    number = as_whole_number(value)
    return number if number is not None and 0 <= number <= LARGEST_TOKEN_COUNT else None


def as_real(value: Json) -> float | None:
    """Return `value` as a finite real number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if number - number == 0 else None


def dump_json(value: object) -> bytes:
    """Return `value` as compact JSON bytes; datetimes as ISO 8601 with `Z`.

    Raises orjson.JSONEncodeError for values that JSON does not have, which is a defect of this package.
    """
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)
