"""What is wrong with bulk input is said: which file, which record, which field; and nothing breaks.

All of a build's problems are said at once, so that many kinds share a build: each dataset carries
some of its own.
"""

import gzip
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from helpers import oracle
from helpers.builds import DbtError, Workspace
from helpers.bulk import (
    DECLARED,
    Form,
    Record,
    assert_as_the_oracle_reads,
    assert_same_content,
    assert_whole,
    problem,
    quoted,
    said_of,
    unsaid,
    write_export,
    write_file,
    write_text,
)
from helpers.project import Export, read_export
from helpers.values import DECLARED_IN, NO_DATE, NO_TIMESTAMP

from warehouse import publish
from warehouse.dbt.file_listing import LISTING, write_listing
from warehouse.explain import explanation

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
        ("1.5", "the number 1.5"),
        ("true", "true"),
        ("9223372036854775808", "the number 9223372036854775808"),
        ('""', 'the string ""'),
        ("[1]", "a list"),
    ],
    "number": [
        ('"abc"', 'the string "abc"'),
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
        ('[1, "a"]', "a list"),
        ('["a", null]', "a list"),
        ("{}", "an object"),
        ('"[1]"', 'the string "[1]"'),
    ],
    "object": [
        ("[]", "a list"),
        ('"text"', 'the string "text"'),
        ("12", "the number 12"),
        ('"[]"', 'the string "[]"'),
    ],
}
"""Values that JSON can write and that no reading of their type makes right, and what was found.

What is null or absent a test of dbt says: see below.
"""

BAD_TEXT: dict[str, list[str]] = {
    "integer": ["twelve", "1.5", "", "9223372036854775808", " 12", "1_000"],
    "number": ["abc", "1,5", "1000000000000", "nan", "", "infinity"],
    "boolean": ["yes", "1", "", "TRUE "],
    "date": ["2026-02-30", "16.03.2026", "", "infinity"],
    "timestamp": ["2026-02-30T10:00", "2026-03-16T24:00", "soon", "2026-03-16T10:00 CET"],
    "string_list": ["a", "[1]", "", "{}"],
    "object": ["text", "[]", '{"a": ', "12"],
}
"""The same of columns of text."""

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
"""How the converter calls a type; more may follow."""


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    """Return a folder with the demo's export, a file a dataset."""
    return write_export(tmp_path / "landing", read_export(), lambda dataset: Form("ndjson"))


def spoiled(dataset: str, field: str, texts: list[str]) -> Iterator[str]:
    """Yield the JSON text of records that have these texts in a field."""
    first, key = read_export()[dataset][0], DECLARED[dataset].id_field
    for number, text in enumerate(texts, start=1):
        pairs = {name: json.dumps(value) for name, value in first.items()}
        pairs |= {key: json.dumps(f"BAD_{number}"), field: text}
        yield "{" + ", ".join(f'"{name}": {value}' for name, value in pairs.items()) + "}"


@pytest.mark.parametrize("extension", ["ndjson", "json.gz"])
def test_a_bad_value_is_said(workspace: Workspace, landing: Path, extension: str) -> None:
    expected: dict[str, list[re.Pattern[str]]] = {}
    for kind, (dataset, field) in PLACES.items():
        good = [json.dumps(record) for record in read_export()[dataset]]
        bad = list(spoiled(dataset, field, [given for given, _ in BAD_JSON[kind]]))
        records = [*good, *bad, good[0]]
        (landing / f"{dataset}.ndjson").unlink()
        file = landing / f"{dataset}.{extension}"
        is_array = extension.startswith("json")
        write_text(file, f"[{','.join(records)}]" if is_array else "\n".join(records) + "\n")
        expected[f"raw_{dataset}"] = [
            problem(file.name, len(good) + number, f"BAD_{number}", field, EXPECTED[kind], found)
            for number, (_, found) in enumerate(BAD_JSON[kind], start=1)
        ]
    said = said_of(workspace, landing)
    assert said.keys() == expected.keys()
    assert not [one for node, ones in expected.items() for one in unsaid(said[node], ones)], said
    for kind, (dataset, field) in PLACES.items():
        of_fields = [line for line in said[f"raw_{dataset}"] if ": record " in line]
        assert len(of_fields) == len(BAD_JSON[kind]), f"only what is wrong is said: {of_fields}"
        assert all(f": {field}: " in line for line in of_fields)


@pytest.mark.long
def test_a_record_without_an_id_is_said_by_its_place(workspace: Workspace, landing: Path) -> None:
    records = read_export()["performance_metrics"]
    records[3] |= {"cost": "dear"}
    records[5]["costs"] = 1
    file = landing / "performance_metrics.ndjson"
    write_text(file, "\n".join(map(json.dumps, records))[:-9])
    said = said_of(workspace, landing)
    expected = [
        problem(file.name, 4, None, "cost", "expected a number", 'the string "dear"'),
        re.compile(
            re.escape(f"{file.name}: record 6: costs: undeclared field; did you mean cost?")
        ),
        re.compile(re.escape(f"{file.name}: record {len(records)}: ") + ".*is the file cut off"),
    ]
    assert not unsaid(said["raw_performance_metrics"], expected), said


@pytest.mark.long
def test_a_bad_text_in_parquet_is_said(workspace: Workspace, landing: Path) -> None:
    expected: dict[str, list[re.Pattern[str]]] = {}
    for kind, texts in BAD_TEXT.items():
        dataset, field = PLACES[kind]
        good, key = read_export()[dataset], DECLARED[dataset].id_field
        bad = [
            good[0] | {field: given, key: f"BAD_{number}"}
            for number, given in enumerate(texts, start=1)
        ]
        (landing / f"{dataset}.ndjson").unlink()
        file = landing / f"{dataset}.parquet"
        write_file(file, dataset, [*good, *bad], Form("parquet", types="text"))
        expected[f"raw_{dataset}"] = [
            problem(
                file.name, len(good) + number, f"BAD_{number}", field, EXPECTED[kind], f'"{given}'
            )
            for number, given in enumerate(texts, start=1)
        ]
    said = said_of(workspace, landing)
    assert said.keys() == expected.keys()
    assert not [one for node, ones in expected.items() for one in unsaid(said[node], ones)], said


REQUIRED_FIELDS = {
    "ndjson": Form("ndjson"),
    "parquet": Form("parquet"),
    "parquet of text": Form("parquet", types="text"),
}


@pytest.mark.long
@pytest.mark.parametrize("form", REQUIRED_FIELDS)
def test_what_is_missing_is_said(workspace: Workspace, landing: Path, form: str) -> None:
    """A required field is null, or, in JSON, absent: a test of each dataset says where."""
    export, expected = read_export(), {}
    for dataset, declared in DECLARED.items():
        (landing / f"{dataset}.ndjson").unlink()
        field = [one.name for one in declared.fields if not one.nullable and not one.optional][-1]
        export[dataset][1][field] = None
        if form == "ndjson":
            del export[dataset][2][field]
        else:
            export[dataset][2][field] = None
        names = [export[dataset][number][declared.id_field or "asset_id"] for number in (1, 2)]
        expected[dataset] = (field, names)
    write_export(landing, export, lambda dataset: REQUIRED_FIELDS[form])
    tests = "test_name:required_fields_are_present"
    build = workspace.build(files=landing, arguments=("--select", tests, "+path:models/staging"))
    said = explanation.explain(build.folder)
    blocks = re.split(r"^(?=FAILED|WARNED)", said, flags=re.MULTILINE)
    for dataset, (field, names) in expected.items():
        pattern = rf"FAILED  {dataset}_ha(s|ve)_(its|their)_required_fields\b"
        (block,) = [one for one in blocks if re.match(pattern, one)]
        for name in names:
            line = next((one for one in block.splitlines() if f"={name} " in f"{one} "), "")
            assert f"missing_fields={field}" in line, said


def rewritten(landing: Path, dataset: str, select: str) -> Path:
    """Write a dataset as Parquet of the columns that a select list makes of its records."""
    text = landing / f"{dataset}.ndjson"
    file = landing / f"{dataset}.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select {select} from read_json({quoted(text)}))"
            f" to {quoted(file)} (format parquet)"
        )
    text.unlink()
    return file


def test_a_column_of_the_wrong_type_is_said(workspace: Workspace, landing: Path) -> None:
    wrong = {
        "channels": ("platform", "* replace (5 as platform)"),
        "audience_segments": ("size_estimate", "* replace (size_estimate + 0.5 as size_estimate)"),
        "roi_ledger": (
            "llm_cost",
            "* replace (cast('nan' as double) as llm_cost, -9223372036854775808 as net_roi)",
        ),
        "attribution_hints": ("confidence", "* replace (cast('inf' as double) as confidence)"),
        "budget_actions": ("approved_by_human", "* replace (1 as approved_by_human)"),
        "campaigns": ("start_date", "* replace (20260316 as start_date)"),
        "orchestrator_decisions": ("timestamp", "* replace (5 as timestamp)"),
        "creative_assets": ("risk_flags", "* replace ([1, 2] as risk_flags)"),
        "campaign_risk_signals": ("evidence", "* replace ([1] as evidence)"),
        "segment_rollups": ("spend", "* exclude (spend)"),
        "funnel_events": ("count", "* replace (1e30 as count)"),
        "experiments": ("metrics", "* rename (metric as metrics)"),
        "performance_metrics": ("of_tomorrow", "*, cast(null as integer) as of_tomorrow"),
    }
    for dataset, (_, select) in wrong.items():
        rewritten(landing, dataset, select)
    said = said_of(workspace, landing)
    assert said.keys() == {f"raw_{dataset}" for dataset in wrong}
    silent = [
        (dataset, field, said[f"raw_{dataset}"])
        for dataset, (field, _) in wrong.items()
        if not any(
            f"{dataset}.parquet" in line and f": {field}: " in line
            for line in said[f"raw_{dataset}"]
        )
    ]
    assert not silent
    assert any(": net_roi: " in line for line in said["raw_roi_ledger"])  # it has no abs
    assert any("did you mean metric?" in line for line in said["raw_experiments"])
    assert any(DECLARED_IN in line for line in said["raw_performance_metrics"])


# ---- Fields ----------------------------------------------------------------------------------

MANY = 30_000
"""More than DuckDB looks at when it guesses what a file holds (20,480)."""


@pytest.mark.long
def test_what_comes_late_in_a_long_file_is_noticed(workspace: Workspace, landing: Path) -> None:
    """One record in the end is enough: of an undeclared field, of another type."""
    hint = read_export()["attribution_hints"][0]
    records = [hint | {"hint_id": f"ATTR_{number}"} for number in range(MANY)]
    records[-3]["notes"] = "by telephone"
    records[-2]["attributed_conversions"] = "a dozen"
    records[-1]["method"] = 7
    write_file(landing / "attribution_hints.ndjson", "attribution_hints", records, Form())
    said = said_of(workspace, landing)
    assert said.keys() == {"raw_attribution_hints"}
    file, last = "attribution_hints.ndjson", MANY - 1
    words = f"undeclared field; {DECLARED_IN}"
    expected = [
        problem(file, MANY - 2, f"ATTR_{last - 2}", "notes", words),
        problem(
            file,
            MANY - 1,
            f"ATTR_{last - 1}",
            "attributed_conversions",
            "expected an integer",
            'the string "a dozen"',
        ),
        problem(file, MANY, f"ATTR_{last}", "method", "expected a string", "the number 7"),
    ]
    assert not unsaid(said["raw_attribution_hints"], expected), said


@pytest.mark.long
def test_a_field_that_nobody_declared_is_noticed(workspace: Workspace, landing: Path) -> None:
    """Whatever its value, and however alike its name is."""
    renamed = {
        "budget_actions": ("currency", "curency"),
        "channels": ("platform", "Platform"),
        "campaigns": ("name", "name "),
        "roi_ledger": ("llm_cost", "llm.cost"),
    }
    added = {"experiments": None, "audience_segments": {"a": [1]}, "orchestrator_decisions": ""}
    export = read_export()
    for dataset, (field, name) in renamed.items():
        record = export[dataset][-1]
        export[dataset][-1] = {name if key == field else key: record[key] for key in record}
    for dataset, value in added.items():
        export[dataset][-1]["of_tomorrow"] = value
    write_export(landing, export, lambda dataset: Form())
    said = said_of(workspace, landing)
    names = {dataset: name for dataset, (_, name) in renamed.items()}
    names |= dict.fromkeys(added, "of_tomorrow")
    assert said.keys() == {f"raw_{dataset}" for dataset in names}
    expected = {
        dataset: problem(
            f"{dataset}.ndjson",
            len(export[dataset]),
            export[dataset][-1][DECLARED[dataset].id_field],
            name,
            "undeclared field",
        )
        for dataset, name in names.items()
    }
    assert not [
        one
        for dataset, pattern in expected.items()
        for one in unsaid(said[f"raw_{dataset}"], [pattern])
    ], said
    assert any("did you mean currency?" in line for line in said["raw_budget_actions"])


@pytest.mark.long
def test_a_key_that_comes_twice_is_noticed(workspace: Workspace, landing: Path) -> None:
    file = landing / "channels.ndjson"
    lines = file.read_text(encoding="utf-8").splitlines()
    lines[1] = lines[1].replace('"type"', '"platform": "Other", "type"')
    write_text(file, "\n".join(lines) + "\n")
    said = said_of(workspace, landing)
    words = problem("channels.ndjson", 2, "CH_02", "platform", "expected the key once")
    assert not unsaid(said.get("raw_channels", []), [words]), said


@pytest.mark.long
def test_a_wrong_value_in_a_path_is_said(workspace: Workspace, landing: Path) -> None:
    """A writer of folders leaves their field out of the file, which is no reason for a null."""
    event = {k: v for k, v in read_export()["funnel_events"][0].items() if k != "date"}
    (landing / "funnel_events.ndjson").unlink()
    write_text(landing / "funnel_events/date=20260317/0.ndjson", json.dumps(event) + "\n")
    said = said_of(workspace, landing)
    words = ("expected a date", "in its path 20260317")
    expected = problem("date=20260317/0.ndjson", 1, event["event_id"], "date", *words)
    assert not unsaid(said["raw_funnel_events"], [expected]), said


@pytest.mark.long
def test_of_many_files_the_wrong_one_is_named(workspace: Workspace, landing: Path) -> None:
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
    halves[1][2] |= {"cost": "dear"}
    for number, half in enumerate(halves):
        file = landing / f"performance_metrics/part-{number}.parquet"
        write_file(file, "performance_metrics", half, Form("parquet", types="text"))
    said = said_of(workspace, landing)
    assert said.keys() == {"raw_funnel_events", "raw_performance_metrics"}
    words = ("expected an integer", 'the string "many"')
    event = days["2026-03-15"][1]["event_id"]
    expected = problem("funnel_events/day=2026-03-15/part-0.ndjson.zst", 2, event, "count", *words)
    assert not unsaid(said["raw_funnel_events"], [expected]), said
    words = ("expected a number", 'the string "dear"')
    expected = problem("performance_metrics/part-1.parquet", 3, None, "cost", *words)
    assert not unsaid(said["raw_performance_metrics"], [expected]), said


def test_the_files_of_failing_rows_are_named(workspace: Workspace, tmp_path: Path) -> None:
    """Of a test of dbt's and of a rule, by one field or several, one of them null or renamed."""
    export = read_export()
    outside = {"experiment_id": None, "asset_id": export["performance_metrics"][0]["asset_id"]}
    snapshot = export["performance_metrics"][0] | outside
    other_time = snapshot | {"timestamp": "2026-03-03T18:00:01"}
    performance = [*export["performance_metrics"][:4], snapshot, other_time, dict(snapshot)]
    export["performance_metrics"] = performance
    export["funnel_events"][5]["confidence"] = 1.5
    export["experiments"][1]["variant_asset"] = export["experiments"][1]["control_asset"]
    landing = write_export(tmp_path / "landing", export, lambda _: Form("ndjson", "parts"))
    of_range = "stg_funnel_events_values_are_accepted"
    of_key = "unique_combination_of_columns_stg_performance_metrics*"
    of_rule = "rule_2_experiments_compare_two_assets"
    workspace.build(files=landing, arguments=("--exclude-resource-type", "test", "unit_test"))
    files: dict[str, set[str]] = {}
    for names in ((of_range, of_key), (of_rule,)):  # dbt skips a rule of a dataset that failed
        tests = ("--select", *names, "--resource-type", "test")
        build = workspace.build(files=landing, fresh=False, arguments=tests)
        said = explanation.explain(build.folder)
        for block in re.split(r"^(?=FAILED)", said, flags=re.MULTILINE)[1:]:
            found = re.findall(r"landing/(\S+?),?$", block, re.MULTILINE)
            files[block.split()[1].rstrip(":")] = set(found)
    (of_key,) = [name for name in files if name.startswith(of_key.rstrip("*"))]
    assert files == {
        of_range: {"funnel_events/part-1.ndjson"},
        of_rule: {"experiments/part-1.ndjson"},
        of_key: {"performance_metrics/part-0.ndjson"},
    }


# ---- Files -----------------------------------------------------------------------------------


@pytest.mark.long
def test_a_file_that_is_none_is_said(workspace: Workspace, landing: Path) -> None:
    """Each dataset is broken in a way of its own; each is named, and all in one build."""
    texts = {
        dataset: (landing / f"{dataset}.ndjson").read_text(encoding="utf-8") for dataset in DECLARED
    }
    arrays = {name: f"[{','.join(text.splitlines())}]" for name, text in texts.items()}
    for dataset in DECLARED:
        (landing / f"{dataset}.ndjson").unlink()

    def put(name: str, data: bytes) -> str:
        file = landing / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return name

    lines = texts["channels"].splitlines()
    lines[1] = lines[1][:-1]
    parquet = landing / "performance_metrics.parquet"
    write_file(
        parquet, "performance_metrics", read_export()["performance_metrics"], Form("parquet")
    )
    two_kinds = read_export()["segment_rollups"]
    write_file(landing / "segment_rollups/1.ndjson", "segment_rollups", two_kinds[:1], Form())
    write_file(
        landing / "segment_rollups/2.parquet", "segment_rollups", two_kinds[1:], Form("parquet")
    )
    (landing / "budget_actions").mkdir()
    named = {
        "campaigns": put("campaigns.json", arrays["campaigns"][:-40].encode()),
        "audience_segments": put(
            "audience_segments.json.gz", gzip.compress(arrays["audience_segments"].encode())[:-12]
        ),
        "channels": put("channels.ndjson", "\n".join(lines).encode()),
        "creative_assets": put("creative_assets.ndjson.gz", texts["creative_assets"].encode()),
        "experiments": "corrupt",  # DuckDB doesn't say which file of the dataset
        "performance_metrics": put("performance_metrics.parquet", parquet.read_bytes()[:-100]),
        "orchestrator_decisions": put("orchestrator_decisions.json", b""),
        "roi_ledger": put("roi_ledger.json", texts["roi_ledger"].splitlines()[0].encode()),
        "funnel_events": put(
            "funnel_events/day=2026-03-14/0.ndjson",
            texts["funnel_events"].encode() + b'{"event_id": "FNL_0099", "timest',
        ),
        "budget_actions": put("budget_actions/0.csv", b"budget_action_id\nBUD_0001\n"),
        "campaign_risk_signals": "campaign_risk_signals",  # missing
        "segment_rollups": "segment_rollups",
        "attribution_hints": put("attribution_hints.parquet", b""),
    }
    put("experiments.ndjson.zst", b"\x28\xb5\x2f\xfd\0\0garbage")
    said = said_of(workspace, landing)
    everything = [line for lines in said.values() for line in lines]
    silent = {
        dataset: name
        for dataset, name in named.items()
        if not any(name in line for line in said.get(f"raw_{dataset}", everything))
    }
    assert not silent, said
    if "" not in said:
        assert said.keys() == {f"raw_{dataset}" for dataset in named}


@pytest.mark.long
def test_a_file_that_is_cut_off_is_said_wherever_it_ends(
    workspace: Workspace, landing: Path, whole: bool
) -> None:
    """Also where what is left of it can be read, which is no reason to load a part of it."""
    hint = read_export()["attribution_hints"][0]
    records = [hint | {"hint_id": f"ATTR_{number:06}"} for number in range(MANY)]
    (landing / "attribution_hints.ndjson").unlink()
    for extension in ("ndjson.gz", "ndjson.zst", "json.zst", "json.gz", "ndjson", "parquet"):
        file = landing / f"attribution_hints.{extension}"
        write_file(file, "attribution_hints", records, Form(extension))
        whole_file = file.read_bytes()
        for share in (0.4, 0.7, 0.9, 1) if whole else (1,):
            file.write_bytes(whole_file[: int(len(whole_file) * share) - 9])
            said = said_of(workspace, landing, ("--select", "raw_attribution_hints"))
            lines = all_of(said)
            assert file.name in lines, f"{extension} cut at {share}: {lines or 'nothing is said'}"
        file.unlink()


@pytest.mark.long
# Of damaged zst and Parquet data DuckDB says the reason, and not the file.
@pytest.mark.parametrize("extension", ["json.gz"])
def test_of_many_files_the_damaged_one_is_named(
    workspace: Workspace, landing: Path, extension: str
) -> None:
    (landing / "funnel_events.ndjson").unlink()
    for day in range(1, 7):
        file = landing / f"funnel_events/day=2026-03-0{day}/part.{extension}"
        write_file(file, "funnel_events", read_export()["funnel_events"], Form(extension))
    damaged = landing / f"funnel_events/day=2026-03-04/part.{extension}"
    data = bytearray(damaged.read_bytes())
    half = len(data) // 2
    data[half : half + 20] = bytes(reversed(data[half : half + 20]))
    damaged.write_bytes(data)
    said = said_of(workspace, landing, ("--select", "raw_funnel_events"))
    assert "day=2026-03-04/part" in all_of(said), said


@pytest.mark.long
def test_text_that_is_no_text_is_said(workspace: Workspace, landing: Path) -> None:
    """Other encodings, and characters that no database keeps."""
    platform = json.dumps(read_export()["channels"][0] | {"platform": "Zo\u00eb"})
    cta = json.dumps(read_export()["creative_assets"][0])
    (landing / "channels.ndjson").write_bytes(platform.replace("\\u00eb", "ë").encode("latin-1"))
    (landing / "creative_assets.ndjson").write_bytes(cta.encode("utf-16"))
    for dataset, field, text in (
        ("campaigns", "hypothesis", r'"a\u0000b"'),
        ("experiments", "type", r'"\ud800x"'),
    ):
        write_text(landing / f"{dataset}.ndjson", next(spoiled(dataset, field, [text])) + "\n")
    said = said_of(workspace, landing)
    for dataset in ("channels", "creative_assets", "campaigns", "experiments"):
        assert any(f"{dataset}.ndjson" in line for line in said.get(f"raw_{dataset}", [])), said


# ---- Folders ---------------------------------------------------------------------------------


def all_of(said: dict[str, list[str]]) -> str:
    """Return all that is said."""
    return "\n".join(line for lines in said.values() for line in lines)


def test_a_folder_that_is_no_dataset_is_said(workspace: Workspace, landing: Path) -> None:
    (landing / "funnel_event").mkdir()
    shutil.copy(landing / "funnel_events.ndjson", landing / "funnel_event/0.ndjson")
    shutil.copy(landing / "channels.ndjson", landing / "chanels.ndjson")
    said = all_of(said_of(workspace, landing))
    for file in ("funnel_event/0.ndjson", "chanels.ndjson"):
        assert re.search(rf"/{file}: no declared dataset", said), said
    assert re.search(r"\bfunnel_events\b", said), "what they may have been meant to be"


@pytest.mark.long
def test_a_file_beside_a_dataset_is_no_part_of_it(workspace: Workspace, landing: Path) -> None:
    """A copy that someone kept is said, not read."""
    shutil.copy(landing / "campaigns.ndjson", landing / "campaigns.backup.ndjson")
    said = all_of(said_of(workspace, landing))
    assert "campaigns.backup.ndjson" in said


@pytest.mark.long
def test_a_dataset_that_is_a_file_and_a_folder_is_said(workspace: Workspace, landing: Path) -> None:
    """It is one or the other: nobody meant to count both."""
    (landing / "channels").mkdir()
    shutil.copy(landing / "channels.ndjson", landing / "channels/0.ndjson")
    said = all_of(said_of(workspace, landing))
    assert "channels.ndjson" in said
    assert "channels/0.ndjson" in said


def test_a_link_or_a_name_that_leads_nowhere_is_said(workspace: Workspace, landing: Path) -> None:
    channels = landing / "channels.ndjson"
    content = channels.read_bytes()
    channels.unlink()
    channels.symlink_to(landing / "nothing")
    assert "channels.ndjson" in all_of(said_of(workspace, landing, ("--select", "raw_channels")))

    channels.unlink()
    channels.write_bytes(content)
    (landing / "funnel_events.ndjson").unlink()
    loop = landing / "funnel_events/again"
    loop.parent.mkdir()
    loop.symlink_to(landing)
    assert "funnel_events/again: a link to a folder that it lies in" in all_of(
        said_of(workspace, landing, ("--select", "raw_channels"))
    )

    loop.unlink()
    name = os.fsencode(loop.parent) + b"/\xff.ndjson"
    Path(os.fsdecode(name)).touch()
    assert "funnel_events/\\xff.ndjson: its name is not UTF-8" in all_of(
        said_of(workspace, landing, ("--select", "raw_channels"))
    )


def test_a_change_within_a_second_is_seen(tmp_path: Path) -> None:
    """DuckDB's own listing knows whole seconds."""
    file = tmp_path / "a" / "b.ndjson"
    file.parent.mkdir()
    file.write_bytes(b"{}")
    os.utime(file, ns=(0, 1_700_000_000_123_456_789))
    write_listing(str(tmp_path / "a"), tmp_path)
    assert (tmp_path / LISTING).read_text() == '"b.ndjson","2","1700000000123456789"\n'


@pytest.mark.parametrize("what", ["missing", "a file", "empty"])
def test_a_place_without_data_is_said(workspace: Workspace, tmp_path: Path, what: str) -> None:
    place = tmp_path / f"nowhere {what}"
    if what == "a file":
        place.write_text("[]", encoding="utf-8")
    elif what == "empty":
        place.mkdir()
    said = said_of(workspace, place)
    assert said
    assert str(place) in all_of(said)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"raw": "nonsense"}, "nonsense"),
        ({"raw": "files"}, "raw_path"),
        ({"raw": "Files", "raw_path": "landing"}, "Files"),
    ],
    ids=["nonsense", "no path", "wrong case"],
)
def test_vars_that_make_no_sense_are_said(
    workspace: Workspace, variables: dict, words: str
) -> None:
    """No build on the seeds by mistake."""
    with pytest.raises(DbtError, match=words):
        workspace.dbt("build", "--select", "raw_channels", "--vars", json.dumps(variables))


# ---- What was there before stays -------------------------------------------------------------


@pytest.fixture
def first_and_second(export: Callable[[], Export]) -> tuple[Export, Export]:
    """Return an export, and the next."""
    second = export()
    second["campaigns"][0]["name"] = "Another name"
    second["funnel_events"][0]["count"] += 1
    return export(), second


@pytest.mark.long
def test_what_was_built_stays_until_all_is_right_again(
    workspace: Workspace, tmp_path: Path, first_and_second: tuple[Export, Export]
) -> None:
    first, second = first_and_second
    landing = write_export(tmp_path / "landing", first, lambda dataset: Form("ndjson"))
    before = workspace.build(files=landing)
    assert_whole(before)
    assert before.named("fail") == set()

    broken, wrong = json.loads(json.dumps(second)), "campaigns.ndjson"
    broken["campaigns"][1]["budget"] = "a lot"
    broken["channels"][0]["avg_cost"] = []
    write_export(landing, broken, lambda dataset: Form("ndjson"))
    red = workspace.build(files=landing, fresh=False)
    assert red.named("error") == {"raw_campaigns", "raw_channels"}
    assert_same_content(red, before)
    said = explanation.explain(red.folder)
    assert not unsaid(
        said.splitlines(),
        [
            problem(wrong, 2, "CAMP_002", "budget", "expected a number", 'the string "a lot"'),
            problem("channels.ndjson", 1, "CH_01", "avg_cost", "expected a number", "a list"),
        ],
    ), said
    with pytest.raises(publish.PublishError):
        publish.publish(red.folder)

    write_export(landing, second, lambda dataset: Form("ndjson"))
    after = workspace.build(files=landing, fresh=False)
    assert_whole(after)
    assert after.named("fail") == set()
    # The history goes on: exports_seen is of both.
    assert_as_the_oracle_reads(after, oracle.read_world(second))
    assert publish.publish(after.folder).path.is_file()
