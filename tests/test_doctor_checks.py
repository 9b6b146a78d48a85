"""The doctor's checks one by one, where no more than the check itself is needed."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.azure_peers import Silent
from tests.loopback import serving
from token_meter.cli import main
from token_meter.codes import Charged
from token_meter.doctor.canary import CALL_TIME, CANARY, canary_row
from token_meter.doctor.check import Check, State, guarded, ok
from token_meter.doctor.installation import Installation
from token_meter.doctor.network import Seen, clock_check, look_at, service_at
from token_meter.doctor.settings_checks import look_at_settings
from token_meter.options import DEFAULTS, MeterOptions

SETTINGS = {
    "EventHubConnection__fullyQualifiedNamespace": "contoso-ai.servicebus.windows.net",
    "EVENT_HUB_NAME": "ai-usage",
    "EVENT_HUB_CONSUMER_GROUP": "token-meter",
    "LOGS_INGESTION_ENDPOINT": "https://contoso-dcr.swedencentral-1.ingest.monitor.azure.com",
    "LOGS_INGESTION_RULE_ID": "dcr-0123456789abcdef0123456789abcdef",
    "DEAD_LETTER_CONTAINER_URL": "https://contoso.blob.core.windows.net/dead-letters",
    "AZURE_CLIENT_ID": "1c9f0f2e-3b5d-4a51-9d0e-0a8c2f6b7d11",
}
KEYED = "Endpoint=sb://contoso.servicebus.windows.net/;SharedAccessKeyName=a;SharedAccessKey=c2VjcmV0LWtleQ=="


def faults_of(**changed: str) -> dict[str, Check]:
    """Return the faults of settings, some of them changed, by name."""
    values = {name: value for name, value in {**SETTINGS, **changed}.items() if value}
    checks = look_at_settings(Installation("a test", values)).checks
    return {check.name: check for check in checks if check.state is State.FAILED}


@pytest.mark.parametrize(
    ("changed", "name", "cure"),
    [
        *(
            ({name: ""}, name, f"--settings {name}=VALUE`")
            for name in SETTINGS
            if name != "AZURE_CLIENT_ID"  # without it the system-assigned identity is meant
        ),
        ({"EVENT_HUB_CONSUMER_GROUP": "", "EVENTHUB_CONSUMER_GROUP": "x"}, "EVENTHUB_CONSUMER_GROUP", "rename it to"),
        ({"LOGS_INGESTION_RULE_ID": "dcr-usage"}, "LOGS_INGESTION_RULE_ID", "immutableId"),
        ({"LOGS_INGESTION_RULE_ID": "dcr-<immutable id>"}, "LOGS_INGESTION_RULE_ID", "az deployment group show"),
        ({"AZURE_CLIENT_ID": "token-meter-id"}, "AZURE_CLIENT_ID", "`clientId`"),
        (
            {"APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "ClientId=me;Authorization=AAD"},
            "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
            "`clientId`",
        ),
        ({"CLIENT_IP": "hide"}, "CLIENT_IP", "CLIENT_IP=VALUE"),
        ({"EventHubConnection": KEYED}, "EventHubConnection", "EventHubConnection__fullyQualifiedNamespace"),
    ],
)
def test_a_setting_that_cannot_work_is_named(changed: dict[str, str], name: str, cure: str) -> None:
    """With the command that sets it, or where its value is."""
    assert cure in faults_of(**changed)[name].cure


def test_every_fault_of_the_settings_is_told_at_once() -> None:
    """Nobody mends them one by one."""
    faults = faults_of(LOGS_INGESTION_RULE_ID="", EVENT_HUB_NAME="", CLIENT_IP="hide", AZURE_CLIENT_ID="me")

    assert {"LOGS_INGESTION_RULE_ID", "EVENT_HUB_NAME", "CLIENT_IP", "AZURE_CLIENT_ID"} == set(faults)


def test_no_value_of_a_setting_is_told() -> None:
    """It may hold a key."""
    faults = faults_of(
        EventHubConnection=KEYED,
        DEAD_LETTER_CONTAINER_URL="https://a.blob.core.windows.net/c?sig=c2lnbmVk",
        KEY_HASH_SECRET="c2hvcnQ",
    )

    assert {"EventHubConnection", "DEAD_LETTER_CONTAINER_URL"} <= set(faults)
    assert [] == [secret for secret in ("c2VjcmV0", "c2lnbmVk", "c2hvcnQ") if secret in str(faults)]


def test_usable_settings_have_no_fault() -> None:
    """And others beside them, of the host or of somebody else, are none of ours."""
    assert {} == faults_of(FUNCTIONS_WORKER_RUNTIME="python", WEBSITE_TIME_ZONE="UTC")


@pytest.mark.parametrize(
    "options", [DEFAULTS, MeterOptions(shape="canonical"), MeterOptions(models={CANARY: "gpt-4o-2024-08-06"})]
)
def test_a_canary_can_be_billed_under_no_setting(options: MeterOptions) -> None:
    """Not charged, without tokens, before every period, under a name of its own."""
    row = canary_row("0b0e5f4e-0f86-4d0c-8f3e-6a8f7a0c9b11", options)

    assert (CANARY, CANARY, Charged.NO, CALL_TIME) == (row.app_id, row.deployment, row.charged, row.call_time)
    assert (None, None, None) == (row.prompt_tokens, row.completion_tokens, row.total_tokens)


def test_every_canary_is_another_row() -> None:
    """So that the one in the table is this run's."""
    first, second = (canary_row(call_id, DEFAULTS) for call_id in ("a", "b"))

    assert ("a", "b") == (first.call_id, second.call_id)
    assert first.event_id != second.event_id


@pytest.mark.sockets
def test_a_port_that_nothing_listens_on_is_told() -> None:
    """As where a firewall refuses."""
    check = look_at(service_at("Azure Monitor", "https://127.0.0.1:1", "zone")).check

    assert "let this network out to 127.0.0.1 on port 1" in check.cure


@pytest.mark.sockets
def test_what_does_not_speak_tls_is_told() -> None:
    """A wrong port, or something in between."""
    with serving(Silent) as port:
        check = look_at(service_at("Azure Monitor", f"https://127.0.0.1:{port}", "zone")).check

    assert "does not speak TLS" in check.seen


@pytest.mark.sockets
def test_a_private_address_is_told_from_a_public_one() -> None:
    """Whether the name leads to the private endpoint is seen at a glance."""
    with serving(Silent) as port:
        check = look_at(service_at("Azure Monitor", f"http://127.0.0.1:{port}", "zone")).check

    assert "127.0.0.1 (private)" in check.seen


def test_behind_a_proxy_no_connection_of_ones_own_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clients go through it."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.contoso.com:8080")

    assert State.SKIPPED is look_at(service_at("Storage", "https://contoso.blob.core.windows.net", "zone")).check.state


@pytest.mark.parametrize(
    ("apart", "state", "side"),
    [
        (timedelta(minutes=6), State.FAILED, "ahead of"),
        (timedelta(minutes=-6), State.FAILED, "behind"),
        (timedelta(seconds=3), State.OK, "ahead of"),
    ],
)
def test_a_clock_that_is_off_is_told(apart: timedelta, state: State, side: str) -> None:
    """By what the first service that told the time said."""
    theirs = datetime(2026, 10, 5, 10, tzinfo=UTC)
    seen = [Seen(ok("network: Event Hubs", "")), Seen(ok("network: Storage", ""), (theirs, theirs + apart))]

    (check,) = clock_check(seen)

    assert (state, True) == (check.state, side in check.seen)


def test_a_check_that_breaks_is_a_failed_check_without_the_faults_words() -> None:
    """They may quote what was sent; the other checks go on."""

    def breaking() -> Sequence[Check]:
        raise RuntimeError("Bearer eyJhbGciOi")

    (check,) = guarded("hub", breaking)

    assert ("hub", State.FAILED, "it ended with RuntimeError") == (check.name, check.state, check.seen)


@pytest.mark.parametrize(
    ("options", "content", "told"),
    [
        (("--settings", "gone.json"), None, "gone.json"),
        (("--settings", "s.json"), "no json", "holds no settings"),
        (("--settings", "s.json"), "[]", "holds no settings"),
        (("--settings", "s.json"), json.dumps({"IsEncrypted": True, "Values": {"A": "x"}}), "func settings decrypt"),
        (("--workspace", "my-workspace"), None, "customerId"),
        (("--wait", "-1"), None, "--wait"),
        (("--format", "xml"), None, "--format"),
    ],
)
def test_unusable_arguments_end_in_status_two(  # noqa: PLR0913, PLR0917 - fixtures and cases
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    content: str | None,
    told: str,
) -> None:
    """With what is wrong, and nothing is looked at."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["token-meter", "doctor", *options])
    if content is not None:
        (tmp_path / "s.json").write_text(content, encoding="utf-8")

    with pytest.raises(SystemExit) as ended:
        main()

    printed = capsys.readouterr()
    assert (2, "") == (ended.value.code, printed.out)
    assert told in printed.err
