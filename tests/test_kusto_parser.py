"""All shipped KQL is KQL to Microsoft's parser too, which knows what Log Analytics runs."""

import re

from tests.bicep_files import INFRA
from tests.kusto_parser import diagnostics
from token_meter.kql import kql_folder, shipped_functions


def test_no_shipped_function_has_an_error_or_a_warning() -> None:
    """Each as its body, under its parameters."""
    bodies = {item.name: _with_parameters(item.parameters, item.body) for item in shipped_functions()}

    assert bodies
    assert [] == diagnostics(bodies)


def test_no_shipped_query_has_an_error_or_a_warning() -> None:
    """With the functions that it calls."""
    queries = {path.stem: path.read_text(encoding="utf-8") for path in sorted((kql_folder() / "queries").glob("*.kql"))}

    assert queries
    assert [] == diagnostics(queries)


def test_no_alert_of_the_meters_tables_has_an_error_or_a_warning() -> None:
    """As the rule sends it, with a number for each threshold; the other alerts ask tables of the workspace itself."""
    text = (INFRA / "modules" / "alerts.bicep").read_text(encoding="utf-8")
    rules = re.findall(r"    name: '([a-z-]+)'\n.*\n    query: '(.*)'\n", text)
    queries = {name: re.sub(r"\$\{\w+\}", "5", query) for name, query in rules if query.startswith("Token")}

    assert "budget-over" in queries
    assert [] == diagnostics(queries)


def test_the_parser_finds_what_is_wrong() -> None:
    """A column that there is none of, a function that nobody shipped, a word that is no KQL."""
    wrong = {
        "column": "TokenUsage() | project Tokens",
        "table": "TokenUsage_CL | project NoSuchColumn",
        "function": "TokenUsag()",
        "syntax": "TokenUsage() | whree true",
    }

    assert set(wrong) == {item.query for item in diagnostics(wrong)}


def _with_parameters(parameters: str, body: str) -> str:
    """Return a function's body as a query in which its parameters have their defaults."""
    lets = []
    for parameter in parameters.split(", ") if parameters else []:
        name, _, default = parameter.partition("=")
        lets.append(f"let {name.split(':')[0].strip()} = {default.strip()};")
    return "\n".join([*lets, body])
