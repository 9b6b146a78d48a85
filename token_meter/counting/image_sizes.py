"""The width and height of an image, out of the first bytes of PNG, JPEG, GIF and WebP; nothing is decoded further."""

import base64
import binascii
import struct
from typing import TypeGuard

from token_meter.jsontypes import JsonObject, as_whole_number

MOST_HEADER = 512 * 1024
"""Bytes that are looked at; a JPEG's size stands behind its embedded thumbnails and profiles."""
LARGEST_IMAGE_SIDE = 1_000_000

PNG = b"\x89PNG\r\n\x1a\n"
JPEG_SIZES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""JPEG's frame headers (ITU-T T.81, table B.1), which hold the size."""
JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xDA)})
"""JPEG's markers without a length."""


def size_of_data_url(url: str) -> tuple[int, int] | None:
    """Return width and height of the image in a `data:` URL, or None where it is no such URL or no known image."""
    head, comma, data = url[: MOST_HEADER * 4 // 3].partition(",")
    if not comma or not head.startswith("data:") or "base64" not in head:
        return None
    text = data.strip().encode("ascii", "ignore")
    try:
        content = base64.b64decode(text[: len(text) // 4 * 4])
    except (binascii.Error, ValueError):
        return None
    try:
        size = _size_of(content)
    except (struct.error, IndexError):
        return None
    return size if size is not None and all(map(_is_side, size)) else None


def stated_size(image: JsonObject) -> tuple[int, int] | None:
    """Return the width and height that a gateway's policy wrote in place of an image, or None where it wrote none."""
    width, height = as_whole_number(image.get("width")), as_whole_number(image.get("height"))
    return (width, height) if _is_side(width) and _is_side(height) else None


def _is_side(pixels: int | None) -> TypeGuard[int]:
    return pixels is not None and 0 < pixels <= LARGEST_IMAGE_SIDE


def _size_of(content: bytes) -> tuple[int, int] | None:
    if content.startswith(PNG):
        return _pair(">II", content, 16)
    if content[:6] in (b"GIF87a", b"GIF89a"):
        return _pair("<HH", content, 6)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return _size_of_webp(content)
    return _size_of_jpeg(content) if content.startswith(b"\xff\xd8") else None


def _pair(form: str, content: bytes, offset: int) -> tuple[int, int]:
    first, second = struct.unpack_from(form, content, offset)
    return int(first), int(second)


def _size_of_jpeg(content: bytes) -> tuple[int, int] | None:
    offset = 2
    while offset + 4 <= len(content):
        if content[offset] != 0xFF:  # noqa: PLR2004 - every marker begins with it
            return None
        marker = content[offset + 1]
        if marker in JPEG_SIZES:
            height, width = _pair(">HH", content, offset + 5)
            return width, height
        if marker == 0xFF or marker in JPEG_ALONE:  # noqa: PLR2004 - fill bytes may stand before a marker
            offset += 1 if marker == 0xFF else 2  # noqa: PLR2004
        else:
            offset += 2 + int(struct.unpack_from(">H", content, offset + 2)[0])
    return None


def _size_of_webp(content: bytes) -> tuple[int, int] | None:
    kind = content[12:16]
    if kind == b"VP8X":  # an extended file: 24 bits a side, less one
        width = int.from_bytes(content[24:27], "little") + 1
        return width, int.from_bytes(content[27:30], "little") + 1
    if kind == b"VP8L":  # lossless: 14 bits a side, less one
        bits = int.from_bytes(content[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = _pair("<HH", content, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None
