"""Taking secrets out of what is kept as a dead letter: by field where it parses, else by pattern on the raw bytes.

Where a record looks like one that carries a secret and the secret is not found in it, nothing of it is kept: a name
that was damaged by one bit hides a key as well as any.
"""

import re

from orjson import JSONEncodeError

from token_meter.jsontypes import Json, dump_json, parse_json
from token_meter.secrets import APIM_KEY, REMOVED, scrub_bytes, scrub_text
from token_meter.shapes.fields import normalised

SECRET_FIELDS = frozenset(
    [
        "authorization",
        "proxyauthorization",
        "apikey",
        "xapikey",
        "xfunctionskey",
        "ocpapimsubscriptionkey",
        "subscriptionkey",
        "appsubscriptionkey",
        "cookie",
        "setcookie",
        "password",
        "secret",
        "clientsecret",
        "accesstoken",
        "refreshtoken",
        "idtoken",
        "connectionstring",
        "sharedaccesskey",
        "sig",
        "signature",
        "contextrequestuser",
    ]
)
HARMLESS_HEADERS = frozenset(
    [
        "accept",
        "contenttype",
        "contentlength",
        "date",
        "host",
        "useragent",
        "xmsregion",
        "xmsservedmodel",
        "xmsdeploymentname",
        "xmsisspilledover",
        "retryafter",
    ]
)
"""Headers whose values are kept; any other may be some installation's own way to carry a key."""
KEY_IN_PLACE_OF_ID = "subscriptionid"
BESIDE_SUCH_A_KEY = frozenset({"requrl", "applicationname", "applicationnumber", "businessunit"})
"""The multi-app policy (S19) writes the subscription's key as its id, beside these."""
BESIDE_A_KEY = frozenset({"apioperation"})
"""The chargeback policy (S7) writes the key as `appSubscriptionKey`, beside this."""
SIGNS_OF_SECRETS = (*BESIDE_SUCH_A_KEY, *BESIDE_A_KEY, "headers")
SHORTEST_SECRET = 8
MOST_SECRETS = 1_000
"""Different ones in a record, far more than any request has headers: each is looked for in all of the rest."""

IDENTIFIER_FIELDS = re.compile(r"(?:id|guid|sha256)$")
HEADER_LINE = re.compile(r"(?:^|;;|\r\n|\n)[ \t]*(?P<name>[A-Za-z][\w-]{1,64}):\s?(?P<value>[^;\r\n]*)")
HTTP_MESSAGE = re.compile(r"(?:request|response):[^\r\n]*\r?\n")


def scrub(body: bytes) -> bytes | None:
    """Return bytes with every token and key that can be told removed, or None where it is in doubt that all were."""
    try:
        return _scrubbed(body)
    except Exception:  # noqa: BLE001 - a letter must not hold its batch back, and one that cannot be read may hide a key
        return None


def _scrubbed(body: bytes) -> bytes | None:
    value = parse_json(body)
    if isinstance(value, dict | list):
        try:
            before = dump_json(value)
        except JSONEncodeError:
            return _scrub_raw(body)
        scrubbing = _Scrubbing()
        after = dump_json(scrubbing.clean(value))
        if scrubbing.in_doubt or scrubbing.too_many:
            return None
        return body if after == before else scrubbing.without_copies(after)
    return _scrub_raw(body)


def _scrub_raw(body: bytes) -> bytes | None:
    text = body.decode("utf-8", "replace")
    if HTTP_MESSAGE.match(text):
        head, blank, rest = text.partition("\r\n\r\n")
        return scrub_text(_without_headers(head) + blank + rest).encode()
    signs = normalised(text)
    return None if any(sign in signs for sign in SIGNS_OF_SECRETS) else scrub_bytes(body)


class _Scrubbing:
    """The scrubbing of one parsed record, and what it removed."""

    def __init__(self) -> None:
        self.in_doubt = False
        self._removed: set[bytes] = set()

    @property
    def too_many(self) -> bool:
        """Whether there were more than copies can be looked for."""
        return len(self._removed) > MOST_SECRETS

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
        return scrub_text(value, identifier=IDENTIFIER_FIELDS.search(name) is not None and " " not in value)

    def _clean_object(self, value: dict[str, Json], *, in_headers: bool) -> Json:
        names = {normalised(name) for name in value}
        is_key = _any_within(BESIDE_SUCH_A_KEY, names)
        unfound_key = is_key and KEY_IN_PLACE_OF_ID not in names
        self.in_doubt |= unfound_key or (_any_within(BESIDE_A_KEY, names) and not names & SECRET_FIELDS)
        cleaned: dict[str, Json] = {}
        for name, item in value.items():
            key = normalised(name)
            secret = key in SECRET_FIELDS
            if KEY_IN_PLACE_OF_ID in key:  # also where a damaged name has more letters
                secret = secret or is_key or (isinstance(item, str) and APIM_KEY.fullmatch(item) is not None)
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


def _any_within(signs: frozenset[str], names: set[str]) -> bool:
    return any(sign in name for name in names for sign in signs)


def _without_headers(text: str) -> str:
    """Return lines of headers with the values of those that are not known to be harmless removed."""

    def kept(found: re.Match[str]) -> str:
        if normalised(found["name"]) in HARMLESS_HEADERS:
            return found[0]
        return found[0][: found.start("value") - found.start()] + REMOVED

    return HEADER_LINE.sub(kept, text)
