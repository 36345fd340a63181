"""The decision layer compared with the oracle, and with earlier moments."""

import functools
from collections.abc import Callable
from datetime import date, datetime

import pytest
from helpers import (
    oracle,
    oracle_changes,
    oracle_decisions,
    oracle_money,
    oracle_next_budget,
    oracle_risks,
    oracle_trust,
)
from helpers.builds import Build, Workspace
from helpers.cases import CASES, world
from helpers.compare import assert_same, is_close
from helpers.messy import messy_export
from helpers.project import Export, read_export

ORACLES = (
    *(oracle_decisions, oracle_changes, oracle_risks, oracle_trust, oracle_money),
    oracle_next_budget,
)
MARTS = {mart: one for part in ORACLES for mart, one in part.MARTS.items()}


@functools.cache
def expected(case: str, mart: str) -> list[dict]:
    return MARTS[mart][1](world(case))


@pytest.mark.parametrize("mart", MARTS)
@pytest.mark.parametrize("case", CASES)
def test_mart_is_what_the_oracle_reads(
    case: str, mart: str, build_of: Callable[[str], Build]
) -> None:
    rows = build_of(case).rows(f"select * from marts.{mart}")
    assert_same(mart, MARTS[mart][0], expected(case, mart), rows, is_close)


OUTCOMES = {
    ("experiment_results", "health"): {"unhealthy", "no_data", "too_small", "ready"},
    ("experiment_results", "verdict"): {
        *("fix_experiment", "scale_variant", "discuss", "keep_control", "stopped"),
        *("stop_futile", "not_enough", "continue"),
    },
    ("experiment_results", "guardrail_status"): {"ok", "worse", "inconclusive"},
    ("experiment_results", "is_interim"): {False, True},
    ("experiment_results", "has_open_risk"): {False, True},
    ("fct_channel_weekly", "is_comparable"): {True, False},
    ("funnel_trend", "step_trend"): {"improved", "worsened", "unclear", "not_enough"},
    ("campaign_pacing", "pacing_status"): {
        *("not_active", "not_started", "no_budget", "not_enough", "ahead", "behind", "on_pace"),
        None,
    },
    ("next_budget", "evidence_status"): {"better", "worse", "unclear", "not_enough"},
    ("next_budget", "is_candidate"): {False, True},
    ("campaign_performance", "performance_status"): {
        *("exceeds_target", "meets_target", "below_target", None),
    },
    ("journey_diagnosis", "diagnosis"): {
        *("tracking_anomaly", "no_data", "journey_not_measured", "weak_journey"),
        *("strong_clicks_blocked_journey", "strong_clicks_weak_journey"),
        *("weak_clicks_blocked_journey", "weak_clicks_weak_journey", "weak_clicks", "healthy"),
        "blocked_journey",
    },
    ("conversion_reconciliation", "status"): {"match", "mismatch", "not_comparable"},
    ("budget_action_impact", "is_after_complete"): {False, True},
    ("budget_action_impact", "is_overlapped"): {False, True},
    ("money_uptake", "from_can_give"): {False, True, None},
    ("campaign_timeline", "event_type"): set(oracle_decisions.EVENT_TYPES),
    ("executive_scorecard", "verdict"): {
        *("on_target", "off_target", "no_data", "informational", "on_track", "attention"),
        "not_enough",
    },
    ("risk_findings", "definition"): set(oracle_risks.definitions()),
    ("risk_findings", "report_state"): {"reported", "missed", "not_due"},
    ("missed_risks", "is_current"): {True, False},
    ("risk_escalation", "facts_check"): {"borne_out", "not_borne_out", "not_checkable"},
    ("what_changed", "change_type"): {
        *("nothing_to_compare", "risk_overdue", "risk_raised", "money_moved", "action_new"),
        *("verdict_changed", "action_decided", "risk_reviewed", "performance_moved"),
    },
    ("orchestrator_track_record", "claim_kind"): set(oracle_trust.KINDS),
    ("orchestrator_track_record", "status"): {"judged", "not_enough"},
    ("orchestrator_track_record", "status_to_date"): {"judged", "not_enough"},
    ("confidence_calibration", "calibration"): {"calibrated", "overconfident", "not_enough"},
    ("next_actions", "action_type"): set(oracle_decisions.ACTION_TYPES),
    ("next_actions", "action_state"): {"open", "decided"},
    ("next_actions", "stake_basis"): {"spend_per_day", "amount", None},
}


@pytest.mark.parametrize(("mart", "column"), OUTCOMES)
def test_cases_reach_every_outcome(mart: str, column: str) -> None:
    reached = {row[column] for case in CASES for row in expected(case, mart)}
    assert reached == OUTCOMES[mart, column]


# ---- A build as of a date knows nothing later

PAST = [name for name, case in CASES.items() if "as_of" in case.variables]

LATER_ON_PURPOSE = {
    ("risk_escalation", "review_due_at"),  # a deadline
    ("risk_inbox", "review_due_at"),
    ("next_actions", "due_at"),
    ("warehouse_build", "newest_event_at"),  # describes the whole export, also later events
}

DATES_OF_EVENTS = {
    ("fct_funnel_daily", "event_date"),
    ("budget_action_impact", "effective_date"),
    ("money_uptake", "effective_date"),
    ("money_uptake", "capacity_date"),
}
"""Every other date is a plan or the edge of a window."""


@pytest.mark.parametrize("case", PAST)
def test_no_mart_holds_a_time_after_the_as_of(case: str, build_of: Callable[[str], Build]) -> None:
    build, as_of = build_of(case), world(case).as_of
    columns = build.rows(
        "select table_name, column_name, data_type from information_schema.columns"
        " where table_schema = 'marts' and data_type in ('TIMESTAMP', 'DATE')"
    )
    times = {
        (row["table_name"], row["column_name"])
        for row in columns
        if row["data_type"] == "TIMESTAMP"
    }
    dates = {(row["table_name"], row["column_name"]) for row in columns} - times
    assert times > LATER_ON_PURPOSE
    assert dates > DATES_OF_EVENTS
    late = []
    for mart, column in sorted((times - LATER_ON_PURPOSE) | DATES_OF_EVENTS):
        newest = build.rows(f"select max({column}) as newest from marts.{mart}")[0]["newest"]
        if isinstance(newest, datetime):
            late += [(mart, column, newest)] if newest > as_of else []
        elif isinstance(newest, date):
            late += [(mart, column, newest)] if newest > as_of.date() else []
    assert not late


OF_THE_HISTORY = ("status_history", "scorecard_history", "what_changed")


def known_on(export: Export, day: date) -> Export:
    """Return an export as it would have been written at the end of a day.

    Fields without a time stay: entities, the ledger, and statuses, except the two with a time (an
    approval has a latency, the end of an experiment a date).
    """
    end = oracle.end_of(day)

    def written(row: dict) -> bool:
        return oracle.moment(row["timestamp"]) <= end

    known = dict(export)
    for dataset in (
        *("performance_metrics", "orchestrator_decisions", "campaign_risk_signals"),
        *("attribution_hints", "budget_actions"),
    ):
        known[dataset] = [row for row in export[dataset] if written(row)]
    known["funnel_events"] = [
        row
        for row in export["funnel_events"]
        if (row.get("date") or oracle.moment(row["timestamp"]).date().isoformat())
        <= day.isoformat()
    ]
    known["segment_rollups"] = [
        row for row in export["segment_rollups"] if row["window_end"] <= day.isoformat()
    ]
    known["experiments"] = [
        row | {"end_date": None, "status": "running"}
        if (row["end_date"] or "") > day.isoformat()
        else row
        for row in export["experiments"]
    ]
    known["budget_actions"] = [not_yet_approved(row, end) for row in known["budget_actions"]]
    return known


def not_yet_approved(action: dict, end: datetime) -> dict:
    """Return a budget action as the proposal before its approval."""
    at = oracle.budget_action(action, oracle.read_policy())["approved_at"]
    if at is None or at <= end:
        return action
    nobody = {"approved_by_human": False, "approver_id": None, "approval_latency_minutes": None}
    return action | nobody | {"status": "proposed"}


@pytest.mark.long
def test_export_cut_by_hand_gives_the_same_marts(
    workspace: Workspace, build_of: Callable[[str], Build]
) -> None:
    case = CASES["messy in the past"]
    as_of = case.variables["as_of"]
    cut = known_on(case.export(), date.fromisoformat(as_of))
    build = workspace.build(cut, variables=case.variables)
    whole = build_of("messy in the past")
    tables = [
        row["table_name"]
        for row in whole.rows(
            "select table_name from information_schema.tables where table_schema = 'marts'"
        )
    ]
    assert len(tables) > len(MARTS)
    # These two also describe the whole export: its records and its latest event. First-seen times
    # depend on the moments of exports.
    for mart in set(tables) - {"warehouse_build", "contract_compliance", *OF_THE_HISTORY}:
        seen = "ends_with(name, 'seen_at') or name = 'moved_before_approval'"
        shown = f"columns(name -> not ({seen}))"
        if mart == "next_actions":  # a breach waits since money was first seen to have moved
            since = "if(action_type = 'resolve_breach', null, waiting_since)"
            shown = f"* replace ({since} as waiting_since)"
        query = f"select {shown} from marts.{mart} order by all"
        assert build.rows(query) == whole.rows(query), mart
    query = "select rule, violating_rows, status from marts.contract_compliance order by rule"
    assert build.rows(query) == whole.rows(query)


@pytest.mark.parametrize("export", [read_export, lambda: messy_export(7)], ids=["sample", "messy"])
@pytest.mark.parametrize("day", ["2026-03-02", "2026-03-09", "2026-03-13", "2026-03-18"])
def test_oracle_knows_nothing_later_either(export: Callable[[], Export], day: str) -> None:
    whole = oracle.read_world(export(), as_of=day)
    cut = oracle.read_world(known_on(export(), date.fromisoformat(day)), as_of=day)
    assert cut.newest_event_at <= cut.as_of < whole.newest_event_at
    for mart, (_, work_out) in (oracle.MARTS | MARTS).items():
        if mart not in ("warehouse_build", "contract_compliance", *OF_THE_HISTORY):
            assert without_export(work_out(cut)) == without_export(work_out(whole)), mart


def without_export(rows: list[dict]) -> list[dict]:
    """Return rows without the times that depend on the export's as-of."""
    return [
        row | ({"waiting_since": None} if row.get("action_type") == "resolve_breach" else {})
        for row in rows
    ]
