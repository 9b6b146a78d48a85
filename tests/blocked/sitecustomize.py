"""Refuses every socket in the child processes of a test run with `--block-sockets`."""

import socket
from typing import Any


def _refuse(*_: Any, **__: Any) -> None:
    raise OSError("sockets are blocked in this run")


socket.socket.__init__ = _refuse  # type: ignore[method-assign,assignment]
socket.getaddrinfo = _refuse  # type: ignore[assignment]
