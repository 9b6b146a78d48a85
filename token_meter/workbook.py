"""The workbook for Azure: the shipped queries on four tabs, with the period that its reader picks.

The period goes into the queries as arguments. The portal's own time picker filters `TimeGenerated`, which for late
events is the time of arrival, and so it stays off.
"""

import json
from dataclasses import dataclass
from typing import Any

from token_meter.kql import kql_folder

PERIOD = "Period"
DAY = 86_400_000
"""Milliseconds."""
PERIODS = (1, 7, 30, 90)
OWN_BOUNDS = {
    "let start = datetime(null);": f"let start = datetime({{{PERIOD}:startISO}});",
    "let end = datetime(null);": f"let end = datetime({{{PERIOD}:endISO}});",
}
"""The first lines of every query, and what stands there in the workbook (Azure Workbooks, "Time range parameters")."""


@dataclass(frozen=True, slots=True)
class Tab:
    """One page of the workbook."""

    name: str
    about: str
    queries: tuple[str, ...]
    """Names of shipped queries, in order."""


TABS = (
    Tab("Overview", "Who used how much, day by day.", ("tokens_by_app_and_deployment_by_day",)),
    Tab("Chargeback", "What each application used, and how sure each number is.", ("chargeback",)),
    Tab(
        "Operations",
        "Whether everything was metered. `docs/runbook.md` says what to do where something is wrong.",
        (
            "health",
            "events_never_metered",
            "rows_never_stored",
            "lag_by_partition",
            "rejected_records",
            "errors_and_throttling",
        ),
    ),
    Tab("Quality", "How much rests on estimates.", ("estimated_and_unknown_share",)),
)


def workbook_json() -> str:
    """Return infra/generated/workbook.json, as `serializedData` takes it."""
    items = [_text("# AI usage and its cost\n\nOne billing row a call, folded by `TokenUsage()`."), _period(), _tabs()]
    for tab in TABS:
        items.append(_shown_on(tab, _text(tab.about), f"about {tab.name}"))
        items += [_shown_on(tab, _query(name), name) for name in tab.queries]
    book = {"version": "Notebook/1.0", "items": items, "fallbackResourceIds": ["Azure Monitor"]}
    return json.dumps(book, indent=2, ensure_ascii=False) + "\n"


def query_of(name: str) -> str:
    """Return a shipped query with the workbook's period in place of its own bounds. Raises ValueError without them."""
    text = (kql_folder() / "queries" / f"{name}.kql").read_text(encoding="utf-8")
    for own, parameter in OWN_BOUNDS.items():
        if own not in text:
            raise ValueError(f"{name}.kql has no line {own!r}")
        text = text.replace(own, parameter)
    return text


def _text(markdown: str) -> dict[str, Any]:
    return {"type": 1, "content": {"json": markdown}, "name": "text"}


def _period() -> dict[str, Any]:
    choices = [{"durationMs": days * DAY} for days in PERIODS]
    parameter = {
        "id": "5d8a4f0e-5f1f-4b07-9e0a-6d7d3f3c2a01",
        "version": "KqlParameterItem/1.0",
        "name": PERIOD,
        "type": 4,
        "isRequired": True,
        "value": {"durationMs": 30 * DAY},
        "typeSettings": {"selectableValues": choices, "allowCustom": True},
    }
    content = {"version": "KqlParameterItem/1.0", "parameters": [parameter], "style": "pills"}
    return {"type": 9, "content": content, "name": "parameters"}


def _tabs() -> dict[str, Any]:
    links = [
        {
            "id": f"5d8a4f0e-5f1f-4b07-9e0a-6d7d3f3c2b{number:02}",
            "cellValue": "Tab",
            "linkTarget": "parameter",
            "linkLabel": tab.name,
            "subTarget": tab.name,
            "style": "link",
        }
        for number, tab in enumerate(TABS)
    ]
    return {"type": 11, "content": {"version": "LinkItem/1.0", "style": "tabs", "links": links}, "name": "tabs"}


def _query(name: str) -> dict[str, Any]:
    content = {
        "version": "KqlItem/1.0",
        "query": query_of(name),
        "size": 0,
        "title": name.replace("_", " ").capitalize(),
        "queryType": 0,
        "resourceType": "microsoft.operationalinsights/workspaces",
        "visualization": "table",
        "showExportToExcel": True,
    }
    return {"type": 3, "content": content, "name": name}


def _shown_on(tab: Tab, item: dict[str, Any], name: str) -> dict[str, Any]:
    visible = {"parameterName": "Tab", "comparison": "isEqualTo", "value": tab.name}
    return {**item, "conditionalVisibility": visible, "name": name}
