"""Model families: which tokenizer each has and the constants in which they count differently. One table, nothing else.

Sources: `tiktoken` = tiktoken 0.14 `model.py`; `fit` = fitted on recorded traffic of 2023 to 2026 (docs/accuracy.md);
`docs` = the vendor's documentation, 2026-11.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class Style(StrEnum):
    """How a family writes its prompts down; the formulas differ by it."""

    CHAT = "chat"
    REASONING = "reasoning"
    PLAIN = "plain"
    """Completions and embeddings: text and nothing around it."""
    FOREIGN = "foreign"
    """A vendor whose tokenizer is not here."""


@dataclass(frozen=True, slots=True)
class Family:
    """A family of models that count alike. `prefix` is matched on the normalised name, longest first."""

    prefix: str
    encoding: str
    style: Style
    source: str


CL100K, O200K, P50K, R50K = "cl100k_base", "o200k_base", "p50k_base", "r50k_base"

FAMILIES: tuple[Family, ...] = (
    Family("gpt-3.5-turbo-instruct", CL100K, Style.PLAIN, "tiktoken; fit"),
    Family("gpt-3.5", CL100K, Style.CHAT, "tiktoken; fit"),
    Family("gpt-4", CL100K, Style.CHAT, "tiktoken; fit"),
    Family("gpt-4o", O200K, Style.CHAT, "tiktoken; fit"),
    Family("gpt-4.1", O200K, Style.CHAT, "tiktoken; fit"),
    Family("gpt-4.5", O200K, Style.CHAT, "tiktoken; docs"),
    Family("chatgpt-4o", O200K, Style.CHAT, "tiktoken; docs"),
    Family("gpt-5", O200K, Style.REASONING, "tiktoken; fit"),
    Family("gpt-5-chat", O200K, Style.CHAT, "fit"),
    Family("o1", O200K, Style.REASONING, "tiktoken; fit"),
    Family("o3", O200K, Style.REASONING, "tiktoken; fit"),
    Family("o4-mini", O200K, Style.REASONING, "tiktoken; fit"),
    Family("codex-mini", O200K, Style.REASONING, "docs"),
    Family("gpt-oss", O200K, Style.REASONING, "tiktoken"),
    Family("computer-use", O200K, Style.REASONING, "docs"),
    Family("text-embedding", CL100K, Style.PLAIN, "tiktoken; fit"),
    Family("davinci-002", CL100K, Style.PLAIN, "tiktoken; fit"),
    Family("babbage-002", CL100K, Style.PLAIN, "tiktoken"),
    Family("text-davinci", P50K, Style.PLAIN, "tiktoken"),
    Family("code-", P50K, Style.PLAIN, "tiktoken"),
    Family("ada", R50K, Style.PLAIN, "tiktoken; fit"),
    Family("babbage", R50K, Style.PLAIN, "tiktoken; fit"),
    Family("curie", R50K, Style.PLAIN, "tiktoken; fit"),
    Family("davinci", R50K, Style.PLAIN, "tiktoken; fit"),
)

FOREIGN_PREFIXES = (
    "claude", "deepseek", "llama", "meta-llama", "mistral", "ministral", "mixtral", "codestral", "cohere", "command",
    "embed-v", "phi", "grok", "jamba", "gemini", "gemma", "qwen", "kimi", "jais", "nova", "mai-", "glm",
)  # fmt: skip
"""Vendors in Foundry's catalogue whose tokenizers are not OpenAI's (docs)."""

DEFAULT_ENCODING = O200K
"""The tokenizer of every current OpenAI model."""

LONGEST_NAME = 256


def normalised(model: str) -> str:
    """Return a model's name as the table writes it: no vendor before it, Azure's `gpt-35` as `gpt-3.5`."""
    name = model[:LONGEST_NAME].strip().lower()
    name = name.removeprefix("ft:").rsplit("/", 1)[-1]
    return name.replace("gpt-35", "gpt-3.5").replace("gpt-41", "gpt-4.1")


def family_of(model: str) -> Family | None:
    """Return the family that a model's name belongs to, or None where the table does not know it."""
    name = normalised(model)
    if not name:
        return None
    if name.startswith(FOREIGN_PREFIXES):
        return Family(name, DEFAULT_ENCODING, Style.FOREIGN, "docs")
    matching = (family for family in FAMILIES if _begins(name, family.prefix))
    return max(matching, key=lambda family: len(family.prefix), default=None)


def family_hinted_by(deployment: str) -> Family | None:
    """Return the family that a deployment's name hints at: a known family's name anywhere inside it."""
    name = normalised(deployment)
    inside = (family for family in FAMILIES if re.search(rf"(?:^|[^a-z0-9]){re.escape(family.prefix)}", name))
    return max(inside, key=lambda family: len(family.prefix), default=None)


def _begins(name: str, prefix: str) -> bool:
    """Tell whether a name is of a prefix: it ends there, or goes on with something that is no digit or letter."""
    rest = name[len(prefix) :]
    return name.startswith(prefix) and (not rest or prefix.endswith("-") or not rest[0].isalnum())
