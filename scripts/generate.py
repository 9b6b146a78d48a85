"""Write the files that are generated from code, or with --check tell which are not what the code says."""

import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from token_meter.infrastructure import functions_json, queries_json, tables_json
from token_meter.metrics.documentation import metrics_markdown
from token_meter.pricing import functions_of, usable_book
from token_meter.pricing.differences import DIFFERENCES_FILE, differences_table, read_differences
from token_meter.pricing.method import method_function
from token_meter.schema import schema_markdown
from token_meter.settings import configuration_markdown
from token_meter.shapes.documentation import record_shapes_markdown
from token_meter.workbook import workbook_json

REPOSITORY = Path(__file__).parent.parent
POLICIES = "infra/policies"
INCLUDE = re.compile(r"\s*// include: (\S+)")


def fragment_xml(name: str) -> str:
    """Return a policy fragment: its template with the C# of its expressions, without their comments."""
    return "\n".join(_policy_lines(name)) + "\n"


def _policy_lines(name: str) -> list[str]:
    """Return a source file's lines; a line `// include: NAME` stands for those of another file."""
    lines: list[str] = []
    for line in (REPOSITORY / POLICIES / "source" / name).read_text(encoding="utf-8").splitlines():
        include = INCLUDE.fullmatch(line)
        if include:
            lines += _policy_lines(include[1])
        elif line.strip() and not line.lstrip().startswith("//"):
            lines.append(line)
    return lines


PRICE_FUNCTIONS = ("TokenPrices", "TokenApps", "TokenDeployments")


def price_function(name: str) -> str:
    """Return a KQL function as the price files say."""
    return functions_of(usable_book(REPOSITORY / "prices"))[name]


BEGIN, END = "<!-- generated from {source} by `make generate`; edit that -->\n", "<!-- end -->\n"


def with_section(name: str, source: str, section: Callable[[], str]) -> str:
    """Return a document with the part of it that is generated from a source written anew."""
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    begin = BEGIN.format(source=source)
    before, rest = text.split(begin)
    after = rest.split(END, 1)[1]
    return before + begin + "\n" + section() + "\n" + END + after


def price_differences() -> str:
    """Return the table of prices that others have differently."""
    return differences_table(read_differences(REPOSITORY / "prices" / DIFFERENCES_FILE))


GENERATED: dict[str, Callable[[], str]] = {
    **{f"kql/functions/{name}.kql": partial(price_function, name) for name in PRICE_FUNCTIONS},
    "kql/functions/TokenMethod.kql": lambda: method_function(REPOSITORY / "kql" / "functions"),
    "docs/schema.md": schema_markdown,
    "docs/configuration.md": configuration_markdown,
    "docs/record-shapes.md": record_shapes_markdown,
    "infra/generated/tables.json": tables_json,
    "infra/generated/functions.json": functions_json,
    "infra/generated/queries.json": queries_json,
    "infra/generated/workbook.json": workbook_json,
    **{
        f"{POLICIES}/{name}": partial(fragment_xml, name)
        for name in ("meter-inbound.xml", "meter-outbound.xml", "meter-on-error.xml")
    },
    "docs/metrics.md": metrics_markdown,
    "docs/prices.md": partial(with_section, "docs/prices.md", f"prices/{DIFFERENCES_FILE}", price_differences),
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
