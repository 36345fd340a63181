"""Problems of a record are reported with file, record, field and value.

An ingest reports all problems at once, so many kinds share one ingest: each dataset has some.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from helpers.bulk import DECLARED, Form, Record, quoted, write_export, write_file, write_text
from helpers.lake import problems_of
from helpers.project import read_export
from helpers.values import DECLARED_IN, NO_DATE, NO_TIMESTAMP, NOT_64_BITS, TOO_LARGE

from warehouse.lake import rows

PLACES = {
    "string": ("channels", "platform"),
    "integer": ("audience_segments", "size_estimate"),
    "number": ("roi_ledger", "llm_cost"),
    "boolean": ("budget_actions", "approved_by_human"),
    "date": ("campaigns", "start_date"),
    "timestamp": ("orchestrator_decisions", "timestamp"),
    "string_list": ("creative_assets", "risk_flags"),
    "object": ("campaign_risk_signals", "evidence"),
}
"""A field of each type, and no two in one dataset."""

EXPECTED = {
    "string": "expected a string",
    "integer": "expected an integer",
    "number": "expected a number",
    "boolean": "expected true or false",
    "date": NO_DATE,
    "timestamp": NO_TIMESTAMP,
    "string_list": "expected a list of strings",
    "object": "expected an object",
}
"""How the converter calls a type."""

BAD_JSON: dict[str, list[tuple[str, str]]] = {
    "string": [
        ("12", "the number 12"),
        ("true", "true"),
        ("[]", "a list"),
        ('["a"]', "a list"),
        ("{}", "an object"),
    ],
    "integer": [
        ('"twelve"', 'the string "twelve"'),
        ('"12"', 'the string "12"'),
        ("1.5", "the number 1.5"),
        ("true", "true"),
        ("9223372036854775808", "the number 9223372036854775808"),
        ('""', 'the string ""'),
        ("[1]", "a list"),
    ],
    "number": [
        ('"abc"', 'the string "abc"'),
        ('"1.5"', 'the string "1.5"'),
        ('"1,5"', 'the string "1,5"'),
        ('"infinity"', 'the string "infinity"'),
        ("false", "false"),
        ("1000000000000", "the number 1000000000000"),
        ('""', 'the string ""'),
        ("[1]", "a list"),
    ],
    "boolean": [
        ("1", "the number 1"),
        ('"yes"', 'the string "yes"'),
        ('"t"', 'the string "t"'),
        ('"true"', 'the string "true"'),
        ('""', 'the string ""'),
    ],
    "date": [
        ('"2026-02-30"', 'the string "2026-02-30"'),
        ('"2026-3-16"', 'the string "2026-3-16"'),
        ('"20260316"', 'the string "20260316"'),
        ('"2026-03-16T10:00"', 'the string "2026-03-16T10:00"'),
        ('"infinity"', 'the string "infinity"'),
        ('""', 'the string ""'),
        ("20260316", "the number 20260316"),
    ],
    "timestamp": [
        ('"2026-02-30T10:00"', 'the string "2026-02-30T10:00"'),
        ('"2026-03-16T24:00"', 'the string "2026-03-16T24:00"'),
        ('"2026-03-16T10:60"', 'the string "2026-03-16T10:60"'),
        ('"2026-03-16T10:00+2"', 'the string "2026-03-16T10:00+2"'),
        ('"16.03.2026 10:00"', 'the string "16.03.2026 10:00"'),
        ('"epoch"', 'the string "epoch"'),
        ("1773655800", "the number 1773655800"),
    ],
    "string_list": [
        ('"a"', 'the string "a"'),
        ('[1, "a"]', "(its item 1 is the number 1), found a list"),
        ('["a", null]', "(its item 2 is null), found a list"),
        ("{}", "an object"),
        ('"[1]"', 'the string "[1]"'),
        (r'"[\"a\"]"', 'the string "["a"]"'),
    ],
    "object": [
        ("[]", "a list"),
        ('"text"', 'the string "text"'),
        ("12", "the number 12"),
        ('"[]"', 'the string "[]"'),
        ('"{}"', 'the string "{}"'),
    ],
}
"""Values that JSON can write and that are none of their type, and what was found."""

BAD_TEXT: dict[str, list[tuple[str, str]]] = {
    "date": [(text, f'the string "{text}"') for text in ("2026-02-30", "16.03.2026", "infinity")],
    "timestamp": [
        (text, f'the string "{text}"')
        for text in ("2026-02-30T10:00", "2026-03-16T24:00", "soon", "2026-03-16T10:00 CET", "")
    ],
    "string_list": [
        ("a", 'the string "a"'),
        ("[1]", "(its item 1 is the number 1), found a list"),
        ("", 'the string ""'),
        ("{}", "an object"),
        ('["a"', 'the string "["a""'),
    ],
    "object": [
        ("text", 'the string "text"'),
        ("[]", "a list"),
        ('{"a": ', 'the string "{"a": "'),
        ("12", "the number 12"),
    ],
}
"""The same of columns of text in Parquet."""

WORDS = {
    "9223372036854775808": f"{NOT_64_BITS}, found the number 9223372036854775808",
    "1000000000000": f"{TOO_LARGE}, found the number 1000000000000",
}
"""Where more is said than that a type was expected."""


def words(kind: str, given: str, found: str) -> str:
    """Return the message for a value where a type was expected."""
    instead = f" {found}" if found.startswith("(") else f", found {found}"
    return WORDS.get(given, EXPECTED[kind] + instead)


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    """Return a folder with the demo's export, one file per dataset."""
    return write_export(tmp_path / "landing", read_export(), lambda dataset: Form("ndjson"))


def spoiled(dataset: str, field: str, texts: list[str]) -> Iterator[str]:
    """Yield the JSON text of records that have these texts in a field."""
    first, key = read_export()[dataset][0], DECLARED[dataset].id_field
    for number, text in enumerate(texts, start=1):
        pairs = {name: json.dumps(value) for name, value in first.items()}
        pairs |= {key: json.dumps(f"BAD_{number}"), field: text}
        yield "{" + ", ".join(f'"{name}": {value}' for name, value in pairs.items()) + "}"


@pytest.mark.parametrize("extension", ["ndjson", "json.gz"])
def test_a_bad_value_is_named(landing: Path, extension: str) -> None:
    expected = []
    for kind, (dataset, field) in PLACES.items():
        good = [json.dumps(record) for record in read_export()[dataset]]
        bad = list(spoiled(dataset, field, [given for given, _ in BAD_JSON[kind]]))
        records = [*good, *bad, good[0]]
        (landing / f"{dataset}.ndjson").unlink()
        file = landing / f"{dataset}.{extension}"
        is_array = extension.startswith("json")
        write_text(file, f"[{','.join(records)}]" if is_array else "\n".join(records) + "\n")
        expected += [
            f"{file.name}: record {len(good) + number} (BAD_{number}): {field}: "
            + words(kind, given, found)
            for number, (given, found) in enumerate(BAD_JSON[kind], start=1)
        ]
    assert sorted(problems_of(landing)) == sorted(expected)


def test_a_bad_text_in_parquet_is_named(landing: Path) -> None:
    expected = []
    for kind, texts in BAD_TEXT.items():
        dataset, field = PLACES[kind]
        good, key = read_export()[dataset], DECLARED[dataset].id_field
        bad = [
            good[0] | {field: given, key: f"BAD_{number}"}
            for number, (given, _) in enumerate(texts, start=1)
        ]
        (landing / f"{dataset}.ndjson").unlink()
        file = landing / f"{dataset}.parquet"
        write_file(file, dataset, [*good, *bad], Form("parquet", types="text"))
        expected += [
            f"{file.name}: record {len(good) + number} (BAD_{number}): {field}: "
            + words(kind, given, found)
            for number, (given, found) in enumerate(texts, start=1)
        ]
    assert sorted(problems_of(landing)) == sorted(expected)


def rewritten(landing: Path, dataset: str, select: str) -> Path:
    """Write a dataset as Parquet, with the columns of a select list on its records."""
    text = landing / f"{dataset}.ndjson"
    file = landing / f"{dataset}.parquet"
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(
            f"copy (select {select} from read_json({quoted(text)}))"
            f" to {quoted(file)} (format parquet)"
        )
    text.unlink()
    return file


BAD_TYPED = {
    "audience_segments": (
        "size_estimate",
        "double",
        {
            "1.5": "expected an integer, found the number 1.5",
            "'nan'": "expected a finite number, found NaN",
            "1e30": f"{NOT_64_BITS}, found the number 1e30",
        },
    ),
    "funnel_events": (
        "count",
        "ubigint",
        {"9223372036854775808": f"{NOT_64_BITS}, found the number 9223372036854775808"},
    ),
    "budget_actions": (
        "amount",
        "hugeint",
        {"1000000000000": f"{TOO_LARGE}, found the number 1000000000000.0"},
    ),
    "attribution_hints": (
        "confidence",
        "float",
        {"'-inf'": "expected a finite number, found -Infinity"},
    ),
    "roi_ledger": (
        "llm_cost",
        "bigint",
        {"-9223372036854775808": f"{TOO_LARGE}, found the number -9223372036854775808"},
    ),
    "channels": (
        "avg_cost",
        "decimal(38, 10)",
        {"999999999999.9999995": f"{TOO_LARGE}, found the number 999999999999.9999995000"},
    ),
    "campaigns": (
        "start_date",
        "timestamp",
        {
            "'2026-03-16 10:00:00'": f'{NO_DATE}, found the string "2026-03-16 10:00:00"',
            "'infinity'": f'{NO_DATE}, found the string "infinity"',
        },
    ),
    "segment_rollups": (
        "window_start",
        "date",
        {
            "'12026-03-16'": f'{NO_DATE}, found the string "12026-03-16"',
            "'-infinity'": f'{NO_DATE}, found the string "-infinity"',
        },
    ),
    "orchestrator_decisions": (
        "timestamp",
        "timestamptz",
        {
            "'infinity'": f'{NO_TIMESTAMP}, found the string "infinity"',
            "'12026-03-16 10:00:00+00'": f'{NO_TIMESTAMP}, found the string "12026-03-16 10:00:00"',
        },
    ),
    "creative_assets": (
        "risk_flags",
        "varchar[]",
        {"['a', null]": "expected a list of strings (its item 2 is null), found a list"},
    ),
    "campaign_risk_signals": (
        "severity",
        "varchar",
        {
            "'a' || chr(0)": "expected text without NUL characters,"
            r' found the string "a\x00"'
        },
    ),
}
"""A field of a dataset, a type of Parquet, and what is said of values that this can hold."""


def test_a_bad_value_in_parquet_is_named(landing: Path) -> None:
    expected = []
    for dataset, (field, kind, values) in BAD_TYPED.items():
        first, key = read_export()[dataset][0], DECLARED[dataset].id_field
        write_text(landing / f"{dataset}.ndjson", json.dumps(first) + "\n")
        texts = ", ".join(f"cast({value} as {kind})" for value in values)
        rewritten(landing, dataset, f"* replace (unnest([{texts}]) as {field})")
        expected += [
            f"{dataset}.parquet: record {number} ({first[key]}): {field}: {said}"
            for number, said in enumerate(values.values(), start=1)
        ]
    assert sorted(problems_of(landing)) == sorted(expected)


def test_a_record_without_an_id_goes_by_its_place(landing: Path) -> None:
    records = read_export()["performance_metrics"]
    records[3] |= {"cost": "dear"}
    records[5]["costs"] = 1
    write_text(landing / "performance_metrics.ndjson", "\n".join(map(json.dumps, records))[:-9])
    assert problems_of(landing) == [
        'performance_metrics.ndjson: record 4: cost: expected a number, found the string "dear"',
        f"performance_metrics.ndjson: record 6: costs: undeclared field; {DECLARED_IN}",
        f"performance_metrics.ndjson: record {len(records)}: expected a JSON object on one line,"
        " in UTF-8, found malformed JSON; is the file cut off?",
    ]


# ---- Fields ----------------------------------------------------------------------------------

FORMS = {
    "ndjson": Form("ndjson"),
    "parquet": Form("parquet"),
    "parquet of text": Form("parquet", types="text"),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_required_field_that_is_null_or_absent_is_named(
    tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each in its own record: one that is odd for another reason is validated anyway."""
    monkeypatch.setattr(rows, "SHOWN", 100)
    export, expected = read_export(), []
    for dataset, declared in DECLARED.items():
        key, first, records = declared.id_field, export[dataset][0], []
        for field in declared.fields:
            if field.nullable or field.optional:
                continue
            records.append(first | {field.name: None})
            found = ["null"]
            if form == "ndjson":
                records.append({k: v for k, v in first.items() if k != field.name})
                found.append("no such field")
            name = f" ({first[key]})" if key and key != field.name else ""
            for number, one in enumerate(found, start=len(records) - len(found) + 1):
                place = f"{dataset}.{FORMS[form].extension}: record {number}{name}"
                said = f"{field.name}: {EXPECTED[field.type]}, found {one}"
                expected.append(f"{place}: {said}")
        export[dataset] = records
    landing = write_export(tmp_path / "landing", export, lambda dataset: FORMS[form])
    assert problems_of(landing) == expected


def test_a_column_of_the_wrong_type_is_named(landing: Path) -> None:
    wrong = {
        "channels": ("* replace (5 as platform)", ["platform: expected a string, found INTEGER"]),
        "audience_segments": (
            "* replace (cast(size_estimate as varchar) as size_estimate)",
            ["size_estimate: expected an integer, found VARCHAR"],
        ),
        "roi_ledger": (
            "* replace (cast(llm_cost as varchar) as llm_cost, [1.5] as net_roi)",
            [
                "llm_cost: expected a number, found VARCHAR",
                "net_roi: expected a number, found DECIMAL(2,1)[]",
            ],
        ),
        "attribution_hints": (
            "* replace (cast(hint_id as blob) as hint_id)",
            ["hint_id: expected a string, found BLOB; write it as UTF-8 text"],
        ),
        "budget_actions": (
            "* replace (1 as approved_by_human)",
            ["approved_by_human: expected true or false, found INTEGER"],
        ),
        "campaigns": (
            "* replace (20260316 as start_date)",
            [f"start_date: {NO_DATE}, found INTEGER"],
        ),
        "orchestrator_decisions": (
            "* replace (date '2026-03-16' as timestamp, 'true' as human_override)",
            [
                f"timestamp: {NO_TIMESTAMP}, found DATE",
                "human_override: expected true or false, found VARCHAR",
            ],
        ),
        "creative_assets": (
            "* replace ([1, 2] as risk_flags)",
            ["risk_flags: expected a list of strings, found INTEGER[]"],
        ),
        "campaign_risk_signals": (
            "* replace ([evidence] as evidence)",
            ["evidence: expected an object, found STRUCT"],
        ),
        "segment_rollups": (
            "* exclude (spend)",
            ["spend: expected a number, found no such column"],
        ),
        "experiments": (
            "* rename (metric as metrics)",
            [
                f"metrics: undeclared column; did you mean metric? If not, {DECLARED_IN}",
                "metric: expected a string, found no such column",
            ],
        ),
        "performance_metrics": (
            "*, cast(null as integer) as of_tomorrow",
            [f"of_tomorrow: undeclared column; {DECLARED_IN}"],
        ),
    }
    for dataset, (select, _) in wrong.items():
        rewritten(landing, dataset, select)
    said = problems_of(landing)
    expected = [f"{dataset}.parquet: {one}" for dataset, (_, of) in wrong.items() for one in of]
    assert len(said) == len(expected)
    assert [one for one in expected if not any(line.startswith(one) for line in said)] == [], said


MANY = 30_000
"""More than DuckDB looks at when it guesses what a file holds (20,480)."""


def test_what_comes_late_in_a_long_file_is_noticed(landing: Path) -> None:
    """One record at the end is enough: with an undeclared field, or another type."""
    hint = read_export()["attribution_hints"][0]
    records = [hint | {"hint_id": f"ATTR_{number}"} for number in range(1, MANY + 1)]
    records[-3]["notes"] = "by telephone"
    records[-2]["attributed_conversions"] = "a dozen"
    records[-1]["method"] = 7
    write_file(landing / "attribution_hints.ndjson", "attribution_hints", records, Form())
    assert problems_of(landing) == [
        f"attribution_hints.ndjson: record {number} (ATTR_{number}): {said}"
        for number, said in (
            (MANY - 2, f"notes: undeclared field; {DECLARED_IN}"),
            (
                MANY - 1,
                'attributed_conversions: expected an integer, found the string "a dozen"',
            ),
            (MANY, "method: expected a string, found the number 7"),
        )
    ]


def test_a_field_that_nobody_declared_is_noticed(tmp_path: Path) -> None:
    """Whatever its value, and however similar its name."""
    export, expected = read_export(), []
    renamed = {
        "channels": ("platform", "Platform", "expected a string"),
        "campaigns": ("name", "name ", "expected a string"),
        "budget_actions": ("currency", "curency", None),  # which is optional
        "roi_ledger": ("llm_cost", "llm.cost", "expected a number"),
    }
    added = {"audience_segments": {"a": [1]}, "experiments": None, "orchestrator_decisions": ""}

    def place(dataset: str) -> str:
        name = export[dataset][-1][DECLARED[dataset].id_field]
        return f"{dataset}.ndjson: record {len(export[dataset])} ({name})"

    for dataset, (field, name, missing) in renamed.items():
        record = export[dataset][-1]
        export[dataset][-1] = {name if key == field else key: record[key] for key in record}
        advice = f"undeclared field; did you mean {field}? If not, {DECLARED_IN}"
        expected.append(f"{place(dataset)}: {name}: {advice}")
        if missing:
            expected.append(f"{place(dataset)}: {field}: {missing}, found no such field")
    for dataset, value in added.items():
        export[dataset][-1]["of_tomorrow"] = value
        expected.append(f"{place(dataset)}: of_tomorrow: undeclared field; {DECLARED_IN}")
    landing = write_export(tmp_path / "landing", export, lambda dataset: Form())
    assert sorted(problems_of(landing)) == sorted(expected)


def test_a_key_that_comes_twice_is_noticed(landing: Path) -> None:
    file = landing / "channels.ndjson"
    lines = file.read_text(encoding="utf-8").splitlines()
    lines[1] = lines[1].replace('"type"', '"platform": "Other", "type"')
    write_text(file, "\n".join(lines) + "\n")
    assert problems_of(landing) == [
        "channels.ndjson: record 2 (CH_02): platform: expected the key once, found it again"
    ]


@pytest.mark.parametrize("extension", ["ndjson", "parquet"])
def test_a_wrong_value_in_a_path_is_named(landing: Path, extension: str) -> None:
    """A writer of folders leaves their field out of the file, which does not make it null."""
    event = read_export()["funnel_events"][0]
    (landing / "funnel_events.ndjson").unlink()
    for day in ("20260317", "2026-02-30"):
        file = landing / f"funnel_events/date={day}/0.{extension}"
        write_file(file, "funnel_events", [event] * 3, Form(extension), drops_date=True)
    assert problems_of(landing) == [
        f'funnel_events/date={day}/0.{extension}: date: {NO_DATE}, found the string "{day}"'
        " in its path"
        for day in ("2026-02-30", "20260317")
    ]


@pytest.mark.parametrize("text", ["many", "1_0", " 12", "NaN"])
def test_a_number_in_a_path_is_judged_as_one(landing: Path, text: str) -> None:
    event = {k: v for k, v in read_export()["funnel_events"][0].items() if k != "count"}
    (landing / "funnel_events.ndjson").unlink()
    write_text(landing / f"funnel_events/count={text}/0.ndjson", json.dumps(event) + "\n")
    assert problems_of(landing) == [
        f"funnel_events/count={text}/0.ndjson: count: expected an integer,"
        f' found the string "{text}" in its path'
    ]


@pytest.mark.parametrize("extension", ["ndjson", "parquet"])
def test_a_wrong_record_below_a_folder_with_a_value_goes_by_its_place(
    landing: Path, extension: str
) -> None:
    event = read_export()["funnel_events"][0]
    (landing / "funnel_events.ndjson").unlink()
    events = [event, event, event | {"stage": "a\0"}, event]
    file = landing / f"funnel_events/date=2026-03-16/0.{extension}"
    write_file(file, "funnel_events", events, Form(extension), drops_date=True)
    assert problems_of(landing) == [
        f"funnel_events/date=2026-03-16/0.{extension}: record 3 ({event['event_id']}): stage:"
        r' expected text without NUL characters, found the string "a\x00"'
    ]


def test_of_many_files_the_wrong_one_is_named(landing: Path) -> None:
    """The record's number is its place in its own file."""
    export = read_export()
    (landing / "funnel_events.ndjson").unlink()
    (landing / "performance_metrics.ndjson").unlink()
    days: dict[str, list[Record]] = {}
    for record in export["funnel_events"]:
        days.setdefault(record["date"], []).append(record)
    days["2026-03-15"][1] |= {"count": "many"}
    for day, records in days.items():
        file = landing / f"funnel_events/day={day}/part-0.ndjson.zst"
        write_file(file, "funnel_events", records, Form("ndjson.zst"))
    halves = export["performance_metrics"][::2], export["performance_metrics"][1::2]
    halves[1][2] |= {"timestamp": "late"}
    for number, half in enumerate(halves):
        file = landing / f"performance_metrics/part-{number}.parquet"
        write_file(file, "performance_metrics", half, Form("parquet", types="text"))
    event = days["2026-03-15"][1]["event_id"]
    assert problems_of(landing) == [
        "performance_metrics/part-1.parquet: record 3: timestamp: "
        f'{NO_TIMESTAMP}, found the string "late"',
        f"funnel_events/day=2026-03-15/part-0.ndjson.zst: record 2 ({event}): count:"
        ' expected an integer, found the string "many"',
    ]


def test_problems_beyond_the_first_ten_of_a_dataset_are_counted(landing: Path) -> None:
    records = [one | {"cost": None} for one in read_export()["performance_metrics"][:12]]
    write_file(landing / "performance_metrics.ndjson", "performance_metrics", records, Form())
    said = problems_of(landing)
    assert len(said) == 11
    assert said[9].startswith("performance_metrics.ndjson: record 10: cost: expected a number")
    assert said[10] == "... 12 problems in the files of performance_metrics"
