"""What is built, pinned, published and tracked is what it should be, and nothing else."""

import hashlib
import inspect
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from pathspec import GitIgnoreSpec
from tiktoken_ext import openai_public

REPOSITORY = Path(__file__).parent.parent
PYTHONS = ("3.11", "3.12", "3.13")
PUBLISHED_RANK_FILE = re.compile(r'"(?P<address>https:[^"]+/(?P<name>\w+)\.tiktoken)",\s+expected_hash="(?P<hash>\w+)"')
ENCODINGS = ("cl100k_base", "o200k_base", "p50k_base")
MADE_ELSEWHERE = {
    "an address in a lock file": re.compile(r'"resolved": *"http'),
    "a package index": re.compile(r"^ *(--index-url|--extra-index-url|--find-links|-i) ", re.MULTILINE),
    "a registry": re.compile(r'registry *= *"http'),
    "a path of one machine": re.compile(r"/(work|farm|root)/"),
}
Project = dict[str, Any]


@pytest.fixture(scope="module")
def project() -> Project:
    """Return what pyproject.toml says."""
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheel and the source distribution, built from this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that the wheel unpacks to."""
    folder = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(next(built.glob("*.whl"))) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def tracked() -> tuple[Path, ...]:
    """Return the files that git tracks or would track, relative to the checkout; skip where there is no git."""
    git = shutil.which("git")
    if git is None or not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout")
    command = [git, "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
    return tuple(path for path in map(Path, listed.split("\0")[:-1]) if (REPOSITORY / path).is_file())


def pins(name: str) -> dict[Requirement, list[str]]:
    """Return the pins in a requirement file, each with its hashes."""
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    entries = re.sub(r"^ *#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return {Requirement(entry.split("--hash")[0]): entry.split("--hash=")[1:] for entry in entries}


def pinned_versions(name: str, python: str) -> dict[str, str]:
    """Return package → version that a requirement file gives on Linux with a Python. Two pins at once are an error."""
    environment = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    versions: dict[str, str] = {}
    for pin in pins(name):
        if pin.marker is None or pin.marker.evaluate(environment):
            assert pin.name not in versions
            versions[pin.name] = str(pin.specifier).removeprefix("==")
    return versions


def unmet(wanted: list[str], name: str, python: str) -> list[str]:
    """Return the requirements that a requirement file does not meet on a Python."""
    versions = pinned_versions(name, python)
    return [
        text
        for text, requirement in ((text, Requirement(text)) for text in wanted)
        if requirement.marker is None or requirement.marker.evaluate({"python_version": python})
        if not requirement.specifier.contains(versions.get(requirement.name, "0"))
    ]


@pytest.mark.parametrize("name", ENCODINGS)
def test_the_wheel_has_the_rank_files_that_tiktoken_asks_for(wheel: Path, name: str) -> None:
    """Name and content are those that the installed tiktoken states."""
    published = {found["name"]: found for found in PUBLISHED_RANK_FILE.finditer(inspect.getsource(openai_public))}
    file_name = hashlib.sha1(published[name]["address"].encode(), usedforsecurity=False).hexdigest()
    content = (wheel / "token_meter" / "encodings" / file_name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == published[name]["hash"]
    readme = (wheel / "token_meter" / "encodings" / "README.md").read_text(encoding="utf-8")
    assert f"| `{file_name}` | `{name}` | `{published[name]['hash']}` |" in readme


def test_the_wheel_is_typed_and_licensed(wheel: Path) -> None:
    """The marker of PEP 561 is in it, and both licences."""
    assert (wheel / "token_meter" / "py.typed").exists()
    assert len(list(wheel.glob("*.dist-info/licenses/**/LICENSE"))) == 2


def test_the_wheel_has_all_kql(wheel: Path) -> None:
    """Every shipped function and query of the checkout is in it."""
    shipped = {path.relative_to(REPOSITORY / "kql") for path in (REPOSITORY / "kql").rglob("*.kql")}
    assert shipped
    assert shipped == {path.relative_to(wheel / "token_meter/kql") for path in wheel.rglob("*.kql")}


def test_the_wheel_has_what_the_report_is_drawn_with(wheel: Path) -> None:
    """The page and its style, beside the code that fills them."""
    folder = Path("token_meter") / "report" / "templates"

    assert {path.name for path in (REPOSITORY / folder).iterdir()} == {path.name for path in (wheel / folder).iterdir()}


def test_the_wheel_has_nothing_but_the_package(wheel: Path) -> None:
    """No tests, no records, no other top-level name."""
    assert {path.name.removesuffix(".dist-info").split("-")[0] for path in wheel.iterdir()} == {
        "token_meter",
        "apim_token_meter",
    }
    assert not [path for path in wheel.rglob("*") if path.suffix in {".gz", ".jsonl", ".avro", ".duckdb"}]


def test_the_wheel_answers_kql_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """Installed somewhere else, it finds its own functions."""
    code = "import token_meter.kql as kql; print(kql.kql_folder()); assert kql.shipped_functions()"
    environment = {"PYTHONPATH": str(wheel)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == str(wheel / "token_meter" / "kql")


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_pin_is_exact_and_hashed(name: str) -> None:
    """One version, and at least one SHA-256 of it."""
    assert pins(name)
    for pin, hashes in pins(name).items():
        assert re.fullmatch(r"==[\w.]+", str(pin.specifier)), pin
        assert hashes, pin
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64} *", item) for item in hashes), pin


@pytest.mark.parametrize("python", PYTHONS)
def test_the_functions_pins_are_within_the_ranges_of_the_project(project: Project, python: str) -> None:
    """`make lock` was run after the last change of a dependency."""
    assert not unmet(project["project"]["dependencies"], "requirements.txt", python)


@pytest.mark.parametrize("python", PYTHONS)
def test_the_development_pins_are_within_the_ranges_of_the_project(project: Project, python: str) -> None:
    """They cover the command line, the tools of `make test` and the build backend as well."""
    wanted = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["local"],
        *project["dependency-groups"]["dev"],
        *project["build-system"]["requires"],
    ]
    assert not unmet(wanted, "requirements-dev.txt", python)


@pytest.mark.parametrize("python", PYTHONS)
def test_what_is_tested_is_what_is_published(python: str) -> None:
    """The Function's pins are the same in both files."""
    published = pinned_versions("requirements.txt", python)
    assert published.items() <= pinned_versions("requirements-dev.txt", python).items()


def test_nothing_tracked_is_of_one_machine_or_registry(tracked: tuple[Path, ...]) -> None:
    """No package index, no lock file with addresses, no path of the machine that it was written on."""
    found = [
        f"{path}: {what}"
        for path in tracked
        if path.suffix or path.parent.name != "encodings"
        for what, pattern in MADE_ELSEWHERE.items()
        if pattern.search((REPOSITORY / path).read_bytes().decode("utf-8", "replace"))
    ]
    assert not found


@pytest.fixture(scope="module")
def published(tracked: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return the tracked files that Core Tools would publish."""
    ignored = GitIgnoreSpec.from_lines((REPOSITORY / ".funcignore").read_text(encoding="utf-8").splitlines())
    return tuple(path for path in tracked if not ignored.match_file(path))


def test_only_what_the_function_needs_is_published(published: tuple[Path, ...]) -> None:
    """Tests, documents, samples, infrastructure and the command line stay behind."""
    assert {path.parts[0] for path in published} <= {
        ".funcignore",
        "function_app.py",
        "functions",
        "host.json",
        "requirements.txt",
        "token_meter",
        "LICENSE",
    }
    assert not [path for path in published if path.parts[:2] == ("token_meter", "cli")]


def test_what_is_published_starts_without_the_command_lines_packages(
    published: tuple[Path, ...], tmp_path: Path
) -> None:
    """The published files alone load, and load nothing that requirements.txt does not have."""
    for path in published:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / path, tmp_path / path)
    code = "import function_app, token_meter, sys; print(token_meter.__file__, *sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    )
    origin, *modules = done.stdout.splitlines()
    assert Path(origin).is_relative_to(tmp_path)
    assert not {"azure.mgmt", "duckdb", "duckdb_kql", "fastavro", "rich", "typer"} & set(modules)
