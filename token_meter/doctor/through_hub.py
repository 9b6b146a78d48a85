"""A canary the whole way: onto the hub, metered by what meters there as its own identity, and found in the table."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

from azure.eventhub import EventData
from azure.eventhub.aio import EventHubProducerClient
from azure.eventhub.exceptions import AuthenticationError, EventHubError

from token_meter.doctor.canary import arrival, canary_event
from token_meter.doctor.check import Check, failed, ok
from token_meter.doctor.cures import TAKES, failures, grant, hub_scope
from token_meter.query_result import Ask
from token_meter.sources.hub_address import HubAddress

NAME = "through the hub"
SENDER = "Azure Event Hubs Data Sender"
LONGEST_WAIT = 60
"""Seconds for the hub to take an event."""


def through_hub_checks(address: HubAddress, client_id: str, assignee: str, ask: Ask, wait: float) -> Iterator[Check]:
    """Yield the check of a canary that is sent to the hub and waited for in the table, so many seconds at most."""
    call_id = str(uuid4())
    try:
        asyncio.run(_send(address, client_id, canary_event(call_id).body))
    except AuthenticationError:
        role = grant(SENDER, assignee, hub_scope(address.host.partition(".")[0], address.hub))
        yield failed(NAME, f"{address.name} takes no event of this identity", f"grant the role: {role} {TAKES}")
        return
    except (EventHubError, OSError) as fault:
        yield failed(NAME, f"no event could be sent ({type(fault).__name__})", "see the checks of the hub")
        return
    arrived, seconds = arrival(ask, call_id, wait)
    if arrived:
        yield ok(NAME, f"metered and in TokenUsage_CL {seconds:.0f} s after it was sent to {address.name}")
        return
    yield failed(
        NAME,
        f"sent to {address.name} and not in TokenUsage_CL after {seconds:.0f} s",
        f"see why the Function did not meter it: {failures()}",
    )


async def _send(address: HubAddress, client_id: str, body: bytes) -> None:
    options = address.client_options(client_id)
    make = EventHubProducerClient.from_connection_string if "conn_str" in options else EventHubProducerClient
    async with asyncio.timeout(LONGEST_WAIT), make(retry_total=0, **options) as producer:
        await producer.send_event(EventData(body))
