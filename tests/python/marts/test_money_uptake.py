"""The error rates of money_uptake, by simulation: exports with planted moves and effects.

Each campaign has four channels and one move between two of them, which shows in the spend of both,
of one or of neither. The receiving channel's conversion rate changes relative to the others, or
doesn't; all of them drift. Days vary by 0 to 20%. --whole draws five times as many.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pytest
from helpers import oracle, oracle_money
from helpers.arms import Array
from helpers.builds import Workspace
from helpers.bulk import Form, write_export
from helpers.cases import CASES, world
from helpers.compare import assert_same, is_close
from helpers.project import Export

START = date(2026, 3, 2)
DAYS, END = 24, 40
"""Days exported, and planned."""
CHANNELS = ("CH_01", "CH_02", "CH_03", "CH_04")
"""The channel that gives, the one that receives, and two that no move touches."""
MOVED = {"both": (1, 1), "neither": (0, 0), "from": (1, 0), "to": (0, 1)}
AS_OF = str(START + timedelta(days=DAYS - 1))
ENDS = ("low", "high")
LEVEL = 0.05
ONLY_UPTAKE = ("--select", "+money_uptake", "--exclude-resource-type", "test", "unit_test")


@dataclass(frozen=True)
class Drawn:
    """Campaigns: the move of each, and the figures of its channels by day."""

    moved: Array  # position in MOVED
    move_day: Array
    planned: Array  # change per day
    effect: Array  # factor of the receiving channel's conversion rate
    variation: Array
    every: Array  # days that a row covers
    is_lone: Array  # without a channel to compare with
    is_plain: Array  # without weekends and without growth of the whole campaign
    spend: Array  # by campaign, channel and day
    impressions: Array
    conversions: Array


def draw(seed: int, count: int) -> Drawn:
    """Draw campaigns whose move plans half to one and a half times a channel's spend."""
    rng = np.random.default_rng(seed)
    shape = (count, len(CHANNELS), DAYS)
    moved = rng.integers(0, len(MOVED), count)
    move_day = rng.integers(10, 14, count)
    is_after = np.arange(DAYS) > move_day[:, None]
    variation = rng.uniform(0, 0.2, count)
    planned = np.exp(rng.uniform(math.log(50), math.log(1000), count)).round(2)
    daily = planned[:, None] / rng.uniform(0.5, 1.5, (count, len(CHANNELS)))
    daily[:, 0] = planned / rng.uniform(0.5, 0.95, count)
    sides = np.array(list(MOVED.values()))[moved]
    level = np.repeat(daily[:, :, None], DAYS, 2)
    level[:, 0] -= np.where(is_after, sides[:, :1] * planned[:, None], 0)
    level[:, 1] += np.where(is_after, sides[:, 1:] * planned[:, None], 0)

    def noise() -> Array:
        return np.exp(rng.normal(0, 1, shape) * variation[:, None, None])

    # One in five spends less at weekends; one in five grows or shrinks as a whole at its move.
    kind = rng.random(count)
    weekend = np.where(kind < 0.2, rng.uniform(0.3, 0.8, count), 1)[:, None]
    pattern = np.where((START.weekday() + np.arange(DAYS)) % 7 >= 5, weekend, (7 - 2 * weekend) / 5)
    growth = np.where(kind > 0.8, rng.uniform(0.7, 1.3, count), 1)[:, None]
    level = level * (pattern * np.where(is_after, growth, 1))[:, None]
    spend = (level * noise()).round(2)
    impressions = rng.poisson(spend * np.exp(rng.uniform(-1, 4, (count, len(CHANNELS), 1))))
    effect = np.where(rng.random(count) < 0.6, 1, rng.choice((0.5, 1.8), count))
    drift = rng.uniform(0.7, 1.3, (count, 1, 1))
    rate = rng.uniform(0.02, 0.08, (count, len(CHANNELS), 1)) * noise()
    rate = rate * np.where(is_after[:, None], drift, 1)
    rate[:, 1] *= np.where(is_after, effect[:, None], 1)
    conversions = rng.binomial(impressions, rate.clip(0, 1))
    every = rng.choice((1, 2, 3), count, p=(0.7, 0.15, 0.15))
    is_lone = np.arange(count) % 20 == 0
    is_plain = (kind >= 0.2) & (kind <= 0.8)
    counted = spend, impressions, conversions
    return Drawn(moved, move_day, planned, effect, variation, every, is_lone, is_plain, *counted)


def export_of(drawn: Drawn, demo: Export, seed: int) -> Export:
    """Return the export: one asset per channel; a row has the results since the previous one."""
    rng = np.random.default_rng(seed)
    export: Export = {name: [] for name in demo}
    for name in ("audience_segments", "channels"):
        export[name] = demo[name]
    for number, every in enumerate(drawn.every):
        own = {"campaign_id": f"C_{number:04}", "created_at": f"{START - timedelta(3)}T08:00:00"}
        export["campaigns"].append(
            demo["campaigns"][0]
            | own
            | {"name": own["campaign_id"], "status": "active", "budget": 1e6}
            | {"start_date": f"{START}", "end_date": f"{START + timedelta(days=END - 1)}"}
        )
        move_day = int(drawn.move_day[number])
        left = END - 1 - move_day
        export["budget_actions"].append(
            {
                "budget_action_id": f"B_{number:04}",
                "timestamp": f"{START + timedelta(days=move_day)}T09:00:00",
                "campaign_id": own["campaign_id"],
                "from_channel_id": CHANNELS[0],
                "to_channel_id": CHANNELS[1],
                "amount": round(float(drawn.planned[number]) * left, 2),
                "currency": "USD",
                "reason_code": "scale_winner",
                "reason_detail": "",
                "proposed_by": "orchestrator",
                "approved_by_human": True,
                "approver_id": "HUMAN_01",
                "approval_latency_minutes": 30,
                "status": "executed",
            }
        )
        for place, channel in enumerate(CHANNELS[:2] if drawn.is_lone[number] else CHANNELS):
            asset = own | {"asset_id": f"A_{number:04}_{place}", "channel_id": channel}
            export["creative_assets"].append(demo["creative_assets"][0] | asset)
            last = int(rng.integers(0, every))
            while last < DAYS:
                came = slice(max(last - int(every) + 1, 0), last + 1)
                export["performance_metrics"].append(
                    {
                        "asset_id": asset["asset_id"],
                        "experiment_id": None,
                        "timestamp": f"{START + timedelta(days=last)}T18:00:00",
                        "impressions": int(drawn.impressions[number, place, came].sum()),
                        "clicks": int(drawn.conversions[number, place, came].sum()),
                        "conversions": int(drawn.conversions[number, place, came].sum()),
                        "conversion_rate": 0,
                        "cost": round(float(drawn.spend[number, place, came].sum()), 2),
                        "revenue_proxy": 0,
                    }
                )
                last += int(every)
    return export


@dataclass(frozen=True)
class Judged:
    """The drawn campaigns, and the mart by column, nan for null, in the order of campaigns."""

    drawn: Drawn
    export: Export
    rows: list[oracle.Row]
    columns: dict[str, Array]

    def is_moved(self, *kinds: str) -> Array:
        """Return whether each campaign's move is of one of these kinds."""
        return np.isin(self.drawn.moved, [list(MOVED).index(kind) for kind in kinds])

    def is_called(self, column: str, *statuses: str) -> Array:
        """Return whether each move has one of these statuses."""
        return np.isin(self.columns[column], statuses)

    @property
    def is_daily(self) -> Array:
        """Return whether each campaign has a row each day, and nothing but noise and the move."""
        return (self.drawn.every == 1) & self.drawn.is_plain


@pytest.fixture(scope="module")
def judged(
    workspace: Workspace,
    export: Callable[[], Export],
    whole: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> Judged:
    """Build the campaigns."""
    drawn = draw(1, 3000 if whole else 600)
    folder = tmp_path_factory.mktemp("moves")
    made = export_of(drawn, export(), 2)
    write_export(folder, made, lambda dataset: Form())
    build = workspace.build(
        files=folder,
        variables={"as_of": AS_OF, "history": False},
        arguments=ONLY_UPTAKE,
    )
    assert build.named("fail", "error", "skipped") == set(), "\n".join(set(build.messages.values()))
    rows = build.rows("select * from marts.money_uptake order by budget_action_id")
    names = ("uptake_status", "effect_status", "from_effect_status")
    columns = {name: np.array([row[name] for row in rows]) for name in names}
    figures = ("effect", "from_uptake_share", "to_uptake_share")
    for name in ("planned_daily_change", *(f"{of}_{end}" for of in figures for end in ENDS)):
        columns[name] = np.array([row[name] for row in rows], float)
    assert len(rows) == len(drawn.moved)
    assert (abs(columns["planned_daily_change"] - drawn.planned) <= 0.01).all()
    return Judged(drawn, made, rows, columns)


def test_mart_is_what_the_oracle_reads(judged: Judged) -> None:
    """All statuses occur here, or in the cases that the other marts share."""
    key, work_out = oracle_money.MARTS["money_uptake"]
    expected = work_out(oracle.read_world(judged.export, {"as_of": AS_OF}))
    assert_same("money_uptake", key, expected, judged.rows, is_close)
    reached = expected + [row for case in CASES for row in work_out(world(case))]
    for column, statuses in (
        ("uptake_status", oracle_money.UPTAKE_STATUSES),
        ("effect_status", oracle_money.EFFECT_STATUSES),
        ("from_effect_status", oracle_money.EFFECT_STATUSES),
    ):
        assert {row[column] for row in reached} == statuses


def test_an_export_with_one_row_per_asset_says_not_enough(
    workspace: Workspace, export: Callable[[], Export]
) -> None:
    """Even where the window after every move is over."""
    small = export()
    newest = {row["asset_id"]: row for row in small["performance_metrics"]}
    small["performance_metrics"] = list(newest.values())
    variables = {"as_of": "2026-04-10", "history": False}
    build = workspace.build(small, variables=variables, arguments=ONLY_UPTAKE)
    assert build.named("fail", "error", "skipped") == set(), "\n".join(build.messages.values())
    rows = build.rows("select * from marts.money_uptake")
    key, work_out = oracle_money.MARTS["money_uptake"]
    assert_same("money_uptake", key, work_out(oracle.read_world(small, variables)), rows, is_close)
    statuses = {"not_moved", "self_transfer", "not_enough", "overlapped"}
    assert {row["uptake_status"] for row in rows} == statuses


def assert_at_most(is_found: Array, share: float) -> None:
    """Assert that no more than a share is found, within three standard errors."""
    assert is_found.size > 50
    assert is_found.mean() <= share + 3 * math.sqrt(share * (1 - share) / is_found.size)


def test_moves_that_did_not_happen_are_not_called_happened(
    judged: Judged, figures: dict[str, str]
) -> None:
    """Also those that show in one channel."""
    is_happened = judged.is_called("uptake_status", "happened")
    for kind in ("neither", "from", "to"):
        for rows, group in (("daily", judged.drawn.every == 1), ("all", judged.drawn.every >= 1)):
            found = is_happened[judged.is_moved(kind) & group]
            figures[f"moves that show in {kind}, {rows} rows: called happened"] = (
                f"{found.mean():.1%} of {found.size}"
            )
            assert_at_most(found, LEVEL)


def test_large_moves_are_found(judged: Judged, figures: dict[str, str]) -> None:
    """For moves of half or more of each channel's spend, with daily rows."""
    is_large = judged.is_moved("both") & judged.is_daily
    found = judged.is_called("uptake_status", "happened")[is_large]
    figures["large moves, daily rows: called happened"] = f"{found.mean():.1%} of {found.size}"
    assert found.mean() >= 0.95
    wrong = judged.is_called("uptake_status", "did_not_happen", "one_sided")
    assert_at_most(wrong[judged.is_moved("both") & judged.drawn.is_plain], LEVEL)


@pytest.mark.parametrize(
    ("kinds", "status"), [(("neither",), "did_not_happen"), (("from", "to"), "one_sided")]
)
def test_moves_that_did_not_happen_are_found(
    kinds: tuple[str, ...], status: str, judged: Judged, figures: dict[str, str]
) -> None:
    """Where days vary by at most 10%; with more, some stay unclear."""
    is_steady = judged.is_daily & (judged.drawn.variation <= 0.1)
    is_found = judged.is_called("uptake_status", status)
    for named, group in (("up to 10%", is_steady), ("up to 20%", judged.is_daily)):
        found = is_found[judged.is_moved(*kinds) & group]
        figures[f"{status}, days vary by {named}: found"] = f"{found.mean():.1%} of {found.size}"
    assert is_found[judged.is_moved(*kinds) & is_steady].mean() >= 0.95


def test_no_effect_is_called_none(judged: Judged, figures: dict[str, str]) -> None:
    """Although all channels drift, and some campaigns' spend changes with the move."""
    is_effect = judged.is_called("effect_status", "better", "worse")
    is_known = is_effect | judged.is_called("effect_status", "unclear")
    from_effect = judged.is_called("from_effect_status", "better", "worse")
    from_known = from_effect | judged.is_called("from_effect_status", "unclear")
    is_none = judged.drawn.effect == 1
    for rows, group in (("daily", judged.drawn.every == 1), ("sparse", judged.drawn.every > 1)):
        for name, effect, known in (
            ("receiving", is_effect, is_known & is_none),
            ("giving", from_effect, from_known),
        ):
            found = effect[known & group]
            figures[f"no effect in the {name} channel, {rows} rows: called one"] = (
                f"{found.mean():.1%} of {found.size}"
            )
            assert_at_most(found, LEVEL)
    figures["moves whose effect can be told"] = f"{is_known.mean():.1%}"
    assert is_known[judged.drawn.every == 1].mean() >= 0.8


def test_large_effects_are_found(judged: Judged, figures: dict[str, str]) -> None:
    """Effects of half as much, or eight tenths more, with two hundred conversions per window."""
    days = np.arange(DAYS) - judged.drawn.move_day[:, None]
    is_large = (judged.drawn.every == 1) & ~judged.drawn.is_lone
    for window in ((days >= -7) & (days < 0), (days > 0) & (days <= 7)):
        is_large = is_large & ((judged.drawn.conversions[:, 1] * window).sum(-1) >= 200)
    for status, group in (
        ("better", judged.drawn.effect > 1),
        ("worse", judged.drawn.effect < 1),
    ):
        found = judged.is_called("effect_status", status)[group & is_large]
        figures[f"large effects: called {status}"] = f"{found.mean():.1%} of {found.size}"
        assert found.mean() >= 0.95


def test_intervals_hold_what_is_true(judged: Judged, figures: dict[str, str]) -> None:
    drawn, seen = judged.drawn, judged.columns
    sides = np.array(list(MOVED.values()))[drawn.moved]
    truths = {
        "from_uptake_share": sides[:, 0],
        "to_uptake_share": sides[:, 1],
        "effect": drawn.effect - 1,
    }
    for name, truth in truths.items():
        is_of_the_move = judged.drawn.is_plain | (name == "effect")
        low, high = seen[f"{name}_low"], seen[f"{name}_high"]
        known = ~np.isnan(low)
        missed = ((truth < low) | (truth > high))[known & is_of_the_move]
        figures[f"{name}: intervals that miss the truth"] = f"{missed.mean():.1%} of {missed.size}"
        assert_at_most(missed, LEVEL)
