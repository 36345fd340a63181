"""Builds that tests share: dbt is started once, parses once, and runs in a copy of the project."""

from __future__ import annotations

import copy
import functools
import gc
import json
import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import json_to_seeds
import oracle
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir
from messy import messy_export
from xdist.scheduler import LoadScopeScheduling

PROJECT = Path(__file__).resolve().parents[2]
# The demo's exports. Those of seeds/json are whoever's uses the project.
EXPORT = PROJECT / "tests/export"
COPIED = [
    "dbt_project.yml",
    "profiles.yml",
    "analyses",
    "macros",
    "models",
    "scripts",
    "seeds",
    "tests/contract",
    "tests/generic",
]

SHOWN = 10
"""How many differences a failed comparison prints."""

Export = dict[str, list[dict]]
"""The records of an export by dataset; a dataset that is left out has no file."""


def read_export() -> Export:
    """Return the demo's export, to be changed by a test."""
    files = sorted(EXPORT.glob("*.json"))
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


def copy_project(folder: Path) -> Path:
    """Copy what dbt and the scripts need of the project into a folder; return the folder."""
    for name in COPIED:
        source, target = PROJECT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return folder


def raw_files(folder: Path) -> dict[str, str]:
    """Return the vars with which dbt reads the raw data from files."""
    return {"raw": "files", "raw_path": str(folder)}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="run the long suites at full length")


SHARING = {
    *("test_analyses", "test_clients", "test_decisions", "test_docs", "test_judgments"),
    *("test_marts", "test_review", "test_semantic_layer"),
}


class ByBuilds(LoadScopeScheduling):
    """Runs a file's tests in one process, and all those that share builds.

    Those of Spark's parity share little but a cluster, of which each process has one.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = Path(nodeid.split("::")[0]).stem
        if file == "test_spark_parity":
            return nodeid
        return "marts" if file in SHARING else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByBuilds:
    return ByBuilds(config, log)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES] = {}
    # The short suites draw the same examples every time.
    short = not config.getoption("--whole")
    config.addinivalue_line("markers", "long: a test that only --whole runs")
    settings.register_profile("suite", deadline=None, database=None, derandomize=short)
    settings.load_profile("suite")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--whole"):
        long = [item for item in items if item.get_closest_marker("long") or case_of(item) in LONG]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.fixture(scope="session", autouse=True)
def hypothesis_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what hypothesis stores out of the checkout."""
    set_hypothesis_home_dir(tmp_path_factory.mktemp("hypothesis"))


@pytest.fixture(scope="session")
def whole(pytestconfig: pytest.Config) -> bool:
    """Tell whether the long suites run at full length; see --whole."""
    return pytestconfig.getoption("--whole")


# ---- Figures: what a suite has counted, said once all is done

FIGURES = pytest.StashKey[dict[str, str]]()


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> dict[str, str]:
    """Return the figures that the end of the run prints, by what they count; set yours."""
    return pytestconfig.stash[FIGURES]


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:  # one of several processes: the first one prints
        output["figures"] = session.config.stash[FIGURES]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    output = getattr(node, "workeroutput", {})  # none of a process that crashed
    node.config.stash[FIGURES].update(output.get("figures", {}))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for name, figure in config.stash[FIGURES].items():
        terminalreporter.write_line(f"{name}: {figure}")


@dataclass(frozen=True)
class Build:
    """One finished `dbt build`, kept: its database file and what became of each node.

    `statuses` maps a node's name to its status (success, pass, warn, fail, error, skipped),
    `failures` to the number of failing rows, and `messages` to what dbt says of it. `folder` holds
    build/ and target/ as dbt left them.
    """

    folder: Path
    statuses: dict[str, str]
    failures: dict[str, int]
    messages: dict[str, str] = field(default_factory=dict)

    @property
    def database(self) -> Path:
        """The file that dbt built."""
        return self.folder / "build/warehouse.duckdb"

    def rows(self, sql: str) -> list[dict]:
        """Return the rows of a query as dicts."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            result = connection.execute(sql)
            names = [column[0] for column in result.description]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def named(self, *statuses: str) -> set[str]:
        """Return the names of the nodes that have one of these statuses."""
        return {name for name, status in self.statuses.items() if status in statuses}


class Workspace:
    """A copy of the project in which dbt runs.

    Its manifest is parsed once for each source of the raw data, and kept: whether a seed or a view
    is `raw_<dataset>` is decided when dbt parses.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.kept = folder / "builds"
        self.runners: dict[str, dbtRunner] = {}
        self.count = 0
        copy_project(self.folder)

    @property
    def runner(self) -> dbtRunner:
        """What runs dbt on seeds, once it has run."""
        return self.runners["seeds"]

    def dbt(self, *arguments: str, files: Path | None = None) -> object:
        """Run a dbt command here; raise what dbt raises where it can't run at all.

        Args:
            arguments: The command and its arguments.
            files: Where the raw data lies, if it is no seeds.

        """
        places = ["--project-dir", str(self.folder), "--profiles-dir", str(self.folder)]
        raw = "seeds" if files is None else "files"
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            patch.setenv("DBT_LOG_LEVEL_FILE", "none")  # which nobody reads here
            if raw not in self.runners:
                source = () if files is None else ("--vars", json.dumps(raw_files(files)))
                # What was parsed with other vars is no help.
                parsed = dbtRunner().invoke(
                    ["--quiet", "--no-partial-parse", "parse", *source, *places]
                )
                if parsed.exception:
                    raise parsed.exception
                # A manifest is large, and stays: Python would go through it again and again.
                gc.freeze()
                gc.set_threshold(100_000)
                self.runners[raw] = dbtRunner(manifest=parsed.result)
            try:
                result = self.runners[raw].invoke(["--quiet", *arguments, *places])
            finally:
                DuckDBConnectionManager.close_all_connections()
        if result.exception:
            raise result.exception
        return result.result

    def build(
        self,
        export: Export | None = None,
        variables: dict | None = None,
        waivers: str = "",
        arguments: tuple[str, ...] = ("--exclude-resource-type", "unit_test"),
        fresh: bool = True,
        edit_seeds: Callable[[Path], None] | None = None,
        files: Path | None = None,
    ) -> Build:
        """Convert an export, run `dbt build` on it, and keep what came out.

        Args:
            export: Records by dataset; none where files are built.
            variables: dbt vars.
            waivers: CSV lines for seeds/reference/contract_waivers.csv, below its header.
            arguments: Further arguments of `dbt build`.
            fresh: Start without database files; otherwise build over the last build's, and on its
                history.
            edit_seeds: Given seeds/orchestrator after the conversion, to spoil what the converter
                would refuse; seeds/reference beside it is fresh in every build.
            files: A folder to read the raw data from where it lies, in place of seeds.

        """
        assert (export is None) != (files is None), "either an export is built, or files are"
        if export is not None:
            json_dir = self.folder / "seeds/json"
            shutil.rmtree(json_dir)
            json_dir.mkdir()
            for dataset, records in export.items():
                (json_dir / f"{dataset}.json").write_text(json.dumps(records), encoding="utf-8")
            json_to_seeds.convert(json_dir, self.folder / "seeds/orchestrator")
        reference = "seeds/reference"
        shutil.copytree(PROJECT / reference, self.folder / reference, dirs_exist_ok=True)
        if edit_seeds:
            edit_seeds(self.folder / "seeds/orchestrator")
        waiver_file = self.folder / "seeds/reference/contract_waivers.csv"
        header = waiver_file.read_text(encoding="utf-8").splitlines()[0]
        line_end = "\r\n" if waivers.endswith("\r\n") else "\n"
        waiver_file.write_text(f"{header}{line_end}{waivers}", encoding="utf-8", newline="")
        if fresh:
            shutil.rmtree(self.folder / "build", ignore_errors=True)
            (self.folder / "history.duckdb").unlink(missing_ok=True)
        values = (raw_files(files) if files else {}) | (variables or {})
        results = self.dbt("build", "--vars", json.dumps(values), *arguments, files=files)
        self.count += 1
        folder = self.kept / str(self.count)
        for part in ("build", "target"):
            shutil.copytree(self.folder / part, folder / part)
        nodes = {result.node.name: result for result in results if hasattr(result, "node")}
        return Build(
            folder,
            {name: str(result.status) for name, result in nodes.items()},
            {name: result.failures or 0 for name, result in nodes.items()},
            {name: str(result.message or "") for name, result in nodes.items()},
        )


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return the copy of the project that all builds of a session share."""
    return Workspace(tmp_path_factory.mktemp("workspace"))


@pytest.fixture(scope="session")
def sample(workspace: Workspace) -> Build:
    """Build the project's own export, unit tests included."""
    return workspace.build(read_export(), arguments=())


@pytest.fixture(scope="session")
def export() -> Callable[[], Export]:
    """Return a function that gives a fresh, changeable copy of the project's own export."""
    original = read_export()
    return lambda: copy.deepcopy(original)


# ---- The cases in which the marts are compared with the oracle: each is built once a session


@dataclass(frozen=True)
class Case:
    """An export to build, and under which policy."""

    export: Callable[[], Export]
    variables: dict[str, Any] = field(default_factory=dict)


def without_optional_files() -> Export:
    """Return a messy export without the two optional files."""
    export = messy_export(1)
    del export["segment_rollups"], export["attribution_hints"]
    export["creative_assets"][0]["created_at"] = "2026-03-30T09:00:00"  # the newest event
    return export


OTHER_POLICY = {
    "as_of": "2026-03-20 22:00:01",  # exactly when one of the reviews is due
    "budget_approval_threshold": {"USD": 1000, "EUR": 500.5},
    "reporting_currency": "EUR",
    "rollup_window_days": 5,
    "rollup_minimum_impressions": 999,
    "trusted_confidence_minimum": 0.8501,
    "funnel_minimum_previous_count": 50,
    "weak_step_ratio": 0.8,
    "split_window_hours": 48,
    "reversal_window_days": 2,
    "escalation_severity_minimum": "critical",
    "escalation_medium_spend_minimum": 500,  # exactly what one medium signal exposes ...
    "escalation_medium_confidence_minimum": 0.7,  # ... and the confidence behind it
    "trend_minimum_successes": 300,
    "daily_spend_days": 3,
    "running_asset_days": 2,
    "segment_decision_days": 5,
    "scale_trend_minimum": 0.3,
    "stop_trend_maximum": -0.5,
    "significance_level": 0.1,
    "minimum_lift_to_scale": 0.2,
    "power_target": 0.9,
    "experiment_minimum_sample": 2000,
    "srm_alpha": 0.01,
    "strong_click_through_ratio": 0.5,
    "impact_window_days": 3,
    "decision_followup_hours": 24,
    "exceeds_target_ratio": 0.8,
    "meets_target_ratio": 0.4,
    "pacing_tolerance": 0.5,
    "target_approval_rate": 0.2,
    "target_open_risks": 1000,
    "target_pending_reallocations": 1000,
    "target_roi": -1,
}

CASES = {
    "sample": Case(read_export),
    "sample before its first risk": Case(read_export, {"as_of": "2026-03-10"}),
    "sample in the past": Case(
        read_export,
        {"as_of": "2026-03-16", "target_open_risks": 1},  # exactly what there are
    ),
    "sample a day before its end": Case(
        read_export,
        {"as_of": "2026-03-18", "target_approval_rate": 0.75},  # exactly what it is
    ),
    "messy": Case(lambda: messy_export(5)),
    "messy under another policy": Case(lambda: messy_export(10), OTHER_POLICY),
    "messy without optional files": Case(without_optional_files),
    "messy in the past": Case(lambda: messy_export(5), {"as_of": "2026-03-16"}),
    "messy in the beginning": Case(lambda: messy_export(5), {"as_of": "2026-03-09"}),
}


LONG = {"messy in the beginning", "sample in the past", "sample a day before its end"}
"""Cases that only --whole builds: what they show, others show as well, at another moment."""


def case_of(item: pytest.Item) -> str | None:
    """Return the case that a test is given."""
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("case") if callspec else None


@functools.cache
def world(name: str) -> oracle.World:
    """Return what a case's export says under its policy."""
    return oracle.read_world(CASES[name].export(), CASES[name].variables)


@pytest.fixture(scope="session")
def build_of(workspace: Workspace, request: pytest.FixtureRequest) -> Callable[[str], Build]:
    """Return a function that gives the build of a case."""

    @functools.cache
    def build(name: str) -> Build:
        if name == "sample":
            return request.getfixturevalue("sample")
        return workspace.build(CASES[name].export(), variables=CASES[name].variables)

    return build


def agrees(column: str, expected: object, actual: object) -> bool:
    """Tell whether two values are the same, null-safe; doubles but for their last digits."""
    if isinstance(expected, float) and isinstance(actual, float):
        return math.isclose(expected, actual, rel_tol=1e-12, abs_tol=1e-14)
    return type(expected) is type(actual) and expected == actual


def keyed(rows: list[dict], key: tuple[str, ...]) -> dict[tuple, dict]:
    """Return rows by key, which must be unique."""
    by_key = {tuple(row[name] for name in key): row for row in rows}
    assert len(by_key) == len(rows), f"{key} is not unique"
    return by_key


def assert_same(
    mart: str,
    key: tuple[str, ...],
    expected: list[dict],
    actual: list[dict],
    agrees: Callable[[str, object, object], bool] = agrees,
) -> None:
    """Compare the rows of a mart with what they should be, in every column that is expected.

    Of a column `has_<text>` that the mart lacks, whether it has the text.
    """
    wanted, found = keyed(expected, key), keyed(actual, key)
    lines = [f"{mart} {row}: missing" for row in sorted(wanted.keys() - found.keys(), key=str)]
    lines += [f"{mart} {row}: unexpected" for row in sorted(found.keys() - wanted.keys(), key=str)]
    for row in sorted(wanted.keys() & found.keys(), key=str):
        texts = {f"has_{name}": value is not None for name, value in found[row].items()}
        values = texts | found[row]
        for column, value in wanted[row].items():
            if not agrees(column, value, values[column]):
                lines.append(f"{mart} {row} {column}: expected {value!r}, found {values[column]!r}")
    assert not lines, "\n".join([f"{len(lines)} differences", *lines[:SHOWN]])
