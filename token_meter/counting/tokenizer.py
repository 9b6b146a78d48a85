"""Tokenizers: tiktoken over the rank files that travel in this package, with no network at any time.

tiktoken looks for its rank files in a folder and fetches what it does not find or what has another hash. Here the
folder is the package's own and every file is checked before tiktoken sees it, so that it never has a reason to fetch;
its own hash check stays on.
"""

import hashlib
import os
import re
import threading
from dataclasses import dataclass
from pathlib import Path

import tiktoken
from tiktoken_ext import openai_public

ENCODINGS = Path(__file__).parent.parent / "encodings"
RANK_FILES = {
    "cl100k_base": (
        "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    ),
    "o200k_base": (
        "fb374d419588a4632f3f557e76b4b70aebbca790",
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    ),
    "p50k_base": (
        "ec7223a39ce59f226a68acc30dc1af2788490e15",
        "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069",
    ),
}
"""Encoding → file name (SHA-1 of the address that tiktoken asks for) and SHA-256 of its content (tiktoken 0.14)."""

R50K_SIZE = 50_256
"""Mergeable tokens of r50k_base (tiktoken_ext.openai_public)."""

LONGEST_BLANK_RUN = 400_000
"""tiktoken panics on about a million white-space characters in a row (openai/tiktoken, pull request 587)."""
PIECE_OF_BLANK_RUN = 100_000
BLANK_RUN = re.compile(r"\s+")

_loading = threading.Lock()
_loaded: dict[str, tiktoken.Encoding] = {}


class TokenizerUnusable(Exception):  # noqa: N818 - it names a state of the installation
    """A rank file is missing or is not the one that was published, or the tokenizer gave up on a text."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """How many tokens a text is, and whether that is exact."""

    count: int
    exact: bool = True


def load_encoding(name: str) -> tiktoken.Encoding:
    """Return an encoding by name, loaded once a process. Raises TokenizerUnusable where its rank file is not right."""
    encoding = _loaded.get(name)
    if encoding is None:
        with _loading:
            encoding = _loaded.get(name) or _load(name)
            _loaded[name] = encoding
    return encoding


def _load(name: str) -> tiktoken.Encoding:
    if name == "r50k_base":
        return _r50k(_load("p50k_base"))
    file, expected = RANK_FILES[name]
    path = ENCODINGS / file
    try:
        actual = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as fault:
        raise TokenizerUnusable(f"the rank file of {name} is missing from the package") from fault
    if actual != expected:
        raise TokenizerUnusable(f"the rank file of {name} is damaged: its SHA-256 is {actual}")
    before = os.environ.get("TIKTOKEN_CACHE_DIR")
    os.environ["TIKTOKEN_CACHE_DIR"] = str(ENCODINGS)
    try:
        return tiktoken.get_encoding(name)
    finally:
        if before is None:
            del os.environ["TIKTOKEN_CACHE_DIR"]
        else:
            os.environ["TIKTOKEN_CACHE_DIR"] = before


def _r50k(p50k: tiktoken.Encoding) -> tiktoken.Encoding:
    """Return r50k_base, which is p50k_base less the runs of blanks that p50k added at its end."""
    ranks = {p50k.decode_single_token_bytes(token): token for token in range(R50K_SIZE)}
    return tiktoken.Encoding(
        "r50k_base",
        pat_str=openai_public.r50k_pat_str,
        mergeable_ranks=ranks,
        special_tokens={openai_public.ENDOFTEXT: R50K_SIZE},
    )


def count_tokens(text: str, encoding: str) -> Tokens:
    """Return how many tokens a text is; text that looks like a special token is text.

    Not exact where a run of white space is too long for the tokenizer: it is counted in pieces, which may add a token
    at each joint. Raises TokenizerUnusable where the tokenizer gives up.
    """
    pieces = _pieces(text) if len(text) >= LONGEST_BLANK_RUN else [text]
    tokenizer = load_encoding(encoding)
    try:
        count = sum(len(tokenizer.encode_ordinary(piece)) for piece in pieces)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as fault:  # noqa: BLE001 - pyo3's PanicException is no Exception
        raise TokenizerUnusable(f"the tokenizer gave up: {type(fault).__name__}") from None
    return Tokens(count, exact=len(pieces) == 1)


def _pieces(text: str) -> list[str]:
    """Cut a text inside of every run of white space that is too long."""
    cuts = [0]
    for run in BLANK_RUN.finditer(text):
        if run.end() - run.start() >= LONGEST_BLANK_RUN:
            cuts += range(run.start() + PIECE_OF_BLANK_RUN, run.end(), PIECE_OF_BLANK_RUN)
    return [text[start:end] for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True)]
