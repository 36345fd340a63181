"""The same export in any form gives the same marts, and those that the oracle reads.

What is compared with comes from elsewhere: the seeds that the converter writes, and the oracle.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import yaml
from helpers.builds import Build, Workspace
from helpers.bulk import (
    DECLARED,
    OF_THE_INPUT,
    Form,
    assert_as_the_oracle_reads,
    assert_same_marts,
    assert_whole,
    day_of,
    write_export,
    write_file,
)
from helpers.cases import CASES, world
from helpers.project import DBT_CORE, FASTEST, LAKE, copy_project, read_export

from warehouse import publish
from warehouse.explain import explanation
from warehouse.lake.ingest import ingest

FORMS = [
    Form("json"),
    Form("parquet", "date", "typed"),
    Form("ndjson.zst", "day"),
    Form("parquet", "flat", "text"),
    Form("json.gz", "date"),
    Form("parquet", "day", "pandas"),
    Form("ndjson", "deep"),
    Form("json.zst", "parts"),
    Form("parquet", "parts", "exact"),
    Form("ndjson.gz", "plain"),
    Form("ndjson", "date"),
    Form("parquet", "plain", "typed"),
    Form("json", "day"),
]
"""As many as there are datasets: each build has every form once."""

DATA_ONLY = ("--exclude-resource-type", "unit_test")
ONLY_MODELS = (*DATA_ONLY, "test")
TURNS = {  # how far the forms are turned against the datasets, and which export is written so
    0: "messy",
    6: "messy under another policy",
    7: "sample",
    12: "messy without optional files",
}


def forms(turn: int) -> Callable[[str], Form]:
    """Return the form of each dataset, the forms turned against them."""
    datasets = list(DECLARED)
    return lambda dataset: FORMS[(datasets.index(dataset) + turn) % len(FORMS)]


def test_every_form_is_of_some_dataset_and_every_dataset_has_several() -> None:
    assert len(FORMS) == len(set(FORMS)) == len(DECLARED)
    for dataset in DECLARED:
        assert len({forms(turn)(dataset).extension for turn in TURNS}) > 2, dataset


@pytest.fixture(scope="module")
def bulk_build_of(
    workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[int], Build]:
    """Return a function that gives the build of files in forms that are turned so far."""
    builds: dict[int, Build] = {}

    def build(turn: int) -> Build:
        if turn not in builds:
            case = CASES[TURNS[turn]]
            folder = write_export(tmp_path_factory.mktemp("landing"), case.export(), forms(turn))
            # The sample's is a plain `dbt build`: unit tests don't care where the data is from.
            builds[turn] = workspace.build(
                files=folder,
                variables=case.variables,
                arguments=() if case.export is read_export else DATA_ONLY,
            )
        return builds[turn]

    return build


@pytest.fixture(scope="module")
def turns(whole: bool) -> dict[int, str]:
    """Return the turns that are built; the short suite does with one."""
    return {turn: name for turn, name in TURNS.items() if whole or turn == 7}


def test_marts_are_what_the_oracle_reads(
    turns: dict[int, str], bulk_build_of: Callable[[int], Build]
) -> None:
    for turn, name in turns.items():
        build = bulk_build_of(turn)
        assert_whole(build)
        assert_as_the_oracle_reads(build, world(name))


@pytest.mark.parametrize(
    "turn", [pytest.param(0, marks=pytest.mark.long), 7], ids=lambda turn: TURNS[turn]
)
def test_marts_are_those_of_the_seeds(
    turn: int, bulk_build_of: Callable[[int], Build], build_of: Callable[[str], Build]
) -> None:
    """Also the marts and columns that the oracle doesn't know, and all tests say the same."""
    of_files, of_seeds = bulk_build_of(turn), build_of(TURNS[turn])
    assert_same_marts(of_files, of_seeds)
    for status in ("fail", "warn"):
        assert of_files.named(status) == of_seeds.named(status)
    ran = {
        raw: {name for name, status in build.statuses.items() if status in ("pass", "fail", "warn")}
        for raw, build in (("files", of_files), ("seeds", of_seeds))
    }
    assert ran["seeds"] <= ran["files"], "no check of a seeds build is left out"


def test_the_inputs_are_counted(
    turns: dict[int, str], bulk_build_of: Callable[[int], Build]
) -> None:
    for turn, name in turns.items():
        ((inputs,),) = [
            tuple(row.values())
            for row in bulk_build_of(turn).rows("select inputs from marts.warehouse_build")
        ]
        rows = {dataset: one["rows"] for dataset, one in json.loads(inputs).items()}
        export = CASES[name].export()
        assert rows == {dataset: len(export.get(dataset, [])) for dataset in DECLARED}


# ---- The source of the raw data ---------------------------------------------------------------


@pytest.fixture(scope="module")
def untested(workspace: Workspace) -> Build:
    """Build the sample's models from seeds."""
    return workspace.build(read_export(), arguments=ONLY_MODELS)


@pytest.mark.long
def test_seeds_and_files_take_turns_in_one_build_file(
    workspace: Workspace, tmp_path: Path, untested: Build
) -> None:
    """What was a table of a seed becomes a view of files, and the other way round."""
    folder = write_export(tmp_path, read_export(), forms(2))
    workspace.build(read_export(), arguments=ONLY_MODELS)
    turns = [(None, folder), (read_export(), None), (None, folder)]
    for export, files in turns:
        (workspace.folder / "history.duckdb").unlink(missing_ok=True)
        build = workspace.build(export, files=files, arguments=ONLY_MODELS, fresh=False)
        assert_whole(build)
        assert_same_marts(build, untested)


@pytest.mark.long
def test_a_lake_in_an_object_store_is_read_as_a_folder_is(
    tmp_path: Path, build_of: Callable[[str], Build]
) -> None:
    """By an address, here one of fsspec's, by which DuckDB reads what it knows no protocol of.

    Not fsspec's store in memory: all who open a file there share one position in it.
    """
    workspace = Workspace(tmp_path / "workspace", DBT_CORE)  # the other dbt knows DuckDB's alone
    profiles = workspace.folder / "profiles.yml"
    profile = yaml.safe_load(profiles.read_text(encoding="utf-8"))
    profile["marketing_orchestrator"]["outputs"]["duckdb"]["filesystems"] = [
        {"fs": "dir", "path": str(tmp_path / "store"), "target_protocol": "file"}
    ]
    profiles.write_text(yaml.safe_dump(profile), encoding="utf-8")
    ingest(write_export(tmp_path / "landing", read_export(), forms(4)), tmp_path / "store/lake")
    variables = LAKE | {"lake_path": "dir://lake/"}
    workspace.dbt("build", "--vars", json.dumps(variables), *DATA_ONLY)
    # What is published is tables, which need no store.
    published = publish.publish(workspace.folder).marts.fingerprints
    expected = publish.publish(build_of("sample").folder).marts.fingerprints
    different = {mart for mart in expected if published[mart] != expected[mart]}
    assert different <= OF_THE_INPUT.keys()


def test_make_build_takes_files(
    tmp_path: Path, build_of: Callable[[str], Build], whole: bool
) -> None:
    """Nothing is converted, whatever lies in seeds/json; what is published is the same."""
    project = copy_project(tmp_path)
    (project / "seeds/json/channels.json").write_text("[", encoding="utf-8")
    landing = write_export(project / "landing", read_export(), form_of_make_build)
    command = [sys.executable, "-m", "warehouse", "build"]

    def make_build(code: int, *arguments: str) -> str:
        done = subprocess.run(
            [*command, "--from", "landing", *arguments],
            cwd=project,
            env=os.environ | {"DBT": str(FASTEST)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    said = make_build(0)
    printed = dict(re.findall(r"^ +(\w+) +[\d,]+  ([0-9a-f]{16})$", said, re.MULTILINE))
    expected = publish.publish(build_of("sample").folder).marts.fingerprints
    different = {mart for mart in expected if printed.get(mart) != expected[mart]}
    assert different <= OF_THE_INPUT.keys()
    days = {
        dataset: sorted({day_of(record) for record in read_export()[dataset]})
        for dataset in ("funnel_events", "performance_metrics")
    }
    for dataset, of in days.items():
        more = f" and {len(of) - 5} more" if len(of) > 5 else ""
        assert f" {dataset}: {len(of)} of {len(of)} days new: {', '.join(of[:5])}{more}\n" in said

    if whole:
        gone, *_ = of = days["performance_metrics"]
        shutil.rmtree(landing / f"performance_metrics/day={gone}")
        said = make_build(0)
        # The newest files are read again, and change nothing.
        files = [file.parent.name for file in landing.glob("performance_metrics/*/*")]
        newest = sum(day > f"day={of[-4]}" for day in files)
        assert re.search(rf"^performance_metrics +{newest} files read, ", said, re.MULTILINE), said
        assert f" performance_metrics: 0 of {len(of) - 1} days new; gone: {gone}\n" in said, said

    campaigns = read_export()["campaigns"]
    campaigns[0]["status"] = "of some kind"
    write_file(landing / "campaigns.parquet", "campaigns", campaigns, Form("parquet"))
    if whole:  # what isn't looked at is no export
        make_build(4, "--exclude", "path:models/raw")
        with duckdb.connect(str(project / publish.BUILD_FILE), read_only=True) as connection:
            seen = connection.sql("select exports_seen from marts.warehouse_build").fetchall()
        assert seen == [(2,)]
        make_build(0)
        assert "    files   campaigns.parquet\n" in str(explanation.explain(project))

    file = landing / "experiments.parquet"
    file.write_bytes(file.read_bytes()[:-1])
    said = make_build(1)
    assert said.startswith("Nothing was built.\nexperiments.parquet: "), said


def form_of_make_build(dataset: str) -> Form:
    """Return Parquet, by the day where days are kept."""
    return Form("parquet", "day" if dataset in ("funnel_events", "performance_metrics") else "flat")
