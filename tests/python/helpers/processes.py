"""Copies of the project in which processes are started, and killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
from helpers.project import FASTEST, RUNS, Export, read_export
from helpers.reader import opened, version_of

from warehouse.dbt.database_files import EMPTY_BYTES

SECONDS_AT_MOST = 300  # for one process; a build takes 15 to 30 on two busy cores


def later_export() -> Export:
    """Return the demo's export two hours later: two statuses have changed."""
    export = read_export()
    for record in export["performance_metrics"]:
        if record["timestamp"] == "2026-03-19T18:00:00":
            record["timestamp"] = "2026-03-19T20:00:00"
    export["campaign_risk_signals"][1]["status"] = "mitigated"
    export["experiments"][0]["status"] = "completed"
    return export


@dataclass
class Project:
    """A copy of the project, in which processes are started, and killed."""

    folder: Path

    @property
    def published(self) -> Path:
        """The file that others open."""
        return self.folder / "warehouse.duckdb"

    @property
    def version(self) -> str | None:
        """What is published, which must open; None for nothing."""
        assert not list(self.folder.glob("warehouse.duckdb.*")), "a log beside what is published"
        if not self.published.exists():
            return None
        with opened(self.published) as connection:
            return version_of(connection)

    @property
    def log(self) -> list[tuple]:
        """The status log, which must open; empty where no build has come so far."""
        file = self.folder / "history.duckdb"
        if not file.exists() or file.stat().st_size < EMPTY_BYTES:
            return []
        released(file)
        with opened(file) as connection:
            if not connection.sql("select 1 from duckdb_tables()").fetchall():
                return []
            return connection.sql("from status_log order by all").fetchall()

    @property
    def seeds(self) -> dict[str, bytes]:
        """The seeds that are converted, by name."""
        files = (self.folder / "seeds/orchestrator").glob("*.csv")
        return {file.name: file.read_bytes() for file in files}

    @property
    def leftovers(self) -> list[str]:
        """What processes that were killed have left."""
        places = [self.folder, self.folder / "build", self.folder / "seeds/orchestrator"]
        names = [file.name for place in places for file in place.glob("*")]
        return [name for name in names if ".tmp" in name or ".wal" in name]

    def give(self, export: Export) -> None:
        """Put an export into seeds/json."""
        for dataset, records in export.items():
            file = self.folder / f"seeds/json/{dataset}.json"
            file.write_text(json.dumps(records), encoding="utf-8")

    def start(self, *command: str | Path, **options) -> subprocess.Popen[str]:
        """Start a command of ours, or a program, in a process group of its own."""
        if command[0] in ("build", "explain", "publish", "seeds"):
            command = (sys.executable, "-m", "warehouse", *command)
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} | options
        if "build" in command:
            RUNS[Path(options.get("env", {}).get("DBT", FASTEST))] += 1
        options["env"] = (
            os.environ | {"NO_COLOR": "1", "DBT": str(FASTEST)} | options.get("env", {})
        )
        return subprocess.Popen(
            list(map(str, command)), cwd=self.folder, text=True, start_new_session=True, **options
        )

    def run(self, *command: str | Path, **options) -> tuple[int, str]:
        """Run a command or a program; its exit code, and all that it said."""
        process = self.start(*command, **options)
        try:
            output, _ = process.communicate(timeout=SECONDS_AT_MOST)
        finally:
            end(process)
        return process.returncode, output

    def kill(
        self, command: str, seconds: float, writes: str | None = None, only_parent: bool = False
    ) -> bool:
        """Start a command, kill it some seconds after it began; tell whether it was still at work.

        Args:
            command: Which of ours.
            seconds: How long it goes on, from when it has the lock.
            writes: A file in whose place it writes another: the seconds count from then.
            only_parent: Let go on what the command has started.

        """
        process = self.start(command, stdout=subprocess.DEVNULL)
        try:
            while process.poll() is None and not self.has_begun(process.pid, writes):
                time.sleep(0.001)
            time.sleep(seconds)
            process.kill()
            process.wait()
        finally:
            if not only_parent:
                end(process)
        return process.returncode == -signal.SIGKILL

    def has_begun(self, process: int, writes: str | None = None) -> bool:
        """Tell whether a process has the lock, or writes what is to replace a file."""
        if writes:
            folder, name = (self.folder / writes).parent, Path(writes).name
            return any(folder.glob(f".{name}.{process}.tmp"))
        lock = self.folder / ".build.lock"
        return lock.exists() and f"PID {process}" in lock.read_text(encoding="utf-8")

    def copied(self, folder: Path) -> Project:
        """Return a copy in a folder, which it replaces."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder, folder)
        (folder / ".build.lock").unlink(missing_ok=True)
        return Project(folder)

    def show(self, built: Project) -> None:
        """Let build/ and target/ be those of another project."""
        for name in ("build", "target"):
            link = self.folder / f"{name}.new"
            link.symlink_to(built.folder / name)
            if not (self.folder / name).is_symlink():
                shutil.rmtree(self.folder / name, ignore_errors=True)
            link.replace(self.folder / name)


def released(file: Path) -> None:
    """Wait until a database file that only builds open is free: the killed take a while to go."""
    for _ in range(300):
        try:
            with opened(file):
                return
        except duckdb.IOException as error:
            if "Could not set lock" not in str(error):
                raise
            time.sleep(0.1)


def end(process: subprocess.Popen[str]) -> None:
    """End a process and whatever it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def timed(function: Callable[[], object]) -> float:
    """Return how many seconds a function takes."""
    started = time.monotonic()
    function()
    return time.monotonic() - started
