"""A month of 300,000 calls: every shipped function and query held against plain Python, and how long each takes.

    python bench/month.py --calls 300000 --store /tmp/month.duckdb

Prints a line a function and query: the seconds of the answer as it is shipped, folding included, and `equal`, or what
differs. Ends with status 1 where anything differs.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.asked_month import AS_OF, as_rows, naive, query_text, stored_month
from tests.independent.answers import FUNCTIONS, QUERIES, differences, in_order
from tests.independent.month import Month
from tests.metered_month import meter_month, simulate
from token_meter.kql import kql_folder, run_query, shipped_functions
from token_meter.sinks.duckdb_store import DuckDbStore

Rows = Sequence[dict[str, Any]]


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long something takes."""
    started = time.perf_counter()
    yield
    print(f"{what:40} {time.perf_counter() - started:8.2f} s", flush=True)


def main() -> int:
    """Simulate, meter, ask, compare; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=300_000)
    parser.add_argument("--store", default=":memory:", help="file of the store; in memory where none is named")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, DuckDbStore(chosen.store) as store:
        with timed("simulate"):
            events, _ = simulate(Path(folder), chosen.calls)
        with timed("meter"):
            meter_month(store, events, Path(folder) / "dead-letters")
        month = stored_month(store, datetime.now(UTC))
        with timed("compute in Python"):
            print(f"{len(month.observations):,} observations, {len(month.costs):,} calls")
        results = list(_compared(store, month))
    print(f"{results.count(True)} equal, {results.count(False)} differ")
    return 0 if all(results) else 1


def _compared(store: DuckDbStore, month: Month) -> Iterator[bool]:
    for item in shipped_functions():
        if item.name in FUNCTIONS:
            expected = FUNCTIONS[item.name]
            yield _same(store, f"{item.name}()", item.name, lambda e=expected: in_order(e(month, None, None)), in_order)
        else:
            print(f"{item.name:40} is not computed here")
    for path in sorted((kql_folder() / "queries").glob("*.kql")):
        if path.stem in QUERIES:
            answer = QUERIES[path.stem]
            yield _same(store, query_text(path.stem, AS_OF), path.stem, lambda a=answer: a(month, *naive(AS_OF)), list)
        else:
            print(f"{path.stem:40} is not computed here")


def _same(
    store: DuckDbStore, kql: str, name: str, expected: Callable[[], Rows], ordered: Callable[[Rows], Rows]
) -> bool:
    started = time.perf_counter()
    result = run_query(store, kql)
    seconds = time.perf_counter() - started
    found = differences(expected(), ordered(as_rows(result)), ["PriceBook"])
    print(
        f"{name:40} {seconds:8.2f} s  {len(result.rows):8,} rows  {'differs: ' + found[0] if found else 'equal'}",
        flush=True,
    )
    return not found


if __name__ == "__main__":
    sys.exit(main())
