"""Telling a row that is wrong from a rule that is: the first is set aside, the second must be mended.

A 400 says only that something in the request is refused. Where other rows of the same stream are accepted, the refused
ones are to blame. Where most are refused, the data collection rule does not fit this version of the meter, and setting
rows aside one by one would turn a mistake of the deployment into thousands of dead letters.
"""

import threading
from collections import defaultdict, deque

MOST_REFUSED = 20
"""Rows of one write. More are no accident, and each costs several requests to find."""
RECENT_ROWS = 100
"""How many of a stream's last rows speak for or against its rule."""


class Refusals:
    """What became of each stream's last rows. Safe to use from several threads."""

    def __init__(self) -> None:
        """Begin with no row seen."""
        self._recent: dict[str, deque[bool]] = defaultdict(lambda: deque(maxlen=RECENT_ROWS))
        self._lock = threading.Lock()

    def are_of_rows(self, stream: str, accepted: int, refused: int) -> bool:
        """Note what became of a write's rows, and return whether the refused ones themselves are to blame.

        They are where at least as many were accepted, in this write or among the stream's last rows with it, and where
        they are few.
        """
        with self._lock:
            recent = self._recent[stream]
            recent.extend([True] * min(accepted, RECENT_ROWS))
            recent.extend([False] * min(refused, RECENT_ROWS))
            majority = recent.count(True) >= recent.count(False)
        return refused <= MOST_REFUSED and (refused <= accepted or majority)
