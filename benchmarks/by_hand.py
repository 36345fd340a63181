"""Put together and run the script without dbt, based on limit.sql.

limit.sql has, written by hand, everything that grows with the events. The rest is the SQL that a
dbt build of the same data compiled, in the order of its references, so that its logic is written
once. The result is one SQL script, run by one DuckDB process, that fails where a check does.

Usage: .venv/bin/python benchmarks/by_hand.py SCRIPT BUILD_FOLDER [MEMORY_LIMIT]
"""

import graphlib
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from warehouse.dbt.artifacts import read_artifacts

LIMIT = Path(__file__).resolve().parent / "limit.sql"
SERIES = ("funnel_events", "performance_metrics")
MEASURES = ("row_count", "last_at", "day", "content_hash")  # not checks


@dataclass
class Block:
    """Statements of limit.sql, the models that they build, and the models whose tests they run."""

    makes: list[str] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)
    sql: str = ""


def blocks(text: str) -> list[Block]:
    """Return the blocks of limit.sql; each begins with its lines `makes` and `checks`."""
    found: list[Block] = []
    is_head = False
    for line in text.splitlines():
        head = re.match(r"-- (makes|checks): (.*)", line)
        if head and not is_head:
            found.append(Block())
        is_head = bool(head)
        if head:
            getattr(found[-1], head[1]).extend(head[2].split())
        elif found:
            found[-1].sql += line + "\n"
    return found


def quoted(text: str | Path) -> str:
    """Return a text as an SQL literal."""
    return "'" + str(text).replace("'", "''") + "'"


class Script:
    """The whole script, as text, from the artifacts of a dbt build of the same data."""

    def __init__(self, project: Path, raw: Path) -> None:
        run_results, manifest = read_artifacts(project)
        self.compiled = {one["unique_id"]: one["compiled_code"] for one in run_results["results"]}
        kinds = ("model", "seed", "test")
        self.nodes = {
            key: node
            for key, node in manifest["nodes"].items()
            if node["resource_type"] in kinds and key in self.compiled
        }
        self.project, self.raw = project, raw
        self.blocks = blocks(LIMIT.read_text(encoding="utf-8"))
        self.by_name = {
            node["name"]: key for key, node in self.nodes.items() if node["resource_type"] != "test"
        }
        with duckdb.connect(str(project / "build/warehouse.duckdb"), read_only=True) as built:
            columns = built.sql(
                "select schema_name || '.' || table_name, column_name, data_type"
                " from duckdb_columns() order by column_index"
            ).fetchall()
        self.columns: dict[str, dict[str, str]] = {}
        for relation, column, kind in columns:
            self.columns.setdefault(relation, {})[column] = kind

    def text(self) -> str:
        """Return the script; raise ValueError where limit.sql doesn't fit the project."""
        for block in self.blocks:
            unknown = [name for name in block.makes + block.checks if name not in self.by_name]
            if unknown:
                raise ValueError(f"limit.sql names {unknown[0]}, which is no model of the project.")
        statements = [*self.preamble(), *self.steps()]
        statements.extend(self.judge(name) for block in self.blocks for name in block.checks)
        return "\n".join(statements)

    def steps(self) -> Iterator[str]:
        """Yield blocks, models and tests, each after all that it reads."""
        step_of = {key: key for key in self.nodes}
        sql: dict[str, str] = {}
        for block in self.blocks:
            name = block.makes[0]
            members = [self.by_name[one] for one in block.makes] + self.tests_of(*block.checks)
            step_of.update(dict.fromkeys(members, name))
            sql[name] = block.sql
        parents: dict[str, set[str]] = {}
        for key, node in self.nodes.items():
            read = {step_of[one] for one in node["depends_on"].get("nodes", ()) if one in step_of}
            parents.setdefault(step_of[key], set()).update(read - {step_of[key]})
        for step in graphlib.TopologicalSorter(parents).static_order():
            if step in sql:
                yield sql[step]
            elif self.nodes[step]["resource_type"] == "test":
                yield self.check(self.nodes[step])
            else:
                yield self.make(self.nodes[step])

    def tests_of(self, *names: str) -> list[str]:
        """Return the tests of these models, as dbt attaches them."""
        models = {self.by_name[name] for name in names}
        return [key for key, node in self.nodes.items() if node.get("attached_node") in models]

    def preamble(self) -> Iterator[str]:
        """Yield the settings: paths of files, and schemas."""
        yield f"set variable raw = {quoted(self.raw)};"
        yield f"set file_search_path = {quoted(self.project)};"  # the folder of the lake
        schemas = {
            node["schema"] for node in self.nodes.values() if node["database"] == "warehouse"
        }
        for schema in sorted(schemas | {"checks"}):
            yield f"create schema if not exists {schema};"

    def make(self, node: dict[str, Any]) -> str:
        """Return the statement that builds a model or a seed, with its columns in dbt's order."""
        relation, kind = f"{node['schema']}.{node['alias']}", node["config"]["materialized"]
        columns = self.columns.get(relation, {})  # none for the history, which is in its own file
        if node["resource_type"] == "seed":
            path = quoted(self.project / node["original_file_path"])
            values = ", ".join(
                f'cast("{name}" as {kind}) as "{name}"' for name, kind in columns.items()
            )
            options = "all_varchar = true, header = true, nullstr = '', allow_quoted_nulls = false"
            return f"create table {relation} as select {values} from read_csv({path}, {options});"
        names = ", ".join(f'"{name}"' for name in columns) or "*"
        kind = "view" if kind == "view" else "table"
        query = f"select {names} from (\n{self.compiled[node['unique_id']]}\n)"
        return f"create {kind} {node['relation_name']} as {query};"

    def check(self, node: dict[str, Any]) -> str:
        """Return the statement that runs a test of the project, and fails where it does."""
        query = f"select count(*) as failures from (\n{self.compiled[node['unique_id']]}\n)"
        if node["config"]["severity"].lower() == "warn":
            return f"{query};"
        return f"select error({quoted(node['name'])}) from ({query}) where failures > 0;"

    def judge(self, name: str) -> str:
        """Return the statements that fail where a check of limit.sql has found a row."""
        tables = re.findall(rf"create table (checks\.{name}(?:__\w+)?) as", LIMIT.read_text())
        measures = ", ".join(f"'{one}'" for one in MEASURES)
        return "\n".join(
            f"select error(check_name) from (unpivot (select columns(c -> c not in ({measures})"
            f" and c not like 'warns_%') from {table}) on columns(*) into name check_name value"
            " failures) where failures > 0;"
            for table in tables
        )


def missing_checks(project: Path, raw: Path, file: Path) -> list[str]:
    """Return a sentence for each model for which limit.sql runs fewer or more tests."""
    script = Script(project, raw)
    sentences = []
    with duckdb.connect(str(file), read_only=True) as connection:
        for block in script.blocks:
            for name in block.checks:
                count = connection.execute(
                    "select count(*) from duckdb_columns() where schema_name = 'checks'"
                    " and split_part(table_name, '__', 1) = ?"
                    " and not list_contains(?, column_name)",
                    [name, list(MEASURES)],
                ).fetchone()[0]
                tests = script.tests_of(name)
                # A test of several columns is as many checks.
                metadata = [script.nodes[one].get("test_metadata") or {} for one in tests]
                columns = [one.get("kwargs", {}).get("columns") for one in metadata]
                checks = sum(len(several) if several else 1 for several in columns)
                if count != checks:
                    sentences.append(f"{name} has {checks} checks, and limit.sql {count} of them.")
    return sentences


def run(script: Path, folder: Path, memory_limit: str | None) -> float:
    """Run a script in new database files in a folder; return the seconds inside DuckDB."""
    text = script.read_text(encoding="utf-8")
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute(f"attach {quoted(folder / 'history.duckdb')} as history")
        if memory_limit:
            connection.execute(f"set memory_limit = {quoted(memory_limit)}")
        started = time.perf_counter()
        for statement in connection.extract_statements(text):
            connection.execute(statement)
        return time.perf_counter() - started


def main() -> None:
    """Run the command line, and print the seconds inside DuckDB."""
    script, folder, *rest = sys.argv[1:]
    print(run(Path(script), Path(folder), rest[0] if rest else None))


if __name__ == "__main__":
    main()
