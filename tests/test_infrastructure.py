"""The infrastructure, as far as one machine can check it: no Bicep compiler is at hand where these run.

docs/infrastructure.md says what this leaves unchecked. Where `bicep` is on the PATH it builds and lints them too.
"""

import dataclasses
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.bicep_files import DECLARED, INFRA, OUTPUT_USE, BicepFile, bicep_files, given_parameters, loaded
from token_meter.columns import columns
from token_meter.kql import shipped_functions
from token_meter.settings import Settings
from token_meter.tables import TABLES

FILES = {file.name: file for file in bicep_files()}
MAIN = FILES["main.bicep"]
GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
KEYS = re.compile(r"listKeys|listConnectionStrings|primaryKey|secondaryKey|AccountKey|SharedAccessKey=|@secure")
OF_THE_HOST = re.compile(r"(?:AzureWebJobsStorage|EventHubConnection|ReplayQueue)__|APPLICATIONINSIGHTS_")
OF_THE_TRIGGER = {"EVENT_HUB_NAME", "EVENT_HUB_CONSUMER_GROUP"}


def uses() -> Iterator[tuple[str, dict[str, Any], BicepFile]]:
    """Yield every use of a module in the main file, with the file that it uses."""
    for name, module in MAIN.modules.items():
        yield name, module, FILES[module["detail"]["path"]]


def settings_given() -> set[str]:
    """Return the names of the application settings that the main file and the Function's module give."""
    text = MAIN.text + FILES["modules/function.bicep"].text
    block = text[text.index("settings: union(") :]
    return set(re.findall(r"^\s+([A-Za-z]+(?:_[A-Za-z]+)+): ", block, re.MULTILINE))


@pytest.mark.parametrize(("name", "module", "file"), list(uses()), ids=[name for name, _, _ in uses()])
def test_a_module_is_given_what_it_asks_for_and_nothing_else(
    name: str, module: dict[str, Any], file: BicepFile
) -> None:
    """Parameters without a default must be there; none may be there that the module does not know."""
    required = {key for key, parameter in file.parameters.items() if parameter.get("default") is None}
    given = given_parameters(module)

    assert (set(), set()) == (required - given, given - set(file.parameters)), name


def test_every_output_that_is_used_exists() -> None:
    """In the module that it is asked of."""
    asked = {(module, output) for module, output in OUTPUT_USE.findall(MAIN.text)}
    missing = {
        (module, output)
        for module, output in asked
        if output not in FILES[MAIN.modules[module]["detail"]["path"]].outputs
    }

    assert set() == missing


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_what_is_declared_is_used(file: BicepFile) -> None:
    """A parameter or variable that nothing reads is a mistake or a leftover."""
    unused = [name for name in DECLARED.findall(file.text) if len(re.findall(rf"\b{name}\b", file.text)) < 2]

    assert [] == unused


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_api_versions_are_those_of_the_one_list(file: BicepFile) -> None:
    """infra/api-versions.json; so an upgrade is one line and its uses."""
    pinned = loaded("api-versions.json")
    used = {(item["type"], item["api_version"]) for item in file.resources.values()}

    assert set() == {(kind, version) for kind, version in used if pinned.get(kind) != version}


def test_the_list_of_api_versions_has_no_leftover() -> None:
    """Every type in it is used."""
    used = {item["type"] for file in FILES.values() for item in file.resources.values()}

    assert used == set(loaded("api-versions.json"))


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_ids_of_roles_stand_in_the_one_list_only(file: BicepFile) -> None:
    """infra/roles.json."""
    assert [] == GUID.findall(file.text)


def test_every_role_of_the_list_is_granted_somewhere() -> None:
    """Least privilege begins with no leftovers."""
    granted = {name for file in FILES.values() for name in re.findall(r"\broles\.(?!json)(\w+)", file.text)}

    assert set(loaded("roles.json")) == granted


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_nothing_is_done_with_a_key(file: BicepFile) -> None:
    """Identities do everything; the one shared access rule that diagnostic settings need is named, never read."""
    assert [] == KEYS.findall(file.text)


def test_every_parameter_of_the_main_file_is_described_and_has_a_default() -> None:
    """`az deployment group create` without any parameter works."""
    for name, parameter in MAIN.parameters.items():
        described = any(item["type"] == "description" for item in parameter["decorators"])

        assert (True, True) == (described, parameter.get("default") is not None), name


def test_every_resource_that_can_be_tagged_is() -> None:
    """Cost management goes by tags."""
    made = [
        (f"{file.name}: {name}", _block_of(file.text, name))
        for file in FILES.values()
        for name, item in file.resources.items()
        if not item["existing"]
    ]

    assert [] == [name for name, block in made if "location:" in block and "tags" not in block]


def _block_of(text: str, resource: str) -> str:
    start = re.search(rf"^resource {resource} ", text, re.MULTILINE)
    assert start is not None
    end = text.find("\n}\n", start.end())
    return text[start.start() : end]


def test_the_tables_and_the_rules_streams_have_the_rows_columns() -> None:
    """Names, order and types, out of the row definitions."""
    declared = loaded("generated/tables.json")
    for row_type, table in zip(TABLES, declared["tables"], strict=True):
        kind: type = row_type
        expected = [(item.name, item.kusto_type) for item in columns(kind)]
        stream = declared["streamDeclarations"][f"Custom-{row_type.TABLE}"]["columns"]

        assert row_type.TABLE == table["name"]
        assert expected == [(item["name"], item["type"]) for item in stream]
        assert expected == [(item["name"], item["type"].lower()) for item in table["columns"]]


RESERVED_COLUMNS = {"_ResourceId", "id", "_SubscriptionId", "TenantId", "Type", "UniqueId", "Title"}
COLUMN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,44}")


def test_columns_are_named_as_log_analytics_allows() -> None:
    """Microsoft Learn, "Create a custom table": a letter first, at most 45 characters, none of the reserved names."""
    names = {item["name"] for table in loaded("generated/tables.json")["tables"] for item in table["columns"]}

    assert set() == {name for name in names if not COLUMN_NAME.fullmatch(name) or name in RESERVED_COLUMNS}


def test_the_saved_functions_are_the_shipped_ones() -> None:
    """Word for word."""
    expected = [(item.name, item.parameters, item.body) for item in shipped_functions()]

    assert expected == [(item["name"], item["parameters"], item["body"]) for item in loaded("generated/functions.json")]


def test_the_function_is_given_settings_that_it_knows() -> None:
    """A misspelt setting would be ignored without a word."""
    known = {item.metadata["variable"] for item in dataclasses.fields(Settings)} | OF_THE_TRIGGER
    unknown = {name for name in settings_given() if name not in known and not OF_THE_HOST.match(name)}

    assert set() == unknown


def test_the_pages_give_parameters_that_there_are() -> None:
    """A misspelt one would fail the deployment of whoever copies the command."""
    pages = "".join(page.read_text(encoding="utf-8") for page in (INFRA.parent / "docs").glob("*.md"))
    given = {
        name for line in re.findall(r"--parameters ((?:\\\n|.)*)", pages) for name in re.findall(r"\b(\w+)=", line)
    }

    assert {"apimName", "teams"} <= given <= set(MAIN.parameters)


def test_bicep_builds_and_lints_without_a_warning() -> None:
    """With the compiler itself, where there is one."""
    bicep = shutil.which("bicep")
    if bicep is None:
        pytest.skip("no bicep executable on the PATH: the files are parsed, not compiled (docs/infrastructure.md)")
    for command in (["build", "--stdout"], ["lint"]):
        done = subprocess.run([bicep, *command, str(INFRA / "main.bicep")], capture_output=True, text=True, check=False)
        assert (0, "") == (done.returncode, done.stderr)


def test_the_page_lists_all_that_can_be_chosen_and_is_granted() -> None:
    """docs/infrastructure.md: every parameter, role and API version."""
    page = (INFRA.parent / "docs" / "infrastructure.md").read_text(encoding="utf-8")
    wanted = [f"| `{name}` |" for name in MAIN.parameters]
    wanted += [f"`{role}`" for role in loaded("roles.json").values()]
    wanted += [f"| `{kind}` | {version} |" for kind, version in loaded("api-versions.json").items()]

    assert [] == [text for text in wanted if text not in page]
