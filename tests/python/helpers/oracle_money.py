"""The expected rows of money_uptake: whether approved moves of money show in spend.

Works as `oracle_decisions` does: from the JSON, in exact arithmetic except for roots and
logarithms. Sources: "issue" is the issue on how far the orchestrator can be trusted, "decisions"
docs/decisions.md.
"""

import math
from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

import scipy.stats
from helpers import oracle
from helpers.oracle import Row, World, cents, double, ratio
from helpers.oracle_decisions import effective_date

DAY = timedelta(days=1)
HALVES = ("before", "after")
SIDES = ("from", "to")
COUNTS = ("impressions", "conversions")
UPTAKE_STATUSES = {
    *("not_moved", "self_transfer", "not_comparable", "not_enough", "overlapped"),
    *("happened", "one_sided", "did_not_happen", "unclear"),
}
EFFECT_STATUSES = {
    *("not_moved", "self_transfer", "not_enough", "overlapped", "no_comparison"),
    *("better", "worse", "unclear"),
}
NO_EFFECT = dict.fromkeys(("effect", "effect_low", "effect_high"))


class Day(NamedTuple):
    """A channel's figures on a day, the days of the rows that cover it, and the longest."""

    spend: Fraction
    impressions: int
    conversions: int
    covered_from: date
    covered_until: date
    longest: int


Days = dict[date, Day]


def t_quantile(freedom: float) -> float | None:
    """Return Student's 0.975 quantile at whole degrees of freedom, at most 30."""
    whole = math.floor(freedom + 1e-9)
    return float(scipy.stats.t.ppf(0.975, min(whole, 30))) if whole >= 1 else None


def channel_days(world: World) -> dict[tuple[str, str], Days]:
    """Return each channel's figures in a campaign, by covered day."""
    found: dict[tuple[str, str], dict[date, list]] = defaultdict(lambda: defaultdict(list))
    for row in world.performance:
        first = world.covered_from[row["asset_id"], row["day"]]
        for day, part in oracle.parts_of_days(world, row).items():
            found[row["campaign_id"], row["channel_id"]][day].append((part, first, row["day"]))
    return {
        key: {
            day: Day(
                sum(part["spend"] for part, _, _ in rows),
                *(int(sum(part[name] for part, _, _ in rows)) for name in COUNTS),
                min(first for _, first, _ in rows),
                max(last for _, _, last in rows),
                max((last - first).days + 1 for _, first, last in rows),
            )
            for day, rows in days.items()
        }
        for key, days in found.items()
    }


def reported_until(world: World) -> dict[tuple[str, str], date]:
    """Return the latest day that all running assets of a channel have reported, if any runs."""
    newest: dict[str, Row] = {}
    for row in world.performance:
        known = newest.get(row["asset_id"], row)
        newest[row["asset_id"]] = max(known, row, key=lambda one: one["known_at"])
    span = timedelta(days=world.policy["running_asset_days"])
    until: dict[tuple[str, str], date] = {}
    for row in newest.values():
        if row["known_at"] + span >= world.as_of:
            key = row["campaign_id"], row["channel_id"]
            until[key] = min(until.get(key, date.max), row["day"])
    return until


class Moved(NamedTuple):
    """A channel's change: figures that are null with too little data."""

    days: dict[str, Days]
    change: Fraction | None
    margin: float | None
    log_ratio: float | None
    variance: float | None
    freedom: float | None
    weight: float | None


def moved(world: World, days: Days, on: date) -> Moved:
    """Return how a channel's spend and conversion rate changed around a day.

    Days whose rows also cover that day are left out.
    """
    length = world.policy["impact_window_days"] * DAY
    halves = {
        "before": {
            day: had
            for day, had in days.items()
            if on - length <= day < on and had.covered_until < on
        },
        "after": {
            day: had
            for day, had in days.items()
            if on < day <= on + length and had.covered_from > on
        },
    }
    least = min(world.policy["week_minimum_days"], world.policy["impact_window_days"])
    means = {
        half: ratio(sum(had.spend for had in one.values()), len(one))
        for half, one in halves.items()
    }
    change = None if None in means.values() else means["after"] - means["before"]
    reports = {
        half: sum(Fraction(1, had.longest) for had in one.values()) for half, one in halves.items()
    }
    margin = None
    if all(len(halves[half]) >= least and reports[half] >= 2 for half in HALVES):
        spread = {
            half: sum((had.spend - means[half]) ** 2 for had in halves[half].values())
            / (reports[half] - 1)
            / len(halves[half])
            for half in HALVES
        }
        total = sum(spread.values())
        if not total:
            margin = 0.0
        else:
            freedom = total**2 / sum(spread[half] ** 2 / (reports[half] - 1) for half in HALVES)
            margin = t_quantile(float(freedom)) * math.sqrt(total)
    return Moved(halves, change, margin, *rate_change(world, halves, least))


def rate_change(
    world: World, halves: dict[str, Days], least: int
) -> tuple[float | None, float | None, float | None, float | None]:
    """Return a log ratio of conversion rates, its variance, degrees of freedom and weight."""
    nothing = None, None, None, None
    hits, trials, pearson, size, reports = {}, {}, 0.0, Fraction(0), Fraction(0)
    for half, days in halves.items():
        shown = [had for had in days.values() if had.impressions]
        hits[half] = sum(had.conversions for had in days.values())
        trials[half] = sum(had.impressions for had in shown)
        if len(days) < least or not 1 <= hits[half] <= trials[half]:
            return nothing
        within = sum(had.conversions for had in shown)
        share = Fraction(within, trials[half])
        if 0 < share < 1:
            pearson += float(
                sum(
                    (had.conversions - had.impressions * share) ** 2
                    / (had.impressions * share * (1 - share))
                    for had in shown
                )
            )
        reports += sum(Fraction(1, had.longest) for had in shown)
        size += Fraction(trials[half] ** 2, sum(had.impressions**2 * had.longest for had in shown))
    if sum(hits.values()) < world.number("trend_minimum_successes") or reports < 3 or size <= 2:
        return nothing
    spread = max(1.0, pearson / float(size - 2))
    counted = sum(Fraction(1, hits[half]) - Fraction(1, trials[half]) for half in HALVES)
    change = Fraction(hits["after"], trials["after"]) / Fraction(hits["before"], trials["before"])
    weight = hits["before"] * hits["after"] / sum(hits.values())
    return math.log(change), float(counted) * spread, float(reports - 2), weight


def effect(own: Moved | None, others: list[Moved]) -> Row:
    """Return a channel's change of conversion rate relative to others, with its interval."""
    rated = [one for one in others if one.log_ratio is not None]
    found = NO_EFFECT | {"channels": len(rated)}
    if own is None or own.log_ratio is None or not rated:
        return found
    whole = sum(one.weight for one in rated)
    usual = sum(one.weight * one.log_ratio for one in rated) / whole
    parts = [(own.variance, own.freedom)]
    parts += [((one.weight / whole) ** 2 * one.variance, one.freedom) for one in rated]
    variance = sum(part for part, _ in parts)
    if not variance:
        return found
    quantile = t_quantile(variance**2 / sum(part**2 / freedom for part, freedom in parts))
    margin = 2 * math.asinh(quantile * math.sqrt(variance) / 2)
    gain = own.log_ratio - usual
    return found | {
        "effect": math.exp(gain) - 1,
        "effect_low": math.exp(gain - margin) - 1,
        "effect_high": math.exp(gain + margin) - 1,
    }


def money_uptake(world: World) -> list[Row]:
    """Return each budget action with the uptake of its move (issue)."""
    days, until = channel_days(world), reported_until(world)
    of_campaigns: dict[str, dict[str, Days]] = defaultdict(dict)
    for (campaign, channel), had in days.items():
        last = until.get((campaign, channel), date.max)
        of_campaigns[campaign][channel] = {day: had[day] for day in had if day <= last}
    audit = {row["budget_action_id"]: row for row in oracle.budget_action_audit(world)}
    labels = {row["channel_id"]: row["channel_label"] for row in oracle.dim_channels(world)}
    executed = [action for action in world.actions if action["status"] == "executed"]
    rows = []
    for action in world.actions:
        ends = oracle.direction(action)
        row = {
            "budget_action_id": action["budget_action_id"],
            "campaign_id": action["campaign_id"],
            "campaign_name": world.campaigns[action["campaign_id"]]["name"],
            "amount": cents(action["amount"]),
            "currency": action["currency"],
            "status": action["status"],
            "approval_state": audit[action["budget_action_id"]]["approval_state"],
            "approver_id": action["approver_id"],
            "money_moved": action["status"] == "executed",
            "is_causal": False,
        }
        for side, channel in zip(SIDES, ends, strict=True):
            row |= {f"{side}_channel_id": channel, f"{side}_channel_label": labels[channel]}
        row |= capacity(world, action, days)
        rows.append(row | uptake(world, action, executed, of_campaigns[action["campaign_id"]]))
    return rows


def capacity(world: World, action: Row, days: dict[tuple[str, str], Days]) -> Row:
    """Return the figures of both channels before the move, and their capacity."""
    is_open = action["status"] in ("proposed", "approved")
    on = world.today if is_open else effective_date(action)
    campaign = action["campaign_id"]
    giver, taker = (
        {
            day: had
            for day, had in days.get((campaign, channel), {}).items()
            if day < on or (is_open and day == on)
        }
        for channel in oracle.direction(action)
    )
    left = max((date.fromisoformat(world.campaigns[campaign]["end_date"]) - on).days, 0)
    is_within = action["from_channel_id"] == action["to_channel_id"]
    rate = oracle.mean_of_newest(world, {day: had.spend for day, had in giver.items()})
    to_come = None
    if rate is not None and action["currency"] == world.policy["reporting_currency"]:
        is_running = (on - max(giver)).days <= world.policy["running_asset_days"]
        to_come = cents(rate * left if is_running else Fraction(0))
    spent = cents(sum(had.spend for had in giver.values())) if giver else None
    shown = sum(had.impressions for had in taker.values()) if taker else None
    converted = sum(had.conversions for had in taker.values()) if taker else None
    can_give = None if is_within or to_come is None else cents(action["amount"]) <= to_come
    findings = []
    amount = f"takes {action['currency']} {cents(action['amount']):,} out of a channel"
    if spent is None:
        findings.append(f"{amount} without performance in the campaign")
    elif can_give is False:
        more = "more by the end of the campaign"
        findings.append(f"{amount} that has spent {spent:,} and would spend {to_come:,} {more}")
    if shown is None:
        findings.append("goes to a channel without performance in the campaign")
    elif not converted and shown >= world.number("rollup_minimum_impressions"):
        findings.append(f"goes to a channel without a conversion in {shown:,} impressions")
    return {
        "capacity_date": on,
        "from_spent_before_move": spent,
        "from_spend_to_come": to_come,
        "from_can_give": can_give,
        "to_impressions_before_move": shown,
        "to_conversions_before_move": converted,
        "capacity_findings": None if is_within else "; ".join(findings) or None,
    }


def uptake(world: World, action: Row, executed: list[Row], days: dict[str, Days]) -> Row:
    """Return the figures of the windows around a move."""
    names = ("effective_date", "before_start", "after_end", "planned_daily_change")
    per_side = (
        *(
            f"{name}_{half}"
            for name in ("days_covered", "spend", "spend_per_day")
            for half in HALVES
        ),
        *("change_per_day", "uptake_share", "uptake_share_low", "uptake_share_high"),
    )
    nothing = dict.fromkeys(names) | {f"{side}_{name}": None for side in SIDES for name in per_side}
    nothing |= NO_EFFECT | {f"from_{name}": None for name in NO_EFFECT}
    if action["status"] != "executed":
        statuses = ("uptake_status", "effect_status", "from_effect_status")
        return nothing | dict.fromkeys(statuses, "not_moved") | {"comparison_channels": 0}
    on, length = effective_date(action), world.policy["impact_window_days"] * DAY
    campaign, ends = action["campaign_id"], oracle.direction(action)
    left = (date.fromisoformat(world.campaigns[campaign]["end_date"]) - on).days
    is_within = ends[0] == ends[1]
    planned = None
    is_known = action["currency"] == world.policy["reporting_currency"]
    if is_known and left > 0 and not is_within:
        planned = Fraction(action["amount"]) / left
    is_complete = oracle.end_of(on + length) <= world.as_of
    near = [
        other
        for other in executed
        if other["campaign_id"] == campaign and abs(effective_date(other) - on) <= length
    ]
    touched = {channel for other in near for channel in oracle.direction(other)}
    touched_by_others = {
        channel
        for other in near
        if other["budget_action_id"] != action["budget_action_id"]
        and len(set(oracle.direction(other))) == 2
        for channel in oracle.direction(other)
    }
    changes = {channel: moved(world, had, on) for channel, had in days.items()}
    changes = {channel: one for channel, one in changes.items() if any(one.days.values())}
    others = [one for channel, one in changes.items() if channel not in touched]
    row = nothing | {
        "effective_date": on,
        "before_start": on - length,
        "after_end": on + length,
        "planned_daily_change": cents(planned),
    }
    states, margins = {}, {}
    for side, channel in zip(SIDES, ends, strict=True):
        one = changes.get(channel)
        for half in HALVES:
            had = one.days[half].values() if one else ()
            spent = sum(day.spend for day in had) if had else None
            row[f"{side}_days_covered_{half}"] = len(had)
            row[f"{side}_spend_{half}"] = cents(spent)
            row[f"{side}_spend_per_day_{half}"] = cents(ratio(spent, len(had)))
        row[f"{side}_change_per_day"] = cents(one.change) if one else None
        is_overlapped = channel in touched_by_others
        margins[side] = one.margin if one and is_complete else None
        states[side] = None
        if margins[side] is not None and planned and not is_overlapped:
            share = one.change / planned * (-1 if side == "from" else 1)
            margin = margins[side] / float(planned)
            low, high = double(share) - margin, double(share) + margin
            row |= {
                f"{side}_uptake_share": double(share),
                f"{side}_uptake_share_low": low,
                f"{side}_uptake_share_high": high,
            }
            least = world.number("uptake_minimum_share")
            states[side] = (
                "moved"
                if 0 < low <= 1 / float(least) and share >= least
                else "not_moved"
                if high < least
                else "unclear"
            )
        found = effect(one, others)
        status = effect_status(found, is_complete, is_overlapped, bool(others))
        row["comparison_channels"] = found.pop("channels")
        prefix = "from_" if side == "from" else ""
        if status in ("better", "worse", "unclear") and not is_within:
            row |= {f"{prefix}{name}": value for name, value in found.items()}
        row[f"{prefix}effect_status"] = "self_transfer" if is_within else status
    if is_within:
        row["uptake_status"] = "self_transfer"
    elif planned is None:
        row["uptake_status"] = "not_comparable"
    elif touched_by_others & set(ends):
        row["uptake_status"] = "overlapped"
    elif None in margins.values():
        row["uptake_status"] = "not_enough"
    else:
        row["uptake_status"] = uptake_status(*states.values())
    return row


def effect_status(found: Row, is_complete: bool, is_overlapped: bool, has_others: bool) -> str:
    """Return the status of an effect."""
    if is_overlapped:
        return "overlapped"
    if not is_complete:
        return "not_enough"
    if not has_others:
        return "no_comparison"
    if found["effect_low"] is None:
        return "not_enough"
    if found["effect_low"] > 0:
        return "better"
    return "worse" if found["effect_high"] < 0 else "unclear"


def uptake_status(giver: str, taker: str) -> str:
    """Return the status of both sides together."""
    if "unclear" in (giver, taker):
        return "unclear"
    if giver != taker:
        return "one_sided"
    return "happened" if giver == "moved" else "did_not_happen"


MARTS = {"money_uptake": (("budget_action_id",), money_uptake)}
"""The mart's key and the function that works it out."""
