"""Open database files so that nobody writes to them meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from warehouse.system.errors import WarehouseError
from warehouse.system.locks import holder_of
from warehouse.system.words import AGAIN


class DatabaseError(WarehouseError):
    """A database can't be opened, or a query can't be answered."""


CATALOG = "warehouse"  # what views in the build file call it
PUBLISH = "run `warehouse publish`."


def stamp_of(connection: duckdb.DuckDBPyConnection) -> tuple[str | None, str | None]:
    """Return the id of the dbt run that last wrote to the file, and with which option on a part.

    See macros/runs.sql.
    """
    try:
        row = connection.sql(f"select invocation_id, part from {CATALOG}.meta.dbt_run").fetchone()
    except duckdb.Error:
        row = None
    return row or (None, None)


@contextmanager
def held(
    project: Path, path: Path, once_free: str = PUBLISH, once_removed: str = AGAIN
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Keep a database file open read-only, attached as `warehouse`: nobody can write to it then.

    Args:
        project: Where the path starts.
        path: The file.
        once_free: What to do when nobody writes to it any more, for the error.
        once_removed: What to do when it was damaged, and is removed.

    Raises:
        DatabaseError: Somebody writes to it, or it can't be opened.

    """
    with duckdb.connect() as connection:
        attach(connection, project, path, CATALOG, once_free, once_removed)
        yield connection


def attach(
    connection: duckdb.DuckDBPyConnection,
    project: Path,
    path: Path,
    catalog: str,
    once_free: str,
    once_removed: str,
) -> None:
    """Attach a database file read-only, under a name of its own; the rest is as `held` has it."""
    try:
        connection.execute(f"attach {quoted(project / path)} as {catalog} (read_only)")
    except duckdb.Error as error:
        holder = holder_of(error)
        if holder:
            advice = f"Let it end, or close it, and {once_free}"
            raise DatabaseError(f"{path} is open for writing by {holder}. {advice}") from None
        message = str(error).splitlines()[0]
        advice = f"If it is damaged, remove it. {once_removed}"
        raise DatabaseError(f"{path} can't be opened: {message} {advice}") from None


def refuse_log(project: Path, path: Path, advice: str) -> None:
    """Raise DatabaseError if a write-ahead log lies beside a database file, as after a crash."""
    for log in sorted((project / path).parent.glob(f"{path.name}.wal*")):
        reason = f"{path.with_name(log.name)} is left of a write that was broken off"
        raise DatabaseError(f"{reason}. {advice}")


def quoted(text: str | Path) -> str:
    """Return a text as SQL writes it."""
    return "'" + str(text).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return a name as SQL writes it, and CSV too."""
    return '"' + name.replace('"', '""') + '"'
