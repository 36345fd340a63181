"""Queries for the records of JSON and NDJSON files; see rows.py.

Records in a program's usual format are validated in SQL, all at once. For a dataset with lists or
objects, records.py validates all of them.
"""

import json
from dataclasses import replace

import duckdb

from warehouse.lake.landing import LandingFile
from warehouse.lake.sql import in_path, paths, quoted, texts
from warehouse.seeds.declaration import Dataset

TIMESTAMP = (  # not in year 9999, which another time zone may leave
    "[1-8][0-9]{3}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?"
    "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?"
)
# By type: the extracted text of a field, x; its value; and whether that is certainly the seeds'
# value, if x is the record's own text.
PLAIN = {
    "string": ("VARCHAR", "{x}", "true"),
    "integer": (
        "JSON",
        "try_cast(cast({x} as varchar) as bigint)",
        "cast(try_cast(cast({x} as varchar) as bigint) as varchar) = cast({x} as varchar)",
    ),
    "number": (
        "JSON",
        "try_cast(cast({x} as varchar) as double)",
        "regexp_full_match(cast({x} as varchar), '-?[0-9]{{1,11}}([.][0-9]{{1,20}})?')",
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
        # Without a zone, or with UTC; a cast to timestamp ignores other zones.
        "case when strlen({x}) = 19 or suffix({x}, 'Z') then try_cast({x} as timestamp)"
        " else make_timestamp(epoch_us(try_cast({x} as timestamptz))) end",
        # A regular expression would be slower.
        "case when strlen({x}) = 19"
        " then cast(try_cast({x} as timestamp) as varchar) = replace({x}, 'T', ' ')"
        f" else regexp_full_match({{x}}, {quoted(TIMESTAMP).replace('{', '{{').replace('}', '}}')})"
        " and try_cast({x} as timestamp) is not null end",
    ),
}
IN_TEXT = {name: PLAIN[name][1:] for name in ("date", "timestamp")}  # what text can express too
ODD = "coalesce(cast(json as varchar), '')"  # malformed records are empty
# A number is extracted as DuckDB writes its double. Numbers with more digits than that keeps, or
# with an exponent, which may be too small for a double, are looked up in the record.
LONG_NUMBER = r":\s*-?[0-9.]*[0-9]([0-9.]{15}|[eE])"
# A string may be extracted from another type: a text that begins like one is looked up in the
# record.
STRING = (
    "case when ascii({x}) < 58 or ascii({x}) in (91, 123)"
    " or (strlen({x}) < 9 and ascii({x}) in (70, 73, 78, 84, 102, 105, 110, 116))"
    " then json_type(json, {path}) = 'VARCHAR' else true end"
)

Order = tuple[list[str], bool]  # keys of a record, and whether a space follows each comma and colon


def queries(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, files: list[LandingFile]
) -> list[str]:
    """Return the queries for the records of files of one format."""
    if all(field.type in PLAIN for field in dataset.fields):
        return [judged_in_sql(connection, dataset, files)]
    return [f"select filename as _file, {ODD} as _odd from {records_of(files)}"]


def records_of(files: list[LandingFile]) -> str:
    """Return a relation of `filename` and `json`, which is null for a malformed line."""
    read = f"read_json_objects({paths(file.path for file in files)}, hive_partitioning = false"
    if files[0].format == "json":
        return f"{read}, format = 'array')"
    return f"{read}, format = 'newline_delimited', ignore_errors = true)"


def judged_in_sql(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, files: list[LandingFile]
) -> str:
    """Return a query for all records; records that aren't plain are odd."""
    structure = {field.name: PLAIN[field.type][0] for field in dataset.fields}
    in_paths = {name for file in files for name in file.values_in_path}
    left_out = [
        replace(field, nullable=True, optional=True) if field.name in in_paths else field
        for field in dataset.fields
    ]
    dataset, values, checks = replace(dataset, fields=tuple(left_out)), [], []
    for field in dataset.fields:
        x = f'f."{field.name}"'
        value, is_right = (sql.format(x=x) for sql in PLAIN[field.type][1:])
        if field.name in in_paths:
            value = f"coalesce({value}, {in_path(field.name)})"
            checks.append(f"({x} is not null or {in_path(field.name)} is not null)")
        values.append(f'{value} as "{field.name}"')
        checks.append(f"({x} is {'null or' if field.nullable else 'not null and'} ({is_right}))")
    orders = key_orders(connection, dataset, files)
    return f"""
        with records as (
            select
                *,
                json_transform(json, {quoted(json.dumps(structure))}) as f
            from {records_of(files)}
            left join in_paths using (filename)
        ),

        judged as (
            select
                *,
                case
                    when {" and ".join(checks)} and {says_the_same(dataset, orders)} then true
                end as is_plain
            from records
        )

        select {", ".join(values)},
            filename as _file,
            case when is_plain then null else {ODD} end as _odd
        from judged
    """


def says_the_same(dataset: Dataset, orders: list[Order]) -> str:
    """Return SQL for whether a record has exactly the extracted values.

    It does if its text equals the text made from these values. Other records are checked in detail,
    which takes several times as long.
    """
    if not orders:
        return "false"
    is_written_so = [
        f"cast(json as varchar) = {written(dataset, keys, is_spaced)}" for keys, is_spaced in orders
    ]
    checks = ["not contains(json, '\\u0000')"]
    if any(field.type == "number" for field in dataset.fields):
        checks.append(f"not regexp_matches(json, {quoted(LONG_NUMBER)})")
    for field in dataset.fields:
        if field.type == "string":
            x = f'f."{field.name}"'
            check = STRING.format(x=x, path=quoted(f'$."{field.name}"'))
            checks.append(f"({x} is null or {check})")
    checks.append(f"json_keys(json) in ({', '.join(texts(keys) for keys, _ in orders)})")
    return f"({' or '.join(is_written_so)} or ({' and '.join(checks)}))"


def written(dataset: Dataset, order: list[str], is_spaced: bool) -> str:
    """Return SQL for the text of a record made from its extracted values."""
    fields = {field.name: field for field in dataset.fields}
    comma, colon = (", ", ": ") if is_spaced else (",", ":")
    parts, text = [], "{"  # text before the next part
    for name in order:
        x, mark = f'f."{name}"', '"' if PLAIN[fields[name].type][0] == "VARCHAR" else ""
        text += f'{comma if parts else ""}"{name}"{colon}'
        if fields[name].nullable:
            value = f"coalesce({quoted(mark)} || cast({x} as varchar) || {quoted(mark)}, 'null')"
            parts, text = [*parts, quoted(text), value], ""
        else:
            parts, text = [*parts, quoted(text + mark), f"cast({x} as varchar)"], mark
    return f"concat({', '.join([*parts, quoted(text + '}')])})"


def key_orders(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, files: list[LandingFile]
) -> list[Order]:
    """Return the order of keys in the first records, where these are as declared."""
    names = {field.name for field in dataset.fields}
    required = {field.name for field in dataset.fields if not field.optional}
    found = connection.execute(
        "select distinct json_keys(json), contains(json, ', \"') from"
        f" (select json from {records_of(files[:1])} limit 1000) limit 4"
    ).fetchall()
    return [
        (keys, is_spaced)
        for keys, is_spaced in found
        if keys and len(set(keys)) == len(keys) and required <= set(keys) <= names
    ]
