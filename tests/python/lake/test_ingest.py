"""The lake equals the landing folder after any changes, or stays unchanged on an error."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import yaml
from helpers.bulk import Form, day_of, write_export, write_file
from helpers.lake import DATASETS, assert_holds
from helpers.messy import messy_export
from helpers.project import PROJECT, Export, read_export

from warehouse.lake import manifest
from warehouse.lake.errors import IngestError
from warehouse.lake.ingest import ingest

FORMS = [
    Form("json"),
    Form("parquet", "plain", "typed"),
    Form("ndjson.zst", "day"),
    Form("parquet", "flat", "exact"),
    Form("json.gz", "parts"),
    Form("parquet", "day", "pandas"),
    Form("ndjson", "deep"),
]


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


def test_a_day_is_the_same_whatever_files_and_types_it_comes_in(tmp_path: Path) -> None:
    parts = {}
    for number, costs in enumerate(
        [
            [["0.12345678901234567", "12.5", "1e-7"]],  # more digits than a double has
            [["12.50", "1e-7", "0.123456789012345670"]],
            [["1.25e1"], ["0.12345678901234567"], ["0.0000001"]],
            [["1e-7", "12.5"], ["0.12345678901234567"]],
        ]
    ):
        landing, lake = tmp_path / f"landing{number}", tmp_path / f"lake{number}"
        write_export(landing, read_export(), lambda dataset: Form("ndjson", "parts"))
        for file in landing.glob("performance_metrics/*"):
            file.unlink()
        record = json.dumps(read_export()["performance_metrics"][0] | {"cost": "COST"})
        for part, several in enumerate(costs):
            lines = [record.replace('"COST"', cost) for cost in several]
            (landing / f"performance_metrics/{part}.ndjson").write_text("\n".join(lines))
        ingest(landing, lake)
        day = read_export()["performance_metrics"][0]["timestamp"][:10]
        part = manifest.read(lake).datasets["performance_metrics"].days[day]
        files = [str(lake / file) for file in part.files]
        query = "select cost from read_parquet(?, union_by_name = true)"
        found = {Decimal(str(cost)) for (cost,) in duckdb.execute(query, [files]).fetchall()}
        assert found == {Decimal(cost) for several in costs for cost in several}
        parts[number] = (part.content_hash, part.row_count)
    assert len(set(parts.values())) == 1, parts


def test_sql_can_read_the_manifest(tmp_path: Path) -> None:
    write_export(tmp_path / "landing", read_export(), lambda dataset: Form("ndjson", "parts"))
    ingest(tmp_path / "landing", tmp_path / "lake")
    lines = f"read_json('{tmp_path}/lake/{manifest.MANIFEST}')"
    versions = f"select version from {lines} where dataset is null"
    assert duckdb.sql(versions).fetchall() == [(1,)]
    counts = f"select dataset, sum(row_count) from {lines} where files is not null group by dataset"
    export = read_export()
    assert dict(duckdb.sql(counts).fetchall()) == {name: len(export[name]) for name in export}
    days = f"select dataset, count(day) from {lines} where files is not null group by dataset"
    assert dict(duckdb.sql(days).fetchall()) == {
        name: len({day_of(one) for one in records}) if name in SERIES else 0
        for name, records in export.items()
    }
    sources = f"select source from {lines} where source is not null"
    there = {
        str(one.relative_to(tmp_path / "landing")) for one in tmp_path.glob("landing/**/*.ndjson")
    }
    assert {name for (name,) in duckdb.sql(sources).fetchall()} == there


# ---- Repeated deliveries -----------------------------------------------------------------

SERIES = ("funnel_events", "performance_metrics")


class Arrivals:
    """A landing folder with files of days that are added, replaced and removed, and its records."""

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
        """The records of the landing folder."""
        held: Export = {dataset: [] for dataset in SERIES}
        for (dataset, _), records in self.files.items():
            held[dataset] += records
        return self.others | held

    def put(self, dataset: str, name: str, records: list[dict]) -> None:
        """Rewrite a file, or remove it if it would be empty."""
        file = self.landing / dataset / f"{name}.ndjson"
        if records:
            self.files[dataset, name] = records
            write_file(file, dataset, records, Form("ndjson"))
        else:
            del self.files[dataset, name]
            file.unlink()

    def happen(self) -> None:
        """Deliver late records, correct a record, or remove a file."""
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
    assert sum(one.gone for one in outcomes.values()) == 0


def lookback_days() -> int:
    """Return the policy's lookback."""
    policy = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    return policy["vars"]["lookback_days"]


def test_days_that_may_be_restated_are_read_again_whatever_their_files_look_like(
    tmp_path: Path,
) -> None:
    landing, lake = tmp_path / "landing", tmp_path / "lake"
    export = read_export()
    event = export["funnel_events"][0]
    first = date(2026, 1, 1)
    days = [str(first + timedelta(days=number)) for number in range(10)]
    export["funnel_events"] = [
        event | {"event_id": f"E{day}", "date": day, "timestamp": f"{day}T00:00:00"} for day in days
    ]
    write_export(landing, export, lambda dataset: Form("ndjson", "plain"))
    ingest(landing, lake)
    before = manifest.read(lake)
    assert ingest(landing, lake)["funnel_events"].read == lookback_days()
    assert manifest.read(lake) == before  # nothing counts as new
    for day in (days[-1 - lookback_days()], days[-lookback_days()]):
        (file,) = landing.glob(f"funnel_events/{day.replace('-', '/')}*")
        status, text = file.stat(), file.read_text()
        file.write_text(text.replace('"count": 1', '"count": 2', 1))
        assert file.read_text() != text and file.stat().st_size == status.st_size
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    ingest(landing, lake)
    after = manifest.read(lake).datasets["funnel_events"].days
    parts = before.datasets["funnel_events"].days
    assert [day for day in days if parts[day] != after[day]] == [days[-lookback_days()]]


def test_rows_that_moved_to_another_file_are_replaced_with_that(tmp_path: Path) -> None:
    landing, lake = tmp_path / "landing", tmp_path / "lake"
    export = read_export()
    rows = [export["channels"][0] | {"channel_id": name} for name in "AB"]
    del export["channels"]
    write_export(landing, export, lambda dataset: Form("ndjson"))
    for one, other in (("AB", ""), ("B", "A"), ("B", "")):
        export["channels"] = [row for row in rows if row["channel_id"] in one + other]
        for name, ids in (("one", one), ("other", other)):
            text = "".join(f"{json.dumps(row)}\n" for row in rows if row["channel_id"] in ids)
            file = landing / f"channels/{name}.ndjson"
            file.parent.mkdir(exist_ok=True)
            if not file.exists() or file.read_text() != text:
                file.write_text(text)
        ingest(landing, lake)
        assert_holds(lake, export)


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
    assert said.endswith("5 problems; nothing was ingested. Correct the files, or take them out.")
    assert {file: file.read_bytes() for file in lake.rglob("*") if file.is_file()} == before


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


def test_an_ingest_that_is_interrupted_says_so_and_leaves_the_lake_as_it_was(
    tmp_path: Path,
) -> None:
    landing, lake = tmp_path / "landing", tmp_path / "lake"
    export = read_export()
    write_export(landing, export, lambda dataset: Form("ndjson"))
    ingest(landing, lake)
    before = {file: file.read_bytes() for file in lake.rglob("*") if file.is_file()}
    line = json.dumps(export["funnel_events"][0]) + "\n"
    (landing / "funnel_events.ndjson").write_text(line * 500_000)
    code = (
        "from warehouse.cli import in_sentences; from warehouse.lake.ingest import ingest\n"
        f"with in_sentences(): ingest({str(landing)!r}, {str(lake)!r})"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT, stderr=subprocess.PIPE, text=True
    )
    while not list(lake.glob("funnel_events/day=*/2-*")):  # until it is at work
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert (process.returncode, said.strip()) == (130, "Interrupted.")
    assert {file: file.read_bytes() for file in lake.rglob("*") if file.is_file()} == before


# ---- The place and the state of a lake ------------------------------------------------------


def test_what_is_not_the_lakes_stays(tmp_path: Path) -> None:
    landing = write_export(tmp_path / "landing", read_export(), lambda _: Form("parquet", "day"))
    files = {file for file in landing.rglob("*") if file.is_file()}
    for lake in (landing, landing / "lake", tmp_path):
        with pytest.raises(IngestError, match="one lies in the other"):
            ingest(landing, lake)
    other = tmp_path / "lake/x/day=1/a.parquet"
    other.parent.mkdir(parents=True)
    other.touch()
    ingest(landing, tmp_path / "lake")
    assert {file for file in landing.rglob("*") if file.is_file()} == files
    assert other.exists()


@pytest.mark.parametrize("folder", ["event_id=zz", "day=5", "_file=1", "date=2020-01-01"])
def test_a_lake_and_a_landing_folder_may_lie_below_any_folder(tmp_path: Path, folder: str) -> None:
    landing, lake = tmp_path / folder / "landing", tmp_path / folder / "lake"
    export = read_export()
    write_export(landing, export, lambda _: Form("ndjson"))
    ingest(landing, lake)
    late = export["funnel_events"][0] | {"event_id": "LATE"}
    (landing / "funnel_events").mkdir()
    (landing / "funnel_events.ndjson").rename(landing / "funnel_events/a.ndjson")
    ingest(landing, lake)
    write_file(landing / "funnel_events/b.ndjson", "funnel_events", [late], Form("ndjson"))
    export["funnel_events"].append(late)
    ingest(landing, lake)
    assert_holds(lake, export)


def test_a_lake_of_which_a_part_is_gone_is_mended(tmp_path: Path) -> None:
    landing, lake = tmp_path / "landing", tmp_path / "lake"
    export = read_export()
    write_export(landing, export, lambda _: Form("ndjson", "parts"))
    ingest(landing, lake)
    day = min(manifest.read(lake).datasets["performance_metrics"].days)
    shutil.rmtree(lake / f"performance_metrics/day={day}")
    shutil.rmtree(lake / "channels")
    ingest(landing, lake)
    assert_holds(lake, export)


def test_numbers_are_doubles_again_once_none_is_long(tmp_path: Path) -> None:
    landing, lake = tmp_path / "landing", tmp_path / "lake"
    export = read_export()
    write_export(landing, export, lambda _: Form("ndjson", "parts"))
    ingest(landing, lake)
    before = manifest.read(lake).datasets["budget_actions"].days
    (file,) = landing.glob("budget_actions/part-1.ndjson")
    text = file.read_text(encoding="utf-8")
    long = re.sub(r'"amount": [0-9.]+', '"amount": 150.00000000000000000001', text, count=1)
    for content, is_text in ((long, True), (text, False)):
        file.write_text(content, encoding="utf-8")
        ingest(landing, lake)
        after = manifest.read(lake).datasets["budget_actions"].days
        assert bool(after[None].text_files) == is_text
    assert after[None].content_hash == before[None].content_hash
