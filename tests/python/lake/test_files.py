"""A file that can't be read, or not to its end, is named, and nothing is ingested."""

import gzip
import json
import re
from pathlib import Path

import pytest
from helpers.bulk import DECLARED, Form, write_export, write_file, write_text
from helpers.lake import assert_holds, problems_of
from helpers.project import read_export

from warehouse.lake.ingest import ingest
from warehouse.seeds.json_text import MAX_BYTES

EXPORT = read_export()


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    """Return a folder with the demo's export, one file per dataset."""
    return write_export(tmp_path / "landing", EXPORT, lambda dataset: Form("ndjson"))


def put(file: Path, data: bytes) -> None:
    """Write a dataset's only file."""
    dataset = file.name.split(".")[0]
    file.with_name(f"{dataset}.ndjson").unlink(missing_ok=True)
    file.write_bytes(data)


def test_a_file_that_is_none_is_named(landing: Path) -> None:
    """Each dataset is broken in another way, and all are named at once."""
    texts = {name: (landing / f"{name}.ndjson").read_text(encoding="utf-8") for name in DECLARED}
    arrays = {name: f"[{','.join(text.splitlines())}]" for name, text in texts.items()}
    lines = texts["channels"].splitlines()
    lines[1] = lines[1][:-1]
    parquet = landing / "performance_metrics.parquet"
    write_file(parquet, "performance_metrics", EXPORT["performance_metrics"], Form("parquet"))
    for name, data in {
        "campaigns.json": arrays["campaigns"][:-40].encode(),
        "audience_segments.json.gz": gzip.compress(arrays["audience_segments"].encode())[:-12],
        "channels.ndjson": "\n".join(lines).encode(),
        "creative_assets.ndjson.gz": texts["creative_assets"].encode(),
        "experiments.ndjson.zst": b"\x28\xb5\x2f\xfd\0\0garbage",
        "performance_metrics.parquet": parquet.read_bytes()[:-100],
        "orchestrator_decisions.json": arrays["orchestrator_decisions"]
        .replace(", ", "\0 ", 1)
        .encode(),
        "roi_ledger.json": texts["roi_ledger"].splitlines()[0].encode(),
        "funnel_events.ndjson": texts["funnel_events"].encode() + b'{"event_id": "FNL_0099", "tim',
        "campaign_risk_signals.json": b"\xff" + arrays["campaign_risk_signals"].encode(),
        "segment_rollups.json": arrays["segment_rollups"].replace(", ", "; ", 1).encode(),
        "attribution_hints.parquet": b"",
    }.items():
        put(landing / name, data)
    count = len(EXPORT["funnel_events"]) + 1
    malformed = "expected a JSON object on one line, in UTF-8, found malformed JSON"
    said = problems_of(landing)
    expected = {
        "campaigns.json": "expected a JSON array, found no ] at its end; is the file cut off?",
        "audience_segments.json.gz": "expected compressed data, found data that are cut off",
        "channels.ndjson": f"record 2: {malformed}",
        "creative_assets.ndjson.gz": "expected compressed data, found damaged data: ",
        "experiments.ndjson.zst": "expected compressed data, found data",
        "performance_metrics.parquet": "expected Parquet, found no footer at its end",
        "orchestrator_decisions.json": "malformed JSON at line 1, column ",
        "roi_ledger.json": "expected a JSON array, found no ] at its end",
        "funnel_events.ndjson": f"record {count}: {malformed}; is the file cut off?",
        "campaign_risk_signals.json": "expected UTF-8, found byte 0xff at byte offset 0 (line 1)",
        "segment_rollups.json": "malformed JSON at line 1, column ",
        "attribution_hints.parquet": "expected Parquet, found no footer at its end",
    }
    assert [line.split(":")[0] for line in said] == sorted(
        expected, key=lambda name: list(DECLARED).index(name.split(".")[0])
    )
    for line in said:
        name, _, rest = line.partition(": ")
        assert rest.startswith(expected[name]), line
        assert str(landing) not in line


@pytest.mark.parametrize("data", [b"", b" \n", b"\0" * 100], ids=["empty", "blank", "NUL bytes"])
def test_an_array_without_a_bracket_is_none(landing: Path, data: bytes) -> None:
    """A file left by a crash is not an empty file."""
    put(landing / "channels.json", data)
    (line,) = problems_of(landing)
    assert line.startswith("channels.json: ")


MANY = 30_000
LONG_SHARES = [pytest.param(share, marks=pytest.mark.long) for share in (0.4, 0.7, 0.9)]


@pytest.mark.parametrize(
    "extension", ["ndjson.gz", "ndjson.zst", "json.zst", "json.gz", "ndjson", "json", "parquet"]
)
@pytest.mark.parametrize("share", [*LONG_SHARES, 1])
def test_a_file_that_is_cut_off_is_named_wherever_it_ends(
    landing: Path, extension: str, share: float
) -> None:
    """Also where the rest of it can be read: a part is not ingested."""
    hint = EXPORT["attribution_hints"][0]
    records = [hint | {"hint_id": f"ATTR_{number:06}"} for number in range(MANY)]
    (landing / "attribution_hints.ndjson").unlink()
    file = landing / f"attribution_hints.{extension}"
    write_file(file, "attribution_hints", records, Form(extension))
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share) - 9])
    (line,) = problems_of(landing)
    assert line.startswith(f"{file.name}: ")


def test_an_array_that_only_duckdb_reads_is_named_in_its_words(landing: Path) -> None:
    """Some files are too large for the converter, or it finds no problem."""
    channels, campaigns = (
        "[" + json.dumps(EXPORT[name][0] | {field: "TEXT"}) + "]"
        for name, field in (("channels", "platform"), ("campaigns", "name"))
    )
    put(landing / "channels.json", channels.replace("TEXT", r"\ud800x").encode())
    put(landing / "campaigns.json", b"\xff" + campaigns.encode() + b" " * MAX_BYTES + b"]")
    assert problems_of(landing) == [
        "campaigns.json: can't be read: expected UTF-8, found other bytes",
        'channels.json: can\'t be read: Malformed JSON in file "channels.json": no low surrogate'
        " in string.",
    ]


@pytest.mark.parametrize("extension", ["json", "json.gz", "ndjson.gz", "ndjson.zst", "parquet"])
def test_of_many_files_the_damaged_ones_are_named(landing: Path, extension: str) -> None:
    (landing / "funnel_events.ndjson").unlink()
    files = [landing / f"funnel_events/day=2026-03-0{day}/part.{extension}" for day in range(1, 7)]
    for file in files:
        write_file(file, "funnel_events", EXPORT["funnel_events"], Form(extension))
    for file in (files[1], files[4]):
        data = bytearray(file.read_bytes())
        half = len(data) // 2
        data[half : half + 20] = bytes(reversed(data[half : half + 20]))
        file.write_bytes(data)
    said = problems_of(landing)
    assert [line.split(": ")[0] for line in said] == [
        str(file.relative_to(landing)) for file in (files[1], files[4])
    ]
    reasons = "can't be read|malformed JSON at|expected compressed data, found damaged data"
    assert all(re.search(f": ({reasons})", line) for line in said), said


def test_text_that_is_no_text_is_named(landing: Path) -> None:
    """Other encodings, marks of them, and characters that no database keeps."""
    channel, asset, experiment = (
        json.dumps(EXPORT[name][0], ensure_ascii=False)
        for name in ("channels", "creative_assets", "experiments")
    )
    (landing / "channels.ndjson").write_bytes(channel.replace("CH_", "CHÉ_").encode("latin-1"))
    (landing / "creative_assets.ndjson").write_bytes(asset.encode("utf-16"))
    (landing / "experiments.ndjson").write_bytes(b"\xef\xbb\xbf" + experiment.encode())
    for dataset, field, text in (
        ("campaigns", "hypothesis", r"a\u0000b"),
        ("roi_ledger", "currency", r"\ud800x"),
    ):
        record = json.dumps(EXPORT[dataset][0] | {field: "TEXT"}).replace("TEXT", text)
        write_text(landing / f"{dataset}.ndjson", record + "\n")
    malformed = "record 1: expected a JSON object on one line, in UTF-8, found malformed JSON"
    assert set(problems_of(landing)) == {
        f"channels.ndjson: {malformed} or a byte order mark",
        f"creative_assets.ndjson: {malformed} or a byte order mark",
        f"experiments.ndjson: {malformed} or a byte order mark",
        "campaigns.ndjson: record 1 (CAMP_001): hypothesis: expected text without NUL characters,"
        r' found the string "a\x00b"',
        f"roi_ledger.ndjson: {malformed} or a byte order mark",
    }


def test_what_is_around_records_is_passed_over(landing: Path) -> None:
    """A byte order mark before an array, blank lines, and what Windows ends lines with."""
    array = (landing / "channels.ndjson").read_text(encoding="utf-8").strip().replace("\n", ",\r\n")
    put(landing / "channels.json", b"\xef\xbb\xbf \r\n[" + array.encode() + b"]\r\n\r\n")
    lines = (landing / "campaigns.ndjson").read_text(encoding="utf-8")
    write_text(landing / "campaigns.ndjson", "\n" + lines.replace("\n", "\r\n \r\n"))
    ingest(landing, landing.with_name("lake"))
    assert_holds(landing.with_name("lake"), EXPORT)
