"""The exact seeds that JSON gives, and the exact words when the JSON is wrong."""

import errno
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from helpers.oddities import TEXTS
from helpers.project import PROJECT
from helpers.seed_reader import read_seed
from helpers.values import (
    BAD_VALUES,
    DECLARATION,
    DECLARED_IN,
    FIELDS,
    GOOD_VALUES,
    NO_DATE,
    NO_TIMESTAMP,
    OPTIONAL,
    PLACE,
    VALID,
)

from warehouse.cli import main
from warehouse.seeds import conversion, declaration
from warehouse.seeds.conversion import Conversion, convert
from warehouse.seeds.errors import ConversionError


def record(dataset, **values):
    """Return a record's JSON text; a value is JSON text too, and None leaves the field out."""
    texts = {field: VALID[meta["type"]] for field, meta in FIELDS[dataset].items()} | values
    return "{" + ", ".join(f'"{key}": {text}' for key, text in texts.items() if text) + "}"


def replaced(folder, dataset, *records):
    """Write a dataset's file of these records."""
    text = "[" + ",\n".join(records) + "]"
    (folder / f"{dataset}.json").write_text(text, encoding="utf-8")


def problems_of(inputs, output):
    with pytest.raises(ConversionError) as caught:
        convert(inputs, output)
    lines = str(caught.value).splitlines()
    assert lines[:-1] == caught.value.problems  # each of them is one line
    assert lines[-1].endswith("no seed was changed.")
    assert not output.exists()
    return caught.value.problems


def command(inputs, output, *arguments):
    """Run the command line."""
    places = ["--input", str(inputs), "--output", str(output)]
    return CliRunner().invoke(main, ["seeds", *places, *arguments])


def snapshot(folder):
    return {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.iterdir()}


@pytest.fixture
def inputs(tmp_path):
    """Return a folder with one valid record of each declared dataset."""
    folder = tmp_path / "json"
    folder.mkdir()
    for dataset in FIELDS:
        replaced(folder, dataset, record(dataset))
    return folder


@pytest.fixture
def output(tmp_path):
    """Return a folder for seeds that doesn't exist yet."""
    return tmp_path / "new" / "seeds"


# ---- What is right --------------------------------------------------------------------------


def test_a_tricky_record_gives_exactly_these_bytes(inputs, output):
    # The keys aren't in declared order, and the second record has null in place of an empty text.
    (inputs / "campaign_risk_signals.json").write_text(
        r"""[{"status": "open", "risk_id": "00000001", "timestamp": "2026-03-15 23:05+02:00",
          "campaign_id": "say \"hi\", ok", "experiment_id": "", "asset_ids": ["a", "\"b\"", "é"],
          "risk_type": "two\nlines\r", "severity": " high ", "recommended_action": "back\\slash",
          "evidence": {"z": 0.60, "a": [1e400, 12345678901234567890123, null, true],
                       "\"": "\u00e9\n"}},
         {"risk_id": "RSK_2", "timestamp": "2026-03-15T10:05:00.1234567Z", "campaign_id": "NULL",
          "experiment_id": null, "asset_ids": [], "risk_type": "x", "severity": "low",
          "evidence": {}, "recommended_action": "", "status": "😀"}]""",
        encoding="utf-8",
    )
    convert(inputs, output)
    expected = (
        "risk_id,timestamp,campaign_id,experiment_id,asset_ids,risk_type,severity,evidence,"
        "recommended_action,status\n"
        '"00000001","2026-03-15T21:05:00","say ""hi"", ok","","[""a"",""\\""b\\"""",""é""]",'
        '"two\nlines\r"," high ",'
        '"{""z"":0.60,""a"":[1e400,12345678901234567890123,null,true],""\\"""":""é\\n""}",'
        '"back\\slash","open"\n'
        '"RSK_2","2026-03-15T10:05:00.123456","NULL",,"[]","x","low","{}","","😀"\n'
    )
    assert (output / "raw_campaign_risk_signals.csv").read_bytes() == expected.encode()


def test_ugly_strings_come_back_through_duckdb(inputs, output):
    records = [
        {"channel_id": a, "type": b, "platform": a, "cost_model": b, "avg_cost": 1}
        for a in TEXTS
        for b in TEXTS
    ]
    (inputs / "channels.json").write_text(json.dumps(records))
    convert(inputs, output)
    assert read_seed(output / "raw_channels.csv") == [r | {"avg_cost": "1"} for r in records]


def test_an_empty_string_and_null_stay_different_through_duckdb(inputs, output):
    values = ['""', "null", '"NULL"', "null", '""', None]
    records = [record("performance_metrics", experiment_id=value) for value in values]
    replaced(inputs, "performance_metrics", *records)
    convert(inputs, output)
    rows = read_seed(output / "raw_performance_metrics.csv")
    assert [row["experiment_id"] for row in rows] == ["", None, "NULL", None, "", None]


def test_the_largest_rows_come_back_through_duckdb(inputs, output):
    # The dataset with the most fields, and four bytes a character, the most of UTF-8.
    largest = "😀" * 131_072
    texts = [f for f, meta in FIELDS["budget_actions"].items() if meta["type"] == "string"]
    values = dict.fromkeys(texts, f'"{largest}"')
    replaced(inputs, "budget_actions", *[record("budget_actions", **values)] * 2)
    convert(inputs, output)
    rows = read_seed(output / "raw_budget_actions.csv")
    assert len(rows) == 2
    assert all(row[field] == largest for row in rows for field in texts)


@pytest.mark.parametrize("kind", GOOD_VALUES)
def test_a_value_is_written_as(inputs, output, kind):
    dataset, field = PLACE[kind]
    cases = GOOD_VALUES[kind]
    replaced(inputs, dataset, *[record(dataset, **{field: given}) for given, _ in cases])
    convert(inputs, output)
    rows = read_seed(output / f"raw_{dataset}.csv")
    assert [row[field] for row in rows] == [expected for _, expected in cases]


def test_the_machines_time_zone_does_not_matter(inputs, output, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        convert(inputs, output)
    time.tzset()
    assert read_seed(output / "raw_campaigns.csv")[0]["created_at"] == "2026-03-16T10:30:00"


@pytest.mark.parametrize(
    ("given", "as_decimal", "as_double"),
    [
        ("1500.00", "1500.000000", 1500.0),
        ("1.5E+2", "150.000000", 150.0),
        ("0.0000005", "0.000001", 5e-7),
        ("123456789012345678901234567890e-20", "1234567890.123457", 1234567890.1234567),
        ("0." + "0" * 44 + "1e45", "1.000000", 1.0),
        ("1e-100000", "0.000000", 0.0),
        ("-999999999999.9999994", "-999999999999.999999", -999999999999.9999994),
        ("0e400", "0.000000", 0.0),
    ],
)
def test_a_number_is_cast_right_by_duckdb(inputs, output, given, as_decimal, as_double):
    replaced(inputs, "channels", record("channels", avg_cost=given))
    convert(inputs, output)
    text = read_seed(output / "raw_channels.csv")[0]["avg_cost"]
    query = "select cast(cast($1 as decimal(18, 6)) as varchar), cast($1 as double)"
    assert duckdb.execute(query, [text]).fetchone() == (as_decimal, as_double)


def test_null_and_absence_are_allowed_where_declared(inputs, output):
    replaced(inputs, "experiments", record("experiments", end_date="null"))
    replaced(
        inputs,
        "budget_actions",
        record("budget_actions", currency=None),
        record("budget_actions", currency="null", approver_id="null"),
    )
    convert(inputs, output)
    assert read_seed(output / "raw_experiments.csv")[0]["end_date"] is None
    first, second = read_seed(output / "raw_budget_actions.csv")
    assert (first["currency"], first["approver_id"]) == (None, "text")
    assert (second["currency"], second["approver_id"]) == (None, None)


def test_an_optional_dataset_that_is_missing_gives_only_a_header(inputs, output):
    for dataset in OPTIONAL:
        (inputs / f"{dataset}.json").unlink()
    conversion = convert(inputs, output)
    hints = "hint_id,timestamp,campaign_id,channel_id,attributed_conversions,method,confidence\n"
    assert (output / "raw_attribution_hints.csv").read_bytes() == hints.encode()
    assert (output / "raw_segment_rollups.csv").read_bytes().count(b"\n") == 1
    assert read_seed(output / "raw_attribution_hints.csv") == []
    assert conversion.records == {d: 1 for d in FIELDS if d not in OPTIONAL}
    assert conversion.missing == OPTIONAL
    assert str(conversion) == (
        "11 datasets, 11 rows; no segment_rollups, attribution_hints (optional)"
    )
    assert str(convert(inputs, output, check=True)) == str(conversion)


def test_an_empty_array_gives_only_a_header(inputs, output):
    replaced(inputs, "channels")
    assert convert(inputs, output).records["channels"] == 0
    header = b"channel_id,type,platform,cost_model,avg_cost\n"
    assert (output / "raw_channels.csv").read_bytes() == header


def test_a_byte_order_mark_is_skipped(inputs, output):
    path = inputs / "channels.json"
    convert(inputs, output)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert convert(inputs, output).changed == []


def test_other_files_in_the_input_folder_are_none_of_its_business(inputs, output):
    (inputs / "README.md").write_text("About these files.")
    (inputs / "old").mkdir()
    assert len(convert(inputs, output).records) == len(FIELDS)


def test_the_sample_exports_convert(inputs, output):
    samples = {
        "funnel_events": ("FNL_0001", 10),
        "budget_actions": ("BUD_0001", 6),
        "campaign_risk_signals": ("RSK_0001", 6),
        "segment_rollups": ("SEGROLL_0001", 6),
        "attribution_hints": ("ATTR_0001", 6),
    }
    for dataset in samples:
        shutil.copy(PROJECT / f"tests/export/{dataset}.json", inputs)
    convert(inputs, output)
    for dataset, (first_id, count) in samples.items():
        rows = read_seed(output / f"raw_{dataset}.csv")
        assert (next(iter(rows[0].values())), len(rows)) == (first_id, count), dataset
    action = read_seed(output / "raw_budget_actions.csv")[0]
    assert action["amount"] == "1500.00"
    assert action["timestamp"] == "2026-03-16T10:30:00"
    signal = read_seed(output / "raw_campaign_risk_signals.csv")[0]
    assert signal["asset_ids"] == '["ASSET_007","ASSET_008"]'
    assert signal["evidence"] == '{"impressions":28500,"clicks":2140,"conversions":0}'


def test_the_same_input_gives_the_same_bytes_whatever_the_order_of_keys(inputs, output, tmp_path):
    convert(inputs, output)
    for dataset in FIELDS:
        records = json.loads(
            (inputs / f"{dataset}.json").read_text(), parse_float=lambda text: text
        )
        backwards = dict(reversed(records[0].items()))
        text = json.dumps([backwards], indent=3).replace('"1500.00"', "1500.00")
        (inputs / f"{dataset}.json").write_text(text)
    convert(inputs, tmp_path / "again")
    first, again = snapshot(output), snapshot(tmp_path / "again")
    assert first.keys() == again.keys()
    assert {n for n in first if first[n][0] != again[n][0]} == {"SHA256SUMS"}


def test_records_stay_in_the_order_of_the_input(inputs, output):
    ids = ["c", "a", "b", "a"]
    records = [record("channels", channel_id=json.dumps(channel)) for channel in ids]
    replaced(inputs, "channels", *records)
    convert(inputs, output)
    assert [row["channel_id"] for row in read_seed(output / "raw_channels.csv")] == ids


# ---- What is wrong with a file --------------------------------------------------------------

DEEP = 200_000
BAD_FILES = {
    "empty": (b"", "expected a JSON array, found an empty file"),
    "blank": (b" \r\n\t ", "expected a JSON array, found an empty file"),
    "only a byte order mark": (b"\xef\xbb\xbf", "expected a JSON array, found an empty file"),
    "malformed": (
        b'[\n  {"a" 1}\n]',
        "malformed JSON at line 2, column 8: Expecting ':' delimiter, found \"1\"",
    ),
    "a comma too many": (
        b'[{"a": 1},]',
        'malformed JSON at line 1, column 11: Expecting value, found "]"',
    ),
    "two byte order marks": (
        b"\xef\xbb\xbf\xef\xbb\xbf[]",
        "malformed JSON at line 1, column 1: Unexpected UTF-8 BOM (decode using utf-8-sig)",
    ),
    "a byte order mark in the middle": (
        b'[\xef\xbb\xbf{"a": 1}]',
        'malformed JSON at line 1, column 2: Expecting value, found "\\ufeff"',
    ),
    "a NUL between values": (
        b"[\0]",
        'malformed JSON at line 1, column 2: Expecting value, found "\\x00"',
    ),
    "a NUL in a string": (
        b'[{"a": "x\0"}]',
        "malformed JSON at line 1, column 10: Invalid control character at",
    ),
    "nothing but NULs": (b"\0" * 9, "expected a JSON array, found nothing but NUL bytes"),
    "a web page": (
        b"<html>",
        'malformed JSON at line 1, column 1: Expecting value, found "<"',
    ),
    "one record a line": (
        b'{"a": 1}\n{"a": 2}\n',
        "malformed JSON at line 2, column 1: Extra data; expected one JSON array of records",
    ),
    "a compressed file": (
        gzip.compress(b"[]"),
        "expected UTF-8, found byte 0x8b at byte offset 1 (line 1)",
    ),
    "truncated in a number": (
        b'[{"a": 1.',
        "malformed JSON at line 1, column 9: Expecting ',' delimiter; the file seems to be cut off",
    ),
    "truncated in an escape": (
        b'[{"a": "\\u00e',
        "malformed JSON at line 1, column 10: Invalid \\uXXXX escape; the file seems to be cut off",
    ),
    "truncated in a character": (
        b'[{"a": "\xf0\x9f',
        "expected UTF-8, found byte 0xf0 at byte offset 8 (line 1); the file seems to be cut off",
    ),
    "two values": (
        b"[]\n[]",
        "malformed JSON at line 2, column 1: Extra data; expected one JSON array of records",
    ),
    "a raw control character": (
        b'[{"a": "x\ny"}]',
        "malformed JSON at line 1, column 10: Invalid control character at",
    ),
    "truncated after a comma": (
        b'[{"a": 1},\n',
        "malformed JSON at line 2, column 1: Expecting value; the file seems to be cut off",
    ),
    "truncated in a string": (
        b'[{"a": "tex',
        "malformed JSON at line 1, column 8: Unterminated string starting at;"
        " the file seems to be cut off",
    ),
    "truncated in a word": (
        b'[{"a": tru',
        "malformed JSON at line 1, column 8: Expecting value; the file seems to be cut off",
    ),
    "an object": (b'{"records": []}', "expected a JSON array of records, found an object"),
    "a string": (b'"x\\ny"', 'expected a JSON array of records, found the string "x\\ny"'),
    "null": (b"null", "expected a JSON array of records, found null"),
    "NaN": (b"NaN", "expected a JSON array of records, found the number NaN"),
    "UTF-16 with a mark": ("[]".encode("utf-16"), "expected UTF-8, found UTF-16"),
    "UTF-16 with the other mark": (b"\xfe\xff\0[\0]", "expected UTF-8, found UTF-16"),
    "UTF-16": ("[]".encode("utf-16-le"), "expected UTF-8, found UTF-16-LE"),
    "UTF-16, the other way": ("[]".encode("utf-16-be"), "expected UTF-8, found UTF-16-BE"),
    "UTF-32 with a mark": ("[]".encode("utf-32"), "expected UTF-8, found UTF-32"),
    "UTF-32": ("[]".encode("utf-32-be"), "expected UTF-8, found UTF-32-BE"),
    "UTF-32, the other way": ("[]".encode("utf-32-le"), "expected UTF-8, found UTF-32-LE"),
    "a surrogate in UTF-8": (
        b'[{"a": "\xed\xa0\x80"}]',
        "expected UTF-8, found byte 0xed at byte offset 8 (line 1)",
    ),
    "invalid UTF-8": (
        b'[\n{"a": "\xe9"}]',
        "expected UTF-8, found byte 0xe9 at byte offset 9 (line 2)",
    ),
    "invalid UTF-8 after a mark": (
        b"\xef\xbb\xbf[\n\xff]",
        "expected UTF-8, found byte 0xff at byte offset 5 (line 2)",
    ),
    "very deep arrays": (
        b"[" * DEEP + b"]" * DEEP,
        "expected JSON, found values nested too deeply to be read",
    ),
    "very deep objects": (
        b"[" + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"]",
        "expected JSON, found values nested too deeply to be read",
    ),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file(inputs, output, case):
    data, message = BAD_FILES[case]
    (inputs / "channels.json").write_bytes(data)
    assert problems_of(inputs, output) == [f"channels: {message}"]


def test_a_missing_file(inputs, output):
    (inputs / "channels.json").unlink()
    assert problems_of(inputs, output) == [f"channels: channels.json is missing from {inputs}"]


def test_a_directory_in_a_files_place(inputs, output):
    (inputs / "channels.json").unlink()
    (inputs / "channels.json").mkdir()
    assert problems_of(inputs, output) == ["channels: expected a file, found a directory"]


def test_a_link_to_itself(inputs, output):
    (inputs / "channels.json").unlink()
    (inputs / "channels.json").symlink_to("channels.json")
    expected = "channels: the file can't be read: Too many levels of symbolic links"
    assert problems_of(inputs, output) == [expected]


def test_a_link_to_a_device_is_not_read_for_ever(inputs, output):
    (inputs / "channels.json").unlink()
    (inputs / "channels.json").symlink_to("/dev/zero")
    assert problems_of(inputs, output) == ["channels: expected a file, found something else"]


def test_a_pipe_in_a_files_place_does_not_hang(inputs, output):
    (inputs / "channels.json").unlink()
    os.mkfifo(inputs / "channels.json")
    assert problems_of(inputs, output) == ["channels: expected a file, found something else"]


@pytest.mark.parametrize("dataset", ["channels", "attribution_hints"])
def test_a_link_to_nothing_is_not_a_missing_file(inputs, output, dataset):
    path = inputs / f"{dataset}.json"
    path.unlink()
    path.symlink_to(inputs / "nowhere")
    expected = f"{dataset}: the file can't be read: No such file or directory"
    assert problems_of(inputs, output) == [expected]


def refusal(folder, output):
    """Return what the conversion of a folder says to somebody who isn't root."""
    declaration = conversion.read_declaration()  # others may not even reach the checkout
    user = os.geteuid()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(ConversionError) as caught:
        patch.setattr(conversion, "read_declaration", lambda: declaration)
        if user == 0:
            os.seteuid(65534)
        try:
            convert(folder, output)
        finally:
            os.seteuid(user)
    return str(caught.value).splitlines()


@pytest.fixture
def shared_inputs(inputs):
    """Return the inputs in a folder that everybody can reach, which those of pytest are not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copytree(inputs, folder / "json")
        yield folder / "json"


def test_an_unreadable_file(shared_inputs, output):
    (shared_inputs / "channels.json").chmod(0)
    assert refusal(shared_inputs, output) == [
        "channels: the file can't be read: Permission denied",
        "1 problem in 1 dataset; no seed was changed.",
    ]


def test_an_unreadable_input_folder(shared_inputs, output):
    shared_inputs.chmod(0)
    assert refusal(shared_inputs, output) == [
        f"The input folder {shared_inputs} can't be read: Permission denied. No seed was changed."
    ]
    shared_inputs.chmod(0o755)


def test_an_output_folder_that_is_read_only(shared_inputs):
    output = shared_inputs.parent / "seeds"
    output.mkdir(mode=0o555)
    assert refusal(shared_inputs, output) == [
        f"The seeds can't be written to {output}: Permission denied; no seed was changed."
        " A build needs a folder that it can write to."
    ]


def test_a_file_over_50_mb_is_refused_unread(inputs, output, monkeypatch):
    path = inputs / "channels.json"
    with path.open("wb") as file:
        file.truncate(50_000_001)
    read_bytes = Path.read_bytes

    def read(other):
        assert other != path
        return read_bytes(other)

    monkeypatch.setattr(Path, "read_bytes", read)
    expected = (
        "channels: expected at most 50,000,000 bytes, found 50,000,001;"
        " load this dataset in bulk from landing/ instead"
    )
    assert problems_of(inputs, output) == [expected]


@pytest.mark.parametrize("folder", ["nowhere", "json/channels.json"])
def test_a_missing_input_folder(inputs, output, folder):
    path = inputs.parent / folder
    reason = {"nowhere": "No such file or directory"}.get(folder, "Not a directory")
    with pytest.raises(ConversionError) as caught:
        convert(path, output)
    assert str(caught.value).splitlines() == [
        f"The input folder {path} can't be read: {reason}. No seed was changed."
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "funnel_event.json",
            f"funnel_event.json: no declared dataset; did you mean funnel_events? If not,"
            f" {DECLARED_IN}",
        ),
        (
            "CHANNELS.JSON",
            f"CHANNELS.JSON: no declared dataset; did you mean channels? If not, {DECLARED_IN}",
        ),
        ("xyz\n.json", f"xyz\\n.json: no declared dataset; {DECLARED_IN}"),
    ],
)
def test_a_file_of_no_declared_dataset(inputs, output, name, message):
    (inputs / name).write_text("[]")
    assert problems_of(inputs, output) == [message]


# ---- What is wrong with a record ------------------------------------------------------------


@pytest.mark.parametrize("kind", BAD_VALUES)
def test_a_bad_value(inputs, output, kind):
    dataset, field = PLACE[kind]
    cases = BAD_VALUES[kind]
    replaced(inputs, dataset, *[record(dataset, **{field: given}) for given, _ in cases])
    assert problems_of(inputs, output) == [
        f"{dataset}: record {number} (text): {field}: {message}"
        for number, (_, message) in enumerate(cases, start=1)
    ]


@pytest.mark.parametrize(
    ("evidence", "message"),
    [
        ('{"a": {"b": [1, NaN]}}', "evidence.a.b[2]: expected a finite number, found NaN"),
        ('{"a": [{"b": 1, "b": 2}]}', "evidence.a[1].b: expected the key once, found it again"),
        ('{"a": 1, "\\u0061": 1}', "evidence.a: expected the key once, found it again"),
        (
            r'{"a": "\u0000"}',
            r'evidence.a: expected text without NUL characters, found the string "\x00"',
        ),
        (
            r'{"\udc00": 1}',
            "evidence: a key: expected text without lone surrogates,"
            r' found the string "\udc00"',
        ),
        (
            '{"a": ' + "[" * 100 + "]" * 100 + "}",
            f"evidence.a{'[1]' * 99}: expected at most 100 levels of nesting, found more",
        ),
        (
            '{"a": ' + '{"b": [' * 400 + "]}" * 400 + "}",
            f"evidence.a{'.b[1]' * 49}.b: expected at most 100 levels of nesting, found more",
        ),
    ],
)
def test_a_bad_value_within_a_value(inputs, output, evidence, message):
    replaced(inputs, "campaign_risk_signals", record("campaign_risk_signals", evidence=evidence))
    assert problems_of(inputs, output) == [f"campaign_risk_signals: record 1 (text): {message}"]


@pytest.mark.parametrize(
    ("records", "message"),
    [
        (['"x"'], 'record 1: expected an object, found the string "x"'),
        ([record("channels"), "[1]"], "record 2: expected an object, found a list"),
        (["null"], "record 1: expected an object, found null"),
        (
            ['{"type": "x", ' + record("channels")[1:]],
            "record 1 (text): type: expected the key once, found it again",
        ),
        (
            [record("channels", platfrom='"x"')],
            f"record 1 (text): platfrom: undeclared field; {DECLARED_IN}",
        ),
        (
            [record("channels", **{"\\ud83d": "1"})],
            f"record 1 (text): \\ud83d: undeclared field; {DECLARED_IN}",
        ),
        (
            [record("channels", **{"evil\n\u202ename": "1"})],
            f"record 1 (text): evil\\n\\u202ename: undeclared field; {DECLARED_IN}",
        ),
        (
            [record("channels", channel_id='"two\\nlines"', type="1")],
            "record 1 (two\\nlines): type: expected a string, found the number 1",
        ),
        (
            [record("channels", channel_id="7")],
            "record 1 (7): channel_id: expected a string, found the number 7",
        ),
        (
            [record("channels", channel_id=None)],
            "record 1: channel_id: expected a string, found no such field",
        ),
        (
            [record("channels", avg_cost='"' + "x" * 61 + '"')],
            f'record 1 (text): avg_cost: expected a number, found the string "{"x" * 57}..."',
        ),
    ],
)
def test_a_bad_record(inputs, output, records, message):
    # json.dumps would escape the line break in a field's name; JSON doesn't allow it raw.
    replaced(inputs, "channels", *[text.replace("evil\n", "evil\\n") for text in records])
    assert problems_of(inputs, output) == [f"channels: {message}"]


def test_a_nullable_field_may_not_be_absent(inputs, output):
    replaced(inputs, "experiments", record("experiments", end_date=None))
    assert problems_of(inputs, output) == [
        f"experiments: record 1 (text): end_date: {NO_DATE}, found no such field"
    ]


def test_problems_come_in_the_order_of_the_input_and_files_by_name(inputs, output):
    replaced(inputs, "channels", record("channels", zz="1", mm="1", aa="1"))
    strays = ["q1.json", "q2.json", "q3.json", "q4.json", "q5.json"]
    for name in reversed(strays):
        (inputs / name).write_text("[]")
    assert [line.partition(f"; {DECLARED_IN}")[0] for line in problems_of(inputs, output)] == [
        "channels: record 1 (text): zz: undeclared field",
        "channels: record 1 (text): mm: undeclared field",
        "channels: record 1 (text): aa: undeclared field",
        *[f"{name}: no declared dataset" for name in strays],
    ]


def test_a_misspelt_field_gets_the_name_it_should_have(inputs, output):
    replaced(inputs, "channels", record("channels", avg_cost=None, AVG_COSTS="1"))
    assert problems_of(inputs, output) == [
        "channels: record 1 (text): AVG_COSTS: undeclared field; did you mean avg_cost?"
        f" If not, {DECLARED_IN}",
        "channels: record 1 (text): avg_cost: expected a number, found no such field",
    ]


def test_a_dataset_without_an_id_is_named_by_its_record(inputs, output):
    bad = record("performance_metrics", clicks='"many"')
    replaced(inputs, "performance_metrics", record("performance_metrics"), bad)
    assert problems_of(inputs, output) == [
        'performance_metrics: record 2: clicks: expected an integer, found the string "many"'
    ]


def test_every_problem_of_every_file_is_reported_at_once(inputs, output):
    replaced(
        inputs,
        "budget_actions",
        record("budget_actions"),
        record("budget_actions", budget_action_id='"BUD_2"', amount='"abc"', status="null"),
        record("budget_actions", timestamp='"soon"'),
    )
    replaced(inputs, "channels", record("channels", type="1"), "7")
    (inputs / "roi_ledger.json").write_text("[")
    (inputs / "campaigns.json").unlink()
    (inputs / "campaing.json").write_text("[]")
    done = command(inputs, output)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        f"campaigns: campaigns.json is missing from {inputs}",
        "channels: record 1 (text): type: expected a string, found the number 1",
        "channels: record 2: expected an object, found the number 7",
        "roi_ledger: malformed JSON at line 1, column 2: Expecting value;"
        " the file seems to be cut off",
        'budget_actions: record 2 (BUD_2): amount: expected a number, found the string "abc"',
        "budget_actions: record 2 (BUD_2): status: expected a string, found null",
        f'budget_actions: record 3 (text): timestamp: {NO_TIMESTAMP}, found the string "soon"',
        "campaing.json: no declared dataset; did you mean campaigns? If not, " + DECLARED_IN,
        "8 problems in 5 datasets; no seed was changed.",
    ]


def test_what_was_converted_is_counted_as_people_write():
    assert str(Conversion({"channels": 12_000}, [], [])) == "1 dataset, 12,000 rows"
    assert str(Conversion({"channels": 1, "campaigns": 0}, ["x"], [])) == (
        "2 datasets, 1 row; no x (optional)"
    )


def test_one_problem_is_counted_in_the_singular(inputs, output):
    (inputs / "channels.json").unlink()
    last = command(inputs, output).stderr.splitlines()[-1]
    assert last == "1 problem in 1 dataset; no seed was changed."


# ---- What is written, and when --------------------------------------------------------------


def test_an_error_changes_nothing(inputs, output):
    convert(inputs, output)
    before = snapshot(output)
    replaced(inputs, "campaigns", record("campaigns", name='"new"'))
    replaced(inputs, "channels", record("channels", type="1"))
    with pytest.raises(ConversionError):
        convert(inputs, output)
    assert snapshot(output) == before


def test_only_seeds_that_differ_are_written(inputs, output):
    assert sorted(convert(inputs, output).changed) == sorted(f"raw_{d}.csv" for d in FIELDS)
    before = snapshot(output)
    replaced(inputs, "channels", record("channels", type='"new"'))
    assert convert(inputs, output).changed == ["raw_channels.csv"]
    after = snapshot(output)
    assert {name for name in before if before[name] != after[name]} == {
        "raw_channels.csv",
        "SHA256SUMS",
    }
    assert before.keys() == after.keys()


@pytest.mark.parametrize(
    ("place", "function", "allowed"),
    [(os, "fsync", 3), (conversion, "write_synced", 3), (Path, "replace", 0)],
)
def test_a_write_that_fails_leaves_everything_as_it_was(
    inputs, output, monkeypatch, place, function, allowed
):
    convert(inputs, output)
    before = snapshot(output)
    for dataset in FIELDS:
        replaced(inputs, dataset)
    original = getattr(place, function)
    calls = []

    def fail(*arguments):
        calls.append(arguments)
        if len(calls) > allowed:
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(*arguments)

    monkeypatch.setattr(place, function, fail)
    done = command(inputs, output)
    assert done.exit_code == 4
    assert done.stderr == (
        f"The seeds can't be written to {output}: No space left on device; no seed was changed."
        " Make room on the disk, and try again.\n"
    )
    assert snapshot(output) == before


def test_a_rename_that_fails_half_way_is_told_honestly(inputs, output, monkeypatch):
    original, calls = Path.replace, []

    def fail(path, target):
        calls.append(path)
        if len(calls) == 3:
            raise OSError(errno.EPERM, "Operation not permitted")
        return original(path, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(ConversionError, match=r"2 of 13 seeds were changed\. A build needs a"):
        convert(inputs, output)
    assert len(snapshot(output)) == 2


def test_a_conversion_that_is_killed_leaves_the_seeds_and_the_next_one_cleans_up(inputs, output):
    convert(inputs, output)
    before = snapshot(output)
    for dataset in FIELDS:
        replaced(inputs, dataset)
    code = """if True:
        import os, pathlib, signal, sys
        from warehouse.seeds.conversion import convert
        pathlib.Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        convert(*map(pathlib.Path, sys.argv[1:]))
    """
    command = [sys.executable, "-c", code, str(inputs), str(output)]
    killed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert (killed.returncode, killed.stderr) == (-signal.SIGKILL, "")
    after = snapshot(output)
    assert before.items() <= after.items()
    assert len(after) == 2 * len(before)  # the whole of the new seeds, none yet in place
    for dataset in FIELDS:  # even where there is nothing to write
        replaced(inputs, dataset, record(dataset))
    assert convert(inputs, output).changed == []
    assert snapshot(output) == before


def test_every_seed_is_on_disk_before_the_first_is_replaced(inputs, output, monkeypatch):
    done = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda file: done.append("sync") or fsync(file))
    monkeypatch.setattr(
        Path, "replace", lambda path, target: done.append("rename") or replace(path, target)
    )
    convert(inputs, output)
    files = len(FIELDS) + 1  # the checksums, too
    assert done == ["sync"] * files + ["rename"] * files + ["sync"]


def test_a_file_in_the_output_folders_place(inputs, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConversionError, match=r"can't be written to .*; no seed was changed\.$"):
        convert(inputs, tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_directory_in_a_seeds_place(inputs, output):
    (output / "raw_roi_ledger.csv").mkdir(parents=True)
    with pytest.raises(ConversionError, match=r"Is a directory; no seed was changed\.$"):
        convert(inputs, output)
    assert [path.name for path in output.iterdir()] == ["raw_roi_ledger.csv"]


def test_check_passes_where_the_seeds_are_what_the_json_gives(inputs, output):
    convert(inputs, output)
    (output / "_orchestrator__seeds.yml").touch()
    before = snapshot(output)
    done = command(inputs, output, "--check")
    assert done.exit_code == 0
    assert done.stdout == (f"{output} is what the JSON gives: 13 datasets, 13 rows.\n")
    assert snapshot(output) == before


def test_check_names_each_seed_that_differs_and_changes_nothing(inputs, output):
    convert(inputs, output)
    (output / "raw_campaigns.csv").unlink()
    (output / "raw_channels.csv").write_bytes((output / "raw_channels.csv").read_bytes() + b"\n")
    (output / "raw_experiments.csv").unlink()
    (output / "raw_experiments.csv").mkdir()
    (output / "raw_funnel_event.csv").write_text("event_id\n")
    before = {path.name for path in output.iterdir()}
    done = command(inputs, output, "--check")
    assert done.exit_code == 1
    assert done.stderr.splitlines() == [
        "raw_campaigns.csv: missing",
        "raw_channels.csv: differs from what the JSON gives",
        "raw_experiments.csv: can't be read: Is a directory",
        "raw_funnel_event.csv: unexpected, no dataset of that name is declared",
        "4 differences from what the JSON gives; nothing changed.",
    ]
    assert {path.name for path in output.iterdir()} == before


def test_check_of_a_missing_folder_does_not_create_it(inputs, output):
    with pytest.raises(ConversionError) as caught:
        convert(inputs, output, check=True)
    assert len(caught.value.problems) == len(FIELDS) + 1  # the checksums, too
    assert not output.exists()


def test_check_reports_bad_json_first(inputs, output):
    convert(inputs, output)
    replaced(inputs, "channels", "7")
    with pytest.raises(ConversionError) as caught:
        convert(inputs, output, check=True)
    assert caught.value.problems == ["channels: record 1: expected an object, found the number 7"]


# ---- The declaration and the command --------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("type: number", "type: float", "has the type 'float'"),
        ("config: {meta: {type: number}}", "tags: []", "KeyError: 'config'"),
        ("seeds:", "seeds: [", "ParserError"),
        ("seeds:", "models:", "KeyError: 'seeds'"),
    ],
)
def test_a_bad_declaration_is_one_line(
    inputs, output, tmp_path, monkeypatch, before, after, reason
):
    path = tmp_path / "seeds/orchestrator/_orchestrator__seeds.yml"
    path.parent.mkdir(parents=True)
    path.write_text(DECLARATION.read_text().replace(before, after, 1))
    monkeypatch.setattr(declaration, "PROJECT", tmp_path)
    with pytest.raises(ConversionError) as caught:
        convert(inputs, output)
    (line,) = str(caught.value).splitlines()
    assert line.startswith("seeds/orchestrator/_orchestrator__seeds.yml can't be used: ")
    assert reason in line


def test_the_command_works_from_any_folder_with_its_projects_paths(inputs, tmp_path):
    project = tmp_path / "project"
    (project / "seeds/orchestrator").mkdir(parents=True)
    shutil.copy(DECLARATION, project / "seeds/orchestrator")
    shutil.copytree(inputs, project / "seeds/json")
    shutil.copytree(PROJECT / "warehouse", project / "warehouse")
    command = [sys.executable, "-m", "warehouse", "seeds"]
    environment = os.environ | {"PYTHONPATH": str(project)}
    done = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "Converted 13 datasets, 13 rows. Changed 13 seeds in seeds/orchestrator.\n"
    )
    assert len(list((project / "seeds/orchestrator").glob("raw_*.csv"))) == len(FIELDS)
