"""A hub on loopback that azure-eventhub's real clients send to and read from, over a real socket.

Inside a test: `with event_hubs_peer(partitions=2) as peer`. As a process of its own: `python -m tests.event_hubs_peer`,
or `with peer_process() as connection_string`. Events are kept in memory for as long as the peer runs, so consumers may
come and go.
"""

from tests.event_hubs_peer.server import HUB, Peer, event_hubs_peer, peer_process, ticking

__all__ = ["HUB", "Peer", "event_hubs_peer", "peer_process", "ticking"]
