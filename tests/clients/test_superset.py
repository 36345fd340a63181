"""Superset as a server, set up by its REST API to read the published file.

Its time zone is New York's, which must not shift any answer.
"""

import json
import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from conftest import Warehouse

PROGRAMS = Path(sys.executable).parent
SECONDS_AT_MOST = 300
USER, PASSWORD = "admin", "of this test alone"

CONFIGURATION = """
SECRET_KEY = "a secret of this test alone, which ends with it"
SQLALCHEMY_DATABASE_URI = "sqlite:///{home}/superset.db"
WTF_CSRF_ENABLED = False  # the API is asked by a program, with a token
TALISMAN_ENABLED = False  # there is no https on this machine
"""

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


@dataclass
class Superset:
    """A server, and its database."""

    address: str
    token: str = ""
    database: int = 0

    def call(self, method: str, path: str, body: dict | None = None) -> tuple[int, dict]:
        """Ask the API; return the status and the answer."""
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.address}{path}", data, headers, method=method)
        try:
            with urlopen(request, timeout=SECONDS_AT_MOST) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, json.load(error)

    def done(self, method: str, path: str, body: dict | None = None) -> dict:
        """Send a request to the API that must succeed."""
        status, answer = self.call(method, path, body)
        assert status in (200, 201), answer
        return answer

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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    """Set Superset up in its own folder, start it on loopback, and stop it."""
    home = tmp_path_factory.mktemp("superset")
    configuration = home / "superset_config.py"
    configuration.write_text(CONFIGURATION.format(home=home), encoding="utf-8")
    environment = os.environ | {
        "SUPERSET_HOME": str(home),
        "SUPERSET_CONFIG_PATH": str(configuration),
        "PYTHONPATH": "",
        "TZ": "America/New_York",
    }
    person = ("--username", USER, "--password", PASSWORD, "--email", "admin@example.com")
    for arguments in (
        ("db", "upgrade"),
        ("fab", "create-admin", *person, "--firstname", "Ada", "--lastname", "Lovelace"),
        ("init",),
    ):
        result = subprocess.run(
            [PROGRAMS / "superset", *arguments],
            cwd=home,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert result.returncode == 0, result.stderr[-2000:]
    with socket.socket() as listening, (home / "log").open("w") as log:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        descriptor = listening.fileno()
        options = ("--bind", f"fd://{descriptor}", "--threads", "4", "--timeout", "300")
        process = subprocess.Popen(
            [PROGRAMS / "gunicorn", *options, "superset.app:create_app()"],
            cwd=home,
            env=environment,
            stdout=log,
            stderr=log,
            pass_fds=[descriptor],
        )
        try:
            superset = Superset(f"http://127.0.0.1:{port}")
            wait_for(superset, process, home / "log")
            yield superset
        finally:
            process.terminate()
            process.wait(timeout=60)


def wait_for(superset: Superset, process: subprocess.Popen, log: Path) -> None:
    """Wait until a server answers."""
    until = time.monotonic() + SECONDS_AT_MOST
    while True:
        try:
            with urlopen(f"{superset.address}/health", timeout=5):
                return
        except (URLError, OSError):
            assert process.poll() is None and time.monotonic() < until, log.read_text()[-2000:]
            time.sleep(0.5)


@pytest.fixture(scope="module")
def superset(server: Superset, served: Warehouse) -> Superset:
    """Log in, and register the file; Superset's settings allow writing."""
    login = {"username": USER, "password": PASSWORD, "provider": "db", "refresh": False}
    server.token = server.done("POST", "/api/v1/security/login", login)["access_token"]
    server.database = register(server, "warehouse", served)
    return server


def register(superset: Superset, name: str, warehouse: Warehouse) -> int:
    """Register a file at a server as read-only; return its id there."""
    address = f"duckdb:///{warehouse.file}?access_mode=read_only"
    database = {"database_name": name, "sqlalchemy_uri": address}
    superset.done("POST", "/api/v1/database/test_connection/", database)
    rights = {"expose_in_sqllab": True, "allow_dml": True}
    return superset.done("POST", "/api/v1/database/", database | rights)["id"]


def dataset(superset: Superset, database: int, table: str) -> int:
    body = {"database": database, "schema": "warehouse.marts", "table_name": table}
    return superset.done("POST", "/api/v1/dataset/", body)["id"]


@pytest.fixture(scope="module")
def datasets(superset: Superset, served: Warehouse) -> dict[str, int]:
    """Make a dataset of each mart."""
    return {mart: dataset(superset, superset.database, mart) for mart in served.marts}


def test_schemas_and_tables_are_listed(superset: Superset, served: Warehouse) -> None:
    path = f"/api/v1/database/{superset.database}"
    schemas = superset.done("GET", f"{path}/schemas/")["result"]
    assert {"warehouse.marts", "warehouse.semantic"} <= set(schemas)
    tables = superset.done("GET", f"{path}/tables/?q=(schema_name:warehouse.marts)")["result"]
    assert sorted(table["value"] for table in tables) == served.marts


def test_datasets_carry_types_and_comments(
    superset: Superset, served: Warehouse, datasets: dict[str, int]
) -> None:
    for mart, number in datasets.items():
        columns = superset.done("GET", f"/api/v1/dataset/{number}")["result"]["columns"]
        found = {one["column_name"]: (one["type"], one["description"]) for one in columns}
        expected = served.columns(mart).items()
        assert all(comment for _, (_, comment) in expected)
        assert found == {name: (TYPES[kind], comment) for name, (kind, comment) in expected}, mart
        times = {one["column_name"] for one in columns if one["is_dttm"]}
        assert times == {name for name, (kind, _) in expected if kind in ("DATE", "TIMESTAMP")}


def as_answered(value: Any) -> Any:
    """Return a value as Superset's JSON has it: times in milliseconds since 1970, UTC."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC).timestamp() * 1000
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp() * 1000
    return value


def test_charts_show_every_value_of_the_marts(
    superset: Superset, served: Warehouse, datasets: dict[str, int]
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
    superset: Superset,
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
    superset: Superset, served: Warehouse, datasets: dict[str, int]
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
def test_sql_lab_writes_nothing(statement: str, superset: Superset) -> None:
    status, answer = superset.sql(statement)
    assert status >= 400
    assert "attached in read-only mode" in answer["errors"][0]["message"]


def test_sql_lab_reads(superset: Superset, served: Warehouse) -> None:
    status, answer = superset.sql("select count(*) as campaigns from marts.dim_campaigns")
    assert status == 200, answer
    campaigns = served.value("select count(*) from marts.dim_campaigns")
    assert answer["data"] == [{"campaigns": campaigns}]


def test_the_next_version_is_seen_at_once(superset: Superset, replaced: Warehouse) -> None:
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
