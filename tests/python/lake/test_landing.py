"""The files of each dataset: by folders and names, through links, with literal names."""

import json
import os
import shutil
from pathlib import Path

import duckdb
import pytest
from helpers.bulk import DECLARED, Form, quoted, write_export, write_file, write_text
from helpers.lake import assert_holds, column_of, problems_of
from helpers.project import read_export

from warehouse.lake import rows
from warehouse.lake.ingest import ingest
from warehouse.lake.landing import look
from warehouse.seeds.declaration import Dataset


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    """Return a folder with the demo's export, one file per dataset."""
    return write_export(tmp_path / "landing", read_export(), lambda dataset: Form("ndjson"))


# ---- What fits no dataset --------------------------------------------------------------------

ENDINGS = ".json, .ndjson or .parquet (.json and .ndjson also with .gz or .zst)"


def test_what_is_of_no_dataset_is_named(landing: Path) -> None:
    (landing / "funnel_event").mkdir()
    shutil.copy(landing / "funnel_events.ndjson", landing / "funnel_event/0.ndjson")
    shutil.copy(landing / "funnel_events.ndjson", landing / "funnel_event/1.ndjson")
    shutil.copy(landing / "channels.ndjson", landing / "chanels.ndjson")
    shutil.copy(landing / "campaigns.ndjson", landing / "campaigns.backup.ndjson")
    (landing / "notes.txt").touch()
    are = f"The datasets are {', '.join(sorted(DECLARED))}."
    said = [
        ("campaigns.backup.ndjson", "campaigns.backup; did you mean campaigns?"),
        ("chanels.ndjson", "chanels; did you mean channels?"),
        ("funnel_event/0.ndjson and 1 more", "funnel_event; did you mean funnel_events?"),
        ("notes.txt", "notes."),
    ]
    assert problems_of(landing) == [
        f"{files}: no declared dataset is called {name} {are}" for files, name in said
    ]


def test_what_is_no_data_of_a_dataset_is_named(landing: Path) -> None:
    """A dataset is one file or one folder, in one format: both would count twice."""
    (landing / "channels").mkdir()
    shutil.copy(landing / "channels.ndjson", landing / "channels/0.ndjson")
    (landing / "budget_actions").mkdir()
    (landing / "budget_actions.ndjson").rename(landing / "budget_actions/0.csv")
    (landing / "budget_actions/1.csv").touch()
    (landing / "segment_rollups.ndjson").rename(landing / "segment_rollups")
    records = read_export()["roi_ledger"]
    (landing / "roi_ledger.ndjson").unlink()
    write_file(landing / "roi_ledger/1.ndjson.gz", "roi_ledger", records, Form("ndjson.gz"))
    write_file(landing / "roi_ledger/2.parquet", "roi_ledger", records, Form("parquet"))
    (landing / "campaigns.ndjson").unlink()
    (landing / "creative_assets.ndjson").unlink()
    (landing / "creative_assets").mkdir()
    shutil.copy(landing / "experiments.ndjson", landing / "experiments.ndjson.gz")
    assert problems_of(landing) == [
        f"budget_actions/0.csv and 1 more: expected a file that ends in {ENDINGS}.",
        "channels: channels.ndjson and channels/0.ndjson are both there. A dataset is one file, or"
        " what lies in one folder: remove the other.",
        "experiments: experiments.ndjson and experiments.ndjson.gz are both there. A dataset is"
        " one file, or what lies in one folder: remove the other.",
        "roi_ledger: its files are of several formats (ndjson, parquet), such as"
        " roi_ledger/1.ndjson.gz and roi_ledger/2.parquet. A dataset has one: remove the others.",
        f"segment_rollups: expected a file that ends in {ENDINGS}.",
        "campaigns: no file. Expected campaigns.json or the like, or files in campaigns/.",
        "creative_assets: no file. Expected creative_assets.json or the like, or files in"
        " creative_assets/.",
    ]


def test_a_link_that_leads_nowhere_is_named(landing: Path) -> None:
    (landing / "channels.ndjson").unlink()
    (landing / "channels.ndjson").symlink_to(landing / "nothing")
    assert problems_of(landing) == [
        "channels.ndjson: No such file or directory: a link that leads nowhere?",
    ]


def test_a_link_to_a_folder_that_it_lies_in_is_named(landing: Path) -> None:
    (landing / "funnel_events.ndjson").unlink()
    (landing / "funnel_events").mkdir()
    (landing / "funnel_events/again").symlink_to(landing)
    assert problems_of(landing) == [
        "funnel_events/again: a link to a folder that it lies in; remove it."
    ]


def test_a_name_that_is_not_utf8_is_named(landing: Path) -> None:
    Path(os.fsdecode(os.fsencode(landing) + b"/\xff.ndjson")).touch()
    assert problems_of(landing) == ["\\xff.ndjson: its name is not UTF-8; give it another."]


@pytest.mark.parametrize("what", ["missing", "a file", "empty"])
def test_a_place_without_data_is_named(tmp_path: Path, what: str) -> None:
    place = tmp_path / f"nowhere {what}"
    if what == "a file":
        place.write_text("[]", encoding="utf-8")
    elif what == "empty":
        place.mkdir()
    assert problems_of(place) == [f"{place}: there is no file of data below it."]


def test_a_change_within_a_second_is_seen(landing: Path) -> None:
    """DuckDB's own listing has only whole seconds."""
    file = landing / "channels.ndjson"
    versions = set()
    for nanoseconds in (1_700_000_000_123_456_789, 1_700_000_000_123_456_790):
        os.utime(file, ns=(0, nanoseconds))
        versions.add(look(landing, DECLARED).files["channels"][0].version)
    assert len(versions) == 2


# ---- What is read, and what is left alone ----------------------------------------------------


def test_a_link_is_followed_and_what_is_no_data_is_left_alone(tmp_path: Path) -> None:
    """Writers leave markers and checksums beside their files, hidden or with an underscore."""
    export = read_export()
    landing = write_export(tmp_path / "real", export, lambda dataset: Form("ndjson", "day"))
    days = sorted(path for path in landing.rglob("day=*") if path.is_dir())
    for folder in (landing, days[0]):
        for name in ("_SUCCESS", ".part-0.json.crc", "._channels.json"):
            (folder / name).write_bytes(b"\0\1")
        for name in ("_temporary", ".staging"):
            (folder / name).mkdir()
            (folder / name / "0.ndjson").write_bytes(b"\0\1")
    # A whole day and a file of another lie elsewhere.
    for number, place in enumerate((days[0], next(path for path in days[1].iterdir()))):
        place.rename(tmp_path / f"elsewhere {number}")
        place.symlink_to(tmp_path / f"elsewhere {number}")
    link = tmp_path / 'it\'s "here", really'
    link.symlink_to(landing, target_is_directory=True)
    ingest(link, tmp_path / "lake")
    assert_holds(tmp_path / "lake", export)


@pytest.mark.parametrize("extension", ["ndjson", "json", "parquet"])
def test_a_name_that_looks_like_a_pattern_is_a_name(tmp_path: Path, extension: str) -> None:
    """DuckDB would read p[1] as the pattern p1: one file twice and the other never."""
    export = read_export()
    landing = write_export(tmp_path / "land[1]*?", export, lambda dataset: Form(extension))
    (landing / f"channels.{extension}").unlink()
    first, second, *others = export["channels"]
    for name, records in (("p[1]", [first]), ("p1", [second]), ("p*", others), ("p'", [])):
        write_file(landing / f"channels/{name}.{extension}", "channels", records, Form(extension))
    ingest(landing, tmp_path / "lake")
    assert_holds(tmp_path / "lake", export)


# ---- What folders say ------------------------------------------------------------------------


@pytest.mark.parametrize("extension", ["ndjson", "json", "parquet"])
def test_folders_say_what_the_records_leave_out(tmp_path: Path, extension: str) -> None:
    """Only folders below the landing folder; a record's own field takes precedence."""
    landing = tmp_path / "currency=EUR" / "landing"
    write_export(landing, read_export(), lambda dataset: Form())
    (landing / "budget_actions.ndjson").unlink()
    action, wanted = read_export()["budget_actions"][0], []
    for number, (place, given, found) in enumerate(
        [
            ("currency=GBP/", ["USD", None], ["USD", "GBP"]),
            ("currency=GBP/", ["USD", None], ["USD", "GBP"]),
            ("currency=GBP/year=2026/", [None], ["GBP"]),
            ("", [None, "EUR"], [None, "EUR"]),
            ("currency=a%20b%2Fc/", [None], ["a b/c"]),
            ("currency=__HIVE_DEFAULT_PARTITION__/", [None], [None]),
            ("currency=/", [None], [None]),
            ("year=2026/currency=CHF/part=7/", [None], ["CHF"]),
        ]
    ):
        # Of JSON, what has such a time is judged one by one.
        one = action | {"timestamp": action["timestamp"] + ("z" if number % 2 else "Z")}
        records = [
            one | {"currency": currency, "budget_action_id": f"BUD_{number}_{position}"}
            for position, currency in enumerate(given)
        ]
        file = landing / f"budget_actions/{place}{number}.{extension}"
        write_file(file, "budget_actions", records, Form(extension))
        wanted += found
    ingest(Path(f"{tmp_path}//currency=EUR/landing/"), tmp_path / "lake")
    assert column_of(tmp_path / "lake", "budget_actions", "currency", "budget_action_id") == wanted


def test_a_number_in_a_path_keeps_its_digits(tmp_path: Path) -> None:
    """Even if a double would lose some of them."""
    landing = write_export(tmp_path / "landing", read_export(), lambda dataset: Form())
    (landing / "channels.ndjson").unlink()
    channel = read_export()["channels"][0]
    del channel["avg_cost"]
    text = json.dumps(channel) + "\n"
    write_text(landing / "channels/avg_cost=0.12345678901234567891/0.ndjson", text)
    ingest(landing, tmp_path / "lake")
    found = column_of(tmp_path / "lake", "channels", "avg_cost", "channel_id")
    assert found == ["0.12345678901234567891"]


@pytest.mark.parametrize("extension", ["ndjson", "parquet"])
def test_what_a_path_says_goes_unused_where_the_records_say_it(
    tmp_path: Path, extension: str
) -> None:
    """It need not even be a value of the field."""
    export = read_export()
    landing = write_export(tmp_path / "landing", export, lambda dataset: Form(extension))
    (landing / "funnel_events").mkdir()
    file = landing / f"funnel_events.{extension}"
    (landing / "funnel_events/timestamp=2026-03").mkdir()
    file.rename(landing / f"funnel_events/timestamp=2026-03/0.{extension}")
    ingest(landing, tmp_path / "lake")
    assert_holds(tmp_path / "lake", export)


@pytest.mark.parametrize("extension", ["ndjson", "parquet"])
def test_values_of_any_type_may_be_in_a_path(
    tmp_path: Path, extension: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are validated once per file, not for each record."""
    one_by_one, judged = set(), rows.judged

    def judge(dataset: Dataset, text: str, in_path: dict[str, str]) -> tuple:
        one_by_one.add(dataset.name)
        return judged(dataset, text, in_path)

    monkeypatch.setattr(rows, "judged", judge)
    export = read_export()
    landing = write_export(tmp_path / "landing", export, lambda dataset: Form(extension, "date"))
    fields = [("channels", "avg_cost"), ("audience_segments", "size_estimate")]
    if extension == "ndjson":  # of a column of nulls alone DuckDB would make another type
        fields.append(("budget_actions", "approved_by_human"))
    for dataset, field in fields:
        shutil.rmtree(landing / dataset)
        for number, record in enumerate(export[dataset]):
            without = {name: value for name, value in record.items() if name != field}
            file = landing / f"{dataset}/{field}={json.dumps(record[field])}/{number}.ndjson"
            write_text(file, json.dumps(without) + "\n")
            if extension == "parquet":
                parquet = quoted(file.with_suffix(".parquet"))
                query = f"from read_json({quoted(file)}, hive_partitioning = false)"
                duckdb.execute(f"copy ({query}) to {parquet}")
                file.unlink()
    ingest(landing, tmp_path / "lake")
    assert_holds(tmp_path / "lake", export)
    assert one_by_one.isdisjoint({"funnel_events", *(dataset for dataset, _ in fields)})
