"""One price: what it is for, where, from when, how much, whose it is, and who says so."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from token_meter.pricing.models import model_and_version, region_id
from token_meter.pricing.money import LARGEST_TOKENS, NotMoney, decimal_of, micro_price
from token_meter.pricing.tables import Cells, Fault, Line, read_table, shown
from token_meter.pricing.terms import ANY, CURRENCIES, UNITS_OF, Basis, DeploymentType, Meter, Tier, Unit

REQUIRED = (
    "meter", "model", "version", "deployment_type", "region", "tier", "unit", "price", "currency", "effective_from",
    "source", "checked_on",
)  # fmt: skip
OPTIONAL = ("prompt_above", "effective_to", "basis")
COLUMNS = (
    "meter", "model", "version", "deployment_type", "region", "tier", "prompt_above", "unit", "price", "currency",
    "effective_from", "effective_to", "basis", "source", "checked_on",
)  # fmt: skip
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}|\*")
REGIONS = re.compile(r"\*|[a-z0-9]{2,40}(?: [a-z0-9]{2,40})*")
CURRENCY = re.compile("|".join(sorted(CURRENCIES)))
SOURCE = re.compile(r".{3,500}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What a price is for. `regions` is one region here, or `*`: a row that lists several has a key for each."""

    basis: Basis
    meter: Meter
    model: str
    version: str
    deployment_type: str
    region: str
    tier: str
    prompt_above: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """A row of a price file."""

    meter: Meter
    model: str
    version: str
    deployment_type: str
    regions: tuple[str, ...]
    tier: str
    prompt_above: int
    """The price is for calls whose prompt has more tokens than this; 0 is for all, until a larger one takes over."""
    unit: Unit
    price: Decimal
    micro: int
    """The price in micro-units: a million tokens, a PTU hour, or 1 of the unit."""
    currency: str
    effective_from: date
    effective_to: date | None
    """The first day on which it is no longer in force; None until the next price of the same key."""
    basis: Basis
    source: str
    checked_on: date
    place: str
    """The file and line that the row stands on."""

    @property
    def keys(self) -> tuple[Key, ...]:
        """Return a key for each region."""
        return tuple(
            Key(
                basis=self.basis,
                meter=self.meter,
                model=self.model,
                version=self.version,
                deployment_type=self.deployment_type,
                region=region,
                tier=self.tier,
                prompt_above=self.prompt_above,
            )
            for region in self.regions
        )

    @property
    def cells(self) -> tuple[str, ...]:
        """Return the row as a file has it, in the order of COLUMNS."""
        return (
            self.meter, self.model, self.version, self.deployment_type, " ".join(self.regions), self.tier,
            str(self.prompt_above), self.unit, format(self.price, "f"), self.currency, self.effective_from.isoformat(),
            self.effective_to.isoformat() if self.effective_to else "", self.basis, self.source,
            self.checked_on.isoformat(),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PriceFile:
    """A file's rows, and what is wrong with its other lines."""

    rows: tuple[PriceRow, ...]
    faults: tuple[Fault, ...]


def read_price_file(path: Path) -> PriceFile:
    """Return the rows of a price file that can be read, each by itself, and a fault for all that is wrong."""
    table = read_table(path, REQUIRED, OPTIONAL)
    return _joined((_row(line) for line in table.lines), table.faults)


def _joined(parts: Iterable[PriceRow | tuple[Fault, ...]], faults: tuple[Fault, ...]) -> PriceFile:
    rows: list[PriceRow] = []
    wrong = list(faults)
    for part in parts:
        if isinstance(part, PriceRow):
            rows.append(part)
        else:
            wrong += part
    return PriceFile(tuple(rows), tuple(wrong))


def _row(line: Line) -> PriceRow | tuple[Fault, ...]:
    cells = Cells(line)
    meter, unit = cells.word("meter", Meter), cells.word("unit", Unit)
    model = _model(cells)
    version = cells.text("version", NAME, "a version's name or *").lower()
    deployment_type = _word_or_any(cells, "deployment_type", DeploymentType)
    regions = _regions(cells)
    tier = _word_or_any(cells, "tier", Tier)
    prompt_above = cells.number("prompt_above", LARGEST_TOKENS)
    amount = _amount(cells)
    currency = cells.text("currency", CURRENCY, f"one of {', '.join(sorted(CURRENCIES))}")
    effective_from, checked_on = cells.day("effective_from"), cells.day("checked_on")
    effective_to = cells.day("effective_to") if line.cells.get("effective_to") else None
    basis = cells.word("basis", Basis, Basis.CONTRACT)
    source = cells.text("source", SOURCE, "a source (3 to 500 characters)")
    if effective_from and effective_to and effective_to <= effective_from:
        cells.fault(f"effective_to {effective_to} is not after effective_from {effective_from}")
    if meter and unit and unit not in UNITS_OF[meter]:
        cells.fault(f"unit {unit} does not fit {meter}: use {' or '.join(sorted(UNITS_OF[meter]))}")
    micro = _micro(cells, amount, unit)
    if cells.faults or not (meter and unit and amount is not None and effective_from and checked_on and basis):
        return tuple(cells.faults)
    return PriceRow(
        meter=meter,
        model=model,
        version=version,
        deployment_type=deployment_type,
        regions=regions,
        tier=tier,
        prompt_above=prompt_above,
        unit=unit,
        price=amount,
        micro=micro,
        currency=currency,
        effective_from=effective_from,
        effective_to=effective_to,
        basis=basis,
        source=source,
        checked_on=checked_on,
        place=line.place,
    )


def _model(cells: Cells) -> str:
    name = cells.text("model", NAME, "a model's name, without a provider before it")
    if name == ANY and cells.line.cells.get("meter") != Meter.PTU_HOUR:
        cells.fault("model * prices every model alike; only ptu_hour may")
    model, version = model_and_version(name)
    if version:
        cells.fault(f"model {shown(name)} holds its version: write model {model}, version {version}")
    return model


def _word_or_any(cells: Cells, name: str, words: type[DeploymentType] | type[Tier]) -> str:
    if cells.line.cells.get(name) == ANY:
        return ANY
    return cells.word(name, words) or ANY


def _regions(cells: Cells) -> tuple[str, ...]:
    text = cells.text("region", REGIONS, "a region such as swedencentral, several with a blank between, or *")
    regions = tuple(sorted(region_id(part) for part in text.split()))
    if len(set(regions)) < len(regions):
        cells.fault("region names one twice")
    return regions or (ANY,)


def _amount(cells: Cells) -> Decimal | None:
    try:
        return decimal_of(cells.line.cells.get("price", ""))
    except NotMoney as fault:
        cells.fault(f"price {fault}")
        return None


def _micro(cells: Cells, amount: Decimal | None, unit: Unit | None) -> int:
    if amount is None or unit is None:
        return 0
    try:
        return micro_price(amount, unit)
    except NotMoney as fault:
        cells.fault(f"price {fault}")
        return 0
