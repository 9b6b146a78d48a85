"""A check: what was looked at, how it went, what was seen, and what to do where it failed."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

DEFECT = "this is a defect of the doctor, not of the installation: report it"


class State(StrEnum):
    """How a check went."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One check. No part of it holds a token, a key or a connection string."""

    name: str
    state: State
    seen: str
    cure: str = ""
    """One sentence, with the command or the setting; empty unless it failed."""


def ok(name: str, seen: str) -> Check:
    """Return a check that went well."""
    return Check(name, State.OK, seen)


def failed(name: str, seen: str, cure: str) -> Check:
    """Return a check that did not, and its cure."""
    return Check(name, State.FAILED, seen, cure)


def skipped(name: str, why: str) -> Check:
    """Return a check that could not be made, and what it waits for."""
    return Check(name, State.SKIPPED, why)


def guarded(name: str, checks: Callable[[], Iterable[Check]]) -> Iterator[Check]:
    """Yield checks; where making them fails in a way that nobody foresaw, that is a failed check and the rest go on.

    Only the fault's class is told: its words may quote what was sent.
    """
    try:
        yield from checks()
    except Exception as fault:  # noqa: BLE001 - one broken check must not hide the others
        yield failed(name, f"it ended with {type(fault).__name__}", DEFECT)
