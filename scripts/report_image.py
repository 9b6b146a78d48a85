"""Draw docs/images/report.png: the report of a made-up company's month, as Chromium shows it.

The applications are listed by name, as a customer lists its own, and every deployment pays for tokens: what the calls
cost would vanish beside the hours of provisioned capacity.
"""

import csv
import shutil
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
sys.path.insert(0, str(REPOSITORY))

from tests.browser import chromium  # noqa: E402 - the path above
from token_meter import kql  # noqa: E402
from token_meter.cli.metering import meter_into_store  # noqa: E402
from token_meter.cli.reporting import write_report  # noqa: E402
from token_meter.cli.simulating import simulate_month  # noqa: E402
from token_meter.options import MeterOptions  # noqa: E402
from token_meter.pricing import usable_book, write_functions  # noqa: E402
from token_meter.report.month import Dimension  # noqa: E402
from token_meter.simulation.landscape import APPLICATIONS  # noqa: E402

IMAGE = REPOSITORY / "docs" / "images" / "report.png"
BEFORE, MONTH, MADE = "2026-09", "2026-10", "2026-11-02T08:00:00Z"
CALLS = 20_000
WIDTH, HEIGHT = 1_000, 1_710
LARGEST = 300_000
"""Bytes."""


def named_functions(folder: Path) -> None:
    """Make the KQL functions of the made-up company's own lists the ones that are asked."""
    shutil.copytree(REPOSITORY / "kql", folder / "kql")
    shutil.copytree(REPOSITORY / "prices", folder / "prices")
    with (folder / "prices" / "applications.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("app_id", "name", "owner", "cost_centre", "monthly_budget"))
        for app in APPLICATIONS:
            writer.writerow((app.app_id, app.name, f"{app.name}@fabrikam.example", app.cost_centre, ""))
    (folder / "prices" / "deployments.csv").unlink()
    write_functions(usable_book(folder / "prices"), folder / "kql" / "functions")
    kql.IN_CHECKOUT = folder / "kql"


def main() -> int:
    """Write the image; return the exit status."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        named_functions(folder)
        months = [str(folder / f"{month}.jsonl") for month in (BEFORE, MONTH)]
        for seed, (month, file) in enumerate(zip((BEFORE, MONTH), months, strict=True)):
            simulate_month(month, CALLS, seed, file, "")
        store, page = str(folder / "usage.duckdb"), folder / "report.html"
        meter_into_store(months, store, str(folder / "dead-letters"), MeterOptions())
        write_report(MONTH, Dimension.COST_CENTRE, str(page), store=store, workspace="", made_at=MADE)
        with chromium() as browser:
            if browser is None:
                print("no Chromium here: `apt-get install chromium` or `playwright install chromium`")
                return 2
            tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
            tab.goto(page.as_uri())
            image = tab.screenshot()
    if len(image) > LARGEST:
        print(f"the image has {len(image):,} bytes, more than {LARGEST:,}")
        return 1
    IMAGE.parent.mkdir(parents=True, exist_ok=True)
    IMAGE.write_bytes(image)
    print(f"wrote {IMAGE.relative_to(REPOSITORY)}, {len(image):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
