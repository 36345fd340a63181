"""An export of benchmarks/generate.py is clean, repeatable, and the same in every format."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from helpers.builds import Workspace
from helpers.project import PROJECT

from warehouse.seeds.declaration import read_declaration

DATASETS = read_declaration()
TYPES = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "string_list": "VARCHAR[]",
    "object": "JSON",
}
SMALL = ("--campaigns", "6", "--days", "35", "--events", "4_000", "--anomaly-rate", "0.05")

Generate = Callable[..., Path]


@pytest.fixture(scope="module")
def generate(tmp_path_factory: pytest.TempPathFactory) -> Generate:
    """Return a function that runs the command line and gives the folder that it wrote to."""

    def run(*arguments: str) -> Path:
        folder = tmp_path_factory.mktemp("generated")
        command = [sys.executable, PROJECT / "benchmarks/generate.py", folder, *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return folder

    return run


@pytest.fixture(scope="module")
def parquet(generate: Generate) -> Path:
    return generate(*SMALL)


def rows(folder: Path, dataset: str) -> list[tuple]:
    """Return a dataset's rows as text, sorted, from whatever files it has."""
    fields = DATASETS[dataset].fields
    names = [path for path in folder.rglob("*") if path.is_file() and dataset in str(path)]
    columns = {field.name: TYPES[field.type] for field in fields}
    reader = (
        "read_parquet($files, hive_partitioning = false)"
        if names[0].suffix == ".parquet"
        else f"read_json($files, columns = {columns}, hive_partitioning = false)"
    )
    relation = duckdb.execute(
        f"select columns(*)::varchar from {reader} order by all", {"files": list(map(str, names))}
    )
    assert [column[0] for column in relation.description] == list(columns)
    return relation.fetchall()


def test_a_generated_export_is_clean(workspace: Workspace, generate: Generate) -> None:
    files = generate(*SMALL, "--format", "json", "--flat").glob("*.json")
    export = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}
    assert export.keys() == DATASETS.keys()
    assert all(export.values())
    assert len(export["funnel_events"]) == pytest.approx(4_000, rel=0.15)

    build = workspace.build(export)
    assert build.statuses
    assert not build.named("warn", "fail", "error", "skipped")
    rules = build.rows("select status, checked_rows from marts.contract_compliance")
    assert all(rule["status"] == "pass" and rule["checked_rows"] > 0 for rule in rules)
    # The anomalies are findings.
    reported = build.rows("select distinct status from marts.segment_rollup_reconciliation")
    assert {row["status"] for row in reported} == {"match", "mismatch", "not_computable"}
    trusted = build.rows("select distinct is_trusted from marts.fct_funnel_daily")
    assert len(trusted) == 2


def test_parquet_has_the_declared_types(parquet: Path) -> None:
    for dataset in DATASETS.values():
        file = next(path for path in parquet.rglob("*.parquet") if dataset.name in str(path))
        described = duckdb.execute(f"describe from '{file}'").fetchall()
        assert [(name, kind) for name, kind, *_ in described] == [
            *((field.name, TYPES[field.type]) for field in dataset.fields),
            *([("day", "DATE")] if file.parent != parquet else []),
        ]


def test_the_same_arguments_give_the_same_rows(parquet: Path, generate: Generate) -> None:
    again, other = generate(*SMALL), generate(*SMALL, "--seed", "2")
    for dataset in DATASETS:
        assert rows(parquet, dataset) == rows(again, dataset), dataset
        assert dataset == "channels" or rows(parquet, dataset) != rows(other, dataset), dataset


@pytest.mark.parametrize(
    "options",
    [
        ("--format", "ndjson"),
        ("--format", "ndjson", "--compress", "zst", "--flat"),
        ("--format", "json", "--compress", "gz"),
        ("--flat",),
    ],
    ids=" ".join,
)
def test_formats_hold_the_same_rows(
    options: tuple[str, ...], parquet: Path, generate: Generate
) -> None:
    folder = generate(*SMALL, *options)
    for dataset in DATASETS:
        assert rows(folder, dataset) == rows(parquet, dataset), dataset


@pytest.mark.parametrize("anomaly_rate", ["0", "0.05"])
def test_only_anomalies_widen_a_funnel(anomaly_rate: str, generate: Generate) -> None:
    folder = generate(*SMALL, "--anomaly-rate", anomaly_rate, "--flat")
    widened = duckdb.execute(
        f"""
        select count > lag(count) over (
            partition by campaign_id, segment_id, channel_id, date
            order by cast(substr(event_id, 5) as bigint)
        ) as is_wider
        from '{folder}/funnel_events.parquet'
        qualify is_wider
        """
    ).fetchall()
    assert bool(widened) == (anomaly_rate != "0")


def test_a_folder_that_holds_something_is_left_alone(parquet: Path) -> None:
    command = [sys.executable, PROJECT / "benchmarks/generate.py", parquet]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "is not empty" in done.stderr
