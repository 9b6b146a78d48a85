"""The price files, read as plain CSV."""

import csv
import re
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

PRICES = Path(__file__).parent.parent.parent / "prices"
PER_MILLION = {"1K tokens": 1000, "1M tokens": 1, "1 PTU hour": 1}
METERS = (
    "prompt", "cached_prompt", "cache_write", "completion", "audio_prompt", "audio_completion", "image_prompt",
    "ptu_hour",
)  # fmt: skip
VERSION = re.compile(r"(.+?)-(\d{4}-\d{2}-\d{2}|\d{8}|\d{4}(?:-preview)?)")


@dataclass(frozen=True)
class Price:
    """A line of the price file. The price is of a million tokens, or of a PTU and hour."""

    meter: str
    model: str
    version: str
    deployment_type: str
    regions: frozenset[str]
    tier: str
    prompt_above: int
    price: Decimal
    effective_from: date
    effective_to: date | None
    basis: str

    @property
    def scope(self) -> tuple[str, str, str, str, str, int]:
        """What it is for, but for the region and the meter."""
        return self.basis, self.model, self.version, self.deployment_type, self.tier, self.prompt_above


@dataclass(frozen=True)
class Listed:
    """A line of the file of deployments."""

    deployment: str
    backend: str
    deployment_type: str
    region: str
    model: str
    version: str
    tier: str
    ptus: int
    effective_from: date


@dataclass(frozen=True)
class App:
    """A line of the file of applications. The budget is in nano-units."""

    app_id: str
    name: str
    owner: str
    cost_centre: str
    budget: int | None


@dataclass(frozen=True)
class Book:
    """All three files."""

    prices: tuple[Price, ...]
    deployments: tuple[Listed, ...]
    apps: dict[str, App]
    currency: str
    checked_on: str
    """The newest day on which a price was checked."""
    by_model: dict[str, list[Price]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Sort the prices by model."""
        for price in self.prices:
            self.by_model.setdefault(price.model, []).append(price)


def read_book(folder: Path = PRICES) -> Book:
    """Return what the files say."""
    lines = [line for name in ("azure_openai.csv", "contract.csv") for line in _lines(folder / name)]
    prices = tuple(_price(line) for line in lines if line["meter"] in METERS)
    (currency,) = {line["currency"] for line in lines}
    deployments = tuple(_listed(line) for line in _lines(folder / "deployments.csv"))
    apps = {line["app_id"]: _app(line) for line in _lines(folder / "applications.csv")}
    return Book(prices, deployments, apps, currency, max(line["checked_on"] for line in lines))


def model_and_version(name: str) -> tuple[str, str]:
    """Return a model's name without its version, and the version; a fine-tuned one keeps its whole name."""
    plain = name.lower().rpartition("/")[2]
    if plain.startswith("gpt-35"):
        plain = "gpt-3.5" + plain.removeprefix("gpt-35")
    found = None if plain.startswith("ft:") or ".ft-" in plain else VERSION.fullmatch(plain)
    return (found[1], found[2]) if found else (plain, "")


def region_id(text: str) -> str:
    """Return a region as the price file writes it."""
    return text.lower().replace(" ", "")


def as_day(moment: datetime) -> date:
    """Return the UTC day of a moment."""
    return moment.date()


def _lines(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _price(line: dict[str, str]) -> Price:
    return Price(
        meter=line["meter"],
        model=line["model"].lower(),
        version=line["version"],
        deployment_type=line["deployment_type"],
        regions=frozenset(line["region"].split()),
        tier=line["tier"],
        prompt_above=int(line.get("prompt_above") or 0),
        price=Decimal(line["price"]) * PER_MILLION[line["unit"]],
        effective_from=date.fromisoformat(line["effective_from"]),
        effective_to=date.fromisoformat(line["effective_to"]) if line.get("effective_to") else None,
        basis=line.get("basis") or "contract",
    )


def _listed(line: dict[str, str]) -> Listed:
    model, version = model_and_version(line["model"]) if line.get("model") else ("", "")
    return Listed(
        deployment=line["deployment"].lower(),
        backend=line["backend"].lower(),
        deployment_type=line["deployment_type"],
        region=region_id(line["region"]),
        model=model,
        version=version,
        tier=line.get("tier", ""),
        ptus=int(line["ptus"] or 0),
        effective_from=date.fromisoformat(line["effective_from"]),
    )


def _app(line: dict[str, str]) -> App:
    budget = line.get("monthly_budget")
    return App(
        app_id=line["app_id"],
        name=line["name"],
        owner=line["owner"],
        cost_centre=line["cost_centre"],
        budget=int(Decimal(budget) * 10**9) if budget else None,
    )
