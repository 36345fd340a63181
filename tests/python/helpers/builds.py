"""Builds that tests share, in a copy of the project."""

import contextlib
import json
import os
import shutil
import subprocess
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
from helpers.project import FASTEST, LAKE, PROJECT, RUNS, Export, copy_project

from warehouse.dbt.artifacts import ENDED_EARLY, MANIFEST, RUN_RESULTS
from warehouse.lake.ingest import ingest
from warehouse.seeds.conversion import CHECKSUMS, checksum, convert

DATA_ONLY = ("--exclude-resource-type", "unit_test")


class DbtError(Exception):
    """dbt could not run; the message is dbt's."""


@dataclass(frozen=True)
class Build:
    """A finished `dbt build`, kept as long as a test uses it: its files, and each node's result.

    `statuses` maps a node's name to its status (success, pass, warn, fail, error, skipped),
    `failures` to the number of failing rows, and `messages` to what dbt says of it. `folder` holds
    build/, target/ and history.duckdb as dbt left them.
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
        # Views of the lake say where it is from the project.
        with (
            contextlib.chdir(self.folder),
            duckdb.connect(str(self.database), read_only=True) as connection,
        ):
            result = connection.execute(sql)
            names = [column[0] for column in result.description]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def named(self, *statuses: str) -> set[str]:
        """Return the names of the nodes that have one of these statuses."""
        return {name for name, status in self.statuses.items() if status in statuses}


class Workspace:
    """A copy of the project in which a dbt runs."""

    def __init__(self, folder: Path, dbt: Path = FASTEST) -> None:
        self.folder = folder / "project"
        self.kept = folder / "builds"
        self.program = dbt
        self.count = 0
        copy_project(self.folder)

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest of dbt's last run."""
        if not (self.folder / MANIFEST).exists():
            self.dbt("parse")
        return json.loads((self.folder / MANIFEST).read_bytes())

    def dbt(self, *arguments: str) -> list[dict[str, Any]]:
        """Run a dbt command here; return its results, without those of hooks.

        Args:
            arguments: The command and its arguments.

        Raises:
            DbtError: dbt can't run at all.

        """
        (self.folder / "build").mkdir(exist_ok=True)
        (self.folder / RUN_RESULTS).unlink(missing_ok=True)
        RUNS[self.program] += 1
        done = subprocess.run(
            [self.program, *arguments],
            cwd=self.folder,
            env=os.environ | {"NO_COLOR": "1"},
            capture_output=True,
            text=True,
        )
        results = []
        if (self.folder / RUN_RESULTS).exists():
            written = json.loads((self.folder / RUN_RESULTS).read_bytes())
            results = [
                one for one in written["results"] if not one["unique_id"].startswith("operation.")
            ]
        if done.returncode and {one["message"] for one in results} <= {ENDED_EARLY}:
            raise DbtError(done.stdout + done.stderr)
        return results

    def compiled(self, *selected: str) -> dict[str, str]:
        """Return the SQL of selected nodes, by name."""
        folder = self.folder / "target/compiled"
        shutil.rmtree(folder, ignore_errors=True)
        self.dbt("compile", "--select", *selected)
        return {file.stem: file.read_text(encoding="utf-8") for file in folder.rglob("*.sql")}

    def build(
        self,
        export: Export | None = None,
        variables: dict | None = None,
        waivers: str = "",
        arguments: tuple[str, ...] = DATA_ONLY,
        fresh: bool = True,
        edit_seeds: Callable[[Path], None] | None = None,
        files: Path | None = None,
    ) -> Build:
        """Convert an export, run `dbt build` on it, and keep the build.

        Args:
            export: Records by dataset; none where files are built.
            variables: dbt vars.
            waivers: CSV lines for seeds/reference/contract_waivers.csv, below its header.
            arguments: Further arguments of `dbt build`.
            fresh: Start without database files; otherwise build on the last build's files and
            history.
            edit_seeds: Called with seeds/orchestrator after the conversion, for corruptions that
            the converter would refuse; seeds/reference beside it is fresh in every build.
            files: A landing folder to ingest, in place of seeds.

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
            note_checksums(self.folder / "seeds/orchestrator")
        waiver_file = self.folder / "seeds/reference/contract_waivers.csv"
        header = waiver_file.read_text(encoding="utf-8").splitlines()[0]
        line_end = "\r\n" if waivers.endswith("\r\n") else "\n"
        waiver_file.write_text(f"{header}{line_end}{waivers}", encoding="utf-8", newline="")
        if fresh:
            for name in ("build", "lake"):
                shutil.rmtree(self.folder / name, ignore_errors=True)
            (self.folder / "history.duckdb").unlink(missing_ok=True)
        if files:
            ingest(files, self.folder / "lake")
        values = (LAKE if files else {}) | (variables or {})
        results = self.dbt("build", "--vars", json.dumps(values), *arguments)
        self.count += 1
        folder = self.kept / str(self.count)
        for part in ("build", "target", "lake"):
            if (self.folder / part).exists():
                shutil.copytree(self.folder / part, folder / part)
        if (self.folder / "history.duckdb").exists():
            shutil.copy(self.folder / "history.duckdb", folder)
        manifest = self.manifest
        nodes = manifest["nodes"] | manifest["unit_tests"]
        by_name = {
            nodes[one["unique_id"]]["name"]: one for one in results if one["unique_id"] in nodes
        }
        build = Build(
            folder,
            {name: one["status"].lower() for name, one in by_name.items()},
            {name: one.get("failures") or 0 for name, one in by_name.items()},
            {name: one["message"] or "" for name, one in by_name.items()},
        )
        # Some hundred builds would take gigabytes, of the memory where tests write there.
        weakref.finalize(build, shutil.rmtree, folder, ignore_errors=True).atexit = False
        return build


def note_checksums(folder: Path) -> None:
    """Note the checksums of exports and seeds as they are, though seeds were edited."""
    files = [*(folder.parent / "json").glob("*.json"), *folder.glob("raw_*.csv")]
    lines = [checksum(file.read_bytes(), os.path.relpath(file, folder)) for file in files]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")
