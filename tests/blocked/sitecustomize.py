"""Refuses every socket but a Unix one, in a test run with `--block-sockets` and in every Python that it starts."""

import socket
from typing import Any

_open = socket.socket.__init__


def _refuse_network(self: socket.socket, family: int = -1, *rest: Any, **options: Any) -> None:
    fileno = rest[2] if len(rest) > 2 else options.get("fileno")
    if family != socket.AF_UNIX and fileno is None:
        raise OSError("sockets are blocked in this run")
    _open(self, family, *rest, **options)


def _refuse_lookup(*_: Any, **__: Any) -> None:
    raise OSError("sockets are blocked in this run")


socket.socket.__init__ = _refuse_network  # type: ignore[method-assign]
socket.getaddrinfo = _refuse_lookup  # type: ignore[assignment]
