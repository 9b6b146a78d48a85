"""Azurite, the blob store's emulator, on a free port of loopback and in memory, for as long as a test session needs it.

A test that asks for it, by the fixture `container` or here, is skipped where Node or its packages are not there
(`make node`).
"""

import atexit
import functools
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from azure.storage.blob import ContainerClient

from token_meter.blob_storage import container_client

SCRIPT = Path(__file__).parent / "node" / "azurite.js"
LISTENS = re.compile(r"successfully listens on (?P<url>http://127\.0\.0\.1:\d+)")
ACCOUNT = "devstoreaccount1"
"""The account that Azurite has, whose key Microsoft publishes and its SDK knows."""


@dataclass(frozen=True)
class Azurite:
    """A running Azurite."""

    url: str
    """Of its account."""

    def new_container(self) -> ContainerClient:
        """Make a container that no other test knows."""
        client = container_client(self.container_url(f"test-{uuid4().hex}"))
        client.create_container()
        return client

    def container_url(self, name: str) -> str:
        """Return a container's address."""
        return f"{self.url}/{name}"


@functools.cache
def shared_azurite() -> Azurite:
    """Return an Azurite that runs until this process ends; skip the test where there is none."""
    stack = ExitStack()
    started = stack.enter_context(running_azurite())
    atexit.register(stack.close)
    return started


@contextmanager
def running_azurite() -> Iterator[Azurite]:
    """Run Azurite for as long as the context is open; it also ends with this process."""
    node = shutil.which("node")
    if node is None or not (SCRIPT.parent / "node_modules" / "azurite").is_dir():
        pytest.skip("no Azurite here: `make node` installs it where there is Node")
    with subprocess.Popen([node, str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            found = LISTENS.search(line)
            if found:
                break
        else:
            pytest.fail(f"Azurite did not start: {said}")
        try:
            yield Azurite(f"{found['url']}/{ACCOUNT}")
        finally:
            process.terminate()
