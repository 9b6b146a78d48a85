"""Whether the token that ends an answer is counted: it depends on who serves, and at api.openai.com on when.

Azure counts it (recorded calls of 2025-10 to 2026-08) and did not (2024-04 to 2025-03). api.openai.com does not, except
in the periods below. Both cases hold for texts and for calls.
"""

from datetime import UTC, datetime

AZURE_SINCE = datetime(2025, 7, 1, tzinfo=UTC)
"""Somewhere between 2025-03 and 2025-10."""
OPENAI_PERIODS = (
    (datetime(2024, 12, 20, tzinfo=UTC), datetime(2025, 3, 5, tzinfo=UTC)),
    (datetime(2025, 3, 18, tzinfo=UTC), datetime(2025, 5, 16, tzinfo=UTC)),
)


def counts_stop_token(when: datetime | None, *, azure: bool) -> bool:
    """Tell whether the chat completions of a host counted the token that ends an answer; without a time, today's."""
    if azure:
        return when is None or when >= AZURE_SINCE
    return when is not None and any(start <= when < end for start, end in OPENAI_PERIODS)
