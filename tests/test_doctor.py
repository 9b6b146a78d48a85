"""`token-meter doctor` as a person runs it, against peers over real sockets: all well, and each failure by its cure."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.eventhub.extensions.checkpointstoreblob import BlobCheckpointStore

from tests.azurite import Azurite, shared_azurite
from tests.doctor_peers import (
    CLIENT_ID,
    GROUP,
    OBJECT_ID,
    TOKEN,
    Examined,
    Installation,
    installation,
    metering,
    read_by_its_owner,
    refusing_storage,
    run_doctor,
    secrets_of,
)
from tests.event_hubs_peer import HUB, ticking
from tests.ingestion_faults import Answer
from tests.ingestion_service import STREAMS
from tests.log_analytics_peer import WORKSPACE
from tests.loopback import serving
from tests.metrics_query_peer import account_id, metrics_query_peer
from token_meter.blob_storage import container_client
from token_meter.kql import run_query
from token_meter.sources.hub_address import hub_address

pytestmark = pytest.mark.sockets

SECRET = "0123456789abcdef-is-the-secret-of-hashes"
OTHER_RULE = "dcr-ffffffffffffffffffffffffffffffff"
NOWHERE = "https://no-such-host.invalid"


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Installation]:
    """Run an installation in which all is well, with dead letters in a folder."""
    with installation(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the runs that several tests look at lie."""
    return tmp_path_factory.mktemp("doctor")


def part_of(folder: Path, name: str) -> Path:
    """Return a new folder within another."""
    (folder / name).mkdir()
    return folder / name


def keep_checkpoint(azurite: Azurite, connection_string: str, sequence_number: int) -> None:
    """Write a checkpoint of the first partition where the Functions host does, with the SDK's own store."""
    address = hub_address("", {"EVENTHUB_CONNECTION": connection_string})
    with container_client(azurite.container_url("azure-webjobs-eventhub")) as container:
        if not container.exists():
            container.create_container()
        BlobCheckpointStore(azurite.url, "", container_client=container).update_checkpoint(
            {
                "fully_qualified_namespace": address.host,
                "eventhub_name": HUB,
                "consumer_group": GROUP,
                "partition_id": "0",
                "offset": "0",
                "sequence_number": sequence_number,
            }
        )


@pytest.fixture(scope="module")
def well(folder: Path) -> Iterator[tuple[Examined, Installation]]:
    """Examine an installation in which all is well, from its settings to the table."""
    azurite = shared_azurite()
    with azurite.new_container() as container, installation(part_of(folder, "well"), container.url) as running:
        keep_checkpoint(azurite, running.settings["EventHubConnection"], sequence_number=0)
        storage = {"AzureWebJobsStorage__blobServiceUri": azurite.url}
        yield running.doctor(KEY_HASH_SECRET=SECRET, LOG_ANALYTICS_WORKSPACE_ID=WORKSPACE, **storage), running


def test_all_is_well_from_the_settings_to_the_table(well: tuple[Examined, Installation]) -> None:
    """Every check is made and goes well; the canary arrives."""
    examined, _ = well
    print(json.dumps(examined.checks, indent=1))

    assert {"ok"} == {check["state"] for check in examined.checks.values()}, examined.errors
    assert 0 == examined.status
    looked_at = {"settings", "clock", "hub", "consumer group", "partitions", "dead letters", "counters", "canary row"}
    assert looked_at | {"end to end"} <= set(examined.checks)


def test_rows_are_sent_as_the_identity(well: tuple[Examined, Installation]) -> None:
    """Who that is stands in the check."""
    examined, running = well

    assert {f"Bearer {TOKEN}"} == set(running.authorizations)
    assert OBJECT_ID in examined.checks["identity: Azure Monitor"]["seen"]


def test_no_probe_is_left(well: tuple[Examined, Installation]) -> None:
    """The container is as it was."""
    _, running = well
    with container_client(running.settings["DEAD_LETTER_CONTAINER_URL"]) as container:
        assert [] == list(container.list_blobs())


def test_one_row_alone_arrives(well: tuple[Examined, Installation]) -> None:
    """The canary; looking at the rule's streams stores nothing."""
    _, running = well

    assert 1 == sum(len(rows) for rows in running.ingestion.requests)


def test_the_canary_is_on_nobodys_bill(well: tuple[Examined, Installation]) -> None:
    """It was not charged, has no tokens, and lies before every period."""
    store = well[1].workspace.store

    (row,) = run_query(store, "TokenUsage() | project AppId, Deployment, Charged, TotalTokens, CallTime").rows
    assert ("token-meter-canary", "token-meter-canary", "no", None, "2000-01-01T00:00:00Z") == row
    assert () == run_query(store, "TokenUsage(datetime(2001-01-01), datetime(null))").rows
    assert () == run_query(store, "TokenUsage() | where Charged != 'no'").rows
    assert ((0,),) == run_query(store, "TokenCost() | summarize coalesce(sum(CostNano), 0)").rows


def test_no_secret_is_printed_where_all_is_well(well: tuple[Examined, Installation]) -> None:
    """No token, no key, no connection string."""
    examined, running = well

    assert [] == [text for text in [*secrets_of(running.settings), SECRET] if text in examined.output + examined.errors]


@pytest.fixture(scope="module")
def refused(folder: Path) -> Iterator[tuple[Examined, Installation]]:
    """Examine an installation whose services all refuse the identity."""
    with installation(part_of(folder, "refused")) as running:
        running.hub.hub.token_status = 401
        running.ingestion.always = 403
        running.counters.status = 403
        tls = (running.workspace.certificate, running.folder / "peer.key")
        with serving(refusing_storage(403, "AuthorizationPermissionMismatch"), tls) as port:
            url = f"https://localhost:{port}/dead-letters"
            settings = {"DEAD_LETTER_FOLDER": "", "DEAD_LETTER_CONTAINER_URL": url, "KEY_HASH_SECRET": SECRET}
            yield running.doctor("--workspace", WORKSPACE, **settings), running


@pytest.mark.parametrize(
    ("check", "role"),
    [
        ("hub", "Azure Event Hubs Data Receiver"),
        *((f"rule: {stream}", "Monitoring Metrics Publisher") for stream in STREAMS),
        ("dead letters", "Storage Blob Data Contributor"),
        ("counters", "Monitoring Metrics Publisher"),
    ],
)
def test_a_service_that_refuses_names_the_role_and_who_needs_it(
    refused: tuple[Examined, Installation], check: str, role: str
) -> None:
    """In the command that grants it, with the object id out of the token."""
    _, cure = refused[0].failed[check]

    assert f'`az role assignment create --assignee {OBJECT_ID} --role "{role}" --scope "$(az ' in cure


def test_a_failed_check_gives_status_one_and_what_waits_for_it_is_skipped(
    refused: tuple[Examined, Installation],
) -> None:
    """Nothing fails twice for one cause."""
    examined, _ = refused

    assert 1 == examined.status
    assert {"consumer group", "partitions", "end to end"} == {
        name for name, check in examined.checks.items() if check["state"] == "skipped"
    }


def test_no_secret_is_printed_where_all_fails(refused: tuple[Examined, Installation]) -> None:
    """The services' own words are not passed on."""
    examined, running = refused

    assert [] == [text for text in [*secrets_of(running.settings), SECRET] if text in examined.output + examined.errors]


@pytest.fixture(scope="module")
def absent(folder: Path) -> Iterator[Examined]:
    """Examine an installation whose settings name what is not there."""
    with installation(part_of(folder, "absent"), shared_azurite().container_url("gone")) as running:
        running.counters.status = 400
        yield running.doctor(EVENT_HUB_NAME="ai-usages", LOGS_INGESTION_RULE_ID=OTHER_RULE)


@pytest.mark.parametrize(
    ("check", "cure"),
    [
        ("hub", "az eventhubs eventhub list --resource-group GROUP --namespace-name"),
        ("rule: Custom-TokenUsage_CL", "/dataCollectionRules?api-version="),
        ("dead letters", "az storage container create --auth-mode login --account-name"),
        ("counters", "take the connection string anew: `az resource show"),
        ("canary row", "LOGS_INGESTION_RULE_ID"),
    ],
)
def test_what_is_not_there_is_told_with_what_lists_or_makes_it(absent: Examined, check: str, cure: str) -> None:
    """A 404 alone would help nobody."""
    assert cure in absent.failed[check][1]


@pytest.fixture(scope="module")
def older(folder: Path) -> Iterator[Examined]:
    """Examine an installation whose deployment is older than the meter, behind a firewall, with a clock that is off."""
    with installation(part_of(folder, "older")) as running:
        running.hub.hub.groups = frozenset({"$Default"})
        running.ingestion.streams = {"Custom-TokenUsage_CL": STREAMS["Custom-TokenUsage_CL"]}
        running.workspace.failure = 403, {"error": {"code": "InsufficientAccessError", "message": "no access"}}
        running.ahead = timedelta(minutes=7)
        tls = (running.workspace.certificate, running.folder / "peer.key")
        with serving(refusing_storage(403, "AuthorizationFailure"), tls) as port:
            url = f"https://localhost:{port}/dead-letters"
            yield running.doctor("--workspace", WORKSPACE, DEAD_LETTER_FOLDER="", DEAD_LETTER_CONTAINER_URL=url)


@pytest.mark.parametrize(
    ("check", "seen", "cure"),
    [
        ("consumer group", f"there is no {GROUP}", f"--eventhub-name {HUB} --name {GROUP}`"),
        ("rule: Custom-TokenMeterBatch_CL", "status 404", "deploy the infrastructure of this version"),
        ("dead letters", "AuthorizationFailure", "az storage account network-rule list"),
        ("clock", "behind Azure's", "timedatectl set-ntp true"),
        ("end to end", "Log Analytics Data Reader", f'--assignee {OBJECT_ID} --role "Log Analytics Data Reader"'),
    ],
)
def test_what_does_not_fit_is_told_with_its_cure(older: Examined, check: str, seen: str, cure: str) -> None:
    """A missing stream is an older rule, and no wrong setting; a firewall's 403 is no missing role."""
    assert seen in older.failed[check][0]
    assert cure in older.failed[check][1]


def test_a_stream_that_is_there_takes_its_canary_all_the_same(older: Examined) -> None:
    """What works is not hidden by what does not."""
    assert "ok" == older.checks["rule: Custom-TokenUsage_CL"]["state"] == older.checks["canary row"]["state"]


def test_names_that_are_not_known_point_at_private_dns(installed: Installation) -> None:
    """A private endpoint whose zone this network is not linked to looks like that; what waits for it is skipped."""
    examined = installed.doctor(
        LOGS_INGESTION_ENDPOINT=NOWHERE, DEAD_LETTER_FOLDER="", DEAD_LETTER_CONTAINER_URL=f"{NOWHERE}/letters"
    )

    assert "--zone-name privatelink.monitor.azure.com" in examined.failed["network: Azure Monitor"][1]
    assert "--zone-name privatelink.blob.core.windows.net" in examined.failed["network: Storage"][1]
    assert "skipped" == examined.checks["canary row"]["state"] == examined.checks["dead letters"]["state"]


def test_a_certificate_that_is_not_trusted_is_told(installed: Installation) -> None:
    """As where a company's proxy puts its own in between."""
    del installed.machine["REQUESTS_CA_BUNDLE"]

    seen, cure = installed.doctor().failed["network: Azure Monitor"]

    assert "self-signed certificate" in seen
    assert "REQUESTS_CA_BUNDLE" in cure


def test_an_identity_that_the_machine_has_not_is_named(tmp_path: Path) -> None:
    """The client id is a GUID, and of another identity."""
    with installation(tmp_path, identity="00000000-0000-0000-0000-000000000000") as running:
        examined = running.doctor()

    seen, cure = examined.failed["identity: Azure Monitor"]
    assert CLIENT_ID in seen
    assert "az functionapp identity show" in cure
    assert "skipped" == examined.checks["canary row"]["state"]


def test_a_machine_on_which_nobody_has_signed_in_is_told(installed: Installation) -> None:
    """As on a laptop."""
    trust = installed.machine["REQUESTS_CA_BUNDLE"]
    installed.machine = {"REQUESTS_CA_BUNDLE": trust, "AZURE_TOKEN_CREDENTIALS": "dev"}

    assert "az login" in installed.doctor().failed["identity: Azure Monitor"][1]


def test_a_token_that_the_rule_does_not_take_is_told(installed: Installation) -> None:
    """It is of another tenant."""
    installed.ingestion.always = 401

    assert "of the rule's tenant" in installed.doctor().failed["rule: Custom-TokenUsage_CL"][1]


@pytest.mark.parametrize(("code", "state"), [("InvalidPayload", "ok"), ("InvalidStream", "failed")])
def test_a_refusal_of_no_rows_is_told_from_one_of_the_stream(installed: Installation, code: str, state: str) -> None:
    """What the service says to a request without rows is not documented; an undeclared stream has its own code."""
    installed.ingestion.answers = [Answer(400, code=code) for _ in STREAMS]

    examined = installed.doctor()

    assert {state} == {check["state"] for name, check in examined.checks.items() if name.startswith("rule: ")}
    assert "ok" == examined.checks["canary row"]["state"]


def test_a_group_that_the_function_reads_is_as_it_should_be(installed: Installation) -> None:
    """The doctor takes the partition from nobody."""
    with read_by_its_owner(installed.hub):
        examined = installed.doctor()

    assert "its owner reads it now" in examined.checks["consumer group"]["seen"]


def test_events_that_wait_for_long_are_told(tmp_path: Path) -> None:
    """By the checkpoints that the Functions host keeps in its storage."""
    azurite = shared_azurite()
    with installation(tmp_path, hub_clock=ticking(datetime.now(UTC) - timedelta(hours=1))) as running:
        running.hub.put("0", [b"{}", b"{}"])
        keep_checkpoint(azurite, running.settings["EventHubConnection"], sequence_number=0)
        seen, cure = running.doctor(AzureWebJobsStorage__blobServiceUri=azurite.url).failed["partitions"]

    assert "0 by 2; for over 15 minutes in 0" in seen
    assert "docs/runbook.md" in cure


def test_a_canary_that_never_arrives_is_told_and_so_is_an_older_table(installed: Installation) -> None:
    """A daily cap or a transformation: accepted is not stored. A column that is missing is named."""
    installed.loses_rows = True
    installed.workspace.store.connection.execute('ALTER TABLE "TokenUsage_CL" DROP COLUMN "ServiceTier"')

    examined = installed.doctor("--workspace", WORKSPACE, "--wait", "0")

    seen, cure = examined.failed["end to end"]
    assert "accepted and is not in TokenUsage_CL" in seen
    assert "DCRLogErrors" in cure
    assert "ServiceTier missing" == examined.failed["columns: TokenUsage_CL"][0]
    assert "docs/upgrade.md" in examined.failed["columns: TokenUsage_CL"][1]


def test_metrics_that_may_not_be_read_name_the_role_and_the_account(installed: Installation) -> None:
    """The nightly comparison would fail; an account that can be read is told as well."""
    names, trust = ("open", "closed"), installed.folder / "both.pem"
    folder = part_of(installed.folder, "metrics")
    with metrics_query_peer(folder, *names) as peer:
        peer.refused = ("closed",)
        trust.write_bytes(installed.workspace.certificate.read_bytes() + peer.certificate.read_bytes())
        installed.machine["REQUESTS_CA_BUNDLE"] = str(trust)
        accounts = ";".join(account_id(name) for name in names)
        examined = installed.doctor(RECONCILED_ACCOUNTS=accounts, MANAGEMENT_ENDPOINT=peer.endpoint)

    assert ["accounts' metrics: closed"] == list(examined.failed)
    assert f'--assignee {OBJECT_ID} --role "Monitoring Reader"' in examined.failed["accounts' metrics: closed"][1]
    assert "ok" == examined.checks["accounts' metrics: open"]["state"]


def test_a_canary_that_the_function_meters_itself_shows_its_roles(installed: Installation) -> None:
    """It is sent to the hub and comes out of the table; what meters it here reads the hub as the Function does."""
    with metering(installed):
        metered = installed.doctor("--workspace", WORKSPACE, "--through-hub")
    alone = installed.doctor("--workspace", WORKSPACE, "--through-hub", "--wait", "0")

    assert "ok" == metered.checks["through the hub"]["state"], metered.output
    assert "AppExceptions" in alone.failed["through the hub"][1]


def test_what_is_chosen_is_no_failure(installed: Installation) -> None:
    """Counters that are off; and a table for people: cures below it, counts at its end, no text that moves a cursor."""
    installed.settings["METRICS"] = "off"
    (installed.folder / "file").touch()
    hostile = {"DEAD_LETTER_FOLDER": "file", "EVENT_HUB_CONSUMER_GROUP": "\x1b[31mgroup"}
    values = {"Values": {**installed.settings, **hostile}}
    (installed.folder / "local.settings.json").write_text(json.dumps(values), encoding="utf-8")

    examined = run_doctor(installed.folder, installed.machine)

    lines = examined.output.splitlines()
    assert 1 == examined.status
    assert any("counters" in line and "skipped" in line for line in lines)
    assert "dead letters: set DEAD_LETTER_FOLDER to a folder that can be written" in lines
    assert "1 failed" in lines[-1]
    assert "\x1b" not in examined.output


def test_the_settings_may_be_the_environments_or_what_az_prints(installed: Installation) -> None:
    """`az functionapp config appsettings list | token-meter doctor --settings -`."""
    listed = [{"name": name, "slotSetting": False, "value": value} for name, value in installed.settings.items()]
    machine = {**installed.machine, **installed.settings}

    of_environment = run_doctor(installed.folder, machine, "--format", "json")
    printed = run_doctor(
        installed.folder, installed.machine, "--settings", "-", "--format", "json", text=json.dumps(listed)
    )

    assert [0, 0] == [of_environment.status, printed.status]
    assert "of the environment" in of_environment.checks["settings"]["seen"]
    assert "of standard input" in printed.checks["settings"]["seen"]
