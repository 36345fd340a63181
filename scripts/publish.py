"""Publish the warehouse that the last `dbt build` made.

`build/warehouse.duckdb` becomes `warehouse.duckdb`, the file that BI tools and analysts open, in
one step: who has the old file open keeps it, who opens it next sees the new one. What failed in
that very run decides. Broken or partial marts are never published; breaches of the contract's
governance rules are, since the marts are what shows them.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

PROJECT = Path(__file__).resolve().parent.parent
BUILD_FILE = Path("build/warehouse.duckdb")
PUBLISHED_FILE = Path("warehouse.duckdb")  # the same name: views refer to the catalog by it
TARGET = Path(os.environ.get("DBT_TARGET_PATH") or "target")  # where dbt leaves its artifacts
RUN_RESULTS = TARGET / "run_results.json"
MANIFEST = TARGET / "manifest.json"

BUILT_TYPES = {"seed", "snapshot", "model", "test"}
SOUND = {"success", "pass", "warn", "no-op"}
AGAIN = "Run `dbt build` again."

Artifact = dict[str, Any]


class PublishError(Exception):
    """The build is not published; the message says why, and what to do."""


@dataclass(frozen=True)
class Publication:
    """What was published: rows by mart, and the governance tests that failed."""

    path: Path
    rows: dict[str, int]
    as_of: str
    breaches: list[str]

    def __str__(self) -> str:
        marts = f"{len(self.rows)} marts, {sum(self.rows.values()):,} rows, as of {self.as_of}"
        sentence = f"Published {self.path.name} ({marts})."
        if self.breaches:
            sentence += f" It holds breaches of the contract: {', '.join(self.breaches)} failed."
        return sentence


def publish(project: Path = PROJECT) -> Publication:
    """Copy the build file into place, if the last dbt run allows it.

    Raises:
        PublishError: It doesn't, or the file can't be written; what is published is untouched.

    """
    if not (project / BUILD_FILE).is_file():
        raise PublishError(f"{BUILD_FILE} is missing. Run `dbt build` first.")
    with held(project, BUILD_FILE) as connection:
        # Only now: while another process writes, its log is no sign of a crash.
        refuse_log(project, BUILD_FILE, AGAIN)
        run_results, manifest = read_artifacts(project)
        breaches = judge(run_results, manifest, stamp_of(connection))
        rows, as_of = replace(project)
    return Publication(project / PUBLISHED_FILE, rows, as_of, breaches)


def read_artifacts(project: Path) -> tuple[Artifact, Artifact]:
    """Return dbt's run results and manifest; raise PublishError where there are none."""
    artifacts = []
    for path in (RUN_RESULTS, MANIFEST):
        try:
            artifacts.append(json.loads((project / path).read_bytes()))
        except OSError as error:
            raise PublishError(f"{path}: {error.strerror}. Run `dbt build` first.") from None
        except ValueError:
            raise PublishError(f"{path} is cut off or damaged. Run `dbt build` again.") from None
    return artifacts[0], artifacts[1]


def stamp_of(connection: duckdb.DuckDBPyConnection) -> str | None:
    """Return the id of the dbt run that last wrote to the file; see on-run-start."""
    try:
        row = connection.sql("select invocation_id from meta.dbt_run").fetchone()
    except duckdb.Error:
        return None
    return row[0] if row else None


# ---- Does the run allow it? -----------------------------------------------------------------


def judge(run_results: Artifact, manifest: Artifact, stamp: str | None) -> list[str]:
    """Return the names of the governance tests that failed; raise PublishError for all else.

    Args:
        run_results: What dbt wrote to run_results.json.
        manifest: What dbt wrote to manifest.json.
        stamp: The id of the run that the build file says it is from.

    """
    arguments, run_id = run_results["args"], run_results["metadata"]["invocation_id"]
    if arguments.get("which") != "build":
        reason = f"The last dbt run was `dbt {arguments.get('which')}`"
        raise PublishError(f"{reason}. Only a whole `dbt build` is published.")
    # The manifest may be of another run: one that is parsed once and kept serves many.
    if stamp != run_id:
        reason = f"{BUILD_FILE} and {RUN_RESULTS} are from two dbt runs"
        raise PublishError(f"{reason}: one was broken off, or ran since the build. {AGAIN}")
    for option in ("empty", "sample"):
        if arguments.get(option):
            raise PublishError(f"The last build ran with --{option}, on part of the data. {AGAIN}")

    nodes = manifest["nodes"]
    statuses = {result["unique_id"]: result["status"] for result in run_results["results"]}
    breaches = sorted(
        node_id
        for node_id, status in statuses.items()
        if status == "fail" and is_governance_test(nodes.get(node_id, {}))
    )
    bad = sorted(one for one in statuses.keys() - breaches if statuses[one] not in SOUND)
    if bad:
        skipped = [one for one in bad if statuses[one] == "skipped"]
        failed = [one for one in bad if one not in skipped]
        counts = f"{len(failed)} failed and {len(skipped)} skipped"
        named = name_some(failed or skipped, nodes)
        advice = "`python scripts/explain.py` says why."
        raise PublishError(f"The last build is broken, {counts}: {named}. {advice}")
    missing = sorted(
        node_id
        for node_id, node in nodes.items()
        if node["resource_type"] in BUILT_TYPES
        and node["config"].get("materialized") != "ephemeral"  # those leave no result
        and node_id not in statuses
    )
    if missing:
        reason = f"The last build was partial: it left out {name_some(missing, nodes)}"
        raise PublishError(f"{reason}. Run `dbt build` without selecting.")
    return [nodes[node_id]["name"] for node_id in breaches]


def is_governance_test(node: Artifact) -> bool:
    """Tell whether what a test guards is to be seen in the marts, and not kept out of them."""
    return node.get("resource_type") == "test" and "governance" in node.get("tags", [])


def name_some(node_ids: list[str], nodes: Artifact) -> str:
    """Return the name of a node, and how many others there are."""
    first, others = node_ids[0], len(node_ids) - 1
    name = nodes.get(first, {}).get("name") or first.split(".")[-1]
    return f"{name} and {others} more" if others else name


# ---- Files ----------------------------------------------------------------------------------


@contextmanager
def held(project: Path, path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Keep a database file open read-only, so that no other process can write to it."""
    try:
        connection = duckdb.connect(str(project / path), read_only=True)
    except duckdb.Error as error:
        message = str(error).splitlines()[0]
        # The second: a connection of this very process has it open.
        if "lock" in message or isinstance(error, duckdb.ConnectionException):
            holder = re.search(r"held in (.+? \(PID \d+\))", message)
            reason = f"by {holder[1]}" if holder else f"({message})"
            advice = "Let it end, or close it, and publish again."
            raise PublishError(f"{path} is open for writing {reason}. {advice}") from None
        advice = "If it is damaged, remove it, and run `dbt build` again."
        raise PublishError(f"{path} can't be opened: {message} {advice}") from None
    try:
        yield connection
    finally:
        connection.close()


def refuse_log(project: Path, path: Path, advice: str) -> None:
    """Raise PublishError if a write-ahead log lies beside a database file, as after a crash."""
    for log in sorted((project / path).parent.glob(f"{path.name}.wal*")):
        reason = f"{path.with_name(log.name)} is left of a write that was broken off"
        raise PublishError(f"{reason}. {advice}")


def replace(project: Path) -> tuple[dict[str, int], str]:
    """Put a copy of the build file, which must be held, in place; return what its marts hold."""
    target = project / PUBLISHED_FILE
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    # Whoever has the published file open for writing would later leave a log beside the new one,
    # and DuckDB would take it for a part of it.
    unchanged = held(project, PUBLISHED_FILE) if target.is_file() else nullcontext()
    try:
        with unchanged:
            advice = "Nobody should write to the published file: remove it, and publish again."
            refuse_log(project, PUBLISHED_FILE, advice)
            remove_leftovers(target)
            copy(project / BUILD_FILE, temporary)
            marts = read_marts(temporary)
            temporary.replace(target)
            sync_folder(target.parent)
    except OSError as error:
        raise PublishError(f"{PUBLISHED_FILE} can't be written: {error.strerror}.") from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return marts


def copy(source: Path, target: Path) -> None:
    """Copy a file, and return once the copy is on disk."""
    with source.open("rb") as reader, target.open("wb") as writer:
        shutil.copyfileobj(reader, writer, 1 << 20)
        writer.flush()
        os.fsync(writer.fileno())
        # Closing the reader ends DuckDB's lock on the source: POSIX drops a process's locks on a
        # file with any handle of it. By now nothing more is read from it.


def sync_folder(folder: Path) -> None:
    """Return once the names in a folder are on disk, where the file system can tell."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove_leftovers(target: Path) -> None:
    """Remove the copies of earlier publishing that was killed."""
    for file in target.parent.glob(f".{target.name}.*.tmp"):
        try:
            os.kill(int(file.name.split(".")[-2]), 0)  # signal 0 only asks whether it lives
        except ProcessLookupError:
            file.unlink(missing_ok=True)
        except (ValueError, OverflowError, PermissionError):
            pass


def read_marts(file: Path) -> tuple[dict[str, int], str]:
    """Return the rows of each mart, views included, and the time as of which they are."""
    catalog = PUBLISHED_FILE.stem  # whatever the file is called: its views know it by this name
    location = str(file).replace("'", "''")
    try:
        with duckdb.connect() as connection:
            connection.execute(f"attach '{location}' as {catalog} (read_only)")
            connection.execute(f"use {catalog}")
            marts = connection.execute(
                "select table_name from information_schema.tables"
                " where table_catalog = ? and table_schema = 'marts' order by table_name",
                [catalog],
            ).fetchall()
            rows = {
                name: connection.sql(f'select count(*) from marts."{name}"').fetchall()[0][0]
                for (name,) in marts
            }
            as_of = connection.sql(
                """
                select
                    coalesce(cast(as_of as varchar), 'no event at all')
                    || case when covers_all_events then '' else ', later events left out' end
                from marts.warehouse_build
                """
            ).fetchall()[0][0]
    except (duckdb.Error, IndexError) as error:
        message = str(error).splitlines()[0]
        raise PublishError(f"The marts in {BUILD_FILE} can't be read: {message} {AGAIN}") from None
    return rows, as_of


def main() -> int:
    """Run the command line; return its exit code."""
    argparse.ArgumentParser(description="Publish what the last `dbt build` made.").parse_args()
    try:
        print(publish())
    except PublishError as error:
        print(f"Not published. {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
