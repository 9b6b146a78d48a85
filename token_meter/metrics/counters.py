"""Counters beside the tables: tokens, requests, rejections and lag of each batch.

Approximate by design: a counter cannot be mended, so it counts what is known of a call when its answer comes.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from token_meter.codes import Via
from token_meter.meter import Outcome
from token_meter.metrics import names
from token_meter.metrics.counted import Progress, origin_of, tells_request, tells_tokens
from token_meter.metrics.flush import Flush, Told
from token_meter.metrics.names import Instrument
from token_meter.metrics.options import MetricsOptions
from token_meter.metrics.series import Series
from token_meter.pipeline import utc_now
from token_meter.row import UsageRow

THROTTLED = 429


class Channel(Protocol):
    """What counts, and sends what was counted."""

    def add(self, instrument: Instrument, amount: float, dimensions: Mapping[str, str]) -> None:
        """Count an amount under dimensions."""

    def send(self) -> str:
        """Send what was counted since the last time; return what went wrong in a few words, or nothing."""


class BatchCounters:
    """Counts batches and has them sent. Safe to use from several threads; nothing that goes wrong leaves it."""

    def __init__(
        self,
        options: MetricsOptions,
        open_channel: Callable[[], Channel],
        clock: Callable[[], datetime] = utc_now,
        flush: Callable[[Channel, Told], Flush] = lambda channel, told: Flush(channel.send, told),
    ) -> None:
        """Take the choices, what opens a channel (with the first batch), a clock, and how a channel is flushed."""
        self._options = options
        self._open_channel = open_channel
        self._clock = clock
        self._make_flush = flush
        self._told = Told()
        self._progress = Progress()
        self._of_usage = Series(options.most_series)
        self._of_gen_ai = Series(options.most_series)
        self._of_partitions = Series(options.most_series)
        self._opened: tuple[Channel, Flush] | None = None
        self._opening = threading.Lock()

    def record(self, outcome: Outcome, via: Via, lag_seconds: float | None) -> None:
        """Count a batch whose rows were accepted, and send it within a bounded time. A replay counts nothing."""
        if via is Via.REPLAY:
            return
        try:
            channel, flush = self._channel()
            self._count(channel, outcome, lag_seconds)
            flush.flush()
        except Exception as fault:  # noqa: BLE001 - counters never harm a batch, whatever their libraries raise
            self._told.tell(f"not counted ({type(fault).__name__})")

    def _channel(self) -> tuple[Channel, Flush]:
        with self._opening:
            if self._opened is None:
                channel = self._open_channel()
                self._opened = channel, self._make_flush(channel, self._told)
            return self._opened

    def _count(self, channel: Channel, outcome: Outcome, lag_seconds: float | None) -> None:
        now = self._clock()
        rows = {row.event_id: row for row in outcome.rows if self._progress.is_new(origin_of(row), now)}
        rejected = [item for item in outcome.rejected if self._progress.is_new(item.origin, now)]
        for row in rows.values():
            self._count_call(channel, row)
        for item in rejected:
            channel.add(names.REJECTED_EVENTS, 1, {names.REASON: item.reason.value})
        origins = [*map(origin_of, outcome.rows), *(item.origin for item in (*outcome.rejected, *outcome.ignored))]
        if lag_seconds is not None and origins:
            place = {names.HUB: origins[0].hub, names.PARTITION: origins[0].partition}
            channel.add(names.LAG, lag_seconds, self._of_partitions.of(place))
        self._progress.advance(origins)

    def _count_call(self, channel: Channel, row: UsageRow) -> None:
        told_request, told_tokens = tells_request(row), tells_tokens(row)
        if not told_request and not told_tokens:
            return
        dimensions = self._of_usage.of({name: names.DIMENSIONS[name].read(row) for name in self._options.dimensions})
        if told_request:
            channel.add(names.REQUESTS, 1, dimensions)
            if row.status_code == THROTTLED:
                channel.add(names.THROTTLED_REQUESTS, 1, dimensions)
        if told_tokens:
            self._count_tokens(channel, row, dimensions)

    def _count_tokens(self, channel: Channel, row: UsageRow, dimensions: Mapping[str, str]) -> None:
        numbers = (
            (names.PROMPT_TOKENS, row.prompt_tokens),
            (names.COMPLETION_TOKENS, row.completion_tokens),
            (names.TOTAL_TOKENS, row.total_tokens),
        )
        for instrument, tokens in numbers:
            if tokens is not None:
                channel.add(instrument, tokens, dimensions)
        if not self._options.gen_ai:
            return
        convention = self._of_gen_ai.of({**names.gen_ai_attributes(row), **dimensions})
        for kind, tokens in ((names.GEN_AI_INPUT, row.prompt_tokens), (names.GEN_AI_OUTPUT, row.completion_tokens)):
            if tokens is not None:
                channel.add(names.GEN_AI_USAGE, tokens, {**convention, names.GEN_AI_TYPE: kind})
