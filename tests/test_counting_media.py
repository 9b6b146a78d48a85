"""Images, audio and files in a prompt: counted where their size is in the record."""

import base64
import struct
from typing import Any

import pytest

from tests.counted import GPT_4O, chat_prompt, exchange
from token_meter.codes import Note, Operation, Source
from token_meter.counting import count_prompt
from token_meter.counting.image_sizes import size_of_data_url


def data_url(content: bytes, kind: str = "image/png") -> str:
    """Return bytes as a `data:` URL."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def png(width: int, height: int) -> bytes:
    """Return the beginning of a PNG."""
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + bytes(5)


def jpeg(width: int, height: int) -> bytes:
    """Return the beginning of a JPEG with a profile before its size."""
    profile = b"\xff\xe0" + struct.pack(">H", 200) + bytes(198)
    return b"\xff\xd8" + profile + b"\xff\xc0" + struct.pack(">HBHH", 17, 8, height, width) + bytes(10)


def wav(seconds: float, rate: int = 16_000) -> str:
    """Return silence as base64."""
    sound = bytes(int(seconds * rate * 2))
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
    body = b"WAVE" + form + struct.pack("<4sI", b"data", len(sound)) + sound
    return base64.b64encode(b"RIFF" + struct.pack("<I", len(body)) + body).decode()


def image(width: int, height: int, **more: Any) -> dict[str, Any]:
    """Return a message with an image."""
    return {
        "role": "user",
        "content": [{"type": "image_url", "image_url": {"url": data_url(png(width, height)), **more}}],
    }


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (png(640, 480), (640, 480)),
        (jpeg(640, 480), (640, 480)),
        (b"GIF89a" + struct.pack("<HH", 30, 20), (30, 20)),
        (b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + bytes([9, 0, 0, 4, 0, 0]), (10, 5)),
        (b"RIFF\0\0\0\0WEBPVP8 " + bytes(10) + struct.pack("<HH", 16, 8), (16, 8)),
        (b"RIFF\0\0\0\0WEBPVP8L" + bytes(4) + b"\x2f" + struct.pack("<I", 99 | 49 << 14), (100, 50)),
        (b"\x89PNG\r\n\x1a\n", None),
        (png(0, 5), None),
        (b"\xff\xd8\xff", None),
        (b"BM", None),
    ],
)
def test_the_size_of_an_image_is_read_from_its_first_bytes(content: bytes, size: tuple[int, int] | None) -> None:
    """Of PNG, JPEG, GIF and the three kinds of WebP; None for what is none or is cut."""
    assert size_of_data_url(data_url(content)) == size


@pytest.mark.parametrize(
    ("model", "width", "height", "cost"),
    [
        (GPT_4O, 512, 512, 85 + 170),
        (GPT_4O, 1024, 1024, 85 + 4 * 170),  # shrunk to 768 by 768
        (GPT_4O, 2048, 4096, 85 + 6 * 170),  # to fit in 2048, then the shorter side to 768
        ("gpt-4o-mini-2024-07-18", 512, 512, 2833 + 5667),
        ("gpt-4.1-mini-2025-04-14", 1024, 1024, 1659 + 1),  # 1024 patches at 1.62
        ("gpt-4.1-mini-2025-04-14", 1800, 2400, 2353 + 1),  # 1452 patches, which is the example of OpenAI's page
    ],
)
def test_an_image_costs_by_its_size(model: str, width: int, height: int, cost: int) -> None:
    """By tiles of 512 or patches of 32 pixels; the numbers are those of OpenAI's "Images and vision"."""
    count = chat_prompt(model, image(width, height))

    assert count.tokens == 4 + cost + 3
    assert count.source is Source.COUNTED


def test_low_detail_costs_the_same_for_any_size() -> None:
    """Of models with tiles."""
    assert chat_prompt(GPT_4O, image(4000, 4000, detail="low")).tokens == 4 + 85 + 3


def test_patches_cost_one_less_in_the_responses_api() -> None:
    """Measured by others and on recorded calls."""
    part = {"type": "input_image", "image_url": data_url(png(64, 64))}
    request = {"input": [{"role": "user", "content": [part]}]}

    count = count_prompt(exchange(Operation.RESPONSES, "gpt-4.1-mini-2025-04-14", request=request))

    assert count.tokens == 4 + 7 + 3  # 4 patches at 1.62


def test_an_image_that_is_only_named_is_noted_and_not_fetched() -> None:
    """Its size is not in the record."""
    part = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}

    count = chat_prompt(GPT_4O, {"role": "user", "content": [part]})

    assert (count.source, count.notes) == (Source.ESTIMATED, (Note.REMOTE_IMAGE,))


def test_audio_costs_ten_tokens_a_second_and_four() -> None:
    """Measured on five recorded calls, of a family that is not among ours: an estimate."""
    part = {"type": "input_audio", "input_audio": {"data": wav(6.5), "format": "wav"}}

    count = chat_prompt("gpt-4o-audio-preview", {"role": "user", "content": [part]})

    assert count.tokens == 4 + 65 + 4 + 3
    assert count.source is Source.ESTIMATED


@pytest.mark.parametrize(
    ("part", "note"),
    [
        ({"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA"}}, Note.PDF),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}}, Note.MEDIA_NOT_COUNTED),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}, Note.MEDIA_NOT_COUNTED),
        ({"type": "input_image", "file_id": "file_1"}, Note.MEDIA_NOT_COUNTED),
        ({"type": "video"}, Note.MEDIA_NOT_COUNTED),
    ],
)
def test_what_cannot_be_sized_is_noted(part: dict[str, Any], note: Note) -> None:
    """The rest of the prompt is still counted."""
    count = chat_prompt(GPT_4O, {"role": "user", "content": [{"type": "text", "text": "a"}, part]})

    assert (count.tokens, count.source, count.notes) == (4 + 1 + 3, Source.ESTIMATED, (note,))
