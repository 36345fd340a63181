"""List the exports in the history, show what one first showed, or take one out.

An export that is taken out stays in the log, as evidence, and gets a mark, on DuckDB as on Spark,
whose table can't delete. The macro standing_log leaves it out for all models.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import duckdb

from warehouse.database.opening import DatabaseError
from warehouse.database.reader import BuildFile, Database
from warehouse.system.errors import WarehouseError
from warehouse.system.files import remedy
from warehouse.system.locks import holder_of
from warehouse.system.paths import HISTORY_FILE, PROJECT
from warehouse.system.words import counted, value_text

MARK = "taken_out"
NO_EXPORT = "no build has added an export yet."
NO_TABLE = ("status_log does not exist", "TABLE_OR_VIEW_NOT_FOUND")

Key = tuple[str, str, str]  # dataset, record, attribute


class HistoryError(WarehouseError):
    """The command can't be done; the message has the reason."""


class HistoryFile(BuildFile):
    """DuckDB's file of the history, opened for writing."""

    def __init__(self) -> None:
        Database.__init__(self, PROJECT)
        if not (PROJECT / HISTORY_FILE).exists():
            raise HistoryError(f"There is no {HISTORY_FILE} here: {NO_EXPORT}")
        try:
            self.connection = duckdb.connect(str(PROJECT / HISTORY_FILE))
        except duckdb.Error as error:
            holder = holder_of(error)
            reason = str(error).splitlines()[0]
            raise HistoryError(
                f"{HISTORY_FILE} is in use by {holder}: close it there, and try again."
                if holder
                else f"{HISTORY_FILE} can't be opened. {reason} {remedy(reason)}".rstrip()
            ) from None


@dataclass(frozen=True)
class Log:
    """The log of statuses, on DuckDB or on Spark."""

    database: Database
    relation: str


@dataclass
class ExportSeen:
    """An export in the history, and what it first showed."""

    number: int
    as_of: str
    is_taken_out: bool
    records: set[tuple[str, str]] = field(default_factory=set)
    changes: list[tuple[Key, str | None, str | None]] = field(default_factory=list)
    first_values: list[tuple[Key, str | None]] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """Number of records and changes that it first showed."""
        counts = counted(len(self.records), "record"), counted(len(self.changes), "change")
        return " and ".join(counts)


@contextmanager
def opened(target: str) -> Iterator[Log]:
    """Open the log of an engine; raise HistoryError if that fails."""
    if target == "spark":
        from warehouse.spark.server import Server  # only in an environment with Spark

        with Server(PROJECT) as server:
            if server.problem:
                raise HistoryError(f"The Thrift server doesn't answer: {server.problem}")
            yield Log(server, f"{server.credentials.schema}_history.status_log")
    else:
        with HistoryFile() as file:
            yield Log(file, "status_log")


def exports_in(log: Log) -> dict[int, ExportSeen]:
    """Return the exports in a log by number, in the order in which they were seen."""
    query = f"""
        select
            export_number, cast(seen_at as string) as seen_at,
            dataset, record_id, attribute, value
        from {log.relation}
        order by export_number, dataset, record_id, attribute
    """
    try:
        rows = log.database.fetch(query)
    except DatabaseError as error:
        if any(sign in str(error) for sign in NO_TABLE):
            raise HistoryError(f"The history is empty: {NO_EXPORT}") from None
        raise HistoryError(f"The history can't be read: {error}") from None
    taken_out = {row["export_number"] for row in rows if row["attribute"] == MARK}
    exports: dict[int, ExportSeen] = {}
    known: dict[Key, str | None] = {}
    known_records: set[tuple[str, str]] = set()
    now = ""
    for row in rows:
        number, is_taken_out = row["export_number"], row["export_number"] in taken_out
        if number not in exports:
            as_of = max(now, row["seen_at"])
            now = now if is_taken_out else as_of
            exports[number] = ExportSeen(number, as_of, is_taken_out)
        if row["dataset"] is None or row["attribute"] == "row_count":
            continue
        record, value = (row["dataset"], row["record_id"]), row["value"]
        key = (*record, row["attribute"])
        if key not in known:
            exports[number].first_values.append((key, value))
        elif known[key] != value:
            exports[number].changes.append((key, known[key], value))
        if record not in known_records:
            exports[number].records.add(record)
        if not is_taken_out:
            known[key] = value
            known_records |= exports[number].records
    if not exports:
        raise HistoryError(f"The history is empty: {NO_EXPORT}")
    return exports


def export_of(exports: dict[int, ExportSeen], number: int) -> ExportSeen:
    """Return the export of a number; raise HistoryError if there is none."""
    if number not in exports:
        raise HistoryError(f"There is no export {number}: the history holds 1 to {max(exports)}.")
    return exports[number]


def listed(exports: dict[int, ExportSeen]) -> str:
    """Return a line for each export."""
    lines = [f"{'export':>6}  {'as of':<26}  {'records':>7}  {'changes':>7}"]
    for one in exports.values():
        counts = f"{len(one.records):>7,}  {len(one.changes):>7,}"
        mark = "  taken out" if one.is_taken_out else ""
        lines.append(f"{one.number:>6}  {one.as_of:<26}  {counts}{mark}")
    return "\n".join(lines)


def shown(export: ExportSeen) -> str:
    """Return a line for each change that an export first showed, and each first value."""
    mark = " (taken out)" if export.is_taken_out else ""
    lines = [f"Export {export.number}, as of {export.as_of}{mark}, first showed {export.summary}."]
    for (dataset, record, attribute), before, after in export.changes:
        words = f"{value_text(before)} -> {value_text(after)}"
        lines.append(f"changed  {dataset} {value_text(record)} {attribute}: {words}")
    for (dataset, record, attribute), value in export.first_values:
        lines.append(f"first    {dataset} {value_text(record)} {attribute}: {value_text(value)}")
    return "\n".join(lines)


def take_out(log: Log, export: ExportSeen) -> str:
    """Mark an export as taken out; return a message about it."""
    if export.is_taken_out:
        raise HistoryError(f"Export {export.number} is already taken out.")
    mark = f"""
        insert into {log.relation}
        select
            export_number, seen_at, newest_record_at, export_hash,
            dataset, record_id, campaign_id, '{MARK}', value
        from {log.relation}
        where export_number = {export.number} and dataset is null -- the entry of the export itself
    """
    try:
        log.database.fetch(mark)
    except DatabaseError as error:
        raise HistoryError(f"The mark can't be written: {error} {remedy(str(error))}") from None
    return (
        f"Export {export.number} is taken out: it first showed {export.summary}. Build the newest"
        " export again: what that shows too is then added as its own. Until then the marts are the"
        " last build's."
    )
