"""One browser for all pages."""

from collections.abc import Iterator

import pytest
from helpers.browser import chromium
from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium."""
    with chromium() as browser:
        yield browser
