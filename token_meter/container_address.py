"""Where containers of Blob Storage are: in Azure, or Azurite's on this machine."""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

THIS_MACHINE = "127.0.0.1"


class UnusableAddress(ValueError):  # noqa: N818 - it names a state of the address
    """An address that is none of a container. The message says what one looks like."""


@dataclass(frozen=True, slots=True)
class ContainerAddress:
    """A container, and what is meant of it."""

    container: str
    """`https://account.blob.core.windows.net/container`, or Azurite's `http://127.0.0.1:port/account/container`."""
    path: str = ""
    """Of a folder or a blob in it; empty for all of it. Does not end in `/`."""

    @property
    def is_local(self) -> bool:
        """Whether it is Azurite's, on this machine."""
        return urlsplit(self.container).hostname == THIS_MACHINE


def container_address(url: str) -> ContainerAddress:
    """Return what a URL addresses. Raises UnusableAddress where that is no container, or where it holds a secret."""
    try:
        parts = urlsplit(url.strip())
        local = parts.scheme == "http" and parts.hostname == THIS_MACHINE and parts.port is not None
    except ValueError:
        raise UnusableAddress(
            "must be a container's address, https://account.blob.core.windows.net/container"
        ) from None
    if parts.query or parts.fragment or parts.username:
        raise UnusableAddress("must be an address alone, without a shared access signature: the meter is an identity")
    segments = [segment for segment in parts.path.split("/") if segment]
    depth = 2 if local else 1
    if (parts.scheme != "https" and not local) or not parts.hostname or len(segments) < depth:
        raise UnusableAddress("must be a container's address, https://account.blob.core.windows.net/container")
    container = f"{parts.scheme}://{parts.netloc}/{'/'.join(segments[:depth])}"
    return ContainerAddress(container, "/".join(map(unquote, segments[depth:])))
