"""Runs in the environment that a publish makes: loads the app as the worker does, and meters one batch.

Started by tests/test_publishing.py with the unpacked zip as its folder. Prints one line of JSON: whether the invocation
succeeded, what it raised, and the seconds from the process's start to the accepted rows.
"""

import json
import os
import runpy
import sys
import time
from pathlib import Path
from typing import Any

STARTED = float(os.environ["STARTED"])
ALLOWED_PORTS = {int(port) for port in os.environ["ALLOWED_PORTS"].split(",")}


def refuse_other_connections(event: str, arguments: tuple[Any, ...]) -> None:
    """Raise where anything is connected to but the sink and the identity's endpoint."""
    if event == "socket.connect":
        address = arguments[1]
        if address[0] not in {"127.0.0.1", "::1"} or address[1] not in ALLOWED_PORTS:
            raise ConnectionRefusedError(f"this run may not connect to {address!r}")


def main() -> None:
    """Load, invoke, report."""
    sys.path[0] = str(Path.cwd())  # the app's folder, as the worker puts it; not this script's
    sys.addaudithook(refuse_other_connections)
    worker = runpy.run_path(os.environ["WORKER"])
    app = worker["load"](Path("function_app.py").resolve())
    loaded = time.time()
    bodies = [line.encode() for line in sys.stdin.read().splitlines()]
    invoked = app.invoke("meter_events", bodies)
    report = {
        "ok": invoked.ok,
        "exception": invoked.exception,
        "functions": sorted(app.functions),
        "secondsToLoad": round(loaded - STARTED, 2),
        "secondsToFirstRow": round(time.time() - STARTED, 2),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
