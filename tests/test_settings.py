"""The settings about metering: what an installation can choose, and what it is told when a choice cannot work."""

import pytest

from token_meter.options import MeterOptions, Personal
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


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("KEY_HASH_SECRET", "short"),
        ("KEY_HASH_VERSION", "k:1"),
        ("CLIENT_IP", "maybe"),
        ("USER_OBJECT_ID", "yes"),
        ("RECORD_SHAPE", "S99"),
    ],
)
def test_a_choice_that_cannot_work_is_refused_by_the_settings_name(variable: str, value: str) -> None:
    """And the message does not repeat a secret."""
    with pytest.raises(SettingsUnusable, match=variable) as refused:
        meter_options_from({variable: value})

    assert variable != "KEY_HASH_SECRET" or value not in str(refused.value)
