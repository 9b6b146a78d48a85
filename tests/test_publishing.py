"""`func azure functionapp publish`, as far as one machine goes: the zip, the remote build, the first batch."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from pathspec import GitIgnoreSpec

from tests.azure_peers import TOKEN, identity_endpoint, identity_variables, post_endpoint, write_certificate
from tests.loopback import serving
from tests.records import record
from tests.test_packaging import REPOSITORY, pins

ALWAYS_LEFT_OUT = GitIgnoreSpec.from_lines(
    [".git/", ".vscode/", ".funcignore", ".gitignore", "local.settings.json", "project.lock.json"]
)
"""Core Tools, FileSystemHelpers.GetLocalFiles; it does not look into .gitignore."""
LEFTOVERS = (
    ".venv/lib/x.py",
    ".venv-3.11/lib/x.py",
    "tests/node/node_modules/x/index.js",
    "dead-letters/x.jsonl",
    "usage.duckdb",
    "usage.duckdb.wal",
    "local.settings.json",
    ".demo/usage.duckdb",
    "dist/x.whl",
    "token_meter/__pycache__/x.pyc",
)
"""What lies about in a checkout that somebody works in."""
LARGEST_ZIP = 8_000_000
"""Bytes. The tokenizers' rank files are most of it; a larger zip means that something slipped in."""
FUNCTIONS_PYTHON = (3, 13)
BLUEPRINTS = {"meter_events"}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of what git tracks or would track, with leftovers lying about in it."""
    git = shutil.which("git")
    if git is None or not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout")
    folder = tmp_path_factory.mktemp("checkout")
    command = [git, "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
    for name in listed.split("\0")[:-1]:
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / name)
    for name in LEFTOVERS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("left over", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def package(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the zip that Core Tools would send: every file on disk less .funcignore's."""
    ignored = GitIgnoreSpec.from_lines((checkout / ".funcignore").read_text(encoding="utf-8").splitlines())
    path = tmp_path_factory.mktemp("package") / "package.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(checkout.rglob("*")):
            name = file.relative_to(checkout).as_posix()
            if file.is_file() and not ALWAYS_LEFT_OUT.match_file(name) and not ignored.match_file(name):
                archive.write(file, name)
    return path


def test_leftovers_of_a_checkout_are_not_published(package: Path) -> None:
    """Environments, stores, dead letters and settings with secrets stay on the machine."""
    with zipfile.ZipFile(package) as archive:
        names = set(archive.namelist())

    assert set() == names & set(LEFTOVERS)
    assert {"function_app.py", "host.json", "requirements.txt"} <= names


def test_the_package_is_small_and_says_what_is_in_it(package: Path) -> None:
    """The list and the sizes are printed, so that a run shows what was published (`pytest -rP`)."""
    with zipfile.ZipFile(package) as archive:
        for item in archive.infolist():
            print(f"{item.file_size:>9,} {item.compress_size:>9,} {item.filename}")

    print(f"{package.stat().st_size:>19,} bytes in all")
    assert package.stat().st_size < LARGEST_ZIP


@pytest.fixture(scope="module")
def built(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """Return the unpacked zip and the interpreter of a fresh environment with requirements.txt and the worker in it."""
    if sys.version_info[:2] != FUNCTIONS_PYTHON:
        pytest.skip("the Function runs on Python 3.13, and so does this")
    app = tmp_path_factory.mktemp("app")
    with zipfile.ZipFile(package) as archive:
        archive.extractall(app)
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True, capture_output=True)
    python = environment / "bin" / "python"
    install = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    started = time.monotonic()
    requirements = ["--no-cache-dir", "--require-hashes", "-r", str(app / "requirements.txt")]
    subprocess.run([*install, *requirements], check=True, capture_output=True)
    print(f"clean install of requirements.txt: {time.monotonic() - started:.1f} s")
    worker = next(pin for pin in pins("requirements-dev.txt") if pin.name == "azure-functions-runtime")
    subprocess.run([*install, "--no-deps", str(_without_marker(worker))], check=True, capture_output=True)
    yield app, python
    shutil.rmtree(environment)


def _without_marker(pin: Requirement) -> Requirement:
    return Requirement(f"{pin.name}{pin.specifier}")


@pytest.mark.sockets
def test_the_published_app_meters_its_first_batch_with_what_it_brings(built: tuple[Path, Path], tmp_path: Path) -> None:
    """Identity, TLS and the SDKs are the real ones; connections go to the sink and the identity's endpoint only."""
    app, python = built
    accepted: list[tuple[str, str, list[dict[str, Any]]]] = []

    def take(path: str, authorization: str, encoding: str, body: bytes) -> int:
        rows = json.loads(gzip.decompress(body) if encoding == "gzip" else body)
        accepted.append((path, authorization, rows))
        return 204

    certificate = write_certificate(tmp_path)
    with (
        serving(post_endpoint(take), certificate) as sink,
        serving(identity_endpoint()) as identity,
    ):
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(tmp_path),
            "STARTED": str(time.time()),
            "ALLOWED_PORTS": f"{sink},{identity}",
            "WORKER": str(REPOSITORY / "tests" / "worker.py"),
            "REQUESTS_CA_BUNDLE": str(certificate[0]),
            **identity_variables(identity),
            "LOGS_INGESTION_ENDPOINT": f"https://localhost:{sink}",
            "LOGS_INGESTION_RULE_ID": "dcr-0123456789abcdef0123456789abcdef",
            "DEAD_LETTER_FOLDER": str(tmp_path / "letters"),
            "METRICS": "off",
        }
        done = subprocess.run(
            [str(python), str(REPOSITORY / "tests" / "published" / "first_batch.py")],
            cwd=app,
            env=environment,
            input=json.dumps(record(requestId="first")) + "\n",
            capture_output=True,
            text=True,
            check=False,
        )

    assert 0 == done.returncode, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    print(f"from start to loaded {report['secondsToLoad']} s, to the first row {report['secondsToFirstRow']} s")
    assert report["ok"], report["exception"]
    assert BLUEPRINTS <= set(report["functions"])
    usage = [row for path, _, rows in accepted if "Custom-TokenUsage_CL" in path for row in rows]
    assert ["first"] == [row["CallId"] for row in usage]
    assert {f"Bearer {TOKEN}"} == {authorization for _, authorization, _ in accepted}
