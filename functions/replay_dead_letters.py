"""The queue trigger: dead letters, or what Event Hubs Capture wrote, metered again after a fix."""

import logging
import os
import time

import azure.functions as func

from functions import meter_events
from token_meter.replay_requests import RequestUnusable, read_request, replay_slice
from token_meter.replay_stores import capture_names, store_of
from token_meter.settings import Settings

QUEUE = "replay"

blueprint = func.Blueprint()
log = logging.getLogger("token_meter")


# The message is deleted once the function has returned, with what is left to do on the queue as another message; until
# then it comes back. One that fails `maxDequeueCount` times (host.json) goes to the queue `replay-poison`.
@blueprint.function_name("replay_dead_letters")
@blueprint.queue_trigger(arg_name="message", queue_name=QUEUE, connection="ReplayQueue")
@blueprint.queue_output(arg_name="rest", queue_name=QUEUE, connection="ReplayQueue")
def replay_dead_letters(message: func.QueueMessage, rest: func.Out[str]) -> None:
    """Meter again what a message asks for, as far as the time goes, and ask for the rest.

    Raises where a store fails, so that the host tries the message again, and RequestUnusable where it asks for nothing
    that can be done.
    """
    try:
        settings = Settings.read(os.environ)
        request = read_request(message.get_body())
        store = store_of(settings, request)
        left = replay_slice(request, store, capture_names(settings), meter_events.pipeline_in_time(), time.monotonic)
    except RequestUnusable as fault:
        log.error("a replay message is refused: %s", fault)  # noqa: TRY400 - a trace would say no more
        raise
    if left is not None:
        rest.set(left.to_message())
    log.info("replayed a slice of %s, %s", request.kind.value, "done" if left is None else "more to do")
