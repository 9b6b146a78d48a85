"""Nothing is lost and nothing doubled by a consumer that is killed while its store fails: the short form."""

from pathlib import Path

import pytest

from tests.crash import Plan, Report, run


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Run the plan once for the module."""
    return run(Plan(events=20_000, kills=3), Path(tmp_path_factory.mktemp("crash")))


@pytest.mark.sockets
def test_the_consumer_was_killed_and_its_store_failed(report: Report) -> None:
    """Otherwise the rest would show nothing."""
    faults = sum(count for kind, count in report.answers.items() if kind != "204")

    assert 3 == report.kills
    assert faults > 0
    assert report.crashed.rows > report.clean.rows


@pytest.mark.sockets
def test_every_call_is_billed_as_in_a_clean_run(report: Report) -> None:
    """All columns of all calls, one digest; nothing lost, nothing doubled."""
    assert (0, 0) == (report.lost, report.doubled)
    assert report.clean.digest == report.crashed.digest


@pytest.mark.sockets
def test_every_rejected_record_is_told_and_kept_as_in_a_clean_run(report: Report) -> None:
    """The table, and the dead letters with the records' own bytes."""
    assert report.clean.rejected == report.crashed.rejected
    assert report.clean.letters == report.crashed.letters
    assert len(report.clean.letters) > 0


@pytest.mark.sockets
def test_the_ledger_tells_of_every_event_on_the_hub(report: Report) -> None:
    """No gap in any partition's sequence numbers, and every batch adds up."""
    assert {0} == set(report.crashed.unmetered.values())
    assert {0} == set(report.clean.unmetered.values())
    assert (0, 0) == (report.clean.unbalanced, report.crashed.unbalanced)
