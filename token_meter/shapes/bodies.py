"""Bodies out of their parts, for shapes that log a prompt and some choices rather than what was sent."""

from token_meter.codes import Operation
from token_meter.jsontypes import Json, parse_json
from token_meter.salvage import salvage


def listed(value: Json) -> tuple[list[Json] | None, bool]:
    """Return a list that came as itself or as JSON text (None where it is no list), and whether the text was cut."""
    if not isinstance(value, str) or not value.lstrip().startswith("["):
        return (value if isinstance(value, list) else None), False
    parsed = parse_json(value)
    if parsed is not None:
        return (parsed if isinstance(parsed, list) else None), False
    salvaged = salvage(value)
    return (salvaged[0], True) if salvaged is not None and isinstance(salvaged[0], list) else (None, False)


def request_of(messages: Json, prompt: Json) -> tuple[Json, bool]:
    """Return the request's body that holds these messages, else this prompt, and whether it was cut."""
    conversation, cut = listed(messages)
    if conversation:
        return {"messages": conversation}, cut
    text = prompt or messages
    if not text or not isinstance(text, str | list):
        return None, False
    prompts, cut = listed(text)
    return {"prompt": prompts or text}, cut


def answer_of(choices: Json, completion: Json, operation: Operation) -> tuple[Json, bool]:
    """Return the answer's body that holds these choices, else one choice of this text, and whether it was cut."""
    known, cut = listed(choices)
    if known:
        return {"choices": known}, cut
    text = completion or choices
    if not isinstance(text, str) or not text:
        return None, False
    if operation is Operation.COMPLETIONS:
        return {"choices": [{"text": text}]}, False
    return {"choices": [{"message": {"role": "assistant", "content": text}}]}, False
