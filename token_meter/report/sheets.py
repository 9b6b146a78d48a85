"""The rows beside the page, as CSV and as XLSX: the same cells, and none of them a formula."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import xlsxwriter

from token_meter.harmless_texts import inert
from token_meter.pricing.money import NANO
from token_meter.pricing.terms import UNCOSTED
from token_meter.report.amounts import plain_decimal
from token_meter.report.figures import Figures, Line
from token_meter.report.month import Dimension

TEXTS = ("CostCentre", "AppId", "AppName", "Product", "Deployment", "Model", "DeploymentType", "PriceStatus")
COUNTS = ("Calls", "PromptTokens", "CompletionTokens", "TotalTokens", "EstimatedTokens")
AMOUNTS = ("Cost", "Low", "High", "Estimated")
COLUMNS = ("Month", *TEXTS, *COUNTS, *AMOUNTS, "Currency", "PriceBook")
WIDTHS = {"AppId": 38, "AppName": 26, "Deployment": 20, "Model": 22, "PriceBook": 26}
USUAL_WIDTH = 14


def csv_of(figures: Figures, dimension: Dimension) -> str:
    """Return a month's lines as CSV, amounts to the last digit; texts that a sheet would run are made inert."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for line in ordered(figures, dimension):
        money = ["" if nano is None else plain_decimal(nano) for nano in _amounts(line)]
        writer.writerow([_month(figures), *_texts(line), *_counts(line), *money, *_book(figures)])
    return text.getvalue()


def xlsx_of(figures: Figures, dimension: Dimension) -> bytes:
    """Return the same lines as a workbook. Its numbers are numbers, of which Excel keeps 15 digits."""
    made = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(made, options) as book:
        created = figures.month.made.replace(tzinfo=None)
        book.set_properties({"title": f"AI usage and cost, {figures.month.name}", "created": created})
        sheet = book.add_worksheet("Costs")
        whole, money = book.add_format({"num_format": "#,##0"}), book.add_format({"num_format": "#,##0.00"})
        heading = book.add_format({"bold": True, "bottom": 1})
        for place, name in enumerate(COLUMNS):
            sheet.write_string(0, place, name, heading)
            sheet.set_column(place, place, WIDTHS.get(name, USUAL_WIDTH))
        lines = ordered(figures, dimension)
        for row, line in enumerate(lines, start=1):
            cells = _cells(figures, line, whole, money)
            for place, (value, form) in enumerate(cells):
                if isinstance(value, str):
                    sheet.write_string(row, place, value)
                elif value is not None:
                    sheet.write_number(row, place, value, form)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(len(lines), 1), len(COLUMNS) - 1)
    return made.getvalue()


def _cells(figures: Figures, line: Line, whole: Any, money: Any) -> list[tuple[str | float | None, Any]]:
    """Return a line's cells with their formats; None is an empty cell."""
    texts = [(text, None) for text in (_month(figures), *_texts(line))]
    counts = [(number, whole) for number in _counts(line)]
    amounts = [(None if nano is None else nano / NANO, money) for nano in _amounts(line)]
    return [*texts, *counts, *amounts, *((text, None) for text in _book(figures))]


def ordered(figures: Figures, dimension: Dimension) -> Sequence[Line]:
    """Return a month's lines, by the dimension that the report is told apart by first."""
    return sorted(figures.lines, key=lambda line: (line.key(dimension), _texts(line)))


def _month(figures: Figures) -> str:
    return f"{figures.month.start:%Y-%m}"


def _texts(line: Line) -> tuple[str, ...]:
    texts = (
        line.cost_centre, line.app_id, line.app_name, line.product, line.deployment, line.model, line.deployment_type,
        line.status,
    )  # fmt: skip
    return tuple(map(inert, texts))


def _counts(line: Line) -> tuple[int, ...]:
    sums = line.sums
    return sums.calls, sums.prompt_tokens, sums.completion_tokens, sums.total_tokens, sums.estimated_tokens


def _amounts(line: Line) -> tuple[int | None, ...]:
    """Return cost, lowest, highest, and what is estimated of the cost; None, an empty cell, for what is not known."""
    sums = line.sums
    unknown = line.status in UNCOSTED
    return (
        None if unknown else sums.cost,
        sums.low,
        None if sums.unbounded else sums.high,
        None if unknown else sums.estimated,
    )


def _book(figures: Figures) -> tuple[str, ...]:
    return inert(figures.currency), inert(figures.price_book)
