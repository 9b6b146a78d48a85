"""The report's page in Chromium: it loads nothing, runs nothing, prints, fits a telephone, and has no console error."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Page, Route

from tests.browser import chromium
from tests.report_cases import IMAGE, LONG, MONTH, SCRIPT, calls, lost
from token_meter.kql import run_query
from token_meter.report.answers import read_report
from token_meter.report.month import Dimension
from token_meter.report.page import page_of
from token_meter.sinks.duckdb_store import DuckDbStore

pytestmark = pytest.mark.sockets
TELEPHONE = 360
"""Pixels across."""
READABLE = 4.5
"""The contrast of text that WCAG 2.2 asks for at level AA."""


@dataclass
class Opened:
    """The page as a reader has it, and all that it said and asked for."""

    page: Page
    address: str
    said: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return Chromium; skip where this machine has none."""
    with chromium() as running:
        if running is None:
            pytest.skip("no Chromium here: `apt-get install chromium` or `playwright install chromium`")
        yield running


@pytest.fixture(scope="module")
def opened(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """Return October's page, opened with its scripts allowed and every request kept from leaving."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    with DuckDbStore(":memory:") as store:
        store.write(list(calls()))
        for row in lost():
            store.write([row])
        figures = read_report(lambda kql: run_query(store, kql), MONTH)
    path.write_text(page_of(figures, Dimension.APP), encoding="utf-8")
    result = watched(browser, path.as_uri())
    result.page.goto(path.as_uri())
    return result


def watched(browser: Browser, allowed: str) -> Opened:
    """Return a new page that loads one address only and of which all is kept that it says and asks for."""
    result = Opened(browser.new_page(), allowed)

    def dismiss(dialog: Dialog) -> None:
        result.dialogs.append(dialog.message)
        dialog.dismiss()

    def seen(route: Route) -> None:
        result.requested.append(route.request.url)
        if route.request.url == allowed:
            route.continue_()
        else:
            route.abort()

    result.page.on("console", lambda message: result.said.append(message.text))
    result.page.on("pageerror", lambda fault: result.said.append(str(fault)))
    result.page.on("dialog", dismiss)
    result.page.route("**/*", seen)
    return result


def test_the_page_asks_for_nothing_and_says_nothing(opened: Opened) -> None:
    """The file itself is the only thing loaded; no error, no warning, no dialog."""
    opened.page.wait_for_load_state("networkidle")

    assert ([opened.address], [], []) == (opened.requested, opened.said, opened.dialogs)


def test_a_page_that_does_is_found(browser: Browser) -> None:
    """The same watch on a page that is not ours: the names unescaped, an image from afar, an error."""
    other = watched(browser, "")
    other.page.set_content(f'<p title="{IMAGE}">{SCRIPT}<img src="https://example.invalid/x">')
    other.page.wait_for_load_state("networkidle")

    assert ["https://example.invalid/x"] == other.requested
    assert {"1", "2"} == set(other.dialogs)
    assert any("ERR_FAILED" in text for text in other.said)
    other.page.close()


def test_hostile_names_are_text(opened: Opened) -> None:
    """They stand there as they are, and have made no element."""
    text = opened.page.inner_text("main")

    assert SCRIPT in text
    assert IMAGE in text
    assert (0, 0) == tuple(opened.page.locator(name).count() for name in ("script", "img"))
    names = opened.page.evaluate("[...document.querySelectorAll('*')].flatMap(e => [...e.attributes].map(a => a.name))")
    assert not [name for name in names if name.startswith("on") or name in {"href", "src", "srcdoc", "action"}]


def test_the_page_fits_a_telephone(opened: Opened) -> None:
    """Also with a name of 10,000 characters: tables scroll in themselves, the page never to the side."""
    opened.page.set_viewport_size({"width": TELEPHONE, "height": 740})
    across = opened.page.evaluate("document.documentElement.scrollWidth")
    shown = opened.page.evaluate("[...document.querySelectorAll('svg')].filter(e => e.checkVisibility()).length")
    small = opened.page.evaluate(
        "Math.min(...[...document.querySelectorAll('svg')].filter(e => e.checkVisibility()).flatMap("
        "s => [...s.querySelectorAll('text')].map(t => t.getBoundingClientRect().height)))"
    )
    opened.page.set_viewport_size({"width": 1000, "height": 900})

    assert LONG[:100] in opened.page.content()
    assert TELEPHONE == across
    assert shown == opened.page.evaluate("document.querySelectorAll('figure').length")
    assert small > 10


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast(opened: Opened, scheme: Any) -> None:
    """In light and dark, on the page, its cards, its notices and its charts."""
    opened.page.emulate_media(color_scheme=scheme)
    pairs: list[tuple[str, str, str]] = opened.page.evaluate(
        """[...document.querySelectorAll('main *')].filter(e => e.checkVisibility()
            && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())).map(e => {
            const style = getComputedStyle(e), drawn = e.ownerSVGElement ? style.fill : style.color;
            let under = e;
            while (under && getComputedStyle(under).backgroundColor === 'rgba(0, 0, 0, 0)') under = under.parentElement;
            return [e.textContent.slice(0, 30), drawn, getComputedStyle(under ?? document.body).backgroundColor];
        })"""
    )
    faint = {(text, text_color, paper) for text, text_color, paper in pairs if contrast(text_color, paper) < READABLE}

    assert len(pairs) > 200
    assert set() == faint


def test_tables_and_charts_are_told_to_those_who_do_not_see_them(opened: Opened) -> None:
    """Every table has a caption and headings with a scope, every chart a text, headings are in order."""
    page = opened.page

    assert page.locator("table").count() == page.locator("table > caption").count() == 8
    assert page.locator("th").count() == page.locator("th[scope]").count()
    assert all(len(text or "") > 20 for text in page.locator("svg").evaluate_all("all => all.map(s => s.ariaLabel)"))
    assert page.locator("svg").count() == page.locator("svg[role=img]").count()
    assert 1 == page.locator("h1").count()


def test_it_prints_on_a4(opened: Opened) -> None:
    """More than one page and not dozens, in ink that does not hang on the reader's dark mode."""
    opened.page.emulate_media(color_scheme="dark", media="print")
    ink = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    opened.page.emulate_media(media="screen")
    document = opened.page.pdf(prefer_css_page_size=True, print_background=True)

    assert document.startswith(b"%PDF-")
    assert "rgb(255, 255, 255)" == ink
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", document)) <= 20
    sizes = re.findall(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", document)
    assert {(595, 842)} == {(round(float(width)), round(float(height))) for width, height in sizes}


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours as WCAG 2.2 defines it."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    channels = [int(number) / 255 for number in re.findall(r"\d+", color)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
