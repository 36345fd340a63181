"""How far the orchestrator can be trusted, with planted faults and simulated orchestrators.

One export has true and wrong figures, recommendations that the next week confirms or not, and
experiments that were called early or in time: exactly the planted faults must be found.
Orchestrators with honest and dishonest confidence are built too; thousands more are drawn and
judged by a reference in NumPy, which must agree with the mart on those few. --whole draws five
times as many.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from helpers import oracle, oracle_trust
from helpers.builds import Build, Workspace
from helpers.bulk import Form, write_export
from helpers.compare import assert_same, is_close
from helpers.oracle import exact
from helpers.project import Export
from numpy.typing import NDArray
from scipy.stats import binom

Array = NDArray[Any]
NOT_BORNE_OUT = "not_borne_out"
LEVEL = 0.05
WITHOUT_UNIT_TESTS = ("--exclude-resource-type", "unit_test", "--indirect-selection=cautious")


def at_most(level: float, count: int) -> float:
    """Return the share of a number of draws that a level may reach, by three standard errors."""
    return level + 3 * math.sqrt(level * (1 - level) / count)


def assert_as_the_oracle_reads(build: Build, world: oracle.World, *marts: str) -> None:
    for mart in marts or oracle_trust.MARTS:
        key, work_out = oracle_trust.MARTS[mart]
        rows = build.rows(f"select * from marts.{mart}")
        assert_same(mart, key, work_out(world), rows, is_close)


# ---- Faults that are planted -------------------------------------------------------------------

START = date(2026, 3, 2)
WEEK = timedelta(days=7)
TODAY = START + 2 * WEEK - timedelta(days=1)
ADVICE = ("scale", "hold", "revise", "stop")
CHANGES = {"falls": 0.4, "stays": 1.0, "rises": 1.8}
WRONG = {
    *(("scale", "falls"), ("hold", "falls"), ("hold", "rises")),
    *(("revise", "rises"), ("stop", "rises")),
}
"""What the next week does not bear out."""
CALLS = ("early", "decided", "campaign_end", "unapproved")
FIGURES = ("impressions", "clicks", "conversions", "spend", "revenue_proxy", "kpi_value")


class Planted:
    """An export with faults, and their records, by kind of claim."""

    def __init__(self, demo: Export, seed: int, count: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.demo = demo
        self.export: Export = {name: [] for name in demo}
        for name in ("audience_segments", "channels"):
            self.export[name] = demo[name]
        self.faults: dict[str, set[str]] = defaultdict(set)
        self.advised: dict[str, tuple[str, str]] = {}
        self.called: dict[str, str] = {}
        for number in range(count):
            self.reported_week(f"R_{number:04}", number)
            self.experiment(f"E_{number:04}", CALLS[number % len(CALLS)], number)
        for number in range(200):
            decision = {"decision_id": f"D_{number:04}", "campaign_id": "R_0000"}
            decision |= {"confidence_score": 0.9, "human_override": number % 5 in (1, 3)}
            decision |= {"trigger": "schedule", "action_taken": "none"}
            self.export["orchestrator_decisions"].append(
                decision | {"timestamp": f"{START + timedelta(days=number % 14)}T12:00:00"}
            )

    def campaign(self, name: str, end: date, is_approved: bool = True) -> list[str]:
        """Add a campaign with two assets; return their ids."""
        self.export["campaigns"].append(
            self.demo["campaigns"][0]
            | {"campaign_id": name, "name": name, "status": "active", "budget": 100_000}
            | {"start_date": f"{START}", "end_date": f"{end}", "created_at": "2026-03-01T08:00:00"}
        )
        assets = [f"{name}_{place}" for place in range(2)]
        for place, asset_id in enumerate(assets):
            self.export["creative_assets"].append(
                self.demo["creative_assets"][0]
                | {"asset_id": asset_id, "campaign_id": name, "created_at": "2026-03-01T09:00:00"}
                | {"approved_by_human": is_approved or place == 0}
            )
        return assets

    def row(self, asset: str, day: date, people: int, rate: float, experiment: str | None) -> dict:
        """Add an asset's performance of a day; return it."""
        impressions = int(self.rng.poisson(people))
        of_day = rate * math.exp(self.rng.normal(0, 0.05))
        conversions = int(self.rng.binomial(impressions, min(of_day, 1)))
        row = {"asset_id": asset, "experiment_id": experiment, "timestamp": f"{day}T18:00:00"}
        row |= {"impressions": impressions, "conversions": conversions}
        row |= {"clicks": max(2 * conversions, 1), "cost": round(impressions / 50, 2)}
        row |= {"conversion_rate": round(conversions / max(impressions, 1), 6)}
        self.export["performance_metrics"].append(row | {"revenue_proxy": 3.0 * conversions})
        return self.export["performance_metrics"][-1]

    def reported_week(self, name: str, number: int) -> None:
        """Add a campaign of two weeks, a rollup of the first one, and a signal at its end."""
        advice = ADVICE[number % len(ADVICE)]
        change = list(CHANGES)[number // len(ADVICE) % len(CHANGES)]
        self.advised[name] = advice, change
        assets = self.campaign(name, START + timedelta(days=100))
        rate = float(self.rng.uniform(0.02, 0.1))
        known: Counter[str] = Counter()
        for days in range(14):
            for asset in assets:
                now = rate * (CHANGES[change] if days >= 7 else 1)
                row = self.row(asset, START + timedelta(days=days), 3000, now, None)
                if days < 7:
                    figures = {"spend": Fraction(str(row["cost"]))} | row
                    known.update({measure: figures[measure] for measure in FIGURES[:5]})
        told: dict[str, Any] = {measure: float(known[measure]) for measure in FIGURES[:5]}
        told |= {measure: int(known[measure]) for measure in FIGURES[:3]}
        told["kpi_value"] = known["conversions"] / known["impressions"]
        quoted = {measure: told[measure] for measure in FIGURES[:3]}
        for measure in FIGURES:
            if self.rng.random() < 0.1:
                told[measure] = 1.5 * told[measure] if measure in FIGURES[3:] else told[measure] + 7
                self.faults["reported_figure"].add(f"{name} {measure}")
        if self.rng.random() < 0.3:
            quoted["clicks"] *= 2
            self.faults["risk_evidence"].add(name)
        rollup = {"rollup_id": name, "campaign_id": name, "segment_id": "SEG_001", **told}
        rollup |= {"window_start": f"{START}", "window_end": f"{START + timedelta(days=6)}"}
        rollup |= {"primary_kpi": "conversion_rate", "trend_vs_prior_window": 0.0}
        self.export["segment_rollups"].append(rollup | {"recommendation": advice})
        signal = self.demo["campaign_risk_signals"][0] | {"risk_id": name, "campaign_id": name}
        signal |= {"experiment_id": None, "asset_ids": assets, "evidence": quoted}
        status = ("mitigated", "dismissed", "open")[number % 3]
        self.faults["risk_signal"] |= {name} if status == "dismissed" else set()
        self.export["campaign_risk_signals"].append(
            signal | {"timestamp": f"{START + timedelta(days=6)}T23:00:00", "status": status}
        )

    def experiment(self, name: str, call: str, number: int) -> None:
        """Add a campaign with a called experiment: its arms are equal, unless it decided."""
        days = 9 if call == "decided" else 3 + number // len(CALLS) % 4
        end = START + timedelta(days=days - 1)
        last = end if call == "campaign_end" else START + timedelta(days=100)
        assets = self.campaign(name, last, call != "unapproved")
        self.export["experiments"].append(
            self.demo["experiments"][0]
            | {"experiment_id": name, "campaign_id": name, "status": "completed"}
            | {"control_asset": assets[0], "variant_asset": assets[1]}
            | {"start_date": f"{START}", "end_date": f"{end}", "metric": "conversion_rate"}
        )
        for day in range(days):
            for asset in assets:
                rate = 0.05 * (2 if call == "decided" and asset == assets[1] else 1)
                self.row(asset, START + timedelta(days=day), 4000, rate, name)
        self.called[name] = call
        if call == "early":
            self.faults["experiment_call"].add(name)


@pytest.fixture(scope="module")
def planted(export: Callable[[], Export], whole: bool) -> Planted:
    return Planted(export(), 1, 600 if whole else 120)


@pytest.fixture(scope="module")
def faulty(
    planted: Planted, workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> Build:
    """Build the export with faults."""
    folder = tmp_path_factory.mktemp("faults")
    write_export(folder, planted.export, lambda dataset: Form())
    build = workspace.build(
        files=folder,
        variables={"as_of": f"{TODAY}", "history": False},
        arguments=("--select", *(f"+{mart}" for mart in oracle_trust.MARTS), *WITHOUT_UNIT_TESTS),
    )
    assert build.named("fail", "error", "skipped") == set()
    return build


@pytest.fixture(scope="module")
def outcomes(faulty: Build) -> dict[str, dict[str, str]]:
    """Return each claim's outcome, by kind."""
    rows = faulty.rows("select * from intermediate.int_orchestrator_claims")
    by_kind: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        by_kind[row["claim_kind"]][row["claim_id"]] = row["outcome"]
    return by_kind


def test_the_export_with_faults_is_read_as_the_oracle_reads_it(
    faulty: Build, planted: Planted
) -> None:
    assert_as_the_oracle_reads(faulty, oracle.read_world(planted.export, as_of=f"{TODAY}"))


@pytest.mark.parametrize(
    "kind", ["reported_figure", "risk_evidence", "risk_signal", "experiment_call"]
)
def test_every_fault_is_found_and_nothing_else(
    kind: str, planted: Planted, outcomes: dict[str, dict[str, str]], figures: dict[str, str]
) -> None:
    found = {claim for claim, outcome in outcomes[kind].items() if outcome == NOT_BORNE_OUT}
    figures[f"{kind}: faults found"] = f"{len(found)} of {len(planted.faults[kind])}"
    assert len(planted.faults[kind]) > 10
    assert found == planted.faults[kind]


def test_experiments_are_judged_by_how_they_were_called(
    planted: Planted, outcomes: dict[str, dict[str, str]]
) -> None:
    """An unapproved variant makes an experiment unhealthy, so it is not judged."""
    expected = {"early": NOT_BORNE_OUT, "unapproved": "not_checkable"}
    assert outcomes["experiment_call"] == {
        name: expected.get(call, "borne_out") for name, call in planted.called.items()
    }


def test_recommendations_are_judged_by_what_came_next(
    planted: Planted, outcomes: dict[str, dict[str, str]], figures: dict[str, str]
) -> None:
    is_found = {True: [], False: []}
    is_borne_out = []
    for name, case in planted.advised.items():
        outcome = outcomes["recommendation"][name]
        is_found[case in WRONG].append(outcome == NOT_BORNE_OUT)
        if case not in WRONG:
            is_borne_out.append(outcome == "borne_out")
    found, false = np.mean(is_found[True]), np.mean(is_found[False])
    figures["wrong recommendations found"] = f"{found:.1%} of {len(is_found[True])}"
    figures["right recommendations called wrong"] = f"{false:.1%} of {len(is_found[False])}"
    figures["right recommendations borne out"] = f"{np.mean(is_borne_out):.1%}"
    assert found >= 0.95
    assert false <= at_most(LEVEL, len(is_found[False]))
    assert np.mean(is_borne_out) >= 0.8


# ---- Orchestrators with stated confidence ----------------------------------------------------

SAYS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Array]] = {
    "always 0.9": lambda rng, size: np.full(size, 0.9),
    "always 0.99": lambda rng, size: np.full(size, 0.99),
    "always 1": lambda rng, size: np.full(size, 1.0),
    "0.5 to 1": lambda rng, size: rng.uniform(0.5, 1, size).round(2),
    "0 to 1": lambda rng, size: rng.uniform(0, 1, size).round(2),
    "0.7 or 1": lambda rng, size: rng.choice([0.7, 0.95, 1.0], size),
}


def stands(rng: np.random.Generator, rate: Array) -> Array:
    """Draw whether decisions stand."""
    return (rng.random(rate.shape) < rate).astype(int)


def p_values(said: Array, stood: Array, enough: int = 20) -> tuple[Array, Array]:
    """Return the p-value of all decisions of each orchestrator, and the least of its buckets'.

    Args:
        said: Confidence, by orchestrator and decision.
        stood: 1 where the decision stood, else 0.
        enough: Decisions that a bucket is judged by.

    """

    def of(here: Array) -> Array:
        count, kept = here.sum(-1), (stood * here).sum(-1)
        mean = (said * here).sum(-1) / np.maximum(count, 1)
        tails = binom.cdf(kept, count, mean), binom.sf(kept - 1, count, mean)
        return np.where(count >= enough, np.minimum(2 * np.minimum(*tails), 1), np.nan)

    number = np.minimum(np.round(said * 1000).astype(int) // 100, 9)
    buckets = np.stack([of(number == one) for one in range(10)])
    tested = (~np.isnan(buckets)).sum(0)
    least = np.where(np.isnan(buckets), 1, buckets).min(0)
    return of(np.full(said.shape, True)), np.minimum(least * np.maximum(tested, 1), 1)


def calibrated_decisions(said: Array, stood: Array, demo: Export) -> Export:
    """Return the demo with these decisions in place of its own."""
    decision = demo["orchestrator_decisions"][0]
    demo["orchestrator_decisions"] = [
        decision
        | {"decision_id": f"D_{number:04}", "confidence_score": float(p)}
        | {"human_override": not o}
        for number, (p, o) in enumerate(zip(said, stood, strict=True))
    ]
    return demo


ORCHESTRATORS: dict[str, tuple[str, Callable[[Array], Array], int, str]] = {
    "honest": ("0 to 1", lambda said: said, 400, "calibrated"),
    "boastful": ("always 0.9", lambda said: said - 0.3, 200, "overconfident"),
    "modest": ("0.5 to 1", lambda said: 0.9 + said * 0.1, 200, "underconfident"),
    "never overridden": ("0.5 to 1", lambda said: said * 0 + 1, 30, "underconfident"),
    "sure": ("0.7 or 1", lambda said: np.where(said == 1, 0.6, said), 120, "overconfident"),
    "certain": ("always 1", lambda said: said - 0.05, 60, "overconfident"),
}
"""What each says, how often its decisions stand, how many there are, and the verdict."""


@pytest.mark.parametrize("name", ORCHESTRATORS)
def test_an_orchestrator_is_judged_as_the_reference_does(
    name: str, workspace: Workspace, export: Callable[[], Export]
) -> None:
    says, keeps, count, verdict = ORCHESTRATORS[name]
    rng = np.random.default_rng(11)
    said = SAYS[says](rng, (count,))
    stood = stands(rng, keeps(said))
    decisions = calibrated_decisions(said, stood, export())
    build = workspace.build(
        decisions,
        variables={"history": False},
        arguments=("--select", "+confidence_calibration", *WITHOUT_UNIT_TESTS),
    )
    assert build.named("fail", "error", "skipped") == set()
    assert_as_the_oracle_reads(build, oracle.read_world(decisions), "confidence_calibration")
    rows = build.rows("select bucket, p_value, calibration from marts.confidence_calibration")
    whole, buckets = p_values(said[None], stood[None])
    of_all = next(row for row in rows if row["bucket"] == "all")
    tested = [row["p_value"] for row in rows if row not in (of_all,) and row["p_value"] is not None]
    assert of_all["calibration"] == verdict
    assert math.isclose(of_all["p_value"], whole[0], rel_tol=1e-9, abs_tol=1e-12)
    assert math.isclose(min(tested, default=1), buckets[0], rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.parametrize("says", SAYS)
@pytest.mark.parametrize("count", [20, 60, 200, 1000])
def test_few_that_are_calibrated_are_called_otherwise(
    says: str, count: int, whole: bool, figures: dict[str, str]
) -> None:
    rng, draws = np.random.default_rng(21), 10_000 if whole else 2_000
    said = SAYS[says](rng, (draws, count))
    found = [(p < LEVEL).mean() for p in p_values(said, stands(rng, said))]
    name = f"calibrated, {says}, {count} decisions: called otherwise, in all and in a bucket"
    figures[name] = f"{found[0]:.1%}, {found[1]:.1%}"
    assert max(found) <= at_most(LEVEL, draws)


def test_boastful_ones_are_found(whole: bool, figures: dict[str, str]) -> None:
    rng, draws = np.random.default_rng(31), 10_000 if whole else 2_000
    found = {}
    for count in (20, 50, 100, 200):
        said = np.full((draws, count), 0.9)
        found[count] = (p_values(said, stands(rng, said - 0.3))[0] < LEVEL).mean()
        figures[f"says 0.9, stands 0.6, {count} decisions: found"] = f"{found[count]:.1%}"
    assert found[200] >= 0.95
    assert found[20] >= 0.8  # the power that policy asks for


# ---- How good a forecast it is -------------------------------------------------------------------


def brier_intervals(said: Array, stood: Array) -> dict[str, tuple[float, float]]:
    """Return the intervals as the oracle does, by sums; it leaves out one after the other."""
    number, count = np.minimum(np.round(said * 1000).astype(int) // 100, 9), len(said)
    sums = [np.bincount(number, one, 10) for one in (None, said, stood)]
    here, p, o = (one[number] for one in sums)

    def per(values: Array, counts: Array) -> Array:
        return np.divide(values, counts, out=np.zeros(values.shape), where=counts > 0)

    reliability, squares = per((sums[1] - sums[2]) ** 2, sums[0]), per(sums[2] ** 2, sums[0])
    total = sums[2].sum()
    left = per((p - said - o + stood) ** 2, here - 1)
    left_squares = per((o - stood) ** 2, here - 1)
    means = {
        "brier": (((said - stood) ** 2).mean(), (said - stood) ** 2),
        "reliability": (
            reliability.sum() / count,
            reliability.sum() - (reliability.sum() - reliability[number] + left),
        ),
        "resolution": (
            (squares.sum() - total**2 / count) / count,
            squares.sum()
            - total**2 / count
            - (squares.sum() - squares[number] + left_squares)
            + (total - stood) ** 2 / (count - 1),
        ),
    }
    found = {}
    for name, (figure, values) in means.items():
        around = sorted((figure, values.mean()))
        error = 2.042272456301238 * values.std(ddof=1) / math.sqrt(count)
        found[name] = around[0] - error, around[1] + error
    return found


@pytest.mark.parametrize("keeps", ["as said", "less than said"])
def test_intervals_hold_what_is_so(keeps: str, whole: bool, figures: dict[str, str]) -> None:
    """From 100 decisions; the truth is from a million."""
    rng, draws, count = np.random.default_rng(41), 2_500 if whole else 500, 100

    def draw(size: int) -> tuple[Array, Array, Array]:
        said = SAYS["0.5 to 1"](rng, (size,))
        rate = said if keeps == "as said" else said - 0.25
        return said, rate, stands(rng, rate)

    said, rate, _ = draw(1_000_000)
    number = np.minimum(np.round(said * 1000).astype(int) // 100, 9)
    of = [np.bincount(number, one, 10)[5:] for one in (None, said, rate)]
    so = {
        "brier": ((said - rate) ** 2 + rate * (1 - rate)).mean(),
        "reliability": ((of[1] - of[2]) ** 2 / of[0]).sum() / len(said),
        "resolution": (of[2] ** 2 / of[0]).sum() / len(said) - rate.mean() ** 2,
    }
    held: Counter[str] = Counter()
    for _ in range(draws):
        said, _, stood = draw(count)
        for name, (low, high) in brier_intervals(said, stood).items():
            held[name] += low <= so[name] + 1e-6 and so[name] <= high
    for name in so:
        figures[f"{name}, stands {keeps}: intervals that hold it"] = f"{held[name] / draws:.1%}"
        assert 1 - held[name] / draws <= at_most(0.05, draws)


def test_the_sums_are_the_oracles_intervals() -> None:
    rng = np.random.default_rng(51)
    said = SAYS["0.5 to 1"](rng, (60,))
    stood = stands(rng, said - 0.2)
    scores = [(exact(float(p)), int(o)) for p, o in zip(said, stood, strict=True)]
    expected = oracle_trust.brier_intervals(scores, Fraction(1, 10), 20)
    for name, (low, high) in brier_intervals(said, stood).items():
        assert math.isclose(expected[f"{name}_ci_low"], max(low, 0), abs_tol=1e-9)
        assert math.isclose(expected[f"{name}_ci_high"], high, rel_tol=1e-9)


# ---- A tiny export -------------------------------------------------------------------------------


def test_a_tiny_export_says_not_enough(workspace: Workspace, export: Callable[[], Export]) -> None:
    """Five decisions, a performance row for each of ten assets, and nothing reported."""
    tiny = export()
    tiny["orchestrator_decisions"] = tiny["orchestrator_decisions"][:5]
    first = {row["asset_id"]: row for row in reversed(tiny["performance_metrics"])}
    tiny["performance_metrics"] = list(first.values())[:10]
    for name in ("segment_rollups", "attribution_hints"):
        tiny[name] = []
    build = workspace.build(
        tiny,
        variables={"history": False},
        arguments=(
            *("--select", *(f"+{mart}" for mart in oracle_trust.MARTS)),
            *WITHOUT_UNIT_TESTS,
        ),
    )
    assert build.named("fail", "error", "skipped") == set()
    assert_as_the_oracle_reads(build, oracle.read_world(tiny))
    rows = build.rows("select * from marts.confidence_calibration")
    assert {row["calibration"] for row in rows} == {"not_enough"}
    (of_all,) = (row for row in rows if row["bucket"] == "all")
    assert of_all["decisions"] == 5
    assert of_all["brier_score"] is not None
    assert of_all["brier_ci_low"] is None
    assert of_all["brier_skill_score"] is None
    statuses = build.rows("select status, status_to_date from marts.orchestrator_track_record")
    assert {value for row in statuses for value in row.values()} == {"not_enough"}
