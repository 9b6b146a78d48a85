"""How long the Logs Ingestion sink waits before it sends a request again. Nothing sleeps here: pauses are replaced."""

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import tenacity.nap

from tests.ingestion_client import AT_ONCE, sink_to
from tests.ingestion_faults import Answer, throttled
from tests.ingestion_peer import Peer, ingestion_peer
from tests.usage_rows import observation
from token_meter.sinks.ingestion_failures import IngestionFailed, seconds_until
from token_meter.sinks.uploads import PATIENT, Patience

STEADY = Patience(jitter=0)
"""As patient as in production, with pauses that can be told beforehand."""
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Time:
    """A clock that only pauses move."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """Stand a clock in for the pauses between tries (tenacity, on which stamina rests, names this place for it)."""
    clock = Time()
    monkeypatch.setattr(tenacity.nap, "time", SimpleNamespace(sleep=clock.sleep))
    return clock


@pytest.fixture
def peer() -> Iterator[Peer]:
    """Run a peer."""
    with ingestion_peer() as running:
        yield running


def write(peer: Peer, time: Time, patience: Patience = STEADY) -> None:
    """Write one row."""
    sink_to(peer, patience, clock=lambda: time.now).write([observation()])


@pytest.mark.sockets
@pytest.mark.parametrize("header", [("Retry-After", "7"), ("retry-after-ms", "7000"), ("x-ms-retry-after-ms", "7000")])
def test_a_request_is_sent_again_when_the_service_asks_for_it(peer: Peer, time: Time, header: tuple[str, str]) -> None:
    """Not sooner; in seconds or in milliseconds."""
    peer.answers = [Answer(429, (header,))]

    write(peer, time)

    assert ([7.0], 1) == (time.pauses, len(peer.rows))


@pytest.mark.sockets
@pytest.mark.parametrize("status", [429, 503])
def test_a_service_that_asks_for_more_than_there_is_fails_the_write_at_once(
    peer: Peer, time: Time, status: int
) -> None:
    """The host's retry comes later anyway, and holds the partition meanwhile."""
    peer.always = Answer(status, (("Retry-After", "3600"),))

    with pytest.raises(IngestionFailed, match=f"status {status}"):
        write(peer, time)

    assert ([], 1) == (time.pauses, len(peer.sizes))


@pytest.mark.sockets
def test_pauses_grow_to_their_bound(peer: Peer, time: Time) -> None:
    """From half a second, doubled, to 15 seconds."""
    peer.always = 503

    with pytest.raises(IngestionFailed):
        write(peer, time)

    assert [0.5, 1, 2, 4, 8, 15, 15] == time.pauses


@pytest.mark.sockets
def test_pauses_differ_from_client_to_client(peer: Peer, time: Time) -> None:
    """By a second at most, so that many do not come back at the same time."""
    peer.answers = [503] * 6

    for _ in range(6):
        write(peer, time, PATIENT)

    assert len(set(time.pauses)) > 3
    assert all(0.5 <= pause <= 15 for pause in time.pauses)


@pytest.mark.sockets
def test_no_request_begins_after_the_writes_time(peer: Peer, time: Time) -> None:
    """However often the service asks for a little more: all writes of a batch stay within the function's time."""
    began: list[float] = []
    peer.gate = lambda: began.append(time.now)
    peer.always = throttled("40")

    with pytest.raises(IngestionFailed, match="rate limit"):
        write(peer, time, STEADY)

    assert [0, 40, 80] == began
    assert began[-1] <= STEADY.seconds


@pytest.mark.sockets
def test_what_is_split_has_no_more_time_than_the_whole(peer: Peer, time: Time) -> None:
    """Halves are requests of the same write."""

    def an_hour_passes() -> None:
        time.now += 3_600

    peer.gate = an_hour_passes
    peer.largest_request = 10

    with pytest.raises(IngestionFailed, match="OutOfTime"):
        sink_to(peer, AT_ONCE, clock=lambda: time.now).write([observation("a"), observation("b")])

    assert 1 == len(peer.paths)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("1.5", 1.5),
        ("Fri, 20 Nov 2026 12:00:30 GMT", 30),
        ("Fri, 20 Nov 2026 11:00:00 GMT", None),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("", None),
        ("Fri, 20 Nov 2026 12:00:30 -0000", None),
    ],
)
def test_only_a_time_to_come_counts_as_asked(text: str, seconds: float | None) -> None:
    """Seconds or a date (RFC 9110 10.2.3); anything else leaves the pause to us."""
    assert seconds == seconds_until(text, NOON)
