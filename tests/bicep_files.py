"""The Bicep files, read by a real parser, and what the tests ask of them."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pycep import BicepParser

INFRA = Path(__file__).parent.parent / "infra"
OUTPUT_USE = re.compile(r"\b(\w+)!?\.outputs\.(\w+)")
DECLARED = re.compile(r"^(?:param|var) (\w+)", re.MULTILINE)


@dataclass(frozen=True)
class BicepFile:
    """One file: its path below infra, its text, what the parser made of it."""

    name: str
    text: str
    parsed: dict[str, Any]

    @property
    def parameters(self) -> dict[str, Any]:
        """Its parameters by name."""
        return dict(self.parsed.get("parameters", {}))

    @property
    def outputs(self) -> set[str]:
        """The names of its outputs."""
        return set(self.parsed.get("outputs", {}))

    @property
    def resources(self) -> dict[str, Any]:
        """Its resources by symbolic name."""
        return dict(self.parsed.get("resources", {}))

    @property
    def modules(self) -> dict[str, Any]:
        """The modules it uses, by symbolic name."""
        return dict(self.parsed.get("modules", {}))


def bicep_files() -> list[BicepFile]:
    """Return every Bicep file of the project. Raises what the parser raises where one is no Bicep."""
    parser = BicepParser()
    return [_read(parser, path) for path in sorted(INFRA.rglob("*.bicep"))]


def _read(parser: BicepParser, path: Path) -> BicepFile:
    text = path.read_text(encoding="utf-8")
    return BicepFile(path.relative_to(INFRA).as_posix(), text, dict(parser.parse(text=text)))


def given_parameters(module: dict[str, Any]) -> set[str]:
    """Return the names of the parameters that a module's use gives, in a loop, under a condition or neither."""
    config = module["config"]
    return set(config.get("config", config).get("params", {}))


def loaded(name: str) -> Any:
    """Return a JSON file below infra."""
    return json.loads((INFRA / name).read_text(encoding="utf-8"))
