"""Puts a generated table into a page of the documentation, between its two markers."""

from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def put(page: str, marker: str, text: str) -> None:
    """Replace what stands between `<!-- marker -->` and `<!-- end of marker -->`. Raises ValueError without them."""
    path = DOCS / page
    before, _, rest = path.read_text(encoding="utf-8").partition(f"<!-- {marker} -->\n")
    _, end, after = rest.partition(f"<!-- end of {marker} -->")
    if not end:
        raise ValueError(f"{page} has no place marked {marker}")
    path.write_text(f"{before}<!-- {marker} -->\n{text}\n{end}{after}", encoding="utf-8")
