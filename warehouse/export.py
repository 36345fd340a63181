"""Export the marts of the published warehouse: each as Parquet and as CSV, with a manifest.

Parquet is for programs, and keeps every value and type. CSV is for spreadsheets: whatever a text
says, none runs it as a formula. `manifest.json` says what the marts were made from, and of each its
rows, columns and fingerprint, and the sizes and hashes of its files. The same marts give the same
bytes. Why each of them looks as it does stands in docs/decisions.md.
"""

import hashlib
import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from warehouse.database.marts import FINGERPRINT, Marts, read_marts
from warehouse.database.opening import CATALOG, DatabaseError, held, identifier, quoted, refuse_log
from warehouse.system.errors import WarehouseError
from warehouse.system.files import (
    WRITABLE,
    remedy,
    remove_leftovers,
    replace_folder,
    sync_folder,
    temporary_beside,
    write_synced,
)
from warehouse.system.locks import sole_export
from warehouse.system.paths import EXPORT_FOLDER, PROJECT, PUBLISHED_FILE, relative
from warehouse.system.progress import Progress
from warehouse.system.words import BUILD

MANIFEST = "manifest.json"
SUFFIXES = (".parquet", ".csv")
LEFT_BY_DESKTOPS = {".DS_Store", "Thumbs.db", "desktop.ini"}
LARGE = 1_000_000  # rows of a mart that takes seconds, and is announced
SPREADSHEET_ROWS = 1_048_576  # of Excel and LibreOffice, the header among them

AGAIN = "run `make export` again."
ELSEWHERE = "Name a folder that can be written: make export ARGS=<folder>."

# DuckDB's types whose cells are never taken for a formula, those where only an infinity is, and by
# their absence the texts.
PLAIN = {
    "boolean",
    "tinyint",
    "smallint",
    "integer",
    "bigint",
    "utinyint",
    "usmallint",
    "uinteger",
    "ubigint",
    "decimal",
}
PLAIN_IF_FINITE = {"float", "double", "date", "timestamp"}

# What makes a cell a formula: = + - @, and what Unicode takes for the same (NFKC); before it may
# stand blanks, what can't be seen, and quotes. A cell may begin not only with the text: where the
# decimal point is a comma, Excel splits at semicolons, and the quotes of a file that is separated
# by commas don't hold its texts together then.
TRIGGER = (
    r"[=+\-@\x{207a}-\x{207c}\x{208a}-\x{208c}\x{2212}\x{2a75}\x{2a76}\x{fb29}\x{fe62}\x{fe63}"
    r"\x{fe66}\x{fe6b}\x{ff0b}\x{ff0d}\x{ff1d}\x{ff20}]"
)
PASSED_OVER = r"\pZ\p{Cf}\p{Co}\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\p{Pi}\p{Pf}'\"`\x{ff02}\x{ff07}"
AT_START = rf"^('|[\t\r\n\x00]|[{PASSED_OVER}\t\r\n]*{TRIGGER})"
BEHIND_BREAK = rf"([;\t\r\n])('|\x00|[{PASSED_OVER}]*{TRIGGER})"
# An apostrophe that stands there already is doubled, so that taking one away gives the text again.
SPREADSHEET_TEXT = rf"""
    create temp macro spreadsheet_text(value) as regexp_replace(
        regexp_replace(value, {quoted(BEHIND_BREAK)}, '\1''\2', 'g'), {quoted(AT_START)}, '''\1'
    )
"""


class ExportError(WarehouseError):
    """Nothing was exported, and an export from before is untouched; the message says why."""


@dataclass(frozen=True)
class Column:
    """A column of a mart; `kind` is DuckDB's name of its type without what is in brackets."""

    name: str
    type: str
    kind: str

    @property
    def is_text(self) -> bool:
        """Whether its cells are quoted."""
        return self.kind not in PLAIN | PLAIN_IF_FINITE

    @property
    def cell(self) -> str:
        """The SQL of its cells in the CSV."""
        name = identifier(self.name)
        text = f"cast({name} as varchar)"
        if self.kind in PLAIN:
            return name
        if self.kind in PLAIN_IF_FINITE:
            return f"if(isfinite({name}), {text}, spreadsheet_text({text})) as {name}"
        return f"spreadsheet_text({text}) as {name}"


@dataclass(frozen=True)
class Export:
    """What was exported, and where to."""

    folder: Path
    marts: Marts

    def __str__(self) -> str:
        what = f"Exported {self.marts}, as of {self.marts.as_of}, to {relative(self.folder)}"
        return "\n".join(
            [f"{what}: each as Parquet and as CSV, and {MANIFEST}."]
            + [
                f"{name}.csv has {rows:,} rows. A spreadsheet shows {SPREADSHEET_ROWS - 1:,}."
                for name, rows in self.marts.rows.items()
                if rows >= SPREADSHEET_ROWS
            ]
        )


def export(folder: Path = PROJECT / EXPORT_FOLDER, project: Path = PROJECT) -> Export:
    """Write the published marts to a folder, all of them or none.

    They are those of one version of the published file, also if another is published meanwhile.

    Raises:
        ExportError: They can't be read or written, or the folder isn't an earlier export.
        DatabaseError: There is no published file that can be opened.
        LockError: Another export goes on.

    """
    target = folder.resolve()  # a link stays one
    refuse_other_content(target, folder)
    if not (project / PUBLISHED_FILE).is_file():
        raise DatabaseError(f"{PUBLISHED_FILE} is missing. {BUILD}")
    with (
        held(project, PUBLISHED_FILE, once_free=AGAIN, once_removed=BUILD) as connection,
        sole_export(target.parent),
    ):
        refuse_log(project, PUBLISHED_FILE, f"Remove both. {BUILD}")
        try:
            marts = read_marts(connection, CATALOG)
            origin = origin_of(connection)
        except (duckdb.Error, LookupError) as error:
            raise unreadable(error) from None
        temporary = temporary_beside(target)
        try:
            remove_leftovers(target)
            temporary.mkdir()
            write(connection, marts, origin, temporary)
            refuse_other_content(target, folder)  # it took a while
            if target.exists():
                shutil.copymode(target, temporary)  # who could read it still can
            replace_folder(temporary, target)
        except OSError as error:
            raise unwritable(folder, error.strerror or str(error)) from None
        except duckdb.Error as error:
            raise unwritable(folder, str(error).splitlines()[0]) from None
        finally:
            with suppress(OSError):
                remove_leftovers(target)
    return Export(folder, marts)


def refuse_other_content(target: Path, folder: Path) -> None:
    """Raise ExportError if a folder, whose content will be gone, isn't an export or empty."""
    advice = "Move it away, or name another folder: make export ARGS=reports"
    try:
        if target.exists() and not target.is_dir():
            raise ExportError(f"{relative(folder)} is no folder. {advice}")
        names = {path.name for path in target.iterdir()} if target.exists() else set()
    except OSError as error:
        raise ExportError(
            f"{relative(folder)} can't be read: {error.strerror}. {ELSEWHERE}"
        ) from None
    other = sorted(names - LEFT_BY_DESKTOPS - exported_names(target))
    if other:
        more = f" and {len(other) - 1:,} more" if len(other) > 1 else ""
        reason = f"{relative(folder)} holds what is of no export: {other[0]}{more}."
        raise ExportError(f"{reason} {advice}")


def exported_names(folder: Path) -> set[str]:
    """Return the names of the files of an export, if a folder holds one."""
    with suppress(OSError, ValueError, TypeError, LookupError, AttributeError):
        manifest = json.loads((folder / MANIFEST).read_bytes())
        manifest["as_of"], manifest["duckdb"]  # or it is some other tool's
        names = {MANIFEST}.union(*(mart["files"] for mart in manifest["marts"].values()))
        return {name for name in names if (folder / name).is_file()}
    return set()


# ---- Writing --------------------------------------------------------------------------------


def write(
    connection: duckdb.DuckDBPyConnection, marts: Marts, origin: dict[str, Any], folder: Path
) -> None:
    """Write an export to an empty folder, and return once it is on disk."""
    # Sorting what doesn't fit in memory takes room, which DuckDB would look for elsewhere.
    spilled = folder / "spilled"
    connection.execute(f"set temp_directory = {quoted(spilled)}")
    connection.execute("set timezone = 'UTC'")
    connection.execute(SPREADSHEET_TEXT)
    manifest: dict[str, Any] = {**origin, "duckdb": duckdb.__version__, "marts": {}}
    progress = Progress("export")
    for name, rows in marts.rows.items():
        if rows >= LARGE:
            print(f"Exporting {name}, {rows:,} rows.", flush=True)
        if "/" in name or name.startswith("."):
            raise ExportError(f"The mart {name!r} has a name that no file can have.")
        columns = write_mart(connection, name, marts, folder)
        manifest["marts"][name] = {
            "rows": rows,
            "fingerprint": marts.fingerprints[name],
            "columns": {column.name: column.type for column in columns},
            "files": {f"{name}{suffix}": sealed(folder / f"{name}{suffix}") for suffix in SUFFIXES},
        }
        progress.show(len(marts.rows))
    progress.close()
    text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
    write_synced(folder / MANIFEST, text.encode())
    shutil.rmtree(spilled, ignore_errors=True)
    sync_folder(folder)


def write_mart(
    connection: duckdb.DuckDBPyConnection, name: str, marts: Marts, folder: Path
) -> list[Column]:
    """Write a mart as Parquet and as CSV, both in the order of its values; return its columns."""
    parquet, csv = (folder / f"{name}{suffix}" for suffix in SUFFIXES)
    mart = f"{CATALOG}.marts.{identifier(name)}"
    columns = columns_of(connection, mart)
    connection.execute(
        f"copy (from {mart} order by all nulls last) to {quoted(parquet)} (format parquet)"
    )
    # A folder called a=b would be a column.
    written = f"read_parquet({quoted(parquet)}, hive_partitioning = false)"
    refuse_changes(name, columns, columns_of(connection, written))
    query = f"select count(*), {FINGERPRINT} from {written} as hashed"
    if connection.sql(query).fetchall() != [(marts.rows[name], marts.fingerprints[name])]:
        raise ExportError(f"What was written of {name} isn't what was published: {AGAIN}")
    write_csv(connection, written, columns, marts.rows[name], csv)
    return columns


def write_csv(
    connection: duckdb.DuckDBPyConnection, source: str, columns: list[Column], rows: int, file: Path
) -> None:
    """Write rows as CSV, in the order in which a source gives them.

    Texts are quoted and null is not, so that an empty text is no null. The byte order mark tells
    Excel that the file is UTF-8.
    """
    names = connection.execute(
        "select list_transform(?::varchar[], lambda name: spreadsheet_text(name))",
        [[column.name for column in columns]],
    ).fetchall()[0][0]
    header = ",".join(map(identifier, names))
    head = f"\ufeff{header}\r\n"
    if not rows:  # the suffix would be a row
        file.write_bytes(head.encode())
        return
    texts = [identifier(column.name) for column in columns if column.is_text]
    quoting = f"force_quote ({', '.join(texts)})," if texts else ""
    connection.execute(
        f"""
        copy (select {", ".join(column.cell for column in columns)} from {source})
        to {quoted(file)}
        (
            format csv, header false, {quoting}
            prefix {quoted(head)}, new_line '\\r\\n', suffix '\r\n'
        )
        """
    )


def columns_of(connection: duckdb.DuckDBPyConnection, source: str) -> list[Column]:
    """Return the columns of a table or file."""
    relation = connection.sql(f"from {source}")
    return [
        Column(name, str(type_), type_.id)
        for name, type_ in zip(relation.columns, relation.types, strict=True)
    ]


def refuse_changes(name: str, columns: list[Column], written: list[Column]) -> None:
    """Raise ExportError if Parquet has no type for a column, and has another one in its place."""
    for column, other in zip(columns, written, strict=True):
        if column != other:
            reason = f"{name}.{column.name} is {column.type}, for which Parquet has {other.type}"
            raise ExportError(f"{reason}. Cast it in the model, and build again.")


def sealed(file: Path) -> dict[str, Any]:
    """Return the size and the hash of a file, once it is on disk."""
    with file.open("rb") as written:
        os.fsync(written.fileno())
        digest = hashlib.file_digest(written, "sha256").hexdigest()
    return {"bytes": file.stat().st_size, "sha256": digest}


def origin_of(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Return as of when the marts are, and what they were made from in short."""
    query = f"""
        select
            cast(as_of as varchar) as as_of,
            covers_all_events,
            input_rows,
            exports_seen
        from {CATALOG}.marts.warehouse_build
    """
    relation = connection.sql(query)
    return dict(zip(relation.columns, relation.fetchall()[0], strict=True))


def unwritable(folder: Path, reason: str) -> ExportError:
    """Return the error of a folder that can't be written."""
    advice = remedy(reason)
    sentence = f"{relative(folder)} can't be written: {reason.rstrip('.')}."
    return ExportError(f"{sentence} {ELSEWHERE if advice == WRITABLE else advice}".rstrip())


def unreadable(error: Exception) -> ExportError:
    """Return the error of a published file that is none of ours, or is damaged."""
    message = str(error).splitlines()[0]
    return ExportError(f"The marts in {PUBLISHED_FILE} can't be read: {message} {BUILD}")
