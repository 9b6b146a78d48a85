"""`make demo`: meter the samples, show who used what, and check the total that README.md states.

The store is kept between runs, so that a second run shows what a replay does: more rows, the same answer.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
SAMPLES = "samples/gateway-events.jsonl"
STORE = ".demo/usage.duckdb"
DEAD_LETTERS = ".demo/dead-letters"
TOTAL = (
    "TokenUsage() | summarize Calls = count(), Tokens = sum(TotalTokens),"
    " Unknown = countif(isnull(TotalTokens) and Charged != 'no')"
)
STATED = re.compile(r"\*\*(?P<answer>[\d,]+ tokens in \d+ calls)\*\*")
SOME_REJECTED = 1


def token_meter(*arguments: str, show: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the command as a user would, from the project's own environment."""
    if show:
        print(f"\n$ token-meter {' '.join(arguments)}", flush=True)
    command = [str(Path(sys.executable).with_name("token-meter")), *arguments]
    return subprocess.run(command, cwd=REPOSITORY, check=False, text=True, stdout=None if show else subprocess.PIPE)


def ask(kql: str) -> dict[str, int]:
    """Return the one row that a query answers."""
    answer = token_meter("query", kql, "--store", STORE, "--format", "json", show=False)
    row: dict[str, int] = json.loads(answer.stdout)[0]
    return row


def main() -> int:
    """Meter the samples, show the chargeback, and compare the total with the one in README.md."""
    (REPOSITORY / STORE).parent.mkdir(exist_ok=True)
    done = token_meter("run", SAMPLES, "--store", STORE, "--dead-letters", DEAD_LETTERS)
    if done.returncode != SOME_REJECTED:
        print(f"expected exit status {SOME_REJECTED} for the one bad record in the samples, got {done.returncode}")
        return 1
    token_meter("query", "kql/queries/chargeback.kql", "--store", STORE)
    rows = ask("TokenUsage_CL | summarize Rows = count()")["Rows"]
    total = ask(TOTAL)
    print(f"\nrows in the store {rows}; every run adds them again, and the fold counts each call once")
    answer = f"{total['Tokens']:,} tokens in {total['Calls']} calls"
    print(f"total {answer}, {total['Unknown']} of them with unknown tokens")
    stated = STATED.search((REPOSITORY / "README.md").read_text(encoding="utf-8"))
    if stated is None or stated["answer"] != answer:
        print("this is not the total that README.md states")
        return 1
    print("as README.md states")
    return 0


if __name__ == "__main__":
    sys.exit(main())
