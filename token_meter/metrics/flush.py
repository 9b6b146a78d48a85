"""Sending what was counted within a bounded time, whatever becomes of it."""

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeAlias

log = logging.getLogger("token_meter")

PATIENCE = 5.0
"""Seconds that a batch waits until its counters are sent; it is a tenth of a second where all is well."""
PAUSE = 60.0
"""Seconds in which nothing is sent after a failure, so that a dead endpoint holds up one batch a minute. What is
counted meanwhile goes out with the next sending."""
Send: TypeAlias = Callable[[], str]
"""Sends what was counted since the last time; returns what went wrong in a few words, or nothing."""


class Told:
    """Failures by kind, each logged the first time and then no more."""

    def __init__(self) -> None:
        """Begin with none known."""
        self._kinds: set[str] = set()

    def tell(self, kind: str) -> None:
        """Log a kind of failure unless it was."""
        if kind not in self._kinds:
            self._kinds.add(kind)
            log.warning("metrics: %s; rows are not affected. It is logged once", kind)


class Flush:
    """Sends in a thread of its own, which a batch waits for no longer than its patience."""

    def __init__(
        self,
        send: Send,
        told: Told,
        patience: float = PATIENCE,
        pause: float = PAUSE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what sends, and the times in seconds; `clock` gives seconds."""
        self._send = send
        self._told = told
        self._patience = patience
        self._pause = pause
        self._clock = clock
        self._resumes = clock()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def flush(self) -> None:
        """Have sent what was counted up to now, if it can be in time; at once where nothing can be sent at present."""
        end = self._clock() + self._patience
        while self._clock() >= self._resumes:
            thread, is_own = self._under_way()
            thread.join(max(0.0, end - self._clock()))
            if thread.is_alive():
                self._fail(f"not sent within {self._patience:g} s")
            if is_own or thread.is_alive():
                return

    def _under_way(self) -> tuple[threading.Thread, bool]:
        """Return the thread that is sending, and whether it began after the call, so that it sends all."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return self._thread, False
            self._thread = threading.Thread(target=self._run, name="token-meter-metrics", daemon=True)
            self._thread.start()
            return self._thread, True

    def _run(self) -> None:
        try:
            failure = self._send()
        except Exception as fault:  # noqa: BLE001 - counters never harm a batch, whatever their libraries raise
            failure = type(fault).__name__
        if failure:
            self._fail(f"not sent ({failure})")

    def _fail(self, kind: str) -> None:
        self._resumes = self._clock() + self._pause
        self._told.tell(kind)
