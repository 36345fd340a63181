"""The error rates of next_budget for costs, comparisons and slopes, by simulation.

Each campaign has two channels, each with a true cost per conversion. Spend per day varies, and so
does its yield, by a factor that all assets of a channel share; one to three assets report every one
to three days. The mart's figures for four weeks are compared with the true ones. --whole draws five
times as many.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pytest
from helpers import oracle, oracle_next_budget
from helpers.arms import Array
from helpers.builds import Workspace
from helpers.bulk import Form, write_export
from helpers.compare import assert_same, is_close
from helpers.project import Export

START = date(2026, 3, 2)  # a Monday
DAYS = 28
ONLY_NEXT_BUDGET = ("--select", "+next_budget", "--exclude-resource-type", "test", "unit_test")
KINDS = ("alike", "one twice as good", "conversions don't go by spend")
SHARES = (0.6, 0.25, 0.15)


@dataclass(frozen=True)
class Drawn:
    """Campaigns: the true cost by campaign and channel, and the results by asset and day."""

    kind: Array
    variation: Array  # of days, as a relative standard deviation, by campaign
    cost: Array  # of a conversion, by campaign and channel
    spend: Array  # in whole cents, by campaign, channel, asset and day
    conversions: Array
    assets: Array  # how many, by campaign and channel


def draw(seed: int, count: int) -> Drawn:
    """Draw campaigns: 20 to 5,000 per day, 5 to 100 per conversion, days that vary by 0 to 40%."""
    rng = np.random.default_rng(seed)

    def log_uniform(low: float, high: float, *shape: int) -> Array:
        return np.exp(rng.uniform(math.log(low), math.log(high), shape))

    kind = rng.choice(len(KINDS), count, p=SHARES)
    variation = rng.choice([0, 0.1, 0.2, 0.4], count)
    cost = np.repeat(log_uniform(5, 100, count, 1), 2, 1)
    cost[:, 1] *= np.where(kind == 1, 2, 1)
    assets = rng.integers(1, 4, (count, 2))
    share = rng.dirichlet([5, 5, 5], (count, 2)) * (np.arange(3) < assets[..., None])
    share /= share.sum(-1, keepdims=True)
    own = log_uniform(0.05, 0.6, count, 2, 1, 1)
    of_day = np.exp(own * rng.normal(0, 1, (count, 2, 3, DAYS)) - own**2 / 2)
    mean = log_uniform(20, 5000, count, 2, 1, 1) * share[..., None]
    spend = (mean * of_day).round(2)
    relative = variation[:, None, None, None]
    shock = np.exp(relative * rng.normal(0, 1, (count, 2, 1, DAYS)) - relative**2 / 2)
    paid = np.where((kind == 2)[:, None, None, None], mean, spend)
    conversions = rng.poisson(paid / cost[..., None, None] * shock)
    return Drawn(kind, variation, cost, spend, conversions, assets)


def export_of(drawn: Drawn, demo: Export, seed: int) -> Export:
    """Return the export; a row has the results since its asset's previous row."""
    rng = np.random.default_rng(seed)
    export: Export = {name: [] for name in demo}
    export["audience_segments"] = demo["audience_segments"]
    export["channels"] = demo["channels"]
    for number in range(len(drawn.kind)):
        own = {"campaign_id": f"C_{number:04}", "created_at": f"{START - timedelta(3)}T08:00:00"}
        export["campaigns"].append(
            demo["campaigns"][0]
            | own
            | {"name": own["campaign_id"], "status": "active", "budget": 10_000_000}
            | {"start_date": f"{START}", "end_date": f"{START + timedelta(days=2 * DAYS)}"}
        )
        for channel in range(2):
            for place in range(drawn.assets[number, channel]):
                asset = own | {
                    "asset_id": f"A_{number:04}_{channel}_{place}",
                    "channel_id": demo["channels"][channel]["channel_id"],
                    "approved_by_human": True,
                }
                export["creative_assets"].append(demo["creative_assets"][0] | asset)
                every = int(rng.integers(1, 4))
                reported = sorted({*range(int(rng.integers(0, every)), DAYS, every), DAYS - 1})
                before = -1
                for last in reported:
                    came = (number, channel, place, slice(before + 1, last + 1))
                    conversions, before = int(drawn.conversions[came].sum()), last
                    export["performance_metrics"].append(
                        {
                            "asset_id": asset["asset_id"],
                            "experiment_id": None,
                            "timestamp": f"{START + timedelta(days=last)}T18:00:00",
                            "impressions": 100 * conversions,
                            "clicks": conversions,
                            "conversions": conversions,
                            "conversion_rate": 0.01 if conversions else 0,
                            "cost": round(float(drawn.spend[came].sum()), 2),
                            "revenue_proxy": 50.0 * conversions,
                        }
                    )
    return export


@dataclass(frozen=True)
class Judged:
    """The drawn campaigns, and the mart by column, for campaigns by channel; nan for null."""

    drawn: Drawn
    columns: dict[str, Array]


@pytest.fixture(scope="module")
def judged(
    workspace: Workspace,
    export: Callable[[], Export],
    whole: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> Judged:
    """Build the campaigns once."""
    drawn = draw(1, 2500 if whole else 500)
    folder = tmp_path_factory.mktemp("campaigns")
    write_export(folder, export_of(drawn, export(), 2), lambda dataset: Form())
    build = workspace.build(
        files=folder,
        variables={"as_of": f"{START + timedelta(days=DAYS - 1)}", "history": False},
        arguments=ONLY_NEXT_BUDGET,
    )
    assert build.named("fail", "error", "skipped") == set()
    names = "cost_per_|return_on|relative|marginal_|evidence|is_cand|budget_rank|conv|spend"
    rows = build.rows(
        f"select columns('^({names})') from marts.next_budget order by campaign_id, channel_id"
    )
    assert len(rows) == 2 * len(drawn.kind)
    columns = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        is_text = name.endswith("_status")
        columns[name] = np.array(values, object if is_text else float).reshape(-1, 2)
    return Judged(drawn, columns)


def at_least(is_right: Array, level: float) -> bool:
    """Return whether a rate is kept within three standard errors."""
    return is_right.mean() >= level - 3 * math.sqrt(level * (1 - level) / is_right.size)


@pytest.mark.parametrize("variation", [0, 0.1, 0.2, 0.4])
def test_costs_lie_within_their_intervals(
    variation: float, judged: Judged, figures: dict[str, str]
) -> None:
    seen, drawn = judged.columns, judged.drawn
    group = ((drawn.kind != 2) & (drawn.variation == variation))[:, None] & np.full((1, 2), True)
    low, high = (seen[f"cost_per_conversion_{side}"] for side in ("low", "high"))
    assert (~np.isnan(high) == (seen["conversions"] >= 10)).all()
    assert not np.isnan(low).any()
    has_both = group & ~np.isnan(high)
    is_held = ((low <= drawn.cost) & (drawn.cost <= high))[has_both]
    figures[f"costs within their interval, days that vary by {variation:.0%}"] = (
        f"{is_held.mean():.1%} of {is_held.size}"
    )
    assert at_least(is_held, 0.95)
    assert at_least((low <= drawn.cost)[group], 0.975)
    returns = 50 / drawn.cost
    sides = (seen[f"return_on_ad_spend_{side}"] for side in ("low", "high"))
    low, high = (side[has_both] for side in sides)
    assert at_least((low <= returns[has_both]) & (returns[has_both] <= high), 0.95)


def test_of_channels_that_are_alike_few_are_called_better(
    judged: Judged, figures: dict[str, str]
) -> None:
    status = judged.columns["evidence_status"]
    alike = status[judged.drawn.kind == 0]
    told = alike[(alike != "not_enough").all(-1)]
    is_called = (told != "unclear").any(-1)
    figures["channels that are alike, called better or worse"] = (
        f"{is_called.mean():.1%} of {len(told)} campaigns"
    )
    assert len(told) > 100
    assert at_least(~is_called, 0.95)


def test_of_two_channels_one_is_better_where_the_other_is_worse(judged: Judged) -> None:
    first, second = judged.columns["evidence_status"].T
    opposite = {"better": "worse", "worse": "better"}
    assert [opposite.get(one, one) for one in first] == list(second)


def test_a_channel_twice_as_good_is_found_and_ranked_first(
    judged: Judged, figures: dict[str, str]
) -> None:
    seen = judged.columns
    large = (judged.drawn.kind == 1) & (seen["conversions"] >= 200).all(-1)
    is_found = seen["evidence_status"][large, 0] == "better"
    is_first = seen["budget_rank"][large, 0] == 1
    figures["channels twice as good, found"] = f"{is_found.mean():.1%} of {is_found.size}"
    figures["channels twice as good, ranked first"] = f"{is_first.mean():.1%}"
    assert is_found.size > 30
    assert at_least(is_found, 0.95)
    assert at_least(is_first, 0.95)
    assert (seen["evidence_status"][judged.drawn.kind == 1, 0] != "worse").all()


def test_what_one_more_conversion_costs_lies_within_its_interval(
    judged: Judged, figures: dict[str, str]
) -> None:
    """If conversions are proportional to spend, it is the cost; else it has no upper bound."""
    seen, drawn = judged.columns, judged.drawn
    assert set(seen["marginal_status"].flat) == {"told", "spend_varied_too_little", "not_enough"}
    is_told = seen["marginal_status"] == "told"
    assert (seen["spend_variation"][is_told] >= 0.2).all()
    low = np.nan_to_num(seen["marginal_low"], nan=np.inf)
    high = np.nan_to_num(seen["marginal_high"], nan=np.inf)
    goes_by_spend = is_told & (drawn.kind != 2)[:, None]
    is_held = ((low <= drawn.cost) & (drawn.cost <= high))[goes_by_spend]
    is_bounded = np.isfinite(high)[is_told & (drawn.kind == 2)[:, None]]
    figures["marginal costs within their interval"] = f"{is_held.mean():.1%} of {is_held.size}"
    figures["bounded, though conversions don't go by spend"] = (
        f"{is_bounded.mean():.1%} of {is_bounded.size}"
    )
    assert is_held.size > 100
    assert at_least(is_held, 0.95)
    assert at_least(~is_bounded, 0.975)


def test_of_a_tiny_export_nothing_is_said(
    workspace: Workspace, export: Callable[[], Export]
) -> None:
    """One row per asset, as in real exports, shows no variation of days."""
    tiny = export()
    newest = {row["asset_id"]: row for row in tiny["performance_metrics"]}
    tiny["performance_metrics"] = list(newest.values())
    build = workspace.build(tiny, variables={"history": False}, arguments=ONLY_NEXT_BUDGET)
    assert build.named("fail", "error", "skipped") == set()
    rows = build.rows("select * from marts.next_budget")
    assert_same(
        "next_budget",
        ("campaign_id", "channel_id"),
        oracle_next_budget.next_budget(oracle.read_world(tiny)),
        rows,
        is_close,
    )
    assert len(rows) == 5
    assert sum(row["conversions"] or 0 for row in rows) > 0
    for row in rows:
        assert row["evidence_status"] == row["marginal_status"] == "not_enough"
        assert not row["is_candidate"]
        assert row["cost_per_conversion_high"] is None
        assert row["budget_rank"] is row["return_rank"] is None
