"""A month of 300,000 calls: every shipped function and query held against plain Python, and how long each takes.

    python bench/month.py --calls 300000 --store /tmp/month.duckdb

Prints a line a function and query: the seconds of the answer as it is shipped, folding included, and `equal`, or what
differs. `--kept` folds and prices the month once and asks the queries on that, as the tests do. A store that has rows
is asked as it is. Ends with status 1 where anything differs.
"""

import argparse
import functools
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.asked_month import AS_OF, as_rows, fold_once, naive, query_text, run_folded, stored_month
from tests.independent.answers import FUNCTIONS, QUERIES, differences, in_order
from tests.independent.month import Month
from tests.metered_month import meter_month, simulate
from token_meter.kql import kql_folder, run_query, shipped_functions
from token_meter.query_result import Result
from token_meter.sinks.duckdb_store import DuckDbStore

Rows = Sequence[dict[str, Any]]
Ask = Callable[[DuckDbStore, str], Result]


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
    parser.add_argument("--kept", action="store_true", help="fold and price the month once, for all queries")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, DuckDbStore(chosen.store) as store:
        if not run_query(store, "TokenUsage_CL | take 1").rows:
            with timed("simulate"):
                events, _ = simulate(Path(folder), chosen.calls)
            with timed("meter"):
                meter_month(store, events, Path(folder) / "dead-letters")
        month = stored_month(store, datetime.now(UTC))
        with timed("compute in Python"):
            print(f"{len(month.observations):,} observations, {len(month.costs):,} calls")
        if chosen.kept:
            with timed("fold and price"):
                fold_once(store)
        results = list(_compared(store, month, run_folded if chosen.kept else run_query))
    print(f"{results.count(True)} equal, {results.count(False)} differ")
    return 0 if all(results) else 1


def _compared(store: DuckDbStore, month: Month, run: Ask) -> Iterator[bool]:
    ask = functools.partial(run, store)
    for path in sorted((kql_folder() / "queries").glob("*.kql")):
        if path.stem in QUERIES:
            answer = QUERIES[path.stem]
            yield _same(ask, query_text(path.stem, AS_OF), path.stem, lambda a=answer: a(month, *naive(AS_OF)), list)
        else:
            print(f"{path.stem:40} is not computed here")
    for item in shipped_functions():
        if item.name in FUNCTIONS:
            expected = FUNCTIONS[item.name]
            yield _same(ask, f"{item.name}()", item.name, lambda e=expected: in_order(e(month, None, None)), in_order)
        else:
            print(f"{item.name:40} is not computed here")


def _same(
    ask: Callable[[str], Result], kql: str, name: str, expected: Callable[[], Rows], ordered: Callable[[Rows], Rows]
) -> bool:
    started = time.perf_counter()
    result = ask(kql)
    seconds = time.perf_counter() - started
    found = differences(expected(), ordered(as_rows(result)), ["PriceBook"])
    verdict = f"differs: {found[0]}" if found else "equal"
    print(f"{name:40} {seconds:8.2f} s  {len(result.rows):8,} rows  {verdict}", flush=True)
    return not found


if __name__ == "__main__":
    sys.exit(main())
