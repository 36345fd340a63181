"""Run a side of a benchmark in its own process, and measure it."""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import yaml

DBT = Path(sys.executable).with_name("dbt")
DBT2 = DBT.with_name("dbt2")
Result = TypeVar("Result")
BUILD = ("build", "--exclude-resource-type", "unit_test")  # as in `make build`


@dataclass
class Took:
    """Figures of a run: seconds of wall clock, in the database and of both CPUs; megabytes.

    `start` is for dbt: the seconds until it runs the first node or hook.
    """

    total: float
    cpu: float
    peak: float
    database: float | None = None
    start: float = 0.0
    spilled: float = 0.0


@dataclass(frozen=True)
class Line:
    """A line of the table: a side, its figures, and a comparison."""

    subject: str
    side: str
    took: Took
    ratio: str = ""
    aim: str = ""
    is_reached: bool | None = None

    def __str__(self) -> str:
        database = "" if self.took.database is None else seconds(self.took.database)
        peak = f"{self.took.peak:,.0f}" if self.took.peak else ""
        cpu = f"{self.took.cpu:.1f}" if self.took.cpu else ""
        reached = {None: "", True: "yes", False: "no"}[self.is_reached]
        cells = [self.subject, self.side, seconds(self.took.total), database, cpu, peak]
        return f"| {' | '.join([*cells, self.ratio, self.aim, reached])} |"


def seconds(value: float) -> str:
    """Return seconds as text, the small ones to the millisecond."""
    return f"{value:.3f}" if value < 1 else f"{value:.1f}"


def judged(
    subject: str, side: str, took: Took, ratio: str, value: float, aim: float | None
) -> Line:
    """Return a line for a value and its aim, if it has one."""
    if aim is None:
        return Line(subject, side, took, ratio)
    return Line(subject, side, took, ratio, f"at most {aim:g}", value <= aim)


def median(runs: list[Took]) -> Took:
    """Return the median of each figure."""
    middle = {}
    for name in (field.name for field in fields(Took)):
        values = [getattr(run, name) for run in runs]
        middle[name] = None if None in values else statistics.median(values)
    return Took(**middle)


def say(text: str) -> None:
    """Show progress."""
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


def apart(look: Callable[..., Result], *arguments: object) -> Result:
    """Return the result of a function on results, in its own process.

    A process starts with the peak memory of its parent, so this one has to stay small.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(look, *arguments).result()


def alternate(sides: dict[str, Callable[[], Took]], runs: int) -> dict[str, Took]:
    """Run each side in turn, several times; return the medians."""
    took: dict[str, list[Took]] = {side: [] for side in sides}
    for number in range(1, runs + 1):
        for side, run in sides.items():
            took[side].append(run())
            one = took[side][-1]
            database = "" if one.database is None else f", {one.database:.1f} s in the database"
            say(
                f"  {side}, run {number} of {runs}: {one.total:.1f} s{database},"
                f" {one.cpu:.1f} s of CPU, {one.peak:.0f} MB"
            )
    return {side: median(several) for side, several in took.items()}


def run(
    command: list[str | Path],
    folder: Path,
    spills: Path | None = None,
    environment: dict[str, str] | None = None,
) -> tuple[Took, str]:
    """Run a command in a folder; return its figures and its output.

    The peak is the operating system's (ru_maxrss), of the largest process where it has children.
    The size of the folder `spills` is sampled from time to time.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    largest, ended = [0], threading.Event()
    watcher = threading.Thread(target=watch, args=(spills, largest, ended))
    watcher.start()
    output = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    total = time.perf_counter() - started
    ended.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{output}\nexit code {process.returncode}")
    cpu = usage.ru_utime + usage.ru_stime
    return Took(total, cpu, usage.ru_maxrss / 1024, spilled=largest[0] / 1e6), output


def watch(folder: Path | None, largest: list[int], ended: threading.Event) -> None:
    """Record the largest size of a folder, until stopped."""
    while folder and not ended.wait(0.2):
        size = 0
        for file in folder.glob("*"):
            try:
                size += file.stat().st_size
            except FileNotFoundError:
                continue
        largest[0] = max(largest[0], size)


class Project:
    """A copy of the project for a dbt; the checkout's own build and history stay."""

    def __init__(self, source: Path, folder: Path, program: Path = DBT) -> None:
        self.folder, self.program = folder, program
        listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=source, check=True, capture_output=True, text=True)
        shutil.rmtree(folder, ignore_errors=True)
        for name in names.stdout.splitlines():
            if (source / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source / name, folder / name)

    @property
    def file(self) -> Path:
        """The file that dbt builds."""
        return self.folder / "build/warehouse.duckdb"

    def set_memory_limit(self, limit: str) -> None:
        """Set DuckDB's memory limit."""
        path = self.folder / "profiles.yml"
        profiles = yaml.safe_load(path.read_text(encoding="utf-8"))
        target = profiles["marketing_orchestrator"]["outputs"]["duckdb"]
        target["settings"] = {"memory_limit": limit}
        path.write_text(yaml.safe_dump(profiles), encoding="utf-8")

    def forget(self) -> None:
        """Remove the build and the history, but not dbt's parsed project."""
        shutil.rmtree(self.folder / "build", ignore_errors=True)
        (self.folder / "history.duckdb").unlink(missing_ok=True)

    def ingest(self, raw: Path) -> Took:
        """Ingest a landing folder into the lake."""
        command = [sys.executable, "-m", "warehouse", "ingest", raw]
        return run(command, self.folder, environment=os.environ | {"PYTHONPATH": str(self.folder)})[
            0
        ]

    def parse(self, raw: Path | None = None) -> None:
        """Ingest, and parse the project, once and not at each build."""
        if raw:
            self.ingest(raw)
        self.dbt("parse", raw=raw)

    def dbt(self, *words: str, raw: Path | None = None) -> Took:
        """Run dbt, on the lake if files were ingested."""
        logs = self.folder / "logs"
        shutil.rmtree(logs, ignore_errors=True)
        # dbt-core writes this log anyway, as text; as JSON it has the time of each statement.
        log = ["--log-format-file", "json", "--log-file-max-bytes", "0"]
        data = ["--vars", "{raw: lake}"] if raw else []
        began = time.time()
        (self.folder / "build").mkdir(exist_ok=True)
        took, _ = run(
            [self.program, "--quiet", *log, *words, *data],
            self.folder,
            self.folder / f"{self.file}.tmp",
        )
        read = read_queries if self.program == DBT2 else read_log
        took.database, took.start = read(logs, began)
        return took

    def build(self, raw: Path | None = None) -> Took:
        """Run `dbt build`."""
        return self.dbt(*BUILD, raw=raw)

    def build_anew(self, raw: Path | None = None) -> Took:
        """Run `dbt build` from scratch."""
        self.forget()
        return self.build(raw)


def read_log(logs: Path, began: float) -> tuple[float, float]:
    """Return the seconds in which a statement was running, and those until the first node or hook.

    Statements of several threads overlap: a moment counts once. A statement's time ends when Python
    has the answer, so it includes waiting for Python's lock.
    """
    statements, start = [], None
    with (logs / "dbt.log").open(encoding="utf-8") as lines:
        for line in lines:
            event = json.loads(line)
            ended = datetime.fromisoformat(event["info"]["ts"]).timestamp()
            if event["info"]["name"] == "SQLQueryStatus":
                statements.append((ended - event["data"]["elapsed"], ended))
            elif start is None and event["info"]["name"] in ("LogHookStartLine", "NodeStart"):
                start = ended
    return covered(statements), (start or began) - began


def read_queries(logs: Path, began: float) -> tuple[float, float]:
    """Return the same for dbt 2, which logs statements separately, from its first one."""
    text = (logs / "query_log.sql").read_text(encoding="utf-8")
    times = re.findall(r"^-- created_at: (\S+)\n-- finished_at: (\S+)", text, re.MULTILINE)
    statements = [
        tuple(datetime.fromisoformat(f"{one[:26]}+00:00").timestamp() for one in pair)
        for pair in times
    ]
    return covered(statements), min(statements, default=(began,))[0] - began


def covered(spans: list[tuple[float, float]]) -> float:
    """Return the seconds within at least one span."""
    seconds = end = 0.0
    for started, ended in sorted(spans):
        seconds += max(0.0, ended - max(started, end))
        end = max(end, ended)
    return seconds
