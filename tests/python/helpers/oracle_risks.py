"""The expected missed_risks and risk_vigilance: data compared with signals, from one export.

Works as `oracle` does. Statistics come from SciPy and from `arms`, the recipe of experiments in
NumPy, with an asset and the rest of its campaign and channel as the two arms.
"""

import itertools
import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cache

import numpy as np
from helpers import arms, oracle
from helpers.oracle import Row, World, cents, double, end_of, minutes
from helpers.oracle_decisions import arms_policy, judged_days
from helpers.oracle_trust import wilson
from scipy import stats

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Check:
    """A check of a record against a definition, at a moment."""

    definition: str
    record_kind: str
    record_id: str
    on: date
    at: datetime
    until: date
    since: date  # its first day
    covered_from: date  # first day of its report
    is_met: bool
    is_refuted: bool = False


@cache
def definitions() -> dict[str, dict[str, str]]:
    """Return the definitions of risks."""
    return {row["definition"]: row for row in oracle.read_reference("risk_definitions")}


def concerns(risk_type: str) -> set[str]:
    """Return the concerns of a risk type."""
    rows = oracle.read_reference("risk_concerns")
    return {row["concern"] for row in rows if row["risk_type"] == risk_type}


def numbers(definition: str) -> tuple[float, float, float]:
    """Return limit, minimum sample and level, nan for null."""
    row = definitions()[definition]
    limit, sample, level = (
        float(row[name] or "nan") for name in ("limit_value", "minimum_sample", "level")
    )
    return limit, sample, level


def reports(world: World) -> dict[str, list[Row]]:
    """Return each asset's performance by day with rows, in order."""
    days: dict[str, dict[date, Row]] = defaultdict(dict)
    for row in world.performance:
        at = days[row["asset_id"]].setdefault(
            row["day"], dict.fromkeys(oracle.MEASURES, Fraction(0)) | {"at": row["known_at"]}
        )
        at["day"], at["at"] = row["day"], max(at["at"], row["known_at"])
        at["from"] = world.covered_from[row["asset_id"], row["day"]]
        for name in oracle.MEASURES:
            at[name] += Fraction(row[name])
    return {asset: [by_day[day] for day in sorted(by_day)] for asset, by_day in days.items()}


def check(
    name: str, asset_id: str, report: Row, since: date, is_met: bool, is_refuted: bool = False
) -> Check:
    """Return a check of an asset at a report."""
    day = report["day"]
    moments = day, report["at"], day, since, report["from"]
    return Check(name, "asset", asset_id, *moments, is_met, is_refuted)


def checks_of_clicks(asset_id: str, rows: list[Row]) -> Iterator[Check]:
    """Yield whether all clicks so far had no conversion, and a rate at the limit is ruled out."""
    limit, sample, level = numbers("clicks_without_conversion")
    clicks = conversions = 0
    for row in rows:
        clicks, conversions = clicks + int(row["clicks"]), conversions + row["conversions"]
        is_enough = clicks >= sample and stats.binom.pmf(0, clicks, limit) <= level
        found = is_enough and conversions == 0, is_enough and conversions > 0
        yield check("clicks_without_conversion", asset_id, row, rows[0]["from"], *found)


def checks_of_content(world: World, asset_id: str, rows: list[Row]) -> Iterator[Check]:
    """Yield whether an unapproved or flagged asset runs."""
    asset, shown = world.assets[asset_id], 0
    for row in rows:
        shown += row["impressions"]
        unapproved = shown > 0 and not asset["approved_by_human"]
        yield check("unapproved_asset_runs", asset_id, row, rows[0]["from"], unapproved)
        flagged = shown > 0 and bool(asset["risk_flags"])
        yield check("flagged_asset_runs", asset_id, row, rows[0]["from"], flagged)


def checks_of_spend(asset_id: str, rows: list[Row]) -> Iterator[Check]:
    """Yield whether a report's spend per day is far above earlier ones, and beyond their variation.

    A new observation against a normal sample: Student's t with its prediction error. The looks
    share the level: look k has 1/(k(k+1)) of it.
    """
    limit, sample, level = numbers("spend_spike")
    past: list[float] = []
    look = 0
    for row in rows:
        if not row["spend"]:
            continue
        value = math.log(row["spend"] / ((row["day"] - row["from"]).days + 1))
        if len(past) >= sample:
            look += 1
            excess = value - statistics.fmean(past)
            error = statistics.stdev(past) * math.sqrt(1 + 1 / len(past))
            chance = 0.0
            if error > 1e-7:
                chance = float(stats.t.sf(excess / error, len(past) - 1))
            is_met = excess >= math.log(limit) and chance <= level / (look * (look + 1))
            yield check("spend_spike", asset_id, row, row["from"], is_met, excess <= 0)
        past.append(value)


def checks_of_gaps(world: World, asset_id: str, every: dict[str, list[Row]]) -> Iterator[Check]:
    """Yield whether two reports, or the last and the as-of, are much further apart than before."""
    limit, sample, _ = numbers("tracking_gap")
    days = [row["day"] for row in every[asset_id]]
    runs = any(
        asset_id in (one["control_asset_id"], one["variant_asset_id"])
        and one["status"] == "running"
        for one in oracle.dim_experiments(world)
    )
    days += [world.today + DAY] if runs else []
    campaign = world.assets[asset_id]["campaign_id"]
    gaps: list[int] = []
    for before, day in itertools.pairwise(days):
        gap = (day - before).days
        is_enough = len(gaps) >= sample
        tolerated = math.floor(limit * max(gaps)) if gaps else 0
        others = {
            row["day"]
            for other, rows in every.items()
            for row in rows
            if other != asset_id
            and world.assets[other]["campaign_id"] == campaign
            and before < row["day"] < day
        }
        is_long = is_enough and gap > tolerated
        seen = before + tolerated * DAY if is_long and others else day
        yield Check(
            *("tracking_gap", "asset", asset_id, seen, end_of(seen), day - DAY),
            *(before + DAY, seen, is_long and len(others) >= limit),
        )
        gaps.append(gap)


def checks_of_rates(world: World) -> Iterator[Check]:
    """Yield whether an asset's rate is significantly below the limit times the other assets' rate.

    Both on the days that a report covers, in weights by report (Mantel-Haenszel), with Robbins'
    boundary at the limit, tuned to the limit.
    """
    limit, sample, level = numbers("low_conversion_rate")
    policy = arms_policy(world)
    own: dict[tuple[str, date, date], Row] = {}
    for row in world.performance:
        for day, part in oracle.parts_of_days(world, row).items():
            at = own.setdefault(
                (row["asset_id"], row["day"], day), {"i": 0, "c": 0, "at": row["known_at"]}
            )
            at["i"] += part["impressions"]
            at["c"] += part["conversions"]
            at["at"] = max(at["at"], row["known_at"])
    places = {key: (row["campaign_id"], row["channel_id"]) for key, row in world.assets.items()}
    channel: dict[tuple, Row] = {}
    for (asset_id, _, day), part in own.items():
        at = channel.setdefault((places[asset_id], day), {"i": 0, "c": 0, "at": part["at"]})
        at["i"] += part["i"]
        at["c"] += part["c"]
        at["at"] = max(at["at"], part["at"])
    paired: dict[str, dict[date, list]] = defaultdict(dict)
    for (asset_id, reported_on, day), part in own.items():
        whole = channel[places[asset_id], day]
        sums = paired[asset_id].setdefault(reported_on, [0, 0, 0, 0, 0, whole["at"], day])
        values = part["c"], part["i"], whole["c"] - part["c"], whole["i"] - part["i"], 1
        for place, value in enumerate(values):
            sums[place] += value
        sums[5], sums[6] = max(sums[5], whole["at"]), min(sums[6], day)
    for asset_id, by_day in paired.items():
        rows = [(day, row) for day, row in sorted(by_day.items()) if row[1] > 0 and row[3] > 0]
        if not rows:
            continue
        a, n1, c, n0, days = ([float(row[place]) for _, row in rows] for place in range(5))
        both = arms.compare(a, n1, c, n0, days_covered=days)
        # Without an own success, the variation is estimated from the others' days: Pearson's sum.
        tried, hits = np.array(n0), np.array(c)
        at = np.cumsum(hits) / np.cumsum(tried)
        pearson = np.cumsum(hits**2 / tried) - np.cumsum(hits) ** 2 / np.cumsum(tried)
        alone = arms.divide(pearson, at * (1 - at) * (np.arange(len(rows))))
        inflation = np.where(both.R > 0, both.inflation, np.fmax(1, alone))
        error = (limit * inflation * both.P.clip(0)) ** 0.5
        z = arms.divide(both.R - limit * both.S, error)
        u = arms.confidence_constant(level) * both.P * (math.log(limit) / 2.8) ** 2
        p = arms.sequential_p(z, u)
        known_at = rows[0][1][5]
        for number, (day, row) in enumerate(rows):
            known_at = max(known_at, row[5])
            is_enough = bool(
                both.D[number] >= policy.experiment_minimum_rows
                and both.days_covered[number] >= policy.experiment_minimum_days
                and both.expected[number] >= sample
            )
            is_sure = is_enough and bool(p[number] < level)
            gap = both.R[number] - limit * both.S[number]
            yield Check(
                *("low_conversion_rate", "asset", asset_id, day, known_at, day),
                *(min(row[6] for _, row in rows[: number + 1]), row[6]),
                *(is_sure and bool(gap < 0), is_sure and bool(gap > 0)),
            )


def checks_of_splits(world: World) -> Iterator[Check]:
    """Yield whether an experiment's arms were split as planned, by day with rows."""
    for experiment in oracle.dim_experiments(world):
        identity = experiment["experiment_id"]
        rows = [row for row in world.performance if row["experiment_id"] == identity]
        first = min((row["day"] for row in rows), default=None)
        for judged in judged_days(world, experiment, rows) if rows else ():
            p, day = judged["srm_p_value"], judged["day"]
            at = max(row["known_at"] for row in rows if row["day"] == day)
            is_met = p is not None and p < world.number("srm_alpha")
            yield Check("broken_split", "experiment", identity, day, at, day, first, day, is_met)


@oracle.once
def checks_of(world: World) -> list[Check]:
    """Return all checks of a world."""
    every = reports(world)
    checks = [*checks_of_rates(world), *checks_of_splits(world)]
    for asset_id, rows in every.items():
        checks += checks_of_clicks(asset_id, rows)
        checks += checks_of_content(world, asset_id, rows)
        checks += checks_of_spend(asset_id, rows)
        checks += checks_of_gaps(world, asset_id, every)
    return sorted(checks, key=lambda one: (one.definition, one.record_id, one.on))


@oracle.once
def findings(world: World) -> list[Row]:
    """Return the episodes: unbroken runs of checks that meet a definition."""
    series: dict[tuple, list[Check]] = defaultdict(list)
    for one in checks_of(world):
        series[one.definition, one.record_kind, one.record_id].append(one)
    rows = []
    for (definition, kind, record_id), checks in series.items():
        episodes: list[list[Check]] = []
        for number, one in enumerate(checks):
            if one.is_met and number and checks[number - 1].is_met:
                episodes[-1].append(one)
            elif one.is_met:
                episodes.append([one])
        rows += [episode_row(world, definition, kind, record_id, one, checks) for one in episodes]
    return rows


def assets_of(world: World, kind: str, record_id: str) -> set[str]:
    """Return the assets that a record is, or compares."""
    if kind == "asset":
        return {record_id}
    (row,) = (one for one in world.export["experiments"] if one["experiment_id"] == record_id)
    return {row["control_asset"], row["variant_asset"]}


def scope_of(world: World, signal: Row) -> set[tuple[str, str]]:
    """Return the assets and experiments that a signal is about.

    The assets that it names, else those of its experiment, else its campaign's.
    """
    named = set(signal["asset_ids"])
    if not named and signal["experiment_id"]:
        named = assets_of(world, "experiment", signal["experiment_id"])
    campaign = signal["campaign_id"]
    assets = {
        key
        for key, row in world.assets.items()
        if (key in named if named else row["campaign_id"] == campaign)
    }
    experiments = {
        row["experiment_id"]
        for row in world.export["experiments"]
        if {row["control_asset"], row["variant_asset"]} & assets
    }
    experiments |= {signal["experiment_id"]} - {None}
    return {("asset", one) for one in assets} | {("experiment", one) for one in experiments}


def episode_row(
    world: World,
    definition: str,
    kind: str,
    record_id: str,
    episode: list[Check],
    checks: list[Check],
) -> Row:
    """Return a finding, with its cost, its report and the nearest signal."""
    told = definitions()[definition]
    first, last = episode[0], max(one.until for one in episode)
    assets = assets_of(world, kind, record_id)
    spent, spent_by_asset = defaultdict(Fraction), defaultdict(Fraction)
    for row in world.performance:
        if row["asset_id"] in assets:
            for day, part in oracle.parts_of_days(world, row).items():
                if first.covered_from <= day <= last:
                    spent[day] += part["spend"]
                    spent_by_asset[row["asset_id"], day] += part["spend"]
    signals = [one for one in world.signals if (kind, record_id) in scope_of(world, one)]
    known = end_of(last + DAY * world.policy["risk_report_days"])
    answers = [
        one
        for one in signals
        if concerns(one["risk_type"]) & concerns(told["risk_type"])
        and one["known_at"] <= known
        and one["known_at"].date() >= min(part.since for part in episode)
    ]
    report = min(answers, key=lambda one: (one["known_at"], one["risk_id"]), default=None)
    near = min(
        signals, key=lambda one: (abs(one["known_at"] - first.at), one["risk_id"]), default=None
    )
    campaign = (
        world.assets[record_id]["campaign_id"]
        if kind == "asset"
        else next(
            one["campaign_id"]
            for one in world.export["experiments"]
            if one["experiment_id"] == record_id
        )
    )
    running = world.policy["running_asset_days"]
    due_at = first.at + timedelta(hours=world.policy["risk_report_hours"])
    return {
        "finding_id": f"{definition} {record_id} {first.on}",
        "definition": definition,
        "risk_type": told["risk_type"],
        "severity": told["severity"],
        "severity_rank": oracle.severity_rank(world, told["severity"]),
        "record_kind": kind,
        "record_id": record_id,
        "campaign_id": campaign,
        "first_seen_on": first.on,
        "first_seen_at": first.at,
        "last_seen_on": last,
        "is_current": episode[-1] is checks[-1] and end_of(last + DAY * running) >= world.as_of,
        "cost": sum(spent.values(), Fraction(0)),
        "days": spent_by_asset,
        "report_state": ("reported" if report else "not_due" if world.as_of < due_at else "missed"),
        "answers": {one["risk_id"] for one in answers},
        "report": report,
        "minutes": max(minutes(report["known_at"] - first.at), 0) if report else None,
        "cost_until": (
            sum(one for day, one in spent.items() if day <= report["known_at"].date())
            if report
            else None
        ),
        "nearest_risk_id": near["risk_id"] if near else None,
        "nearest_risk_type": near["risk_type"] if near else None,
        "nearest_minutes_after": double(minutes(near["known_at"] - first.at)) if near else None,
    }


NOT_SHOWN = {"cost", "days", "answers", "report", "minutes", "cost_until"}


def risk_findings(world: World) -> list[Row]:
    """Return the findings, with their costs and the signals that report them."""
    return [
        {name: value for name, value in row.items() if name not in NOT_SHOWN}
        | {
            "cost_since": cents(row["cost"]),
            "cost_until_report": cents(row["cost_until"]),
            "minutes_to_report": double(row["minutes"]),
            "reported_by_risk_id": row["report"]["risk_id"] if row["report"] else None,
            "report_link": link(row["report"]) if row["report"] else None,
        }
        for row in findings(world)
    ]


def link(signal: Row) -> str:
    """Return whether a signal names anything."""
    return "named" if signal["asset_ids"] or signal["experiment_id"] else "inferred"


OF_REPORTS = {
    *("report_state", "reported_by_risk_id", "report_link", "minutes_to_report"),
    "cost_until_report",
}


def missed_risks(world: World) -> list[Row]:
    """Return the findings that no signal reports, once one was due."""
    return [
        {name: value for name, value in row.items() if name not in OF_REPORTS}
        for row in risk_findings(world)
        if row["report_state"] == "missed"
    ]


def spent_once(rows: list[Row], until_report: bool) -> Fraction | None:
    """Return the spend of assets on the days of findings, each day of an asset once."""
    days: dict[tuple, Fraction] = {}
    for row in rows:
        until = row["report"]["known_at"].date() if until_report else date.max
        days |= {key: spend for key, spend in row["days"].items() if key[1] <= until}
    return sum(days.values(), Fraction(0)) if rows else None


def facts_check(world: World, signal: Row, found: list[Row], checks: list[Check]) -> str:
    """Return whether the data supports a signal."""
    if any(signal["risk_id"] in row["answers"] for row in found):
        return "borne_out"
    newest: dict[tuple[str, str], Check] = {}
    scope = scope_of(world, signal)
    for one in checks:
        if (
            definitions()[one.definition]["risk_type"] == signal["risk_type"]
            and (one.record_kind, one.record_id) in scope
            and one.at <= signal["known_at"]
        ):
            newest[one.definition, one.record_id] = one
    is_refuted = bool(newest) and all(one.is_refuted for one in newest.values())
    return "not_borne_out" if is_refuted else "not_checkable"


def facts_checks(world: World) -> list[Row]:
    """Return each signal's facts_check, as risk_escalation has it."""
    found, checks = findings(world), checks_of(world)
    return [
        {"risk_id": one["risk_id"], "facts_check": facts_check(world, one, found, checks)}
        for one in world.signals
    ]


def share(part: int, whole: int, cases: int, prefix: str) -> Row:
    """Return a share and its interval for a number of cases."""
    low, high = wilson(Fraction(part, whole), cases) if whole else (None, None)
    value = part / whole if whole else None
    return {f"{prefix}_share": value, f"{prefix}_ci_low": low, f"{prefix}_ci_high": high}


def risk_vigilance(world: World) -> list[Row]:
    """Return one row per risk type."""
    found, told = findings(world), {row["risk_id"]: row for row in facts_checks(world)}
    rows = []
    least = world.number("track_record_minimum")
    kinds = {row["risk_type"] for row in oracle.read_reference("risk_concerns")}
    for risk_type in (*kinds, "all"):
        own = [row for row in found if risk_type in ("all", row["risk_type"])]
        own = [row for row in own if row["report_state"] != "not_due"]
        seen = [row for row in own if row["report"]]
        missed = [row for row in own if not row["report"]]
        signals = [
            told[one["risk_id"]]["facts_check"]
            for one in world.signals
            if risk_type in ("all", one["risk_type"])
        ]
        held, not_held = signals.count("borne_out"), signals.count("not_borne_out")
        minutes_taken = [row["minutes"] for row in seen]
        cases = len(
            {row["report"]["risk_id"] if row["report"] else row["record_id"] for row in own}
        )
        rows.append(
            {
                "risk_type": risk_type,
                "findings": len(own),
                "reported": len(seen),
                "missed": len(missed),
                "cases": cases,
                "status": "judged" if cases >= least else "not_enough",
                "borne_out_status": "judged" if held + not_held >= least else "not_enough",
                "median_minutes_to_report": (
                    float(statistics.median(minutes_taken)) if seen else None
                ),
                "cost_until_report": cents(spent_once(seen, until_report=True)),
                "cost_missed": cents(spent_once(missed, until_report=False)),
                "signals": len(signals),
                "borne_out": held,
                "not_borne_out": not_held,
                "not_checkable": len(signals) - held - not_held,
            }
            | share(len(seen), len(own), cases, "reported")
            | share(held, held + not_held, held + not_held, "borne_out")
        )
    return rows


MARTS: dict[str, tuple[tuple[str, ...], Callable[[World], list[Row]]]] = {
    "risk_findings": (("finding_id",), risk_findings),
    "missed_risks": (("finding_id",), missed_risks),
    "risk_vigilance": (("risk_type",), risk_vigilance),
    "risk_escalation": (("risk_id",), facts_checks),
}
"""Each mart's key and the function that works it out."""
