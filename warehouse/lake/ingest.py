"""Take in what a landing folder holds: into a lake of typed Parquet, by the day."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import duckdb

from warehouse.lake import manifest as manifests
from warehouse.lake import rows
from warehouse.lake.errors import IngestError, Problems
from warehouse.lake.landing import LandingFile, look
from warehouse.lake.manifest import Content, Manifest, Part, Source
from warehouse.lake.sql import paths, quoted, texts
from warehouse.seeds.declaration import Dataset, read_declaration
from warehouse.system.paths import PROJECT
from warehouse.system.words import counted

LAKE = PROJECT / "lake"


@dataclass(frozen=True)
class Taken:
    """What became of a dataset: files that were read, skipped since unchanged, and gone."""

    read: int
    skipped: int
    gone: int

    def __str__(self) -> str:
        return f"{counted(self.read, 'file')} read, {self.skipped:,} as before, {self.gone:,} gone"


def ingest(landing: Path, lake: Path) -> dict[str, Taken]:
    """Make a lake what a landing folder holds; return what became of each dataset.

    Raises:
        IngestError: Something is wrong in the landing folder, and the lake is as it was.

    """
    datasets = read_declaration()
    before = manifests.read(lake)
    declaration = hashlib.sha256(repr(datasets).encode()).hexdigest()
    known = before if before.declaration == declaration else Manifest()
    found = look(landing, datasets)
    after = Manifest(before.version + 1, declaration)
    lake.mkdir(parents=True, exist_ok=True)
    remove_all_but(lake, before.files)  # what an ingest that was killed has left
    with duckdb.connect() as connection:
        connection.execute(
            f"set TimeZone = 'UTC'; set temp_directory = {quoted(str(lake / '.tmp'))};"
            " set preserve_insertion_order = true"
        )
        steps = [
            Step(connection, lake, dataset, known.datasets.get(name, Content()), after.version)
            for name, dataset in datasets.items()
        ]
        for step in steps:
            step.read(found.files.get(step.dataset.name, []))
        lines = found.problems + [line for step in steps for line in step.lines()]
        if lines:
            remove_all_but(lake, before.files)
            count = len(found.problems) + sum(step.problems.count for step in steps)
            what_to_do = "nothing was taken in. Correct the files, or take them out."
            raise IngestError(lines, f"{counted(count, 'problem')}; {what_to_do}")
        after.datasets = {step.dataset.name: step.write() for step in steps}
    if after.datasets != before.datasets or after.declaration != before.declaration:
        manifests.write(lake, after)
        remove_all_but(lake, before.files | after.files)
    return {step.dataset.name: step.outcome for step in steps}


def remove_all_but(lake: Path, names: set[str]) -> None:
    """Remove files that are in no version of a lake that anyone reads."""
    for file in lake.glob("*/day=*/*.parquet"):
        if str(file.relative_to(lake)) not in names:
            file.unlink()


class Step:
    """What is done of a dataset: what is new is judged, and then days are put together."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        lake: Path,
        dataset: Dataset,
        known: Content,
        version: int,
    ) -> None:
        self.connection, self.lake, self.dataset = connection, lake, dataset
        self.known, self.version = known, version
        self.folder, self.problems = lake / dataset.name, Problems()
        self.fields = ", ".join(f'"{field.name}"' for field in dataset.fields)

    def read(self, files: list[LandingFile]) -> None:
        """Write what is new or has changed to its days; take note of what is wrong with it."""
        self.files = files
        self.changed = [
            file
            for file in files
            if file.name not in self.known.sources
            or file.version != self.known.sources[file.name].version
        ]
        self.gone = self.known.sources.keys() - {file.name for file in files}
        prefix = f"{self.version}-new"
        try:
            rows.write(
                self.connection, self.dataset, self.changed, self.folder, prefix, self.problems
            )
        except duckdb.Error as error:  # a file that can't be read, which it names
            self.problems.of_columns(self.dataset.name, [str(error).partition("\n")[0]])

    def lines(self) -> list[str]:
        """Return what is wrong, a line each."""
        if not self.problems.count:
            return []
        return rows.lines(self.connection, self.dataset, self.changed, self.problems)

    def write(self) -> Content:
        """Put days together of what is new and what stays; return what the dataset is now."""
        known = self.known.sources
        replaced = self.gone | {file.name for file in self.changed}
        brought = self.days_by_file(self.written("new"))
        touched = {day for days in brought.values() for day in days}
        touched |= {day for name in replaced & known.keys() for day in known[name].days}
        staying = {
            day for name, one in known.items() if name not in replaced for day in one.days
        } & touched
        if staying:
            kept = [self.lake / name for day in staying for name in self.known.days[day].files]
            query = (
                f"select {self.fields}, _file, day from {reading(kept)}"
                f" where not list_contains({texts(sorted(replaced))}, _file)"
            )
            rows.copy(self.connection, query, self.folder, f"{self.version}-kept")
        sources = {
            file.name: known[file.name]
            if file not in self.changed
            else Source(file.version, brought.get(file.name, []))
            for file in self.files
        }
        days = {day: part for day, part in self.known.days.items() if day not in touched}
        return Content(sources, days | self.parts(self.written("")))

    def written(self, kind: str) -> list[Path]:
        """Return the files of a kind that this ingest has written."""
        return sorted(self.folder.glob(f"day=*/{self.version}-{kind}*.parquet"))

    def days_by_file(self, files: list[Path]) -> dict[str, list[str]]:
        """Return the days that each landing file has brought."""
        if not files:
            return {}
        query = f"select _file, list_sort(list(distinct day)) from {reading(files)} group by _file"
        return dict(self.connection.execute(query).fetchall())

    def parts(self, files: list[Path]) -> dict[str, Part]:
        """Return what was written, by day."""
        if not files:
            return {}
        times = [f'"{field.name}"' for field in self.dataset.fields if field.type == "timestamp"]
        found = self.connection.execute(
            f"select day, list_sort(list(distinct filename)), count(*),"
            f" cast(max({times[0] if times else 'null'}) as varchar),"
            f" printf('%016x', cast(sum(hash(row({self.fields}))) % {2**64} as ubigint))"
            f" from {reading(files)} group by day order by day"
        ).fetchall()
        numbers = [field.name for field in self.dataset.fields if field.type == "number"]
        long_numbers = self.connection.execute(
            "select distinct file_name, name from parquet_schema("
            f"{paths(map(str, files))}) where type = 'BYTE_ARRAY' and list_contains(?, name)",
            [numbers],
        ).fetchall()
        return {
            day: Part(
                [str(Path(name).relative_to(self.lake)) for name in names],
                count,
                last_at,
                content_hash,
                sorted({number for file, number in long_numbers if file in names}),
            )
            for day, names, count, last_at, content_hash in found
        }

    @property
    def outcome(self) -> Taken:
        """What became of the dataset."""
        return Taken(len(self.changed), len(self.files) - len(self.changed), len(self.gone))


def reading(files: list[Path]) -> str:
    """Return what reads files of the lake, with the day and the path of each row."""
    return (
        f"read_parquet({paths(map(str, files))}, union_by_name = true, filename = true,"
        " hive_partitioning = true, hive_types = {'day': varchar})"
    )
