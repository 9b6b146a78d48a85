"""The meter's totals beside the service's: whose a call is, what counts as a difference, and what explains it."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.metrics_query_peer import account_id
from token_meter.codes import Attribution, DriftReason, Measure, Reconciled
from token_meter.reconciliation.accounts import ELSEWHERE, account_ids, accounts_of
from token_meter.reconciliation.comparison import SETTLING, compare
from token_meter.reconciliation.days import last_whole_days
from token_meter.reconciliation.faults import AccountsUnusable
from token_meter.reconciliation.metered import Missing, Served
from token_meter.reconciliation.metric_names import AZURE_OPENAI, MODELS, Family, MetricTotal
from token_meter.reconciliation.reasons import METERED, Evidence, reasons
from token_meter.reconciliation_row import ReconciliationRow

SUNDAY, MONDAY = date(2026, 10, 4), date(2026, 10, 5)
LATER = datetime(2026, 10, 7, 6, 30, tzinfo=UTC)
BOTH = accounts_of([account_id("aoai-sweden"), account_id("aoai-west")], "pool-1=aoai-west;claude-pool=")
SWEDEN, WEST = BOTH.accounts
TOKENS = Measure.TOTAL_TOKENS


def seen(
    deployment: str = "chat", *, day: date = MONDAY, family: Family = AZURE_OPENAI, **values: int
) -> list[MetricTotal]:
    """Return what the service says of a deployment, by measure."""
    return [MetricTotal(day, deployment, family, Measure(name), value) for name, value in values.items()]


def had(deployment: str = "chat", backend: str = "aoai-sweden", *, day: date = MONDAY, **counts: int) -> Served:
    """Return what the meter has of a deployment at a backend, by TokenServed()'s columns."""
    return Served(day, backend, deployment, Counter({"Calls": 1, **counts}))


def rows(
    sweden: Sequence[MetricTotal] = (),
    metered: Sequence[Served] = (),
    *,
    west: Sequence[MetricTotal] = (),
    now: datetime = LATER,
    **missing: int,
) -> list[ReconciliationRow]:
    """Return the comparison of Monday; `missing` are events, rows and records."""
    lost = Missing(**{name: Counter({MONDAY: count}) for name, count in missing.items()})
    return compare(BOTH, {SWEDEN: sweden, WEST: west}, metered, lost, [MONDAY], now=now)


def only(found: Sequence[ReconciliationRow], measure: Measure = TOKENS) -> ReconciliationRow:
    """Return the one row of a measure."""
    (row,) = (row for row in found if row.measure is measure)
    return row


# whose a call is


@pytest.mark.parametrize(
    ("backend", "identity"),
    [
        ("aoai-sweden", SWEDEN.identity),
        ("AOAI-Sweden.openai.azure.com", SWEDEN.identity),
        ("aoai-sweden.cognitiveservices.azure.com", SWEDEN.identity),
        ("aoai-sweden.services.ai.azure.us", SWEDEN.identity),
        ("aoai-north.openai.azure.com", ELSEWHERE),
        ("Pool-1", WEST.identity),
        ("claude-pool", ELSEWHERE),
        ("pool-2", ""),
        ("10.0.0.4", ""),
        ("aoai-sweden.openai.azure.com.evil.example", ""),
        ("", ""),
    ],
)
def test_a_backend_is_an_account_by_its_name_host_or_setting(backend: str, identity: str) -> None:
    """What is none of them is nobody's; a host of another account is not one that is compared."""
    assert identity == BOTH.identity_of(backend)


def test_resource_ids_of_a_setting_are_divided_and_trimmed() -> None:
    """Empty parts are nothing."""
    assert ("/a", "/b") == account_ids(" /a ; ;/b;")


def test_an_account_that_is_named_twice_is_one() -> None:
    """Capitals do not matter in resource ids."""
    assert 1 == len(accounts_of([account_id("aoai"), account_id("AOAI")]).accounts)


@pytest.mark.parametrize(
    "resource_id",
    [
        "aoai-sweden",
        account_id("a/deployments/b"),
        account_id("aoai") + "?api-version=1",
        account_id("aoai").replace("CognitiveServices", "Storage"),
        account_id("aoai").replace("ai-team", "../.."),
    ],
)
def test_what_is_no_accounts_resource_id_is_refused(resource_id: str) -> None:
    """It becomes part of an address."""
    with pytest.raises(AccountsUnusable, match="is no resource id"):
        accounts_of([resource_id])


def test_no_account_is_refused() -> None:
    """Nothing would be compared, and it would look well."""
    with pytest.raises(AccountsUnusable, match="1 to 50"):
        accounts_of([])


def test_two_accounts_of_one_name_are_refused() -> None:
    """No backend could tell them apart."""
    with pytest.raises(AccountsUnusable, match="one name"):
        accounts_of([account_id("aoai"), account_id("aoai").replace("ai-team", "other-team")])


@pytest.mark.parametrize("backends", ["pool", "=aoai", "pool=other"])
def test_a_backend_must_be_given_a_compared_account_or_none(backends: str) -> None:
    """A misspelt name would leave its calls out."""
    with pytest.raises(AccountsUnusable, match="RECONCILED_BACKENDS"):
        accounts_of([account_id("aoai")], backends)


def test_calls_at_an_unknown_backend_are_the_accounts_that_alone_has_the_deployment() -> None:
    """And the row says by what it is known."""
    row = only(rows(seen(total_tokens=7), [had(backend="pool-2", TotalTokens=7)]))

    assert (Reconciled.MATCHED, "aoai-sweden", Attribution.DEPLOYMENT) == (row.status, row.account, row.attribution)


def test_calls_that_could_be_either_accounts_are_nobodys() -> None:
    """They stand in a row of their own, and the accounts' rows say so."""
    found = rows(seen(total_tokens=7), [had(backend="pool-2", TotalTokens=9)], west=seen(total_tokens=2))

    assert [
        ("", Reconciled.ONLY_METER, (DriftReason.BACKEND_UNKNOWN,)),
        ("aoai-sweden", Reconciled.ONLY_SERVICE, (DriftReason.BACKEND_UNKNOWN,)),
        ("aoai-west", Reconciled.ONLY_SERVICE, (DriftReason.BACKEND_UNKNOWN,)),
    ] == [(row.account, row.status, row.reasons) for row in found]


def test_calls_of_an_account_that_is_not_compared_are_left_out() -> None:
    """Their deployment may have the same name."""
    found = rows(seen(total_tokens=7), [had(TotalTokens=7), had(backend="claude-pool", TotalTokens=5)])

    assert [Reconciled.MATCHED] == [row.status for row in found]


def test_a_row_is_as_surely_an_accounts_as_the_least_sure_of_its_calls() -> None:
    """Part of them may be another account's."""
    row = only(rows(seen(total_tokens=7), [had(backend="pool-2", TotalTokens=3), had(TotalTokens=4)]))

    assert (7, Attribution.DEPLOYMENT) == (row.metered_value, row.attribution)


# what is compared


def test_every_measure_that_either_side_has_is_a_row() -> None:
    """Calls are compared with attempts, since the service counts each."""
    found = rows(
        seen(prompt_tokens=10, completion_tokens=3, total_tokens=13, calls=4),
        [had(PromptTokens=10, CompletionTokens=3, TotalTokens=13, Attempts=4)],
    )

    assert [(measure, Reconciled.MATCHED, 0, None) for measure in Measure] == [
        (row.measure, row.status, row.difference, row.reasons) for row in found
    ]
    assert list(AZURE_OPENAI.metrics.values()) == [row.metric for row in found]


def test_backends_of_one_account_add_up() -> None:
    """As they do in the account's metrics."""
    row = only(
        rows(
            west=seen(total_tokens=9),
            metered=[had(backend="pool-1", TotalTokens=4), had(backend="aoai-west", TotalTokens=5)],
        )
    )

    assert (Reconciled.MATCHED, 9) == (row.status, row.metered_value)


def test_a_deployment_that_both_families_know_is_compared_once() -> None:
    """With Azure OpenAI's; adding both would double it."""
    row = only(rows([*seen(total_tokens=7), *seen(total_tokens=7, family=MODELS)], [had(TotalTokens=7)]))

    assert (Reconciled.MATCHED, "TokenTransaction") == (row.status, row.metric)


def test_a_model_of_another_vendor_is_compared_with_its_own_family() -> None:
    """Also where Azure OpenAI's counts its calls."""
    row = only(rows([*seen(calls=2), *seen(total_tokens=7, family=MODELS)], [had(TotalTokens=7)]))

    assert (Reconciled.MATCHED, "TotalTokens") == (row.status, row.metric)


def test_what_the_meter_does_not_know_has_no_number_of_the_meters() -> None:
    """A null, and no 0 that somebody measured."""
    row = only(rows(seen(total_tokens=7)))

    assert (Reconciled.ONLY_SERVICE, 7, None, 7) == (row.status, row.service_value, row.metered_value, row.difference)


def test_what_the_metrics_do_not_know_has_no_number_of_the_services() -> None:
    """And no metric's name either."""
    row = only(rows(metered=[had(TotalTokens=7)]))

    assert (Reconciled.ONLY_METER, None, 7, -7, "") == (
        row.status,
        row.service_value,
        row.metered_value,
        row.difference,
        row.metric,
    )


@pytest.mark.parametrize(
    ("since", "status"),
    [(SETTLING - timedelta(seconds=1), Reconciled.TOO_EARLY), (SETTLING, Reconciled.MATCHED)],
)
def test_a_day_that_may_still_change_is_told_apart(since: timedelta, status: Reconciled) -> None:
    """Metrics and events both come late."""
    now = datetime(2026, 10, 6, tzinfo=UTC) + since

    assert status is only(rows(seen(total_tokens=7), [had(TotalTokens=7)], now=now)).status


def test_the_day_before_is_looked_at_and_is_no_row() -> None:
    """It is there for the calls that end on the first day."""
    assert [] == rows(metered=[had(day=SUNDAY, TotalTokens=7)])


def test_the_last_whole_days_end_at_midnight_utc() -> None:
    """Today is none of them, whatever the clock's zone."""
    west_of_utc = datetime(2026, 10, 4, 17, 0, tzinfo=timezone(timedelta(hours=-8)))

    assert (date(2026, 10, 3), SUNDAY) == last_whole_days(west_of_utc, 2)


@given(
    st.dictionaries(st.sampled_from(["chat", "embed", "claude"]), st.integers(0, 10**9)),
    st.lists(
        st.tuples(
            st.sampled_from(["chat", "embed", "other"]),
            st.sampled_from(["aoai-sweden", "aoai-west"]),
            st.integers(0, 10**9),
        )
    ),
)
def test_nothing_is_lost_or_doubled(service: dict[str, int], metered: list[tuple[str, str, int]]) -> None:
    """The rows' numbers add up to what went in, on both sides, and each thing compared is one row."""
    totals = [item for name, value in service.items() for item in seen(name, total_tokens=value)]

    found = rows(totals, [had(name, backend, TotalTokens=value) for name, backend, value in metered])

    assert sum(service.values()) == sum(row.service_value or 0 for row in found)
    assert sum(value for _, _, value in metered) == sum(row.metered_value or 0 for row in found)
    assert sum(row.difference or 0 for row in found) == sum(service.values()) - sum(value for *_, value in metered)
    assert len(found) == len({row.event_id for row in found})


def test_a_comparison_has_the_same_identity_whenever_it_is_made() -> None:
    """So repeating a run doubles nothing."""
    early, late = (
        {row.event_id for row in rows(seen(total_tokens=7, calls=1), now=now)} for now in (LATER, LATER + SETTLING)
    )

    assert early == late
    assert 2 == len(early)


# what explains a difference


def known(counts: Mapping[str, int] = MappingProxyType({}), **others: Any) -> Evidence:
    """Return what is known of a day on which the service had no call more than the gateway sent."""
    return replace(Evidence(Counter(counts), 0), **others)


MORE, LESS = 5, -5
"""The service has more, and less, than the meter."""


@pytest.mark.parametrize(
    ("measure", "difference", "evidence", "reason"),
    [
        (TOKENS, MORE, known(missing_events=1), DriftReason.EVENTS_MISSING),
        (TOKENS, MORE, known(unstored_rows=1), DriftReason.ROWS_NOT_STORED),
        (TOKENS, MORE, known(rejected_records=1), DriftReason.RECORDS_REJECTED),
        (TOKENS, MORE, known(calls_of_no_account=1), DriftReason.BACKEND_UNKNOWN),
        (TOKENS, MORE, known(calls_beyond=1), DriftReason.OUTSIDE_THE_GATEWAY),
        (TOKENS, MORE, known({"UnknownTotals": 1}), DriftReason.USAGE_UNKNOWN),
        (Measure.PROMPT_TOKENS, MORE, known({"UnknownPrompts": 1}), DriftReason.USAGE_UNKNOWN),
        (TOKENS, MORE, known({"RepeatedCalls": 1}), DriftReason.ATTEMPTS_REPEATED),
        (Measure.CALLS, LESS, known({"RepeatedCalls": 1}), DriftReason.ATTEMPTS_REPEATED),
        (Measure.CALLS, MORE, known(calls_beyond=2, repeated_elsewhere=2), DriftReason.ATTEMPTS_REPEATED),
        (TOKENS, MORE, known(overnight_before=1), DriftReason.ACROSS_MIDNIGHT),
        (TOKENS, LESS, known({"OvernightCalls": 1}), DriftReason.ACROSS_MIDNIGHT),
        (Measure.CALLS, LESS, known({"UnchargedCalls": 1}), DriftReason.NOT_SERVED),
        (TOKENS, MORE, known({"NotReportedTotal": 1}), DriftReason.USAGE_NOT_REPORTED),
        (TOKENS, LESS, known({"NotReportedTotal": 1}), DriftReason.USAGE_NOT_REPORTED),
        (TOKENS, LESS, known({"AudioTokens": 1}), DriftReason.OTHER_DEFINITION),
        (TOKENS, LESS, known({"CachedTokens": 1}, cached_apart=True), DriftReason.OTHER_DEFINITION),
        (TOKENS, LESS, known({"SpilledCalls": 1}), DriftReason.SPILLED_OVER),
    ],
)
def test_a_reason_holds_by_what_the_meter_knows(
    measure: Measure, difference: int, evidence: Evidence, reason: DriftReason
) -> None:
    """One figure, one reason."""
    assert (reason,) == reasons(measure, difference, evidence)


@pytest.mark.parametrize(
    ("measure", "difference", "evidence"),
    [
        (TOKENS, LESS, known(missing_events=1)),
        (TOKENS, LESS, known(rejected_records=1)),
        (TOKENS, LESS, known(calls_beyond=1)),
        (TOKENS, LESS, known({"UnknownTotals": 1})),
        (TOKENS, MORE, known({"UnknownPrompts": 1})),
        (TOKENS, MORE, known({"OvernightCalls": 1})),
        (TOKENS, MORE, known({"CachedTokens": 1})),
        (TOKENS, LESS, known({"RepeatedCalls": 1})),
        (Measure.CALLS, MORE, known({"AudioTokens": 1})),
        (TOKENS, LESS, known({"UnchargedCalls": 1})),
    ],
)
def test_a_figure_that_explains_nothing_of_it_is_no_reason(
    measure: Measure, difference: int, evidence: Evidence
) -> None:
    """What makes the meter's number smaller does not explain a larger one."""
    assert (DriftReason.UNEXPLAINED,) == reasons(measure, difference, evidence)


@pytest.mark.parametrize("lost", ["missing_events", "unstored_rows", "rejected_records", "calls_of_no_account"])
def test_nobody_is_said_to_bypass_the_gateway_while_the_meter_misses_calls(lost: str) -> None:
    """The calls beyond the gateway's may be those."""
    figures: dict[str, Any] = {"calls_beyond": 9, lost: 1}

    assert DriftReason.OUTSIDE_THE_GATEWAY not in reasons(TOKENS, MORE, known(**figures))


@given(st.sampled_from(list(Measure)), st.dictionaries(st.sampled_from(sorted(METERED.values())), st.integers(0, 9)))
def test_where_there_is_no_difference_there_is_no_reason(measure: Measure, counts: dict[str, int]) -> None:
    """Whatever is known."""
    assert () == reasons(measure, 0, known(counts, missing_events=1))


@pytest.mark.parametrize("reason", DriftReason)
def test_every_reason_is_explained_once(reason: DriftReason) -> None:
    """In the table of docs/reconciliation.md."""
    page = (Path(__file__).parent.parent / "docs/reconciliation.md").read_text(encoding="utf-8")

    assert 1 == len(re.findall(rf"^\| `{reason.value}` \|", page, re.MULTILINE))


def test_a_bypass_is_told_by_the_services_calls() -> None:
    """With a day on which the meter misses nothing."""
    row = only(rows(seen(total_tokens=9, calls=3), [had(TotalTokens=6, Attempts=2)]))

    assert (Reconciled.DRIFT, 3, (DriftReason.OUTSIDE_THE_GATEWAY,)) == (row.status, row.difference, row.reasons)


def test_attempts_at_another_member_of_the_pool_are_no_bypass() -> None:
    """The meter counts a call's attempts where it was served in the end; the service counts each where it was made."""
    served_here = had(Attempts=2, Calls=2)
    served_there = had(backend="aoai-west", Attempts=2, RepeatedCalls=1)

    alone = rows(seen(calls=3), [served_here])
    pooled = rows(seen(calls=3), [served_here, served_there], west=seen(calls=1))

    assert [(DriftReason.OUTSIDE_THE_GATEWAY,)] == [row.reasons for row in alone]
    assert [(DriftReason.ATTEMPTS_REPEATED,)] * 2 == [row.reasons for row in pooled]


def test_a_deployment_that_the_gateway_renames_is_no_bypass() -> None:
    """Each side has it under a name that the other one does not know."""
    found = rows(seen("chat-eus", calls=3), [had("chat", Attempts=3)])
    more = rows(seen("chat-eus", calls=4), [had("chat", Attempts=3)])

    assert [(DriftReason.OTHER_NAME,)] * 2 == [row.reasons for row in found]
    assert DriftReason.OUTSIDE_THE_GATEWAY in (only(more[1:], Measure.CALLS).reasons or ())


def test_what_is_missing_of_the_day_stands_in_every_row() -> None:
    """So that a reason can be checked."""
    row = only(rows(seen(total_tokens=9), [had(TotalTokens=6)], events=4, rows=5, records=6))

    assert (4, 5, 6) == (row.missing_events, row.unstored_rows, row.rejected_records)


def test_calls_that_ended_the_day_after_explain_that_day() -> None:
    """The meter has them on the day that they began, the service on the one that they ended."""
    metered = [had(day=SUNDAY, OvernightCalls=1, TotalTokens=5), had(TotalTokens=6)]

    assert (DriftReason.ACROSS_MIDNIGHT,) == only(rows(seen(total_tokens=9), metered)).reasons
