"""Secrets: known by their form, taken out of texts, turned into hashes that tell callers apart."""

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

REMOVED = "[removed]"
HASH_CHARACTERS = 32
"""128 bits, in hexadecimal: far more than tells callers apart."""
APIM_KEY = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)
"""The form of a subscription's key as APIM makes it."""
PATTERNS = (
    # a JSON Web Token, wherever it stands: its header always begins with `{"`, in base64url `eyJ`
    re.compile(rb"eyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){0,2}"),
    # the value of a header or field that carries a key or a token, in JSON (also escaped), HTTP and URL form
    re.compile(
        rb"(?i)(?P<name>(?:proxy-)?authorization|api[-_]?key|(?:ocp-?apim-?)?subscription[-_]?key"
        rb"|x-functions-key|(?:set-)?cookie|client[-_]?secret|shared[-_]?access[-_]?key)"
        rb"(?P<between>\\*[\"']?\s*[:=]\s*\\*[\"']?)(?P<scheme>(?:bearer|basic)\s+)?(?P<value>[^\"'\\\r\n&,;}]{1,8192})"
    ),
    re.compile(rb"(?i)(?P<scheme>bearer(?:\s+|%20|\+))(?P<value>[A-Za-z0-9._~+/=-]{8,})"),
    re.compile(rb"(?<![A-Za-z0-9_-])sk-[A-Za-z0-9_-]{16,}"),
)
BARE_KEY = re.compile(rb"[0-9a-fA-F]{32,}|(?<![A-Za-z0-9_-])[A-Za-z0-9]{84,88}(?![A-Za-z0-9_-])")
"""Keys of APIM and of Azure's AI services, which some identifiers look like: 32 hexadecimal digits, or 84 and more.

The digits may have run together with others where part of a record is missing.
"""
ENCODED_RUN = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")
UNBROKEN_RUN = re.compile(rb"[^\s\"'<>]{3,}")
LONGEST_HARMLESS = 10
"""Characters; a text of so many is too short to hold a secret and to say what it is."""
GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
SIGN_OF_A_SECRET = re.compile(
    r"eyJ[A-Za-z0-9_-]{16}|bearer[ +%]|(?:key|authorization)\\*[\"']?\s*[:=]"
    r"|[^A-Za-z0-9._|:/-][0-9a-f]{32}(?![A-Za-z0-9._-])",
    re.IGNORECASE,
)
"""What no identifier holds: the beginning of a token, a header or query that names a key, a key after other text."""


@dataclass(frozen=True, slots=True)
class KeyHasher:
    """Turns secrets and personal values into hashes that tell them apart and cannot be turned back.

    HMAC-SHA256 (RFC 2104) with a secret of the installation: without it nobody can try values out. `version` names the
    secret in each hash, so that a new secret gives new hashes rather than silently other ones.
    """

    secret: bytes = field(repr=False)
    version: str = "k1"

    def hashed(self, purpose: str, value: str) -> str:
        """Return the hash of a value. Values for different purposes have different hashes."""
        message = f"{purpose}\0{value}".encode("utf-8", "surrogatepass")
        return f"{self.version}:{hmac.new(self.secret, message, hashlib.sha256).hexdigest()[:HASH_CHARACTERS]}"


def scrub_text(text: str, *, identifier: bool = False) -> str:
    """Return a text without what its form tells to be a secret, also in base64 and in URL encoding.

    An identifier may have the form of a bare key and keeps it.
    """
    return scrub_bytes(text.encode("utf-8", "replace"), identifier=identifier).decode("utf-8", "replace")


def scrub_bytes(body: bytes, *, identifier: bool = False) -> bytes:
    """Return bytes without what their form tells to be a secret, also in base64 and in URL encoding."""
    if b"%" in body:
        body = UNBROKEN_RUN.sub(lambda run: _without_hidden(run[0], unquote_to_bytes(run[0])), body)
    body = ENCODED_RUN.sub(lambda run: _without_hidden(run[0], _decoded(run[0])), body)
    for pattern in PATTERNS:
        body = pattern.sub(_without_value, body)
    return body if identifier else BARE_KEY.sub(REMOVED.encode(), body)


def shows_secret(text: str) -> bool:
    """Tell whether a text that should be a name or an identifier shows a secret, as neither does."""
    if len(text) <= LONGEST_HARMLESS or GUID.fullmatch(text):
        return False
    return SIGN_OF_A_SECRET.search(text) is not None or scrub_text(text, identifier=True) != text


def _without_hidden(run: bytes, plain: bytes) -> bytes:
    """Return a run of encoded characters, or a mark in its place where what it encodes holds a secret."""
    hides = plain not in (run, b"") and any(pattern.search(plain) for pattern in (*PATTERNS, BARE_KEY))
    return REMOVED.encode() if hides else run


def _decoded(run: bytes) -> bytes:
    """Return what base64 hides in a run, in either alphabet and whatever the cut left of its last group."""
    text = run.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    text = text[: len(text) - (len(text) % 4 == 1)]
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


def _without_value(found: re.Match[bytes]) -> bytes:
    groups = found.groupdict()
    return b"".join(groups.get(name) or b"" for name in ("name", "between", "scheme")) + REMOVED.encode()
