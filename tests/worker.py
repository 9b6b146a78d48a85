"""The Functions worker, as far as a batch goes through it: Microsoft's own library loads the app and invokes it.

Only the host is missing: the gRPC messages that it would send are built here, with the fields that its Event Hubs
extension fills. The library's interface is internal, so its version is pinned.
"""

import asyncio
import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from azure_functions_runtime import loader, native_invocation
from azure_functions_runtime.bindings.datumdef import Datum
from azure_functions_runtime.bindings.meta import load_binding_registry
from azure_functions_runtime.utils import executor, threadpool

FIRST_ENQUEUED = datetime(2026, 10, 5, 10, 0, 1, 250_000, tzinfo=UTC)
PARTITION_CONTEXT = {
    "FullyQualifiedNamespace": "contoso-ai.servicebus.windows.net",
    "EventHubName": "ai-usage",
    "ConsumerGroup": "token-meter",
    "PartitionId": "3",
}


class BindingInfo(SimpleNamespace):
    """The message of a binding, with the enumeration values that the library compares."""

    undefined, out, inout = -1, 1, 2


PROTOS = SimpleNamespace(BindingInfo=BindingInfo, RpcRetryOptions=SimpleNamespace, RpcFunctionMetadata=SimpleNamespace)


@dataclass(frozen=True)
class Invoked:
    """How an invocation ended: what the host would be told."""

    ok: bool
    exception: str
    outputs: tuple[tuple[str, str], ...] = ()
    """Of each output binding that was set: its name and what it sends."""


@dataclass(frozen=True)
class Worker:
    """The app as the worker indexed it: what the host gets to know of each function."""

    functions: dict[str, Any]

    def invoke(
        self,
        name: str,
        bodies: Sequence[bytes],
        *,
        first_sequence_number: int = 41,
        context: Mapping[str, Any] | None = PARTITION_CONTEXT,
    ) -> Invoked:
        """Invoke a function with a batch of events, as the Event Hubs extension hands it over."""
        data = Datum(SimpleNamespace(bytes=list(bodies)), "collection_bytes")
        metadata = trigger_metadata(len(bodies), first_sequence_number, context)
        identity = self.functions[name].function_id
        ok, _, _, exception, _ = asyncio.run(
            native_invocation.invocation_request_native("invocation", identity, [("events", data)], metadata)
        )
        return Invoked(ok, exception or "")

    def invoke_with_message(self, name: str, body: str, *, dequeue_count: int = 1) -> Invoked:
        """Invoke a function with a message of a queue, as the Storage extension hands it over: as a text."""
        identity = self.functions[name].function_id
        metadata = {
            "Id": Datum("0f9b3c5e", "string"),
            "DequeueCount": Datum(str(dequeue_count), "string"),
            "PopReceipt": Datum("AgAAAAMA", "string"),
            **{
                moment: Datum(json.dumps(FIRST_ENQUEUED.isoformat()), "json")
                for moment in ("ExpirationTime", "InsertionTime", "NextVisibleTime")
            },
        }
        ok, _, outputs, exception, _ = asyncio.run(
            native_invocation.invocation_request_native(
                "invocation", identity, [("message", Datum(body, "string"))], metadata
            )
        )
        return Invoked(ok, exception or "", tuple((output, str(datum.value)) for output, datum in outputs))

    def invoke_by_timer(self, name: str, argument: str = "timer") -> Invoked:
        """Invoke a function as its schedule does."""
        due = Datum(json.dumps({"IsPastDue": False, "Schedule": {"AdjustForDST": True}}), "json")
        identity = self.functions[name].function_id
        ok, _, _, exception, _ = asyncio.run(
            native_invocation.invocation_request_native("invocation", identity, [(argument, due)], {})
        )
        return Invoked(ok, exception or "")


@functools.cache
def load(script: Path) -> Worker:
    """Load and index the app of a script as the worker does at its start: once a process, which takes no second one."""
    load_binding_registry()
    threadpool.start_threadpool_executor()
    executor.get_current_loop = asyncio.get_event_loop
    indexed = loader.index_function_app(str(script))
    registry = native_invocation._functions  # noqa: SLF001 - the registry that an invocation looks into
    described, _ = loader.process_indexed_function(PROTOS, registry, indexed, str(script.parent))
    return Worker({item.name: item for item in described})


def trigger_metadata(
    count: int, first_sequence_number: int, context: Mapping[str, Any] | None = PARTITION_CONTEXT
) -> dict[str, Datum]:
    """Return a batch's metadata as the host sends it (EventHubTriggerBindingStrategy): its times name no zone."""
    times = [FIRST_ENQUEUED + timedelta(milliseconds=place) for place in range(count)]
    numbers = [first_sequence_number + place for place in range(count)]
    system = [
        {
            "SequenceNumber": number,
            "Offset": str(number * 4096),
            "EnqueuedTimeUtc": time.replace(tzinfo=None).isoformat(),
            "PartitionKey": None,
        }
        for number, time in zip(numbers, times, strict=True)
    ]
    values = {
        **({} if context is None else {"PartitionContext": context}),
        "PartitionKeyArray": [None] * count,
        "OffsetArray": [item["Offset"] for item in system],
        "SequenceNumberArray": numbers,
        "EnqueuedTimeUtcArray": [item["EnqueuedTimeUtc"] for item in system],
        "PropertiesArray": [{}] * count,
        "SystemPropertiesArray": system,
    }
    return {name: Datum(json.dumps(value), "json") for name, value in values.items()}
