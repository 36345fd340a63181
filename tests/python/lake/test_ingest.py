"""What lies in a landing folder is in the lake, whatever became of it since, or nothing changed."""

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest
from helpers.bulk import Form, day_of, write_export, write_file
from helpers.messy import messy_export
from helpers.project import PROJECT, Export, read_export

from warehouse.lake import manifest
from warehouse.lake.errors import IngestError
from warehouse.lake.ingest import ingest
from warehouse.lake.records import read
from warehouse.seeds.conversion import convert_record
from warehouse.seeds.declaration import read_declaration

DATASETS = read_declaration()
FORMS = [
    Form("json"),
    Form("parquet", "plain", "typed"),
    Form("ndjson.zst", "day"),
    Form("parquet", "flat", "exact"),
    Form("json.gz", "parts"),
    Form("parquet", "day", "pandas"),
    Form("ndjson", "deep"),
]


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
            f"select {names} from read_parquet(?, union_by_name = true)", [files]
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


@pytest.mark.parametrize("turn", range(len(FORMS)))
def test_whatever_the_form_the_lake_holds_what_seeds_do(
    tmp_path: Path, turn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect_elsewhere() -> duckdb.DuckDBPyConnection:
        connection = connect()
        connection.execute("set TimeZone = 'America/St_Johns'")  # as a machine's may be
        return connection

    connect = duckdb.connect
    monkeypatch.setattr(duckdb, "connect", connect_elsewhere)
    export, names = messy_export(10), list(DATASETS)
    landing = write_export(
        tmp_path / "landing",
        export,
        lambda dataset: FORMS[(names.index(dataset) + turn) % len(FORMS)],
    )
    ingest(landing, tmp_path / "lake")
    assert_holds(tmp_path / "lake", export)


# ---- Arriving, again and again -----------------------------------------------------------------

SERIES = ("funnel_events", "performance_metrics")


class Arrivals:
    """A landing folder in which files of days arrive, come anew and go, and what it must hold."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.landing, self.lake = folder / "landing", folder / "lake"
        self.chance = random.Random(seed)
        export = read_export()
        write_export(
            self.landing,
            {name: records for name, records in export.items() if name not in SERIES},
            lambda dataset: Form("json"),
        )
        self.others = {name: records for name, records in export.items() if name not in SERIES}
        self.files: dict[tuple[str, str], list[dict]] = {}
        self.waiting = []
        for dataset in SERIES:
            for record in export[dataset]:
                part = self.chance.randrange(2)
                self.waiting.append((dataset, f"{day_of(record)}/{part}", record))
        self.chance.shuffle(self.waiting)

    @property
    def export(self) -> Export:
        """What lies in the landing folder."""
        held: Export = {dataset: [] for dataset in SERIES}
        for (dataset, _), records in self.files.items():
            held[dataset] += records
        return self.others | held

    def put(self, dataset: str, name: str, records: list[dict]) -> None:
        """Write a file anew, or remove one that would be empty."""
        file = self.landing / dataset / f"{name}.ndjson"
        if records:
            self.files[dataset, name] = records
            write_file(file, dataset, records, Form("ndjson"))
        else:
            del self.files[dataset, name]
            file.unlink()

    def happen(self) -> None:
        """Let records arrive late, a record be corrected, or a file go."""
        for dataset, name, record in [
            self.waiting.pop() for _ in range(min(20, len(self.waiting)))
        ]:
            self.put(dataset, name, [*self.files.get((dataset, name), []), record])
        if self.chance.random() < 0.5:
            dataset, name = self.chance.choice(sorted(self.files))
            records = [dict(record) for record in self.files[dataset, name]]
            number = "count" if dataset == "funnel_events" else "cost"
            records[0][number] += 1
            self.put(dataset, name, records)
        if self.chance.random() < 0.3 and len(self.files) > 5:
            dataset, name = self.chance.choice(sorted(self.files))
            self.put(dataset, name, [])


@pytest.mark.parametrize("seed", range(3))
def test_whatever_arrives_or_goes_the_lake_is_what_there_is(
    tmp_path: Path, seed: int, whole: bool
) -> None:
    arrivals = Arrivals(tmp_path, seed)
    for _ in range(30 if whole else 6):
        arrivals.happen()
        ingest(arrivals.landing, arrivals.lake)
        assert_holds(arrivals.lake, arrivals.export)
    before = manifest.read(arrivals.lake)
    outcomes = ingest(arrivals.landing, arrivals.lake)
    assert manifest.read(arrivals.lake) == before
    assert {(one.read, one.gone) for one in outcomes.values()} == {(0, 0)}


def test_only_what_changed_is_written_anew(tmp_path: Path) -> None:
    arrivals = Arrivals(tmp_path, 1)
    while arrivals.waiting:
        arrivals.happen()
    ingest(arrivals.landing, arrivals.lake)
    before = manifest.read(arrivals.lake).datasets["funnel_events"].days
    dataset, name = next(one for one in sorted(arrivals.files) if one[0] == "funnel_events")
    arrivals.put(dataset, name, [record | {"count": 9} for record in arrivals.files[dataset, name]])
    ingest(arrivals.landing, arrivals.lake)
    after = manifest.read(arrivals.lake).datasets["funnel_events"].days
    assert [day for day in before if before[day] != after[day]] == [name.split("/")[0]]


# ---- All or nothing ----------------------------------------------------------------------------


def test_what_is_wrong_in_any_dataset_is_listed_and_nothing_changes(tmp_path: Path) -> None:
    landing, lake = tmp_path / "landing", tmp_path / "lake"
    write_export(landing, read_export(), lambda dataset: Form("ndjson"))
    ingest(landing, lake)
    before = {file: file.read_bytes() for file in lake.rglob("*") if file.is_file()}
    export = read_export()
    export["channels"][1]["avg_cost"] = "12.5"
    export["funnel_events"][2]["count"] = 1.5
    export["funnel_events"][3]["staeg"] = export["funnel_events"][3].pop("stage")
    write_export(landing, export, lambda dataset: Form("ndjson"))
    (landing / "campaigns.backup.ndjson").write_text("{}")
    with pytest.raises(IngestError) as error:
        ingest(landing, lake)
    said = str(error.value)
    channel, event = export["channels"][1]["channel_id"], export["funnel_events"][2]["event_id"]
    place = f"channels.ndjson: record 2 ({channel}): avg_cost"
    assert f'{place}: expected a number, found the string "12.5"' in said
    place = f"funnel_events.ndjson: record 3 ({event}): count"
    assert f"{place}: expected an integer, found the number 1.5" in said
    assert "staeg: undeclared field; did you mean stage?" in said
    assert "campaigns.backup.ndjson: no declared dataset is called campaigns.backup" in said
    assert said.endswith("5 problems; nothing was taken in. Correct the files, or take them out.")
    assert {file: file.read_bytes() for file in lake.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize("extension", ["json", "json.gz", "ndjson.gz", "parquet"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, extension: str) -> None:
    landing, lake = tmp_path / "landing", tmp_path / "lake"
    write_export(landing, read_export(), lambda dataset: Form("ndjson"))
    (landing / "funnel_events.ndjson").unlink()
    export = {"funnel_events": read_export()["funnel_events"]}
    write_export(landing, export, lambda dataset: Form(extension))
    file = landing / f"funnel_events.{extension}"
    file.write_bytes(b"\x00\x01" + file.read_bytes()[2:-20])
    with pytest.raises(IngestError) as error:
        ingest(landing, lake)
    assert "funnel_events" in str(error.value)
    assert str(error.value).endswith("Correct the files, or take them out.")
    assert list(lake.rglob("*.parquet")) == []


def test_files_that_fit_no_dataset_are_all_that_is_said_of_it(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    write_export(landing, read_export(), lambda dataset: Form("ndjson", "parts"))
    (landing / "channels/more.json").write_text("[]")
    (landing / "campaigns.csv").write_text("campaign_id")
    with pytest.raises(IngestError) as error:
        ingest(landing, tmp_path / "lake")
    assert [one.split(": ")[0] for one in str(error.value).splitlines()[:-1]] == [
        "campaigns.csv",
        "campaigns",
        "channels",
    ]
    assert "several formats (json, ndjson)" in str(error.value)


def test_a_killed_ingest_leaves_the_lake_of_before_or_of_after(tmp_path: Path, whole: bool) -> None:
    landing, lake = tmp_path / "landing", tmp_path / "lake"
    exports = [read_export(), messy_export(10)]
    write_export(landing, exports[0], lambda dataset: Form("ndjson"))
    ingest(landing, lake)
    code = (
        "from pathlib import Path; from warehouse.lake.ingest import ingest; print(1, flush=True);"
        f" ingest(Path({str(landing)!r}), Path({str(lake)!r}))"
    )
    chance, killed, before = random.Random(5), 0, exports[0]
    for number in range(1, 61 if whole else 5):
        now = exports[number % 2]
        write_export(landing, now, lambda dataset: Form("ndjson"))
        process = subprocess.Popen(
            [sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE
        )
        assert process.stdout and process.stdout.readline()
        time.sleep(chance.uniform(0, 0.8))
        process.kill()
        killed += process.wait() == -signal.SIGKILL
        process.stdout.close()
        try:
            assert_holds(lake, now)
        except AssertionError:
            assert_holds(lake, before)
        ingest(landing, lake)
        assert_holds(lake, now)
        before = now
    assert killed >= (40 if whole else 1)
