"""Whatever people write passes unchanged from the JSON to the marts, and breaks nothing."""

import csv
import io
import json
import random
import re
from collections.abc import Callable

import pytest
from helpers.builds import Build, Workspace
from helpers.oddities import LONG_TEXT, TEXTS
from helpers.project import Export
from helpers.valid_json import DATASETS, JSON_TEXTS, RENAMED, read_json

from warehouse.explain import explanation

ODD = [*TEXTS, LONG_TEXT]
IDS = [text if text.strip() else f"blank {number}" for number, text in enumerate(ODD)]
"""One for each text, which it is where an id may be."""

# V1's lists are open, and a currency is only looked at: what is new there is named, and no more.
WARNINGS = {
    "currency_is_an_iso_code",
    "experiment_metric_has_a_definition",
    "ids_differ_by_more_than_their_unicode_form",
    "primary_kpi_has_a_definition",
    "stg_audience_segments_values_are_known: segment_priority",
    "stg_campaigns_values_are_known: status",
    "stg_channels_values_are_known: channel_type",
    "stg_channels_values_are_known: cost_model",
    "stg_creative_assets_values_are_known: variant",
    "stg_experiments_values_are_known: experiment_type",
    "stg_experiments_values_are_known: status",
}


def odd_records(number: int, template: dict[str, dict]) -> dict[str, list[dict]]:
    """Return records that hold an odd text wherever there is no closed list, by dataset."""
    text, identity = ODD[number], IDS[number]
    ids = dict.fromkeys(("campaign_id", "segment_id", "channel_id", "experiment_id"), identity)
    arms = [identity, f"{identity} B"]

    def record(dataset: str, **values: object) -> dict:
        original = template[dataset]
        return original | {name: ids[name] for name in original.keys() & ids.keys()} | values

    kpi = {"primary_kpi": text}
    action = {"from_channel_id": identity, "to_channel_id": "CH_01", "reason_detail": text}
    return {
        "campaigns": [
            record("campaigns", name=text, objective=text, status=text, hypothesis=text, **kpi)
        ],
        "audience_segments": [
            record("audience_segments", name=text, description=text, priority=text)
        ],
        "channels": [record("channels", type=text, platform=text, cost_model=text, avg_cost=1e-06)],
        "creative_assets": [
            record(
                "creative_assets",
                asset_id=arm,
                variant=text,
                message_theme=text,
                cta=text,
                risk_flags=flags,
            )
            for arm, flags in zip(arms, ([text, "", text], []), strict=True)
        ],
        "experiments": [
            record(
                "experiments",
                type=text,
                metric=text,
                control_asset=arms[0],
                variant_asset=arms[1],
                status=text,
            )
        ],
        "performance_metrics": [
            record(
                "performance_metrics",
                asset_id=arms[0],
                impressions=0,
                clicks=0,
                conversions=0,
                conversion_rate=0,
            )
        ],
        "orchestrator_decisions": [
            record("orchestrator_decisions", decision_id=identity, trigger=text, action_taken=text)
        ],
        "roi_ledger": [record("roi_ledger")],
        "funnel_events": [record("funnel_events", event_id=identity, count=0)],
        "budget_actions": [
            # A breach of rule 4, which a waiver accepts ...
            record(
                "budget_actions",
                budget_action_id=identity,
                currency=text,
                approved_by_human=False,
                approver_id=text,
                approval_latency_minutes=None,
                **action,
            ),
            # ... and none.
            record(
                "budget_actions",
                budget_action_id=arms[1],
                approver_id=identity,
                amount=10,
                **action,
            ),
        ],
        "campaign_risk_signals": [
            record(
                "campaign_risk_signals",
                risk_id=identity,
                asset_ids=arms,
                severity="low",
                evidence={text: text, "list": [text, {text: [], "": 1e-300}], "clicks": 10**400},
                recommended_action="pause",
            )
        ],
        "segment_rollups": [record("segment_rollups", rollup_id=identity, **kpi)],
        "attribution_hints": [record("attribution_hints", hint_id=identity)],
    }


@pytest.fixture(scope="module")
def odd_export(export: Callable[[], Export]) -> Export:
    """Return the demo's export and all that is odd, in no order."""
    records = export()
    template = {dataset: rows[0] for dataset, rows in records.items()}
    for number in range(len(ODD)):
        for dataset, rows in odd_records(number, template).items():
            records[dataset] += rows
    shuffled = random.Random(7)
    for dataset, rows in records.items():
        records[dataset] = [dict(shuffled.sample(list(row.items()), len(row))) for row in rows]
        shuffled.shuffle(records[dataset])
    return records


@pytest.fixture(scope="module")
def odd(workspace: Workspace, odd_export: Export) -> Build:
    waivers = io.StringIO()
    lines = (
        (4, key, f"by {text}", "2026-12-31", f"since {text}")
        for key, text in zip(IDS, ODD, strict=True)
    )
    csv.writer(waivers, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(lines)
    return workspace.build(odd_export, waivers=waivers.getvalue())


def test_oddities_break_nothing(odd: Build) -> None:
    assert odd.named("fail", "error", "skipped") == set()
    said = str(explanation.explain(odd.folder))
    assert set(re.findall(r"^WARNED  (.*)$", said, re.MULTILINE)) == WARNINGS


def ordered(rows: list[dict]) -> list[dict]:
    """Return rows in an order of their own."""
    return sorted(rows, key=lambda row: repr(sorted(row.items())))


@pytest.mark.parametrize("dataset", DATASETS)
def test_oddities_come_to_staging(odd: Build, odd_export: Export, dataset: str) -> None:
    fields = {
        field.name: RENAMED.get(dataset, {}).get(field.name, field.name)
        for field in DATASETS[dataset].fields
        if field.type in ("string", "string_list", "object", "integer")
    }
    found = odd.rows(f"select {', '.join(fields.values())} from staging.stg_{dataset}")
    expected = [
        {column: record.get(field) for field, column in fields.items()}
        for record in odd_export[dataset]
    ]
    for column in JSON_TEXTS & set(fields.values()):
        for row in found:
            row[column] = read_json(row[column])
        for row in expected:
            row[column] = read_json(json.dumps(row[column]))
    assert ordered(found) == ordered(expected)


# A mart, its entity, and what it carries of it.
CARRIED = [
    ("dim_campaigns", "campaigns", "campaign_name, objective, primary_kpi, status, hypothesis"),
    ("dim_segments", "audience_segments", "segment_name, segment_description, segment_priority"),
    ("dim_channels", "channels", "channel_type, platform, cost_model, average_cost"),
    (
        "dim_assets",
        "creative_assets",
        "campaign_id, segment_id, channel_id, variant, message_theme, call_to_action",
    ),
    (
        "dim_experiments",
        "experiments",
        "campaign_id, control_asset_id, variant_asset_id, experiment_type, metric, status",
    ),
    (
        "experiment_results",
        "experiments",
        "campaign_id, control_asset_id, variant_asset_id, metric",
    ),
    ("campaign_performance", "campaigns", "campaign_name, objective, status"),
    ("decision_audit", "orchestrator_decisions", "campaign_id, decision_trigger, action_taken"),
    (
        "budget_action_audit",
        "budget_actions",
        "campaign_id, from_channel_id, to_channel_id, currency, reason_detail",
    ),
    ("risk_escalation", "campaign_risk_signals", "campaign_id, experiment_id, evidence"),
]


@pytest.mark.parametrize(("mart", "dataset", "columns"), CARRIED)
def test_a_mart_carries_oddities_as_they_are(
    odd: Build, mart: str, dataset: str, columns: str
) -> None:
    query = f"select {DATASETS[dataset].id_field}, {columns} from"
    found = odd.rows(f"{query} marts.{mart}")
    assert len(found) >= len(ODD)
    assert ordered(found) == ordered(odd.rows(f"{query} staging.stg_{dataset}"))


def test_every_mart_knows_an_odd_campaign_by_its_name(odd: Build) -> None:
    marts = odd.rows(
        "select table_name as name from information_schema.columns"
        " where table_schema = 'marts' and column_name in ('campaign_id', 'campaign_name')"
        " group by table_name having count(*) = 2"
    )
    names = dict(zip(IDS, ODD, strict=True))
    lacking = set()
    for mart in (row["name"] for row in marts):
        rows = odd.rows(f"select distinct campaign_id, campaign_name from marts.{mart}")
        known = {row["campaign_id"]: row["campaign_name"] for row in rows}
        assert len(known) == len(rows), mart
        assert known.items() >= names.items() or known.keys().isdisjoint(names), mart
        if not known.keys() >= names.keys():
            lacking.add(mart)
    # Nothing odd is urgent or at risk, no odd KPI has a stage, an odd funnel has one stage alone.
    assert lacking == {
        *("next_actions", "conversion_reconciliation", "funnel_trend"),
        *("risk_findings", "missed_risks"),
    }


def test_odd_breaches_are_waived_by_odd_waivers(odd: Build) -> None:
    found = odd.rows(
        "select record_key, is_waived, waiver_approved_by, waiver_reason"
        " from marts.contract_violations where rule = 4"
    )
    assert ordered(found) == ordered(
        [
            {
                "record_key": identity,
                "is_waived": True,
                "waiver_approved_by": f"by {text}",
                "waiver_reason": f"since {text}",
            }
            for identity, text in zip(IDS, ODD, strict=True)
        ]
    )


def test_the_timeline_tells_oddities_in_their_own_words(odd: Build) -> None:
    timeline = odd.rows(
        "select event_type, record_id, campaign_id, campaign_name, event_description"
        " from marts.campaign_timeline"
    )
    words = {(row["event_type"], row["record_id"]): row for row in timeline}
    for identity, text in zip(IDS, ODD, strict=True):
        for event_type, record_id, description in [
            ("campaign_created", identity, f"{text}, budget USD 20,000.00"),
            ("decision_taken", identity, f"{text}: {text}"),
            ("budget_action_approved", f"{identity} B", f"by {identity}"),
        ]:
            row = words[event_type, record_id]
            assert (row["campaign_id"], row["campaign_name"]) == (identity, text)
            assert row["event_description"] == description


@pytest.mark.long
def test_optional_files_may_be_missing(build_of: Callable[[str], Build]) -> None:
    build = build_of("messy without optional files")
    assert build.named("error", "skipped") == set()
    assert build.rows("select count(*) as n from marts.segment_rollup_reconciliation") == [{"n": 0}]
    assert build.rows("select count(*) as n from marts.attribution_summary") == [{"n": 0}]
    assert build.rows("select count(*) > 0 as any from marts.segment_rollups") == [{"any": True}]
