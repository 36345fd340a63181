"""JSON to seed to staging keeps any valid JSON."""

from pathlib import Path

import duckdb
import pytest
from helpers.builds import Workspace
from helpers.seed_reader import seed_query
from helpers.valid_json import (
    DATASETS,
    JSON_TEXTS,
    Record,
    Value,
    json_of,
    read_json,
    records_of,
    spaces,
    staged,
)
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from warehouse.seeds import conversion
from warehouse.seeds.conversion import convert


def assert_staged(
    connection: duckdb.DuckDBPyConnection, dataset: str, records: list[Record], query: str
) -> None:
    """Compare the rows of a query with a dataset's records."""
    result = connection.sql(query)
    found = [dict(zip(result.columns, row, strict=True)) for row in result.fetchall()]
    for row in found:
        row.pop("is_new", None)  # of two datasets; says nothing of a seed's records
        row |= {column: read_json(row[column]) for column in JSON_TEXTS & row.keys()}
    expected = [staged(dataset, record) for record in records]
    assert len(found) == len(expected)
    for number, (wanted, row) in enumerate(zip(expected, found, strict=True), start=1):
        assert row.keys() == wanted.keys()
        for column, value in wanted.items():
            # As they are written, since 1 == True, and 0.0 == -0.0
            assert repr(row[column]) == repr(value), (dataset, number, column, records[number - 1])


@pytest.fixture(scope="module")
def staging_sql(workspace: Workspace) -> dict[str, str]:
    """Return the compiled query of each dataset's staging view."""
    compiled = workspace.compiled("path:models/staging")
    return {name.removeprefix("stg_"): sql for name, sql in compiled.items()}


@pytest.fixture
def empty_export(tmp_path: Path) -> Path:
    """Return a folder of files without records."""
    folder = tmp_path / "json"
    folder.mkdir()
    for dataset in DATASETS:
        (folder / f"{dataset}.json").write_text("[]")
    return folder


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_file_comes_back_from_staging(
    empty_export: Path,
    tmp_path: Path,
    staging_sql: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    whole: bool,
    dataset: str,
) -> None:
    # Reading it takes most of a conversion's time.
    monkeypatch.setattr(conversion, "read_declaration", lambda: DATASETS)
    seeds = tmp_path / "seeds"
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as warehouse; create schema warehouse.raw")

    @settings(max_examples=500 if whole else 40)
    @given(st.lists(records_of(dataset), min_size=1, max_size=2), spaces)
    def comes_back(records: list[Record], space: str) -> None:
        file = empty_export / f"{dataset}.json"
        file.write_bytes(json_of(records, space).encode())
        convert(empty_export, seeds)
        query = seed_query(seeds / f"raw_{dataset}.csv")
        connection.execute(f"create or replace table warehouse.raw.raw_{dataset} as {query}")
        assert_staged(connection, dataset, records, staging_sql[dataset])

    comes_back()
    connection.close()


def drawn(strategy: st.SearchStrategy[Record], count: int) -> list[Record]:
    """Return about a given number of different records."""
    records = []

    @settings(max_examples=count, phases=[Phase.generate])
    @given(strategy)
    def draw(record: Record) -> None:
        records.append(record)

    draw()
    return records


def assert_comes_back(workspace: Workspace, export: dict[str, list[Record]]) -> None:
    """Convert an export, let dbt build its staging, and compare."""
    folder = workspace.folder / "seeds/json"
    for dataset, records in export.items():
        (folder / f"{dataset}.json").write_bytes(json_of(records, "\n").encode())
    convert(folder, workspace.folder / "seeds/orchestrator")
    selected = ("path:seeds/orchestrator", "path:models/staging")
    unselected = ("--exclude-resource-type", "test", "unit_test")
    results = workspace.dbt("build", "--select", *selected, *unselected)
    assert {result["status"] for result in results} == {"success"}
    with duckdb.connect(str(workspace.folder / "build/warehouse.duckdb")) as connection:
        for dataset, records in export.items():
            query = f"select * from staging.stg_{dataset}"
            assert_staged(connection, dataset, records, query)


def test_an_export_comes_back_from_dbts_staging(workspace: Workspace, whole: bool) -> None:
    for _ in range(8 if whole else 1):
        export = {dataset: drawn(records_of(dataset), 100) for dataset in DATASETS}
        assert_comes_back(workspace, export)


def test_texts_that_dbt_would_take_for_numbers_come_back(workspace: Workspace) -> None:
    # agate, which dbt reads seeds with, guesses types, and this number is too large for it.
    too_large = Value('"1e999999999"', "1e999999999")
    export = {}
    for dataset, declared in DATASETS.items():
        (record, *_) = drawn(records_of(dataset), 1)
        texts = [field.name for field in declared.fields if field.type == "string"]
        export[dataset] = [record | dict.fromkeys(texts, too_large)]
    assert_comes_back(workspace, export)
