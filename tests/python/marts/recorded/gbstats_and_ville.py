"""Print sequential boundaries and p values of gbstats and ville, as CSV.

gbstats needs older NumPy and pandas than the project, so its figures are recorded:

    python -m venv elsewhere
    elsewhere/bin/pip install gbstats==0.8.0 ville==0.1.0
    elsewhere/bin/python gbstats_and_ville.py > gbstats_and_ville.csv

A row is of a level, a sample (trials of both arms), how the boundary is tuned (a planned sample or,
where it is empty, a variance P and a tuning lift), and a z.
"""

import csv
import sys

import numpy as np
from gbstats.frequentist.tests import SequentialConfig, SequentialTwoSidedTTest
from gbstats.models.statistics import SampleMeanStatistic
from scipy.stats import norm
from ville._boundaries import normal_mixture

COLUMNS = ("alpha", "trials", "planned_sample", "P", "tuning_lift", "z", "p", "bound", "ville")


def planned(trials: int, P: float, tuning_lift: float) -> float:  # noqa: N803
    """Return the sample that tunes gbstats to a lift, found at 5% with a power of 80%."""
    d = np.log(1 + tuning_lift) / (norm.ppf(0.975) + norm.ppf(0.8))
    return trials / (P * d**2)


def arm(trials: int, mean: float) -> SampleMeanStatistic:
    """Return an arm of half the trials, so that the difference of two has the variance 1."""
    n = trials / 2
    return SampleMeanStatistic(n=n, sum=n * mean, sum_squares=n / 2 * (n - 1) + n * mean**2)


def figures(alpha: float, trials: int, parameter: float, z: float) -> tuple[float, float, float]:
    """Return the p value and the bound of gbstats, and the bound of ville."""
    config = SequentialConfig(
        alpha=alpha, difference_type="absolute", sequential_tuning_parameter=parameter
    )
    test = SequentialTwoSidedTTest(arm(trials, 0), arm(trials, z), config)
    low, high = test.confidence_interval
    bound = normal_mixture(trials, alpha, 1 / test.rho**2) / np.sqrt(trials)
    return float(test.p_value), float(high - low) / 2, float(bound)


def main() -> None:
    """Print the table."""
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(COLUMNS)
    for alpha in (0.05, 0.01):
        for z in (0.0, 0.7, -1.96, 3.1, 6.0):
            for trials, sample in ((2_000, 100_000), (60_000, 40_000), (5_000_000, 5_000_000)):
                row = figures(alpha, trials, sample, z)
                table.writerow((alpha, trials, sample, "", "", z, *map(repr, row)))
            for trials, P, lift in ((4_000, 6.5, 0.1), (90_000, 812.0, 0.1), (90_000, 812.0, 0.3)):  # noqa: N806
                row = figures(alpha, trials, planned(trials, P, lift), z)
                table.writerow((alpha, trials, "", P, lift, z, *map(repr, row)))


if __name__ == "__main__":
    main()
