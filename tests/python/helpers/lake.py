"""The contents of a lake, compared with seeds of the same records; and refused ingests."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest
from helpers.project import Export

from warehouse.lake import manifest
from warehouse.lake.ingest import ingest
from warehouse.lake.records import read
from warehouse.seeds.conversion import convert_record
from warehouse.seeds.declaration import read_declaration
from warehouse.system.errors import WarehouseError

LAKE_FILES = "read_parquet(?, union_by_name = true, hive_partitioning = false)"
DATASETS = read_declaration()


def problems_of(landing: Path) -> list[str]:
    """Ingest files that are refused; return the problems, without the summary."""
    lake = landing.with_name("lake of none")
    with pytest.raises(WarehouseError) as error:
        ingest(landing, lake)
    assert list(lake.rglob("*.parquet")) == []
    return str(error.value).splitlines()[:-1] or [str(error.value)]


def column_of(lake: Path, dataset: str, field: str, by: str) -> list[str | None]:
    """Return a field's values in a lake as text, in the order of another field."""
    files = manifest.read(lake).datasets[dataset].days.values()
    paths = [str(lake / name) for part in files for name in part.files]
    found = duckdb.execute(
        f'select cast("{field}" as varchar) from {LAKE_FILES} order by "{by}"',
        [paths],
    )
    return [value for (value,) in found.fetchall()]


def values(dataset: str, row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a row with its values as they compare, whatever types they have."""
    found = []
    for field, value in zip(DATASETS[dataset].fields, row, strict=True):
        if value is not None and field.type == "number":
            value = float(value)
        elif value is not None and field.type in ("object", "string_list"):
            value = json.dumps(json.loads(value), sort_keys=True)
        elif value is not None:
            value = str(value).lower() if field.type == "boolean" else str(value).replace(" ", "T")
        found.append(value)
    return tuple(found)


def as_seeds(dataset: str, records: list[dict]) -> Counter:
    """Return a dataset's rows as seeds have them."""
    rows: Counter = Counter()
    for record in records:
        problems: list[str] = []
        row = convert_record(DATASETS[dataset], read(json.dumps(record)), problems)
        assert problems == []
        rows[values(dataset, tuple(row))] += 1
    return rows


def in_lake(lake: Path, dataset: str) -> Counter:
    """Return a dataset's rows as its version of the lake has them, each under its day."""
    rows: Counter = Counter()
    names = ", ".join(f'"{field.name}"' for field in DATASETS[dataset].fields)
    for day, part in manifest.read(lake).datasets[dataset].days.items():
        files = [str(lake / name) for name in part.files]
        found = duckdb.execute(
            f"select {names} from {LAKE_FILES}",
            [files],
        ).fetchall()
        assert len(found) == part.row_count
        for row in found:
            rows[values(dataset, row)] += 1
        if DATASETS[dataset].day_fields:
            shown = [dict(zip(names.split(", "), row, strict=True)) for row in found]
            assert {str(one.get('"date"') or one['"timestamp"'])[:10] for one in shown} == {day}
    return rows


def assert_holds(lake: Path, export: Export) -> None:
    for dataset, records in export.items():
        assert in_lake(lake, dataset) == as_seeds(dataset, records), dataset
    there = {str(file.relative_to(lake)) for file in lake.glob("*/*/*.parquet")}
    assert manifest.read(lake).files <= there
