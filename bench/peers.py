"""Prompt counts of other libraries and of this meter, on the same recorded chat requests, by category.

    python bench/peers.py RECORDINGS.jsonl.gz [--page]

Needs what bench/requirements.txt lists beside this project, in an environment of its own: the peers and their
dependencies are no part of the project. Each peer is called as its documentation shows, with the model that the service
says it ran; a peer that raises has not counted. Shares are of the requests whose record says that the whole prompt is
visible and has no media; nothing of a request is printed.
"""

import gzip
import json
import logging
import os
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

ENCODINGS = Path(__file__).parent.parent / "token_meter" / "encodings"
os.environ["TIKTOKEN_CACHE_DIR"] = os.environ["CUSTOM_TIKTOKEN_CACHE_DIR"] = str(ENCODINGS)
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import tiktoken  # noqa: E402 - after the folder of its rank files is set

from token_meter.codes import Source  # noqa: E402
from token_meter.counting import count_prompt  # noqa: E402
from token_meter.decode import decode  # noqa: E402
from token_meter.events import Event  # noqa: E402
from token_meter.exchange import Exchange  # noqa: E402
from token_meter.reading import read_exchange  # noqa: E402
from token_meter.record import Record  # noqa: E402
from token_meter.usage import read_usage  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent))
from pages import put  # noqa: E402 - beside this file

Request = dict[str, Any]
Peer = Callable[[Request, str], int]
MEDIA = {"image_data", "image_url", "audio", "file", "web_search"}


def category_of(request: Request, model: str) -> str:
    """Return the category that a request is scored in."""
    history = any(item.get("tool_calls") or item.get("function_call") for item in request.get("messages", []))
    tools = bool(request.get("tools") or request.get("functions"))
    reasoning = model.startswith(("o1", "o3", "o4", "gpt-5"))
    if reasoning:
        return "reasoning with tools" if tools else "reasoning"
    if (request.get("response_format") or {}).get("type") == "json_schema":
        return "json_schema"
    return "tool history" if history else "tools" if tools else "plain"


def plain_tiktoken(request: Request, model: str) -> int:
    """Count as the cookbook's snippet does: three tokens a message and three for the reply, and the values' texts."""
    encoding = tiktoken.encoding_for_model(model)
    count = 3
    for message in request["messages"]:
        count += 3
        for name, value in message.items():
            count += len(encoding.encode(value)) + (name == "name")
    return count


def peers() -> dict[str, Peer]:
    """Return the peers that are installed here, by name and version."""
    import litellm  # type: ignore[import-not-found]  # noqa: PLC0415
    from langchain_core.messages import convert_to_messages  # type: ignore[import-not-found]  # noqa: PLC0415
    from langchain_openai import ChatOpenAI  # type: ignore[import-not-found]  # noqa: PLC0415
    from openai_messages_token_helper import (  # type: ignore[import-not-found]  # noqa: PLC0415
        count_tokens_for_message,
        count_tokens_for_system_and_tools,
    )
    from tokencost import count_message_tokens  # type: ignore[import-not-found]  # noqa: PLC0415

    def by_litellm(request: Request, model: str) -> int:
        tools, choice = request.get("tools"), request.get("tool_choice")
        return int(litellm.token_counter(model=model, messages=request["messages"], tools=tools, tool_choice=choice))

    def by_langchain(request: Request, model: str) -> int:
        chat = ChatOpenAI(model=model, api_key="none")
        messages = convert_to_messages(request["messages"])
        return int(chat.get_num_tokens_from_messages(messages, tools=request.get("tools")))

    def by_helper(request: Request, model: str) -> int:
        name = re.sub(r"-(?:\d{4}-\d{2}-\d{2}|\d{4})$", "", model)  # it knows models without their snapshots
        messages = request["messages"]
        system = next((item for item in messages if item["role"] == "system"), None)
        others = [item for item in messages if item is not system]
        head = count_tokens_for_system_and_tools(name, system, request.get("tools"), request.get("tool_choice"))
        return int(head) + sum(int(count_tokens_for_message(name, item)) for item in others)

    def by_tokencost(request: Request, model: str) -> int:
        return int(count_message_tokens(request["messages"], model))

    return {
        f"litellm {version('litellm')}": by_litellm,
        f"langchain-openai {version('langchain-openai')}": by_langchain,
        f"tokencost {version('tokencost')}": by_tokencost,
        f"openai-messages-token-helper {version('openai-messages-token-helper')}": by_helper,
        f"plain tiktoken {version('tiktoken')}": plain_tiktoken,
    }


def gold(path: str) -> Iterable[tuple[dict[str, Any], Exchange, int]]:
    """Yield the chat requests to score: source, exchange, and the prompt's tokens as the service reported them."""
    with gzip.open(path) as stream:
        for line in stream:
            source = json.loads(line)["source"]
            if not source.get("gold") or MEDIA & set(source["features"]):
                continue
            for decoded in decode(Event(line)):
                if isinstance(decoded, Record) and "/chat/completions" in decoded.url:
                    exchange = read_exchange(decoded)
                    prompt = read_usage(exchange.operation, exchange.response).prompt
                    if prompt is not None and exchange.request:
                        yield source, exchange, prompt


def exact_by(peer: Peer, request: Request, model: str, reported: int) -> bool:
    """Tell whether a peer counts a request exactly; one that raises does not."""
    try:
        return peer(json.loads(json.dumps(request)), model) == reported
    except Exception:  # noqa: BLE001 - what a peer raises is its result
        return False


def main() -> None:
    """Score every counter and print the table."""
    logging.disable(logging.CRITICAL)
    others = peers()
    calls: dict[str, int] = defaultdict(int)
    exact: dict[tuple[str, str], int] = defaultdict(int)
    names = ["this meter", *others]
    for source, exchange, reported in gold(sys.argv[1]):
        request: Request = dict(exchange.request or {})
        model = exchange.served_model or exchange.requested_model
        counted = count_prompt(exchange)
        category = category_of(request, model)
        groups = ["all", category, *(["Azure hosts"] if source["host"] == "azure" else [])]
        results = {"this meter": counted.source is not Source.UNKNOWN and counted.tokens == reported}
        results |= {name: exact_by(peer, request, model, reported) for name, peer in others.items()}
        for group in groups:
            calls[group] += 1
            for name, is_exact in results.items():
                exact[group, name] += is_exact
    lines = ["| requests | number | " + " | ".join(names) + " |", "| --- " * (len(names) + 2) + "|"]
    for group in sorted(calls, key=lambda group: -calls[group]):
        shares = (f"{exact[group, name] / calls[group]:.1%}" for name in names)
        lines.append(f"| {group} | {calls[group]} | " + " | ".join(shares) + " |")
    print("\n".join(lines))
    if "--page" in sys.argv[2:]:
        put("accuracy.md", "peers", "\n".join(lines))


if __name__ == "__main__":
    main()
