"""The normal distribution in SQL against SciPy."""

import shutil
from collections.abc import Callable

import duckdb
import numpy
import pytest
from helpers.builds import Build, Workspace
from scipy.stats import norm


@pytest.fixture(scope="module")
def evaluate(workspace: Workspace, sample: Build) -> Callable:
    """Return a function that calls a macro for every value of an array."""
    folder = workspace.folder / "analyses/called"
    folder.mkdir()
    for macro in ("normal_two_sided_p_value", "normal_cdf", "normal_quantile"):
        sql = f"select {{{{ {macro}('x') }}}} as y from grid order by place"
        (folder / f"call_{macro}.sql").write_text(sql, encoding="utf-8")
    compiled = workspace.compiled("path:analyses/called")
    shutil.rmtree(folder)

    def call(macro: str, values: numpy.ndarray) -> numpy.ndarray:
        with duckdb.connect() as connection:
            connection.register("grid", {"x": values, "place": numpy.arange(len(values))})
            return connection.execute(compiled[f"call_{macro}"]).fetchnumpy()["y"]

    return call


EDGES = [0.0, 7.07106781186546, 7.07106781186547, 7.07106781186548, -7.07106781186548]


def test_p_values(evaluate: Callable) -> None:
    z = numpy.concatenate([numpy.linspace(-38, 38, 76_001), EDGES])
    expected = 2 * norm.sf(numpy.abs(z))
    p = evaluate("normal_two_sided_p_value", z)
    assert numpy.abs(p - expected).max() <= 1e-10
    tail = expected >= 1e-12
    assert (numpy.abs(p - expected)[tail] / expected[tail]).max() <= 1e-6


def test_cumulative_probabilities(evaluate: Callable) -> None:
    z = numpy.concatenate([numpy.linspace(-38, 38, 76_001), EDGES])
    assert numpy.abs(evaluate("normal_cdf", z) - norm.cdf(z)).max() <= 1e-10


def test_quantiles(evaluate: Callable) -> None:
    tail = numpy.logspace(-300, -0.31, 20_000)
    p = numpy.concatenate([tail, 1 - tail[tail > 1e-15], [0.5, 0.075, 0.925]])
    assert numpy.abs(evaluate("normal_quantile", p) - norm.ppf(p)).max() <= 1e-10


def test_what_has_no_quantile_is_null(evaluate: Callable) -> None:
    assert evaluate("normal_quantile", numpy.array([0.0, 1.0, -0.1, 1.1])).mask.all()
