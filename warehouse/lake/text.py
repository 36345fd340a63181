"""Queries for the records of JSON and NDJSON files; see rows.py.

A record that is written as programs write it is judged in SQL, with all the others at once. Of a
dataset with lists or objects none is: records.py judges them.
"""

import json

import duckdb

from warehouse.lake.landing import LandingFile
from warehouse.lake.sql import paths, quoted, texts
from warehouse.seeds.declaration import Dataset

TIMESTAMP = (
    "[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?"
    "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?"
)
# By type: what is extracted of a field, x; its value; and whether that is surely what seeds make
# of it. A number comes as DuckDB writes its double: longer ones are judged by the record's text.
PLAIN = {
    "string": (
        "VARCHAR",
        "{x}",
        # What begins as a number, a word of JSON, a list or an object would is looked up.
        "case when ascii({x}) < 58 or ascii({x}) in (91, 123)"
        " or (strlen({x}) < 9 and ascii({x}) in (70, 73, 78, 84, 102, 105, 110, 116))"
        " then json_type(json, {path}) = 'VARCHAR' else true end",
    ),
    "integer": (
        "JSON",
        "try_cast(cast({x} as varchar) as bigint)",
        "cast(try_cast(cast({x} as varchar) as bigint) as varchar) = cast({x} as varchar)",
    ),
    "number": (
        "JSON",
        "try_cast(cast({x} as varchar) as double)",
        "regexp_full_match(cast({x} as varchar), '-?[0-9]{{1,11}}([.][0-9]{{1,15}})?')",
    ),
    "boolean": (
        "JSON",
        "cast({x} as varchar) = 'true'",
        "cast({x} as varchar) in ('true', 'false')",
    ),
    "date": (
        "VARCHAR",
        "try_cast({x} as date)",
        "length({x}) = 10 and cast(try_cast({x} as date) as varchar) = {x}",
    ),
    "timestamp": (
        "VARCHAR",
        "make_timestamp(epoch_us(try_cast({x} as timestamptz)))",
        f"regexp_full_match({{x}}, {quoted(TIMESTAMP).replace('{', '{{').replace('}', '}}')})"
        " and try_cast({x} as timestamptz) < timestamptz '9999-01-01 00:00:00+00'",
    ),
}
IN_TEXT = {name: PLAIN[name][1:] for name in ("date", "timestamp")}  # what text can say as well
ODD = "coalesce(cast(json as varchar), '')"  # malformed is empty
# Of more digits than a double keeps, or with an exponent, which may be too small for one.
LONG_NUMBER = r":\s*-?[0-9.]*[0-9]([0-9.]{15}|[eE])"


def queries(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, files: list[LandingFile]
) -> list[str]:
    """Return the queries for the records of files of one format."""
    if all(field.type in PLAIN for field in dataset.fields):
        return [judged_in_sql(connection, dataset, files)]
    return [f"select filename as _file, {ODD} as _odd from {records_of(files)}"]


def records_of(files: list[LandingFile]) -> str:
    """Return a relation of `filename` and `json`, which is null for a malformed line."""
    read = f"read_json_objects({paths(file.path for file in files)}"
    if files[0].format == "json":
        return f"{read}, format = 'array')"
    return f"{read}, format = 'newline_delimited', ignore_errors = true)"


def judged_in_sql(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, files: list[LandingFile]
) -> str:
    """Return a query for all records, those that aren't plain as odd ones."""
    structure = {field.name: PLAIN[field.type][0] for field in dataset.fields}
    values, checks = [], ["not contains(json, '\\u0000')"]
    if any(field.type == "number" for field in dataset.fields):
        checks.append(f"not regexp_matches(json, {quoted(LONG_NUMBER)})")
    in_path = {name for file in files for name in file.values_in_path}
    for field in dataset.fields:
        _, value, check = PLAIN[field.type]
        words = {"x": f'f."{field.name}"', "path": quoted(f'$."{field.name}"')}
        values.append(f'{value.format(**words)} as "{field.name}"')
        is_right = f"({check.format(**words)})"
        if field.name in in_path:  # the folder says what the record doesn't
            checks.append(f"{words['x']} is not null")
        checks.append(
            f"({words['x']} is {'null or' if field.nullable else 'not null and'} {is_right})"
        )
    orders = " or ".join(
        f"keys = {texts(order)}" for order in key_orders(connection, dataset, files)
    )
    return f"""
        with records as (
            select
                filename,
                json,
                json_keys(json) as keys,
                json_transform(json, {quoted(json.dumps(structure))}) as f
            from {records_of(files)}
        ),

        judged as (
            select *, case when {orders or "false"} then {" and ".join(checks)} end as is_plain
            from records
        )

        select {", ".join(values)},
            filename as _file,
            case when is_plain then null else {ODD} end as _odd
        from judged
    """


def key_orders(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, files: list[LandingFile]
) -> list[list[str]]:
    """Return in which order the first records have their keys, where these are as declared."""
    names = {field.name for field in dataset.fields}
    required = {field.name for field in dataset.fields if not field.optional}
    found = connection.execute(
        "select distinct json_keys(json) from"
        f" (select json from {records_of(files[:1])} limit 1000) limit 4"
    ).fetchall()
    return [
        keys
        for (keys,) in found
        if keys and len(set(keys)) == len(keys) and required <= set(keys) <= names
    ]
