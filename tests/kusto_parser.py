"""Microsoft's own KQL parser, run in Node: what it says of the shipped KQL with the tables' real schemas."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from token_meter.kql import shipped_functions
from token_meter.schema import kusto_schema
from token_meter.tables import TABLES

NODE_FOLDER = Path(__file__).parent / "node"
SCRIPT = NODE_FOLDER / "kql_diagnostics.js"
PARSER = NODE_FOLDER / "node_modules" / "@kusto" / "language-service-next"


@dataclass(frozen=True)
class Diagnostic:
    """What the parser has against a query."""

    query: str
    severity: str
    message: str
    at: str
    """The text that it means."""


def diagnostics(queries: dict[str, str]) -> list[Diagnostic]:
    """Return what the parser has against queries, by their name; skip where Node or the parser is absent."""
    node = shutil.which("node")
    if node is None or not PARSER.is_dir():
        pytest.skip("Microsoft's KQL parser needs Node and `make node`")
    asked = {
        "tables": [
            {"name": row_type.TABLE, "columns": kusto_schema(row_type.TABLE, row_type).split(":(", 1)[1].rstrip(")")}
            for row_type in TABLES
        ],
        "functions": [
            {"name": item.name, "parameters": item.parameters, "body": item.body} for item in shipped_functions()
        ],
        "queries": [{"name": name, "text": text} for name, text in queries.items()],
    }
    done = subprocess.run(
        [node, str(SCRIPT)], input=json.dumps(asked), capture_output=True, text=True, check=True, cwd=NODE_FOLDER
    )
    return [
        Diagnostic(item["name"], item["severity"], item["message"], _part(queries[item["name"]], item))
        for item in json.loads(done.stdout)
    ]


def _part(text: str, item: dict[str, int]) -> str:
    return text[item["start"] : item["start"] + item["length"]]
