"""The scorecard of each export in the history, and the changes from one to the next."""

import subprocess
import sys
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

import duckdb
import pytest
from helpers.builds import Build, Workspace
from helpers.exports import WHOLE, as_of, noon, second_of, statuses_of
from helpers.project import Export

COUNT = "select export_number, count(*) from judgment_log where kind = 'metric' group by all"
HISTORY = """
    select export_number, metric, actual, target, verdict, reasons
    from marts.scorecard_history
    order by export_number, metric_order
"""
SCORECARD = """
    select metric, actual, target, verdict, reasons
    from marts.executive_scorecard
    order by metric_order
"""


class Story:
    """Builds on one history, and the first scorecard of each export."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        (workspace.folder / "history.duckdb").unlink(missing_ok=True)
        self.shown: dict[int, list[dict]] = {}

    def build(
        self, export: Export, *arguments: str, first_of: int | None = None, **given: object
    ) -> Build:
        """Build an export; `first_of` is the number that it must get now."""
        build = self.workspace.build(
            export, variables=given, arguments=arguments or WHOLE, fresh=False
        )
        assert not build.named("error"), build.messages
        if first_of is not None:
            self.shown[first_of] = build.rows(SCORECARD)
        return build

    def kept(self) -> dict[int, int]:
        """Return the number of metrics kept per export."""
        file = str(self.workspace.folder / "history.duckdb")
        with duckdb.connect(file, read_only=True) as connection:
            return dict(connection.sql(COUNT).fetchall())

    def assert_shown(self, build: Build, *numbers: int) -> None:
        """Compare these exports' scorecards in the history with the first ones."""
        expected = [
            {"export_number": number} | row for number in numbers for row in self.shown[number]
        ]
        assert build.rows(HISTORY) == expected


@pytest.fixture(scope="module")
def day_by_day(workspace: Workspace, export: Callable[[], Export]) -> tuple[Build, Build, Story]:
    """Build two exports, one on the other."""
    story = Story(workspace)
    first = story.build(as_of(export(), 1), first_of=1)
    second = story.build(second_of(export()), first_of=2)
    return first, second, story


def test_a_scorecard_that_was_shown_is_never_rewritten(
    day_by_day: tuple[Build, Build, Story], export: Callable[[], Export]
) -> None:
    _, second, story = day_by_day
    story.assert_shown(second, 1, 2)
    assert story.shown[1] != story.shown[2]
    # Another policy judges the same export differently, and the kept figures stay.
    build = story.build(second_of(export()), target_roi=100)
    assert build.rows(SCORECARD) != story.shown[2]
    story.assert_shown(build, 1, 2)


@pytest.mark.long
def test_only_a_whole_build_that_looks_at_now_is_kept(
    day_by_day: tuple[Build, Build, Story], export: Callable[[], Export]
) -> None:
    story, third = day_by_day[2], as_of(second_of(export()), 3)
    before = story.kept()
    another = as_of(second_of(export()), 4)
    another["budget_actions"] = [
        one for one in another["budget_actions"] if one["budget_action_id"] != "BUD_0003"
    ]
    build = story.build(another, history=False)
    assert build.named("fail") <= {"rule_5_risks_are_reviewed_in_time"}
    moves = "change_type = 'money_moved' and comparison = 'export'"
    (moved,) = build.rows(f"from marts.what_changed where {moves}")
    assert moved["what"] == moved["record_id"] == "BUD_0003"
    older = as_of(export(), 1)
    older["campaigns"][0]["name"] = "Older, and never seen"
    story.build(older)
    assert story.kept() == before
    # The build ends after status_log has taken the export; what others leave out lies above the
    # scorecard alone.
    left_out = (
        "judgment_log",
        "int_experiment_verdicts",
        "executive_scorecard_values_are_accepted",
    )
    for name in left_out:
        story.build(third, *WHOLE, "--exclude", name)
    story.build(third, history=False)
    build = story.build(third, as_of="2026-03-21")
    assert story.kept() == before
    story.assert_shown(build, 1)  # as of that day
    build = story.build(third, first_of=3)
    story.assert_shown(build, 1, 2, 3)


def texts(row: dict) -> str:
    """Return a metric as text, with its verdict."""
    verdict = row["verdict"].replace("_", " ")
    if row["metric"] == "health":
        return f"{verdict}: {row['reasons']}" if row["reasons"] else verdict
    text, unit = "no figure", "%" if row["unit"] == "share" else ""
    if row["actual"] is not None:
        value = Decimal(row["actual"])
        if unit:
            value = (100 * value).quantize(Decimal("0.01"), ROUND_HALF_UP)
        text = f"{value:.6f}".rstrip("0").rstrip(".") + unit
    return text if verdict == "informational" else f"{text} ({verdict})"


def by(rows: list[dict], *names: str) -> dict[tuple, dict]:
    return {tuple(row[name] for name in names): row for row in rows}


def expected_changes(before: Build, after: Build, was: Export, now: Export) -> set[tuple]:
    """Return the changes, from both builds' marts and both exports."""
    found = set()
    marts = [
        *("executive_scorecard", "next_actions", "experiment_results", "risk_escalation"),
        "budget_action_audit",
    ]
    old, new = ({mart: one.rows(f"from marts.{mart}") for mart in marts} for one in (before, after))

    metrics = [by(one["executive_scorecard"], "metric") for one in (old, new)]
    for key in metrics[0]:
        first, second = (one[key] for one in metrics)
        if any(first[name] != second[name] for name in ("verdict", "actual", "reasons")):
            found.add(("metric_moved", *key, "metric", texts(first), texts(second)))

    actions = [by(one["next_actions"], "record_id", "action_type") for one in (old, new)]
    decided = {row["budget_action_id"]: row["status"] for row in now["budget_actions"]}
    for key in actions[0].keys() | actions[1].keys():
        states = [one[key]["action_state"] if key in one else None for one in actions]
        if states[1] is None and key[1] == "decide_budget_action":
            states[1] = decided[key[0]]
        kind = {"open": "action_new", None: "action_gone"}.get(states[1], "action_decided")
        if states[0] != states[1] and (states[0] == "open" or kind != "action_gone"):
            found.add((kind, *key, *states))

    verdicts = [by(one["experiment_results"], "experiment_id") for one in (old, new)]
    for key in verdicts[0].keys() | verdicts[1].keys():
        pair = [one[key]["verdict"].replace("_", " ") if key in one else None for one in verdicts]
        if pair[0] != pair[1]:
            found.add(("verdict_changed", *key, "experiment", *pair))

    risks = [by(one["risk_escalation"], "risk_id") for one in (old, new)]
    for key in risks[0].keys() - risks[1].keys():
        found.add(
            ("risk_gone", *key, "risk", risks[0][key]["review_state"].replace("_", " "), None)
        )
    for key, signal in risks[1].items():
        had = risks[0].get(key, {"status": None, "review_state": "", "is_unresolved": False})
        if had["is_unresolved"] != signal["is_unresolved"]:
            kind = "risk_raised" if signal["is_unresolved"] else "risk_closed"
            found.add((kind, *key, "risk", had["status"], signal["status"]))
        states = [one["review_state"].replace("_", " ") for one in (had, signal)]
        kind = "risk_overdue" if states[1] == "overdue" else f"risk_{states[1][:8]}"
        is_news = states[0][:8] != states[1][:8]
        if is_news and kind in ("risk_overdue", "risk_reviewed"):
            found.add((kind, *key, "risk", states[0] or None, states[1]))

    shown = statuses_of(was)
    for (dataset, key, attribute), value in statuses_of(now).items():
        had = shown.get((dataset, key, attribute))
        is_told = dataset == "campaign_risk_signals" or attribute.startswith("appro")
        if had == value or attribute == "row_count" or is_told:
            continue
        if value in ("executed", "rolled_back"):
            found.add(("money_moved", key, "status", had, value))
        elif had is not None or attribute == "status":
            found.add(("status_changed", key, f"{dataset}.{attribute}", had, value))
    return found


def test_what_changed_is_the_difference_of_two_exports(
    day_by_day: tuple[Build, Build, Story], export: Callable[[], Export]
) -> None:
    first, second, _ = day_by_day
    rows = second.rows("from marts.what_changed where comparison = 'export' order by change_rank")
    assert {(row["compared_from"], row["compared_to"]) for row in rows} == {(noon(1), noon(2))}
    columns = ("change_type", "record_id", "item", "before_text", "after_text")
    changes = {tuple(row[name] for name in columns) for row in rows}
    expected = expected_changes(first, second, as_of(export(), 1), second_of(export()))
    assert changes == expected
    kinds = {"metric_moved", "risk_raised", "risk_closed", "money_moved", "action_new"}
    kinds |= {"action_decided", "status_changed", "risk_gone", "verdict_changed"}
    assert {kind for kind, *_ in changes} >= kinds
    # Most important first: a verdict of a metric, then risks by severity.
    in_order = [(row["change_type"], row["record_id"]) for row in rows]
    assert in_order.index(("risk_raised", "RSK_9001")) < in_order.index(("risk_raised", "RSK_0003"))


@pytest.mark.long
def test_an_export_that_is_taken_out_takes_its_scorecard_along(
    workspace: Workspace, export: Callable[[], Export]
) -> None:
    story = Story(workspace)
    story.build(as_of(export(), 1), first_of=1)
    build = story.build(second_of(export()), first_of=2)
    command = [sys.executable, "-m", "warehouse", "history", "take-out", "2"]
    subprocess.run(command, cwd=workspace.folder, capture_output=True, check=True)
    build = story.build(as_of(export(), 1))
    story.assert_shown(build, 1)
    (row,) = build.rows("from marts.what_changed where comparison = 'export'")
    assert row["change_type"] == "nothing_to_compare"
    assert row["what"].startswith("This is the first export in the history")
    # The same again is an export of its own.
    build = story.build(second_of(export()), first_of=3)
    story.assert_shown(build, 1, 3)
    assert story.kept() == {1: 15, 2: 15, 3: 15}
