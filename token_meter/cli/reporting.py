"""`token-meter report`: a month's page, and its rows beside it as CSV and XLSX."""

from pathlib import Path

from token_meter.cli.asking import answering
from token_meter.cli.moments import moment_of, month_of
from token_meter.cli.output import standard_error
from token_meter.report.answers import read_report
from token_meter.report.month import Dimension, Month
from token_meter.report.page import page_of
from token_meter.report.sheets import csv_of, xlsx_of
from token_meter.sources import InputUnusable

PAGES = {".html", ".htm"}


def write_report(  # noqa: PLR0913 - one argument an option
    month: str, by: Dimension, out: str, *, store: str, workspace: str, made_at: str
) -> None:
    """Write a month's report into a file, and `.csv` and `.xlsx` beside it.

    Raises InputUnusable where a file cannot be written, MonthUnusable where the month is none, QueryError where a
    question has no answer.
    """
    page = Path(out)
    if page.suffix.lower() not in PAGES:
        raise InputUnusable(f"{out}: the page's name must end in .html; .csv and .xlsx are written beside it")
    start, end = month_of(month)
    with answering(store, workspace) as ask:
        figures = read_report(ask, Month(start, end, moment_of(made_at, "--made-at")))
    written = {
        page: page_of(figures, by).encode(),
        page.with_suffix(".csv"): csv_of(figures, by).encode(),
        page.with_suffix(".xlsx"): xlsx_of(figures, by),
    }
    for path, content in written.items():
        _write(path, content)
    standard_error().print(f"wrote {', '.join(map(str, written))}")


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as fault:
        raise InputUnusable(f"{path}: cannot be written ({fault.strerror})") from fault
