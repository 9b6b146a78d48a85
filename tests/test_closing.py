"""Statements and adjustments: they add up, they are found when they were tampered with, they say why."""

import csv
import io
import json
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from token_meter.closing.close import Month, MonthNotClosed, next_document, unmetered
from token_meter.closing.documents import Basis, Content, csv_of, digest_of, json_of
from token_meter.closing.folder import FolderUnusable, check_folder, issue, read_chain
from token_meter.closing.lines import SUMS, Key, Lines, Sums, reasons

MONTH = Month(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
BASIS = Basis(
    currency="USD",
    price_books=("2026-11-25 f90ad97850a1",),
    method="m1",
    meter_revisions=(1,),
    meter_versions=("0.1.0",),
    observations=10,
    health={"Calls": 3, "EstimatedShare": "0.1", "LagSeconds": None},
    applications={"a": {"name": "=cmd()", "owner": ""}},
)


def key(app_id: str = "a", cost_centre: str = "CC-1", status: str = "priced", **other: str) -> Key:
    """Return what a line is told apart by."""
    usual = {"product": "p", "deployment": "d", "model": "m", "deployment_type": "Global", "tier": "standard"}
    return Key(app_id=app_id, cost_centre=cost_centre, price_status=status, **{**usual, **other})


def sums(**values: int) -> Sums:
    """Return a line's sums; what is not named is 0."""
    return tuple(values.get(name, 0) for name in SUMS)


def basis(**changed: Any) -> Basis:
    """Return what a document's numbers rest on."""
    names = {name: getattr(BASIS, name) for name in BASIS.__slots__}
    return Basis(**{**names, **changed})


def closed(folder: Path, *states: Lines, on: Sequence[Basis] = ()) -> list[Content]:
    """Close a month as often as there are states, a day apart, and return what was issued."""
    for number, lines in enumerate(states):
        chain = read_chain(folder, MONTH.name)
        as_of = MONTH.end + timedelta(days=1 + len(chain.documents))
        document = next_document(chain, MONTH, as_of, lines, on[number] if on else BASIS, "", [])
        if document is not None:
            issue(folder, document.content)
    return list(read_chain(folder, MONTH.name).documents)


keys = st.builds(
    key,
    app_id=st.sampled_from("ab"),
    cost_centre=st.sampled_from(["CC-1", "CC-2"]),
    status=st.sampled_from(["priced", "unpriced", "not_charged"]),
)
values = st.tuples(*(st.integers(-5, 2**70) for _ in SUMS))
states_of_a_month = st.dictionaries(keys, values, max_size=5).map(
    lambda lines: {one: sums for one, sums in lines.items() if any(sums)}
)


@settings(max_examples=60)
@given(st.lists(states_of_a_month, min_size=1, max_size=5))
def test_a_statement_and_its_adjustments_come_to_what_the_store_says(states: list[Lines]) -> None:
    """Line by line, after every close, whatever arrived between them; and all earlier documents stay as they were."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        before: dict[str, bytes] = {}
        for lines in states:
            closed(folder, lines)
            assert lines == read_chain(folder, MONTH.name).lines
            now = {path.name: path.read_bytes() for path in folder.iterdir()}
            assert before.items() <= now.items()
            before = now
        (chain,) = check_folder(folder)
        assert states[-1] == chain.lines


STATED: Lines = {
    key("a"): sums(Calls=5, TotalTokens=90, CostNano=7),
    key("b"): sums(Calls=2, TotalTokens=9, CostNano=3),
}
LATER: Lines = {**STATED, key("a"): sums(Calls=6, TotalTokens=99, CostNano=8)}
STILL_LATER: Lines = {**LATER, key("b"): sums(Calls=2, TotalTokens=11, CostNano=4)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a statement and two adjustments."""
    closed(tmp_path, STATED, LATER, STILL_LATER)
    return tmp_path


def test_the_same_content_is_the_same_file(tmp_path: Path, folder: Path) -> None:
    """Byte for byte."""
    again = tmp_path / "again"
    closed(again, STATED, LATER, STILL_LATER)
    names = sorted(path.name for path in again.iterdir())

    assert 6 == len(names)
    assert [(folder / name).read_bytes() for name in names] == [(again / name).read_bytes() for name in names]


def test_nothing_new_is_no_adjustment(folder: Path) -> None:
    """An empty one would only ask for an explanation."""
    assert 3 == len(closed(folder, STILL_LATER))


def test_each_document_names_the_one_before_it(folder: Path) -> None:
    """So the last digest vouches for all of them."""
    documents = read_chain(folder, MONTH.name).documents

    assert ["", *(document["digest"] for document in documents[:-1])] == [item["predecessor"] for item in documents]


def test_a_document_is_never_written_over(folder: Path) -> None:
    """Not even with the same content."""
    (statement, *_) = read_chain(folder, MONTH.name).documents

    with pytest.raises(FolderUnusable, match="never changes"):
        issue(folder, statement)


@settings(max_examples=80)
@given(st.randoms(use_true_random=False))
def test_any_changed_byte_is_found(chance: random.Random) -> None:
    """In every document and every sheet."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        closed(folder, STATED, LATER)
        path = chance.choice(sorted(folder.iterdir()))
        content = bytearray(path.read_bytes())
        place = chance.randrange(len(content))
        content[place] ^= chance.randrange(1, 256)
        path.write_bytes(content)

        with pytest.raises(FolderUnusable, match=path.stem):
            check_folder(folder)


def forged(content: Content) -> Content:
    """Return a document with a line that costs less, and everything that can be computed anew."""
    told = json.loads(json.dumps(content))
    told["lines"][0]["CostNano"] -= 1
    return {**told, "digest": digest_of(told)}


def remove(folder: Path, name: str) -> None:
    """Remove a document and its sheet."""
    for ending in ("json", "csv"):
        (folder / f"{name}.{ending}").unlink()


def put(folder: Path, name: str, content: Content) -> None:
    """Put a document and its sheet in the place of the issued ones."""
    (folder / f"{name}.json").write_bytes(json_of(content))
    (folder / f"{name}.csv").write_bytes(csv_of(content).encode())


def forge_totals(folder: Path) -> None:
    """Change a line and the digest, and forget the totals."""
    put(folder, "statement-2026-10", forged(read_chain(folder, MONTH.name).documents[0]))


def forge_all(folder: Path) -> None:
    """Issue another statement in the place of the first, right in itself."""
    with TemporaryDirectory() as other:
        (statement,) = closed(Path(other), LATER)
    put(folder, "statement-2026-10", statement)


def swap(folder: Path) -> None:
    """Give the second adjustment the name of the first."""
    for ending in ("json", "csv"):
        (folder / f"adjustment-2026-10-002.{ending}").rename(folder / f"adjustment-2026-10-001.{ending}")


def deep(folder: Path) -> None:
    """Put something in a document's place that is made to exhaust its reader."""
    (folder / "statement-2026-10.json").write_bytes(b"[" * 100_000)


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        (forge_totals, "totals that its lines do not come to"),
        (forge_all, "adjustment-2026-10-001.json does not name the digest"),
        (swap, "is not the adjustment 1"),
        (deep, "statement-2026-10.json is no JSON object"),
        (lambda folder: remove(folder, "statement-2026-10"), "the document before it is missing"),
        (lambda folder: remove(folder, "adjustment-2026-10-001"), "adjustment-2026-10-002: the document before it"),
        (lambda folder: (folder / "statement-2026-10.csv").unlink(), "has a CSV beside it"),
        (lambda folder: (folder / "adjustment-2026-10-007.csv").write_text("x"), "the document before it is missing"),
    ],
)
def test_tampering_is_found(folder: Path, tamper: Callable[[Path], None], found: str) -> None:
    """Also where the digest was computed anew, since the next document names the old one."""
    tamper(folder)

    with pytest.raises(FolderUnusable, match=found):
        check_folder(folder)


def test_a_damaged_month_is_not_adjusted(folder: Path) -> None:
    """The adjustment would vouch for the damage."""
    forge_totals(folder)

    with pytest.raises(FolderUnusable, match="totals"):
        closed(folder, STATED)


def why(changes: Lines, **how: Any) -> dict[Key, tuple[str, ...]]:
    """Return the reasons of changes as plain words."""
    return {one: tuple(map(str, found)) for one, found in reasons(changes, how.get("method")).items()}


@pytest.mark.parametrize(
    ("changes", "method", "expected"),
    [
        ({key(): sums(Calls=1, TotalTokens=9, CostNano=1)}, None, ("late_calls",)),
        ({key(): sums(TotalTokens=9, CostNano=1)}, None, ("revised_records",)),
        ({key(): sums(CostNano=1)}, "prices", ("prices",)),
        ({key(status="unpriced"): sums(Calls=-2), key(): sums(Calls=2, CostNano=5)}, "prices", ("prices",)),
        ({key(): sums(Calls=1, CostNano=1)}, "prices", ("late_calls", "prices")),
        ({key(deployment_type="PTU", status="allocated"): sums(CostNano=-4)}, None, ("shared_capacity",)),
        (
            {key(cost_centre="CC-1"): sums(Calls=-2, CostNano=-5), key(cost_centre="CC-2"): sums(Calls=2, CostNano=5)},
            "prices",
            ("reassigned",),
        ),
        ({key(model="m"): sums(Calls=-1, CostNano=-1), key(model="n"): sums(Calls=1)}, None, ("revised_records",)),
    ],
)
def test_a_difference_says_why(changes: Lines, method: str | None, expected: tuple[str, ...]) -> None:
    """As far as sums can tell; both where they cannot."""
    assert dict.fromkeys(changes, expected) == why(changes, method=method)


def test_what_happened_to_one_application_is_no_reason_for_another() -> None:
    """Nor is one deployment's for another."""
    late, revised = key("a"), key("b")

    assert {late: ("late_calls",), revised: ("revised_records",)} == why(
        {late: sums(Calls=1), revised: sums(TotalTokens=1)}
    )


def test_a_change_of_the_book_is_told_from_one_of_the_arithmetic(tmp_path: Path) -> None:
    """By the versions that the two documents name."""
    dearer = {**STATED, key("a"): sums(Calls=5, TotalTokens=90, CostNano=9)}
    dearest = {**STATED, key("a"): sums(Calls=5, TotalTokens=90, CostNano=11)}
    on = [BASIS, basis(method="m2", price_books=("2026-12-01 0",)), basis(method="m3", price_books=("2026-12-01 0",))]
    _, first, second = closed(tmp_path, STATED, dearer, dearest, on=on)

    assert [["prices"]] == [line["reasons"] for line in first["lines"]]
    assert [["method"]] == [line["reasons"] for line in second["lines"]]


def test_a_cost_that_nobody_knows_is_no_zero(tmp_path: Path) -> None:
    """What is not charged costs nothing, and what has no price costs nobody knows what."""
    lines = {key(status=status): sums(Calls=1) for status in ("unpriced", "total_only", "not_charged")}
    (statement,) = closed(tmp_path, lines)

    assert {"unpriced": None, "total_only": None, "not_charged": 0} == {
        line["PriceStatus"]: line["CostNano"] for line in statement["lines"]
    }
    assert {"unpriced": 1, "total_only": 1, "not_charged": 1} == {
        status: of["Calls"] for status, of in statement["by"]["priceStatus"].items()
    }


def test_the_sheet_has_exact_amounts_and_no_formula(tmp_path: Path) -> None:
    """Whatever an application calls itself."""
    lines = {key("a", cost_centre="@SUM(A1)"): sums(Calls=1, CostNano=12_345_678_901_234_567_890)}
    (statement,) = closed(tmp_path, lines)
    (row,) = csv.DictReader(io.StringIO((tmp_path / "statement-2026-10.csv").read_text(encoding="utf-8")))

    assert ("12345678901.234567890", "'=cmd()", "'@SUM(A1)") == (row["Cost"], row["AppName"], row["CostCentre"])
    assert statement["digest"] == row["Document"]


def test_totals_are_given_by_what_people_ask_by(folder: Path) -> None:
    """Cost centre, application, deployment, model."""
    statement = read_chain(folder, MONTH.name).documents[0]

    assert {"a": 7, "b": 3} == {app: of["CostNano"] for app, of in statement["by"]["app"].items()}
    assert {"CC-1": 10} == {centre: of["CostNano"] for centre, of in statement["by"]["costCentre"].items()}
    assert {"costCentre", "app", "deployment", "model", "priceStatus"} == set(statement["by"])


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        ({"MissingEvents": 4}, ["4 events were never metered"]),
        ({"UnstoredBatches": 1}, ["1 batches were accepted and are not all stored"]),
        ({"Unbalanced": 2}, ["2 batches do not balance"]),
        ({"Rejected": 3, "Gaps": 0}, []),
    ],
)
def test_what_was_never_metered_speaks_against_closing(health: dict[str, int], expected: list[str]) -> None:
    """Rejected records do not: they are kept, and metered later they are an adjustment."""
    found = unmetered(health)

    assert expected == [text.split(":")[0].split(", which")[0] for text in found]


@pytest.mark.parametrize(
    ("changed", "as_of", "found"),
    [
        ({"observations": 9}, MONTH.end + timedelta(days=9), "retention has ended, or it is another store"),
        ({"currency": "EUR"}, MONTH.end + timedelta(days=9), "in USD and the price book in EUR"),
        ({}, MONTH.end, "none can be dated before it"),
    ],
)
def test_what_cannot_follow_is_refused(folder: Path, changed: dict[str, Any], as_of: datetime, found: str) -> None:
    """An adjustment out of another store would take a month's bill back."""
    with pytest.raises(MonthNotClosed, match=found):
        next_document(read_chain(folder, MONTH.name), MONTH, as_of, STATED, basis(**changed), "", [])
