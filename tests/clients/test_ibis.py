"""Ibis opens the published file read-only, and returns the same as DuckDB."""

from collections.abc import Iterator

import duckdb
import ibis
import pytest
from conftest import Warehouse
from ibis.backends.duckdb import Backend

TYPES = {
    "VARCHAR": "string",
    "BIGINT": "int64",
    "INTEGER": "int32",
    "DOUBLE": "float64",
    "DECIMAL(18,2)": "decimal(18, 2)",
    "DECIMAL(18,6)": "decimal(18, 6)",
    "DATE": "date",
    "TIMESTAMP": "timestamp(6)",
    "BOOLEAN": "boolean",
}


@pytest.fixture
def marts(warehouse: Warehouse) -> list[str]:
    return warehouse.marts


@pytest.fixture
def expected(warehouse: Warehouse, marts: list[str]) -> dict[str, tuple[dict, list[tuple]]]:
    """Return columns and rows of all marts; read before Ibis has the process's one instance."""
    return {mart: (warehouse.columns(mart), warehouse.rows(f"from marts.{mart}")) for mart in marts}


@pytest.fixture
def keys(warehouse: Warehouse, expected: dict) -> set[tuple[str, str]]:
    """Return mart and column of what a primary key holds, which is never null."""
    query = """
        select table_name, unnest(constraint_column_names)
        from duckdb_constraints()
        where constraint_type = 'PRIMARY KEY'
    """
    return set(warehouse.rows(query))


@pytest.fixture
def connection(warehouse: Warehouse, expected: dict, keys: set) -> Iterator[Backend]:
    connection = ibis.duckdb.connect(warehouse.file, read_only=True)
    yield connection
    connection.disconnect()


def test_tables_types_and_values(
    connection: Backend,
    expected: dict[str, tuple[dict, list[tuple]]],
    keys: set[tuple[str, str]],
) -> None:
    assert sorted(connection.list_tables(database="marts")) == list(expected)
    for mart, (columns, rows) in expected.items():
        table = connection.table(mart, database="marts")
        types = {name: str(kind) for name, kind in table.schema().items()}
        never_null = {name: "!" if (mart, name) in keys else "" for name in columns}
        assert types == {
            name: f"{never_null[name]}{TYPES[kind]}" for name, (kind, _) in columns.items()
        }, mart
        found = [tuple(row.values()) for row in table.to_pyarrow().to_pylist()]
        assert list(map(repr, found)) == list(map(repr, rows)), mart


def test_an_aggregation(connection: Backend, expected: dict) -> None:
    columns, rows = expected["fct_performance_daily"]
    channel, spend = (list(columns).index(name) for name in ("channel_id", "spend"))
    sums: dict = {}
    for row in rows:
        sums[row[channel]] = sums.get(row[channel], 0) + row[spend]
    table = connection.table("fct_performance_daily", database="marts")
    answer = table.group_by("channel_id").agg(spend=table.spend.sum()).to_pyarrow().to_pylist()
    assert {row["channel_id"]: row["spend"] for row in answer} == sums
    assert len(sums) > 1


def test_writes_are_refused(connection: Backend) -> None:
    for write in (
        lambda: connection.raw_sql("create table marts.mine as select 1 as one"),
        lambda: connection.create_table("mine", ibis.memtable({"one": [1]}), database="marts"),
        lambda: connection.raw_sql("update marts.risk_inbox set severity = 'low'"),
    ):
        with pytest.raises(duckdb.Error, match="attached in read-only mode"):
            write()
