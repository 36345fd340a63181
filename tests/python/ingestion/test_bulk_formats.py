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
from typing import Any

import duckdb
import pytest
import yaml
from helpers import oracle
from helpers.builds import Build, Workspace
from helpers.bulk import (
    DECLARED,
    OF_THE_INPUT,
    Form,
    Record,
    assert_as_the_oracle_reads,
    assert_same_marts,
    assert_whole,
    day_of,
    evidence_of,
    quoted,
    write_export,
    write_file,
)
from helpers.cases import CASES, world
from helpers.project import DBT_CORE, FASTEST, Export, copy_project, read_export
from helpers.valid_json import JSON_TEXTS

from warehouse import publish
from warehouse.explain import explanation

FORMS = [
    Form("json"),
    Form("parquet", "date", "typed"),
    Form("ndjson.zst", "day"),
    Form("parquet", "flat", "text"),
    Form("json.gz", "date", "text"),
    Form("parquet", "day", "pandas"),
    Form("ndjson", "deep", "text"),
    Form("json.zst", "parts"),
    Form("parquet", "parts", "exact"),
    Form("ndjson.gz", "plain"),
    Form("ndjson", "date"),
    Form("parquet", "plain", "typed"),
    Form("json", "day", "text"),
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


# ---- Types that say something of their own ----------------------------------------------------


def native_evidence(export: Export) -> Export:
    """Return an export in which every risk's evidence has all keys, null where it had none."""
    keys = sorted({key for risk in export["campaign_risk_signals"] for key in risk["evidence"]})
    for risk in export["campaign_risk_signals"]:
        risk["evidence"] = {key: risk["evidence"].get(key) for key in keys}
    return export


def write_native(folder: Path, dataset: str, records: list[Record]) -> None:
    """Write records as Parquet of whatever types DuckDB sees in them: structs, lists, times."""
    text = folder.parent / f"{dataset}.native.json"
    text.write_text(json.dumps(records), encoding="utf-8")
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (from read_json({quoted(text)})) to"
            f" {quoted(folder / f'{dataset}.parquet')} (format parquet)"
        )


@pytest.fixture(scope="module")
def native(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Build an export of nested columns, where the machine's clock isn't UTC."""
    export = native_evidence(read_export())
    folder = write_export(
        tmp_path_factory.mktemp("native"), export, lambda dataset: Form("parquet", "day", "exact")
    )
    for dataset in ("campaign_risk_signals", "creative_assets"):
        for file in sorted(folder.glob(f"{dataset}/**/*.parquet")):
            file.unlink()
        write_native(folder, dataset, export[dataset])
    profiles = workspace.folder / "profiles.yml"
    before = profiles.read_text(encoding="utf-8")
    zone = "threads: 4\n      settings: {TimeZone: America/St_Johns}"
    profiles.write_text(before.replace("threads: 4", zone), encoding="utf-8")
    assert "St_Johns" in profiles.read_text(encoding="utf-8")
    try:
        return workspace.build(files=folder)
    finally:
        profiles.write_text(before, encoding="utf-8")


def test_nested_columns_and_zoned_times_give_the_same_wherever_they_are_read(
    native: Build,
) -> None:
    export = native_evidence(read_export())
    assert_whole(native)
    assert native.named("fail") == set()
    assert_as_the_oracle_reads(native, oracle.read_world(export))
    # In a struct what a record doesn't have is null: whether it is kept or not is the same.
    evidence = {risk["risk_id"]: risk["evidence"] for risk in export["campaign_risk_signals"]}
    found = evidence_of(native)
    assert found.keys() == evidence.keys()
    for risk, pairs in found.items():
        wanted = [(key, value) for key, value in evidence[risk].items() if value is not None]
        assert [(key, value) for key, value in pairs if value is not None] == wanted


# ---- Values: each field, each type, each form ------------------------------------------------

TEXTS = ["", " ", "'", '"', "Ünïcode ☕", "Line\nbreak", "null", "NULL", "1e5", "0012", "{}", "[a]"]


def records_of(dataset: str) -> list[Record]:
    """Return a record for each of some values of a dataset's fields, legal but far-fetched."""
    values: dict[str, list[Any]] = {
        "string": TEXTS,
        "integer": [0, -1, 2**31, 2**53, -(2**53)],
        "number": [0, -0.01, 1234567.891, 0.005, 333.335, 1e-6, 5e-17, 1234567890.5],
        "boolean": [True, False],
        "date": ["2026-03-16", "0001-01-01", "9999-12-31", "2024-02-29"],
        "timestamp": [
            "2026-03-16T10:30:00",
            "2026-03-16 10:30",
            "2026-03-16T23:59:59.999999Z",
            "2026-03-16T10:30:00+05:30",
            "2026-03-16T00:30:00-0800",
            "2026-12-31T23:00:00.5-02:00",
            "1999-12-31T00:00:00.123456789z",
        ],
        "string_list": [[], ["a"], ["a", "a", 'quo"te', "ü, ä", ""]],
        "object": [{}, {"a": 1}, {"a": {"b": [1, "x", None, True]}, "": 1.5, "ü 'k\"ey": "☕\n"}],
    }
    fields = DECLARED[dataset].fields
    count = max(len(values[field.type]) for field in fields)
    records = []
    for number in range(count):
        record = {
            field.name: values[field.type][number % len(values[field.type])] for field in fields
        }
        for field in fields:
            if field.nullable and number % 3 == 1:
                record[field.name] = None
            if field.optional and number % 3 == 2:
                del record[field.name]
        records.append(record)
    return records


ONLY_STAGING = ("--select", "+path:models/staging", "--exclude-resource-type", "test", "unit_test")


def staged(build: Build, dataset: str) -> list[str]:
    """Return the rows that staging shows, sorted; lists and objects by what they say."""
    rows = build.rows(f"select * from staging.stg_{dataset}")
    for row in rows:
        for column in JSON_TEXTS & row.keys():
            row[column] = json.loads(row[column], object_pairs_hook=list)
    return sorted(map(repr, rows))


@pytest.mark.long
def test_every_value_is_staged_as_from_a_seed(
    workspace: Workspace, tmp_path: Path, whole: bool
) -> None:
    export = {dataset: records_of(dataset) for dataset in DECLARED}
    of_seeds = workspace.build(export, arguments=ONLY_STAGING)
    for turn in range(13) if whole else (1, 5, 9):
        folder = write_export(tmp_path / str(turn), export, forms(turn))
        of_files = workspace.build(files=folder, arguments=ONLY_STAGING)
        assert_whole(of_files)
        for dataset in DECLARED:
            found, wanted = staged(of_files, dataset), staged(of_seeds, dataset)
            assert found == wanted, f"{dataset} as {forms(turn)(dataset)}"


@pytest.mark.long
def test_numbers_of_files_of_several_types_stay_what_they_are(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Read together they would be of one type; of a float, digits are lost, and 5e-17 as text."""
    folder = write_export(tmp_path / "land", read_export(), lambda _: Form())
    (folder / "performance_metrics.ndjson").unlink()
    record = read_export()["performance_metrics"][0]
    costs = {
        "decimal(12, 2)": ("98770.07", "98770.070000"),
        "double": ("5e-17", "0.000000"),
        "bigint": ("20000001", "20000001.000000"),
        "float": ("0.5", "0.500000"),
        "varchar": ("333.335", "333.335000"),
        "decimal(18, 6)": ("999999999998.123456", "999999999998.123456"),
    }
    for number, (type_name, (cost, _)) in enumerate(costs.items()):
        file = folder / f"performance_metrics/{number}.parquet"
        one = record | {"timestamp": f"2026-03-0{number + 1}T10:00:00", "cost": 0}
        write_file(file, "performance_metrics", [one], Form("parquet"))
        with duckdb.connect() as connection:
            connection.execute(f"create table one as from {quoted(file)}")
            connection.execute(f"alter table one alter cost type {type_name} using '{cost}'")
            connection.execute(f"copy one to {quoted(file)} (format parquet)")
    build = workspace.build(files=folder, arguments=("--select", "+stg_performance_metrics"))
    rows = build.rows("select cost from staging.stg_performance_metrics order by recorded_at")
    assert [str(row["cost"]) for row in rows] == [staged for _, staged in costs.values()]


@pytest.mark.long
@pytest.mark.parametrize("extension", ["ndjson", "parquet"])
def test_folders_say_what_the_records_leave_out(
    workspace: Workspace, tmp_path: Path, extension: str
) -> None:
    """Those below raw_path, and where the record says it itself, the record is right."""
    folder = tmp_path / "currency=EUR" / "land"
    write_export(folder, read_export(), lambda _: Form())
    (folder / "budget_actions.ndjson").unlink()
    actions = read_export()["budget_actions"]
    wanted = {}
    for number, (action, given) in enumerate(
        zip(actions, ["USD", None, None, "EUR"], strict=False)
    ):
        place = "currency=GBP/" if number != 2 else ""
        file = folder / f"budget_actions/{place}{number}.{extension}"
        write_file(file, "budget_actions", [action | {"currency": given}], Form(extension))
        wanted[action["budget_action_id"]] = given or ("GBP" if place else "USD")
    build = workspace.build(
        files=folder,
        variables={"raw_path": f"{tmp_path}//currency=EUR/land/"},
        arguments=("--select", "+stg_budget_actions"),
    )
    found = build.rows("select budget_action_id, currency from staging.stg_budget_actions")
    assert {row["budget_action_id"]: row["currency"] for row in found} == wanted


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


def test_a_link_is_followed_and_what_is_no_data_is_left_alone(
    workspace: Workspace, tmp_path: Path, untested: Build
) -> None:
    """Writers leave markers and checksums beside their files, hidden or with an underscore."""
    folder = write_export(tmp_path / "real", read_export(), forms(3))
    for name in ("_SUCCESS", ".part-0.json.crc", "._channels.json"):
        (folder / name).write_bytes(b"\0\1")
        days = sorted(path for path in folder.rglob("day=*") if path.is_dir())
        (days[0] / name).write_bytes(b"\0\1")
    # A whole day and a file of another lie elsewhere.
    for number, place in enumerate((days[0], next(path for path in days[1].iterdir()))):
        place.rename(tmp_path / f"elsewhere {number}")
        place.symlink_to(tmp_path / f"elsewhere {number}")
    link = tmp_path / 'it\'s "here", really'
    link.symlink_to(folder, target_is_directory=True)
    assert_same_marts(workspace.build(files=link, arguments=ONLY_MODELS), untested)


@pytest.mark.long
def test_an_object_store_is_read_as_a_folder_is(tmp_path: Path, untested: Build) -> None:
    """By an address; here one of fsspec's, by which DuckDB reads what it knows no protocol of.

    Not fsspec's store in memory: all who open a file there share one position in it.
    """
    workspace = Workspace(tmp_path / "workspace", DBT_CORE)  # the other dbt knows DuckDB's alone
    profiles = workspace.folder / "profiles.yml"
    profile = yaml.safe_load(profiles.read_text(encoding="utf-8"))
    profile["marketing_orchestrator"]["outputs"]["duckdb"]["filesystems"] = [
        {"fs": "dir", "path": str(tmp_path / "store"), "target_protocol": "file"}
    ]
    profiles.write_text(yaml.safe_dump(profile), encoding="utf-8")
    folder = write_export(tmp_path / "store/landing", read_export(), forms(4))
    address = {"raw_path": "dir://landing/"}
    build = workspace.build(files=folder, variables=address, arguments=ONLY_MODELS)
    files = build.rows("select file from files.found")
    assert len(files) > len(DECLARED)
    assert all(row["file"].startswith("dir://landing/") for row in files)
    assert_same_marts(build, untested)


@pytest.mark.long
def test_a_name_that_looks_like_a_pattern_is_a_name(
    workspace: Workspace, tmp_path: Path, untested: Build
) -> None:
    """DuckDB would take p[1] for p1, and read one file twice and the other never."""
    folder = write_export(tmp_path / "land[1]*?", read_export(), lambda _: Form())
    for dataset, extension in (("channels", "ndjson"), ("campaigns", "parquet")):
        (folder / f"{dataset}.ndjson").unlink()
        first, *others = read_export()[dataset]
        for name, records in (("p[1]", [first]), ("p1", others)):
            file = folder / dataset / f"{name}.{extension}"
            write_file(file, dataset, records, Form(extension))
    assert_same_marts(workspace.build(files=folder, arguments=ONLY_MODELS), untested)


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
            [*command, "--vars", "{raw: files, raw_path: landing}", *arguments],
            cwd=project,
            env=os.environ | {"DBT": str(FASTEST)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

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
        assert f" {dataset}: {len(of)} of {len(of)} days read, {of[0]} to {of[-1]}\n" in said, said

    if whole:  # of what has come before, the newest days are read again, and what is gone
        gone, same, *_ = of = days["performance_metrics"]
        shutil.rmtree(landing / f"performance_metrics/day={gone}")
        said = make_build(0)
        read = f"3 of {len(of) - 1} days read, {of[-3]} to {of[-1]}; gone: {gone}"
        assert same < of[-3]
        assert f" performance_metrics: {read}\n" in said, said

    campaigns = read_export()["campaigns"]
    campaigns[0]["status"] = "of some kind"
    write_file(landing / "campaigns.parquet", "campaigns", campaigns, Form("parquet"))
    if whole:  # what isn't looked at is no export
        make_build(1, "--exclude", "path:models/raw")
        with duckdb.connect(str(project / publish.BUILD_FILE), read_only=True) as connection:
            seen = connection.sql("select exports_seen from marts.warehouse_build").fetchall()
        assert seen == [(2,)]

    file = landing / "experiments.parquet"
    file.write_bytes(file.read_bytes()[:-1])
    said = make_build(1)
    assert re.search(r"^dbt build: (\d+) of \1, 1 failed in ", said, re.MULTILINE), said
    assert "landing/experiments.parquet" in said
    assert "A file is damaged: have it written again, or take it out, and build again." in said
    # The paths start at the project, wherever one asks.
    assert "    files   landing/campaigns.parquet\n" in explanation.explain(project)


def form_of_make_build(dataset: str) -> Form:
    """Return Parquet, by the day where days are kept."""
    return Form("parquet", "day" if dataset in ("funnel_events", "performance_metrics") else "flat")
