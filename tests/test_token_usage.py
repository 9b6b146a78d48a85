"""`TokenUsage()`: one billing row a call, whatever was stored, how often, and in which order."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.usage_rows import NOON, folded, observation
from token_meter.kql import run_query
from token_meter.row import UsageRow
from token_meter.sinks.duckdb_store import DuckDbStore

NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
DETAILS = {
    "CachedTokens": "cached_tokens",
    "CacheWriteTokens": "cache_write_tokens",
    "ReasoningTokens": "reasoning_tokens",
    "AudioPromptTokens": "audio_prompt_tokens",
    "AudioCompletionTokens": "audio_completion_tokens",
    "ImageTokens": "image_tokens",
}


@pytest.fixture(scope="module")
def store() -> Iterator[DuckDbStore]:
    """Return a store in memory that the tests of this module empty before each use."""
    with DuckDbStore(":memory:") as opened:
        yield opened


def usage(store: DuckDbStore, rows: list[UsageRow], arguments: str = "") -> dict[str, dict[str, Any]]:
    """Return what `TokenUsage()` answers over these rows, by call."""
    store.connection.execute("DELETE FROM TokenUsage_CL")
    store.write(rows)
    result = run_query(store, f"TokenUsage({arguments})")
    calls = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    assert len(calls) == len({call["CallId"] for call in calls})
    return {str(call["CallId"]): call for call in calls}


def one(store: DuckDbStore, *rows: UsageRow) -> dict[str, Any]:
    """Return the one call that these rows fold into."""
    (call,) = usage(store, list(rows)).values()
    return call


def test_an_observation_stored_many_times_counts_once(store: DuckDbStore) -> None:
    """Replays and redeliveries change nothing."""
    row = observation(prompt_tokens=10, prompt_source="reported")

    call = one(store, row, row, row)

    assert (10, 1) == (call["PromptTokens"], call["Observations"])


@pytest.mark.parametrize(("before", "after"), [(10, 9), (9, 10), (20, 10), (10, 20)])
def test_the_highest_revision_of_the_meter_wins(store: DuckDbStore, before: int, after: int) -> None:
    """A better meter corrects what an older one said, also downwards, also to what is less or more as a text."""
    old = observation(prompt_tokens=before, prompt_source="counted", meter_revision=1)
    new = observation(prompt_tokens=after, prompt_source="counted", meter_revision=2)

    assert after == one(store, new, old)["PromptTokens"] == one(store, old, new)["PromptTokens"]


def test_a_later_redelivery_does_not_move_a_call_in_time(store: DuckDbStore) -> None:
    """Of equal revisions the earliest time stays, whichever came first."""
    first, again = observation(), observation(call_time=NOON + timedelta(days=30))

    assert "2026-10-05T12:00:00Z" == one(store, first, again)["CallTime"] == one(store, again, first)["CallTime"]


@pytest.mark.parametrize(
    ("better", "worse"), [("reported", "counted"), ("counted", "estimated"), ("reported", "estimated")]
)
def test_the_better_source_wins_for_each_number_by_itself(store: DuckDbStore, better: str, worse: str) -> None:
    """One half knows the prompt better, the other the completion."""
    request = observation("e1", prompt_tokens=5, prompt_source=better, completion_tokens=70, completion_source=worse)
    response = observation("e2", prompt_tokens=60, prompt_source=worse, completion_tokens=8, completion_source=better)

    call = one(store, request, response)

    assert (5, 8, 13, better) == (
        call["PromptTokens"],
        call["CompletionTokens"],
        call["TotalTokens"],
        call["TotalSource"],
    )


def test_details_come_with_the_number_they_are_part_of(store: DuckDbStore) -> None:
    """Cached tokens of a losing prompt are not mixed into the winning one."""
    losing = observation("e1", prompt_tokens=50, prompt_source="estimated", cached_tokens=40)
    winning = observation("e2", prompt_tokens=9, prompt_source="reported", cached_tokens=None)

    assert (9, None) == tuple(one(store, losing, winning)[name] for name in ("PromptTokens", "CachedTokens"))


def test_uncut_goes_before_cut(store: DuckDbStore) -> None:
    """Of two estimates the one over the whole text is better."""
    cut = observation("e9", prompt_tokens=5, prompt_source="estimated", notes=("cut",))
    whole = observation("e1", prompt_tokens=9, prompt_source="estimated", notes=("foreign_tokenizer",))

    assert 9 == one(store, cut, whole)["PromptTokens"]


def piece(event_id: str, **fields: Any) -> UsageRow:
    """Return an observation of a piece of a body."""
    return observation(event_id, notes=("cut", "piece"), charged="unknown", **fields)


def test_the_pieces_of_a_body_add_up(store: DuckDbStore) -> None:
    """Each once, however often it was delivered; the sum is an estimate."""
    first = piece("e1", completion_tokens=70, completion_source="estimated")
    second = piece("e2", completion_tokens=5, completion_source="estimated")

    call = one(store, first, second, second, observation("e3", prompt_tokens=9, prompt_source="counted"))

    assert (9, 75, 84, "estimated", "yes") == tuple(
        call[name] for name in ("PromptTokens", "CompletionTokens", "TotalTokens", "CompletionSource", "Charged")
    )


def test_a_body_that_was_seen_whole_is_better_than_its_pieces_and_they_than_one_that_was_cut(
    store: DuckDbStore,
) -> None:
    """Joined in another batch, or logged elsewhere up to a limit."""
    pieces = [piece(name, prompt_tokens=40, prompt_source="estimated") for name in ("e1", "e2")]
    cut = observation("e8", prompt_tokens=50, prompt_source="estimated", notes=("cut",), cached_tokens=1)
    whole = observation("e9", prompt_tokens=78, prompt_source="estimated", cached_tokens=2)

    assert (80, None) == tuple(one(store, *pieces, cut)[name] for name in ("PromptTokens", "CachedTokens"))
    assert (78, 2) == tuple(one(store, *pieces, cut, whole)[name] for name in ("PromptTokens", "CachedTokens"))


def test_charged_attempts_add_up_and_others_do_not(store: DuckDbStore) -> None:
    """A retry that the service answered twice is paid twice; a 429 is not."""
    call = one(
        store,
        observation("e1", attempt=1, charged="no", status_code=429),
        observation("e2", attempt=2, prompt_tokens=7, prompt_source="reported", status_code=200),
        observation("e3", attempt=3, prompt_tokens=8, prompt_source="counted", status_code=200),
    )

    assert (3, 15, "counted", "yes", 200) == tuple(
        call[name] for name in ("Attempts", "PromptTokens", "PromptSource", "Charged", "StatusCode")
    )


def test_an_observation_that_knows_no_attempt_joins_the_last(store: DuckDbStore) -> None:
    """The gateway's own log of a call tells of its end."""
    call = one(
        store,
        observation("e1", attempt=1, charged="no"),
        observation("e2", attempt=2, prompt_tokens=7, prompt_source="counted"),
        observation("e3", prompt_tokens=6, prompt_source="reported"),
    )

    assert (2, 6, "reported") == (call["Attempts"], call["PromptTokens"], call["PromptSource"])


def test_without_attempts_answers_with_different_ids_are_attempts(store: DuckDbStore) -> None:
    """A gateway that tries again without counting: what the service answered twice is paid twice."""
    call = one(
        store,
        observation("e1", prompt_tokens=7, prompt_source="reported", service_response_id="r2", status_code=200),
        observation("e2", prompt_tokens=8, prompt_source="reported", service_response_id="r1", status_code=200),
        observation("e3", prompt_tokens=9, prompt_source="estimated"),
        observation("e4", charged="no", status_code=429),
    )

    assert (2, 15, "reported", "yes", 200) == tuple(
        call[name] for name in ("Attempts", "PromptTokens", "PromptSource", "Charged", "StatusCode")
    )


def test_where_attempts_are_known_an_answers_id_makes_none(store: DuckDbStore) -> None:
    """Another log of the same attempt may be the only one that saw the answer."""
    call = one(
        store,
        observation("e1", attempt=1, prompt_tokens=7, prompt_source="counted"),
        observation("e2", prompt_tokens=8, prompt_source="reported", service_response_id="r1"),
    )

    assert (1, 8) == (call["Attempts"], call["PromptTokens"])


def test_a_sum_that_lacks_a_part_does_not_look_complete(store: DuckDbStore) -> None:
    """It is a lower bound, and says so."""
    call = one(
        store,
        observation("e1", attempt=1, completion_tokens=5, completion_source="reported"),
        observation("e2", attempt=2),
    )

    assert (5, "estimated", ["part_unknown"]) == (call["CompletionTokens"], call["CompletionSource"], call["Notes"])


def test_a_call_that_was_not_charged_has_no_numbers(store: DuckDbStore) -> None:
    """Also where its request half counted a prompt before the 429 was known."""
    call = one(
        store,
        observation("e1", charged="unknown", prompt_tokens=9, prompt_source="counted"),
        observation("e2", charged="no", status_code=429),
    )

    assert ("no", None, "unknown", None) == (
        call["Charged"],
        call["PromptTokens"],
        call["PromptSource"],
        call["TotalTokens"],
    )


def test_what_nobody_knows_is_null_and_never_zero(store: DuckDbStore) -> None:
    """Neither in the parts nor in the total."""
    call = one(store, observation(prompt_tokens=4, prompt_source="counted"))

    assert (4, None, None) == (call["PromptTokens"], call["CompletionTokens"], call["TotalTokens"])


def test_a_total_without_parts_stays_a_total(store: DuckDbStore) -> None:
    """Some gateways log nothing else."""
    call = one(store, observation(total_tokens=40, total_source="reported"))

    assert (None, None, 40, "reported") == (
        call["PromptTokens"],
        call["CompletionTokens"],
        call["TotalTokens"],
        call["TotalSource"],
    )


def test_a_reported_total_is_not_overwritten_by_parts_that_were_counted(store: DuckDbStore) -> None:
    """One log has the service's total and no split, another the texts."""
    total = observation("e1", total_tokens=40, total_source="reported")
    texts = observation(
        "e2",
        prompt_tokens=30,
        prompt_source="counted",
        completion_tokens=8,
        completion_source="estimated",
        total_tokens=38,
        total_source="estimated",
    )

    call = one(store, total, texts)

    assert (30, 8, 40, "reported") == tuple(
        call[name] for name in ("PromptTokens", "CompletionTokens", "TotalTokens", "TotalSource")
    )
    assert [] == call["Notes"]


def test_an_estimated_total_gives_way_to_the_sum_of_better_parts(store: DuckDbStore) -> None:
    """Each half knew one part well and guessed the other."""
    request = observation("e1", prompt_tokens=9, prompt_source="counted", total_tokens=99, total_source="estimated")
    answer = observation("e2", completion_tokens=5, completion_source="reported")

    call = one(store, request, answer)

    assert (14, "counted") == (call["TotalTokens"], call["TotalSource"])


def test_reported_parts_that_do_not_come_to_the_reported_total_are_noted(store: DuckDbStore) -> None:
    """All three stand: none is better than the others."""
    parts = observation(
        "e1", prompt_tokens=9, prompt_source="reported", completion_tokens=5, completion_source="reported"
    )
    total = observation("e2", total_tokens=20, total_source="reported")

    call = one(store, parts, total)

    assert (9, 5, 20, ["inconsistent_usage"]) == tuple(
        call[name] for name in ("PromptTokens", "CompletionTokens", "TotalTokens", "Notes")
    )


def test_the_application_is_the_best_vouched_for_and_a_conflict_is_noted(store: DuckDbStore) -> None:
    """Never a silent choice."""
    call = one(
        store,
        observation("e9", app_id="declared-app", app_id_source="declared"),
        observation("e1", app_id="token-app", app_id_source="validated"),
        observation("e5"),
    )

    assert ("token-app", "validated", ["app_id_conflict"]) == (call["AppId"], call["AppIdSource"], call["Notes"])


def test_a_call_over_a_months_end_is_in_exactly_one_month(store: DuckDbStore) -> None:
    """Its request on 31 October, its answer on 1 November."""
    halves = [
        observation("e1", call_time=NOVEMBER - timedelta(seconds=2), prompt_tokens=5, prompt_source="counted"),
        observation("e2", call_time=NOVEMBER + timedelta(hours=3), completion_tokens=6, completion_source="counted"),
    ]

    october = usage(store, halves, "datetime(2026-10-01), datetime(2026-11-01)")
    november = usage(store, halves, "datetime(2026-11-01), datetime(2026-12-01)")

    assert (11, {}) == (october["c1"]["TotalTokens"], november)


def test_a_period_has_its_start_and_not_its_end(store: DuckDbStore) -> None:
    """To the microsecond."""
    rows = [
        observation("e1", "before", call_time=NOVEMBER - timedelta(microseconds=1)),
        observation("e2", "at", call_time=NOVEMBER),
    ]

    assert {"before"} == set(usage(store, rows, "datetime(2026-10-01), datetime(2026-11-01)"))
    assert {"at"} == set(usage(store, rows, "datetime(2026-11-01)"))


def test_a_late_arrival_is_in_the_month_of_the_call(store: DuckDbStore) -> None:
    """Log Analytics puts the time of arrival into `TimeGenerated`; a replay a year later is still October's."""
    late = observation(time_generated=NOON + timedelta(days=365))

    assert {"c1"} == set(usage(store, [late], "datetime(2026-10-01), datetime(2026-11-01)"))


def test_a_call_without_a_time_is_in_no_month(store: DuckDbStore) -> None:
    """It shows only without a period, and another observation's time makes it a call like others."""
    timeless = observation("e1", call_time=datetime(1970, 1, 1, tzinfo=UTC), notes=("time_unknown",))

    assert {} == usage(store, [timeless], "datetime(2026-10-01), datetime(2026-11-01)")
    assert "1970-01-01T00:00:00Z" == one(store, timeless)["CallTime"]
    assert "2026-10-05T12:00:00Z" == one(store, timeless, observation("e2"))["CallTime"]


def test_an_empty_store_answers_nothing(store: DuckDbStore) -> None:
    """And raises nothing."""
    assert {} == usage(store, [])


sides = st.tuples(st.sampled_from(["reported", "counted", "estimated"]), st.integers(0, 50)) | st.just(
    ("unknown", None)
)
details = st.none() | st.integers(0, 50)
TIMES = [NOVEMBER - timedelta(days=3), NOVEMBER - timedelta(seconds=1), NOVEMBER, NOVEMBER + timedelta(hours=30)]


@st.composite
def observations(draw: st.DrawFn) -> UsageRow:
    """Draw an observation as the meter could have made it: a number is null exactly where its source is unknown."""
    number = draw(st.integers(0, 30))
    numbers: dict[str, Any] = {}
    for name in ("prompt", "completion", "total"):
        numbers[f"{name}_source"], numbers[f"{name}_tokens"] = draw(sides)
    return observation(
        f"e{number:02}",  # of one length, as real ids are
        f"c{number % 12}",
        attempt=draw(st.none() | st.none() | st.integers(1, 3)),
        service_response_id=draw(st.sampled_from(["", "", "r1", "r2", "r3"])),
        charged=draw(st.sampled_from(["yes", "yes", "no", "unknown"])),
        app_id=draw(st.sampled_from(["", "a", "b"])),
        app_id_source=draw(st.sampled_from(["validated", "declared", "unverified_token"])),
        cached_tokens=draw(details),
        reasoning_tokens=draw(details),
        notes=draw(st.sampled_from([None, ("cut",), ("aborted", "cut"), ("lower_bound",), ("cut", "piece")])),
        meter_revision=draw(st.integers(1, 3)),
        call_time=draw(st.sampled_from(TIMES)),
        **numbers,
    )


many = st.lists(observations(), min_size=1, max_size=60)
# each example folds dozens of observations of a dozen calls, so few do, and shrinking would take minutes
FEW = settings(max_examples=8, phases=(Phase.explicit, Phase.reuse, Phase.generate))


def distinct(rows: list[UsageRow]) -> list[UsageRow]:
    """Leave one content to each event, revision and time, as one meter makes of one record."""
    return list({(row.event_id, row.meter_revision, row.call_time): row for row in rows}.values())


def comparable(call: dict[str, Any]) -> dict[str, Any]:
    """Return an answer of the store in the independent fold's terms."""
    names = ["Attempts", "Observations", "Charged", "AppId"]
    names += [f"{part}{what}" for part in ("Prompt", "Completion", "Total") for what in ("Tokens", "Source")]
    return {
        **{name: call[name] for name in names},
        **{attribute: call[name] for name, attribute in DETAILS.items()},
        "Notes": set(call["Notes"]),
        "CallTime": datetime.fromisoformat(call["CallTime"]),
    }


@FEW
@given(many, st.randoms())
def test_the_fold_is_the_one_that_is_described(store: DuckDbStore, rows: list[UsageRow], random: Any) -> None:
    """Against an independent fold in Python; stored twice and shuffled, the answer is the same."""
    rows = distinct(rows)
    twice = random.sample(rows * 2, len(rows) * 2)

    answer = {call_id: comparable(call) for call_id, call in usage(store, twice).items()}

    assert folded(rows) == answer


@FEW
@given(many)
def test_adjacent_periods_divide_the_calls(store: DuckDbStore, rows: list[UsageRow]) -> None:
    """Every call is in exactly one of them, with the same numbers as in the whole."""
    rows = distinct(rows)

    whole = usage(store, rows)
    before = usage(store, rows, "datetime(null), datetime(2026-11-01)")
    after = usage(store, rows, "datetime(2026-11-01), datetime(null)")

    assert not set(before) & set(after)
    assert whole == before | after


@FEW
@given(many, st.randoms())
def test_no_order_of_arrival_decides_anything(store: DuckDbStore, rows: list[UsageRow], random: Any) -> None:
    """Not even between rows that differ though they claim to be the same observation."""
    assert usage(store, rows) == usage(store, random.sample(rows, len(rows)))
