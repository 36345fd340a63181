"""Compare the rows of a mart with expected rows."""

import math
from collections.abc import Callable

SHOWN = 10
"""How many differences a failed comparison prints."""


OF_TWO_ARMS = {
    *("control_rate", "variant_rate", "absolute_lift", "relative_lift", "lift_ci_low"),
    *("lift_ci_high", "p_value", "sequential_p_value", "sequential_ci_low", "sequential_ci_high"),
    *("decision_p_value", "q_value", "chance_to_beat_control", "expected_loss", "power"),
    *("incremental_successes", "incremental_ci_low", "incremental_ci_high", "srm_p_value"),
}
"""Columns that depend on sums of fractions and on the normal distribution."""

OF_TRENDS = {
    *("trend_ci_low", "trend_ci_high", "change_ci_low", "change_ci_high"),
    *("effect_low", "effect_high", "from_effect_low", "from_effect_high"),
}
"""Columns that depend on a difference of sums of squares."""


def agrees(column: str, expected: object, actual: object) -> bool:
    """Return whether two values are equal, null-safe; doubles except for their last digits."""
    if isinstance(expected, float) and isinstance(actual, float):
        tolerance = 1e-9 if column in OF_TRENDS else 1e-12
        return math.isclose(expected, actual, rel_tol=tolerance, abs_tol=tolerance / 100)
    return type(expected) is type(actual) and expected == actual


def keyed(rows: list[dict], key: tuple[str, ...]) -> dict[tuple, dict]:
    """Return rows by key, which must be unique."""
    by_key = {tuple(row[name] for name in key): row for row in rows}
    assert len(by_key) == len(rows), f"{key} is not unique"
    return by_key


def assert_same(
    mart: str,
    key: tuple[str, ...],
    expected: list[dict],
    actual: list[dict],
    agrees: Callable[[str, object, object], bool] = agrees,
) -> None:
    """Compare the rows of a mart with expected rows, in every expected column.

    Of a column `has_<text>` that the mart lacks, whether it has the text.
    """
    wanted, found = keyed(expected, key), keyed(actual, key)
    lines = [f"{mart} {row}: missing" for row in sorted(wanted.keys() - found.keys(), key=str)]
    lines += [f"{mart} {row}: unexpected" for row in sorted(found.keys() - wanted.keys(), key=str)]
    for row in sorted(wanted.keys() & found.keys(), key=str):
        texts = {f"has_{name}": value is not None for name, value in found[row].items()}
        values = texts | found[row]
        for column, value in wanted[row].items():
            if not agrees(column, value, values[column]):
                lines.append(f"{mart} {row} {column}: expected {value!r}, found {values[column]!r}")
    assert not lines, "\n".join([f"{len(lines)} differences", *lines[:SHOWN]])


def is_close(column: str, wanted: object, found: object) -> bool:
    """Return whether two values are equal, as far as the normal distribution is exact."""
    if not isinstance(wanted, float) or not isinstance(found, float):
        return agrees(column, wanted, found)
    if column in OF_TWO_ARMS:
        return math.isclose(wanted, found, rel_tol=1e-9, abs_tol=1e-12)
    return agrees(column, wanted, found)
