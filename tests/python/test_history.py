"""The log of statuses against a replay in plain Python, and what the history makes of it."""

from __future__ import annotations

import copy
import csv
import json
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import duckdb
import oracle
import pytest
from conftest import PROJECT, Build, Export, Workspace

Key = tuple[str, str, str]  # dataset, record, attribute
Entry = tuple[int, datetime, str | None, str | None, str | None, str | None]

STATUSES = [
    ("campaigns", "campaign_id", "status"),
    ("experiments", "experiment_id", "status"),
    ("budget_actions", "budget_action_id", "status"),
    ("budget_actions", "budget_action_id", "approved_by_human"),
    ("campaign_risk_signals", "risk_id", "status"),
]
ONLY_MODELS = ("--exclude-resource-type", "unit_test", "test")
HISTORY = ("--select", "+status_history", *ONLY_MODELS)
LOG = "select export_number, seen_at, dataset, record_id, attribute, value from status_log"


def statuses_of(export: Export) -> dict[Key, str]:
    """Return each status that an export shows."""
    return {
        (dataset, record[key], attribute): (
            str(record[attribute]).lower()
            if isinstance(record[attribute], bool)
            else record[attribute]
        )
        for dataset, key, attribute in STATUSES
        for record in export[dataset]
    }


@dataclass
class Replay:
    """What has to be remembered of the exports built so far."""

    seen: list[tuple[datetime, dict[Key, str]]] = field(default_factory=list)
    known: dict[Key, str] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)

    def see(self, export: Export) -> None:
        """Remember what is new in an export, unless it is older than one before, or was seen."""
        moment, shown = oracle.read_world(export).newest_event_at, statuses_of(export)
        if (self.seen and moment < self.seen[-1][0]) or (moment, shown) in self.seen:
            return
        self.seen.append((moment, shown))
        number = len(self.seen)
        self.entries.append((number, moment, None, None, None, None))
        for key, value in shown.items():
            if self.known.get(key) != value:
                self.known[key] = value
                self.entries.append((number, moment, *key, value))


@dataclass
class Kept:
    """A workspace whose history is kept from build to build, and what it has to be."""

    workspace: Workspace
    replay: Replay = field(default_factory=Replay)

    def build(self, export: Export, *arguments: str, **options: object) -> Build:
        """Build an export on the history so far."""
        return self.workspace.build(export, arguments=arguments or HISTORY, fresh=False, **options)

    def log(self) -> list[Entry]:
        """Return the log as it lies on disk."""
        file = str(self.workspace.folder / "history.duckdb")
        with duckdb.connect(file, read_only=True) as connection:
            return connection.sql(LOG).fetchall()

    def assert_log(self) -> None:
        """Compare the log with the replay."""
        by_text = {"key": str}
        assert sorted(self.log(), **by_text) == sorted(self.replay.entries, **by_text)


@pytest.fixture
def kept(workspace: Workspace) -> Kept:
    (workspace.folder / "history.duckdb").unlink(missing_ok=True)
    return Kept(workspace)


def as_of(export: Export, day: int) -> Export:
    """Return a copy of an export whose newest event is at noon, so many days after the demo's."""
    later = copy.deepcopy(export)
    moment = datetime(2026, 3, 20, 12) + timedelta(days=day)
    event = {"decision_id": "DEC_9000", "timestamp": moment.isoformat(), "human_override": False}
    later["orchestrator_decisions"].append(later["orchestrator_decisions"][0] | event)
    return later


def record(export: Export, dataset: str, key: str) -> dict:
    """Return the record of a dataset with this id."""
    name = next(name for one, name, _ in STATUSES if one == dataset)
    (found,) = (one for one in export[dataset] if one[name] == key)
    return found


# ---- What is remembered ----------------------------------------------------------------------


def test_every_change_is_kept_once_whatever_is_built(
    kept: Kept, export: Callable[[], Export]
) -> None:
    first, second = as_of(export(), 1), as_of(export(), 2)
    record(second, "budget_actions", "BUD_0003")["status"] = "rejected"
    record(second, "campaigns", "CAMP_001")["status"] = "paused"
    third = copy.deepcopy(second)  # as of the same moment
    record(third, "campaigns", "CAMP_001")["status"] = "active"
    fourth = as_of(export(), 4)
    fourth["campaign_risk_signals"] = []  # says nothing of them
    steps = [
        ("the first export", first),
        ("the same again", first),
        ("a newer one with changes", second),
        ("an older one", first),
        ("another as of the same moment", third),
        ("one of that moment again", second),
        ("one without some records", fourth),
        ("one in which they are back", as_of(third, 5)),
    ]
    for step, shown in steps:
        kept.build(shown)
        kept.replay.see(shown)
        try:
            kept.assert_log()
        except AssertionError as error:
            raise AssertionError(f"after {step}: {error}") from None
    assert len(kept.replay.seen) == 5

    before = kept.log()
    newer = as_of(export(), 9)
    record(newer, "campaigns", "CAMP_002")["status"] = "completed"
    kept.build(newer, "--empty", *HISTORY)
    assert kept.log() == before, "an empty build adds nothing"
    kept.build(newer, "--select", "staging", *ONLY_MODELS)
    assert kept.log() == before, "nor does one that leaves the history out"
    kept.build(fourth, "--full-refresh", *HISTORY)
    assert kept.log() == before, "a full refresh loses nothing"
    for folder in ("build", "target", "logs"):  # make clean
        shutil.rmtree(kept.workspace.folder / folder, ignore_errors=True)
    kept.build(newer)
    kept.replay.see(newer)
    kept.assert_log()


def test_what_breaks_the_contract_is_no_history(kept: Kept, export: Callable[[], Export]) -> None:
    kept.build(as_of(export(), 1))
    before = kept.log()
    broken = as_of(export(), 2)
    record(broken, "campaigns", "CAMP_001")["status"] = "paused"
    alone = {"campaign_id": "CAMP_900"}
    broken["campaigns"].append(broken["campaigns"][0] | alone)
    build = kept.build(broken, "--exclude-resource-type", "unit_test")
    assert build.named("fail") == {"rule_1_campaigns_have_an_experiment"}
    assert build.statuses["status_log"] == "skipped"
    assert kept.log() == before


def test_an_older_export_is_built_with_a_warning(kept: Kept, export: Callable[[], Export]) -> None:
    kept.build(as_of(export(), 1))
    tested = ("--exclude-resource-type", "unit_test")
    build = kept.build(export(), *tested)
    assert build.named("fail", "error", "skipped") == set()
    assert build.named("warn") == {"export_is_not_older_than_the_history"}
    assert build.rows("select count(*) as n from marts.status_history") == [{"n": 0}]


WORDS = {
    ("campaigns", "status"): ["draft", "active", "paused", "completed", "archived"],
    ("experiments", "status"): ["running", "completed", "stopped"],
    ("budget_actions", "status"): ["proposed", "approved", "rejected", "executed", "rolled_back"],
    ("budget_actions", "approved_by_human"): [True, False],
    ("campaign_risk_signals", "status"): ["open", "in_review", "mitigated", "dismissed"],
}


def test_any_order_of_exports(kept: Kept, export: Callable[[], Export], whole: bool) -> None:
    """Random exports arrive in random order, some of them again."""
    chance = random.Random(4)
    arrived: list[Export] = []
    for _ in range(40 if whole else 4):
        if arrived and chance.random() < 0.2:
            shown = chance.choice(arrived)
        else:
            shown = as_of(export(), len(arrived) + chance.choice((-3, -1, 0, 0, 1, 1)))
            for (dataset, attribute), words in WORDS.items():
                for one in shown[dataset]:
                    if chance.random() < 0.3:
                        one[attribute] = chance.choice(words)
            arrived.append(shown)
        build = kept.build(shown)
        kept.replay.see(shown)
        kept.assert_log()
        assert_history(build, kept.replay, shown)


# ---- What is made of it ----------------------------------------------------------------------


def assert_history(build: Build, replay: Replay, shown: Export) -> None:
    """Compare status_history with what the replay says of each change."""
    with (PROJECT / "seeds/reference/status_transitions.csv").open(encoding="utf-8") as file:
        legal = {tuple(row.values()) for row in csv.DictReader(file)}
    known = {(*row[:2], value) for row in legal for value in row[2:]}
    until = oracle.read_world(shown).as_of
    threshold = {"USD": 1000}
    required = {
        one["budget_action_id"]
        for one in shown["budget_actions"]
        if one["amount"] >= threshold.get(one.get("currency") or "USD", 0)
    }
    moments = {number: moment for number, (moment, _) in enumerate(replay.seen, start=1)}
    last: dict[Key, str] = {}
    count: dict[Key, int] = {}
    expected = []
    entries = [one for one in replay.entries if one[2]]
    approved = {
        (record_id, number)
        for number, _, _, record_id, attribute, value in entries
        if (attribute, value) == ("approved_by_human", "true")
    }
    for number, moment, dataset, record_id, attribute, value in entries:
        key = (dataset, record_id, attribute)
        before = last.get(key)
        count[key] = count.get(key, 0) + 1
        last[key] = value
        finding = None
        if {(dataset, attribute, before), (dataset, attribute, value)} <= known:
            finding = None if (dataset, attribute, before, value) in legal else "illegal_transition"
        has_moved = (dataset, attribute, value) == ("budget_actions", "status", "executed")
        was_approved = any(one == record_id and when <= number for one, when in approved)
        if has_moved and record_id in required and not was_approved:
            finding = "moved_before_approval"
        if moment > until:
            continue
        expected.append(
            {
                "dataset": dataset,
                "record_id": record_id,
                "attribute": attribute,
                "change_number": count[key],
                "from_value": before,
                "to_value": value,
                "not_seen_at": moments[number - 1] if before else None,
                "seen_at": moment,
                "export_number": number,
                "is_reopening": dataset == "campaign_risk_signals"
                and before in ("mitigated", "dismissed")
                and value in ("open", "in_review"),
                "finding": finding,
            }
        )
    found = build.rows("select * exclude (campaign_id) from marts.status_history")
    in_order = {"key": lambda row: json.dumps(row, default=str)}
    assert sorted(found, **in_order) == sorted(expected, **in_order)


@pytest.fixture(scope="module")
def story(workspace: Workspace, export: Callable[[], Export]) -> Build:
    """Build a risk that is dismissed and reopened, and money that moves before its approval."""
    (workspace.folder / "history.duckdb").unlink(missing_ok=True)
    kept = Kept(workspace)
    telling = [
        {"BUD_0001": ("proposed", False), "BUD_0002": ("proposed", False), "RSK_0001": "open"},
        {"BUD_0001": ("executed", False), "BUD_0002": ("approved", True), "RSK_0001": "dismissed"},
        {"BUD_0001": ("executed", True), "BUD_0002": ("executed", True), "RSK_0001": "open"},
        {"BUD_0001": ("executed", True), "BUD_0002": ("proposed", True), "RSK_0001": "mitigated"},
    ]
    for day, told in enumerate(telling, start=1):
        shown = as_of(export(), day)
        for key, value in told.items():
            if key == "RSK_0001":
                record(shown, "campaign_risk_signals", key)["status"] = value
            else:
                status, approved = value
                record(shown, "budget_actions", key).update(
                    status=status, approved_by_human=approved
                )
        marts = ("--select", "+budget_action_audit", "+risk_escalation", *ONLY_MODELS)
        build = kept.build(shown, *marts)
    return build


def noon(day: int) -> datetime:
    return datetime(2026, 3, 20, 12) + timedelta(days=day)


def test_approval_and_execution_are_dated_by_what_was_first_seen(story: Build) -> None:
    rows = story.rows(
        "select budget_action_id, approval_first_seen_at, execution_first_seen_at,"
        " moved_before_approval, compliance_status from marts.budget_action_audit"
        " where budget_action_id in ('BUD_0001', 'BUD_0002') order by 1"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("BUD_0001", noon(3), noon(2), True, "compliant"),  # the last export alone looks well
        ("BUD_0002", noon(2), noon(3), False, "compliant"),
    ]


def test_a_reopened_risk_is_one_episode(story: Build) -> None:
    rows = story.rows(
        "select first_seen_at, closing_seen_at, reopened_count from marts.risk_escalation"
        " where risk_id = 'RSK_0001'"
    )
    assert [tuple(row.values()) for row in rows] == [(noon(1), noon(4), 1)]


def test_what_should_not_happen_is_a_finding(story: Build) -> None:
    rows = story.rows(
        "select record_id, from_value, to_value, finding from marts.status_history"
        " where finding is not null order by 1"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("BUD_0001", "proposed", "executed", "moved_before_approval"),
        ("BUD_0002", "executed", "proposed", "illegal_transition"),
        ("RSK_0001", "dismissed", "open", "illegal_transition"),
    ]
