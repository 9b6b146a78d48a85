"""The gateway's policy fragments, put together out of their templates and their expressions in infra/policies/source.

A line `// include: NAME` stands for the lines of that file. Comments of expressions stay behind: policies keep none, and a
fragment has no room for them.
"""

import re
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "infra" / "policies" / "source"
FRAGMENTS = ("meter-inbound", "meter-outbound", "meter-on-error")
INCLUDE = re.compile(r"\s*// include: (\S+)")


def fragment_xml(name: str) -> str:
    """Return the text of a fragment. Raises OSError where a file is missing."""
    return "\n".join(_lines(f"{name}.xml")) + "\n"


def _lines(name: str) -> list[str]:
    lines: list[str] = []
    for line in (SOURCE / name).read_text(encoding="utf-8").splitlines():
        include = INCLUDE.fullmatch(line)
        if include:
            lines += _lines(include[1])
        elif line.strip() and not line.lstrip().startswith("//"):
            lines.append(line)
    return lines
