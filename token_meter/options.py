"""What an installation may choose about metering. No identity of a call or an event depends on it."""

import hashlib
import hmac
from dataclasses import dataclass, field
from enum import StrEnum

LONGEST_VERSION = 16
HASH_CHARACTERS = 32
"""128 bits, in hexadecimal: far more than tells callers apart."""


class Personal(StrEnum):
    """What becomes of a column that tells of a person."""

    KEEP = "keep"
    HASH = "hash"
    DROP = "drop"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterOptions:
    """The choices. The defaults drop keys, keep the personal columns and recognise shapes by content."""

    hasher: KeyHasher | None = None
    client_ip: Personal = Personal.KEEP
    user_object_id: Personal = Personal.KEEP
    shape: str = ""
    """A family or name of shapes (`S4`, `S4-usage`): only these are recognised, and a single one reads anything."""

    def personal(self, choice: Personal, column: str, value: str) -> str:
        """Return a personal value as it may stand in a row; without a hasher none can be hashed, and it is dropped."""
        if choice is Personal.KEEP or not value:
            return value
        if choice is Personal.DROP or self.hasher is None:
            return ""
        return self.hasher.hashed(column, value)


DEFAULTS = MeterOptions()
