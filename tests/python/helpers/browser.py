"""Pages as people open them: in a browser, without a network."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

DESKTOP = 1280
"""Width of a page on a desk, in pixels."""


PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the machine's Chromium, or the one that CHROMIUM names."""
    named = os.environ.get("CHROMIUM")
    program = next(filter(None, map(shutil.which, [named] if named else PROGRAMS)), None)
    if not program:
        pytest.fail(
            "No Chromium or Chrome is found: install Debian's chromium, or name one by CHROMIUM."
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield browser
        browser.close()


@dataclass
class Heard:
    """The console messages and requests of a page while it was open."""

    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@contextmanager
def opened(
    browser: Browser, file: Path, fragment: str = "", is_talkative: bool = False, **options: Any
) -> Iterator[Page]:
    """Open a page without a network; any message or request fails the test.

    A talkative one may write to the console.
    """
    options = {"viewport": {"width": DESKTOP, "height": 900}} | options
    context = browser.new_context(offline=True, **options)
    page, heard = context.new_page(), Heard()
    if not is_talkative:
        page.on("console", lambda message: heard.said.append(message.text))
    page.on("pageerror", lambda error: heard.said.append(str(error)))
    page.on("dialog", lambda dialog: heard.said.append(dialog.message))
    page.on("request", lambda request: heard.asked.append(request.url))
    address = f"{file.as_uri()}{fragment}"
    page.goto(address)
    yield page
    assert heard.said == []
    assert set(heard.asked) <= {file.as_uri(), address}
    context.close()
