"""Money as whole numbers: Kusto's decimals do not run on every engine, and binary fractions are no money.

A price is in micro-units of its currency a million tokens (or a PTU hour), a cost in nano-units. The cost of a part
of a call is tokens times price, rounded half up once; every sum after that is of whole numbers.
"""

from decimal import Decimal, InvalidOperation, localcontext

from token_meter.pricing.terms import Unit

MICRO = 1_000_000
NANO = 1_000_000_000
LARGEST_TOKENS = 1_000_000_000
"""A call with more of any kind has no plausible number: the largest contexts are ten million tokens."""
LARGEST_TOKEN_PRICE = 1_000_000_000_000
"""In micro-units a million tokens: one unit of the currency a token. LARGEST_TOKENS of them cost 10**18 nano-units,
so the parts of a call, at most twice that, stay below the 2**63 at which a long ends."""
LARGEST_PTU_PRICE = 10_000_000_000
"""In micro-units a PTU and hour; LARGEST_PTUS of them cost 10**18 nano-units an hour."""
LARGEST_PTUS = 100_000
LARGEST_BUDGET = 9_000_000_000
"""In units of the currency; in nano-units it still fits a long, as do sums of costs up to it."""
LONGEST_NUMBER = 40
PRECISION = 60

PER_UNIT: dict[Unit, int] = {Unit.THOUSAND_TOKENS: 1_000 * MICRO}
"""Micro-units in a price of 1 of the unit; a million where not named here."""


class NotMoney(ValueError):  # noqa: N818 - it says what is wrong with a text
    """A text is no amount of money that can be held. The message says why."""


def decimal_of(text: str) -> Decimal:
    """Return an amount, written plainly with a point. Raises NotMoney for anything else, and where it is negative."""
    plain = text.strip()
    if not plain or len(plain) > LONGEST_NUMBER or not plain.isascii() or set(plain) - set("0123456789.-"):
        raise NotMoney(f"{text!r} is no amount")
    try:
        amount = Decimal(plain)
    except InvalidOperation as fault:
        raise NotMoney(f"{text!r} is no amount") from fault
    if amount.is_signed():
        raise NotMoney(f"{text!r} is negative")
    return amount


def scaled(amount: Decimal, factor: int, largest: int) -> int:
    """Return an amount in whole small units. Raises NotMoney where it is finer or larger than they can hold."""
    with localcontext(prec=PRECISION):
        small = amount * factor
        if small != small.to_integral_value():
            raise NotMoney(f"{amount} is finer than a millionth of the currency's unit")
    if small > largest:
        raise NotMoney(f"{amount} is larger than any price this meter can compute with")
    return int(small)


def micro_price(amount: Decimal, unit: Unit) -> int:
    """Return a price in micro-units: a million tokens, a PTU hour, or whatever 1 of the unit is.

    Raises NotMoney where it is finer or larger than that.
    """
    largest = LARGEST_PTU_PRICE if unit is Unit.PTU_HOUR else LARGEST_TOKEN_PRICE
    return scaled(amount, PER_UNIT.get(unit, MICRO), largest)
