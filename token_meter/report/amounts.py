"""Money, shares and counts as text. Everything is computed in whole numbers; nothing here is a binary fraction."""

from collections.abc import Iterable

from token_meter.pricing.money import NANO

NANO_DIGITS = 9
"""Decimal digits of NANO."""
USUAL_DIGITS = 2
OTHER_DIGITS = {"JPY": 0, "KRW": 0, "CLP": 0, "ISK": 0, "VND": 0, "BHD": 3, "JOD": 3, "KWD": 3, "OMR": 3, "TND": 3}
"""Decimal digits of the currencies that do not have two (ISO 4217)."""
MINUS = "\u2212"
NONE = "\u2013"
"""In place of a number where there is none."""
ALL = 1_000
"""Tenths of a percent."""
NARROW = "\u202f"
"""A space that does not break and is no wider than it must be."""


def digits_of(currency: str) -> int:
    """Return how many decimal digits amounts of a currency have."""
    return OTHER_DIGITS.get(currency, USUAL_DIGITS)


def rounded(nano: int, digits: int) -> int:
    """Return an amount in the currency's smallest unit, rounded half away from zero."""
    unit: int = 10 ** (NANO_DIGITS - digits)
    size = (abs(nano) + unit // 2) // unit
    return -size if nano < 0 else size


def money(nano: int, digits: int) -> str:
    """Return an amount as people write it, such as `1,234.50`; one that is too small for that says so."""
    small = rounded(nano, digits)
    if small == 0 and nano != 0:
        least = _fixed(1, digits)
        return f"< {least}" if nano > 0 else f"> {MINUS}{least}"
    return _signed(small, _fixed(abs(small), digits))


def change(nano: int, digits: int) -> str:
    """Return a difference with its sign, such as `+1,234.50`."""
    return f"+{money(nano, digits)}" if rounded(nano, digits) > 0 else money(nano, digits)


def exact(nano: int) -> str:
    """Return an amount to the last digit that it has, and at least two, such as `1,234.518422543`."""
    whole, small = divmod(abs(nano), NANO)
    fraction = f"{small:0{NANO_DIGITS}d}".rstrip("0").ljust(USUAL_DIGITS, "0")
    return _signed(nano, f"{whole:,}.{fraction}")


def plain_decimal(nano: int) -> str:
    """Return an amount to the last digit for programs, such as `1234.518422543`."""
    whole, small = divmod(abs(nano), NANO)
    return f"{'-' if nano < 0 else ''}{whole}.{small:0{NANO_DIGITS}d}"


def share(part: int, whole: int) -> str:
    """Return a part of a whole, such as `12.3 %`; a little is not shown as nothing, nor most as all."""
    if whole <= 0:
        return NONE
    tenths = (2000 * part + whole) // (2 * whole)
    if part > 0 and tenths == 0:
        return f"< 0.1{NARROW}%"
    if part < whole and tenths >= ALL:
        return f"> 99.9{NARROW}%"
    return f"{tenths // 10}.{tenths % 10}{NARROW}%"


def growth(now: int, before: int) -> str:
    """Return by how much something grew, such as `+12.3 %`; there is none where it grew from nothing."""
    if before <= 0:
        return "new" if now > 0 else NONE
    difference = now - before
    tenths = (2000 * abs(difference) + before) // (2 * before)
    if tenths == 0:
        return f"0.0{NARROW}%" if difference == 0 else f"{'+' if difference > 0 else MINUS}< 0.1{NARROW}%"
    return f"{'+' if difference > 0 else MINUS}{tenths // 10:,}.{tenths % 10}{NARROW}%"


def count(number: int | None) -> str:
    """Return a number with its thousands apart; nothing known is a dash."""
    return NONE if number is None else _signed(number, f"{abs(number):,}")


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun, such as `1 call` or `2 calls`."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def rounding_gap(parts: Iterable[int], total: int, digits: int) -> int:
    """Return by how many of the currency's smallest units amounts as they are shown miss their total as it is shown."""
    return sum(rounded(part, digits) for part in parts) - rounded(total, digits)


def _fixed(small: int, digits: int) -> str:
    if digits == 0:
        return f"{small:,}"
    whole, fraction = divmod(small, 10**digits)
    return f"{whole:,}.{fraction:0{digits}d}"


def _signed(number: int, size: str) -> str:
    return f"{MINUS}{size}" if number < 0 else size
