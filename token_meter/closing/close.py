"""Closing a month: what the store says of it becomes a statement; what it says otherwise later, an adjustment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from token_meter.closing.documents import Basis, Content, Document
from token_meter.closing.folder import Chain, issue, read_chain
from token_meter.closing.lines import KEYS, SUMS, Lines, Reason, difference, lines_of
from token_meter.query_result import Ask, Value, as_bounds, as_literal

Health: TypeAlias = Mapping[str, str | int | None]
"""The row of `TokenHealth()`."""


class MonthNotClosed(Exception):  # noqa: N818 - it says what did not happen
    """The month cannot be closed as it is. The message has one clear line a reason."""


@dataclass(frozen=True, slots=True)
class Month:
    """A month: its first moment and that of the next."""

    start: datetime
    end: datetime

    @property
    def name(self) -> str:
        """Its name, such as `2026-10`."""
        return f"{self.start:%Y-%m}"

    def bounds(self) -> str:
        """Return the month as arguments of a KQL function."""
        return as_bounds(self.start, self.end)


@dataclass(frozen=True, slots=True)
class Closing:
    """What closing came to: the documents of the month, and the files that were written, none where nothing changed."""

    chain: Chain
    files: tuple[Path, ...]


def close_month(ask: Ask, month: Month, as_of: datetime, folder: Path, note: str = "") -> Closing:
    """Issue a month's statement, or an adjustment where the store says something else since; nothing where it does not.

    `note` says why to close although something speaks against it, such as events that were never metered. Raises
    MonthNotClosed where it does and there is no note, FolderUnusable where the documents are not as they were issued,
    QueryError where the store does not answer.
    """
    chain = read_chain(folder, month.name)
    first = not chain.documents
    objections = _weighed(_not_over(month, as_of), note) if first else []
    health = health_of(ask, month)
    objections += _weighed(unmetered(health), note) if first else []
    lines, basis = read_month(ask, month, health)
    objections += _weighed([] if lines else [f"there are no calls in {month.name}"], note) if first else []
    document = next_document(chain, month, as_of, lines, basis, note, objections)
    if document is None:
        return Closing(chain, ())
    content = document.content
    files = issue(folder, content)
    return Closing(Chain(month.name, (*chain.documents, content)), tuple(files))


def _weighed(objections: list[str], note: str) -> list[str]:
    """Return what speaks against closing. Raises MonthNotClosed where it does and there is no note."""
    if objections and not note:
        raise MonthNotClosed("\n".join(objections))
    return objections


def read_month(ask: Ask, month: Month, health: Health) -> tuple[Lines, Basis]:
    """Return what the store says of a month now, and what that rests on."""
    answer = ask(
        f"TokenDays({month.bounds()}) | summarize {', '.join(f'{name} = sum({name})' for name in SUMS)} "
        f"by {', '.join(KEYS)}, AppName, Owner, Currency, PriceBook"
    ).records()
    method = ask("TokenMethod()").records()[0]["Method"]
    book = answer or ask("TokenPrices() | summarize by Currency, PriceBook").records()
    start, end = as_literal(month.start), as_literal(month.end)
    observed = ask(
        f"TokenUsage_CL | where TimeGenerated >= {start} - 2d and CallTime >= {start} and CallTime < {end} "
        f"| summarize Rows = count() by MeterRevision, MeterVersion"
    ).records()
    return lines_of(answer), Basis(
        currency=next(iter(_distinct(book, "Currency")), ""),
        price_books=tuple(_distinct(book, "PriceBook")),
        method=str(method),
        meter_revisions=tuple(sorted({int(str(item["MeterRevision"] or 0)) for item in observed})),
        meter_versions=tuple(_distinct(observed, "MeterVersion")),
        observations=sum(int(str(item["Rows"])) for item in observed),
        health=health,
        applications={
            str(item["AppId"]): {"name": str(item["AppName"]), "owner": str(item["Owner"])} for item in answer
        },
    )


def health_of(ask: Ask, month: Month) -> Health:
    """Return how far the month's numbers can be trusted. A hole at the month's edge is found by a look beyond it."""
    health = ask(f"TokenHealth({month.bounds()})").records()[0]
    holes = ask(
        f"TokenGaps({as_literal(month.start)} - 1d, {as_literal(month.end)} + 1d) "
        f"| where (isnull(NotBefore) or NotBefore < {as_literal(month.end)}) "
        f"and (isnull(NotAfter) or NotAfter >= {as_literal(month.start)}) "
        "| summarize Gaps = count(), MissingEvents = sum(MissingEvents)"
    ).records()
    return {name: _plain(value) for name, value in {**health, **_first(holes)}.items()}


def _first(records: Sequence[dict[str, Value]]) -> dict[str, Value]:
    return {name: value or 0 for name, value in records[0].items()} if records else {}


def _plain(value: Value) -> str | int | None:
    """Return a value whose text is the same wherever its digest is computed: a share as text."""
    return value if value is None or isinstance(value, int | str) else str(value)


def _not_over(month: Month, as_of: datetime) -> list[str]:
    return [f"{month.name} is not over before {month.end:%Y-%m-%d}"] if as_of < month.end else []


def unmetered(health: Health) -> list[str]:
    """Return what speaks against closing a month: what was never metered, or was and is not there."""
    return [text.format(health[name]) for name, text in OBJECTIONS.items() if health.get(name)]


OBJECTIONS = {
    "MissingEvents": "{} events were never metered: kql/queries/events_never_metered.kql says which",
    "UnstoredBatches": "{} batches were accepted and are not all stored: kql/queries/rows_never_stored.kql says which",
    "Unbalanced": "{} batches do not balance, which is a defect to report",
}
"""By the column of `TokenHealth()` that is not 0."""


def next_document(  # noqa: PLR0913, PLR0917 - put together once
    chain: Chain,
    month: Month,
    as_of: datetime,
    lines: Lines,
    basis: Basis,
    note: str,
    objections: Sequence[str],
) -> Document | None:
    """Return the document to be issued, or None where the store says what was stated."""
    last = chain.documents[-1] if chain.documents else None
    if last is not None:
        _check_follows(last, as_of, basis)
        lines = difference(lines, chain.lines)
        if not lines:
            return None
    return Document(
        month=month.name,
        number=len(chain.documents),
        as_of=_text(as_of),
        predecessor=chain.digest,
        basis=basis,
        note=note,
        objections=tuple(objections),
        lines=lines,
        changed_method=_changed_method(last, basis),
    )


def _check_follows(last: Content, as_of: datetime, basis: Basis) -> None:
    """Raise MonthNotClosed where a document cannot follow the last one."""
    if _text(as_of) < last["asOf"]:
        raise MonthNotClosed(f"the last document is of {last['asOf']}, and none can be dated before it")
    if last["currency"] != basis.currency:
        raise MonthNotClosed(f"the last document is in {last['currency']} and the price book in {basis.currency} now")
    if basis.observations < last["observations"]:
        raise MonthNotClosed(
            f"the store has {basis.observations} observations of the month and had {last['observations']} at the last "
            "document: their retention has ended, or it is another store"
        )


def _changed_method(last: Content | None, basis: Basis) -> Reason | None:
    if last is None or last["method"] == basis.method:
        return None
    return Reason.METHOD if last["priceBooks"] == list(basis.price_books) else Reason.PRICES


def _distinct(records: Sequence[dict[str, Value]], name: str) -> list[str]:
    return sorted({str(record[name] or "") for record in records} - {""})


def _text(moment: datetime) -> str:
    return moment.replace(tzinfo=None, microsecond=0).isoformat() + "Z"
