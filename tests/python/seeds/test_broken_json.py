"""Any broken export gets a message from the converter, and no seed changes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.project import EXPORT, PROJECT
from helpers.valid_json import DATASETS
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.seeds import conversion
from warehouse.seeds.conversion import convert
from warehouse.seeds.errors import ConversionError

DATASET = "campaign_risk_signals"
# With every kind of JSON value in it.
RECORD = r"""[{"risk_id": "R\u00e9\n1 é😀", "timestamp": "2026-03-15T10:05:00Z", "campaign_id": "C",
  "experiment_id": null, "asset_ids": ["a", "b"], "risk_type": "t", "severity": "low",
  "evidence": {"clicks": -12.50e+3, "ok": [true, false, {}, 7]}, "recommended_action": "",
  "status": "open"}]
"""
CHANNEL = '{"channel_id": "C", "type": "", "platform": "", "cost_model": "", "avg_cost": 1}'


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Return a folder of JSON, whose only record is RECORD, and the folder of its seeds."""
    # Reading it takes most of a conversion's time.
    monkeypatch.setattr(conversion, "read_declaration", lambda: DATASETS)
    inputs, seeds = tmp_path / "json", tmp_path / "seeds"
    inputs.mkdir()
    for dataset in DATASETS:
        (inputs / f"{dataset}.json").write_text("[]")
    (inputs / f"{DATASET}.json").write_text(RECORD, encoding="utf-8")
    convert(inputs, seeds)
    return inputs, seeds


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def problems_of(inputs: Path, seeds: Path) -> list[str]:
    """Return the problems of an export; if there are any, no seed has changed."""
    # Another dataset has changed, and is right.
    other = inputs / "channels.json"
    other.write_text(f"[{CHANNEL}]" if other.read_text() == "[]" else "[]")
    before = contents(seeds)
    try:
        convert(inputs, seeds)
    except ConversionError as error:
        assert contents(seeds) == before
        *problems, summary = str(error).splitlines()
        assert problems == error.problems  # each of them is one line
        assert summary.endswith("; no seed was changed.")
        assert all(line.isprintable() and line.startswith(f"{DATASET}: ") for line in problems)
        return problems
    return []


def test_an_export_that_is_cut_off_anywhere(folders: tuple[Path, Path]) -> None:
    inputs, seeds = folders
    data = RECORD.encode()
    for length in range(1, len(data.rstrip())):
        (inputs / f"{DATASET}.json").write_bytes(data[:length])
        (problem,) = problems_of(inputs, seeds)
        assert problem.endswith("; the file seems to be cut off"), length
    for length in range(len(data.rstrip()), len(data) + 1):
        (inputs / f"{DATASET}.json").write_bytes(data[:length])
        assert f"raw_{DATASET}.csv" not in convert(inputs, seeds).changed


@pytest.mark.parametrize("outside", ["[", '[{"evidence":{"a":'])
@pytest.mark.parametrize("opening", ["[", '{"b":', '[{"b":'])
def test_however_deeply_values_are_nested(
    folders: tuple[Path, Path], outside: str, opening: str
) -> None:
    inputs, seeds = folders
    # Around the limits of the converter and of Python, and beyond any.
    for depth in [*range(95, 105), *range(300, 1100, 7), 100_000]:
        start = outside + opening * depth
        end = "".join({"[": "]", "{": "}"}.get(character, "") for character in reversed(start))
        for text in (start, start + "1" + end):
            (inputs / f"{DATASET}.json").write_text(text)
            assert problems_of(inputs, seeds)


PIECES = [
    b"", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", rb"\ud800", rb"\u0000", b"\\", b"\n",
    b" ", b'"', b"'", b"{", b"}", b"[", b"]", b",", b":", b"-", b"0", b".", b"e", b"9" * 5000,
    b"1e999999999", b"1e-999999999", b"1e9999999999999999999999", b"NaN", b"-Infinity", b"null",
    b"true", b"{}", b"[]", b"[" * 3000, b'{"a":' * 3000, b'"a":1,"a":2,', b'"risk_id":"x",',
    b"x" * 140_000, b"2026-02-30", b"9999-12-31T23:59:59-23:59", b"\xe9", "é".encode(),
]  # fmt: skip


# What stands for a whole value; all but the first few are no field's.
VALUES = [
    b'"C"', b"null", b"7", b"{}", b"[]", rb'"\ud800"', rb'["\udc00\ud800"]', rb'{"\ud800": 1}',
    rb'"\u0000"', rb'{"\u0000": 1}', b'"' + b"x" * 140_000 + b'"', b"9" * 140_000, b"NaN",
    b'{"a": [NaN]}', b"1e9999999999999999999999", b'{"a": 1, "a": 2}', b"[" * 150 + b"]" * 150,
    b'"9999-12-31T23:59:59-23:59"',
]  # fmt: skip
VALUE = re.compile(rb'"(?:[^"\\]|\\.)*"|[-0-9][-+.0-9e]*|[a-z]+|\[[^][]*\]|\{[^{}]*\}', re.DOTALL)


def test_any_value_in_any_place(folders: tuple[Path, Path]) -> None:
    inputs, seeds = folders
    data = RECORD.encode()
    for match in VALUE.finditer(data):
        for value in VALUES:
            damaged = data[: match.start()] + value + data[match.end() :]
            (inputs / f"{DATASET}.json").write_bytes(damaged)
            problems_of(inputs, seeds)


@st.composite
def broken(draw: st.DrawFn, data: bytes) -> bytes:
    """Return bytes that were damaged here and there."""
    for _ in range(draw(st.integers(1, 3))):
        damage = draw(st.sampled_from(["value", "flip", "insert", "delete", "splice", "cut"]))
        values = [match.span() for match in VALUE.finditer(data)]
        if damage == "value" and values:
            start, end = draw(st.sampled_from(values))
            data = data[:start] + draw(st.sampled_from(VALUES)) + data[end:]
            continue
        places = st.integers(0, len(data))
        start, end = sorted((draw(places), draw(places)))
        if damage == "flip" and data:
            place = min(start, len(data) - 1)
            flipped = data[place] ^ draw(st.integers(1, 255))
            data = data[:place] + bytes([flipped]) + data[place + 1 :]
        elif damage == "delete":
            data = data[:start] + data[start + draw(st.integers(1, 4)) :]
        elif damage == "splice":
            place = draw(places)
            data = data[:place] + data[start:end] + data[place:]
        elif damage == "cut":
            data = data[:start] if draw(st.booleans()) else data[start:]
        else:
            piece = draw(st.sampled_from(PIECES) | st.binary(max_size=4))
            data = data[:start] + piece + data[draw(st.sampled_from([start, start + 1, end])) :]
    return data


def test_whatever_is_broken_is_told(folders: tuple[Path, Path], whole: bool) -> None:
    inputs, seeds = folders
    outcomes = set()

    @settings(max_examples=10_000 if whole else 500)
    @given(broken(RECORD.encode()))
    def is_told(data: bytes) -> None:
        (inputs / f"{DATASET}.json").write_bytes(data)
        outcomes.add(bool(problems_of(inputs, seeds)))

    is_told()
    assert outcomes == {True, False}


BROKEN_FILES = {
    "campaigns": b"",
    "audience_segments": b"[{",
    "channels": b'{"records": []}',
    "creative_assets": b"[" * 100_000,
    "experiments": b'[{"type": 1, "type": 2}]',
    "performance_metrics": rb'[{"asset_id": "\ud800"}]',
    "orchestrator_decisions": b'[{"confidence_score": NaN}]',
    "roi_ledger": b'[{"llm_cost": 1e999999999}]',
    "funnel_events": b'[{"count": 9223372036854775808}]',
    "budget_actions": b'[{"reason_detail": "' + b"x" * 200_000 + b'"}]',
    "campaign_risk_signals": b"\xef\xbb\xbf" * 2 + b"[]",
    "segment_rollups": "[]".encode("utf-16"),
    "attribution_hints": b'[{"method": "\xe9"}]',
}


def test_the_command_tells_all_of_it_without_a_traceback(tmp_path: Path) -> None:
    inputs, seeds = tmp_path / "json", tmp_path / "seeds"
    inputs.mkdir()
    for dataset in DATASETS:
        (inputs / f"{dataset}.json").write_bytes((EXPORT / f"{dataset}.json").read_bytes())
    convert(inputs, seeds)
    before = contents(seeds)
    for dataset, data in BROKEN_FILES.items():
        (inputs / f"{dataset}.json").write_bytes(data)
    command = [sys.executable, "-m", "warehouse", "seeds"]
    places = ["--input", str(inputs), "--output", str(seeds)]
    # Where the terminal knows ASCII only, too.
    environment = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = subprocess.run(
        [*command, *places], cwd=PROJECT, capture_output=True, text=True, env=environment
    )
    assert (done.returncode, done.stdout) == (1, "")
    *problems, summary = done.stderr.splitlines()
    assert summary == f"{len(problems)} problems in 13 datasets; no seed was changed."
    assert {line.partition(": ")[0] for line in problems} == set(DATASETS)
    assert contents(seeds) == before
