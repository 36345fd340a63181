"""The lineage of columns that `make docs` writes, as people open it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.browser import opened
from helpers.builds import Workspace
from helpers.project import PROJECT, read_export
from playwright.sync_api import Browser

FLOWS = "model.marketing_orchestrator.channel_budget_flows"


@pytest.fixture(scope="module")
def lineage(core: Workspace) -> Path:
    """Return the folder that `make docs` writes the lineage to, of the demo's build."""
    core.build(read_export(), arguments=("--exclude-resource-type", "test", "unit_test"))
    said = subprocess.run(["make", "-n", "docs"], cwd=PROJECT, capture_output=True, text=True)
    (command,) = [line for line in said.stdout.splitlines() if "colibri" in line]
    core.dbt("docs", "generate")
    command = command.replace(".venv/bin", str(Path(sys.executable).parent))
    done = subprocess.run(command, shell=True, cwd=core.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return core.folder / "target/lineage"


def test_every_mart_comes_from_somewhere(lineage: Path, core: Workspace) -> None:
    """A mart may have columns that are counts or texts of its own, but not only those."""
    assert not (lineage / "colibri-parsing-errors.json").exists()
    edges = json.loads((lineage / "colibri-manifest.json").read_bytes())["lineage"]["edges"]
    marts = {
        node_id
        for node_id, node in core.manifest["nodes"].items()
        if node["resource_type"] == "model" and node["schema"] == "marts"
    }
    assert marts <= {edge["target"] for edge in edges if edge["targetColumn"]}
    sources = {
        (edge["source"].split(".")[-1], edge["sourceColumn"])
        for edge in edges
        if edge["target"] == FLOWS and edge["targetColumn"] == "net_moved"
    }
    assert sources == {("budget_action_audit", "amount")}


def test_it_shows_which_columns_a_column_comes_from(browser: Browser, lineage: Path) -> None:
    file = lineage / "index.html"
    with opened(browser, file, f"?model={FLOWS}&parents=1&children=0", is_talkative=True) as page:
        page.locator(f'[data-id="{FLOWS}"]').get_by_text("net_moved", exact=True).wait_for()
        parent = FLOWS.replace("channel_budget_flows", "budget_action_audit")
        page.locator(f'[data-id="{parent}"]').wait_for()
