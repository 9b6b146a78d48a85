"""What a deployment is where no call says it: its type, region, model, and how many PTUs it has."""

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from token_meter.pricing.models import model_and_version, region_id
from token_meter.pricing.money import LARGEST_PTUS
from token_meter.pricing.tables import Cells, Fault, Line, read_table
from token_meter.pricing.terms import ANY, DeploymentType, Tier

REQUIRED = ("deployment", "backend", "deployment_type", "region", "ptus", "effective_from")
OPTIONAL = ("model", "tier", "note")
NAME = re.compile(r"[^\s'\"\\]{1,256}")
REGION = re.compile(r"[A-Za-z0-9 ]{0,60}")
MODEL = re.compile(r"[A-Za-z0-9._:/-]{0,120}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRow:
    """A deployment between two days."""

    deployment: str
    """Its name in lower case, or `*` for every one on the backend."""
    backend: str
    """The gateway's backend in lower case, or `*`."""
    deployment_type: DeploymentType
    region: str
    """As Azure's resource manager writes it; empty where the call's own counts."""
    model: str
    version: str
    tier: str
    ptus: int
    """0 where tokens are paid."""
    effective_from: date
    effective_to: date | None
    place: str


@dataclass(frozen=True, slots=True)
class DeploymentFile:
    """The deployments, and what is wrong with the file."""

    rows: tuple[DeploymentRow, ...]
    faults: tuple[Fault, ...]


def read_deployments(path: Path) -> DeploymentFile:
    """Return the deployments in order of name, backend and time; each ends where its next row begins."""
    table = read_table(path, REQUIRED, OPTIONAL)
    faults = list(table.faults)
    by_name: dict[tuple[str, str], list[DeploymentRow]] = defaultdict(list)
    for line in table.lines:
        cells = Cells(line)
        row = _row(line, cells)
        faults += cells.faults
        if row is not None:
            by_name[row.deployment, row.backend].append(row)
    rows: list[DeploymentRow] = []
    for name in sorted(by_name):
        ordered = sorted(by_name[name], key=lambda row: row.effective_from)
        for row, following in zip(ordered, [*ordered[1:], None], strict=True):
            if following is not None and following.effective_from == row.effective_from:
                faults.append(Fault(following.place, f"is about the same as {row.place}, from the same day"))
            rows.append(replace(row, effective_to=following.effective_from if following else None))
    return DeploymentFile(tuple(rows), tuple(faults))


def _row(line: Line, cells: Cells) -> DeploymentRow | None:
    deployment = cells.text("deployment", NAME, "a deployment's name or *").lower()
    backend = cells.text("backend", NAME, "a backend's name or *").lower()
    if deployment == ANY and backend == ANY:
        cells.fault("deployment * on backend * would be every call; name one of them")
    deployment_type = cells.word("deployment_type", DeploymentType)
    model, version = model_and_version(cells.text("model", MODEL, "a model's name"))
    effective_from = cells.day("effective_from")
    region = region_id(cells.text("region", REGION, "a region such as swedencentral"))
    tier = cells.word("tier", Tier) if line.cells.get("tier") else None
    ptus = cells.number("ptus", LARGEST_PTUS)
    if ptus and not region and deployment_type is not DeploymentType.GLOBAL:
        cells.fault("provisioned capacity has the price of its region; name it")
    if cells.faults or deployment_type is None or effective_from is None:
        return None
    return DeploymentRow(
        deployment=deployment,
        backend=backend,
        deployment_type=deployment_type,
        region=region,
        model=model,
        version=version,
        tier=tier or "",
        ptus=ptus,
        effective_from=effective_from,
        effective_to=None,
        place=line.place,
    )
