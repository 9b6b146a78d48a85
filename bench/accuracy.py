"""How exactly the meter counts recorded calls whose usage is known: by category, withheld from the counter.

    python bench/accuracy.py RECORDINGS.jsonl.gz              the table of docs/accuracy.md
    python bench/accuracy.py RECORDINGS.jsonl.gz --baseline   the figures of tests/accuracy-baseline.json

Scores the records that are marked gold: the whole prompt and answer are visible and the usage is the service's own.
Only figures are printed. With --page the table goes into docs/accuracy.md.
"""

import dataclasses
import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from token_meter.charging import charged_of
from token_meter.codes import Charged, Operation, Source
from token_meter.counting import Count, count_completion, count_prompt
from token_meter.counting.families import Style
from token_meter.counting.models import model_of
from token_meter.decode import decode
from token_meter.events import Event
from token_meter.exchange import Exchange
from token_meter.jsontypes import as_list, as_object
from token_meter.reading import read_exchange
from token_meter.record import Record
from token_meter.usage import Usage, read_usage

sys.path.insert(0, str(Path(__file__).parent))
from pages import put

MEDIA = frozenset({"image_data", "image_url", "audio", "file", "web_search"})


@dataclasses.dataclass
class Score:
    """Figures of one category."""

    calls: int = 0
    exact: int = 0
    within_one: int = 0
    counted: int = 0
    counted_within_one: int = 0
    distinct: set[str] = dataclasses.field(default_factory=set)

    def add(self, count: Count, reported: int, likeness: str) -> None:
        """Take in one count."""
        error = None if count.tokens is None else count.tokens - reported
        near = error is not None and abs(error) <= 1
        self.calls += 1
        self.exact += error == 0
        self.within_one += near
        self.counted += count.source is Source.COUNTED
        self.counted_within_one += near and count.source is Source.COUNTED
        self.distinct.add(likeness)


def gold_exchanges(path: Path) -> Iterator[tuple[dict[str, Any], Exchange, Usage]]:
    """Yield the calls to score: source, exchange without its usage, and the usage that was taken out."""
    with gzip.open(path) as stream:
        for line in stream:
            source = json.loads(line).get("source", {})
            for decoded in decode(Event(line)) if source.get("gold") else ():
                if isinstance(decoded, Record):
                    exchange = read_exchange(decoded)
                    usage = read_usage(exchange.operation, exchange.response)
                    if charged_of(exchange, usage) is Charged.YES and usage.reported:
                        response = {name: item for name, item in (exchange.response or {}).items() if name != "usage"}
                        yield source, dataclasses.replace(exchange, response=response), usage


def prompt_categories(source: dict[str, Any], exchange: Exchange) -> list[str]:
    """Return the categories of a call's prompt."""
    request = exchange.request or {}
    media = bool(MEDIA & set(source["features"]))
    if exchange.operation is Operation.CHAT:
        kind = "chat with images or audio" if media else _chat_kind(exchange, request)
        groups = [f"prompt: {kind}"] + ([] if media else ["prompt: chat without media"])
        return groups + (["prompt: chat on Azure hosts"] if source["host"] == "azure" and not media else [])
    if exchange.operation is Operation.RESPONSES:
        elsewhere = any(request.get(name) for name in ("previous_response_id", "conversation", "prompt"))
        if elsewhere or media or source.get("hostedTools"):
            return ["prompt: Responses not whole in the record"]
        return ["prompt: Responses with function tools" if request.get("tools") else "prompt: Responses without tools"]
    return [f"prompt: {exchange.operation.value}"]


def _chat_kind(exchange: Exchange, request: Any) -> str:
    tools = bool(request.get("tools") or request.get("functions"))
    if model_of(exchange).family.style is Style.REASONING:
        return "chat, reasoning with tools" if tools else "chat, reasoning"
    if as_object(request.get("response_format")).get("type") == "json_schema":
        return "chat, json_schema"
    messages = [as_object(item) for item in as_list(request.get("messages"))]
    if any(item.get("tool_calls") or item.get("function_call") for item in messages):
        return "chat, tool history"
    return "chat, tools" if tools else "chat, plain"


def completion_categories(exchange: Exchange) -> list[str]:
    """Return the categories of a call's completion."""
    if exchange.operation is Operation.EMBEDDINGS:
        return []
    if exchange.operation is not Operation.CHAT:
        return [f"completion: {exchange.operation.value}"]
    if model_of(exchange).family.style is Style.REASONING:
        return ["completion: chat, reasoning"]
    calls = [
        len(as_list(as_object(as_object(choice).get("message")).get("tool_calls")))
        for choice in as_list((exchange.response or {}).get("choices"))
    ]
    kind = "parallel calls" if max(calls, default=0) > 1 else "one tool call" if any(calls) else "text"
    streamed = [f"completion: chat, {kind}, streamed"] if exchange.is_stream else []
    return [f"completion: chat, {kind}", *streamed]


def scores(path: Path) -> dict[str, Score]:
    """Return the score of every category, and of all numbers together."""
    found: dict[str, Score] = {}
    for source, exchange, usage in gold_exchanges(path):
        likeness = json.dumps(exchange.request, sort_keys=True, default=str)
        sides = (
            (usage.prompt, count_prompt, prompt_categories(source, exchange)),
            (usage.completion, count_completion, completion_categories(exchange)),
        )
        for reported, count, groups in sides:
            if reported is not None and groups:
                counted = count(exchange)
                for group in [*groups, "all numbers"]:
                    found.setdefault(group, Score()).add(counted, reported, likeness)
    return dict(sorted(found.items()))


def table(found: dict[str, Score]) -> str:
    """Return the scores as Markdown."""
    lines = [
        "| category | calls | distinct requests | exact | within 1 | called `counted` | of these within 1 |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, score in found.items():
        claimed = f"{score.counted_within_one / score.counted:.1%}" if score.counted else ""
        lines.append(
            f"| {name} | {score.calls} | {len(score.distinct)} | {score.exact / score.calls:.1%} "
            f"| {score.within_one / score.calls:.1%} | {score.counted / score.calls:.1%} | {claimed} |"
        )
    return "\n".join(lines)


def baseline(found: dict[str, Score]) -> dict[str, dict[str, int]]:
    """Return the figures that a later run must not fall below."""
    return {
        name: {
            "calls": score.calls,
            "exact": score.exact,
            "withinOne": score.within_one,
            "counted": score.counted,
            "countedWithinOne": score.counted_within_one,
        }
        for name, score in found.items()
    }


if __name__ == "__main__":
    result = scores(Path(sys.argv[1]))
    if "--page" in sys.argv[2:]:
        put("accuracy.md", "accuracy", table(result))
    print(json.dumps(baseline(result), indent=2) if "--baseline" in sys.argv[2:] else table(result))
