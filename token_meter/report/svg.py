"""SVG made fit for the page: only what draws, colours that follow the reader's light or dark, a text in its place."""

from xml.etree import ElementTree as ET

NAMESPACE = "http://www.w3.org/2000/svg"
ELEMENTS = frozenset({"svg", "g", "path", "rect", "line", "text", "tspan"})
"""What a chart is drawn with; nothing of it links, loads or runs."""
ATTRIBUTES = frozenset(
    {
        "viewBox", "transform", "d", "x", "y", "x1", "x2", "y1", "y2", "width", "height", "fill", "stroke", "opacity",
        "stroke-width", "stroke-miterlimit", "text-anchor", "font-size", "font-weight", "dx", "dy", "display",
    }
)  # fmt: skip
ACCENT, SECOND, UP, DOWN = "#010101", "#020202", "#030303", "#040404"
TEXT, AXIS, GRID = "#050505", "#060606", "#070707"
CLASSES = {ACCENT: "accent", SECOND: "second", UP: "up", DOWN: "down", TEXT: "ink", AXIS: "axis", GRID: "grid"}
"""Colours that a chart is drawn with and, in place of each, the class that report.css gives a colour."""


class NotDrawing(Exception):  # noqa: N818 - it says what a text is not
    """An SVG holds what no chart of ours is drawn with."""


def page_svg(text: str, alt_text: str) -> str:
    """Return an SVG as it stands in the page. Raises NotDrawing where it holds anything that does not draw."""
    root = ET.fromstring(text)  # noqa: S314 - written by the chart library in this process
    _clean(root)
    width, height = root.attrib.pop("width"), root.attrib.pop("height")
    root.set("viewBox", f"0 0 {width} {height}")
    root.set("role", "img")
    root.set("aria-label", alt_text)
    ET.register_namespace("", NAMESPACE)
    return ET.tostring(root, encoding="unicode")


def _clean(element: ET.Element) -> None:
    name = element.tag.removeprefix(f"{{{NAMESPACE}}}")
    if name not in ELEMENTS:
        raise NotDrawing(f"a chart holds <{name}>")
    kept = {key: value for key, value in element.attrib.items() if key in ATTRIBUTES}
    classes = [f"{key}-{CLASSES[value]}" for key, value in kept.items() if value in CLASSES]
    plain = {key: value for key, value in kept.items() if value not in CLASSES}
    element.attrib.clear()
    element.attrib.update(plain)
    if classes:
        element.set("class", " ".join(classes))
    for child in element:
        _clean(child)
