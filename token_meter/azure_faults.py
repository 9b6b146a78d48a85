"""What an Azure service says when it refuses, in one line: the cure where it is known, else the service's own words."""

from collections.abc import Mapping

from azure.core.exceptions import AzureError, HttpResponseError

LONGEST_SHOWN = 300
"""Characters of the service's own words."""


def meaning(fault: AzureError, cures: Mapping[int, str]) -> str:
    """Return what a refusal means; `cures` has what to do by HTTP status."""
    status = fault.status_code if isinstance(fault, HttpResponseError) else None
    if status is not None and status in cures:  # the service's own words name no cure
        return f"{cures[status]} ({int(status)})"
    said = getattr(getattr(fault, "model", None), "message", None)
    return first_line(said or fault.message)


def first_line(text: str) -> str:
    """Return the first line of a text, not endless."""
    return next(iter(text.strip().splitlines()), "")[:LONGEST_SHOWN]
