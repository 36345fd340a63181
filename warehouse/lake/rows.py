"""Write a dataset's records as Parquet, by the day.

A query for records (text.py, parquet.py) gives each field's value, `_file`, and `_odd`: null where
the values are surely right, else the record as JSON. Odd ones are written apart, judged one by one
(records.py), and only then added to their days.
"""

import shutil
from decimal import Decimal
from pathlib import Path

import duckdb

from warehouse.lake import parquet, text
from warehouse.lake.errors import SHOWN, Problems
from warehouse.lake.landing import LandingFile
from warehouse.lake.records import judged
from warehouse.lake.sql import paths, quoted
from warehouse.seeds.conversion import Row
from warehouse.seeds.declaration import Dataset
from warehouse.system.words import counted, shown

# A number is a double where that gives it back, else text.
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
ALL = "all"  # the day of what doesn't come by the day
ODD = "odd"


def day_of(dataset: Dataset) -> str:
    """Return SQL for the day of a record: of the first of its fields that says it."""
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
    """Write the records of files of one format; add what is wrong with them.

    Args:
        connection: A DuckDB without tables of these names.
        dataset: What the files hold.
        files: All of one format.
        folder: Where the folders of days are.
        prefix: What the names of the files that are written begin with.
        problems: What is wrong so far.

    """
    if not files:
        return
    connection.execute("create or replace temp table names (filename varchar, name varchar)")
    insert(connection, "names", ["filename", "name"], [[one.path, one.name] for one in files])
    for number, query in enumerate(queries(connection, dataset, files, problems)):
        copy(
            connection,
            f"select found.* exclude (_file), names.name as _file,"
            f" case when _odd is null then {day_of(dataset)} else '{ODD}' end as day"
            f" from ({query}) as found inner join names on found._file = names.filename",
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
    """Judge odd records, and write those that are right to their days."""
    in_paths = {file.name: file.values_in_path for file in files}
    names = [field.name for field in dataset.fields]
    types = {field.name: TYPES[field.type] for field in dataset.fields}
    records = connection.execute(f"select _file, _odd from read_parquet({paths(map(str, odd))})")
    rows: list[tuple[str, Row]] = []
    for file, record in records.fetchall():
        row, found, _ = judged(dataset, record, in_paths[file])
        rows.append((file, row))
        problems.of_record(file, found)
    if problems.count:
        return
    for position, field in enumerate(dataset.fields):
        if field.type == "number" and any(is_long(row[position]) for _, row in rows):
            types[field.name] = "varchar"
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
    """Return a line for each of the first problems, in order, and one that counts the others."""
    said = problems.columns[:SHOWN]
    for file in files:
        if file.name not in problems.files or len(said) >= SHOWN:
            continue
        for query in queries(connection, dataset, [file], Problems()):
            records = connection.execute(
                f"select number, _odd from (select row_number() over () as number, _odd"
                f" from ({query})) where _odd is not null order by number"
            )
            for number, record in records.fetchall():
                _, found, name = judged(dataset, record, file.values_in_path)
                place = f"{shown(file.name, 500)}: record {number}{name}"
                said += [f"{place}: {problem}" for problem in found][: SHOWN - len(said)]
    if problems.count > len(said):
        said.append(f"... {counted(problems.count, 'problem')} in the files of {dataset.name}")
    return said


def queries(
    connection: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    files: list[LandingFile],
    problems: Problems,
) -> list[str]:
    """Return the queries for the records of files of one format; add what columns can't be."""
    if files[0].format == "parquet":
        return parquet.queries(connection, dataset, files, problems)
    return text.queries(connection, dataset, files)


def is_long(number: str | None) -> bool:
    """Tell whether a double would not give a number back."""
    return number is not None and Decimal(repr(float(number))) != Decimal(number)


def insert(
    connection: duckdb.DuckDBPyConnection, table: str, names: list[str], rows: list[list]
) -> None:
    """Insert rows of text into a table; what isn't text becomes so by a cast."""
    values = ", ".join(f'unnest(${n}::varchar[]) as "{name}"' for n, name in enumerate(names, 1))
    columns = [list(column) for column in zip(*rows, strict=True)]
    connection.execute(f"insert into {table} by name select {values}", columns)


def copy(connection: duckdb.DuckDBPyConnection, query: str, folder: Path, prefix: str) -> None:
    """Write the rows of a query, by their `day`, which is a folder and no column."""
    folder.mkdir(parents=True, exist_ok=True)
    connection.execute(
        f"copy ({query}) to {quoted(str(folder))} (format parquet, partition_by (day),"
        f" overwrite_or_ignore, filename_pattern '{prefix}_{{i}}')"
    )
