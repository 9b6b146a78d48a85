"""docs/runbook.md: whoever is woken finds what to do."""

import re
from pathlib import Path

import pytest

from token_meter.codes import Reason

REPOSITORY = Path(__file__).parent.parent
RUNBOOK = (REPOSITORY / "docs" / "runbook.md").read_text(encoding="utf-8")
ALERTS = re.findall(r"^    name: '([a-z-]+)'$", (REPOSITORY / "infra/modules/alerts.bicep").read_text(), re.MULTILINE)
LINKS = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", RUNBOOK)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_its_entry(reason: Reason) -> None:
    """A row that begins with its code."""
    assert 1 == len(re.findall(rf"^\| `{reason.value}` \|", RUNBOOK, re.MULTILINE))


def test_no_entry_is_of_a_reason_that_there_is_none_of() -> None:
    """Closed lists: what is renamed is renamed here."""
    rows = RUNBOOK.partition("## Reject reasons")[2]

    assert {reason.value for reason in Reason} == set(re.findall(r"^\| `(\w+)` \|", rows, re.MULTILINE))


def test_every_alert_that_is_deployed_has_its_section_and_no_other_has() -> None:
    """By the alert's name, which the mail has in its subject."""
    assert ALERTS
    assert sorted(ALERTS) == sorted(re.findall(r"^### `([a-z-]+)`$", RUNBOOK, re.MULTILINE))


@pytest.mark.parametrize("link", sorted(set(LINKS)))
def test_every_page_that_it_sends_one_to_is_there(link: str) -> None:
    """Relative to docs/."""
    assert (REPOSITORY / "docs" / link).exists()
