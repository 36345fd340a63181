"""The same input gives the same marts, and fails the same tests, on DuckDB and on Spark."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from helpers import corruptions as c
from helpers.builds import Build, Workspace
from helpers.bulk import DECLARED, Form, day_of, json_text, write_export, write_file, write_text
from helpers.days import JUDGED, UNTESTED
from helpers.on_spark import Spark, assert_same_marts
from helpers.project import PROJECT, Export, raw_files, read_export
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


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of generated Parquet, by the day."""
    folder = tmp_path_factory.mktemp("generated") / "landing"
    command = [sys.executable, PROJECT / "benchmarks/generate.py", folder, *SIZE]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_sample_from_seeds(workspace: Workspace, spark: Spark) -> None:
    """All models; the tests are all compared where something fails them."""
    on_duckdb = workspace.build(read_export(), arguments=UNTESTED)
    on_spark = replace(spark, schema="sample").build(workspace.folder, *UNTESTED)
    assert_same_marts(on_duckdb, on_spark)


def test_days_that_arrive(
    workspace: Workspace, spark: Spark, landing: Path, tmp_path: Path
) -> None:
    """All but two days at first, then one and one; with the last all marts are made."""
    spark = replace(spark, schema="days")
    variables = raw_files(landing)
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
        arrived = "select dataset, cast(day as string) as day from {} order by 1, 2"
        taken_in = spark.query(arrived.format("days_arrivals.days"))
        assert taken_in == on_duckdb.rows(arrived.format("arrivals.days"))
        assert 0 < len(taken_in) < 12


def test_corrupted_input_fails_the_same_tests(
    core: Workspace, spark: Spark, export: Callable[[], Export], tmp_path: Path
) -> None:
    """Of every field, what can be wrong with it; as many rows fail, of the same tests.

    By one dbt: the other skips less of what comes after.
    """
    of_files = OfFiles(core, tmp_path)
    spoiled = spoiled_build(of_files, export(), c.of_every_field() + c.STRUCTURAL)
    on_spark = replace(spark, schema="spoiled").build(core.folder, variables=raw_files(tmp_path))
    for status in ("fail", "warn", "error", "skipped"):
        assert on_spark.named(status) == spoiled.build.named(status), status
    failing = spoiled.build.named("fail", "warn")
    assert {name: on_spark.failures[name] for name in failing} == {
        name: spoiled.build.failures[name] for name in failing
    }


ODD_FOLDERS = ("day\\n7", "it's", "per cent%20", "ünï + x=y")


def odd_form(dataset: str) -> Form:
    """Return a form that a dataset's files have; all forms occur."""
    forms = (
        *(Form("json"), Form("ndjson.gz", "parts"), Form("json.gz", types="text")),
        *(Form("parquet", "parts"), Form("parquet", types="text"), Form("parquet", "day", "exact")),
    )
    return forms[sorted(DECLARED).index(dataset) % len(forms)]


def test_odd_files_mean_the_same(
    workspace: Workspace, spark: Spark, export: Callable[[], Export], tmp_path: Path
) -> None:
    """Columns that some files lack, or have in the path, numbers that no double holds, odd names.

    Then one of the days with odd names is delivered again, and another is gone.
    """
    spark = replace(spark, schema="odd")
    shown = export()
    shown["attribution_hints"][0]["confidence"] = 0.5000005
    first, second, third, *others = shown.pop("budget_actions")
    events = shown.pop("funnel_events")
    write_export(tmp_path, shown, odd_form)
    amounts = {
        first["budget_action_id"]: (1.005, "1.01"),
        second["budget_action_id"]: (999.995, "1000.00"),
    }
    for one in (first, second):
        one |= {"currency": "EUR", "amount": amounts[one["budget_action_id"]][0]}
    parts = {"a": [{k: v for k, v in one.items() if k != "currency"} for one in others]}
    parts |= {"b": [first, second], "currency=GBP/c": [third | {"currency": None}]}
    for name, records in parts.items():
        write_file(
            tmp_path / f"budget_actions/{name}.parquet", "budget_actions", records, Form("parquet")
        )
    by_day: dict[str, list[dict]] = {}
    for event in events:
        by_day.setdefault(day_of(event), []).append(event)
    files = {
        day: tmp_path / "funnel_events" / folder / "0.ndjson"
        for folder, day in zip(ODD_FOLDERS, by_day, strict=False)
    }
    for day, records in by_day.items():
        file = files.get(day, tmp_path / "funnel_events" / f"{day}.ndjson")
        write_file(file, "funnel_events", records, Form("ndjson"))
    # A double would hold the number before.
    text = file.read_text(encoding="utf-8")
    told = re.sub(r'("count": ?)\d+', r"\g<1>9007199254740993.0", text, count=1)
    assert told != text
    file.write_text(told, encoding="utf-8")

    marts = (*MODELS, "+attribution_summary", "+budget_action_audit", "+funnel_conversion")

    def assert_parity(fresh: bool) -> Build:
        on_duckdb = workspace.build(files=tmp_path, arguments=marts, fresh=fresh)
        assert_same_marts(
            on_duckdb, spark.build(workspace.folder, *marts, variables=raw_files(tmp_path))
        )
        return on_duckdb

    audit = assert_parity(fresh=True).rows(
        "select budget_action_id as id, amount, currency from marts.budget_action_audit"
    )
    found = {row["id"]: (str(row["amount"]), row["currency"]) for row in audit}
    assert found.pop(first["budget_action_id"]) == ("1.01", "EUR")
    assert found.pop(second["budget_action_id"]) == ("1000.00", "EUR")
    assert found.pop(third["budget_action_id"])[1] == "GBP"
    assert {currency for _, currency in found.values()} == {"USD"}
    again, gone, *_ = files
    for event in by_day[again]:
        event["count"] += 1
    write_file(files[again], "funnel_events", by_day[again], Form("ndjson"))
    files[gone].unlink()
    assert_parity(fresh=False)


WRONG = {
    "channels": ("ndjson", lambda text: text.replace("}\n{", "}{", 1)),
    "campaigns": ("json", lambda text: f"{text}{text}"),
    "experiments": ("ndjson", lambda text: text.replace("}\n", "} ,{}\n", 1)),
    "audience_segments": ("ndjson", lambda text: text.replace('"', "'")),
    "budget_actions": ("ndjson", lambda text: text.replace("true", '"yes"', 1)),
    "campaign_risk_signals": ("ndjson", lambda text: text.replace("[", '"[] []", "more": [', 1)),
    "roi_ledger": ("json", lambda text: text[:-3]),
    "creative_assets": ("ndjson.zst", lambda text: text),
}
"""How a dataset's text is spoiled, each in another way."""


def test_wrong_files_are_refused(
    workspace: Workspace, spark: Spark, export: Callable[[], Export], tmp_path: Path
) -> None:
    """The same datasets on both, each by the name of its file; what is right is built and tested.

    What then failed is explained, with its rows and their files.
    """
    shown = export()
    again = shown["attribution_hints"][0]
    shown["attribution_hints"].append(again)
    unique = "unique_stg_attribution_hints_hint_id"
    write_export(tmp_path, {k: v for k, v in shown.items() if k not in WRONG}, lambda _: Form())
    for dataset, (extension, spoil) in WRONG.items():
        text = spoil(json_text(shown[dataset], extension))
        write_text(tmp_path / f"{dataset}.{extension}", text)
    (tmp_path / "segment_rollups.ndjson").unlink()
    rollups = tmp_path / "segment_rollups"
    write_file(rollups / "a.parquet", "segment_rollups", shown["segment_rollups"], Form("parquet"))
    with duckdb.connect() as connection:
        connection.read_parquet(str(rollups / "a.parquet")).select(
            "*, 1 as unheard_of"
        ).write_parquet(str(rollups / "b.parquet"))
    raw = ("--indirect-selection", "empty", "--exclude-resource-type", "unit_test", "--select")
    raw = (*raw, "path:models/raw", "stg_attribution_hints", unique)
    on_duckdb = workspace.build(files=tmp_path, arguments=raw)
    spark = replace(spark, schema="wrong")
    on_spark = spark.build(workspace.folder, *raw, variables=raw_files(tmp_path))
    wrong = {f"raw_{dataset}" for dataset in [*WRONG, "segment_rollups"]}
    assert on_spark.named("error") == wrong
    assert on_duckdb.named("error") == wrong - {"raw_creative_assets"}
    for dataset, (extension, _) in WRONG.items():
        message = on_spark.messages[f"raw_{dataset}"]
        assert f"{tmp_path}/{dataset}.{extension}" in message
        assert "org.apache" not in message
    assert "unheard_of: undeclared field" in on_spark.messages["raw_segment_rollups"]
    assert ".gz or .bz2" in on_spark.messages["raw_creative_assets"]
    assert "raw_funnel_events" in on_spark.named("success")
    assert on_spark.named("fail") == {unique}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in spark.environment.items():
            patch.setenv(name, value)
        said = explain(workspace.folder, Server)
    assert f"FAILED  {unique}\n" in said
    assert f"hint_id={again['hint_id']}" in said
    assert f"    files   {tmp_path}/attribution_hints.ndjson\n" in said
    assert "org.apache" not in said


def test_what_dies_changes_nothing(workspace: Workspace, spark: Spark, landing: Path) -> None:
    """The server is killed in the middle of a build; then a worker, with its executor, in the next.

    Of the first, nothing is in the way; of the second, Spark does the work elsewhere.
    """
    spark = replace(spark, schema="killed")
    marts = (*MODELS, "+campaign_performance", "+funnel_conversion")
    on_duckdb = workspace.build(files=landing, arguments=marts)
    command = spark.command(workspace.folder, *marts, variables=raw_files(landing))
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
