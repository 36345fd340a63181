"""Every analysis compiles and runs; weekly questions get the answers of plain Python."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import timedelta
from fractions import Fraction

import pytest
from helpers import oracle, oracle_changes, oracle_decisions, oracle_next_budget, oracle_trust
from helpers.builds import Build, Workspace
from helpers.cases import world
from helpers.compare import agrees
from helpers.oracle import Row, World
from helpers.project import PROJECT

ANALYSES = sorted(file.stem for file in (PROJECT / "analyses").glob("*.sql"))
CASES = ["sample", "messy"]
"""In a month, the demo has no step and no segment that changes beyond noise."""


@pytest.fixture(scope="module")
def compiled(workspace: Workspace) -> dict[str, str]:
    """Return the SQL of every analysis."""
    return workspace.compiled("path:analyses")


@pytest.mark.parametrize("analysis", ANALYSES)
def test_an_analysis_answers(
    compiled: dict[str, str], build_of: Callable[[str], Build], analysis: str
) -> None:
    assert any(build_of(case).rows(compiled[analysis]) for case in CASES)


# ---- The questions of each week, from the JSON ------------------------------------------------


def named(world: World, rows: Iterable[Row]) -> list[Row]:
    """Return rows with the names of their records."""
    labels = {row["channel_id"]: row["channel_label"] for row in oracle.dim_channels(world)}
    return [
        row
        | {"campaign_name": world.campaigns[row["campaign_id"]]["name"]}
        | (
            {"segment_name": world.segments[row["segment_id"]]["name"]}
            if "segment_id" in row
            else {}
        )
        | ({"channel_label": labels[row["channel_id"]]} if "channel_id" in row else {})
        for row in rows
    ]


def cost_by_week(world: World) -> list[Row]:
    rows = named(world, oracle_decisions.fct_channel_weekly(world))
    return sorted(
        rows, key=lambda row: (row["campaign_name"], row["channel_label"], row["week_start"])
    )


def steps_that_got_worse(world: World) -> list[Row]:
    rows = [row for row in oracle_decisions.funnel_trend(world) if row["step_trend"] == "worsened"]

    def first(row: Row) -> tuple:
        place = tuple(row[name] for name in oracle.PLACE)
        age = world.today - row["week_start"]
        return age, row["step_conversion_rate_change"], *place, row["stage"]

    return sorted(named(world, rows), key=first)


def segments_that_improve(world: World) -> list[Row]:
    rows = [
        row
        for row in oracle.segment_rollups(world)
        if row["is_judged"] and row["is_beyond_noise"] and row["kpi_value"] > row["prior_kpi_value"]
    ]
    return sorted(rows, key=lambda row: (row["campaign_id"], row["segment_id"]))


def risks_that_wait(world: World) -> list[Row]:
    inbox = {row["risk_id"]: row for row in oracle.risk_inbox(world)}
    waiting = [row for row in world.signals if row["status"] in ("open", "in_review")]
    waiting.sort(key=lambda row: (row["known_at"], row["risk_id"]))
    return named(
        world,
        [
            inbox[row["risk_id"]]
            | {name: row[name] for name in ("risk_id", "severity", "campaign_id")}
            | {"waiting_hours": (world.as_of - row["known_at"]) / timedelta(hours=1)}
            for row in waiting
        ],
    )


def approvals(world: World) -> list[Row]:
    """Return the approver; a later approval is not known."""
    latencies = defaultdict(list)
    for action in world.actions:
        if action["approved_by_human"]:
            latencies[action["approver_id"]].append(action["approval_latency_minutes"])
    rows = []
    for approver, minutes in latencies.items():
        known = [one for one in minutes if one is not None]
        row = {"approver_id": approver, "approvals": len(minutes)}
        row["average_latency_minutes"] = sum(known) / len(known) if known else None
        rows.append(row | {"longest_latency_minutes": max(known, default=None)})
    return sorted(
        rows,
        key=lambda row: (-row["approvals"], row["approver_id"] is None, row["approver_id"] or ""),
    )


def overrides(world: World) -> list[Row]:
    weeks = defaultdict(list)
    for row in world.decisions:
        day = row["known_at"].date()
        weeks[day - timedelta(days=day.weekday())].append(row["human_override"])
    return [
        {
            "week_start": start,
            "decisions": len(decided),
            "override_rate": float(Fraction(sum(decided), len(decided))),
        }
        for start, decided in sorted(weeks.items())
    ]


def actions_that_wait(world: World) -> list[Row]:
    rows = [row for row in oracle_decisions.next_actions(world) if row["action_state"] == "open"]
    return sorted(
        rows,
        key=lambda row: (
            oracle_decisions.least_first(row["waiting_since"]),
            row["action_rank"],
        ),
    )


def pacing(world: World) -> list[Row]:
    return sorted(oracle_decisions.campaign_pacing(world), key=lambda row: row["campaign_name"])


def channels_for_more(world: World) -> list[Row]:
    return sorted(
        oracle_next_budget.next_budget(world),
        key=lambda row: (
            row["campaign_name"],
            oracle_decisions.least_first(row["budget_rank"]),
            row["channel_id"],
        ),
    )


def changes(comparison: str) -> Callable[[World], list[Row]]:
    """Return what reads the changes of a comparison; one export has none before it."""

    def read(world: World) -> list[Row]:
        names = {None: None} | {key: row["name"] for key, row in world.campaigns.items()}
        return [
            row | {"campaign_name": names[row["campaign_id"]]}
            for row in oracle_changes.what_changed(world)
            if row["comparison"] == comparison
        ]

    return read


def true_figures(world: World) -> list[Row]:
    rows = oracle_trust.orchestrator_track_record(world)
    labels = {
        "reported_figure": "Reported figures match what was measured",
        "risk_evidence": "Figures quoted by risk signals match the facts",
    }
    rows = [
        row | {"claim_label": labels[row["claim_kind"]]}
        for row in rows
        if row["claim_kind"] in labels
    ]
    return sorted(rows, key=lambda row: (row["claim_kind"], row["week_start"]))


def confidence(world: World) -> list[Row]:
    rows = [
        row | {"bucket": bucket_name(row)} for row in oracle_trust.confidence_calibration(world)
    ]
    return sorted(rows, key=lambda row: oracle_decisions.least_first(row["bucket_low"]))


def bucket_name(row: Row) -> str:
    ends = row["bucket_low"], row["bucket_high"]
    return "all" if ends[0] is None else "-".join(f"{end:g}" for end in ends)


QUESTIONS: dict[str, Callable[[World], list[Row]]] = {
    "what_does_a_conversion_cost_by_week": cost_by_week,
    "what_changed_since_last_week": changes("week"),
    "what_changed_since_the_last_export": changes("export"),
    "where_does_spend_end": pacing,
    "which_segments_improve_beyond_noise": segments_that_improve,
    "how_long_do_risks_wait": risks_that_wait,
    "who_approves_and_how_fast": approvals,
    "which_funnel_step_got_worse": steps_that_got_worse,
    "how_often_are_decisions_overridden": overrides,
    "is_spend_on_budget": pacing,
    "which_actions_wait_longest": actions_that_wait,
    "where_would_more_budget_go": channels_for_more,
    "does_the_orchestrator_report_true_figures": true_figures,
    "how_sure_is_it_and_how_often_right": confidence,
}
"""Each question's answer, in order; what changed between exports test_judgments_kept.py reads."""

TEXTS = {"what_to_do", "what"}
"""Columns with a sentence, which unit tests read."""


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_answered_from_the_json(
    question: str, case: str, compiled: dict[str, str], build_of: Callable[[str], Build]
) -> None:
    answer, expected = build_of(case).rows(compiled[question]), QUESTIONS[question](world(case))
    assert len(answer) == len(expected)
    for found, wanted in zip(answer, expected, strict=True):
        unlike = {
            name: (wanted[name], value)
            for name, value in found.items()
            if name not in TEXTS and not agrees(name, wanted[name], value)
        }
        assert not unlike
