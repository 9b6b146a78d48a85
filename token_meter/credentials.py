"""Who the meter is to Azure: an identity, never a key."""

from typing import Any

from azure.identity import DefaultAzureCredential

CONNECTION_TIMEOUT = 5
READ_TIMEOUT = 10
"""Seconds. The SDK waits 300 for each, tries four times and sleeps for as long as a `Retry-After` says: hours, where a
host's identity endpoint is throttled. That is beyond `functionTimeout` (host.json), whose end could cost the batch."""


def azure_identity(managed_identity_client_id: str = "") -> DefaultAzureCredential:
    """Return the managed identity of where the meter runs, or on a machine of one's own whoever has signed in.

    `managed_identity_client_id` names a user-assigned identity; empty is the system-assigned one. A token is asked for
    once and without long waits: what asked for it is tried again, each in its own time.
    """
    options: dict[str, Any] = {
        "connection_timeout": CONNECTION_TIMEOUT,
        "read_timeout": READ_TIMEOUT,
        "retry_total": 0,
    }
    if managed_identity_client_id:
        options["managed_identity_client_id"] = managed_identity_client_id
    return DefaultAzureCredential(**options)
