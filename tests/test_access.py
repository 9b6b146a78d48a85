"""Who may read which rows: the conditions of role assignments in infra, held against the tables' columns.

Azure evaluates them; here their form is checked by that of the documented ones (Microsoft Learn, "Granular RBAC in
Azure Monitor"), and that they name tables and columns which there are. A misspelt column denies all access there.
"""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.bicep_files import INFRA, bicep_files, loaded
from token_meter.kql import run_query
from token_meter.sinks.duckdb_store import DuckDbStore
from token_meter.tables import TABLES as TABLE_ROWS

TEAM = "modules/teamReader.bicep"
PAGE = (INFRA.parent / "docs" / "access.md").read_text(encoding="utf-8")
FILES = {file.name: file for file in bicep_files()}
PERSONAL = {"UserObjectId", "ClientIp", "EntraTenantId", "ApimSubscription", "CallId", "ServiceResponseId", "Custom"}
"""Columns that tell of a person, or lead to one by the gateway's own logs."""
DATA_READ = "Microsoft.OperationalInsights/workspaces/tables/data/read"
TABLES = r"Microsoft\.OperationalInsights/workspaces/tables"
ATTRIBUTE = rf"@Resource\[{TABLES}(?::name|/record:\w+<\$key_case_sensitive\$>)\]"
VALUE = r"'[A-Za-z0-9@._-]+'"
EXPRESSION = rf"{ATTRIBUTE} (?:StringEquals {VALUE}|ForAllOfAnyValues:StringEquals \{{{VALUE}(?:, {VALUE})*\}})"
CONDITION = re.compile(
    rf"\(\(!\(ActionMatches\{{'{re.escape(DATA_READ)}'\}}\)\) OR \({EXPRESSION}(?: AND {EXPRESSION})*\)\)"
)
APPS = ["11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000"]
LONGEST_CONDITION = 8_192
"""Characters (Azure RBAC limits, "Size of Azure role assignment conditions": 8 KB)."""


def condition(app_ids: list[str]) -> str:
    """Return the condition that the module makes of a team's applications, its strings put together as Bicep does."""
    text = FILES[TEAM].text
    strings = dict(re.findall(r"^var (\w+) = '(.*)'$", text, re.MULTILINE))
    strings["listed"] = r"\'" + r"\', \'".join(app_ids) + r"\'"
    (whole,) = re.findall(r"^    condition: '(.*)'$", text, re.MULTILINE)
    while re.search(r"\$\{(\w+)\}", whole):
        whole = re.sub(r"\$\{(\w+)\}", lambda found: strings[found[1]], whole)
    return str(whole).replace(r"\'", "'")


def table() -> dict[str, Any]:
    """Return the table that a team may read, as it is deployed; skip where this version has none yet."""
    (name,) = re.findall(r"tables:name\] StringEquals '(\w+)'", condition(APPS))
    found = [item for item in loaded("generated/tables.json")["tables"] if item["name"] == name]
    if not found:
        pytest.skip(f"{name} is not among the tables of this version")
    return dict(found[0])


@pytest.mark.parametrize("app_ids", [APPS[:1], APPS])
def test_a_teams_condition_has_the_documented_form(app_ids: list[str]) -> None:
    """One data action, one table, rows by their column's value; anything else passes through the first half."""
    assert CONDITION.fullmatch(condition(app_ids)), condition(app_ids)
    assert all(f"'{app_id}'" in condition(app_ids) for app_id in app_ids)


def test_a_team_of_many_applications_fits() -> None:
    """Beyond that a second assignment takes the rest."""
    assert LONGEST_CONDITION > len(condition(APPS * 75))


def test_a_teams_condition_names_columns_that_its_table_has() -> None:
    """Of type string, which alone can be compared."""
    named = set(re.findall(r"record:(\w+)<", condition(APPS)))
    strings = {item["name"] for item in table()["columns"] if item["type"] == "string"}

    assert named
    assert set() == named - strings


def test_what_a_team_reads_tells_of_no_person() -> None:
    """There is no withholding of single columns, so the table has none of them."""
    assert set() == {item["name"] for item in table()["columns"]} & PERSONAL


def test_what_the_page_has_a_team_ask_counts_each_day_by_its_newest_computation() -> None:
    """The shipped functions would say nothing: they wait for lines that the team does not see."""
    (query,) = re.findall(r"```kusto\n(.*?)```", PAGE, re.DOTALL)
    this_month = query.replace("startofmonth(now())", "datetime(2026-10-01)")
    kind: Any = next((row_type for row_type in TABLE_ROWS if table()["name"] == row_type.TABLE), None)
    with DuckDbStore(":memory:") as store:
        for hour, calls in ((1, 1), (2, 2), (2, 2)):
            store.write([line_of(kind, hour, calls)])

        assert (("gpt-4o-prod", "EUR", 2, 20, 2.0),) == run_query(store, this_month).rows


def line_of(kind: Any, hour: int, calls: int) -> Any:
    """Return a team's line of a day that was computed at an hour of the next one, and has other teams' lines too."""
    computed = datetime(2026, 10, 6, hour, tzinfo=UTC)
    return kind(
        time_generated=computed,
        computed_time=computed,
        day=datetime(2026, 10, 5, tzinfo=UTC),
        event_id="d1:a",
        computation=str(hour),
        lines=7,
        call_rows=calls,
        window_rows=calls,
        app_id=APPS[0],
        deployment="gpt-4o-prod",
        currency="EUR",
        calls=calls,
        total_tokens=10 * calls,
        cost_nano=calls * 10**9,
    )


def test_a_condition_is_never_without_its_version() -> None:
    """Azure refuses one without."""
    for file in FILES.values():
        assert file.text.count("    condition: ") == file.text.count("    conditionVersion: '2.0'")


def test_no_group_is_given_a_role_without_a_condition() -> None:
    """Roles add up: a single one without it would open everything."""
    groups = [file.name for file in FILES.values() if "principalType: 'Group'" in file.text]

    assert [TEAM] == groups
    assert (1, 1) == (FILES[TEAM].text.count("roleAssignments@"), FILES[TEAM].text.count("    condition: "))


def test_a_workspace_lets_no_permission_on_a_resource_open_its_tables() -> None:
    """Conditions hold only where the workspace's own permissions are what counts."""
    assert "enableLogAccessUsingOnlyResourcePermissions: false" in (INFRA / "modules/workspace.bicep").read_text()
