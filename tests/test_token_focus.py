"""`TokenFocus()`: held against the rules of FinOps FOCUS 1.2, as far as rows can show them, and `TokenCost()`."""

import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.focus_columns import COLUMNS, CONDITIONAL, ISSUED_TOGETHER, KUSTO_TYPE, MANDATORY, OMITTED
from tests.price_books import priced_by
from tests.usage_rows import NOON, observation
from token_meter.kql import run_query
from token_meter.query_result import Result
from token_meter.sinks.duckdb_store import DuckDbStore

DOCUMENT = Path(__file__).parent.parent / "docs" / "focus.md"
NANO = 10**9
HALF = Decimal("0.5") / NANO
UNKNOWN_COST = {"unpriced", "total_only", "unknown_tokens", "inconsistent"}
UNIT = re.compile(r"(\d+ )?[A-Z][A-Za-z]*s|[A-Z]+-[A-Z][a-z]+s")
"""FOCUS, Unit Format: `<quantity> <plural-units>` or `<singular-unit>-<plural-time-units>`."""
NUMBER = re.compile(r"(\d+(\.\d+)?)?")
PRICES = (
    {"basis": "list", "price": "2.5"},
    {"basis": "list", "meter": "completion", "price": "10.000001"},
    {"basis": "list", "meter": "cached_prompt", "price": "1.25"},
    {"basis": "contract", "price": "1.999999"},
    {"basis": "contract", "model": "own-model", "price": "0.1"},
    {"basis": "stand_in", "model": "claude-y", "price": "3"},
    {"basis": "stand_in", "model": "claude-y", "meter": "completion", "price": "15"},
    {"basis": "list", "meter": "ptu_hour", "model": "*", "unit": "1 PTU hour", "price": "1.1"},
)
DEPLOYMENTS = (
    {"deployment": "hosted", "backend": "*", "deployment_type": "Global", "model": "gpt-x", "ptus": "7",
     "effective_from": "2026-01-01"},
)  # fmt: skip
REPORTED = {"prompt_source": "reported", "completion_source": "reported", "total_source": "reported"}
PLACE = {"region": "Sweden Central", "backend": "west", "deployment": "chat", "served_model": "gpt-x"}
SHARED = {"deployment": "hosted", "prompt_tokens": 100, "completion_tokens": 50}


def call(name: str, **fields: Any) -> Any:
    """Return the observation of a call."""
    return observation(name, name, **{"app_id": "a", "status_code": 200, **REPORTED, **PLACE, **fields})


def rows() -> list[Any]:
    """Return calls of every kind of certainty, of three applications, on the last day of a month and the next."""
    month_end = datetime(2026, 10, 31, 23, 59, 59, 999999, tzinfo=UTC)
    text = {"prompt_tokens": 1001, "completion_tokens": 333}
    return [
        *(call(f"plain{place}", **text, cached_tokens=100 * place) for place in range(7)),
        call("early", **text, call_time=NOON - timedelta(hours=1)),
        call("late", **text, call_time=month_end),
        call("next", **text, call_time=month_end + timedelta(microseconds=1)),
        call("tagged", **text, custom={"team": "blue", "costCentre": "CC-7", "quote": 'say "hi"'}),
        call("nobody", **text, app_id=""),
        call("other", **text, app_id="b", region="", backend="", served_model="claude-y"),
        call("estimated", **text, prompt_source="estimated"),
        call("own", **text, served_model="own-model"),
        call("cut", prompt_tokens=7, completion_source="unknown", total_source="unknown"),
        call("unknown", **text, served_model="no-such-model", app_id="b"),
        call("nameless", **text, served_model="", deployment=""),
        call("total", total_tokens=5000),
        call("nothing", prompt_source="unknown", completion_source="unknown", total_source="unknown"),
        call("wrong", prompt_tokens=5, completion_tokens=1, cached_tokens=6),
        call("empty", prompt_tokens=0, completion_tokens=0),
        call("maybe", **text, charged="unknown"),
        observation("first", "twice", **{"app_id": "b", **REPORTED, **PLACE, **text, "attempt": 1}),
        observation("second", "twice", **{**REPORTED, **PLACE, **text, "attempt": 2, "served_model": "claude-y"}),
        call("refused", charged="no", status_code=429),
        call("share1", **SHARED),
        call("share2", **{**SHARED, "prompt_tokens": 1}, app_id="b"),
        call("share3", **{**SHARED, "prompt_tokens": 1}, total_source="estimated", completion_source="estimated"),
    ]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Result]]:
    """Return what answers a query over the calls."""
    with DuckDbStore(":memory:") as opened, priced_by(tmp_path_factory.mktemp("book"), PRICES, DEPLOYMENTS):
        opened.write(rows())
        yield lambda kql: run_query(opened, kql)


@pytest.fixture(scope="module")
def answer(ask: Callable[[str], Result]) -> Result:
    """Return what the function says of all calls."""
    return ask("TokenFocus(datetime(null), datetime(null), 'billing-1')")


@pytest.fixture(scope="module")
def lines(answer: Result) -> list[dict[str, Any]]:
    """Return its lines."""
    return answer.records()


@pytest.fixture(scope="module")
def costs(ask: Callable[[str], Result]) -> list[dict[str, Any]]:
    """Return what the calls cost."""
    return ask("TokenCost()").records()


def test_the_columns_are_the_specification_s_first_and_then_our_own(answer: Result) -> None:
    """Every mandatory one, each of its type; what version 1.2 has beside them is left out knowingly."""
    names = [name for name in answer.columns if not name.startswith("x_")]

    assert names == sorted(COLUMNS)
    assert list(answer.columns) == names + sorted(set(answer.columns) - set(names), key=str.lower)
    types = dict(zip(answer.columns, answer.types, strict=True))
    assert {name: KUSTO_TYPE[column.data_type] for name, column in COLUMNS.items()} == {
        name: types[name] for name in COLUMNS
    }
    assert not OMITTED & set(names)


def test_the_document_has_the_columns(answer: Result) -> None:
    """Name and type of each, in the order of the answer."""
    documented = re.findall(r"^\| `(\w+)` \| (\w+) \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)

    assert list(zip(answer.columns, answer.types, strict=True)) == documented


def test_what_may_not_be_null_is_not(lines: list[dict[str, Any]]) -> None:
    """Kusto has no null text: an empty one is it."""
    for name, column in COLUMNS.items():
        if not column.nullable:
            assert not [line for line in lines if line[name] in {None, ""}], name


def test_closed_lists_are_kept(lines: list[dict[str, Any]]) -> None:
    """Where the specification allows only some values."""
    for name, column in COLUMNS.items():
        if column.allowed:
            assert {line[name] for line in lines} - {""} <= column.allowed, name


def test_what_goes_together_is_null_together(lines: list[dict[str, Any]]) -> None:
    """A quantity with its unit, an id with its name."""
    for one, other in ISSUED_TOGETHER:
        assert not [line for line in lines if (line[one] in {None, ""}) != (line[other] in {None, ""})], (one, other)


def test_units_are_written_as_the_specification_does(lines: list[dict[str, Any]]) -> None:
    """A million tokens is a quantity, a PTU hour a unit."""
    units = {line[name] for line in lines for name in ("PricingUnit", "ConsumedUnit")} - {""}

    assert units == {"1000000 Tokens", "PTU-Hours", "Tokens"}
    assert all(UNIT.fullmatch(unit) for unit in units)


def test_a_charge_lies_within_its_billing_period(lines: list[dict[str, Any]]) -> None:
    """A day within its calendar month, the last day of October not in November."""
    for line in lines:
        start, end = (datetime.fromisoformat(line[f"ChargePeriod{side}"]) for side in ("Start", "End"))
        assert line["BillingPeriodStart"] <= line["ChargePeriodStart"] < line["ChargePeriodEnd"]
        assert line["ChargePeriodEnd"] <= line["BillingPeriodEnd"]
        assert timedelta(days=1) == end - start
    assert {"2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"} == {line["BillingPeriodStart"] for line in lines}


def test_tags_are_the_customer_s_own_dimensions(lines: list[dict[str, Any]]) -> None:
    """As one flat JSON object, or null."""
    tags = {line["Tags"] for line in lines}

    assert [{"team": "blue", "costCentre": "CC-7", "quote": 'say "hi"'}] == [json.loads(tag) for tag in tags - {""}]
    assert {"CC-7"} == {line["x_CostCentre"] for line in lines if line["Tags"]}


def test_costs_are_the_quantity_at_the_unit_price(lines: list[dict[str, Any]]) -> None:
    """Within the half nano-unit by which each call is rounded; a list price that is not known bills as billed."""
    for line in lines:
        tolerance = HALF * line["x_Calls"]
        if line["x_Meter"] == "ptu_hour":
            tolerance *= 1 + exact(line["ContractedUnitPrice"])  # the quantity is rounded too
        for cost, price in (("ContractedCost", "ContractedUnitPrice"), ("ListCost", "ListUnitPrice")):
            if line[price] is None:
                assert line["BilledCost"] == line[cost]
            else:
                product = exact(line[price]) * exact(line["PricingQuantity"])
                assert abs(product - exact(line[cost])) <= tolerance, line


def test_usage_has_all_that_usage_must_have_where_the_meter_knows_it(lines: list[dict[str, Any]]) -> None:
    """A line without a price or a quantity is one whose cost is unknown, and it says so."""
    needed = ("ContractedUnitPrice", "PricingQuantity", "ConsumedQuantity", "SkuId", "SkuPriceId")
    for line in lines:
        if line["x_BilledCostNano"]:
            assert not [name for name in needed if line[name] in {None, ""}], line
    assert UNKNOWN_COST | {"lower_bound", "priced"} == {
        line["x_PriceStatus"] for line in lines if line["ContractedUnitPrice"] is None
    }


def test_the_lines_of_an_application_s_day_add_up_to_its_calls(
    lines: list[dict[str, Any]], costs: list[dict[str, Any]]
) -> None:
    """To the last digit, whether one adds whole nano-units or the decimals as they are written."""
    expected: dict[tuple[str, str], int] = defaultdict(int)
    nano: dict[tuple[str, str], int] = defaultdict(int)
    decimal: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in costs:
        if row["Charged"] != "no":
            expected[row["AppId"], row["CallTime"][:10]] += row["CostNano"] or 0
    for line in lines:
        key = line["SubAccountId"], line["ChargePeriodStart"][:10]
        nano[key] += line["x_BilledCostNano"] or 0
        decimal[key] += exact(line["BilledCost"])

    assert len(expected) > 3
    assert expected == nano
    assert expected == {key: int(cost * NANO) for key, cost in decimal.items()}


def test_a_csv_file_carries_every_digit(answer: Result, lines: list[dict[str, Any]]) -> None:
    """Numbers as FOCUS wants them: digits and a point; the decimals of the file add up to the whole nano-units."""
    rows = list(csv.DictReader(io.StringIO(answer.as_csv())))

    for row in rows:
        assert not [
            name for name in COLUMNS if COLUMNS[name].data_type == "Decimal" and not NUMBER.fullmatch(row[name])
        ]
    assert (
        sum(line["x_BilledCostNano"] or 0 for line in lines) == sum(Decimal(row["BilledCost"]) for row in rows) * NANO
    )


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("x_LowCostNano", "LowNano"), ("x_EstimatedCostNano", "EstimatedNano"), ("x_BilledCostNano", "CostNano")],
)
def test_how_sure_a_cost_is_adds_up_too(
    lines: list[dict[str, Any]], costs: list[dict[str, Any]], ours: str, theirs: str
) -> None:
    """By status, so that nothing moves from one to another."""
    expected: dict[str, int] = defaultdict(int)
    told: dict[str, int] = defaultdict(int)
    for row in costs:
        if row["PriceStatus"] != "not_charged":
            expected[row["PriceStatus"]] += row[theirs] or 0
    for line in lines:
        told[line["x_PriceStatus"]] += line[ours] or 0

    assert expected == told


def test_the_list_cost_is_what_public_prices_make_of_the_same_tokens(lines: list[dict[str, Any]]) -> None:
    """Where there is a contract, more than is billed; where there is no public price, not known."""
    prompts = [line for line in lines if line["x_Meter"] == "prompt" and line["x_Model"] == "gpt-x"]
    (own,) = [line for line in lines if line["x_Model"] == "own-model" and line["x_Meter"] == "prompt"]

    assert {(1.999999, 2.5)} == {(line["ContractedUnitPrice"], line["ListUnitPrice"]) for line in prompts}
    assert (None, None, own["BilledCost"]) == (own["ListUnitPrice"], own["x_ListCostNano"], own["ListCost"])


def test_every_call_that_may_have_been_charged_is_a_line_and_its_tokens_are_there_once(
    lines: list[dict[str, Any]], costs: list[dict[str, Any]]
) -> None:
    """Also what has no price; what the service refused is no charge."""
    told = sum(line["ConsumedQuantity"] or 0 for line in lines)
    charged = [row for row in costs if row["Charged"] != "no"]
    known = [row for row in charged if row["PriceStatus"] != "inconsistent"]
    tokens = [row["TotalTokens"] or (row["PromptTokens"] or 0) + (row["CompletionTokens"] or 0) for row in known]

    assert sum(tokens) == told
    assert {row["PriceStatus"] for row in charged} == {line["x_PriceStatus"] for line in lines}
    assert {row["CallId"] for row in costs} - {row["CallId"] for row in charged} == {"refused"}


def test_an_estimate_is_a_line_of_its_own(lines: list[dict[str, Any]]) -> None:
    """And the part of the same call that the service reported is another."""
    (prompt,) = [line for line in lines if line["x_TokenSource"] == "estimated" and line["x_Meter"] == "prompt"]

    assert (1001, prompt["x_BilledCostNano"]) == (prompt["ConsumedQuantity"], prompt["x_EstimatedCostNano"])


def test_calls_of_a_day_that_differ_in_nothing_are_one_line_for_each_meter(lines: list[dict[str, Any]]) -> None:
    """Seven calls with more and more cached tokens; the first has none."""
    plain = [
        line
        for line in lines
        if line["SubAccountId"] == "a" and line["x_Model"] == "gpt-x" and line["x_PriceStatus"] == "priced"
        and line["ChargePeriodStart"].startswith("2026-10-05") and not line["Tags"]
    ]  # fmt: skip
    cached = [line for line in plain if line["x_Meter"] == "cached_prompt"]

    assert [(6, 2100.0)] == [(line["x_Calls"], line["ConsumedQuantity"]) for line in cached]


def test_adjacent_periods_divide_the_lines(ask: Callable[[str], Result], lines: list[dict[str, Any]]) -> None:
    """Asked up to noon and from noon, a day's charges say so and their sums are the day's."""
    noon = NOON.strftime("datetime(%Y-%m-%d %H:%M)")

    def asked(period: str) -> list[dict[str, Any]]:
        return ask(f"TokenFocus({period})").records()

    before, after = asked(f"datetime(null), {noon}"), asked(f"{noon}, datetime(null)")
    hour = asked(f"{noon}, {noon} + 1h")

    assert before
    assert sum(line["x_BilledCostNano"] or 0 for line in lines) == sum(
        line["x_BilledCostNano"] or 0 for line in before + after
    )
    assert {"2026-10-05T12:00:00Z"} == {line["ChargePeriodEnd"] for line in before}
    assert "2026-10-05T12:00:00Z" == min(line["ChargePeriodStart"] for line in after)
    assert {("2026-10-05T12:00:00Z", "2026-10-05T13:00:00Z")} == {
        (line["ChargePeriodStart"], line["ChargePeriodEnd"]) for line in hour
    }


def test_without_an_account_the_column_is_null(ask: Callable[[str], Result]) -> None:
    """Which the specification forbids; the meter does not make one up."""
    assert {("",)} == set(ask("TokenFocus() | distinct BillingAccountId").rows)


def test_the_table_of_rules_names_what_is_mandatory() -> None:
    """As many columns of each level as version 1.2 has, minus those left out."""
    levels = [column.level for column in COLUMNS.values()]

    assert (21, 57) == (levels.count(MANDATORY), len(COLUMNS) + len(OMITTED))
    assert levels.count(CONDITIONAL)


def exact(value: float) -> Decimal:
    """Return a number as its shortest text writes it, which is what a CSV file carries."""
    return Decimal(repr(value))
