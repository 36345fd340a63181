"""The error rates of watched arms, by simulation; --whole draws eight times as many experiments.

Each experiment is drawn anew: 28 days, rates log-uniform from 1 to 10%, trials per day of both arms
log-uniform from 200 to 20,000. A promise ("at most 5%") may be missed by three standard errors of
the experiments drawn. A figure of the recipe is itself one of 10,000 experiments or more, and is
rounded: `assert_near` allows for both.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from helpers import arms
from helpers.arms import Array, Comparison, Decision, End, Policy
from scipy.stats import norm, t

DAYS = 28
POLICY = Policy()
FROM_THE_FIRST_DAY = Policy(experiment_minimum_days=1, experiment_minimum_rows=1)
AT_THE_END = End(DAYS - 1, DAYS - 1)


@pytest.fixture(scope="module")
def count(whole: bool) -> int:
    """Return the number of experiments drawn for a figure."""
    return 40_000 if whole else 5_000


@pytest.fixture
def record(figures: dict[str, str], whole: bool, request: pytest.FixtureRequest) -> Callable:
    """Return a function that makes the long run print an observed share."""

    def say(of: str, seen: float) -> float:
        if whole:
            figures[f"{request.node.name}, {of}"] = f"{seen:.2%}"
        return seen

    return say


def noise(share: float, count: float) -> float:
    """Return three standard errors of a share of `count`."""
    return 3 * math.sqrt(share * (1 - share) / count)


def assert_at_most(seen: float, promise: float, count: int) -> None:
    assert seen <= promise + noise(promise, count)


def assert_near(seen: float, recipe: float, count: int, rounding: float = 0.0005) -> None:
    both = 1 / (1 / count + 1 / 10_000)
    assert abs(seen - recipe) <= noise(min(recipe, 0.5), both) + rounding


# ---- What is drawn


@dataclass(frozen=True)
class Drawn:
    """Successes and trials by experiment and day, the variant's first."""

    a: Array
    n1: Array
    c: Array
    n0: Array

    def compared(self, is_inflated: bool = True) -> Comparison:
        """Return the comparison, with or without overdispersion."""
        comparison = arms.compare(self.a, self.n1, self.c, self.n0)
        return comparison if is_inflated else replace(comparison, inflation=1.0)

    def z_of_totals(self) -> Array:
        """Return z by the pooled test of two rates, of the days so far."""
        a, n1, c, n0 = (values.cumsum(-1) for values in (self.a, self.n1, self.c, self.n0))
        rate = (a + c) / (n1 + n0)
        error = np.sqrt(rate * (1 - rate) * (1 / n1 + 1 / n0))
        return np.nan_to_num(arms.divide(a / n1 - c / n0, error))


def log_uniform(rng: np.random.Generator, low: float, high: float, count: int) -> Array:
    return np.exp(rng.uniform(math.log(low), math.log(high), (count, 1)))


def draw(seed: int, count: int, lift: float = 0.0) -> Drawn:
    rng = np.random.default_rng(seed)
    rate = log_uniform(rng, 0.01, 0.1, count)
    trials = np.broadcast_to(log_uniform(rng, 200, 20_000, count) / 2, (count, DAYS))
    n1, n0 = rng.poisson(trials), rng.poisson(trials)
    a, c = rng.binomial(n1, rate * (1 + lift)), rng.binomial(n0, rate)
    return Drawn(a, n1, c, n0)


@pytest.fixture(scope="module")
def same(count: int) -> Drawn:
    """Return experiments whose arms have the same rate."""
    return draw(1, count)


@pytest.fixture(scope="module")
def better(count: int) -> Drawn:
    """Return experiments whose variant is better by a fifth."""
    return draw(2, count, lift=0.2)


def found_by_one_test(drawn: Drawn) -> float:
    """Return the share in which one test at the end finds the variant better."""
    return float((drawn.z_of_totals()[:, -1] > norm.isf(0.025)).mean())


# ---- 28 daily looks


def test_today_is_wrong_in_a_quarter(
    same: Drawn, better: Drawn, count: int, record: Callable
) -> None:
    comparison, z = same.compared(), same.z_of_totals()
    is_out = (np.abs(z) > norm.isf(0.025)) & (comparison.expected >= 10)
    a, n1, c, n0 = (v.cumsum(-1) for v in (same.a, same.n1, same.c, same.n0))
    is_large = a / n1 >= 1.1 * c / n0
    assert_near(record("any", is_out.any(-1).mean()), 0.264, count)
    assert_near(record("scaled", (is_out & is_large).any(-1).mean()), 0.113, count)
    is_found = (better.z_of_totals() > norm.isf(0.025)) & (better.compared().expected >= 10)
    once = found_by_one_test(better)
    ratio = record("found / fixed test", is_found.any(-1).mean() / once)
    assert_near(ratio * once, 1.07 * once, count, rounding=0.005)


LOOKS = {
    "planned sample": (0.011, 0.005, 0.84),
    "tuned to 10%": (0.007, 0.003, 0.77),
    "declared end": (0.034, 0.011, 0.96),
}


def looked_at(drawn: Drawn, design: str) -> tuple[Comparison, Decision]:
    """Return the figures and decisions of a design of the recipe's table at each look.

    In its table only the last design has inflation, and waits for the seventh day.
    """
    if design == "declared end":
        comparison = drawn.compared()
        return comparison, arms.decide(comparison, POLICY, AT_THE_END)
    comparison = drawn.compared(is_inflated=False)
    sample = comparison.trials[:, [-1]] if design == "planned sample" else None
    return comparison, arms.decide(comparison, FROM_THE_FIRST_DAY, planned_sample=sample)


def is_missed(decision: Decision, ratio: float) -> np.ndarray:
    """Return where an interval excludes a ratio; an empty one excludes all."""
    is_empty = np.isnan(decision.low) & (decision.p < POLICY.significance_level)
    return (decision.low > ratio) | (decision.high < ratio) | is_empty


@pytest.mark.parametrize("design", LOOKS)
def test_looking_every_day_errs_in_few(
    same: Drawn, better: Drawn, count: int, design: str, record: Callable
) -> None:
    recipe_any, recipe_scale, recipe_found = LOOKS[design]
    comparison, decision = looked_at(same, design)
    is_out = decision.p < POLICY.significance_level
    errors = record("any", is_out.any(-1).mean())
    scaled = record("scaled", (is_out & (comparison.ratio >= 1.1)).any(-1).mean())
    assert_at_most(errors, 0.05, count)
    assert_near(errors, recipe_any, count)
    assert_near(scaled, recipe_scale, count)
    assert is_missed(decision, 1.0).any(-1).mean() == errors
    comparison, decision = looked_at(better, design)
    assert_at_most(
        1 - record("coverage of +20%", 1 - is_missed(decision, 1.2).any(-1).mean()), 0.05, count
    )
    is_found = (decision.p < POLICY.significance_level) & (comparison.ratio > 1)
    once = found_by_one_test(better)
    ratio = record("found / fixed test", is_found.any(-1).mean() / once)
    assert_near(ratio * once, recipe_found * once, count, rounding=0.005)


def test_designs_that_are_not_valid(same: Drawn, count: int, record: Callable) -> None:
    comparison = same.compared(is_inflated=False)
    fixed = np.where(arms.is_ready(comparison, POLICY), arms.fixed_p(comparison), 1.0)
    watched = arms.decide(comparison, POLICY).p < 0.05
    twice = record(
        "sequential, then all of the fixed test", (watched.any(-1) | (fixed[:, -1] < 0.05)).mean()
    )
    assert 0.053 - noise(0.053, count) <= twice <= 0.056 + noise(0.056, count)
    # Stopped at the look that is significant, and tested as if that had been the end.
    stopped = record("stopped when ahead", (fixed / 0.8 < 0.05).any(-1).mean())
    assert_near(stopped, 0.155, count)


# ---- One look: the fixed interval, and days that vary


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("rate", [0.001, 0.01, 0.1])
def test_fixed_interval_covers(rate: float, share: float, count: int, record: Callable) -> None:
    rng = np.random.default_rng(3)
    worst = []
    for ratio in (1.0, 1.2):
        for expected in (10, 50, 200):
            trials = expected / rate / min(share, 1 - share) / 5
            n1, n0 = (np.full((count, 5), round(trials * part)) for part in (share, 1 - share))
            drawn = Drawn(rng.binomial(n1, rate * ratio), n1, rng.binomial(n0, rate), n0)
            low, high = arms.interval(drawn.compared(is_inflated=False), arms.fixed_bound(0.05))
            sides = ((low > ratio)[:, -1].mean(), (high < ratio)[:, -1].mean())
            assert_at_most(sum(sides), 0.055, count)
            assert_at_most(1 - sum(sides), 0.956, count)
            assert_at_most(max(sides), 0.034, count)
            worst.append((1 - sum(sides), max(sides)))
    record("least coverage", min(coverage for coverage, _ in worst))
    record("most on a side", max(side for _, side in worst))


@pytest.mark.parametrize("days", [7, 28])
def test_inflation_answers_days_that_vary(days: int, count: int, record: Callable) -> None:
    rng = np.random.default_rng(4)
    trials = np.full((count, days), 100_000)  # 500 successes of each arm

    def successes() -> Array:
        return rng.binomial(trials, 0.005 * rng.gamma(400, 1 / 400, trials.shape))  # 5% a day

    drawn = Drawn(successes(), trials, successes(), trials)
    without = arms.fixed_p(drawn.compared(is_inflated=False))[:, -1] < 0.05
    assert_near(record("without", without.mean()), 0.186, count)
    phi = 1 + 500 * 0.05**2 / 0.995  # of a binomial day's variance
    law = 2 * norm.sf(norm.isf(0.025) / math.sqrt(phi))
    assert abs(without.mean() - law) <= noise(law, count) + 0.001
    inflated = arms.fixed_p(drawn.compared())[:, -1] < 0.05
    # A variance of as many days makes z a Student's t: near the level, not at it.
    assert_at_most(record("with", inflated.mean()), 2 * t.sf(norm.isf(0.025), days - 1), count)


# ---- Beside the decision


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_a_planned_split_is_flagged_in_few(share: float, count: int, record: Callable) -> None:
    rng = np.random.default_rng(5)
    trials = np.broadcast_to(log_uniform(rng, 200, 20_000, count), (count, DAYS))
    n1, n0 = rng.poisson(trials * share), rng.poisson(trials * (1 - share))
    flagged = (arms.split_p(n1, n0, share) < 0.01).any(-1).mean()
    assert_at_most(record("flagged", flagged), 0.01, count)
    assert_near(flagged, 0.003, count)


def test_another_split_is_flagged(count: int, record: Callable) -> None:
    rng = np.random.default_rng(6)
    trials = np.broadcast_to(log_uniform(rng, 200, 20_000, count), (count, DAYS))
    n1, n0 = rng.poisson(trials * 0.51), rng.poisson(trials * 0.49)
    flagged = (arms.split_p(n1, n0) < 0.01).any(-1).mean()
    sums = n1.sum(-1), n0.sum(-1)
    once = (2 * norm.sf(np.abs(sums[0] - sums[1]) / np.sqrt(sum(sums))) < 0.01).mean()
    ratio = record("flagged / chi-square at the end", flagged / once)
    assert_near(ratio * once, 0.85 * once, count, rounding=0.005)
    varying = rng.binomial(20_000, 0.5 + rng.normal(0, 0.016, (200, DAYS)))
    assert (arms.split_p(varying, 20_000 - varying) < 0.01).any(-1).mean() > 0.99


@pytest.mark.parametrize(("conversions", "recipe"), [(400, 0.03), (2000, 0.51), (8000, None)])
def test_guardrails_need_conversions(
    conversions: int, recipe: float | None, count: int, record: Callable
) -> None:
    """Compare with the recipe, and with the normal law: 8,000 give 99.8%, not the recipe's 96%."""
    rng = np.random.default_rng(7)
    rate, trials = 0.02, np.full((count, DAYS), round(conversions / DAYS / 0.02))
    drawn = Drawn(rng.binomial(trials, rate), trials, rng.binomial(trials, rate), trials)
    comparison = drawn.compared(is_inflated=False)
    decision = arms.decide(comparison, POLICY)
    status = arms.guardrail_status(decision, arms.is_ready(comparison, POLICY), POLICY)
    share = record("ok", (status[:, -1] == "ok").mean())
    error = math.sqrt(2 * (1 - rate) / conversions)
    d = math.log(1.1) / (norm.isf(0.025) + norm.ppf(0.8))
    u = 7.936 * d**2 * conversions / 2 * (1 - rate)
    width = 2 * math.asinh(
        math.sqrt((1 + u) / u * (math.log(1 + u) - 2 * math.log(0.05))) * error / 2
    )
    assert_near(share, float(norm.cdf((math.log(1.1) - width) / error)), count, rounding=0.002)
    if recipe is not None:
        assert_near(share, recipe, count, rounding=0.005)


@pytest.mark.parametrize("end", [None, AT_THE_END])
@pytest.mark.parametrize("variation", [0, 0.05])
def test_cost_per_conversion_is_rarely_judged_falsely(
    variation: float, end: End | None, count: int, record: Callable
) -> None:
    rng = np.random.default_rng(8)
    for truth, wrong, promise in ((1 / 1.1, "ok", 0.025), (1.0, "worse", 0.026)):
        costs = [100 * np.exp(rng.normal(0, 0.3, (count, DAYS))) for _ in range(2)]
        days = [np.exp(rng.normal(0, variation, (count, DAYS))) for _ in range(2)]
        a, c = (
            rng.poisson(cost * day * part / 2)  # 50 conversions a day
            for cost, day, part in zip(costs, days, (truth, 1.0), strict=True)
        )
        comparison = arms.compare(a, costs[0], c, costs[1], is_cost=True)
        decision = arms.decide(comparison, POLICY, end)
        status = arms.guardrail_status(decision, arms.is_ready(comparison, POLICY), POLICY)
        assert_at_most(record(f"falsely {wrong}", (status == wrong).any(-1).mean()), promise, count)
