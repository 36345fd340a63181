"""Two arms of an experiment that are compared while it runs: the formulas, in NumPy.

An independent reading of the recipe "Comparing arms that are watched". Every array has one entry
per day along its last axis, in order; before it there may be axes of experiments. Results are
cumulative: entry i is the result of the days up to i. nan stands for null.

Symbols: a successes of n1 trials is the variant's day, c of n0 the control's. A day is paired where
both arms have trials; days with one arm only count nowhere.

Sources: Mantel-Haenszel's ratio with the variance of Greenland and Robins (Biometrics 1985);
Robbins' normal mixture as an asymptotic confidence sequence (Waudby-Smith, Arbour, Sinha, Kennedy
and Ramdas).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Policy:
    """The policy's numbers; rates, shares and lifts are fractions."""

    significance_level: float = 0.05
    power_target: float = 0.8
    level_share_before_end: float = 0.2  # of the level, spent at every look before a declared end
    sequential_tuning_lift: float = 0.10
    minimum_lift_to_scale: float = 0.10
    experiment_minimum_days: float = 7  # covered by paired rows
    experiment_minimum_rows: int = 5  # paired
    experiment_minimum_successes: float = 10  # expected, in the smaller arm
    guardrail_margin: float = 0.10

    @property
    def power_sum(self) -> float:
        """Return the standard errors at which a lift is found with the target's power."""
        return float(norm.isf(self.significance_level / 2) + norm.ppf(self.power_target))


@dataclass(frozen=True)
class Comparison:
    """Sums of the paired days up to each day; all null (but counts) without one."""

    R: Array  # the variant's successes, weighted by the control's share of trials
    S: Array  # the control's, by the variant's share
    P: Array  # variance of R - S under equal rates, without inflation
    W: Array  # weight: R/W and S/W are the rates
    D: Array  # paired days
    inflation: Array  # max(1, phi): how much more than binomial days vary
    expected: Array  # least successes of an arm: expected ones of rates, observed ones of cost
    trials: Array  # of both arms
    days_covered: Array  # by paired rows
    control_successes: Array
    variant_successes: Array
    is_cost: bool = False

    @property
    def variance(self) -> Array:
        """Return P with its inflation."""
        return self.P * self.inflation

    @property
    def ratio(self) -> Array:
        """Return R/S, null where the control has no success."""
        return divide(self.R, self.S)

    @property
    def log_ratio(self) -> Array:
        """Return ln(R/S), null where an arm has no success."""
        return np.log(np.where(self.R > 0, self.ratio, np.nan))

    @property
    def standard_error(self) -> Array:
        """Return that of the log ratio, null where an arm has no success."""
        return np.sqrt(divide(self.variance, self.R * self.S))

    @property
    def z(self) -> Array:
        """Return (R - S) in its standard errors; 0 where these are 0, for then R = S."""
        return np.where(self.P == 0, 0.0, divide(self.R - self.S, np.sqrt(self.variance)))


class End(NamedTuple):
    """A declared end: the last day up to it, and the first by which the data have reached it.

    Indexes of days, one or an array with one per experiment. `last` is -1 where no day is up to
    the end, `reached` the number of days (or more) where the end is not reached.
    """

    last: ArrayLike
    reached: ArrayLike


class Decision(NamedTuple):
    """The decision's figures, by day; null before the minimum. `low` and `high`: of the ratio."""

    p: Array
    low: Array
    high: Array
    sequential_p: Array  # not null before the minimum
    u: Array


def divide(one: ArrayLike, other: ArrayLike) -> Array:
    """Return one over the other, null where the other is 0."""
    one, other = np.broadcast_arrays(np.asarray(one, float), np.asarray(other, float))
    return np.divide(one, other, out=np.full(one.shape, np.nan), where=other != 0)


def moved_back(successes: ArrayLike, trials: ArrayLike) -> tuple[Array, Array]:
    """Move successes beyond a day's trials to the day before, and on.

    Returns an arm's corrected successes, no more than trials on any day, and per experiment the
    excess that is left at the first day. A day without rows (0 of 0) lets them pass.
    """
    corrected, trials = np.array(successes, float), np.asarray(trials, float)
    excess = np.zeros(corrected.shape[:-1])
    for day in reversed(range(corrected.shape[-1])):
        total = corrected[..., day] + excess
        corrected[..., day] = np.minimum(total, trials[..., day])
        excess = total - corrected[..., day]
    return corrected, excess


def compare(
    a: ArrayLike,
    n1: ArrayLike,
    c: ArrayLike,
    n0: ArrayLike,
    is_cost: bool = False,
    days_covered: ArrayLike = 1,
) -> Comparison:
    """Compare arms by day: successes and trials of the variant (a, n1) and the control (c, n0).

    Of a cost comparison successes are conversions and trials cost, of which there may be fewer
    than conversions. `days_covered` is how many days a row covers.
    """
    a, n1, c, n0 = np.broadcast_arrays(*(np.asarray(value, float) for value in (a, n1, c, n0)))
    paired = (n1 > 0) & (n0 > 0)
    a, n1, c, n0 = (np.where(paired, value, 0.0) for value in (a, n1, c, n0))
    total = np.where(paired, n1 + n0, 1.0)
    r, s = a * n0 / total, c * n1 / total
    if is_cost:
        p = (a + c) * n1 * n0 / total**2
    else:  # the same less a·c/N, over one denominator: exactly 0 where all or none succeed
        p = (a * n1 * (n0 - c) + c * n0 * (n1 - a)) / total**2
    counts = paired.cumsum(-1)

    def sums(values: Array) -> Array:
        return np.where(counts > 0, values.cumsum(-1), np.nan)

    if is_cost:
        expected = np.minimum(sums(a), sums(c))
    else:
        expected = np.minimum(sums((a + c) * n1 / total), sums((a + c) * n0 / total))
    R, S, P = sums(r), sums(s), sums(p)  # noqa: N806
    return Comparison(
        R=R,
        S=S,
        P=P,
        W=sums(n1 * n0 / total),
        D=counts,
        inflation=np.maximum(1.0, dispersion(r, s, R, S, P, counts)),
        expected=expected,
        trials=(n1 + n0).cumsum(-1),
        days_covered=np.where(paired, days_covered, 0.0).cumsum(-1),
        control_successes=sums(c),
        variant_successes=sums(a),
        is_cost=is_cost,
    )


def dispersion(r: Array, s: Array, R: Array, S: Array, P: Array, D: Array) -> Array:  # noqa: N803
    """Return phi: the days' squared residuals over what binomial days would give; 1 if unknown."""
    theta = divide(R, S)
    squares = np.zeros(r.shape)
    for day in range(r.shape[-1]):
        residuals = r[..., : day + 1] - theta[..., [day]] * s[..., : day + 1]
        squares[..., day] = (residuals**2).sum(-1)
    known = (D >= 2) & (R > 0) & (S > 0) & (P > 0)
    return np.where(known, divide(D * squares, (D - 1) * theta * P), 1.0)


def is_ready(comparison: Comparison, policy: Policy) -> NDArray[np.bool_]:
    """Return whether the minimum for a verdict is reached: rows, days covered, successes."""
    rows = comparison.D
    return (
        (rows >= policy.experiment_minimum_rows)
        & (comparison.days_covered >= policy.experiment_minimum_days)
        & (comparison.expected >= policy.experiment_minimum_successes)
    )


def fixed_p(comparison: Comparison) -> Array:
    """Return the two-sided normal p value of a test made once; 1 where P = 0."""
    return 2 * norm.sf(np.abs(comparison.z))


def fixed_bound(level: float) -> float:
    """Return the standard errors beyond which a test made once rejects."""
    return float(norm.isf(level / 2))


def interval(comparison: Comparison, b: ArrayLike) -> tuple[Array, Array]:
    """Return the ratios θ with (R - θS)² <= b²θP: the lowest and the highest.

    The highest is null where it has no limit (S = 0), both where P = 0 or b is null.
    """
    R, S, variance = comparison.R, comparison.S, comparison.variance  # noqa: N806
    b = np.where(variance > 0, b, np.nan)
    width = 2 * np.arcsinh(b * comparison.standard_error / 2)
    low = comparison.ratio * np.exp(-width)
    high = comparison.ratio * np.exp(width)
    low = np.where(R == 0, 0 * b, np.where(S == 0, divide(R**2, b**2 * variance), low))
    return low, np.where(R == 0, divide(b**2 * variance, S**2), high)


def confidence_constant(alpha: float) -> float:
    """Return c(alpha): the u that makes the boundary narrow where the sample is as planned."""
    return -2 * np.log(alpha) + np.log(-2 * np.log(alpha) + 1)


def boundary(u: ArrayLike, alpha: float) -> Array:
    """Return the standard errors beyond which a test made at every look rejects."""
    u = np.asarray(u, float)
    return np.sqrt(divide(1 + u, u) * (np.log1p(u) - 2 * np.log(alpha)))


def sequential_p(z: ArrayLike, u: ArrayLike) -> Array:
    """Return the p value that is valid at every look; at most alpha where |z| >= boundary."""
    z, u = np.asarray(z, float), np.nan_to_num(np.asarray(u, float))
    return np.exp(np.minimum(0.0, np.log1p(u) / 2 - u * z**2 / (2 * (1 + u))))


def tuned_u(
    comparison: Comparison, policy: Policy, level: float, planned_sample: float | None = None
) -> Array:
    """Return the mixture's u: by a planned sample (trials of both arms), else the tuning lift."""
    c, d = confidence_constant(level), np.log1p(policy.sequential_tuning_lift) / policy.power_sum
    if planned_sample is not None:
        return c * comparison.trials / planned_sample
    if comparison.is_cost:
        return np.nan_to_num(c * d**2 * divide(comparison.R * comparison.S, comparison.P))
    return np.nan_to_num(c * d**2 * comparison.P)


def end_by_sample(comparison: Comparison, planned_sample: float) -> End:
    """Return the end of a declared sample: the day that fills it."""
    days = (comparison.trials < planned_sample).sum(-1)
    return End(days, days)


def on_day(values: Array, day: ArrayLike) -> Array:
    """Return each experiment's value on a day, by index, along a last axis of one; null at -1."""
    day = np.broadcast_to(day, values.shape[:-1])[..., None]
    inside = np.clip(day, 0, values.shape[-1] - 1)
    return np.where(day < 0, np.nan, np.take_along_axis(values, inside, -1))


def decide(
    comparison: Comparison,
    policy: Policy,
    end: End | None = None,
    planned_sample: float | None = None,
) -> Decision:
    """Return the decision's figures at each day: sequential without a declared end.

    With one: sequential at its share of the level, and from the end on also the fixed test of the
    rows up to it, at the rest.
    """
    alpha, share = policy.significance_level, policy.level_share_before_end
    level = alpha if end is None else share * alpha
    u = tuned_u(comparison, policy, level, planned_sample)
    ready = is_ready(comparison, policy)
    sequential = sequential_p(comparison.z, u)
    p, (low, high) = sequential, interval(comparison, boundary(u, level))
    if end is not None:
        rest = 1 - share
        counts = np.arange(p.shape[-1]) >= np.asarray(end.reached)[..., None]

        def at_end(values: Array) -> Array:
            return np.where(counts, on_day(np.where(ready, values, np.nan), end.last), np.nan)

        fixed_low, fixed_high = interval(comparison, fixed_bound(rest * alpha))
        p = np.minimum(1.0, np.fmin(p / share, at_end(fixed_p(comparison)) / rest))
        low = np.fmax(low, at_end(fixed_low))
        high = np.fmin(high, at_end(fixed_high))
        is_empty = low > high
        low, high = (np.where(is_empty, np.nan, bound) for bound in (low, high))
    p, low, high = (np.where(ready, values, np.nan) for values in (p, low, high))
    return Decision(p, low, high, sequential, u)


def guardrail_status(decision: Decision, ready: NDArray[np.bool_], policy: Policy) -> NDArray:
    """Return ok, worse or inconclusive of a comparison whose higher ratio is better."""
    is_ok = ready & (decision.low >= 1 / (1 + policy.guardrail_margin))
    is_worse = ready & (decision.high < 1)
    return np.select([is_ok, is_worse], ["ok", "worse"], "inconclusive")


def split_p(n1: ArrayLike, n0: ArrayLike, share: float = 0.5) -> Array:
    """Return the p value, valid at every look, of the variant's share of trials being as planned.

    Nine tenths of the level test the totals, one tenth single days (Chernoff's bound of the
    binomial; day i at 1/(i(i+1)) of it).
    """
    n1, n0 = np.broadcast_arrays(np.asarray(n1, float), np.asarray(n0, float))
    paired = (n1 > 0) & (n0 > 0)
    n1, n0 = np.where(paired, n1, 0.0), np.where(paired, n0, 0.0)
    total, day = n1 + n0, paired.cumsum(-1)
    V = (total * share * (1 - share)).cumsum(-1)  # noqa: N806
    z = divide((n1 - share * total).cumsum(-1), np.sqrt(V))
    ones = np.ones(total.shape)
    log_day = -n1 * np.log(np.divide(n1, total * share, out=ones.copy(), where=paired))
    log_day -= n0 * np.log(np.divide(n0, total * (1 - share), out=ones, where=paired))
    p_day = np.where(paired, day * (day + 1) * np.minimum(1.0, 2 * np.exp(log_day)), np.inf)
    p_days = np.minimum.accumulate(p_day, -1)
    p = np.minimum(1.0, np.minimum(sequential_p(z, 0.05**2 * V) / 0.9, p_days / 0.1))
    return np.where(day > 0, p, np.nan)


def days_needed(comparison: Comparison, policy: Policy, is_declared: bool = False) -> Array:
    """Return, for the last day, the days from then until the likely decision; 0 if it is there.

    At the pace of the last seven covered days, a million at most; null before the minimum.
    Information on the ratio is RS/P, and P where an arm has no success; at low rates they agree.
    """
    log_lift = np.fmax(np.abs(comparison.log_ratio), np.log1p(policy.minimum_lift_to_scale))
    factor = 1.07 if is_declared else 1.72
    high = divide(comparison.P**2, comparison.R * comparison.S)  # of a lower P as much is known
    scale = comparison.inflation * np.where(np.isnan(high), 1.0, high)
    needed = (factor * scale * policy.power_sum**2 / log_lift**2)[..., -1]
    P, covered = np.nan_to_num(comparison.P), comparison.days_covered  # noqa: N806
    recent = covered > covered[..., [-1]] - 7
    pace = divide(
        (np.diff(P, prepend=0) * recent).sum(-1), (np.diff(covered, prepend=0) * recent).sum(-1)
    )
    days = np.minimum(np.ceil(divide(np.maximum(0.0, needed - P[..., -1]), pace)), 1e6)
    return np.where(is_ready(comparison, policy)[..., -1], days, np.nan)


def posterior(comparison: Comparison, u: ArrayLike) -> tuple[Array, Array]:
    """Return mean and standard deviation of the log ratio under the boundary's own prior."""
    u = np.asarray(u, float)
    kept = u / (1 + u)
    return kept * comparison.log_ratio, comparison.standard_error * np.sqrt(kept)


def chance_to_beat_control(comparison: Comparison, u: ArrayLike) -> Array:
    """Return the probability that the variant's rate is higher; null without both successes."""
    mean, deviation = posterior(comparison, u)
    return norm.cdf(divide(mean, deviation))


def expected_loss(comparison: Comparison, u: ArrayLike) -> Array:
    """Return the expected loss of rate from choosing the variant if it is worse."""
    m, s = posterior(comparison, u)
    loss = norm.cdf(divide(-m, s)) - np.exp(m + s**2 / 2) * norm.cdf(divide(-m, s) - s)
    return divide(comparison.S, comparison.W) * loss


def incremental(comparison: Comparison, low: Array, high: Array) -> tuple[Array, Array, Array]:
    """Return the variant's successes that the control's rate wouldn't have given, and bounds.

    The bounds are those of the ratio; without an upper one all successes are incremental.
    """
    A = comparison.variant_successes  # noqa: N806
    value, least, most = (A * (1 - divide(1, bound)) for bound in (comparison.ratio, low, high))
    return value, least, np.where(np.isnan(high) & ~np.isnan(low), A, most)


def q_values(p: ArrayLike) -> Array:
    """Return Benjamini and Hochberg's adjusted p values of one family."""
    p = np.asarray(p, float)
    order = np.argsort(-p)  # largest first
    adjusted = np.minimum.accumulate(p[order] * p.size / np.arange(p.size, 0, -1))
    q = np.empty(p.size)
    q[order] = np.minimum(1.0, adjusted)
    return q
