"""The published file for clients that need their own environment: see `make clients`."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

PUBLISHED = Path(__file__).resolve().parents[2] / "warehouse.duckdb"


@dataclass
class Warehouse:
    """A copy of the published file, which tests may replace, as publishing does."""

    file: Path

    def rows(self, query: str) -> list[tuple]:
        """Return what DuckDB itself reads; nothing stays open."""
        with duckdb.connect(str(self.file), read_only=True) as connection:
            return connection.sql(query).fetchall()

    def value(self, query: str) -> Any:
        """Return the single value of a query."""
        ((value,),) = self.rows(query)
        return value

    @property
    def marts(self) -> list[str]:
        """The names of the marts."""
        query = "select table_name from duckdb_tables() where schema_name = 'marts' order by all"
        return [name for (name,) in self.rows(query)]

    def columns(self, mart: str) -> dict[str, tuple[str, str]]:
        """Return type and comment of a mart's columns, in their order."""
        query = f"""
            select column_name, data_type, comment
            from duckdb_columns()
            where schema_name = 'marts' and table_name = '{mart}'
            order by column_index
        """
        return {name: (kind, comment) for name, kind, comment in self.rows(query)}

    def publish(self, statement: str) -> None:
        """Replace the file by another version: its content, changed by a statement."""
        another = self.file.with_suffix(".new")
        shutil.copy(self.file, another)
        with duckdb.connect(str(another)) as connection:
            connection.execute(statement)
        another.replace(self.file)


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    """Return a copy of the published file for one test, which must leave it as it is."""
    yield from untouched(tmp_path)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Return a copy of the published file for a server, which must leave it as it is."""
    yield from untouched(tmp_path_factory.mktemp("served"))


@pytest.fixture
def replaced(tmp_path: Path) -> Warehouse:
    """Return a copy of the published file that a test replaces by others."""
    return copied(tmp_path)


def copied(folder: Path) -> Warehouse:
    """Return a copy of the published file."""
    if not PUBLISHED.is_file():
        pytest.exit(f"{PUBLISHED.name} is missing. Run `make build` first.", returncode=1)
    return Warehouse(Path(shutil.copy(PUBLISHED, folder)))


def untouched(folder: Path) -> Iterator[Warehouse]:
    """Yield a copy of the published file; in the end no byte of it may have changed."""
    warehouse = copied(folder)
    before = warehouse.file.read_bytes()
    yield warehouse
    assert warehouse.file.read_bytes() == before
    assert [file.name for file in folder.glob("warehouse.duckdb*")] == [PUBLISHED.name]
