"""Tokenizing: offline, exact where it says so, and safe from any text."""

import os
import threading
from pathlib import Path

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st

from token_meter.counting import tokenizer
from token_meter.counting.tokenizer import TokenizerUnusable, count_tokens, load_encoding

ENCODINGS = ("cl100k_base", "o200k_base", "p50k_base", "r50k_base")


@pytest.mark.parametrize("name", ENCODINGS)
def test_every_encoding_loads_from_the_package(name: str) -> None:
    """And reads back what it wrote."""
    encoding = load_encoding(name)

    assert encoding.decode(encoding.encode_ordinary("Grüße, 世界!   \n\t x")) == "Grüße, 世界!   \n\t x"


def test_loading_leaves_the_environment_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of rank files is tiktoken's only while it loads."""
    monkeypatch.setattr(tokenizer, "_loaded", {})
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "elsewhere")

    load_encoding("cl100k_base")

    assert os.environ["TIKTOKEN_CACHE_DIR"] == "elsewhere"


@pytest.mark.parametrize("content", [b"damaged", None])
def test_a_rank_file_that_is_not_right_fails_clearly_and_fetches_nothing(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Damaged or missing: the message names the encoding."""
    if content is not None:
        (tmp_path / tokenizer.RANK_FILES["o200k_base"][0]).write_bytes(content)
    monkeypatch.setattr(tokenizer, "ENCODINGS", tmp_path)
    monkeypatch.setattr(tokenizer, "_loaded", {})

    with pytest.raises(TokenizerUnusable, match="o200k_base"):
        load_encoding("o200k_base")


def test_an_encoding_is_loaded_once_though_many_threads_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """They wait for the first one."""
    monkeypatch.setattr(tokenizer, "_loaded", {})
    loaded: list[tiktoken.Encoding] = []
    threads = [threading.Thread(target=lambda: loaded.append(load_encoding("r50k_base"))) for _ in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(loaded) == 8
    assert len({id(encoding) for encoding in loaded}) == 1


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(), max_size=200))
def test_any_text_is_counted_as_tiktoken_counts_it(text: str) -> None:
    """Also with halves of surrogate pairs, which no bytes can hold."""
    assert count_tokens(text, "o200k_base") == tokenizer.Tokens(len(load_encoding("o200k_base").encode_ordinary(text)))


def test_runs_of_white_space_that_tiktoken_gives_up_on_are_counted_in_pieces() -> None:
    """1.2 million blanks are an estimate, and a little more than their pieces' tokens at most."""
    counted = count_tokens("a" + " " * 1_200_000 + "b", "o200k_base")

    assert not counted.exact
    assert 0 < counted.count < 1_200_000


def test_a_long_text_without_such_runs_is_exact() -> None:
    """Its length alone is no reason to cut it."""
    counted = count_tokens(" word and" * 50_000, "o200k_base")

    assert counted == tokenizer.Tokens(100_000, exact=True)
