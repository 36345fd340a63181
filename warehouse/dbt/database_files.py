"""Prepare the database files that dbt opens.

Create the folder of the build file, wait until nobody else has a database file open, and remove a
damaged build file, which is then rebuilt. Other problems become a message, where dbt would show the
database's error.
"""

import os
from collections.abc import Callable
from pathlib import Path

import duckdb

from warehouse.system.errors import WarehouseError
from warehouse.system.files import WRITABLE, remedy
from warehouse.system.locks import holder_of, tries, wait_seconds
from warehouse.system.paths import BUILD_FILE, HISTORY_FILE, PROJECT, relative

EMPTY_BYTES = 3 * 4096  # DuckDB's headers; DUCK follows the first eight bytes


class FileError(WarehouseError):
    """A database file can't be used; the message has the reason and the remedy."""


def prepare_files(project: Path = PROJECT) -> None:
    """Return once dbt can open the build file and the history.

    Raises:
        FileError: A file is open elsewhere or read-only, or the history is damaged.

    """
    build_file, history_file = project / BUILD_FILE, project / HISTORY_FILE
    try:
        build_file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"The folder {BUILD_FILE.parent} can't be created: {error.strerror}."
        raise FileError(f"{reason} {WRITABLE}") from None
    damage = wait_for(build_file)
    if damage:
        print(f"{BUILD_FILE} is damaged ({damage}): it is removed and built anew.", flush=True)
        remove(build_file)
    damage = wait_for(history_file, read_all)
    if damage and history_file.is_file() and was_left_at_its_creation(history_file):
        print(f"{HISTORY_FILE} was left half created, with nothing in it: removed.", flush=True)
        remove(history_file)
    elif damage:
        reason = f"{HISTORY_FILE} is damaged ({damage}). It can't be built anew"
        raise FileError(f"{reason}: put back a copy of it, or remove it to start over.")


def wait_for(
    file: Path, check: Callable[[duckdb.DuckDBPyConnection], None] | None = None
) -> str | None:
    """Return, once nobody else has a database file open, its problem or None.

    Args:
        file: The database file, which may be missing.
        check: Called with the open file; a duckdb.Error from it is the file's problem.

    """
    for path in (file, file.parent):
        # Without opening the file, which would end a lock of this process.
        if path.exists() and not os.access(path, os.W_OK):
            reason = f"{relative(path)} can't be written: it is read-only, or another user's."
            raise FileError(f"{reason} {WRITABLE}")
    if not file.exists():
        return None
    seconds = wait_seconds()
    for waited in tries(seconds):
        try:
            with duckdb.connect(str(file)) as connection:
                if check:
                    check(connection)
            return None
        except duckdb.Error as error:
            holder = holder_of(error)
            message = str(error).splitlines()[0]
            if not holder and remedy(message):
                reason = f"{relative(file)} can't be opened: {message.rstrip('.')}."
                raise FileError(f"{reason} {remedy(message)}") from None
            if not holder:
                return message
        if not waited and seconds:
            held = f"{relative(file)} is held by {holder}"
            print(f"{held}: waiting up to {seconds:g} s.", flush=True)
    reason = f"{relative(file)} is held by {holder}, and was waited for {seconds:g} s."
    raise FileError(f"{reason} Let it end, or close it, and build again.")


def was_left_at_its_creation(file: Path) -> bool:
    """Return whether a database file ends within DuckDB's headers."""
    head = file.read_bytes()[: EMPTY_BYTES + 1]
    return len(head) < EMPTY_BYTES and (not head.strip(b"\0") or head[8:12] == b"DUCK")


def read_all(connection: duckdb.DuckDBPyConnection) -> None:
    """Read every value in a database file; opening it only checks the header."""
    tables = connection.sql("select schema_name, table_name from duckdb_tables()").fetchall()
    for schema, name in tables:
        connection.execute(f'select bit_xor(hash(entry, 1)) from "{schema}"."{name}" as entry')


def remove(file: Path) -> None:
    """Remove a database file and its log."""
    for path in (file, *file.parent.glob(f"{file.name}.wal*")):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            reason = f"{relative(path)} can't be removed: {error.strerror}."
            raise FileError(f"{reason} Remove it, and build again.") from None
