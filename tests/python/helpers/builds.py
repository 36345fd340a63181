"""Builds that tests share: dbt is started once, parses once, and runs in a copy of the project."""

import gc
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from helpers.project import PROJECT, Export, copy_project, raw_files

from warehouse.seeds.conversion import convert


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
            convert(json_dir, self.folder / "seeds/orchestrator")
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
