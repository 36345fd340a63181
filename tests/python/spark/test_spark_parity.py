"""The same input gives the same marts, and fails the same tests, on DuckDB and on Spark."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import corruptions as c
from helpers.builds import Build, Workspace
from helpers.bulk import Form, write_export
from helpers.days import JUDGED
from helpers.exports import WHOLE, as_of, second_of
from helpers.on_spark import Spark, assert_same_marts
from helpers.project import LAKE, PROJECT, Export, read_export
from helpers.spoiled import spoiled_build
from helpers.spoiled_files import OfFiles

from warehouse.explain.explanation import explain
from warehouse.spark.server import Server

SIZE = ("--events", "300_000", "--days", "12", "--campaigns", "40", "--anomaly-rate", "0.02")
LAST_DAYS = ("day=2025-01-11", "day=2025-01-12")
DATASETS = ("funnel_events", "performance_metrics")
BY_DAY = (
    *("path:models/raw", "path:models/staging,resource_type:model"),
    *("+fct_funnel_daily", "+fct_performance_daily"),
    *("+rule_3_performance_is_a_unique_snapshot", "+funnel_stages_are_counted_once"),
    *(f"stg_{dataset}+1,resource_type:test" for dataset in DATASETS),
)
"""What days go into, and the tests without which none is accepted."""

MODELS = ("--exclude-resource-type", "test", "unit_test", "--select")


def lake_of(workspace: Workspace) -> dict[str, str]:
    """Return the vars with which Spark reads the lake of what DuckDB has built."""
    return LAKE | {"lake_path": str(workspace.folder / "lake")}


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of generated Parquet, by the day."""
    folder = tmp_path_factory.mktemp("generated") / "landing"
    command = [sys.executable, PROJECT / "benchmarks/generate.py", folder, *SIZE]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def test_two_exports_from_seeds(workspace: Workspace, spark: Spark) -> None:
    """All models, with a history; the tests are all compared where something fails them."""
    spark, in_history = replace(spark, schema="sample"), {"fresh": False, "arguments": WHOLE}
    workspace.build(as_of(read_export(), 1), arguments=WHOLE)
    spark.build(workspace.folder, *WHOLE)
    on_duckdb = workspace.build(second_of(read_export()), **in_history)
    on_spark = spark.build(workspace.folder, *WHOLE)
    assert on_duckdb.rows("select max(export_number) as n from marts.scorecard_history") == [
        {"n": 2}
    ]
    assert_same_marts(on_duckdb, on_spark)


def test_days_that_arrive(
    workspace: Workspace, spark: Spark, landing: Path, tmp_path: Path
) -> None:
    """All but two days at first, then one and one; with the last all marts are made."""
    spark = replace(spark, schema="days")
    variables = lake_of(workspace)
    for dataset in DATASETS:
        for day in LAST_DAYS:
            (landing / dataset / day).rename(tmp_path / f"{dataset}-{day}")
    by_day = (*JUDGED[: JUDGED.index("--select") + 1], *BY_DAY)
    workspace.build(files=landing, arguments=by_day)
    first = spark.build(workspace.folder, *by_day, variables=variables)
    assert first.named("error", "skipped") == set(), first.output
    for day, arguments in zip(LAST_DAYS, (by_day, JUDGED), strict=True):
        for dataset in DATASETS:
            (tmp_path / f"{dataset}-{day}").rename(landing / dataset / day)
        on_duckdb = workspace.build(files=landing, arguments=arguments, fresh=False)
        on_spark = spark.build(workspace.folder, *arguments, variables=variables)
        assert_same_marts(on_duckdb, on_spark)
        query = "select dataset, cast(day as string) as day from {} where is_new order by 1, 2"
        new = spark.query(query.format("days_lake.lake_days"))
        assert new == on_duckdb.rows(query.format("lake.lake_days"))
        assert len([one for one in new if one["day"]]) == len(DATASETS)


def test_corrupted_input_fails_the_same_tests(
    core: Workspace, spark: Spark, export: Callable[[], Export], tmp_path: Path
) -> None:
    """Of every field, what can be wrong with it; as many rows fail, of the same tests.

    By one dbt: the other skips less of what comes after.
    """
    of_files = OfFiles(core, tmp_path)
    corruptions = [one for one in c.of_every_field() if not one.is_null]  # ingest refuses these
    spoiled = spoiled_build(of_files, export(), corruptions + c.STRUCTURAL)
    on_spark = replace(spark, schema="spoiled").build(core.folder, variables=lake_of(core))
    for status in ("fail", "warn", "error", "skipped"):
        assert on_spark.named(status) == spoiled.build.named(status), status
    failing = spoiled.build.named("fail", "warn")
    assert {name: on_spark.failures[name] for name in failing} == {
        name: spoiled.build.failures[name] for name in failing
    }


def test_numbers_that_no_double_holds_mean_the_same(
    workspace: Workspace, spark: Spark, export: Callable[[], Export], tmp_path: Path
) -> None:
    """Beside files in which numbers are doubles; then a day is delivered again, and one is gone."""
    spark = replace(spark, schema="odd")
    shown = export()
    first, second, *_ = shown["budget_actions"]
    amounts = {
        first["budget_action_id"]: (1.005, "1.01"),
        second["budget_action_id"]: (999.995, "1000.00"),
    }
    for one in (first, second):
        one |= {"currency": "EUR", "amount": amounts[one["budget_action_id"]][0]}
    shown["performance_metrics"][0]["cost"] = 98765432109.125
    shown["performance_metrics"][-1]["cost"] = 5e-17
    write_export(tmp_path, shown, lambda dataset: Form("ndjson", "day"))
    for file in tmp_path.glob("performance_metrics/*/*"):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("98765432109.125", "98765432109.1234565"), encoding="utf-8")
    marts = (*MODELS, "+fct_performance_daily", "+budget_action_audit", "+funnel_conversion")

    def assert_parity(fresh: bool) -> Build:
        on_duckdb = workspace.build(files=tmp_path, arguments=marts, fresh=fresh)
        on_spark = spark.build(workspace.folder, *marts, variables=lake_of(workspace))
        assert_same_marts(on_duckdb, on_spark)
        return on_duckdb

    build = assert_parity(fresh=True)
    audit = build.rows("select budget_action_id as id, amount from marts.budget_action_audit")
    found = {row["id"]: str(row["amount"]) for row in audit}
    assert {action: found[action] for action in amounts} == {
        action: amount for action, (_, amount) in amounts.items()
    }
    spend = build.rows("select max(spend) as most from marts.fct_performance_daily")
    assert str(spend[0]["most"]) == "98765432109.123457"
    again, gone, *_ = sorted(tmp_path.glob("funnel_events/*/*"))
    again.write_text(again.read_text(encoding="utf-8").replace('"count": ', '"count": 1'))
    gone.unlink()
    assert_parity(fresh=False)


def test_what_failed_is_explained_with_the_files_of_its_rows(
    workspace: Workspace, spark: Spark, export: Callable[[], Export], tmp_path: Path
) -> None:
    shown = export()
    again = shown["attribution_hints"][0]
    shown["attribution_hints"].append(again)
    unique = "unique_stg_attribution_hints_hint_id"
    write_export(tmp_path, shown, lambda _: Form())
    chosen = ("--indirect-selection", "empty", "--exclude-resource-type", "unit_test", "--select")
    chosen = (*chosen, "path:models/raw", "stg_attribution_hints", unique)
    workspace.build(files=tmp_path, arguments=chosen)
    spark = replace(spark, schema="wrong")
    on_spark = spark.build(workspace.folder, *chosen, variables=lake_of(workspace))
    assert on_spark.named("fail") == {unique}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in spark.environment.items():
            patch.setenv(name, value)
        said = str(explain(workspace.folder, Server))
    assert f"FAILED  {unique}\n" in said
    assert f"hint_id={again['hint_id']}" in said
    assert "    files   attribution_hints.ndjson\n" in said
    assert "org.apache" not in said


def test_what_dies_changes_nothing(workspace: Workspace, spark: Spark, landing: Path) -> None:
    """The server is killed in the middle of a build; then a worker, with its executor, in the next.

    Of the first, nothing is in the way; of the second, Spark does the work elsewhere.
    """
    spark = replace(spark, schema="killed")
    marts = (*MODELS, "+campaign_performance", "+funnel_conversion")
    on_duckdb = workspace.build(files=landing, arguments=marts)
    command = spark.command(workspace.folder, *marts, variables=lake_of(workspace))
    tables = spark.cluster.folder / "warehouse"

    def killed(name: str, moment: Callable[[], bool]) -> tuple[int, str]:
        """Build, and kill a process of the cluster at a moment."""
        build = subprocess.Popen(
            command,
            cwd=workspace.folder,
            env=spark.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        while not moment():
            assert build.poll() is None, build.communicate()[0]
            time.sleep(0.02)
        (process,) = (one for one in spark.cluster.processes if one.name == name)
        os.killpg(process.pid, signal.SIGKILL)
        output = build.communicate()[0]
        assert not process.is_running()
        return build.returncode, output

    def writes_a_mart() -> bool:
        return any(tables.glob("killed_marts.db/*/_temporary"))

    code, output = killed("thrift-server", writes_a_mart)
    assert code != 0, output
    spark.restart()
    days = tables / "killed_intermediate.db/int_funnel_daily"
    before = days.stat().st_mtime if days.exists() else 0
    code, output = killed("worker-2", lambda: days.exists() and days.stat().st_mtime > before)
    assert code == 0, output
    assert_same_marts(on_duckdb, spark.built(workspace.folder, output))
    left = spark.query("show tables in killed_marts like '*__unfinished_*'")
    assert left == []
