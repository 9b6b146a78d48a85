"""Where the settings say that dead letters and captured events lie."""

from pathlib import Path

from token_meter.blob_storage import container_client
from token_meter.container_address import container_address
from token_meter.credentials import azure_identity
from token_meter.dated_names import CaptureNames
from token_meter.replay_requests import Kind, ReplayRequest, RequestUnusable
from token_meter.settings import Settings
from token_meter.sources.stores import BlobStore, FolderStore, Store


def store_of(settings: Settings, request: ReplayRequest) -> Store:
    """Return what a request is to be replayed from. Raises RequestUnusable where no setting names it."""
    if request.kind is Kind.DEAD_LETTERS and settings.dead_letter_folder:
        return FolderStore(Path(settings.dead_letter_folder))
    is_capture = request.kind is Kind.CAPTURE
    url = settings.capture_container_url if is_capture else settings.dead_letter_container_url
    if not url:
        raise RequestUnusable("CAPTURE_CONTAINER_URL names no container to replay captured events from")
    identity = azure_identity(settings.managed_identity_client_id)
    path = container_address(url).path
    folder = f"{path}/" if path else ""
    return BlobStore(container_client(url, identity), folder + request.prefix)


def capture_names(settings: Settings) -> CaptureNames:
    """Return how Capture names its blobs."""
    return CaptureNames(settings.capture_name_format)
