"""The settings that are looked at: those of the environment, or of a file that somebody has."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from token_meter.jsontypes import Json, as_list, as_object, as_text, parse_json
from token_meter.sources import InputUnusable

LOCAL_SETTINGS = "local.settings.json"
TELLING = "LOGS_INGESTION_ENDPOINT"
"""An environment that has it is one of the meter's."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Settings by name, and where they were found."""

    source: str
    variables: Mapping[str, str] = field(repr=False)


def read_installation(file: str, environment: Mapping[str, str]) -> Installation:
    """Return the settings of a file, or of the environment; of local.settings.json where only that lies here.

    A file is one of Core Tools (`Values`), or what `az functionapp config appsettings list` prints; `-` is standard
    input. Raises InputUnusable where it is neither.
    """
    if not file and TELLING not in environment and Path(LOCAL_SETTINGS).exists():
        file = LOCAL_SETTINGS
    if not file:
        return Installation("the environment", environment)
    return Installation("standard input" if file == "-" else file, _variables(file, parse_json(_text(file))))


def _text(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as fault:
        raise InputUnusable(f"{file}: {fault.strerror or 'cannot be read'}") from fault


def _variables(file: str, content: Json) -> dict[str, str]:
    if isinstance(content, list):
        pairs = [as_object(item) for item in as_list(content)]
        named = {as_text(pair.get("name")): pair.get("value") for pair in pairs}
    else:
        if as_object(content).get("IsEncrypted") is True:
            raise InputUnusable(f"{file}: is encrypted; `func settings decrypt` makes it readable")
        named = dict(as_object(as_object(content).get("Values")))
    found = {name: _as_variable(value) for name, value in named.items() if name}
    if not found:
        raise InputUnusable(
            f"{file}: holds no settings; it must be a local.settings.json, or what "
            "`az functionapp config appsettings list` prints"
        )
    return found


def _as_variable(value: Json) -> str:
    """Return a value as the host puts it into the environment."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)
