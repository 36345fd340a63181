"""Measure `warehouse ingest` against DuckDB reading the same files and writing them by day.

Sides take turns, each in its own process. `days` puts one more day into a lake of 1095, and
`memory` ingests one file of three years with `memory_limit` 2 GB.
"""

import shutil
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from measure import Line, Took, alternate, judged, run, say

if TYPE_CHECKING:
    from bench import Bench

HERE = Path(__file__).parent
DAYS = 1095
EVENTS, MANY = 5_000_000, 100_000_000
SERIES = ("funnel_events", "performance_metrics")
MEMORY_LIMIT = "2GB"
NDJSON_AIM, PARQUET_AIM, DAY_AIM = 1.5, 1.3, 2.0  # of DuckDB's copy; seconds

INGEST = """
import sys
import duckdb
from warehouse.lake.ingest import ingest

raw, lake, limit = sys.argv[1:]
connect = duckdb.connect
def limited():
    connection = connect()
    if limit:
        connection.execute(f"set memory_limit = '{limit}'")
    return connection
duckdb.connect = limited
ingest(raw, lake)
"""

COPY = """
import sys
from pathlib import Path
import duckdb
from warehouse.lake.rows import day_of
from warehouse.seeds.declaration import read_declaration

raw, lake = map(Path, sys.argv[1:])
types = {"string": "varchar", "integer": "bigint", "number": "double", "boolean": "boolean",
         "date": "date", "timestamp": "timestamp", "string_list": "varchar[]", "object": "json"}
for name, dataset in read_declaration().items():
    files = [str(file) for file in sorted(raw.rglob("*")) if file.is_file()
             and file.relative_to(raw).parts[0].split(".")[0] == name]
    columns = ", ".join(f"{field.name}: '{types[field.type]}'" for field in dataset.fields)
    if not files:
        continue
    reading = f"read_parquet({files}, hive_partitioning = false)"
    if not files[0].endswith(".parquet"):
        reading = (f"read_json({files}, format = 'newline_delimited', hive_partitioning = false,"
                   f" columns = {{{columns}}})")
    duckdb.execute(f"copy (select *, {day_of(dataset)} as day from {reading})"
                   f" to '{lake / name}' (format parquet, partition_by (day))")
"""


def ingested(raw: Path, lake: Path, limit: str = "", keeps: bool = False) -> Took:
    """Make a lake from a landing folder, from scratch unless it `keeps` the present one."""
    if not keeps:
        shutil.rmtree(lake, ignore_errors=True)
    return run([sys.executable, "-c", INGEST, raw, lake, limit], HERE.parent, lake / ".tmp")[0]


def copied(raw: Path, lake: Path) -> Took:
    """Have DuckDB alone do the same."""
    shutil.rmtree(lake, ignore_errors=True)
    lake.mkdir(parents=True)
    return run([sys.executable, "-c", COPY, raw, lake], HERE.parent)[0]


def compare(bench: "Bench", form: str, aim: float) -> Iterator[Line]:
    """Compare a lake of a landing folder with DuckDB's copy of it."""
    raw, lake = bench.data(EVENTS, "--format", form, name=form), bench.scratch / "lake"
    say(f"ingest: {EVENTS:,} events of {form}")
    sides = {"`warehouse ingest`": ingested, "DuckDB's copy": copied}
    took = alternate({name: partial(side, raw, lake) for name, side in sides.items()}, bench.runs)
    (name, ours), (other, theirs) = took.items()
    ratio = ours.total / theirs.total
    yield judged(
        f"ingest, {EVENTS / 1e6:g} million, {form}", name, ours, f"{ratio:.2f}", ratio, aim
    )
    yield Line("", other, theirs)


def a_day(bench: "Bench") -> Iterator[Line]:
    """Add a day to three years, each time to the same lake."""
    raw, lake = bench.data(EVENTS, days=DAYS), bench.scratch / "lake"
    newest = max(folder.name for folder in (raw / "funnel_events").iterdir())
    aside = bench.scratch / "newest"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    say(f"ingest: a day on {DAYS} days")

    def with_day() -> Took:
        for dataset in SERIES:
            (raw / dataset / newest).rename(aside / dataset)
        try:
            ingested(raw, lake)
        finally:
            for dataset in SERIES:
                (aside / dataset).rename(raw / dataset / newest)
        return ingested(raw, lake, keeps=True)

    took = alternate({"a day": with_day}, bench.runs)["a day"]
    yield judged(f"a day on {DAYS} days", "`warehouse ingest`", took, "", took.total, DAY_AIM)


def in_memory(bench: "Bench") -> Iterator[Line]:
    """Ingest many events with little memory, by day and in one file; once."""
    for kind, options in (("by the day", ()), ("one file", ("--flat",))):
        raw = bench.data(MANY, *options, days=DAYS, name=f"parquet{''.join(options)}")
        say(f"ingest: {MANY:,} events, {kind}")
        took = ingested(raw, bench.scratch / "lake", MEMORY_LIMIT)
        spilled = f"spilled {took.spilled:,.0f} MB"
        subject = f"memory, {MANY / 1e6:g} million, {kind}"
        yield Line(subject, f"`warehouse ingest`, memory_limit {MEMORY_LIMIT}", took, spilled)
        shutil.rmtree(bench.scratch / "lake")


def ingest(bench: "Bench") -> Iterator[Line]:
    """Measure an ingest against DuckDB reading the same files and writing them by day."""
    yield from compare(bench, "ndjson", NDJSON_AIM)
    yield from compare(bench, "parquet", PARQUET_AIM)
    yield from a_day(bench)
    yield from in_memory(bench)
