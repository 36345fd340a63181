"""An export of some size gives the same marts from files as from seeds, at once or day by day."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.builds import Build, Workspace
from helpers.bulk import assert_same_marts, assert_whole
from helpers.days import JUDGED
from helpers.project import PROJECT

SIZE = ("--events", "100_000", "--days", "60", "--campaigns", "20", "--anomaly-rate", "0.02")
LAST_DAYS = ("day=2025-02-24", "day=2025-02-25", "day=2025-03-01")
"""Three of the newest days; the last of them is the last one."""


def generate(folder: Path, *arguments: str) -> Path:
    """Write an export; return its folder."""
    command = [sys.executable, PROJECT / "benchmarks/generate.py", folder, *SIZE, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def of_seeds(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Build the export from seeds."""
    folder = generate(tmp_path_factory.mktemp("json"), "--format", "json", "--flat")
    export = {
        file.stem: json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("*.json")
    }
    return workspace.build(export)


@pytest.mark.long
@pytest.mark.parametrize("arguments", [(), ("--format", "ndjson", "--compress", "zst")])
def test_files_give_the_marts_of_seeds_at_once_and_day_by_day(
    workspace: Workspace, tmp_path: Path, of_seeds: Build, arguments: tuple[str, ...]
) -> None:
    """Some of the latest days are left out of the first build, and follow in the second."""
    landing = generate(tmp_path / "landing", *arguments)
    folders = [
        landing / dataset / day
        for dataset in ("funnel_events", "performance_metrics")
        for day in LAST_DAYS
    ]
    for number, folder in enumerate(folders):
        folder.rename(tmp_path / str(number))  # as old as they were
    part = workspace.build(files=landing, arguments=JUDGED)
    assert_whole(part)
    for number, folder in enumerate(folders):
        (tmp_path / str(number)).rename(folder)
    (workspace.folder / "history.duckdb").unlink(missing_ok=True)  # which has seen but one export
    grown = workspace.build(files=landing, fresh=False)
    assert_whole(grown)
    for status in ("fail", "warn"):
        assert grown.named(status) == of_seeds.named(status)
    assert_same_marts(grown, of_seeds)
    counts = "select count(*) as n from marts.fct_funnel_daily"
    assert part.rows(counts)[0]["n"] < grown.rows(counts)[0]["n"]
    shutil.rmtree(landing)
