"""Convert, build, test, publish and sum up: what `make build` runs.

Arguments go to `dbt build`: `warehouse build --vars '{as_of: 2026-03-16}'`. With a landing folder
its files are ingested, and dbt reads the lake. With `raw: lake` dbt reads the present lake. With
HISTORY=no in the environment the export is not added to the history.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import yaml

from warehouse.build.summary import (
    contract_summary,
    days_summary,
    history_summary,
    input_summary,
    marts_summary,
    print_entry,
    tests_summary,
    ways_to_open,
)
from warehouse.dbt.database_files import prepare_files
from warehouse.dbt.run import LOG, DbtError, dbt_program, results_of, run_dbt
from warehouse.explain.ci import tell_ci
from warehouse.explain.explanation import explain, not_done
from warehouse.lake.ingest import ingest, report
from warehouse.publish import publish
from warehouse.seeds.conversion import convert
from warehouse.system.errors import ExitCode, WarehouseError
from warehouse.system.files import WRITABLE, remedy
from warehouse.system.paths import BUILD_FILE, LOGS, PROJECT, PUBLISHED_FILE, REVIEW_FILE, TARGET
from warehouse.system.words import counted

SUSPECTS = (
    "If nobody did that, a database file may be damaged: put back a copy of history.duckdb, and"
    " remove build/, which is built anew."
)
HISTORY = "HISTORY"  # in the environment; with no the export isn't added
WAIVERS = "seeds/reference/contract_waivers.csv"


class FolderError(WarehouseError):
    """A folder of the build can't be written; the message has the reason and the remedy."""


class SettingError(WarehouseError):
    """A setting in the environment is wrong; the message has the reason."""


def build(arguments: list[str], lock: int, landing: str | None = None) -> ExitCode:
    """Run every step; return the exit code.

    Args:
        arguments: Arguments of `dbt build`.
        lock: File descriptor of the lock on the project.
        landing: Folder whose files are ingested first; without it, the JSON is converted.

    Raises:
        WarehouseError: Nothing could be built.

    """
    started = time.monotonic()
    if landing:
        arguments = with_variables(arguments, {"raw": "lake"})
    source = prepared(arguments, landing)
    results, lost, dbt_exit_code = built(arguments, lock)
    publication, refusal, no_review = None, None, ""
    try:
        publication = publish()
    except WarehouseError as error:
        refusal = error
    if publication:
        no_review = reviewed()
    explanation = explain(lost=lost)
    if explanation.failures:
        print("", explanation, sep="\n")

    print()
    if publication and given_variables(arguments).get("raw") == "lake":
        source = f"{input_summary(publication.path)} from {source}"
        print_entry("In", source, *days_summary(PROJECT / BUILD_FILE))
    else:
        print_entry("In", source)
    if publication:
        print_entry("Out", str(publication.marts), *marts_summary(publication.marts))
        print_entry("As of", publication.marts.as_of)
    print_entry("Tests", tests_summary(results))
    if publication:
        print_entry("Contract", *contract_summary(explanation.contract))
        is_left_alone = given_variables(arguments).get("history") is False
        print_entry("History", history_summary(publication.path, is_left_alone))
        print_entry("Published", f"{publication.path.name}, in this folder")
        print_entry("Review", no_review or "review.html, in this folder: open it in a browser")
        print_entry("Open it", *ways_to_open(publication.path))
    print_entry("Took", f"{time.monotonic() - started:.1f} s")
    ending, exit_code = ["Published."], ExitCode.GREEN
    if refusal:
        messages = [result["message"] for result in results]
        ending = [sentences(f"Not published. {refusal}", messages)]
        is_broken = explanation.exit_code == ExitCode.BROKEN
        exit_code = ExitCode.BROKEN if is_broken else refusal.exit_code
    elif publication and publication.breaches:
        rules = ", ".join(publication.breaches)
        ending = [
            f"Published, but red: governance is breached ({rules}). The marts show where.",
            f"Correct it at the source, or accept it for a time in {WAIVERS}.",
        ]
        exit_code = publication.exit_code
    elif dbt_exit_code:
        ending = [f"Published, but dbt ended with exit code {dbt_exit_code}. {LOG}"]
        exit_code = ExitCode.COULD_NOT_RUN
    elif no_review:
        ending = [f"Published, but without its review. {no_review}"]
        exit_code = ExitCode.COULD_NOT_RUN
    print("", *(ending if exit_code else []), sep="\n")
    told = " ".join(ending)
    cases = explanation.cases
    if exit_code == ExitCode.COULD_NOT_RUN:
        cases = [*cases, not_done(told)]
    published = [PUBLISHED_FILE] if publication else []
    if publication and not no_review:
        published.append(REVIEW_FILE)
    tell_ci(replace(explanation, cases=cases, exit_code=exit_code), told, published=published)
    return exit_code


def prepared(arguments: list[str], landing: str | None) -> str:
    """Ingest or convert; return the input of the build.

    Raises:
        FolderError: dbt couldn't write.
        DbtError: There is no usable dbt.
        ConversionError: The JSON is wrong, or can't be converted.
        IngestError: The landing folder has problems, or can't be ingested.

    """
    refuse_unwritable(LOGS, TARGET)
    dbt_program()
    variables = given_variables(arguments)
    if variables.get("raw", "seeds") != "seeds":
        lake = str(variables.get("lake_path", "lake")).strip()
        if landing:
            where = lake if "://" in lake else PROJECT / lake
            print(*report(ingest(landing, where)), sep="\n", flush=True)
        return f"files below {landing}" if landing else f"the lake in {lake}"
    conversion = convert()
    changed = counted(len(conversion.changed), "seed")
    print(f"Converted {conversion} ({changed} changed).", flush=True)
    return f"{conversion} from seeds/json"


def built(arguments: list[str], lock: int) -> tuple[list[dict[str, Any]], dict[str, str], int]:
    """Run `dbt build`.

    Returns its results, what is said of nodes that broke without one, by id, and its exit code.

    Raises:
        FileError: A database file can't be used.
        DbtError: dbt couldn't run.

    """
    prepare_files()
    dbt = run_dbt(arguments, lock)
    for warning in dbt.warnings:
        print(f"dbt warns: {warning}")
    results = results_of(dbt)
    if results is None:
        reasons = dbt.errors or dbt.other_lines
        if dbt.exit_code < 0:  # DuckDB can crash on a damaged file without a message
            name = signal.Signals(-dbt.exit_code).name
            reasons = [*reasons, f"dbt was ended by the signal {name}. {SUSPECTS}"]
        raise DbtError("\n".join([*reasons, "", sentences("`dbt build` could not run.", reasons)]))
    # dbt 2 writes this where a macro fails, or a seed is not a CSV file.
    known = {result["unique_id"] for result in results}
    lost = {
        name: dbt.errors_of.get(name) or " ".join(dbt.errors)
        for name in (dbt.errors_of.keys() | dbt.broken) - known
    }
    return results, lost, dbt.exit_code


def reviewed() -> str:
    """Write the review of the published marts; return the reason if there is none.

    It runs in its own process: drawing the charts may crash, and the build has to go on.
    """
    done = subprocess.run(
        [sys.executable, "-m", "warehouse", "review", "--quiet"],
        cwd=PROJECT,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode == ExitCode.COULD_NOT_RUN:
        return done.stderr.strip()
    is_written = done.returncode == ExitCode.GREEN
    ended = f"It ended with exit code {done.returncode}: `make review` shows why."
    return "" if is_written else ended


def given_variables(arguments: list[str]) -> dict[str, Any]:
    """Return the dbt vars among the arguments of `dbt build`; dbt itself reports wrong ones."""
    return split_variables(arguments)[0] or {}


def split_variables(arguments: list[str]) -> tuple[dict[str, Any] | None, list[str]]:
    """Return the dbt vars among arguments, None if they can't be parsed, and the others."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--vars", default="{}")
    known, others = parser.parse_known_args(arguments)
    try:
        variables = yaml.safe_load(known.vars)
    except (yaml.YAMLError, ValueError):  # a date that does not exist
        return None, others
    return (variables if isinstance(variables, dict) else None), others


def as_the_environment_says(arguments: list[str]) -> list[str]:
    """Return the arguments of `dbt build`, with HISTORY=no as a var."""
    history = os.environ.get(HISTORY) or "yes"
    if history not in ("yes", "no"):
        raise SettingError(f"{HISTORY} is {history!r}. It is yes or no.")
    if history == "yes":
        return arguments
    return with_variables(arguments, {"history": False})


def with_variables(arguments: list[str], more: dict[str, Any]) -> list[str]:
    """Return the arguments of `dbt build` with further dbt vars, in one option for dbt 2."""
    variables, others = split_variables(arguments)
    if variables is None:  # dbt reports the reason
        return arguments
    values = yaml.safe_dump(variables | more, default_flow_style=True, width=sys.maxsize)
    return [*others, "--vars", values.strip()]


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
    """Return how a build ended, with a remedy where the system was the reason."""
    advice = remedy("\n".join(filter(None, reasons)))
    return " ".join(filter(None, [summary, advice, LOG]))
