"""Ingest what a landing folder holds: into a lake of typed Parquet, by the day."""

import copy
import hashlib
import os
import re
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import yaml

from warehouse.lake import manifest as manifests
from warehouse.lake import rows
from warehouse.lake.damaged import FAILURES, damaged, reason
from warehouse.lake.endings import wrong_ending
from warehouse.lake.errors import IngestError, Problems, WrongFilesError
from warehouse.lake.landing import Landing, LandingFile, look
from warehouse.lake.manifest import Content, Manifest, Part, Source
from warehouse.lake.places import Place, place
from warehouse.lake.sql import paths, quoted, texts
from warehouse.seeds.declaration import Dataset, read_declaration
from warehouse.system.paths import PROJECT
from warehouse.system.progress import Progress
from warehouse.system.words import counted

LAKE = PROJECT / "lake"
IN_LAKE = re.compile(r"\w+/day=[^/]+/\d+-(new|kept)\b[^/]*\.parquet")  # as they are written
DAY = f"nullif(day, {quoted(rows.ALL)})"  # null where a dataset doesn't come by the day


@dataclass(frozen=True)
class Outcome:
    """What became of a dataset: files that were read, skipped since unchanged, and gone."""

    read: int
    skipped: int
    gone: int

    def __str__(self) -> str:
        return f"{counted(self.read, 'file')} read, {self.skipped:,} unchanged, {self.gone:,} gone"


def report(outcomes: dict[str, Outcome]) -> list[str]:
    """Return a line for each dataset that has files, or had some."""
    return [
        f"{dataset:<23} {outcome}"
        for dataset, outcome in outcomes.items()
        if outcome.read or outcome.skipped or outcome.gone
    ]


def ingest(landing: Path | str, lake: Path | str) -> dict[str, Outcome]:
    """Make a lake what a landing folder holds; return what became of each dataset.

    Args:
        landing: A folder, or an address such as s3://bucket/landing.
        lake: The same.

    Raises:
        IngestError: Something is wrong in the landing folder, and the lake is as it was.

    """
    datasets = read_declaration()
    source, target = place(landing), place(lake)
    if source.holds(target) or target.holds(source):
        raise IngestError([f"{landing} and {lake}: one lies in the other. Put the lake elsewhere."])
    before = manifests.read(target)
    declaration = hashlib.sha256(repr(datasets).encode()).hexdigest()
    known = copy.deepcopy(before) if before.declaration == declaration else Manifest()
    known.forget(known.files - {name for name, _ in target.versions()})
    found = look(source, datasets)
    after = Manifest(before.version + 1, declaration)
    remove_all_but(target, before.files)  # what an ingest that was killed has left
    with duckdb.connect() as connection, target.workshop() as work:
        for one in (source, target):
            one.register(connection)
        connection.execute(
            f"set TimeZone = 'UTC'; set temp_directory = {quoted(str(work / '.tmp'))};"
            " set preserve_insertion_order = true"
        )
        steps = [
            Step(connection, target, work, dataset, known.datasets.get(name, Content()), after)
            for name, dataset in datasets.items()
        ]
        try:
            written = written_by(steps, found)
            after.datasets = {name: content for name, content in written.items() if content.sources}
            for name in sorted(after.files - before.files):
                target.put(work / name, name)
        except BaseException:  # Ctrl-C too
            remove_all_but(target, before.files)
            raise
    if after.datasets != before.datasets or after.declaration != before.declaration:
        manifests.write(target, after)
    remove_all_but(target, before.files | after.files)
    return {step.dataset.name: step.outcome for step in steps}


def written_by(steps: "list[Step]", found: Landing) -> dict[str, Content]:
    """Return what each dataset is once what is new has been written."""
    with Progress("ingest") as progress:
        for step in steps:
            step.read(found.files.get(step.dataset.name, []))
            progress.show(len(steps))
    lines = found.problems + [line for step in steps for line in step.lines()]
    if lines:
        count = len(found.problems) + sum(step.problems.count for step in steps)
        what_to_do = "nothing was ingested. Correct the files, or take them out."
        raise WrongFilesError(lines, f"{counted(count, 'problem')}; {what_to_do}")
    return {step.dataset.name: step.write() for step in steps}


def remove_all_but(lake: Place, names: set[str]) -> None:
    """Remove files that are in no version of a lake that anyone reads."""
    for name, _ in list(lake.versions()):
        if IN_LAKE.fullmatch(name) and name not in names:
            lake.remove(name)


class Step:
    """What is done of a dataset: what is new is judged, and then days are put together."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        lake: Place,
        work: Path,
        dataset: Dataset,
        known: Content,
        after: Manifest,
    ) -> None:
        self.connection, self.lake, self.work, self.dataset = connection, lake, work, dataset
        self.known, self.version = known, after.version
        self.folder, self.problems = work / dataset.name, Problems()
        self.fields = ", ".join(f'"{field.name}"' for field in dataset.fields)

    def read(self, files: list[LandingFile]) -> None:
        """Write what is new or has changed to its days; take note of what is wrong with it."""
        self.files = files
        known, restated = self.known.sources, self.restated_days()
        self.anew = [
            file
            for file in files
            if file.name not in known
            or file.version != known[file.name].source_version
            or not restated.isdisjoint(known[file.name].days)
        ]
        self.gone = known.keys() - {file.name for file in files}
        whole, prefix = self.whole_files(), f"{self.version}-new"
        try:
            rows.write(self.connection, self.dataset, whole, self.folder, prefix, self.problems)
        except FAILURES as error:
            found = damaged(self.connection, self.dataset, whole)
            for name, why in found or [(self.dataset.name, reason(error))]:
                self.problems.of_columns(name, [why])

    def whole_files(self) -> list[LandingFile]:
        """Return the files to read that end as they should; take note of the others."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            wrong = list(pool.map(wrong_ending, self.anew))
        whole = []
        for file, problem in zip(self.anew, wrong, strict=True):
            if problem:
                self.problems.of_columns(file.name, [problem])
            else:
                whole.append(file)
        return whole

    def restated_days(self) -> set[str | None]:
        """Return the newest days, which platforms restate, and whose files are read each time."""
        days = [date.fromisoformat(day) for day in self.known.days if day]
        first = max(days) - timedelta(days=lookback_days()) if days else date.max
        return {str(day) for day in days if day > first}

    def lines(self) -> list[str]:
        """Return what is wrong, a line each."""
        if not self.problems.count:
            return []
        return rows.lines(self.connection, self.dataset, self.anew, self.problems)

    def write(self) -> Content:
        """Put days together of what is new and what stays; return what the dataset is now."""
        known = self.known.sources
        replaced = self.gone | {file.name for file in self.anew}
        brought = self.days_by_file(self.written("new"))
        touched = {day for days in brought.values() for day in days}
        touched |= {day for name in replaced & known.keys() for day in known[name].days}
        staying = {
            day for name, one in known.items() if name not in replaced for day in one.days
        } & touched
        if staying:
            kept = [self.lake.path(name) for day in staying for name in self.known.days[day].files]
            rows_kept = (
                f"from {reading(kept)} where not list_contains({texts(sorted(replaced))}, _file)"
            )
            query = f"select {self.kept_fields(rows_kept)}, _file, day {rows_kept}"
            rows.copy(self.connection, query, self.folder, f"{self.version}-kept")
        sources = {
            file.name: known[file.name]
            if file not in self.anew
            else Source(file.version, brought.get(file.name, []))
            for file in self.files
        }
        days = {day: part for day, part in self.known.days.items() if day not in touched}
        return Content(sources, days | self.parts_with_changes(self.written("")))

    def kept_fields(self, rows_kept: str) -> str:
        """Return the fields of rows that stay; numbers are doubles again once none is long."""
        numbers = [field.name for field in self.dataset.fields if field.type == "number"]
        is_long = " or ".join(
            f'cast("{name}" as varchar) <> cast(cast("{name}" as double) as varchar)'
            for name in numbers
        )
        query = f"select count(*) {rows_kept} and ({is_long or 'false'})"
        if self.connection.execute(query).fetchall() != [(0,)]:
            return self.fields
        return ", ".join(
            f'cast("{field.name}" as double) as "{field.name}"'
            if field.name in numbers
            else f'"{field.name}"'
            for field in self.dataset.fields
        )

    def written(self, kind: str) -> list[str]:
        """Return the files of a kind that this ingest has written."""
        return sorted(
            str(file) for file in self.folder.glob(f"day=*/{self.version}-{kind}*.parquet")
        )

    def days_by_file(self, files: list[str]) -> dict[str, list[str | None]]:
        """Return the days that each landing file has brought."""
        if not files:
            return {}
        query = f"select distinct _file, {DAY} from {reading(files)} order by all"
        found = defaultdict(list)
        for file, day in self.connection.execute(query).fetchall():
            found[file].append(day)
        return found

    def parts(self, files: list[str]) -> dict[str | None, Part]:
        """Return what was written, by day."""
        if not files:
            return {}
        times = [f'"{field.name}"' for field in self.dataset.fields if field.type == "timestamp"]
        found = self.connection.execute(
            f"select {DAY}, list_sort(list(distinct filename)), count(*),"
            f" cast(max({times[0] if times else 'null'}) as varchar), {hashed(self.dataset)}"
            f" from {reading(files)} group by day order by day"
        ).fetchall()
        numbers = [field.name for field in self.dataset.fields if field.type == "number"]
        texts = self.connection.execute(
            "select distinct file_name from parquet_schema("
            f"{paths(files)}) where type = 'BYTE_ARRAY' and list_contains(?, name)",
            [numbers],
        ).fetchall()

        def below(names: list[str]) -> list[str]:
            return [str(Path(name).relative_to(self.work)) for name in names]

        return {
            day: Part(below(names), below([n for n in names if (n,) in texts]), *rest)
            for day, names, *rest in found
        }

    def parts_with_changes(self, files: list[str]) -> dict[str | None, Part]:
        """Return what was written, by day; of a day with the same rows what there was before.

        The same of the same landing files, that is: by `_file` rows are found that are replaced.
        """
        parts = self.parts(files)
        alike = {
            day: part
            for day, part in self.known.days.items()
            if day in parts and part.content_hash == parts[day].content_hash
        }
        before = self.sources_hashes(
            [self.lake.path(name) for part in alike.values() for name in part.files]
        )
        now = self.sources_hashes(
            [str(self.work / name) for day in alike for name in parts[day].files]
        )
        return parts | {day: part for day, part in alike.items() if before[day] == now[day]}

    def sources_hashes(self, files: list[str]) -> dict[str | None, int]:
        """Return for each day a hash of its rows and the landing files that they are from."""
        if not files:
            return {}
        query = f"select {DAY}, {hashed(self.dataset, '_file')} from {reading(files)} group by day"
        return dict(self.connection.execute(query).fetchall())

    @property
    def outcome(self) -> Outcome:
        """What became of the dataset."""
        return Outcome(len(self.anew), len(self.files) - len(self.anew), len(self.gone))


def lookback_days() -> int:
    """Return within how many days before the newest data is restated, by the policy."""
    policy = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    return policy["vars"]["lookback_days"]


def hashed(dataset: Dataset, *more: str) -> str:
    """Return SQL for a hash of rows, the same in whatever order and of whatever types they are."""
    values = list(more)
    for field in dataset.fields:
        x = f'"{field.name}"'
        values.append(f"cast({x} as double)" if field.type == "number" else x)
        if field.type == "number":  # it is text where any is of more digits than a double has
            digits = f"nullif({x}, cast({values[-1]} as varchar))"
            values.append(f"case when typeof({x}) = 'VARCHAR' then {digits} end")
    return f"cast(sum(hash(row({', '.join(values)}))) % {2**64} as ubigint)"


def reading(files: list[str]) -> str:
    """Return what reads files of the lake, with the day and the path of each row."""
    return (
        f"(select *, regexp_extract(filename, '/day=([^/]*)/[^/]*$', 1) as day"
        f" from read_parquet({paths(files)}, union_by_name = true, filename = true,"
        " hive_partitioning = false))"
    )
