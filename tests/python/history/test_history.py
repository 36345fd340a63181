"""The log of statuses against a replay in plain Python, and what the history makes of it."""

import copy
import csv
import itertools
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import networkx
import pytest
from helpers import oracle
from helpers.builds import Build, DbtError, Workspace
from helpers.exports import KEPT, Key, as_of, noon, record, statuses_of
from helpers.project import PROJECT, Export

from warehouse.build.build import SettingError, as_the_environment_says
from warehouse.explain import explanation
from warehouse.system.locks import sole_build

Entry = tuple[int, datetime, str | None, str | None, str | None, str | None]

# What the history needs, with the tests of it: a part would add nothing.
# Cautious: without the tests of models that aren't built here.
HISTORY = (
    *("--select", "+status_history +warehouse_build", "--indirect-selection", "cautious"),
    *("--exclude-resource-type", "unit_test"),
)
TERMS = ("amount", "currency", "from_channel_id", "to_channel_id")
APPROVAL = ("approved_by_human", "approval_latency_minutes")
ONLY_MODELS = ("--exclude-resource-type", "unit_test", "test")
LOG = "select export_number, seen_at, dataset, record_id, attribute, value from status_log"


def times_of(record: dict) -> list[datetime]:
    """Return when a record says that it happened, approvals left out; a day's time is its end."""
    if "event_id" in record:
        day = record.get("date") or oracle.moment(record["timestamp"]).date()
        return [datetime.fromisoformat(f"{day}T23:59:59.999999")]
    return [oracle.moment(record[name]) for name in ("created_at", "timestamp") if name in record]


def approval_of(record: dict) -> list[datetime]:
    """Return when a budget action was approved, if it was."""
    minutes = record.get("approval_latency_minutes")
    if not record.get("approved_by_human") or minutes is None:
        return []
    return [oracle.moment(record["timestamp"]) + timedelta(minutes=minutes)]


def newest_record(export: Export) -> datetime:
    """Return the newest time in an export, approvals left out."""
    return max(time for records in export.values() for one in records for time in times_of(one))


def is_far(export: Export) -> bool:
    """Tell whether one to three records are of more than 21 days after all others."""
    newest = [
        max(times).date()
        for records in export.values()
        for one in records
        if (times := times_of(one) + approval_of(one))
    ]
    newest.sort()
    gaps = [(after - before).days for before, after in itertools.pairwise(newest[-4:])]
    return any(gap > 21 for gap in gaps)


@dataclass
class Seen:
    """An export in the history: its newest event, its newest record, what it holds."""

    number: int
    moment: datetime
    newest: datetime
    export: Export
    is_taken_out: bool = False


@dataclass
class Replay:
    """What has to be remembered of the exports built so far."""

    seen: list[Seen] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    @property
    def standing(self) -> list[Seen]:
        """The exports that haven't been taken out."""
        return [one for one in self.seen if not one.is_taken_out]

    @property
    def standing_entries(self) -> list[Entry]:
        """What they showed, in their order."""
        numbers = {one.number for one in self.standing}
        kept = [one for one in self.entries if one[0] in numbers and one[2]]
        return sorted(kept, key=lambda entry: entry[0])

    def known(self) -> dict[Key, str | None]:
        """Return what was seen last of each attribute."""
        return {entry[2:5]: entry[5] for entry in self.standing_entries}

    def see(self, export: Export) -> None:
        """Remember what is new in an export, unless it is older than the last, or far from all."""
        newest = newest_record(export)
        last = self.standing[-1] if self.standing else None
        if is_far(export) or (last and newest < last.newest):
            return
        known = self.known()
        if last and last.export == export:
            # Again: nothing is new, but for what an export had shown that was taken out.
            own = {entry[2:5] for entry in self.entries if entry[0] == last.number}
            can_complete = len(self.standing) < len(self.seen)
            new = {
                key
                for key in statuses_of(export)
                if key not in own and (can_complete or key not in known)
            }
        else:
            moment = oracle.read_world(export).newest_event_at
            last = Seen(len(self.seen) + 1, moment, newest, copy.deepcopy(export))
            self.seen.append(last)
            self.entries.append((last.number, moment, None, None, None, None))
            new = set(statuses_of(export))
        for key, value in statuses_of(export).items():
            if key in new and known.get(key) != value:
                self.entries.append((last.number, last.moment, *key, value))

    def take_out(self, number: int) -> None:
        """Forget an export; the log keeps it, with a mark."""
        taken = self.seen[number - 1]
        taken.is_taken_out = True
        self.entries.append((number, taken.moment, None, None, "taken_out", None))


@dataclass
class Kept:
    """A workspace whose history is kept from build to build, and what it has to be."""

    workspace: Workspace
    replay: Replay = field(default_factory=Replay)

    def build(self, export: Export, *arguments: str) -> Build:
        """Build an export on the history so far."""
        return self.workspace.build(export, arguments=arguments or HISTORY, fresh=False)

    def history(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command that lists the history and takes exports out."""
        return subprocess.run(
            [sys.executable, "-m", "warehouse", "history", *arguments],
            cwd=self.workspace.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    def take_out(self, number: int) -> str:
        """Take an export out; return what is said of it."""
        done = self.history("take-out", str(number))
        assert done.returncode == 0, done.stderr
        self.replay.take_out(number)
        return done.stdout

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


# ---- What is remembered ----------------------------------------------------------------------


@pytest.mark.long
def test_every_change_is_kept_once(kept: Kept, export: Callable[[], Export]) -> None:
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
        approval_latency_minutes=60 * 24 * 28,
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
    for step, shown in steps:
        kept.build(shown)
        kept.replay.see(shown)
        try:
            kept.assert_log()
        except AssertionError as error:
            raise AssertionError(f"after {step}: {error}") from None
    assert len(kept.replay.seen) == 8
    approval, withdrawal = kept.replay.seen[-2:]
    assert approval.moment > noon(25) > withdrawal.moment == noon(7)
    assert kept.replay.known()["campaigns", "CAMP_001", "status"] == "active"


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


@pytest.mark.long
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


def depended_on(node: dict[str, Any]) -> set[str]:
    """Return the ids of what a node reads; a seed reads nothing."""
    return set(node["depends_on"].get("nodes", []))


def test_all_that_structural_tests_judge_lies_above_the_history(
    workspace: Workspace, kept: Kept, export: Callable[[], Export]
) -> None:
    """Dbt stops at a failed test only what lies below all that it judges."""
    kept.build(export(), "--select", "raw_channels")
    nodes = workspace.manifest["nodes"]
    log = "model.marketing_orchestrator.status_log"
    above = networkx.ancestors(
        networkx.DiGraph(
            (parent, child) for child, node in nodes.items() for parent in depended_on(node)
        ),
        log,
    )
    inputs = {
        name
        for name, node in nodes.items()
        if node["resource_type"] == "seed"
        or node["fqn"][1] in ("staging", "contract")
        or node["name"] in ("int_performance_daily", "int_funnel_daily", "int_funnel_stages")
    }
    gates = [
        depended_on(node)
        for node in nodes.values()
        if node["resource_type"] == "test" and depended_on(node) <= inputs
    ]
    assert len(gates) > 100
    assert set.union(*gates) <= above


@pytest.mark.long
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
    ("budget_actions", "approval_latency_minutes"): [5, 60 * 24 * 8, 60 * 24 * 12, None, 1_000_000],
    ("budget_actions", "amount"): [999.99, 1000, 2500.5],
    ("budget_actions", "currency"): ["USD", "EUR", None],
    ("budget_actions", "from_channel_id"): ["CH_01", "CH_02"],
    ("campaign_risk_signals", "status"): ["open", "in_review", "mitigated", "dismissed"],
}


@pytest.mark.long
def test_any_order_of_exports(kept: Kept, export: Callable[[], Export]) -> None:
    """Random exports arrive in random order, some again, some far; some are taken out."""
    chance = random.Random(4)
    arrived: list[Export] = []
    for _ in range(12):
        if arrived and chance.random() < 0.3:
            shown = chance.choice(arrived)
        else:
            shown = as_of(export(), len(arrived) + chance.choice((-3, -1, 0, 0, 1, 1)))
            for (dataset, attribute), words in WORDS.items():
                for one in shown[dataset]:
                    if chance.random() < 0.3:
                        one[attribute] = chance.choice(words)
            arrived.append(shown)
        if kept.replay.standing and chance.random() < 0.3:
            kept.take_out(chance.choice(kept.replay.standing).number)
        build = kept.build(shown)
        kept.replay.see(shown)
        kept.assert_log()
        assert_history(build, kept.replay, shown)
        assert (build.statuses["now_is_not_far_from_all_else"] == "warn") == is_far(shown)


# ---- Taking out, and leaving alone ------------------------------------------------------------


def test_an_export_that_is_taken_out_leaves_no_trace(
    kept: Kept, export: Callable[[], Export]
) -> None:
    first, second, third = (as_of(export(), day) for day in (1, 2, 3))
    for one in second, third:
        record(one, "campaigns", "CAMP_001")["status"] = "paused"
    record(second, "campaigns", "CAMP_002")["status"] = "completed"
    # Which is the newest event, and so would date what comes after it.
    record(second, "budget_actions", "BUD_0003").update(
        approved_by_human=True, approver_id="HUMAN_01", approval_latency_minutes=60 * 24 * 14
    )
    for one in first, second, third:
        kept.build(one)
        kept.replay.see(one)
    kept.assert_log()
    told = kept.take_out(2)
    assert told.startswith("Export 2 is taken out: it first showed 0 records and 3 changes. Build ")
    kept.assert_log()
    assert_listed(kept)

    build = kept.build(third)
    kept.replay.see(third)
    kept.assert_log()
    assert_history(build, kept.replay, third)
    changes = build.rows(
        "select record_id, to_value, previous_export_at, seen_at, export_number"
        " from marts.status_history where change_number > 1"
    )
    # What the third export showed too is its own now; what only the second showed, nobody's.
    assert [tuple(row.values()) for row in changes] == [("CAMP_001", "paused", noon(1), noon(3), 3)]
    assert build.rows("select exports_seen from marts.warehouse_build") == [{"exports_seen": 2}]
    before = kept.log()
    kept.build(third)
    assert kept.log() == before


def assert_listed(kept: Kept) -> None:
    """Ask for what the history holds, of whose three exports the second is taken out."""
    assert kept.history().stdout.splitlines() == [
        "export  as of                       records  changes",
        "     1  2026-03-21 12:00:00              22        0",
        "     2  2026-04-01 11:45:00               0        3  taken out",
        "     3  2026-03-23 12:00:00               0        0",
    ]
    assert kept.history("changes", "2").stdout.splitlines() == [
        "Export 2, as of 2026-04-01 11:45:00 (taken out), first showed 0 records and 3 changes.",
        "changed  budget_actions BUD_0003 approved_by_human: false -> true",
        "changed  campaigns CAMP_001 status: active -> paused",
        "changed  campaigns CAMP_002 status: active -> completed",
        "first    budget_actions BUD_0003 approval_latency_minutes: 20160",
        "first    budget_actions BUD_0003 approver_id: HUMAN_01",
    ]
    first = kept.history("changes", "1").stdout.splitlines()
    assert "first    campaigns CAMP_001 status: active" in first
    for arguments, reason in {
        ("take-out", "2"): "Export 2 is already taken out.",
        ("take-out", "4"): "There is no export 4: the history holds 1 to 3.",
        ("changes", "0"): "There is no export 0: the history holds 1 to 3.",
    }.items():
        done = kept.history(*arguments)
        assert (done.returncode, done.stderr.strip()) == (4, reason)


def test_what_keeps_the_history_from_being_mended_is_said(kept: Kept) -> None:
    file = kept.workspace.folder / "history.duckdb"
    assert kept.history().stderr.strip() == (
        "There is no history.duckdb here: no build has added an export yet."
    )
    with duckdb.connect(str(file)):
        held = kept.history("take-out", "1")
    assert held.stderr.startswith("history.duckdb is in use by ")
    assert held.stderr.strip().endswith(": close it there, and try again.")
    empty = kept.history("take-out", "1")
    assert empty.stderr.strip() == "The history is empty: no build has added an export yet."
    file.write_bytes(b"no database" * 1000)
    assert kept.history().stderr.startswith("history.duckdb can't be opened. ")
    file.unlink()
    with sole_build(kept.workspace.folder), pytest.MonkeyPatch.context() as patch:
        patch.setenv("BUILD_WAIT_SECONDS", "0")
        waited = kept.history()
    assert waited.returncode == 4
    assert waited.stderr.startswith("Another build is running (PID ")


@pytest.mark.long
def test_a_build_can_leave_the_history_alone(kept: Kept, export: Callable[[], Export]) -> None:
    first, second = as_of(export(), 1), as_of(export(), 2)
    first["budget_actions"][0].pop("currency", None)
    kept.build(first)
    before = kept.log()
    alone = {"history": False}
    kept.workspace.build(second, variables=alone, arguments=HISTORY, fresh=False)
    assert kept.log() == before
    # Nor does another policy make news of what was seen.
    other = {"reporting_currency": "EUR"}
    kept.workspace.build(first, variables=other, arguments=HISTORY, fresh=False)
    assert kept.log() == before
    with pytest.raises(DbtError, match="The var history is 'later'"):
        kept.workspace.build(second, variables={"history": "later"}, fresh=False)


@pytest.mark.parametrize(
    ("history", "given", "expected"),
    [
        ("", ["--threads", "2"], ["--threads", "2"]),
        ("yes", [], []),
        ("no", [], ["--vars", "{history: false}"]),
        (
            "no",
            ["--vars=as_of: 2026-03-16", "--threads", "2"],
            ["--threads", "2", "--vars", "{as_of: 2026-03-16, history: false}"],
        ),
        ("no", ["--vars", "{as_of"], ["--vars", "{as_of"]),  # which dbt refuses
        ("no", ["--vars", "{as_of: 2026-02-30}"], ["--vars", "{as_of: 2026-02-30}"]),
    ],
)
def test_the_environment_leaves_the_history_alone(
    history: str, given: list[str], expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HISTORY", history)
    assert as_the_environment_says(given) == expected


def test_a_setting_that_says_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HISTORY", "never")
    with pytest.raises(SettingError, match=r"HISTORY is 'never'\. It is yes or no\."):
        as_the_environment_says([])


# ---- What is kept out -------------------------------------------------------------------------


@pytest.mark.long
def test_one_wrong_date_is_no_history(kept: Kept, export: Callable[[], Export]) -> None:
    kept.build(export())
    before = kept.log()
    hint = export()
    record(hint, "attribution_hints", "ATTR_0006")["timestamp"] = "2027-03-18T15:45:00"
    build = kept.build(hint)
    assert build.named("warn") == {"now_is_not_far_from_all_else"}
    assert build.named("fail", "error", "skipped") == set()
    assert build.rows(FAR) == [
        {
            "dataset": "attribution_hints",
            "record_key": "ATTR_0006",
            "field": "timestamp",
            "happened_at": datetime(2027, 3, 18, 15, 45),
            "next_newest_at": datetime(2026, 3, 19, 18),
            "days_after_next_newest": 364,
        }
    ]
    told = str(explanation.explain(kept.workspace.folder))
    assert "record_key=ATTR_0006" in told
    assert "adds nothing to the history" in " ".join(told.split())
    assert kept.log() == before
    (shown,) = build.rows("select newest_event_at from intermediate.int_as_of")
    assert shown == {"newest_event_at": datetime(2027, 3, 18, 15, 45)}, "as it is exported"


FAR = "select * from intermediate.int_far_records order by dataset, record_key"


@pytest.mark.long
def test_three_records_can_have_a_wrong_date_and_four_have_none(
    kept: Kept, export: Callable[[], Export]
) -> None:
    first = export()
    kept.build(first)
    kept.replay.see(first)
    three = export()
    funnel = three["funnel_events"][0]
    funnel.update(date="2026-12-14", timestamp="2026-12-14T09:00:00")
    snapshot = three["performance_metrics"][0]
    snapshot["timestamp"] = "2026-11-01T18:00:00"
    record(three, "budget_actions", "BUD_0001")["approval_latency_minutes"] = 1_000_000
    build = kept.build(three)
    kept.replay.see(three)
    key = f"{snapshot['asset_id']} | {snapshot['experiment_id']} | 2026-11-01T18:00:00"
    assert [(row["dataset"], row["record_key"], row["field"]) for row in build.rows(FAR)] == [
        ("budget_actions", "BUD_0001", "approval_latency_minutes"),
        ("funnel_events", funnel["event_id"], "date"),
        ("performance_metrics", key, "timestamp"),
    ]
    kept.assert_log()
    four = copy.deepcopy(three)
    record(four, "campaigns", "CAMP_003")["created_at"] = "2026-11-02T09:00:00"
    record(four, "budget_actions", "BUD_0001")["approval_latency_minutes"] = 60 * 24 * 242
    day = {"date": "2026-11-20", "timestamp": "2026-11-20T09:00:00"}
    four["funnel_events"][0].update(day)
    build = kept.build(four)
    kept.replay.see(four)
    assert build.statuses["now_is_not_far_from_all_else"] == "pass"
    assert len(kept.replay.seen) == 2
    kept.assert_log()


@pytest.mark.long
def test_a_dataset_that_comes_empty_is_a_warning(kept: Kept, export: Callable[[], Export]) -> None:
    full, empty, fuller = as_of(export(), 1), as_of(export(), 2), as_of(export(), 3)
    empty["performance_metrics"] = []
    del fuller["performance_metrics"][0]
    assert kept.build(full).statuses[EMPTY] == "pass"
    assert kept.build(empty).statuses[EMPTY] == "warn"  # also once the history has it
    assert (
        "dataset=performance_metrics records_now=0 records_before=98 since_export=1"
        " of_export_as_of=2026-03-21T12:00:00"
    ) in str(explanation.explain(kept.workspace.folder))
    build = kept.build(fuller)
    assert build.statuses[EMPTY] == "pass"
    assert build.rows("select 1 as n from marts.status_history where attribute = 'row_count'") == []


EMPTY = "dataset_has_not_become_empty"


@pytest.mark.long
def test_a_history_of_before_goes_on(kept: Kept, export: Callable[[], Export]) -> None:
    """An attribute that an older version did not keep is first seen now, and has not changed."""
    first = as_of(export(), 1)
    kept.build(first)
    whole = sorted(kept.log(), key=str)
    with duckdb.connect(str(kept.workspace.folder / "history.duckdb")) as connection:
        connection.execute("delete from status_log where attribute in ('row_count', 'currency')")
    build = kept.build(first)
    assert sorted(kept.log(), key=str) == whole
    assert build.rows("select 1 as n from marts.status_history where change_number > 1") == []


# ---- What is made of it ----------------------------------------------------------------------


def assert_history(build: Build, replay: Replay, shown: Export) -> None:
    """Compare status_history with what the replay says of each change."""
    with (PROJECT / "seeds/reference/status_transitions.csv").open(encoding="utf-8") as file:
        legal = {tuple(row.values()) for row in csv.DictReader(file)}
    known = {(*row[:2], value) for row in legal for value in row[2:]}
    until = oracle.read_world(shown).as_of
    numbers = [one.number for one in replay.standing]
    # As of its own newest event, and never before the export before it.
    times = itertools.accumulate((one.moment for one in replay.standing), max)
    moments = dict(zip(numbers, times, strict=True))
    before_it = dict(itertools.pairwise([*reversed(numbers), None]))
    last: dict[Key, str | None] = {}
    count: dict[Key, int] = {}
    expected = []
    entries = list(replay.standing_entries)
    known_at = {
        number: {tuple(one[2:5]): one[5] for one in entries if one[0] <= number}
        for number in numbers
    }
    proposed = {one["budget_action_id"]: one["timestamp"] for one in shown["budget_actions"]}
    for number, moment, dataset, record_id, attribute, value in entries:
        key = (dataset, record_id, attribute)
        before = last.get(key)
        if attribute == "row_count" or before == value:
            continue
        moment = moments[number]
        count[key] = count.get(key, 0) + 1
        last[key] = value
        finding = None
        if {(dataset, attribute, before), (dataset, attribute, value)} <= known:
            finding = None if (dataset, attribute, before, value) in legal else "illegal_transition"
        has_moved = (dataset, attribute) == ("budget_actions", "status")
        if has_moved and value in ("executed", "rolled_back"):
            said = statuses_of(replay.seen[number - 1].export)
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
                for at in (before_it[number], number)
            )
            is_new = (
                now[0] == "true"
                and now[1]
                and (
                    oracle.moment(proposed[record_id]) + timedelta(minutes=int(now[1]))
                    > moments[before_it[number]]
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
                "previous_export_at": moments.get(before_it[number]),
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


ACTION = {
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
CHANGED = ACTION | {"amount": 19000.0, "to_channel_id": "CH_03", "status": "executed"}
ANEW = CHANGED | {"approval_latency_minutes": 54 * 60}  # 21 March 15:00, after the first export


@pytest.fixture(scope="module")
def story(workspace: Workspace, export: Callable[[], Export]) -> list[Build]:
    """Build four exports, one on the other.

    A risk is dismissed and reopened, and money moves before its approval. Of another action USD
    1,200 are approved and 19,000 executed; then a person approves the new terms.
    """
    (workspace.folder / "history.duckdb").unlink(missing_ok=True)
    kept = Kept(workspace)
    telling = [
        {"BUD_0001": ("proposed", False), "BUD_0002": ("proposed", False), "RSK_0001": "open"},
        {"BUD_0001": ("executed", False), "BUD_0002": ("approved", True), "RSK_0001": "dismissed"},
        {"BUD_0001": ("executed", True), "BUD_0002": ("executed", True), "RSK_0001": "open"},
        {"BUD_0001": ("executed", True), "BUD_0002": ("proposed", True), "RSK_0001": "mitigated"},
    ]
    builds = []
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
        action = [ACTION, CHANGED, ANEW, ANEW][day - 1]
        shown["budget_actions"].append(shown["budget_actions"][0] | action)
        marts = ("--select", "+budget_action_audit", "+risk_escalation", *HISTORY[2:])
        builds.append(kept.build(shown, *marts))
    return builds


def test_approval_and_execution_are_dated_by_what_was_first_seen(story: list[Build]) -> None:
    rows = story[-1].rows(
        "select budget_action_id, approval_first_seen_at, execution_first_seen_at,"
        " moved_before_approval, compliance_status from marts.budget_action_audit"
        " where budget_action_id in ('BUD_0001', 'BUD_0002') order by 1"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("BUD_0001", noon(3), noon(2), True, "compliant"),  # the last export alone looks well
        ("BUD_0002", noon(2), noon(3), False, "compliant"),
    ]


def test_a_reopened_risk_is_one_episode(story: list[Build]) -> None:
    rows = story[-1].rows(
        "select first_seen_at, closing_seen_at, reopened_count from marts.risk_escalation"
        " where risk_id = 'RSK_0001'"
    )
    assert [tuple(row.values()) for row in rows] == [(noon(1), noon(4), 1)]


def test_what_should_not_happen_is_a_finding(story: list[Build]) -> None:
    rows = story[-1].rows(
        "select record_id, from_value, to_value, finding from marts.status_history"
        " where finding is not null order by 1, 2"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("BUD_0001", "proposed", "executed", "moved_before_approval"),
        ("BUD_0002", "executed", "proposed", "illegal_transition"),
        ("BUD_9001", "1200.00", "19000.00", "changed_after_approval"),
        ("BUD_9001", "CH_02", "CH_03", "changed_after_approval"),
        ("RSK_0001", "dismissed", "open", "illegal_transition"),
    ]


def test_what_changes_after_its_approval_is_a_violation(story: list[Build]) -> None:
    query = (
        "select changed_after_approval, compliance_status, violation_reasons"
        " from marts.budget_action_audit where budget_action_id = 'BUD_9001'"
    )
    first, changed, *anew = [build.rows(query) for build in story]
    words = "amount from 1200.00 to 19000.00; to_channel_id from CH_02 to CH_03"
    sound = {
        "changed_after_approval": None,
        "compliance_status": "compliant",
        "violation_reasons": None,
    }
    assert first == anew[0] == anew[1] == [sound]
    assert changed == [
        {
            "changed_after_approval": words,
            "compliance_status": "violation",
            "violation_reasons": f"changed after approval: {words}",
        }
    ]
