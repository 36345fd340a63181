"""Pages as people open them: in a browser, without a network."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

DESKTOP = 1280
"""Width of a page on a desk, in pixels."""


@dataclass
class Heard:
    """What a page said and asked for while it was open."""

    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@contextmanager
def opened(
    browser: Browser, file: Path, fragment: str = "", is_talkative: bool = False, **options: Any
) -> Iterator[Page]:
    """Open a page with the network cut off; whatever it says or asks for is wrong.

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
