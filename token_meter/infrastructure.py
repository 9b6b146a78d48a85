"""What the infrastructure is generated from: the row definitions and the shipped KQL, as JSON that Bicep loads."""

import json
import re
from pathlib import Path
from typing import Any

from token_meter.columns import columns
from token_meter.kql import kql_folder, shipped_functions
from token_meter.sinks.logs_ingestion import stream_of_table
from token_meter.tables import TABLES

TABLE_TYPES = {"datetime": "dateTime"}
"""A table's column types are spelt as in the rule's streams, but for this one (Microsoft Learn, tables API)."""
LARGEST_LOADED = 1_048_576
"""Characters that Bicep's loadJsonContent takes of a file (Microsoft Learn, "File functions for Bicep")."""
QUESTION = re.compile(r"^// Question: (.*)$", re.MULTILINE)


def tables_json() -> str:
    """Return infra/generated/tables.json: the custom tables, and the data collection rule's streams and flows."""
    tables, streams, flows = [], {}, []
    for row_type in TABLES:
        kind: type = row_type
        members = columns(kind)
        stream = stream_of_table(row_type.TABLE)
        tables.append(
            {
                "name": row_type.TABLE,
                "description": (row_type.__doc__ or "").splitlines()[0],
                "columns": [
                    {
                        "name": item.name,
                        "type": TABLE_TYPES.get(item.kusto_type, item.kusto_type),
                        "description": item.meaning,
                    }
                    for item in members
                ],
            }
        )
        streams[stream] = {"columns": [{"name": item.name, "type": item.kusto_type} for item in members]}
        flows.append(
            {"streams": [stream], "destinations": ["workspace"], "transformKql": "source", "outputStream": stream}
        )
    return _as_json({"tables": tables, "streamDeclarations": streams, "dataFlows": flows})


def functions_json() -> str:
    """Return infra/generated/functions.json: the shipped KQL functions as saved functions."""
    return _as_json(
        [{"name": item.name, "parameters": item.parameters, "body": item.body} for item in shipped_functions()]
    )


def queries_json() -> str:
    """Return infra/generated/queries.json: the shipped queries for the query pack."""
    return _as_json([_query(path) for path in sorted((kql_folder() / "queries").glob("*.kql"))])


def _query(path: Path) -> dict[str, str]:
    body = path.read_text(encoding="utf-8")
    question = QUESTION.search(body)
    return {
        "name": path.stem,
        "title": path.stem.replace("_", " ").capitalize(),
        "question": question[1] if question else "",
        "body": body,
    }


def _as_json(value: Any) -> str:
    """Return a file that Bicep can load. Raises ValueError where it is larger than that."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    if len(text) > LARGEST_LOADED:
        raise ValueError(f"has {len(text)} characters, more than the {LARGEST_LOADED} that Bicep loads")
    return text
