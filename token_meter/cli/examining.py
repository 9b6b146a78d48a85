"""`token-meter doctor`: the checks as a table or JSON."""

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rich.table import Table
from rich.text import Text

from token_meter.cli.output import TableOrJson, standard_error, standard_output, visible
from token_meter.doctor import Check, State, Wanted, examine, read_installation
from token_meter.settings import GUID
from token_meter.sources import InputUnusable

STYLES = {State.OK: "green", State.FAILED: "red", State.SKIPPED: "yellow"}


def examine_installation(file: str, wanted: Wanted, output: TableOrJson, environment: Mapping[str, str]) -> bool:
    """Make every check and print it; return whether none failed. Raises InputUnusable where the options cannot work."""
    if wanted.workspace and not GUID.fullmatch(wanted.workspace):
        raise InputUnusable("--workspace must be the workspace's customerId, a GUID")
    installation = read_installation(file, environment)
    logging.getLogger().setLevel(logging.CRITICAL)  # what fails is a check's to tell, once
    checks: list[Check] = []
    console = standard_error()
    with console.status("looking") as status:
        for check in examine(installation, wanted):
            checks.append(check)
            status.update(f"looked at: {check.name}")
    print_checks(checks, output)
    return all(check.state is not State.FAILED for check in checks)


def print_checks(checks: Sequence[Check], output: TableOrJson) -> None:
    """Print checks on standard output."""
    if output is TableOrJson.JSON:
        sys.stdout.write(json.dumps([asdict(check) for check in checks], ensure_ascii=False, indent=2) + "\n")
        return
    table = Table("check", "", "seen")
    for check in checks:
        table.add_row(Text(check.name), Text(check.state.value, style=STYLES[check.state]), Text(visible(check.seen)))
    console = standard_output()
    console.print(table)
    for check in checks:
        if check.cure:
            console.print(f"{check.name}: {check.cure}", soft_wrap=True)
    counts = ", ".join(f"{sum(item.state is state for item in checks)} {state.value}" for state in State)
    console.print(counts)
