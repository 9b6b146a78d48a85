"""What a gateway's policy does to large bodies, as docs/canonical-record.md defines it: written from that page alone.

The policies are C#; this is the same in Python, so that the definition and the meter's reading of it can be tested over
many streams. It shares nothing with the meter's own way of putting streams together.
"""

import base64
import json
import struct
from typing import Any

Payload = dict[str, Any]
TERMINAL = ("response.completed", "response.incomplete", "response.failed")
PROMPT_NAMES = ("prompt_", "input_", "cache_")
TEXTS = ("content", "refusal", "reasoning_content")


def compacted(record: Payload) -> Payload:
    """Return a canonical record with both bodies compacted, and their true sizes beside them."""
    changed = dict(record)
    request, answer = record.get("requestBody"), record.get("responseBody")
    if request:
        changed["requestBytes"] = len(request.encode())
        small = compact_request(request)
        changed |= {"requestBody": small, "requestCompacted": True} if small is not None else {}
    if answer and answer.lstrip().startswith(("data:", "event:", ":")):
        changed["responseBytes"] = len(answer.encode())
        changed |= {
            "responseBody": compact_stream(answer, record["url"]),
            "responseCompacted": True,
            "responseContentType": "text/event-stream",
        }
    elif answer and (small := compact_answer(answer)) is not None:
        changed["responseBytes"] = len(answer.encode())
        changed |= {"responseBody": small, "responseCompacted": True}
    return changed


def cut(record: Payload, side: str, length: int) -> Payload:
    """Return a record of which one body, which may be compacted, keeps no more than so many bytes."""
    body = record[f"{side}Body"].encode()
    kept = body[:length].decode("utf-8", "ignore")
    return {**record, f"{side}Body": kept, f"{side}CutFrom": len(body)}


# -- streams


def compact_stream(text: str, url: str) -> str:
    """Return the one JSON object that a stream is compacted to."""
    payloads, done, damaged = payloads_of(text)
    path = url.split("?", maxsplit=1)[0]
    kinds = [str(payload.get("type", "")) for payload in payloads]
    if path.endswith("/responses"):
        body = compact_responses(payloads)
    elif path.endswith("/messages"):
        body = compact_messages(payloads)
        done = done or "message_stop" in kinds
    elif any(kind.startswith(("transcript.", "image_", "speech.")) for kind in kinds):
        body = compact_events(payloads)
    else:
        body = compact_choices(payloads, completions=path.endswith("/completions") and "/chat/" not in path)
    flags = {name: True for name, holds in (("done", done), ("damaged", damaged)) if holds}
    return json.dumps(flags | body, ensure_ascii=False, separators=(",", ":"))


def payloads_of(text: str) -> tuple[list[Payload], bool, bool]:
    """Return the JSON objects of a stream's data lines, whether its end mark came, and whether any data was no JSON."""
    payloads: list[Payload] = []
    done = damaged = False
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line.startswith("data:"):
            data = line[5:].strip()
        elif not line or line.startswith((":", "event:", "id:", "retry:")):
            continue
        else:
            data = line.strip()
        if data == "[DONE]":
            done = True
            continue
        try:
            value = json.loads(data)
        except ValueError:
            damaged = True
            continue
        if isinstance(value, dict):
            payloads.append(value)
        else:
            damaged = True
    return payloads, done, damaged


def compact_choices(payloads: list[Payload], *, completions: bool) -> Payload:
    """Return a chat completion or a completion."""
    body: Payload = {"object": "text_completion" if completions else "chat.completion"}
    choices: dict[int, Payload] = {}
    usage, beside_choices = None, False
    for payload in payloads:
        for name in ("id", "model", "created", "service_tier"):
            if payload.get(name) and name not in body:
                body[name] = payload[name]
        if payload.get("error") is not None:
            body["error"] = payload["error"]
        if payload.get("usage") is not None:
            usage, beside_choices = payload["usage"], bool(payload.get("choices"))
        for place, choice in enumerate(payload.get("choices") or []):
            index = choice["index"] if choice.get("index") is not None else place
            add_choice(choices.setdefault(index, {"index": index, "finish_reason": None}), choice)
    if usage is not None:
        finished = bool(choices) and all(choice["finish_reason"] for choice in choices.values())
        body["usage"] = only_prompt(usage) if beside_choices and not finished else usage
    body["choices"] = [finished_choice(choices[index], completions=completions) for index in sorted(choices)]
    return body


def add_choice(known: Payload, choice: Payload) -> None:
    """Join one chunk's choice to what is known of it."""
    delta = choice.get("delta") or {}
    known["finish_reason"] = choice.get("finish_reason") or known["finish_reason"]
    for name in TEXTS:
        known[name] = known.get(name, "") + (delta.get(name) or "")
    known["text"] = known.get("text", "") + (choice.get("text") or "")
    for name, listed in (choice.get("logprobs") or {}).items():
        if isinstance(listed, list):
            counts = known.setdefault("logprobs", {})
            counts[name] = counts.get(name, 0) + len(listed)
    for place, call in enumerate(delta.get("tool_calls") or []):
        index = call["index"] if call.get("index") is not None else place
        add_call(known.setdefault("calls", {}).setdefault(index, {}), call, call.get("function") or {})
    if delta.get("function_call") is not None:
        add_call(known.setdefault("function_call", {}), {}, delta["function_call"])


def add_call(known: Payload, call: Payload, function: Payload) -> None:
    """Join one chunk's call to what is known of it."""
    for name in ("id", "type"):
        known[name] = known.get(name) or call.get(name)
    for name in ("name", "arguments"):
        known[name] = known.get(name, "") + (function.get(name) or "")


def finished_choice(known: Payload, *, completions: bool) -> Payload:
    """Return a choice as it is written."""
    choice = {name: known[name] for name in ("index", "finish_reason", "logprobs") if name in known}
    if completions:
        return choice | {"text": known["text"]}
    message: Payload = {"role": "assistant", "content": known["content"] or None}
    message |= {name: known[name] for name in TEXTS[1:] if known[name]}
    if "calls" in known:
        message["tool_calls"] = [
            {"id": call["id"], "type": call["type"] or "function", "function": function_of(call)}
            for _, call in sorted(known["calls"].items())
        ]
    if "function_call" in known:
        message["function_call"] = function_of(known["function_call"])
    return choice | {"message": message}


def function_of(call: Payload) -> Payload:
    """Return a call's name and arguments."""
    return {name: call[name] for name in ("name", "arguments")}


def only_prompt(usage: Payload) -> Payload:
    """Return what a usage tells of the prompt."""
    return {name: value for name, value in usage.items() if name.startswith(PROMPT_NAMES)}


def compact_responses(payloads: list[Payload]) -> Payload:
    """Return a response object."""
    last: Payload = {}
    ended = False
    error = None
    items: dict[int, Payload] = {}
    for payload in payloads:
        kind = payload.get("type", "")
        if isinstance(payload.get("response"), dict):
            last, ended = payload["response"], ended or kind in TERMINAL
        elif kind == "error":
            error = payload
        elif payload.get("output_index") is not None:
            add_to_item(items.setdefault(payload["output_index"], {"joined": {}}), kind, payload)
    body = {name: value for name, value in last.items() if name not in ("instructions", "output")}
    if error is not None:
        body["error"] = error
    if not ended and body.get("usage"):
        body["usage"] = only_prompt(body["usage"])
    built = [written_item(item) for _, item in sorted(items.items())]
    body["output"] = [small_item(item) for item in (ended and last.get("output")) or built]
    return body


def add_to_item(known: Payload, kind: str, payload: Payload) -> None:
    """Join one event to what is known of an output item."""
    if "item" in payload:
        known["item"] = payload["item"]
        known["done"] = kind.endswith(".done")
    names = {
        "response.output_text.delta": "text",
        "response.refusal.delta": "refusal",
        "response.function_call_arguments.delta": "arguments",
        "response.reasoning_summary_text.delta": "summary",
    }
    if kind in names:
        known["joined"][names[kind]] = known["joined"].get(names[kind], "") + payload["delta"]


def written_item(known: Payload) -> Payload:
    """Return an output item as it is written."""
    item, joined = dict(known.get("item", {})), known["joined"]
    if known.get("done") or not joined:
        return item
    if "arguments" in joined:
        return item | {"arguments": joined["arguments"]}
    if "summary" in joined:
        return item | {"summary": [{"type": "summary_text", "text": joined["summary"]}]}
    parts = [{"type": "output_text", "text": joined["text"]}] if joined.get("text") else []
    parts += [{"type": "refusal", "refusal": joined["refusal"]}] if joined.get("refusal") else []
    return {"type": "message", "role": "assistant"} | item | {"content": parts}


def small_item(item: Payload) -> Payload:
    """Return an output item without what is long and counts nothing."""
    small = {name: value for name, value in item.items() if name not in ("encrypted_content", "result")}
    if isinstance(small.get("content"), list):
        small["content"] = [
            {name: value for name, value in part.items() if name not in ("logprobs", "annotations")}
            for part in small["content"]
        ]
    return small


def compact_messages(payloads: list[Payload]) -> Payload:
    """Return an Anthropic message."""
    body: Payload = {}
    usage: Payload = {}
    blocks: dict[int, Payload] = {}
    for payload in payloads:
        kind = payload.get("type")
        if kind == "message_start":
            body |= payload["message"]
            usage |= only_prompt(
                {name: value for name, value in (body.pop("usage", None) or {}).items() if value is not None}
            )
        elif kind == "message_delta":
            body |= {name: value for name, value in payload["delta"].items() if value is not None}
            usage |= {name: value for name, value in (payload.get("usage") or {}).items() if value is not None}
        elif kind == "content_block_start":
            blocks[payload["index"]] = {"block": payload["content_block"], "joined": {}}
        elif kind == "content_block_delta":
            joined = blocks.setdefault(payload["index"], {"block": {}, "joined": {}})["joined"]
            for name in ("text", "thinking", "partial_json"):
                if name in payload["delta"]:
                    joined[name] = joined.get(name, "") + payload["delta"][name]
        elif kind == "error":
            body["error"] = payload["error"]
    body["usage"] = usage
    if blocks:
        body["content"] = [written_block(block) for _, block in sorted(blocks.items())]
    return body


def written_block(known: Payload) -> Payload:
    """Return a content block as it is written."""
    block = {name: value for name, value in known["block"].items() if name != "signature"}
    joined = known["joined"]
    for name in ("text", "thinking"):
        if joined.get(name):
            block[name] = block.get(name, "") + joined[name]
    if joined.get("partial_json"):
        try:
            block["input"] = json.loads(joined["partial_json"])
        except ValueError:
            block["input"] = joined["partial_json"]
    return block


def compact_events(payloads: list[Payload]) -> Payload:
    """Return the last event of a transcription, a picture or a speech."""
    last = [payload for payload in payloads if str(payload.get("type", "")).endswith((".done", ".completed"))]
    return {name: value for name, value in (last or [{}])[-1].items() if name not in ("type", "b64_json", "audio")}


# -- other answers


def compact_answer(text: str) -> str | None:
    """Return an answer without its pictures, sounds and vectors, or None where it is no JSON object."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return (
        json.dumps(without_bulk(value), ensure_ascii=False, separators=(",", ":")) if isinstance(value, dict) else None
    )


def without_bulk(value: Any, name: str = "") -> Any:
    """Return an answer's value with nothing in the place of what is long and counts nothing."""
    if isinstance(value, list):
        return [without_bulk(item) for item in value]
    if not isinstance(value, dict):
        return value
    if name == "logprobs":
        return {inner: len(item) if isinstance(item, list) else item for inner, item in value.items()}
    bulk = {"embedding", "b64_json", "encrypted_content"}
    bulk |= {"data"} if name == "audio" else set()
    bulk |= {"result"} if value.get("type") == "image_generation_call" else set()
    return {inner: without_bulk(item, inner) for inner, item in value.items() if inner not in bulk}


# -- requests


def compact_request(text: str) -> str | None:
    """Return a request without its pictures and sounds, or None where it is no JSON object."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    last = ("messages", "input", "prompt")
    small = {name: compact_part(item) for name, item in value.items()}
    ordered = {name: item for name, item in small.items() if name not in last}
    ordered |= {name: small[name] for name in last if name in small}
    return json.dumps(ordered, ensure_ascii=False, separators=(",", ":"))


def compact_part(value: Any) -> Any:
    """Return a request's value with sizes in place of what stands in base64."""
    if isinstance(value, list):
        return [compact_part(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("type")
    if kind == "image_url" and isinstance(value.get("image_url"), dict):
        image = value["image_url"]
        return {"type": kind, "image_url": compact_image(str(image.get("url", "")), image)}
    if kind == "input_image":
        return {"type": kind} | compact_image(str(value.get("image_url") or ""), value, name="image_url")
    if kind == "image" and isinstance(value.get("source"), dict):
        return {"type": kind, "source": sides_of(str(value["source"].get("data", "")))}
    if kind == "input_audio" and isinstance(value.get("input_audio"), dict):
        audio = value["input_audio"]
        seconds = seconds_of_wav(str(audio.get("data", "")))
        return {"type": kind, "input_audio": {"format": audio.get("format")} | seconds}
    if kind in ("file", "input_file", "document"):
        return {"type": kind}
    return {name: compact_part(item) for name, item in value.items()}


def compact_image(url: str, image: Payload, name: str = "url") -> Payload:
    """Return an image by its size, or by the fact that it lies elsewhere."""
    detail = {"detail": image["detail"]} if image.get("detail") else {}
    if url.lower().startswith("http"):
        return detail | {name: "https://"}
    return detail | sides_of(url.partition(",")[2])


def sides_of(data: str) -> Payload:
    """Return the width and height of a PNG, JPEG or GIF in base64; nothing where they cannot be read."""
    content = base64.b64decode(data[: len(data) // 4 * 4] or b"")
    if content.startswith(b"\x89PNG"):
        width, height = struct.unpack_from(">II", content, 16)
    elif content.startswith(b"GIF8"):
        width, height = struct.unpack_from("<HH", content, 6)
    elif content.startswith(b"\xff\xd8"):
        return sides_of_jpeg(content)
    else:
        return {}
    return {"width": width, "height": height}


def sides_of_jpeg(content: bytes) -> Payload:
    """Return the width and height in a JPEG's frame header."""
    place = 2
    while place + 9 < len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", content, place + 5)
            return {"width": width, "height": height}
        place += 2 + struct.unpack_from(">H", content, place + 2)[0]
    return {}


def seconds_of_wav(data: str) -> Payload:
    """Return the length of a WAV in base64; nothing where it cannot be read."""
    content = base64.b64decode(data[: len(data) // 4 * 4] or b"")
    place, bytes_a_second = 12, 0
    while content[:4] == b"RIFF" and place + 8 <= len(content):
        name, size = content[place : place + 4], struct.unpack_from("<I", content, place + 4)[0]
        if name == b"fmt ":
            bytes_a_second = struct.unpack_from("<I", content, place + 16)[0]
        if name == b"data" and bytes_a_second:
            return {"seconds": min(size, len(content) - place - 8) / bytes_a_second}
        place += 8 + size + size % 2
    return {}
