"""Published builds, and the messages about builds that are not published.

dbt never runs here: a project is a small database and the few fields read from dbt's artifacts.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest
from helpers.project import PROJECT

from warehouse import publish
from warehouse.dbt.artifacts import ArtifactError
from warehouse.explain.explanation import explain
from warehouse.system.errors import WarehouseError

COMMAND = [sys.executable, "-m", "warehouse", "publish"]
RUN_ID = "11111111-aaaa"
OTHER_ID = "22222222-bbbb"
TABLES = f"""
    create schema meta;
    create table meta.dbt_run as select '{RUN_ID}' as invocation_id, null::text as part;
    create schema staging;
    create table staging.stg_events as
        select 'E' || lpad(cast(i as text), 2, '0') as event_id, 'C' || i % 3 as campaign_id,
            if(i = 7, 'vist', 'visit') as stage, i * 10 as count, null as note
        from range(12) as numbers(i);
    create schema reference;
    create table reference.contract_rules as
        select 4 as rule, 'Money moves with approval.' as statement;
    create schema intermediate;
    create table intermediate.contract_violations as
        select 4 as rule, 'budget_actions' as dataset, 'BUD_1' as record_key;
    create schema marts;
    create table marts.fct_events as from staging.stg_events;
    create view marts.recent_events as select * from warehouse.marts.fct_events limit 3;
    create table marts.warehouse_build as
        select timestamp '2026-03-19 18:00:00' as as_of, true as covers_all_events;
"""


def node(name, kind="model", **fields):
    """Return the id and the manifest's entry of a node."""
    entry = {"name": name, "resource_type": kind, "config": {}, "tags": [], "alias": name}
    entry |= fields
    return f"{kind}.shop.{name}", entry


def generic_test(name, kind, model="stg_events", **kwargs):
    """Return the id and the manifest's entry of a generic test."""
    fields = {k: kwargs.pop(k) for k in ("description", "config", "depends_on") if k in kwargs}
    metadata = {"name": kind, "kwargs": kwargs}
    attached = {"attached_node": f"model.shop.{model}", "compiled_path": f"target/{name}.sql"}
    return node(name, "test", test_metadata=metadata, **attached, **fields)


SINGULAR = {"depends_on": {"nodes": ["model.shop.contract_violations"]}}
NODES = [
    node("raw_events", "seed"),
    node("stg_events"),
    node("helper", config={"materialized": "ephemeral"}),
    node("events_history", "snapshot"),
    node("fct_events"),
    node("an_operation", "operation"),
    generic_test("events_are_unique", "unique", column_name="event_id"),
    generic_test("stage_is_known", "not_null", column_name="stage"),
    node("money_is_approved", "test", tags=["governance"], **SINGULAR),
]


@dataclass
class Project:
    """A project's folder, and the artifacts that `write` puts there."""

    folder: Path
    run_results: dict = field(default_factory=dict)
    manifest: dict = field(default_factory=dict)

    @property
    def build(self):
        """The file that dbt built."""
        return self.folder / "build/warehouse.duckdb"

    @property
    def published(self):
        """The file that others open."""
        return self.folder / "warehouse.duckdb"

    def result(self, name):
        """Return the result of a node, to be changed."""
        return next(r for r in self.run_results["results"] if r["unique_id"].endswith(f".{name}"))

    def ended(self, name, status, **fields):
        """Set the result of a node."""
        self.result(name).update(status=status, **fields)

    def add(self, added, status="pass", **fields):
        """Add a node and its result."""
        node_id, entry = added
        group = "unit_tests" if node_id.startswith("unit_test.") else "nodes"
        self.manifest[group][node_id] = entry
        self.run_results["results"].append({"unique_id": node_id, "status": status, **fields})

    def write(self):
        """Write the artifacts."""
        target = self.folder / "target"
        target.mkdir(exist_ok=True)
        (target / "run_results.json").write_text(json.dumps(self.run_results))
        (target / "manifest.json").write_text(json.dumps(self.manifest))

    def sql(self, statement):
        """Change the build file."""
        with duckdb.connect(str(self.build)) as connection:
            connection.execute(statement)

    def publish(self):
        """Write the artifacts and publish."""
        self.write()
        return publish.publish(self.folder)

    def refused(self):
        """Return the reason of a refusal; the published file must be untouched."""
        before = self.published.read_bytes() if self.published.is_file() else None
        with pytest.raises(WarehouseError) as refusal:
            self.publish()
        assert (self.published.read_bytes() if self.published.is_file() else None) == before
        assert not list(self.folder.glob(".warehouse.duckdb.*"))
        return str(refusal.value)

    def explained(self):
        """Write the artifacts and return their explanation."""
        self.write()
        return str(explain(self.folder))


@pytest.fixture(scope="session")
def database(tmp_path_factory):
    """Make a build file for copies."""
    file = tmp_path_factory.mktemp("database") / "warehouse.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(TABLES)
    return file


@pytest.fixture
def project(tmp_path, database):
    """Make a project whose last build was whole and green, with nothing published yet."""
    (tmp_path / "build").mkdir()
    shutil.copy(database, tmp_path / "build")
    ran = [node_id for node_id, _ in NODES if node_id != "model.shop.helper"]
    results = [
        {"unique_id": one, "status": "pass" if one.startswith("test.") else "success"}
        for one in ran
    ]
    arguments = {"which": "build", "empty": False, "select": []}
    run = {"metadata": {"invocation_id": RUN_ID}, "args": arguments, "results": results}
    nodes = json.loads(json.dumps(dict(NODES)))
    manifest = {"metadata": {"invocation_id": RUN_ID}, "nodes": nodes, "unit_tests": {}}
    return Project(tmp_path, run, manifest)


@pytest.fixture
def republished(project):
    """Make a project in which an older warehouse is published."""
    with duckdb.connect(str(project.published)) as connection:
        connection.execute("create schema marts; create table marts.fct_events as select 1 as old")
    return project


def public(file):
    """Return the contents of a database file: the rows of each mart."""
    with duckdb.connect(str(file), read_only=True) as connection:
        names = connection.sql(
            "select table_name from information_schema.tables where table_schema = 'marts'"
        ).fetchall()
        return {
            name: connection.sql(f'from marts."{name}" order by all').fetchall()
            for (name,) in names
        }


def run_python(code, *arguments, **options):
    """Start a Python process that can be talked to."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, **pipes, **options)


def write_lock(file):
    """Return a process that has a database file open for writing until it is stopped."""
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    process = run_python(code, file)
    assert process.stdout.readline() == "1\n"
    return process


# ---- What is published ----------------------------------------------------------------------


def test_a_whole_green_build_is_published(project):
    publication = project.publish()
    assert publication.marts.rows == {"fct_events": 12, "recent_events": 3, "warehouse_build": 1}
    assert publication.breaches == []
    marts = "3 marts, 16 rows, as of 2026-03-19 18:00:00"
    assert str(publication) == f"Published warehouse.duckdb ({marts})."
    assert public(project.published) == public(project.build)
    assert sorted(p.name for p in project.folder.iterdir()) == [
        "build",
        "target",
        "warehouse.duckdb",
    ]


def test_an_older_publication_is_replaced(republished):
    republished.publish()
    assert public(republished.published) == public(republished.build)


@pytest.mark.parametrize("status", ["warn", "no-op"])
def test_what_does_not_fail_is_published(project, status):
    project.ended("stage_is_known", status)
    assert project.publish().breaches == []


def test_a_passing_unit_test_may_run_or_be_left_out(project):
    project.manifest["unit_tests"]["unit_test.shop.left_out"] = {"name": "left_out"}
    project.add(node("did_run", "unit_test"))
    assert project.publish().breaches == []


def test_governance_breaches_are_published_and_named(republished):
    republished.ended("money_is_approved", "fail", failures=1)
    publication = republished.publish()
    assert publication.breaches == ["money_is_approved"]
    assert str(publication).endswith("breaches of the contract: money_is_approved failed.")
    assert public(republished.published) == public(republished.build)


def test_only_what_is_public_is_published_and_as_tables(project):
    project.publish()
    with duckdb.connect(str(project.published), read_only=True) as connection:
        tables = connection.sql(
            """
            select table_schema, table_name, table_type
            from information_schema.tables
            order by all
            """
        ).fetchall()
    assert tables == [
        ("marts", "fct_events", "BASE TABLE"),
        ("marts", "recent_events", "BASE TABLE"),
        ("marts", "warehouse_build", "BASE TABLE"),
    ]


def test_comments_are_published(project):
    project.sql("comment on table marts.fct_events is 'It''s facts'")
    project.sql("comment on view marts.recent_events is 'Three'")
    project.sql("comment on column marts.fct_events.stage is 'Where'")
    project.publish()
    with duckdb.connect(str(project.published), read_only=True) as connection:
        tables = connection.sql(
            "select table_name, comment from duckdb_tables() where comment <> ''"
        )
        assert tables.fetchall() == [("fct_events", "It's facts"), ("recent_events", "Three")]
        columns = connection.sql(
            "select table_name, column_name, comment from duckdb_columns() where comment <> ''"
        )
        assert columns.fetchall() == [("fct_events", "stage", "Where")]


STAGES = """
    create table marts.dim_stages as
        select distinct stage, date '2026-03-16' as known_since from marts.fct_events
"""
KEYED = [
    node("dim_stages", columns={"known_since": {}, "stage": {}}),
    generic_test("stage_is_unique", "unique", model="dim_stages", column_name="stage"),
    generic_test("stage_is_given", "not_null", model="dim_stages", column_name="stage"),
    generic_test("since_is_given", "not_null", model="dim_stages", column_name="known_since"),
    generic_test(
        "key", "primary_key", model="fct_events", combination_of_columns=["event_id", "campaign_id"]
    ),
    generic_test("keys", "foreign_keys", model="fct_events", columns={"stage": "dim_stages.stage"}),
]


@pytest.mark.parametrize("rows", [12, 11])
def test_keys_are_published_as_tests_declare_them(project, rows, monkeypatch):
    """A fact that is too large for more indices keeps its primary key."""
    monkeypatch.setattr(publish, "FOREIGN_KEY_ROWS", rows)
    project.sql(STAGES)
    for one in KEYED:
        project.add(one)
    project.publish()
    assert public(project.published) == public(project.build)
    with duckdb.connect(str(project.published), read_only=True) as connection:
        keys = connection.sql(
            """
            select table_name, constraint_type, constraint_column_names, referenced_table
            from duckdb_constraints()
            where constraint_type <> 'NOT NULL'
            order by all
            """
        ).fetchall()
    assert keys == [
        ("dim_stages", "PRIMARY KEY", ["stage"], None),
        *[("fct_events", "FOREIGN KEY", ["stage"], "dim_stages")] * (rows == 12),
        ("fct_events", "PRIMARY KEY", ["event_id", "campaign_id"], None),
    ]


def test_a_foreign_key_that_was_warned_of_is_not_declared(project):
    """Looking back, a fact can be older than its dimension's row."""
    project.sql(STAGES)
    project.sql("delete from marts.dim_stages where stage = 'visit'")
    for one in KEYED:
        project.add(one)
    project.ended("keys", "warn")
    project.publish()
    assert public(project.published) == public(project.build)


def test_a_fingerprint_depends_on_the_rows_and_not_on_their_order(project):
    fingerprints = [project.publish().marts.fingerprints["fct_events"]]
    for change in (
        "create or replace table marts.fct_events as from marts.fct_events order by event_id desc",
        "insert into marts.fct_events from marts.fct_events limit 1",
        "delete from marts.fct_events where event_id = 'E11'",
        "update marts.fct_events set note = 0 where event_id = 'E01'",
    ):
        project.sql(change)
        fingerprints.append(project.publish().marts.fingerprints["fct_events"])
    assert fingerprints[0] == fingerprints[1]
    assert len(set(fingerprints)) == 4


# ---- What is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("stage_is_known", "fail", "broken, 1 failed and 0 skipped: stage_is_known."),
        ("stage_is_known", "error", "broken, 1 failed and 0 skipped: stage_is_known."),
        ("stage_is_known", "skipped", "broken, 0 failed and 1 skipped: stage_is_known."),
        ("money_is_approved", "error", "broken, 1 failed and 0 skipped: money_is_approved."),
        ("money_is_approved", "skipped", "broken, 0 failed and 1 skipped: money_is_approved."),
        ("fct_events", "error", "broken, 1 failed and 0 skipped: fct_events."),
        ("fct_events", "partial success", "broken, 1 failed and 0 skipped: fct_events."),
        ("raw_events", "error", "broken, 1 failed and 0 skipped: raw_events."),
        ("events_history", "error", "broken, 1 failed and 0 skipped: events_history."),
        ("an_operation", "error", "broken, 1 failed and 0 skipped: an_operation."),
    ],
)
def test_a_broken_build_is_refused(republished, name, status, reason):
    republished.ended(name, status)
    assert reason in republished.refused()


def test_a_cause_is_named_before_its_consequences(republished):
    republished.ended("fct_events", "skipped")
    republished.ended("money_is_approved", "fail")
    republished.ended("stage_is_known", "fail")
    assert "1 failed and 1 skipped: stage_is_known. " in republished.refused()


def test_only_a_test_can_be_let_through_for_governance(republished):
    republished.manifest["nodes"]["model.shop.fct_events"]["tags"] = ["governance"]
    republished.ended("fct_events", "fail")
    assert "broken" in republished.refused()


@pytest.mark.parametrize("status", ["fail", "error"])
def test_a_failed_unit_test_is_refused(republished, status):
    republished.add(node("rates", "unit_test", tags=["governance"]), status)
    assert "1 failed and 0 skipped: rates." in republished.refused()


@pytest.mark.parametrize(
    "name", ["raw_events", "stg_events", "events_history", "stage_is_known", "money_is_approved"]
)
def test_a_partial_build_is_refused(republished, name):
    republished.run_results["results"].remove(republished.result(name))
    assert f"was partial: it left out {name}. " in republished.refused()


def test_a_build_that_ended_early_is_refused(republished):
    republished.run_results["results"] = republished.run_results["results"][:1]
    assert "it left out fct_events and 5 more" in republished.refused()


@pytest.mark.parametrize("command", ["test", "run", "compile", "retry"])
def test_another_command_is_refused(republished, command):
    republished.run_results["args"]["which"] = command
    assert f"The last dbt run was `dbt {command}`." in republished.refused()


def test_a_build_on_part_of_the_data_is_refused(republished):
    republished.sql("update meta.dbt_run set part = '--empty'")
    assert "--empty, on part of the data" in republished.refused()


def test_a_file_of_another_run_is_refused(republished):
    republished.sql(f"update meta.dbt_run set invocation_id = '{OTHER_ID}'")
    reason = "build/warehouse.duckdb and target/run_results.json are from two dbt runs"
    assert reason in republished.refused()


@pytest.mark.parametrize("statement", ["drop schema meta cascade", "delete from meta.dbt_run"])
def test_a_file_of_no_known_run_is_refused(republished, statement):
    republished.sql(statement)
    assert "are from two dbt runs" in republished.refused()


def test_no_build_file_is_refused(republished):
    republished.build.unlink()
    assert republished.refused() == "build/warehouse.duckdb is missing. Run `dbt build` first."


@pytest.mark.parametrize("artifact", ["run_results", "manifest"])
def test_missing_or_damaged_artifacts_are_refused(republished, artifact):
    republished.write()
    file = republished.folder / f"target/{artifact}.json"
    file.write_text(file.read_text()[:-9])
    with pytest.raises(WarehouseError, match=f"target/{artifact}.json is cut off or damaged"):
        publish.publish(republished.folder)
    file.unlink()
    with pytest.raises(WarehouseError, match=f"target/{artifact}.json: No such file"):
        publish.publish(republished.folder)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("drop schema marts cascade", "warehouse_build"),
        ("drop table marts.fct_events", "fct_events"),  # the view reads it
        ("delete from marts.warehouse_build", "out of range"),
    ],
)
def test_marts_that_cannot_be_read_are_refused(republished, statement, reason):
    republished.sql(statement)
    message = republished.refused()
    assert message.startswith("The marts in build/warehouse.duckdb can't be read: ")
    assert reason in message


# ---- Files and other processes --------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["wal", "wal.checkpoint"])
def test_a_log_beside_the_build_is_refused(republished, suffix):
    log = republished.folder / f"build/warehouse.duckdb.{suffix}"
    log.touch()
    assert f"build/{log.name} is left of a write that was broken off" in republished.refused()


@pytest.mark.parametrize("is_published", [True, False])
def test_a_log_beside_the_published_file_is_refused(republished, is_published):
    if not is_published:
        republished.published.unlink()
    (republished.folder / "warehouse.duckdb.wal").touch()
    message = republished.refused()
    assert message.startswith("warehouse.duckdb.wal is left of a write that was broken off.")


@pytest.mark.parametrize("path", ["build/warehouse.duckdb", "warehouse.duckdb"])
def test_a_file_that_another_process_writes_to_is_refused(republished, path):
    file = republished.folder / path
    with write_lock(file) as writer:
        file.with_name("warehouse.duckdb.wal").touch()  # a sign of life, here
        message = republished.refused()
        writer.communicate("\n")
    assert message.startswith(f"{path} is open for writing by ")
    assert f"(PID {writer.pid})" in message


def test_a_file_that_this_process_writes_to_is_refused(republished):
    with duckdb.connect(str(republished.build)):
        assert "build/warehouse.duckdb is open for writing" in republished.refused()


@pytest.mark.parametrize("path", ["build/warehouse.duckdb", "warehouse.duckdb"])
def test_what_is_no_database_is_refused(republished, path):
    (republished.folder / path).write_text("no database")
    message = republished.refused()
    assert message.startswith(f"{path} can't be opened: ")
    assert "not a valid DuckDB database" in message


def test_a_target_that_cannot_be_replaced_is_refused(project):
    project.published.mkdir()
    assert project.refused() == "warehouse.duckdb can't be written: Is a directory."


def test_a_full_disk_is_refused(republished):
    """The kernel's limit on the size of a file stands for the disk's."""
    republished.write()
    before = republished.published.read_bytes()
    shutil.copytree(PROJECT / "warehouse", republished.folder / "warehouse")
    refused = subprocess.run(
        COMMAND,
        cwd=republished.folder,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    assert refused.returncode == 4
    assert refused.stderr.startswith("Not published. warehouse.duckdb can't be written: ")
    assert "File too large" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert republished.published.read_bytes() == before
    assert not list(republished.folder.glob(".warehouse.duckdb.*"))


def test_no_temporary_file_outlives_an_interruption(republished, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    republished.write()
    monkeypatch.setattr(publish, "read_marts", interrupt)
    with pytest.raises(KeyboardInterrupt):
        publish.publish(republished.folder)
    assert not list(republished.folder.glob(".warehouse.duckdb.*"))


def test_leftovers_of_earlier_processes_are_removed(republished):
    for name in ("1", os.getpid(), "7.tmp.wal"):  # numbers of processes come again
        (republished.folder / f".warehouse.duckdb.{name}.tmp").touch()
    republished.publish()
    assert not list(republished.folder.glob(".warehouse.duckdb.*"))


def test_a_link_stays_one_and_readers_keep_their_rights(republished):
    elsewhere = republished.folder / "elsewhere.duckdb"
    republished.published.rename(elsewhere)
    republished.published.symlink_to(elsewhere)
    elsewhere.chmod(0o640)
    republished.publish()
    assert republished.published.is_symlink()
    assert public(elsewhere) == public(republished.build)
    assert elsewhere.stat().st_mode & 0o777 == 0o640


def test_damage_is_no_lock(republished):
    """DuckDB's message about a wrong checksum names a block, which is not a lock."""
    with republished.build.open("r+b") as file:
        for position in (4196, 8292):  # in both of its headers
            file.seek(position)
            file.write(b"\xff" * 64)
    message = republished.refused()
    assert "open for writing" not in message
    assert message.endswith("Run `dbt build` again.")


@pytest.mark.parametrize("artifact", ["{}", "[]", '{"metadata": {}}'])
def test_artifacts_that_are_not_dbts_are_refused(republished, artifact):
    republished.write()
    (republished.folder / "target/run_results.json").write_text(artifact)
    with pytest.raises(WarehouseError, match="is cut off or damaged"):
        publish.publish(republished.folder)


@pytest.mark.parametrize("path", ["build/warehouse.duckdb", "warehouse.duckdb"])
def test_nobody_can_write_while_a_file_is_copied(republished, monkeypatch, path):
    refusals = []

    def try_to_write(_):
        code = "import duckdb, sys; duckdb.connect(sys.argv[1])"
        with run_python(code, republished.folder / path, stderr=subprocess.PIPE) as process:
            refusals.append(process.communicate()[1])
        return []

    monkeypatch.setattr(publish, "comments", try_to_write)
    republished.publish()
    assert "Could not set lock on file" in refusals[0]


def test_open_readers_keep_the_old_file_and_new_ones_see_the_new(republished):
    code = """if True:
        import duckdb, sys
        connection = duckdb.connect(sys.argv[1], read_only=True)
        for _ in range(2):
            print(connection.sql("select count(*) from marts.fct_events").fetchone()[0], flush=True)
            input()
    """
    with run_python(code, republished.published) as reader:
        assert reader.stdout.readline() == "1\n"
        republished.publish()
        reader.stdin.write("\n")
        reader.stdin.flush()
        assert reader.stdout.readline() == "1\n"
        reader.communicate("\n")
    with run_python(code, republished.published) as reader:
        assert reader.communicate("\n\n")[0] == "12\n12\n"


def test_the_command_line_publishes_or_says_why_not(project):
    shutil.copytree(PROJECT / "warehouse", project.folder / "warehouse")
    refused = subprocess.run(COMMAND, cwd=project.folder, capture_output=True, text=True)
    reason = "Not published. target/run_results.json: No such file or directory. "
    assert (refused.returncode, refused.stdout) == (4, "")
    assert refused.stderr == reason + "Run `dbt build` first.\n"
    project.write()
    published = subprocess.run(COMMAND, cwd=project.folder, capture_output=True, text=True)
    assert (published.returncode, published.stderr) == (0, "")
    assert published.stdout.startswith("Published warehouse.duckdb (3 marts, 16 rows, ")


@pytest.mark.parametrize(
    ("ended", "code"),
    [
        ({"stage_is_known": "warn"}, 0),
        ({"stage_is_known": "fail"}, 1),
        ({"fct_events": "error"}, 1),
        ({"fct_events": "skipped"}, 1),
        ({"money_is_approved": "fail"}, 3),
        ({"money_is_approved": "error"}, 1),
        ({"money_is_approved": "fail", "stage_is_known": "fail"}, 1),
        ({"money_is_approved": "fail", "fct_events": "skipped"}, 1),
    ],
)
def test_publishing_and_explaining_end_alike(project, ended, code):
    for name, status in ended.items():
        project.ended(name, status, failures=1, compiled_code=ALL_EVENTS)
    project.write()
    assert explain(project.folder).exit_code == code
    assert publishing_ends(project) == code


def test_a_full_disk_says_nothing_of_the_export(project):
    project.ended("fct_events", "error", message="IO Error: No space left on device")
    project.write()
    assert explain(project.folder).exit_code == publishing_ends(project) == 4


def publishing_ends(project):
    """Return the exit code of publishing."""
    try:
        return publish.publish(project.folder).exit_code
    except WarehouseError as error:
        return error.exit_code


# ---- Explaining -----------------------------------------------------------------------------

ALL_EVENTS = "select * from warehouse.staging.stg_events"


def test_nothing_to_explain(project):
    assert project.explained() == "The last dbt run: 0 failed, 0 warned."


def test_a_run_that_ended_before_it_built_anything_is_no_list_of_failures(project):
    """As dbt 2 does; for a single node the same message is a failure like any other."""
    project.ended("stage_is_known", "error", message="Compilation Error")
    assert "FAILED  test stage_is_known" in project.explained()
    for result in project.run_results["results"]:
        result.update(status="error", message="Compilation Error")
    reason = "The last dbt run ended before it built anything: see logs/dbt.log."
    with pytest.raises(ArtifactError, match=reason):
        project.explained()
    with pytest.raises(ArtifactError, match=reason):
        publish.publish(project.folder)


def test_no_run_to_explain(project):
    reason = "target/run_results.json: No such file or directory. Run `dbt build` first."
    with pytest.raises(ArtifactError, match=reason):
        explain(project.folder)


def test_a_failed_test_is_explained_with_its_rows(project):
    code = f"{ALL_EVENTS} where stage = 'vist' -- a comment at the end"
    project.ended("stage_is_known", "fail", failures=1, compiled_code=code)
    project.ended("fct_events", "skipped")
    assert project.explained().splitlines() == [
        "The last dbt run: 1 failed, 0 warned, 1 skipped, since they build on what failed.",
        "",
        "FAILED  stage_is_known",
        "    guards  stage of events is never missing.",
        "    dataset events",
        "    rows    1",
        "            event_id=E07 stage=vist campaign_id=C1 count=70 note=null",
        "    sql     target/stage_is_known.sql",
    ]


def test_ten_rows_are_shown_in_one_order(project):
    code = f"{ALL_EVENTS} order by event_id desc"
    project.ended("stage_is_known", "fail", failures=12, compiled_code=code)
    lines = project.explained().splitlines()
    assert "    rows    12, the first 10" in lines
    shown = [line.split()[0] for line in lines if "event_id=" in line]
    assert shown == [f"event_id=E{i:02}" for i in range(10)]


def test_a_warning_is_explained_in_short_after_the_failures(project):
    project.ended("events_are_unique", "warn", failures=12, compiled_code=ALL_EVENTS)
    project.ended("stage_is_known", "fail", failures=0, compiled_code=f"{ALL_EVENTS} limit 0")
    text = project.explained()
    failed, warned = text.split("WARNED  events_are_unique")
    assert "FAILED  stage_is_known" in failed
    assert "rows    12, the first 3" in warned
    assert warned.count("event_id=E") == 3


def test_a_contract_rule_is_explained_by_its_statement(project):
    code = "select * from warehouse.intermediate.contract_violations"
    project.ended("money_is_approved", "fail", failures=1, compiled_code=code)
    rules, entry = node("contract_rules", "seed", relation_name="reference.contract_rules")
    project.manifest["nodes"][rules] = entry
    text = project.explained()
    assert "FAILED  money_is_approved (governance)" in text
    assert "guards  Contract rule 4: Money moves with approval." in text
    assert "dataset budget_actions" in text
    assert "rule=4 dataset=budget_actions record_key=BUD_1" in text


def test_an_id_in_another_unicode_form_is_told_so(project):
    """They look the same, and print the same."""
    project.sql("create table staging.stg_places as select 'Caf\u00e9' as place_id")
    project.add(node("stg_places", relation_name="staging.stg_places"))
    looked_up = {"column_name": "place_id", "to": "ref('stg_places')", "field": "place_id"}
    code = "select 'Cafe\u0301' as place_id, 'Cafe' as note union all select 'Tea', 'Caf\u00e9'"
    test = generic_test("place_is_known", "relationships", **looked_up)
    project.add(test, "fail", failures=2, compiled_code=code)
    words = " ".join(project.explained().split())
    said = 'form "Cafe\\u0301" differs from the existing "Caf\\xe9" only in Unicode form'
    assert words.count("only in Unicode form") == 1
    assert said in words


OVERFLOWS = [
    "Conversion Error: Type INT128 with value 18446744073709551614 can't be cast because the value"
    " is out of range for the destination type INT64",
    "[ARITHMETIC_OVERFLOW] long overflow. Use 'try_add' to tolerate overflow.",
]


@pytest.mark.parametrize("message", OVERFLOWS)
def test_counts_beyond_64_bits_are_told_in_words(project, message):
    """The as-of reads every dataset, and sums nothing."""
    as_of, hints = "model.shop.int_as_of", "model.shop.stg_attribution_hints"
    funnel = "model.shop.stg_funnel_events"
    for name, above in (
        ("stg_attribution_hints", []),
        ("stg_funnel_events", []),
        ("int_as_of", [hints, funnel]),
        ("fct_events", [as_of, funnel]),
    ):
        _, entry = node(name, depends_on={"nodes": above})
        project.manifest["nodes"][f"model.shop.{name}"] = entry
    project.ended("fct_events", "error", message=f"Runtime Error in model fct_events\n  {message}")
    words = " ".join(project.explained().split())
    assert "INT64" not in words and "overflow" not in words
    assert words.endswith(
        "FAILED model fct_events Counts that fct_events adds up come to more than 64 bits hold"
        " (9,223,372,036,854,775,807). Look for a count that can't be in funnel_events."
    )


WORDS = [
    ("not_null", {"column_name": "stage"}, "stage of events is never missing."),
    ("unique", {"column_name": "stage"}, "stage of events is unique."),
    (
        "relationships",
        {"column_name": "sent_by", "to": "ref('stg_channels')", "field": "channel_id"},
        "sent_by of events, where it is given, is the channel_id of a record of channels.",
    ),
    (
        "unique_combination_of_columns",
        {"combination_of_columns": ["stage", "count"]},
        "no two records of events have the same stage, count.",
    ),
    (
        "primary_key",
        {"combination_of_columns": ["stage", "count"]},
        "no two records of events have the same stage, count, and none of these is missing.",
    ),
    (
        "required_fields_are_present",
        {"dataset": "events"},
        "every field of events that is neither nullable nor optional has a value, and no id is"
        " blank.",
    ),
    (
        "expression_is_true",
        {"expression": "count >= 0", "config": {"where": "stage = 'visit'"}},
        "in every record of events: count >= 0, where stage = 'visit'.",
    ),
    ("not_null", {"column_name": "stage", "description": "Its\n  own words."}, "Its own words."),
    (
        "not_null",
        {"column_name": "stage", "config": {"description": "A singular test's."}},
        "A singular test's.",
    ),
    ("a_kind_of_its_own", {"column_name": "stage"}, None),
]


@pytest.mark.parametrize(("kind", "arguments", "words"), WORDS)
def test_each_kind_of_test_is_put_in_words(project, kind, arguments, words):
    test = generic_test("a_test", kind, **arguments)
    project.add(test, "fail", failures=1, compiled_code=f"{ALL_EVENTS} where stage = 'vist'")
    guards = " ".join(project.explained().split()).partition(" guards ")[2]
    assert guards.partition(" dataset ")[0] == (words or "")


def test_a_test_of_several_columns_is_explained_column_by_column(project):
    """Each with all of its rows, as in a separate test; columns that don't fail aren't named."""
    code = f"""
        select 'stage' as failed_column, 'one of visit, signup' as allowed, *
        from ({ALL_EVENTS}) where stage = 'vist'
        union all
        select 'count' as failed_column, 'never missing and at most 10' as allowed, *
        from ({ALL_EVENTS}) where count > 10
    """
    columns = {"note": {}, "stage": {}, "count": {}}
    test = generic_test("values", "values_are_accepted", columns=columns)
    project.add(test, "warn", failures=11, compiled_code=code)
    assert project.explained().splitlines()[2:] == [
        "WARNED  values: count",
        "    guards  count of events is never missing and at most 10.",
        "    dataset events",
        "    rows    10, the first 3",
        "            event_id=E02 count=20 campaign_id=C2 stage=visit note=null",
        "            event_id=E03 count=30 campaign_id=C0 stage=visit note=null",
        "            event_id=E04 count=40 campaign_id=C1 stage=visit note=null",
        "    sql     target/values.sql",
        "",
        "WARNED  values: stage",
        "    guards  stage of events is one of visit, signup.",
        "    dataset events",
        "    rows    1",
        "            event_id=E07 stage=vist campaign_id=C1 count=70 note=null",
        "    sql     target/values.sql",
    ]
    project.build.unlink()
    assert project.explained().splitlines()[4:] == [
        "WARNED  values",
        "    guards  note, stage, count of events hold what its YAML allows.",
        "    dataset events",
        "    rows    11",
        "    sql     target/values.sql",
    ]


def test_a_foreign_key_is_explained_by_the_dimension_that_lacks_it(project):
    code = f"""
        select 'stage' as failed_column, 'a stage of dim_stages' as allowed, *
        from ({ALL_EVENTS}) where stage = 'vist'
    """
    columns = {"campaign_id": "dim_campaigns.campaign_id", "stage": "dim_stages.stage"}
    test = generic_test("events_foreign_keys", "foreign_keys", columns=columns)
    project.add(test, "fail", failures=1, compiled_code=code)
    assert project.explained().splitlines()[2:4] == [
        "FAILED  events_foreign_keys: stage",
        "    guards  stage of events, where it is given, is a stage of dim_stages.",
    ]
    project.build.unlink()
    guards = "guards  campaign_id, stage of events are in the dimensions that its YAML names."
    assert guards in project.explained()


def test_keys_come_first_then_what_is_tested(project):
    combination = {"combination_of_columns": ["campaign_id", "stage"]}
    project.add(generic_test("key", "unique_combination_of_columns", **combination))
    project.add(generic_test("other_key", "unique", model="fct_events", column_name="count"))
    test = generic_test("a_note_is_given", "expression_is_true", expression="note is not null")
    project.add(test, "fail", failures=1, compiled_code=f"{ALL_EVENTS} where count = 0")
    row = "event_id=E00 campaign_id=C0 stage=visit note=null count=0"
    assert row in project.explained()


def test_values_are_short_and_in_one_piece(project):
    values = """
        'two words' as a, '' as b, 'null' as c, cast(null as text) as d, 'x=y' as e,
        e'one\\ntwo' as f, repeat('x', 100) as g, true as h, 1.50 as i, date '2026-03-16' as j,
        timestamp '2026-03-16 10:00:00' as k, e'\\x1b[31m' as l
    """
    project.ended("stage_is_known", "fail", failures=1, compiled_code=f"select {values}")
    row = next(line for line in project.explained().splitlines() if "a=" in line and "b=" in line)
    assert row.strip() == (
        'a="two words" b="" c="null" d=null e="x=y" f=one\\ntwo '
        f"g={'x' * 77}... h=true i=1.50 j=2026-03-16 k=2026-03-16T10:00:00 l=\\x1b[31m"
    )


def test_what_broke_a_model_is_said_without_colours_and_macros(project):
    message = (
        "\x1b[31mCompilation Error in model fct_events\x1b[0m\n  No columns\n  \n"
        "  > in macro assert_columns (macros/a.sql)\n  > called by model fct_events (b.sql)\n"
    )
    project.ended("fct_events", "error", message=message)
    assert project.explained().splitlines()[2:] == [
        "FAILED  model fct_events",
        "    No columns",
    ]


def test_a_failed_unit_test_is_explained_by_its_difference(project):
    difference = "actual differs from expected:\n\n@@,rate\n\x1b[36m→\x1b[0m ,1→2"
    unit_test = node("rates", "unit_test", description="A rate is a share.")
    project.add(unit_test, "fail", failures=1, message=difference)
    assert project.explained().splitlines()[2:] == [
        "FAILED  unit test rates",
        "    guards  A rate is a share.",
        "    actual differs from expected:",
        "",
        "    @@,rate",
        "    → ,1→2",
    ]


def test_a_test_whose_sql_is_wrong_is_explained_by_the_error(project):
    project.ended("stage_is_known", "error", message="Runtime Error\n  Binder Error: no column")
    text = project.explained()
    assert "FAILED  test stage_is_known" in text
    assert "Binder Error: no column" in text


def test_rows_that_cannot_be_queried_again_are_said_so(project):
    code = "select * from warehouse.staging.dropped_since"
    project.ended("stage_is_known", "fail", failures=5, compiled_code=code)
    assert "rows    5; they can't be shown: Catalog Error: " in project.explained()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (
            lambda project: project.build.unlink(),
            "build/warehouse.duckdb can't be opened. IO Error",
        ),
        (lambda project: project.build.write_text("x"), "build/warehouse.duckdb can't be opened."),
        (
            lambda project: project.sql("drop schema meta cascade"),
            "build/warehouse.duckdb is not from this run.",
        ),
    ],
)
def test_without_the_database_the_rest_is_explained(project, spoil, reason):
    project.ended("stage_is_known", "fail", failures=1, compiled_code=ALL_EVENTS)
    spoil(project)
    text = project.explained()
    assert f"Failing rows can't be shown: {reason}" in text
    assert "guards  stage of events is never missing." in text
    assert "event_id=" not in text


def test_a_locked_database_names_its_holder(project):
    project.ended("stage_is_known", "fail", failures=1, compiled_code=ALL_EVENTS)
    with write_lock(project.build) as writer:
        text = project.explained()
        writer.communicate("\n")
    assert f"(PID {writer.pid})" in text


def test_a_publication_says_that_later_events_are_left_out(republished):
    assert republished.publish().marts.as_of == "2026-03-19 18:00:00"
    republished.sql("update marts.warehouse_build set covers_all_events = false")
    assert republished.publish().marts.as_of == "2026-03-19 18:00:00, later events left out"


def test_a_row_with_a_rule_is_not_yet_a_breach(project):
    """A waiver has a rule too, and is no record that breaks it."""
    code = "select 4 as rule, 'BUD_1' as record_key"
    project.ended("stage_is_known", "fail", failures=1, compiled_code=code)
    text = project.explained()
    assert "BUD_1" in text
    assert "Contract rule" not in text
