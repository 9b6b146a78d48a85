"""Charts as SVG that stands in the page: drawn when the report is made, nothing is loaded when it is read.

Bars are as long as a screen can show; what is written beside them is the exact amount's text. Each chart is drawn for a
wide page and for a telephone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import vl_convert

from token_meter.report.svg import ACCENT, AXIS, DOWN, GRID, SECOND, TEXT, UP, page_svg

WIDE, NARROW = 900, 345
"""Pixels: the column of the page, and a telephone's."""
FONT_SIZE = 13
ROW = 26
DAILY_HEIGHT = 190
SCALE = 68
"""Room for the amounts beside the daily bars."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: its name, how long it is, and what is written at its end."""

    label: str
    length: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart for a wide page and for a narrow one."""

    wide: str
    narrow: str


def daily(days: Sequence[tuple[int, float, str]], series: Sequence[str], alt_text: str) -> Chart:
    """Return a bar a day, stacked where there is more than one series: (day of the month, amount, series)."""
    values = [{"day": day, "amount": amount, "series": name, "order": series.index(name)} for day, amount, name in days]

    def drawn(width: int) -> str:
        step = 1 if width == WIDE else 5
        shown = [day for day, _, name in days if name == series[0] and (day == 1 or day % step == 0)]
        amounts = alt.Axis(
            format=",~r", tickCount=4, domain=False, ticks=False, labelPadding=8, minExtent=SCALE, maxExtent=SCALE
        )
        chart = (
            alt.Chart(alt.InlineData(values=values))
            .mark_bar()
            .encode(
                x=alt.X("day:O", title=None, axis=alt.Axis(values=shown, labelAngle=0, ticks=False, domainColor=AXIS)),
                y=alt.Y(
                    "amount:Q",
                    title=None,
                    stack="zero",
                    axis=amounts,
                ),
                color=alt.Color(
                    "series:N",
                    scale=alt.Scale(domain=list(series), range=[ACCENT, SECOND][: len(series)]),
                    legend=alt.Legend(orient="top", title=None, symbolType="square") if len(series) > 1 else None,
                ),
                order="order:Q",
            )
            .properties(width=width - SCALE - 8, height=DAILY_HEIGHT)
        )
        return _svg(chart, alt_text)

    return Chart(drawn(WIDE), drawn(NARROW))


def bars(rows: Sequence[Bar], alt_text: str) -> Chart:
    """Return a horizontal bar a row, in the rows' order, with its text at the end."""
    return _horizontal(rows, alt_text, color=alt.value(ACCENT))


def moves(rows: Sequence[Bar], alt_text: str) -> Chart:
    """Return bars to the right for what rose and to the left for what fell."""
    color = alt.condition("datum.length > 0", alt.value(UP), alt.value(DOWN))
    return _horizontal(rows, alt_text, color=color)


def _horizontal(rows: Sequence[Bar], alt_text: str, color: Any) -> Chart:
    values = [
        {"place": place, "label": bar.label, "length": bar.length, "text": bar.text} for place, bar in enumerate(rows)
    ]
    lengths = [bar.length for bar in rows]
    lowest, highest = min(0.0, *lengths), max(0.0, *lengths)

    def drawn(width: int) -> str:
        names, texts = (240, 115) if width == WIDE else (115, 95)
        plot = width - names
        # room for the text beyond the longest bar, on either side
        room = (highest - lowest or 1.0) * texts / (plot - texts * (2 if lowest < 0 else 1))
        # the reader's font may be a fifth wider than the one that the library measures
        axis = alt.Axis(
            domain=False, ticks=False, labelPadding=8, labelLimit=names * 4 // 5, minExtent=names, maxExtent=names
        )
        scale = alt.Scale(domain=[lowest - (room if lowest < 0 else 0.0), highest + room], nice=False, zero=True)
        base = alt.Chart(alt.InlineData(values=values)).encode(
            y=alt.Y("label:N", sort=None, title=None, axis=axis),
            x=alt.X("length:Q", scale=scale, axis=None),
        )
        right = base.transform_filter("datum.length >= 0").mark_text(align="left", dx=5, color=TEXT)
        left = base.transform_filter("datum.length < 0").mark_text(align="right", dx=-5, color=TEXT)
        drawing = base.mark_bar(height={"band": 0.62}).encode(color=color)
        layers = alt.layer(drawing, right.encode(text="text:N"), left.encode(text="text:N"))
        return _svg(layers.properties(width=plot, height={"step": ROW}), alt_text)

    return Chart(drawn(WIDE), drawn(NARROW))


def _svg(chart: Any, alt_text: str) -> str:
    configured = chart.configure(background="transparent", padding=0, aria=False).configure_view(stroke=None)
    configured = configured.configure_axis(
        labelFontSize=FONT_SIZE, labelColor=TEXT, gridColor=GRID, labelFont="sans-serif"
    )
    configured = configured.configure_text(fontSize=FONT_SIZE, font="sans-serif")
    configured = configured.configure_legend(labelFontSize=FONT_SIZE, labelColor=TEXT, labelFont="sans-serif")
    return page_svg(vl_convert.vegalite_to_svg(configured.to_dict()), alt_text)
