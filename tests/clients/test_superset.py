"""Superset as a server, set up by its REST API to read the published file.

Its time zone is New York's, which must not shift any answer.
"""

import math
from typing import Any

import pytest
from conftest import Server, Warehouse, as_answered

TYPES = {
    "VARCHAR": "VARCHAR",
    "BIGINT": "BIGINT",
    "INTEGER": "INTEGER",
    "DOUBLE": "FLOAT",
    "DECIMAL(18,2)": "NUMERIC(18, 2)",
    "DECIMAL(18,6)": "NUMERIC(18, 6)",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP WITHOUT TIME ZONE",
    "BOOLEAN": "BOOLEAN",
}


def register(superset: Server, name: str, warehouse: Warehouse) -> int:
    """Register a file at a server as read-only; return its id there."""
    address = f"duckdb:///{warehouse.file}?access_mode=read_only"
    database = {"database_name": name, "sqlalchemy_uri": address}
    superset.done("POST", "/api/v1/database/test_connection/", database)
    return superset.done("POST", "/api/v1/database/", database)["id"]


def dataset(superset: Server, database: int, table: str) -> int:
    body = {"database": database, "schema": "warehouse.marts", "table_name": table}
    return superset.done("POST", "/api/v1/dataset/", body)["id"]


@pytest.fixture(scope="module")
def datasets(superset: Server, served: Warehouse) -> dict[str, int]:
    """Return a dataset of each mart: that of the dashboard, or another that is made."""
    known = {one["table_name"]: one["id"] for one in superset.all("dataset")}
    return {
        mart: known.get(mart) or dataset(superset, superset.database, mart) for mart in served.marts
    }


def test_schemas_and_tables_are_listed(superset: Server, served: Warehouse) -> None:
    path = f"/api/v1/database/{superset.database}"
    schemas = superset.done("GET", f"{path}/schemas/")["result"]
    assert {"warehouse.marts", "warehouse.semantic"} <= set(schemas)
    tables = superset.done("GET", f"{path}/tables/?q=(schema_name:warehouse.marts)")["result"]
    assert sorted(table["value"] for table in tables) == served.marts


def test_datasets_carry_types_and_comments(
    superset: Server, served: Warehouse, datasets: dict[str, int]
) -> None:
    for mart, number in datasets.items():
        columns = superset.done("GET", f"/api/v1/dataset/{number}")["result"]["columns"]
        found = {one["column_name"]: (one["type"], one["description"]) for one in columns}
        expected = served.columns(mart).items()
        assert all(comment for _, (_, comment) in expected)
        assert found == {name: (TYPES[kind], comment) for name, (kind, comment) in expected}, mart
        times = {one["column_name"] for one in columns if one["is_dttm"]}
        assert times == {name for name, (kind, _) in expected if kind in ("DATE", "TIMESTAMP")}


def test_charts_show_every_value_of_the_marts(
    superset: Server, served: Warehouse, datasets: dict[str, int]
) -> None:
    for mart, number in datasets.items():
        columns = list(served.columns(mart))
        found = superset.chart(number, {"columns": columns})
        expected = served.rows(f"from marts.{mart}")
        assert len(found) == len(expected), mart
        for wanted, row in zip(expected, found, strict=True):
            assert [row[name] for name in columns] == [as_answered(one) for one in wanted], mart


def total(column: str) -> dict[str, Any]:
    """Return a metric as the chart builder writes it."""
    return {
        "expressionType": "SIMPLE",
        "column": {"column_name": column},
        "aggregate": "SUM",
        "label": column,
    }


@pytest.mark.parametrize(
    ("mart", "group", "measures"),
    [
        ("fct_performance_daily", "channel_id", ("spend", "clicks", "conversions")),
        ("funnel_conversion", "stage", ("stage_count", "dropped_count")),
        ("budget_action_audit", "approval_state", ("amount", "approval_latency_minutes")),
        ("risk_escalation", "status", ("exposure_spend", "response_minutes")),
        ("segment_rollups", "segment_id", ("spend", "revenue_proxy")),
    ],
)
def test_charts_give_the_numbers_of_the_marts(
    mart: str,
    group: str,
    measures: tuple[str, ...],
    superset: Server,
    served: Warehouse,
    datasets: dict[str, int],
) -> None:
    query = {"columns": [group], "metrics": [*map(total, measures), "count"]}
    found = superset.chart(datasets[mart], query)
    sums = ", ".join(f"sum({name})" for name in measures)
    expected = served.rows(f"select {group}, {sums}, count(*) from marts.{mart} group by all")
    assert len(found) == len(expected) > 1
    numbers = {row[group]: [row[name] for name in (*measures, "count")] for row in found}
    for name, *values in expected:
        for wanted, number in zip(values, numbers[name], strict=True):
            assert number == wanted or math.isclose(number, wanted, rel_tol=1e-12), (mart, name)


def test_a_time_range_is_that_of_the_marts(
    superset: Server, served: Warehouse, datasets: dict[str, int]
) -> None:
    """The end of a day in UTC is none in New York."""
    last = served.value("select max(occurred_at) from marts.campaign_timeline").date()
    query = {
        "columns": ["campaign_id"],
        "metrics": ["count"],
        "filters": [{"col": "occurred_at", "op": "TEMPORAL_RANGE", "val": f"{last} : "}],
    }
    found = superset.chart(datasets["campaign_timeline"], query)
    expected = served.rows(
        f"""
        select campaign_id, count(*)
        from marts.campaign_timeline
        where occurred_at >= '{last}'
        group by all
        """
    )
    assert {row["campaign_id"]: row["count"] for row in found} == dict(expected)
    assert expected


@pytest.mark.parametrize(
    "statement",
    [
        "create table marts.mine as select 1 as one",
        "insert into marts.dim_channels select * from marts.dim_channels",
        "update marts.risk_inbox set severity = 'low'",
        "drop table marts.risk_inbox",
    ],
)
def test_sql_lab_writes_nothing(statement: str, superset: Server) -> None:
    allowed = {"allow_dml": True}  # as far as Superset is concerned
    superset.done("PUT", f"/api/v1/database/{superset.database}", allowed)
    status, answer = superset.sql(statement)
    assert status >= 400
    assert "attached in read-only mode" in answer["errors"][0]["message"]


def test_sql_lab_reads(superset: Server, served: Warehouse) -> None:
    status, answer = superset.sql("select count(*) as campaigns from marts.dim_campaigns")
    assert status == 200, answer
    campaigns = served.value("select count(*) from marts.dim_campaigns")
    assert answer["data"] == [{"campaigns": campaigns}]


def test_the_next_version_is_seen_at_once(superset: Server, replaced: Warehouse) -> None:
    database = register(superset, "replaced", replaced)
    # Its own table: where Superset keeps its data in SQLite, a name is one dataset's alone.
    body = {"database": database, "schema": "semantic", "table_name": "time_spine_daily"}
    number = superset.done("POST", "/api/v1/dataset/", body)["id"]
    for days in (1, 2, 3):
        replaced.publish(
            f"""
            create or replace table semantic.time_spine_daily as
            select date '2026-01-01' + cast(day as integer) as date_day from range({days}) as r(day)
            """
        )
        assert superset.chart(number, {"columns": [], "metrics": ["count"]}) == [{"count": days}]
