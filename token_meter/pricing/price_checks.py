"""What must hold between the prices of a book: one currency, no price twice, no two at a time, no hole between them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise

from token_meter.pricing.price_rows import Key, PriceRow
from token_meter.pricing.tables import Fault


def check_prices(rows: Sequence[PriceRow]) -> tuple[Fault, ...]:
    """Return what is wrong between the rows of a book, in the order of its rows."""
    faults = [*_currencies(rows)]
    by_key: dict[Key, list[PriceRow]] = defaultdict(list)
    for row in rows:
        for key in row.keys:
            by_key[key].append(row)
    for key, prices in by_key.items():
        faults += _succession(key, prices)
    return tuple(dict.fromkeys(faults))


def check_appended(old: Sequence[PriceRow], new: Sequence[PriceRow], not_before: date | None) -> tuple[Fault, ...]:
    """Return what keeps new rows from being appended to a book.

    A price that a book has never changes and never takes effect earlier than a later one that was already known: what
    was billed by it stays billed by it. `not_before` is the first day that no statement has been issued for.
    """
    latest: dict[Key, PriceRow] = {}
    for row in old:
        for key in row.keys:
            if key not in latest or row.effective_from > latest[key].effective_from:
                latest[key] = row
    faults = []
    for row in new:
        if not_before is not None and row.effective_from < not_before:
            faults.append(Fault(row.place, f"takes effect on {row.effective_from}, before {not_before}"))
        before = next((latest[key] for key in row.keys if key in latest), None)
        if before is not None and row.effective_from <= before.effective_from:
            faults.append(
                Fault(
                    row.place,
                    f"changes what {before.place} priced from {before.effective_from}: a book only grows, so append a "
                    "row with a later effective_from",
                )
            )
    return tuple(faults)


def _currencies(rows: Sequence[PriceRow]) -> Iterable[Fault]:
    for row in rows:
        if row.currency != rows[0].currency:
            yield Fault(
                row.place,
                f"currency {row.currency}, but {rows[0].place} has {rows[0].currency}: a book has one currency",
            )


def _succession(key: Key, prices: Sequence[PriceRow]) -> Iterable[Fault]:
    """Check that the prices of a key follow each other: none at once with another, no day between two without one."""
    ordered = sorted(prices, key=lambda row: row.effective_from)
    where = "" if key.region == "*" else f" in {key.region}"
    for before, after in pairwise(ordered):
        if before.effective_from == after.effective_from:
            yield Fault(after.place, f"prices the same as {before.place}{where}, from the same day")
        elif before.effective_to is not None and before.effective_to > after.effective_from:
            yield Fault(after.place, f"overlaps {before.place}{where}, which ends on {before.effective_to}")
        elif before.effective_to is not None and before.effective_to < after.effective_from:
            yield Fault(
                after.place, f"leaves a gap{where}: {before.place} ends on {before.effective_to}, before this begins"
            )
