"""Values of Parquet's and JSON's types are the same in the lake as in seeds.

Expected values are written here, or come from the converter for the same records.
"""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from helpers.bulk import (
    DECLARED,
    Form,
    Record,
    quoted,
    write_export,
    write_file,
)
from helpers.lake import assert_holds, column_of
from helpers.project import Export, read_export

from warehouse.lake.ingest import ingest

# ---- Each field, each type, each form --------------------------------------------------------

TEXTS = ["", " ", "'", '"', "Ünïcode ☕", "Line\nbreak", "null", "NULL", "1e5", "0012", "{}", "[a]"]


def records_of(dataset: str) -> list[Record]:
    """Return a record for each of some valid, but unusual values of a dataset's fields."""
    values: dict[str, list[Any]] = {
        "string": TEXTS,
        "integer": [0, -1, 2**31, 2**53, -(2**53)],
        "number": [0, -0.01, 1234567.891, 0.005, 333.335, 1e-6, 5e-17, 1234567890.5],
        "boolean": [True, False],
        "date": ["2026-03-16", "0001-01-01", "9999-12-31", "2024-02-29"],
        "timestamp": [
            "2026-03-16T10:30:00",
            "2026-03-16 10:30",
            "2026-03-16T23:59:59.999999Z",
            "2026-03-16T10:30:00+05:30",
            "2026-03-16T00:30:00-0800",
            "2026-12-31T23:00:00.5-02:00",
            "1999-12-31T00:00:00.123456789z",
            "0001-01-01T00:00:00",
            "9999-12-31T23:59:59.999999",
        ],
        "string_list": [[], ["a"], ["a", "a", 'quo"te', "ü, ä", ""]],
        "object": [{}, {"a": 1}, {"a": {"b": [1, "x", None, True]}, "": 1.5, "ü 'k\"ey": "☕\n"}],
    }
    fields = DECLARED[dataset].fields
    count = max(len(values[field.type]) for field in fields)
    records = []
    for number in range(count):
        record = {
            field.name: values[field.type][number % len(values[field.type])] for field in fields
        }
        for field in fields:
            if field.nullable and number % 3 == 1:
                record[field.name] = None
            if field.optional and number % 3 == 2:
                del record[field.name]
        records.append(record)
    return records


@pytest.mark.parametrize(
    "form",
    [
        Form("ndjson.zst"),
        Form("json.gz"),
        Form("parquet"),
        Form("parquet", types="exact"),
        Form("parquet", types="pandas"),
        Form("parquet", types="text"),
    ],
    ids=str,
)
def test_every_value_is_as_in_a_seed(tmp_path: Path, form: Form) -> None:
    export = {dataset: records_of(dataset) for dataset in DECLARED}
    if form.types == "pandas":  # nanoseconds since 1970 in 64 bits reach from 1677 to 2262
        for record in (one for records in export.values() for one in records):
            for name, value in record.items():
                if str(value).startswith(("0001-01-01T", "9999-12-31T")):
                    record[name] = "1700-01-01T00:00:00"
    landing = write_export(tmp_path / "landing", export, lambda dataset: form)
    ingest(landing, tmp_path / "lake")
    assert_holds(tmp_path / "lake", export)


# ---- Nested columns --------------------------------------------------------------------------


def native_evidence(export: Export) -> Export:
    """Return an export in which every risk's evidence has all keys, null where it had none."""
    keys = sorted({key for risk in export["campaign_risk_signals"] for key in risk["evidence"]})
    for risk in export["campaign_risk_signals"]:
        risk["evidence"] = {key: risk["evidence"].get(key) for key in keys}
    return export


def write_native(folder: Path, dataset: str, records: list[Record]) -> None:
    """Write records as Parquet of whatever types DuckDB sees in them: structs, lists, times."""
    text = folder.parent / f"{dataset}.native.json"
    text.write_text(json.dumps(records), encoding="utf-8")
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (from read_json({quoted(text)})) to"
            f" {quoted(folder / f'{dataset}.parquet')} (format parquet)"
        )


def test_a_struct_holds_no_key_that_only_other_records_have(tmp_path: Path) -> None:
    """In a struct, a key that a record lacks is null, and must not become a key."""
    export = read_export()
    landing = write_export(tmp_path / "landing", export, lambda _: Form("parquet", "day", "exact"))
    native = native_evidence(read_export())
    for dataset in ("campaign_risk_signals", "creative_assets"):
        for file in sorted(landing.glob(f"{dataset}/**/*.parquet")):
            file.unlink()
        write_native(landing, dataset, native[dataset])
    ingest(landing, tmp_path / "lake")
    assert_holds(tmp_path / "lake", export)
    found = column_of(tmp_path / "lake", "campaign_risk_signals", "evidence", "risk_id")
    keys = [list(json.loads(text)) for text in found]
    wanted = [sorted(risk["evidence"]) for risk in export["campaign_risk_signals"]]
    assert keys == wanted, "in the order of the struct"


def test_numbers_in_an_object_of_text_keep_their_digits(tmp_path: Path) -> None:
    evidence = '{"a": 1.50, "b": 12345678901234567890.12345, "c": {"d": [0.1000000000000000055]}}'
    landing = write_export(tmp_path / "landing", read_export(), lambda dataset: Form())
    (landing / "campaign_risk_signals.ndjson").unlink()
    risk = read_export()["campaign_risk_signals"][0] | {"evidence": evidence}
    file = landing / "campaign_risk_signals/0.parquet"
    write_file(file, "campaign_risk_signals", [risk], Form("parquet", types="text"))
    ingest(landing, tmp_path / "lake")
    (found,) = column_of(tmp_path / "lake", "campaign_risk_signals", "evidence", "risk_id")
    assert found == evidence.replace(": ", ":").replace(", ", ",")


# ---- Columns of types of Parquet's own -------------------------------------------------------

Case = tuple[str, str, str, list[tuple[str, str]]]  # dataset, field, type, given and in the lake
TYPED: list[Case] = [
    ("performance_metrics", "cost", "decimal(12, 2)", [("98770.07", "98770.07")]),
    ("performance_metrics", "cost", "double", [("5e-17", "5e-17"), ("333.335", "333.335")]),
    ("performance_metrics", "cost", "bigint", [("20000001", "20000001.0")]),
    # A float's double is another number: 0.1 would be 0.10000000149.
    ("performance_metrics", "cost", "float", [("0.5", "0.5"), ("0.1", "0.1")]),
    (
        "performance_metrics",
        "cost",
        "decimal(18, 6)",
        [("999999999998.123456", "999999999998.123456"), ("-0.000001", "-1e-06")],
    ),
    ("performance_metrics", "cost", "decimal(38, 20)", [("0.12345678901234567891",) * 2]),
    ("performance_metrics", "cost", "usmallint", [("65535", "65535.0")]),
    ("performance_metrics", "clicks", "double", [("12", "12"), ("1e18", "1000000000000000000")]),
    ("performance_metrics", "clicks", "float", [("12", "12")]),
    ("performance_metrics", "clicks", "decimal(12, 2)", [("12.00", "12")]),
    ("performance_metrics", "clicks", "decimal(38, 0)", [("9223372036854775807",) * 2]),
    ("performance_metrics", "clicks", "utinyint", [("255", "255")]),
    ("performance_metrics", "clicks", "uinteger", [("4294967295", "4294967295")]),
    ("performance_metrics", "clicks", "ubigint", [("9223372036854775807",) * 2]),
    ("performance_metrics", "clicks", "hugeint", [("12", "12")]),
    ("performance_metrics", "asset_id", "uuid", [("1e8a0f4c-0000-4000-8000-00000000000a",) * 2]),
    ("performance_metrics", "asset_id", "enum('a', 'b')", [("b", "b"), ("a", "a")]),
    (
        "performance_metrics",
        "timestamp",
        "timestamp_s",
        [("2026-03-16 10:30:01", "2026-03-16 10:30:01")],
    ),
    (
        "performance_metrics",
        "timestamp",
        "timestamp_ms",
        [("2026-03-16 10:30:00.123", "2026-03-16 10:30:00.123")],
    ),
    (
        "performance_metrics",
        "timestamp",
        "timestamp_ns",
        [("2026-03-16 10:30:00.123456789", "2026-03-16 10:30:00.123456")],
    ),
    (
        "performance_metrics",
        "timestamp",
        "timestamptz",
        [("2026-03-16 00:30:00+02", "2026-03-15 22:30:00")],
    ),
    ("campaigns", "start_date", "timestamp_ns", [("2026-03-16 00:00:00", "2026-03-16")]),
    ("campaigns", "start_date", "timestamp_ms", [("2026-03-16 00:00:00", "2026-03-16")]),
    ("campaigns", "start_date", "timestamptz", [("2026-03-16 00:00:00+00", "2026-03-16")]),
    ("creative_assets", "risk_flags", "varchar[]", [('["a", "b"]', '["a","b"]')]),
    ("creative_assets", "risk_flags", "json", [('["a", "b"]', '["a","b"]')]),
    ("campaign_risk_signals", "evidence", "json", [('{"b": 1, "a": 2.50}', '{"b":1,"a":2.50}')]),
    ("campaign_risk_signals", "evidence", "map(varchar, integer)", [("{a=1}", '{"a":1}')]),
    (
        "campaign_risk_signals",
        "evidence",
        "struct(b integer, a varchar[])",
        [("{b: 1, a: [x]}", '{"b":1,"a":["x"]}')],
    ),
]


def test_a_column_of_any_type_that_says_the_same_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file of a dataset has its own types: read together, digits would be lost."""

    def connect_elsewhere() -> duckdb.DuckDBPyConnection:
        connection = connect()
        connection.execute("set TimeZone = 'America/St_Johns'")  # as a machine's may be
        return connection

    landing = write_export(tmp_path / "landing", read_export(), lambda dataset: Form())
    for number, (dataset, field, kind, values) in enumerate(TYPED):
        (landing / f"{dataset}.ndjson").unlink(missing_ok=True)
        (landing / dataset).mkdir(exist_ok=True)
        file = landing / dataset / f"{number}.parquet"
        write_file(file, dataset, read_export()[dataset][:1], Form("parquet"))
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            given = ", ".join(f"cast({quoted(Path(text))} as {kind})" for text, _ in values)
            replaced = f'* replace (unnest([{given}]) as "{field}")'
            connection.execute(f"create table one as select {replaced} from {quoted(file)}")
            connection.execute(f"copy one to {quoted(file)} (format parquet)")
    connect = duckdb.connect
    monkeypatch.setattr(duckdb, "connect", connect_elsewhere)
    ingest(landing, tmp_path / "lake")
    for number, (dataset, field, kind, values) in enumerate(TYPED):
        files = quoted(tmp_path / "lake" / dataset / "*/*.parquet")
        found = duckdb.execute(
            f'select cast("{field}" as varchar) from read_parquet({files}, union_by_name = true)'
            " where _file = ? order by all",
            [f"{dataset}/{number}.parquet"],
        ).fetchall()
        wanted = sorted(value for _, value in values)
        assert [value for (value,) in found] == wanted, f"{field} as {kind}"


def test_a_row_is_right_in_all_its_columns_where_one_is_looked_at_closer(tmp_path: Path) -> None:
    """For example a number with more digits than a double: the row is validated as JSON."""
    export = read_export()
    for number, campaign in enumerate(export["campaigns"]):
        campaign["budget"] = number + 0.5
    landing = write_export(tmp_path / "landing", export, lambda dataset: Form("parquet"))
    file = landing / "campaigns.parquet"
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(
            "create table one as select * replace ("
            "cast(budget as decimal(38, 20)) + 1e-20::decimal(38, 20) as budget,"
            " cast(start_date as timestamp_ns) as start_date,"
            " cast(end_date as timestamptz) as end_date,"
            f" cast(created_at as timestamptz) as created_at) from {quoted(file)}"
        )
        connection.execute(f"copy one to {quoted(file)} (format parquet)")
    ingest(landing, tmp_path / "lake")
    assert_holds(tmp_path / "lake", export)
    budgets = column_of(tmp_path / "lake", "campaigns", "budget", "campaign_id")
    assert budgets[1] == "1.50000000000000000001"
