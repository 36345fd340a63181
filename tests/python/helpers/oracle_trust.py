"""The expected marts about the orchestrator itself: the oracle's third part.

Works as `oracle` does, on its `World`; statistics come from SciPy and statsmodels, and the
jackknife recomputes everything without each decision. "issue" is the issue that asked for these
marts.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from fractions import Fraction

import scipy.stats
from helpers import oracle, oracle_decisions
from helpers.oracle import Row, World, double, exact
from statsmodels.stats.proportion import proportion_confint

# ---- What came of claims ----------------------------------------------------------------------

BORNE_OUT, NOT_BORNE_OUT, NOT_CHECKABLE = "borne_out", "not_borne_out", "not_checkable"
KINDS = ("reported_figure", "risk_evidence", "recommendation", "risk_signal", "experiment_call")


def claims(world: World) -> list[Row]:
    """Return every claim of the orchestrator with its outcome (issue)."""
    found = [
        *figures(world),
        *recommendations(world),
        *signals(world),
        *experiment_calls(world),
    ]
    return [
        {
            "claim_kind": kind,
            "claim_id": claim_id,
            "record_id": record_id,
            "claimed_at": min(at, world.as_of),
            "outcome": outcome,
        }
        for kind, claim_id, record_id, at, outcome in found
    ]


Claim = tuple[str, str, str, datetime, str]


def figures(world: World) -> Iterable[Claim]:
    """Yield the figures of reported rollups."""
    outcomes = {"match": BORNE_OUT, "mismatch": NOT_BORNE_OUT, "not_computable": NOT_CHECKABLE}
    for row in oracle.segment_rollup_reconciliation(world):
        at, rollup_id = oracle.end_of(row["window_end"]), row["rollup_id"]
        claim_id = f"{rollup_id} {row['measure']}"
        yield "reported_figure", claim_id, rollup_id, at, outcomes[row["status"]]


def signals(world: World) -> Iterable[Claim]:
    """Yield the evidence of risk signals, and the signals."""
    quoted = {"match": BORNE_OUT, "mismatch": NOT_BORNE_OUT}
    upheld = {"mitigated": BORNE_OUT, "dismissed": NOT_BORNE_OUT}
    for signal in world.signals:
        risk_id, at = signal["risk_id"], signal["known_at"]
        check = oracle.evidence_check(world, signal)
        yield "risk_evidence", risk_id, risk_id, at, quoted.get(check, NOT_CHECKABLE)
        yield "risk_signal", risk_id, risk_id, at, upheld.get(signal["status"], NOT_CHECKABLE)


def recommendations(world: World) -> Iterable[Claim]:
    """Yield the recommendations of reported rollups."""
    for rollup in world.rollups:
        at = oracle.end_of(rollup["window_end"])
        outcome = recommendation_outcome(world, rollup)
        yield "recommendation", rollup["rollup_id"], rollup["rollup_id"], at, outcome


def recommendation_outcome(world: World, rollup: Row) -> str:
    """Return whether the next window confirms a recommendation."""
    start, end = rollup["window_start"], rollup["window_end"]
    next_end = end + (end - start) + timedelta(days=1)
    if oracle.end_of(next_end) > world.as_of or rollup["primary_kpi"] not in world.kpis:
        return NOT_CHECKABLE
    performance = [
        row
        for row in world.performance
        if row["campaign_id"] == rollup["campaign_id"] and row["segment_id"] == rollup["segment_id"]
    ]
    own = [row for row in performance if start <= row["day"] <= end]
    later = [row for row in performance if end < row["day"] <= next_end]
    enough = world.number("rollup_minimum_impressions")
    if min(sum(row["impressions"] for row in rows) for rows in (own, later)) < enough:
        return NOT_CHECKABLE
    if not own or not later:
        return NOT_CHECKABLE
    kpi, advice = world.kpis[rollup["primary_kpi"]], rollup["recommendation"]
    days = [oracle.counts_by_day(kpi, rows) for rows in (later, own)]
    after, before = (sum(hits for hits, _ in counts) for counts in days)
    if not after and not before:
        return BORNE_OUT if advice in ("stop", "revise") else NOT_CHECKABLE
    low, high, is_beyond = oracle.trend_interval(world, *days)
    if is_beyond is None:
        return NOT_CHECKABLE
    scale, stop = world.number("scale_trend_minimum"), world.number("stop_trend_maximum")
    rates = [Fraction(sum(x for x, _ in counts), sum(n for _, n in counts)) for counts in days]
    rose, fell = is_beyond and rates[0] > rates[1], is_beyond and rates[0] < rates[1]
    no_fall = rose or (low is not None and low > stop)
    no_rise = fell or (high is not None and high < scale)
    left = low is not None and (high <= stop or low >= scale)
    wrong, right = {
        "scale": (fell, no_fall),
        "stop": (rose, no_rise),
        "revise": (rose, no_rise),
        "hold": (left, no_fall and no_rise),
    }[advice]
    if wrong:
        return NOT_BORNE_OUT
    return BORNE_OUT if right else NOT_CHECKABLE


def experiment_calls(world: World) -> Iterable[Claim]:
    """Yield the experiments that were called (issue)."""
    for experiment in oracle.dim_experiments(world):
        if experiment["status"] == "completed" and experiment["end_date"] is not None:
            experiment_id = experiment["experiment_id"]
            at, outcome = oracle.end_of(experiment["end_date"]), call_outcome(world, experiment)
            yield "experiment_call", experiment_id, experiment_id, at, outcome


def call_outcome(world: World, experiment: Row) -> str:
    """Return whether an experiment was called late enough, without a declared end."""
    start, end = experiment["start_date"], experiment["end_date"]
    rows = [row for row in world.performance if row["experiment_id"] == experiment["experiment_id"]]
    judged = oracle_decisions.judged_days(world, experiment, rows)
    until_end = [row for row in judged if row["day"] is not None and row["day"] <= end]
    if not until_end or until_end[-1]["health"] in ("unhealthy", "no_data"):
        return NOT_CHECKABLE
    seen, campaign = until_end[-1], world.campaigns[experiment["campaign_id"]]
    planned_end = date.fromisoformat(campaign["end_date"])
    last = start + timedelta(days=int(world.number("experiment_maximum_days")) - 1)
    days_left = (min(planned_end, last) - end).days
    high = seen["sequential_ci_high"]
    if seen["is_significant"] or days_left <= 0:
        return BORNE_OUT
    if high is not None and high < world.number("minimum_lift_to_scale"):
        return BORNE_OUT
    if seen["days_needed"] is not None and seen["days_needed"] > days_left:
        return BORNE_OUT
    is_cut_short = campaign["status"] == "completed" and planned_end > world.today
    return NOT_CHECKABLE if campaign["status"] == "paused" or is_cut_short else NOT_BORNE_OUT


def wilson(share: Fraction | None, trials: int) -> tuple[float | None, float | None]:
    """Return the 95% Wilson interval of a share with a number of trials; none without any."""
    if share is None:
        return None, None
    low, high = proportion_confint(float(share * trials), trials, 0.05, "wilson")
    # Exact at the ends, where rounding would leave the range.
    return (0.0 if share == 0 else float(low)), (1.0 if share == 1 else float(high))


def orchestrator_track_record(world: World) -> list[Row]:
    """Return one row per kind of claim and week in which one was made (issue)."""
    by_kind: dict[str, dict[date, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for claim in claims(world):
        week = oracle_decisions.week_of(claim["claimed_at"].date())
        by_kind[claim["claim_kind"]][week].append(claim)
    rows = []
    for kind, weeks in by_kind.items():
        so_far: list[Row] = []
        for week in sorted(weeks):
            so_far += weeks[week]
            here, until = counted(world, weeks[week]), counted(world, so_far)
            row = {"claim_kind": kind, "week_start": week, **here}
            del until["claims"], until["not_borne_out"]
            rows.append(row | {f"{name}_to_date": value for name, value in until.items()})
    return rows


def counted(world: World, made: list[Row]) -> Row:
    """Return the numbers of claims checked and borne out; records count once in the interval."""
    checked = [one for one in made if one["outcome"] != NOT_CHECKABLE]
    borne_out = sum(one["outcome"] == BORNE_OUT for one in checked)
    records = len({one["record_id"] for one in checked})
    share = oracle.ratio(borne_out, len(checked))
    low, high = wilson(share, records)
    is_enough = records >= world.number("track_record_minimum")
    return {
        "claims": len(made),
        "checked": len(checked),
        "borne_out": borne_out,
        "not_borne_out": len(checked) - borne_out,
        "checked_records": records,
        "borne_out_share": double(share),
        "ci_low": low,
        "ci_high": high,
        "status": "judged" if is_enough else "not_enough",
    }


# ---- How sure it said it was -------------------------------------------------------------------

Said = tuple[Fraction, int]
"""A confidence score, and 1 where the decision stood, else 0."""


def bucket_of(confidence: Fraction, width: Fraction) -> int:
    """Return the number of a score's bucket, from 0; 1 belongs to the last."""
    return min(math.floor(confidence / width), math.ceil(1 / width) - 1)


def p_value(said: list[Said]) -> float:
    """Return the exact two-sided p-value of the number that stood, at the mean confidence."""
    stood, mean = sum(o for _, o in said), float(sum(p for p, _ in said) / len(said))
    lower = scipy.stats.binom.cdf(stood, len(said), mean)
    upper = scipy.stats.binom.sf(stood - 1, len(said), mean)
    return float(min(1, 2 * min(lower, upper)))


def calibration(said: list[Said], p: float | None, level: float) -> str:
    """Return the calibration verdict."""
    if p is None:
        return "not_enough"
    if p >= level:
        return "calibrated"
    gap = sum(p for p, _ in said) - sum(o for _, o in said)
    return "overconfident" if gap > 0 else "underconfident"


def brier_parts(said: list[Said], width: Fraction) -> dict[str, Fraction]:
    """Return the Brier score and its parts.

    Sources: Murphy (1973), A new vector partition of the probability score; Stephenson, Coelho and
    Jolliffe (2008), Two extra components in the Brier score decomposition.
    """
    buckets = defaultdict(list)
    for p, o in said:
        buckets[bucket_of(p, width)].append((p, o))
    n, share = len(said), Fraction(sum(o for _, o in said), len(said))
    reliability = resolution = within = Fraction(0)
    for scores in buckets.values():
        p_mean = sum(p for p, _ in scores) / len(scores)
        o_mean = Fraction(sum(o for _, o in scores), len(scores))
        reliability += len(scores) * (p_mean - o_mean) ** 2
        resolution += len(scores) * (o_mean - share) ** 2
        within += sum((p - p_mean) ** 2 - 2 * (o - o_mean) * (p - p_mean) for p, o in scores)
    return {
        "brier_score": sum((p - o) ** 2 for p, o in said) / n,
        "reliability": reliability / n,
        "resolution": resolution / n,
        "uncertainty": share * (1 - share),
        "within_bucket": within / n,
    }


def brier_intervals(said: list[Said], width: Fraction, enough: int) -> dict[str, float | None]:
    """Return the intervals of the Brier score and its parts."""
    names = [
        f"{name}_ci_{side}"
        for name in ("brier", "reliability", "resolution", "uncertainty")
        for side in ("low", "high")
    ]
    found: dict[str, float | None] = dict.fromkeys(names)
    n, stood = len(said), sum(o for _, o in said)
    if n < enough:
        return found
    ends = wilson(Fraction(stood, n), n)
    ways = [end * (1 - end) for end in ends]
    found["uncertainty_ci_low"] = min(ways)
    found["uncertainty_ci_high"] = 0.25 if ends[0] <= 0.5 <= ends[1] else max(ways)
    if stood in (0, n):
        return found
    t = float(scipy.stats.t.ppf(0.975, min(n - 1, 30)))  # as printed tables end
    whole = brier_parts(said, width)
    without = [brier_parts(said[:one] + said[one + 1 :], width) for one in range(n)]
    tops = {"brier_score": 1, "reliability": 1, "resolution": 0.25}
    for name, top in tops.items():
        values = [n * whole[name] - (n - 1) * parts[name] for parts in without]
        mean = sum(values) / n
        error = math.sqrt(sum((value - mean) ** 2 for value in values) / (n * (n - 1)))
        around = sorted((float(whole[name]), float(mean)))
        of = name.removesuffix("_score")
        found[f"{of}_ci_low"] = max(around[0] - t * error, 0.0)
        found[f"{of}_ci_high"] = min(around[1] + t * error, float(top))
    return found


def confidence_calibration(world: World) -> list[Row]:
    """Return one row per bucket with a decision, and one for all (issue)."""
    return calibration_of(
        [(exact(row["confidence_score"]), 1 - row["human_override"]) for row in world.decisions],
        world.number("calibration_bucket_width"),
        int(world.number("calibration_minimum_decisions")),
        float(world.number("significance_level")),
    )


def calibration_of(said: list[Said], width: Fraction, enough: int, level: float) -> list[Row]:
    """Return the same from scores and outcomes."""
    buckets = defaultdict(list)
    for score in said:
        buckets[bucket_of(score[0], width)].append(score)
    tested = sum(len(scores) >= enough for scores in buckets.values())
    rows = []
    for number, scores in [(None, said), *buckets.items()]:
        n, stood = len(scores), sum(o for _, o in scores)
        share, mean = oracle.ratio(stood, n), oracle.ratio(sum(p for p, _ in scores), n)
        low, high = wilson(share, n)
        p = None
        if n >= enough:
            p = p_value(scores) * (1 if number is None else tested)
        rows.append(
            {
                "bucket_low": None if number is None else float(number * width),
                "bucket_high": None if number is None else float(min((number + 1) * width, 1)),
                "decisions": n,
                "overridden": n - stood,
                "mean_confidence": double(mean),
                "stood_share": double(share),
                "ci_low": low,
                "ci_high": high,
                "gap": double(mean - share) if n else None,
                "p_value": None if p is None else min(p, 1.0),
                "calibration": calibration(scores, p, level),
            }
        )
    parts = brier_parts(said, width) if said else {}
    rows[0] |= {name: double(value) for name, value in parts.items()}
    rows[0] |= brier_intervals(said, width, enough)
    if rows[0]["calibration"] == "calibrated" and (rows[0].get("reliability_ci_low") or 0) > 0:
        rows[0]["calibration"] = "unclear"
    if parts:
        skill = oracle.ratio(parts["brier_score"], parts["uncertainty"])
        rows[0]["brier_skill_score"] = None if skill is None else float(1 - skill)
    empty = {name: None for name in rows[0] if name not in rows[-1]}
    return [rows[0], *(empty | row for row in rows[1:])] if len(rows) > 1 else rows


MARTS: dict[str, tuple[tuple[str, ...], Callable[[World], list[Row]]]] = {
    "orchestrator_track_record": (("claim_kind", "week_start"), orchestrator_track_record),
    "confidence_calibration": (("bucket_low",), confidence_calibration),
}
"""Each mart's key and the function that works it out."""
