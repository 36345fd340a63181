"""The error rate of trends, by simulation: at most one in twenty constant rates seems to change.

Two weeks of a funnel step (or of a segment's KPI) are drawn each time: each day has its own rate,
people per day are log-uniform, fewer at the weekend. The rate may be missed by three standard
errors of the steps drawn. The oracle shows that the marts use these formulas.
"""

import math

import numpy as np
import pytest
from helpers import oracle
from helpers.project import read_export
from numpy.typing import NDArray
from scipy.stats import t

COUNT = 20_000
WEEK = np.array([1, 1.1, 1.1, 1, 0.9, 0.4, 0.4])
"""People of a day, relative to a Monday's."""

Days = NDArray[np.int64]


def draw(
    seed: int,
    people: tuple[float, float],
    rate: tuple[float, float],
    variation: float,
    change: float = 0.0,
) -> tuple[Days, Days, Days, Days]:
    """Return successes and trials by step and day of a week, then of the week before.

    Args:
        seed: Seed of the draws.
        people: Least and most people of a Monday.
        rate: Lowest and highest rate of a step.
        variation: Relative standard deviation of a day's rate.
        change: Relative change of the rate from the week before.

    """
    rng = np.random.default_rng(seed)
    mondays, rates = (
        np.exp(rng.uniform(math.log(low), math.log(high), (COUNT, 1)))
        for low, high in (people, rate)
    )
    weeks = []
    for of_week in (rates * (1 + change), rates):
        trials = rng.poisson(mondays * WEEK)
        own = of_week * np.exp(rng.normal(-(variation**2) / 2, variation, trials.shape))
        weeks += [rng.binomial(trials, own.clip(0, 1)), trials]
    return tuple(weeks)


def is_beyond_noise(x: Days, n: Days, x0: Days, n0: Days) -> tuple[NDArray, NDArray]:
    """Return whether each step changed beyond noise, and whether there is enough to tell."""
    sums = [days.sum(-1).astype(float) for days in (x, n, x0, n0)]
    found, came, found_before, came_before = sums
    spread, size, freedom = 0.0, -2.0, -2
    with np.errstate(divide="ignore", invalid="ignore"):
        for successes, trials in ((x, n), (x0, n0)):
            rate = successes.sum(-1, keepdims=True) / trials.sum(-1, keepdims=True)
            off = (successes - rate * trials) ** 2 / (trials * rate * (1 - rate))
            spread = spread + np.nan_to_num(off).sum(-1)
            size = size + trials.sum(-1) ** 2 / (trials**2).sum(-1)
            freedom = freedom + (trials > 0).sum(-1)
        inflation, quantile = np.maximum(spread / size, 1), t.ppf(0.975, freedom)
        variance = 1 / found - 1 / came + 1 / found_before - 1 / came_before
        margin = 2 * np.arcsinh(quantile * np.sqrt(variance.clip(0) * inflation) / 2)
        ratio = (found / came) / (found_before / came_before)
        z = (found * came_before - found_before * came) / np.sqrt(
            (found + found_before) * came * came_before * inflation
        )
        is_beyond = np.where(
            found * found_before > 0, abs(np.log(ratio)) > margin, abs(z) > quantile
        )
    is_enough = found + found_before >= oracle.read_policy()["trend_minimum_successes"]
    return is_beyond & is_enough, is_enough


def test_the_simulation_is_of_the_oracles_formula() -> None:
    drawn = draw(1, (2, 3_000), (0.002, 0.5), 0.1, change=-0.2)
    world, told = oracle.read_world(read_export()), is_beyond_noise(*drawn)
    for step in range(300):
        x, n, x0, n0 = (days[step].tolist() for days in drawn)
        weeks = [list(zip(*week, strict=True)) for week in ((x, n), (x0, n0))]
        _, _, expected = oracle.trend_interval(world, *weeks)
        is_beyond, is_enough = (bool(one[step]) for one in told)
        assert (is_beyond if is_enough else None) == expected


@pytest.mark.parametrize("variation", [0, 0.05, 0.1, 0.2])
@pytest.mark.parametrize("rate", [(0.01, 0.1), (0.1, 0.6)])
@pytest.mark.parametrize("people", [(30, 300), (300, 3_000), (3_000, 30_000), (30_000, 300_000)])
def test_of_steps_that_do_not_change_few_are_called_a_change(
    people: tuple[float, float], rate: tuple[float, float], variation: float
) -> None:
    is_beyond, is_enough = is_beyond_noise(*draw(2, people, rate, variation))
    seen = is_beyond.sum() / is_enough.sum()
    assert seen <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / is_enough.sum())


@pytest.mark.parametrize(
    ("people", "change", "share"),
    [((300, 3_000), -0.5, 0.95), ((3_000, 30_000), -0.3, 0.95), ((3_000, 30_000), 0.5, 0.95)],
)
def test_large_changes_are_found(people: tuple[float, float], change: float, share: float) -> None:
    is_beyond, _ = is_beyond_noise(*draw(3, people, (0.02, 0.4), 0.1, change))
    assert is_beyond.mean() >= share
