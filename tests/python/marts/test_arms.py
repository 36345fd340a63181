"""The formulas of watched arms against outside oracles, and at their edges."""

import csv
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from helpers import arms
from helpers.arms import End, Policy
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import binom, chisquare, false_discovery_control, norm
from scipy.stats.contingency import relative_risk
from statsmodels.stats.contingency_tables import StratifiedTable

POLICY = Policy()
CLOSE = {"rel": 1e-9, "abs": 1e-15}

SMALL = ((12, 180, 9, 200), (7, 90, 11, 260), (30, 310, 21, 150))
SEVEN = (
    *((41, 800, 60, 1150), (66, 1300, 40, 900), (38, 760, 71, 1400), (90, 1700, 33, 650)),
    *((55, 0, 49, 980), (52, 1010, 0, 1020), (61, 1090, 57, 1310), (47, 930, 44, 870)),
)


@st.composite
def days(draw: st.DrawFn, least: int = 1, most: int = 12) -> tuple[tuple[int, ...], ...]:
    """Draw days of (a, n1, c, n0), with zeros, ties and all successes among them."""
    trials = st.one_of(st.just(0), st.integers(1, 5), st.integers(50, 500))
    drawn = []
    for _ in range(draw(st.integers(least, most))):
        n1, n0 = draw(trials), draw(trials)
        few, many = st.integers(0, 1), st.sampled_from([0.1, 0.5, 1])
        a, c = (min(n, draw(few) + int(n * draw(many) * draw(few))) for n in (n1, n0))
        drawn.append((a, n1, c, n0))
    return tuple(drawn)


def columns(rows: tuple[tuple[int, ...], ...]) -> np.ndarray:
    return np.array(rows, float).T


def paired(rows: tuple[tuple[int, ...], ...]) -> list[tuple[int, ...]]:
    return [row for row in rows if row[1] and row[3]]


def expect(value: object, expected: object) -> None:
    assert value == pytest.approx(expected, **CLOSE, nan_ok=True)


# ---- The comparison


def test_ratio_is_that_of_statsmodels() -> None:
    tables = [[[a, n1 - a], [c, n0 - c]] for a, n1, c, n0 in paired(SEVEN)]
    expected = StratifiedTable(np.array(tables, float).transpose(1, 2, 0)).riskratio_pooled
    expect(arms.compare(*columns(SEVEN)).ratio[-1], expected)


@pytest.mark.parametrize("row", [*SMALL, (1, 5, 2, 4), (500, 1000, 20, 30_000)])
def test_error_of_a_single_day_is_that_of_scipy(row: tuple[int, ...]) -> None:
    interval = relative_risk(*row).confidence_interval(0.95)
    error = math.log(interval.high / interval.low) / 2 / norm.isf(0.025)
    expect(arms.compare(*columns((row,))).standard_error[0], error)


def exact(rows: tuple[tuple[int, ...], ...]) -> dict[str, Fraction]:
    """Return the sums as Greenland and Robins, and Pearson, write them, in whole fractions."""
    known = paired(rows)
    parts = [
        (Fraction(a * n0, n1 + n0), Fraction(c * n1, n1 + n0), n1 + n0) for a, n1, c, n0 in known
    ]
    R, S = (sum(part[index] for part in parts) for index in (0, 1))  # noqa: N806
    variance = sum(
        Fraction((a + c) * n1 * n0 - a * c * (n1 + n0), (n1 + n0) ** 2) for a, n1, c, n0 in known
    )
    sums, count = {"R": R, "S": S, "P": variance, "D": len(known)}, len(known)
    phi = Fraction(1)
    if count > 1 and R and S and variance:
        theta = R / S
        squares = sum((r - theta * s) ** 2 for r, s, _ in parts)
        phi = Fraction(count, count - 1) * squares / (theta * variance)
    least = min(sum(Fraction((r[0] + r[2]) * r[arm], r[1] + r[3]) for r in known) for arm in (1, 3))
    W = sum(Fraction(n1 * n0, n1 + n0) for _, n1, _, n0 in known)  # noqa: N806
    return sums | {"inflation": max(Fraction(1), phi), "expected": least, "W": W}


@given(days())
def test_sums_are_those_of_exact_fractions(rows: tuple[tuple[int, ...], ...]) -> None:
    comparison = arms.compare(*columns(rows))
    for day in range(len(rows)):
        expected = exact(rows[: day + 1])
        if not expected["D"]:
            assert np.isnan(comparison.P[day])
            continue
        for name, value in expected.items():
            expect(float(getattr(comparison, name)[day]), float(value))
        variance = expected["P"] * expected["inflation"]
        z = float(expected["R"] - expected["S"]) / math.sqrt(variance) if variance else 0
        expect(arms.fixed_p(comparison)[day], math.erfc(abs(z) / math.sqrt(2)))


def test_days_that_vary_inflate() -> None:
    rows = tuple((50 + swing, 1000, 50, 1000) for swing in (20, -20) * 4)
    expected = float(exact(rows)["inflation"])
    assert expected > 3
    comparison = arms.compare(*columns(rows))
    expect(comparison.inflation[-1], expected)
    d = math.log(1.1) / (norm.ppf(0.975) + norm.ppf(0.8))
    u = arms.confidence_constant(0.05) * d**2 * comparison.P[-1]  # without inflation
    expect(arms.tuned_u(comparison, POLICY, 0.05)[-1], u)


def test_experiments_are_compared_each_for_itself() -> None:
    both = np.stack([columns(SEVEN), columns(SEVEN[::-1])], 1)
    together = arms.decide(arms.compare(*both), POLICY, End([5, 6], [6, 9]))
    for index, (rows, end) in enumerate([(SEVEN, End(5, 6)), (SEVEN[::-1], End(6, 9))]):
        alone = arms.decide(arms.compare(*columns(rows)), POLICY, end)
        for one, other in zip(alone, together, strict=True):
            expect(one, other[index])


def test_cost_per_conversion_has_no_binomial_part() -> None:
    a, n1, c, n0 = columns(((30, 200.5, 20, 180.25), (3, 2.5, 40, 1.5)))
    comparison = arms.compare(a, n1, c, n0, is_cost=True)
    expect(comparison.P[-1], sum((a + c) * n1 * n0 / (n1 + n0) ** 2))
    expect(comparison.expected[-1], 33)
    d = math.log(1.1) / (norm.ppf(0.975) + norm.ppf(0.8))
    binomial = comparison.standard_error[-1] ** 2 / comparison.inflation[-1]
    u = arms.tuned_u(comparison, POLICY, 0.05)[-1]
    expect(u, arms.confidence_constant(0.05) * d**2 / binomial)


# ---- Intervals and p values


@pytest.mark.parametrize("rows", [SEVEN, SMALL, (SMALL[0],)])
@pytest.mark.parametrize("b", [0.5, 1.96, 3.3, 9])
def test_interval_solves_the_score_equation(rows: tuple[tuple[int, ...], ...], b: float) -> None:
    comparison = arms.compare(*columns(rows))
    R, S, P = (values[-1] for values in (comparison.R, comparison.S, comparison.variance))  # noqa: N806

    def outside(log_ratio: float) -> float:
        theta = math.exp(log_ratio)
        return (R - theta * S) ** 2 / theta - b**2 * P

    middle = math.log(R / S)
    roots = [brentq(outside, middle, middle + way, xtol=1e-14) for way in (-20, 20)]
    expect([bound[-1] for bound in arms.interval(comparison, b)], np.exp(roots))


def test_intervals_with_zeros() -> None:
    only_control = arms.compare(*columns(((0, 100, 20, 100),)))
    low, high = arms.interval(only_control, 2.0)
    expect((low[0], high[0]), (0, 4 * 5 / 10**2))
    only_variant = arms.compare(*columns(((20, 100, 0, 100),)))
    low, high = arms.interval(only_variant, 2.0)
    expect((low[0], high[0]), (10**2 / (4 * 5), math.nan))
    for row in ((0, 100, 0, 50), (100, 100, 50, 50)):
        comparison = arms.compare(*columns((row,)))
        assert np.isnan(arms.interval(comparison, 2.0)).all()
        assert arms.fixed_p(comparison)[0] == 1


RECORDED = Path(__file__).parent / "recorded/gbstats_and_ville.csv"


@pytest.mark.parametrize("row", list(csv.DictReader(RECORDED.open(encoding="utf-8"))))
def test_boundary_and_p_are_those_of_gbstats_and_ville(row: dict[str, str]) -> None:
    known = {name: float(value) for name, value in row.items() if value}
    empty = arms.compare([0], [0], [0], [0])
    made = {"P": np.array([known.get("P", 0)]), "trials": np.array([known["trials"]])}
    comparison = arms.Comparison(**(vars(empty) | made))
    policy = Policy(sequential_tuning_lift=known.get("tuning_lift", math.nan))
    u = arms.tuned_u(comparison, policy, known["alpha"], known.get("planned_sample"))
    expect(arms.boundary(u, known["alpha"])[0], known["bound"])
    expect(arms.boundary(u, known["alpha"])[0], known["ville"])
    assert arms.sequential_p(known["z"], u)[0] == pytest.approx(known["p"], rel=1e-9)


def test_constants_are_the_recipe_s() -> None:
    assert arms.confidence_constant(0.05) == pytest.approx(7.936, abs=5e-4)
    assert arms.confidence_constant(0.01) == pytest.approx(11.534, abs=5e-4)


ENDS = st.none() | st.tuples(st.integers(-1, 11), st.integers(0, 12)).map(lambda end: End(*end))


@given(days(5), ENDS, st.sampled_from([None, 50, 3000]))
def test_p_and_interval_always_agree(
    rows: tuple[tuple[int, ...], ...], end: End | None, sample: float | None
) -> None:
    loose = Policy(
        experiment_minimum_days=1, experiment_minimum_rows=1, experiment_minimum_successes=0
    )
    comparison = arms.compare(*columns(rows))
    decision = arms.decide(comparison, loose, end, sample)
    is_empty = np.isnan(decision.low) & (comparison.P > 0)
    excludes = (decision.low > 1) | (decision.high < 1) | is_empty
    assert (excludes == (decision.p < loose.significance_level)).all()
    fixed_low, fixed_high = arms.interval(comparison, arms.fixed_bound(0.05))
    is_out = (fixed_low > 1) | (fixed_high < 1)
    assert (is_out == (arms.fixed_p(comparison) < 0.05)).all()


# ---- The decision

STRONG = tuple((130 - day, 1000, 95, 1000) for day in range(9))


def test_nothing_decides_before_the_minimum() -> None:
    comparison = arms.compare(*columns(STRONG))
    assert np.isnan(arms.decide(comparison, POLICY).p).tolist() == [True] * 6 + [False] * 3
    long = arms.compare(*columns(STRONG), days_covered=2)
    assert np.isnan(arms.decide(long, POLICY).p).tolist() == [True] * 4 + [False] * 5
    rare = arms.compare(*columns(((2, 900, 1, 900),) * 9))
    assert np.isnan(arms.decide(rare, POLICY).low).tolist() == [True] * 6 + [False] * 3
    rarer = arms.compare(*columns(((1, 900, 1, 900),) * 12))  # ten on the tenth day
    assert np.isnan(arms.decide(rarer, POLICY).p).tolist() == [True] * 9 + [False] * 3


def test_a_declared_end_divides_the_level() -> None:
    comparison = arms.compare(*columns(STRONG))
    c, d = arms.confidence_constant(0.01), math.log(1.1) / (norm.ppf(0.975) + norm.ppf(0.8))
    watched = [
        min(1, float(arms.sequential_p(z, c * P * d**2)) / 0.2)
        for z, P in zip(comparison.z, comparison.P, strict=True)
    ]
    fixed = arms.fixed_p(comparison) / 0.8
    for end, counted in (
        (End(7, 8), [None, None, 7]),  # no row on the day itself
        (End(6, 6), [6, 6, 6]),
        (End(5, 6), [None, None, None]),  # too little up to the end
        (End(8, 9), [None, None, None]),  # not reached
        (End(-1, 0), [None, None, None]),  # nothing up to the end
    ):
        expected = [
            watched[day] if last is None else min(watched[day], fixed[last])
            for day, last in zip((6, 7, 8), counted, strict=True)
        ]
        expect(arms.decide(comparison, POLICY, end).p[6:], expected)


def test_no_day_is_up_to_an_early_end() -> None:
    assert np.isnan(arms.on_day(np.arange(3.0), -1)).all()
    both = arms.on_day(np.array([[1.0, 2.0], [3.0, 4.0]]), [1, -1])
    expect(both, np.array([[2.0], [math.nan]]))


def test_an_interval_is_cut_at_the_end() -> None:
    comparison = arms.compare(*columns(STRONG))
    decision = arms.decide(comparison, POLICY, End(7, 7))
    low, high = arms.interval(comparison, arms.boundary(decision.u, 0.01))
    fixed_low, fixed_high = arms.interval(comparison, norm.isf(0.02))
    expect(decision.low[6:], [low[6], max(low[7], fixed_low[7]), max(low[8], fixed_low[7])])
    expect(decision.high[6:], [high[6], min(high[7], fixed_high[7]), min(high[8], fixed_high[7])])
    turned = columns(STRONG + tuple((20, 3000, 400, 3000) for _ in range(60)))
    late = arms.decide(arms.compare(*turned), POLICY, End(7, 7))
    assert np.isnan(late.low[-1]) and np.isnan(late.high[-1]) and late.p[-1] < 0.05


def test_a_sample_ends_on_the_day_that_fills_it() -> None:
    comparison = arms.compare(*columns(STRONG))
    for sample, day in ((1, 0), (2000, 0), (2001, 1), (18_000, 8), (18_001, 9)):
        assert arms.end_by_sample(comparison, sample) == (day, day)


def test_guardrails_have_three_answers() -> None:
    comparison = arms.compare(*columns(STRONG))
    ready = arms.is_ready(comparison, POLICY)
    bounds = [(0.9, 1.0), (1 / 1.1, 0.95), (0.5, 0.99), (0.95, math.nan), (math.nan, math.nan)]
    low, high = np.array(bounds).T
    decision = arms.Decision(low, low, high, low, low)
    status = arms.guardrail_status(decision, np.ones(5, bool), POLICY)
    assert status.tolist() == ["inconclusive", "ok", "worse", "ok", "inconclusive"]
    start = arms.Decision(*(np.full(9, 0.99) for _ in range(5)))
    assert arms.guardrail_status(start, ready, POLICY).tolist() == ["inconclusive"] * 6 + ["ok"] * 3


# ---- Late successes


@given(days())
def test_late_successes_move_as_the_closed_formula_says(rows: tuple[tuple[int, ...], ...]) -> None:
    successes, trials = columns(rows)[:2]
    successes = successes * np.resize([3, 0, 2], len(rows))
    corrected, left = arms.moved_back(successes, trials)
    sums = np.concatenate([[0], (successes - trials).cumsum()])
    leaves = [max(0, *(sums[day + 1 :] - sums[day])) for day in range(len(rows))] + [0]
    expect(corrected, successes + leaves[1:] - leaves[:-1])
    assert left == leaves[0]
    assert (corrected <= trials).all() and corrected.sum() + left == successes.sum()


def test_late_successes_pass_days_without_rows() -> None:
    corrected, left = arms.moved_back([[0, 7, 3, 9], [4, 0, 1, 2]], [[4, 3, 0, 5], [4, 0, 0, 1]])
    assert corrected.tolist() == [[4, 3, 0, 5], [4, 0, 0, 1]]
    assert left.tolist() == [7, 2]


# ---- The split


@pytest.mark.parametrize("share", [0.5, 0.2])
@pytest.mark.parametrize("odd", [{}, {1: (0, 1), 3: (1.6, 0.9), 4: (0.8, 1.2)}, {0: (0.4, 0.9)}])
def test_split_is_that_of_a_loop(share: float, odd: dict[int, tuple[float, float]]) -> None:
    split = []
    for day in range(6):
        one, other = odd.get(day, (1 + 0.02 * day, 1.01 - 0.03 * day))
        split.append((round(300 * share * one), round(300 * (1 - share) * other)))
    n1, n0 = np.array(split, float).T
    count, least, sums = 0, math.inf, np.zeros(2)
    for day, (one, other) in enumerate(split):
        if one and other:
            total, count, sums = one + other, count + 1, sums + np.array([one, other])
            log = one * math.log(one / total / share)
            log += other * math.log(other / total / (1 - share))
            least = min(least, count * (count + 1) * min(1, 2 * math.exp(-log)))
        planned = sums.sum() * np.array([share, 1 - share])
        square, u = chisquare(sums, planned).statistic, 0.05**2 * planned[0] * (1 - share)
        p_total = min(1, math.sqrt(1 + u) * math.exp(-u * square / 2 / (1 + u)))
        expected = min(1, p_total / 0.9, least / 0.1)
        assert arms.split_p(n1, n0, share)[day] == pytest.approx(expected, rel=1e-9, abs=0)


def test_a_day_of_the_split_is_bounded_by_the_binomial() -> None:
    for one, other in ((30, 10), (60, 61), (2, 15), (500, 380)):
        tail = min(binom.cdf(one, one + other, 0.5), binom.sf(one - 1, one + other, 0.5))
        assert arms.split_p([one], [other])[0] >= min(1, 2 * tail)
    assert arms.split_p([900], [100])[0] < 1e-9


# ---- Beside the decision


def information(comparison: arms.Comparison) -> arms.Array:
    """Return what is known of the log ratio: one over its variance, without inflation."""
    return comparison.R * comparison.S / comparison.P


def test_days_needed_is_how_many_the_pace_takes() -> None:
    rows = ((50, 1000, 50, 1000),) * 8
    for covered in (1, 2):
        comparison = arms.compare(*columns(rows), days_covered=covered)
        for is_declared, factor in ((False, 1.72), (True, 1.07)):
            goal = factor * (norm.ppf(0.975) + norm.ppf(0.8)) ** 2 / math.log(1.1) ** 2
            known, needed = information(comparison)[-1], 0
            while goal > known:
                needed, known = needed + 1, known + information(comparison)[0] / covered
            assert arms.days_needed(comparison, POLICY, is_declared) == needed
    faster = ((5, 100, 5, 100),) * 9 + ((50, 1000, 50, 1000),) * 7
    known = information(arms.compare(*columns(faster)))
    expected = math.ceil(
        (1.72 * POLICY.power_sum**2 / math.log(1.1) ** 2 - known[-1]) / (known[-1] - known[-2])
    )
    assert arms.days_needed(arms.compare(*columns(faster)), POLICY) == expected
    worse = arms.compare(*columns(((5, 100, 8, 100),) * 10))
    goal = 1.72 * POLICY.power_sum**2 / math.log(5 / 8) ** 2
    expected = math.ceil((goal - information(worse)[-1]) / information(worse)[0])
    assert arms.days_needed(worse, POLICY) == expected > 0
    rows = tuple((50 + swing, 1000, 50, 1000) for swing in (20, -20) * 5)
    varied = arms.compare(*columns(rows))
    goal = 1.72 * varied.inflation[-1] * POLICY.power_sum**2 / math.log(1.1) ** 2
    known = information(varied)[-1]
    pace = (varied.P[-1] - varied.P[-8]) / 7 * known / varied.P[-1]
    assert arms.days_needed(varied, POLICY) == math.ceil((goal - known) / pace)
    large = arms.compare(*columns(((9000, 90_000, 6000, 90_000),) * 8))
    assert arms.days_needed(large, POLICY) == 0
    assert np.isnan(arms.days_needed(arms.compare(*columns(rows[:6])), POLICY))


def test_chance_and_loss_are_those_of_the_prior() -> None:
    comparison = arms.compare(*columns(SEVEN))
    u, error = 3.0, comparison.standard_error[-1]
    precision = (1 / error**2, 1 / (u * error**2))  # of the data, and of the prior around 0
    mean = precision[0] * comparison.log_ratio[-1] / sum(precision)
    after = norm(mean, sum(precision) ** -0.5)
    expect(arms.chance_to_beat_control(comparison, u)[-1], after.sf(0))
    lost, _ = quad(lambda lift: (1 - math.exp(lift)) * after.pdf(lift), -2, 0, epsabs=1e-14)
    rate = comparison.S[-1] / comparison.W[-1]
    assert arms.expected_loss(comparison, u)[-1] == pytest.approx(rate * lost, rel=1e-8)
    for row in ((0, 9, 3, 9), (3, 9, 0, 9), (9, 9, 9, 9)):
        assert np.isnan(arms.chance_to_beat_control(arms.compare(*columns((row,))), u)).all()


def test_incremental_successes_have_bounds() -> None:
    comparison = arms.compare(*columns(((30, 100, 20, 100), (5, 9, 1, 0))))
    value, least, most = arms.incremental(comparison, np.array([0.9, 0]), np.array([2, math.nan]))
    expect((value[0], least[0], most[0]), (10, 30 - 30 / 0.9, 15))
    expect((value[1], least[1], most[1]), (10, math.nan, 30))
    nothing = np.full(2, math.nan)
    assert np.isnan(arms.incremental(comparison, nothing, nothing)[1:]).all()


@pytest.mark.parametrize(
    "p", [[0.01], [0.2, 0.04, 0.04, 0.001, 1.0], [0.9, 0.8, 0.95], [0.0, 0.0, 1.0]]
)
def test_q_values_are_those_of_scipy(p: list[float]) -> None:
    expect(arms.q_values(p), false_discovery_control(p))


# ---- Ugly inputs


@pytest.mark.parametrize("is_cost", [False, True])
@pytest.mark.parametrize("end", [None, End(2, 3)])
@pytest.mark.filterwarnings("error")
def test_any_counts_have_an_answer(end: End | None, is_cost: bool) -> None:
    kinds = ((0, 0, 0, 0), (3, 9, 0, 0), (0, 0, 3, 9), (0, 9, 0, 9), (9, 9, 9, 9), (0, 1, 1, 1))
    for rows in (*((kind,) for kind in kinds), kinds * 2, kinds[:3] * 3, kinds[3:5] * 5):
        comparison = arms.compare(*columns(rows), is_cost=is_cost)
        decision = arms.decide(comparison, POLICY, end)
        p = np.stack([decision.sequential_p, arms.fixed_p(comparison)])
        assert (np.isnan(p) == (comparison.D == 0)).all()
        assert not ((p < 0) | (p > 1)).any()
        arms.chance_to_beat_control(comparison, decision.u)
        arms.expected_loss(comparison, decision.u)
        arms.incremental(comparison, decision.low, decision.high)
        assert np.isnan(arms.days_needed(comparison, POLICY)) == (
            not arms.is_ready(comparison, POLICY)[-1] or not comparison.P[-1] > 0
        )
        assert (np.isnan(arms.split_p(*columns(rows)[[1, 3]])) == (comparison.D == 0)).all()
