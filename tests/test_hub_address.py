"""Which hub is meant, how it is called in a row, and what the events' bytes are."""

from typing import Any

import pytest
from azure.eventhub import EventData
from azure.eventhub.amqp import AmqpAnnotatedMessage

from token_meter.events import hub_name
from token_meter.sources import InputUnusable
from token_meter.sources.hub_address import HubAddress, hub_address
from token_meter.sources.hub_events import bytes_of

EMULATOR = "Endpoint=sb://localhost:5672;SharedAccessKeyName=a;SharedAccessKey=b;UseDevelopmentEmulator=true"
IN_AZURE = "Endpoint=sb://contoso.servicebus.windows.net;SharedAccessKeyName=a;SharedAccessKey=secret"


@pytest.mark.parametrize(
    ("hub", "host", "name"),
    [
        ("contoso-ai/ai-usage", "contoso-ai.servicebus.windows.net", "contoso-ai/ai-usage"),
        ("x.servicebus.chinacloudapi.cn/ai-usage", "x.servicebus.chinacloudapi.cn", "x/ai-usage"),
    ],
)
def test_a_hub_in_azure_is_reached_as_an_identity(hub: str, host: str, name: str) -> None:
    """By its namespace, in any cloud; its name in rows is the trigger's."""
    address = hub_address(hub, {})

    assert (HubAddress(host, "ai-usage"), name) == (address, address.name)


@pytest.mark.parametrize(
    ("hub", "connection_string"), [("ai-usage", EMULATOR), ("", EMULATOR + ";EntityPath=ai-usage")]
)
def test_an_emulator_is_reached_by_its_connection_string(hub: str, connection_string: str) -> None:
    """The hub is named by the option or in it."""
    address = hub_address(hub, {"EVENTHUB_CONNECTION": connection_string})

    assert ("localhost:5672", "ai-usage", "localhost/ai-usage") == (address.host, address.hub, address.name)


@pytest.mark.parametrize(
    ("hub", "connection_string"),
    [
        ("", ""),
        ("ai-usage", ""),
        ("contoso/ai/usage", ""),
        ("/ai-usage", ""),
        ("", EMULATOR),
        ("ai-usage", "nonsense"),
        ("ai-usage", "Endpoint=;UseDevelopmentEmulator=true"),
        ("contoso/ai-usage", IN_AZURE),
    ],
)
def test_what_names_no_hub_or_opens_one_with_a_key_is_refused(hub: str, connection_string: str) -> None:
    """In one line that does not hold the key."""
    with pytest.raises(InputUnusable) as fault:
        hub_address(hub, {"EVENTHUB_CONNECTION": connection_string})

    assert "\n" not in str(fault.value)
    assert "secret" not in str(fault.value)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("contoso-ai.servicebus.windows.net", "contoso-ai/h"),
        ("contoso-ai.ServiceBus.Windows.Net", "contoso-ai/h"),
        ("contoso-ai.servicebus.chinacloudapi.cn:5671", "contoso-ai/h"),
        ("localhost", "localhost/h"),
        ("127.0.0.1:5672", "127.0.0.1/h"),
        ("", "h"),
    ],
)
def test_a_hub_has_one_name_from_every_source(host: str, name: str) -> None:
    """The namespace without domain and port."""
    assert name == hub_name(host, "h")


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (EventData(b"\xff\x00"), b"\xff\x00"),
        (EventData([b"a", b"b"]), b"ab"),
        (EventData(b""), b""),
        (AmqpAnnotatedMessage(value_body=b"\xff"), b"\xff"),
        (AmqpAnnotatedMessage(value_body={b"a": 1}), b"{b'a': 1}"),
        (AmqpAnnotatedMessage(sequence_body=[[1, 2]]), b"[[1, 2]]"),
    ],
)
def test_every_kind_of_body_is_some_bytes(event: Any, expected: bytes) -> None:
    """What is no bytes is no record: it will be rejected, and held by nothing."""
    assert expected == bytes_of(event)
