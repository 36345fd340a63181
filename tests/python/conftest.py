"""Builds that tests share: dbt is started once, parses once, and runs in a copy of the project."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import json_to_seeds
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

PROJECT = Path(__file__).resolve().parents[2]
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

Export = dict[str, list[dict]]
"""The records of an export by dataset; a dataset that is left out has no file."""


def read_export() -> Export:
    """Return the project's own export, to be changed by a test."""
    files = sorted((PROJECT / "seeds/json").glob("*.json"))
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


@dataclass(frozen=True)
class Build:
    """One finished `dbt build`, kept: its database file and what became of each node.

    `statuses` maps a node's name to its status (success, pass, warn, fail, error, skipped), and
    `failures` to the number of failing rows. `folder` holds build/ and target/ as dbt left them.
    """

    folder: Path
    statuses: dict[str, str]
    failures: dict[str, int]

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
    """A copy of the project in which dbt runs; its manifest is parsed once and kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.kept = folder / "builds"
        self.runner: dbtRunner | None = None
        self.count = 0
        for name in COPIED:
            source, target = PROJECT / name, self.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)

    def dbt(self, *arguments: str) -> object:
        """Run a dbt command here; raise what dbt raises where it can't run at all."""
        places = ["--project-dir", str(self.folder), "--profiles-dir", str(self.folder)]
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            if self.runner is None:
                parsed = dbtRunner().invoke(["--quiet", "parse", *places])
                if parsed.exception:
                    raise parsed.exception
                self.runner = dbtRunner(manifest=parsed.result)
            try:
                result = self.runner.invoke(["--quiet", *arguments, *places])
            finally:
                DuckDBConnectionManager.close_all_connections()
        if result.exception:
            raise result.exception
        return result.result

    def build(
        self,
        export: Export,
        variables: dict | None = None,
        waivers: str = "",
        arguments: tuple[str, ...] = ("--exclude-resource-type", "unit_test"),
        fresh: bool = True,
        edit_seeds: Callable[[Path], None] | None = None,
    ) -> Build:
        """Convert an export, run `dbt build` on it, and keep what came out.

        Args:
            export: Records by dataset.
            variables: dbt vars.
            waivers: CSV lines for seeds/reference/contract_waivers.csv, below its header.
            arguments: Further arguments of `dbt build`.
            fresh: Start without a database file; otherwise build over the last build's.
            edit_seeds: Given seeds/orchestrator after the conversion, to spoil what the converter
                would refuse.

        """
        json_dir = self.folder / "seeds/json"
        shutil.rmtree(json_dir)
        json_dir.mkdir()
        for dataset, records in export.items():
            (json_dir / f"{dataset}.json").write_text(json.dumps(records), encoding="utf-8")
        json_to_seeds.convert(json_dir, self.folder / "seeds/orchestrator")
        if edit_seeds:
            edit_seeds(self.folder / "seeds/orchestrator")
        waiver_file = self.folder / "seeds/reference/contract_waivers.csv"
        header = waiver_file.read_text(encoding="utf-8").splitlines()[0]
        waiver_file.write_text(f"{header}\n{waivers}", encoding="utf-8", newline="")
        if fresh:
            shutil.rmtree(self.folder / "build", ignore_errors=True)
        results = self.dbt("build", "--vars", json.dumps(variables or {}), *arguments)
        self.count += 1
        folder = self.kept / str(self.count)
        for part in ("build", "target"):
            shutil.copytree(self.folder / part, folder / part)
        nodes = {result.node.name: result for result in results if hasattr(result, "node")}
        return Build(
            folder,
            {name: str(result.status) for name, result in nodes.items()},
            {name: result.failures or 0 for name, result in nodes.items()},
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
