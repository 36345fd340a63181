"""The same input gives the same marts, and fails the same tests, on DuckDB and on Spark."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import corruptions as c
import pytest
from conftest import PROJECT, Export, Workspace, raw_files, read_export
from on_spark import Spark, assert_same_marts
from test_bulk_corruptions import OfFiles
from test_bulk_days import JUDGED, UNTESTED
from test_corruptions import spoiled_build

pytest_plugins = "on_spark"

SIZE = ("--events", "300_000", "--days", "40", "--campaigns", "40", "--anomaly-rate", "0.02")
LAST_DAYS = ("day=2025-02-08", "day=2025-02-09")
DATASETS = ("funnel_events", "performance_metrics")


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of generated Parquet, by the day."""
    folder = tmp_path_factory.mktemp("generated") / "landing"
    command = [sys.executable, PROJECT / "benchmarks/generate.py", folder, *SIZE]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_sample_from_seeds(workspace: Workspace, spark: Spark) -> None:
    on_duckdb = workspace.build(read_export())
    assert_same_marts(on_duckdb, replace(spark, schema="sample").build(workspace.folder))


def test_days_that_arrive(
    workspace: Workspace, spark: Spark, landing: Path, tmp_path: Path
) -> None:
    """All but two days at first, then one and one."""
    spark = replace(spark, schema="days")
    variables = raw_files(landing)
    for dataset in DATASETS:
        for day in LAST_DAYS:
            (landing / dataset / day).rename(tmp_path / f"{dataset}-{day}")
    workspace.build(files=landing, arguments=JUDGED)
    first = spark.build(workspace.folder, *JUDGED, variables=variables)
    assert first.named("error", "skipped") == set(), first.output
    for day in LAST_DAYS:
        for dataset in DATASETS:
            (tmp_path / f"{dataset}-{day}").rename(landing / dataset / day)
        on_duckdb = workspace.build(files=landing, arguments=JUDGED, fresh=False)
        on_spark = spark.build(workspace.folder, *JUDGED, variables=variables)
        assert_same_marts(on_duckdb, on_spark)
        arrived = "select dataset, cast(day as string) as day from {} order by 1, 2"
        taken_in = spark.query(arrived.format("days_arrivals.days"))
        assert taken_in == on_duckdb.rows(arrived.format("arrivals.days"))
        assert 0 < len(taken_in) < 40


def test_corrupted_input_fails_the_same_tests(
    workspace: Workspace, spark: Spark, export: Callable[[], Export], tmp_path: Path
) -> None:
    """Of every field, what can be wrong with it; as many rows fail, of the same tests."""
    of_files = OfFiles(workspace, tmp_path)
    spoiled = spoiled_build(of_files, export(), c.of_every_field() + c.STRUCTURAL)
    on_spark = replace(spark, schema="spoiled").build(
        workspace.folder, variables=raw_files(tmp_path)
    )
    for status in ("fail", "warn", "error", "skipped"):
        assert on_spark.named(status) == spoiled.build.named(status), status
    failing = spoiled.build.named("fail", "warn")
    assert {name: on_spark.failures[name] for name in failing} == {
        name: spoiled.build.failures[name] for name in failing
    }


def test_a_worker_that_dies_changes_nothing(
    workspace: Workspace, spark: Spark, landing: Path
) -> None:
    """It is killed while a build runs, and its executor with it; Spark does its work elsewhere."""
    spark = replace(spark, schema="killed")
    on_duckdb = workspace.build(files=landing, arguments=UNTESTED)
    command = spark.command(workspace.folder, *UNTESTED, variables=raw_files(landing))
    build = subprocess.Popen(
        command,
        cwd=workspace.folder,
        env=spark.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    tables = spark.cluster.folder / "warehouse"
    while not (tables / "killed_intermediate.db/int_funnel_daily").exists():
        assert build.poll() is None, build.communicate()[0]
        time.sleep(0.2)
    (worker,) = (one for one in spark.cluster.processes if one.name == "worker-2")
    os.killpg(worker.pid, signal.SIGKILL)
    output = build.communicate()[0]
    assert build.returncode == 0, output
    assert not worker.is_running()
    assert_same_marts(on_duckdb, spark.built(workspace.folder, output))
