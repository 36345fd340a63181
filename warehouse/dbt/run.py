"""Run `dbt build` in its own process, and follow its log.

dbt-core 1.11 and dbt 2 log different events; this module reads only what both have.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from warehouse.dbt.artifacts import BROKEN, ArtifactError, read_artifacts
from warehouse.dbt.messages import clean
from warehouse.system.errors import WarehouseError
from warehouse.system.locks import sign
from warehouse.system.paths import LOGS, PROJECT
from warehouse.system.progress import Progress
from warehouse.system.words import listed

LOG = f"The whole log is in {LOGS}/dbt.log."
# Unit tests check the models, not the data: `make test` and a plain `dbt build` run them.
DATA_ONLY = ["--exclude-resource-type", "unit_test"]
DBT = "DBT"  # in the environment; another dbt than the installed one
# Versions that can build this project: of dbt-core, whose adapters have versions too, and dbt 2.
VERSION = re.compile(r"^(\s*- installed: +1\.11\.\d|dbt\S* 2\.\d)", re.MULTILINE)
RUNNING = {"started", "compiling", "executing"}
NODES = re.compile(r"Of (\d+) nodes\.")  # logged by on-run-start
# Warnings of dbt 2 for every project that dbt-core 1.11 can build too.
OF_BOTH = re.compile(r"\((dbt1704|dbt1157|dbt1058)\)")


class DbtError(WarehouseError):
    """There is no dbt for this project; the message has the reason and the remedy."""


@dataclass
class DbtRun:
    """The report of a dbt process: an id for its artifacts, and messages besides its results."""

    run_id: str | None = None
    errors: list[str] = field(default_factory=list)
    errors_of: dict[str, str] = field(default_factory=dict)  # nodes
    broken: set[str] = field(default_factory=set)  # nodes
    warnings: list[str] = field(default_factory=list)
    other_lines: list[str] = field(default_factory=list)
    exit_code: int = 0


def dbt_program() -> str:
    """Return the path of dbt: the one that DBT names, else the one beside this Python.

    Raises:
        DbtError: DBT names no dbt for this project.

    """
    given = os.environ.get(DBT)
    if not given:
        # The environment need not be active.
        return str(Path(sys.executable).with_name("dbt"))
    advice = (
        f"{DBT} names dbt 2 (`pip install dbt`) or dbt-core 1.11 with dbt-duckdb;"
        " without it, `make build` installs its own."
    )
    program = shutil.which(given)
    if not program:
        raise DbtError(f"{DBT} is {given!r}, which is no program. {advice}")
    program = os.path.abspath(program)  # noqa: PTH100 (a link decides the environment)
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as error:
        raise DbtError(f"{given} can't be started: {error.strerror}. {advice}") from None
    if not VERSION.search(done.stdout):
        said = listed(f"{done.stdout} {done.stderr}".split()[:12]).replace(",", "")
        raise DbtError(f"{given} can't build this project: it is {said or 'no dbt'}. {advice}")
    return program


def run_dbt(arguments: list[str], lock: int) -> DbtRun:
    """Run `dbt build` in its own process, and show its progress."""
    program = dbt_program()
    verbosity = ["--no-quiet", "--log-level", "info"]  # whatever the environment sets
    output = [*verbosity, "--log-format", "json", "--log-format-file", "text"]
    folders = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    run, progress = DbtRun(), Progress("dbt build")
    progress.start()
    try:
        process = subprocess.Popen(
            [program, *output, "build", *DATA_ONLY, *folders, *arguments],
            cwd=PROJECT,  # the profile's paths start here
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            restore_signals=False,  # a file size limit is an error, not an end by SIGXFSZ
            pass_fds=[lock],  # if this process is killed, dbt goes on with the lock
        )
    except OSError as error:
        run.errors.append(
            f"{program} can't be started: {error.strerror}. `make build` installs it."
        )
        return run
    ended: set[str] = set()
    with process:
        try:
            sign(lock, f"PID {os.getpid()} with dbt as PID {process.pid}")
            for event in events(process, run):
                follow(event, run, ended, progress)
        except KeyboardInterrupt:
            # dbt got the signal too, and cancels its queries; it can't end unless its output is
            # read.
            for _ in process.stdout or ():
                pass
            raise
    run.exit_code = process.returncode
    progress.close()
    return run


def events(process: subprocess.Popen[str], run: DbtRun) -> Iterator[dict[str, Any]]:
    """Yield the events of dbt's log; other lines are collected separately."""
    for line in process.stdout or ():
        try:
            event = json.loads(line)
            event["info"]["name"], event["data"]
        except (ValueError, TypeError, KeyError):
            run.other_lines.append(line.rstrip())
        else:
            yield event


def follow(event: dict[str, Any], run: DbtRun, ended: set[str], progress: Progress) -> None:
    """Record an event of dbt; `ended` has the ids of the nodes that have ended."""
    info, data = event["info"], event["data"]
    run.run_id = info["invocation_id"]
    node = data.get("node_info")
    if count := NODES.fullmatch(data.get("msg") or ""):
        progress.show(int(count[1]), has_ended=False)
    elif node:
        name, status = node["unique_id"], node.get("node_status", "executing")
        # Hooks are counted separately.
        if not name.startswith("operation.") and status not in RUNNING and name not in ended:
            ended.add(name)
            progress.show(has_failed=status in BROKEN)
            if status in BROKEN:
                run.broken.add(name)
        elif info["level"] == "error":
            run.errors_of[name] = clean(info["msg"])
    elif info["level"] == "error":
        run.errors.append(clean(data.get("exc") or info["msg"]))
    elif info["level"] == "warn" and not OF_BOTH.search(info["msg"]):
        run.warnings.append(clean(info["msg"]))


def results_of(run: DbtRun) -> list[dict[str, Any]] | None:
    """Return the results of this run, or None if dbt didn't get that far."""
    try:
        run_results, _ = read_artifacts(PROJECT)
    except ArtifactError:
        return None
    is_this_run = run_results["metadata"]["invocation_id"] == run.run_id
    # If a node failed, dbt's other messages are about that node.
    return run_results["results"] if is_this_run and (run.broken or not run.errors) else None
