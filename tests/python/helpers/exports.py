"""A series of exports, and their history."""

import copy
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from helpers.project import EXPORT, Export

Key = tuple[str, str, str]  # dataset, record, attribute

KEPT = [
    ("campaigns", "campaign_id", ["status"]),
    ("experiments", "experiment_id", ["status"]),
    (
        "budget_actions",
        "budget_action_id",
        [
            "status",
            "amount",
            "currency",
            "from_channel_id",
            "to_channel_id",
            "approved_by_human",
            "approver_id",
            "approval_latency_minutes",
        ],
    ),
    ("campaign_risk_signals", "risk_id", ["status"]),
]
HINTS = ("attribution_hints", "hint_id", [])
# `cautious`: without the tests of models that aren't built here.
WHOLE = (
    *("--select", "+what_changed", "+scorecard_history", "+warehouse_build"),
    *("--indirect-selection", "cautious", "--exclude-resource-type", "unit_test"),
)
DATASETS = [file.stem for file in EXPORT.glob("*.json")]


def as_text(attribute: str, value: object) -> str | None:
    """Return a value as the log keeps it."""
    if attribute == "amount":
        return str(Decimal(str(value)).quantize(Decimal("0.01"), ROUND_HALF_UP))
    if attribute == "currency":
        return value or "USD"
    return None if value is None else str(value).lower() if value in (True, False) else str(value)


def statuses_of(export: Export) -> dict[Key, str | None]:
    """Return an export's value of each kept attribute, and each dataset's number of records."""
    counts = {(name, name, "row_count"): str(len(export.get(name, []))) for name in DATASETS}
    return counts | {
        (dataset, record[key], attribute): as_text(attribute, record.get(attribute))
        for dataset, key, attributes in KEPT
        for record in export[dataset]
        for attribute in attributes
    }


def noon(day: int) -> datetime:
    """Return noon, a number of days after the demo's latest event."""
    return datetime(2026, 3, 20, 12) + timedelta(days=day)


def as_of(export: Export, day: int) -> Export:
    """Return a copy of an export whose latest event is at noon, some days after the demo's."""
    later = copy.deepcopy(export)
    event = {
        "decision_id": f"DEC_{9000 + day}",
        "timestamp": noon(day).isoformat(),
        "human_override": False,
    }
    later["orchestrator_decisions"].append(later["orchestrator_decisions"][0] | event)
    return later


def record(export: Export, dataset: str, key: str) -> dict:
    """Return the record of a dataset with this id."""
    name = next(name for one, name, _ in [*KEPT, HINTS] if one == dataset)
    (found,) = (one for one in export[dataset] if one[name] == key)
    return found


def second_of(export: Export) -> Export:
    """Return the export of the second day, with many changes."""
    later = as_of(export, 2)
    record(later, "budget_actions", "BUD_0003").update(
        approved_by_human=True, approver_id="HUMAN_01", approval_latency_minutes=60
    )
    record(later, "budget_actions", "BUD_0003")["status"] = "executed"
    record(later, "campaigns", "CAMP_002")["status"] = "paused"
    signals = {one["risk_id"]: one for one in later["campaign_risk_signals"]}
    signals["RSK_0003"]["status"] = "open"  # which was closed
    signals["RSK_0001"]["status"] = "mitigated"
    raised = {"risk_id": "RSK_9001", "severity": "critical", "status": "open"}
    raised |= {"timestamp": noon(1).isoformat(), "risk_type": "spend_spike"}
    later["campaign_risk_signals"].append(signals["RSK_0001"] | raised)
    later["campaign_risk_signals"].remove(signals["RSK_0004"])
    # An id that a campaign has too, and an experiment that is new.
    new = later["budget_actions"][0] | {"budget_action_id": "CAMP_002", "status": "rejected"}
    later["budget_actions"].append(new | {"approved_by_human": False})
    (experiment,) = (one for one in later["experiments"] if one["experiment_id"] == "EXP_001")
    later["experiments"].append(experiment | {"experiment_id": "EXP_009"})
    return later
