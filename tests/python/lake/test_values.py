"""Bulk files are validated as seeds are: with the same messages and the same values."""

from collections import Counter
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from helpers.valid_json import Record, json_of, records_of
from helpers.values import BAD_VALUES, GOOD_VALUES, PLACE, VALID
from hypothesis import Phase, given, settings

from warehouse.lake import rows
from warehouse.lake.errors import Problems
from warehouse.lake.landing import LandingFile
from warehouse.lake.records import read
from warehouse.seeds.conversion import convert_record
from warehouse.seeds.declaration import Dataset, read_declaration

DATASETS = read_declaration()
Found = tuple[Counter, list[str]]  # rows as texts, and what is wrong


def write(folder: Path, dataset: Dataset, name: str) -> Found:
    """Write a file's records to a lake; return its contents."""
    problems, said = Problems(), []
    types = [field.type for field in dataset.fields]
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")  # as ingest does
        file = LandingFile(str(folder / name), name, "1")
        rows.write(connection, dataset, [file], folder / "lake", "1-new", problems)
        if problems.count:
            said = rows.lines(connection, dataset, [file], problems)
        written = Counter()
        if list((folder / "lake").glob("*/*.parquet")):
            names = ", ".join(f'"{field.name}"' for field in dataset.fields)
            files = f"read_parquet('{folder}/lake/*/*.parquet', union_by_name = true)"
            query = f"select {names} from {files}"
            for row in connection.sql(query).fetchall():
                written[tuple(map(as_text, row, types))] += 1
    return written, said


def as_text(value: object, kind: str) -> object:
    """Return a value as in a seed, without a number's trailing zeros."""
    if value is None:
        return None
    if kind == "number":
        return Decimal(str(value))
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value).lower() if kind == "boolean" else str(value)


def expected(dataset: Dataset, lines: list[str]) -> Found:
    """Return the seeds of records."""
    written, said = Counter(), []
    for line in lines:
        found: list[str] = []
        row = convert_record(dataset, read(line), found, is_in_bulk=True)
        said += found
        if not found:
            written[
                tuple(
                    Decimal(text) if field.type == "number" and text is not None else text
                    for field, text in zip(dataset.fields, row, strict=True)
                )
            ] += 1
    return written, said


@pytest.fixture(autouse=True)
def all_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "SHOWN", 10_000)


def plain(dataset: Dataset) -> dict[str, str]:
    """Return a valid record, as JSON by field."""
    return {field.name: VALID[field.type] for field in dataset.fields}


def line(record: dict[str, str]) -> str:
    return "{" + ", ".join(f'"{name}": {value}' for name, value in record.items()) + "}"


@pytest.mark.parametrize("extension", ["ndjson", "json"])
@pytest.mark.parametrize("kind", PLACE)
def test_what_seeds_refuse_is_refused_in_the_same_words(
    tmp_path: Path, kind: str, extension: str
) -> None:
    name, field = PLACE[kind]
    dataset, lines = DATASETS[name], []
    for value, _ in BAD_VALUES[kind]:
        record = plain(dataset) | {field: value}
        if value is None:
            del record[field]
        is_malformed = "\\ud800" in (value or "")  # which DuckDB doesn't read at all
        if not is_malformed and len(value or "") < 131_000:
            lines.append(line(record))
    lines = [line(plain(dataset)), *lines]
    text = "[" + ",".join(lines) + "]" if extension == "json" else "\n".join(lines)
    (tmp_path / f"{name}.{extension}").write_text(text, encoding="utf-8")
    _, said = write(tmp_path, dataset, f"{name}.{extension}")
    assert Counter(one.split("): ")[-1] for one in said) == Counter(expected(dataset, lines)[1])


@pytest.mark.parametrize("extension", ["ndjson", "json"])
@pytest.mark.parametrize("kind", PLACE)
def test_what_seeds_take_comes_to_the_same_value(tmp_path: Path, kind: str, extension: str) -> None:
    name, field = PLACE[kind]
    lines = [line(plain(DATASETS[name]) | {field: value}) for value, _ in GOOD_VALUES[kind]]
    text = "[" + ",".join(lines) + "]" if extension == "json" else "\n".join(lines)
    (tmp_path / f"{name}.{extension}").write_text(text, encoding="utf-8")
    written, said = write(tmp_path, DATASETS[name], f"{name}.{extension}")
    assert said == []
    position = [one.name for one in DATASETS[name].fields].index(field)
    as_compared = Decimal if kind == "number" else str
    wanted = Counter(as_compared(text) for _, text in GOOD_VALUES[kind])
    assert Counter(row[position] for row in written.elements()) == wanted


def test_a_key_that_every_record_repeats_is_noticed(tmp_path: Path) -> None:
    dataset = DATASETS["channels"]
    lines = [line(plain(dataset)).replace("{", '{"platform": "web", ')] * 3
    (tmp_path / "channels.ndjson").write_text("\n".join(lines), encoding="utf-8")
    _, said = write(tmp_path, dataset, "channels.ndjson")
    assert [one.split("): ")[-1] for one in said] == expected(dataset, lines)[1]
    assert len(said) == 3


@pytest.mark.parametrize("dataset", DATASETS)
def test_what_seeds_take_is_taken(tmp_path: Path, dataset: str, whole: bool) -> None:
    records: list[Record] = []

    @settings(max_examples=1000 if whole else 50, phases=[Phase.generate])
    @given(records_of(dataset))
    def draw(record: Record) -> None:
        records.append(record)

    draw()
    lines = [json_of([record], "").removeprefix("[").removesuffix("]") for record in records]
    (tmp_path / "a.json").write_text("[" + ",\n".join(lines) + "]", encoding="utf-8")
    written, said = write(tmp_path, DATASETS[dataset], "a.json")
    wanted, _ = expected(DATASETS[dataset], lines)
    assert said == []
    assert (list(written - wanted)[:2], list(wanted - written)[:2]) == ([], [])


PLAIN = {
    "string": [
        '"text"',
        '""',
        '"7"',
        '"null"',
        '"-"',
        '"[x"',
        '"true"',
        '"Caf\\u00e9"',
        '"\\u0022"',
    ],
    "integer": ["0", "-1", "9223372036854775807", "-9223372036854775808"],
    "number": ["0", "-0.5", "12.50", "0.1", "1234567890.25", "99999999999", "0.034482758620689655"],
    "boolean": ["true", "false"],
    "date": ['"2026-03-16"', '"2024-02-29"', '"1999-12-31"'],
    "timestamp": [
        '"2026-03-16T10:30:00"',
        '"2026-03-16 10:30:00"',
        '"2026-03-16T10:30:00Z"',
        '"2026-03-16T10:30:00.25"',
        '"2026-03-16T10:30:00.000001Z"',
        '"2026-03-16T23:30:00-02:30"',
        '"2026-03-16T00:30:00+14:00"',
    ],
}
"""As programs write it; each field of it has a place in a dataset without lists and objects."""
PLACES = PLACE | {"boolean": ("orchestrator_decisions", "human_override")}


@pytest.mark.parametrize("kind", PLAIN)
def test_what_programs_write_is_judged_in_sql_and_to_the_same_values(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, field = PLACES[kind]
    lines = [line(plain(DATASETS[name]) | {field: value}) for value in PLAIN[kind]]
    (tmp_path / "a.ndjson").write_text("\n".join(lines), encoding="utf-8")
    wanted, said = expected(DATASETS[name], lines)
    assert said == []
    monkeypatch.setattr(rows, "judged", None)  # which judges one by one
    assert write(tmp_path, DATASETS[name], "a.ndjson") == (wanted, [])
