"""The settings of the Function: environment variables, each defined once."""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from token_meter.jsontypes import as_real
from token_meter.options import MeterOptions, Personal
from token_meter.secrets import KeyHasher
from token_meter.shapes import UnknownShapeName, shapes_named

SHORTEST_SECRET = 32
"""Characters; 128 bits even where they are hexadecimal digits."""
VERSION_FORM = re.compile(r"[A-Za-z0-9]{1,16}")


def setting(variable: str, meaning: str, default: str = "", *, shown: bool = True) -> Any:
    """Declare a field of the settings: its environment variable, what it is for, its default, whether repr shows it."""
    return field(default=default, repr=shown, metadata={"variable": variable, "meaning": meaning})


ABOUT_THE_HOST = """\
## host.json

- `maxEventBatchSize` 100: at the 200 KB where API Management cuts an event, a batch is 20 MB at most.
- `prefetchCount` 300: the next batches are at hand; 60 MB a partition at most.
- `batchCheckpointFrequency` 1: as little as can be is metered again after a restart.
- `functionTimeout` 10 minutes: what it ends may be lost, so all writes of a batch give up before (docs/delivery.md).
- `excludedTypes` `Exception;Trace`: every batch's line of counts is kept; sampling would drop some.
- `extensionBundle` `[4.*, 5.0.0)`: Event Hubs extension 6, which writes no checkpoint for a batch that a stop cuts.

## On one machine

With `local.settings.json.example` the Function signs in as whoever did `az login`, who needs the role Azure Event Hubs
Data Receiver on the hub; `AzureWebJobsStorage` is Azurite. The Event Hubs emulator has no Entra ID: for it, replace
`EventHubConnection__fullyQualifiedNamespace` by `EventHubConnection`, the emulator's connection string
(`Endpoint=sb://localhost;…;UseDevelopmentEmulator=true`).
"""


class SettingsUnusable(Exception):  # noqa: N818 - it names a state of the settings
    """Settings that cannot work. The message names the variable and the cure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an installation can choose. No key gives access to anything: identities do that."""

    ingestion_endpoint: str = setting(
        "LOGS_INGESTION_ENDPOINT",
        "Where rows are sent: the data collection rule's `endpoints.logsIngestion` (or a data collection endpoint).",
    )
    ingestion_rule_id: str = setting("LOGS_INGESTION_RULE_ID", "The data collection rule's `immutableId` (`dcr-…`).")
    dead_letter_folder: str = setting(
        "DEAD_LETTER_FOLDER", "Folder that keeps what could not be metered, with the reasons."
    )
    key_hash_secret: str = setting(
        "KEY_HASH_SECRET",
        "Secret that callers' keys are hashed with where a gateway logs nothing else of the caller (a Key Vault "
        "reference); empty drops them. At least 32 characters.",
        shown=False,
    )
    key_hash_version: str = setting(
        "KEY_HASH_VERSION", "Name of that secret, written before each hash; change it together with the secret.", "k1"
    )
    client_ip: str = setting("CLIENT_IP", "What becomes of callers' addresses: `keep`, `hash` or `drop`.", "keep")
    user_object_id: str = setting("USER_OBJECT_ID", "What becomes of users' ids: `keep`, `hash` or `drop`.", "keep")
    audit_sample: str = setting(
        "AUDIT_SAMPLE",
        "Share (0 to 1) of the calls with reported usage that are counted as well; `CountingAccuracy()` shows the "
        "difference.",
        "0.01",
    )
    record_shape: str = setting(
        "RECORD_SHAPE", "Family or name of the only shapes of records to read (docs/record-shapes.md); empty reads all."
    )
    managed_identity_client_id: str = setting(
        "AZURE_CLIENT_ID", "Client id of the user-assigned managed identity; empty for the system-assigned one."
    )

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Return the settings in an environment. Raises SettingsUnusable where one cannot work."""
        values: dict[str, str] = {
            item.name: environment.get(item.metadata["variable"], "").strip() or str(item.default)
            for item in dataclasses.fields(cls)
        }
        settings = cls(**values)
        if not _is_endpoint(settings.ingestion_endpoint):
            raise SettingsUnusable(
                "LOGS_INGESTION_ENDPOINT must be the data collection rule's logs ingestion endpoint, https://…"
            )
        if not settings.ingestion_rule_id.startswith("dcr-"):
            raise SettingsUnusable("LOGS_INGESTION_RULE_ID must be the data collection rule's immutable id, dcr-…")
        if not settings.dead_letter_folder:
            raise SettingsUnusable("DEAD_LETTER_FOLDER must name a folder; without one a bad record would be lost")
        _ = settings.meter_options  # raises where one cannot work
        return settings

    @property
    def meter_options(self) -> MeterOptions:
        """The choices about metering. Raises SettingsUnusable where one cannot work."""
        return meter_options(*(getattr(self, name) for name in METER_CHOICES))


def meter_options_from(environment: Mapping[str, str]) -> MeterOptions:
    """Return the choices about metering in an environment that may have no other settings: the command line's.

    Raises SettingsUnusable where one cannot work.
    """
    chosen = {item.name: item for item in dataclasses.fields(Settings)}
    values = [
        environment.get(chosen[name].metadata["variable"], "").strip() or str(chosen[name].default)
        for name in METER_CHOICES
    ]
    return meter_options(*values)


METER_CHOICES = (
    "key_hash_secret",
    "key_hash_version",
    "client_ip",
    "user_object_id",
    "record_shape",
    "audit_sample",
)
"""The settings that are about metering, in the order in which `meter_options` takes them."""


def meter_options(  # noqa: PLR0913, PLR0917 - one argument a setting
    secret: str, version: str, client_ip: str, user_object_id: str, shape: str, audit_sample: str
) -> MeterOptions:
    """Return the choices that settings make. Raises SettingsUnusable where one cannot work."""
    if secret and len(secret) < SHORTEST_SECRET:
        raise SettingsUnusable(f"KEY_HASH_SECRET must have at least {SHORTEST_SECRET} characters, or be empty")
    if not VERSION_FORM.fullmatch(version):
        raise SettingsUnusable("KEY_HASH_VERSION must be 1 to 16 letters and digits, such as k1")
    try:
        shapes_named(shape)
    except UnknownShapeName as fault:
        raise SettingsUnusable(f"RECORD_SHAPE: {fault}; docs/record-shapes.md lists them") from fault
    return MeterOptions(
        hasher=KeyHasher(secret.encode(), version) if secret else None,
        client_ip=_personal("CLIENT_IP", client_ip),
        user_object_id=_personal("USER_OBJECT_ID", user_object_id),
        shape=shape,
        audit_sample=_share("AUDIT_SAMPLE", audit_sample),
    )


def _share(variable: str, text: str) -> float:
    share = as_real(text)
    if share is None or not 0 <= share <= 1:
        raise SettingsUnusable(f"{variable} must be a share from 0 to 1, such as 0.01")
    return share


def _personal(variable: str, choice: str) -> Personal:
    try:
        return Personal(choice.lower())
    except ValueError:
        raise SettingsUnusable(f"{variable} must be keep, hash or drop") from None


def _is_endpoint(url: str) -> bool:
    """Return whether a URL is `https://host`, or plain HTTP on this machine, where tests have their peer."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname == "127.0.0.1")
    beyond_host = parts.username or parts.path.strip("/") or parts.query or parts.fragment
    return bool(secure and parts.hostname and " " not in url and not beyond_host)


def configuration_markdown() -> str:
    """Return docs/configuration.md: every setting, what it is for, its default; what host.json chooses, and why."""
    lines = [
        "<!-- generated from token_meter/settings.py by `make generate`; edit that -->",
        "",
        "# Settings",
        "",
        "Application settings of the Function. `EventHubConnection__*`, `EVENT_HUB_NAME` and",
        "`EVENT_HUB_CONSUMER_GROUP` belong to the trigger and are read by the Functions host.",
        "",
        "| variable | for | default |",
        "| --- | --- | --- |",
    ]
    for item in dataclasses.fields(Settings):
        default = f"`{item.default}`" if item.default else ""
        lines.append(f"| `{item.metadata['variable']}` | {item.metadata['meaning']} | {default} |")
    return "\n".join([*lines, "", ABOUT_THE_HOST])
