"""What may explain a difference: each reason holds by figures that the meter has, and only in its direction."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from token_meter.codes import DriftReason, Measure

METERED = {
    Measure.PROMPT_TOKENS: "PromptTokens",
    Measure.COMPLETION_TOKENS: "CompletionTokens",
    Measure.TOTAL_TOKENS: "TotalTokens",
    Measure.CALLS: "Attempts",
}
"""TokenServed()'s column of each measure; every attempt is a call to the service."""
NOT_REPORTED = {
    Measure.PROMPT_TOKENS: "NotReportedPrompt",
    Measure.COMPLETION_TOKENS: "NotReportedCompletion",
    Measure.TOTAL_TOKENS: "NotReportedTotal",
}
UNKNOWN = {
    Measure.PROMPT_TOKENS: "UnknownPrompts",
    Measure.COMPLETION_TOKENS: "UnknownCompletions",
    Measure.TOTAL_TOKENS: "UnknownTotals",
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a day and of a deployment's calls on it."""

    counts: Counter[str]
    """TokenServed()'s columns, of all backends that are the account's."""
    calls_beyond: int
    """The service's calls less the gateway's attempts."""
    repeated_elsewhere: int = 0
    """Attempts of calls of this deployment that another account served in the end; a pool tries them anywhere."""
    calls_of_other_names: int = 0
    """Of a deployment that one side alone knows: calls of those of its account that the other side alone knows."""
    missing_events: int = 0
    unstored_rows: int = 0
    rejected_records: int = 0
    calls_of_no_account: int = 0
    overnight_before: int = 0
    """Calls that began the day before and ended on this day."""
    cached_apart: bool = False

    @property
    def loses_some(self) -> bool:
        """Whether the meter knows that it misses calls, or has some that it cannot place."""
        return any((self.missing_events, self.unstored_rows, self.rejected_records, self.calls_of_no_account))


def reasons(measure: Measure, difference: int, known: Evidence) -> tuple[DriftReason, ...]:
    """Return what may explain a difference (the service's number less the meter's); nothing where there is none."""
    if difference == 0:
        return ()
    either = _either_way(measure, known)
    one_way = _service_has_more(measure, known) if difference > 0 else _meter_has_more(measure, known)
    held = tuple(reason for reason, holds in {**one_way, **either}.items() if holds)
    return held or (DriftReason.UNEXPLAINED,)


def _service_has_more(measure: Measure, known: Evidence) -> Mapping[DriftReason, bool]:
    counts, explained = known.counts, known.repeated_elsewhere + known.calls_of_other_names
    return {
        DriftReason.EVENTS_MISSING: known.missing_events > 0,
        DriftReason.ROWS_NOT_STORED: known.unstored_rows > 0,
        DriftReason.RECORDS_REJECTED: known.rejected_records > 0,
        DriftReason.OUTSIDE_THE_GATEWAY: known.calls_beyond > explained and not known.loses_some,
        DriftReason.USAGE_UNKNOWN: measure in UNKNOWN and counts[UNKNOWN[measure]] > 0,
        DriftReason.ATTEMPTS_REPEATED: counts["RepeatedCalls"] + known.repeated_elsewhere > 0,
        DriftReason.ACROSS_MIDNIGHT: known.overnight_before > 0,
    }


def _meter_has_more(measure: Measure, known: Evidence) -> Mapping[DriftReason, bool]:
    return {
        DriftReason.ATTEMPTS_REPEATED: measure is Measure.CALLS and known.counts["RepeatedCalls"] > 0,
        DriftReason.NOT_SERVED: measure is Measure.CALLS and known.counts["UnchargedCalls"] > 0,
        DriftReason.ACROSS_MIDNIGHT: known.counts["OvernightCalls"] > 0,
    }


def _either_way(measure: Measure, known: Evidence) -> Mapping[DriftReason, bool]:
    counts = known.counts
    cached = known.cached_apart and counts["CachedTokens"] + counts["CacheWriteTokens"] > 0
    return {
        DriftReason.BACKEND_UNKNOWN: known.calls_of_no_account > 0,
        DriftReason.OTHER_NAME: known.calls_of_other_names > 0,
        DriftReason.USAGE_NOT_REPORTED: measure in NOT_REPORTED and counts[NOT_REPORTED[measure]] > 0,
        DriftReason.OTHER_DEFINITION: measure is not Measure.CALLS and (cached or counts["AudioTokens"] > 0),
        DriftReason.SPILLED_OVER: counts["SpilledCalls"] > 0,
    }
