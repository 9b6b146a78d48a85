"""Dead letters in a container of Blob Storage: one blob of JSON lines a batch, by day, hub and partition."""

from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

from azure.core.exceptions import AzureError, HttpResponseError
from azure.storage.blob import ContainerClient, ContentSettings

from token_meter.blob_storage import container_client, told
from token_meter.credentials import azure_identity
from token_meter.record import Rejected
from token_meter.settings import Settings
from token_meter.sinks.dead_letters import DeadLetterFolder, DeadLetters, content_of, name_of, segment

UNDATED = "undated"
"""The folder of letters whose first record came from no hub, in place of its day."""
MAY_NOT_BE_REPLACED = frozenset({HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED})
JSON_LINES = ContentSettings(content_type="application/x-ndjson")


class DeadLettersNotKept(Exception):  # noqa: N818 - it says what happened
    """A dead letter was not kept, so the batch must be tried again. The message names the cause and the cure."""


class DeadLetterBlobs:
    """Dead letters in a container. Safe to use from several threads."""

    def __init__(self, container: ContainerClient) -> None:
        """Take the container's client; its retries are the SDK's."""
        self._container = container

    def store(self, rejected: Sequence[Rejected]) -> str:
        """Keep the rejected records of a batch and return the blob's name. Raises DeadLettersNotKept.

        A batch that is tried again in other parts leaves its records in several blobs; their ids say that they are one.
        """
        if not rejected:
            return ""
        name = path_of(rejected)
        try:
            self._container.upload_blob(name, content_of(rejected), overwrite=True, content_settings=JSON_LINES)
        except AzureError as fault:
            if not self._has(name, fault):
                raise DeadLettersNotKept(f"the dead letter was not kept, {told(fault)}") from fault
        return name

    def _has(self, name: str, fault: AzureError) -> bool:
        """Tell a letter that is there already and may not be replaced, as under a lease or a policy against changes.

        Its name has the hash of its records, bytes and all, so it is the same letter.
        """
        if not isinstance(fault, HttpResponseError) or fault.status_code not in MAY_NOT_BE_REPLACED:
            return False
        try:
            return self._container.get_blob_client(name).exists(retry_total=0)
        except AzureError:
            return False


def path_of(rejected: Sequence[Rejected]) -> str:
    """Return the blob's name: the day on which the first record reached its hub, the hub, the partition, the letter.

    So a period's letters lie in as many folders as it has days. No part of it is chosen by whoever made a record, or
    tells of a person: of records out of a file, whose name could, only the hash is left.
    """
    first = rejected[0].origin
    if not first.hub or first.enqueued_time is None:
        return f"{UNDATED}/{name_of(rejected).rpartition('_')[2]}"
    place = f"{segment(first.hub) or 'hub'}/{segment(first.partition) or 'partition'}"
    return f"{first.enqueued_time:%Y/%m/%d}/{place}/{name_of(rejected)}"


def dead_letters(settings: Settings) -> DeadLetters:
    """Return the store of dead letters that settings describe: a container, or a folder for use on one machine."""
    if settings.dead_letter_folder:
        return DeadLetterFolder(Path(settings.dead_letter_folder))
    identity = azure_identity(settings.managed_identity_client_id)
    return DeadLetterBlobs(container_client(settings.dead_letter_container_url, identity))
