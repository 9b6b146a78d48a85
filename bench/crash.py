"""The crash test in its long form: `python bench/crash.py [--events 200000] [--kills 20] [--seed 1] [--keep FOLDER]`.

A consumer reads the local hub and is killed with SIGKILL at random moments, while 5 % of its requests to the Logs
Ingestion peer fail; what that peer stored must answer as a run that nothing happened to. Prints the figures; exits with
1 where anything was lost, doubled or differs. About five minutes on two cores.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.crash import Answers, Plan, Report, run


def main() -> None:
    """Run the plan and print what came out."""
    parser = argparse.ArgumentParser(description="Kill a consumer again and again, and compare.")
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="an empty folder in which stores and logs stay")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        report = run(Plan(events=chosen.events, kills=chosen.kills, seed=chosen.seed), folder)
    show(report, chosen.events)
    sys.exit(0 if passed(report) else 1)


def passed(report: Report) -> bool:
    """Tell whether nothing was lost, nothing doubled and nothing differs."""
    clean, crashed = report.clean, report.crashed
    return (
        (report.lost, report.doubled) == (0, 0)
        and clean.digest == crashed.digest
        and (clean.rejected, clean.letters) == (crashed.rejected, crashed.letters)
        and not any((*clean.unmetered.values(), *crashed.unmetered.values(), clean.unbalanced, crashed.unbalanced))
    )


def show(report: Report, events: int) -> None:
    """Print the figures."""
    print(f"events {events}, kills {report.kills}, seconds {report.seconds}")
    print("answers of the store: " + ", ".join(f"{kind} {count}" for kind, count in report.answers.most_common()))
    for name, answers in (("clean run", report.clean), ("crashed run", report.crashed)):
        print(f"{name}: {described(answers)}")
    print(f"lost {report.lost}, doubled {report.doubled}: {'passed' if passed(report) else 'FAILED'}")


def described(answers: Answers) -> str:
    """Return what a store says, in one line."""
    observations = len(answers.observations)
    return (
        f"digest {answers.digest}, {answers.calls} calls, {observations} observations in {answers.rows} rows, "
        f"{len(answers.rejected)} rejected, {len(answers.letters)} dead letters, "
        f"{sum(answers.unmetered.values())} events without a batch, {answers.unbalanced} unbalanced batches"
    )


if __name__ == "__main__":
    main()
