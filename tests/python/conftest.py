"""Set-up of the suite: shared builds, and the option --whole."""

import copy
import fcntl
import functools
import os
import pickle
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

for name in ("DBT", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
    os.environ.pop(name, None)  # the suite chooses
pytest.register_assert_rewrite("helpers")  # whose asserts show values, as those of tests do

from helpers.builds import DATA_ONLY, Build, Workspace
from helpers.cases import CASES
from helpers.project import DBT2, DBT_CORE, RUNS, Export, read_export
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir
from xdist.scheduler import LoadScopeScheduling


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="run the long suites at full length")


class ByFile(LoadScopeScheduling):
    """Run the tests of a file in one process: they share builds.

    The tests of Spark's parity share only a cluster, and each process has one.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::")[0]
        return nodeid if Path(file).stem == "test_spark_parity" else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


MEMORY = Path("/dev/shm")  # a file system of Linux's
MEMORY_NEEDED = 8e9  # bytes; the suite's builds take less than two


def has_room(folder: Path) -> bool:
    """Return whether the suite can write, and run written programs, in a folder."""
    if not os.access(folder, os.W_OK):
        return False
    status = os.statvfs(folder)
    is_executable = not status.f_flag & os.ST_NOEXEC
    # The file system's limit can be more than the free memory.
    (available,) = re.findall(r"MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text())
    room = min(status.f_bavail * status.f_frsize, 1024 * int(available))
    return is_executable and room > MEMORY_NEEDED


def pytest_configure(config: pytest.Config) -> None:
    # DuckDB waits for the disk after each of some hundred statements per build.
    if has_room(MEMORY):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    config.stash[FIGURES] = {}
    # The short suites draw the same examples every time.
    short = not config.getoption("--whole")
    config.addinivalue_line("markers", "long: a test that only --whole runs")
    settings.register_profile("suite", deadline=None, database=None, derandomize=short)
    settings.load_profile("suite")


LONG = {"messy in the beginning", "sample in the past", "sample a day before its end"}
"""Cases that only --whole builds: what they show, others show as well, at another moment."""


LONGEST = {"build", "history", "ingestion", "marts"}
"""Folders whose files take longest: they come first, so that no process ends with one alone."""


def case_of(item: pytest.Item) -> str | None:
    """Return the case of a test."""
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("case") if callspec else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--whole"):
        long = [item for item in items if item.get_closest_marker("long") or case_of(item) in LONG]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
    items.sort(key=lambda item: item.path.parent.name not in LONGEST)


@pytest.fixture(scope="session", autouse=True)
def hypothesis_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep hypothesis' files out of the checkout."""
    set_hypothesis_home_dir(tmp_path_factory.mktemp("hypothesis"))


@pytest.fixture(scope="session")
def whole(pytestconfig: pytest.Config) -> bool:
    """Return whether the long suites run at full length; see --whole."""
    return pytestconfig.getoption("--whole")


# ---- Figures: counts of a suite, printed at the end

FIGURES = pytest.StashKey[dict[str, str]]()


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> dict[str, str]:
    """Return the figures that the end of the run prints, by what they count; set yours."""
    return pytestconfig.stash[FIGURES]


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:  # one of several processes: the first one prints
        output["figures"] = session.config.stash[FIGURES]
        output["runs"] = {str(dbt): count for dbt, count in RUNS.items()}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    output = getattr(node, "workeroutput", {})  # none of a process that crashed
    node.config.stash[FIGURES].update(output.get("figures", {}))
    RUNS.update({Path(dbt): count for dbt, count in output.get("runs", {}).items()})


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for name, figure in config.stash[FIGURES].items():
        terminalreporter.write_line(f"{name}: {figure}")
    runs = {"dbt-core": RUNS[DBT_CORE], "dbt 2": RUNS[DBT2]}
    terminalreporter.write_line(", ".join(f"{name}: {count} runs" for name, count in runs.items()))
    if not DBT2.exists():
        terminalreporter.write_line("dbt 2 is not here (make dbt2): nothing was built by it")


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return the copy of the project that all builds of a session share."""
    return Workspace(tmp_path_factory.mktemp("workspace"))


@pytest.fixture(scope="session")
def shared(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str, Callable[[], Build]], Build]:
    """Return a function that gives a build by name; the first process that needs it makes it."""
    base = tmp_path_factory.getbasetemp()
    builds = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    builds.mkdir(exist_ok=True)

    def build(name: str, make: Callable[[], Build]) -> Build:
        kept = builds / f"{name}.pickle"
        with (builds / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                made = make()
                shutil.move(made.folder, builds / name)
                kept.write_bytes(pickle.dumps(replace(made, folder=builds / name)))
        return pickle.loads(kept.read_bytes())

    return build


@pytest.fixture(scope="session")
def sample(build_of: Callable[[str], Build]) -> Build:
    """Return the build of the project's own export, unit tests included."""
    return build_of("sample")


@pytest.fixture(scope="session")
def core(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a copy of the project in which dbt-core builds."""
    return Workspace(tmp_path_factory.mktemp("core"), DBT_CORE)


@pytest.fixture(scope="session")
def sample_of_core(
    core: Workspace, whole: bool, shared: Callable[[str, Callable[[], Build]], Build]
) -> Build:
    """Let dbt-core build the project's own export; its unit tests take as long again."""
    arguments = () if whole else DATA_ONLY
    return shared("sample of core", lambda: core.build(read_export(), arguments=arguments))


@pytest.fixture(scope="session")
def export() -> Callable[[], Export]:
    """Return a function that gives a fresh, changeable copy of the project's own export."""
    original = read_export()
    return lambda: copy.deepcopy(original)


@pytest.fixture(scope="session")
def build_of(
    workspace: Workspace, shared: Callable[[str, Callable[[], Build]], Build]
) -> Callable[[str], Build]:
    """Return a function that gives the build of a case."""

    @functools.cache
    def build(name: str) -> Build:
        case, arguments = CASES[name], () if name == "sample" else DATA_ONLY
        return shared(
            name,
            lambda: workspace.build(case.export(), variables=case.variables, arguments=arguments),
        )

    return build
