"""The expected changes of what_changed in an export's latest complete week.

The tests of the history cover changes between exports.
"""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal

from helpers import oracle
from helpers.oracle import Row, World
from helpers.oracle_decisions import (
    WEEK,
    dim_date,
    experiment_results,
    next_actions,
    week_of,
    weekly,
)

ORDER = [
    *("nothing_to_compare", "verdict_moved", "risk_overdue", "risk_raised", "money_moved"),
    *("verdict_changed", "action_decided", "performance_moved", "action_new", "risk_reviewed"),
    *("risk_closed", "risk_gone", "metric_moved", "action_gone", "status_changed"),
]
FIRST_EXPORT = (
    "This is the first export in the history: there is none before it to compare with.",
    "No export is in the history yet.",
)
MEASURES = ("conversions", "spend", "cost_per_conversion", "return_on_ad_spend")


def rounded(value: float | Decimal) -> str:
    """Return a number with at most two decimals, without trailing zeros."""
    text = str(Decimal(value).quantize(Decimal("0.01"), ROUND_HALF_UP))
    return text.rstrip("0").rstrip(".")


def performance_moved(world: World) -> Iterator[Row]:
    """Yield the changes of each campaign's figures from the week before, if comparable."""
    for row in weekly(world, "campaign_id"):
        for name in MEASURES:
            change = row[f"{name}_change"]
            if not change:
                continue
            before, after = row[f"prior_{name}"], row[name]
            if name in ("conversions", "spend"):
                before = Decimal(before) / row["prior_days_covered"]
                after = Decimal(after) / row["days_covered"]
            yield {
                "change_type": "performance_moved",
                "record_id": row["campaign_id"],
                "item": name,
                "campaign_id": row["campaign_id"],
                "before_text": rounded(before),
                "after_text": rounded(after),
                "relative_change": change,
                "size": abs(change),
                "changed_at": oracle.end_of(row["week_start"] + timedelta(days=6)),
            }


def risks_changed(world: World) -> Iterator[Row]:
    """Yield the times at which risk signals were raised, reviewed and overdue."""
    for row in oracle.risk_escalation(world):
        moments = {"risk_raised": row["raised_at"], "risk_reviewed": row["reviewed_at"]}
        if row["review_state"] == "overdue":
            moments["risk_overdue"] = row["review_due_at"]
        for change_type, moment in moments.items():
            yield {
                "change_type": change_type,
                "record_id": row["risk_id"],
                "item": "risk",
                "campaign_id": row["campaign_id"],
                "what": f"{row['risk_type'].replace('_', ' ')}, {row['severity']}",
                "after_text": (
                    row["review_state"].replace("_", " ")
                    if change_type == "risk_reviewed"
                    else None
                ),
                "size": row["severity_rank"],
                "changed_at": moment,
            }


def money_moved(world: World) -> Iterator[Row]:
    """Yield the moves of money, dated by their approval, else their proposal."""
    for row in oracle.budget_action_audit(world):
        if row["money_moved"]:
            yield {
                "change_type": "money_moved",
                "record_id": row["budget_action_id"],
                "item": "status",
                "campaign_id": row["campaign_id"],
                "after_text": "executed",
                "size": row["amount"],
                "changed_at": row["approved_at"] or row["proposed_at"],
            }


def actions_changed(world: World) -> Iterator[Row]:
    """Yield the start of each action's wait, or its decision; one for all its reasons."""
    found: dict[tuple, Row] = {}
    for row in next_actions(world):
        state, rank = row["action_state"], row["action_rank"]
        moment = row["waiting_since"] if state == "open" else row["answered_at"]
        known = found.setdefault(
            (state, row["record_id"], row["action_type"]),
            {
                "change_type": "action_new" if state == "open" else "action_decided",
                "record_id": row["record_id"],
                "item": row["action_type"],
                "campaign_id": row["campaign_id"],
                "after_text": state,
                "size": None if rank is None else -rank,
                "changed_at": moment,
            },
        )
        if moment is not None:
            known["changed_at"] = min(known["changed_at"] or moment, moment)
    yield from found.values()


def verdicts_changed(world: World) -> Iterator[Row]:
    """Yield the first day of each experiment's verdict."""
    for row in experiment_results(world):
        since = row["verdict_since"]
        yield {
            "change_type": "verdict_changed",
            "record_id": row["experiment_id"],
            "item": "experiment",
            "campaign_id": row["campaign_id"],
            "after_text": row["verdict"].replace("_", " "),
            "size": None,
            "changed_at": since and datetime.combine(since, time()),
        }


def what_changed(world: World) -> list[Row]:
    """Return the changes in the latest complete week, after the row about a single export."""
    monday = (world.as_of + timedelta(microseconds=1)).date()
    monday = week_of(monday) - WEEK
    start, end = datetime.combine(monday, time()), oracle.end_of(monday + timedelta(days=6))
    nothing = dict.fromkeys(("record_id", "item", "campaign_id", "before_text", "after_text"))
    nothing |= {"change_type": "nothing_to_compare", "size": None, "relative_change": None}
    told = FIRST_EXPORT[0 if world.covers_all_events else 1]
    rows = [nothing | {"comparison": "export", "what": told}]
    if monday < week_of(min(row["date_day"] for row in dim_date(world))):
        rows.append(nothing | {"comparison": "week", "what": "No week is over yet."})
    changes = [
        *performance_moved(world),
        *risks_changed(world),
        *money_moved(world),
        *actions_changed(world),
        *verdicts_changed(world),
    ]
    for row in changes:
        if row["changed_at"] is not None and start <= row["changed_at"] <= end:
            row = {"before_text": None, "relative_change": None} | row
            rows.append(row | {"comparison": "week", "compared_from": start - WEEK})
            rows[-1]["compared_to"] = end
    rows.sort(
        key=lambda row: (
            row["comparison"],
            ORDER.index(row["change_type"]),
            row["size"] is None,
            -(row["size"] or 0),
            row["record_id"] or "",
            row["item"] or "",
        )
    )
    return [
        {name: value for name, value in row.items() if name != "size"} | {"change_rank": rank}
        for rank, row in enumerate(rows, start=1)
    ]


KEY = ("comparison", "change_type", "record_id", "item")
MARTS = {"what_changed": (KEY, what_changed)}
