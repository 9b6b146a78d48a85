"""`python -m tests.event_hubs_peer`: a hub on this machine; prints its connection string on the first line.

It ends with the process that started it, or when its time is up.
"""

import argparse
import asyncio
import os
import sys
import time
from datetime import datetime
from pathlib import Path

from tests.event_hubs_peer.messages import Sent, data_of
from tests.event_hubs_peer.server import HUB, Server, now_in_milliseconds, ticking
from tests.event_hubs_peer.stream import EventHub

LONGEST = 3_600.0
PARENT_LOOKED_FOR = 0.5


def main() -> None:
    """Serve until the parent is gone or the time is up."""
    parser = argparse.ArgumentParser(prog="python -m tests.event_hubs_peer", description="A hub on this machine.")
    parser.add_argument("--hub", default=HUB, help="the hub's name")
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--events", type=Path, help="file of events, one a line, that the hub has from the start")
    parser.add_argument("--time", help="when the first event arrives, the others a second apart; else the real time")
    parser.add_argument("--parent", type=int, default=os.getppid(), help="process with which it ends")
    parser.add_argument("--longest", type=float, default=LONGEST, help="seconds after which it ends")
    chosen = parser.parse_args()
    clock = ticking(datetime.fromisoformat(chosen.time)) if chosen.time else now_in_milliseconds
    hub = EventHub(chosen.hub, chosen.partitions, clock)
    for line in chosen.events.read_bytes().splitlines() if chosen.events else ():
        hub.append([Sent(None, data_of(line))])
    asyncio.run(serve(hub, chosen.port, chosen.parent, time.monotonic() + chosen.longest))


async def serve(hub: EventHub, port: int, parent: int, end: float) -> None:
    """Serve a hub for as long as the parent lives, at most until `end`."""
    server = Server(hub)
    await server.start(port)
    sys.stdout.write(server.connection_string + "\n")
    sys.stdout.flush()
    while os.getppid() == parent and time.monotonic() < end:  # noqa: ASYNC110 - neither tells when it comes
        await asyncio.sleep(PARENT_LOOKED_FOR)


if __name__ == "__main__":
    main()
