"""The settings of the Function: environment variables, each defined once."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


def setting(variable: str, meaning: str, default: str = "") -> Any:
    """Declare a field of the settings: its environment variable, what it is for, its default."""
    return field(default=default, metadata={"variable": variable, "meaning": meaning})


class SettingsUnusable(Exception):  # noqa: N818 - it names a state of the settings
    """Settings that cannot work. The message names the variable and the cure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an installation can choose. There are no keys among them: identities do the rest."""

    ingestion_endpoint: str = setting(
        "LOGS_INGESTION_ENDPOINT",
        "Where rows are sent: the data collection rule's `endpoints.logsIngestion` (or a data collection endpoint).",
    )
    ingestion_rule_id: str = setting("LOGS_INGESTION_RULE_ID", "The data collection rule's `immutableId` (`dcr-…`).")
    ingestion_stream: str = setting(
        "LOGS_INGESTION_STREAM", "The rule's stream for usage rows.", "Custom-TokenUsage_CL"
    )
    dead_letter_folder: str = setting(
        "DEAD_LETTER_FOLDER", "Folder that keeps what could not be metered, with the reasons."
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
        if not settings.ingestion_endpoint.startswith(("https://", "http://127.0.0.1:")):
            raise SettingsUnusable(
                "LOGS_INGESTION_ENDPOINT must be the data collection rule's logs ingestion endpoint, https://…"
            )
        if not settings.ingestion_rule_id:
            raise SettingsUnusable("LOGS_INGESTION_RULE_ID must be the data collection rule's immutable id, dcr-…")
        if not settings.dead_letter_folder:
            raise SettingsUnusable("DEAD_LETTER_FOLDER must name a folder; without one a bad record would be lost")
        return settings


def configuration_markdown() -> str:
    """Return docs/configuration.md: every setting, what it is for, its default."""
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
    return "\n".join([*lines, ""])
