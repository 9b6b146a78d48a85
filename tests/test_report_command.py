"""`token-meter report`: three files of a simulated month whose total is TokenCost's, or one clear line."""

import csv
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

COMMAND = str(Path(sys.executable).with_name("token-meter"))
CALLS = 500
MADE = ("--made-at", "2026-11-02T08:00:00Z")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder, whose `usage.duckdb` it asks."""
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=False, cwd=folder)


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a simulated October, metered and reported."""
    folder = tmp_path_factory.mktemp("report")
    run(folder, "simulate", "--month", "2026-10", "--calls", str(CALLS), "--out", "events.jsonl")
    assert 0 == run(folder, "run", "events.jsonl").returncode
    done = run(folder, "report", "--month", "2026-10", "--by", "model", "--out", "october.html", *MADE)
    assert (0, "wrote october.html, october.csv, october.xlsx\n") == (done.returncode, done.stderr)
    return folder


def test_all_three_files_come_to_token_costs_total(month: Path) -> None:
    """Added up from TokenCost's rows, one a call, in whole numbers."""
    asked = run(month, "query", "TokenCost() | project CostNano", "--format", "json")
    costs = [row["CostNano"] or 0 for row in json.loads(asked.stdout)]
    total = Decimal(sum(costs)) / 10**9
    with (month / "october.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    sheet = openpyxl.load_workbook(month / "october.xlsx")["Costs"]
    heading, *cells = list(sheet.iter_rows(values_only=True))
    numbers = [row[heading.index("Cost")] for row in cells]

    assert CALLS == len(costs) == sum(int(row["Calls"]) for row in rows)
    assert f'data-nano="{sum(costs)}"' in (month / "october.html").read_text(encoding="utf-8")
    assert total == sum(Decimal(row["Cost"] or 0) for row in rows)
    assert [float(row["Cost"]) if row["Cost"] else None for row in rows] == [
        None if number is None else float(str(number)) for number in numbers
    ]


def test_the_breakdown_that_is_asked_for_comes_first(month: Path) -> None:
    """And the others after it, each once."""
    page = (month / "october.html").read_text(encoding="utf-8")
    places = [page.index(f"<h2>By {name}</h2>") for name in ("model", "cost centre", "application")]

    assert sorted(places) == places
    assert 3 == page.count("<h2>By ")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--month", "October"), "is no month such as 2026-10"),
        (("--month", "2026-10", "--out", "report.xlsx"), "must end in .html"),
        (("--month", "2026-10", "--made-at", "then"), "--made-at must be a time"),
        (("--month", "2026-10", "--store", "nowhere.duckdb"), "no such store"),
    ],
)
def test_what_cannot_be_reported_is_one_line(month: Path, options: tuple[str, ...], told: str) -> None:
    """Exit status 2, and no file."""
    done = run(month, "report", *options)

    assert (2, 1) == (done.returncode, done.stderr.count("\n"))
    assert told in done.stderr
    assert not (month / "report.html").exists()


def test_a_file_that_cannot_be_written_is_named(month: Path) -> None:
    """With the system's reason."""
    done = run(month, "report", "--month", "2026-10", "--out", "no-such-folder/report.html", *MADE)

    assert 2 == done.returncode
    assert "no-such-folder/report.html: cannot be written" in done.stderr
