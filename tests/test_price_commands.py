"""`token-meter prices check` and `import` as a user runs them: a process, files, its output, its exit status."""

import csv
import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.price_books import GOOD, priced_by, write_prices
from tests.test_command_line import token_meter
from token_meter import kql
from token_meter.kql import run_query
from token_meter.pricing import functions_of, usable_book, write_functions
from token_meter.pricing.book import APPLICATIONS_FILE, CONTRACT_FILE, LIST_FILE
from token_meter.pricing.kusto import LARGEST_FUNCTION
from token_meter.pricing.price_rows import COLUMNS, read_price_file
from token_meter.sinks.duckdb_store import DuckDbStore

SHIPPED = Path(__file__).parent.parent / "prices"
IN = ("--prices", "book", "--functions", "functions")
LIST = {"basis": "list", "source": "a public list"}
HOSTILE = (
    "=cmd|' /C calc'!A0",
    "'); TokenUsage_CL | take 1 //",
    "[bold red]not markup[/]",
    "\\\\' \\",
    "Prüfung, “quoted”",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a book of one public price and the functions that it gives."""
    (tmp_path / "book").mkdir()
    (tmp_path / "functions").mkdir()
    write_prices(tmp_path / "book" / LIST_FILE, LIST)
    write_functions(usable_book(tmp_path / "book"), tmp_path / "functions")
    return tmp_path


def prices(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command on the folder's book."""
    return token_meter("prices", *arguments, *IN, folder=folder)


def refused(done: subprocess.CompletedProcess[str], *told: str) -> None:
    """Check that a command refused in one line a fault, each with a text of `told`, and that nothing broke."""
    lines = done.stderr.strip().splitlines()

    assert (2, "", len(told)) == (done.returncode, done.stdout, len(lines)), done.stderr
    for line, text in zip(lines, told, strict=True):
        assert text in line
    assert "Traceback" not in done.stderr


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of the book and the functions."""
    found = [*(folder / "book").iterdir(), *(folder / "functions").iterdir()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def written(path: Path) -> list[dict[str, str]]:
    """Return the rows of a price file, read as plain CSV."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def generated(folder: Path) -> dict[str, str]:
    """Return the functions that are there, as they should be generated; `TokenMethod` is a digest of them and more."""
    there = {path.stem: path.read_text(encoding="utf-8") for path in (folder / "functions").iterdir()}
    assert functions_of(usable_book(folder / "book")) == {
        name: text for name, text in there.items() if name != "TokenMethod"
    }
    return there


def test_the_shipped_book_passes() -> None:
    """With as many prices as the file has lines, in its currency."""
    repository = SHIPPED.parent
    done = token_meter("prices", "check", folder=repository)

    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.startswith(f"{len(written(SHIPPED / LIST_FILE))} prices in USD, book ")


def test_a_file_is_checked_against_the_book_and_nothing_is_written(folder: Path) -> None:
    """It says how many of its prices are new."""
    before = contents(folder)
    write_prices(folder / "more.csv", LIST, {}, {"meter": "completion"})

    done = prices(folder, "check", "more.csv")

    assert (0, "2 new prices, 1 known ones\n") == (done.returncode, done.stdout)
    assert before == contents(folder)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"effective_to": "2026-06-01"}, {"effective_from": "2026-05-01"}], ["more.csv:3: overlaps"]),
        ([{"effective_to": "2026-06-01"}, {"effective_from": "2026-07-01"}], ["more.csv:3: leaves a gap"]),
        ([{"price": "-0.01"}], ["more.csv:2: price '-0.01' is negative"]),
        ([{"unit": "1 token"}], ["more.csv:2: unit '1 token' is none of"]),
        ([{}, {}], ["more.csv:3: prices the same as"]),
        ([{**LIST, "price": "9"}], ["more.csv:2: changes what"]),
        ([{"currency": "EUR"}], ["more.csv:2: currency EUR, but"]),
        ([{"price": "one"}, {"tier": "slow"}], ["more.csv:2: price 'one' is no amount", "more.csv:3: tier 'slow'"]),
    ],
)
@pytest.mark.parametrize("command", ["check", "import"])
def test_a_fault_is_a_line_that_names_its_place_and_nothing_is_written(
    folder: Path, command: str, rows: list[Mapping[str, str]], told: list[str]
) -> None:
    """Status 2, for one fault as for several."""
    before = contents(folder)
    write_prices(folder / "more.csv", *rows)

    refused(prices(folder, command, "more.csv"), *told)

    assert before == contents(folder)


def test_import_appends_what_is_new_and_writes_the_functions_as_the_book_says(folder: Path) -> None:
    """Doing it again changes no byte; the book then passes the check."""
    write_prices(folder / "mine.csv", {"price": "1.75"}, {"meter": "completion", "price": "7"})

    done = prices(folder, "import", "mine.csv")

    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.startswith("2 prices appended, 0 known ones, book ")
    assert "1750000, -1, -1, 7000000" in generated(folder)["TokenPrices"]
    before = contents(folder)
    again = prices(folder, "import", "mine.csv")
    assert again.stdout.startswith("0 prices appended, 2 known ones, book ")
    assert before == contents(folder)
    assert 0 == prices(folder, "check").returncode


def test_import_appends_to_the_customer_s_own_prices_and_leaves_the_shipped_ones(folder: Path) -> None:
    """A file without a last line end gets one first."""
    shipped = (folder / "book" / LIST_FILE).read_bytes()
    contract = write_prices(folder / "book" / CONTRACT_FILE, {})
    contract.write_text(contract.read_text().rstrip("\n"))
    write_prices(folder / "later.csv", {"effective_from": "2026-05-01", "price": "2"})

    assert 0 == prices(folder, "import", "later.csv").returncode

    assert shipped == (folder / "book" / LIST_FILE).read_bytes()
    assert ["2.50", "2"] == [row["price"] for row in written(contract)]


def test_a_file_as_spreadsheets_write_it_is_the_same_file(folder: Path) -> None:
    """With a byte order mark, carriage returns, empty lines, quotes and blanks around cells."""
    plain = write_prices(folder / "plain.csv", {"price": "1.75"})
    text = plain.read_text(encoding="utf-8").replace(",1.75,", ',"1.75",').replace(",Global,", ", Global ,")
    text = text.replace("\n", "\r\n") + "\r\n,,,,,,,,,,,,,,\r\n"
    (folder / "excel.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())

    assert prices(folder, "import", "excel.csv").stdout.startswith("1 prices appended, 0 known ones")
    assert prices(folder, "import", "plain.csv").stdout.startswith("0 prices appended, 1 known ones")
    assert b"\r" not in (folder / "book" / CONTRACT_FILE).read_bytes()


@pytest.mark.parametrize("column", ["model", "version", "region", "currency", "meter", "effective_from"])
@pytest.mark.parametrize("cell", HOSTILE)
def test_a_cell_that_is_no_name_is_refused_and_shown_as_text(tmp_path: Path, column: str, cell: str) -> None:
    """It never reaches the functions, nor a terminal as anything else than text."""
    with (tmp_path / "hostile.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerow({**GOOD, column: cell})

    faults = [str(fault) for fault in read_price_file(tmp_path / "hostile.csv").faults]

    assert any(f"hostile.csv:2: {column} " in fault for fault in faults)
    assert not [fault for fault in faults if not fault.isprintable()]


def test_a_source_may_be_any_text_and_does_nothing(folder: Path) -> None:
    """It is kept as it is in the book, and is in no function."""
    rows = [{**GOOD, "model": f"m{place}", "source": cell} for place, cell in enumerate(HOSTILE)]
    with (folder / "sources.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)

    assert 0 == prices(folder, "import", "sources.csv").returncode

    assert list(HOSTILE) == [row["source"] for row in written(folder / "book" / CONTRACT_FILE)]
    assert not [cell for cell in HOSTILE if cell in generated(folder)["TokenPrices"]]


def test_a_name_of_an_application_reaches_an_answer_as_it_is(tmp_path: Path) -> None:
    """Whatever quotes, backslashes and braces it has: a name is text, also in KQL."""
    with priced_by(tmp_path, [{}]):
        with (tmp_path / APPLICATIONS_FILE).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("app_id", "name", "owner", "cost_centre", "monthly_budget"))
            writer.writerows((f"a{place}", cell, cell, cell, "1.5") for place, cell in enumerate(HOSTILE))
        for name, text in functions_of(usable_book(tmp_path)).items():
            (tmp_path / "functions" / f"{name}.kql").write_text(text, encoding="utf-8")
        kql.shipped_functions.cache_clear()

        with DuckDbStore(":memory:") as store:
            answer = json.loads(run_query(store, "TokenApps() | sort by AppId asc").as_json())

    assert [(cell, cell, cell, 1_500_000_000) for cell in HOSTILE] == [
        (row["AppName"], row["Owner"], row["CostCentre"], row["BudgetNano"]) for row in answer
    ]


def test_prices_before_the_first_day_that_is_not_billed_are_refused(folder: Path) -> None:
    """By both commands."""
    write_prices(folder / "mine.csv", {"effective_from": "2026-10-31"}, {"model": "y", "effective_from": "2026-11-01"})

    for command in ("check", "import"):
        refused(
            prices(folder, command, "mine.csv", "--not-before", "2026-11-01"),
            "mine.csv:2: takes effect on 2026-10-31, before 2026-11-01",
        )


def test_a_book_that_would_be_too_large_for_a_function_is_refused_before_it_is_one(folder: Path) -> None:
    """With what to do about it; the book stays as it was."""
    before = contents(folder)
    write_prices(folder / "huge.csv", *({"model": f"m{place}"} for place in range(1200)))

    for command in ("check", "import"):
        told = f"characters, more than {LARGEST_FUNCTION}; leave out prices"
        refused(prices(folder, command, "huge.csv"), told)

    assert before == contents(folder)


def test_functions_that_are_not_what_the_book_says_are_named(folder: Path) -> None:
    """One that was edited and one that is missing."""
    (folder / "functions" / "TokenPrices.kql").write_text("datatable(a:long)[1]", encoding="utf-8")
    (folder / "functions" / "TokenApps.kql").unlink()

    refused(prices(folder, "check"), "TokenPrices.kql: is not what the book says", "TokenApps.kql: is not what")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "mine.csv: No such file"),
        (b"\xff\xfe\x00", "mine.csv: is not UTF-8"),
        (b'a,"b\n', "is no CSV"),
        (b"price,price\n1,2\n", "column"),
        (b"", "column meter is missing"),
    ],
)
def test_what_is_no_price_file_is_unusable(folder: Path, content: bytes | None, told: str) -> None:
    """Status 2, and no trace of how the program is made."""
    if content is not None:
        (folder / "mine.csv").write_bytes(content)

    done = prices(folder, "check", "mine.csv")

    assert (2, "") == (done.returncode, done.stdout)
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_without_a_book_and_a_date_that_is_none_are_unusable(folder: Path) -> None:
    """As all arguments that cannot be used."""
    shutil.rmtree(folder / "book")

    refused(prices(folder, "check"), "holds no azure_openai.csv and no contract.csv")
    assert 2 == prices(folder, "check", "x.csv", "--not-before", "soon").returncode
