"""Publish the warehouse that the last `dbt build` made.

What is public in `build/warehouse.duckdb` becomes `warehouse.duckdb`, the file that BI tools and
analysts open, in one step: who has the old file open keeps it, who opens it next sees the new one.
What failed in that very run decides. Broken or partial marts are never published; breaches of the
contract's governance rules are, since the marts are what shows them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from files import remedy, remove_leftovers, sync_folder, temporary_beside
from locks import LockError, holder_of, sole_build

PROJECT = Path(__file__).resolve().parent.parent
BUILD_FILE = Path("build/warehouse.duckdb")
PUBLISHED_FILE = Path("warehouse.duckdb")
CATALOG = "warehouse"  # what views in the build file call it
PUBLIC_SCHEMAS = ("marts", "semantic")  # the rest is how the marts came about
TARGET = Path(os.environ.get("DBT_TARGET_PATH") or "target")  # where dbt leaves its artifacts
RUN_RESULTS = TARGET / "run_results.json"
MANIFEST = TARGET / "manifest.json"

BUILT_TYPES = {"seed", "snapshot", "model", "test"}
SOUND = {"success", "pass", "warn", "no-op"}
AGAIN = "Run `dbt build` again."
PUBLISH = "run `python scripts/publish.py`."

# Order-free: the sum, modulo 2^64, of a hash of each row; equal rows count. The dbt macro
# `fingerprint` takes that of an input in the same way.
FINGERPRINT = """
    printf('%016x', cast(coalesce(sum(hash(hashed, 1)), 0) % 18446744073709551616 as ubigint))
"""

Artifact = dict[str, Any]


class PublishError(Exception):
    """The build is not published; the message says why, and what to do."""


@dataclass(frozen=True)
class Marts:
    """What the marts hold: rows and fingerprint of each, and the time as of which they are."""

    rows: dict[str, int]
    fingerprints: dict[str, str]
    as_of: str

    def __str__(self) -> str:
        return f"{len(self.rows)} marts, {sum(self.rows.values()):,} rows"


@dataclass(frozen=True)
class Publication:
    """What was published, and the governance tests that failed."""

    path: Path
    marts: Marts
    breaches: list[str]

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
        breaches = judge(run_results, manifest, stamp_of(connection))
        marts = replace(project, connection)
    return Publication(project / PUBLISHED_FILE, marts, breaches)


def read_artifacts(project: Path) -> tuple[Artifact, Artifact]:
    """Return dbt's run results and manifest; raise PublishError where there are none."""
    artifacts = []
    for path, content in ((RUN_RESULTS, "results"), (MANIFEST, "nodes")):
        try:
            artifact = json.loads((project / path).read_bytes())
            artifact["metadata"]["invocation_id"], artifact[content]
        except OSError as error:
            raise PublishError(f"{path}: {error.strerror}. Run `dbt build` first.") from None
        except (ValueError, TypeError, LookupError):
            raise PublishError(f"{path} is cut off or damaged. {AGAIN}") from None
        artifacts.append(artifact)
    return artifacts[0], artifacts[1]


def stamp_of(connection: duckdb.DuckDBPyConnection) -> str | None:
    """Return the id of the dbt run that last wrote to the file; see on-run-start."""
    try:
        row = connection.sql(f"select invocation_id from {CATALOG}.meta.dbt_run").fetchone()
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
def held(
    project: Path, path: Path, once_free: str = PUBLISH, once_removed: str = AGAIN
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Keep a database file open read-only, attached as `warehouse`: nobody can write to it then.

    Args:
        project: Where the path starts.
        path: The file.
        once_free: What to do when nobody writes to it any more, for the error.
        once_removed: What to do when it was damaged, and is removed.

    Raises:
        PublishError: Somebody writes to it, or it can't be opened.

    """
    with duckdb.connect() as connection:
        try:
            connection.execute(f"attach {quoted(project / path)} as {CATALOG} (read_only)")
        except duckdb.Error as error:
            holder = holder_of(error)
            if holder:
                advice = f"Let it end, or close it, and {once_free}"
                raise PublishError(f"{path} is open for writing by {holder}. {advice}") from None
            message = str(error).splitlines()[0]
            advice = f"If it is damaged, remove it. {once_removed}"
            raise PublishError(f"{path} can't be opened: {message} {advice}") from None
        yield connection


def refuse_log(project: Path, path: Path, advice: str) -> None:
    """Raise PublishError if a write-ahead log lies beside a database file, as after a crash."""
    for log in sorted((project / path).parent.glob(f"{path.name}.wal*")):
        reason = f"{path.with_name(log.name)} is left of a write that was broken off"
        raise PublishError(f"{reason}. {advice}")


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


def public_relations(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Return schema and name of what is published."""
    schemas = ", ".join(map(quoted, PUBLIC_SCHEMAS))
    return connection.sql(
        f"""
        select table_schema, table_name
        from information_schema.tables
        where table_catalog = '{CATALOG}' and table_schema in ({schemas})
        order by all
        """
    ).fetchall()


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


def read_marts(connection: duckdb.DuckDBPyConnection, catalog: str) -> Marts:
    """Return what the marts in an attached file hold, which are those of `warehouse`.

    Raises:
        duckdb.Error: They can't be read.
        LookupError: What they were made from isn't said.

    """
    names = [name for schema, name in public_relations(connection) if schema == "marts"]
    rows, fingerprints = {}, {}
    for name in names:
        query = f'select count(*), {FINGERPRINT} from {catalog}.marts."{name}" as hashed'
        rows[name], fingerprints[name] = connection.sql(query).fetchall()[0]
    as_of = connection.sql(
        f"""
        select
            coalesce(cast(as_of as varchar), 'no event at all')
            || case when covers_all_events then '' else ', later events left out' end
        from {catalog}.marts.warehouse_build
        """
    ).fetchall()[0][0]
    return Marts(rows, fingerprints, as_of)


def unwritable(reason: str) -> PublishError:
    """Return the error of a published file that can't be written."""
    sentence = f"{PUBLISHED_FILE} can't be written: {reason.rstrip('.')}."
    return PublishError(f"{sentence} {remedy(reason)}".rstrip())


def unreadable(error: Exception) -> PublishError:
    """Return the error of a build file whose marts aren't what they should be."""
    message = str(error).splitlines()[0]
    return PublishError(f"The marts in {BUILD_FILE} can't be read: {message} {AGAIN}")


def quoted(text: str | Path) -> str:
    """Return a text as SQL writes it."""
    return "'" + str(text).replace("'", "''") + "'"


def main() -> int:
    """Run the command line; return its exit code."""
    argparse.ArgumentParser(description="Publish what the last `dbt build` made.").parse_args()
    try:
        with sole_build(PROJECT):
            print(publish())
    except (PublishError, LockError) as error:
        print(f"Not published. {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
