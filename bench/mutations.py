"""Break each guarantee in turn and see that the test named for it fails: `python bench/mutations.py [--only WORD]`.

The tree is copied, one defect of mutants.py is written into the copy, its test is run there, and so on with the next.
First all those tests are run on the copy as it is, where they must pass. Prints a table; exits with 1 where a defect
went unnoticed or a test could not tell. A few minutes on two cores.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

sys.path.insert(0, str(Path(__file__).parent))
from mutants import MUTANTS, Mutant

REPOSITORY = Path(__file__).parent.parent
LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", "node_modules", ".*_cache", ".hypothesis", "__pycache__", ".demo")
LONGEST = 300
"""Seconds for a test; one that a defect makes hang has noticed nothing."""
NOTICED, UNNOTICED = "failed as it must", "NOT NOTICED"


def main() -> None:
    """Run what is asked for and print the table."""
    parser = argparse.ArgumentParser(description="Break each guarantee in turn and see that its test fails.")
    parser.add_argument("--only", default="", help="a word of the guarantee, the defect or the test")
    only = parser.parse_args().only
    asked = [item for item in MUTANTS if only in f"{item.guarantee} {item.defect} {item.test}"]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "tree"
        shutil.copytree(REPOSITORY, copy, ignore=LEFT_OUT)
        sound = verdict(copy, sorted({item.test for item in asked}))
        if sound != UNNOTICED:
            sys.exit(f"the tests do not all pass on the tree as it is: {sound}")
        print("| guarantee | mutation | test | result |\n| --- | --- | --- | --- |", flush=True)
        results = [tried(copy, item) for item in asked]
    noticed = results.count(NOTICED)
    print(f"\n{noticed} of {len(results)} mutations failed the test named for them")
    sys.exit(0 if noticed == len(results) else 1)


def tried(copy: Path, item: Mutant) -> str:
    """Return what became of a mutant, and print its line."""
    originals = {change.path: (copy / change.path).read_text(encoding="utf-8") for change in item.changes}
    try:
        for change in item.changes:
            text = (copy / change.path).read_text(encoding="utf-8")
            if text.count(change.old) != 1:
                sys.exit(f"{item.defect}: the text to change is not in {change.path} exactly once")
            (copy / change.path).write_text(text.replace(change.old, change.new), encoding="utf-8")
        result = verdict(copy, [item.test])
    finally:
        for path, text in originals.items():
            (copy / path).write_text(text, encoding="utf-8")
    print(f"| {item.guarantee} | {item.defect} | `{item.test.partition('::')[2]}` | {result} |", flush=True)
    return result


def verdict(copy: Path, tests: Sequence[str]) -> str:
    """Return whether tests failed in the copy, where each of them must have been run."""
    report = copy / "report.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(  # noqa: S603 - the project's own tests
            [*command, *(f"tests/{test}" for test in tests)],
            cwd=copy, env=environment, capture_output=True, text=True, timeout=LONGEST, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "it hangs"
    if done.returncode not in {0, 1} or not report.exists():
        return f"no test was run (pytest {done.returncode}): {done.stdout.strip().splitlines()[-1:]}"
    suite = next(ET.parse(report).getroot().iter("testsuite"))  # noqa: S314 - pytest wrote it
    counts = {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")}
    if counts["errors"] or counts["skipped"] or not counts["tests"]:
        return f"no test was run: {counts}"
    return NOTICED if counts["failures"] else UNNOTICED


if __name__ == "__main__":
    main()
