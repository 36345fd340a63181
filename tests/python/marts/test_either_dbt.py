"""The two dbts build the same: relations, columns, types, comments, rows, history, and verdicts."""

import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from helpers.builds import Build, Workspace
from helpers.bulk import Form, write_export
from helpers.cases import CASES
from helpers.project import DBT2, read_export

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


def written(build: Build) -> tuple[set[tuple], dict[str, tuple]]:
    """Return the output of a build: each column's type and comment, and each relation's rows."""
    # Views of the lake say where it is from the project.
    with contextlib.chdir(build.folder), duckdb.connect() as connection:
        connection.execute(f"attach '{build.database}' (read_only)")
        connection.execute(f"attach '{build.folder}/history.duckdb' (read_only)")
        connection.execute("use warehouse")
        columns = set(connection.sql(COLUMNS).fetchall())
        rows = {}
        for database, schema, table in sorted({column[:3] for column in columns}):
            name = f'{database}.{schema}."{table}"'
            rows[name] = connection.sql(
                "select count(*), bit_xor(hash(one)), sum(hash(one)) from ("
                # But for the run that read a lake.
                f" select columns(lambda name: name != 'read_by') from {name}) as one"
            ).fetchone()
    return columns, rows


def assert_same_builds(one: Build, two: Build) -> None:
    columns, rows = written(one)
    other_columns, other_rows = written(two)
    assert columns ^ other_columns == set()
    assert {name for name in rows if rows[name] != other_rows[name]} == set()
    assert len(rows) > 100
    assert one.statuses == two.statuses
    assert one.failures == two.failures


@pytest.mark.long
@pytest.mark.parametrize("case", ["messy", "messy under another policy", "messy in the past"])
def test_an_export_is_built_the_same(
    core: Workspace, build_of: Callable[[str], Build], case: str
) -> None:
    """Messy exports breach the contract."""
    one = core.build(CASES[case].export(), variables=CASES[case].variables)
    assert one.named("fail")
    assert_same_builds(one, build_of(case))


@pytest.mark.long
def test_files_are_built_the_same(core: Workspace, workspace: Workspace, tmp_path: Path) -> None:
    forms = [Form("parquet", "day"), Form("ndjson.gz", "date"), Form("json", "parts")]
    files = write_export(tmp_path, read_export(), lambda dataset: forms[len(dataset) % len(forms)])
    assert_same_builds(core.build(files=files), workspace.build(files=files))


def test_the_demo_is_built_the_same_unit_tests_and_all(
    sample_of_core: Build, sample: Build, whole: bool
) -> None:
    if not whole:  # dbt-core's has no unit tests
        of_both = sample_of_core.statuses.keys()
        statuses, failures = (
            {name: values[name] for name in of_both}
            for values in (sample.statuses, sample.failures)
        )
        sample = replace(sample, statuses=statuses, failures=failures)
    assert len(sample_of_core.statuses) > 350
    assert_same_builds(sample_of_core, sample)


def digits(value: Any) -> Any:
    """Return a value; for a double, the digits that dbt 2 reads from a fixture."""
    return f"{value:.14g}" if isinstance(value, float) else value


def test_unit_tests_hold_to_the_last_digit(workspace: Workspace, sample: Build) -> None:
    """With the project's own queries, since dbt 2 compares no timestamps, and only one decimal."""
    compiled = sample.folder / "target/compiled"
    queries = {file.stem: file.read_text(encoding="utf-8") for file in compiled.rglob("*.sql")}
    names = [one["name"] for one in workspace.manifest["unit_tests"].values()]
    assert len(names) > 100
    with duckdb.connect(str(sample.database), read_only=True) as connection:
        for name in names:
            rows: dict[str, Counter] = {"actual": Counter(), "expected": Counter()}
            for *row, side in connection.sql(queries[name]).fetchall():
                rows[side][tuple(map(digits, row))] += 1
            assert rows["actual"] == rows["expected"], name
