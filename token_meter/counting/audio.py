"""Audio in a prompt: ten tokens a second and four around it. The length is read from a WAV's own header."""

import base64
import binascii
import struct

from token_meter.jsontypes import JsonObject, as_object, as_real, as_text

TOKENS_A_SECOND = 10
AUDIO_FRAME = 4
MOST_HEADER = 64 * 1024
LONGEST_SOUND = 86_400
"""Seconds; no model listens for a day."""


def audio_tokens(part: JsonObject) -> int | None:
    """Return the tokens of an `input_audio` part, or None where its length cannot be read from the record."""
    audio = as_object(part.get("input_audio"))
    data = as_text(audio.get("data"))
    seconds = _seconds_of_wav(data) if data else _stated_seconds(audio)
    return None if seconds is None else round(TOKENS_A_SECOND * seconds) + AUDIO_FRAME


def _stated_seconds(audio: JsonObject) -> float | None:
    """Return the length that a gateway's policy wrote in place of a sound, or None where it wrote none."""
    seconds = as_real(audio.get("seconds"))
    return seconds if seconds is not None and 0 <= seconds <= LONGEST_SOUND else None


def _seconds_of_wav(data: str) -> float | None:
    """Return the length of a base64 WAV: its bytes of sound over its bytes a second."""
    text = data[:MOST_HEADER].encode("ascii", "ignore")
    try:
        head = base64.b64decode(text[: len(text) // 4 * 4])
    except (binascii.Error, ValueError):
        return None
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    whole = len(data) * 3 // 4 - data[-2:].count("=")
    bytes_a_second = 0
    offset = 12
    while offset + 8 <= len(head):
        name, size = head[offset : offset + 4], struct.unpack_from("<I", head, offset + 4)[0]
        if name == b"fmt " and offset + 20 <= len(head):
            bytes_a_second = struct.unpack_from("<I", head, offset + 16)[0]
        if name == b"data":
            sound = min(size, whole - offset - 8)  # a streamed WAV states no size, or the largest
            return sound / bytes_a_second if bytes_a_second else None
        offset += 8 + size + size % 2
    return None
