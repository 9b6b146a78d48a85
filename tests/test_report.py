"""The report's numbers and sheets: the totals are TokenCost's to the last digit, and no name of data runs anywhere."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from azure.monitor.query import LogsQueryClient

from tests.kusto_parser import diagnostics
from tests.log_analytics_peer import WORKSPACE, Signed, log_analytics_peer
from tests.report_cases import FORMULA, HOSTILE, LONG, MONTH, OCTOBER, SCRIPT, call, calls, lost
from token_meter.kql import run_query
from token_meter.log_analytics import LogAnalytics
from token_meter.query_result import Ask, QueryError, Result
from token_meter.report.amounts import exact
from token_meter.report.answers import read_report
from token_meter.report.figures import Day, Figures, Health, Line, Sums
from token_meter.report.month import Dimension, Month
from token_meter.report.page import page_of
from token_meter.report.sheets import COLUMNS, csv_of, xlsx_of
from token_meter.sinks.duckdb_store import DuckDbStore

NANO = Decimal(10**9)
UNCOSTED = ("total_only", "unpriced", "unknown_tokens", "inconsistent")


@pytest.fixture(scope="module")
def store() -> Iterator[DuckDbStore]:
    """Return a store of two months."""
    with DuckDbStore(":memory:") as opened:
        opened.write(list(calls()))
        for row in lost():
            opened.write([row])
        yield opened


@pytest.fixture(scope="module")
def costs(store: DuckDbStore) -> list[dict[str, Any]]:
    """Return October's calls as TokenCost answers them, one by one: what the report must add up to."""
    return run_query(store, "TokenCost(datetime(2026-10-01), datetime(2026-11-01))").records()


@pytest.fixture(scope="module")
def asked() -> list[tuple[str, Result]]:
    """Return the questions that the report below asked with their answers, filled as it asks them."""
    return []


@pytest.fixture(scope="module")
def figures(store: DuckDbStore, asked: list[tuple[str, Result]]) -> Figures:
    """Return October's figures."""

    def ask(kql: str) -> Result:
        asked.append((kql, run_query(store, kql)))
        return asked[-1][1]

    return read_report(ask, MONTH)


@pytest.fixture(scope="module")
def page(figures: Figures) -> str:
    """Return October's page."""
    return page_of(figures, Dimension.COST_CENTRE)


@pytest.fixture(scope="module")
def rows(figures: Figures) -> list[dict[str, str]]:
    """Return the rows of the CSV."""
    return list(csv.DictReader(io.StringIO(csv_of(figures, Dimension.APP))))


def figures_of(calls_made: list[Any], month: Month = MONTH) -> Figures:
    """Return the figures of a store with these calls alone."""
    with DuckDbStore(":memory:") as opened:
        opened.write(calls_made)
        return read_report(lambda kql: run_query(opened, kql), month)


def made_of(*lines: Line) -> Figures:
    """Return the figures of a month that has these lines alone, and nothing before."""
    health = Health(
        batches=0, calls=0, gaps=0, missing_events=0, unbalanced=0, unstored_batches=0, missing_observations=0
    )
    days = tuple(Day(OCTOBER.date(), line.deployment_type, line.status, line.sums) for line in lines)
    return Figures(
        month=MONTH,
        lines=lines,
        lines_before=(),
        days=days,
        rejected=(),
        capacity=(),
        health=health,
        currency="USD",
        price_book="2026-10-01 0123456789ab",
        revisions=(1,),
        last_call=OCTOBER,
    )


def line(app: str, cost: int, status: str = "priced") -> Line:
    """Return an application's line of one call."""
    unbounded = int(status == "unpriced")
    sums = Sums(calls=1, total_tokens=1_548, cost=cost, low=cost, high=cost, unbounded=unbounded, compared=cost)
    return Line(
        cost_centre="CC-1",
        app_id=app,
        app_name=app,
        product="",
        deployment="chat",
        model="gpt-4o",
        deployment_type="Global",
        status=status,
        sums=sums,
    )


def total_of(costs: list[dict[str, Any]], column: str = "CostNano") -> int:
    """Return the plain sum of a column of TokenCost."""
    return sum(row[column] or 0 for row in costs)


def test_the_total_is_token_costs_to_the_last_digit(page: str, costs: list[dict[str, Any]]) -> None:
    """As a number for programs, as text for people, and in the title rounded."""
    total = total_of(costs)
    found = re.search(r'<data id="total" value="([\d.]+)" data-nano="(\d+)">', page)

    assert total % 10_000_000, "the cases must need rounding"
    assert found is not None
    assert (Decimal(total) / NANO, total) == (Decimal(found[1]), int(found[2]))
    assert f"exactly {exact(total)}" in page


def test_every_way_of_adding_up_comes_to_the_total(page: str, costs: list[dict[str, Any]]) -> None:
    """By kind of cost, cost centre, application, deployment, model, product and day."""
    table = page[page.index("<h2>Reconciliation</h2>") : page.index("<h2>Method</h2>")]
    sums = re.findall(r'<data value="([\d.]+)">', table)

    assert [Decimal(total_of(costs)) / NANO] * 7 == [Decimal(text) for text in sums]
    assert 7 == table.count("<td>yes</td>")


def test_kinds_of_cost_are_token_costs_statuses(figures: Figures, costs: list[dict[str, Any]]) -> None:
    """Calls, cost and bounds of each, so that nothing without a price is lost in a sum."""
    expected = Counter(row["PriceStatus"] for row in costs)
    found: Counter[str] = Counter()
    for line in figures.lines:
        found[line.status] += line.sums.calls

    assert set(UNCOSTED) < set(expected)
    assert expected == found
    assert (total_of(costs, "LowNano"), total_of(costs, "EstimatedNano")) == (
        figures.total.low,
        figures.total.estimated,
    )


def test_the_sheets_rows_come_to_the_total(rows: list[dict[str, str]], costs: list[dict[str, Any]]) -> None:
    """In decimal arithmetic over the CSV's texts; what has no cost has an empty cell and is no zero."""
    assert Decimal(total_of(costs)) / NANO == sum(Decimal(row["Cost"] or 0) for row in rows)
    assert len(costs) == sum(int(row["Calls"]) for row in rows)
    assert {""} == {row["Cost"] for row in rows if row["PriceStatus"] in UNCOSTED}


def test_the_workbook_has_the_csvs_rows_with_numbers_as_numbers(figures: Figures, rows: list[dict[str, str]]) -> None:
    """Cell by cell; Excel keeps 15 digits of a number."""
    sheet = openpyxl.load_workbook(io.BytesIO(xlsx_of(figures, Dimension.APP)))["Costs"]
    heading, *cells = list(sheet.iter_rows(values_only=True))

    assert COLUMNS == heading
    assert len(rows) == len(cells)
    for row, texts in zip(cells, rows, strict=True):
        for value, (name, text) in zip(row, texts.items(), strict=True):
            if isinstance(value, int | float):
                assert float(text) == value, name
            else:
                assert text == (value or ""), name


@pytest.mark.parametrize("dimension", list(Dimension))
def test_no_cell_is_a_formula(figures: Figures, dimension: Dimension) -> None:
    """Neither in the CSV nor, by its type, in the workbook; a name that began as one begins with an apostrophe."""
    text = csv_of(figures, dimension)
    sheet = openpyxl.load_workbook(io.BytesIO(xlsx_of(figures, dimension)))["Costs"]

    starts = {cell.lstrip()[:1] for row in csv.reader(io.StringIO(text)) for cell in row}
    assert not starts & set("=+-@\t\r")
    assert f"'{FORMULA}" in {row["AppId"] for row in csv.DictReader(io.StringIO(text))}
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


def test_no_name_is_markup(page: str) -> None:
    """A script, an image, a template's braces: each is text, and nothing is endless or turns the line around."""
    assert "<script" not in page
    assert "<img" not in page
    assert "onload=alert(3)&gt;" in page
    assert "{{ 7 * 7 }}" in page
    assert "\u202e" not in page
    assert LONG[:200] not in page
    assert SCRIPT.replace("<", "&lt;").replace(">", "&gt;") in page


def test_each_question_is_asked_once(figures: Figures, asked: list[tuple[str, Result]]) -> None:
    """Costs take longest: both months, every table and every chart come out of one answer."""
    questions_asked = [kql for kql, _ in asked]

    assert figures.lines
    assert len(questions_asked) == len(set(questions_asked)) == 5
    assert 1 == sum("TokenDays(" in kql or "TokenCost(" in kql for kql in questions_asked)


def test_the_questions_are_kql_to_microsofts_parser(figures: Figures, asked: list[tuple[str, Result]]) -> None:
    """Without an error or a warning."""
    assert figures.lines
    assert [] == diagnostics({str(number): kql for number, (kql, _) in enumerate(asked)})


def test_what_is_missing_is_said_before_the_numbers(page: str) -> None:
    """The gap in the ledger, the rejected record, the calls without a cost."""
    notices = page[page.index('class="notices"') : page.index("<h2>How sure is this?</h2>")]

    assert "3 events in 1 gap never reached the meter" in notices
    assert "1 record could not be read" in notices
    assert "3 calls (" in notices
    assert "Rejected: <bdi>not_json</bdi>" in page


def test_idle_capacity_is_told_and_in_no_total(page: str, figures: Figures) -> None:
    """Of 744 hours one had calls; they share it to the last digit but for rounding."""
    (capacity,) = figures.capacity

    assert (744, 743) == (capacity.hours, capacity.idle_hours)
    assert capacity.cost == capacity.allocated + capacity.idle
    assert "Idle capacity" in page


@pytest.mark.sockets
def test_log_analytics_gives_the_same_report(store: DuckDbStore, page: str, figures: Figures, tmp_path: Path) -> None:
    """Byte for byte, over HTTPS with the real client."""
    with log_analytics_peer(store, tmp_path) as peer:
        client = LogsQueryClient(Signed(), endpoint=peer.endpoint, connection_verify=str(peer.certificate))
        ask: Ask = LogAnalytics(client, WORKSPACE).ask
        remote = read_report(ask, MONTH)

    assert page == page_of(remote, Dimension.COST_CENTRE)
    assert csv_of(figures, Dimension.APP) == csv_of(remote, Dimension.APP)
    assert xlsx_of(figures, Dimension.APP) == xlsx_of(remote, Dimension.APP)


def test_a_month_without_calls_says_so() -> None:
    """One sentence and the checks, no table of zeros, no total."""
    page = page_of(figures_of([]), Dimension.COST_CENTRE)

    assert "No call of October 2026 has been metered." in page
    assert 'id="total"' not in page
    assert "<svg" not in page


def test_a_month_that_is_not_over_is_compared_by_the_days_that_are() -> None:
    """At noon of the 11th, ten days against ten days; the total has today, too."""
    november = OCTOBER.replace(month=9, day=1)
    made = OCTOBER.replace(day=11, hour=12)
    figures = figures_of(
        [
            call("day 5", OCTOBER.replace(day=5)),
            call("today", OCTOBER.replace(day=11)),
            call("before, day 5", november.replace(day=5)),
            call("before, day 11", november.replace(day=11)),
        ],
        Month(MONTH.start, MONTH.end, made),
    )
    one = figures.total.cost // 2

    assert (2 * one, one, one) == (figures.total.cost, figures.total.compared, figures.before.compared)
    page = page_of(figures, Dimension.APP)
    assert "The month is not over" in page
    assert "That is what the same days of September 2026 cost, too." in page


def test_every_hostile_name_is_in_the_sheet_whole_but_for_what_cannot_be_seen(rows: list[dict[str, str]]) -> None:
    """A mark stands for each of those characters."""
    found = {row["AppId"].removeprefix("'") for row in rows}

    assert {name.replace("\u202e", "\ufffd").replace("\t", "\ufffd") for name in HOSTILE} < found


def test_two_names_that_look_the_same_stay_apart() -> None:
    """Long names that differ at their end are two lines, on the page and in the chart."""
    page = page_of(made_of(line("y" * 500 + "1", 10**9), line("y" * 500 + "2", 10**9)), Dimension.APP)

    assert 2 == len(set(re.findall(r'<th scope="row"><bdi>(y[^<]*)</bdi>', page)))


def test_a_month_without_prices_says_so() -> None:
    """It has calls and tokens, and no cost: not zero, but not known."""
    page = page_of(made_of(line("a", 0, "unpriced")), Dimension.COST_CENTRE)

    assert "Nothing has a price" in page
    assert "not known" in page
    assert "no upper bound" in page


def test_a_single_application_and_no_month_before_say_so() -> None:
    """Nothing is compared with nothing."""
    page = page_of(made_of(line("only", 10**9)), Dimension.APP)

    assert "No call of September 2026 has been metered, so there is nothing to compare it with." in page
    assert "nothing can be said of what moved" in page


def test_rounded_parts_that_miss_the_rounded_total_are_told() -> None:
    """Three parts of a third of a cent each are shown as less than a cent and come to one."""
    page = page_of(made_of(*(line(app, 3_332_500) for app in "abc")), Dimension.APP)
    table = page[page.index("Cost by application, in USD</caption>") :].split("</tbody>")[0]

    assert "The rounded costs come to 0.01 less than the total shown because each is rounded by itself" in page
    assert 3 == table.count("&lt; 0.01</data>")


def test_an_answer_that_is_no_money_is_refused(figures: Figures, asked: list[tuple[str, Result]]) -> None:
    """A sum over two currencies would be none, nor is a fraction of a billionth."""
    assert figures.lines
    costs, *others = asked

    def answering(column: str, value: Any) -> Ask:
        kql, result = costs
        place = result.columns.index(column)
        first = (*result.rows[0][:place], value, *result.rows[0][place + 1 :])
        answers = dict([(kql, Result(result.columns, result.types, (first, *result.rows[1:]))), *others])
        return answers.__getitem__

    with pytest.raises(QueryError, match="more than one Currency: EUR, USD"):
        read_report(answering("Currency", "EUR"), MONTH)
    with pytest.raises(QueryError, match="not a whole number"):
        read_report(answering("CostNano", 0.5), MONTH)
