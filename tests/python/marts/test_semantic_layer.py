"""MetricFlow's answers compared with SQL on the marts, and the descriptions of metrics."""

import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from statistics import mean, median

import duckdb
import pytest
import yaml
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from helpers import oracle
from helpers.builds import Build, Workspace
from helpers.project import PROJECT, read_export
from helpers.semantics import Semantics
from numpy import quantile

DATASETS = sorted((PROJECT / "bi/superset/datasets").glob("*.yaml"))

# Views of the build file are tables once published.
FACTS_AS_TABLES = """
create table marts.fact as from marts.{fact};
drop view marts.{fact};
alter table marts.fact rename to {fact};
"""

# The sample has one month and one currency. The changes here keep the totals of a campaign, since
# other marts have these too.
MORE_MONTHS_AND_CURRENCIES = """
update marts.fct_performance_daily
set recorded_date = recorded_date - 40 where recorded_date < '2026-03-10';

update marts.fct_funnel_daily
set event_date = event_date - 40 where campaign_id = 'CAMP_002';

update marts.budget_action_audit
set proposed_at = proposed_at - interval 40 day where reason_code = 'scale_winner';

update marts.risk_escalation
set raised_at = raised_at + interval 40 day where severity = 'low';

update marts.experiment_results
set start_date = start_date - 40 where campaign_id = 'CAMP_002';

update marts.budget_action_audit set currency = 'EUR' where campaign_id = 'CAMP_001';
update marts.channel_budget_flows set currency = 'EUR' where campaign_id = 'CAMP_001';

insert into semantic.time_spine_daily
select cast(date_day - 40 as date) from semantic.time_spine_daily
except
select date_day from semantic.time_spine_daily;
"""


@pytest.fixture(scope="module")
def database(
    workspace: Workspace, sample_of_core: Build, tmp_path_factory: pytest.TempPathFactory
) -> Build:
    """Return the sample with more months and currencies, in a folder in which `mf` can run."""
    folder = tmp_path_factory.mktemp("semantic")
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(workspace.folder / name, folder)
    for name in ("build", "target"):
        shutil.copytree(sample_of_core.folder / name, folder / name)
    build = Build(folder, {}, {})
    with duckdb.connect(str(build.database)) as connection:
        for fact in ("fct_performance_daily", "fct_funnel_daily"):
            connection.execute(FACTS_AS_TABLES.format(fact=fact))
        connection.execute(MORE_MONTHS_AND_CURRENCIES)
    shutil.copy(build.database, folder)  # "published"
    return build


@pytest.fixture(scope="module")
def semantics(database: Build, sample: Build) -> Iterator[Semantics]:
    """Return the semantic layer; `sample` is built before the environment is that of `mf`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(database.folder)  # the profile's paths start here
        patch.setenv("DBT_TARGET", "published")
        yield Semantics(database.folder)
        DuckDBConnectionManager.close_all_connections()


# ---- The same figures as SQL on the marts ----------------------------------------------------


@dataclass(frozen=True)
class Group:
    """Metrics of one fact: each, and each dimension, in SQL on the marts."""

    source: str
    metrics: dict[str, str]
    dimensions: dict[str, str]
    combinations: list[tuple[str, ...]] = field(default_factory=list)

    def sql(self, group_by: tuple[str, ...]) -> str:
        """Return a query for all metrics by some dimensions."""
        groups = [self.dimensions[name] for name in group_by]
        columns = ", ".join([*groups, *self.metrics.values()])
        return f"select {columns} from {self.source}" + (
            f" group by {', '.join(groups)}" if groups else ""
        )


def by_day_and_month(time: str) -> dict[str, str]:
    return {
        f"metric_time__{grain}": f"cast(date_trunc('{grain}', {time}) as date)"
        for grain in ("day", "month")
    }


def of_channel(entity: str) -> dict[str, str]:
    columns = ("channel_label", "channel_type", "platform")
    return {f"{entity}__{column}": f"{entity}.{column}" for column in columns}


CAMPAIGN = "join marts.dim_campaigns as campaign on campaign.campaign_id = fact.campaign_id"
SEGMENT = "join marts.dim_segments as segment on segment.segment_id = fact.segment_id"
CHANNEL = "join marts.dim_channels as channel on channel.channel_id = fact.channel_id"
OF_CAMPAIGN = {
    "campaign": "fact.campaign_id",
    "campaign__campaign_name": "campaign.campaign_name",
    "campaign__objective": "campaign.objective",
}
OF_SEGMENT = {"segment": "fact.segment_id", "segment__segment_priority": "segment.segment_priority"}
STAGES = {
    "funnel_impressions": "impression",
    "funnel_clicks": "click",
    "visits": "visit",
    "signups": "signup",
    "demo_requests": "demo_request",
    "purchases": "purchase",
    "feature_adoptions": "feature_adopt",
}

GROUPS = {
    "performance": Group(
        f"marts.fct_performance_daily as fact {CAMPAIGN} {SEGMENT} {CHANNEL}",
        {
            "impressions": "sum(impressions)",
            "clicks": "sum(clicks)",
            "conversions": "sum(conversions)",
            "spend": "sum(spend)",
            "revenue_proxy": "sum(revenue_proxy)",
            "click_through_rate": "sum(clicks) / nullif(sum(impressions), 0)",
            "conversion_rate": "sum(conversions) / nullif(sum(impressions), 0)",
            "cost_per_conversion": "cast(sum(spend) as double) / nullif(sum(conversions), 0)",
            "return_on_ad_spend": "cast(sum(revenue_proxy) as double) / nullif(sum(spend), 0)",
        },
        {
            **by_day_and_month("recorded_date"),
            **OF_CAMPAIGN,
            **OF_SEGMENT,
            **of_channel("channel"),
            "asset": "fact.asset_id",
            "experiment": "fact.experiment_id",
        },
        [("metric_time__month", "campaign__objective", "segment__segment_priority")],
    ),
    "ledger": Group(
        f"marts.campaign_performance as fact {CAMPAIGN}",
        {
            "net_roi": "sum(net_roi)",
            "ledger_cost": "sum(ledger_cost)",
            "return_on_cost": "cast(sum(net_roi) as double) / nullif(sum(ledger_cost), 0)",
        },
        {"metric_time__month": "cast(null as date)", **OF_CAMPAIGN},
    ),
    "pacing": Group(
        f"marts.campaign_pacing as fact {CAMPAIGN}",
        {
            "budget": "sum(fact.budget)",
            "spent_by_now": "sum(metered_spend)",
            "planned_spend_by_now": "sum(planned_spend_by_now)",
            "pace": "cast(sum(metered_spend) as double) / nullif(sum(planned_spend_by_now), 0)",
        },
        {"metric_time__month": "cast(null as date)", **OF_CAMPAIGN},
    ),
    "funnel by day": Group(
        f"marts.fct_funnel_daily as fact {CAMPAIGN} {SEGMENT} {CHANNEL}",
        {metric: f"sum({stage}_count)" for metric, stage in STAGES.items()},
        {
            **by_day_and_month("event_date"),
            **OF_CAMPAIGN,
            **OF_SEGMENT,
            **of_channel("channel"),
            "funnel_day__is_trusted": "is_trusted",
        },
        [("metric_time__day", "channel__platform")],
    ),
    "funnel by stage": Group(
        f"marts.funnel_conversion as fact {CAMPAIGN} {SEGMENT} {CHANNEL}",
        {
            "stage_count": "sum(stage_count)",
            "previous_stage_count": "sum(previous_stage_count)",
            "compared_count": "sum(compared_count)",
            "step_conversion_rate": "sum(compared_count) / nullif(sum(previous_stage_count), 0)",
        },
        {
            "metric_time__month": "cast(null as date)",
            "funnel_step__stage": "stage",
            "funnel_step__previous_stage": "previous_stage",
            **OF_CAMPAIGN,
            **OF_SEGMENT,
            **of_channel("channel"),
        },
        [
            ("funnel_step__stage", "campaign__objective"),
            ("funnel_step__stage", "segment__segment_priority", "channel__channel_type"),
        ],
    ),
    "budget": Group(
        f"marts.budget_action_audit as fact {CAMPAIGN}"
        " join marts.dim_channels as from_channel on from_channel.channel_id = from_channel_id"
        " join marts.dim_channels as to_channel on to_channel.channel_id = to_channel_id",
        {
            "budget_actions": "count(*)",
            "approved_budget_actions": "count(*) filter (where approval_state = 'approved')",
            "budget_approval_rate": "avg(cast(approval_state = 'approved' as integer))",
            "approval_latency": "avg(approval_latency_minutes)",
            "approval_latency_median": "median(approval_latency_minutes)",
            "approval_latency_p90": "quantile_cont(approval_latency_minutes, 0.9)",
            "amount_moved": "sum(amount) filter (where money_moved)",
            "currencies_moved": "count(distinct fact.currency) filter (where money_moved)",
            "budget_moved": "case when min(fact.currency) filter (where money_moved)"
            " = max(fact.currency) filter (where money_moved)"
            " then sum(amount) filter (where money_moved) end",
        },
        {
            **by_day_and_month("proposed_at"),
            **OF_CAMPAIGN,
            **of_channel("from_channel"),
            **of_channel("to_channel"),
            "budget_action__currency": "fact.currency",
            "budget_action__reason_code": "reason_code",
            "budget_action__approval_state": "approval_state",
            "budget_action__approver_id": "approver_id",
        },
        [
            ("budget_action__currency", "metric_time__month", "to_channel__channel_type"),
            ("budget_action__reason_code", "from_channel__platform", "to_channel__platform"),
        ],
    ),
    "risk": Group(
        f"marts.risk_escalation as fact {CAMPAIGN}",
        {
            "risk_signals": "count(*)",
            "open_risks": "count(*) filter (where fact.status = 'open')",
            "review_response_time": "avg(response_minutes)",
        },
        {
            **by_day_and_month("raised_at"),
            **OF_CAMPAIGN,
            "experiment": "fact.experiment_id",
            "risk__severity": "severity",
            "risk__risk_type": "risk_type",
        },
        [("metric_time__month", "risk__severity", "campaign__objective")],
    ),
    "experiments": Group(
        f"marts.experiment_results as fact {CAMPAIGN}",
        {
            "experiments": "count(*)",
            "running_experiments": "count(*) filter (where fact.status = 'running')",
        },
        {
            **by_day_and_month("fact.start_date"),
            **OF_CAMPAIGN,
            "experiment__status": "fact.status",
            "experiment__verdict": "verdict",
        },
    ),
    "decisions": Group(
        f"marts.decision_audit as fact {CAMPAIGN}",
        {
            "decisions": "count(*)",
            "overridden_decisions": "count(*) filter (where decided_by = 'human')",
            "override_rate": "avg(cast(decided_by = 'human' as integer))",
            "mean_confidence": "avg(confidence_score)",
            "decisions_that_stood": "avg(cast(decided_by <> 'human' as integer))",
            "confidence_gap": "avg(confidence_score) - avg(cast(decided_by <> 'human' as integer))",
        },
        {**by_day_and_month("decided_at"), **OF_CAMPAIGN, "decision__decided_by": "decided_by"},
    ),
    "claims": Group(
        "marts.orchestrator_track_record",
        {
            "claims": "sum(claims)",
            "claims_checked": "sum(checked)",
            "claims_borne_out": "sum(borne_out)",
            "claim_accuracy": "sum(borne_out) / nullif(sum(checked), 0)",
        },
        {**by_day_and_month("week_start"), "claim_week__claim_kind": "claim_kind"},
    ),
    "vigilance": Group(
        f"marts.risk_findings as fact {CAMPAIGN}",
        {
            "risk_findings": "count(*) filter (where report_state in ('reported', 'missed'))",
            "reported_risk_findings": "count(reported_by_risk_id)",
            "vigilance": "count(reported_by_risk_id) / nullif(count(*)"
            " filter (where report_state in ('reported', 'missed')), 0)",
        },
        {
            **by_day_and_month("first_seen_at"),
            **OF_CAMPAIGN,
            "finding__risk_type": "risk_type",
            "finding__severity": "severity",
        },
    ),
    "moves of money": Group(
        f"marts.money_uptake as fact {CAMPAIGN}",
        {
            "judged_moves": "count(*) filter (where to_uptake_share is not null"
            " and from_uptake_share is not null)",
            "moves_that_happened": "count(*) filter (where uptake_status = 'happened')",
            "uptake_rate": "count(*) filter (where uptake_status = 'happened') / nullif(count(*)"
            " filter (where to_uptake_share is not null and from_uptake_share is not null), 0)",
        },
        {
            **by_day_and_month("effective_date"),
            **OF_CAMPAIGN,
            "move__uptake_status": "uptake_status",
        },
    ),
}

QUESTIONS = {
    f"{name} by {', '.join(group_by) or 'nothing'}": (group, group_by)
    for name, group in GROUPS.items()
    for group_by in [(), *((dimension,) for dimension in group.dimensions), *group.combinations]
}


def plain(value: object) -> object:
    """Return a value as it is compared: numbers as double, times at midnight as date."""
    if isinstance(value, datetime):
        assert value == datetime.combine(value.date(), datetime.min.time())
        return value.date()
    is_number = isinstance(value, (Decimal, int)) and not isinstance(value, bool)
    return float(value) if is_number else value


def keyed(rows: list[tuple], groups: int) -> dict[tuple, tuple]:
    """Return the metrics of each row by its groups, which must be unique."""
    by_key = {tuple(map(plain, row[:groups])): tuple(map(plain, row[groups:])) for row in rows}
    assert len(by_key) == len(rows), "groups are not unique"
    return by_key


def is_same(expected: object, actual: object) -> bool:
    if isinstance(expected, float) and isinstance(actual, float):
        return math.isclose(expected, actual, rel_tol=1e-12)
    return type(expected) is type(actual) and expected == actual


def assert_same(expected: list[tuple], actual: list[tuple], groups: int) -> None:
    wanted, found = keyed(expected, groups), keyed(actual, groups)
    assert found.keys() == wanted.keys()
    for key, values in wanted.items():
        assert all(map(is_same, values, found[key])), f"{key}: {values} are {found[key]}"


def sql_rows(database: Build, sql: str) -> list[tuple]:
    with duckdb.connect(str(database.database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS.keys())
def test_metrics_are_what_the_marts_hold(
    semantics: Semantics, database: Build, question: tuple[Group, tuple[str, ...]]
) -> None:
    group, group_by = question
    expected = sql_rows(database, group.sql(group_by))
    assert_same(expected, semantics.rows(list(group.metrics), group_by), len(group_by))


def test_the_data_tells_months_and_currencies_apart(semantics: Semantics) -> None:
    for metric in ("spend", "visits", "budget_actions", "risk_signals", "experiments"):
        assert len(semantics.rows([metric], ("metric_time__month",))) > 1, metric
    assert len(semantics.rows(["budget_moved"], ("budget_action__currency",))) == 2


# ---- The same figures as in other marts ------------------------------------------


@dataclass(frozen=True)
class Statement:
    """Metrics by some groups, and the SQL that reads the same from another mart."""

    metrics: list[str]
    group_by: tuple[str, ...]
    sql: str
    where: tuple[str, ...] = ()


EXECUTED = ("{{ Dimension('budget_action__status') }} = 'executed'",)

STATEMENTS = {
    "campaign_performance": Statement(
        [
            *["impressions", "clicks", "conversions", "cost_per_conversion"],
            *["return_on_ad_spend", "net_roi", "ledger_cost", "return_on_cost"],
        ],
        ("campaign",),
        """
        select
            campaign_id, impressions, clicks, conversions, cost_per_conversion,
            return_on_ad_spend, net_roi, ledger_cost, return_on_cost
        from marts.campaign_performance
        """,
    ),
    "journey_diagnosis": Statement(
        ["impressions", "clicks", "click_through_rate"],
        ("campaign", "segment", "channel"),
        """
        select campaign_id, segment_id, channel_id, impressions, clicks, click_through_rate
        from marts.journey_diagnosis
        where impressions is not null
        """,
    ),
    "funnel_conversion, each step": Statement(
        ["stage_count", "step_conversion_rate"],
        ("campaign", "segment", "channel", "funnel_step__stage"),
        """
        select campaign_id, segment_id, channel_id, stage, stage_count, step_conversion_rate
        from marts.funnel_conversion
        """,
    ),
    "funnel_conversion, the portfolio's rate": Statement(
        ["step_conversion_rate"],
        ("funnel_step__previous_stage", "funnel_step__stage"),
        """
        select previous_stage, stage, any_value(portfolio_step_rate)
        from marts.funnel_conversion
        group by previous_stage, stage
        """,
    ),
    "channel_budget_flows, in": Statement(
        ["budget_moved"],
        ("campaign", "to_channel", "budget_action__currency"),
        """
        select campaign_id, channel_id, currency, moved_in
        from marts.channel_budget_flows
        where moved_in > 0
        """,
        EXECUTED,
    ),
    "channel_budget_flows, out": Statement(
        ["budget_moved"],
        ("campaign", "from_channel", "budget_action__currency"),
        """
        select campaign_id, channel_id, currency, moved_out
        from marts.channel_budget_flows
        where moved_out > 0
        """,
        EXECUTED,
    ),
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_metrics_are_what_other_marts_state(
    semantics: Semantics, database: Build, statement: Statement
) -> None:
    answer = semantics.rows(statement.metrics, statement.group_by, statement.where)
    assert_same(sql_rows(database, statement.sql), answer, len(statement.group_by))


@pytest.mark.parametrize(
    ("metric", "scorecard_metric"),
    [
        ("budget_approval_rate", "budget_approval_rate"),
        ("open_risks", "open_risks"),
        ("return_on_cost", "roi"),
        ("running_experiments", "running_experiments"),
    ],
)
def test_metrics_are_what_the_scorecard_shows(
    semantics: Semantics, database: Build, metric: str, scorecard_metric: str
) -> None:
    sql = f"select actual from marts.executive_scorecard where metric = '{scorecard_metric}'"
    assert_same(sql_rows(database, sql), semantics.rows([metric]), 0)


def test_a_stage_counts_the_same_by_day_and_by_stage(semantics: Semantics) -> None:
    by_stage = dict(semantics.rows(["stage_count"], ("funnel_step__stage",)))
    for metric, stage in STAGES.items():
        assert semantics.value(metric) == by_stage.get(stage), metric


def test_amounts_in_two_currencies_are_never_added(semantics: Semantics) -> None:
    assert semantics.value("budget_moved") is None
    by_currency = dict(semantics.rows(["budget_moved"], ("budget_action__currency",)))
    assert set(by_currency) == {"EUR", "USD"}
    for currency, amount in by_currency.items():
        only_this = f"{{{{ Dimension('budget_action__currency') }}}} = '{currency}'"
        assert semantics.value("budget_moved", where=(only_this,)) == amount


def test_nothing_counted_is_zero_and_nothing_measured_is_null(semantics: Semantics) -> None:
    metrics = ["spend", "open_risks", "budget_actions", "running_experiments"]
    rows = semantics.rows(metrics, ("metric_time__day",))
    spend, *counts = zip(*(row[1:] for row in rows), strict=True)
    assert None in spend and 0 in spend
    assert all(0 in count and None not in count for count in counts)


# ---- The week before, and approvers, from the JSON -----------------------------------------

WEEKLY = ("spend", "conversions", "cost_per_conversion", "return_on_ad_spend")
BESIDE = [f"{name}_{which}" for name in WEEKLY for which in ("week_before", "change")]


@pytest.mark.parametrize("by_channel", [False, True])
def test_a_week_is_beside_the_week_before(
    semantics: Semantics, database: Build, by_channel: bool
) -> None:
    sums = defaultdict(lambda: defaultdict(Fraction))
    for row in oracle.read_world(read_export()).performance:
        # As MORE_MONTHS_AND_CURRENCIES has it.
        day = row["day"] - timedelta(days=40 if row["day"] < date(2026, 3, 10) else 0)
        key = (row["channel_id"],) if by_channel else ()
        for name in ("spend", "conversions", "revenue_proxy"):
            sums[day - timedelta(days=day.weekday()), *key][name] += row[name]
    for week in sums.values():
        week["cost_per_conversion"] = oracle.ratio(week["spend"], week["conversions"])
        week["return_on_ad_spend"] = oracle.ratio(week["revenue_proxy"], week["spend"])
    (newest,) = sql_rows(database, "select max(date_day) from semantic.time_spine_daily")[0]
    starts = {(start + timedelta(days=7), *key) for start, *key in sums}
    expected = []
    for start, *key in sums.keys() | {one for one in starts if one[0] <= newest}:
        here, before = sums.get((start, *key), {}), sums.get((start - timedelta(days=7), *key), {})
        values = []
        for name in WEEKLY:
            value, prior = here.get(name), before.get(name)
            change = None if value is None else oracle.ratio(value - (prior or 0), prior)
            values += [oracle.double(prior), oracle.double(change)]
        expected.append((start, *key, *values))
    assert sum(None not in row for row in expected) >= 2
    group_by = ("metric_time__week", *(["channel"] if by_channel else []))
    answer = semantics.rows(["spend", *BESIDE], group_by)
    groups = len(group_by)
    assert_same(expected, [row[:groups] + row[groups + 1 :] for row in answer], groups)


def test_pace_is_spent_by_planned(semantics: Semantics) -> None:
    """As of 19 March: 19 of 46 days of campaign 1 are gone, 18 of 45 of campaign 2."""
    world = oracle.read_world(read_export())
    expected = []
    for campaign_id, campaign in world.campaigns.items():
        start, end = (date.fromisoformat(campaign[name]) for name in ("start_date", "end_date"))
        share = Fraction((min(world.today, end) - start).days + 1, (end - start).days + 1)
        budget = oracle.exact(campaign["budget"])
        planned = oracle.exact(oracle.cents(budget * share))
        own = [row for row in world.performance if row["campaign_id"] == campaign_id]
        pace = oracle.exact(oracle.cents(oracle.totals(own)["spend"])) / planned
        expected.append((campaign_id, float(budget), float(pace)))
    assert_same(expected, semantics.rows(["budget", "pace"], ("campaign",)), 1)


def test_approvals_are_by_approver(semantics: Semantics) -> None:
    latencies = defaultdict(list)
    for row in read_export()["budget_actions"]:
        if row["approved_by_human"]:
            latencies[row["approver_id"]].append(row["approval_latency_minutes"])
    expected = [
        (who, len(found), mean(found), median(found), float(quantile(found, 0.9)))
        for who, found in latencies.items()
    ]
    metrics = ["approval_latency", "approval_latency_median", "approval_latency_p90"]
    answer = semantics.rows(
        ["approved_budget_actions", *metrics],
        ("budget_action__approver_id",),
        ("{{ Dimension('budget_action__approval_state') }} = 'approved'",),
    )
    assert_same(expected, answer, 1)


# ---- The configuration -----------------------------------------------------------------------


@pytest.mark.long
def test_configuration_is_valid(semantics: Semantics) -> None:
    mf = Path(sys.executable).with_name("mf")
    result = subprocess.run(
        [mf, "validate-configs", "--show-all"],
        cwd=semantics.folder,
        env={**os.environ, "DBT_TARGET": "published"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    counts = re.findall(r"\b(?:FUTURE_)?(?:ERRORS|WARNINGS): (\d+)", result.stdout)
    assert len(counts) == 3 * 6 and set(counts) == {"0"}, result.stdout


def test_everything_has_a_label_and_a_description(semantics: Semantics) -> None:
    manifest = json.loads((semantics.folder / "target/semantic_manifest.json").read_bytes())
    named = [*manifest["metrics"], *manifest["semantic_models"]]
    for model in manifest["semantic_models"]:
        named += [*model["measures"], *model["dimensions"], *model["entities"]]
    bare = [one["name"] for one in named if not (one["label"] and one["description"])]
    assert len(named) > 100
    assert bare == []


def test_every_metric_is_compared(semantics: Semantics) -> None:
    names = {metric.name for metric in semantics.configuration.mf.list_metrics()}
    assert names == {metric for group in GROUPS.values() for metric in group.metrics} | {*BESIDE}


def test_every_mart_has_a_reader(database: Build) -> None:
    manifest = json.loads((database.folder / "target/manifest.json").read_bytes())
    marts = {
        node_id
        for node_id, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and node["schema"] == "marts"
    }
    read = {
        node_id
        for exposure in manifest["exposures"].values()
        for node_id in exposure["depends_on"]["nodes"]
    }
    # An exposure of warehouse_build would be downstream of all parents of the governance tests.
    assert read == marts - {"model.marketing_orchestrator.warehouse_build"}


def test_the_dashboard_is_an_exposure_of_its_datasets(database: Build) -> None:
    manifest = json.loads((database.folder / "target/manifest.json").read_bytes())
    exposure = manifest["exposures"]["exposure.marketing_orchestrator.marketing_dashboard"]
    read = {node_id.split(".")[-1] for node_id in exposure["depends_on"]["nodes"]}
    assert read == {file.stem for file in DATASETS}
    assert exposure["url"] == "http://127.0.0.1:8088/superset/dashboard/marketing/"


def test_metrics_of_the_dashboard_are_those_of_the_semantic_layer(
    semantics: Semantics, sample: Build
) -> None:
    """By campaign, of each dataset that has a metric of this name."""
    known = {metric.name for metric in semantics.configuration.mf.list_metrics()}
    compared = 0
    for file in DATASETS:
        for metric in yaml.safe_load(file.read_text(encoding="utf-8"))["metrics"]:
            name, expression = metric["metric_name"], metric["expression"]
            if name in known:
                found = sample.rows(
                    f"""
                    select campaign_id, cast({expression} as double) as value
                    from marts.{file.stem}
                    group by all
                    """
                )
                values = {row["campaign_id"]: row["value"] for row in found}
                asked = dict(semantics.rows([name], ("campaign",)))
                expected = {key: value and float(value) for key, value in asked.items()}
                assert values == pytest.approx(expected), (file.stem, name)
                assert len({*values.values()}) > 1
                compared += 1
    assert compared == 4


def test_time_spine_covers_every_day_of_a_metric(sample: Build) -> None:
    missing = sample.rows(
        """
        select recorded_date as day from marts.fct_performance_daily
        union
        select event_date as day from marts.fct_funnel_daily
        union
        select cast(proposed_at as date) as day from marts.budget_action_audit
        union
        select cast(raised_at as date) as day from marts.risk_escalation
        except
        select date_day as day from semantic.time_spine_daily
        """
    )
    assert missing == []
    (spine,) = sample.rows(
        "select count(*) as days, max(date_day) - min(date_day) + 1 as span"
        " from semantic.time_spine_daily"
    )
    assert spine["days"] == spine["span"] > 0
