"""A cluster for the tests, dbt builds on it, and their comparison with DuckDB's."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from helpers.builds import Build
from pyhive import hive

from tools.spark_cluster import Cluster, free_ports

SHOWN = 10
"""How many differences a failed comparison prints."""

OF_THE_ENGINE = {"warehouse_build": {"inputs", "history_hash"}}
"""Columns that hold hashes, which each engine has its own of."""

AS_JSON = {"reference_policy"}
"""Columns of JSON text, in which one engine writes 0.0005 and the other 5.0E-4."""

JAVA = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=512m -XX:+UseSerialGC"
FOR_FEW_ROWS = {
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.codegen.wholeStage": "false",
    "spark.driver.defaultJavaOptions": JAVA,
    "spark.executor.defaultJavaOptions": JAVA,
    "spark.ui.enabled": "false",
}
"""What spares Spark and Java the preparations that few rows don't make up for."""

RESULTS = "target/run_results.json"

DATA_ONLY = ("--exclude-resource-type", "unit_test")


@dataclass
class Spark:
    """A cluster, and the schema prefix of its builds."""

    cluster: Cluster
    port: int
    schema: str = "parity"

    @classmethod
    def started(cls, folder: Path) -> Spark:
        """Start a cluster of two workers."""
        (port,) = free_ports(1)
        spark = cls(Cluster(folder), port)
        spark.restart()
        return spark

    def restart(self) -> None:
        """Stop the rest of the cluster, and start it again on its files."""
        self.cluster.down()
        self.cluster.up(workers=2, cores=1, memory="1g", port=self.port, settings=FOR_FEW_ROWS)

    @property
    def environment(self) -> dict[str, str]:
        """The environment for dbt's profile."""
        return os.environ | {
            "DBT_SPARK_HOST": "127.0.0.1",
            "DBT_SPARK_PORT": str(self.port),
            "DBT_SPARK_SCHEMA": self.schema,
            "DBT_LOG_LEVEL_FILE": "none",
        }

    def command(
        self, project: Path, *arguments: str, variables: dict[str, Any] | None = None
    ) -> list[str]:
        """Return the command of a dbt build."""
        places = ["--project-dir", str(project), "--profiles-dir", str(project)]
        dbt = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", "--quiet", "build"]
        given = ["--target", "spark", "--vars", json.dumps(variables or {})]
        return [*dbt, *given, *places, *(arguments or DATA_ONLY)]

    def build(
        self, project: Path, *arguments: str, variables: dict[str, Any] | None = None
    ) -> SparkBuild:
        """Run `dbt build` of a project on the cluster; return each node's result."""
        results = project / RESULTS
        results.unlink(missing_ok=True)  # another build's, maybe another dbt's
        done = subprocess.run(
            self.command(project, *arguments, variables=variables),
            cwd=project,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert results.exists(), done.stdout + done.stderr
        return self.built(project, done.stdout + done.stderr)

    def built(self, project: Path, output: str) -> SparkBuild:
        """Read the artifacts and tables of a build."""
        results = json.loads((project / RESULTS).read_text(encoding="utf-8"))
        nodes = {
            one["unique_id"].split(".")[2]: one
            for one in results["results"]
            if not one["unique_id"].startswith("exposure.")
        }
        return SparkBuild(
            self,
            {name: one["status"] for name, one in nodes.items()},
            {name: one["failures"] or 0 for name, one in nodes.items()},
            {name: one["message"] or "" for name, one in nodes.items()},
            output,
        )

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        connection = hive.connect(host="127.0.0.1", port=self.port, username="tests")
        try:
            cursor = connection.cursor()
            cursor.execute(sql)
            names = [column[0].split(".")[-1] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        finally:
            connection.close()


@dataclass(frozen=True)
class SparkBuild:
    """One finished build on Spark; see conftest.Build."""

    spark: Spark
    statuses: dict[str, str]
    failures: dict[str, int]
    messages: dict[str, str]
    output: str

    def named(self, *statuses: str) -> set[str]:
        """Return the names of the nodes that have one of these statuses."""
        return {name for name, status in self.statuses.items() if status in statuses}


def plain(value: Any) -> Any:
    """Return a value as both engines' clients can give it."""
    if isinstance(value, datetime):
        return str(value).removesuffix("+00:00")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if isinstance(value, Decimal):
        return value.normalize()
    return value


def order_of(row: dict[str, Any]) -> str:
    """Return the sort key of rows: all exact values."""
    return repr([value for value in row.values() if not isinstance(value, float)])


def is_same(one: Any, other: Any) -> bool:
    """Compare two values, null-safe: doubles to 1e-12, all else exactly."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-14)
    return type(one) is type(other) and one == other


def differences(on_duckdb: Build, on_spark: SparkBuild) -> Iterable[str]:
    """Yield a line for each difference of a value, row or column of a public relation."""
    relations = on_duckdb.rows(
        """
        select table_schema, table_name
        from information_schema.tables
        where table_schema in ('marts', 'semantic')
        order by all
        """
    )
    assert relations
    for schema, name in (row.values() for row in relations):
        left_out = OF_THE_ENGINE.get(name, set())
        wanted, found = (
            sorted(
                (
                    {
                        column: json.loads(value) if column in AS_JSON else plain(value)
                        for column, value in row.items()
                        if column not in left_out
                    }
                    for row in rows
                ),
                key=order_of,
            )
            for rows in (
                on_duckdb.rows(f"select * from {schema}.{name}"),
                on_spark.spark.query(f"select * from {on_spark.spark.schema}_{schema}.{name}"),
            )
        )
        if len(wanted) != len(found):
            yield f"{name}: {len(wanted)} rows on DuckDB, {len(found)} on Spark"
            continue
        for one, other in zip(wanted, found, strict=True):
            if list(one) != list(other):
                yield f"{name}: columns {list(one)} on DuckDB, {list(other)} on Spark"
                break
            for column, value in one.items():
                if not is_same(value, other[column]):
                    key = dict(list(one.items())[:3])
                    yield f"{name} {key} {column}: {value!r} on DuckDB, {other[column]!r} on Spark"


def assert_same_marts(on_duckdb: Build, on_spark: SparkBuild) -> None:
    """Compare all public relations, and each test's result."""
    assert on_spark.named("error", "skipped") == set(), on_spark.output
    lines = list(differences(on_duckdb, on_spark))
    assert not lines, "\n".join([f"{len(lines)} differences", *lines[:SHOWN]])
    for status in ("fail", "warn"):
        assert on_spark.named(status) == on_duckdb.named(status)
