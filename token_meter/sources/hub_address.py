"""Which hub is read, and how it is reached: as an identity, or the emulator with its connection string."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from azure.core.credentials import AccessToken
from azure.core.utils import parse_connection_string

from token_meter.credentials import azure_identity
from token_meter.events import hub_name
from token_meter.sources.files import InputUnusable

CONNECTION_VARIABLE = "EVENTHUB_CONNECTION"
IN_AZURE = ".servicebus.windows.net"


@dataclass(frozen=True, slots=True)
class HubAddress:
    """A hub."""

    host: str
    """The namespace's host name, with the port where it is not the usual one."""
    hub: str
    connection_string: str = ""
    """Of the emulator; empty for a hub in Azure, which is reached as an identity."""

    @property
    def name(self) -> str:
        """`namespace/hub`, as events' origins have it."""
        return hub_name(self.host, self.hub)

    def client_options(self, managed_identity_client_id: str = "") -> dict[str, Any]:
        """Return the arguments of an asynchronous client of azure-eventhub that say where it connects and as whom."""
        if self.connection_string:
            return {"conn_str": self.connection_string, "eventhub_name": self.hub}
        credential = IdentityInThread(managed_identity_client_id)
        return {"fully_qualified_namespace": self.host, "eventhub_name": self.hub, "credential": credential}


class IdentityInThread:
    """The identity of where the meter runs, for an asynchronous client, with no other HTTP library than the others."""

    def __init__(self, managed_identity_client_id: str = "") -> None:
        """Take a user-assigned identity's client id; empty for the system-assigned one."""
        self._credential = azure_identity(managed_identity_client_id)

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Return a token."""
        return await asyncio.to_thread(self._credential.get_token, *scopes, **options)


def hub_address(hub: str, environment: Mapping[str, str]) -> HubAddress:
    """Return the hub that `namespace/hub` names, or the emulator's where EVENTHUB_CONNECTION is set.

    Raises InputUnusable where neither names a hub, or the connection string holds a key to more than an emulator.
    """
    connection_string = environment.get(CONNECTION_VARIABLE, "").strip()
    if connection_string:
        return _on_emulator(connection_string, hub.rpartition("/")[2])
    namespace, _, name = hub.partition("/")
    if not namespace or not name or "/" in name:
        raise InputUnusable(f"--hub must be namespace/hub (or {CONNECTION_VARIABLE} the emulator's connection string)")
    return HubAddress(namespace if "." in namespace else namespace + IN_AZURE, name)


def _on_emulator(connection_string: str, hub: str) -> HubAddress:
    try:
        parts = parse_connection_string(connection_string)
        host = urlsplit(parts["endpoint"]).netloc
    except (KeyError, ValueError):
        raise InputUnusable(f"{CONNECTION_VARIABLE} is no connection string of an event hub") from None
    if parts.get("usedevelopmentemulator", "") != "true":
        raise InputUnusable(
            f"{CONNECTION_VARIABLE} is for the emulator (UseDevelopmentEmulator=true); "
            "a hub in Azure is read with --hub namespace/hub as an identity, without a key"
        )
    name = hub or parts.get("entitypath", "")
    if not host or not name:
        raise InputUnusable(f"{CONNECTION_VARIABLE} names no hub: give it with --hub, or as EntityPath")
    return HubAddress(host, name, connection_string)
