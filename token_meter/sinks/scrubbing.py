"""Taking secrets out of what is kept as a dead letter: by field where it parses, else by pattern on the raw bytes.

Where a record looks like one that carries a secret and the secret is not found in it, nothing of it is kept: a name that
was damaged by one bit hides a key as well as any.
"""

import base64
import binascii
import re
from urllib.parse import unquote_to_bytes

from orjson import JSONEncodeError

from token_meter.jsontypes import Json, dump_json, parse_json
from token_meter.shapes.fields import normalised

REMOVED = "[removed]"
SECRET_FIELDS = frozenset(
    "authorization proxyauthorization apikey xapikey xfunctionskey ocpapimsubscriptionkey subscriptionkey "
    "appsubscriptionkey cookie setcookie password secret clientsecret accesstoken refreshtoken idtoken "
    "connectionstring sharedaccesskey sig signature contextrequestuser".split()  # noqa: SIM905 - reads as the list it is
)
HARMLESS_HEADERS = frozenset(
    "accept contenttype contentlength date host useragent xmsregion xmsservedmodel xmsdeploymentname "
    "xmsisspilledover retryafter".split()  # noqa: SIM905
)
"""Headers whose values are kept; any other may be some installation's own way to carry a key."""
KEY_IN_PLACE_OF_ID = "subscriptionid"
BESIDE_SUCH_A_KEY = frozenset({"requrl", "applicationname", "applicationnumber", "businessunit"})
"""The multi-app policy (S19) writes the subscription's key as its id, beside these."""
BESIDE_A_KEY = frozenset({"apioperation"})
"""The chargeback policy (S7) writes the key as `appSubscriptionKey`, beside this."""
SIGNS_OF_SECRETS = (*BESIDE_SUCH_A_KEY, *BESIDE_A_KEY, "headers")
SHORTEST_SECRET = 8

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
    # keys by their own form: those of APIM and of Azure's AI services (32 digits, or 84 and more), of OpenAI (`sk-`)
    re.compile(rb"(?<![A-Za-z0-9_-])(?:[0-9a-fA-F]{32}|[A-Za-z0-9]{84,88})(?![A-Za-z0-9_-])"),
    re.compile(rb"(?<![A-Za-z0-9_-])sk-[A-Za-z0-9_-]{16,}"),
)
ENCODED_RUN = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")
ESCAPED_RUN = re.compile(rb"[^\s\"'<>]*%[0-9A-Fa-f]{2}[^\s\"'<>]*")
IDENTIFIER_FIELDS = re.compile(r"(?:id|guid|sha256)$")
HEADER_LINE = re.compile(r"(?:^|;;|\r\n|\n)\s*(?P<name>[A-Za-z][\w-]{1,64}):\s?(?P<value>[^;\r\n]*)")
HTTP_MESSAGE = re.compile(r"(?:request|response):[^\r\n]*\r?\n")


def scrub(body: bytes) -> bytes | None:
    """Return bytes with every token and key that can be told removed, or None where it is in doubt that all were."""
    value = parse_json(body)
    if isinstance(value, dict | list):
        try:
            before = dump_json(value)
        except JSONEncodeError:
            return _scrub_raw(body)
        scrubbing = _Scrubbing()
        after = dump_json(scrubbing.clean(value))
        if scrubbing.in_doubt:
            return None
        return body if after == before else scrubbing.without_copies(after)
    return _scrub_raw(body)


def _scrub_raw(body: bytes) -> bytes | None:
    text = body.decode("utf-8", "replace")
    if HTTP_MESSAGE.match(text):
        head, blank, rest = text.partition("\r\n\r\n")
        return scrub_text(_without_headers(head) + blank + rest).encode()
    signs = normalised(text)
    return None if any(sign in signs for sign in SIGNS_OF_SECRETS) else _without_patterns(body)


class _Scrubbing:
    """The scrubbing of one parsed record, and what it removed."""

    def __init__(self) -> None:
        self.in_doubt = False
        self._removed: set[bytes] = set()

    def clean(self, value: Json, name: str = "") -> Json:
        """Return a value, which stands in a field of this normalised name, without secrets."""
        if isinstance(value, dict):
            return self._clean_object(value, in_headers="header" in name)
        if isinstance(value, list):
            return [self.clean(item, name) for item in value]
        if not isinstance(value, str):
            return value
        if "header" in name or ";;" in value:
            return scrub_text(_without_headers(value))
        if IDENTIFIER_FIELDS.search(name) and " " not in value:
            return value
        return scrub_text(value)

    def _clean_object(self, value: dict[str, Json], *, in_headers: bool) -> Json:
        names = {normalised(name) for name in value}
        is_key = bool(names & BESIDE_SUCH_A_KEY)
        unfound_key = is_key and KEY_IN_PLACE_OF_ID not in names
        self.in_doubt |= unfound_key or bool(names & BESIDE_A_KEY and not names & SECRET_FIELDS)
        cleaned: dict[str, Json] = {}
        for name, item in value.items():
            key = normalised(name)
            secret = key in SECRET_FIELDS or (is_key and key == KEY_IN_PLACE_OF_ID)
            secret = secret or (in_headers and key not in HARMLESS_HEADERS)
            cleaned[name] = self._remove(item) if secret else self.clean(item, key)
        return cleaned

    def _remove(self, item: Json) -> Json:
        if isinstance(item, str) and len(item) >= SHORTEST_SECRET:
            self._removed.add(item.encode("utf-8", "replace"))
        return REMOVED if item else item

    def without_copies(self, text: bytes) -> bytes:
        """Return text without what was removed elsewhere in the record."""
        for secret in self._removed:
            text = text.replace(secret, REMOVED.encode())
        return text


def scrub_text(text: str) -> str:
    """Return a text without what its form tells to be a secret, also in base64 and in URL encoding."""
    return _without_patterns(text.encode("utf-8", "replace")).decode("utf-8", "replace")


def _without_headers(text: str) -> str:
    """Return lines of headers with the values of those that are not known to be harmless removed."""

    def kept(found: re.Match[str]) -> str:
        if normalised(found["name"]) in HARMLESS_HEADERS:
            return found[0]
        return found[0][: found.start("value") - found.start()] + REMOVED

    return HEADER_LINE.sub(kept, text)


def _without_patterns(body: bytes) -> bytes:
    body = ESCAPED_RUN.sub(lambda run: _without_hidden(run[0], unquote_to_bytes(run[0])), body)
    body = ENCODED_RUN.sub(lambda run: _without_hidden(run[0], _decoded(run[0])), body)
    for pattern in PATTERNS:
        body = pattern.sub(_without_value, body)
    return body


def _without_hidden(run: bytes, plain: bytes) -> bytes:
    """Return a run of encoded characters, or a mark in its place where what it encodes holds a secret."""
    hides = plain != run and any(pattern.search(plain) for pattern in PATTERNS)
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
