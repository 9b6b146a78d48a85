"""`TokenCost()`: what calls cost, held against Decimal arithmetic over the shipped price file, read as plain CSV."""

import csv
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.usage_rows import NOON, observation
from token_meter.kql import run_query
from token_meter.sinks.duckdb_store import DuckDbStore

PRICES = Path(__file__).parent.parent / "prices" / "azure_openai.csv"
COMMON = {
    "app_id": "a",
    "prompt_source": "reported",
    "completion_source": "reported",
    "status_code": 200,
    "region": "Sweden Central",
}
PARTS = {"Prompt", "Cached", "CacheWrite", "Completion", "AudioPrompt", "AudioCompletion", "Image", "Ptu"}
JULY_ENDS = datetime(2026, 7, 31, 23, 59, 59, 999000, tzinfo=UTC)
AUGUST = datetime(2026, 8, 1, tzinfo=UTC)


def price(meter: str, model: str, day: str = "2026-10-05", prompt_above: str = "0") -> Decimal:
    """Return what a million tokens cost in a global standard deployment, as the file says."""
    with PRICES.open(encoding="utf-8") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if (row["meter"], row["model"], row["deployment_type"], row["tier"], row["prompt_above"])
            == (meter, model, "Global", "standard", prompt_above)
            and row["version"] in {"*", "2024-11-20"}
            and row["effective_from"] <= day
        ]
    latest = max(rows, key=lambda row: row["effective_from"])
    return Decimal(latest["price"]) * (1000 if latest["unit"] == "1K tokens" else 1)


def nano(tokens: int, per_million: Decimal) -> int:
    """Return the cost of tokens in nano-units, rounded half up once."""
    return int((tokens * per_million * 1000).quantize(Decimal(1), ROUND_HALF_UP))


def call(name: str, model: str, prompt: int | None, completion: int | None, **fields: Any) -> Any:
    """Return the observation of a call."""
    numbers = {"prompt_tokens": prompt, "completion_tokens": completion}
    event_id = fields.pop("event_id", name)
    return observation(event_id, name, served_model=model, **{**COMMON, **numbers, **fields})


@pytest.fixture(scope="module")
def store() -> Iterator[DuckDbStore]:
    """Return a store of calls, each of which a test looks at."""
    rows = [
        call("plain", "gpt-4o-2024-11-20", 1237, 311, cached_tokens=1024),
        call("before", "gpt-5.6-luna", 1000, 100, call_time=JULY_ENDS),
        call("after", "gpt-5.6-luna", 1000, 100, call_time=AUGUST),
        call("short", "gpt-5.6-luna", 272_000, 10),
        call("long", "gpt-5.6-luna", 272_001, 10),
        call("wrong", "gpt-4o-2024-11-20", 10, 5, cached_tokens=11),
        call("unknown", "no-such-model", 10, 5),
        call("refused", "", None, None, charged="no", status_code=429),
        call("lost", "gpt-4o-2024-11-20", 10, None, completion_source="unknown"),
        call("total", "gpt-4o-2024-11-20", None, None, total_tokens=900, total_source="reported"),
        call("nothing", "gpt-4o-2024-11-20", None, None),
        call("hostile", "gpt-4o-2024-11-20", 10**12, 10**12),
        call("hosted", "gpt-4o-2024-08-06", 750, 0, deployment="chat-provisioned", backend="aoai-ptu"),
        call("shared", "gpt-4o-2024-08-06", 250, 0, deployment="chat-provisioned", backend="aoai-ptu"),
        call("spilled", "gpt-4o-2024-08-06", 1000, 0, deployment="chat-provisioned", backend="aoai-ptu",
             is_spilled_over=True),
        call("twice", "gpt-4o-2024-11-20", 100, 10, event_id="first", attempt=1),
        call("twice", "gpt-4o-mini", 100, 10, event_id="second", attempt=2),
        call("again", "gpt-4o-2024-11-20", 100, 10, event_id="third", attempt=1),
        call("again", "gpt-4o-2024-11-20", 100, 10, event_id="fourth", attempt=2),
        call("old", "gpt-4o-2024-11-20", 10, 5, call_time=datetime(2020, 1, 1, tzinfo=UTC)),
    ]  # fmt: skip
    with DuckDbStore(":memory:") as opened:
        opened.write(rows)
        yield opened


def asked(store: DuckDbStore, kql: str) -> list[dict[str, Any]]:
    """Return the rows of an answer."""
    result = run_query(store, kql)
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


@pytest.fixture(scope="module")
def costs(store: DuckDbStore) -> dict[str, dict[str, Any]]:
    """Return what `TokenCost()` says, by call."""
    return {row["CallId"]: row for row in asked(store, "TokenCost()")}


def test_every_cost_is_the_sum_of_its_parts_and_within_its_bounds(costs: dict[str, dict[str, Any]]) -> None:
    """No part twice, none beside."""
    parts = [name for name in costs["plain"] if name.endswith("Nano") and name.removesuffix("Nano") in PARTS]

    assert len(PARTS) == len(parts)
    for row in costs.values():
        if row["CostNano"]:
            assert row["CostNano"] == sum(row[name] or 0 for name in parts)
            assert row["LowNano"] <= row["CostNano"]
            assert row["HighNano"] is None or row["CostNano"] <= row["HighNano"]


def test_days_add_up_to_the_calls_and_keep_what_has_no_price_apart(
    store: DuckDbStore, costs: dict[str, dict[str, Any]]
) -> None:
    """To the last digit, and no call is lost."""
    days = asked(store, "TokenDaily()")

    assert len(costs) == sum(day["Calls"] for day in days)
    assert sum(row["CostNano"] or 0 for row in costs.values()) == sum(day["CostNano"] or 0 for day in days)
    assert {row["PriceStatus"] for row in costs.values()} == {day["PriceStatus"] for day in days}


def test_an_hour_without_calls_is_idle_and_shown(store: DuckDbStore) -> None:
    """Noon was used, eleven o'clock was not; both cost the same."""
    hours = asked(store, "TokenPtu(datetime(2026-10-05 11:00), datetime(2026-10-05 13:00)) | sort by Hour asc")

    hour = 110 * 10**9
    assert [(hour, 0, hour), (hour, hour, 0)] == [
        (row["HourNano"], row["AllocatedNano"], row["IdleNano"]) for row in hours
    ]


def test_a_call_costs_its_parts_at_their_prices_and_nothing_twice(costs: dict[str, dict[str, Any]]) -> None:
    """Cached tokens are taken out of the prompt; every part is rounded once, and the cost is the sum of the parts."""
    expected = (
        nano(1237 - 1024, price("prompt", "gpt-4o")),
        nano(1024, price("cached_prompt", "gpt-4o")),
        nano(311, price("completion", "gpt-4o")),
    )
    plain = costs["plain"]

    assert expected == (plain["PromptNano"], plain["CachedNano"], plain["CompletionNano"])
    assert ("priced", sum(expected)) == (plain["PriceStatus"], plain["CostNano"])


def test_a_call_has_the_price_of_its_moment(costs: dict[str, dict[str, Any]]) -> None:
    """A millisecond before a change the old price, at midnight the new one."""
    expected = [
        nano(1000, price("prompt", "gpt-5.6-luna", day)) + nano(100, price("completion", "gpt-5.6-luna", day))
        for day in ("2026-07-31", "2026-08-01")
    ]

    assert expected[0] != expected[1]
    assert expected == [costs["before"]["CostNano"], costs["after"]["CostNano"]]


def test_a_long_prompt_has_its_own_price_from_the_token_after_the_limit(costs: dict[str, dict[str, Any]]) -> None:
    """272,000 tokens are short, one more is long."""
    assert nano(272_000, price("prompt", "gpt-5.6-luna")) == costs["short"]["PromptNano"]
    assert nano(272_001, price("prompt", "gpt-5.6-luna", prompt_above="272000")) == costs["long"]["PromptNano"]


@pytest.mark.parametrize(
    ("name", "status", "cost"),
    [
        ("wrong", "inconsistent", None),
        ("unknown", "unpriced", None),
        ("refused", "not_charged", 0),
        ("lost", "lower_bound", nano(10, Decimal("2.5"))),
        ("total", "total_only", None),
        ("nothing", "unknown_tokens", None),
        ("hostile", "inconsistent", None),
        ("old", "unpriced", None),
    ],
)
def test_what_has_no_certain_cost_says_so(
    costs: dict[str, dict[str, Any]], name: str, status: str, cost: int | None
) -> None:
    """It stays a row; null is unknown, and only what is not charged costs nothing."""
    assert (status, cost) == (costs[name]["PriceStatus"], costs[name]["CostNano"])


def test_what_is_not_charged_is_named_as_what_is() -> None:
    """Whether or not another call of that day, deployment and model was charged."""
    with DuckDbStore(":memory:") as alone:
        alone.write([call("throttled", "", None, None, charged="no", status_code=429, deployment="gpt-4o")])
        (row,) = asked(alone, "TokenCost()")

    assert ("gpt-4o", "deployment", "Global") == (row["Model"], row["ModelSource"], row["DeploymentType"])


def test_a_total_without_parts_lies_between_bounds(costs: dict[str, dict[str, Any]]) -> None:
    """All of it as prompt, all of it as completion."""
    expected = nano(900, price("prompt", "gpt-4o")), nano(900, price("completion", "gpt-4o"))

    assert expected == (costs["total"]["LowNano"], costs["total"]["HighNano"])


def test_the_calls_of_an_hour_share_what_provisioned_capacity_costs(costs: dict[str, dict[str, Any]]) -> None:
    """By their tokens; 50 PTUs in France Central at 2.2 an hour."""
    hour = int(50 * Decimal("2.2") * 10**9)

    assert [hour * 3 // 4, hour // 4] == [costs["hosted"]["CostNano"], costs["shared"]["CostNano"]]
    assert ("allocated", "PTU") == (costs["hosted"]["PriceStatus"], costs["hosted"]["DeploymentType"])


def test_a_call_that_spilled_over_pays_for_its_tokens(costs: dict[str, dict[str, Any]]) -> None:
    """By the price of the deployment's type and region, and takes no share of the hour."""
    assert ("Regional", True) == (costs["spilled"]["DeploymentType"], costs["spilled"]["PtuNano"] is None)


def test_a_deployment_that_is_not_listed_is_taken_for_a_global_one_and_says_so(
    costs: dict[str, dict[str, Any]],
) -> None:
    """Since no call tells its type."""
    assert ("Global", "type_assumed_global") == (costs["plain"]["DeploymentType"], costs["plain"]["PriceNotes"])
    assert "" == costs["hosted"]["PriceNotes"]


def test_attempts_of_several_models_have_the_last_one_s_price_and_no_certain_cost(
    costs: dict[str, dict[str, Any]],
) -> None:
    """All of it is an estimate, and nothing bounds it from above; attempts of one model are certain."""
    cost = nano(200, price("prompt", "gpt-4o-mini")) + nano(20, price("completion", "gpt-4o-mini"))
    twice, again = costs["twice"], costs["again"]

    assert (cost, cost, 0, None) == tuple(twice[name] for name in ("CostNano", "EstimatedNano", "LowNano", "HighNano"))
    assert {"priced_as_last_attempt", "type_assumed_global"} == set(twice["PriceNotes"].split())
    assert (0, again["CostNano"]) == (again["EstimatedNano"], again["HighNano"])
    assert "type_assumed_global" == again["PriceNotes"]


def test_the_document_tells_every_note_and_status() -> None:
    """That the function may write."""
    kql = (PRICES.parent.parent / "kql" / "functions" / "TokenCost.kql").read_text(encoding="utf-8")
    document = (PRICES.parent.parent / "docs" / "prices.md").read_text(encoding="utf-8")
    statuses = set(re.findall(r"PriceStatus == '(\w+)'", kql))
    notes = set(re.findall(r"'(\w+) ', ''\)", kql))

    assert {"stand_in_price", "overlapping_parts"} <= notes
    assert not [name for name in statuses | notes if f"`{name}`" not in document]


def test_noon_is_in_the_period_of_the_tests() -> None:
    """The calls without a time of their own are in October 2026."""
    assert datetime(2026, 10, 5, 12, tzinfo=UTC) == NOON
