"""Which combinations of dimension values are told apart, so that counters stay few however many callers there are."""

import logging
import threading
from collections.abc import Mapping

from token_meter.metrics.names import OTHER
from token_meter.metrics.options import LONGEST_NAME

log = logging.getLogger("token_meter")


class Series:
    """The combinations of one set of dimensions. Beyond the cap a new one is counted as `other`, in all its values."""

    def __init__(self, most: int) -> None:
        """Take how many combinations are told apart."""
        self._most = most
        self._known: set[tuple[tuple[str, str], ...]] = set()
        self._warned = False
        self._lock = threading.Lock()

    def of(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return the dimensions to count under: bounded, less those that are empty."""
        bounded = {name: value[:LONGEST_NAME] for name, value in values.items() if value}
        key = tuple(bounded.items())
        with self._lock:
            if key in self._known:
                return bounded
            if len(self._known) < self._most:
                self._known.add(key)
                return bounded
            warn, self._warned = not self._warned, True
        if warn:
            log.warning(
                "metrics: more than %d combinations of dimensions; further ones are counted as %r until the worker is "
                "replaced (METRICS_MOST_SERIES, METRICS_DIMENSIONS)",
                self._most,
                OTHER,
            )
        return dict.fromkeys(values, OTHER)
