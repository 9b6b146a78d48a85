"""The settings about metering: what an installation can choose, and what it is told when a choice cannot work."""

import pytest

from token_meter.codes import Kind
from token_meter.events import Origin
from token_meter.metrics.names import DIMENSIONS
from token_meter.metrics.options import Exporter, MetricsOptions
from token_meter.options import MeterOptions, Personal
from token_meter.reading import read_exchange
from token_meter.record import Record
from token_meter.settings import Settings, SettingsUnusable, meter_options_from

SECRET = "a secret of thirty-two characters"


def test_without_settings_keys_are_dropped_and_the_rest_is_kept() -> None:
    """The defaults hash nothing."""
    assert MeterOptions() == meter_options_from({})


def test_a_secret_and_its_version_make_the_hasher() -> None:
    """The version stands before each hash."""
    options = meter_options_from({"KEY_HASH_SECRET": SECRET, "KEY_HASH_VERSION": "k7"})

    assert options.hasher is not None
    assert options.hasher.hashed("key", "abc").startswith("k7:")
    assert SECRET not in repr(options)


def test_personal_columns_and_the_shape_are_chosen_by_name() -> None:
    """In any case."""
    options = meter_options_from({"CLIENT_IP": "DROP", "USER_OBJECT_ID": "hash", "RECORD_SHAPE": "s4"})

    assert (Personal.DROP, Personal.HASH, "s4") == (options.client_ip, options.user_object_id, options.shape)


def test_the_models_of_deployments_are_pairs() -> None:
    """Blanks and a last semicolon mean nothing, and neither does the case of a deployment."""
    options = meter_options_from(
        {"DEPLOYMENT_MODELS": " my-gpt4o = gpt-4o-2024-08-06 ; Embed=text-embedding-3-small; "}
    )

    assert {"my-gpt4o": "gpt-4o-2024-08-06", "embed": "text-embedding-3-small"} == options.models
    assert "gpt-4o-2024-08-06" == options.model_of("", "MY-GPT4O")
    assert "" == options.model_of("other")


@pytest.mark.parametrize(
    ("path", "model"),
    [("/openai/deployments/My-GPT4o/chat/completions", "other"), ("/openai/v1/responses", "my-gpt4o")],
)
def test_a_deployment_that_was_named_has_its_model(path: str, model: str) -> None:
    """Whether the path names it or the request's `model` does."""
    options = meter_options_from({"DEPLOYMENT_MODELS": "my-gpt4o=gpt-4o-2024-08-06"})
    call = Record(shape="canonical", kind=Kind.EXCHANGE, origin=Origin(), url=path, request_body={"model": model})

    assert "gpt-4o-2024-08-06" == read_exchange(call, options).mapped_model
    assert "" == read_exchange(call).mapped_model


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("KEY_HASH_SECRET", "short"),
        ("KEY_HASH_VERSION", "k:1"),
        ("CLIENT_IP", "maybe"),
        ("USER_OBJECT_ID", "yes"),
        ("RECORD_SHAPE", "S99"),
        ("DEPLOYMENT_MODELS", "gpt-4o"),
        ("DEPLOYMENT_MODELS", "=gpt-4o"),
        ("DEPLOYMENT_MODELS", "my deployment=gpt-4o"),
        ("DEPLOYMENT_MODELS", "a=gpt-4o;A=gpt-4.1"),
        ("DEPLOYMENT_MODELS", "a=" + "x" * 129),
        ("DEPLOYMENT_MODELS", ";".join(f"d{number}=gpt-4o" for number in range(1001))),
    ],
)
def test_a_choice_that_cannot_work_is_refused_by_the_settings_name(variable: str, value: str) -> None:
    """And the message does not repeat a secret."""
    with pytest.raises(SettingsUnusable, match=variable) as refused:
        meter_options_from({variable: value})

    assert variable != "KEY_HASH_SECRET" or value not in str(refused.value)


INSIGHTS = "InstrumentationKey=5f0e3a52-6b0e-4c57-9a59-1f7a1a1f0c11;IngestionEndpoint=https://swedencentral.example/"


def metrics_from(environment: dict[str, str]) -> MetricsOptions:
    """Return the choices about counters in an environment that has what every installation needs."""
    needed = {
        "LOGS_INGESTION_ENDPOINT": "https://rule.example",
        "LOGS_INGESTION_RULE_ID": "dcr-1",
        "DEAD_LETTER_FOLDER": "letters",
    }
    return Settings.read({**needed, **environment}).metrics_options


def test_counters_go_to_application_insights_where_there_is_one() -> None:
    """Without being asked for; nowhere else."""
    assert Exporter.OFF is metrics_from({}).exporter
    assert Exporter.OFF is metrics_from({"APPLICATIONINSIGHTS_CONNECTION_STRING": INSIGHTS, "METRICS": "off"}).exporter
    options = metrics_from({"APPLICATIONINSIGHTS_CONNECTION_STRING": INSIGHTS, "AZURE_CLIENT_ID": "one"})

    assert (Exporter.AZURE_MONITOR, INSIGHTS, "one") == (
        options.exporter,
        options.connection_string,
        options.identity_client_id,
    )


def test_application_insights_may_have_an_identity_of_its_own() -> None:
    """As the Functions host is told it."""
    authentication = {"APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "ClientId=two;Authorization=AAD"}
    environment = {"APPLICATIONINSIGHTS_CONNECTION_STRING": INSIGHTS, "AZURE_CLIENT_ID": "one", **authentication}

    assert "two" == metrics_from(environment).identity_client_id


def test_counters_that_nobody_asked_for_are_off_where_they_cannot_work(caplog: pytest.LogCaptureFixture) -> None:
    """A Key Vault reference that is not resolved must not hold up the metering; it is said."""
    secret = "@Microsoft.KeyVault(SecretUri=https://vault.example/secrets/insights)"

    assert Exporter.OFF is metrics_from({"APPLICATIONINSIGHTS_CONNECTION_STRING": secret}).exporter
    assert {"metrics: off"} == {item.getMessage()[:12] for item in caplog.records}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("METRICS", "prometheus"),
        ("METRICS_DIMENSIONS", "appId,prompt"),
        ("METRICS_MOST_SERIES", "0"),
        ("METRICS_MOST_SERIES", "2000"),
        ("METRICS_MOST_SERIES", "many"),
        ("METRICS_GEN_AI", "perhaps"),
        ("METRICS_NAMESPACE", "n" * 257),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "lowmemory"),
    ],
)
def test_a_choice_about_counters_that_cannot_work_is_refused_by_its_name(variable: str, value: str) -> None:
    """Before the first batch."""
    with pytest.raises(SettingsUnusable, match=variable):
        metrics_from({"METRICS": "otlp", variable: value})


@pytest.mark.parametrize(
    "connection",
    ["", "IngestionEndpoint=https://x.example/", "InstrumentationKey=k;IngestionEndpoint=http://x.example/"],
)
def test_application_insights_that_is_asked_for_must_be_there_and_safe(connection: str) -> None:
    """No token goes out without TLS."""
    with pytest.raises(SettingsUnusable, match="APPLICATIONINSIGHTS_CONNECTION_STRING"):
        metrics_from({"METRICS": "azure-monitor", "APPLICATIONINSIGHTS_CONNECTION_STRING": connection})


def test_no_metric_can_have_more_dimensions_than_the_store_keeps() -> None:
    """All there are are ten; the convention's five leave room for five."""
    assert 10 == len(metrics_from({"METRICS_DIMENSIONS": ",".join(DIMENSIONS)}).dimensions)
    assert metrics_from({"METRICS_GEN_AI": "on"}).gen_ai
    with pytest.raises(SettingsUnusable, match="5 dimensions"):
        metrics_from({"METRICS_GEN_AI": "on", "METRICS_DIMENSIONS": ",".join(DIMENSIONS)})


def test_a_connection_string_is_not_shown() -> None:
    """In no log of the settings."""
    environment = {
        "LOGS_INGESTION_ENDPOINT": "https://rule.example",
        "LOGS_INGESTION_RULE_ID": "dcr-1",
        "DEAD_LETTER_FOLDER": "letters",
        "APPLICATIONINSIGHTS_CONNECTION_STRING": INSIGHTS,
    }

    assert "5f0e3a52" not in repr(Settings.read(environment))
