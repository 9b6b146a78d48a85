"""Observations of calls such as the simulator makes none of: what a price, a source or a bound hangs on."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from tests.usage_rows import observation
from token_meter.row import UsageRow

HELPDESK = "118c5bbb-809f-5e38-ae8b-fa0b9c10a4b9"
CONTRACTS = "3ea6cb7d-d96c-5bc9-90e0-3db8c2a49b3c"
"""Applications that prices/applications.csv names; the simulator's have no name."""
COMMON: dict[str, Any] = {
    "app_id": HELPDESK,
    "app_id_source": "declared",
    "region": "Sweden Central",
    "operation_name": "chat",
    "deployment": "by-hand",
    "served_model": "gpt-4o-2024-11-20",
    "duration_ms": 250.5,
    "status_code": 200,
    "attempt": 1,
    "event_hub": "contoso/ai-usage",
    "partition": "0",
    "record_index": 0,
    "enqueued_time": datetime(2026, 10, 5, 12, 0, 1, tzinfo=UTC),
    "prompt_source": "reported",
    "completion_source": "reported",
    "total_source": "reported",
}
UNKNOWN_PARTS = {"prompt_source": "unknown", "completion_source": "unknown"}
ALL_UNKNOWN = {**UNKNOWN_PARTS, "total_source": "unknown"}
DAYS = (5, 27)
"""One day before, one after the days at which the tests look."""


def _split(prompt: int, completion: int, **fields: Any) -> dict[str, Any]:
    numbers = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return {**numbers, **fields}


ODD: dict[str, dict[str, Any]] = {
    "total only": {"total_tokens": 4000, **UNKNOWN_PARTS},
    "small total": {"total_tokens": 900, **UNKNOWN_PARTS},
    "total of a model with long prompts": {"total_tokens": 300_000, "served_model": "gpt-5.6-luna", **UNKNOWN_PARTS},
    "prompt only": {"prompt_tokens": 70, "completion_source": "unknown", "total_source": "unknown"},
    "nothing": ALL_UNKNOWN,
    "too much cached": _split(10, 5, cached_tokens=11),
    "no such model": _split(10, 5, served_model="nobodys-7b"),
    "fine-tuned": _split(10, 5, served_model="gpt-4o-2024-08-06.ft-0123456789abcdef"),
    "long prompt": _split(272_001, 11, served_model="gpt-5.6-luna", cached_tokens=4096),
    "short prompt": _split(272_000, 11, served_model="gpt-5.6-luna", cached_tokens=4096),
    "written to the cache": _split(
        5000, 33, served_model="claude-sonnet-4-5", cached_tokens=1000, cache_write_tokens=2000
    ),
    "priority": _split(1001, 77, service_tier="priority", served_model="gpt-4.1-2025-04-14"),
    "spoken": _split(
        900, 400, audio_prompt_tokens=300, audio_completion_tokens=350, served_model="gpt-4o-audio-preview-2024-12-17"
    ),
    "spoken to a model without ears": _split(900, 40, audio_prompt_tokens=300),
    "pictures": _split(900, 40, image_tokens=800, cached_tokens=128, served_model="gpt-image-1"),
    "totals disagree": {**_split(10, 5), "total_tokens": 16},
    "answer filtered": _split(200, 25, finish_reason="content_filter"),
    "not allowed": {"charged": "no", "status_code": 401, "served_model": "", **ALL_UNKNOWN},
    "spilled over": _split(
        1000, 10, is_spilled_over=True, deployment="Chat-Provisioned", backend="AOAI-PTU",
        served_model="gpt-4o-2024-08-06",
    ),
    "thought": _split(100, 500, reasoning_tokens=450, served_model="", requested_model="gpt-5-mini"),
    "anybody's": _split(3, 4, app_id="", app_id_source="none"),
    "estimated": {
        "prompt_tokens": 300,
        "completion_tokens": 40,
        "prompt_source": "estimated",
        "completion_source": "counted",
        "total_source": "unknown",
    },
    "nobody knows how long": _split(20, 30, duration_ms=None, is_stream=True),
}  # fmt: skip


def odd_calls() -> Iterator[UsageRow]:
    """Yield the observations."""
    for number, (name, fields) in enumerate(ODD.items()):
        for day in DAYS:
            row = {
                **COMMON,
                "app_id": HELPDESK if day == DAYS[0] else CONTRACTS,
                "call_time": datetime(2026, 10, day, 12, number, tzinfo=UTC),
                "sequence_number": 10**6 + number * 100 + day,
                **fields,
            }
            yield observation(f"odd:{name}:{day}", f"{name} {day}", **row)
            if name == "priority":
                # an older meter counted another number, and another observation names another application
                yield observation(
                    f"odd:{name}:{day}", f"{name} {day}", **{**row, "meter_revision": 0, "prompt_tokens": 9}
                )
                named = {"app_id": "someone-else", "app_id_source": "validated", **ALL_UNKNOWN}
                nameless = {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None}
                yield observation(f"odd:{name}:{day}:again", f"{name} {day}", **{**row, **named, **nameless})
    for attempt, model in ((1, "gpt-4o-2024-11-20"), (2, "gpt-4o-mini-2024-07-18")):
        row = {
            **COMMON,
            **_split(40, 8),
            "attempt": attempt,
            "served_model": model,
            "sequence_number": 3 * 10**6 + attempt,
        }
        yield observation(f"odd:differ:{attempt}", "attempts that differ", **row)
    for attempt, tokens in ((1, None), (2, 55)):
        numbers = {
            "attempt": attempt,
            "prompt_tokens": 30,
            "completion_tokens": tokens,
            "completion_source": "reported" if tokens else "unknown",
            "total_source": "unknown",
            "sequence_number": 2 * 10**6 + attempt,
        }
        yield observation(f"odd:part:{attempt}", "part of a call", **{**COMMON, **numbers})
