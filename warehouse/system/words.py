"""Words for messages, each of which is one line."""

import re
from collections.abc import Iterable
from datetime import date

BUILD = "Run `make build`."
AGAIN = "Run `dbt build` again."
MAX_VALUE = 80  # characters


def shown(text: str, limit: int = 60) -> str:
    """Return a text on one line, with unprintable characters escaped and its end cut."""
    head = text if len(text) <= limit else text[: limit - 3] + "..."
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in head
    )


def counted(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count} {noun}" if count == 1 else f"{count:,} {noun}s"


def listed(values: Iterable[object]) -> str:
    """Return values as a list in a sentence."""
    return ", ".join(map(str, values))


def value_text(value: object) -> str:
    """Return a value in a few characters, quoted so that its end is clear."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):  # a datetime too
        return value.isoformat()
    text = shown(str(value), MAX_VALUE)
    is_bare = isinstance(value, str) and re.fullmatch(r"[^\s\"=]+", text) and text != "null"
    return text if is_bare or not isinstance(value, str) else f'"{text}"'
