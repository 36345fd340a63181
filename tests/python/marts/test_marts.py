"""The marts compared with the oracle: the project's export, random ones, earlier moments."""

import functools
from collections.abc import Callable

import pytest
from helpers import oracle
from helpers.builds import Build
from helpers.cases import CASES, world
from helpers.compare import assert_same

GOVERNANCE_TESTS = {4: "rule_4_money_moves_with_approval", 5: "rule_5_risks_are_reviewed_in_time"}
MESSY = [name for name in CASES if name.startswith("messy")]


@functools.cache
def expected(case: str, mart: str) -> list[dict]:
    return oracle.MARTS[mart][1](world(case))


@pytest.mark.parametrize("mart", oracle.MARTS)
@pytest.mark.parametrize("case", CASES)
def test_mart_is_what_the_oracle_reads(
    case: str, mart: str, build_of: Callable[[str], Build]
) -> None:
    rows = build_of(case).rows(f"select * from marts.{mart}")
    assert_same(mart, oracle.MARTS[mart][0], expected(case, mart), rows)


@pytest.mark.parametrize("case", MESSY)
def test_messy_export_breaks_only_governance_rules(
    case: str, build_of: Callable[[str], Build]
) -> None:
    build, violations = build_of(case), expected(case, "contract_violations")
    broken = {row["rule"] for row in violations}
    assert build.named("fail") == {GOVERNANCE_TESTS[rule] for rule in broken}
    assert build.named("error", "skipped") == set()
    for rule in broken:
        breaches = [row for row in violations if row["rule"] == rule]
        assert build.failures[GOVERNANCE_TESTS[rule]] == len(breaches)


OUTCOMES = {
    ("funnel_conversion", "drop_off_status"): {
        *("not_measured", "entry", "anomalous", "no_traffic", "blocked", "weak", "healthy"),
    },
    ("segment_rollups", "recommendation"): {"scale", "hold", "revise", "stop", None},
    ("segment_rollups", "is_partial"): {False, True},
    ("segment_rollups", "is_judged"): {False, True},
    ("segment_rollups", "is_beyond_noise"): {False, True},
    ("segment_rollup_reconciliation", "status"): {"match", "mismatch", "not_computable"},
    ("budget_action_audit", "approval_state"): {
        *("approved", "rejected", "pending", "missing", "not_required"),
    },
    ("budget_action_audit", "compliance_status"): {"compliant", "pending", "violation"},
    ("budget_action_audit", "split_suspected"): {False, True},
    ("budget_action_audit", "has_contradiction"): {False, True},
    ("risk_escalation", "review_state"): {
        *("reviewed", "reviewed_late", "awaiting_review", "overdue"),
        *("not_required", "closed", "closed_without_review"),
    },
    ("risk_escalation", "review_link"): {"named", "inferred", None},
    ("risk_escalation", "evidence_check"): {"match", "mismatch", "not_checkable"},
    ("risk_escalation", "escalation_required"): {False, True},
    ("dim_experiments", "status"): {"planned", "running", "completed", None},  # null: none is one
    ("contract_violations", "rule"): {4, 5},
}


@pytest.mark.parametrize(("mart", "column"), OUTCOMES)
def test_messy_exports_reach_every_outcome(mart: str, column: str) -> None:
    reached = {row[column] for case in MESSY for row in expected(case, mart)}
    assert reached == OUTCOMES[mart, column]
