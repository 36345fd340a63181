"""The expected marts of the decision layer: the oracle's second half.

Works as `oracle` does, on its `World` and its core marts, and shares as little with the models.
Statistics come from SciPy and statsmodels, or else follow the formula of the named source. `MARTS`
has every mart's key and its function.

Sources: "issue" is the issue that asked for the decision layer, "design" the project's design
page, "V1" and "V2" the two specifications, "decisions" docs/decisions.md. Of a text only whether
there is one is known: `has_<column>`.
"""

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
from helpers import arms, oracle
from helpers.oracle import Row, World, cents, double, exact, minutes, moment, ratio
from scipy.stats import norm


def least_first(value: object) -> tuple[bool, object]:
    """Return a key that sorts nulls last."""
    return value is None, 0 if value is None else value


# ---- Experiments ----------------------------------------------------------------------------


@oracle.once
def experiment_results(world: World) -> list[Row]:
    """Return one row per experiment: health before lift, then the verdict (issue)."""
    performance = defaultdict(list)
    for row in world.performance:
        performance[row["experiment_id"]].append(row)
    rows = []
    for known in oracle.dim_experiments(world):
        judged = judged_days(world, known, performance[known["experiment_id"]])
        latest, definition = judged[-1], world.kpis.get(known["metric"])
        row = {
            "experiment_id": known["experiment_id"],
            "campaign_id": known["campaign_id"],
            "control_asset_id": known["control_asset_id"],
            "variant_asset_id": known["variant_asset_id"],
            "campaign_name": world.campaigns[known["campaign_id"]]["name"],
            "metric": known["metric"],
            "metric_label": definition["kpi_label"] if definition else known["metric"],
            "status": known["status"],
            "start_date": known["start_date"],
            "end_date": known["end_date"],
            "is_interim": known["status"] == "running",
            "has_open_risk": any(
                signal["experiment_id"] == known["experiment_id"]
                and signal["status"] in oracle.UNRESOLVED
                for signal in world.signals
            ),
            "cautions": cautions(world, known),
            "verdict_since": verdict_since(world, known, judged),
        }
        rows.append(
            row
            | {name: value for name, value in latest.items() if name not in ("day", "looked_on")}
        )
    healthy = [
        row for row in rows if row["health"] != "unhealthy" and row["decision_p_value"] is not None
    ]
    found = arms.q_values([row["decision_p_value"] for row in healthy]) if healthy else []
    by_id = {row["experiment_id"]: q for row, q in zip(healthy, found, strict=True)}
    return [row | {"q_value": plain(by_id.get(row["experiment_id"]))} for row in rows]


def verdict_since(world: World, experiment: Row, judged: list[Row]) -> date | None:
    """Return the first day of the unbroken run with today's verdict (number 2).

    For an experiment that has ended it is no later than the end.
    """
    since = None
    for day in reversed(judged):
        if day["verdict"] != judged[-1]["verdict"]:
            break
        since = day["day"]
    has_ended = experiment["status"] == "completed" and experiment["end_date"] is not None
    return min(since, experiment["end_date"]) if since and has_ended else since


def judged_days(world: World, experiment: Row, performance: list[Row]) -> list[Row]:
    """Return an experiment's figures and verdict up to each day with rows.

    Successes above a day's trials move to earlier days, using all data (decisions).
    """
    days = sorted({row["day"] for row in performance})
    assets = experiment["variant_asset_id"], experiment["control_asset_id"]
    covered = [days_of_both(world, assets, performance, day) for day in days]
    policy = arms_policy(world)
    kpi = world.campaigns[experiment["campaign_id"]]["primary_kpi"]
    own, other = world.kpis.get(experiment["metric"]), world.kpis.get(kpi)
    is_other = kpi != experiment["metric"]
    compared, left_over = None, 0
    guardrails = []
    if days and own:
        compared, left_over, trials = compared_by(own, performance, assets, days, covered)
    if days and other and is_other:
        guardrail, more, _ = compared_by(other, performance, assets, days, covered)
        guardrails.append(guardrail)
        left_over = max(left_over, more)
    if days:
        values = [
            by_day(performance, asset, days, measure)
            for asset in assets
            for measure in ("conversions", "spend")
        ]
        cost = arms.compare(*values, is_cost=True, days_covered=covered)
        guardrails.append(cost)
    states = []
    for guardrail in guardrails:
        decision, ready = arms.decide(guardrail, policy), arms.is_ready(guardrail, policy)
        states.append((guardrail, arms.guardrail_status(decision, ready, policy)))
    judged = []
    for number, day in enumerate(days or [None]):
        until = [row for row in performance if row["day"] <= day] if day else []
        reasons = unhealthy_reasons(world, experiment, until)
        reasons += ["more successes than trials"] if left_over else []
        figures = NO_FIGURES
        if compared is not None:
            figures = figures_up_to(compared, trials, number, policy)
        if figures["srm_p_value"] is not None and figures["srm_p_value"] < world.number(
            "srm_alpha"
        ):
            reasons.append("sample ratio mismatch")
        applying = [
            status[number]
            for guardrail, status in states
            if not guardrail.is_cost or guardrail.D[number] > 0
        ]
        if figures["control_trials"] is None or (is_other and not other):
            applying.append("inconclusive")
        worst = next((one for one in ("worse", "inconclusive") if one in applying), "ok")
        looked_on = world.today if number + 1 >= len(days) else day
        row = {"day": day, "looked_on": looked_on} | figures | {"guardrail_status": worst}
        row["decision_basis"] = "sequential"
        row["has_unhealthy_reasons"] = bool(reasons)
        row["health"] = experiment_health(reasons, figures)
        judged.append(row | {"verdict": verdict(world, experiment, row)})
    return judged


def arms_policy(world: World) -> arms.Policy:
    """Return the policy of comparisons."""
    return arms.Policy(**{of.name: float(world.number(of.name)) for of in fields(arms.Policy)})


def by_day(performance: list[Row], asset_id: str, days: list[date], measure: str) -> list[float]:
    """Return an arm's figures on each day."""
    sums = dict.fromkeys(days, Fraction(0))
    for row in performance:
        if row["asset_id"] == asset_id:
            sums[row["day"]] += exact(row[measure])
    return [float(sums[day]) for day in days]


def days_of_both(world: World, assets: tuple[str, str], performance: list[Row], day: date) -> int:
    """Return the number of days that the rows of both arms of a day cover."""
    present = {row["asset_id"] for row in performance if row["day"] == day}
    if not present.issuperset(assets):
        return 0
    return (day - max(world.covered_from[asset, day] for asset in assets)).days + 1


def compared_by(
    kpi: Row, performance: list[Row], assets: tuple[str, str], days: list[date], covered: list[int]
) -> tuple[arms.Comparison, int, list]:
    """Return the comparison by a KPI, the successes that fit on no day, and the trials."""
    values, left_over, trials = [], 0, []
    for asset in assets:
        tried = by_day(performance, asset, days, kpi["denominator"])
        found = by_day(performance, asset, days, kpi["numerator"])
        placed, more = arms.moved_back(found, tried)
        values += [placed, tried]
        trials.append(tried)
        left_over += int(more)
    return arms.compare(*values, days_covered=covered), left_over, trials


FIGURES = (
    *("control_trials", "control_successes", "variant_trials", "variant_successes"),
    *("control_rate", "variant_rate", "absolute_lift", "relative_lift", "lift_ci_low"),
    *("lift_ci_high", "p_value", "sequential_p_value", "sequential_ci_low", "sequential_ci_high"),
    *("decision_p_value", "chance_to_beat_control", "expected_loss", "incremental_successes"),
    *("incremental_ci_low", "incremental_ci_high", "srm_p_value", "power", "days_needed"),
)
NO_FIGURES = dict.fromkeys(FIGURES) | {"is_significant": False}


def figures_up_to(
    whole: arms.Comparison, trials: list[list[float]], number: int, policy: arms.Policy
) -> Row:
    """Return the comparison of the arms up to a day (experiments recipe)."""
    part = arms.Comparison(
        **{
            name: value[: number + 1] if isinstance(value, np.ndarray) else value
            for name, value in vars(whole).items()
        }
    )
    if not part.D[-1]:
        return NO_FIGURES
    decision = arms.decide(part, policy)
    fixed = arms.interval(part, arms.fixed_bound(policy.significance_level))
    more = arms.incremental(part, decision.low, decision.high)
    variant, control = (np.array(tried[: number + 1]) for tried in trials)
    is_paired = (variant > 0) & (control > 0)
    rates = part.S / part.W, part.R / part.W
    seen = arms.divide(np.log1p(policy.minimum_lift_to_scale), part.standard_error)
    bound = arms.fixed_bound(policy.significance_level)
    figures = {
        "control_rate": rates[0],
        "variant_rate": rates[1],
        "absolute_lift": rates[1] - rates[0],
        "relative_lift": part.ratio - 1,
        "lift_ci_low": fixed[0] - 1,
        "lift_ci_high": fixed[1] - 1,
        "p_value": arms.fixed_p(part),
        "sequential_p_value": decision.sequential_p,
        "sequential_ci_low": decision.low - 1,
        "sequential_ci_high": decision.high - 1,
        "decision_p_value": decision.p,
        "chance_to_beat_control": arms.chance_to_beat_control(part, decision.u),
        "expected_loss": arms.expected_loss(part, decision.u),
        "incremental_successes": more[0],
        "incremental_ci_low": more[1],
        "incremental_ci_high": more[2],
        "srm_p_value": arms.split_p(variant, control),
        "power": norm.cdf(seen - bound) + norm.cdf(-seen - bound),
    }
    is_significant = bool(decision.p[-1] < policy.significance_level)
    days_needed = 0 if is_significant else arms.days_needed(part, policy)
    return {name: plain(value[-1]) for name, value in figures.items()} | {
        "control_trials": int(control[is_paired].sum()),
        "control_successes": int(part.control_successes[-1]),
        "variant_trials": int(variant[is_paired].sum()),
        "variant_successes": int(part.variant_successes[-1]),
        "days_needed": None if np.isnan(days_needed) else int(days_needed),
        "is_significant": is_significant,
    }


def plain(value: float | None) -> float | None:
    """Return a number as a double, None for nan."""
    return None if value is None or math.isnan(value) else float(value)


def unhealthy_reasons(world: World, experiment: Row, performance: list[Row]) -> list[str]:
    """Return the reasons why an experiment is unhealthy, except its counts (issue)."""
    start, end = experiment["start_date"], experiment["end_date"] or date.max
    ids = experiment["control_asset_id"], experiment["variant_asset_id"]
    control, variant = (world.assets[one] for one in ids)
    checks = {
        "not approved": not (control["approved_by_human"] and variant["approved_by_human"]),
        "segment": control["segment_id"] != variant["segment_id"],
        "channel": control["channel_id"] != variant["channel_id"],
        "other assets": any(row["asset_id"] not in ids for row in performance),
        "dates": any(not start <= row["day"] <= end for row in performance),
    }
    return [name for name, holds in checks.items() if holds]


def experiment_health(reasons: list[str], figures: Row) -> str:
    """Return the first state that holds (issue)."""
    if reasons:
        return "unhealthy"
    if figures["control_trials"] is None:
        return "no_data"
    return "too_small" if figures["decision_p_value"] is None else "ready"


def verdict(world: World, experiment: Row, row: Row) -> str:
    """Return the first verdict that holds (issue).

    With a control without a success, any lift is worth scaling (decisions).
    """
    if row["health"] == "unhealthy":
        return "fix_experiment"
    low, high = row["sequential_ci_low"], row["sequential_ci_high"]
    least, lift = world.number("minimum_lift_to_scale"), row["relative_lift"]
    if row["is_significant"] and low is not None and low > 0:
        is_large = lift is None or round(lift, 12) >= least
        is_safe = row["guardrail_status"] == "ok"
        return "scale_variant" if is_large and is_safe else "discuss"
    if row["is_significant"] and high is not None and high < 0:
        return "keep_control"
    campaign = world.campaigns[experiment["campaign_id"]]
    if has_ended(world, experiment["campaign_id"]):
        return "stopped"
    if high is not None and high < least:
        return "stop_futile"
    if experiment["status"] not in ("planned", "running"):
        return "not_enough"
    run = timedelta(days=int(world.number("experiment_maximum_days")) - 1)
    last = min(date.fromisoformat(campaign["end_date"]), experiment["start_date"] + run)
    days_left = (last - row["looked_on"]).days
    is_late = days_left < 0 or (row["days_needed"] is not None and row["days_needed"] > days_left)
    return "stop_futile" if is_late else "continue"


def cautions(world: World, experiment: Row) -> str | None:
    """Return the cautions before the variant is scaled (issue)."""
    ids = experiment["control_asset_id"], experiment["variant_asset_id"]
    found = [
        f"{asset} is flagged: {', '.join(world.assets[asset]['risk_flags'])}"
        for asset in sorted(ids)
        if world.assets[asset]["risk_flags"]
    ]
    for signal in sorted(world.signals, key=lambda one: one["risk_id"]):
        names = signal["experiment_id"] == experiment["experiment_id"]
        names = names or not set(ids).isdisjoint(signal["asset_ids"] or [])
        if names and signal["risk_type"] == "brand_safety":
            status = signal["status"].replace("_", " ")
            found.append(f"brand safety signal {signal['risk_id']} ({status})")
    for decision in sorted(world.decisions, key=lambda one: one["decision_id"]):
        named = set().union(*world.subjects[decision["decision_id"]].values())
        day, end = decision["known_at"].date(), experiment["end_date"] or date.max
        if ("asset", ids[1]) in named and experiment["start_date"] <= day <= end:
            found.append(f"{decision['decision_id']} named the variant while it ran")
    return "; ".join(found) or None


# ---- Covered days, and reconciliation with the funnel ---------------------------------------


def covered_days(world: World, asset_id: str, day: date) -> set[date]:
    """Return the days that an asset's rows of a day cover (issue on judgments, 12)."""
    first = world.covered_from[asset_id, day]
    return {first + timedelta(days=number) for number in range((day - first).days + 1)}


def conversion_reconciliation(world: World) -> list[Row]:
    """Return the funnel compared with performance, by place and period (issue on judgments, 13).

    Periods are sets of days: the days of a place's rows, merged where they share a day.
    """
    places = defaultdict(list)
    for row in world.performance:
        places[tuple(row[name] for name in oracle.PLACE)].append(row)
    rows = []
    for place, performance in places.items():
        kpi = world.kpis.get(world.campaigns[place[0]]["primary_kpi"])
        if not kpi or not kpi["funnel_stage"]:
            continue
        periods: list[tuple[set[date], int]] = []
        for row in performance:
            days, count = covered_days(world, row["asset_id"], row["day"]), row[kpi["numerator"]]
            for other in [one for one in periods if one[0] & days]:
                periods.remove(other)
                days, count = days | other[0], count + other[1]
            periods.append((days, count))
        events = [
            event
            for event in world.funnel
            if tuple(event[name] for name in oracle.PLACE) == place
            and event["stage"] == kpi["funnel_stage"]
        ]
        for days, known in periods:
            told = [event for event in events if event["day"] in days]
            if told:
                counted = sum(event["count"] for event in told)
                is_whole = len(told) == len(days)
                status = "not_comparable"
                if counted > known or (is_whole and counted != known):
                    status = "mismatch"
                elif is_whole:
                    status = "match"
                row = dict(zip(oracle.PLACE, place, strict=True))
                row |= {"covered_from": min(days), "covered_until": max(days)}
                row |= {"primary_kpi": kpi["kpi"], "funnel_stage": kpi["funnel_stage"]}
                row |= {"covered_days": len(days), "measured_days": len(told)}
                row |= {"funnel_count": counted, "performance_count": known}
                row |= {"difference": counted - known, "status": status}
                row["confidence"] = double(min(event["confidence"] for event in told))
                rows.append(row)
    return rows


# ---- Time -------------------------------------------------------------------------------------

DAY, WEEK = timedelta(days=1), timedelta(days=7)
RATES = {
    "click_through_rate": ("clicks", "impressions"),
    "conversion_rate": ("conversions", "impressions"),
    "cost_per_conversion": ("spend", "conversions"),
    "return_on_ad_spend": ("revenue_proxy", "spend"),
}


def week_of(day: date) -> date:
    """Return the Monday of a day's week (ISO 8601)."""
    return day - timedelta(days=day.isoweekday() - 1)


def dim_date(world: World) -> list[Row]:
    """Return the days from the first event's Monday to the last campaign's end, or the as-of."""
    days = {row["occurred_at"].date() for row in campaign_timeline(world)}
    days |= {row["day"] for row in world.funnel} | set(world.covered_from.values())
    days.add(world.as_of.date())
    ends = [row["end_date"] for row in oracle.dim_campaigns(world)]
    first, last = week_of(min(days)), max(max(days), *ends)
    rows = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        year, week, weekday = day.isocalendar()
        quarter = date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
        row = {"date_day": day, "week_start": week_of(day), "iso_year": year, "iso_week": week}
        row |= {"day_of_week": weekday, "month_start": day.replace(day=1)}
        row |= {"quarter_start": quarter, "is_complete": oracle.end_of(day) <= world.as_of}
        last_of_week = week_of(day) + timedelta(days=6)
        rows.append(row | {"is_week_complete": oracle.end_of(last_of_week) <= world.as_of})
    return rows


def fct_channel_weekly(world: World) -> list[Row]:
    """Return performance by campaign, channel and week (issue on time)."""
    return weekly(world, "channel_id")


def fct_segment_weekly(world: World) -> list[Row]:
    """Return performance by campaign, segment and week (issue on time)."""
    return weekly(world, "segment_id")


def weekly(world: World, member: str) -> list[Row]:
    """Return performance by week and of the week before; changes of sums are per day covered."""
    sums: dict[tuple, Row] = {}
    for row in world.performance:
        for day, part in oracle.parts_of_days(world, row).items():
            key = row["campaign_id"], row[member], week_of(day)
            week = sums.setdefault(
                key, dict.fromkeys(oracle.MEASURES, Fraction(0)) | {"days": set()}
            )
            week["days"].add(day)
            for name in oracle.MEASURES:
                week[name] += part[name]
    for week in sums.values():
        week |= {name: ratio(week[of], week[over]) for name, (of, over) in RATES.items()}
    least, rows = world.number("week_minimum_days"), []
    for (campaign, member_id, start), week in sums.items():
        before = sums.get((campaign, member_id, start - WEEK))
        is_over = oracle.end_of(start + timedelta(days=6)) <= world.as_of
        days, prior_days = len(week["days"]), len(before["days"]) if before else None
        is_comparable = is_over and days >= least and prior_days is not None and prior_days >= least
        row = {"campaign_id": campaign, member: member_id, "week_start": start}
        row |= {"is_week_complete": is_over, "is_comparable": is_comparable}
        row |= {"days_covered": days, "prior_days_covered": prior_days}
        for name in (*oracle.MEASURES, *RATES):
            prior = before[name] if before else None
            change = None
            if is_comparable and prior and week[name] is not None:
                scale = 1 if name in RATES else Fraction(prior_days, days)
                change = double(week[name] / prior * scale - 1)
            row |= {name: as_shown(name, week[name]), f"prior_{name}": as_shown(name, prior)}
            row[f"{name}_change"] = change
        rows.append(row)
    return rows


def funnel_trend(world: World) -> list[Row]:
    """Return each step of a place's funnel by week, with the week before (issue on time)."""
    counts: dict[tuple, dict[date, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for event in world.funnel:
        place = tuple(event[name] for name in oracle.PLACE)
        counts[place][event["day"]][event["stage"]] = event["count"]
    stages, least = world.policy["funnel_stages"], world.number("week_minimum_days")
    rows = []
    for place, days in counts.items():
        measured = [stage for stage in stages if any(stage in of_day for of_day in days.values())]
        for before, stage in itertools.pairwise(measured):
            weeks: dict[date, list[dict[str, int]]] = defaultdict(list)
            for day, of_day in days.items():
                if before in of_day and stage in of_day:
                    weeks[week_of(day)].append(of_day)
            sums = {
                start: tuple(sum(one[name] for one in found) for name in (before, stage))
                for start, found in weeks.items()
            }
            for start, (came, went) in sums.items():
                is_over = oracle.end_of(start + timedelta(days=6)) <= world.as_of
                came_before, went_before = sums.get(start - WEEK, (0, 0))
                here, prior = step_interval(went, came), step_interval(went_before, came_before)
                row = dict(zip(oracle.PLACE, place, strict=True)) | {"week_start": start}
                row |= {"stage": stage, "previous_stage": before, "is_week_complete": is_over}
                row |= {"stage_order": stages.index(stage) + 1, "measured_days": len(weeks[start])}
                row |= {"previous_stage_count": came, "compared_count": went}
                row["step_conversion_rate"] = double(ratio(went, came))
                row["prior_step_conversion_rate"] = double(ratio(went_before, came_before))
                row |= dict(zip(("ci_low", "ci_high"), here, strict=True))
                row |= dict(zip(("prior_ci_low", "prior_ci_high"), prior, strict=True))
                enough = min(len(weeks[start]), len(weeks.get(start - WEEK, ()))) >= least
                is_comparable = is_over and enough
                change, low, high, is_beyond = None, None, None, None
                if is_comparable:
                    change = ratio(ratio(went, came), ratio(went_before, came_before))
                    counts = (
                        [(one[stage], one[before]) for one in weeks[week]]
                        for week in (start, start - WEEK)
                    )
                    low, high, is_beyond = oracle.trend_interval(world, *counts)
                row["step_conversion_rate_change"] = double(None if change is None else change - 1)
                row |= {"change_ci_low": low, "change_ci_high": high}
                row |= {"is_beyond_noise": bool(is_beyond)}
                row["step_trend"] = "unclear" if is_beyond is False else "not_enough"
                if is_beyond:
                    is_better = went * came_before > went_before * came
                    row["step_trend"] = "improved" if is_better else "worsened"
                rows.append(row)
    return rows


def step_interval(went: int, came: int) -> tuple[float | None, float | None]:
    """Return the interval of a step's rate; none where nobody came, or more went on."""
    return oracle.wilson(went, came) if 0 < came >= went else (None, None)


def as_shown(name: str, value: Fraction | None) -> float | Decimal | int | None:
    """Return a figure of a week in the type that the mart has."""
    if value is None or name in RATES:
        return double(value)
    if name in ("spend", "revenue_proxy"):
        return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal("0.000001"))
    return int(value)


# ---- Campaigns ------------------------------------------------------------------------------


def fct_performance_daily(world: World) -> list[Row]:
    """Return performance by asset, experiment and day; money as exported, not in whole cents."""
    days = defaultdict(list)
    for row in world.performance:
        days[row["asset_id"], row["experiment_id"], row["day"]].append(row)
    rows = []
    for (asset_id, experiment_id, day), performance in days.items():
        first, summed = performance[0], oracle.totals(performance)
        row = {"asset_id": asset_id, "experiment_id": experiment_id, "recorded_date": day}
        row["experiment_key"] = experiment_id or "none"
        row |= {name: first[name] for name in oracle.PLACE}
        row |= {name: summed[name] for name in ("impressions", "clicks", "conversions")}
        for name in ("spend", "revenue_proxy"):
            row[name] = Decimal(int(summed[name] * 10**6)).scaleb(-6)
        first_day = world.covered_from[asset_id, day]
        row |= {"covered_from": first_day, "days_covered": (day - first_day).days + 1}
        rows.append(row)
    return rows


@oracle.once
def campaign_performance(world: World) -> list[Row]:
    """Return a campaign's cost, by the ledger and as metered, and its return (issue)."""
    ledger = {row["campaign_id"]: row for row in world.export["roi_ledger"]}
    paces = {row["campaign_id"]: row for row in campaign_pacing(world)}
    rows = []
    for campaign in oracle.dim_campaigns(world):
        campaign_id, budget = campaign["campaign_id"], Fraction(campaign["budget"])
        own = [row for row in world.performance if row["campaign_id"] == campaign_id]
        summed = oracle.totals(own) or dict.fromkeys(oracle.MEASURES)
        booked = ledger.get(campaign_id)
        cost = net = None
        if booked:
            costs = (booked["media_spend"], booked["llm_cost"], booked["human_review_cost"])
            cost = sum(map(exact, costs))
            net = exact(booked["estimated_value"]) - cost
        media = cents(exact(booked["media_spend"])) if booked else None
        metered = cents(summed["spend"])
        utilisation = ratio(None if media is None else Fraction(media), budget)
        gone = days_gone_share(world, campaign)
        earned = ratio(summed["revenue_proxy"], budget)
        rows.append(
            {
                "campaign_id": campaign_id,
                "campaign_name": campaign["campaign_name"],
                "objective": campaign["objective"],
                "status": campaign["status"],
                "currency": campaign["currency"],
                "budget": campaign["budget"],
                "ledger_media_spend": media,
                "metered_spend": metered,
                "spend_difference": None if None in (media, metered) else media - metered,
                "llm_cost": cents(exact(booked["llm_cost"])) if booked else None,
                "human_review_cost": cents(exact(booked["human_review_cost"])) if booked else None,
                "ledger_cost": cents(cost),
                "estimated_value": cents(exact(booked["estimated_value"])) if booked else None,
                "net_roi": cents(net),
                "reported_net_roi": cents(exact(booked["net_roi"])) if booked else None,
                "return_on_cost": double(ratio(net, cost)),
                "impressions": summed["impressions"],
                "clicks": summed["clicks"],
                "conversions": summed["conversions"],
                "revenue_proxy": cents(summed["revenue_proxy"]),
                "cost_per_conversion": double(ratio(summed["spend"], summed["conversions"])),
                "return_on_ad_spend": double(ratio(summed["revenue_proxy"], summed["spend"])),
                "budget_utilisation": double(utilisation),
                "days_gone_share": double(gone),
                "pacing_status": paces[campaign_id]["pacing_status"],
                "revenue_to_budget_ratio": double(earned),
                "performance_status": (
                    performance_status(world, campaign, summed["revenue_proxy"], gone)
                ),
            }
        )
    return rows


def days_gone_share(world: World, campaign: Row) -> Fraction:
    """Return the share of the planned days that are gone, the as-of's day included."""
    gone = (world.today - campaign["start_date"]).days + 1
    return max(Fraction(0), min(Fraction(1), Fraction(gone, campaign["planned_days"])))


CAMPAIGN_OF_PACING = (
    *("campaign_id", "campaign_name", "status", "currency", "budget", "start_date", "end_date"),
    "planned_days",
)


@oracle.once
def campaign_pacing(world: World) -> list[Row]:
    """Return each campaign's projected spend and conversions (issue on time; decisions)."""
    ledger = {row["campaign_id"]: row for row in world.export["roi_ledger"]}
    rows = []
    for campaign in oracle.dim_campaigns(world):
        campaign_id, planned = campaign["campaign_id"], campaign["planned_days"]
        own = [row for row in world.performance if row["campaign_id"] == campaign_id]
        gone = int(days_gone_share(world, campaign) * planned)
        until, coming = days_of_campaign(world, campaign, own)
        if coming is None and until is None:
            days_to_come: int | None = planned - gone
        else:
            days_to_come = None if coming is None else len(coming)
        row = {name: campaign[name] for name in CAMPAIGN_OF_PACING}
        row |= {"days_gone": gone, "days_left": planned - gone, "covered_until": until}
        row |= {"days_to_come": days_to_come}
        booked, budget = ledger.get(campaign_id), Fraction(campaign["budget"])
        row["ledger_media_spend"] = cents(exact(booked["media_spend"])) if booked else None
        row["planned_spend_by_now"] = cents(budget * gone / planned)
        spend = measure_of_campaign(world, own, until, coming, "spend")
        conversions = measure_of_campaign(world, own, until, coming, "conversions")
        row["days_covered"] = len(spend["days"])
        row["metered_spend"], row["conversions"] = cents(spend["total"]), conversions["total"]
        for name in ("per_day", "at_end", "at_end_low", "at_end_high"):
            row[f"spend_{name}"] = in_cents(spend[name])
            row[f"conversions_{name}"] = double(conversions[name])
        spent = spend["spent"]
        by_now = sum(amount for day, amount in spent.items() if day <= world.today)
        use = max(budget - max(by_now, spend["total"] or 0), 0) if budget else None
        row["spend_per_day_to_use_budget"] = (
            None if days_to_come == 0 else in_cents(ratio(use, planned - gone))
        )
        row["budget_gone_on"] = first_reached(spent, budget)
        rows.append(row | {"pacing_status": pacing_status(world, campaign, row)})
    return rows


def in_cents(value: Fraction | None) -> Decimal | None:
    """Return money with two places, rounded via millionths."""
    return None if value is None else cents(Fraction(round(value * 10**6), 10**6))


def days_of_campaign(
    world: World, campaign: Row, performance: list[Row]
) -> tuple[date | None, list[date] | None]:
    """Return the latest day that all running assets have reported, and the days to come.

    For a campaign that has ended or has no running asset, the day of its latest row. The second is
    empty without days to come, None where that is unknown.
    """
    end = campaign["end_date"]
    newest: dict[str, datetime] = {}
    for row in performance:
        newest[row["asset_id"]] = max(row["known_at"], newest.get(row["asset_id"], datetime.min))
    until = max((at.date() for at in newest.values()), default=None)
    if has_ended(world, campaign["campaign_id"]):
        return until, []
    since = world.as_of - timedelta(days=world.policy["running_asset_days"])
    running = [at.date() for at in newest.values() if at >= since]
    if not running or campaign["status"] == "draft":
        return until, [] if until and until >= end else None
    first = max(min(running) + DAY, campaign["start_date"])
    return min(running), [first + DAY * number for number in range((end - first).days + 1)]


def measure_of_campaign(
    world: World,
    performance: list[Row],
    until: date | None,
    coming: list[date] | None,
    measure: str,
) -> Row:
    """Return a campaign's values of a measure, by day and in total, and its projection."""
    every_day: dict[date, Fraction] = defaultdict(Fraction)
    for row in performance:
        for day, part in oracle.parts_of_days(world, row).items():
            every_day[day] += part[measure]
    days = {day: value for day, value in every_day.items() if day <= until}
    total = sum(row[measure] for row in performance) if performance else None
    expected = {day: mean_of_weekday(days, day) for day in coming or () if days}
    spent = days | {day: max(value, every_day.get(day, 0)) for day, value in expected.items()}
    result = {"days": days, "spent": spent, "total": total}
    result |= {"per_day": ratio(sum(days.values()), len(days))}
    result |= dict.fromkeys(("at_end", "at_end_low", "at_end_high"))
    least = world.policy["pacing_minimum_reports"]
    if days and coming is not None:
        result["at_end"] = max(sum(days.values()) + sum(expected.values()), total)
        margin = end_margin(world, days, coming, measure) if coming else 0
        if coming and len({row["known_at"] for row in performance}) < least:
            margin = None
        if margin is not None:
            result["at_end_low"] = max(result["at_end"] - Fraction(margin), total)
            result["at_end_high"] = result["at_end"] + Fraction(margin)
    return result


def mean_of_weekday(values: dict[date, Fraction], day: date) -> Fraction:
    """Return the mean of the covered days of a day's weekday; of all days without one."""
    alike = [value for one, value in values.items() if one.weekday() == day.weekday()]
    alike = alike or list(values.values())
    return Fraction(sum(alike)) / len(alike)


def end_margin(
    world: World, values: dict[date, Fraction], coming: list[date], measure: str
) -> float | None:
    """Return half the width of the interval; none with too few days (decisions, "Pacing")."""
    count, per_weekday = len(values), Counter(day.weekday() for day in values)
    if count < world.number("pacing_minimum_days") or len(per_weekday) < 7:
        return None
    rest = [values[day] - mean_of_weekday(values, day) for day in sorted(values)]
    by_day = ratio(sum(one * one for one in rest), count - 7)
    weeks = [sum(rest[number : number + 7]) for number in range(count - 6)]
    by_week = ratio(sum(one * one for one in weeks) * count, 7 * (count - 6) * (count - 7))
    variance = max(by_day or 0, by_week or 0)
    if measure == "conversions":
        variance = max(variance, (sum(values.values()) + 1) / count)
    weight = sum(
        times + Fraction(times * times, per_weekday[weekday])
        for weekday, times in Counter(day.weekday() for day in coming).items()
    )
    level = 1 - float(world.number("significance_level")) / 2
    return float(norm.ppf(level)) * math.sqrt(variance * weight)


def first_reached(values: dict[date, Fraction], budget: Fraction) -> date | None:
    """Return the first day whose sum so far is the budget or more; none without a budget."""
    spent = Fraction(0)
    for day in sorted(values) if budget else ():
        spent += values[day]
        if in_cents(spent) >= budget:
            return day
    return None


def pacing_status(world: World, campaign: Row, row: Row) -> str | None:
    """Return whether an active campaign significantly misses its budget."""
    if campaign["status"] != "active":
        return "not_active"
    if world.today < campaign["start_date"]:
        return "not_started"
    if not campaign["budget"]:
        return "no_budget"
    if row["metered_spend"] is None:
        return None
    budget, tolerance = Fraction(campaign["budget"]), world.number("pacing_tolerance")
    if row["metered_spend"] > cents(budget * (1 + tolerance)):
        return "ahead"
    if row["spend_at_end_low"] is None:
        return "not_enough"
    if row["spend_at_end_low"] > cents(budget * (1 + tolerance)):
        return "ahead"
    if row["spend_at_end_high"] < cents(budget * (1 - tolerance)):
        return "behind"
    return "on_pace"


def performance_status(
    world: World, campaign: Row, revenue: Fraction | None, gone: Fraction
) -> str | None:
    """Return the status of revenue proxy against the budget of the days gone (number 5).

    None without performance, and before the start.
    """
    due = Fraction(campaign["budget"]) * gone
    has_begun = campaign["status"] != "draft" and campaign["start_date"] <= world.today
    if revenue is None or not has_begun or not due:
        return None
    if revenue >= world.number("exceeds_target_ratio") * due:
        return "exceeds_target"
    if revenue >= world.number("meets_target_ratio") * due:
        return "meets_target"
    return "below_target"


# ---- Funnel ---------------------------------------------------------------------------------


def journey_diagnosis(world: World) -> list[Row]:
    """Return click-through, the funnel's weakest step, and the diagnosis (issue)."""
    performance, journeys = defaultdict(list), defaultdict(list)
    for row in world.performance:
        performance[tuple(row[name] for name in oracle.PLACE)].append(row)
    for step in oracle.funnel_conversion(world):
        journeys[tuple(step[name] for name in oracle.PLACE)].append(step)
    everything = oracle.totals(world.performance)
    portfolio = ratio(everything["clicks"], everything["impressions"]) if everything else None
    rows = []
    for place in performance.keys() | journeys.keys():
        campaign, segment, channel = place
        shown = oracle.totals(performance.get(place, [])) or dict.fromkeys(oracle.MEASURES)
        clicked = ratio(shown["clicks"], shown["impressions"])
        low = high = None
        if clicked is not None and clicked <= 1:
            low, high = oracle.wilson(shown["clicks"], shown["impressions"])
        steps = journeys.get(place, [])
        weakest = weakest_step(steps)
        rows.append(
            {
                "campaign_id": campaign,
                "segment_id": segment,
                "channel_id": channel,
                "campaign_name": world.campaigns[campaign]["name"],
                "segment_name": world.segments[segment]["name"],
                "segment_priority": world.segments[segment]["priority"],
                "impressions": shown["impressions"],
                "clicks": shown["clicks"],
                "click_through_rate": double(clicked),
                "click_through_ci_low": low,
                "click_through_ci_high": high,
                "portfolio_click_through_rate": double(portfolio),
                "weakest_previous_stage": weakest["previous_stage"] if weakest else None,
                "weakest_stage": weakest["stage"] if weakest else None,
                "weakest_step_rate": weakest["step_conversion_rate"] if weakest else None,
                "diagnosis": diagnosis(
                    clicked is not None, clicks_are(world, low, high, portfolio), steps
                ),
            }
        )
    return rows


def weakest_step(steps: list[Row]) -> Row | None:
    """Return the weakest step of a journey.

    Blocked first, then weak, then the lowest rate relative to elsewhere, the lower rate, the
    earlier stage.
    """

    def strength(step: Row) -> tuple:
        came, went_on = step["previous_stage_count"], step["compared_count"]
        yields = step["elsewhere_step_rate"]
        share = ratio(Fraction(went_on, came), yields and exact(yields))
        share = None if share is None else round(float(share), 12)
        return (
            step["drop_off_status"] != "blocked",
            step["drop_off_status"] != "weak",
            least_first(share),
            Fraction(went_on, came),
            step["stage_order"],
        )

    rated = [step for step in steps if step["step_conversion_rate"] is not None]
    return min(rated, key=strength, default=None)


def clicks_are(
    world: World, low: float | None, high: float | None, portfolio: Fraction | None
) -> str | None:
    """Return whether click-through is strong or weak; none where its interval says neither."""
    if low is None:
        return None
    usual = world.number("strong_click_through_ratio") * portfolio
    if low >= usual:
        return "strong"
    return "weak" if high < usual else None


def diagnosis(is_shown: bool, clicks: str | None, steps: list[Row]) -> str:
    """Return the first diagnosis that holds (number 4).

    A journey without a rated step is not measured, whatever the clicks: a click-through rate of
    zero is measured, too.
    """
    statuses = {step["drop_off_status"] for step in steps}
    is_rated = any(step["step_conversion_rate"] is not None for step in steps)
    if "anomalous" in statuses:
        return "tracking_anomaly"
    if not is_rated:
        return "journey_not_measured" if is_shown else "no_data"
    for trouble in ("blocked", "weak"):
        if trouble in statuses:
            return f"{clicks}_clicks_{trouble}_journey" if clicks else f"{trouble}_journey"
    return "weak_clicks" if clicks == "weak" else "healthy"


# ---- Budget ---------------------------------------------------------------------------------


def effective_date(action: Row) -> date:
    """Return the day of an action's approval, else of its proposal (V2, settled)."""
    return (action["approved_at"] or action["known_at"]).date()


def budget_action_impact(world: World) -> list[Row]:
    """Return the figures of both channels of an executed move before and after it (issue)."""
    length = timedelta(days=world.policy["impact_window_days"])
    executed = [action for action in world.actions if action["status"] == "executed"]
    performance = world.performance
    rows = []
    for action in executed:
        on = effective_date(action)
        for side, channel in zip(("from", "to"), oracle.direction(action), strict=True):
            own = [
                row
                for row in performance
                if row["campaign_id"] == action["campaign_id"] and row["channel_id"] == channel
            ]
            before = window_figures(row for row in own if on - length <= row["day"] < on)
            after = window_figures(row for row in own if on < row["day"] <= on + length)
            row = {
                "budget_action_id": action["budget_action_id"],
                "direction": side,
                "campaign_id": action["campaign_id"],
                "channel_id": channel,
                "campaign_name": world.campaigns[action["campaign_id"]]["name"],
                "amount": cents(action["amount"]),
                "currency": action["currency"],
                "effective_date": on,
                "before_start": on - length,
                "after_end": on + length,
                "is_after_complete": oracle.end_of(on + length) <= world.as_of,
                "is_overlapped": any(
                    other["budget_action_id"] != action["budget_action_id"]
                    and other["campaign_id"] == action["campaign_id"]
                    and channel in oracle.direction(other)
                    and abs(effective_date(other) - on) <= length
                    for other in executed
                ),
                "is_causal": False,
            }
            for name in ("impressions", "conversions"):
                row |= {f"{name}_before": before[name], f"{name}_after": after[name]}
            row |= {f"spend_{s}": cents(w["spend"]) for s, w in windows(before, after)}
            for name in ("click_through_rate", "conversion_rate", "cost_per_conversion"):
                row |= {f"{name}_{s}": double(w[name]) for s, w in windows(before, after)}
                known = None not in (before[name], after[name])
                row[f"{name}_delta"] = double(after[name] - before[name]) if known else None
            rows.append(row)
    return rows


def windows(before: Row, after: Row) -> list[tuple[str, Row]]:
    """Return both windows with the suffix of their columns."""
    return [("before", before), ("after", after)]


def window_figures(rows: Iterable[Row]) -> Row:
    """Return the sums of a window, and its rates."""
    summed = oracle.totals(list(rows)) or dict.fromkeys(oracle.MEASURES)
    return summed | {
        "click_through_rate": ratio(summed["clicks"], summed["impressions"]),
        "conversion_rate": ratio(summed["conversions"], summed["impressions"]),
        "cost_per_conversion": ratio(summed["spend"], summed["conversions"]),
    }


# ---- Governance -----------------------------------------------------------------------------


def decision_audit(world: World) -> list[Row]:
    """Return each decision with the signals that it answers and the actions that follow.

    Actions that it names follow; actions that no decision names, by campaign and time (design, "By
    id").
    """
    span = timedelta(hours=float(world.number("decision_followup_hours")))
    signals = oracle.risk_escalation(world)
    named = {
        decision_id: {
            record_id
            for records in fields.values()
            for kind, record_id in records
            if kind == "budget_action"
        }
        for decision_id, fields in world.subjects.items()
    }
    named_by_any = set().union(*named.values())
    rows = []
    for decision in world.decisions:
        decided_at, names = decision["known_at"], named[decision["decision_id"]]
        answered = [
            (signal["raised_at"], signal["risk_id"])
            for signal in signals
            if signal["reviewed_by_decision_id"] == decision["decision_id"]
        ]
        following = [
            (action["known_at"], action["budget_action_id"])
            for action in world.actions
            if action["known_at"] >= decided_at
            and (
                action["budget_action_id"] in names
                if names
                else action["budget_action_id"] not in named_by_any
                and action["campaign_id"] == decision["campaign_id"]
                and action["known_at"] <= decided_at + span
            )
        ]
        answered.sort()
        following.sort()
        rows.append(
            {
                "decision_id": decision["decision_id"],
                "campaign_id": decision["campaign_id"],
                "campaign_name": world.campaigns[decision["campaign_id"]]["name"],
                "decided_at": decided_at,
                "week_start": week_of(decided_at.date()),
                "decided_by": "human" if decision["human_override"] else "orchestrator",
                "is_human_override": decision["human_override"],
                "decision_trigger": decision["trigger"],
                "action_taken": decision["action_taken"],
                "confidence_score": float(decision["confidence_score"]),
                "answered_risk_ids": listed(answered),
                "answered_risks": len(answered),
                "response_minutes": (
                    double(minutes(decided_at - answered[0][0])) if answered else None
                ),
                "following_action_ids": listed(following),
                "following_link": (("named" if names else "inferred") if following else None),
                "following_actions": len(following),
                "minutes_to_first_action": (
                    double(minutes(following[0][0] - decided_at)) if following else None
                ),
            }
        )
    return rows


def listed(events: list[tuple[datetime, str]]) -> str | None:
    """Return the ids of events, separated by commas."""
    return ", ".join(record_id for _, record_id in events) or None


EVENT_TYPES = (
    *("campaign_created", "experiment_started", "performance_recorded", "risk_raised"),
    *("decision_taken", "budget_action_proposed", "budget_action_approved", "experiment_ended"),
)


def campaign_timeline(world: World) -> list[Row]:
    """Return what happened in each campaign, in order (issue).

    The first and last day of an experiment are events, at the start and the end of the day.
    """
    events = []
    for row in world.campaigns.values():
        created_at = moment(row["created_at"])
        events.append((row["campaign_id"], created_at, "campaign_created", row["campaign_id"]))
    for row in world.export["experiments"]:
        ids = row["campaign_id"], row["experiment_id"]
        start = datetime.combine(date.fromisoformat(row["start_date"]), time.min)
        events.append((ids[0], start, "experiment_started", ids[1]))
        if row["end_date"]:
            end = oracle.end_of(date.fromisoformat(row["end_date"]))
            events.append((ids[0], end, "experiment_ended", ids[1]))
    for row in world.performance:
        within = f" in {row['experiment_id']}" if row["experiment_id"] else ""
        record_id = row["asset_id"] + within
        events.append((row["campaign_id"], row["known_at"], "performance_recorded", record_id))
    for row in world.signals:
        events.append((row["campaign_id"], row["known_at"], "risk_raised", row["risk_id"]))
    for row in world.decisions:
        events.append((row["campaign_id"], row["known_at"], "decision_taken", row["decision_id"]))
    for row in world.actions:
        ids = row["campaign_id"], row["budget_action_id"]
        events.append((ids[0], row["known_at"], "budget_action_proposed", ids[1]))
        if row["approved_at"]:
            events.append((ids[0], row["approved_at"], "budget_action_approved", ids[1]))

    logs = defaultdict(list)
    for campaign_id, occurred_at, event_type, record_id in events:
        if occurred_at <= world.as_of:
            logs[campaign_id].append((occurred_at, EVENT_TYPES.index(event_type), record_id))
    return [
        {
            "campaign_id": campaign_id,
            "event_order": order,
            "campaign_name": world.campaigns[campaign_id]["name"],
            "occurred_at": occurred_at,
            "event_type": EVENT_TYPES[event_type],
            "record_id": record_id,
            "has_event_description": True,
        }
        for campaign_id, log in logs.items()
        for order, (occurred_at, event_type, record_id) in enumerate(sorted(log), start=1)
    ]


# ---- Attribution ----------------------------------------------------------------------------


def attribution_summary(world: World) -> list[Row]:
    """Return hints by campaign, channel and method, with measured conversions (issue)."""
    groups = defaultdict(list)
    for hint in world.export.get("attribution_hints", []):
        at = moment(hint["timestamp"])
        if at <= world.as_of:
            key = hint["campaign_id"], hint["channel_id"], hint["method"]
            groups[key].append(hint | {"known_at": at})
    credited = {
        key: sum(hint["attributed_conversions"] for hint in hints) for key, hints in groups.items()
    }
    performance, rows = world.performance, []
    for (campaign, channel, method), hints in groups.items():
        whole = sum(
            count for key, count in credited.items() if (key[0], key[2]) == (campaign, method)
        )
        measured = oracle.totals(
            [
                row
                for row in performance
                if row["campaign_id"] == campaign and row["channel_id"] == channel
            ]
        )
        same = ("campaign_id", "channel_id", "method", "attributed_conversions", "known_at")
        alike = oracle.possible_duplicates(
            [(h["hint_id"], (exact(h["confidence"]), *(h[n] for n in same))) for h in hints]
        )
        repeats = [f"{hint} of {first}" for hint, first in sorted(alike.items()) if first]
        weighted = sum(h["attributed_conversions"] * exact(h["confidence"]) for h in hints)
        rows.append(
            {
                "campaign_id": campaign,
                "channel_id": channel,
                "method": method,
                "campaign_name": world.campaigns[campaign]["name"],
                "hint_count": len(hints),
                "credited_conversions": credited[campaign, channel, method],
                "weighted_conversions": double(weighted),
                "share_of_method": double(ratio(credited[campaign, channel, method], whole)),
                "newest_hint_at": max(hint["known_at"] for hint in hints),
                "measured_conversions": measured["conversions"] if measured else None,
                "possible_duplicate_hints": len(repeats),
                "possible_duplicates": ", ".join(repeats) or None,
            }
        )
    return rows


# ---- Executive ------------------------------------------------------------------------------


def judged_windows(world: World) -> list[Row]:
    """Return the judged windows: the latest complete one of the calendar (number 3)."""
    return [row for row in oracle.segment_rollups(world) if row["is_judged"]]


@oracle.once
def executive_scorecard(world: World) -> list[Row]:
    """Return the health verdict, then the metrics with their targets (issue).

    An experiment is conclusive when it is ready and significant; a move is pending while it waits
    for a decision, as in the audit.
    """
    audit, segments = oracle.budget_action_audit(world), judged_windows(world)
    results, campaigns = experiment_results(world), campaign_performance(world)
    booked = [row for row in campaigns if row["ledger_cost"] is not None]
    net, cost = (sum(Fraction(r[name]) for r in booked) for name in ("net_roi", "ledger_cost"))
    approved = sum(row["approval_state"] == "approved" for row in audit)
    on_target = sum(row["recommendation"] != "stop" for row in segments)
    conclusive = [row for row in results if row["health"] == "ready" and row["is_significant"]]
    lifts = [exact(row["relative_lift"]) for row in conclusive if row["relative_lift"] is not None]
    tests = sum(row["q_value"] is not None for row in results)
    worst = max((exact(row["decision_p_value"]) for row in conclusive), default=None)
    false = None if worst is None else min(Fraction(1), tests * worst / len(conclusive))
    moved = [row for row in segments if row["is_beyond_noise"]]
    improving = sum(row["kpi_value"] > row["prior_kpi_value"] for row in moved)
    declining = len(moved) - improving
    metrics = [
        ("budget_approval_rate", "share", ratio(approved, len(audit)), "target_approval_rate"),
        (
            "segments_on_target",
            "share",
            ratio(on_target, len(segments)),
            "target_segments_on_target",
        ),
        (
            "open_risks",
            "count",
            Fraction(sum(signal["status"] == "open" for signal in world.signals)),
            "target_open_risks",
        ),
        (
            "pending_reallocations",
            "count",
            Fraction(sum(row["approval_state"] == "pending" for row in audit)),
            "target_pending_reallocations",
        ),
        ("roi", "share", ratio(net, cost), "target_roi"),
        ("running_experiments", "count", count_status(results, "running"), None),
        ("completed_experiments", "count", count_status(results, "completed"), None),
        ("average_conclusive_lift", "share", ratio(sum(lifts), len(lifts)), None),
        ("expected_false_share", "share", false, None),
        ("segments_improving", "count", Fraction(improving) if segments else None, None),
        ("segments_declining", "count", Fraction(declining) if segments else None, None),
        *((name, "share", value, None) for name, value in trust(world).items()),
    ]
    rows = []
    for order, (metric, unit, actual, target_var) in enumerate(metrics, start=1):
        target = world.number(target_var) if target_var else None
        rows.append(
            {
                "metric_order": order,
                "metric": metric,
                "unit": unit,
                "actual": double(actual),
                "target": double(target),
                "verdict": (
                    "not_enough"
                    if metric in TRUST and actual is None
                    else metric_verdict(actual, target, at_most=unit == "count")
                ),
                "has_reasons": False,
            }
        )
    calls_for_attention = (
        any(row["status"] == "fail" for row in oracle.contract_compliance(world))
        or any(row["review_state"] == "overdue" for row in oracle.risk_inbox(world))
        or any(row["verdict"] in ("off_target", "no_data") for row in rows)
    )
    health = {
        "metric_order": 0,
        "metric": "health",
        "unit": "verdict",
        "actual": None,
        "target": None,
        "verdict": "attention" if calls_for_attention else "on_track",
        "has_reasons": calls_for_attention,
    }
    return [health, *rows]


TRUST = ("vigilance", "accuracy", "calibration")


def trust(world: World) -> dict[str, Fraction | None]:
    """Return the metrics of trust in the orchestrator; None with too little data."""
    from helpers import oracle_risks, oracle_trust  # noqa: PLC0415: they read these marts

    least = world.number("track_record_minimum")
    (seen,) = (row for row in oracle_risks.risk_vigilance(world) if row["risk_type"] == "all")
    told = oracle_trust.orchestrator_track_record(world)
    held, records = Fraction(0), 0
    for kind in ("reported_figure", "risk_evidence"):
        own = [row for row in told if row["claim_kind"] == kind]
        count = sum(row["checked_records"] for row in own)
        if count >= least:
            sums = [sum(row[name] for row in own) for name in ("borne_out", "checked")]
            held, records = held + ratio(*sums) * count, records + count
    gaps = [
        exact(row["gap"])
        for row in oracle_trust.confidence_calibration(world)
        if row["bucket_low"] is None and row["calibration"] not in ("not_enough", "unclear")
    ]
    return {
        "vigilance": ratio(seen["reported"], seen["findings"])
        if seen["findings"] >= least
        else None,
        "accuracy": ratio(held, records),
        "calibration": gaps[0] if gaps else None,
    }


def count_status(results: list[Row], status: str) -> Fraction:
    """Return how many experiments have a status."""
    return Fraction(sum(row["status"] == status for row in results))


def metric_verdict(actual: Fraction | None, target: Fraction | None, at_most: bool) -> str:
    """Return a metric's verdict against its target, which is a maximum for counts."""
    if target is None:
        return "informational"
    if actual is None:
        return "no_data"
    return "on_target" if (actual <= target if at_most else actual >= target) else "off_target"


ACTION_TYPES = (
    *("handle_risk", "resolve_breach", "decide_budget_action", "withdraw_asset"),
    *("scale_variant", "end_experiment", "discuss_variant", "stop_segment", "scale_segment"),
)
"""In the order in which actions of different types are ranked."""

GOES_ON_ONLY_WITH_ITS_CAMPAIGN = ACTION_TYPES[4:]


@oracle.once
def next_actions(world: World) -> list[Row]:
    """Return the next actions, most urgent first, then decided ones (number 2).

    Risks are ordered as in risk_inbox; everything else by the amount at stake, without conversion
    of currencies, then by id.
    """
    risks = risk_actions(world)
    open_risks = {row["record_id"] for row in risks if row["answered_at"] is None}
    found = [
        *risks,
        *breach_actions(world, open_risks),
        *approval_actions(world),
        *asset_actions(world),
        *experiment_actions(world),
        *segment_actions(world),
    ]
    ended = {campaign_id for campaign_id in world.campaigns if has_ended(world, campaign_id)}
    ranked, decided = [], []
    for row in found:
        if row["answered_at"] is not None:
            decided.append(row | {"action_rank": None, "action_state": "decided"})
        elif not (
            row["action_type"] in GOES_ON_ONLY_WITH_ITS_CAMPAIGN and row["campaign_id"] in ended
        ):
            ranked.append(row | {"action_state": "open"})
    ranked.sort(key=urgency)
    ranked = [row | {"action_rank": rank} for rank, row in enumerate(ranked, start=1)]
    return [
        {name: value for name, value in row.items() if name != "inbox_rank"}
        | {
            "campaign_name": world.campaigns[row["campaign_id"]]["name"],
            "has_reason": True,
            "has_what_to_do": True,
        }
        for row in ranked + decided
    ]


def has_ended(world: World, campaign_id: str) -> bool:
    """Return whether a campaign is over: paused, completed or past its end date (number 2)."""
    campaign = world.campaigns[campaign_id]
    is_past = date.fromisoformat(campaign["end_date"]) < world.today
    return is_past or campaign["status"] in ("paused", "completed")


def action(
    world: World,
    action_type: str,
    record_id: str,
    campaign_id: str,
    waiting_since: datetime | None,
    answer: tuple[str, datetime] | None = None,
    due_at: datetime | None = None,
    proposed: tuple[Decimal, str] | None = None,
    costing: list[Row] | None = None,
    inbox_rank: int | None = None,
) -> Row:
    """Return an action; at stake is the proposed amount, or the rows' cost per day."""
    amount, currency, basis = None, None, None
    if proposed:
        amount, currency, basis = *proposed, "amount"
    elif costing:
        amount = oracle.spend_per_day(world, costing)
        currency, basis = world.policy["reporting_currency"], "spend_per_day"
    return {
        "action_type": action_type,
        "record_id": record_id,
        "campaign_id": campaign_id,
        "amount_at_stake": amount,
        "currency": currency,
        "stake_basis": basis,
        "answered_by_decision_id": answer[0] if answer else None,
        "answered_at": answer[1] if answer else None,
        "waiting_since": waiting_since,
        "due_at": due_at,
        "inbox_rank": inbox_rank,
    }


def urgency(row: Row) -> tuple:
    """Return a key that puts the most urgent action first."""
    amount = row["amount_at_stake"]
    return (
        ACTION_TYPES.index(row["action_type"]),
        row["inbox_rank"] or 0,
        least_first(None if amount is None else -amount),
        row["record_id"],
    )


def signals_by_id(world: World) -> dict[str, Row]:
    """Return the risk signals known, by id."""
    return {signal["risk_id"]: signal for signal in world.signals}


def exposed(world: World, signal: Row) -> list[Row]:
    """Return all performance known of the assets that a signal names, else of its campaign."""
    named = set(signal["asset_ids"])
    return [
        row
        for row in world.performance
        if (row["asset_id"] in named if named else row["campaign_id"] == signal["campaign_id"])
    ]


def risk_actions(world: World) -> list[Row]:
    """Return the unresolved risks that are critical or overdue; a reviewed one is decided."""
    signals = signals_by_id(world)
    ranks = {row["risk_id"]: row["priority_rank"] for row in oracle.risk_inbox(world)}
    return [
        action(
            world,
            "handle_risk",
            row["risk_id"],
            row["campaign_id"],
            row["raised_at"],
            answer=(
                (row["reviewed_by_decision_id"], row["reviewed_at"])
                if row["review_state"] in ("reviewed", "reviewed_late")
                else None
            ),
            due_at=row["review_due_at"],
            costing=exposed(world, signals[row["risk_id"]]),
            inbox_rank=ranks[row["risk_id"]],
        )
        for row in oracle.risk_escalation(world)
        if row["is_unresolved"]
        and (row["severity"] == "critical" or row["review_state"] == "overdue")
    ]


def breach_actions(world: World, open_risks: set[str]) -> list[Row]:
    """Return the breaches of the contract; they stay open, and an open risk is listed once."""
    audit = {row["budget_action_id"]: row for row in oracle.budget_action_audit(world)}
    due = {row["risk_id"]: row["review_due_at"] for row in oracle.risk_escalation(world)}
    signals = signals_by_id(world)
    rows = []
    for row in oracle.contract_violations(world):
        key, about = row["record_key"], {}
        waiting_since = None
        if row["rule"] == 4:
            move = audit[key]
            waiting_since = move["approved_at"] or move["proposed_at"]
            # In a first build, this export is the first that shows a move as executed; looking
            # back, none had been seen yet.
            if move["status"] == "executed" and world.covers_all_events:
                waiting_since = world.newest_event_at
            about = {"proposed": (move["amount"], move["currency"])}
        elif row["rule"] == 5:
            if key in open_risks:
                continue
            waiting_since = due[key]
            about = {"due_at": due[key], "costing": exposed(world, signals[key])}
        rows.append(
            action(world, "resolve_breach", key, row["campaign_id"], waiting_since, **about)
        )
    return rows


def approval_actions(world: World) -> list[Row]:
    """Return the proposals that nobody has approved or rejected."""
    return [
        action(
            world,
            "decide_budget_action",
            row["budget_action_id"],
            row["campaign_id"],
            row["proposed_at"],
            proposed=(row["amount"], row["currency"]),
        )
        for row in oracle.budget_action_audit(world)
        if row["approval_state"] == "pending"
    ]


def asset_actions(world: World) -> list[Row]:
    """Return the running assets that no person has approved."""
    since = world.as_of - timedelta(days=world.policy["running_asset_days"])
    rows = []
    for asset_id, asset in world.assets.items():
        own = [row for row in world.performance if row["asset_id"] == asset_id]
        campaign_id = asset["campaign_id"]
        is_live = world.campaigns[campaign_id]["status"] == "active"
        is_live = is_live and not has_ended(world, campaign_id)
        is_running = any(row["known_at"] >= since for row in own)
        if is_live and is_running and not asset["approved_by_human"]:
            shown = min((row["known_at"] for row in own if row["impressions"]), default=None)
            rows.append(action(world, "withdraw_asset", asset_id, campaign_id, shown, costing=own))
    return rows


def experiment_actions(world: World) -> list[Row]:
    """Return the actions on experiments; decided once a decision acts on the experiment."""
    rows = []
    for row in experiment_results(world):
        experiment_id, verdict = row["experiment_id"], row["verdict"]
        kind = {
            "scale_variant": None if row["has_open_risk"] else "scale_variant",
            "discuss": None if row["has_open_risk"] else "discuss_variant",
            "stop_futile": "end_experiment" if row["is_interim"] else None,
        }.get(verdict)
        if kind is None:
            continue
        since = row["verdict_since"]
        acted_on = [
            (decision["known_at"], decision["decision_id"])
            for decision in world.decisions
            if ("experiment", experiment_id) in acts_on(world, decision)
            and decision["known_at"].date() >= since
        ]
        first = min(acted_on, default=None)
        own = [run for run in world.performance if run["experiment_id"] == experiment_id]
        rows.append(
            action(
                world,
                kind,
                experiment_id,
                row["campaign_id"],
                datetime.combine(since, time.min),
                answer=first[::-1] if first else None,
                costing=own,
            )
        )
    return rows


def acts_on(world: World, decision: Row) -> set[tuple[str, str]]:
    """Return the records that a decision's action names."""
    return world.subjects[decision["decision_id"]]["action_taken"]


def segment_actions(world: World) -> list[Row]:
    """Return the segments to stop or scale, where the judged window shows enough (number 3)."""
    windows = {
        (row["campaign_id"], row["segment_id"], row["window_end"]): row
        for row in oracle.segment_rollups(world)
    }
    length = timedelta(days=world.policy["rollup_window_days"])
    rows = []
    for (campaign_id, segment_id, end), row in windows.items():
        advice = row["recommendation"]
        if not row["is_judged"] or not is_shown(world, row, windows.values()):
            continue
        first = end
        while is_alike(windows.get((campaign_id, segment_id, first - length)), advice):
            first -= length
        since = oracle.end_of(first)
        rows.append(
            action(
                world,
                f"{advice}_segment",
                f"{campaign_id} | {segment_id}",
                campaign_id,
                since,
                answer=segment_answer(world, campaign_id, segment_id, since),
                costing=[
                    run
                    for run in world.performance
                    if (run["campaign_id"], run["segment_id"]) == (campaign_id, segment_id)
                ],
            )
        )
    return rows


def is_alike(window: Row | None, advice: str) -> bool:
    """Return whether there is a window with this recommendation."""
    return window is not None and window["recommendation"] == advice


def is_shown(world: World, row: Row, windows: Iterable[Row]) -> bool:
    """Return whether a recommendation to scale or to stop is more than noise.

    A trend is, where its interval excludes 0. No conversion is, where the upper bound of its rate
    is weak by policy, compared with the whole campaign in the same window.
    """
    change = row["trend_vs_prior_window"]
    if row["recommendation"] == "scale":
        return row["is_beyond_noise"]
    if row["recommendation"] != "stop":
        return False
    is_decline = change is not None and exact(change) <= world.number("stop_trend_maximum")
    if is_decline and row["is_beyond_noise"]:
        return True
    if row["conversions"] or row["impressions"] < world.number("rollup_minimum_impressions"):
        return False
    peers = [
        other
        for other in windows
        if (other["campaign_id"], other["window_end"]) == (row["campaign_id"], row["window_end"])
    ]
    usual = ratio(*(sum(peer[name] for peer in peers) for name in ("conversions", "impressions")))
    _, high = oracle.wilson(0, row["impressions"])
    return bool(usual) and high < world.number("weak_step_ratio") * usual


def segment_answer(
    world: World, campaign_id: str, segment_id: str, since: datetime
) -> tuple[str, datetime] | None:
    """Return the latest human decision on a segment or its experiments, if not long ago.

    A segment can be in several campaigns: its own id means the decision's campaign.
    """
    subjects = set()
    for row in world.export["experiments"]:
        segments = {world.assets[arm]["segment_id"] for arm in oracle.arms(row)}
        if row["campaign_id"] == campaign_id and segment_id in segments:
            subjects.add(("experiment", row["experiment_id"]))
    oldest = world.as_of - timedelta(days=world.policy["segment_decision_days"])
    answers = [
        row
        for row in world.decisions
        if row["human_override"]
        and row["known_at"] > since
        and row["known_at"] >= oldest
        and acts_on(world, row)
        & (subjects | ({("segment", segment_id)} if row["campaign_id"] == campaign_id else set()))
    ]
    if not answers:
        return None
    latest = max(row["known_at"] for row in answers)
    return min(row["decision_id"] for row in answers if row["known_at"] == latest), latest


MARTS: dict[str, tuple[tuple[str, ...], Callable[[World], list[Row]]]] = {
    "dim_date": (("date_day",), dim_date),
    "fct_channel_weekly": (("campaign_id", "channel_id", "week_start"), fct_channel_weekly),
    "fct_segment_weekly": (("campaign_id", "segment_id", "week_start"), fct_segment_weekly),
    "funnel_trend": ((*oracle.PLACE, "stage", "week_start"), funnel_trend),
    "experiment_results": (("experiment_id",), experiment_results),
    "fct_performance_daily": (
        ("asset_id", "experiment_id", "recorded_date"),
        fct_performance_daily,
    ),
    "conversion_reconciliation": ((*oracle.PLACE, "covered_from"), conversion_reconciliation),
    "campaign_performance": (("campaign_id",), campaign_performance),
    "campaign_pacing": (("campaign_id",), campaign_pacing),
    "journey_diagnosis": (oracle.PLACE, journey_diagnosis),
    "budget_action_impact": (("budget_action_id", "direction"), budget_action_impact),
    "decision_audit": (("decision_id",), decision_audit),
    "campaign_timeline": (("campaign_id", "event_order"), campaign_timeline),
    "attribution_summary": (("campaign_id", "channel_id", "method"), attribution_summary),
    "executive_scorecard": (("metric",), executive_scorecard),
    "next_actions": (("action_type", "record_id"), next_actions),
}
"""Each mart's key and the function that works it out."""
