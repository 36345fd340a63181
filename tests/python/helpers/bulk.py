"""Exports as files of every form, and the comparison of their builds."""

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from helpers import oracle
from helpers.builds import Build
from helpers.compare import SHOWN, assert_same
from helpers.project import Export

from warehouse.seeds.declaration import Field, read_declaration

DECLARED = read_declaration()
Record = dict[str, Any]

# ---- Writing ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Form:
    """How a dataset is written.

    `extension` is that of its files. `layout` is one file ("flat"), several in a folder ("parts"),
    or folders by day: "day" and "date" as hive writers name them (which drop the column that the
    folder is named after), "deep" with a folder for the year, the month and the day, "plain" with
    folders that name no column. `types` is how values are stored: in Parquet "typed", "exact"
    (decimals and zoned times), "pandas" (all counts doubles, times in nanoseconds) or "text" (of
    what text may stand for: dates, times, lists and objects).
    """

    extension: str = "ndjson"
    layout: str = "flat"
    types: str = "typed"

    def __str__(self) -> str:
        return f"{self.extension} {self.layout} {self.types}"


def write_export(folder: Path, export: Export, form_of: Callable[[str], Form]) -> Path:
    """Write the files of an export, each dataset in its own form; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for dataset, records in export.items():
        write_dataset(folder, dataset, records, form_of(dataset))
    return folder


def write_dataset(folder: Path, dataset: str, records: list[Record], form: Form) -> None:
    """Write the files of a dataset below a folder."""
    files: dict[str, list[Record]] = defaultdict(list)
    for number, record in enumerate(records):
        files[place_of(dataset, record, number, form.layout)].append(record)
    for place, part in (files or {dataset: []}).items():
        is_dropped = form.layout == "date" and "date=" in place
        write_file(folder / f"{place}.{form.extension}", dataset, part, form, is_dropped)


def place_of(dataset: str, record: Record, number: int, layout: str) -> str:
    """Return the path of a record's file, without its extension."""
    day = day_of(record)
    if layout == "flat":
        return dataset
    if layout == "parts" or day is None:
        return f"{dataset}/part-{number % 2}"
    year, month, of_month = day.split("-")
    folder = {
        "day": f"day={day}/part-{number % 2}",
        "date": f"date={day}/data",
        "deep": f"year={year}/month={month}/day={of_month}/0",
        "plain": f"{year}/{month}/{of_month}",
    }
    return f"{dataset}/{folder[layout]}"


def day_of(record: Record) -> str | None:
    """Return the UTC day of a record; none where it has no time."""
    if record.get("date"):
        return record["date"]
    written = record.get("timestamp") or record.get("created_at")
    return oracle.moment(written.upper()).date().isoformat() if written else None


def write_file(
    file: Path, dataset: str, records: list[Record], form: Form, drops_date: bool = False
) -> None:
    """Write records to a file."""
    if drops_date:
        records = [{k: v for k, v in record.items() if k != "date"} for record in records]
    if form.extension == "parquet":
        write_parquet(file, dataset, records, form.types, drops_date)
    else:
        write_text(file, json_text(records, form.extension))


def json_text(records: Iterable[Record], extension: str) -> str:
    """Return the text of a JSON or NDJSON file, one record per line."""
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    if extension.startswith("ndjson"):
        return "".join(f"{line}\n" for line in lines)
    return "[" + ",\n".join(lines) + "]\n"


def write_text(file: Path, text: str) -> None:
    """Write a text, compressed as the file's name says."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".gz":
        with gzip.open(file, "wt", encoding="utf-8") as compressed:
            compressed.write(text)
    elif file.suffix == ".zst":
        # CSV of one column, with no quotes and a separator that no text has, is the text itself.
        options = "format csv, header false, quote '', escape '', delim e'\\x01', compression zstd"
        with duckdb.connect() as connection:
            connection.execute("create table texts as select unnest(?) as text", [text.split("\n")])
            connection.execute(f"copy texts to {quoted(file)} ({options})")
    else:
        file.write_text(text, encoding="utf-8")


def quoted(path: Path) -> str:
    """Return a path as an SQL literal."""
    return "'" + str(path).replace("'", "''") + "'"


PARQUET_TYPES = {
    "typed": {
        "string": "varchar",
        "integer": "bigint",
        "number": "double",
        "boolean": "boolean",
        "date": "date",
        "timestamp": "timestamp",
        "string_list": "varchar[]",
        "object": "json",
    },
}
PARQUET_TYPES["exact"] = PARQUET_TYPES["typed"] | {
    "timestamp": "timestamptz",
    "number": "decimal(18, 6)",
    "object": "varchar",
}
PARQUET_TYPES["pandas"] = PARQUET_TYPES["typed"] | {
    "integer": "double",
    "timestamp": "timestamp_ns",
    "object": "varchar",
}
PARQUET_TYPES["text"] = PARQUET_TYPES["typed"] | dict.fromkeys(
    ("date", "timestamp", "string_list", "object"), "varchar"
)


def write_parquet(
    file: Path, dataset: str, records: list[Record], types: str, drops_date: bool = False
) -> None:
    """Write records as Parquet; an optional field that none of them has is no column."""
    fields = [
        field
        for field in DECLARED[dataset].fields
        if not (field.name == "date" and drops_date)
        and (not field.optional or any(record.get(field.name) is not None for record in records))
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    texts = [[text_of(field, one.get(field.name), types) for one in records] for field in fields]
    names = ", ".join(f'unnest(cast(? as varchar[])) as "{field.name}"' for field in fields)
    columns = ", ".join(column_of(field, types, records) for field in fields)
    with duckdb.connect() as connection:
        connection.execute(f"create table texts as select {names}", texts)
        connection.execute(f"copy (select {columns} from texts) to {quoted(file)} (format parquet)")


def text_of(field: Field, value: Any, types: str) -> str | None:
    """Return a value as text that casts to its type."""
    if value is None:
        return None
    if field.type == "timestamp" and types != "text":
        utc = oracle.moment(value.upper()).isoformat()  # Python doesn't know a lower-case z
        return utc + "Z" if types == "exact" else utc
    return value if isinstance(value, str) else json.dumps(value)


def column_of(field: Field, types: str, records: list[Record]) -> str:
    """Return the select expression of a column."""
    name, type_name = f'"{field.name}"', PARQUET_TYPES[types][field.type]
    if type_name == "varchar[]":
        return f"""from_json({name}, '["varchar"]') as {name}"""
    if type_name.startswith("decimal"):
        values = [Decimal(str(one[field.name])) for one in records if one.get(field.name)]
        if any(value != value.quantize(Decimal("0.000001")) for value in values):
            type_name = "double"  # a decimal would round it
    return f"cast({name} as {type_name}) as {name}"


# ---- Comparing -------------------------------------------------------------------------------

OF_THE_INPUT = {
    "warehouse_build": {"inputs", "history_hash", "policy"},
    "risk_escalation": {"evidence"},  # what it says is compared on its own
}
"""Columns that show in which form the input came, and so differ where the marts don't."""


def assert_same_marts(actual: Build, expected: Build, *others: str) -> None:
    """Compare everything that two whole builds publish, as assert_same_content does."""
    assert_whole(actual)
    assert_same_content(actual, expected, *others)


def assert_same_content(actual: Build, expected: Build, *others: str) -> None:
    """Compare the public tables of two builds, and other tables, row by row and by type."""
    with duckdb.connect() as connection:
        found = copied(connection, actual, "actual", others)
        wanted = copied(connection, expected, "expected", others)
        assert found == wanted, f"{set(found) ^ set(wanted)} are of one build only"
        assert {"marts.fct_funnel_daily", "marts.fct_performance_daily"} < set(wanted)
        lines = [line for name in wanted for line in differences(connection, name)]
    assert not lines, "\n".join([f"{len(lines)} differences", *lines[:SHOWN]])
    assert evidence_of(actual) == evidence_of(expected)


def copied(
    connection: duckdb.DuckDBPyConnection, build: Build, schema: str, others: tuple[str, ...]
) -> list[str]:
    """Copy the public tables of a build, and other tables, into a schema; return their names."""
    # Views call the build file by this name.
    connection.execute(f"attach {quoted(build.database)} as warehouse (read_only)")
    public = connection.sql(
        """
        select table_schema || '.' || table_name
        from information_schema.tables
        where table_catalog = 'warehouse' and table_schema in ('marts', 'semantic')
        order by all
        """
    ).fetchall()
    names = [name for (name,) in public] + list(others)
    connection.execute(f"create schema {schema}")
    for name in names:
        connection.execute(f'create table {schema}."{name}" as from warehouse.{name}')
    connection.execute("detach warehouse")
    return names


def differences(connection: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    """Return a line for each row of a relation that only one of two builds has."""
    columns = {
        schema: [row[:2] for row in connection.sql(f'describe {schema}."{relation}"').fetchall()]
        for schema in ("actual", "expected")
    }
    if columns["actual"] != columns["expected"]:
        return [f"{relation} has the columns {columns}"]
    left_out = OF_THE_INPUT.get(relation.split(".")[1], set())
    shown = ", ".join(f'"{name}"' for name, _ in columns["actual"] if name not in left_out)
    lines = []
    for word, one, other in (
        ("unexpected", "actual", "expected"),
        ("missing", "expected", "actual"),
    ):
        rows = connection.sql(
            f'select {shown} from {one}."{relation}"'
            f' except all select {shown} from {other}."{relation}"'
        )
        for row in rows.fetchmany(SHOWN):
            values = dict(zip(rows.columns, row, strict=True))
            lines.append(f"{relation}: {word}: {values}")
    return lines


def evidence_of(build: Build) -> dict[str, list]:
    """Return each risk's evidence with its keys in order, whatever its format."""
    rows = build.rows("select risk_id, evidence from marts.risk_escalation")
    return {
        row["risk_id"]: json.loads(row["evidence"], object_pairs_hook=lambda pairs: list(pairs))
        for row in rows
    }


def assert_whole(build: Build) -> None:
    """Fail with the reasons if any node couldn't be built."""
    errors = {name: build.messages[name] for name in build.named("error", "runtime error")}
    assert errors == {}, errors
    assert build.named("skipped") == set(), build.named("skipped")


def assert_as_the_oracle_reads(build: Build, world: oracle.World) -> None:
    """Compare every mart that the oracle covers with the oracle's rows."""
    for mart, (key, work_out) in oracle.MARTS.items():
        assert_same(mart, key, work_out(world), build.rows(f"select * from marts.{mart}"))


# ---- What is said of what is wrong -----------------------------------------------------------


def problem(
    file: str, number: int, identity: str | None, field: str, words: str, found: str = ""
) -> re.Pattern[str]:
    """Return the pattern of a line about a problem and its place.

    Args:
        file: The end of the file's path.
        number: The record's position in the file, from 1.
        identity: The record's id; none where it has none.
        field: The field.
        words: What must follow.
        found: How what was found must begin to be described, quotes aside.

    """
    named = f" \\({re.escape(identity)}\\)" if identity else ""
    place = f"{re.escape(file)}: record {number}{named}: {re.escape(field)}"
    instead = f".*, found .*{re.escape(found)}" if found else ""
    return re.compile(rf"(^|[/ ]){place}: {re.escape(words)}{instead}")


def unsaid(lines: Iterable[str], patterns: Iterable[re.Pattern[str]]) -> list[str]:
    """Return the patterns that no line matches."""
    lines = list(lines)
    return [one.pattern for one in patterns if not any(one.search(line) for line in lines)]
