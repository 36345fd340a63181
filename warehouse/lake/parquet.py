"""Queries for the rows of Parquet files; see rows.py.

A column whose type matches its field's declaration is used as it is. Other rows are validated by
records.py, as the JSON records that they would be.
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

# DuckDB's types for Parquet's: seconds and milliseconds become TIMESTAMP, HUGEINT becomes DOUBLE.
INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
TIMES = {"TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"}  # the last one in UTC
EXACT = 2**53  # doubles are exact for integers up to here
LIMIT = 10**12 - 1  # just below the limit of staging's decimals
DAYS = "between date '0001-01-01' and date '9999-12-31'"
MOMENTS = "between timestamp '0001-01-01' and timestamp '9999-12-31 23:59:59.999999'"


@dataclass(frozen=True)
class Column:
    """SQL for a column: its value, whether that is certainly valid, and its text as JSON.

    Each may be null where the column is.
    """

    value: str
    is_right: str
    json: str


def column(field: Field, kind: str) -> Column | None:
    """Return how a column of a type is read; None where the type can't be the field's."""
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
        # A midnight is a date, also in the record of a row that another column makes odd.
        is_right, day = f"{utc} {MOMENTS} and {utc} = date_trunc('day', {utc})", f"{utc}::date"
        text = as_json(f"case when {is_right} then cast({day} as varchar) else {text} end")
        return Column(f"case when {is_right} then {day} end", is_right, text)
    return None


def as_json(x: str) -> str:
    """Return SQL for a value as JSON text."""
    return f"cast(to_json({x}) as varchar)"


def numeric(declared: str, kind: str, x: str) -> Column | None:
    """Return how a column of numbers is read."""
    base, text = kind.split("(")[0], f"cast({x} as varchar)"
    is_real, is_decimal = base in ("DOUBLE", "FLOAT"), base == "DECIMAL"
    if not (kind in INTEGERS or is_real or is_decimal or kind == "UBIGINT"):
        return None
    # A float counts by its printed text, as in JSON: as a double it is another number.
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
    """Return the JSON of a column of lists or objects, native or as JSON text."""
    if kind in ("VARCHAR", "JSON"):
        return f"case when json_valid({x}) then cast({x} as varchar) else {as_json(x)} end"
    if field.type == "string_list" and kind == "VARCHAR[]":
        return as_json(x)
    if field.type == "object" and kind.startswith(("STRUCT", "MAP")) and not kind.endswith("]"):
        # A struct has nulls for keys that only other rows have: the merge drops them.
        merged = f"json_merge_patch('{{}}', to_json({x}))"
        return f"case when {x} is not null then cast({merged} as varchar) end"
    return None


def kinds_of(
    connection: duckdb.DuckDBPyConnection, files: list[LandingFile]
) -> list[tuple[dict[str, str], list[LandingFile]]]:
    """Return files grouped by their columns' types, from one read of all footers.

    If they were read together, 2.5 in one file could become 2 for an integer column in another.
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
    """Return a query for each kind of file; add the problems of columns."""
    found = []
    for types, members in kinds_of(connection, files):
        wrong = {file.name: wrong_columns(dataset, types, file) for file in members}
        for name, lines in wrong.items():
            problems.of_columns(name, lines)
        if not any(wrong.values()):
            found.append(rows_of_kind(dataset, types, members))
    return found


def wrong_columns(dataset: Dataset, types: dict[str, str], file: LandingFile) -> list[str]:
    """Return the problems of the columns of a kind of file."""
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
    """Return SQL that reads files of one kind."""
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
        # Put together as text: json_object would rewrite numbers with the digits of a double.
        members.append(f"'{x}: ' || coalesce({one.json}, 'null')")
    return f"""
        select {", ".join(values)},
            filename as _file,
            case when not coalesce({" and ".join(checks)}, false)
                then '{{' || {" || ', ' || ".join(members) or "''"} || '}}' end as _odd
        from {reading(files)}
        left join in_paths using (filename)
    """
