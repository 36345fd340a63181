"""The expected marts: a second reading of the specification, without SQL.

`marts(export)` computes, in exact arithmetic, the interface columns of every mart from the JSON
records. It shares only the policy (vars of dbt_project.yml) and the reference seeds with the
models. Sources of the rules, named in each docstring: "design" is the project's design
page, "issue" the issue that asked for the warehouse, "V1" and "V2" the two specifications.

Counts are int, money Decimal with two places, rates float; a null is None.
"""

import copy
import csv
import decimal
import functools
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from statistics import NormalDist
from typing import Any

import scipy.stats
import yaml

PROJECT = Path(__file__).resolve().parents[3]
UNRESOLVED = ("open", "in_review")
ENDS = ("from_channel_id", "to_channel_id")
MEASURES = ("impressions", "clicks", "conversions", "spend", "revenue_proxy")

Row = dict[str, Any]
Export = dict[str, list[Row]]


# ---- Values ---------------------------------------------------------------------------------


def exact(value: object) -> Fraction:
    """Return a number as written, not as a double."""
    return Fraction(str(value))


def cents(value: Fraction | None) -> Decimal | None:
    """Return money with two places, half a cent away from zero."""
    if value is None:
        return None
    sign, hundredths = (-1 if value < 0 else 1), abs(value) * 100
    return Decimal(sign * int(hundredths + Fraction(1, 2))).scaleb(-2)


def double(value: Fraction | None) -> float | None:
    """Return the double nearest to a fraction."""
    return None if value is None else float(value)


def ratio(numerator: Fraction | int | None, denominator: Fraction | int | None) -> Fraction | None:
    """Return a rate; none where the denominator is null or zero (design, "Rates")."""
    return Fraction(numerator) / denominator if numerator is not None and denominator else None


def moment(text: str) -> datetime:
    """Return a timestamp as UTC without a zone (design, "Time")."""
    read = datetime.fromisoformat(text)
    return read.astimezone(UTC).replace(tzinfo=None) if read.tzinfo else read


def end_of(day: date) -> datetime:
    """Return the last moment of a day."""
    return datetime.combine(day, time.max)


def minutes(span: timedelta) -> Fraction:
    """Return a span of time in minutes."""
    return Fraction(span // timedelta(microseconds=1), 60_000_000)


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95% Wilson score interval of a share.

    Source: E. B. Wilson (1927), Probable inference, the law of succession, and statistical
    inference.
    """
    with decimal.localcontext(decimal.Context(prec=50)):
        z = Decimal(NormalDist().inv_cdf(0.975))
        n, share = Decimal(trials), Decimal(successes) / Decimal(trials)
        scale = 1 + z * z / n
        centre = (share + z * z / (2 * n)) / scale
        margin = z * (share * (1 - share) / n + z * z / (4 * n * n)).sqrt() / scale
        return float(max(centre - margin, Decimal(0))), float(min(centre + margin, Decimal(1)))


# ---- What is known --------------------------------------------------------------------------


def read_policy() -> dict[str, Any]:
    """Return the vars of dbt_project.yml."""
    return yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]


def read_reference(name: str) -> list[dict[str, str]]:
    """Return the rows of a reference seed, as text."""
    with (PROJECT / f"seeds/reference/{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True)
class World:
    """An export as known at `as_of`, and the policy.

    Entities are whole records by id. Only known events are here; an action with a later approval is
    a proposal.
    """

    export: Export
    policy: dict[str, Any]
    as_of: datetime
    newest_event_at: datetime
    campaigns: dict[str, Row]
    segments: dict[str, Row]
    assets: dict[str, Row]
    severities: dict[str, dict[str, str]]
    kpis: dict[str, dict[str, str]]
    performance: list[Row]
    funnel: list[Row]
    decisions: list[Row]
    signals: list[Row]
    actions: list[Row]
    rollups: list[Row]
    worked_out: dict[Callable, list] = field(init=False, repr=False, default_factory=dict)

    @property
    def today(self) -> date:
        """The day of the as-of."""
        return self.as_of.date()

    @property
    def covers_all_events(self) -> bool:
        """Whether all exported events are included: the as-of is at the latest event or later."""
        return self.newest_event_at <= self.as_of

    @functools.cached_property
    def covered_from(self) -> dict[tuple[str, date], date]:
        """The first day that an asset's rows of a day cover."""
        return coverage(self)

    @functools.cached_property
    def subjects(self) -> dict[str, dict[str, set[tuple[str, str]]]]:
        """The records that each decision names, by decision and field."""
        return decision_subjects(self)

    def number(self, name: str) -> Fraction:
        """Return a number of the policy."""
        return exact(self.policy[name])


def once(work_out: Callable[[World], list]) -> Callable[[World], list]:
    """Compute a function once per world, since others build on it; return copies."""

    @functools.wraps(work_out)
    def kept(world: World) -> list:
        if work_out not in world.worked_out:
            world.worked_out[work_out] = work_out(world)
        return [copy.copy(one) for one in world.worked_out[work_out]]

    return kept


def read_world(export: Export, variables: Row | None = None, as_of: str | None = None) -> World:
    """Return the world of an export as of a date or timestamp; by default, of its latest event."""
    policy = read_policy() | (variables or {})
    assets = by_id(export, "creative_assets", "asset_id")
    performance = [performance_row(row, assets) for row in export["performance_metrics"]]
    funnel = [funnel_event(row) for row in export["funnel_events"]]
    decisions = [row | {"known_at": moment(row["timestamp"])} for row in decided(export)]
    signals = [
        row | {"known_at": moment(row["timestamp"])} for row in export["campaign_risk_signals"]
    ]
    actions = [budget_action(row, policy) for row in export["budget_actions"]]
    rollups = [rollup(row) for row in export.get("segment_rollups", [])]
    newest = newest_event(export, performance, funnel, decisions, signals, actions)
    until = as_of_moment(as_of or policy["as_of"], newest)

    def known(rows: Iterable[Row]) -> list[Row]:
        return [row for row in rows if row["known_at"] <= until]

    return World(
        export=export,
        policy=policy,
        as_of=until,
        newest_event_at=newest,
        campaigns=named(by_id(export, "campaigns", "campaign_id")),
        segments=named(by_id(export, "audience_segments", "segment_id")),
        assets=assets,
        severities={row["severity"]: row for row in read_reference("risk_severities")},
        kpis={row["kpi"]: row for row in read_reference("kpi_definitions")},
        performance=known(performance),
        funnel=known(funnel),
        decisions=known(decisions),
        signals=known(signals),
        actions=[action_as_of(row, until) for row in known(actions)],
        rollups=[row for row in rollups if is_rollup_known(row, until, newest)],
    )


def by_id(export: Export, dataset: str, key: str) -> dict[str, Row]:
    """Return a dataset's records by their id."""
    return {row[key]: row for row in export[dataset]}


def unlike(labels: dict[str, str]) -> dict[str, str]:
    """Return labels by id; one that several share has the id (issue on judgments, 11)."""
    shared = Counter(labels.values())
    return {
        identity: f"{label} ({identity})" if shared[label] > 1 else label
        for identity, label in labels.items()
    }


def named(records: dict[str, Row]) -> dict[str, Row]:
    """Return records by id, each with a unique name."""
    names = unlike({identity: row["name"] for identity, row in records.items()})
    return {identity: row | {"name": names[identity]} for identity, row in records.items()}


def decided(export: Export) -> list[Row]:
    """Return the decisions."""
    return export["orchestrator_decisions"]


def as_of_moment(given: object, newest: datetime) -> datetime:
    """Return the as-of: a date means the end of that day, null the latest event (design)."""
    if given is None:
        return newest
    text = str(given)
    return end_of(date.fromisoformat(text)) if len(text) == len("2026-03-16") else moment(text)


def newest_event(export: Export, *known: list[Row]) -> datetime:
    """Return when the latest event became known (design, "Now is data").

    By default all exported events are included: a day's funnel counts are known at its end (V2,
    settled), and an approval or the creation of an entity is an event too. Planned dates are not.
    """
    hints = [moment(row["timestamp"]) for row in export.get("attribution_hints", [])]
    created = [
        moment(row["created_at"])
        for dataset in ("campaigns", "creative_assets")
        for row in export[dataset]
    ]
    times = [row["known_at"] for rows in known for row in rows]
    approvals = [row.get("approved_at") for rows in known for row in rows]
    return max(hints + created + times + [at for at in approvals if at])


def performance_row(row: Row, assets: dict[str, Row]) -> Row:
    """Return a performance record, typed, with the campaign and segment of its asset (V1)."""
    asset, at = assets[row["asset_id"]], moment(row["timestamp"])
    return {
        "known_at": at,
        "day": at.date(),
        "asset_id": row["asset_id"],
        "experiment_id": row.get("experiment_id"),
        "campaign_id": asset["campaign_id"],
        "segment_id": asset["segment_id"],
        "channel_id": asset["channel_id"],
        "impressions": row["impressions"],
        "clicks": row["clicks"],
        "conversions": row["conversions"],
        "spend": exact(row["cost"]),
        "revenue_proxy": exact(row["revenue_proxy"]),
    }


def funnel_event(row: Row) -> Row:
    """Return a funnel event, typed; a day's counts are known at its end (V2, settled)."""
    day = date.fromisoformat(row["date"]) if row.get("date") else moment(row["timestamp"]).date()
    typed = {"day": day, "known_at": end_of(day), "confidence": exact(row["confidence"])}
    return row | typed


def budget_action(row: Row, policy: Row) -> Row:
    """Return a budget action, typed; the approval came its latency after the proposal (V2)."""
    proposed_at, latency = moment(row["timestamp"]), row["approval_latency_minutes"]
    # Rejected, yet approved, counts as rejected (issue on judgments, 8).
    approved = row["approved_by_human"] and row["status"] != "rejected"
    approver = (row["approver_id"] or "").strip()
    timed = approved and latency is not None
    return row | {
        "exported": row,
        "approved_by_human": approved,
        "known_at": proposed_at,
        "amount": exact(cents(exact(row["amount"]))),  # whole cents move, and are judged
        "currency": row.get("currency") or policy["reporting_currency"],
        "approved_at": proposed_at + timedelta(minutes=latency) if timed else None,
        "approver_id": row["approver_id"] if approved and approver else None,
        "approval_latency_minutes": latency if approved else None,
    }


def action_as_of(action: Row, until: datetime) -> Row:
    """Return an action as known then: pending until its approval (design, "Now is data")."""
    if action["approved_at"] is None or action["approved_at"] <= until:
        return action
    not_yet = dict.fromkeys(("approved_at", "approver_id", "approval_latency_minutes"))
    proposal = not_yet | {"approved_by_human": False, "status": "proposed"}
    return action | proposal | {"exported": action["exported"] | proposal}


def is_rollup_known(reported: Row, until: datetime, newest: datetime) -> bool:
    """Return whether a rollup was reported by then: its only time is its window's end.

    An as-of that includes all events includes all rollups, even those with a later window.
    """
    return until >= newest or reported["window_end"] <= until.date()


def rollup(row: Row) -> Row:
    """Return a reported rollup with its dates typed."""
    dates = {name: date.fromisoformat(row[name]) for name in ("window_start", "window_end")}
    return row | dates


# ---- What a decision names ------------------------------------------------------------------


def decision_subjects(world: World) -> dict[str, dict[str, set[tuple[str, str]]]]:
    """Return the records that each decision names, as (kind, id), by field (issue, number 1).

    A record that was not known yet could not be named.
    """
    records = [
        *(("campaign", campaign_id) for campaign_id in world.campaigns),
        *(("segment", segment_id) for segment_id in world.segments),
        *(("channel", row["channel_id"]) for row in world.export["channels"]),
        *(("asset", asset_id) for asset_id in world.assets),
        *(("experiment", row["experiment_id"]) for row in world.export["experiments"]),
        *(("budget_action", row["budget_action_id"]) for row in world.actions),
        *(("risk", row["risk_id"]) for row in world.signals),
    ]
    return {
        decision["decision_id"]: {
            field: {record for record in records if is_named(record[1], decision[field] or "")}
            for field in ("trigger", "action_taken")
        }
        for decision in world.decisions
    }


def is_named(record_id: str, text: str) -> bool:
    """Return whether a text has an id that contains a letter, as a separate word."""
    if not any(unicodedata.category(sign).startswith("L") for sign in record_id):
        return False
    at = text.find(record_id)
    while at >= 0:
        around = text[max(at - 1, 0) : at] + text[at + len(record_id) :][:1]
        if not any(is_of_a_word(sign) for sign in around):
            return True
        at = text.find(record_id, at + 1)
    return False


def is_of_a_word(sign: str) -> bool:
    """Return whether a character is a letter, mark or digit, or one of `_` and `-`."""
    kind = unicodedata.category(sign)
    return kind[0] in "LM" or kind == "Nd" or sign in "_-"


# ---- What a day costs -----------------------------------------------------------------------


def coverage(world: World) -> dict[tuple[str, date], date]:
    """Return the first day that the rows of an asset and day cover (issue, number 12).

    It is the day after the asset's previous row, in any experiment. The first row covers from
    the latest of experiment start, campaign start and creation, and at least its own day; rows of
    several experiments share the earliest of these.
    """
    starts = {
        row["experiment_id"]: date.fromisoformat(row["start_date"])
        for row in world.export["experiments"]
    }
    days = defaultdict(lambda: defaultdict(list))
    for row in world.performance:
        days[row["asset_id"]][row["day"]].append(row["experiment_id"])
    first_days = {}
    for asset_id, recorded in days.items():
        asset = world.assets[asset_id]
        begun = max(
            moment(asset["created_at"]).date(),
            date.fromisoformat(world.campaigns[asset["campaign_id"]]["start_date"]),
        )
        before = None
        for day in sorted(recorded):
            if before is None:
                start = min(max(begun, starts.get(within, begun)) for within in recorded[day])
                first_days[asset_id, day] = min(day, start)
            else:
                first_days[asset_id, day] = before + timedelta(days=1)
            before = day
    return first_days


def spend_by_day(world: World, performance: list[Row]) -> dict[date, Fraction]:
    """Return spend by day, each row's spread over the days that it covers."""
    spent: dict[date, Fraction] = defaultdict(Fraction)
    for row in performance:
        for day, part in parts_of_days(world, row).items():
            spent[day] += part["spend"]
    return spent


MEASURES = ("impressions", "clicks", "conversions", "spend", "revenue_proxy")


def parts_of_days(world: World, row: Row) -> dict[date, Row]:
    """Return each day's part of a row of performance (issue on time).

    In whole counts; money in cents where all of it is in cents, else in millionths.
    """
    first = world.covered_from[row["asset_id"], row["day"]]
    return spread(first, (row["day"] - first).days + 1, tuple(row[name] for name in MEASURES))


@functools.cache
def spread(first: date, length: int, totals: tuple) -> dict[date, Row]:
    """Return each day's part of totals.

    Day k of n has round(total * k / n) - round(total * (k - 1) / n), the last day the rest.
    """

    def so_far(name: str, total: Fraction, number: int) -> Fraction:
        unit = 1
        if name in ("spend", "revenue_proxy"):
            unit = 100 if (total * 100).denominator == 1 else 10**6
        if number == length:
            return total
        return Fraction(math.floor(total * unit * number / length + Fraction(1, 2)), unit)

    of = [(name, Fraction(total)) for name, total in zip(MEASURES, totals, strict=True)]
    return {
        first + timedelta(days=number - 1): {
            name: so_far(name, total, number) - so_far(name, total, number - 1)
            for name, total in of
        }
        for number in range(1, length + 1)
    }


def mean_of_newest(world: World, spent: dict[date, Fraction]) -> Fraction | None:
    """Return the mean over the latest covered days, as many as policy sets; none without any."""
    newest = sorted(spent, reverse=True)[: world.policy["daily_spend_days"]]
    return ratio(sum(spent[day] for day in newest), len(newest))


def spend_per_day(world: World, performance: list[Row]) -> Decimal | None:
    """Return the recent cost per day of rows, in whole cents (issue, "Stake")."""
    return cents(mean_of_newest(world, spend_by_day(world, performance)))


def spend_around(world: World, performance: list[Row]) -> tuple[Fraction | None, Fraction | None]:
    """Return the latest covered day's spend, and the cost per day before that row's days."""
    spent = spend_by_day(world, performance)
    if not spent:
        return None, None
    newest = max(spent)
    since = min(
        world.covered_from[row["asset_id"], row["day"]]
        for row in performance
        if row["day"] == newest
    )
    before = {day: amount for day, amount in spent.items() if day < since}
    return spent[newest], mean_of_newest(world, before)


# ---- Core -----------------------------------------------------------------------------------


def dim_campaigns(world: World) -> list[Row]:
    """Return the campaigns; they have no history."""
    rows = []
    for row in world.campaigns.values():
        start, end = date.fromisoformat(row["start_date"]), date.fromisoformat(row["end_date"])
        rows.append(
            {
                "campaign_id": row["campaign_id"],
                "campaign_name": row["name"],
                "objective": row["objective"],
                "primary_kpi": row["primary_kpi"],
                "status": row["status"],
                "hypothesis": row["hypothesis"],
                "budget": cents(exact(row["budget"])),
                "currency": world.policy["reporting_currency"],
                "start_date": start,
                "end_date": end,
                "planned_days": (end - start).days + 1,
                "created_at": moment(row["created_at"]),
            }
        )
    return rows


def dim_segments(world: World) -> list[Row]:
    """Return the audience segments."""
    return [
        {
            "segment_id": row["segment_id"],
            "segment_name": row["name"],
            "segment_description": row["description"],
            "segment_priority": row["priority"],
            "size_estimate": row["size_estimate"],
        }
        for row in world.segments.values()
    ]


def dim_channels(world: World) -> list[Row]:
    """Return the channels."""
    labels = unlike(
        {
            row["channel_id"]: f"{row['type'].replace('_', ' ')} ({row['platform']})"
            for row in world.export["channels"]
        }
    )
    return [
        {
            "channel_id": row["channel_id"],
            "channel_label": labels[row["channel_id"]],
            "channel_type": row["type"],
            "platform": row["platform"],
            "cost_model": row["cost_model"],
        }
        for row in world.export["channels"]
    ]


def dim_assets(world: World) -> list[Row]:
    """Return the creative assets."""
    labels = unlike(
        {key: f"{row['message_theme']} ({row['variant']})" for key, row in world.assets.items()}
    )
    return [
        {
            "asset_id": row["asset_id"],
            "asset_label": labels[row["asset_id"]],
            "campaign_id": row["campaign_id"],
            "segment_id": row["segment_id"],
            "channel_id": row["channel_id"],
            "campaign_name": world.campaigns[row["campaign_id"]]["name"],
            "segment_name": world.segments[row["segment_id"]]["name"],
            "variant": row["variant"],
            "message_theme": row["message_theme"],
            "call_to_action": row["cta"],
            "has_risk_flags": bool(row["risk_flags"]),
            "is_approved_by_human": row["approved_by_human"],
            "created_at": moment(row["created_at"]),
        }
        for row in world.assets.values()
    ]


def dim_experiments(world: World) -> list[Row]:
    """Return the experiments; a future end is not known (issue, number 6).

    At the latest event the exported status holds, whatever was planned, except that one without a
    start and data is planned. At an earlier as-of the dates decide.
    """
    measured = {row["experiment_id"] for row in world.performance}
    rows = []
    for row in world.export["experiments"]:
        start = date.fromisoformat(row["start_date"])
        end = date.fromisoformat(row["end_date"]) if row["end_date"] else None
        has_begun = start <= world.today
        status = row["status"]
        if world.covers_all_events:
            if status != "completed" and not has_begun and row["experiment_id"] not in measured:
                status = "planned"
        elif not has_begun:
            status = "planned"
        elif end is not None and end > world.today:
            status = "running"
        rows.append(
            {
                "experiment_id": row["experiment_id"],
                "campaign_id": row["campaign_id"],
                "control_asset_id": row["control_asset"],
                "variant_asset_id": row["variant_asset"],
                "metric": row["metric"],
                "status": status,
                "start_date": start,
                "end_date": end if end is not None and end <= world.today else None,
            }
        )
    return rows


def experiment_members(world: World) -> list[Row]:
    """Return the rows of dim_experiments: each experiment, and none (docs/bi.md)."""
    experiments = dim_experiments(world)
    none = dict.fromkeys(experiments[0] if experiments else ("experiment_id",))
    labelled = none | {"experiment_key": "none", "experiment_label": "No experiment"}
    return [
        *({"experiment_key": row["experiment_id"]} | row for row in experiments),
        labelled,
    ]


# ---- Funnel ---------------------------------------------------------------------------------


def fct_funnel_daily(world: World) -> list[Row]:
    """Return one row per campaign, segment, channel and day (design; issue, "Funnel").

    A stage without an event is null, not zero; a day is trusted when all its events are.
    """
    trusted = world.number("trusted_confidence_minimum")
    groups = defaultdict(list)
    for event in world.funnel:
        place = (event["campaign_id"], event["segment_id"], event["channel_id"])
        groups[*place, event["day"]].append(event)
    rows = []
    for (campaign, segment, channel, day), events in groups.items():
        row = {
            "campaign_id": campaign,
            "segment_id": segment,
            "channel_id": channel,
            "event_date": day,
            "confidence": double(min(event["confidence"] for event in events)),
            "is_trusted": all(event["confidence"] >= trusted for event in events),
        }
        for stage in world.policy["funnel_stages"]:
            counts = [event["count"] for event in events if event["stage"] == stage]
            row[f"{stage}_count"] = sum(counts) if counts else None
        rows.append(row)
    return rows


@dataclass(frozen=True)
class Step:
    """A stage of a path in one place, and how it compares with the stage measured before it."""

    place: tuple[str, str, str]
    stage: str
    days: dict[date, Row]
    """The stage's event by day; empty where it was not measured."""
    previous: str | None
    came: int | None
    went_on: int | None
    shared_days: int
    cumulative_rate: Fraction | None

    @property
    def is_compared(self) -> bool:
        """Whether there is a day on which both stages were measured."""
        return self.came is not None


def funnel_steps(world: World) -> list[Step]:
    """Return every stage of each campaign's path in each of its places (issue, "Funnel").

    A path is the campaign's stages with any event, in the specification's order. The stage before
    is the nearest earlier one measured in the same place (design, "Rates").
    """
    order = world.policy["funnel_stages"]
    measured: dict[tuple[str, str, str], dict[str, dict[date, Row]]] = {}
    paths = defaultdict(set)
    for event in world.funnel:
        place = (event["campaign_id"], event["segment_id"], event["channel_id"])
        stages = measured.setdefault(place, {})
        stages.setdefault(event["stage"], {})[event["day"]] = event
        paths[event["campaign_id"]].add(event["stage"])
    steps = []
    for place, stages in measured.items():
        entry = previous = None
        for stage in order:
            if stage not in paths[place[0]]:
                continue
            days = stages.get(stage, {})
            if not days:
                steps.append(Step(place, stage, {}, None, None, None, 0, None))
                continue
            entry = entry or stage
            came, went_on, shared = compared(stages.get(previous), days)
            entered, arrived, _ = compared(stages[entry], days)
            cumulative = ratio(arrived, entered)
            count = len(days) if previous is None else shared
            steps.append(Step(place, stage, days, previous, came, went_on, count, cumulative))
            previous = stage
    return steps


def compared(
    before: dict[date, Row] | None, after: dict[date, Row]
) -> tuple[int | None, int | None, int]:
    """Return both counts on the days on which both were measured, and how many days."""
    shared = set(before or {}) & set(after)
    if not shared:
        return None, None, 0
    return (
        sum(before[day]["count"] for day in shared),
        sum(after[day]["count"] for day in shared),
        len(shared),
    )


Pair = tuple[str | None, str]
"""A stage, and the one measured before it."""


def portfolio_counts(steps: list[Step]) -> dict[Pair, tuple[int, int]]:
    """Return the counts after and before each step, over all places (issue, "Funnel")."""
    counts: dict[Pair, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for step in steps:
        if step.is_compared:
            went_on, came = counts[step.previous, step.stage]
            counts[step.previous, step.stage] = went_on + step.went_on, came + step.came
    return counts


def funnel_conversion(world: World) -> list[Row]:
    """Return one row per campaign, segment, channel and stage of the path (issue, "Funnel")."""
    steps = funnel_steps(world)
    portfolio = portfolio_counts(steps)
    trusted = world.number("trusted_confidence_minimum")
    rows = []
    for step in steps:
        events = list(step.days.values())
        rate = ratio(step.went_on, step.came)
        has_interval = rate is not None and rate <= 1
        low, high = wilson(step.went_on, step.came) if has_interval else (None, None)
        everyone = portfolio[step.previous, step.stage]
        elsewhere = ratio(everyone[0] - (step.went_on or 0), everyone[1] - (step.came or 0))
        sure = [event["count"] for event in events if event["confidence"] >= trusted]
        rows.append(
            {
                "campaign_id": step.place[0],
                "segment_id": step.place[1],
                "channel_id": step.place[2],
                "campaign_name": world.campaigns[step.place[0]]["name"],
                "segment_name": world.segments[step.place[1]]["name"],
                "stage": step.stage,
                "stage_order": world.policy["funnel_stages"].index(step.stage) + 1,
                "stage_count": sum(event["count"] for event in events) if events else None,
                "trusted_count": sum(sure) if events else None,
                "measured_days": step.shared_days,
                "previous_stage": step.previous,
                "previous_stage_count": step.came,
                "compared_count": step.went_on,
                "step_conversion_rate": double(rate),
                "portfolio_step_rate": double(ratio(*everyone)),
                "elsewhere_step_rate": double(elsewhere),
                "cumulative_conversion_rate": double(step.cumulative_rate),
                "dropped_count": step.came - step.went_on if step.is_compared else None,
                "ci_low": low,
                "ci_high": high,
                "confidence": double(min((e["confidence"] for e in events), default=None)),
                "drop_off_status": drop_off_status(world, step, high, elsewhere),
            }
        )
    return rows


def drop_off_status(
    world: World, step: Step, ci_high: float | None, elsewhere: Fraction | None
) -> str:
    """Return the first status that holds (issue, "Funnel"; number 4).

    A step is low where its interval is below a share of the step's rate elsewhere. Without a rate
    elsewhere, a step that none of enough people pass is blocked too.
    """
    if not step.days:
        return "not_measured"
    if step.previous is None:
        return "entry"
    if not step.is_compared:
        return "not_measured"
    if step.went_on > step.came:
        return "anomalous"
    if step.came == 0:
        return "no_traffic"
    if step.came < world.number("funnel_minimum_previous_count"):
        return "healthy"
    is_low = bool(elsewhere) and ci_high < world.number("weak_step_ratio") * elsewhere
    if step.went_on == 0:
        return "blocked" if is_low or not elsewhere else "healthy"
    return "weak" if is_low else "healthy"


# ---- Segments -------------------------------------------------------------------------------


def totals(rows: list[Row]) -> Row | None:
    """Return the sums of performance rows; none without any."""
    return {name: sum(row[name] for row in rows) for name in MEASURES} if rows else None


def kpi_value(world: World, kpi: str, summed: Row | None) -> Fraction | None:
    """Return a KPI of summed performance, by its definition (V1, the reference seed)."""
    if summed is None or kpi not in world.kpis:
        return None
    definition = world.kpis[kpi]
    return ratio(summed[definition["numerator"]], summed[definition["denominator"]])


def trend(value: Fraction | None, before: Fraction | None) -> Fraction | None:
    """Return the relative change from the previous window, clamped to -1..1 (issue)."""
    if value is None or not before:
        return None
    return max(Fraction(-1), min(Fraction(1), (value - before) / before))


def segment_rollups(world: World) -> list[Row]:
    """Return performance in windows (issue, "Segment rollups"; number 3).

    Windows follow each other; one of them ends on the latest reported window end, else on the
    as-of.
    """
    length = world.policy["rollup_window_days"]
    anchor = max((row["window_end"] for row in world.rollups), default=world.today)

    def end_of_window(day: date) -> date:
        return anchor - timedelta(days=(anchor - day).days // length * length)

    is_over = world.as_of >= end_of(world.today)
    last_whole_day = world.today if is_over else world.today - timedelta(days=1)
    judged_end = end_of_window(last_whole_day + timedelta(days=1)) - timedelta(days=length)
    windows = defaultdict(list)
    for row in world.performance:
        windows[row["campaign_id"], row["segment_id"], end_of_window(row["day"])].append(row)
    rows = []
    for (campaign, segment, end), performance in windows.items():
        earlier = windows.get((campaign, segment, end - timedelta(days=length)), [])
        summed, before = totals(performance), totals(earlier)
        kpi = world.campaigns[campaign]["primary_kpi"]
        value, prior = kpi_value(world, kpi, summed), kpi_value(world, kpi, before)
        enough = world.number("rollup_minimum_impressions")
        is_comparable = bool(before) and min(summed["impressions"], before["impressions"]) >= enough
        change = trend(value, prior) if is_comparable else None
        low = high = None
        is_beyond = False
        if is_comparable and kpi in world.kpis:
            counts = [counts_by_day(world.kpis[kpi], rows) for rows in (performance, earlier)]
            low, high, is_beyond = trend_interval(world, *counts)
        is_partial = end_of(end) > world.as_of
        rows.append(
            {
                "campaign_id": campaign,
                "segment_id": segment,
                "window_end": end,
                "window_start": end - timedelta(days=length - 1),
                "campaign_name": world.campaigns[campaign]["name"],
                "segment_name": world.segments[segment]["name"],
                "segment_priority": world.segments[segment]["priority"],
                "impressions": summed["impressions"],
                "clicks": summed["clicks"],
                "conversions": summed["conversions"],
                "spend": cents(summed["spend"]),
                "revenue_proxy": cents(summed["revenue_proxy"]),
                "primary_kpi": kpi,
                "kpi_value": double(value),
                "prior_kpi_value": double(prior),
                "trend_vs_prior_window": double(change),
                "trend_ci_low": low,
                "trend_ci_high": high,
                "is_beyond_noise": bool(is_beyond),
                "recommendation": None if is_partial else recommendation(world, summed, change),
                "is_partial": is_partial,
                "is_newest": not any(
                    (campaign, segment) == key[:2] and end < key[2] for key in windows
                ),
                "is_judged": end == judged_end,
            }
        )
    return rows


def trend_interval(
    world: World, days: list[tuple[int, int]], prior_days: list[tuple[int, int]]
) -> tuple[float | None, float | None, bool | None]:
    """Return the 95% interval of a rate's relative change, and whether it is more than noise.

    From successes and trials by day, of a period and the previous one. None instead of whether with
    too little data. Days vary more than binomial counts: the variance grows by Pearson's sum over
    the days of both periods, with the effective number of days (decisions).
    """
    nothing = None, None, None
    counted = [days, prior_days]
    (hits, trials), (prior_hits, prior_trials) = (
        (sum(x for x, _ in days), sum(n for _, n in days)) for days in counted
    )
    shown = [[(x, n) for x, n in days if n] for days in counted]  # late successes vary nothing
    freedom = sum(map(len, shown)) - 2
    if hits + prior_hits < world.number("trend_minimum_successes") or freedom < 1:
        return nothing
    if not (0 < trials >= hits and 0 < prior_trials >= prior_hits):
        return nothing
    pearson, size = 0.0, -2.0
    for days in shown:
        came = sum(n for _, n in days)
        share = sum(x for x, _ in days) / came
        size += came**2 / sum(n * n for _, n in days)
        if 0 < share < 1:
            pearson += sum((x - n * share) ** 2 / (n * share * (1 - share)) for x, n in days)
    spread = max(1.0, pearson / size)
    t = float(scipy.stats.t.ppf(0.975, min(freedom, 30)))  # as printed tables end
    if not hits or not prior_hits:
        gain = hits * prior_trials - prior_hits * trials
        z = gain / math.sqrt((hits + prior_hits) * trials * prior_trials * spread)
        return None, None, abs(z) > t
    variance = 1 / hits - 1 / trials + 1 / prior_hits - 1 / prior_trials
    change = (hits / trials) / (prior_hits / prior_trials)
    margin = 2 * math.asinh(t * math.sqrt(variance * spread) / 2)
    low, high = change * math.exp(-margin) - 1, change * math.exp(margin) - 1
    return low, high, low > 0 or high < 0


def counts_by_day(definition: Row, performance: list[Row]) -> list[tuple[int, int]]:
    """Return a KPI's successes and trials by day."""
    days: dict[date, list[Row]] = defaultdict(list)
    for row in performance:
        days[row["day"]].append(row)
    return [
        tuple(sum(row[definition[part]] for row in rows) for part in ("numerator", "denominator"))
        for rows in days.values()
    ]


def recommendation(world: World, summed: Row, change: Fraction | None) -> str:
    """Return policy's recommendation for a window (issue, "Segment rollups")."""
    many = summed["impressions"] >= world.number("rollup_minimum_impressions")
    if summed["conversions"] == 0 and many:
        return "stop"
    if change is None:
        return "hold"
    if change <= world.number("stop_trend_maximum"):
        return "stop"
    if change >= world.number("scale_trend_minimum"):
        return "scale"
    return "revise" if change < 0 else "hold"


def segment_rollup_reconciliation(world: World) -> list[Row]:
    """Return each reported rollup compared with performance in its own window (issue)."""
    rows = []
    for reported in world.rollups:
        computed = computed_rollup(world, reported)
        for definition in read_reference("rollup_measures"):
            measure = definition["measure"]
            name = "trend_vs_prior_window" if measure == "trend" else measure
            told, known = exact(reported[name]), computed[measure]
            status = "not_computable"
            difference = relative = None
            if known is not None:
                agrees = abs(told - known) <= exact(definition["tolerance"])
                status = "match" if agrees else "mismatch"
                difference = float(told) - float(known)
                relative = difference / float(known) if known else None
            rows.append(
                {
                    "rollup_id": reported["rollup_id"],
                    "measure": measure,
                    "campaign_id": reported["campaign_id"],
                    "segment_id": reported["segment_id"],
                    "window_start": reported["window_start"],
                    "window_end": reported["window_end"],
                    "reported_value": double(told),
                    "computed_value": double(known),
                    "difference": difference,
                    "relative_difference": relative,
                    "status": status,
                }
            )
    return rows


def computed_rollup(world: World, reported: Row) -> Row:
    """Return the figures from performance for a reported rollup, by measure."""
    start, end, kpi = reported["window_start"], reported["window_end"], reported["primary_kpi"]
    length = end - start + timedelta(days=1)

    def summed(first: date, last: date) -> Row | None:
        return totals(
            [
                row
                for row in world.performance
                if row["campaign_id"] == reported["campaign_id"]
                and row["segment_id"] == reported["segment_id"]
                and first <= row["day"] <= last
            ]
        )

    here = summed(start, end)
    value = kpi_value(world, kpi, here)
    before = kpi_value(world, kpi, summed(start - length, start - timedelta(days=1)))
    measures = here or dict.fromkeys(MEASURES)
    return measures | {"kpi_value": value, "trend": trend(value, before)}


# ---- Budget ---------------------------------------------------------------------------------


def approval_threshold(world: World, action: Row) -> Fraction | None:
    """Return the threshold of an action's currency; none: approval is always required (design)."""
    threshold = world.policy["budget_approval_threshold"].get(action["currency"])
    return None if threshold is None else exact(threshold)


def requires_approval(world: World, action: Row) -> bool:
    """Return whether a person must approve: from the threshold of the currency (issue)."""
    threshold = approval_threshold(world, action)
    return threshold is None or action["amount"] >= threshold


def approval_state(world: World, action: Row) -> str:
    """Return the state of an action's approval (issue, "Budget audit")."""
    if action["approved_by_human"]:
        return "approved"
    if action["status"] == "rejected":
        return "rejected"
    if action["status"] == "proposed":
        return "pending"
    return "missing" if requires_approval(world, action) else "not_required"


def breaks_rule_4(world: World, action: Row) -> bool:
    """Return whether money is moved without its approval (issue, "The contract", rule 4)."""
    if not requires_approval(world, action):
        return False
    if action["approved_by_human"]:
        return action["approver_id"] is None or action["approval_latency_minutes"] is None
    return action["status"] in ("executed", "approved", "rolled_back")


def direction(action: Row) -> tuple[str, str]:
    """Return the channels that give and receive."""
    return action["from_channel_id"], action["to_channel_id"]


def is_part_of_split(world: World, action: Row) -> bool:
    """Return whether small moves, neither approved nor rejected, reach the threshold (issue).

    They have the same campaign, direction and currency, and are within split_window_hours.
    """

    def is_small(other: Row) -> bool:
        unjudged = approval_state(world, other) in ("pending", "not_required")
        return unjudged and not requires_approval(world, other)

    if not is_small(action):
        return False
    alike = [
        other
        for other in world.actions
        if is_small(other)
        and other["campaign_id"] == action["campaign_id"]
        and other["currency"] == action["currency"]
        and direction(other) == direction(action)
    ]
    span = timedelta(hours=float(world.number("split_window_hours")))
    for first in alike:
        start = first["known_at"]
        if start <= action["known_at"] <= start + span:
            together = [other for other in alike if start <= other["known_at"] <= start + span]
            if sum(other["amount"] for other in together) >= approval_threshold(world, action):
                return True
    return False


def reversed_action(world: World, action: Row) -> str | None:
    """Return the latest executed action that an action undoes (issue, "Budget audit").

    Of actions proposed at the same moment, the one with the lower id counts as the earlier.
    """

    def when(other: Row) -> tuple[datetime, str]:
        return other["known_at"], other["budget_action_id"]

    span = timedelta(days=float(world.number("reversal_window_days")))
    if action["from_channel_id"] == action["to_channel_id"]:
        return None
    undone = [
        other
        for other in world.actions
        if other["status"] == "executed"
        and other["campaign_id"] == action["campaign_id"]
        and other["currency"] == action["currency"]
        and direction(other) == direction(action)[::-1]
        and action["known_at"] - span <= other["known_at"]
        and when(other) < when(action)
    ]
    latest = max(undone, key=when, default=None)
    return latest["budget_action_id"] if latest else None


def possible_duplicates(records: list[tuple[str, tuple]]) -> dict[str, str | None]:
    """Return, by id, the lowest id with the same fields, if it is another one.

    Source: the issue on judgments, 8.
    """
    firsts: dict[tuple, str] = {}
    for identity, fields in sorted(records, key=lambda one: one[0]):
        firsts.setdefault(fields, identity)
    return {
        identity: None if firsts[fields] == identity else firsts[fields]
        for identity, fields in records
    }


def terms_of(action: Row) -> tuple:
    """Return all fields of an action but id and status, as known then."""
    names = ("campaign_id", "reason_code", "reason_detail", "proposed_by", *ENDS)
    exported = action["exported"]
    approval = ("approved_by_human", "approver_id", "approval_latency_minutes")
    return (
        action["known_at"],
        action["amount"],
        action["currency"],
        *(exported[name] for name in (*names, *approval)),
    )


def budget_action_audit(world: World) -> list[Row]:
    """Return one row per budget action proposed by the as-of (issue, "Budget audit")."""
    rows = []
    alike = possible_duplicates(
        [(action["budget_action_id"], terms_of(action)) for action in world.actions]
    )
    for action in world.actions:
        campaign = world.campaigns[action["campaign_id"]]
        comparable = action["currency"] == world.policy["reporting_currency"]
        share = ratio(action["amount"], exact(campaign["budget"])) if comparable else None
        state, broken = approval_state(world, action), breaks_rule_4(world, action)
        compliance = "violation" if broken else "pending" if state == "pending" else "compliant"
        rows.append(
            {
                "budget_action_id": action["budget_action_id"],
                "campaign_id": action["campaign_id"],
                "from_channel_id": action["from_channel_id"],
                "to_channel_id": action["to_channel_id"],
                "campaign_name": campaign["name"],
                "proposed_at": action["known_at"],
                "amount": cents(action["amount"]),
                "currency": action["currency"],
                "reason_code": action["reason_code"],
                "reason_detail": action["reason_detail"],
                "proposed_by": action["proposed_by"],
                "status": action["status"],
                "requires_approval": requires_approval(world, action),
                "approval_state": state,
                "approver_id": action["approver_id"],
                "approval_latency_minutes": action["approval_latency_minutes"],
                "approved_at": action["approved_at"],
                "money_moved": action["status"] == "executed",
                "is_self_transfer": action["from_channel_id"] == action["to_channel_id"],
                "split_suspected": is_part_of_split(world, action),
                "reverses_action_id": reversed_action(world, action),
                "share_of_campaign_budget": double(share),
                "compliance_status": compliance,
                "has_violation_reasons": broken,
                "is_waived": False,
                "changed_after_approval": None,  # one export has no history
                "possible_duplicate_of": alike[action["budget_action_id"]],
                "has_contradiction": action["status"] == "rejected"
                and action["exported"]["approved_by_human"],
            }
        )
    return rows


def channel_budget_flows(world: World) -> list[Row]:
    """Return the money moved into and out of each channel, by currency (design; issue).

    Only executed actions moved money; a transfer within a channel nets to zero. Amounts are whole
    cents, so flows are the sums of the audit's amounts.
    """
    moved_in, moved_out = defaultdict(Decimal), defaultdict(Decimal)
    for action in world.actions:
        if action["status"] == "executed":
            giver, receiver = direction(action)
            moved_out[action["campaign_id"], giver, action["currency"]] += cents(action["amount"])
            moved_in[action["campaign_id"], receiver, action["currency"]] += cents(action["amount"])
    return [
        {
            "campaign_id": key[0],
            "channel_id": key[1],
            "currency": key[2],
            "campaign_name": world.campaigns[key[0]]["name"],
            "moved_in": moved_in[key],
            "moved_out": moved_out[key],
            "net_moved": moved_in[key] - moved_out[key],
        }
        for key in sorted(moved_in.keys() | moved_out.keys())
    ]


# ---- Risk -----------------------------------------------------------------------------------


def signal_performance(world: World, signal: Row) -> list[Row]:
    """Return performance up to a signal of the assets it names, else of its campaign (issue)."""
    named = set(signal["asset_ids"])
    return [
        row
        for row in world.performance
        if row["known_at"] <= signal["known_at"]
        and (row["asset_id"] in named if named else row["campaign_id"] == signal["campaign_id"])
    ]


def signal_funnel(world: World, signal: Row) -> list[Row]:
    """Return the funnel events known at a signal, in its scope (issue, "Risk").

    These are the segments and channels of the named assets, in the assets' campaign; without
    assets, the whole campaign.
    """
    assets = [world.assets[asset_id] for asset_id in signal["asset_ids"]]
    places = {tuple(asset[name] for name in PLACE) for asset in assets}
    return [
        event
        for event in world.funnel
        if event["known_at"] <= signal["known_at"]
        and (
            tuple(event[name] for name in PLACE) in places
            if places
            else event["campaign_id"] == signal["campaign_id"]
        )
    ]


PLACE = ("campaign_id", "segment_id", "channel_id")


def signal_facts(world: World, signal: Row) -> dict[str, Fraction | None]:
    """Return the facts known up to a signal, by measure of the seed evidence_measures."""
    summed = totals(signal_performance(world, signal)) or dict.fromkeys(MEASURES)
    facts: dict[str, Fraction | None] = dict(summed)
    facts["conversion_rate"] = ratio(summed["conversions"], summed["impressions"])
    facts["click_through_rate"] = ratio(summed["clicks"], summed["impressions"])
    current, prior = spend_around(world, signal_performance(world, signal))
    facts |= {"current_daily_spend": current, "prior_daily_spend": prior}
    events = signal_funnel(world, signal)
    for stage in world.policy["funnel_stages"]:
        counts = [event["count"] for event in events if event["stage"] == stage]
        facts[f"{stage}_count"] = sum(counts) if counts else None
    return facts


JSON_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?")


def evidence_check(world: World, signal: Row) -> str:
    """Return whether the quoted figures agree with the warehouse's (issue, "Risk").

    A number is a figure, in quotes or not; only keys in the reference seed can be checked.
    """
    facts, results = signal_facts(world, signal), []
    for definition in read_reference("evidence_measures"):
        quoted = signal["evidence"].get(definition["evidence_key"])
        known = facts[definition["measure"]]
        if isinstance(quoted, str) and JSON_NUMBER.fullmatch(quoted):
            quoted = float(quoted)
        is_figure = isinstance(quoted, int | float) and not isinstance(quoted, bool)
        if is_figure and known is not None:
            results.append(abs(exact(quoted) - known) <= exact(definition["tolerance"]))
    if not results:
        return "not_checkable"
    return "match" if all(results) else "mismatch"


def escalates(world: World, signal: Row, exposure: Fraction | None, sure: Fraction | None) -> bool:
    """Return whether a signal escalates (issue, "Risk")."""
    if signal["status"] not in UNRESOLVED:
        return False
    if severity_rank(world, signal["severity"]) >= severity_rank(
        world, world.policy["escalation_severity_minimum"]
    ):
        return True
    return (
        signal["severity"] == "medium"
        and exposure is not None
        and sure is not None
        and exposure >= world.number("escalation_medium_spend_minimum")
        and sure >= world.number("escalation_medium_confidence_minimum")
    )


def severity_rank(world: World, severity: str) -> int:
    """Return the rank of a severity."""
    return int(world.severities[severity]["severity_rank"])


def review_state(world: World, signal: Row, required: bool, review: Row | None) -> str:
    """Return the state of a signal's review (issue, "Risk")."""
    is_unresolved = signal["status"] in UNRESOLVED
    due = review_due_at(world, signal)
    if review is not None:
        return "reviewed_late" if required and review["known_at"] > due else "reviewed"
    if not required:
        return "not_required" if is_unresolved else "closed"
    if is_unresolved:
        return "overdue" if world.as_of > due else "awaiting_review"
    always = world.severities[signal["severity"]]["always_requires_review"] == "true"
    return "closed_without_review" if always else "closed"


def review_due_at(world: World, signal: Row) -> datetime:
    """Return the deadline of a signal's review, by its severity."""
    allowed = int(world.severities[signal["severity"]]["review_minutes"])
    return signal["known_at"] + timedelta(minutes=allowed)


def find_review(world: World, signal: Row, required: bool) -> tuple[Row | None, str | None]:
    """Return the human decision that answers a signal, and the link between both (number 1).

    It names the signal; or no signal, but its experiment or one of its assets; or, only where
    review is required, it is of the same campaign and names at most that.
    """
    about = {("asset", asset_id) for asset_id in signal["asset_ids"]}
    about.add(("experiment", signal["experiment_id"]))
    own_campaign = {("campaign", signal["campaign_id"])}
    ways: dict[str, list[Row]] = {"by id": [], "by what it is about": [], "by campaign": []}
    for row in world.decisions:
        if not row["human_override"] or row["known_at"] < signal["known_at"]:
            continue
        named = set().union(*world.subjects[row["decision_id"]].values())
        if ("risk", signal["risk_id"]) in named:
            ways["by id"].append(row)
        elif named & about and not any(kind == "risk" for kind, _ in named):
            ways["by what it is about"].append(row)
        elif required and row["campaign_id"] == signal["campaign_id"] and named <= own_campaign:
            ways["by campaign"].append(row)
    for way, rows in ways.items():
        if rows:
            first = min(rows, key=lambda row: (row["known_at"], row["decision_id"]))
            return first, "inferred" if way == "by campaign" else "named"
    return None, None


def claim_of(signal: Row) -> tuple:
    """Return all fields of a signal but id and status."""
    names = ("campaign_id", "experiment_id", "risk_type", "severity", "recommended_action")
    lists = (repr(signal["asset_ids"]), repr(signal["evidence"]))
    return signal["known_at"], *(signal[name] for name in names), *lists


@once
def risk_escalation(world: World) -> list[Row]:
    """Return one row per risk signal raised by the as-of (issue, "Risk")."""
    rows = []
    alike = possible_duplicates([(one["risk_id"], claim_of(one)) for one in world.signals])
    for signal in world.signals:
        performance = signal_performance(world, signal)
        exposure = sum(row["spend"] for row in performance) if performance else None
        sure = min((event["confidence"] for event in signal_funnel(world, signal)), default=None)
        required = (
            world.severities[signal["severity"]]["always_requires_review"] == "true"
            or signal["recommended_action"] == "human_review"
        )
        review, link = find_review(world, signal, required)
        raised_at = signal["known_at"]
        escalated = escalates(world, signal, exposure, sure)
        rows.append(
            {
                "risk_id": signal["risk_id"],
                "campaign_id": signal["campaign_id"],
                "experiment_id": signal["experiment_id"],
                "experiment_key": signal["experiment_id"] or "none",
                "campaign_name": world.campaigns[signal["campaign_id"]]["name"],
                "raised_at": raised_at,
                "risk_type": signal["risk_type"],
                "severity": signal["severity"],
                "severity_rank": severity_rank(world, signal["severity"]),
                "recommended_action": signal["recommended_action"],
                "status": signal["status"],
                "is_unresolved": signal["status"] in UNRESOLVED,
                "exposure_spend": cents(exposure),
                "data_confidence": double(sure),
                "escalation_required": escalated,
                "has_escalation_reason": escalated,
                "requires_human_review": required,
                "review_link": link,
                "reviewed_by_decision_id": review["decision_id"] if review else None,
                "reviewed_at": review["known_at"] if review else None,
                "response_minutes": (
                    double(minutes(review["known_at"] - raised_at)) if review else None
                ),
                "review_due_at": review_due_at(world, signal) if required else None,
                "review_state": review_state(world, signal, required, review),
                "evidence_check": evidence_check(world, signal),
                "possible_duplicate_of": alike[signal["risk_id"]],
            }
        )
    return rows


def risk_inbox(world: World) -> list[Row]:
    """Return the unresolved signals, most urgent first (design, "risk_inbox")."""

    def urgency(row: Row) -> tuple:
        exposure = row["exposure_spend"]
        return (
            -row["severity_rank"],
            row["review_state"] != "overdue",
            exposure is None,
            -(exposure or 0),
            row["raised_at"],
            row["risk_id"],
        )

    waiting = sorted((row for row in risk_escalation(world) if row["is_unresolved"]), key=urgency)
    same = (
        *("risk_id", "campaign_id", "experiment_id", "campaign_name", "risk_type", "severity"),
        *("status", "raised_at", "exposure_spend", "escalation_required", "review_state"),
        *("experiment_key", "review_due_at", "evidence_check"),
    )
    return [
        {name: row[name] for name in same}
        | {
            "priority_rank": rank,
            "waiting_minutes": double(minutes(world.as_of - row["raised_at"])),
        }
        for rank, row in enumerate(waiting, start=1)
    ]


# ---- Governance -----------------------------------------------------------------------------


def breaches(world: World) -> dict[int, list[Row]]:
    """Return the records that break each rule of the contract (issue, "The contract").

    Structural rules apply to the whole export, governance rules to what was known (design).
    """
    experiments = {row["experiment_id"]: row for row in world.export["experiments"]}
    tested = {row["campaign_id"] for row in experiments.values()}
    snapshots = [
        (row["asset_id"], row.get("experiment_id"), moment(row["timestamp"]))
        for row in world.export["performance_metrics"]
    ]
    late = {
        row["risk_id"]
        for row in risk_escalation(world)
        if row["is_unresolved"]
        and row["requires_human_review"]
        and row["review_state"] in ("reviewed_late", "overdue")
    }
    return {
        1: [row for row in world.campaigns.values() if row["campaign_id"] not in tested],
        2: [row for row in experiments.values() if not compares_two_assets(world, row)],
        3: [
            {"record_key": "|".join(map(str, key))}
            for key in sorted(set(snapshots), key=str)
            if snapshots.count(key) > 1
            or (key[1] is not None and key[0] not in arms(experiments[key[1]]))
        ],
        4: [row for row in world.actions if breaks_rule_4(world, row)],
        5: [row for row in world.signals if row["risk_id"] in late],
    }


def arms(experiment: Row) -> tuple[str, str]:
    """Return the two assets of an experiment."""
    return experiment["control_asset"], experiment["variant_asset"]


def compares_two_assets(world: World, experiment: Row) -> bool:
    """Return whether an experiment compares two distinct assets of its campaign (rule 2)."""
    campaigns = {world.assets.get(arm, {}).get("campaign_id") for arm in arms(experiment)}
    return len(set(arms(experiment))) == 2 and campaigns == {experiment["campaign_id"]}


RECORD_KEYS = {1: "campaign_id", 2: "experiment_id", 3: "record_key", 4: "budget_action_id"}


@once
def contract_violations(world: World) -> list[Row]:
    """Return every breach as a row; without waivers, none is waived."""
    definitions = {int(row["rule"]): row for row in read_reference("contract_rules")}
    return [
        {
            "rule": rule,
            "rule_name": definitions[rule]["rule_name"],
            "kind": definitions[rule]["kind"],
            "dataset": definitions[rule]["dataset"],
            "record_key": row[RECORD_KEYS.get(rule, "risk_id")],
            "campaign_id": row.get("campaign_id"),
            "is_waived": False,
        }
        for rule, rows in breaches(world).items()
        for row in rows
    ]


def contract_compliance(world: World) -> list[Row]:
    """Return each rule's compliance: the records that it applies to, and its breaches (design)."""
    broken = breaches(world)
    reviewable = [
        row
        for row in risk_escalation(world)
        if row["is_unresolved"] and row["requires_human_review"]
    ]
    checked = {
        1: len(world.campaigns),
        2: len(world.export["experiments"]),
        3: len(world.export["performance_metrics"]),
        4: sum(requires_approval(world, action) for action in world.actions),
        5: len(reviewable),
    }
    inferred = sum(row["review_link"] == "inferred" for row in reviewable)
    return [
        {
            "rule": (rule := int(row["rule"])),
            "rule_name": row["rule_name"],
            "statement": row["statement"],
            "kind": row["kind"],
            "dataset": row["dataset"],
            "checked_rows": checked[rule],
            "inferred_rows": inferred if rule == 5 else None,
            "violating_rows": len(broken[rule]),
            "waived_rows": 0,
            "status": "fail" if broken[rule] else "pass",
        }
        for row in read_reference("contract_rules")
    ]


def warehouse_build(world: World) -> list[Row]:
    """Return the input of the marts (design)."""
    return [
        {
            "as_of": world.as_of,
            "newest_event_at": world.newest_event_at,
            "covers_all_events": world.covers_all_events,
            "input_rows": sum(map(len, world.export.values())),
        }
    ]


MARTS: dict[str, tuple[tuple[str, ...], Callable[[World], list[Row]]]] = {
    "dim_campaigns": (("campaign_id",), dim_campaigns),
    "dim_segments": (("segment_id",), dim_segments),
    "dim_channels": (("channel_id",), dim_channels),
    "dim_assets": (("asset_id",), dim_assets),
    "dim_experiments": (("experiment_key",), experiment_members),
    "fct_funnel_daily": ((*PLACE, "event_date"), fct_funnel_daily),
    "funnel_conversion": ((*PLACE, "stage"), funnel_conversion),
    "segment_rollups": (("campaign_id", "segment_id", "window_end"), segment_rollups),
    "segment_rollup_reconciliation": (("rollup_id", "measure"), segment_rollup_reconciliation),
    "budget_action_audit": (("budget_action_id",), budget_action_audit),
    "channel_budget_flows": (("campaign_id", "channel_id", "currency"), channel_budget_flows),
    "risk_escalation": (("risk_id",), risk_escalation),
    "risk_inbox": (("risk_id",), risk_inbox),
    "contract_violations": (("rule", "record_key"), contract_violations),
    "contract_compliance": (("rule",), contract_compliance),
    "warehouse_build": ((), warehouse_build),
}
"""Each mart's key and the function that works it out."""


def marts(
    export: Export, variables: Row | None = None, as_of: str | None = None
) -> dict[str, list[Row]]:
    """Return the rows of every mart.

    Args:
        export: Records by dataset; the two optional datasets may be missing.
        variables: Policy that differs from dbt_project.yml.
        as_of: Date, or UTC timestamp; null, the newest event.

    """
    world = read_world(export, variables, as_of)
    return {name: work_out(world) for name, (_, work_out) in MARTS.items()}
