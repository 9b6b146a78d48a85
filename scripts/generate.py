"""Write the files that are generated from code, or with --check tell which are not what the code says."""

import sys
from collections.abc import Callable
from pathlib import Path

from token_meter.workbook import workbook_json

from token_meter.infrastructure import functions_json, queries_json, tables_json
from token_meter.schema import schema_markdown
from token_meter.settings import configuration_markdown
from token_meter.shapes.documentation import record_shapes_markdown

REPOSITORY = Path(__file__).parent.parent
GENERATED: dict[str, Callable[[], str]] = {
    "docs/schema.md": schema_markdown,
    "docs/configuration.md": configuration_markdown,
    "docs/record-shapes.md": record_shapes_markdown,
    "infra/generated/tables.json": tables_json,
    "infra/generated/functions.json": functions_json,
    "infra/generated/queries.json": queries_json,
    "infra/generated/workbook.json": workbook_json,
}


def main() -> int:
    """Write, or check, every generated file; return the exit status."""
    checking = "--check" in sys.argv[1:]
    drifted = []
    for name, content in GENERATED.items():
        path = REPOSITORY / name
        if path.exists() and path.read_text(encoding="utf-8") == content():
            continue
        drifted.append(name)
        if not checking:
            path.write_text(content(), encoding="utf-8")
            print(f"wrote {name}")
    if checking and drifted:
        print(f"not what the code says: {', '.join(drifted)}; run `make generate`")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
