"""Chromium without a window, as the tests and the picture of the documentation use it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ON_THE_PATH = ("chromium", "chromium-browser", "google-chrome")
"""Debian's, Ubuntu's, Google's; Playwright's own comes by `playwright install chromium`."""


@contextmanager
def chromium() -> Iterator[Browser | None]:
    """Run Chromium while the context is open: Playwright's own, else the machine's; None where there is neither."""
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
        found = next(filter(None, map(shutil.which, ON_THE_PATH)), None)
        if not own.exists() and found is None:
            yield None
            return
        browser = playwright.chromium.launch(executable_path=None if own.exists() else found)
        yield browser
        browser.close()
