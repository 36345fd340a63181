"""Files that end too early, or have data after their end, are detected, unlike by DuckDB."""

import gzip
import random
from pathlib import Path

import pyarrow
import pytest
from helpers.bulk import Form, json_text, write_export, write_text
from helpers.project import read_export

from warehouse.lake.endings import CHUNK, wrong_ending
from warehouse.lake.errors import IngestError
from warehouse.lake.ingest import ingest
from warehouse.lake.landing import LandingFile

RECORDS = [{"number": number, "text": "x" * (number % 50)} for number in range(5000)]
CUT_OFF = "expected compressed data, found data that are cut off"


def wrong_with(file: Path, data: bytes | None = None) -> str | None:
    """Return the problem with the end of a file, after replacing its data if any are given."""
    if data is not None:
        file.write_bytes(data)
    return wrong_ending(LandingFile(str(file), file.name, "1"))


@pytest.mark.parametrize("packing", ["gz", "zst"])
def test_packed_data_that_end_too_early_are_noticed_wherever_they_end(
    tmp_path: Path, packing: str
) -> None:
    file = tmp_path / f"a.ndjson.{packing}"
    write_text(file, json_text(RECORDS, file.name.partition(".")[2]))
    whole = file.read_bytes()
    ends = random.Random(1).sample(range(2, len(whole)), 50)
    for end in [0, 4, 8, len(whole) - 8, len(whole) - 4, len(whole) - 1, *ends]:
        assert wrong_with(file, whole[:end]) == CUT_OFF, end
        if end:
            assert wrong_with(file, whole + whole[:end]) == CUT_OFF, end
    assert wrong_with(file, whole) is None
    garbage = wrong_with(file, whole + b"what is no packed data")
    assert garbage and garbage.startswith("expected compressed data, found damaged data: ")


@pytest.mark.parametrize("text", ["", "x", "x" * 10_000_000, json_text(RECORDS, "ndjson")])
def test_packed_data_that_are_whole_are_right(tmp_path: Path, text: str) -> None:
    at_once, streamed = tmp_path / "a.ndjson.zst", tmp_path / "b.ndjson.zst"
    for level in (1, 19):
        codec = pyarrow.Codec("zstd", compression_level=level)
        assert wrong_with(at_once, codec.compress(text.encode(), asbytes=True)) is None
    with pyarrow.CompressedOutputStream(str(streamed), "zstd") as stream:
        stream.write(text.encode())
    assert wrong_with(streamed) is None
    assert wrong_with(tmp_path / "c.ndjson.gz", gzip.compress(text.encode())) is None


@pytest.mark.parametrize(
    "frame", ["28b52ffd0458110000780aaefde922", "28b52ffd2402110000780aaefde922"]
)
def test_what_zstd_itself_writes_is_right_and_ends_in_a_checksum(
    tmp_path: Path, frame: str
) -> None:
    """By `zstd -c` of "x" and a newline, from a pipe and from a file."""
    data, skippable = bytes.fromhex(frame), bytes.fromhex("502a4d1803000000616263")
    for right in (data, data + data, skippable + data, data + skippable):
        assert wrong_with(tmp_path / "a.ndjson.zst", right) is None
    for end in range(len(data)):
        assert wrong_with(tmp_path / "a.ndjson.zst", data[:end]) == CUT_OFF


@pytest.mark.parametrize("extension", ["json", "json.gz"])
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('[{"a": 1}]', None),
        ('[{"a": 1}]\r\n \t' + "\n" * CHUNK, None),
        ("[]", None),
        ('[{"a": 1},', "no ] at its end; is the file cut off?"),
        ('[{"a": 1},\n' + " " * CHUNK, "no ] at its end; is the file cut off?"),
        ('[{"a": "]"}', "no ] at its end; is the file cut off?"),
        (" \n", "an empty file"),
        ("\0" * 8, "no ] at its end; is the file cut off?"),
    ],
)
def test_an_array_ends_in_its_bracket(
    tmp_path: Path, extension: str, text: str, found: str | None
) -> None:
    data = gzip.compress(text.encode()) if extension.endswith("gz") else text.encode()
    wanted = found and f"expected a JSON array, found {found}"
    assert wrong_with(tmp_path / f"a.{extension}", data) == wanted


@pytest.mark.parametrize("extension", ["json", "json.gz"])
@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-16", "UTF-16"),  # with a byte order mark; the others have none
        ("utf-16-le", "UTF-16-LE"),
        ("utf-16-be", "UTF-16-BE"),
        ("utf-32-le", "UTF-32-LE"),
    ],
)
def test_an_array_in_another_encoding_is_called_so_and_not_cut_off(
    tmp_path: Path, extension: str, encoding: str, found: str
) -> None:
    data = '[{"a": 1}]\n'.encode(encoding)
    data = gzip.compress(data) if extension.endswith("gz") else data
    assert wrong_with(tmp_path / f"a.{extension}", data) == f"expected UTF-8, found {found}"


def test_all_files_that_are_cut_off_are_named_and_nothing_changes(tmp_path: Path) -> None:
    landing, lake = tmp_path / "landing", tmp_path / "lake"
    extensions = ["parquet", "json.gz", "ndjson.zst", "json", "ndjson.gz"]
    export = read_export()
    names = [name for name in export if export[name]]
    forms = {name: extensions[number % 5] for number, name in enumerate(names)}
    write_export(landing, export, lambda dataset: Form(forms.get(dataset, "json")))
    for name, extension in forms.items():
        file = landing / f"{name}.{extension}"
        text = file.read_bytes().rstrip()
        file.write_bytes(text[: -1 if extension == "json" else -9])
    with pytest.raises(IngestError) as error:
        ingest(landing, lake)
    said = str(error.value).splitlines()[:-1]
    assert {line.split(": expected ")[0] for line in said} == {
        f"{name}.{extension}" for name, extension in forms.items()
    }
    assert list(lake.rglob("*.parquet")) == []
