"""The expected next_budget, from the JSON: sums in fractions, intervals with SciPy's quantiles.

Source of the rules: the issue on trust, and docs/decisions.md.
"""

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

import numpy as np
from helpers import oracle, oracle_decisions
from helpers.oracle import Row, World, cents, double, ratio
from scipy.stats import t

WEEK = timedelta(days=7)
Place = tuple[str, str]
"""A campaign and a channel."""


@dataclass
class Report:
    """An asset's report on a day, within the weeks compared."""

    asset_id: str
    day: date
    days: set[date] = field(default_factory=set)
    sums: dict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))


def compared_weeks(world: World) -> tuple[date | None, date | None]:
    """Return the first and last day of the weeks compared, the latest complete ones."""
    starts = [
        start
        for row in world.performance
        for day in oracle.parts_of_days(world, row)
        if oracle.end_of((start := day - timedelta(days=day.weekday())) + WEEK - timedelta(days=1))
        <= world.as_of
    ]
    if not starts:
        return None, None
    weeks = int(world.number("next_budget_weeks"))
    return max(starts) - (weeks - 1) * WEEK, max(starts) + timedelta(days=6)


def reports_by_place(world: World) -> dict[Place, list[Report]]:
    """Return the reports of assets within the weeks compared."""
    first, last = compared_weeks(world)
    found: dict[Place, dict[tuple, Report]] = defaultdict(dict)
    for row in world.performance:
        place, key = (row["campaign_id"], row["channel_id"]), (row["asset_id"], row["day"])
        for day, part in oracle.parts_of_days(world, row).items():
            if first and first <= day <= last:
                report = found[place].setdefault(key, Report(*key))
                report.days.add(day)
                for name in oracle.MEASURES:
                    report.sums[name] += part[name]
    return {place: list(reports.values()) for place, reports in found.items()}


def quantile(freedom: int) -> float | None:
    """Return Student's 0.975 quantile, that of 30 degrees of freedom beyond these."""
    return float(t.ppf(0.975, min(freedom, 30))) if freedom >= 1 else None


def by_report_day(reports: list[Report]) -> list[Report]:
    """Return the reports of a day as one, in order."""
    days: dict[date, Report] = {}
    for report in reports:
        whole = days.setdefault(report.day, Report("", report.day))
        whole.days |= report.days
        for name, value in report.sums.items():
            whole.sums[name] += value
    return [days[day] for day in sorted(days)]


def log_variance(days: list[Report], measure: str) -> float | None:
    """Return the variance of the logarithm of a measure per unit of spend, from report to report.

    For a ratio estimator, in shares of the total: Pearson's sum, over reports that count by their
    size (Kish), and the covariance of reports that share days.
    """
    whole, spend = (sum(one.sums[name] for one in days) for name in (measure, "spend"))
    if not whole or not spend:
        return None
    shares = [one.sums["spend"] / spend for one in days]
    off = [one.sums[measure] / whole - share for one, share in zip(days, shares, strict=True)]
    size = 1 / sum(share * share for share in shares)
    if size <= 1:
        return None
    mean = Fraction(1, len(days))
    squares = sum(one * one / (share or mean) for one, share in zip(off, shares, strict=True))
    products = sum(
        off[i] * off[j]
        for j, later in enumerate(days)
        for i, earlier in enumerate(days[:j])
        if earlier.day >= min(later.days)
    )
    return float((squares + 2 * size * max(products, 0)) / (size - 1))


@dataclass(frozen=True)
class Yield:
    """The sums of a channel's weeks, and their variance."""

    sums: dict[str, Fraction]
    reports: int
    spend_reports: int
    variance: float | None
    revenue_variance: float | None


def yield_of(reports: list[Report]) -> Yield:
    """Return the sums of reports."""
    days = by_report_day(reports)
    sums = {name: sum(one.sums[name] for one in days) for name in oracle.MEASURES}
    found, revenue = None, None
    if sums["conversions"]:
        least = 1 / float(sums["conversions"])
        found = max(least, log_variance(days, "conversions") or 0)
        revenue = max(found, log_variance(days, "revenue_proxy") or 0)
    with_spend = sum(bool(one.sums["spend"]) for one in days)
    return Yield(sums, len(days), with_spend, found, revenue)


def around(value: Fraction | None, q: float | None, variance: float | None) -> tuple:
    """Return the bounds of a ratio with a log variance: roots of a score test."""
    if not value or q is None or variance is None:
        return None, None
    factor = math.exp(2 * math.asinh(q * math.sqrt(variance) / 2))
    return float(value) / factor, float(value) * factor


def tells(q: float, one: Yield) -> bool:
    """Return whether the bounds of an interval differ by less than a factor of 1,000."""
    return 2 * math.asinh(q * math.sqrt(one.variance) / 2) < 7


def figures(world: World, one: Yield) -> Row:
    """Return cost per conversion and return on ad spend, with intervals."""
    least_reports = world.number("next_budget_minimum_reports")
    spend, found = one.sums["spend"], one.sums["conversions"]
    q = quantile(one.spend_reports - 1) if one.spend_reports >= least_reports else None
    is_enough = q is not None and found >= world.number("next_budget_minimum_conversions")
    cost, value = ratio(spend, found), ratio(one.sums["revenue_proxy"], spend)
    low, high = around(cost, q, one.variance)
    is_enough = is_enough and tells(q, one)
    if not found and q is not None:
        low = float(spend) / q**2
    returns = around(value, q if is_enough else None, one.revenue_variance)
    return {
        "cost_per_conversion": double(cost),
        "cost_per_conversion_low": low,
        "cost_per_conversion_high": high if is_enough else None,
        "return_on_ad_spend": double(value),
        "return_on_ad_spend_low": returns[0],
        "return_on_ad_spend_high": returns[1],
    }


COMPARISON = (
    *("others_cost_per_conversion", "relative_yield"),
    *("relative_yield_low", "relative_yield_high"),
)


def comparison(world: World, own: Yield | None, others: list[Yield]) -> Row:
    """Return a channel's conversions per unit of money relative to the other channels together."""
    row = dict.fromkeys(COMPARISON) | {"evidence_status": "not_enough"}
    least = world.number("next_budget_minimum_reports")
    others = [one for one in others if one.spend_reports >= least]
    if own is None or own.spend_reports < least or not others:
        return row
    spend, found = own.sums["spend"], own.sums["conversions"]
    other_spend, other_found = (
        sum(one.sums[name] for one in others) for name in ("spend", "conversions")
    )
    row["others_cost_per_conversion"] = double(ratio(other_spend, other_found))
    change = ratio(ratio(found, spend), ratio(other_found, other_spend))
    row["relative_yield"] = double(change - 1) if change is not None else None
    expected = (found + other_found) * min(spend, other_spend) / (spend + other_spend)
    if expected < world.number("next_budget_minimum_conversions"):
        return row
    q = quantile(min(own.spend_reports - 1, sum(one.spend_reports - 1 for one in others)))
    variance = None
    if other_found:
        of_others = sum(
            float(one.sums["conversions"]) ** 2 * one.variance for one in others if one.variance
        )
        variance = of_others / float(other_found) ** 2
    if found and other_found:
        low, high = around(change, q, own.variance + variance)
        row |= {"relative_yield_low": low - 1, "relative_yield_high": high - 1}
        side = (low > 1) - (high < 1)
    else:
        spread = max(1, float(found) * (own.variance or 0), float(other_found) * (variance or 0))
        gain = float(found * other_spend - other_found * spend)
        z = gain / math.sqrt(float((found + other_found) * spend * other_spend) * spread)
        side = (z > q) - (z < -q)
    return row | {"evidence_status": ("unclear", "better", "worse")[side]}


def marginal(world: World, reports: list[Report], cost: float | None) -> Row:
    """Return the cost of one more conversion, by least squares within assets (HC3 by day).

    In plain units, money and conversions per day; the variance is at least that of Poisson counts.
    """
    row = {"spend_variation": None, "marginal_status": "not_enough"}
    row |= dict.fromkeys(("marginal_cost_per_conversion", "marginal_low", "marginal_high"))
    weight = np.array([float(len(one.days)) for one in reports])
    x, y = (
        np.array([float(one.sums[name] / len(one.days)) for one in reports])
        for name in ("spend", "conversions")
    )
    if not reports or not (x @ weight):
        return row
    assets = [one.asset_id for one in reports]
    dummies = np.array([[one == name for name in sorted(set(assets))] for one in assets], float)
    means = (dummies * weight[:, None]).T / (dummies.T @ weight)[:, None]
    dx, dy = (values - dummies @ (means @ values) for values in (x, y))
    dx[np.abs(dx) < 1e-12 * x.max()] = 0
    squares = float((weight * dx) @ dx)
    row["spend_variation"] = math.sqrt(squares / weight.sum()) / (x @ weight / weight.sum())
    days = sorted({one.day for one in reports})
    q = quantile(min(len(reports) - len(set(assets)) - 1, len(days) - 2))
    found = y @ weight
    too_few = len(days) < world.number("marginal_minimum_reports") or found < float(
        world.number("next_budget_minimum_conversions")
    )
    if too_few or q is None:
        return row
    if row["spend_variation"] < world.number("marginal_spend_variation_minimum"):
        return row | {"marginal_status": "spend_varied_too_little"}
    slope = float((weight * dx) @ dy) / squares
    residual = dy - slope * dx
    hat = weight * (1 / (dummies @ (dummies.T @ weight)) + dx * dx / squares)
    is_free = 1 - hat > 1e-9
    score = np.where(is_free, weight * dx * residual / np.where(is_free, 1 - hat, 1), 0)
    by_day = [sum(s for s, one in zip(score, reports, strict=True) if one.day == d) for d in days]
    of_counts = (weight * dx * dx * x).sum() * found / (x @ weight)
    error = math.sqrt(max(sum(value**2 for value in by_day), of_counts)) / squares
    shown = {
        "marginal_cost_per_conversion": slope,
        "marginal_low": slope + q * error,
        "marginal_high": slope - q * error,
    }
    costs = {name: float(1 / value) if value > 0 else None for name, value in shown.items()}
    return row | costs | {"marginal_status": "told"}


# ---- Reasons against it ------------------------------------------------------------------


def touching_risks(world: World, place: Place) -> list[Row]:
    """Return the unresolved signals that name an asset of a place, or nothing but its campaign."""
    own = {
        asset_id
        for asset_id, asset in world.assets.items()
        if (asset["campaign_id"], asset["channel_id"]) == place
    }
    return [
        signal
        for signal in world.signals
        if signal["status"] in oracle.UNRESOLVED
        and (
            own & set(signal["asset_ids"])
            if signal["asset_ids"]
            else signal["campaign_id"] == place[0]
        )
    ]


def unapproved(world: World, place: Place) -> list[str]:
    """Return the unapproved assets of a place that run in an active campaign."""
    if world.campaigns[place[0]]["status"] != "active":
        return []
    since = world.as_of - timedelta(days=world.policy["running_asset_days"])
    running = {
        row["asset_id"]
        for row in world.performance
        if (row["campaign_id"], row["channel_id"]) == place and row["known_at"] >= since
    }
    return sorted(
        one
        for one in running
        if not world.assets[one]["approved_by_human"]
        and oracle.moment(world.assets[one]["created_at"]) <= world.as_of
    )


def reasons_against(world: World, place: Place, one: Yield | None, context: Row) -> str | None:
    """Return the reasons against more money, separated by semicolons."""
    pacing, campaign, reasons = context["pacing"], world.campaigns[place[0]], []
    if campaign["status"] != "active":
        reasons.append(f"the campaign is {campaign['status']}")
    elif oracle_decisions.has_ended(world, place[0]):
        reasons.append(f"the campaign ended on {campaign['end_date']}")
    if pacing["metered_spend"] is not None and pacing["metered_spend"] >= pacing["budget"]:
        spent = f"{pacing['currency']} {pacing['metered_spend']:,.2f}"
        reasons.append(f"the campaign has spent {spent} of its budget of {pacing['budget']:,.2f}")
    if context["escalates"]:
        count, worst = context["open_risks"], context["worst_open_severity"]
        reasons.append(f"unresolved risk signals: {count}, the worst {worst}")
    if context["unhealthy"]:
        reasons.append(f"unhealthy experiments: {', '.join(context['unhealthy'])}")
    if names := unapproved(world, place):
        reasons.append(f"assets run without approval by a person: {', '.join(names)}")
    found, shown = (one.sums[name] if one else 0 for name in ("conversions", "impressions"))
    converts_nobody = shown >= world.number("rollup_minimum_impressions") and not found
    if converts_nobody:
        reasons.append(f"no conversion from {shown} impressions")
    few = "too little is known: "
    least_reports = world.policy["next_budget_minimum_reports"]
    if (count := one.spend_reports if one else 0) < least_reports:
        reasons.append(f"{few}{count} of {least_reports} days with a report of spend")
    least = world.policy["next_budget_minimum_conversions"]
    if one and found < least and not converts_nobody:
        reasons.append(f"{few}{found} of {least} conversions")
    if one and found >= least and not context["is_told"]:
        reasons += [f"{few}its days vary too much"] if count >= least_reports else []
    if context["evidence_status"] == "worse":
        reasons.append("money surely yields less than on the other channels of the campaign")
    return "; ".join(reasons) or None


def sentence(row: Row) -> str:
    """Return the reason of a row, a sentence."""

    def shown(name: str) -> str:
        return f"{cents(Fraction(round(Fraction(row[name]) * 10**6), 10**6)):,.2f}"

    text = f"{row['channel_label']}: "
    text += "nothing ran" if row["window_end"] else "no week is complete yet"
    if row["conversions"]:
        cost = f"{row['currency']} {shown('cost_per_conversion')}"
        text = f"{row['channel_label']}: a conversion cost {cost}"
        if row["cost_per_conversion_high"] is not None:
            bounds = (shown(f"cost_per_conversion_{side}") for side in ("low", "high"))
            text += f" ({' to '.join(bounds)})"
    elif row["conversions"] == 0:
        text = f"{row['channel_label']}: no conversion for {row['currency']} {row['spend']:,.2f}"
    if row["window_start"]:
        text += f" in the weeks from {row['window_start']} to {row['window_end']}"
    if row["others_cost_per_conversion"] is not None:
        text += f", {shown('others_cost_per_conversion')} on the other channels of the campaign"
    elif row["evidence_status"] == "better":
        text += ", the campaign's other channels brought none"
    return (
        text
        + {
            "better": ": surely less than there",
            "worse": ": surely more than there",
            "unclear": ": which of them yields more is unclear",
            "not_enough": "",
        }[row["evidence_status"]]
    )


PRIORITIES = ("high", "medium", "low")


def context_of(world: World, place: Place, experiments: list[Row], pacing: Row) -> Row:
    """Return the segments, risks and experiments of a place."""
    segments = {
        row["segment_id"]
        for row in world.performance
        if (row["campaign_id"], row["channel_id"]) == place
    }
    known = {world.segments[one]["priority"] for one in segments}
    risks = touching_risks(world, place)
    ranks = {oracle.severity_rank(world, one["severity"]): one["severity"] for one in risks}
    escalated = {
        row["risk_id"] for row in oracle.risk_escalation(world) if row["escalation_required"]
    }
    running = sorted(
        (row["experiment_id"], row["health"])
        for row in experiments
        if row["status"] == "running"
        and any(
            (world.assets[row[arm]]["campaign_id"], world.assets[row[arm]]["channel_id"]) == place
            for arm in ("control_asset_id", "variant_asset_id")
        )
    )
    return {
        "pacing": pacing,
        "segments": ", ".join(world.segments[one]["name"] for one in sorted(segments)),
        "segment_priority": next((one for one in PRIORITIES if one in known), None),
        "open_risks": len(risks),
        "escalates": any(one["risk_id"] in escalated for one in risks),
        "worst_open_severity": ranks[max(ranks)] if ranks else None,
        "experiments_under_way": ", ".join(one for one, _ in running) or None,
        "unhealthy": [one for one, health in running if health == "unhealthy"],
    }


@oracle.once
def next_budget(world: World) -> list[Row]:
    """Return the yields of the latest complete weeks by campaign and channel, ranked (issue)."""
    first, last = compared_weeks(world)
    reports = reports_by_place(world)
    yields = {place: yield_of(of_place) for place, of_place in reports.items()}
    pacing = {row["campaign_id"]: row for row in oracle_decisions.campaign_pacing(world)}
    labels = {row["channel_id"]: row["channel_label"] for row in oracle.dim_channels(world)}
    experiments = oracle_decisions.experiment_results(world)
    currency = world.policy["reporting_currency"]
    threshold = world.policy["budget_approval_threshold"].get(currency, 0)
    rows = []
    for place in sorted({(row["campaign_id"], row["channel_id"]) for row in world.performance}):
        campaign_id, channel_id = place
        if campaign_id not in pacing:
            continue
        context = context_of(world, place, experiments, pacing[campaign_id])
        own = yields.get(place)
        others = [
            one for other, one in yields.items() if other[0] == campaign_id and other != place
        ]
        of_place = reports.get(place, [])
        row = {
            "campaign_id": campaign_id,
            "channel_id": channel_id,
            "campaign_name": world.campaigns[campaign_id]["name"],
            "channel_label": labels[channel_id],
            "campaign_status": world.campaigns[campaign_id]["status"],
            "pacing_status": pacing[campaign_id]["pacing_status"],
            "window_start": first,
            "window_end": last,
            "days_covered": len(set().union(*(one.days for one in of_place))),
            "reports": own.reports if own else 0,
            "currency": currency,
            "approval_needed_from": cents(oracle.exact(threshold)),
        }
        for name in oracle.MEASURES:
            value = own.sums[name] if own else None
            is_money = name in ("spend", "revenue_proxy")
            if name != "clicks":
                row[name] = cents(value) if is_money else None if value is None else int(value)
        nothing = Yield(dict.fromkeys(oracle.MEASURES, Fraction(0)), 0, 0, None, None)
        row |= figures(world, own or nothing)
        row |= comparison(world, own, others)
        row |= marginal(world, of_place, row["cost_per_conversion"])
        row |= {name: context[name] for name in CONTEXT}
        context |= {
            "is_told": row["cost_per_conversion_high"] is not None,
            "evidence_status": row["evidence_status"],
        }
        row["reasons_against"] = reasons_against(world, place, own, context)
        row["is_candidate"] = row["reasons_against"] is None
        row["reason"] = sentence(row)
        rows.append(row | {"budget_rank": None, "return_rank": None})
    ready = [row for row in rows if row["is_candidate"]]
    for campaign_id in pacing:
        of_campaign = [row for row in ready if row["campaign_id"] == campaign_id]
        of_campaign.sort(key=lambda row: (row["cost_per_conversion_high"], row["channel_id"]))
        for rank, row in enumerate(of_campaign, start=1):
            row["budget_rank"] = rank
    ready = [row for row in ready if row["return_on_ad_spend_low"] is not None]
    ready.sort(
        key=lambda row: (-row["return_on_ad_spend_low"], row["campaign_id"], row["channel_id"])
    )
    for rank, row in enumerate(ready, start=1):
        row["return_rank"] = rank
    return rows


CONTEXT = (
    *("segments", "segment_priority", "open_risks", "worst_open_severity"),
    "experiments_under_way",
)

MARTS: dict[str, tuple[tuple[str, ...], Callable[[World], list[Row]]]] = {
    "next_budget": (("campaign_id", "channel_id"), next_budget),
}
"""Each mart's key and the function that works it out."""
