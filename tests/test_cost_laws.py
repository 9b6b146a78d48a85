"""Laws of `TokenCost()`, for any tokens and prices: many calls to a store and one question, held against Decimal."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.price_books import priced_by
from tests.usage_rows import NOON, observation
from token_meter.kql import run_query
from token_meter.pricing.money import LARGEST_TOKEN_PRICE, LARGEST_TOKENS, MICRO, NANO
from token_meter.row import UsageRow
from token_meter.sinks.duckdb_store import DuckDbStore

FEW = settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
"""Few examples of many calls each: a question takes seconds, whether it is about one call or a thousand."""
SHARE_ERROR = Decimal("0.503")
"""Nano-units by which a share of an hour may miss: the half of rounding, and what its steps of 10**-12 leave over."""
PARTS = ("prompt", "cached_prompt", "cache_write", "audio_prompt", "image_prompt", "completion", "audio_completion")
PROMPT_PARTS = PARTS[:5]
COLUMNS = {
    "prompt": "PromptNano",
    "cached_prompt": "CachedNano",
    "cache_write": "CacheWriteNano",
    "audio_prompt": "AudioPromptNano",
    "image_prompt": "ImageNano",
    "completion": "CompletionNano",
    "audio_completion": "AudioCompletionNano",
}
FALLS_BACK = {"cached_prompt", "cache_write", "image_prompt"}
REPORTED = {"prompt_source": "reported", "completion_source": "reported", "total_source": "reported"}
Row = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A call by its parts, at prices in micro-units; None where a part has no price."""

    tokens: tuple[int, ...]
    prices: tuple[int | None, ...]
    reasoning: int = 0

    def part(self, name: str) -> int:
        """Return how many tokens a part has."""
        return self.tokens[PARTS.index(name)]

    def price(self, name: str) -> int | None:
        """Return the price that a part has; some have the prompt's where they have none."""
        own = self.prices[PARTS.index(name)]
        return self.prices[0] if own is None and name in FALLS_BACK else own

    @property
    def prompt(self) -> int:
        """Return the tokens of the prompt, of which the parts are."""
        return sum(self.part(name) for name in PROMPT_PARTS)

    @property
    def completion(self) -> int:
        """Return the tokens of the completion."""
        return self.part("completion") + self.part("audio_completion")


def nano(tokens: int, micro: int) -> int:
    """Return a cost in nano-units, rounded half up once."""
    return int((Decimal(tokens) * Decimal(micro) / 1000).quantize(Decimal(1), ROUND_HALF_UP))


def money(micro: int) -> str:
    """Return a price as a file has it."""
    return format(Decimal(micro).scaleb(-6), "f")


def costs(
    rows: Sequence[UsageRow], prices: Sequence[Mapping[str, str]], deployments: Sequence[Mapping[str, str]] = ()
) -> dict[str, Row]:
    """Return what calls cost by a book, by call; each is there once."""
    with (
        tempfile.TemporaryDirectory() as folder,
        priced_by(Path(folder), prices, deployments),
        DuckDbStore(":memory:") as store,
    ):
        store.write(rows)
        told = run_query(store, "TokenCost()").records()
    by_call = {str(row["CallId"]): row for row in told}
    assert len(by_call) == len(told) == len({row.call_id for row in rows})
    return by_call


def call(name: str, model: str = "gpt-x", **fields: Any) -> UsageRow:
    """Return the observation of a call whose numbers the service reported."""
    return observation(name, name, **{"served_model": model, **REPORTED, **fields})


TOKENS = st.sampled_from((0, 0, 0, 1, 499, 500, 501, 999, 1000, 1001)) | st.integers(0, LARGEST_TOKENS // 5)
MICRO_PRICES = (
    st.sampled_from((None, 0, 1, 499, 500, 501, 999, 1000, LARGEST_TOKEN_PRICE))
    | st.integers(0, 10**8)
    | st.integers(0, LARGEST_TOKEN_PRICE)
)
CASES = st.builds(
    Case,
    st.tuples(*[TOKENS] * len(PARTS)),
    st.tuples(st.integers(0, LARGEST_TOKEN_PRICE), *[MICRO_PRICES] * (len(PARTS) - 1)),
    st.integers(0, 100),
)
LARGEST = Case(
    (LARGEST_TOKENS, 0, 0, 0, 0, LARGEST_TOKENS, 0), (LARGEST_TOKEN_PRICE, *[None] * 4, LARGEST_TOKEN_PRICE, None)
)
HALVES = [
    Case((tokens, *[0] * 6), (price, *[None] * 6)) for tokens, price in product((1, 3, 500, 999), (499, 500, 501, 1500))
]


@FEW
@given(st.lists(CASES, min_size=40, max_size=60))
@example([LARGEST, *HALVES])
def test_a_call_costs_the_sum_of_its_parts_each_rounded_once(cases: list[Case]) -> None:
    """No token twice, none beside; reasoning adds nothing; a part without a price is left out, and the call says so."""
    prices = [
        {"model": f"m{place}", "meter": name, "price": money(price)}
        for place, case in enumerate(cases)
        for name, price in zip(PARTS, case.prices, strict=True)
        if price is not None
    ]
    rows = [
        call(
            str(place),
            f"m{place}",
            prompt_tokens=case.prompt,
            completion_tokens=case.completion,
            cached_tokens=case.part("cached_prompt"),
            cache_write_tokens=case.part("cache_write"),
            audio_prompt_tokens=case.part("audio_prompt"),
            image_tokens=case.part("image_prompt"),
            audio_completion_tokens=case.part("audio_completion"),
            reasoning_tokens=min(case.reasoning, case.completion),
        )
        for place, case in enumerate(cases)
    ]

    told = costs(rows, prices)

    for place, case in enumerate(cases):
        row = told[str(place)]
        priced = {name: price for name in PARTS if (price := case.price(name)) is not None}
        expected = {name: nano(case.part(name), price) for name, price in priced.items()}
        charged = [name for name in PARTS if case.part(name)]
        lacking = [name for name in charged if name not in priced]
        if lacking and len(lacking) == len(charged):
            assert ("unpriced", None) == (row["PriceStatus"], row["CostNano"])
        else:
            assert sum(expected.values()) == row["CostNano"]
            assert {name: cost for name, cost in expected.items() if case.part(name)} == {
                name: row[COLUMNS[name]] for name in charged if name in priced
            }
            assert ("lower_bound" if lacking else "priced") == row["PriceStatus"]


@FEW
@given(
    st.lists(
        st.tuples(st.integers(0, 5000), st.integers(0, 3000), st.integers(0, 3000), st.integers(0, 3000)),
        min_size=20,
        max_size=60,
    )
)
@example([(100, 101, 0, 0), (100, 100, 0, 0), (100, 50, 51, 0), (100, 0, 0, 101), (100, 60, 0, 60), (0, 0, 0, 0)])
def test_more_cached_than_prompt_is_no_money_and_what_overlaps_is_charged_once(
    numbers: list[tuple[int, int, int, int]],
) -> None:
    """Parts that do not fit the prompt make the call inconsistent; audio that was also cached costs as cached."""
    prices = [
        {"meter": name, "price": str(price)}
        for name, price in (
            ("prompt", 5),
            ("cached_prompt", 1),
            ("cache_write", 7),
            ("audio_prompt", 11),
            ("completion", 13),
        )
    ]
    rows = [
        call(str(place), prompt_tokens=prompt, completion_tokens=1, cached_tokens=cached, cache_write_tokens=written,
             audio_prompt_tokens=audio)
        for place, (prompt, cached, written, audio) in enumerate(numbers)
    ]  # fmt: skip

    told = costs(rows, prices)

    for place, (prompt, cached, written, audio) in enumerate(numbers):
        row = told[str(place)]
        if cached + written > prompt or audio > prompt:
            assert ("inconsistent", None) == (row["PriceStatus"], row["CostNano"])
        else:
            heard = min(audio, prompt - cached - written)
            text = prompt - cached - written - heard
            assert 1000 * (5 * text + cached + 7 * written + 11 * heard + 13) == row["CostNano"]


def test_a_contract_goes_before_a_list_and_a_list_before_a_stand_in_for_each_part_by_itself() -> None:
    """And the list cost knows no contract: all combinations of who prices the prompt, and who the completion."""
    bases = {"contract": 3, "list": 5, "stand_in": 7}
    subsets = [set(compressed(bases, mask)) for mask in range(8)]
    scopes = {f"m{place}": pair for place, pair in enumerate(product(subsets, subsets))}
    prices = [
        {"model": model, "meter": meter, "basis": basis, "price": str(bases[basis] * factor)}
        for model, pair in scopes.items()
        for meter, factor, whose in zip(("prompt", "completion"), (1, 10), pair, strict=True)
        for basis in sorted(whose)
    ]

    told = costs([call(model, model, prompt_tokens=100, completion_tokens=10) for model in scopes], prices)

    for model, (prompt, completion) in scopes.items():
        row = told[model]
        best = [next((bases[basis] for basis in bases if basis in whose), None) for whose in (prompt, completion)]
        public = [next((bases[b] for b in ("list", "stand_in") if b in whose), None) for whose in (prompt, completion)]
        expected = None if best == [None, None] else sum(100 * 1000 * price for price in best if price)
        assert expected == row["CostNano"], (prompt, completion)
        if None not in public:
            assert sum(100 * 1000 * price for price in public if price) == row["ListNano"]
        else:
            assert row["ListNano"] is None


def compressed(names: Mapping[str, int], mask: int) -> Iterator[str]:
    """Return the names whose bit is set."""
    return (name for place, name in enumerate(names) if mask >> place & 1)


def test_a_price_is_in_force_from_its_day_to_the_day_before_the_next() -> None:
    """In UTC, to the microsecond; before the first and after an end there is none."""
    first, second, end = (datetime(2026, 3, day, tzinfo=UTC) for day in (1, 10, 20))
    moment = timedelta(microseconds=1)
    prices = [
        {"meter": meter, "price": price, "effective_from": f"{start:%Y-%m-%d}", "effective_to": until}
        for meter in ("prompt", "completion")
        for start, price, until in ((first, "1", ""), (second, "2", f"{end:%Y-%m-%d}"))
    ]
    moments = {
        first - moment: None, first: 1, first + moment: 1, second - timedelta(days=1): 1, second - moment: 1,
        second: 2, second + moment: 2, second + timedelta(days=1): 2, end - moment: 2, end: None, end + moment: None,
    }  # fmt: skip

    told = costs([call(str(at), prompt_tokens=1000, completion_tokens=0, call_time=at) for at in moments], prices)

    assert {str(at): None if price is None else price * MICRO for at, price in moments.items()} == {
        name: row["CostNano"] for name, row in told.items()
    }
    assert {"priced", "unpriced"} == {row["PriceStatus"] for row in told.values()}


def test_a_prompt_above_a_limit_has_all_its_parts_at_the_price_of_that_size() -> None:
    """From the token after the limit; a part that the larger size does not price keeps the smaller one's."""
    sizes = {0: 1, 1000: 2, 5000: 3}
    prices = [
        *({"meter": "prompt", "prompt_above": str(above), "price": str(price)} for above, price in sizes.items()),
        {"meter": "completion", "price": "10"},
        {"meter": "completion", "prompt_above": "5000", "price": "30"},
    ]
    prompts = (0, 1, 999, 1000, 1001, 4999, 5000, 5001, LARGEST_TOKENS)

    told = costs([call(str(prompt), prompt_tokens=prompt, completion_tokens=1000) for prompt in prompts], prices)

    for prompt in prompts:
        price = next(price for above, price in reversed(sizes.items()) if prompt > above or above == 0)
        assert prompt * price * 1000 == told[str(prompt)]["PromptNano"], prompt
        assert (30 if prompt > max(sizes) else 10) * MICRO == told[str(prompt)]["CompletionNano"], prompt
        assert (
            next(above for above in reversed(sizes) if prompt > above or above == 0) == told[str(prompt)]["PromptAbove"]
        )


WEIGHTS = st.sampled_from((0, 1, 999_999, 1_000_001, 2 * LARGEST_TOKENS)) | st.integers(0, 10**5)


@FEW
@given(st.lists(st.tuples(st.integers(1, 100_000), st.lists(WEIGHTS, min_size=1, max_size=9)), min_size=4, max_size=12))
@example([(100_000, [2 * LARGEST_TOKENS] * 9), (1, [0]), (7, [1] * 9), (100_000, [1, 2 * LARGEST_TOKENS])])
def test_the_calls_of_an_hour_share_all_that_it_costs(hours: list[tuple[int, list[int]]]) -> None:
    """By their tokens, each rounded to the nano-unit; a call without tokens bears nothing, and no hour costs more."""
    price = 1_234_567
    prices = [{"meter": "ptu_hour", "model": "*", "unit": "1 PTU hour", "price": money(price)}]
    deployments = [
        {
            "deployment": f"d{place}",
            "backend": "*",
            "deployment_type": "Global",
            "ptus": str(ptus),
            "effective_from": "2026-01-01",
        }
        for place, (ptus, _) in enumerate(hours)
    ]
    rows = [
        call(
            f"{place}-{number}",
            deployment=f"d{place}",
            prompt_tokens=weight // 2,
            completion_tokens=weight - weight // 2,
        )
        for place, (_, weights) in enumerate(hours)
        for number, weight in enumerate(weights)
    ]

    told = costs(rows, prices, deployments)

    for place, (ptus, weights) in enumerate(hours):
        hour, tokens = ptus * price * 1000, sum(weights)
        shares = [told[f"{place}-{number}"] for number in range(len(weights))]
        if tokens == 0:
            assert {("unpriced", None)} == {(row["PriceStatus"], row["CostNano"]) for row in shares}
            continue
        for row, weight in zip(shares, weights, strict=True):
            assert abs(row["PtuNano"] - Decimal(weight) * hour / tokens) <= SHARE_ERROR
            assert abs(row["PtuNanoHours"] - Decimal(weight) * ptus * NANO / tokens) <= SHARE_ERROR
        assert abs(sum(row["PtuNano"] for row in shares) - hour) <= SHARE_ERROR * len(shares)
        assert all(row["CostNano"] == row["PtuNano"] for row in shares)


@pytest.fixture(scope="module")
def three_days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDbStore]:
    """Return a store of calls every 47 minutes of three days, of which a third share provisioned capacity."""
    prices = [
        {"price": "1.234567"},
        {"price": "2.345678", "effective_from": f"{NOON:%Y-%m-%d}"},
        {"meter": "completion", "price": "9.87654"},
        {"meter": "ptu_hour", "model": "*", "unit": "1 PTU hour", "price": "1.1"},
    ]
    deployments = [
        {"deployment": "d", "backend": "*", "deployment_type": "Global", "ptus": "3", "effective_from": "2026-01-01"}
    ]
    start = NOON - timedelta(days=1, hours=12)
    rows = [
        call(
            str(place),
            prompt_tokens=place * 37,
            completion_tokens=place,
            call_time=start + place * timedelta(minutes=47),
            deployment="chat" if place % 3 else "d",
        )
        for place in range(92)
    ]
    with priced_by(tmp_path_factory.mktemp("book"), prices, deployments), DuckDbStore(":memory:") as opened:
        opened.write(rows)
        yield opened


INSTANTS = st.datetimes(datetime(2026, 10, 3, 20), datetime(2026, 10, 7, 4))  # noqa: DTZ001 - KQL's are UTC


@pytest.fixture(scope="module")
def whole(three_days: DuckDbStore) -> list[Row]:
    """Return what all of the calls cost, asked for at once."""
    return priced_in(three_days, "datetime(null), datetime(null)")


def priced_in(store: DuckDbStore, period: str) -> list[Row]:
    """Return what the calls of a period cost, in order of the calls."""
    kql = f"TokenCost({period}) | project CallId, CostNano, ListNano, LowNano | sort by CallId asc"
    return run_query(store, kql).records()


@FEW
@given(INSTANTS)
@example(datetime(2026, 10, 5))  # noqa: DTZ001
def test_a_period_costs_what_its_halves_cost_wherever_it_is_cut(
    three_days: DuckDbStore, whole: list[Row], cut: datetime
) -> None:
    """Also within an hour whose capacity calls on both sides share; no call is in both halves, none in neither."""
    instant = f"datetime({cut.isoformat(sep=' ')})"
    halves = priced_in(three_days, f"datetime(null), {instant}") + priced_in(three_days, f"{instant}, datetime(null)")

    assert whole == sorted(halves, key=lambda row: str(row["CallId"]))
    assert sum(row["CostNano"] or 0 for row in whole) > 0
