"""The workbook for Azure: the shipped queries on four tabs, with the period that its reader picks.

The period goes into the queries as arguments. The portal's own time picker filters `TimeGenerated`, which for late
events is the time of arrival, and so it stays off.
"""

import json
import re
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
DIMENSIONS = ("CostCentre", "AppId", "Deployment", "Model", "Product")
"""What the workbook's reader can have costs added up by."""
BY_CHOICE = frozenset({"month_to_date", "trend", "forecast", "anomalies"})
"""The queries that take each of them."""
BY = re.compile(r"^let By = '\w+';$", re.MULTILINE)
QUESTION = re.compile(r"\A// Question: (?P<text>.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Chart:
    """How a query's answer is drawn; without one it is a table."""

    kind: str
    """A visualization of Azure Workbooks, such as `barchart`."""
    across: str
    """The column along the axis."""
    up: str
    """The column of the values."""
    apart: str
    """The column whose values are told apart by colour."""


@dataclass(frozen=True, slots=True)
class Tab:
    """One page of the workbook."""

    name: str
    about: str
    queries: tuple[str, ...]
    """Names of shipped queries, in order."""


TABS = (
    Tab(
        "Overview",
        "What AI costs this month, where it is going, and who it is.",
        ("trend", "month_to_date", "forecast", "top_callers", "anomalies"),
    ),
    Tab(
        "Chargeback",
        "What each application used and what it costs, with what no sum can hold beside it.",
        (
            "chargeback",
            "tokens_by_app_and_deployment_by_day",
            "cached_and_reasoning_share",
            "ptu_utilisation",
            "unpriced_usage",
            "throttled_and_failed",
            "content_filter_charges",
        ),
    ),
    Tab(
        "Operations",
        "Whether everything was metered. `docs/runbook.md` says what to do where something is wrong.",
        (
            "health",
            "lag_by_partition",
            "events_never_metered",
            "rows_never_stored",
            "rejected_records",
            "errors_and_throttling",
            "latency_and_speed",
            "new_apps",
            "silent_callers",
        ),
    ),
    Tab(
        "Quality",
        "How much rests on estimates, and whether the services' own metrics say the same.",
        ("estimated_share_by_app", "estimated_and_unknown_share", "reconciliation"),
    ),
)
CHARTS = {
    "trend": Chart("timechart", "Day", "Cost", "Name"),
    "tokens_by_app_and_deployment_by_day": Chart("timechart", "Day", "TotalTokens", "AppId"),
    "lag_by_partition": Chart("timechart", "Quarter", "MaxLagSeconds", "Partition"),
}
"""The queries whose answers are drawn."""


def workbook_json() -> str:
    """Return infra/generated/workbook.json, as `serializedData` takes it."""
    items = [
        _text("# AI usage and its cost\n\nOne billing row a call, folded by `TokenUsage()`."),
        _parameters(),
        _tabs(),
    ]
    for tab in TABS:
        items.append(_shown_on(tab, _text(tab.about), f"about {tab.name}"))
        items += [_shown_on(tab, _query(name), name) for name in tab.queries]
    book = {"version": "Notebook/1.0", "items": items, "fallbackResourceIds": ["Azure Monitor"]}
    return json.dumps(book, indent=2, ensure_ascii=False) + "\n"


def query_of(name: str) -> str:
    """Return a shipped query with the workbook's period in place of its own bounds, and its choice of dimension.

    Raises ValueError where the query has no bounds.
    """
    text = _shipped(name)
    for own, parameter in OWN_BOUNDS.items():
        if own not in text:
            raise ValueError(f"{name}.kql has no line {own!r}")
        text = text.replace(own, parameter)
    return BY.sub("let By = '{By}';", text) if name in BY_CHOICE else text


def question_of(name: str) -> str:
    """Return the question that a shipped query answers, as its first line has it. Raises ValueError without one."""
    found = QUESTION.search(_shipped(name))
    if found is None:
        raise ValueError(f"{name}.kql does not begin with its question")
    return found["text"][:1].upper() + found["text"][1:]


def _shipped(name: str) -> str:
    return (kql_folder() / "queries" / f"{name}.kql").read_text(encoding="utf-8")


def _text(markdown: str) -> dict[str, Any]:
    return {"type": 1, "content": {"json": markdown}, "name": "text"}


def _parameters() -> dict[str, Any]:
    """Return the period, and what costs are added up by."""
    choices = [{"durationMs": days * DAY} for days in PERIODS]
    period = {
        "id": "5d8a4f0e-5f1f-4b07-9e0a-6d7d3f3c2a01",
        "version": "KqlParameterItem/1.0",
        "name": PERIOD,
        "type": 4,
        "isRequired": True,
        "value": {"durationMs": 30 * DAY},
        "typeSettings": {"selectableValues": choices, "allowCustom": True},
    }
    dimensions = [{"value": name, "label": name, "selected": name == DIMENSIONS[0]} for name in DIMENSIONS]
    by = {
        "id": "5d8a4f0e-5f1f-4b07-9e0a-6d7d3f3c2a02",
        "version": "KqlParameterItem/1.0",
        "name": "By",
        "type": 2,
        "isRequired": True,
        "typeSettings": {"additionalResourceOptions": []},
        "jsonData": json.dumps(dimensions),
        "value": DIMENSIONS[0],
    }
    content = {"version": "KqlParameterItem/1.0", "parameters": [period, by], "style": "pills"}
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
    chart = CHARTS.get(name)
    content: dict[str, Any] = {
        "version": "KqlItem/1.0",
        "query": query_of(name),
        "size": 0,
        "title": question_of(name),
        "queryType": 0,
        "resourceType": "microsoft.operationalinsights/workspaces",
        "visualization": "table" if chart is None else chart.kind,
        "showExportToExcel": True,
    }
    if chart is not None:
        settings = {"xAxis": chart.across, "yAxis": [chart.up], "group": chart.apart, "showLegend": True}
        content["chartSettings"] = settings
    return {"type": 3, "content": content, "name": name}


def _shown_on(tab: Tab, item: dict[str, Any], name: str) -> dict[str, Any]:
    visible = {"parameterName": "Tab", "comparison": "isEqualTo", "value": tab.name}
    return {**item, "conditionalVisibility": visible, "name": name}
