"""List the files below a folder for dbt, which can't do so itself.

DuckDB's own listing passes over links without a word, and knows times in whole seconds.
"""

import csv
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from warehouse.system.errors import WarehouseError
from warehouse.system.paths import BUILD_FILE, PROJECT

LISTING = BUILD_FILE.with_name("files.csv")


class ListingError(WarehouseError):
    """A folder holds what can't be read as files; the message says what, and what to do."""


def write_listing(raw_path: str, project: Path = PROJECT) -> None:
    """Write what lies below a folder, links followed: name below it, bytes, nanoseconds since 1970.

    A link that leads nowhere has no size.

    Raises:
        ListingError: A link leads back to a folder that it lies in, or a name is not UTF-8.

    """
    folder = str(project / re.sub("^file:(//)?", "", raw_path.strip()))
    (project / LISTING).parent.mkdir(parents=True, exist_ok=True)
    with (project / LISTING).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for name in names_below(folder):
            try:
                name.encode()
            except UnicodeEncodeError:
                shown = os.fsencode(name).decode(errors="backslashreplace")
                raise ListingError(f"{shown}: its name is not UTF-8; give it another.") from None
            size = changed_at = None
            with suppress(OSError):
                status = Path(folder, name).stat()
                size, changed_at = status.st_size, status.st_mtime_ns
            writer.writerow([name, size, changed_at])


def names_below(folder: str, prefix: str = "", above: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the names of the files below a folder, each with the folders that it lies in."""
    above = (*above, os.path.realpath(folder))
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        name = prefix + entry.name
        if not entry.is_dir():
            yield name
        elif os.path.realpath(entry.path) in above:
            raise ListingError(f"{name}: a link to a folder that it lies in; remove it.")
        else:
            yield from names_below(entry.path, f"{name}/", above)
