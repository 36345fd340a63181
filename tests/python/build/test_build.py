"""A build is whole, described and repeatable."""

import json
import random
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
import yaml
from helpers.builds import DATA_ONLY, Build, DbtError, Workspace
from helpers.project import DBT_CORE, EXPORT, PROJECT, Export

from warehouse import publish
from warehouse.database import marts

MARTS = {
    "attribution_summary",
    "budget_action_audit",
    "budget_action_impact",
    "campaign_pacing",
    "campaign_performance",
    "campaign_timeline",
    "channel_budget_flows",
    "confidence_calibration",
    "contract_compliance",
    "contract_violations",
    "conversion_reconciliation",
    "decision_audit",
    "dim_assets",
    "dim_campaigns",
    "dim_channels",
    "dim_date",
    "dim_experiments",
    "dim_segments",
    "executive_scorecard",
    "experiment_results",
    "fct_channel_weekly",
    "fct_funnel_daily",
    "fct_performance_daily",
    "fct_segment_weekly",
    "funnel_conversion",
    "funnel_trend",
    "journey_diagnosis",
    "missed_risks",
    "money_uptake",
    "next_actions",
    "next_budget",
    "orchestrator_track_record",
    "risk_escalation",
    "risk_findings",
    "risk_inbox",
    "risk_vigilance",
    "scorecard_history",
    "segment_rollup_reconciliation",
    "segment_rollups",
    "status_history",
    "warehouse_build",
    "what_changed",
}


def contents(build: Build) -> dict[str, list[dict]]:
    """Return the rows of every mart, in an order of their own."""
    return {mart: build.rows(f"select * from marts.{mart} order by all") for mart in MARTS}


def test_the_sample_is_green(sample: Build) -> None:
    assert sample.named("success", "pass", "no-op") == set(sample.statuses)


def test_the_marts_are_the_ones_that_are_promised(sample: Build) -> None:
    tables = sample.rows(
        "select table_name from information_schema.tables where table_schema = 'marts'"
    )
    assert {table["table_name"] for table in tables} == MARTS


def test_every_mart_and_column_says_what_it_means(sample: Build) -> None:
    silent = sample.rows(
        "select table_name from duckdb_tables() where schema_name = 'marts'"
        " and coalesce(trim(comment), '') = '' union all"
        " select table_name || '.' || column_name from duckdb_columns()"
        " where schema_name = 'marts' and coalesce(trim(comment), '') = ''"
    )
    assert silent == []


def test_what_is_published_is_public_and_nothing_else_is(
    workspace: Workspace, sample: Build
) -> None:
    models = [
        node for node in workspace.manifest["nodes"].values() if node["resource_type"] == "model"
    ]
    public = {node["name"] for node in models if node["access"] == "public"}
    assert public == {node["name"] for node in models if node["schema"] in marts.PUBLIC_SCHEMAS}
    assert {node["name"] for node in models if node["contract"]["enforced"]} == public
    groups = {group["name"]: group["owner"] for group in workspace.manifest["groups"].values()}
    assert {node["group"] for node in models} == groups.keys()
    exposures = workspace.manifest["exposures"].values()
    roles = {exposure["owner"]["name"] for exposure in exposures}
    assert {owner["name"] for owner in groups.values()} == roles


# ---- Sameness --------------------------------------------------------------------------------


def shuffled(records: Export, seed: int) -> Export:
    """Return an export with its records, and the keys of each, in another order."""
    chance = random.Random(seed)
    return {
        dataset: [
            dict(chance.sample(list(row.items()), len(row)))
            for row in chance.sample(rows, len(rows))
        ]
        for dataset, rows in records.items()
    }


def test_neither_order_nor_threads_matter(
    workspace: Workspace, export: Callable[[], Export], sample: Build, whole: bool
) -> None:
    expected = publish.publish(sample.folder).marts
    for seed in range(3 if whole else 1):
        threads = "1" if seed % 2 == 0 else "8"
        build = workspace.build(
            shuffled(export(), seed), arguments=(*DATA_ONLY, "--threads", threads)
        )
        assert contents(build) == contents(sample)
        assert publish.publish(build.folder).marts == expected


@pytest.mark.long
def test_partial_and_repeated_builds_end_where_a_whole_one_does(
    workspace: Workspace, export: Callable[[], Export], sample: Build
) -> None:
    other = export()
    for record in other["performance_metrics"]:
        record["cost"] += 1
    workspace.build(other, arguments=(*DATA_ONLY, "--select", "+fct_performance_daily"))
    for part in ("staging", "+status_log", "int_performance+", "contract_violations"):
        workspace.build(export(), arguments=(*DATA_ONLY, "--select", part), fresh=False)
    for threads in ("8", "2"):
        whole_one = workspace.build(
            export(), arguments=(*DATA_ONLY, "--threads", threads), fresh=False
        )
        assert contents(whole_one) == contents(sample)


def test_what_was_there_is_replaced_whatever_it_was_or_else_stays(
    workspace: Workspace, export: Callable[[], Export]
) -> None:
    """A table where a view is to be, and a view where a table is; and where a model fails, all."""

    def built(selected: str, spoil: str = "", fresh: bool = False) -> Build:
        if spoil:
            with duckdb.connect(str(workspace.folder / "build/warehouse.duckdb")) as connection:
                connection.execute(spoil)
        arguments = (*DATA_ONLY, "--select", selected)
        return workspace.build(export(), arguments=arguments, fresh=fresh)

    def channels(build: Build) -> list[dict]:
        kinds = build.rows(
            "select table_name, table_type from information_schema.tables"
            " where table_schema in ('marts', 'staging') order by all"
        )
        return kinds + build.rows("select * from marts.dim_channels order by all")

    first = channels(built("+dim_channels", fresh=True))
    spoiled = """
        drop view staging.stg_channels;
        create table staging.stg_channels as select 1 as old;
        drop table marts.dim_channels;
        create view marts.dim_channels as select 1 as old;
    """
    assert channels(built("+dim_channels", spoiled)) == first
    failed = built("dim_channels", "create or replace view staging.stg_channels as select 1 as old")
    assert failed.statuses["dim_channels"] == "error"
    assert channels(failed) == first


# ---- What it was made from -------------------------------------------------------------------


def test_the_build_record_names_every_input_and_policy(sample: Build) -> None:
    (record,) = sample.rows("select * from marts.warehouse_build")
    inputs = {file.stem for file in EXPORT.glob("*.json")}
    policy = yaml.safe_load((PROJECT / "dbt_project.yml").read_text("utf-8"))["vars"]
    reference = {file.stem for file in (PROJECT / "seeds/reference").glob("*.csv")}
    assert set(json.loads(record["inputs"])) == inputs
    assert json.loads(record["policy"]) == policy
    assert set(json.loads(record["reference_policy"])) == reference
    assert {name: dataset["rows"] for name, dataset in json.loads(record["inputs"]).items()} == {
        file.stem: len(json.loads(file.read_text("utf-8"))) for file in EXPORT.glob("*.json")
    }


# ---- The as-of -------------------------------------------------------------------------------


def test_an_as_of_that_is_no_date_is_refused(workspace: Workspace, sample: Build) -> None:
    arguments = ("--select", "int_as_of", "--vars", '{"as_of": "yesterday"}')
    with pytest.raises(DbtError, match=r"The var as_of is 'yesterday'. It is a date"):
        workspace.dbt("compile", *arguments)


POLICIES = [
    ("as_off: 2026-03-16", "There is no var as_off"),
    ("budget_approval_threshold: {usd: 500}", "The var budget_approval_threshold holds usd: 500"),
    ("budget_approval_threshold: {USD: -1}", "The var budget_approval_threshold holds USD: -1"),
    ("split_window_hours: '24'", "The var split_window_hours is '24'. It is a number"),
    ("minimum_lift_to_scale: 0", "The var minimum_lift_to_scale is 0. It is above 0"),
    ("guardrail_margin: -0.1", "The var guardrail_margin is -0.1. It is above 0"),
    ("level_share_before_end: 1", "The var level_share_before_end is 1. It is above 0 and below 1"),
    ("rollup_window_days: 0", "The var rollup_window_days is 0. It is at least one day"),
    ("budget_approval_threshold: {USD: x}", "The var budget_approval_threshold holds USD: x"),
]


@pytest.mark.parametrize(("policy", "message"), POLICIES)
def test_a_policy_that_cannot_be_meant_is_refused(
    workspace: Workspace, sample: Build, policy: str, message: str
) -> None:
    with pytest.raises(DbtError, match=message):
        workspace.dbt("build", "--select", "int_as_of", "--vars", f"{{{policy}}}")


@pytest.mark.long
def test_a_var_of_an_installed_package_is_no_error(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, DBT_CORE)
    package = workspace.folder / "dbt_packages/guest"
    (package / "macros").mkdir(parents=True)
    declared = {"name": "guest", "version": "1.0.0", "config-version": 2, "vars": {"declared": 1}}
    (package / "dbt_project.yml").write_text(yaml.safe_dump(declared), encoding="utf-8")
    (package / "macros/guest.sql").write_text(
        "{% macro guest() %}{{ var('guest:read', 1) }}{% endmacro %}", encoding="utf-8"
    )
    project = workspace.folder / "dbt_project.yml"
    scoped = "vars: &policy\n  guest: {since: 2026-01-01}\n"
    project.write_text(project.read_text("utf-8").replace("vars: &policy\n", scoped), "utf-8")

    seed = ("seed", "--select", "kpi_definitions", "--vars")
    workspace.dbt(*seed, '{"declared": 2, "guest:read": 2, "guest": {"declared": 2}}')
    with pytest.raises(DbtError, match="There is no var read"):
        workspace.dbt(*seed, '{"read": 2}')
    sql = workspace.compiled("warehouse_build")["warehouse_build"]
    assert '"as_of": null' in sql
    assert "guest" not in sql


EVENT_TIMES = [
    ("stg_campaigns", "created_at"),
    ("stg_creative_assets", "created_at"),
    ("int_days_of_performance_metrics", "last_at"),
    ("stg_orchestrator_decisions", "decided_at"),
    ("stg_budget_actions", "proposed_at"),
    ("stg_campaign_risk_signals", "raised_at"),
    ("stg_attribution_hints", "hinted_at"),
]


@pytest.fixture(scope="module")
def event_times_sql(workspace: Workspace, sample: Build) -> dict[str, str]:
    return workspace.compiled("int_as_of", "int_event_times")


@pytest.mark.parametrize(("newest", "column"), EVENT_TIMES)
def test_an_event_of_any_dataset_can_be_the_newest(
    event_times_sql: dict[str, str], newest: str, column: str
) -> None:
    names = ("campaign_id", "asset_id", "decision_id", "budget_action_id", "risk_id", "hint_id")
    ids = ", ".join(f"'' as {name}" for name in names)
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as warehouse; create schema warehouse.staging")
        connection.execute("create schema warehouse.intermediate")
        connection.execute(
            "create table warehouse.intermediate.int_days_of_funnel_events as"
            " select date '2026-03-01' as day, 1 as row_count"
        )
        for table, time in EVENT_TIMES:
            moment = "2026-03-09 09:00:00" if table == newest else "2026-03-01 00:00:00"
            schema = "intermediate" if table.startswith("int_") else "staging"
            connection.execute(
                f"create table warehouse.{schema}.{table} as select timestamp '{moment}' as {time},"
                " '' as status, false as is_approved_by_human, 0 as approval_latency_minutes,"
                f" 1 as row_count, {ids}"
            )
        view = "create view warehouse.intermediate.int_event_times as "
        connection.execute(view + event_times_sql["int_event_times"])
        (row,) = connection.execute(
            f"select as_of from ({event_times_sql['int_as_of']})"
        ).fetchall()
    assert row == (datetime(2026, 3, 9, 9),), column


@pytest.mark.long
def test_looking_back_what_was_not_created_is_not_there(
    workspace: Workspace, export: Callable[[], Export]
) -> None:
    early = workspace.build(export(), variables={"as_of": "2026-02-24"})
    created = {
        name: [record for record in export()[name] if record["created_at"] < "2026-02-25"]
        for name in ("campaigns", "creative_assets")
    }
    assert 0 < len(created["campaigns"]) < len(export()["campaigns"])
    for mart, dataset, key in [
        ("dim_campaigns", "campaigns", "campaign_id"),
        ("campaign_performance", "campaigns", "campaign_id"),
        ("dim_assets", "creative_assets", "asset_id"),
    ]:
        rows = early.rows(f"select {key} from marts.{mart}")
        assert {row[key] for row in rows} == {record[key] for record in created[dataset]}


def test_an_empty_export_builds(workspace: Workspace, export: Callable[[], Export]) -> None:
    empty = workspace.build({dataset: [] for dataset in export()})
    assert empty.named("fail", "error", "skipped") == set()
    assert empty.named("warn") == {"export_holds_campaigns"}
    assert empty.rows("select as_of, input_rows, exports_seen from marts.warehouse_build") == [
        {"as_of": None, "input_rows": 0, "exports_seen": 0}
    ]
