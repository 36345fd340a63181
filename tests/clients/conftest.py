"""The published file for clients that need their own environment: see `make clients`."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tools import dashboard

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


# ---- Superset -------------------------------------------------------------------------------


def as_answered(value: Any) -> Any:
    """Return a value as Superset's JSON has it: times in milliseconds since 1970, UTC."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC).timestamp() * 1000
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp() * 1000
    return value


@dataclass
class Server(dashboard.Superset):
    """A Superset, where its data lies, and the database that it was told of."""

    home: Path = Path()
    database: int = 0

    @property
    def password(self) -> str:
        """That of the one person who may log in."""
        return (self.home / "password").read_text()

    def all(self, kind: str) -> list[dict]:
        """Return all datasets, charts, databases or dashboards."""
        return self.done("GET", f"/api/v1/{kind}/?q=(page_size:100)")["result"]

    def chart(self, dataset: int, query: dict[str, Any]) -> list[dict]:
        """Return the rows that a chart would show."""
        body = {
            "datasource": {"id": dataset, "type": "table"},
            "queries": [{"row_limit": 10_000, **query}],
            "result_format": "json",
            "result_type": "full",
        }
        (result,) = self.done("POST", "/api/v1/chart/data", body)["result"]
        assert result["status"] == "success", result
        return result["data"]

    def sql(self, statement: str) -> tuple[int, dict]:
        """Run a statement in SQL Lab."""
        body = {"database_id": self.database, "sql": statement, "runAsync": False}
        return self.call("POST", "/api/v1/sqllab/execute/", body)

    def command(
        self, file: Path, at: str = "", password: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Put the dashboard in, as `make superset AT=` does."""
        person = {"SUPERSET_USER": "admin", "SUPERSET_PASSWORD": password or self.password}
        return subprocess.run(
            [sys.executable, dashboard.__file__, "--at", at or self.address, "--file", file],
            env=os.environ | person,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )


@pytest.fixture(scope="session")
def superset(tmp_path_factory: pytest.TempPathFactory, served: Warehouse) -> Iterator[Server]:
    """Start a Superset in New York, and put the dashboard in."""
    home = tmp_path_factory.mktemp("superset")
    with dashboard.served(home, TZ="America/New_York") as started:
        server = Server(**vars(started), home=home)
        result = server.command(served.file)
        assert result.stdout == f"Open {server.address}/superset/dashboard/marketing/\n", result
        (server.database,) = (one["id"] for one in server.all("database"))
        yield server
