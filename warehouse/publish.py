"""Publish the warehouse that the last `dbt build` made.

The public schemas of `build/warehouse.duckdb` become `warehouse.duckdb`, the file that BI tools and
analysts open, in one step: readers keep the old file while they have it open, and get the new one
next time. The failures of that run decide. Broken or partial marts are never published; breaches of
the contract's governance rules are, since the marts show them.
"""

import os
import shutil
from collections.abc import Iterator, Set
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.database.marts import PUBLIC_SCHEMAS, Marts, public_relations, read_marts
from warehouse.database.opening import CATALOG, held, identifier, quoted, refuse_log, stamp_of
from warehouse.dbt.artifacts import (
    RUN_RESULTS,
    Artifact,
    is_governance_test,
    read_artifacts,
)
from warehouse.dbt.keys import declared_keys, foreign_keys
from warehouse.system.errors import ExitCode, WarehouseError
from warehouse.system.files import remedy, remove_leftovers, sync_folder, temporary_beside
from warehouse.system.paths import BUILD_FILE, PROJECT, PUBLISHED_FILE
from warehouse.system.words import AGAIN

# Most rows of a table whose foreign keys are declared. DuckDB keeps an index for each: of two
# million rows four take 9 s of CPU and 100 MB; the table has 13 MB, its primary key 21.
FOREIGN_KEY_ROWS = 500_000
# Each index takes a block at least: with DuckDB's own 262,144 bytes the samples come to 41 MB.
BLOCK_BYTES = 65_536

BUILT_TYPES = {"seed", "snapshot", "model", "test"}
SOUND = {"success", "pass", "warn", "no-op"}


class PublishError(WarehouseError):
    """The build is not published; the message has the reason and the remedy."""


class BrokenBuildError(PublishError):
    """A failure that prevents publishing."""

    exit_code = ExitCode.BROKEN


@dataclass(frozen=True)
class Publication:
    """The published marts, and the governance tests that failed."""

    path: Path
    marts: Marts
    breaches: list[str]

    @property
    def exit_code(self) -> ExitCode:
        """The exit code after publishing."""
        return ExitCode.BREACHED if self.breaches else ExitCode.GREEN

    def __str__(self) -> str:
        marts = f"{self.marts}, as of {self.marts.as_of}"
        sentence = f"Published {self.path.name} ({marts})."
        if self.breaches:
            sentence += f" It holds breaches of the contract: {', '.join(self.breaches)} failed."
        return sentence


def publish(project: Path = PROJECT) -> Publication:
    """Copy the build file into place, if the last dbt run allows it.

    Raises: PublishError: The run doesn't allow it, or the file can't be written; the published file
    is untouched.

    """
    if not (project / BUILD_FILE).is_file():
        raise PublishError(f"{BUILD_FILE} is missing. Run `dbt build` first.")
    with held(project, BUILD_FILE) as connection:
        # Only now, since the log of a process that still writes is no sign of a crash.
        free = shutil.disk_usage(project).free // 1_000_000
        refuse_log(project, BUILD_FILE, f"The disk has {free:,} MB left. {AGAIN}")
        run_results, manifest = read_artifacts(project)
        breaches = judge(run_results, manifest, *stamp_of(connection))
        results = run_results["results"]
        passed = {result["unique_id"] for result in results if result["status"] != "warn"}
        marts = replace(project, connection, manifest, passed)
    return Publication(project / PUBLISHED_FILE, marts, breaches)


# ---- Does the run allow it? -----------------------------------------------------------------


def judge(
    run_results: Artifact, manifest: Artifact, stamp: str | None, part: str | None
) -> list[str]:
    """Return the names of the failed governance tests; raise PublishError for any other failure.

    Args:
        run_results: Content of dbt's run_results.json.
        manifest: Content of dbt's manifest.json.
        stamp: Id of the run in the build file.
        part: The run's option for a part of the data, if any.

    """
    command, run_id = run_results["args"].get("which"), run_results["metadata"]["invocation_id"]
    if command != "build":
        reason = f"The last dbt run was `dbt {command}`"
        raise PublishError(f"{reason}. Only a whole `dbt build` is published.")
    # The manifest may be from another run, since dbt reuses a parsed one.
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
        and node["config"].get("materialized") != "ephemeral"  # those have no result
        and node_id not in statuses
    )
    if missing:
        reason = f"The last build was partial: it left out {name_some(missing, nodes)}"
        raise PublishError(f"{reason}. Run `dbt build` without selecting.")
    return [nodes[node_id]["name"] for node_id in breaches]


def name_some(node_ids: list[str], nodes: Artifact) -> str:
    """Return the name of the first node, and the number of the others."""
    first, others = node_ids[0], len(node_ids) - 1
    name = nodes.get(first, {}).get("name") or first.split(".")[-1]
    return f"{name} and {others} more" if others else name


# ---- Files ----------------------------------------------------------------------------------


def replace(
    project: Path, connection: duckdb.DuckDBPyConnection, manifest: Artifact, passed: Set[str]
) -> Marts:
    """Publish the public schemas of the build file, which must be open; return their contents."""
    target = (project / PUBLISHED_FILE).resolve()  # a link stays a link
    temporary = temporary_beside(target)
    # A process that has the published file open for writing would later leave a log beside the new
    # one, which DuckDB would apply to it.
    unchanged = held(project, PUBLISHED_FILE) if target.is_file() else nullcontext()
    try:
        with unchanged:
            advice = "Nobody should write to the published file: remove it, and publish again."
            refuse_log(project, PUBLISHED_FILE, advice)
            remove_leftovers(target)
            marts = write(connection, temporary, manifest, passed)
            if target.is_file():
                shutil.copymode(target, temporary)  # keeps the permissions
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


def write(
    connection: duckdb.DuckDBPyConnection, file: Path, manifest: Artifact, passed: Set[str]
) -> Marts:
    """Write a database of the public schemas, and return once it is on disk.

    Everything becomes a table, with its comments and keys: views would read tables that aren't
    published, and a copy of the file would keep dropped data.
    """
    connection.execute(f"attach {quoted(file)} as published (block_size {BLOCK_BYTES})")
    connection.execute("use published")  # where a foreign key looks for what it refers to
    connection.begin()
    primary = declared_keys(manifest, ("primary_key",))
    foreign = foreign_keys(manifest, passed)
    # What others refer to comes first.
    for schema, name in sorted(public_relations(connection), key=lambda one: one[1] in foreign):
        connection.execute(f"create schema if not exists published.{schema}")
        relation = f"{schema}.{identifier(name)}"
        try:
            write_table(connection, relation, primary.get(name, ()), foreign.get(name, {}))
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
    connection.execute("use memory")
    connection.execute("detach published")
    with file.open("rb") as written:
        os.fsync(written.fileno())
    return marts


def write_table(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    primary: tuple[str, ...],
    foreign: dict[str, tuple[str, str]],
) -> None:
    """Write a table as the build has it, with its keys."""
    built = connection.sql(f"from {CATALOG}.{relation}")
    declared = [
        f"{identifier(name)} {kind}" for name, kind in zip(built.columns, built.types, strict=True)
    ]
    if primary:
        declared.append(f"primary key ({', '.join(map(identifier, primary))})")
    if foreign and built.count("*").fetchall()[0][0] <= FOREIGN_KEY_ROWS:
        declared += [
            f"foreign key ({identifier(column)})"
            f" references marts.{identifier(table)} ({identifier(key)})"
            for column, (table, key) in foreign.items()
        ]
    connection.execute(f"create table published.{relation} ({', '.join(declared)})")
    connection.execute(f"insert into published.{relation} from {CATALOG}.{relation}")


def comments(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Yield a statement for each comment of the build on a published table or column."""
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
    """Return the error for a published file that can't be written."""
    sentence = f"{PUBLISHED_FILE} can't be written: {reason.rstrip('.')}."
    return PublishError(f"{sentence} {remedy(reason)}".rstrip())


def unreadable(error: Exception) -> PublishError:
    """Return the error for a build file whose marts can't be read."""
    message = str(error).splitlines()[0]
    return PublishError(f"The marts in {BUILD_FILE} can't be read: {message} {AGAIN}")
