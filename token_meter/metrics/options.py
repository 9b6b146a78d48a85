"""What an installation may choose about counters, as the settings' texts say it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from token_meter.metrics.names import DIMENSIONS, GEN_AI_ATTRIBUTES, NAMESPACE, USUAL_DIMENSIONS

MOST_DIMENSIONS = 10
"""Dimension keys a metric in Azure Monitor's store (Microsoft Learn, metrics-custom-overview)."""
LONGEST_NAME = 256
"""Characters of a name or a value there."""
MOST_SERIES_ALLOWED = 1_999
"""With `other` it is the 2,000 attribute sets that the SDK keeps an instrument, and folds by itself what is beyond."""


CONNECTION_UNUSABLE = (
    "APPLICATIONINSIGHTS_CONNECTION_STRING must be the resource's own, InstrumentationKey=…;IngestionEndpoint=https://…"
)
log = logging.getLogger("token_meter")


class MetricsUnusable(ValueError):  # noqa: N818 - it names a state of the settings
    """A choice about counters that cannot work. The message names the variable and the cure."""


class Exporter(StrEnum):
    """Where counters go."""

    AZURE_MONITOR = "azure-monitor"
    OTLP = "otlp"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsOptions:
    """The choices."""

    exporter: Exporter = Exporter.OFF
    namespace: str = NAMESPACE
    dimensions: tuple[str, ...] = USUAL_DIMENSIONS
    most_series: int = 1_000
    gen_ai: bool = False
    connection_string: str = ""
    identity_client_id: str = ""
    """Of a user-assigned identity; empty for the system-assigned one."""
    otlp_endpoint: str = ""
    cumulative: bool = False
    """Whether counters go out as sums since the process began, for receivers that know no differences."""


def metrics_options(settings: Mapping[str, str]) -> MetricsOptions:
    """Return the choices that settings make, by the names of their variables. Raises MetricsUnusable."""
    connection_string = settings["APPLICATIONINSIGHTS_CONNECTION_STRING"]
    exporter = _exporter(settings["METRICS"], connection_string)
    is_azure, is_otlp = exporter is Exporter.AZURE_MONITOR, exporter is Exporter.OTLP
    gen_ai = _chosen("METRICS_GEN_AI", settings, {"on": True, "off": False})
    cumulative = _chosen(
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", settings, {"delta": False, "cumulative": True}
    )
    identity = connection_of(settings["APPLICATIONINSIGHTS_AUTHENTICATION_STRING"]).get("clientid", "")
    return MetricsOptions(
        exporter=exporter,
        namespace=_namespace(settings["METRICS_NAMESPACE"]),
        dimensions=_dimensions(settings["METRICS_DIMENSIONS"], gen_ai=gen_ai),
        most_series=_most_series(settings["METRICS_MOST_SERIES"]),
        gen_ai=gen_ai,
        connection_string=connection_string if is_azure else "",
        identity_client_id=identity or settings["AZURE_CLIENT_ID"],
        otlp_endpoint=_endpoint(settings["OTEL_EXPORTER_OTLP_ENDPOINT"]) if is_otlp else "",
        cumulative=is_otlp and cumulative,
    )


def connection_of(text: str) -> Mapping[str, str]:
    """Return the parts of a `Name=value;…` text by name in lower case; what is no pair is left out."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip() for name, separator, value in pairs if separator}


def is_without_tls(address: str) -> bool:
    """Tell an address that no token may be sent to."""
    return urlsplit(address).scheme == "http"


def _exporter(choice: str, connection_string: str) -> Exporter:
    """Return where counters go: as told, else to Application Insights where there is one.

    Nobody who has not asked for counters has to mend their connection string before anything is metered.
    """
    usable = _is_connection(connection_string)
    if not choice:
        if connection_string and not usable:
            log.warning("metrics: off, since %s", CONNECTION_UNUSABLE)
        return Exporter.AZURE_MONITOR if usable else Exporter.OFF
    try:
        exporter = Exporter(choice.lower())
    except ValueError:
        raise MetricsUnusable("METRICS must be azure-monitor, otlp or off") from None
    if exporter is Exporter.AZURE_MONITOR and not usable:
        raise MetricsUnusable(CONNECTION_UNUSABLE)
    return exporter


def _dimensions(choice: str, *, gen_ai: bool) -> tuple[str, ...]:
    """Return the names in a comma-separated list, each once."""
    names = tuple(dict.fromkeys(name.strip() for name in choice.split(",") if name.strip()))
    unknown = [name for name in names if name not in DIMENSIONS]
    if unknown:
        raise MetricsUnusable(f"METRICS_DIMENSIONS: there is no {unknown[0]!r}; there are {', '.join(DIMENSIONS)}")
    left = MOST_DIMENSIONS - (len(GEN_AI_ATTRIBUTES) if gen_ai else 0)
    if len(names) > left:
        beside = " beside those of METRICS_GEN_AI" if gen_ai else ""
        raise MetricsUnusable(f"METRICS_DIMENSIONS must name {left} dimensions at most{beside}")
    return names


def _most_series(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_SERIES_ALLOWED:
        raise MetricsUnusable(f"METRICS_MOST_SERIES must be a number from 1 to {MOST_SERIES_ALLOWED}")
    return int(text)


def _chosen(variable: str, settings: Mapping[str, str], choices: Mapping[str, bool]) -> bool:
    word = settings[variable].lower()
    if word not in choices:
        raise MetricsUnusable(f"{variable} must be {' or '.join(choices)}")
    return choices[word]


def _namespace(text: str) -> str:
    if len(text) > LONGEST_NAME or not text.isprintable():
        raise MetricsUnusable(f"METRICS_NAMESPACE must have {LONGEST_NAME} printable characters at most")
    return text


def _is_connection(text: str) -> bool:
    """Tell Application Insights' connection string; one without an address is for the global one."""
    parts = connection_of(text)
    endpoint = parts.get("ingestionendpoint", "")
    return bool(parts.get("instrumentationkey")) and (not endpoint or _is_address(endpoint, plain_only_here=True))


def _endpoint(text: str) -> str:
    """Return the base address of an OTLP receiver without its last slash."""
    if not _is_address(text):
        raise MetricsUnusable("OTEL_EXPORTER_OTLP_ENDPOINT must be an address such as http://localhost:4318")
    return text.rstrip("/")


def _is_address(text: str, *, plain_only_here: bool = False) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    plain = parts.scheme == "http" and (parts.hostname == "127.0.0.1" or not plain_only_here)
    return bool((parts.scheme == "https" or plain) and parts.hostname and not parts.username and " " not in text)
