"""Write a dataset's records as Parquet, by day.

A query for records (text.py, parquet.py) gives each field's value, `_file`, and `_odd`: null where
the values are certainly valid, else the record as JSON. Odd records are written separately,
validated one by one (records.py), and then added to their days.

Fields from a folder such as date=2026-03-16/ are validated once per file, and fill the fields that
its records leave out.
"""

import shutil
from decimal import Decimal
from pathlib import Path

import duckdb

from warehouse.lake import parquet, text
from warehouse.lake.errors import SHOWN, Problems
from warehouse.lake.landing import LandingFile
from warehouse.lake.records import hint, judged, judged_in_path
from warehouse.lake.sql import in_path, paths, quoted
from warehouse.seeds.conversion import Row
from warehouse.seeds.declaration import Dataset
from warehouse.system.words import counted, shown

# Numbers are doubles; in a file with a number that a double can't keep, all are text.
TYPES = {
    "string": "varchar",
    "integer": "bigint",
    "number": "double",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
    "string_list": "varchar",
    "object": "varchar",
}
ALL = "all"  # stands for the day of a dataset without days
ODD = "odd"


def day_of(dataset: Dataset) -> str:
    """Return SQL for the day of a record: from the first of its day fields that is given."""
    if not dataset.day_fields:
        return quoted(ALL)
    days = ", ".join(f'cast("{name}" as date)' for name in dataset.day_fields)
    return f"cast(coalesce({days}) as varchar)"


def write(
    connection: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    files: list[LandingFile],
    folder: Path,
    prefix: str,
    problems: Problems,
) -> None:
    """Write the records of files of one format; add their problems.

    Args:
        connection: A DuckDB without tables of these names.
        dataset: The dataset of the files.
        files: Files of one format.
        folder: The folder of the days' folders.
        prefix: The start of the names of written files.
        problems: The problems so far.

    """
    if not files:
        return
    name = f"substr(_file, {len(files[0].path) - len(files[0].name) + 1})"
    for number, query in enumerate(queries(connection, dataset, files, problems)):
        copy(
            connection,
            f"select * replace ({name} as _file),"
            f" case when _odd is null then {day_of(dataset)} else '{ODD}' end as day"
            f" from ({query})",
            folder,
            f"{prefix}-{number}",
        )
    odd = sorted((folder / f"day={ODD}").glob(f"{prefix}-*.parquet"))
    if odd:
        write_odd(connection, dataset, files, odd, prefix, problems)
        shutil.rmtree(folder / f"day={ODD}")


def write_odd(
    connection: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    files: list[LandingFile],
    odd: list[Path],
    prefix: str,
    problems: Problems,
) -> None:
    """Validate odd records, and write the valid ones to their days."""
    in_paths = {file.name: file.values_in_path for file in files}
    names = [field.name for field in dataset.fields]
    types = {field.name: TYPES[field.type] for field in dataset.fields}
    files_of_odd = f"read_parquet({paths(map(str, odd))}, hive_partitioning = false)"
    records = connection.execute(f"select _file, _odd from {files_of_odd}")
    rows: list[tuple[str, Row]] = []
    for file, record in records.fetchall():
        row, found, _ = judged(dataset, record, in_paths[file])
        rows.append((file, row))
        problems.of_record(file, found)
    if problems.count:
        return
    numbers = [n for n, field in enumerate(dataset.fields) if field.type == "number"]
    if any(is_long(row[position]) for _, row in rows for position in numbers):
        types |= {names[position]: "varchar" for position in numbers}
        for _, row in rows:
            for position in numbers:
                row[position] = number_as_text(row[position])
    columns = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
    connection.execute(f"create or replace temp table judged ({columns}, _file varchar)")
    insert(connection, "judged", [*names, "_file"], [[*row, file] for file, row in rows])
    query = f"select *, {day_of(dataset)} as day from judged"
    copy(connection, query, odd[0].parents[1], f"{prefix}-{ODD}")


def lines(
    connection: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    files: list[LandingFile],
    problems: Problems,
) -> list[str]:
    """Return the first problems in order, one line each, and a line that counts the others."""
    said = problems.columns[:SHOWN]
    for file in files:
        if file.name not in problems.files or len(said) >= SHOWN:
            continue
        for query in queries(connection, dataset, [file], Problems()):
            records = connection.execute(
                "select number, count, _odd from (select row_number() over () as number,"
                f" count(*) over () as count, _odd from ({query}))"
                " where _odd is not null order by number"
            )
            for number, count, record in records.fetchall():
                _, found, name = judged(dataset, record, file.values_in_path)
                place = f"{shown(file.name, 500)}: record {number}{name}"
                why = hint(record, number, count)
                said += [f"{place}: {problem}{why}" for problem in found][: SHOWN - len(said)]
    if problems.count > len(said):
        said.append(f"... {counted(problems.count, 'problem')} in the files of {dataset.name}")
    return said


def queries(
    connection: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    files: list[LandingFile],
    problems: Problems,
) -> list[str]:
    """Return the queries for the records of files of one format; add the problems of columns."""
    right = in_paths(connection, dataset, files, problems)
    if not right:
        return []
    if files[0].format == "parquet":
        return parquet.queries(connection, dataset, right, problems)
    return text.queries(connection, dataset, right)


def in_paths(
    connection: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    files: list[LandingFile],
    problems: Problems,
) -> list[LandingFile]:
    """Make a table of the fields in the files' paths; return the files with valid paths.

    The table `in_paths` has a column for each field that is in any path, null where validating it
    is left to records.py: a number with more digits than a double.
    """
    said = {name for file in files for name in file.values_in_path}
    fields = [field for field in dataset.fields if field.name in said]
    right, table = [], []
    for file in files:
        values, wrong = [file.path], []
        for field in fields:
            if field.name not in file.values_in_path:
                values.append(None)
                continue
            value, found = judged_in_path(field, file.values_in_path[field.name])
            if found and is_left_out(connection, file, field.name):
                wrong += found
            values.append(None if field.type == "number" and is_long(value) else value)
        problems.of_columns(file.name, wrong)
        if not wrong:
            right.append(file)
            table.append(values)
    columns = "".join(f", {in_path(field.name)} {TYPES[field.type]}" for field in fields)
    connection.execute(f"create or replace temp table in_paths (filename varchar{columns})")
    if fields and table:
        insert(connection, "in_paths", ["filename", *(f"{f.name} in path" for f in fields)], table)
    return right


def is_left_out(connection: duckdb.DuckDBPyConnection, file: LandingFile, field: str) -> bool:
    """Return whether any record of a file lacks a field."""
    records = text.records_of([file])
    if file.format == "parquet":
        records = f"(select to_json(record) as json from {parquet.reading([file])} as record)"
    value = "json ->> " + quoted(f'$."{field}"')
    query = f"select 1 from {records} where json is not null and ({value}) is null limit 1"
    return connection.execute(query).fetchone() is not None


def is_long(number: str | None) -> bool:
    """Return whether a number would change as a double."""
    return number is not None and Decimal(repr(float(number))) != Decimal(number)


def number_as_text(number: str | None) -> str | None:
    """Return a number as text, like others of its column: by its double, unless it is too long."""
    if number is None:
        return None
    if is_long(number):
        return format(Decimal(number), "f").rstrip("0")
    return repr(float(number))  # as in DuckDB


def insert(
    connection: duckdb.DuckDBPyConnection, table: str, names: list[str], rows: list[list]
) -> None:
    """Insert rows of text into a table, cast to the types of its columns."""
    values = ", ".join(f'unnest(${n}::varchar[]) as "{name}"' for n, name in enumerate(names, 1))
    columns = [list(column) for column in zip(*rows, strict=True)]
    connection.execute(f"insert into {table} by name select {values}", columns)


def copy(connection: duckdb.DuckDBPyConnection, query: str, folder: Path, prefix: str) -> None:
    """Write the rows of a query by their `day`, which is a folder, not a column."""
    folder.mkdir(parents=True, exist_ok=True)
    connection.execute(
        f"copy ({query}) to {quoted(str(folder))} (format parquet, partition_by (day),"
        f" overwrite_or_ignore, filename_pattern '{prefix}_{{i}}')"
    )
