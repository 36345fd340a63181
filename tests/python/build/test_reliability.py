"""Whoever reads is never disturbed, whatever becomes of a build: killed, refused, or in a crowd.

The real commands run as processes in copies of the project. What can be published there is known
beforehand: `first` from the demo's export, and `second` from a later one built on top of it.
"""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from helpers.processes import SECONDS_AT_MOST, Project, end, later_export, timed
from helpers.project import DBT2, DBT_CORE, FASTEST, PROJECT, copy_project, read_export
from helpers.reader import opened

from warehouse.dbt.database_files import FileError, prepare_files
from warehouse.publish import publish

READER = PROJECT / "tests/python/helpers/reader.py"
NO_WAIT = {"BUILD_WAIT_SECONDS": "0"}


@dataclass
class Known:
    """A project as an undisturbed build left it, and what that build came to."""

    project: Project
    version: str | None = None
    log: list[tuple] = field(default_factory=list)
    seeds: dict[str, bytes] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass
class World:
    """The states that a project can be in; a version never names the folder it was built in."""

    folder: Path
    nothing: Known
    first: Known
    second: Known


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Build twice, undisturbed."""
    folder = tmp_path_factory.mktemp("on_the_building_machine")
    states = []
    project = Project(copy_project(folder / "nothing"))
    shutil.rmtree(project.folder / "seeds/json")
    (project.folder / "seeds/json").mkdir()
    states.append(Known(project))
    for name, export in (("first", read_export()), ("second", later_export())):
        project = project.copied(folder / name)
        project.give(export)
        review = project.folder / "review.html"
        if name == "first":
            review.mkdir()
        started = time.monotonic()
        code, output = project.run("build")
        seconds = time.monotonic() - started
        if name == "first":  # what can't be written costs the review, and nothing else
            reason = "review.html can't be written: Is a directory."
            assert f"Published, but without its review. {reason}" in output
            assert code == 4, output
            review.rmdir()
        else:
            assert "Review     review.html, in this folder: open it in a browser" in output
            assert review.read_text(encoding="utf-8").endswith("</html>")
            assert code == 0, output
        assert project.leftovers == []
        states.append(Known(project, project.version, project.log, project.seeds, seconds))
    _, first, second = states
    assert first.version != second.version
    assert first.log == second.log[: len(first.log)] != second.log
    return World(folder, *states)


# ---- Killed at any moment -------------------------------------------------------------------


@dataclass
class Kills:
    """How many processes were killed while at work, and after how many all was as it must be."""

    done: int = 0
    survived: int = 0


@pytest.fixture(scope="module")
def kills(figures: dict[str, str]) -> Iterator[Kills]:
    """Count kills over all tests."""
    count = Kills()
    yield count
    survived = "all" if count.survived == count.done else count.survived
    figures["kills"] = f"{count.done}, {survived} survived"


def moments(count: int, seconds: float, kills: Kills) -> Iterator[float]:
    """Yield random moments within some seconds, until so many kills have met a process at work."""
    chance = random.Random(f"{count} kills")
    until = kills.done + count
    for _ in range(5 * count):
        if kills.done >= until:
            return
        yield chance.uniform(0, seconds)
    pytest.fail(f"too few of {5 * count} processes were still at work when they were to be killed")


def test_a_killed_conversion_leaves_whole_seeds(world: World, whole: bool, kills: Kills) -> None:
    project = world.nothing.project.copied(world.folder / "converted")
    exports = [read_export(), {name: 40 * some for name, some in read_export().items()}]
    seeds = []
    for export in exports:
        project.give(export)
        seconds = timed(lambda: project.run("seeds"))
        seeds.append(project.seeds)
    for number, moment in enumerate(moments(40 if whole else 4, seconds / 2, kills)):
        project.give(exports[number % 2])
        writes = "seeds/orchestrator/raw_*.csv" if number % 2 else None
        hit = project.kill("seeds", moment / 4 if writes else moment, writes)
        kills.done += hit
        assert project.seeds.keys() == seeds[0].keys()
        for name, data in project.seeds.items():
            assert data in (seeds[0][name], seeds[1][name]), f"{name} is neither old nor new"
        if number % 4 == 3:
            code, output = project.run("seeds")
            assert code == 0, output
            assert project.seeds == seeds[number % 2]
            assert project.leftovers == []
        kills.survived += hit


def test_a_killed_publication_is_the_old_or_the_new(
    world: World, whole: bool, kills: Kills
) -> None:
    states = [world.first, world.second]
    project = world.first.project.copied(world.folder / "published")
    project.show(world.second.project)
    seconds = timed(lambda: project.run("publish"))
    assert project.version == world.second.version
    for number, moment in enumerate(moments(40 if whole else 4, seconds, kills)):
        old, new = states[(number + 1) % 2], states[number % 2]
        project.show(new.project)
        writes = "warehouse.duckdb" if number % 2 else None
        hit = project.kill("publish", moment / 4 if writes else moment, writes)
        kills.done += hit
        assert project.version in (old.version, new.version)
        code, output = project.run("publish")
        assert code == 0, output
        assert project.version == new.version
        assert project.leftovers == []
        kills.survived += hit


@pytest.mark.long
def test_a_killed_build_is_made_good_by_the_next(world: World, kills: Kills) -> None:
    """In each round a first or a second build is killed some times, then left alone.

    The last kill of a round spares dbt: dbt-core goes on, and the next build has to wait for it.
    """
    folder = world.folder / "built"
    steps = [(world.first, world.second), (world.nothing, world.first)]
    seconds = min(world.first.seconds, world.second.seconds)
    kills_in_round = 10
    for number in range(2):
        old, new = steps[number % 2]
        export = later_export() if new is world.second else read_export()
        project = old.project.copied(folder)
        project.give(export)
        target = kills.done + kills_in_round - 1
        for moment in moments(kills_in_round - 1, seconds, kills):
            hit = project.kill("build", moment)
            kills.done += hit
            assert project.version in (old.version, new.version)
            assert project.log in (old.log, new.log)
            if kills.done == target and project.version == new.version:
                project = old.project.copied(folder)
                project.give(export)
            kills.survived += hit
        chance = random.Random(f"round {number}")
        hit = project.kill("build", chance.uniform(1, seconds / 2), only_parent=True)
        kills.done += hit
        assert project.version in (old.version, new.version)
        code, output = project.run("build")
        assert code == 0, output
        # dbt 2 ends where nobody reads what it says.
        assert FASTEST == DBT2 or "Another build is running (PID" in output
        assert project.version == new.version
        assert project.log == new.log
        assert project.seeds == new.seeds
        assert project.leftovers == []
        kills.survived += hit


# ---- Read all the time ----------------------------------------------------------------------


@dataclass
class Reads:
    """How often was read while others built and published."""

    done: int = 0
    failed: int = 0


@pytest.fixture(scope="module")
def reads(figures: dict[str, str]) -> Iterator[Reads]:
    """Count reads over all tests."""
    count = Reads()
    yield count
    figures["reads while building"] = f"{count.done}, {count.failed or 'none'} failed or torn"


@contextmanager
def readers(project: Project, versions: set[str | None], reads: Reads) -> Iterator[None]:
    """Have processes read, two that always open anew and one that stays; judge what they read."""
    before = project.version
    kinds = ["reopen", "reopen", "stay"]
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    processes = [
        project.start(sys.executable, READER, project.published, kind, **pipes) for kind in kinds
    ]
    try:
        for process in processes:
            assert process.stdout and process.stdout.readline() == "reading\n"
        yield
        outputs = [process.communicate(timeout=SECONDS_AT_MOST) for process in processes]
    finally:
        for process in processes:
            end(process)
    for kind, process, (output, errors) in zip(kinds, processes, outputs, strict=True):
        reads.failed += process.returncode != 0
        assert process.returncode == 0, errors
        read = json.loads(output)
        reads.done += sum(read.values())
        torn = read.keys() - versions
        reads.failed += sum(read[version] for version in torn)
        assert not torn
        assert read.keys() == {before} if kind == "stay" else len(read) > 1


def test_readers_are_not_disturbed_by_publications(world: World, whole: bool, reads: Reads) -> None:
    states = [world.second, world.first]
    project = world.first.project.copied(world.folder / "read")
    with readers(project, {state.version for state in states}, reads):
        for number in range(40 if whole else 4):
            state = states[number % 2]
            project.show(state.project)
            publish(project.folder)
            assert project.version == state.version  # who opens it now sees the new


@pytest.mark.long
def test_readers_are_not_disturbed_by_builds(world: World, reads: Reads) -> None:
    project = world.first.project.copied(world.folder / "read")
    with readers(project, {world.first.version, world.second.version}, reads):
        for number in range(4):
            state = [world.second, world.first][number % 2]
            if state is world.first:  # it is a first build: of a history that knows no other
                (project.folder / "history.duckdb").unlink()
            project.give(read_export() if state is world.first else later_export())
            code, output = project.run("build")
            assert code == 0, output
            assert project.version == state.version


# ---- Refused, in a sentence -----------------------------------------------------------------


@pytest.fixture
def untouched(world: World) -> Iterator[Project]:
    """Return a built project, to be spoilt; what it has published must stay as it is."""
    project = world.first.project.copied(world.folder / "refused")
    before = project.published.read_bytes()
    yield project
    assert project.published.read_bytes() == before
    assert not list(project.folder.glob("*.tmp*"))


@contextmanager
def holding(code: str, *arguments: str | Path) -> Iterator[int]:
    """Have another process hold something; its id."""
    command = [sys.executable, "-c", f"{code}\nprint(1, flush=True); input()", *arguments]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(list(map(str, command)), text=True, **pipes) as process:
        assert process.stdout and process.stdout.readline() == "1\n"
        try:
            yield process.pid
        finally:
            process.communicate("\n")


LOCK = """
import pathlib, sys
from warehouse.system import locks
lock = locks.sole_build(pathlib.Path(sys.argv[1]))
lock.__enter__()"""
READ = "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True)"
WRITE = "import duckdb, sys; c = duckdb.connect(sys.argv[1])"


@pytest.mark.parametrize(
    ("command", "beginning"),
    [
        ("build", "Nothing was built. "),
        ("publish", "Not published. "),
        ("seeds", ""),
    ],
)
def test_the_second_stops_with_the_name_of_the_first(
    untouched: Project, command: str, beginning: str
) -> None:
    with holding(LOCK, untouched.folder) as process:
        code, output = untouched.run(command, env={"BUILD_WAIT_SECONDS": "0.5"})
    waiting, refusal = output.splitlines()
    other = f"Another build is running (PID {process}, since "
    assert code == 4
    assert waiting.startswith(other)
    assert waiting.endswith("waiting up to 0.5 s.")
    assert refusal.startswith(beginning + other)
    assert refusal.endswith("was waited for 0.5 s. Let it end, and try again.")


def test_the_second_waits_for_the_first(world: World) -> None:
    project = world.first.project.copied(world.folder / "waiting")
    with holding(LOCK, project.folder):
        second = project.start("publish", env={"BUILD_WAIT_SECONDS": "60"})
        assert second.stdout and "waiting up to 60 s." in second.stdout.readline()
    output, _ = second.communicate(timeout=SECONDS_AT_MOST)
    assert output.startswith("Published warehouse.duckdb")


def test_a_first_that_is_left_by_its_parent_is_named(world: World) -> None:
    """Whoever waits for dbt alone has to know its number."""
    project = world.first.project.copied(world.folder / "waiting")
    dbt_core = {"DBT": str(DBT_CORE)}  # dbt 2 ends where nobody reads what it says
    first = project.start("build", stdout=subprocess.DEVNULL, env=dbt_core)
    try:
        lock = project.folder / ".build.lock"
        while not (project.has_begun(first.pid) and "dbt" in lock.read_text(encoding="utf-8")):
            time.sleep(0.01)
        first.kill()
        first.wait()
        code, output = project.run("publish", env=NO_WAIT)
        assert code == 4
        dbt = int(output.split("with dbt as PID ")[1].split(",")[0])
        assert os.getpgid(dbt) == first.pid
    finally:
        end(first)


def cut(file: Path) -> None:
    """Leave the first half of a file."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def fill(file: Path) -> None:
    """Write what is no database."""
    file.write_bytes(b"no database " * 5000)


def make_file(path: Path) -> None:
    """Put a file where a folder should be."""
    shutil.rmtree(path, ignore_errors=True)
    path.write_text("in the way")


def make_folder(path: Path) -> None:
    """Put a folder where a file should be."""
    path.unlink(missing_ok=True)
    path.mkdir()


PUT_BACK = "It can't be built anew: put back a copy of it, or remove it to start over."
SPOILT = {
    "history cut": ("history.duckdb", cut, PUT_BACK),
    "history no database": ("history.duckdb", fill, PUT_BACK),
    "history a folder": ("history.duckdb", make_folder, PUT_BACK),
    "build file a folder": ("build/warehouse.duckdb", make_folder, "Remove it, and build again."),
    "build a file": ("build", make_file, "A build needs a folder that it can write to."),
}


def check_files(project: Project, monkeypatch: pytest.MonkeyPatch, seconds: str = "0") -> None:
    """Do what a build does before dbt opens the files of a project."""
    monkeypatch.setenv("BUILD_WAIT_SECONDS", seconds)
    prepare_files(project.folder)


@pytest.mark.parametrize("spoilt", SPOILT)
def test_what_cannot_be_mended_is_said(
    untouched: Project, monkeypatch: pytest.MonkeyPatch, spoilt: str
) -> None:
    name, spoil, advice = SPOILT[spoilt]
    spoil(untouched.folder / name)
    with pytest.raises(FileError) as refusal:
        check_files(untouched, monkeypatch)
    assert name in str(refusal.value)
    assert str(refusal.value).endswith(advice)


@pytest.mark.parametrize("spoil", [cut, fill, Path.unlink, lambda file: file.write_bytes(b"")])
def test_a_damaged_build_file_is_removed(
    untouched: Project, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], object]
) -> None:
    file = untouched.folder / "build/warehouse.duckdb"
    spoil(file)
    check_files(untouched, monkeypatch)
    assert not file.exists()


@pytest.mark.parametrize("length", [0, 4096, 8192])
def test_a_history_that_was_killed_at_its_creation_is_created_again(
    untouched: Project, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    file = untouched.folder / "history.duckdb"
    file.write_bytes(file.read_bytes()[:length])
    check_files(untouched, monkeypatch)
    assert not file.exists()


@pytest.mark.parametrize("how", [READ, WRITE])
@pytest.mark.parametrize("name", ["build/warehouse.duckdb", "history.duckdb"])
def test_a_file_that_is_held_is_waited_for(
    untouched: Project, monkeypatch: pytest.MonkeyPatch, name: str, how: str
) -> None:
    with holding(how, untouched.folder / name) as process:
        with pytest.raises(FileError) as refusal:
            check_files(untouched, monkeypatch)
        assert f"{name} is held by " in str(refusal.value)
        assert f"(PID {process}), and was waited for 0 s. Let it end" in str(refusal.value)
        ending = threading.Timer(1, os.kill, (process, signal.SIGKILL))
        ending.start()
        check_files(untouched, monkeypatch, "60")
    check_files(untouched, monkeypatch)


def test_a_build_says_it_without_a_traceback(untouched: Project) -> None:
    with holding(READ, untouched.folder / "build/warehouse.duckdb") as process:
        code, output = untouched.run("build", env=NO_WAIT)
    assert code == 4
    assert f"(PID {process}), and was waited for 0 s." in output
    assert "Traceback" not in output


def limit_files(size: int) -> Callable[[], None]:
    """Return a function that limits the files of a process: it stands for a full disk."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_a_full_disk_is_said(untouched: Project, whole: bool) -> None:
    """In the conversion, in dbt's artifacts, in the build file, and in what is published."""
    untouched.give(later_export())
    for size in (1_000, 1_000_000):
        code, output = untouched.run("build", preexec_fn=limit_files(size))
        assert code == 4, output
        assert "File too large" in output
        assert "Raise the limit on the size of a file (`ulimit -f`), and try again." in output
        assert "Traceback" not in output
    if whole:
        code, output = untouched.run("build", preexec_fn=limit_files(8_000_000))
        assert code == 4, output
        left = "build/warehouse.duckdb.wal is left of a write that was broken off. The disk has "
        assert left in output
        assert "Traceback" not in output


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("logs", make_file),
        ("target", make_file),
        ("seeds/json", make_file),
        ("seeds/orchestrator", make_file),
        (".build.lock", make_folder),
    ],
)
def test_what_is_in_the_way_is_said(
    untouched: Project, name: str, spoil: Callable[[Path], None]
) -> None:
    """For root, who may write everywhere, it stands for a folder that is read-only."""
    spoil(untouched.folder / name)
    code, output = untouched.run("build")
    assert code == 4
    assert name in output
    assert "Traceback" not in output
    assert len(output.splitlines()) <= 2


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("seeds/json", "The input folder seeds/json can't be read: No such file or directory"),
        ("seeds/orchestrator", "seeds/orchestrator/_orchestrator__seeds.yml can't be used: "),
        ("profiles.yml", "profile"),  # each dbt in its words
    ],
)
def test_what_is_missing_is_named(untouched: Project, name: str, sentence: str) -> None:
    path = untouched.folder / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    code, output = untouched.run("build")
    assert code == 4
    assert sentence in output
    assert "Traceback" not in output


# ---- What is published is no one's in particular --------------------------------------------


def test_nothing_published_names_the_machine_or_reads_beyond_the_file(world: World) -> None:
    project = world.second.project
    with opened(project.published) as connection:
        schemas = connection.sql(
            "select distinct schema_name from duckdb_tables() order by all"
        ).fetchall()
        assert schemas == [("marts",), ("semantic",)]
        assert connection.sql("from duckdb_views() where not internal").fetchall() == []
        tables = connection.sql("select schema_name, table_name from duckdb_tables()").fetchall()
        said = [
            connection.sql(f"from duckdb_{kind}()").fetchall()
            for kind in ("tables", "columns", "constraints", "schemas", "indexes", "sequences")
        ]
        said += [connection.sql(f"from {schema}.{name}").fetchall() for schema, name in tables]
    content = project.published.read_bytes().decode("latin-1")
    # Who opens the file gives it a path of its own: that is nothing in the file.
    told = repr(said).replace(str(project.published), "")
    for path in (str(world.folder), world.folder.name, f"{Path.home()}/", sys.prefix):
        assert path not in content
        assert path not in told
