"""The two dbts build the same: relations, columns, types, comments, rows, history, and verdicts."""

from pathlib import Path

import duckdb
import pytest
from helpers.builds import Build, Workspace
from helpers.bulk import Form, write_export
from helpers.cases import CASES
from helpers.project import DBT2, DBT_CORE, read_export

pytestmark = pytest.mark.skipif(not DBT2.exists(), reason="dbt 2 can't be had here: make dbt2")
COLUMNS = """
    select database_name, schema_name, table_name, column_name, data_type, is_nullable, comment
    from duckdb_columns()
    where not internal and schema_name != 'meta'
    union all
    select database_name, schema_name, table_name, null, 'table', null, comment
    from duckdb_tables() where schema_name != 'meta'
    union all
    select database_name, schema_name, view_name, null, 'view', null, comment
    from duckdb_views() where not internal
"""
OF_A_RUN = {"status_log": "seen_at"}


def written(workspace: Workspace) -> tuple[set[tuple], dict[str, tuple]]:
    """Return what a build wrote: each column's type and comment, and each relation's rows."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{workspace.folder}/build/warehouse.duckdb' (read_only)")
        connection.execute(f"attach '{workspace.folder}/history.duckdb' (read_only)")
        connection.execute("use warehouse")
        connection.execute(f"set file_search_path = '{workspace.folder}'")
        columns = set(connection.sql(COLUMNS).fetchall())
        rows = {}
        for database, schema, table in sorted({column[:3] for column in columns}):
            name = f'{database}.{schema}."{table}"'
            rows[name] = connection.sql(
                f"select count(*), bit_xor(hash(one)), sum(hash(one)) from {name} as one"
            ).fetchone()
    return columns, rows


def assert_same_builds(core: Workspace, other: Workspace, one: Build, two: Build) -> None:
    columns, rows = written(core)
    other_columns, other_rows = written(other)
    assert columns ^ other_columns == set()
    assert {name for name in rows if rows[name] != other_rows[name]} == set()
    assert len(rows) > 100
    judged = {"fail", "warn", "error", "skipped"}
    assert {name: status for name, status in one.statuses.items() if status in judged} == {
        name: status for name, status in two.statuses.items() if status in judged
    }
    assert one.failures == two.failures


@pytest.mark.parametrize("case", ["messy", "messy in the past", "messy under another policy"])
def test_an_export_is_built_the_same(core: Workspace, workspace: Workspace, case: str) -> None:
    """Messy exports breach the contract."""
    given, variables = CASES[case].export(), CASES[case].variables
    builds = [one.build(given, variables=variables) for one in (core, workspace)]
    assert_same_builds(core, workspace, *builds)
    assert builds[0].named("fail")


def test_files_are_built_the_same(core: Workspace, workspace: Workspace, tmp_path: Path) -> None:
    forms = [Form("parquet", "day"), Form("ndjson.gz", "date"), Form("json", "parts")]
    files = write_export(tmp_path, read_export(), lambda dataset: forms[len(dataset) % len(forms)])
    builds = [one.build(files=files) for one in (core, workspace)]
    assert_same_builds(core, workspace, *builds)


def test_the_demo_is_built_the_same_unit_tests_and_all(
    core: Workspace, workspace: Workspace
) -> None:
    builds = [one.build(read_export(), arguments=()) for one in (core, workspace)]
    assert_same_builds(core, workspace, *builds)
    assert builds[0].statuses == builds[1].statuses
    assert [one.program for one in (core, workspace)] == [DBT_CORE, DBT2]
