"""The marts against the oracle: the project's own export, random ones, and their past."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import oracle
import pytest
from conftest import Build, Export, Workspace, read_export
from messy import messy_export

GOVERNANCE_TESTS = {4: "rule_4_money_moves_with_approval", 5: "rule_5_risks_are_reviewed_in_time"}
SHOWN = 10


@dataclass(frozen=True)
class Case:
    """An export to build, and under which policy."""

    export: Callable[[], Export]
    variables: dict[str, Any] = field(default_factory=dict)


def without_optional_files() -> Export:
    export = messy_export(1)
    del export["segment_rollups"], export["attribution_hints"]
    export["creative_assets"][0]["created_at"] = "2026-03-30T09:00:00"  # the newest event
    return export


OTHER_POLICY = {
    "as_of": "2026-03-20 22:00:01",  # exactly when one of the reviews is due
    "budget_approval_threshold": {"USD": 1000, "EUR": 500.5},
    "reporting_currency": "EUR",
    "rollup_window_days": 5,
    "rollup_minimum_impressions": 999,
    "trusted_confidence_minimum": 0.8501,
    "funnel_minimum_previous_count": 50,
    "weak_step_ratio": 0.8,
    "split_window_hours": 48,
    "reversal_window_days": 2,
    "escalation_severity_minimum": "critical",
    "escalation_medium_spend_minimum": 500,  # exactly what one medium signal exposes ...
    "escalation_medium_confidence_minimum": 0.7,  # ... and the confidence behind it
    "scale_trend_minimum": 0.3,
    "stop_trend_maximum": -0.5,
}

CASES = {
    "messy": Case(lambda: messy_export(5)),
    "messy under another policy": Case(lambda: messy_export(10), OTHER_POLICY),
    "messy without optional files": Case(without_optional_files),
    "messy in the past": Case(lambda: messy_export(5), {"as_of": "2026-03-16"}),
    "sample in the past": Case(read_export, {"as_of": "2026-03-16"}),
}


@dataclass(frozen=True)
class Comparison:
    """A build, and what the oracle makes of the same export."""

    build: Build
    expected: dict[str, list[dict]]


@pytest.fixture(scope="module")
def sample_comparison(sample: Build) -> Comparison:
    return Comparison(sample, oracle.marts(read_export()))


@pytest.fixture(scope="module", params=CASES.values(), ids=CASES.keys())
def comparison(request: pytest.FixtureRequest, workspace: Workspace) -> Comparison:
    case: Case = request.param
    export = case.export()
    build = workspace.build(export, variables=case.variables)
    return Comparison(build, oracle.marts(export, case.variables))


def agrees(expected: object, actual: object) -> bool:
    """Tell whether two values are the same, null-safe; doubles but for their last digits."""
    if isinstance(expected, float) and isinstance(actual, float):
        return math.isclose(expected, actual, rel_tol=1e-12, abs_tol=1e-14)
    return type(expected) is type(actual) and expected == actual


def keyed(rows: list[dict], key: tuple[str, ...]) -> dict[tuple, dict]:
    """Return rows by key, which must be unique."""
    by_key = {tuple(row[name] for name in key): row for row in rows}
    assert len(by_key) == len(rows), f"{key} is not unique"
    return by_key


def differences(mart: str, expected: list[dict], actual: list[dict]) -> list[str]:
    """Return one line for each row or value of a mart that is not what it should be."""
    key = oracle.MARTS[mart][0]
    wanted, found = keyed(expected, key), keyed(actual, key)
    lines = [f"{mart} {row}: missing" for row in sorted(wanted.keys() - found.keys(), key=str)]
    lines += [f"{mart} {row}: unexpected" for row in sorted(found.keys() - wanted.keys(), key=str)]
    for row in sorted(wanted.keys() & found.keys(), key=str):
        for column, value in wanted[row].items():
            if not agrees(value, found[row][column]):
                lines.append(
                    f"{mart} {row} {column}: expected {value!r}, found {found[row][column]!r}"
                )
    return lines


def read_mart(build: Build, mart: str) -> list[dict]:
    """Return a mart's rows; of a reason in words, whether there is one."""
    rows = build.rows(f"select * from marts.{mart}")
    for row in rows:
        for column in ("violation_reasons", "escalation_reason"):
            if column in row:
                row[f"has_{column}"] = row[column] is not None
    return rows


def assert_agrees(comparison: Comparison, mart: str) -> None:
    """Compare a mart with the oracle, every row and every column that the oracle knows."""
    expected = comparison.expected[mart]
    lines = differences(mart, expected, read_mart(comparison.build, mart))
    assert not lines, "\n".join([f"{len(lines)} differences", *lines[:SHOWN]])


@pytest.mark.parametrize("mart", oracle.MARTS)
def test_sample_is_what_the_oracle_reads(sample_comparison: Comparison, mart: str) -> None:
    assert_agrees(sample_comparison, mart)


@pytest.mark.parametrize("mart", oracle.MARTS)
def test_messy_export_is_what_the_oracle_reads(comparison: Comparison, mart: str) -> None:
    assert_agrees(comparison, mart)


def test_messy_export_breaks_only_governance_rules(comparison: Comparison) -> None:
    broken = {row["rule"] for row in comparison.expected["contract_violations"]}
    assert comparison.build.named("fail") == {GOVERNANCE_TESTS[rule] for rule in broken}
    assert comparison.build.named("error", "skipped") == set()
    for rule in broken:
        breaches = [r for r in comparison.expected["contract_violations"] if r["rule"] == rule]
        assert comparison.build.failures[GOVERNANCE_TESTS[rule]] == len(breaches)


OUTCOMES = {
    ("funnel_conversion", "drop_off_status"): {
        *("not_measured", "entry", "anomalous", "no_traffic", "blocked", "weak", "healthy"),
    },
    ("segment_rollups", "recommendation"): {"scale", "hold", "revise", "stop"},
    ("segment_rollups", "is_partial"): {False, True},
    ("segment_rollup_reconciliation", "status"): {"match", "mismatch", "not_computable"},
    ("budget_action_audit", "approval_state"): {
        *("approved", "rejected", "pending", "missing", "not_required"),
    },
    ("budget_action_audit", "compliance_status"): {"compliant", "pending", "violation"},
    ("budget_action_audit", "split_suspected"): {False, True},
    ("risk_escalation", "review_state"): {
        *("reviewed", "reviewed_late", "awaiting_review", "overdue"),
        *("not_required", "closed", "closed_without_review"),
    },
    ("risk_escalation", "evidence_check"): {"match", "mismatch", "not_checkable"},
    ("risk_escalation", "escalation_required"): {False, True},
    ("dim_experiments", "status"): {"planned", "running", "completed"},
    ("contract_violations", "rule"): {4, 5},
}


@pytest.mark.parametrize(("mart", "column"), OUTCOMES)
def test_messy_exports_reach_every_outcome(mart: str, column: str) -> None:
    reached = {
        row[column]
        for case in CASES.values()
        for row in oracle.marts(case.export(), case.variables)[mart]
    }
    assert reached == OUTCOMES[mart, column]
