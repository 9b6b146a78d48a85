"""The command `token-meter` as a user runs it: a process, its output, its exit status."""

import csv
import gzip
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.records import record
from token_meter.cli import app

REPOSITORY = Path(__file__).parent.parent


def token_meter(*arguments: str, folder: Path, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder and return what it printed."""
    command = [sys.executable, "-m", "token_meter", *arguments]
    return subprocess.run(command, cwd=folder, input=text, capture_output=True, text=True, check=False, timeout=120)


def write(path: Path, *values: Any) -> str:
    """Write values, or raw lines, one a line; return the file's name."""
    lines = [value if isinstance(value, str) else json.dumps(value) for value in values]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path.name


def test_run_meters_into_a_store_and_prints_the_counts(tmp_path: Path) -> None:
    """Status 0 when nothing was rejected."""
    name = write(tmp_path / "events.jsonl", record(requestId="a"), record(requestId="b", method="GET"))

    done = token_meter("run", name, folder=tmp_path)

    assert 0 == done.returncode, done.stderr
    assert "received 2 = metered 1 + rejected 0 + ignored 1" in done.stdout
    assert (tmp_path / "usage.duckdb").exists()
    assert not (tmp_path / "dead-letters").exists()


def test_a_hundred_unusable_records_between_a_hundred_good_ones(tmp_path: Path) -> None:
    """A hundred rows, a hundred rejects with reasons, status 1, and one clear line on where they are."""
    bad = ["not json", "17", "{}", '{"version": 9, "kind": "exchange"}', json.dumps(record(kind="?"))]
    values = [value for place in range(100) for value in (record(requestId=str(place)), bad[place % len(bad)])]
    name = write(tmp_path / "mixed.jsonl", *values)

    done = token_meter("run", name, "--store", "s.duckdb", "--dead-letters", "kept", folder=tmp_path)

    assert 1 == done.returncode
    assert "received 200 = metered 100 + rejected 100 + ignored 0" in done.stdout
    (where,) = [line for line in done.stdout.splitlines() if "kept" in line]
    assert "100 of 200 records rejected" in where
    assert "not_json 20" in where
    letters = [json.loads(line) for path in (tmp_path / "kept").iterdir() for line in path.read_text().splitlines()]
    assert 100 == len(letters)
    assert {"not_json", "not_a_record", "unknown_shape", "unknown_version", "unknown_kind"} == {
        letter["reason"] for letter in letters
    }
    asked = token_meter("query", "TokenUsage() | count", "--store", "s.duckdb", "--format", "json", folder=tmp_path)
    assert [{"Count": 100}] == json.loads(asked.stdout)


def test_rows_prints_one_row_a_line_in_input_order_and_nothing_else(tmp_path: Path) -> None:
    """Standard output is for the next program; complaints go to standard error."""
    names = ["c", "a", "b"]
    name = write(tmp_path / "events.jsonl", *(record(requestId=item) for item in names), "garbage")

    done = token_meter("rows", name, folder=tmp_path)

    assert names == [json.loads(line)["CallId"] for line in done.stdout.splitlines()]
    assert (1, True) == (
        done.returncode,
        "1 of 4 records rejected: not_json 1 (first at events.jsonl:4)" in done.stderr,
    )


def test_rows_reads_standard_input(tmp_path: Path) -> None:
    """`-` takes its place among the files."""
    name = write(tmp_path / "events.jsonl", record(requestId="a"))

    done = token_meter("rows", name, "-", folder=tmp_path, text=json.dumps(record(requestId="b")))

    assert ["a", "b"] == [json.loads(line)["CallId"] for line in done.stdout.splitlines()]


def test_a_row_is_json_with_utc_times_and_nulls_for_what_is_unknown(tmp_path: Path) -> None:
    """As it goes into the table."""
    name = write(tmp_path / "events.jsonl", record(responseBody=None, requestBody=None))

    row = json.loads(token_meter("rows", name, folder=tmp_path).stdout)

    assert ("2026-10-05T10:00:00Z", "2026-10-05T10:00:00Z") == (row["CallTime"], row["TimeGenerated"])
    assert (None, "unknown", "") == (row["PromptTokens"], row["PromptSource"], row["ServedModel"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["rows", "nowhere.jsonl"],
        ["run", "nowhere.jsonl"],
        ["rows", "empty.jsonl"],
        ["rows"],
        ["rows", "--nonsense", "x"],
        ["query", "this is no KQL", "--store", "usage.duckdb"],
        ["query", "NoSuchTable | count", "--store", "usage.duckdb"],
        ["query", "TokenUsage()", "--store", "no-such-store.duckdb"],
        ["query", "nowhere.kql", "--store", "usage.duckdb"],
        ["query", "TokenUsage()", "--format", "parquet"],
    ],
)
def test_unusable_arguments_or_input_end_in_status_two_and_a_clear_line(tmp_path: Path, arguments: list[str]) -> None:
    """No trace, whatever is wrong."""
    write(tmp_path / "good.jsonl", record())
    token_meter("run", "good.jsonl", folder=tmp_path)
    (tmp_path / "empty.jsonl").write_text("")

    done = token_meter(*arguments, folder=tmp_path)

    assert (2, "") == (done.returncode, done.stdout)
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


def test_what_came_before_the_damage_is_metered(tmp_path: Path) -> None:
    """A file that ends too early is said to be so, and its good part is counted and in the store."""
    write(tmp_path / "good.jsonl", record(requestId="a"))
    (tmp_path / "cut.gz").write_bytes(gzip.compress(json.dumps(record()).encode())[:-9])

    done = token_meter("run", "good.jsonl", "cut.gz", folder=tmp_path)

    assert 2 == done.returncode
    assert "cut.gz: ends too early" in done.stderr
    assert "received 1 = metered 1" in done.stdout


def test_query_prints_a_table_json_or_csv(tmp_path: Path) -> None:
    """The same answer for people, programs and spreadsheets, where no text of it is a formula."""
    write(tmp_path / "events.jsonl", record(appId="=cmd()", requestId="a"), record(appId="[red]b", requestId="b"))
    token_meter("run", "events.jsonl", folder=tmp_path)
    kql = "TokenUsage() | project AppId, TotalTokens | sort by AppId asc"

    as_json = json.loads(token_meter("query", kql, "--format", "json", folder=tmp_path).stdout)
    as_csv = token_meter("query", kql, "--format", "csv", folder=tmp_path).stdout
    as_table = token_meter("query", kql, folder=tmp_path).stdout

    assert [{"AppId": "=cmd()", "TotalTokens": 13}, {"AppId": "[red]b", "TotalTokens": 13}] == as_json
    assert [["AppId", "TotalTokens"], ["'=cmd()", "13"], ["[red]b", "13"]] == list(csv.reader(io.StringIO(as_csv)))
    assert "[red]b" in as_table


def test_query_runs_the_shipped_files(tmp_path: Path) -> None:
    """A name that ends in .kql is a file."""
    write(tmp_path / "events.jsonl", record())
    token_meter("run", "events.jsonl", folder=tmp_path)
    path = str(REPOSITORY / "kql" / "queries" / "chargeback.kql")

    done = token_meter("query", path, "--format", "json", folder=tmp_path)

    assert 0 == done.returncode, done.stderr
    assert ["app-1"] == [row["AppId"] for row in json.loads(done.stdout)]


def test_rows_reads_one_family_of_shapes_where_that_is_asked_for(tmp_path: Path) -> None:
    """And says in one line that there is no such family."""
    name = write(tmp_path / "events.jsonl", record(requestId="a"))

    other = token_meter("rows", name, "--shape", "S4", folder=tmp_path)
    unknown = token_meter("rows", name, "--shape", "S99", folder=tmp_path)

    assert (1, "") == (other.returncode, other.stdout)
    assert "unknown_shape" in other.stderr
    assert 2 == unknown.returncode
    assert "S99" in unknown.stderr


def test_a_disk_that_takes_nothing_ends_in_status_two_and_a_clear_line(tmp_path: Path) -> None:
    """Status 1 would say that all but some rejected records are kept."""
    (tmp_path / "file").touch()
    write(tmp_path / "events.jsonl", "poison")

    done = token_meter("run", "events.jsonl", "--store", "s.duckdb", "--dead-letters", "file/letters", folder=tmp_path)

    assert (2, "token-meter: file/letters: Not a directory\n") == (done.returncode, done.stderr)


def test_a_defect_ends_in_status_two_without_what_it_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It names where it happened; its words may quote a prompt."""

    def defect() -> None:
        raise ValueError("the prompt")

    monkeypatch.setattr(app, "app", defect)

    with pytest.raises(SystemExit) as ended:
        app.main()

    told = capsys.readouterr().err
    assert 2 == ended.value.code
    assert "in defect" in told
    assert told.endswith("token-meter: ValueError: nothing after it was done; a defect to report\n")


def test_no_name_speaks_to_the_terminal(tmp_path: Path) -> None:
    """Whoever names a file could move the cursor and write over what was printed."""
    name = "\x1b[2J\u202eevents.jsonl"
    (tmp_path / name).write_text("poison\n")

    done = token_meter("run", name, "--store", "s.duckdb", folder=tmp_path)
    gone = token_meter("run", f"gone{name}", "--store", "s.duckdb", folder=tmp_path)
    query = token_meter("query", f"print Name = '{name}'", "--store", "s.duckdb", folder=tmp_path)

    shown = "\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}events.jsonl"
    assert f"(first at {shown}:1)" in done.stdout
    assert f"token-meter: gone{shown}: No such file or directory\n" == gone.stderr
    assert shown in query.stdout
