"""What the marts of the decision layer should hold: the oracle's second half.

Works as `oracle` does, on its `World` and its core marts, and shares as little with the models.
Statistics come from SciPy and statsmodels; what these don't offer follows the formula of the
source that is named. `MARTS` has every mart's key and the function that works it out.

Sources: "issue" is the issue that asked for the decision layer, "design" the project's design
page, "V1" and "V2" the two specifications, "decisions" docs/decisions.md. Of a text only whether
there is one is known: `has_<column>`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

import oracle
from oracle import Row, World, cents, double, exact, minutes, moment, ratio
from scipy.stats import chisquare, norm
from statsmodels.stats.proportion import power_proportions_2indep, proportions_ztest


def snapshots(world: World) -> list[Row]:
    """Return the performance known, with the experiment and channel that each row belongs to."""
    rows = []
    for record in world.export["performance_metrics"]:
        row = oracle.performance_row(record, world.assets)
        row["experiment_id"] = record.get("experiment_id")
        row["channel_id"] = world.assets[record["asset_id"]]["channel_id"]
        if row["known_at"] <= world.as_of:
            rows.append(row)
    return rows


def least_first(value: object) -> tuple[bool, object]:
    """Return a key that sorts nulls last."""
    return value is None, 0 if value is None else value


# ---- Experiments ----------------------------------------------------------------------------


def experiment_results(world: World) -> list[Row]:
    """Return one row an experiment: health before lift, then the verdict (issue)."""
    exported = {row["experiment_id"]: row for row in world.export["experiments"]}
    performance = defaultdict(list)
    for row in snapshots(world):
        performance[row["experiment_id"]].append(row)
    rows = []
    for known in oracle.dim_experiments(world):
        experiment, own = exported[known["experiment_id"]], performance[known["experiment_id"]]
        control, variant = (world.assets[arm] for arm in oracle.arms(experiment))
        definition = world.kpis.get(known["metric"])
        control_counts = arm_counts(own, control["asset_id"], definition)
        variant_counts = arm_counts(own, variant["asset_id"], definition)
        figures = compare_arms(world, control_counts, variant_counts)
        reasons = unhealthy_reasons(known, control, variant, own)
        srm = figures["srm_p_value"]
        if srm is not None and srm < world.number("srm_alpha"):
            reasons.append("sample ratio mismatch")
        health = experiment_health(world, reasons, control_counts, variant_counts)
        row = {
            "experiment_id": known["experiment_id"],
            "campaign_id": known["campaign_id"],
            "control_asset_id": control["asset_id"],
            "variant_asset_id": variant["asset_id"],
            "campaign_name": world.campaigns[known["campaign_id"]]["name"],
            "metric": known["metric"],
            "metric_label": definition["kpi_label"] if definition else known["metric"],
            "status": known["status"],
            "start_date": known["start_date"],
            "end_date": known["end_date"],
            "control_successes": control_counts[0],
            "control_trials": control_counts[1],
            "variant_successes": variant_counts[0],
            "variant_trials": variant_counts[1],
            "is_interim": known["status"] == "running",
            "has_open_risk": any(
                signal["experiment_id"] == known["experiment_id"]
                and signal["status"] in oracle.UNRESOLVED
                for signal in world.signals
            ),
            "health": health,
            "has_unhealthy_reasons": bool(reasons),
            "verdict": verdict(world, health, figures),
        }
        rows.append(row | {name: plain(value) for name, value in figures.items()})
    return rows


def plain(value: object) -> object:
    """Return a fraction as a double, anything else as it is."""
    return double(value) if isinstance(value, Fraction) else value


def arm_counts(
    performance: list[Row], asset_id: str, definition: Row | None
) -> tuple[int | None, int | None]:
    """Return successes and trials of an arm by the KPI's definition (issue; reference seed)."""
    if definition is None:
        return None, None
    rows = [row for row in performance if row["asset_id"] == asset_id]
    successes = sum(row[definition["numerator"]] for row in rows)
    return successes, sum(row[definition["denominator"]] for row in rows)


def compare_arms(world: World, control: tuple, variant: tuple) -> Row:
    """Return rates, lifts, p-values and power of two arms (issue)."""
    (hits, trials), (variant_hits, variant_trials) = control, variant
    rate, variant_rate = ratio(hits, trials), ratio(variant_hits, variant_trials)
    lift = p_value = relative = low = high = None
    alpha = float(world.number("significance_level"))
    if rate is not None and variant_rate is not None:
        lift = variant_rate - rate
        relative = ratio(variant_rate, rate)
        relative = None if relative is None else relative - 1
        p_value = 1.0  # where nothing varies, there is nothing to tell the arms apart by
        if 0 < hits + variant_hits < trials + variant_trials:
            _, p_value = proportions_ztest([variant_hits, hits], [variant_trials, trials])
        if hits and variant_hits:
            low, high = lift_interval(float(relative), control, variant, alpha)
    power, missing = power_to_see(world, rate, trials, variant_trials, alpha)
    split = [trials, variant_trials]
    return {
        "control_rate": rate,
        "variant_rate": variant_rate,
        "absolute_lift": lift,
        "relative_lift": relative,
        "lift_ci_low": low,
        "lift_ci_high": high,
        "p_value": None if p_value is None else float(p_value),
        "is_significant": p_value is not None and float(p_value) < alpha,
        "srm_p_value": float(chisquare(split).pvalue) if trials or variant_trials else None,
        "power": power,
        "trials_missing": missing,
    }


def lift_interval(
    lift: float, control: tuple[int, int], variant: tuple[int, int], alpha: float
) -> tuple[float, float]:
    """Return the interval of a relative lift by the delta method.

    The variance of a quotient v / c of independent rates is, to first order,
    (v / c)² (var(v) / v² + var(c) / c²). Source: Deng, Knoblich and Lu (2018), Applying the delta
    method in metric analytics, section 3.
    """
    relative_variance = sum((n - hits) / (n * hits) for hits, n in (control, variant))
    margin = norm.isf(alpha / 2) * (1 + lift) * math.sqrt(relative_variance)
    return float(lift - margin), float(lift + margin)


def power_to_see(
    world: World, rate: Fraction | None, trials: int | None, others: int | None, alpha: float
) -> tuple[float | None, int | None]:
    """Return the power to see the lift that is worth scaling, and the trials missing for it.

    With power enough, none is missing, however unequal the arms are.

    The sample that both arms would need is Fleiss's for equal arms, without the continuity
    correction: that of the test in use. Source: Fleiss, Levin and Paik (2003), Statistical methods
    for rates and proportions, formula 4.14.
    """
    if not (rate and trials and others):
        return None, None
    hoped = rate * (1 + world.number("minimum_lift_to_scale"))
    if hoped > 1:
        return None, None
    gain = float(hoped - rate)
    power = power_proportions_2indep(
        gain, float(rate), others, ratio=trials / others, alpha=alpha, return_results=False
    )
    before, after = float(rate), float(hoped)
    middle = (before + after) / 2
    needed = (
        norm.isf(alpha / 2) * math.sqrt(2 * middle * (1 - middle))
        + norm.ppf(float(world.number("power_target")))
        * math.sqrt(before * (1 - before) + after * (1 - after))
    ) ** 2 / gain**2
    missing = sum(max(0, math.ceil(needed) - sample) for sample in (trials, others))
    return float(power), 0 if power >= world.number("power_target") else missing


def unhealthy_reasons(
    experiment: Row, control: Row, variant: Row, performance: list[Row]
) -> list[str]:
    """Return why an experiment can't be trusted, but for how its arms are split (issue)."""
    start, end = experiment["start_date"], experiment["end_date"] or date.max
    arms = (control["asset_id"], variant["asset_id"])
    checks = {
        "not approved": not (control["approved_by_human"] and variant["approved_by_human"]),
        "segment": control["segment_id"] != variant["segment_id"],
        "channel": control["channel_id"] != variant["channel_id"],
        "other assets": any(row["asset_id"] not in arms for row in performance),
        "dates": any(not start <= row["day"] <= end for row in performance),
    }
    return [name for name, holds in checks.items() if holds]


def experiment_health(world: World, reasons: list[str], *arms: tuple) -> str:
    """Return the first state that holds (issue)."""
    if reasons:
        return "unhealthy"
    if not all(trials for _, trials in arms):
        return "no_data"
    if min(trials for _, trials in arms) < world.number("experiment_minimum_sample"):
        return "too_small"
    return "ready"


def verdict(world: World, health: str, figures: Row) -> str:
    """Return the first verdict that holds (issue).

    A variant with successes against a control with none has no relative lift; if significant, it
    is worth scaling (decisions).
    """
    if health == "unhealthy":
        return "fix_experiment"
    if health != "ready":
        return "continue"
    lift, gain = figures["relative_lift"], figures["absolute_lift"]
    is_large = gain > 0 if lift is None else lift >= world.number("minimum_lift_to_scale")
    if figures["is_significant"] and is_large:
        return "scale_variant"
    if figures["is_significant"] and gain < 0:
        return "keep_control"
    power = figures["power"]
    if not is_large and power is not None and power >= world.number("power_target"):
        return "stop"
    return "continue"


# ---- What performance covers, and the funnel beside it ---------------------------------------


def covered_days(world: World, asset_id: str, day: date) -> set[date]:
    """Return the days that an asset's rows of a day cover (issue on judgments, 12)."""
    of_asset = [row for row in snapshots(world) if row["asset_id"] == asset_id]
    before = max((row["day"] for row in of_asset if row["day"] < day), default=None)
    if before:
        first = before + timedelta(days=1)
    else:
        asset = world.assets[asset_id]
        starts = {row["experiment_id"]: row["start_date"] for row in world.export["experiments"]}
        on_day = [starts.get(row["experiment_id"]) for row in of_asset if row["day"] == day]
        first = max(
            date.fromisoformat(world.campaigns[asset["campaign_id"]]["start_date"]),
            oracle.moment(asset["created_at"]).date(),
            date.min if None in on_day else date.fromisoformat(min(on_day)),
        )
        first = min(first, day)
    return {first + timedelta(days=number) for number in range((day - first).days + 1)}


def conversion_reconciliation(world: World) -> list[Row]:
    """Return the funnel beside performance, by place and period (issue on judgments, 13).

    Periods are sets of days: those of a place's rows, put together where they share a day.
    """
    places = defaultdict(list)
    for row in snapshots(world):
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


# ---- Campaigns ------------------------------------------------------------------------------


def fct_performance_daily(world: World) -> list[Row]:
    """Return performance by asset, experiment and day; money as exported, not in whole cents."""
    days = defaultdict(list)
    for row in snapshots(world):
        days[row["asset_id"], row["experiment_id"], row["day"]].append(row)
    rows = []
    for (asset_id, experiment_id, day), performance in days.items():
        first, summed = performance[0], oracle.totals(performance)
        row = {"asset_id": asset_id, "experiment_id": experiment_id, "recorded_date": day}
        row |= {name: first[name] for name in oracle.PLACE}
        row |= {name: summed[name] for name in ("impressions", "clicks", "conversions")}
        for name in ("spend", "revenue_proxy"):
            row[name] = Decimal(int(summed[name] * 10**6)).scaleb(-6)
        rows.append(row)
    return rows


def campaign_performance(world: World) -> list[Row]:
    """Return what a campaign cost, by the ledger and as metered, and what it brought (issue)."""
    ledger = {row["campaign_id"]: row for row in world.export["roi_ledger"]}
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
                "pacing_status": pacing_status(world, campaign, utilisation, gone),
                "revenue_to_budget_ratio": double(earned),
                "performance_status": performance_status(world, budget, earned),
            }
        )
    return rows


def days_gone_share(world: World, campaign: Row) -> Fraction:
    """Return the share of the planned days that are gone, the as-of's day included."""
    gone = (world.today - campaign["start_date"]).days + 1
    return max(Fraction(0), min(Fraction(1), Fraction(gone, campaign["planned_days"])))


def pacing_status(world: World, campaign: Row, used: Fraction | None, gone: Fraction) -> str:
    """Return whether an active campaign spends as fast as its days go (issue)."""
    if campaign["status"] != "active":
        return "not_active"
    if world.today < campaign["start_date"]:
        return "not_started"
    if used is None:
        return "no_budget"
    away = used / gone - 1
    if abs(away) <= world.number("pacing_tolerance"):
        return "on_pace"
    return "ahead" if away > 0 else "behind"


def performance_status(world: World, budget: Fraction, earned: Fraction | None) -> str | None:
    """Return how revenue proxy compares with the budget, by policy (issue)."""
    if not budget:
        return None
    if earned is not None and earned >= world.number("exceeds_target_ratio"):
        return "exceeds_target"
    if earned is not None and earned >= world.number("meets_target_ratio"):
        return "meets_target"
    return "below_target"


# ---- Funnel ---------------------------------------------------------------------------------


def journey_diagnosis(world: World) -> list[Row]:
    """Return click-through beside the funnel's weakest step, and what both say (issue)."""
    performance, journeys = defaultdict(list), defaultdict(list)
    for row in snapshots(world):
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
                "portfolio_click_through_rate": double(portfolio),
                "weakest_previous_stage": weakest["previous_stage"] if weakest else None,
                "weakest_stage": weakest["stage"] if weakest else None,
                "weakest_step_rate": weakest["step_conversion_rate"] if weakest else None,
                "diagnosis": diagnosis(world, clicked, portfolio, steps),
            }
        )
    return rows


def weakest_step(steps: list[Row]) -> Row | None:
    """Return the step of a journey that loses most.

    Blocked before weak before the lowest share of what the step yields in the portfolio; of equals
    the lower rate, then the earlier stage.
    """

    def strength(step: Row) -> tuple:
        came, went_on = step["previous_stage_count"], step["compared_count"]
        yields = step["portfolio_step_rate"]
        return (
            step["drop_off_status"] != "blocked",
            step["drop_off_status"] != "weak",
            least_first(ratio(Fraction(went_on, came), exact(yields))),
            Fraction(went_on, came),
            step["stage_order"],
        )

    rated = [step for step in steps if step["step_conversion_rate"] is not None]
    return min(rated, key=strength, default=None)


def diagnosis(
    world: World, clicked: Fraction | None, portfolio: Fraction | None, steps: list[Row]
) -> str:
    """Return the first diagnosis that holds.

    A journey without a step that has a rate is not measured, whatever the clicks: that nobody
    clicked is a measured click-through, too.
    """
    statuses = {step["drop_off_status"] for step in steps}
    is_rated = any(step["step_conversion_rate"] is not None for step in steps)
    if "anomalous" in statuses:
        return "tracking_anomaly"
    if clicked is None and not is_rated:
        return "no_data"
    if clicked is not None and not is_rated:
        return "journey_not_measured"
    trouble = next((status for status in ("blocked", "weak") if status in statuses), None)
    if clicked is None:
        return "weak_journey" if trouble else "healthy"
    is_strong = clicked >= world.number("strong_click_through_ratio") * portfolio
    if trouble:
        return f"{'strong' if is_strong else 'weak'}_clicks_{trouble}_journey"
    return "healthy" if is_strong else "weak_clicks"


# ---- Budget ---------------------------------------------------------------------------------


def effective_date(action: Row) -> date:
    """Return the day of an action's approval, else of its proposal (V2, settled)."""
    return (action["approved_at"] or action["known_at"]).date()


def budget_action_impact(world: World) -> list[Row]:
    """Return how both channels of an executed move did before and after it (issue)."""
    length = timedelta(days=world.policy["impact_window_days"])
    executed = [action for action in world.actions if action["status"] == "executed"]
    performance = snapshots(world)
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
    """Return both windows with the word that their columns end in."""
    return [("before", before), ("after", after)]


def window_figures(rows: Iterable[Row]) -> Row:
    """Return what a window adds up to, and its rates."""
    summed = oracle.totals(list(rows)) or dict.fromkeys(oracle.MEASURES)
    return summed | {
        "click_through_rate": ratio(summed["clicks"], summed["impressions"]),
        "conversion_rate": ratio(summed["conversions"], summed["impressions"]),
        "cost_per_conversion": ratio(summed["spend"], summed["conversions"]),
    }


# ---- Governance -----------------------------------------------------------------------------


def decision_audit(world: World) -> list[Row]:
    """Return each decision with the signals that it answers and the actions that follow (issue)."""
    span = timedelta(hours=float(world.number("decision_followup_hours")))
    signals = oracle.risk_escalation(world)
    rows = []
    for decision in world.decisions:
        decided_at = decision["known_at"]
        answered = [
            (signal["raised_at"], signal["risk_id"])
            for signal in signals
            if signal["reviewed_by_decision_id"] == decision["decision_id"]
        ]
        following = [
            (action["known_at"], action["budget_action_id"])
            for action in world.actions
            if action["campaign_id"] == decision["campaign_id"]
            and decided_at <= action["known_at"] <= decided_at + span
        ]
        answered.sort()
        following.sort()
        rows.append(
            {
                "decision_id": decision["decision_id"],
                "campaign_id": decision["campaign_id"],
                "campaign_name": world.campaigns[decision["campaign_id"]]["name"],
                "decided_at": decided_at,
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
    for row in snapshots(world):
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
    """Return hints by campaign, channel and method, measured conversions beside them (issue)."""
    groups = defaultdict(list)
    for hint in world.export.get("attribution_hints", []):
        at = moment(hint["timestamp"])
        if at <= world.as_of:
            key = hint["campaign_id"], hint["channel_id"], hint["method"]
            groups[key].append(hint | {"known_at": at})
    credited = {
        key: sum(hint["attributed_conversions"] for hint in hints) for key, hints in groups.items()
    }
    performance, rows = snapshots(world), []
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


def newest_windows(world: World) -> list[Row]:
    """Return the newest window of each segment of each campaign."""
    newest: dict[tuple[str, str], Row] = {}
    for row in sorted(oracle.segment_rollups(world), key=lambda row: row["window_end"]):
        newest[row["campaign_id"], row["segment_id"]] = row
    return list(newest.values())


def executive_scorecard(world: World) -> list[Row]:
    """Return the metrics, each against its target, after one health verdict (issue).

    An experiment is conclusive when it is ready and significant; a move is pending while it waits
    for a decision, as in the audit.
    """
    audit, segments = oracle.budget_action_audit(world), newest_windows(world)
    results, campaigns = experiment_results(world), campaign_performance(world)
    booked = [row for row in campaigns if row["ledger_cost"] is not None]
    net, cost = (sum(Fraction(r[name]) for r in booked) for name in ("net_roi", "ledger_cost"))
    approved = sum(row["approval_state"] == "approved" for row in audit)
    on_target = sum(row["recommendation"] != "stop" for row in segments)
    lifts = [
        exact(row["relative_lift"])
        for row in results
        if row["health"] == "ready" and row["is_significant"] and row["relative_lift"] is not None
    ]
    changes = [row["trend_vs_prior_window"] or 0 for row in segments]
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
        ("segments_improving", "count", Fraction(sum(change > 0 for change in changes)), None),
        ("segments_declining", "count", Fraction(sum(change < 0 for change in changes)), None),
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
                "verdict": metric_verdict(actual, target, at_most=unit == "count"),
                "has_reasons": False,
            }
        )
    calls_for_attention = (
        any(row["status"] == "fail" for row in oracle.contract_compliance(world))
        or any(row["review_state"] == "overdue" for row in oracle.risk_inbox(world))
        or any(row["verdict"] == "off_target" for row in rows)
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


def count_status(results: list[Row], status: str) -> Fraction:
    """Return how many experiments have a status."""
    return Fraction(sum(row["status"] == status for row in results))


def metric_verdict(actual: Fraction | None, target: Fraction | None, at_most: bool) -> str:
    """Return how a metric stands with its target; counts are not to exceed it."""
    if target is None:
        return "informational"
    if actual is None:
        return "no_data"
    return "on_target" if (actual <= target if at_most else actual >= target) else "off_target"


def next_actions(world: World) -> list[Row]:
    """Return what to do next, most urgent first (issue).

    Risks come as risk_inbox ranks them; everything else by the amount at stake, whatever its
    currency, then by id. A risk is listed once: as a risk, not also as a breach (decisions).
    """
    audit = {row["budget_action_id"]: row for row in oracle.budget_action_audit(world)}
    escalation = {row["risk_id"]: row for row in oracle.risk_escalation(world)}
    reporting = world.policy["reporting_currency"]
    risks = [
        proposal("handle_risk", row["risk_id"], row, row["exposure_spend"], reporting)
        for row in oracle.risk_inbox(world)
        if row["severity"] == "critical" or row["review_state"] == "overdue"
    ]
    breaches = []
    for row in oracle.contract_violations(world):
        key = row["record_key"]
        amount, currency = None, None
        if row["rule"] == 4:
            amount, currency = audit[key]["amount"], audit[key]["currency"]
        elif row["rule"] == 5:
            amount, currency = escalation[key]["exposure_spend"], reporting
        if row["rule"] != 5 or key not in {risk["record_id"] for risk in risks}:
            breaches.append(proposal("resolve_breach", key, row, amount, currency))
    approvals = [
        proposal("decide_budget_action", key, row, row["amount"], row["currency"])
        for key, row in audit.items()
        if row["approval_state"] == "pending"
    ]
    spent = defaultdict(Fraction)
    for row in snapshots(world):
        spent[row["experiment_id"]] += row["spend"]
    winners = [
        proposal("scale_variant", key, row, cents(spent[key]) if key in spent else None, reporting)
        for row in experiment_results(world)
        if (key := row["experiment_id"])
        and row["verdict"] == "scale_variant"
        and not row["has_open_risk"]
    ]
    stops = [
        proposal(
            "stop_segment",
            f"{row['campaign_id']} | {row['segment_id']}",
            row,
            row["spend"],
            reporting,
        )
        for row in newest_windows(world)
        if row["recommendation"] == "stop"
    ]
    ranked = list(risks)
    for group in (breaches, approvals, winners, stops):
        ranked += sorted(group, key=at_stake)
    return [
        row
        | {
            "action_rank": rank,
            "campaign_name": world.campaigns[row["campaign_id"]]["name"],
            "has_reason": True,
            "has_what_to_do": True,
        }
        for rank, row in enumerate(ranked, start=1)
    ]


def proposal(action_type: str, record_id: str, about: Row, amount: object, currency: str) -> Row:
    """Return a proposed action; an unknown amount has no currency."""
    return {
        "action_type": action_type,
        "record_id": record_id,
        "campaign_id": about["campaign_id"],
        "amount_at_stake": amount,
        "currency": None if amount is None else currency,
    }


def at_stake(row: Row) -> tuple:
    """Return a key that puts the largest amount first, unknown ones last."""
    amount = row["amount_at_stake"]
    return least_first(None if amount is None else -amount), row["record_id"]


MARTS: dict[str, tuple[tuple[str, ...], Callable[[World], list[Row]]]] = {
    "experiment_results": (("experiment_id",), experiment_results),
    "fct_performance_daily": (
        ("asset_id", "experiment_id", "recorded_date"),
        fct_performance_daily,
    ),
    "conversion_reconciliation": ((*oracle.PLACE, "covered_from"), conversion_reconciliation),
    "campaign_performance": (("campaign_id",), campaign_performance),
    "journey_diagnosis": (oracle.PLACE, journey_diagnosis),
    "budget_action_impact": (("budget_action_id", "direction"), budget_action_impact),
    "decision_audit": (("decision_id",), decision_audit),
    "campaign_timeline": (("campaign_id", "event_order"), campaign_timeline),
    "attribution_summary": (("campaign_id", "channel_id", "method"), attribution_summary),
    "executive_scorecard": (("metric",), executive_scorecard),
    "next_actions": (("action_rank",), next_actions),
}
"""Each mart's key and the function that works it out."""
