"""Paths of the model APIs: which operation a URL names, which deployment, and which calls run no model."""

import re
from urllib.parse import unquote

from token_meter.codes import Operation
from token_meter.jsontypes import JsonObject, as_text

LONGEST_PATH = 2048

# Endings of paths, longest first: `chat/completions` must not be taken for `completions`.
OPERATIONS_BY_ENDING: tuple[tuple[str, Operation], ...] = (
    ("/chat/completions", Operation.CHAT),
    ("/completions", Operation.COMPLETIONS),
    ("/embeddings", Operation.EMBEDDINGS),
    ("/responses", Operation.RESPONSES),
    ("/responses/compact", Operation.RESPONSES),
    ("/v1/messages", Operation.MESSAGES),
    ("/images/generations", Operation.IMAGES),
    ("/images/edits", Operation.IMAGES),
    ("/images/variations", Operation.IMAGES),
    ("/audio/transcriptions", Operation.TRANSCRIPTION),
    ("/audio/translations", Operation.TRANSCRIPTION),
    ("/audio/speech", Operation.SPEECH),
)

OTHER_CALLS = re.compile(
    # what stands below an operation: stored answers and their parts, a count of tokens, batches
    r"/(?:chat/completions|responses|v1/messages)/[^/]+"
    r"|/messages/(?:count_tokens|batches)(?:/|$)"
    # the services' other resources; of threads only their runs call a model
    r"|/(?:openai|v1)/(?:files|uploads|batches|vector_stores|fine_tuning|conversations|containers|evals|assistants)(?:/|$)"
    r"|/(?:openai|v1)/threads(?!.*/(?:runs|submit_tool_outputs)$)(?:/|$)"
)
"""Paths of calls that run no model (OpenAI's and Azure's API references, 2026-11)."""

OPERATIONS_BY_OBJECT: dict[str, Operation] = {
    "chat.completion": Operation.CHAT,
    "text_completion": Operation.COMPLETIONS,
    "response": Operation.RESPONSES,
    "response.compaction": Operation.RESPONSES,
    "list": Operation.EMBEDDINGS,
    "message": Operation.MESSAGES,
}
"""By the `object` (or `type`) of an answer, where a record states it without the answer."""

# Words in the names that APIs imported from Azure's own specifications give their operations, the telling ones first:
# "Creates a completion for the chat message", "ChatCompletions_Create", "embeddings_create".
OPERATIONS_BY_WORD: tuple[tuple[str, Operation], ...] = (
    ("chat", Operation.CHAT),
    ("embedding", Operation.EMBEDDINGS),
    ("vectorrepresentation", Operation.EMBEDDINGS),
    ("transcri", Operation.TRANSCRIPTION),
    ("translat", Operation.TRANSCRIPTION),
    ("speech", Operation.SPEECH),
    ("image", Operation.IMAGES),
    ("createresponse", Operation.RESPONSES),
    ("modelresponse", Operation.RESPONSES),
    ("message", Operation.MESSAGES),
    ("completion", Operation.COMPLETIONS),
)


def path_of(url: str) -> str:
    """Return a URL's path: what stands before the query, bounded, without a trailing slash."""
    return url[:LONGEST_PATH].split("?", 1)[0].split("#", 1)[0].rstrip("/")


def operation_of_path(url: str) -> Operation:
    """Return the operation that a URL's path names, or UNKNOWN."""
    path = path_of(url).lower()
    return next((operation for ending, operation in OPERATIONS_BY_ENDING if path.endswith(ending)), Operation.UNKNOWN)


def runs_no_model(url: str) -> bool:
    """Tell whether a URL's path is known to run no model: it reads, counts or administers what other calls made.

    An operation's own path is none of these, whatever stands before it.
    """
    path = path_of(url).lower()
    return operation_of_path(path) is Operation.UNKNOWN and OTHER_CALLS.search(path) is not None


def operation_named(text: str) -> Operation:
    """Return the operation that an answer's `object`, a path or an operation's name in the gateway hints at."""
    known = OPERATIONS_BY_OBJECT.get(text.lower()) or operation_of_path(text)
    if known:
        return known
    joined = "".join(character for character in text[:LONGEST_PATH].lower() if character.isalpha())
    return next((operation for word, operation in OPERATIONS_BY_WORD if word in joined), Operation.UNKNOWN)


def deployment_of_path(url: str) -> str:
    """Return the name after `/deployments/` in a URL's path, decoded, or the empty string."""
    path = path_of(url)
    start = path.lower().find("/deployments/")
    if start < 0:
        return ""
    return unquote(path[start + len("/deployments/") :].split("/", 1)[0])


def operation_of_bodies(request: JsonObject | None, response: JsonObject | None) -> Operation:
    """Tell the operation by the bodies, for records without a path. The answer speaks before the request."""
    if response:
        named = as_text(response.get("object"))
        operation = OPERATIONS_BY_OBJECT.get(named)
        if operation is not None and named != "list":
            return operation
        if response.get("type") == "message":
            return Operation.MESSAGES
        data = response.get("data")
        if isinstance(data, list) and data and isinstance(data[0], dict) and "embedding" in data[0]:
            return Operation.EMBEDDINGS
    if request:
        if "messages" in request:
            return Operation.MESSAGES if "anthropic_version" in request else Operation.CHAT
        if "prompt" in request:
            return Operation.COMPLETIONS
        if "input" in request:
            return Operation.UNKNOWN  # embeddings, Responses and speech all have an input
    return Operation.UNKNOWN
