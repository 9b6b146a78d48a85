"""The golden samples of record shapes: events as gateways write them, and what the meter must make of them."""

import functools
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from token_meter import Event, Origin, Outcome, meter
from token_meter.options import DEFAULTS, MeterOptions

FOLDER = Path(__file__).parent / "golden" / "shapes"
HUB = "contoso-ai/usage"


@dataclass(frozen=True)
class Sample:
    """One file of tests/golden/shapes."""

    name: str
    about: dict[str, Any]

    @property
    def shape(self) -> str:
        """The name of the shape that the sample is of."""
        return str(self.about["shape"])

    @property
    def secrets(self) -> list[str]:
        """Texts in the sample that must appear in no output."""
        return list(self.about.get("secrets", []))

    @functools.cached_property
    def events(self) -> tuple[Event, ...]:
        """The sample's events, as they lie on a hub."""
        return tuple(as_event(item, place, self.name) for place, item in enumerate(self.about["events"]))

    @functools.cached_property
    def twin(self) -> Event:
        """The record that resembles the sample and must be taken for something else."""
        return as_event({"arrived": self.about["events"][0]["arrived"], **self.about["twin"]}, 99, self.name)

    def metered(self, options: MeterOptions = DEFAULTS) -> Outcome:
        """Return what the meter makes of the sample in one batch."""
        return meter(self.events, options)


def as_event(item: dict[str, Any], place: int, name: str) -> Event:
    """Return an event of a sample; each has a place on the hub of its own."""
    text = item["text"] if "text" in item else json.dumps(item["body"])
    arrived = datetime.fromisoformat(item["arrived"]) if item["arrived"] else None
    return Event(text.encode(), Origin(hub=HUB, partition=name, sequence_number=place, enqueued_time=arrived))


def samples() -> list[Sample]:
    """Return all golden samples, in the order of their names."""
    return [Sample(path.stem, json.loads(path.read_text())) for path in sorted(FOLDER.glob("*.json"))]


SAMPLES = samples()
BY_NAME = {sample.name: sample for sample in SAMPLES}
