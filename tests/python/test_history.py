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
from decimal import ROUND_HALF_UP, Decimal

import duckdb
import networkx
import oracle
import pytest
from conftest import PROJECT, Build, Export, Workspace

Key = tuple[str, str, str]  # dataset, record, attribute
Entry = tuple[int, datetime, str | None, str | None, str | None, str | None]

KEPT = [
    ("campaigns", "campaign_id", ["status"]),
    ("experiments", "experiment_id", ["status"]),
    (
        "budget_actions",
        "budget_action_id",
        [
            "status",
            "amount",
            "currency",
            "from_channel_id",
            "to_channel_id",
            "approved_by_human",
            "approver_id",
            "approval_latency_minutes",
        ],
    ),
    ("campaign_risk_signals", "risk_id", ["status"]),
]
# What the history needs, with the tests of it: a part would add nothing.
# Cautious: without the tests of models that aren't built here.
HISTORY = (
    *("--select", "+status_history", "--indirect-selection", "cautious"),
    *("--exclude-resource-type", "unit_test"),
)
TERMS = ("amount", "currency", "from_channel_id", "to_channel_id")
APPROVAL = ("approved_by_human", "approval_latency_minutes")
ONLY_MODELS = ("--exclude-resource-type", "unit_test", "test")
LOG = "select export_number, seen_at, dataset, record_id, attribute, value from status_log"


def as_text(attribute: str, value: object) -> str | None:
    """Return a value as the log keeps it."""
    if attribute == "amount":
        return str(Decimal(str(value)).quantize(Decimal("0.01"), ROUND_HALF_UP))
    if attribute == "currency":
        return value or "USD"
    return None if value is None else str(value).lower() if value in (True, False) else str(value)


def statuses_of(export: Export) -> dict[Key, str | None]:
    """Return what an export shows of each attribute that is kept."""
    return {
        (dataset, record[key], attribute): as_text(attribute, record.get(attribute))
        for dataset, key, attributes in KEPT
        for record in export[dataset]
        for attribute in attributes
    }


def newest_record(export: Export) -> datetime:
    """Return the newest time in an export, approvals left out; a funnel day's is its end."""
    times = [
        oracle.moment(record[name])
        for records in export.values()
        for record in records
        for name in ("created_at", "timestamp")
        if name in record
    ]
    last_day = max(record["date"] for record in export["funnel_events"])
    return max(*times, datetime.fromisoformat(f"{last_day}T23:59:59.999999"))


@dataclass
class Replay:
    """What has to be remembered of the exports built so far."""

    seen: list[tuple[datetime, Export]] = field(default_factory=list)
    newest: list[datetime] = field(default_factory=list)
    known: dict[Key, str | None] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)

    def see(self, export: Export) -> None:
        """Remember what is new in an export, unless it is older than one before, or was seen."""
        newest = newest_record(export)
        is_older = self.newest and newest < max(self.newest)
        if is_older or any(export == other for _, other in self.seen):
            return
        moment = oracle.read_world(export).newest_event_at
        moment = max([moment, *(before for before, _ in self.seen)])
        self.seen.append((moment, copy.deepcopy(export)))
        self.newest.append(newest)
        number = len(self.seen)
        self.entries.append((number, moment, None, None, None, None))
        for key, value in statuses_of(export).items():
            if self.known.get(key) != value:
                self.known[key] = value
                self.entries.append((number, moment, *key, value))


@dataclass
class Kept:
    """A workspace whose history is kept from build to build, and what it has to be."""

    workspace: Workspace
    replay: Replay = field(default_factory=Replay)

    def build(self, export: Export, *arguments: str) -> Build:
        """Build an export on the history so far."""
        return self.workspace.build(export, arguments=arguments or HISTORY, fresh=False)

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
    event = {
        "decision_id": f"DEC_{9000 + day}",
        "timestamp": moment.isoformat(),
        "human_override": False,
    }
    later["orchestrator_decisions"].append(later["orchestrator_decisions"][0] | event)
    return later


def record(export: Export, dataset: str, key: str) -> dict:
    """Return the record of a dataset with this id."""
    name = next(name for one, name, _ in KEPT if one == dataset)
    (found,) = (one for one in export[dataset] if one[name] == key)
    return found


# ---- What is remembered ----------------------------------------------------------------------


def test_every_change_is_kept_once(kept: Kept, export: Callable[[], Export], whole: bool) -> None:
    first, second = as_of(export(), 1), as_of(export(), 2)
    record(second, "budget_actions", "BUD_0003")["status"] = "rejected"
    record(second, "campaigns", "CAMP_001")["status"] = "paused"
    older = as_of(export(), 1)
    record(older, "campaigns", "CAMP_002")["status"] = "paused"
    older["orchestrator_decisions"][-1]["timestamp"] = "2026-03-21T11:00:00"
    third = copy.deepcopy(second)  # as of the same moment
    record(third, "campaigns", "CAMP_001")["status"] = "active"
    fourth = as_of(export(), 4)
    fourth["campaign_risk_signals"] = []  # says nothing of them
    # An approval is the newest event of an export, and withdrawn in the next, which as events go
    # is older.
    approved, withdrawn = as_of(third, 6), as_of(third, 7)
    record(approved, "budget_actions", "BUD_0003").update(
        approved_by_human=True,
        approver_id="HUMAN_01",
        approval_latency_minutes=60 * 24 * 30,
        status="approved",  # rejected, an approval would be none
    )
    steps = [
        ("the first export", first),
        ("the same again", first),
        ("a newer one with changes", second),
        ("an older one that was never seen", older),
        ("another as of the same moment", third),
        ("one of that moment again", second),
        ("one without some records", fourth),
        ("one in which they are back", as_of(third, 5)),
        ("one whose newest event is an approval", approved),
        ("one in which it is withdrawn", withdrawn),
    ]
    if not whole:
        steps = steps[:4] + steps[-2:]
    for step, shown in steps:
        kept.build(shown)
        kept.replay.see(shown)
        try:
            kept.assert_log()
        except AssertionError as error:
            raise AssertionError(f"after {step}: {error}") from None
    assert len(kept.replay.seen) == (7 if whole else 4)
    assert kept.replay.seen[-1][0] == kept.replay.seen[-2][0] > noon(9)
    assert kept.replay.known["campaigns", "CAMP_001", "status"] == "active"


@pytest.mark.long
def test_only_a_whole_build_is_remembered(kept: Kept, export: Callable[[], Export]) -> None:
    first, newer = as_of(export(), 1), as_of(export(), 9)
    record(newer, "campaigns", "CAMP_002")["status"] = "completed"
    kept.build(first)
    kept.replay.see(first)
    before = kept.log()
    kept.build(newer, "--empty", *HISTORY)
    assert kept.log() == before, "an empty build adds nothing"
    kept.build(newer, "--select", "raw_budget_actions+", "--exclude-resource-type", "unit_test")
    assert kept.log() == before, "nor does one of a part"
    kept.build(newer, *ONLY_MODELS)
    assert kept.log() == before, "nor one without tests"
    kept.build(first, "--full-refresh", *HISTORY)
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
    build = kept.build(broken, *HISTORY)
    assert build.named("fail") == {"rule_1_campaigns_have_an_experiment"}
    assert build.statuses["status_log"] == "skipped"
    assert kept.log() == before


def test_all_that_structural_tests_judge_lies_above_the_history(
    workspace: Workspace, kept: Kept, export: Callable[[], Export]
) -> None:
    """Dbt stops at a failed test only what lies below all that it judges."""
    kept.build(export(), "--select", "raw_channels")
    manifest = workspace.runner.manifest
    log = "model.marketing_orchestrator.status_log"
    above = networkx.ancestors(
        networkx.DiGraph(
            (parent, child)
            for child, node in manifest.nodes.items()
            for parent in node.depends_on_nodes
        ),
        log,
    )
    inputs = {
        name
        for name, node in manifest.nodes.items()
        if node.resource_type == "seed"
        or node.fqn[1] in ("staging", "contract")
        or node.name in ("int_performance_daily", "int_funnel_daily", "int_funnel_stages")
    }
    gates = [
        set(node.depends_on_nodes)
        for node in manifest.nodes.values()
        if node.resource_type == "test" and set(node.depends_on_nodes) <= inputs
    ]
    assert len(gates) > 150
    assert set.union(*gates) <= above


def test_an_older_export_is_built_with_a_warning(kept: Kept, export: Callable[[], Export]) -> None:
    kept.build(as_of(export(), 1))
    build = kept.build(export(), *HISTORY)
    assert build.named("fail", "error", "skipped") == set()
    assert build.named("warn") == {"export_is_not_older_than_the_history"}
    assert build.rows("select count(*) as n from marts.status_history") == [{"n": 0}]


WORDS = {
    ("campaigns", "status"): ["draft", "active", "paused", "completed", "archived"],
    ("experiments", "status"): ["running", "completed", "stopped"],
    ("budget_actions", "status"): ["proposed", "approved", "rejected", "executed", "rolled_back"],
    ("budget_actions", "approved_by_human"): [True, False],
    ("budget_actions", "approver_id"): ["HUMAN_01", None],
    ("budget_actions", "approval_latency_minutes"): [5, 60 * 24 * 8, 60 * 24 * 12, None],
    ("budget_actions", "amount"): [999.99, 1000, 2500.5],
    ("budget_actions", "currency"): ["USD", "EUR", None],
    ("budget_actions", "from_channel_id"): ["CH_01", "CH_02"],
    ("campaign_risk_signals", "status"): ["open", "in_review", "mitigated", "dismissed"],
}


def test_any_order_of_exports(kept: Kept, export: Callable[[], Export], whole: bool) -> None:
    """Random exports arrive in random order, some of them again."""
    chance = random.Random(4)
    arrived: list[Export] = []
    for _ in range(12 if whole else 3):
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
    moments = {number: moment for number, (moment, _) in enumerate(replay.seen, start=1)}
    last: dict[Key, str | None] = {}
    count: dict[Key, int] = {}
    expected = []
    entries = [one for one in replay.entries if one[2]]
    known_at = {
        number: {tuple(one[2:5]): one[5] for one in entries if one[0] <= number}
        for number in range(len(moments) + 1)
    }
    proposed = {one["budget_action_id"]: one["timestamp"] for one in shown["budget_actions"]}
    for number, moment, dataset, record_id, attribute, value in entries:
        key = (dataset, record_id, attribute)
        before = last.get(key)
        count[key] = count.get(key, 0) + 1
        last[key] = value
        finding = None
        if {(dataset, attribute, before), (dataset, attribute, value)} <= known:
            finding = None if (dataset, attribute, before, value) in legal else "illegal_transition"
        has_moved = (dataset, attribute) == ("budget_actions", "status")
        if has_moved and value in ("executed", "rolled_back"):
            said = statuses_of(replay.seen[number - 1][1])
            told = {name: said[dataset, record_id, name] for name in KEPT[2][2]}
            is_small = told["currency"] == "USD" and Decimal(told["amount"]) < 1000
            is_approved = told["approved_by_human"] == "true" and all(
                (told[name] or "").strip() for name in ("approver_id", "approval_latency_minutes")
            )
            if not (is_small or is_approved):
                finding = "moved_before_approval"
        if dataset == "budget_actions" and attribute in TERMS and count[key] > 1:
            then, now = (
                [known_at[at].get((dataset, record_id, name)) for name in APPROVAL]
                for at in (number - 1, number)
            )
            is_new = (
                now[0] == "true"
                and now[1]
                and (
                    oracle.moment(proposed[record_id]) + timedelta(minutes=int(now[1]))
                    > moments[number - 1]
                )
            )
            if then[0] == "true" and not is_new:
                finding = "changed_after_approval"
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
                "previous_export_at": moments.get(number - 1),
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
                by = {"approver_id": "HUMAN_01", "approval_latency_minutes": 5}
                record(shown, "budget_actions", key).update(
                    {"status": status, "approved_by_human": approved}
                    | (by if approved else dict.fromkeys(by))
                )
        marts = ("--select", "+budget_action_audit", "+risk_escalation", *HISTORY[2:])
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


# ---- What changes after an approval


def action_of(case: Kept, shown: Export) -> dict:
    """Build an export, and return what the audit says of the action that the cases are about."""
    build = case.build(shown, "--select", "+budget_action_audit", *HISTORY[2:])
    (row,) = build.rows(
        "select changed_after_approval, compliance_status, violation_reasons"
        " from marts.budget_action_audit where budget_action_id = 'BUD_9001'"
    )
    return row


def test_what_changes_after_its_approval_is_a_violation(
    kept: Kept, export: Callable[[], Export]
) -> None:
    """USD 1,200 are approved, 19,000 executed; then a person approves the new terms."""
    action = {
        "budget_action_id": "BUD_9001",
        "timestamp": "2026-03-19T09:00:00",
        "from_channel_id": "CH_01",
        "to_channel_id": "CH_02",
        "amount": 1200.0,
        "currency": "USD",
        "approved_by_human": True,
        "approver_id": "HUMAN_01",
        "approval_latency_minutes": 30,
        "status": "approved",
    }
    changed = {"amount": 19000.0, "to_channel_id": "CH_03", "status": "executed"}
    anew = {"approval_latency_minutes": 30 * 60}  # 20 March 15:00, after the first export
    steps = [action, action | changed, action | changed | anew]
    found = []
    for day, step in enumerate(steps):
        shown = as_of(export(), day)
        shown["budget_actions"].append(shown["budget_actions"][0] | step)
        found.append(action_of(kept, shown))
    words = "amount from 1200.00 to 19000.00; to_channel_id from CH_02 to CH_03"
    sound = {
        "changed_after_approval": None,
        "compliance_status": "compliant",
        "violation_reasons": None,
    }
    assert found[0] == found[2] == sound
    assert found[1] == {
        "changed_after_approval": words,
        "compliance_status": "violation",
        "violation_reasons": f"changed after approval: {words}",
    }
