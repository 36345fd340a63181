"""A dbt-duckdb plugin that lends SQL a function: list_files(folder), what lies below a folder.

DuckDB's own listing passes over links without a word, and knows times in whole seconds.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin

ROW = "struct(file varchar, size bigint, changed_at bigint)"


class Plugin(BasePlugin):
    """See `plugins` in profiles.yml."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection):
        """Make the function known: rows of a path, bytes, and nanoseconds since 1970."""
        with suppress(duckdb.CatalogException):  # one that another connection has made known
            conn.create_function(
                "list_files", list_files, ["varchar"], f"{ROW}[]", side_effects=True
            )


def list_files(folder: str) -> list[dict[str, Any]]:
    """Return the files below a folder, links followed; no size of a link that leads nowhere."""
    rows = []
    for path in files_below(folder):
        try:
            path.encode()
        except UnicodeEncodeError:
            name = os.fsencode(path).decode(errors="backslashreplace")
            raise ValueError(f"{name}: its name is not UTF-8; give it another") from None
        row = {"file": path, "size": None, "changed_at": None}
        with suppress(OSError):
            status = Path(path).stat()
            row |= {"size": status.st_size, "changed_at": status.st_mtime_ns}
        rows.append(row)
    return rows


def files_below(folder: str, above: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the paths of the files below a folder, each starting with the folder as it is given."""
    above = (*above, os.path.realpath(folder))
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        path = f"{folder}/{entry.name}"
        if not entry.is_dir():
            yield path
        elif os.path.realpath(path) in above:
            raise ValueError(f"{path}: a link to a folder that it lies in; remove it")
        else:
            yield from files_below(path, above)
