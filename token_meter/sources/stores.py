"""Where what can be replayed lies: a folder on this machine, or a container of Blob Storage, read piece by piece."""

import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any, Protocol

from azure.core.exceptions import AzureError
from azure.storage.blob import BlobPrefix, ContainerClient, StorageStreamDownloader

from token_meter.blob_storage import told
from token_meter.dated_names import Look

READ_AT_ONCE = 4 * 1024 * 1024
"""Bytes; what the SDK fetches in one request beyond the first."""


class StoreUnreadable(OSError):  # noqa: N818 - it names a state of the store
    """A store did not give what lies in it; trying again may help. The message names the cause and the cure."""


class Store(Protocol):
    """Named streams of bytes, in folders. Names of folders end in `/`; the outermost is the empty name."""

    def entries(self, folder: str) -> list[str]:
        """Return the folders and the names that lie in a folder. Raises StoreUnreadable."""

    def names(self, folder: str) -> list[str]:
        """Return all names below a folder. Raises StoreUnreadable."""

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open what a name stands for. Raises StoreUnreadable, also while it is read."""

    def shown(self, name: str) -> str:
        """Return a name as a person would look it up."""

    def letter(self, name: str) -> str:
        """Return what a dead letter was called when it was stored."""


def walk(store: Store, look: Callable[[str], Look], folder: str = "") -> Iterator[str]:
    """Yield the names below a folder in the order of their parts, looking only where `look` says to.

    The order is always the same, so that whoever stopped at a name can go on after it.
    """
    verdict = look(folder)
    if verdict is Look.ALL:
        yield from sorted(store.names(folder), key=parts_of)
    elif verdict is Look.OPEN:
        for entry in sorted(store.entries(folder), key=parts_of):
            if not entry.endswith("/"):
                yield entry
            elif entry != folder:  # some tools keep a blob for a folder, of the folder's name
                yield from walk(store, look, entry)


def parts_of(name: str) -> list[str]:
    """Return a name as it is ordered: part by part, so that what lies in one folder stays together."""
    return name.rstrip("/").split("/")


class FolderStore:
    """A folder on this machine, or one file."""

    def __init__(self, path: Path) -> None:
        """Take the path. Raises FileNotFoundError where there is nothing."""
        self._root = path.absolute()
        if not self._root.exists():
            raise FileNotFoundError(path)

    def entries(self, folder: str) -> list[str]:
        """Return all names: to list a folder is cheap here."""
        return self.names(folder)

    def names(self, folder: str) -> list[str]:
        """Return the absolute names of all files."""
        if not self._root.is_dir():
            return [self._root.as_posix()]
        return [path.as_posix() for path in (self._root / folder).rglob("*") if path.is_file()]

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a file. Raises StoreUnreadable."""
        try:
            return Path(name).open("rb")
        except OSError as fault:
            raise StoreUnreadable(f"{self.shown(name)}: {fault.strerror or 'cannot be opened'}") from fault

    def shown(self, name: str) -> str:
        """Return the path, seen from the folder that was named."""
        return Path(name).relative_to(self._root.parent).as_posix()

    def letter(self, name: str) -> str:
        """Return the file's name."""
        return Path(name).name


class BlobStore:
    """A container, or the blobs in it whose names begin with a prefix."""

    def __init__(self, container: ContainerClient, prefix: str = "") -> None:
        """Take the container's client, and what names must begin with."""
        self._container = container
        self._prefix = prefix

    def entries(self, folder: str) -> list[str]:
        """Return the folders and the blobs in a folder. Raises StoreUnreadable."""
        try:
            listed = self._container.walk_blobs(name_starts_with=folder or self._prefix, delimiter="/")
            return [item.name if isinstance(item, BlobPrefix) else str(item.name) for item in listed]
        except AzureError as fault:
            raise StoreUnreadable(f"{self.shown(folder)} cannot be listed, {told(fault)}") from fault

    def names(self, folder: str) -> list[str]:
        """Return the names of all blobs below a folder. Raises StoreUnreadable."""
        try:
            return list(self._container.list_blob_names(name_starts_with=folder or self._prefix))
        except AzureError as fault:
            raise StoreUnreadable(f"{self.shown(folder)} cannot be listed, {told(fault)}") from fault

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a blob, to be read piece by piece. Raises StoreUnreadable."""
        try:
            download = self._container.download_blob(name)
        except AzureError as fault:
            raise StoreUnreadable(f"{self.shown(name)} cannot be read, {told(fault)}") from fault
        return io.BufferedReader(_Blob(download, self.shown(name)), READ_AT_ONCE)

    def shown(self, name: str) -> str:
        """Return the container's name and the blob's."""
        return f"{self._container.container_name}/{name or self._prefix}"

    def letter(self, name: str) -> str:
        """Return the blob's name."""
        return name


class _Blob(io.RawIOBase):
    """A blob's bytes as the standard library reads them."""

    def __init__(self, download: StorageStreamDownloader[bytes], shown: str) -> None:
        super().__init__()
        self._download = download
        self._shown = shown

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer)
        try:
            piece = self._download.read(len(view))
        except AzureError as fault:
            raise StoreUnreadable(f"{self._shown} cannot be read to its end, {told(fault)}") from fault
        view[: len(piece)] = piece
        return len(piece)
