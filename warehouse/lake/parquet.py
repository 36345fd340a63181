"""Queries for the rows of Parquet files; see rows.py.

A column whose type says what its field declares is taken as it is. A row with anything else is
judged as the JSON record that it would be, by records.py.
"""

from collections import defaultdict
from dataclasses import dataclass

import duckdb

from warehouse.lake.errors import Problems
from warehouse.lake.landing import LandingFile
from warehouse.lake.sql import paths, quoted
from warehouse.lake.text import IN_TEXT
from warehouse.seeds.conversion import advice
from warehouse.seeds.declaration import Dataset, Field
from warehouse.seeds.values import EXPECTED
from warehouse.system.words import shown

INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
TIMES = {"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"}
ZONED = "TIMESTAMP WITH TIME ZONE"
EXACT = 2**53  # up to here a double holds each integer
TRILLION = 10**12  # from here on staging's decimals end


@dataclass(frozen=True)
class Column:
    """SQL of a column: its value, whether that is surely right, and what JSON would have."""

    value: str
    is_right: str = "true"
    json: str | None = None


def column(field: Field, kind: str | None) -> Column | None:
    """Return how a column of a type is read; None where its type says that it is another's."""
    x = f'"{field.name}"'
    base = (kind or "").split("(")[0]
    if kind is None:
        return Column("null", "false", "null")
    if kind == "BOOLEAN" and field.type == "boolean":
        return Column(x)
    if field.type in ("string_list", "object"):
        return Column("null", "false", nested(field, kind, x)) if nested(field, kind, x) else None
    if base in ("VARCHAR", "ENUM", "UUID") and not kind.endswith("]"):
        text = x if kind == "VARCHAR" else f"cast({x} as varchar)"
        if field.type == "string":
            return Column(text, f"not contains({text}, chr(0))")
        if field.type in IN_TEXT:
            value, is_right = (sql.format(x=text) for sql in IN_TEXT[field.type])
            return Column(value, is_right, text)
        return None
    if kind.endswith("]"):
        return None
    is_time = base in TIMES or kind == ZONED
    utc = f"make_timestamp(epoch_us({x}))" if kind == ZONED else f"cast({x} as timestamp)"
    if field.type == "timestamp" and is_time:
        return Column(utc, f"isfinite({x})", f"cast({utc} as varchar)")
    if field.type == "date" and (is_time or kind == "DATE"):
        value, text = f"cast({utc} as date)", f"cast({x} as varchar)"
        return Column(value, f"isfinite({x}) and {utc} = date_trunc('day', {utc})", text)
    if field.type in ("integer", "number"):
        return numeric(field.type, kind, x)
    return None


def numeric(declared: str, kind: str, x: str) -> Column | None:
    """Return how a column of numbers is read."""
    base = kind.split("(")[0]
    is_real, is_decimal = base in ("DOUBLE", "FLOAT"), base == "DECIMAL"
    if not (kind in INTEGERS or is_real or is_decimal or base in ("UBIGINT", "HUGEINT")):
        return None
    # A short binary fraction goes by the text it is shown as, as in JSON: its double is another.
    exact = f"cast(cast({x} as varchar) as double)" if kind == "FLOAT" else f"cast({x} as double)"
    as_json = f"cast(cast({x} as varchar) as json)" if not is_real else exact
    if declared == "integer" and kind in INTEGERS:
        return Column(f"cast({x} as bigint)")
    is_small = f"abs({x}) <= {EXACT}"
    if declared == "integer":
        return Column(f"try_cast({x} as bigint)", f"{x} = trunc({x}) and {is_small}", as_json)
    if is_decimal and int(kind.split("(")[1].split(",")[0]) > 15:
        digits = f"length(replace(ltrim(cast({x} as varchar), '-0.'), '.', '')) <= 15"
        return Column(exact, f"{digits} and abs({x}) < {TRILLION - 1}", as_json)
    return Column(exact, f"abs({x}) < {TRILLION - 1}", as_json)


def nested(field: Field, kind: str, x: str) -> str | None:
    """Return the JSON of a column of lists or objects, native or as the text of JSON."""
    if kind in ("VARCHAR", "JSON"):
        return f"coalesce(try_cast({x} as json), to_json({x}))"
    if field.type == "string_list" and kind == "VARCHAR[]":
        return f"to_json({x})"
    if field.type == "object" and kind.startswith(("STRUCT", "MAP")) and not kind.endswith("]"):
        # A struct has a null for each key that another row has: the merge drops them.
        return f"case when {x} is not null then json_merge_patch('{{}}', to_json({x})) end"
    return None


def kinds_of(
    connection: duckdb.DuckDBPyConnection, files: list[LandingFile]
) -> list[tuple[dict[str, str], list[LandingFile]]]:
    """Return files by their columns' types, with one look at all footers.

    Read together as if of one kind, a file's 2.5 would become the 2 of an integer in another.
    """
    by_path = {file.path: file for file in files}
    groups = connection.execute(
        "select list(file_name order by file_name) from ("
        " select file_name, list((name, type, converted_type, logical_type, num_children,"
        " duckdb_type) order by position) as kind from"
        f" (select *, row_number() over () as position from parquet_schema({paths(by_path)}))"
        " group by file_name) group by kind order by min(file_name)"
    ).fetchall()
    kinds: dict[tuple, list[LandingFile]] = defaultdict(list)
    for (group,) in groups:
        example = f"describe select * from {reading([by_path[group[0]]])}"
        described = connection.execute(example).fetchall()
        kinds[tuple(row[:2] for row in described)] += [by_path[path] for path in group]
    return [(dict(types), members) for types, members in kinds.items()]


def queries(
    connection: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    files: list[LandingFile],
    problems: Problems,
) -> list[str]:
    """Return a query for each kind of file; add what is wrong with columns."""
    found = []
    for types, members in kinds_of(connection, files):
        wrong = wrong_columns(dataset, types, members[0])
        for file in members:
            problems.of_columns(file.name, wrong)
        if not wrong:
            found.append(rows_of_kind(dataset, types, members))
    return found


def wrong_columns(dataset: Dataset, types: dict[str, str], file: LandingFile) -> list[str]:
    """Return what is wrong with the columns of a kind of file."""
    names = [field.name for field in dataset.fields]
    absent = [name for name in names if name not in types]
    wrong = [
        f"{shown(name)}: undeclared column; {advice(name, absent)}"
        for name in types
        if name not in names
    ]
    for field in dataset.fields:
        kind = types.get(field.name)
        if kind is None and not field.optional and field.name not in file.values_in_path:
            wrong.append(f"{field.name}: expected {EXPECTED[field.type]}, found no such column")
        elif column(field, kind) is None:
            hint = {
                "BLOB": "; write it as UTF-8 text",
                "INTEGER": "; if it holds nulls alone, write them with the type of the field",
            }.get(kind or "", "")
            wrong.append(f"{field.name}: expected {EXPECTED[field.type]}, found {kind}{hint}")
    return wrong


def reading(files: list[LandingFile]) -> str:
    """Return what reads files of one kind."""
    return f"read_parquet({paths(file.path for file in files)}, hive_partitioning = false)"


def rows_of_kind(dataset: Dataset, types: dict[str, str], files: list[LandingFile]) -> str:
    """Return a query for the rows of files of one kind."""
    values, checks, members = [], [], []
    in_path = {name for file in files for name in file.values_in_path}
    for field in dataset.fields:
        one, x = column(field, types.get(field.name)), f'"{field.name}"'
        values.append(f"{one.value} as {x}")
        if field.name in types:
            members.append(f"{quoted(field.name)}, {one.json or one.value}")
            is_null_right = field.nullable and field.name not in in_path
            checks.append(
                f"({x} is null or {one.is_right})"
                if is_null_right
                else f"coalesce({one.is_right}, false)"
            )
        elif field.name in in_path or not field.optional:
            checks.append("false")
    return f"""
        select {", ".join(values)},
            filename as _file,
            case when not ({" and ".join(checks)})
                then cast(json_object({", ".join(members)}) as varchar) end as _odd
        from {reading(files)}
    """
