"""Taking secrets out of raw bytes before they are kept as a dead letter."""

import re

REMOVED = b"[removed]"
TOKEN = rb"[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?"
PATTERNS = (
    # a JSON Web Token, wherever it stands: its header always begins with `{"`, in base64url `eyJ`
    re.compile(rb"eyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){0,2}"),
    # the value of a header or field that carries a key or a token, in JSON (also escaped), HTTP and URL form
    re.compile(
        rb"(?i)(?P<name>(?:proxy-)?authorization|api[-_]?key|ocp-apim-subscription-key|subscription-?key"
        rb"|appsubscriptionkey|x-api-key|x-functions-key|cookie)"
        rb"(?P<between>\\*[\"']?\s*[:=]\s*\\*[\"']?)(?P<scheme>(?:bearer|basic)\s+)?(?P<value>[^\"'\\\r\n&,;}]{1,8192})"
    ),
    re.compile(rb"(?i)(?P<scheme>bearer(?:\s+|%20))(?P<value>[A-Za-z0-9._~+/=-]{8,})"),
)


def scrub(body: bytes) -> bytes:
    """Return bytes with every token and key that can be told as one replaced by `[removed]`."""
    for pattern in PATTERNS:
        body = pattern.sub(_without_value, body)
    return body


def _without_value(found: re.Match[bytes]) -> bytes:
    groups = found.groupdict()
    return b"".join(groups.get(name) or b"" for name in ("name", "between", "scheme")) + REMOVED
