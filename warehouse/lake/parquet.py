"""Queries for the rows of Parquet files; see rows.py.

A column whose type says what its field declares is taken as it is. A row with anything else is
judged as the JSON record that it would be, by records.py.
"""

from collections import defaultdict
from dataclasses import dataclass

import duckdb

from warehouse.lake.errors import Problems
from warehouse.lake.landing import LandingFile
from warehouse.lake.sql import in_path, paths
from warehouse.lake.text import IN_TEXT
from warehouse.seeds.conversion import advice
from warehouse.seeds.declaration import Dataset, Field
from warehouse.seeds.values import EXPECTED
from warehouse.system.words import shown

# DuckDB's types for Parquet's: of seconds and milliseconds it makes TIMESTAMP, of HUGEINT DOUBLE.
INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
TIMES = {"TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"}  # the last in the session's: UTC
EXACT = 2**53  # up to here a double holds each integer
LIMIT = 10**12 - 1  # a little below where staging's decimals end
DAYS = "between date '0001-01-01' and date '9999-12-31'"
MOMENTS = "between timestamp '0001-01-01' and timestamp '9999-12-31 23:59:59.999999'"


@dataclass(frozen=True)
class Column:
    """SQL of a column: its value, whether that is surely right, and its text as JSON.

    Each may be null where the column is.
    """

    value: str
    is_right: str
    json: str


def column(field: Field, kind: str) -> Column | None:
    """Return how a column of a type is read; None where its type says that it is another's."""
    x = f'"{field.name}"'
    if field.type in ("string_list", "object"):
        text = nested(field, kind, x)
        return Column("null", "false", text) if text else None
    if kind.endswith("]"):
        return None
    if field.type == "boolean":
        return Column(x, "true", as_json(x)) if kind == "BOOLEAN" else None
    if field.type in ("integer", "number"):
        return numeric(field.type, kind, x)
    if kind in ("VARCHAR", "UUID"):
        text = f"cast({x} as varchar)"
        if field.type == "string":
            return Column(text, f"not contains({text}, chr(0))", as_json(text))
        value, is_right = (sql.format(x=text) for sql in IN_TEXT[field.type])
        return Column(value, is_right, as_json(text))
    if field.type == "date" and kind == "DATE":
        return Column(x, f"{x} {DAYS}", as_json(f"cast({x} as varchar)"))
    if field.type in ("date", "timestamp") and kind in TIMES:
        utc = f"try_cast({x} as timestamp)"
        text = f"coalesce(cast({utc} as varchar), cast({x} as varchar))"
        if field.type == "timestamp":
            return Column(utc, f"{utc} {MOMENTS}", as_json(text))
        # A midnight is its date, in the row of another column's odd value as well.
        is_right, day = f"{utc} {MOMENTS} and {utc} = date_trunc('day', {utc})", f"{utc}::date"
        text = as_json(f"case when {is_right} then cast({day} as varchar) else {text} end")
        return Column(f"case when {is_right} then {day} end", is_right, text)
    return None


def as_json(x: str) -> str:
    """Return SQL for the text of JSON for a value."""
    return f"cast(to_json({x}) as varchar)"


def numeric(declared: str, kind: str, x: str) -> Column | None:
    """Return how a column of numbers is read."""
    base, text = kind.split("(")[0], f"cast({x} as varchar)"
    is_real, is_decimal = base in ("DOUBLE", "FLOAT"), base == "DECIMAL"
    if not (kind in INTEGERS or is_real or is_decimal or kind == "UBIGINT"):
        return None
    # A short binary fraction goes by the text it is shown as, as in JSON: its double is another.
    exact = f"cast({text} as double)" if kind == "FLOAT" else f"cast({x} as double)"
    json = as_json(exact) if is_real else text
    if declared == "integer" and kind in INTEGERS:
        return Column(f"cast({x} as bigint)", "true", json)
    if declared == "integer":
        is_right = f"{x} = trunc({x}) and {exact} between -{EXACT} and {EXACT}"
        return Column(f"try_cast({x} as bigint)", is_right, json)
    is_right = f"{exact} between -{LIMIT} and {LIMIT}"
    if is_decimal and int(kind.split("(")[1].split(",")[0]) > 15:
        is_right += f" and length(replace(ltrim({text}, '-0.'), '.', '')) <= 15"
    return Column(exact, is_right, json)


def nested(field: Field, kind: str, x: str) -> str | None:
    """Return the JSON of a column of lists or objects, native or as the text of JSON."""
    if kind in ("VARCHAR", "JSON"):
        return f"case when json_valid({x}) then cast({x} as varchar) else {as_json(x)} end"
    if field.type == "string_list" and kind == "VARCHAR[]":
        return as_json(x)
    if field.type == "object" and kind.startswith(("STRUCT", "MAP")) and not kind.endswith("]"):
        # A struct has a null for each key that another row has: the merge drops them.
        merged = f"json_merge_patch('{{}}', to_json({x}))"
        return f"case when {x} is not null then cast({merged} as varchar) end"
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
        wrong = {file.name: wrong_columns(dataset, types, file) for file in members}
        for name, lines in wrong.items():
            problems.of_columns(name, lines)
        if not any(wrong.values()):
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
        kind, expected = types.get(field.name), f"{field.name}: expected {EXPECTED[field.type]}"
        if kind is None:
            if not field.optional and field.name not in file.values_in_path:
                wrong.append(f"{expected}, found no such column")
        elif column(field, kind) is None:
            hint = {
                "BLOB": "; write it as UTF-8 text",
                "INTEGER": "; if it holds nulls alone, write them with the type of the field",
                "INTEGER[]": "; if it holds empty lists alone, write them as lists of strings",
            }.get(kind, "")
            wrong.append(f"{expected}, found {kind}{hint}")
    return wrong


def reading(files: list[LandingFile]) -> str:
    """Return what reads files of one kind."""
    return f"read_parquet({paths(file.path for file in files)}, hive_partitioning = false)"


def rows_of_kind(dataset: Dataset, types: dict[str, str], files: list[LandingFile]) -> str:
    """Return a query for the rows of files of one kind."""
    values, checks, members = [], ["true"], []
    in_paths = {name for file in files for name in file.values_in_path}
    for field in dataset.fields:
        x = f'"{field.name}"'
        one = column(field, types[field.name]) if field.name in types else None
        value = one.value if one else "null"
        if field.name in in_paths:
            value = f"coalesce({value}, {in_path(field.name)})"
            own = f"{x} is not null or " if one else ""
            checks.append(f"({own}{in_path(field.name)} is not null)")
        values.append(f"{value} as {x}")
        if one is None:
            continue
        is_null_right = field.nullable or field.name in in_paths
        check = "is null or" if is_null_right else "is not null and"
        checks.append(f"({x} {check} {one.is_right})")
        # Put together as text: json_object would write numbers anew, with the digits of a double.
        members.append(f"'{x}: ' || coalesce({one.json}, 'null')")
    return f"""
        select {", ".join(values)},
            filename as _file,
            case when not coalesce({" and ".join(checks)}, false)
                then '{{' || {" || ', ' || ".join(members) or "''"} || '}}' end as _odd
        from {reading(files)}
        left join in_paths using (filename)
    """
