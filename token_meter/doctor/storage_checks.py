"""Where dead letters go: a probe is written, read and removed."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from azure.core.exceptions import AzureError, HttpResponseError

from token_meter.blob_storage import container_client
from token_meter.container_address import container_address
from token_meter.credentials import azure_identity
from token_meter.doctor.check import Check, failed, ok
from token_meter.doctor.cures import TAKES, grant, storage_scope
from token_meter.settings import Settings

NAME = "dead letters"
CONTRIBUTOR = "Storage Blob Data Contributor"
PROBE = b"a probe of token-meter doctor, which may be deleted"
FOLDER = "token-meter-doctor"
"""Of the probe. Its name does not end as a dead letter's does, so that no replay reads one that was left."""
NETWORK_RULES = frozenset({"AuthorizationFailure", "PublicAccessNotPermitted"})
"""Storage's codes where its firewall refuses, and no role is missing."""


def letters_checks(settings: Settings, assignee: str) -> Iterator[Check]:
    """Yield the check of the container or the folder."""
    if settings.dead_letter_folder:
        yield _folder(Path(settings.dead_letter_folder))
    else:
        yield _container(settings, assignee)


def _folder(folder: Path) -> Check:
    probe = folder / f"{uuid4()}.probe"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe.write_bytes(PROBE)
        probe.unlink()
    except OSError as fault:
        return failed(NAME, f"{folder}: {fault.strerror}", "set DEAD_LETTER_FOLDER to a folder that can be written")
    return ok(NAME, f"{folder} can be written")


def _container(settings: Settings, assignee: str) -> Check:
    url = settings.dead_letter_container_url
    probe = f"{FOLDER}/{uuid4()}.probe"
    step = "written"
    try:
        with container_client(url, azure_identity(settings.managed_identity_client_id)) as container:
            container.upload_blob(probe, PROBE)
            step = "read"
            whole = container.download_blob(probe).readall() == PROBE
            step = "deleted"
            container.delete_blob(probe)
    except AzureError as fault:
        return failed(NAME, f"a probe could not be {step}: {_told(fault)}", _cure(fault, url, assignee))
    if not whole:
        return failed(NAME, "a probe was read as it was not written", "see what stands between: a proxy, a gateway")
    return ok(NAME, f"a probe was written, read and deleted in {container_address(url).container}")


def _code(fault: AzureError) -> str:
    code = getattr(fault, "error_code", None) or ""
    return str(getattr(code, "value", code))


def _told(fault: AzureError) -> str:
    status = fault.status_code if isinstance(fault, HttpResponseError) else None
    return f"status {status} {_code(fault)}".rstrip() if status else type(fault).__name__


def _cure(fault: AzureError, url: str, assignee: str) -> str:
    parts = urlsplit(container_address(url).container)
    account, container = (parts.hostname or "").partition(".")[0], parts.path.rpartition("/")[2]
    status = fault.status_code if isinstance(fault, HttpResponseError) else None
    if status == 404:  # noqa: PLR2004
        made = f"az storage container create --auth-mode login --account-name {account} --name {container}"
        return f"check DEAD_LETTER_CONTAINER_URL, or make the container: `{made}`"
    if status == 403 and _code(fault) in NETWORK_RULES:  # noqa: PLR2004
        rule = f"az storage account network-rule list --resource-group GROUP --account-name {account}"
        return f"let this network through the account's firewall, or run where its private endpoint is seen: `{rule}`"
    if status in {401, 403}:
        return f"grant the role: {grant(CONTRIBUTOR, assignee, storage_scope(account))} {TAKES}"
    if status is None:
        return "see the check of the network to Blob Storage"
    return f"see what keeps the container from being changed: `az storage account show --name {account}`"
