"""What an installation may choose about metering. No identity of a call or an event depends on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from token_meter.secrets import KeyHasher


class Personal(StrEnum):
    """What becomes of a column that tells of a person."""

    KEEP = "keep"
    HASH = "hash"
    DROP = "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterOptions:
    """The choices. The defaults drop keys, keep the personal columns and recognise shapes by content."""

    hasher: KeyHasher | None = None
    client_ip: Personal = Personal.KEEP
    user_object_id: Personal = Personal.KEEP
    audit_sample: float = 0.01
    """Share (0 to 1) of the calls with reported usage that are counted as well, to see how far the counter is off."""
    shape: str = ""
    """A family or name of shapes (`S4`, `S4-usage`): only these are recognised, and a single one reads anything."""

    models: Mapping[str, str] = field(default_factory=dict)
    """The model of each deployment that the customer has named, by the deployment's name in lower case."""

    def model_of(self, *deployments: str) -> str:
        """Return the model of the first of these deployments that the customer has named, or the empty string.

        Azure's names of deployments differ in more than their case.
        """
        return next((model for name in deployments if (model := self.models.get(name.lower(), ""))), "")

    def personal(self, choice: Personal, column: str, value: str) -> str:
        """Return a personal value as it may stand in a row; without a hasher none can be hashed, and it is dropped."""
        if choice is Personal.KEEP or not value:
            return value
        if choice is Personal.DROP or self.hasher is None:
            return ""
        return self.hasher.hashed(column, value)


DEFAULTS = MeterOptions()
