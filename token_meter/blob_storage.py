"""Containers of Blob Storage, reached as an identity. On this machine they may be Azurite's.

Azurite speaks HTTP and knows one account, whose key Microsoft publishes as part of the SDK; it opens nothing else.
"""

from typing import Any

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError, HttpResponseError
from azure.storage.blob import BlobServiceClient, ContainerClient, ExponentialRetry

from token_meter.container_address import container_address
from token_meter.credentials import azure_identity

CONNECTION_TIMEOUT = 5
READ_TIMEOUT = 20
"""Seconds. With the attempts below a request is over within 80 seconds, in the time that a batch's other writes leave
of the host's `functionTimeout` (host.json)."""
ATTEMPTS = 3
FIRST_PAUSE, PAUSE_BASE, JITTER = 1, 2, 1
"""Seconds; the SDK would wait 15 and more before it tries again."""
CURES = {
    403: "grant the identity the role Storage Blob Data Contributor on the container, and allow some minutes for it "
    "to take effect; a firewall of the account must let it in",
    404: "check the container's address, and that the container is there",
    409: "the container or the blob is being deleted, or a policy keeps it from being changed",
}


def container_client(url: str, credential: TokenCredential | None = None) -> ContainerClient:
    """Return the SDK's client of a container, with waits that fit into the function's time.

    `credential` defaults to the identity of where the meter runs. Raises UnusableAddress.
    """
    address = container_address(url)
    known: Any = _azurite_credential() if address.is_local else credential or azure_identity()
    return ContainerClient.from_container_url(
        address.container,
        credential=known,
        retry_policy=ExponentialRetry(
            initial_backoff=FIRST_PAUSE, increment_base=PAUSE_BASE, retry_total=ATTEMPTS - 1, random_jitter_range=JITTER
        ),
        connection_timeout=CONNECTION_TIMEOUT,
        read_timeout=READ_TIMEOUT,
    )


def _azurite_credential() -> Any:
    """Return the credential of Azurite's one account, out of the SDK."""
    with BlobServiceClient.from_connection_string("UseDevelopmentStorage=true") as client:
        return client.credential


def told(fault: AzureError) -> str:
    """Return what a store answered and the cure, without anything that was sent."""
    status = fault.status_code if isinstance(fault, HttpResponseError) else None
    what = f"status {status}" if status else type(fault).__name__
    return f"{what}: {CURES[status]}" if status in CURES else what
