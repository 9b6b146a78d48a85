"""How many tokens a call has: each number from the best source there is, reported before counted."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from token_meter.charging import is_filtered_prompt
from token_meter.codes import Charged, Note, Operation, Source
from token_meter.counting import Count, count_completion, count_prompt
from token_meter.counting.count import UNKNOWN
from token_meter.exchange import Exchange
from token_meter.extents import Extent, without_media
from token_meter.usage import Usage


@dataclass(frozen=True, slots=True)
class Numbers:
    """Both sides' counts and their total, with the details that the service reported."""

    prompt: Count
    completion: Count
    total: Count
    details: Usage


def number(exchange: Exchange, usage: Usage, source: Source, charged: Charged) -> Numbers:
    """Return each number from the best source there is. What the service reported is never counted again."""
    if charged is Charged.NO:
        return Numbers(UNKNOWN, UNKNOWN, UNKNOWN, Usage())
    prompt, completion, total = (_stated(count, source) for count in (usage.prompt, usage.completion, usage.total))
    if exchange.request is not None or exchange.response is not None or not usage.reported:
        prompt = prompt or _prompt_of(exchange)
        refused = is_filtered_prompt(exchange)
        completion = completion or (Count(0, Source.COUNTED) if refused else _completion_of(exchange))
    prompt, completion = prompt or UNKNOWN, completion or UNKNOWN
    return Numbers(prompt, completion, total or _sum(prompt, completion), usage)


def _stated(tokens: int | None, source: Source) -> Count | None:
    return None if tokens is None else Count(tokens, source)


def _prompt_of(exchange: Exchange) -> Count:
    """Count the prompt; of one that was cut also its missing rest, as its text goes on and not its pictures."""
    counted = _counted(count_prompt, exchange)
    extent = exchange.request_extent
    text = counted
    if extent is not None and counted.tokens:
        words = without_media(exchange.request or {})
        text = counted if words == exchange.request else _counted(count_prompt, replace(exchange, request=words))
    return _whole(counted, text, extent, cut=exchange.request_cut)


def _completion_of(exchange: Exchange) -> Count:
    """Count the completion; of one that was cut also its missing rest. Embeddings have none, whatever was cut."""
    counted = _counted(count_completion, exchange)
    cut = exchange.response_cut and exchange.operation is not Operation.EMBEDDINGS
    return _whole(counted, counted, exchange.response_extent, cut=cut)


def _counted(count: Callable[[Exchange], Count], exchange: Exchange) -> Count:
    """Count one side. A counter that fails costs its number, never the row: what was reported is still worth a row."""
    try:
        return count(exchange)
    except Exception:  # noqa: BLE001 - hostile text must not take the record with it; the note makes it visible
        return replace(UNKNOWN, notes=(Note.COUNT_FAULT,))


def _whole(counted: Count, text: Count, extent: Extent | None, *, cut: bool) -> Count:
    """Return the count of a side as an estimate where part of it is missing, with that part where its size is known."""
    if not cut or counted.tokens is None:
        return counted
    beyond = extent.beyond(text.tokens) if extent is not None and text.tokens is not None else 0
    notes = counted.notes if Note.CUT in counted.notes else (*counted.notes, Note.CUT)
    return replace(counted, tokens=counted.tokens + beyond, source=Source.ESTIMATED, notes=notes)


def _sum(prompt: Count, completion: Count) -> Count:
    """Return the total of two known sides, as sure as the less sure of them."""
    if prompt.tokens is None or completion.tokens is None:
        return UNKNOWN
    order = list(Source)
    source = max(prompt.source, completion.source, key=order.index)
    return Count(prompt.tokens + completion.tokens, source)
