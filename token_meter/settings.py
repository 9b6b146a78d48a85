"""The settings of the Function: environment variables, each defined once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self
from urllib.parse import urlsplit

from token_meter.container_address import UnusableAddress, container_address
from token_meter.dated_names import DEFAULT_FORMAT, CaptureNames, UnusableFormat
from token_meter.jsontypes import as_real
from token_meter.metrics.names import DIMENSIONS, NAMESPACE, USUAL_DIMENSIONS
from token_meter.metrics.options import MOST_SERIES_ALLOWED, MetricsOptions, MetricsUnusable, metrics_options
from token_meter.names import IDENTIFIER
from token_meter.options import MeterOptions, Personal
from token_meter.secrets import KeyHasher
from token_meter.shapes import UnknownShapeName, shapes_named

PUBLIC_ENDPOINT = "https://api.loganalytics.io"
"""Log Analytics' query API in the public cloud."""
PUBLIC_MANAGEMENT = "https://management.azure.com"
"""Resource Manager in the public cloud."""
SHORTEST_SECRET = 32
"""Characters; 128 bits even where they are hexadecimal digits."""
MOST_DEPLOYMENTS = 1_000
"""Far more than an application setting holds with its 32 KB."""
GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
VERSION_FORM = re.compile(r"[A-Za-z0-9]{1,16}")


def setting(variable: str, meaning: str, default: str = "", *, shown: bool = True) -> Any:
    """Declare a field of the settings: its environment variable, what it is for, its default, whether repr shows it."""
    return field(default=default, repr=shown, metadata={"variable": variable, "meaning": meaning})


ABOUT_THE_HOST = """\
## host.json

- `maxEventBatchSize` 100: at the 200 KB where API Management cuts an event, a batch is 20 MB at most.
- `prefetchCount` 300: the next batches are at hand; 60 MB a partition at most.
- `batchCheckpointFrequency` 1: as little as can be is metered again after a restart.
- `queues`: replays run one at a time, a message that fails is tried again after a minute and goes to the queue
  `replay-poison` after five times; messages are plain text, so that `az storage message put` can send one.
- `functionTimeout` 10 minutes: what it ends may be lost, so all writes of a batch give up before (docs/delivery.md).
- `excludedTypes` `Exception;Trace`: every batch's line of counts is kept; sampling would drop some.
- `extensionBundle` `[4.*, 5.0.0)`: Event Hubs extension 6, which writes no checkpoint for a batch that a stop cuts.

## On the command line

`token-meter` reads the settings about metering from its environment, under the same names: `KEY_HASH_SECRET`,
`KEY_HASH_VERSION`, `CLIENT_IP`, `USER_OBJECT_ID`, `AUDIT_SAMPLE`, `RECORD_SHAPE`, `DEPLOYMENT_MODELS`. So
`DEPLOYMENT_MODELS='my-gpt4o=gpt-4o-2024-08-06' token-meter run events.jsonl` counts as the Function would. So do those
about comparing with the services' metrics: `RECONCILED_ACCOUNTS`, `RECONCILED_BACKENDS`, `MANAGEMENT_ENDPOINT`.

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
    dead_letter_container_url: str = setting(
        "DEAD_LETTER_CONTAINER_URL",
        "Container that keeps what could not be metered, with the reasons: "
        "`https://account.blob.core.windows.net/container`. The identity needs Storage Blob Data Contributor on it.",
    )
    dead_letter_folder: str = setting(
        "DEAD_LETTER_FOLDER", "Folder that keeps it instead, for use on one machine. Set one of the two."
    )
    capture_container_url: str = setting(
        "CAPTURE_CONTAINER_URL",
        "Container, and folder in it, that Event Hubs Capture writes to, where events are replayed from it; empty "
        "replays dead letters only. The identity needs Storage Blob Data Reader on it.",
    )
    capture_name_format: str = setting(
        "CAPTURE_NAME_FORMAT",
        "How Capture names its blobs: its `archiveNameFormat`. Hub and partition stand nowhere else.",
        DEFAULT_FORMAT,
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
    deployment_models: str = setting(
        "DEPLOYMENT_MODELS",
        "Which model each deployment has, for calls whose answer does not say: "
        "`my-gpt4o=gpt-4o-2024-08-06;embed=text-embedding-3-small`.",
    )
    metrics_exporter: str = setting(
        "METRICS",
        "Where counters go (docs/metrics.md): `azure-monitor`, `otlp` or `off`; empty is `azure-monitor` where "
        "`APPLICATIONINSIGHTS_CONNECTION_STRING` is set, else `off`.",
    )
    metrics_namespace: str = setting("METRICS_NAMESPACE", "Their namespace (in OTLP: the scope).", NAMESPACE)
    metrics_dimensions: str = setting(
        "METRICS_DIMENSIONS",
        f"Dimensions of tokens and requests: some of {', '.join(f'`{name}`' for name in DIMENSIONS)}.",
        ",".join(USUAL_DIMENSIONS),
    )
    metrics_most_series: str = setting(
        "METRICS_MOST_SERIES",
        "How many combinations of dimension values a worker process tells apart; further ones are counted as `other`. "
        f"Up to {MOST_SERIES_ALLOWED}.",
        "1000",
    )
    metrics_gen_ai: str = setting(
        "METRICS_GEN_AI", "`on` adds OpenTelemetry's `gen_ai.client.token.usage`, whose definition may change.", "off"
    )
    insights_connection_string: str = setting(
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "Application Insights that counters go to. The identity needs Monitoring Metrics Publisher on it.",
        shown=False,
    )
    insights_authentication: str = setting(
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
        "`ClientId=<id>;Authorization=AAD`: a user-assigned identity for it, where that is not `AZURE_CLIENT_ID`'s.",
    )
    otlp_endpoint: str = setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "Base address of the OTLP receiver (HTTP) that counters go to with `otlp`. The exporter's own variables for "
        "headers and certificates count as well (`OTEL_EXPORTER_OTLP_HEADERS`, …).",
        "http://localhost:4318",
    )
    otlp_temporality: str = setting(
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        "`delta`, or `cumulative` for receivers that know no differences, as Prometheus by itself.",
        "delta",
    )
    workspace_id: str = setting(
        "LOG_ANALYTICS_WORKSPACE_ID",
        "The workspace's `customerId` (a GUID), for what reads the tables again. The identity needs Log Analytics Data "
        "Reader on it; empty where nothing does.",
    )
    daily_usage: str = setting(
        "DAILY_USAGE",
        "`off` keeps no sums of whole days (docs/closing.md); they are kept where a workspace is named.",
        "on",
    )
    query_endpoint: str = setting(
        "LOG_ANALYTICS_ENDPOINT", "Where queries go; other clouds than the public one have their own.", PUBLIC_ENDPOINT
    )
    reconciled_accounts: str = setting(
        "RECONCILED_ACCOUNTS",
        "Resource ids of the Azure OpenAI and AI Services accounts whose own metrics the meter is held against each "
        "night, `;` between them (docs/reconciliation.md). The identity needs Monitoring Reader on each, and "
        "`LOG_ANALYTICS_WORKSPACE_ID` must be set; empty compares nothing.",
    )
    reconciled_backends: str = setting(
        "RECONCILED_BACKENDS",
        "Which of those accounts a backend of the gateway is, where its id or host does not tell: "
        "`pool-member-1=account;other=` (`other` is an account that is not compared).",
    )
    management_endpoint: str = setting(
        "MANAGEMENT_ENDPOINT",
        "Resource Manager, for the metrics; other clouds have another one.",
        PUBLIC_MANAGEMENT,
    )
    watch_budgets: str = setting(
        "WATCH_BUDGETS",
        "`on` keeps four times a day what each budget's month comes to, for the alert (docs/report.md); needs "
        "`LOG_ANALYTICS_WORKSPACE_ID`.",
        "off",
    )
    managed_identity_client_id: str = setting(
        "AZURE_CLIENT_ID", "Client id of the user-assigned managed identity; empty for the system-assigned one."
    )

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Return the settings in an environment. Raises SettingsUnusable where one cannot work."""
        values: dict[str, str] = {
            item.name: environment.get(item.metadata["variable"], "").strip() or str(item.default)
            for item in fields(cls)
        }
        settings = cls(**values)
        if not _is_endpoint(settings.ingestion_endpoint):
            raise SettingsUnusable(
                "LOGS_INGESTION_ENDPOINT must be the data collection rule's logs ingestion endpoint, https://…"
            )
        if not settings.ingestion_rule_id.startswith("dcr-"):
            raise SettingsUnusable("LOGS_INGESTION_RULE_ID must be the data collection rule's immutable id, dcr-…")
        if settings.workspace_id and not GUID.fullmatch(settings.workspace_id):
            raise SettingsUnusable("LOG_ANALYTICS_WORKSPACE_ID must be the workspace's customerId, a GUID")
        for name in ("daily_usage", "watch_budgets"):
            _check_switch(name.upper(), getattr(settings, name))
        if not _is_endpoint(settings.query_endpoint):
            raise SettingsUnusable("LOG_ANALYTICS_ENDPOINT must be https:// and a host")
        if not _is_endpoint(settings.management_endpoint):
            raise SettingsUnusable("MANAGEMENT_ENDPOINT must be https:// and a host")
        if bool(settings.dead_letter_folder) == bool(settings.dead_letter_container_url):
            raise SettingsUnusable(
                "set DEAD_LETTER_CONTAINER_URL, or on one machine DEAD_LETTER_FOLDER, and not both: "
                "without either a bad record would be lost"
            )
        for name in ("dead_letter_container_url", "capture_container_url"):
            _check_container(name.upper(), getattr(settings, name))
        try:
            _ = CaptureNames(settings.capture_name_format)
        except UnusableFormat as fault:
            raise SettingsUnusable(f"CAPTURE_NAME_FORMAT {fault}") from fault
        _ = settings.meter_options, settings.metrics_options  # raise where one cannot work
        return settings

    @property
    def meter_options(self) -> MeterOptions:
        """The choices about metering. Raises SettingsUnusable where one cannot work."""
        return meter_options(*(getattr(self, name) for name in METER_CHOICES))

    @property
    def keeps_days(self) -> bool:
        """Whether the Function keeps sums of whole days."""
        return self.daily_usage == "on"

    @property
    def watches_budgets(self) -> bool:
        """Whether the Function keeps what the budgets come to."""
        return self.watch_budgets == "on"

    @property
    def metrics_options(self) -> MetricsOptions:
        """The choices about counters. Raises SettingsUnusable where one cannot work."""
        try:
            return metrics_options({item.metadata["variable"]: getattr(self, item.name) for item in fields(self)})
        except MetricsUnusable as fault:
            raise SettingsUnusable(str(fault)) from fault


def meter_options_from(environment: Mapping[str, str]) -> MeterOptions:
    """Return the choices about metering in an environment that may have no other settings: the command line's.

    Raises SettingsUnusable where one cannot work.
    """
    chosen = {item.name: item for item in fields(Settings)}
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
    "deployment_models",
)
"""The settings that are about metering, in the order in which `meter_options` takes them."""


def meter_options(  # noqa: PLR0913, PLR0917 - one argument a setting
    secret: str, version: str, client_ip: str, user_object_id: str, shape: str, audit_sample: str, models: str
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
        models=_models("DEPLOYMENT_MODELS", models),
    )


def _models(variable: str, text: str) -> dict[str, str]:
    """Return the model of each deployment, by its name in lower case. Raises SettingsUnusable."""
    models: dict[str, str] = {}
    for pair in filter(None, map(str.strip, text.split(";"))):
        deployment, _, model = (part.strip() for part in pair.partition("="))
        if not IDENTIFIER.fullmatch(deployment) or not IDENTIFIER.fullmatch(model):
            raise SettingsUnusable(f"{variable} must be deployment=model;…, such as my-gpt4o=gpt-4o-2024-08-06")
        if models.setdefault(deployment.lower(), model) != model:
            raise SettingsUnusable(f"{variable} names two models for the deployment {deployment}")
    if len(models) > MOST_DEPLOYMENTS:
        raise SettingsUnusable(f"{variable} names more than {MOST_DEPLOYMENTS} deployments")
    return models


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


def _check_switch(variable: str, choice: str) -> None:
    if choice not in {"on", "off"}:
        raise SettingsUnusable(f"{variable} must be on or off")


def _check_container(variable: str, url: str) -> None:
    try:
        _ = container_address(url) if url else None
    except UnusableAddress as fault:
        raise SettingsUnusable(f"{variable} {fault}") from fault


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
        "`EVENT_HUB_CONSUMER_GROUP` belong to the trigger and are read by the Functions host, as is `ReplayQueue__*`:",
        "the storage account whose queue `replay` starts replays (`ReplayQueue__queueServiceUri`, an identity).",
        "",
        "| variable | for | default |",
        "| --- | --- | --- |",
    ]
    for item in fields(Settings):
        default = f"`{item.default}`" if item.default else ""
        lines.append(f"| `{item.metadata['variable']}` | {item.metadata['meaning']} | {default} |")
    return "\n".join([*lines, "", ABOUT_THE_HOST])
