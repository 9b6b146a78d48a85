"""The sinks that a command writes to: the embedded store or Log Analytics, and where dead letters go."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from token_meter.options import MeterOptions
from token_meter.pipeline import Pipeline
from token_meter.settings import Settings
from token_meter.sinks.dead_letters import DeadLetterFolder
from token_meter.sinks.duckdb_store import DuckDbStore

LOG_ANALYTICS = "Log Analytics"
USUAL_FOLDER = "dead-letters"
PLACES = ("DEAD_LETTER_FOLDER", "DEAD_LETTER_CONTAINER_URL")
"""The settings that name where dead letters are kept."""


@dataclass(frozen=True, slots=True)
class Sinks:
    """A pipeline that is open, and where things go, as a person is told."""

    pipeline: Pipeline
    rows: str
    letters: str


@contextmanager
def sinks(store: str, dead_letters: str, options: MeterOptions, *, usual: bool = False) -> Iterator[Sinks]:
    """Open the embedded store where one is named, else Log Analytics as the settings in the environment say.

    `dead_letters` is a folder; empty is the settings' place, or for the embedded store the usual folder. `usual` takes
    that one also where the settings name no place. Raises StoreUnusable and SettingsUnusable.
    """
    if store:
        folder = dead_letters or USUAL_FOLDER
        with DuckDbStore(store) as sink:
            yield Sinks(
                Pipeline(sink=sink, dead_letters=DeadLetterFolder(Path(folder)), options=options), store, folder
            )
        return
    # Azure's libraries take long to load, and the embedded store does without them
    from token_meter.azure_pipeline import azure_pipeline  # noqa: PLC0415

    if usual and not any(os.environ.get(variable) for variable in PLACES):
        dead_letters = dead_letters or USUAL_FOLDER
    folder_instead = {"DEAD_LETTER_FOLDER": dead_letters, "DEAD_LETTER_CONTAINER_URL": ""} if dead_letters else {}
    settings = Settings.read({**os.environ, **folder_instead})
    yield Sinks(
        azure_pipeline(settings, options),
        LOG_ANALYTICS,
        settings.dead_letter_folder or settings.dead_letter_container_url,
    )
