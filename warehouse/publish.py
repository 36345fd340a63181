"""Publish the warehouse that the last `dbt build` made.

What is public in `build/warehouse.duckdb` becomes `warehouse.duckdb`, the file that BI tools and
analysts open, in one step: who has the old file open keeps it, who opens it next sees the new one.
What failed in that very run decides. Broken or partial marts are never published; breaches of the
contract's governance rules are, since the marts are what shows them.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.database.marts import PUBLIC_SCHEMAS, Marts, public_relations, read_marts
from warehouse.database.opening import CATALOG, held, quoted, refuse_log, stamp_of
from warehouse.dbt.artifacts import (
    RUN_RESULTS,
    Artifact,
    is_governance_test,
    read_artifacts,
)
from warehouse.system.errors import ExitCode, WarehouseError
from warehouse.system.files import remedy, remove_leftovers, sync_folder, temporary_beside
from warehouse.system.paths import BUILD_FILE, PROJECT, PUBLISHED_FILE
from warehouse.system.words import AGAIN

BUILT_TYPES = {"seed", "snapshot", "model", "test"}
SOUND = {"success", "pass", "warn", "no-op"}


class PublishError(WarehouseError):
    """The build is not published; the message says why, and what to do."""


class BrokenBuildError(PublishError):
    """Something failed that has to be right before anything is published."""

    exit_code = ExitCode.BROKEN


@dataclass(frozen=True)
class Publication:
    """What was published, and the governance tests that failed."""

    path: Path
    marts: Marts
    breaches: list[str]

    @property
    def exit_code(self) -> ExitCode:
        """How the command ends that published it."""
        return ExitCode.BREACHED if self.breaches else ExitCode.GREEN

    def __str__(self) -> str:
        marts = f"{self.marts}, as of {self.marts.as_of}"
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
        free = shutil.disk_usage(project).free // 1_000_000
        refuse_log(project, BUILD_FILE, f"The disk has {free:,} MB left. {AGAIN}")
        run_results, manifest = read_artifacts(project)
        breaches = judge(run_results, manifest, *stamp_of(connection))
        marts = replace(project, connection)
    return Publication(project / PUBLISHED_FILE, marts, breaches)


# ---- Does the run allow it? -----------------------------------------------------------------


def judge(
    run_results: Artifact, manifest: Artifact, stamp: str | None, part: str | None
) -> list[str]:
    """Return the names of the governance tests that failed; raise PublishError for all else.

    Args:
        run_results: What dbt wrote to run_results.json.
        manifest: What dbt wrote to manifest.json.
        stamp: The id of the run that the build file says it is from.
        part: The option with which that run built a part of the data, if it did.

    """
    command, run_id = run_results["args"].get("which"), run_results["metadata"]["invocation_id"]
    if command != "build":
        reason = f"The last dbt run was `dbt {command}`"
        raise PublishError(f"{reason}. Only a whole `dbt build` is published.")
    # The manifest may be of another run: one that is parsed once and kept serves many.
    if stamp != run_id:
        reason = f"{BUILD_FILE} and {RUN_RESULTS} are from two dbt runs"
        raise PublishError(f"{reason}: one was broken off, or ran since the build. {AGAIN}")
    if part:
        raise PublishError(f"The last build ran with {part}, on part of the data. {AGAIN}")

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
        advice = "`warehouse explain` says why."
        messages = [result.get("message") or "" for result in run_results["results"]]
        of_kind = PublishError if remedy("\n".join(messages)) else BrokenBuildError
        raise of_kind(f"The last build is broken, {counts}: {named}. {advice}")
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


def name_some(node_ids: list[str], nodes: Artifact) -> str:
    """Return the name of a node, and how many others there are."""
    first, others = node_ids[0], len(node_ids) - 1
    name = nodes.get(first, {}).get("name") or first.split(".")[-1]
    return f"{name} and {others} more" if others else name


# ---- Files ----------------------------------------------------------------------------------


def replace(project: Path, connection: duckdb.DuckDBPyConnection) -> Marts:
    """Put what the build file, which must be held, has to show in place; return what it is."""
    target = (project / PUBLISHED_FILE).resolve()  # a link stays one
    temporary = temporary_beside(target)
    # Whoever has the published file open for writing would later leave a log beside the new one,
    # and DuckDB would take it for a part of it.
    unchanged = held(project, PUBLISHED_FILE) if target.is_file() else nullcontext()
    try:
        with unchanged:
            advice = "Nobody should write to the published file: remove it, and publish again."
            refuse_log(project, PUBLISHED_FILE, advice)
            remove_leftovers(target)
            marts = write(connection, temporary)
            if target.is_file():
                shutil.copymode(target, temporary)  # who could read it still can
            temporary.replace(target)
            sync_folder(target.parent)
    except OSError as error:
        raise unwritable(str(error.strerror)) from None
    except duckdb.Error as error:
        raise unwritable(str(error).splitlines()[0]) from None
    finally:
        with suppress(OSError):
            remove_leftovers(target)
    return marts


def write(connection: duckdb.DuckDBPyConnection, file: Path) -> Marts:
    """Write a database of the public schemas, and return once it is on disk.

    Everything becomes a table, with its comments: a view would read what isn't there, and a copied
    file would carry along what the build has dropped.
    """
    connection.execute(f"attach {quoted(file)} as published")
    connection.begin()
    for schema, name in public_relations(connection):
        connection.execute(f"create schema if not exists published.{schema}")
        relation = f'{schema}."{name}"'
        try:
            connection.execute(f"create table published.{relation} as from {CATALOG}.{relation}")
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise unreadable(error) from None
    for statement in comments(connection):
        connection.execute(statement)
    try:
        marts = read_marts(connection, "published")
    except (duckdb.Error, LookupError) as error:
        raise unreadable(error) from None
    connection.commit()
    connection.execute("checkpoint published")
    connection.execute("detach published")
    with file.open("rb") as written:
        os.fsync(written.fileno())
    return marts


def comments(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Yield a statement for each comment in the build, on what was published."""
    rows = connection.sql(
        f"""
        select 'table' as kind, schema_name, table_name, null as column_name, comment
        from duckdb_tables() where database_name = '{CATALOG}'
        union all
        select 'table', schema_name, view_name, null, comment
        from duckdb_views() where database_name = '{CATALOG}'
        union all
        select 'column', schema_name, table_name, column_name, comment
        from duckdb_columns() where database_name = '{CATALOG}'
        """
    ).fetchall()
    for kind, schema, table, column, comment in rows:
        if schema in PUBLIC_SCHEMAS and comment is not None:
            place = f'published.{schema}."{table}"' + (f'."{column}"' if column else "")
            yield f"comment on {kind} {place} is {quoted(comment)}"


def unwritable(reason: str) -> PublishError:
    """Return the error of a published file that can't be written."""
    sentence = f"{PUBLISHED_FILE} can't be written: {reason.rstrip('.')}."
    return PublishError(f"{sentence} {remedy(reason)}".rstrip())


def unreadable(error: Exception) -> PublishError:
    """Return the error of a build file whose marts aren't what they should be."""
    message = str(error).splitlines()[0]
    return PublishError(f"The marts in {BUILD_FILE} can't be read: {message} {AGAIN}")
