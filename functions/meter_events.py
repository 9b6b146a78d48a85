"""The Event Hub trigger: batches of gateway records into usage rows."""

import functools
import logging
import os
import time
import typing
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import azure.functions as func

from token_meter.azure_pipeline import azure_pipeline
from token_meter.codes import Via
from token_meter.events import Event, Origin, hub_name
from token_meter.pipeline import Pipeline
from token_meter.settings import Settings
from token_meter.sinks.in_time import End, LettersInTime, SinkInTime
from token_meter.times import as_utc

blueprint = func.Blueprint()
log = logging.getLogger("token_meter")

LATEST_STEP = 400.0
"""Seconds into an invocation. What begins no later, a write or a letter, and the counters after it, is over before
`functionTimeout` (host.json) ends the invocation, after which the host may move past the batch."""


# The host checkpoints a batch once its retries are over, whatever came of them. With endless retries it is over only
# when the sinks have taken it; until then the partition waits and nothing is lost (docs/adr/0002).
@blueprint.function_name("meter_events")
@blueprint.event_hub_message_trigger(
    arg_name="events",
    connection="EventHubConnection",
    event_hub_name="%EVENT_HUB_NAME%",
    consumer_group="%EVENT_HUB_CONSUMER_GROUP%",
    cardinality="many",
    data_type="binary",
)
@blueprint.retry(
    strategy="exponential_backoff",
    max_retry_count="-1",
    minimum_interval="00:00:02",
    maximum_interval="00:05:00",
)
def meter_events(events: typing.List[func.EventHubEvent]) -> None:  # noqa: UP006 - the worker refuses `list[…]`
    """Meter a batch of events. Raises where a sink fails, so that the host tries the batch again."""
    outcome = pipeline_in_time().process(to_events(events), Via.TRIGGER)
    log.info(
        "metered a batch: received %d, metered %d, rejected %d, ignored %d",
        outcome.received,
        len(outcome.rows),
        len(outcome.rejected),
        len(outcome.ignored),
    )


@functools.cache
def pipeline() -> Pipeline:
    """Return the meter with its sinks, made once a worker process with the first batch."""
    settings = Settings.read(os.environ)
    return azure_pipeline(settings, settings.meter_options)


def pipeline_in_time() -> Pipeline:
    """Return the meter for one invocation, with sinks that begin nothing which the host might end."""
    lasting, end = pipeline(), End(time.monotonic() + LATEST_STEP, time.monotonic)
    return replace(lasting, sink=SinkInTime(lasting.sink, end), dead_letters=LettersInTime(lasting.dead_letters, end))


def to_events(events: Sequence[func.EventHubEvent]) -> list[Event]:
    """Return a batch as the meter takes it: bytes and where they came from."""
    if not events:
        return []
    hub, partition = _place(events[0].metadata or {})
    return [
        Event(
            event.get_body(),
            Origin(
                hub=hub,
                partition=partition,
                sequence_number=event.sequence_number,
                enqueued_time=as_utc(event.enqueued_time),
            ),
        )
        for event in events
    ]


def _place(metadata: Mapping[str, Any]) -> tuple[str, str]:
    """Return hub (`namespace/hub`) and partition out of a batch's metadata, empty where the host does not say."""
    context = metadata.get("PartitionContext")
    if not isinstance(context, Mapping):
        return "", ""
    said = {str(name).lower(): str(value) for name, value in context.items() if isinstance(value, str | int)}
    return hub_name(said.get("fullyqualifiednamespace", ""), said.get("eventhubname", "")), said.get("partitionid", "")
