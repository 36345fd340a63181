"""Read the output of a build, on DuckDB or on Spark."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path

import duckdb

from warehouse.database.opening import DatabaseError, quoted, stamp_of
from warehouse.system.paths import BUILD_FILE, HISTORY_FILE

Row = dict[str, object]


class Database(ABC):
    """The output of a project's build; `problem` is the reason why it can't be read."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.problem = ""

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Close it."""

    @abstractmethod
    def fetch(self, query: str) -> list[Row]:
        """Return the rows of a query; raise DatabaseError if it fails."""

    @abstractmethod
    def literal(self, value: object) -> str:
        """Return a value as an SQL literal."""


class BuildFile(Database):
    """DuckDB's build file, opened read-only."""

    def __init__(self, project: Path, run_id: str) -> None:
        super().__init__(project)
        self.connection: duckdb.DuckDBPyConnection | None = None
        try:
            self.connection = duckdb.connect(str(project / BUILD_FILE), read_only=True)
        except duckdb.Error as error:
            self.problem = f"{BUILD_FILE} can't be opened. {str(error).splitlines()[0]}"
            return
        # Views of the lake read its files by their paths from the project.
        self.connection.execute(f"set file_search_path = {quoted(project)}")
        with suppress(duckdb.Error):  # only tests of the history read it
            file = quoted(project / HISTORY_FILE)
            self.connection.execute(f"attach {file} as history (read_only)")
        if stamp_of(self.connection)[0] != run_id:
            self.close()
            self.problem = f"{BUILD_FILE} is not from this run."

    def close(self) -> None:
        """Close the file."""
        if self.connection:
            self.connection.close()
            self.connection = None

    def fetch(self, query: str) -> list[Row]:
        """Return the rows of a query; raise DatabaseError if it fails."""
        if not self.connection:
            raise DatabaseError(self.problem)
        try:
            found = self.connection.execute(query)
            names = [column[0] for column in found.description or []]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        except duckdb.Error as error:
            raise DatabaseError(str(error).splitlines()[0]) from None

    def literal(self, value: object) -> str:
        """Return a value as an SQL literal."""
        return "null" if value is None else quoted(str(value))
