"""Whatever can be wrong with an export is caught in files too, beside days that were accepted.

The corruptions and what must be said of each are those of test_corruptions.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import corruptions as c
import publish
import pytest
from bulk import Form, write_export
from conftest import Build, Export, Workspace
from test_corruptions import (
    Spoiled,
    assert_nothing_else_is_accused,
    spoiled_build,
    survivors_of,
)

FORMS = {
    "funnel_events": Form("ndjson.zst", "day"),
    "performance_metrics": Form("parquet", "day"),
    "budget_actions": Form("parquet", types="text"),
    "campaign_risk_signals": Form("json.gz"),
}


class OfFiles:
    """A workspace that writes an export as files, and builds them on what was built before."""

    def __init__(
        self, workspace: Workspace, folder: Path, forms: dict[str, Form] | None = None
    ) -> None:
        self.workspace, self.folder, self.forms = workspace, folder, forms or {}

    def build(self, export: Export, **arguments: Any) -> Build:
        """Build an export from files, those that were there removed."""
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        write_export(self.folder, export, lambda dataset: self.forms.get(dataset, Form()))
        (self.workspace.folder / "history.duckdb").unlink(missing_ok=True)
        return self.workspace.build(files=self.folder, **arguments)


@pytest.fixture(scope="module")
def of_files(
    workspace: Workspace, tmp_path_factory: pytest.TempPathFactory, export: Callable[[], Export]
) -> OfFiles:
    """Return a workspace in which the demo's export has been built and accepted."""
    of_files = OfFiles(workspace, tmp_path_factory.mktemp("landing"), FORMS)
    assert of_files.build(export()).named("fail", "error", "skipped") == set()
    return of_files


@pytest.mark.long
def test_every_corruption_is_caught_in_new_days(
    of_files: OfFiles, export: Callable[[], Export]
) -> None:
    corruptions = c.of_every_field()
    spoiled = spoiled_build(of_files, export(), corruptions, fresh=False)
    survivors = survivors_of(spoiled)
    assert not survivors, "\n".join([f"{len(survivors)} of {len(corruptions)}:", *survivors])
    assert_nothing_else_is_accused(spoiled)
    assert_is_not_published(spoiled)


@pytest.mark.parametrize("kind", ["structural", pytest.param("governance", marks=pytest.mark.long)])
def test_every_breach_of_a_rule_is_caught(
    of_files: OfFiles, export: Callable[[], Export], kind: str
) -> None:
    breaches = {"structural": c.STRUCTURAL, "governance": c.GOVERNANCE}[kind]
    others = c.WITHIN_THE_RULES if kind == "governance" else []
    spoiled = spoiled_build(of_files, export(), breaches, others, fresh=False)
    assert survivors_of(spoiled) == []
    assert_nothing_else_is_accused(spoiled)
    if kind == "structural":
        assert_is_not_published(spoiled)


def assert_is_not_published(spoiled: Spoiled) -> None:
    """See that publishing refuses what breaks a structural rule."""
    with pytest.raises(publish.PublishError):
        publish.publish(spoiled.build.folder)
