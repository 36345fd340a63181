"""Run `dbt build` in a process of its own, and follow it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from warehouse.dbt.artifacts import ArtifactError, read_artifacts
from warehouse.dbt.messages import clean
from warehouse.system.locks import sign
from warehouse.system.paths import LOGS, PROJECT
from warehouse.system.progress import Progress

LOG = f"The whole log is in {LOGS}/dbt.log."
# Unit tests judge the models, not the data: `make test` and a plain `dbt build` run them.
DATA_ONLY = ["--exclude-resource-type", "unit_test"]


@dataclass
class DbtRun:
    """What a dbt process reported: an id for its artifacts, and what it said besides results."""

    run_id: str | None = None
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    other_lines: list[str] = field(default_factory=list)
    exit_code: int = 0


def run_dbt(arguments: list[str], lock: int) -> DbtRun:
    """Run `dbt build` in a process of its own, and show how far it is."""
    # One beside this Python, so that no environment has to be active.
    program = str(Path(sys.executable).with_name("dbt"))
    verbosity = ["--no-quiet", "--log-level", "info"]  # whatever the environment says
    output = [*verbosity, "--log-format", "json", "--log-format-file", "text"]
    folders = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    # The plugins are this project's, whichever is installed beside dbt.
    path = os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")]))
    run, progress = DbtRun(), Progress("dbt build")
    progress.start()
    try:
        process = subprocess.Popen(
            [program, *output, "build", *DATA_ONLY, *folders, *arguments],
            cwd=PROJECT,  # the profile's paths start here
            env=os.environ | {"PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            pass_fds=[lock],  # if this process is killed, dbt goes on, and is still a build
        )
    except OSError as error:
        run.errors.append(
            f"{program} can't be started: {error.strerror}. `make build` installs it."
        )
        return run
    sign(lock, f"PID {os.getpid()} with dbt as PID {process.pid}")
    with process:
        try:
            for event in events(process, run):
                follow(event, run, progress)
        except KeyboardInterrupt:
            process.wait()  # dbt got the signal too, and cancels what is running
            raise
    run.exit_code = process.returncode
    progress.close()
    return run


def events(process: subprocess.Popen[str], run: DbtRun) -> Iterator[dict[str, Any]]:
    """Yield what dbt logs; lines that aren't its log's are kept apart."""
    for line in process.stdout or ():
        try:
            event = json.loads(line)
            event["info"]["name"], event["data"]
        except (ValueError, TypeError, KeyError):
            run.other_lines.append(line.rstrip())
        else:
            yield event


def follow(event: dict[str, Any], run: DbtRun, progress: Progress) -> None:
    """Take note of an event of dbt's."""
    info, data = event["info"], event["data"]
    run.run_id = info["invocation_id"]
    is_about_a_node = "node_info" in data
    # What has an index is the start or the end of a node; hooks are counted by themselves.
    if is_about_a_node and "index" in data and "Hook" not in info["name"]:
        has_ended, has_failed = info["name"] != "LogStartLine", info["level"] == "error"
        progress.show(data.get("total"), has_ended, has_failed)
    elif info["name"] == "MainEncounteredError":
        run.errors.append(clean(data.get("exc") or info["msg"]))
    elif info["level"] == "warn" and not is_about_a_node:
        run.warnings.append(clean(info["msg"]))


def results_of(run: DbtRun) -> list[dict[str, Any]] | None:
    """Return the results of this very run, or None if dbt didn't get that far."""
    try:
        run_results, _ = read_artifacts(PROJECT)
    except ArtifactError:
        return None
    is_this_run = run_results["metadata"]["invocation_id"] == run.run_id
    return run_results["results"] if is_this_run and not run.errors else None
