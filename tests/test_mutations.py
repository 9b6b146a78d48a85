"""The defects of bench/mutants.py can still be made, and their tests are those that docs/guarantees.md names."""

import runpy
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parent.parent
MUTANTS = runpy.run_path(str(REPOSITORY / "bench" / "mutants.py"))["MUTANTS"]


@pytest.mark.parametrize("mutant", MUTANTS, ids=[item.defect for item in MUTANTS])
def test_a_defect_can_be_made_and_has_its_test(mutant: Any) -> None:
    """`python bench/mutations.py` makes it and runs that test, which must fail."""
    file, _, name = mutant.test.partition("::")

    assert [1] * len(mutant.changes) == [
        (REPOSITORY / change.path).read_text(encoding="utf-8").count(change.old) for change in mutant.changes
    ]
    assert f"def {name}(" in (REPOSITORY / "tests" / file).read_text(encoding="utf-8")
