"""The applications that are charged: who owns them, to which cost centre they belong, how much they may cost."""

import re
from dataclasses import dataclass
from pathlib import Path

from token_meter.pricing.money import LARGEST_BUDGET, NANO, NotMoney, decimal_of, scaled
from token_meter.pricing.tables import Cells, Fault, Line, read_table

REQUIRED = ("app_id", "name", "owner", "cost_centre", "monthly_budget")
APP_ID = re.compile(r"\S{1,256}")
TEXT = re.compile(r".{0,200}")
NAMED = re.compile(r".{1,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """An application."""

    app_id: str
    name: str
    owner: str
    cost_centre: str
    budget_nano: int | None
    """A month's budget in nano-units of the book's currency; None where there is none."""


@dataclass(frozen=True, slots=True)
class AppFile:
    """The applications, and what is wrong with the file."""

    apps: tuple[App, ...]
    faults: tuple[Fault, ...]


def read_applications(path: Path) -> AppFile:
    """Return the applications in order of their ids."""
    table = read_table(path, REQUIRED)
    faults = list(table.faults)
    apps: dict[str, App] = {}
    for line in table.lines:
        cells = Cells(line)
        app = _app(line, cells)
        if app.app_id in apps:
            cells.fault(f"app_id {app.app_id} is there twice")
        faults += cells.faults
        apps[app.app_id] = app
    return AppFile(tuple(apps[app_id] for app_id in sorted(apps)), tuple(faults))


def _app(line: Line, cells: Cells) -> App:
    return App(
        app_id=cells.text("app_id", APP_ID, "an application's id"),
        name=cells.text("name", NAMED, "a name of 1 to 200 characters"),
        owner=cells.text("owner", TEXT, "at most 200 characters"),
        cost_centre=cells.text("cost_centre", TEXT, "at most 200 characters"),
        budget_nano=_budget(line, cells),
    )


def _budget(line: Line, cells: Cells) -> int | None:
    text = line.cells["monthly_budget"]
    if not text:
        return None
    try:
        return scaled(decimal_of(text), NANO, LARGEST_BUDGET * NANO)
    except NotMoney as fault:
        cells.fault(f"monthly_budget {fault}")
        return None
