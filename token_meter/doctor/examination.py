"""The examination: every check in the order in which a record goes, each made only where it can tell something."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from token_meter.credentials import azure_identity
from token_meter.doctor import row_checks
from token_meter.doctor.check import Check, State, guarded, skipped
from token_meter.doctor.counter_checks import NAME as COUNTERS
from token_meter.doctor.counter_checks import counters_checks, counters_endpoint
from token_meter.doctor.hub_checks import CHECKPOINTS, HubLook
from token_meter.doctor.hub_checks import HUB as HUB_CHECK
from token_meter.doctor.identity_checks import (
    EVENT_HUBS,
    LOG_ANALYTICS,
    MANAGEMENT,
    MONITOR,
    STORAGE,
    SignedIn,
    sign_in,
)
from token_meter.doctor.installation import Installation
from token_meter.doctor.metric_checks import NAME as METRICS
from token_meter.doctor.metric_checks import metrics_checks
from token_meter.doctor.network import Seen, Service, clock_check, hub_service, look_at, service_at
from token_meter.doctor.settings_checks import Looked, look_at_settings
from token_meter.doctor.storage_checks import NAME as LETTERS
from token_meter.doctor.storage_checks import letters_checks
from token_meter.doctor.through_hub import NAME as THROUGH_HUB
from token_meter.doctor.through_hub import through_hub_checks
from token_meter.log_analytics import log_analytics
from token_meter.settings import Settings
from token_meter.sinks.logs_ingestion import logs_ingestion_sink

RULE = "rule"
INSIGHTS = "counters' receiver"
AZURITE = "http://127.0.0.1:10000/devstoreaccount1"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for beyond the settings."""

    workspace: str = ""
    """The workspace's `customerId`, in which the canary is waited for; empty takes the settings'."""
    longest_wait: float = 300.0
    """Seconds."""
    through_hub: bool = False
    """Whether a canary is sent to the hub as well, for the Function to meter."""


class Examination:
    """One run of all checks over an installation."""

    def __init__(self, installation: Installation, wanted: Wanted) -> None:
        """Take the settings, and what else is asked for."""
        self._installation = installation
        self._longest_wait, self._through_hub = wanted.longest_wait, wanted.through_hub
        self._looked: Looked = look_at_settings(installation)
        settings = self._looked.settings
        self._workspace = wanted.workspace or (settings.workspace_id if settings else "")
        self._seen: dict[str, Seen] = {}
        self._signed = SignedIn((), frozenset())

    def checks(self) -> Iterator[Check]:
        """Yield the checks as they are made."""
        yield from self._looked.checks
        for service in self._services():
            self._seen[service.name] = look_at(service)
            yield self._seen[service.name].check
        yield from clock_check(list(self._seen.values()))
        yield from guarded("identity", self._identity)
        yield from self._hub()
        settings = self._looked.settings
        if settings is None:
            for name in (RULE, LETTERS, COUNTERS, row_checks.CANARY, row_checks.TABLE):
                yield skipped(name, "the settings cannot work yet")
            return
        yield from self._where(RULE, MONITOR, lambda: row_checks.stream_checks(settings, self._assignee))
        yield from self._where(LETTERS, STORAGE, lambda: letters_checks(settings, self._assignee))
        yield from self._where(COUNTERS, INSIGHTS, lambda: counters_checks(settings.metrics_options, self._assignee))
        yield from self._where(row_checks.CANARY, MONITOR, lambda: self._canary(settings))
        if not settings.reconciled_accounts:
            return
        identity = azure_identity(settings.managed_identity_client_id)
        yield from self._where(METRICS, MANAGEMENT, lambda: metrics_checks(settings, identity, self._assignee))

    @property
    def _assignee(self) -> str:
        return self._signed.object_id

    def _services(self) -> Iterator[Service]:
        hub, settings = self._looked.hub, self._looked.settings
        if hub is not None:
            yield hub_service(hub.host, emulator=bool(hub.connection_string))
        if settings is None:
            return
        monitor = "privatelink.monitor.azure.com"
        yield service_at(MONITOR, settings.ingestion_endpoint, monitor)
        if settings.dead_letter_container_url:
            yield service_at(STORAGE, settings.dead_letter_container_url, "privatelink.blob.core.windows.net")
        endpoint = counters_endpoint(settings.metrics_options)
        if endpoint:
            yield service_at(INSIGHTS, endpoint, monitor)
        if self._workspace:
            yield service_at(LOG_ANALYTICS, settings.query_endpoint, monitor)
        if settings.reconciled_accounts:
            yield service_at(MANAGEMENT, settings.management_endpoint, "privatelink.azure.com")

    def _identity(self) -> Iterable[Check]:
        """Sign in for the services that take a token; a peer or an emulator on this machine takes none."""
        settings, hub = self._looked.settings, self._looked.hub
        wanted = {item.name for item in self._services() if item.http and item.tls}
        wanted |= {EVENT_HUBS} if hub is not None and not hub.connection_string else set()
        services = frozenset(wanted - {INSIGHTS})
        if not services:
            return (skipped("identity", "nothing here takes a token"),)
        client_id = settings.managed_identity_client_id if settings else ""
        self._signed = sign_in(azure_identity(client_id), services, client_id)
        return self._signed.checks

    def _where(self, name: str, service: str, checks: Callable[[], Iterable[Check]]) -> Iterator[Check]:
        """Yield checks of a service, unless it cannot be reached or gives no token: that was told already."""
        seen = self._seen.get(service)
        if seen is not None and not seen.reached:
            yield skipped(name, f"{service} is not reached")
        elif any(check.state is State.FAILED and check.name == f"identity: {service}" for check in self._signed.checks):
            yield skipped(name, f"there is no token for {service}")
        else:
            yield from guarded(name, checks)

    def _hub(self) -> Iterator[Check]:
        hub, settings = self._looked.hub, self._looked.settings
        if hub is None or not self._looked.group:
            yield skipped(HUB_CHECK, "the settings do not name it")
            return
        client_id = settings.managed_identity_client_id if settings else ""
        look = HubLook(hub, self._looked.group, client_id, self._assignee, self._checkpoints())
        yield from self._where(HUB_CHECK, EVENT_HUBS, look.checks)

    def _checkpoints(self) -> str:
        """Return the address of the container in which the Functions host keeps them; empty where it is not told."""
        variables = self._installation.variables
        if variables.get("AzureWebJobsStorage") == "UseDevelopmentStorage=true":
            return f"{AZURITE}/{CHECKPOINTS}"
        blobs = variables.get("AzureWebJobsStorage__blobServiceUri", "").rstrip("/")
        return f"{blobs}/{CHECKPOINTS}" if blobs else ""

    def _canary(self, settings: Settings) -> Iterator[Check]:
        sent, call_id = row_checks.canary_check(settings, logs_ingestion_sink(settings, row_checks.BRIEF))
        yield sent
        workspace = self._workspace
        if not call_id or not workspace:
            why = (
                "neither --workspace nor LOG_ANALYTICS_WORKSPACE_ID names a workspace"
                if call_id
                else "the canary was not accepted"
            )
            yield skipped(row_checks.TABLE, why)
            return
        identity = azure_identity(settings.managed_identity_client_id)
        ask = log_analytics(identity, workspace, settings.query_endpoint).ask
        yield from self._where(
            row_checks.TABLE,
            LOG_ANALYTICS,
            lambda: row_checks.workspace_checks(ask, call_id, workspace, self._assignee, self._longest_wait),
        )
        hub = self._looked.hub
        if self._through_hub and hub is not None:
            client_id = settings.managed_identity_client_id
            yield from self._where(
                THROUGH_HUB,
                EVENT_HUBS,
                lambda: through_hub_checks(hub, client_id, self._assignee, ask, self._longest_wait),
            )


def examine(installation: Installation, wanted: Wanted) -> Iterator[Check]:
    """Yield every check of an installation, in the order in which a record goes."""
    return Examination(installation, wanted).checks()
