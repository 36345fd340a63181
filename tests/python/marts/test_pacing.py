"""Projections of campaign_pacing at half-time, compared with the simulated ends.

Campaigns of four to twelve weeks are drawn with a pattern of weekdays. The days up to half-time are
exported, by assets that report every one to three days, and built; the projection is compared with
the rest of the campaign. --whole draws five times as many.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pytest
from helpers.arms import Array
from helpers.builds import Workspace
from helpers.bulk import Form, write_export
from helpers.project import Export

HALF_TIME = date(2026, 3, 31)
LONGEST = 84
KINDS = ("weekdays only", "weeks differ by 10%", "level drifts by 3% a week")
SHARES = (0.5, 0.25, 0.25)
ONLY_PACING = ("--select", "+campaign_pacing", "--exclude-resource-type", "test", "unit_test")


@dataclass(frozen=True)
class Drawn:
    """Campaigns: spend and conversions by asset and day, nothing after the end."""

    kind: Array
    days: Array  # of which half are gone
    spend: Array  # in whole cents, by campaign, asset and day
    conversions: Array
    is_day: Array  # by campaign and day


def draw(seed: int, count: int) -> Drawn:
    """Draw campaigns: 20 to 5,000 per day, days that vary by 5 to 40%, shared by two assets."""
    rng = np.random.default_rng(seed)

    def log_uniform(low: float, high: float) -> Array:
        return np.exp(rng.uniform(math.log(low), math.log(high), (count, 1)))

    kind = rng.choice(len(KINDS), count, p=SHARES)
    days = 2 * rng.integers(14, LONGEST // 2 + 1, count)
    day = np.arange(LONGEST)
    of_weekday = np.exp(rng.normal(0, 0.25, (count, 7)))
    of_weekday[:, 5:] *= rng.uniform(0.2, 1.1, (count, 1))
    weekday = (HALF_TIME.weekday() + day - days[:, None] // 2 + 1) % 7
    changes = rng.normal(0, 1, (count, LONGEST // 7))
    steps = np.stack([0 * changes, 0.1 * changes, 0.03 * changes.cumsum(-1)])
    level = steps[kind, np.arange(count)][:, day // 7]
    noise = rng.normal(0, 1, (count, LONGEST)) * log_uniform(0.05, 0.4)
    mean = log_uniform(20, 5000) * np.take_along_axis(of_weekday, weekday, -1)
    total = mean * np.exp(level + noise)
    share = rng.uniform(0.2, 0.8, (count, 1))
    spend = np.stack([total * share, total * (1 - share)], 1).round(2)
    cost_per_conversion = log_uniform(5, 100)[:, None]
    is_day = day < days[:, None]
    conversions = rng.poisson(spend / cost_per_conversion)
    return Drawn(kind, days, spend * is_day[:, None], conversions * is_day[:, None], is_day)


def export_of(drawn: Drawn, demo: Export, seed: int) -> Export:
    """Return an export at half-time; a row has the results since its asset's previous row."""
    rng = np.random.default_rng(seed)
    export: Export = {name: [] for name in demo}
    for name in ("audience_segments", "channels"):
        export[name] = demo[name]
    for number, days in enumerate(drawn.days):
        half = int(days) // 2
        start = HALF_TIME - timedelta(days=half - 1)
        own = {"campaign_id": f"C_{number:04}", "created_at": f"{start - timedelta(3)}T08:00:00"}
        export["campaigns"].append(
            demo["campaigns"][0]
            | own
            | {"name": own["campaign_id"], "status": "active", "budget": 1000}
            | {"start_date": f"{start}", "end_date": f"{start + timedelta(days=int(days) - 1)}"}
        )
        for place in range(2):
            asset = own | {"asset_id": f"A_{number:04}_{place}"}
            export["creative_assets"].append(demo["creative_assets"][0] | asset)
            every = int(rng.integers(1, 4))
            first = int(rng.integers(0, every))
            for last in range(first, half, every):
                came = slice(max(last - every + 1, 0), last + 1)
                conversions = int(drawn.conversions[number, place, came].sum())
                cost = round(float(drawn.spend[number, place, came].sum()), 2)
                export["performance_metrics"].append(
                    {
                        "asset_id": asset["asset_id"],
                        "experiment_id": None,
                        "timestamp": f"{start + timedelta(days=last)}T18:00:00",
                        "impressions": 100 * conversions,
                        "clicks": conversions,
                        "conversions": conversions,
                        "conversion_rate": 0.01 if conversions else 0,
                        "cost": cost,
                        "revenue_proxy": 0,
                    }
                )
    return export


@dataclass(frozen=True)
class Foretold:
    """The drawn campaigns, and the mart by column, nan for null, in the order of campaigns."""

    drawn: Drawn
    columns: dict[str, Array]

    def ends(self, measure: str) -> Array:
        """Return the true end of each campaign."""
        return getattr(self.drawn, measure).sum((1, 2))


@pytest.fixture(scope="module")
def foretold(
    workspace: Workspace,
    export: Callable[[], Export],
    whole: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> Foretold:
    """Build campaigns at half-time."""
    drawn = draw(1, 2000 if whole else 400)
    folder = tmp_path_factory.mktemp("campaigns")
    write_export(folder, export_of(drawn, export(), 2), lambda dataset: Form())
    build = workspace.build(
        files=folder,
        variables={"as_of": str(HALF_TIME), "history": False},
        arguments=ONLY_PACING,
    )
    assert build.named("fail", "error", "skipped") == set()
    rows = build.rows(
        "select columns('^(spend|conversions)_at_end.*$')::double, days_covered, days_to_come"
        " from marts.campaign_pacing order by campaign_id"
    )
    columns = {name: np.array([row[name] for row in rows], float) for name in rows[0]}
    return Foretold(drawn, columns)


@pytest.mark.parametrize("measure", ["spend", "conversions"])
def test_intervals_at_half_time_hold_the_end(
    measure: str, foretold: Foretold, figures: dict[str, str]
) -> None:
    """Also if only weekdays differ, where a wider interval would contain too many."""
    end, seen = foretold.ends(measure), foretold.columns
    low, high = seen[f"{measure}_at_end_low"], seen[f"{measure}_at_end_high"]
    has_interval = ~np.isnan(low)
    assert (has_interval == (seen["days_covered"] >= 14)).all()
    is_held = (low <= end) & (end <= high)
    of_kind = [has_interval & (foretold.drawn.kind == number) for number in range(len(KINDS))]
    for kind, group in zip(KINDS, of_kind, strict=True):
        figures[f"{measure}, {kind}: ends within their interval"] = f"{is_held[group].mean():.1%}"
    width = np.median((high - low)[has_interval] / end[has_interval].clip(1))
    figures[f"{measure}: median width of the interval, as a share of the end"] = f"{width:.1%}"
    for group in (has_interval, of_kind[0]):
        assert 0.80 <= is_held[group].mean() <= 0.95


@pytest.mark.parametrize("measure", ["spend", "conversions"])
def test_ends_are_as_often_above_as_below(measure: str, foretold: Foretold) -> None:
    """Also where the latest days wait for an asset that reports later."""
    end, seen = foretold.ends(measure), foretold.columns[f"{measure}_at_end"]
    late = foretold.columns["days_to_come"] > foretold.drawn.days // 2
    assert late.sum() > 100
    for group in (late, ~late):
        above = (end > seen)[group].mean() + (end == seen)[group].mean() / 2
        assert abs(above - 0.5) <= 3 * 0.5 / math.sqrt(group.sum())
