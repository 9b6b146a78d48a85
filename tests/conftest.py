"""What all tests share: hypothesis profiles, the recordings, a run without sockets."""

import gc
import importlib.util
import os
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import settings

from tests.gateway.fragments import LARGEST_FRAGMENT, NAMES, size_of
from tests.gateway.pipeline import Gateway, require_tools

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

REPOSITORY = Path(__file__).parent.parent
BESIDE = REPOSITORY.parent / "shared" / "data" / "recordings"
BLOCKED = Path(__file__).parent / "blocked"

settings.register_profile("default", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of a run without sockets, and of one that is brief."""
    parser.addoption("--brief", action="store_true", help="leave out the files that take long (LONG)")
    parser.addoption("--block-sockets", action="store_true", help="refuse every socket, here and in child processes")


LONG = frozenset(
    {
        "test_closing_store",
        "test_compaction",
        "test_cost_laws",
        "test_daily_rows",
        "test_daily_usage",
        "test_infrastructure",
        "test_kusto_parser",
        "test_late_replay",
        "test_ledger",
        "test_month",
        "test_policy_recordings",
        "test_price_method",
        "test_queries",
        "test_recordings",
        "test_reconciliation",
        "test_report",
        "test_report_command",
        "test_simulation",
        "test_tiers",
        "test_token_budget",
        "test_token_cost",
        "test_token_focus",
        "test_token_reconciliation",
        "test_token_rejected",
        "test_token_usage",
        "test_upgrades",
        "test_workbook",
    }
)
"""Files whose tests take long, mostly for the embedded engine's planning, and show little of a Python's version."""


def pytest_report_header() -> str:
    """Say how much of what API Management takes the policy fragments need."""
    return "policy fragments: " + ", ".join(f"{name} {size_of(name):,} of {LARGEST_FRAGMENT:,} bytes" for name in NAMES)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and block sockets where that was asked for."""
    config.addinivalue_line("markers", "sockets: needs a socket on loopback")
    if config.getoption("--block-sockets"):
        block_sockets()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what needs sockets where they are blocked; leave out what takes long where that was asked for."""
    if config.getoption("--brief"):
        left_out = [item for item in items if item.path.stem in LONG]
        items[:] = [item for item in items if item.path.stem not in LONG]
        config.hook.pytest_deselected(items=left_out)
    if config.getoption("--block-sockets"):
        for item in items:
            if item.get_closest_marker("sockets"):
                item.add_marker(pytest.mark.skip(reason="needs a socket on loopback, and sockets are blocked"))


def block_sockets() -> None:
    """Make every socket but a Unix one raise, here and in the Pythons started from here, by tests/blocked."""
    runpy.run_path(str(BLOCKED / "sitecustomize.py"))
    path = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join(part for part in (str(BLOCKED), path) if part)


@pytest.fixture
def container() -> Iterator["ContainerClient"]:
    """Return a new, empty container in Azurite."""
    from tests.azurite import shared_azurite  # noqa: PLC0415 - most tests need no Azure library

    with shared_azurite().new_container() as client:
        yield client


@pytest.fixture
def garbage_collected() -> Iterator[None]:
    """Collect what a test has left while its own filters of warnings hold, and not during the next one's."""
    yield
    gc.collect()


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Return the file of recorded calls; skip where this machine has none."""
    folder = Path(os.environ.get("TOKEN_METER_RECORDINGS") or BESIDE)
    path = folder if folder.is_file() else folder / "dev.jsonl.gz"
    if not path.exists():
        pytest.skip("no recordings on this machine (TOKEN_METER_RECORDINGS names their folder)")
    return path


@pytest.fixture(scope="session")
def withhold(recordings: Path) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return what takes the reported usage out of a recorded record; skip where the script is not there."""
    script = recordings.parent.parent.parent / "tools" / "withhold_usage.py"
    if not script.exists():
        pytest.skip(f"no {script.name} beside the recordings")
    spec = importlib.util.spec_from_file_location("withhold_usage", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast("Callable[[dict[str, Any]], dict[str, Any]]", module.withhold)


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Yield the policy fragments, compiled; skip where this machine has no compiler for them."""
    require_tools()
    compiled = Gateway(tmp_path_factory.mktemp("gateway"))
    yield compiled
    compiled.close()
