"""Every analysis compiles and runs on the sample's marts, and has something to say."""

import pytest
from helpers.builds import Build, Workspace
from helpers.project import PROJECT

ANALYSES = sorted(file.stem for file in (PROJECT / "analyses").glob("*.sql"))


@pytest.fixture(scope="module")
def compiled(workspace: Workspace, sample: Build) -> dict[str, str]:
    """Return the SQL of every analysis."""
    return workspace.compiled("path:analyses")


def test_there_are_twelve() -> None:
    assert len(ANALYSES) == 12


@pytest.mark.parametrize("analysis", ANALYSES)
def test_an_analysis_answers(compiled: dict[str, str], sample: Build, analysis: str) -> None:
    assert sample.rows(compiled[analysis])
