"""Every corruption of an export is caught in files too, next to accepted days.

The corruptions and their messages are those of test_corruptions.
"""

from collections.abc import Callable

import pytest
from helpers import corruptions as c
from helpers.builds import Workspace
from helpers.bulk import Form
from helpers.project import Export
from helpers.spoiled import Spoiled, assert_nothing_else_is_accused, spoiled_build, survivors_of
from helpers.spoiled_files import OfFiles

from warehouse import publish

FORMS = {
    "funnel_events": Form("ndjson.zst", "day"),
    "performance_metrics": Form("parquet", "day"),
    "budget_actions": Form("parquet", types="exact"),
    "campaign_risk_signals": Form("json.gz"),
}


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
    # A null where none may be gets into no lake: see test_what_is_missing_is_said.
    corruptions = [one for one in c.of_every_field() if not one.is_null]
    spoiled = spoiled_build(of_files, export(), corruptions, fresh=False)
    survivors = survivors_of(spoiled)
    assert not survivors, "\n".join([f"{len(survivors)} of {len(corruptions)}:", *survivors])
    assert_nothing_else_is_accused(spoiled)
    assert_is_not_published(spoiled)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["structural", "governance"])
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
    """Check that a build that breaks a structural rule is not published."""
    with pytest.raises(publish.PublishError):
        publish.publish(spoiled.build.folder)
