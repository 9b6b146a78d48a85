"""The usage of Responses that call several functions at once, in the years in which the service shared it among calls.

Each call was given a whole share of the tokens, and what the division left over was lost. Reported was the sum of the
shares; of the prompt, in the last months, only one share. 13 of 13 recorded calls of gpt-4o and gpt-4.1 of 2025-06 to
2025-12 (4 answers and one prompt of them lost a rest); none of 8 of 2026-03-31 and after.
"""

from datetime import UTC, datetime

from token_meter.codes import Note
from token_meter.counting.counter import Counter
from token_meter.counting.families import Family, Style
from token_meter.exchange import Exchange
from token_meter.jsontypes import as_list, as_object

ONE_SHARE_NOT_BEFORE, ONE_SHARE_FROM = datetime(2025, 8, 6, tzinfo=UTC), datetime(2025, 10, 1, tzinfo=UTC)
SHARED_UNTIL, SHARED_NOT_AFTER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC)


def share_prompt(counter: Counter, exchange: Exchange, family: Family) -> None:
    """Turn a prompt's sum into what the service reported of it at the time."""
    calls, when = _calls_at_once(exchange, family), exchange.time
    if calls is None or when is None or when >= SHARED_NOT_AFTER:
        return
    if ONE_SHARE_FROM <= when < SHARED_UNTIL:
        counter.tokens //= calls
        return
    if when > ONE_SHARE_NOT_BEFORE:
        counter.doubt(Note.INEXACT_FORMULA)
    if when < ONE_SHARE_FROM:
        counter.tokens -= counter.tokens % calls


def share_completion(counter: Counter, exchange: Exchange, family: Family) -> None:
    """Turn a completion's sum into what the service reported of it at the time."""
    calls, when = _calls_at_once(exchange, family), exchange.time
    if calls is None or when is None or when >= SHARED_NOT_AFTER:
        return
    if when >= SHARED_UNTIL:
        counter.doubt(Note.INEXACT_FORMULA)
    else:
        counter.tokens -= counter.tokens % calls


def _calls_at_once(exchange: Exchange, family: Family) -> int | None:
    """Return how many functions an answer calls, or None where that changes nothing."""
    output = as_list(as_object(exchange.response).get("output"))
    calls = sum(as_object(item).get("type") == "function_call" for item in output)
    return calls if calls > 1 and family.style is Style.CHAT else None
