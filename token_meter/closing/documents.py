"""A statement or an adjustment as a file: canonical JSON with a digest, and the same lines as CSV."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from operator import attrgetter
from typing import Any, TypeAlias

from token_meter.closing.lines import KEYS, SUMS, Key, Lines, Reason, Sums, grouped, lines_of, reasons, total
from token_meter.harmless_texts import disarmed
from token_meter.pricing.terms import UNCOSTED
from token_meter.report.amounts import plain_decimal

FORMAT = 1
LARGEST = 200_000_000
"""Bytes of a document that is read; a line has 700."""
AMOUNTS = ("CostNano", "LowNano", "EstimatedNano", "ListNano")
COUNTS = tuple(name for name in SUMS if name not in AMOUNTS)
PARTS: Mapping[str, Callable[[Key], str]] = {
    "costCentre": attrgetter("cost_centre"),
    "app": attrgetter("app_id"),
    "deployment": attrgetter("deployment"),
    "model": attrgetter("model"),
    "priceStatus": attrgetter("price_status"),
}
Content: TypeAlias = dict[str, Any]


class NoDocument(Exception):  # noqa: N818 - it says what a file is not
    """A file is no document of this kind, or not as it was issued. The message says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What the numbers of a document rest on, as it was when the document was made."""

    currency: str
    price_books: tuple[str, ...]
    method: str
    meter_revisions: tuple[int, ...]
    meter_versions: tuple[str, ...]
    observations: int
    """Stored observations of the month, of which a store that only grows never has fewer."""
    health: Mapping[str, str | int | None]
    applications: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A statement (number 0) or one of its adjustments, whose lines are differences."""

    month: str
    number: int
    as_of: str
    predecessor: str
    basis: Basis
    note: str
    objections: tuple[str, ...]
    """What spoke against closing, where it was closed anyway."""
    lines: Lines
    changed_method: Reason | None = None

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return name_of(self.month, self.number)

    @property
    def content(self) -> Content:
        """Everything that the document says, its digest last."""
        why = reasons(self.lines, self.changed_method) if self.number else {}
        content: Content = {
            "document": "adjustment" if self.number else "statement",
            "format": FORMAT,
            "month": self.month,
            "number": self.number,
            "asOf": self.as_of,
            "predecessor": self.predecessor,
            "note": self.note,
            "objections": list(self.objections),
            **_basis_content(self.basis),
            "lines": [_line_content(key, sums, why.get(key, ())) for key, sums in sorted(self.lines.items())],
            **_sums_content(self.lines),
        }
        return {**content, "digest": digest_of(content)}


def name_of(month: str, number: int) -> str:
    """Return the name, without its ending, of a month's statement (0) or adjustment."""
    return f"adjustment-{month}-{number:03}" if number else f"statement-{month}"


def digest_of(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a document's canonical form: its digest left out, keys sorted, no spaces, UTF-8."""
    told = {name: value for name, value in content.items() if name != "digest"}
    canonical = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


def json_of(content: Content) -> bytes:
    """Return the file of a document."""
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def read_document(text: bytes, month: str, number: int) -> Content:
    """Return what a document says. Raises NoDocument where it is not what was issued under that name."""
    try:
        content = json.loads(text) if len(text) <= LARGEST else None
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise NoDocument("is no JSON object")
    if content.get("format") != FORMAT:
        raise NoDocument(f"has no format that this version reads ({FORMAT})")
    if content.get("digest") != _digest(content):
        raise NoDocument("does not have the digest that it states: it was changed after it was issued")
    kind = "adjustment" if number else "statement"
    if (content.get("document"), content.get("month"), content.get("number")) != (kind, month, number):
        raise NoDocument(f"is not the {kind} {number} of {month}" if number else f"is not the statement of {month}")
    try:
        sums = _sums_content(stated_lines(content))
        held = {name: content[name] for name in sums}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise NoDocument("lacks lines or totals") from None
    if held != sums:
        raise NoDocument("states totals that its lines do not come to")
    if json_of(content) != text:
        raise NoDocument("is not written as it was issued")
    return content


def _digest(content: Content) -> str:
    try:
        return digest_of(content)
    except (ValueError, RecursionError):
        return ""


def stated_lines(content: Content) -> Lines:
    """Return the lines of a document. Raises KeyError, TypeError or ValueError where it has none."""
    return lines_of(content["lines"])


def csv_of(content: Content) -> str:
    """Return a document's lines for a spreadsheet: amounts in units of the currency, exact; no cell is a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    amounts = [name.removesuffix("Nano") for name in AMOUNTS]
    writer.writerow(["Month", *KEYS, "AppName", "Owner", *COUNTS, *amounts, "Currency", "Reasons", "Document"])
    for line in content["lines"]:
        app = content["applications"].get(line["AppId"], {"name": "", "owner": ""})
        texts = [content["month"], *(line[name] for name in KEYS), app["name"], app["owner"]]
        numbers = [*(line[name] for name in COUNTS), *(shown_units(line[name]) for name in AMOUNTS)]
        ends = [content["currency"], " ".join(line["reasons"]), content["digest"]]
        writer.writerow([*map(disarmed, texts), *numbers, *map(disarmed, ends)])
    return text.getvalue()


def shown_units(nano: int | None) -> str:
    """Return an amount in units of its currency, to the last digit; nothing where it is not known."""
    return "" if nano is None else plain_decimal(nano)


def _basis_content(basis: Basis) -> Content:
    return {
        "currency": basis.currency,
        "priceBooks": list(basis.price_books),
        "method": basis.method,
        "meterRevisions": list(basis.meter_revisions),
        "meterVersions": list(basis.meter_versions),
        "observations": basis.observations,
        "health": dict(basis.health),
        "applications": {app: dict(names) for app, names in sorted(basis.applications.items())},
    }


def _line_content(key: Key, sums: Sums, why: tuple[Reason, ...]) -> Content:
    texts = dict(zip(KEYS, astuple(key), strict=True))
    amounts: dict[str, int | None] = dict(zip(SUMS, sums, strict=True))
    if key.price_status in UNCOSTED and not amounts["CostNano"]:
        amounts["CostNano"] = None
    return {**texts, **amounts, "reasons": [reason.value for reason in why]}


def _sums_content(lines: Lines) -> Content:
    """Return the totals, over all and by what people ask by; a line without a price stays apart in `priceStatus`."""
    by = {
        name: {value: dict(zip(SUMS, sums, strict=True)) for value, sums in grouped(lines, part).items()}
        for name, part in PARTS.items()
    }
    return {"totals": dict(zip(SUMS, total(lines), strict=True)), "by": by}
