"""The page: one HTML file that loads nothing and runs nothing. What comes out of data is escaped and visible."""

from collections.abc import Callable
from functools import partial
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from token_meter.harmless_texts import shown
from token_meter.report import amounts
from token_meter.report.certainty import kinds
from token_meter.report.figures import Figures
from token_meter.report.month import Dimension
from token_meter.report.notices import notices
from token_meter.report.reconciliation import checks
from token_meter.report.sections import MOST_ROWS, against, by_day, day_costs, movement, rounding_note, section
from token_meter.version import VERSION

ALWAYS = (Dimension.COST_CENTRE, Dimension.APP, Dimension.MODEL)
"""What every page has, whatever it is told apart by first."""


def page_of(figures: Figures, dimension: Dimension) -> str:
    """Return a month's page, with the breakdown by a dimension first."""
    digits = amounts.digits_of(figures.currency)
    parts = kinds(figures)
    groups, moves_chart = movement(figures, digits)
    environment = _environment(figures, digits)
    return environment.get_template("report.html").render(
        figures=figures,
        month=figures.month,
        total=figures.total,
        kinds=parts,
        notices=notices(figures, digits),
        sections=[section(figures, one, digits) for one in dict.fromkeys((dimension, *ALWAYS))],
        against=against(figures, digits),
        daily=by_day(figures, digits),
        days=day_costs(figures),
        days_note=rounding_note(day_costs(figures).values(), figures.total.cost, digits, "The rounded days"),
        movers=groups,
        movers_chart=moves_chart,
        kinds_note=rounding_note((kind.sums.cost for kind in parts), figures.total.cost, digits, "The rounded costs"),
        checks=checks(figures),
        most_rows=MOST_ROWS,
        version=VERSION,
        style=(files(__package__) / "templates" / "report.css").read_text(encoding="utf-8"),
    )


def _environment(figures: Figures, digits: int) -> Environment:
    environment = Environment(
        loader=PackageLoader("token_meter.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    named: dict[str, Callable[..., Any]] = {
        "money": partial(amounts.money, digits=digits),
        "change": partial(amounts.change, digits=digits),
        "exact": amounts.exact,
        "plain": amounts.plain_decimal,
        "share": amounts.share,
        "growth": amounts.growth,
        "count": amounts.count,
        "counted": amounts.counted,
        "shown": shown,
    }
    environment.globals.update(named, currency=figures.currency or "no currency")
    return environment
