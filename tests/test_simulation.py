"""A simulated month, metered by the command line and folded by the shipped KQL, is what it was made to be."""

import json
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from token_meter.cli.moments import MonthUnusable, month_of
from token_meter.simulation.landscape import APPLICATIONS, LAST_DAY

CALLS = 2_000
COMMAND = str(Path(sys.executable).with_name("token-meter"))


def simulate(folder: Path, seed: int = 1, name: str = "events.jsonl") -> tuple[Path, Path]:
    """Write a month's events and the truth into a folder; return both files."""
    events, truth = folder / name, folder / "truth.jsonl"
    arguments = ["--month", "2026-10", "--calls", str(CALLS), "--seed", str(seed)]
    subprocess.run([COMMAND, "simulate", *arguments, "--out", str(events), "--truth", str(truth)], check=True)
    return events, truth


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Return the truth and the billing rows of a month, each by call."""
    folder = tmp_path_factory.mktemp("month")
    events, truth = simulate(folder)
    store = ["--store", str(folder / "usage.duckdb")]
    subprocess.run([COMMAND, "run", str(events), *store], check=True, capture_output=True, cwd=folder)
    query = [COMMAND, "query", "TokenUsage()", *store, "--format", "json"]
    answer = subprocess.run(query, check=True, capture_output=True, text=True).stdout
    calls = [json.loads(line) for line in truth.read_text().splitlines()]
    return {call["CallId"]: call for call in calls}, {row["CallId"]: row for row in json.loads(answer)}


def test_every_call_has_one_billing_row(answered: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Retries, halves and lost answers included."""
    truth, rows = answered

    assert CALLS == len(truth)
    assert set(truth) == set(rows)


@pytest.mark.parametrize(
    "column",
    [
        "AppId",
        "Product",
        "Deployment",
        "ServedModel",
        "Backend",
        "StatusCode",
        "Attempts",
        "Charged",
        "FinishReason",
        "DurationMs",
        "PromptTokens",
        "PromptSource",
        "CompletionTokens",
        "CompletionSource",
        "CachedTokens",
        "ReasoningTokens",
    ],
)
def test_the_billing_rows_say_what_is_true(answered: tuple[dict[str, Any], dict[str, Any]], column: str) -> None:
    """Column by column, over all calls."""
    truth, rows = answered
    wrong = {
        call_id: (call[column], rows[call_id][column])
        for call_id, call in truth.items()
        if call[column] != rows[call_id][column]
    }

    assert {} == dict(list(wrong.items())[:5])


def test_the_month_has_every_kind_of_ending(answered: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Or the tests above would show little."""
    truth, _ = answered

    assert {"reported", "counted", "estimated", "unknown"} == {call["CompletionSource"] for call in truth.values()}
    assert {"yes", "no", "unknown"} == {call["Charged"] for call in truth.values()}
    assert {200, 400, 429, 500, None} == {call["StatusCode"] for call in truth.values()}
    assert {1, 2} == {call["Attempts"] for call in truth.values()}


def test_applications_come_and_go(answered: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Two are new in the month, two fall silent, two run away for a day."""
    truth, _ = answered
    days: dict[str, Counter[int]] = defaultdict(Counter)
    for call in truth.values():
        days[call["AppName"]][int(call["CallTime"][8:10])] += 1
    planned = {item.name: item for item in APPLICATIONS}

    assert all(
        planned[name].first_day <= min(seen) and max(seen) <= planned[name].last_day for name, seen in days.items()
    )
    assert 2 == sum(item.first_day > 1 for item in APPLICATIONS)
    assert 2 == sum(item.last_day < LAST_DAY for item in APPLICATIONS)
    for item in APPLICATIONS:
        if item.surge_day:
            assert max(days[item.name].values()) == days[item.name][item.surge_day]


def test_the_same_seed_gives_the_same_month(tmp_path: Path) -> None:
    """Byte for byte, packed too."""
    first = simulate(tmp_path, name="first.jsonl.gz")[0].read_bytes()

    assert first == simulate(tmp_path, name="again.jsonl.gz")[0].read_bytes()
    assert first != simulate(tmp_path, seed=2, name="other.jsonl.gz")[0].read_bytes()


@pytest.mark.parametrize("text", ["2026", "2026-13", "October", "2026-10-01"])
def test_what_is_no_month_is_refused(text: str) -> None:
    """With one line that shows a month."""
    with pytest.raises(MonthUnusable, match="2026-10"):
        month_of(text)
