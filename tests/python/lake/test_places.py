"""A landing folder and a lake may be addresses of a store; fsspec's memory is one."""

import json
import sys
from collections import Counter
from pathlib import Path

import duckdb
import fsspec
import pytest
from click.testing import CliRunner
from helpers.bulk import Form, write_export
from helpers.project import Export, read_export

from warehouse.cli import main
from warehouse.lake import manifest
from warehouse.lake.errors import IngestError
from warehouse.lake.ingest import ingest

LANDING, LAKE = "memory://bucket/landing", "memory://bucket/lake"
FORMS = [Form("ndjson.gz", "parts"), Form("parquet", "day"), Form("json"), Form("ndjson.zst")]


@pytest.fixture
def store() -> fsspec.AbstractFileSystem:
    """Return a store that is empty."""
    found = fsspec.filesystem("memory")
    found.store.clear()
    return found


def land(store: fsspec.AbstractFileSystem, folder: Path, export: Export) -> None:
    """Put the files of an export in the store's landing folder."""
    names = list(export)
    write_export(folder, export, lambda dataset: FORMS[names.index(dataset) % len(FORMS)])
    for file in folder.rglob("*"):
        if file.is_file():
            store.pipe_file(f"/bucket/landing/{file.relative_to(folder)}", file.read_bytes())


def ids(dataset: str, identity: str) -> Counter:
    """Return the ids of what a dataset holds in the lake, each as often as it is there."""
    with duckdb.connect() as connection:
        connection.register_filesystem(fsspec.filesystem("memory"))
        parts = manifest.read(LAKE).datasets[dataset].days.values()
        files = [f"{LAKE}/{name}" for part in parts for name in part.files]
        query = f"select {identity} from read_parquet(?)"
        return Counter(value for (value,) in connection.execute(query, [files]).fetchall())


def test_a_lake_in_a_store_is_made_of_what_lands_in_a_store(
    store: fsspec.AbstractFileSystem, tmp_path: Path
) -> None:
    export = read_export()
    land(store, tmp_path, export)
    outcomes = ingest(LANDING, LAKE)
    assert all(outcome.read for outcome in outcomes.values())
    before = manifest.read(LAKE)
    for dataset, identity in (("funnel_events", "event_id"), ("campaigns", "campaign_id")):
        assert ids(dataset, identity) == Counter(one[identity] for one in export[dataset])
    again = ingest(LANDING, LAKE)
    assert again["campaigns"].read == 0
    assert manifest.read(LAKE) == before
    # What is corrected stays for those who read the version before, but no longer.
    for name in ("Changed", "Changed again"):
        record = export["campaigns"][0] | {"name": name}
        store.rm("/bucket/landing/campaigns", recursive=True)
        store.pipe_file("/bucket/landing/campaigns/0.ndjson", json.dumps(record).encode())
        ingest(LANDING, LAKE)
        assert ids("campaigns", "name") == Counter([name])
    assert len([one for one in store.find("/bucket/lake") if "/campaigns/" in one]) == 2


def test_what_is_wrong_in_a_store_is_named_and_the_lake_stays(
    store: fsspec.AbstractFileSystem, tmp_path: Path
) -> None:
    export = read_export()
    land(store, tmp_path, export)
    ingest(LANDING, LAKE)
    before = {name: store.cat_file(name) for name in store.find("/bucket/lake")}
    packed = next(one for one in store.find("/bucket/landing") if one.endswith(".gz"))
    store.pipe_file(packed, store.cat_file(packed)[:-5])
    with pytest.raises(IngestError) as error:
        ingest(LANDING, LAKE)
    name = packed.removeprefix("/bucket/landing/")
    assert str(error.value).startswith(f"{name}: expected compressed data, found data that are cut")
    assert {name: store.cat_file(name) for name in store.find("/bucket/lake")} == before


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nowhere://bucket", "nowhere://bucket: Protocol not known: nowhere"),
        ("s3://bucket/landing", "s3://bucket/landing: Install s3fs to access S3"),
    ],
)
def test_an_address_that_cannot_be_read_is_a_sentence(
    tmp_path: Path, address: str, said: str
) -> None:
    found = CliRunner().invoke(main, ["ingest", address, "--lake", str(tmp_path / "lake")])
    assert (found.exit_code, found.stderr.strip()) == (4, said)


def test_without_fsspec_a_folder_will_do_and_an_address_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    write_export(tmp_path / "landing", read_export(), lambda dataset: Form("json"))
    assert ingest(tmp_path / "landing", tmp_path / "lake")["campaigns"].read == 1
    with pytest.raises(IngestError, match="an address is read by fsspec: `python -m pip install"):
        ingest("s3://bucket/landing", tmp_path / "lake")
