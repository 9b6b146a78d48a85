"""How much faster stored days answer a month: `python bench/days.py [--calls 300000] [--store FILE] [--rounds 3]`.

A made-up company's month in the embedded store, its days computed as the timer does; then the same month from the calls
(`TokenDaily`) and from the days (`TokenDays`), in turn, with all days stored and with three of them open. In seconds of
processor time, which other load on the machine changes little. An empty store shows what DuckDB takes to read and plan
the statements, which does not grow with the calls and which Log Analytics has none of. With --write the table goes into
docs/closing.md.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain, islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.pages import put
from token_meter.daily_row import DailyRow
from token_meter.daily_usage import compute_days
from token_meter.events import Event, Origin
from token_meter.kql import run_query
from token_meter.meter import meter
from token_meter.simulation import events_of, simulated_calls
from token_meter.sinks.duckdb_store import DuckDbStore

START, END = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
MONTH = "(datetime(2026-10-01), datetime(2026-11-01))"
OPEN_DAYS = 3


@contextmanager
def month(calls: int, path: str) -> Iterator[DuckDbStore]:
    """Give a store with a month, a copy of the one at a path where there is one."""
    with tempfile.TemporaryDirectory() as folder:
        name = Path(folder) / "usage.duckdb"
        if path:
            shutil.copy(path, name)
        with DuckDbStore(str(name)) as store:
            if not path:
                bodies = chain.from_iterable(map(events_of, simulated_calls(START, END, calls, 1)))
                while batch := [Event(body, Origin()) for body in islice(bodies, 2_000)]:
                    store.write(meter(batch).rows)
            yield store


def asked(store: DuckDbStore, kql: str) -> tuple[float, list[str]]:
    """Return how many seconds of processor time an answer takes, and its rows in an order of their own."""
    began = time.process_time()
    answer = run_query(store, kql)
    return time.process_time() - began, sorted(map(repr, answer.rows))


def compared(store: DuckDbStore, what: str, rounds: int) -> str:
    """Return a line of the table; the two are asked in turn, so that other load on the machine is shared."""
    calls, days = [], []
    asked(store, f"TokenDays{MONTH}")
    for _ in range(rounds):
        from_calls, from_days = asked(store, f"TokenDaily{MONTH}"), asked(store, f"TokenDays{MONTH}")
        if from_calls[1] != from_days[1]:
            raise SystemExit(f"{what}: the days do not answer as the calls do")
        calls.append(from_calls[0])
        days.append(from_days[0])
    call_time, day_time = statistics.median(calls), statistics.median(days)
    line = f"| {what} | {call_time:.1f} s | {day_time:.1f} s | {call_time / day_time:.1f} |"
    print(line, flush=True)
    return line


def main() -> None:
    """Measure, print and, where asked to, write the table."""
    parser = argparse.ArgumentParser(description="How much faster stored days answer a month.")
    parser.add_argument("--calls", type=int, default=300_000)
    parser.add_argument("--store", default="", help="a store with such a month, which is copied")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write the table into docs/closing.md")
    chosen = parser.parse_args()
    lines = ["| stored | from the calls | from the days | ratio |", "| --- | --- | --- | --- |"]
    with month(chosen.calls, chosen.store) as store:
        ask, now = partial(run_query, store), END + timedelta(days=9)
        computed = compute_days(ask, store, now, lambda: 0.0, timedelta(days=62))
        lines_stored = run_query(store, f"{DailyRow.TABLE} | count").rows[0][0]
        print(f"{len(computed.days)} days in {lines_stored} lines", flush=True)
        lines.append(compared(store, "all 31 days", chosen.rounds))
        store.connection.execute(f"DELETE FROM \"{DailyRow.TABLE}\" WHERE Day >= '2026-10-29'")  # noqa: S608
        lines.append(compared(store, f"all but the last {OPEN_DAYS}", chosen.rounds))
    with DuckDbStore(":memory:") as empty:
        lines.append(compared(empty, "an empty store", chosen.rounds))
    if chosen.write:
        put("closing.md", "days", "\n".join(lines))


if __name__ == "__main__":
    main()
