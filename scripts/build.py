"""Convert, build, test, publish and sum up: what `make build` runs.

Arguments go to `dbt build`: `python scripts/build.py --vars '{as_of: 2026-03-16}'`. Where they say
`raw: files`, there is nothing to convert: dbt reads the files itself. With HISTORY=no in the
environment the export is not added to the history.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import duckdb
import yaml
from explain import clean, explain
from files import WRITABLE, remedy
from json_to_seeds import ConversionError, convert, counted
from locks import LockError, sign, sole_build
from progress import Progress
from publish import BUILD_FILE, PROJECT, TARGET, Marts, PublishError, publish, read_artifacts

MAX_DAYS = 5
LOGS = Path(os.environ.get("DBT_LOG_PATH") or "logs")
LOG = f"The whole log is in {LOGS}/dbt.log."
# Unit tests judge the models, not the data: `make test` and a plain `dbt build` run them.
DATA_ONLY = ["--exclude-resource-type", "unit_test"]
SUSPECTS = (
    "If nobody did that, a database file may be damaged: put back a copy of history.duckdb, and"
    " remove build/, which is built anew."
)
HISTORY = "HISTORY"  # in the environment; no leaves the history alone
WAIVERS = "seeds/reference/contract_waivers.csv"


class FolderError(Exception):
    """A folder that a build writes to can't be written; the message says why, and what to do."""


class SettingError(Exception):
    """What the environment says can't be meant; the message says why."""


@dataclass
class DbtRun:
    """What a dbt process reported: an id for its artifacts, and what it said besides results."""

    run_id: str | None = None
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    other_lines: list[str] = field(default_factory=list)
    exit_code: int = 0


def build(arguments: list[str], lock: int) -> int:
    """Run every step; return 0 if all is green and published, else 1.

    Args:
        arguments: What `dbt build` gets.
        lock: File descriptor of the lock on the project.

    """
    started = time.monotonic()
    source = prepared(arguments)
    results, exit_code = built(arguments, lock) if source else (None, 1)
    if not source or results is None:
        return 1
    publication, refusal, no_review = None, "", ""
    try:
        publication = publish()
    except PublishError as error:
        refusal = str(error)
    if publication:
        no_review = reviewed()
    if is_to_explain(results):
        print("", explain(), sep="\n")

    print()
    if publication and given_variables(arguments).get("raw") == "files":
        source = f"{input_summary(publication.path)} from {source}"
        print_entry("In", source, *days_summary(PROJECT / BUILD_FILE))
    else:
        print_entry("In", source)
    if publication:
        print_entry("Out", str(publication.marts), *marts_summary(publication.marts))
        print_entry("As of", publication.marts.as_of)
    print_entry("Tests", tests_summary(results))
    if publication:
        print_entry("Contract", *contract_summary(publication.path))
        print_entry("History", history_summary(publication.path, arguments))
        print_entry("Published", f"{publication.path.name}, in this folder")
        print_entry("Review", no_review or "review.html, in this folder: open it in a browser")
        print_entry("Open it", *ways_to_open(publication.path))
    print_entry("Took", f"{time.monotonic() - started:.1f} s")
    print()
    if not publication:
        print(sentences(f"Not published. {refusal}", (result["message"] for result in results)))
        return 1
    if publication.breaches:
        rules = ", ".join(publication.breaches)
        print(f"Published, but red: governance is breached ({rules}). The marts show where.")
        print(f"Correct it at the source, or accept it for a time in {WAIVERS}.")
        return 1
    if exit_code:
        print(f"Published, but dbt ended with exit code {exit_code}. {LOG}")
        return 1
    if no_review:
        print(f"Published, but without its review. {no_review}")
        return 1
    return 0


def prepared(arguments: list[str]) -> str | None:
    """Convert what is to be converted; return what is built from, or None if that is wrong."""
    refuse_unwritable(LOGS, TARGET)
    variables = given_variables(arguments)
    if variables.get("raw", "seeds") != "seeds":
        source = f"files below {variables.get('raw_path', 'landing')}"
        print(f"Reading {source}.", flush=True)
        return source
    try:
        conversion = convert()
    except ConversionError as error:
        print(error, *filter(None, [remedy(str(error))]), sep="\n", file=sys.stderr)
        return None
    changed = counted(len(conversion.changed), "seed")
    print(f"Converted {conversion} ({changed} changed).", flush=True)
    return str(conversion)


def built(arguments: list[str], lock: int) -> tuple[list[dict[str, Any]] | None, int]:
    """Run `dbt build`; return its results, or None if it couldn't run, and its exit code."""
    dbt = run_dbt(arguments, lock)
    for warning in dbt.warnings:
        print(f"dbt warns: {warning}")
    results = results_of(dbt)
    if results is None:
        reasons = dbt.errors or dbt.other_lines
        if dbt.exit_code < 0:  # DuckDB can fall over a damaged file without a word
            name = signal.Signals(-dbt.exit_code).name
            reasons = [*reasons, f"dbt was ended by the signal {name}. {SUSPECTS}"]
        print("", *reasons, "", sep="\n")
        print(sentences("`dbt build` could not run; nothing was published.", reasons))
    return results, dbt.exit_code


def reviewed() -> str:
    """Write the review of what has just been published; return why there is none, if so.

    In a process of its own: what draws the charts may end it, and the build has more to say.
    """
    done = subprocess.run(
        [sys.executable, str(PROJECT / "scripts/review.py"), "--quiet"],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode > 1 or done.returncode < 0:
        return f"It ended with exit code {done.returncode}: `make review` shows why."
    return done.stderr.strip() if done.returncode else ""


def is_to_explain(results: list[dict[str, Any]]) -> bool:
    """Tell whether anything is not as it should be."""
    return bool({result["status"] for result in results} - {"success", "pass", "no-op"})


def given_variables(arguments: list[str]) -> dict[str, Any]:
    """Return the dbt vars among the arguments of `dbt build`; what is wrong with them dbt says."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--vars", default="{}")
    try:
        variables = yaml.safe_load(parser.parse_known_args(arguments)[0].vars)
    except yaml.YAMLError:
        return {}
    return variables if isinstance(variables, dict) else {}


def as_the_environment_says(arguments: list[str]) -> list[str]:
    """Return the arguments of `dbt build`, with the var that leaves the history alone, if so."""
    history = os.environ.get(HISTORY) or "yes"
    if history not in ("yes", "no"):
        raise SettingError(f"{HISTORY} is {history!r}. It is yes or no.")
    if history == "yes":
        return arguments
    # dbt goes by the last --vars. Ones that are no YAML are left to it.
    variables = given_variables(arguments)
    if not variables and any(argument.startswith("--vars") for argument in arguments):
        return arguments
    variables["history"] = False
    values = yaml.safe_dump(variables, default_flow_style=True, width=sys.maxsize)
    return [*arguments, "--vars", values.strip()]


def refuse_unwritable(*folders: Path) -> None:
    """Raise FolderError if dbt couldn't write its log and artifacts: it would show a traceback."""
    for folder in folders:
        try:
            (PROJECT / folder).mkdir(parents=True, exist_ok=True)
            TemporaryFile(dir=PROJECT / folder).close()
        except OSError as error:
            reason = f"{folder}/ can't be written: {error.strerror}."
            raise FolderError(f"{reason} {remedy(reason) or WRITABLE}") from None


def sentences(summary: str, reasons: Iterable[str | None]) -> str:
    """Return how a build ended, and what to do where the system was the reason."""
    advice = remedy("\n".join(filter(None, reasons)))
    return " ".join(filter(None, [summary, advice, LOG]))


# ---- dbt ------------------------------------------------------------------------------------


def run_dbt(arguments: list[str], lock: int) -> DbtRun:
    """Run `dbt build` in a process of its own, and show how far it is."""
    # One beside this Python, so that no environment has to be active.
    program = str(Path(sys.executable).with_name("dbt"))
    verbosity = ["--no-quiet", "--log-level", "info"]  # whatever the environment says
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
    progress.end()
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
    except PublishError:
        return None
    is_this_run = run_results["metadata"]["invocation_id"] == run.run_id
    return run_results["results"] if is_this_run and not run.errors else None


# ---- Summary --------------------------------------------------------------------------------


def print_entry(label: str, *lines: str) -> None:
    """Print lines beside a label."""
    for position, line in enumerate(lines):
        print(f"{'' if position else label:<10} {line}")


def tests_summary(results: list[dict[str, Any]]) -> str:
    """Return how the tests went; unit tests are counted with the others."""
    counts = Counter(
        result["status"]
        for result in results
        if result["unique_id"].startswith(("test.", "unit_test."))
    )
    failed = counts["fail"] + counts["error"]
    words = f"{counts['pass']} passed, {counts['warn']} warned, {failed} failed"
    return words + (f", {counts['skipped']} skipped" if counts["skipped"] else "")


def marts_summary(marts: Marts) -> list[str]:
    """Return a line for each mart, with its rows and fingerprint."""
    width = max(map(len, marts.rows), default=0)
    return [
        f"{name:<{width}}  {rows:>7,}  {marts.fingerprints[name]}"
        for name, rows in marts.rows.items()
    ]


def rows_of(file: Path, query: str) -> list[tuple]:
    """Return the rows of a query on a file, which has just been written and read."""
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.sql(query).fetchall()


def input_summary(file: Path) -> str:
    """Return how many records of how many datasets a build took its marts from."""
    query = """
        select input_rows, (
            select count(*) from json_each(inputs) where cast(value ->> 'rows' as bigint) > 0
        )
        from marts.warehouse_build
    """
    ((rows, datasets),) = rows_of(file, query)
    return f"{counted(datasets, 'dataset')}, {counted(rows, 'row')}"


def days_summary(file: Path) -> list[str]:
    """Return a line for each dataset that arrives by the day: the days read, and those gone."""
    query = """
        with kept as (
            select distinct 'funnel_events' as dataset, day
            from intermediate.int_days_of_funnel_events
            union all
            select distinct 'performance_metrics' as dataset, day
            from intermediate.int_days_of_performance_metrics
        ),

        days as (
            select
                coalesce(kept.dataset, taken_in.dataset) as dataset,
                coalesce(kept.day, taken_in.day) as day,
                kept.day is null as is_gone,
                taken_in.day is not null or whole.dataset is not null as is_read
            from kept
            full join arrivals.days as taken_in using (dataset, day)
            left join arrivals.whole as whole on kept.dataset = whole.dataset
        )

        select
            dataset,
            count(*) filter (where not is_gone) as kept_days,
            count(*) filter (where is_read and not is_gone) as read_days,
            min(day) filter (where is_read and not is_gone) as first_day,
            max(day) filter (where is_read and not is_gone) as last_day,
            list(day order by day) filter (where is_gone) as gone
        from days
        where day is not null
        group by dataset
        order by dataset
    """
    return [
        f"{dataset}: {read:,} of {counted(kept, 'day')} read"
        + (f", {first} to {last}" if read else "")
        + (f"; gone: {listed_days(gone)}" if gone else "")
        for dataset, kept, read, first, last, gone in rows_of(file, query)
    ]


def listed_days(days: list[date]) -> str:
    """Return some days, and how many more there are."""
    more = f" and {len(days) - MAX_DAYS:,} more" if len(days) > MAX_DAYS else ""
    return ", ".join(map(str, days[:MAX_DAYS])) + more


def contract_summary(file: Path) -> list[str]:
    """Return a line for each rule of the contract."""
    query = """
        select rule, rule_name, status, checked_rows, violating_rows, waived_rows
        from marts.contract_compliance
        order by rule
    """
    rules = rows_of(file, query)
    width = max((len(rule[1]) for rule in rules), default=0)
    return [
        f"{rule} {name:<{width}}  {status}  {checked:,} checked, {violating:,} violating"
        + (f", {waived:,} of them waived" if waived else "")
        for rule, name, status, checked, violating, waived in rules
    ]


def history_summary(file: Path, arguments: list[str]) -> str:
    """Return how many exports the history holds, and what is odd in it."""
    query = """
        select
            (select exports_seen from marts.warehouse_build),
            (select count(*) from marts.status_history where change_number > 1),
            (select count(*) from marts.status_history where finding is not null)
    """
    ((exports, changes, findings),) = rows_of(file, query)
    seen = f"{counted(exports, 'export')} seen, {counted(changes, 'change')}"
    is_left_alone = given_variables(arguments).get("history") is False
    left_alone = "left alone: " if is_left_alone else ""
    return f"{left_alone}{seen}, {counted(findings, 'finding')}: marts.status_history"


def ways_to_open(file: Path) -> list[str]:
    """Return commands that open the published file, read-only as it is meant to be."""
    code = f"duckdb.connect('{file.name}', read_only=True).sql('show all tables').show()"
    return [f'.venv/bin/python -c "import duckdb; {code}"', f"duckdb -readonly {file.name}"]


def main(steps: Callable[[list[str], int], int] = build) -> int:
    """Run the command line, alone in this project; return its exit code."""
    try:
        with sole_build(PROJECT) as lock:
            return steps(as_the_environment_says(sys.argv[1:]), lock)
    except (LockError, FolderError, SettingError) as error:
        print(f"Nothing was built. {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
