"""Model families: the tokenizer of each, and which of the ways of writing a prompt down it has. Data and its look-up.

Sources: `tiktoken` = tiktoken 0.14 `model.py`; `recorded` = calls whose usage is known, of 2023-03 to 2026-08
(docs/accuracy.md); `docs` = the vendor's documentation, read 2026-11. The date after a source is that of the last
recorded call that it rests on.
"""

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from token_meter.counting.dialects import (
    CHAT_0301,
    CHAT_0613,
    CHAT_GPT4,
    CHAT_GPT5,
    CHAT_O_SERIES,
    RESPONSES_CODEX_MINI,
    RESPONSES_GPT4,
    RESPONSES_GPT5,
    RESPONSES_GPT5_1,
    RESPONSES_GPT5_1_CODEX,
    RESPONSES_GPT5_2,
    RESPONSES_GPT5_4,
    RESPONSES_O_SERIES,
    ChatDialect,
    ResponsesDialect,
)
from token_meter.counting.images import GPT4O, GPT4O_MINI, GPT5, GPT5_2, GPT5_4, O_SERIES, Patches, Tiles


class Style(StrEnum):
    """What kind of model a family is; some sides of a call cannot be counted for some kinds."""

    CHAT = "chat"
    REASONING = "reasoning"
    """Thinks before it answers; the thoughts are charged and not shown."""
    PLAIN = "plain"
    """Completions and embeddings: text and nothing around it."""
    FOREIGN = "foreign"
    """A vendor whose tokenizer is not here."""


@dataclass(frozen=True, slots=True)
class Family:
    """A family of models that count alike. `prefix` is matched on the normalised name, longest first.

    A name that goes on with more than a size, one of the `variants` and a snapshot's date is another product (audio,
    search, …): it belongs to the family, and its formulas are not confirmed.
    """

    prefix: str
    encoding: str
    style: Style
    source: str
    confirmed: bool = True
    """Recorded calls of this family gave the formulas' number. Without them no count is called `counted`."""
    chat: ChatDialect = CHAT_GPT4
    responses: ResponsesDialect = RESPONSES_GPT4
    images: Tiles | Patches | None = None
    images_confirmed: bool = False
    tools_confirmed: bool = True
    """Also with tools or a schema."""
    variants: tuple[str, ...] = ()
    """Words after the prefix that recorded calls show to count alike."""


CL100K, O200K, P50K, R50K = "cl100k_base", "o200k_base", "p50k_base", "r50k_base"
CHAT, REASONING, PLAIN = Style.CHAT, Style.REASONING, Style.PLAIN


def _gpt5(
    prefix: str,
    source: str,
    *,
    confirmed: bool = True,
    responses: ResponsesDialect = RESPONSES_GPT5,
    images: Tiles | Patches | None = GPT5,
) -> Family:
    return Family(prefix, O200K, REASONING, source, confirmed, CHAT_GPT5, responses, images)


def _o_series(
    prefix: str,
    source: str,
    *,
    confirmed: bool = True,
    responses: ResponsesDialect = RESPONSES_O_SERIES,
    images: Tiles | Patches | None = None,
) -> Family:
    return Family(prefix, O200K, REASONING, source, confirmed, CHAT_O_SERIES, responses, images)


FAMILIES: tuple[Family, ...] = (
    Family("gpt-3.5-turbo-instruct", CL100K, PLAIN, "tiktoken; recorded 2026-03"),
    Family("gpt-3.5", CL100K, CHAT, "tiktoken", confirmed=False),
    Family("gpt-3.5-turbo", CL100K, CHAT, "tiktoken; recorded 2026-07"),
    Family("gpt-3.5-turbo-1106", CL100K, CHAT, "tiktoken", confirmed=False),
    Family("gpt-3.5-turbo-0301", CL100K, CHAT, "cookbook 2023; recorded 2023-10", chat=CHAT_0301),
    Family("gpt-3.5-turbo-0613", CL100K, CHAT, "tiktoken; recorded 2024-06", chat=CHAT_0613),
    Family("gpt-3.5-turbo-16k", CL100K, CHAT, "tiktoken", confirmed=False, chat=CHAT_0613),
    Family("gpt-4", CL100K, CHAT, "tiktoken; recorded 2026-03", chat=CHAT_0613),
    Family("gpt-4-32k", CL100K, CHAT, "tiktoken; recorded 2024-11", chat=CHAT_0613),
    Family("gpt-4-1106", CL100K, CHAT, "tiktoken", confirmed=False),
    Family("gpt-4-vision", CL100K, CHAT, "tiktoken; docs", confirmed=False, images=GPT4O),
    Family("gpt-4-0125", CL100K, CHAT, "tiktoken; recorded 2026-01"),
    Family("gpt-4-turbo", CL100K, CHAT, "tiktoken; recorded 2025-11", images=GPT4O),
    Family("gpt-4o", O200K, CHAT, "tiktoken; recorded 2026-08", images=GPT4O, images_confirmed=True),
    Family("gpt-4o-mini", O200K, CHAT, "tiktoken; recorded 2026-08", images=GPT4O_MINI, images_confirmed=True),
    Family("gpt-4o-audio", O200K, CHAT, "tiktoken; docs", confirmed=False),
    Family("gpt-4o-search", O200K, CHAT, "docs", confirmed=False),
    Family("gpt-4o-mini-search", O200K, CHAT, "docs", confirmed=False),
    Family("chatgpt-4o", O200K, CHAT, "tiktoken; docs", confirmed=False, images=GPT4O),
    Family("gpt-4.1", O200K, CHAT, "tiktoken; recorded 2026-08", images=GPT4O, images_confirmed=True),
    Family("gpt-4.1-mini", O200K, CHAT, "recorded 2026-08", images=Patches(162), images_confirmed=True),
    Family("gpt-4.1-nano", O200K, CHAT, "recorded 2026-08", images=Patches(246), images_confirmed=True),
    Family("gpt-4.5", O200K, CHAT, "tiktoken; docs", confirmed=False, images=GPT4O),
    _gpt5("gpt-5", "tiktoken; recorded 2026-08"),
    _gpt5("gpt-5-mini", "recorded 2026-01", images=Patches(120)),
    _gpt5("gpt-5-nano", "recorded 2026-08", images=Patches(150)),
    _gpt5("gpt-5-codex", "recorded 2025-11"),
    _gpt5("gpt-5-pro", "recorded 2025-11"),
    Family("gpt-5-chat", O200K, CHAT, "recorded 2025-12", images=GPT5, tools_confirmed=False),
    replace(_gpt5("gpt-5.1", "recorded 2026-08", responses=RESPONSES_GPT5_1), variants=("chat",)),
    _gpt5("gpt-5.1-codex", "recorded 2025-11", confirmed=False, responses=RESPONSES_GPT5_1_CODEX),
    replace(
        _gpt5("gpt-5.2", "recorded 2026-04", responses=RESPONSES_GPT5_2, images=GPT5_2), variants=("chat", "codex")
    ),
    _gpt5("gpt-5.3", "docs", confirmed=False, responses=RESPONSES_GPT5_2, images=GPT5_2),
    _gpt5("gpt-5.4", "recorded 2026-08", responses=RESPONSES_GPT5_4, images=GPT5_4),
    _gpt5("gpt-5.5", "recorded 2026-05", responses=RESPONSES_GPT5_2, images=GPT5_4),
    replace(
        _gpt5("gpt-5.6", "recorded 2026-08", responses=RESPONSES_GPT5_4, images=GPT5_4),
        variants=("luna", "sol", "terra"),
    ),
    _gpt5("gpt-5.", "docs", confirmed=False, responses=RESPONSES_GPT5_4, images=GPT5_4),
    _o_series("o1", "tiktoken; recorded 2025-11", images=O_SERIES),
    Family("o1-mini", O200K, REASONING, "recorded 2025-07"),
    Family("o1-preview", O200K, REASONING, "recorded 2024-09", confirmed=False),
    _o_series("o3", "tiktoken; recorded 2025-11", images=O_SERIES),
    _o_series("o4-mini", "tiktoken; recorded 2025-11", images=Patches(172)),
    _o_series("codex-mini", "recorded 2025-11", responses=RESPONSES_CODEX_MINI),
    _gpt5("gpt-oss", "tiktoken", confirmed=False, images=None),
    _o_series("computer-use", "docs", confirmed=False),
    Family("text-embedding", CL100K, PLAIN, "tiktoken", confirmed=False),
    Family("text-embedding-ada-002", CL100K, PLAIN, "tiktoken; recorded 2025-11"),
    Family("text-embedding-3-small", CL100K, PLAIN, "tiktoken; recorded 2026-06"),
    Family("text-embedding-3-large", CL100K, PLAIN, "tiktoken; recorded 2026-06"),
    Family("davinci-002", CL100K, PLAIN, "tiktoken; recorded 2026-03"),
    Family("davinci:2023-07-21", CL100K, PLAIN, "recorded 2026-03: what the service calls davinci-002"),
    Family("babbage-002", CL100K, PLAIN, "tiktoken"),
    Family("babbage:2023-07-21", CL100K, PLAIN, "as davinci-002"),
    Family("text-davinci", P50K, PLAIN, "tiktoken; recorded 2023-10"),
    Family("code-", P50K, PLAIN, "tiktoken", confirmed=False),
    Family("ada", R50K, PLAIN, "tiktoken; recorded 2023-10"),
    Family("babbage", R50K, PLAIN, "tiktoken", confirmed=False),
    Family("curie", R50K, PLAIN, "tiktoken; recorded 2023-06"),
    Family("davinci", R50K, PLAIN, "tiktoken", confirmed=False),
)

AZURE_EMBEDDING_ADA = Family("ada", CL100K, PLAIN, "recorded 2024-11: Azure's name of text-embedding-ada-002")

FOREIGN_PREFIXES = (
    "claude", "deepseek", "llama", "meta-llama", "mistral", "ministral", "mixtral", "codestral", "cohere", "command",
    "embed-v", "phi", "grok", "jamba", "gemini", "gemma", "qwen", "kimi", "jais", "nova", "mai-", "glm",
)  # fmt: skip
"""Vendors in Foundry's catalogue whose tokenizers are not OpenAI's (docs)."""

DEFAULT_ENCODING = O200K
"""The tokenizer of every current OpenAI model."""

LONGEST_NAME = 256
MOST_NAMES_KEPT = 512
"""Of models whose family is remembered; an installation has far fewer."""
SNAPSHOT = re.compile(
    r"(?:-(?:mini|nano|pro))?(?:-latest|-preview|-v\d|-\d{3}|-\d{4}(?:-\d{2}-\d{2})?)*(?::.*)?", re.DOTALL
)
"""What may follow a family's prefix: a size, since all sizes of a generation count alike, a snapshot, a fine-tune."""


def normalised(model: str) -> str:
    """Return a model's name as the table writes it: no vendor before it, Azure's `gpt-35` as `gpt-3.5`."""
    name = model[:LONGEST_NAME].strip().lower()
    name = name.removeprefix("ft:").rsplit("/", 1)[-1]
    return name.replace("gpt-35", "gpt-3.5").replace("gpt-41", "gpt-4.1")


def family_of(model: str) -> Family | None:
    """Return the family that a model's name belongs to, or None where the table does not know it."""
    return _family_named(normalised(model))


@lru_cache(maxsize=MOST_NAMES_KEPT)
def _family_named(name: str) -> Family | None:
    if not name:
        return None
    if name.startswith(FOREIGN_PREFIXES):
        return Family(name, DEFAULT_ENCODING, Style.FOREIGN, "docs", confirmed=False)
    matching = (family for family in FAMILIES if _begins(name, family.prefix))
    family = max(matching, key=lambda family: len(family.prefix), default=None)
    if family is None or SNAPSHOT.fullmatch(_rest_of(name, family)):
        return family
    return replace(family, confirmed=False)


def _rest_of(name: str, family: Family) -> str:
    """Return what a name says beyond its family's prefix, without a variant that counts alike."""
    rest = name[len(family.prefix) :]
    variant = next((f"-{word}" for word in family.variants if re.match(rf"-{re.escape(word)}\b", rest)), "")
    return rest.removeprefix(variant)


def family_hinted_by(deployment: str) -> Family | None:
    """Return the family that a deployment's name hints at: a known family's name anywhere inside it."""
    name = normalised(deployment)
    inside = (family for family in FAMILIES if re.search(rf"(?:^|[^a-z0-9]){re.escape(family.prefix)}", name))
    return max(inside, key=lambda family: len(family.prefix), default=None)


def _begins(name: str, prefix: str) -> bool:
    """Tell whether a name is of a prefix: it ends there, or goes on with something that is no digit or letter."""
    rest = name[len(prefix) :]
    return name.startswith(prefix) and (not rest or prefix.endswith(("-", ".")) or not rest[0].isalnum())
