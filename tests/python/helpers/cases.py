"""The cases in which the marts are compared with the oracle: each is built once per session."""

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from helpers import oracle
from helpers.messy import messy_export
from helpers.project import PROJECT, Export, read_export


@dataclass(frozen=True)
class Case:
    """An export to build, and its policy."""

    export: Callable[[], Export]
    variables: dict[str, Any] = field(default_factory=dict)


def without_optional_files() -> Export:
    """Return a messy export without the two optional files."""
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
    "trend_minimum_successes": 300,
    "daily_spend_days": 3,
    "running_asset_days": 2,
    "segment_decision_days": 5,
    "scale_trend_minimum": 0.3,
    "stop_trend_maximum": -0.5,
    "significance_level": 0.1,
    "minimum_lift_to_scale": 0.2,
    "power_target": 0.9,
    "level_share_before_end": 0.5,
    "sequential_tuning_lift": 0.2,
    "experiment_minimum_days": 6,
    "experiment_minimum_rows": 6,
    "experiment_minimum_successes": 20,
    "guardrail_margin": 0.3,
    "experiment_maximum_days": 40,
    "srm_alpha": 0.05,
    "risk_report_days": 2,
    "risk_report_hours": 72,
    "strong_click_through_ratio": 0.5,
    "impact_window_days": 3,
    "uptake_minimum_share": 0.3,
    "decision_followup_hours": 24,
    "exceeds_target_ratio": 0.8,
    "meets_target_ratio": 0.4,
    "pacing_tolerance": 0.5,
    "pacing_minimum_days": 19,
    "pacing_minimum_reports": 6,
    "track_record_minimum": 6,
    "calibration_bucket_width": 0.3,
    "calibration_minimum_decisions": 2,
    "next_budget_weeks": 3,
    "next_budget_minimum_reports": 3,
    "next_budget_minimum_conversions": 5,
    "marginal_minimum_reports": 6,
    "marginal_spend_variation_minimum": 0.4,
    "target_approval_rate": 0.2,
    "target_open_risks": 1000,
    "target_pending_reallocations": 1000,
    "target_roi": -1,
}

CASES = {
    "sample": Case(read_export),
    "sample before its first risk": Case(read_export, {"as_of": "2026-03-10"}),
    "sample in the past": Case(
        read_export,
        {"as_of": "2026-03-16", "target_open_risks": 1},  # exactly what there are
    ),
    "sample a day before its end": Case(
        read_export,
        {"as_of": "2026-03-18", "target_approval_rate": 0.75},  # exactly what it is
    ),
    "messy": Case(lambda: messy_export(5)),
    "messy under another policy": Case(lambda: messy_export(10), OTHER_POLICY),
    "messy without optional files": Case(without_optional_files),
    "messy in the past": Case(lambda: messy_export(5), {"as_of": "2026-03-16"}),
    "messy in the beginning": Case(lambda: messy_export(5), {"as_of": "2026-03-09"}),
}


@functools.cache
def world(name: str) -> oracle.World:
    """Return the world of a case's export under its policy."""
    return oracle.read_world(CASES[name].export(), CASES[name].variables)


def edited(export: Export, case: str) -> Export:
    """Return an export after the edit of a case, as the user's apply.py makes it."""
    for step in json.loads((PROJECT / f"tests/cases/{case}.json").read_text(encoding="utf-8"))[
        "steps"
    ]:
        rows, where = export[step["dataset"]], step.get("where", {})
        found = [row for row in rows if all(row.get(key) == where[key] for key in where)]
        if step["op"] == "add":
            rows.append(step["record"])
        elif step["op"] == "set":
            assert found, step
            for row in found:
                row.update(step["values"])
        elif step["op"] == "remove":
            export[step["dataset"]] = [row for row in rows if row not in found]
        else:
            assert step["op"] == "clear", step
            export[step["dataset"]] = []
    return export
