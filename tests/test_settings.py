"""The settings about metering: what an installation can choose, and what it is told when a choice cannot work."""

import pytest

from token_meter.codes import Kind
from token_meter.events import Origin
from token_meter.options import MeterOptions, Personal
from token_meter.reading import read_exchange
from token_meter.record import Record
from token_meter.settings import SettingsUnusable, meter_options_from

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
