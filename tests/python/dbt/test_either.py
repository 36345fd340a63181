"""Around either dbt all is the same: refusals, explanations, interruptions."""

import os
import re
import signal
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from helpers.messy import messy_export
from helpers.processes import Project, end
from helpers.project import DBT2, DBT_CORE, copy_project, read_export

EITHER = [
    pytest.param(DBT_CORE, id="dbt-core", marks=pytest.mark.long),
    *([pytest.param(DBT2, id="dbt 2")] if DBT2.exists() else []),
]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(copy_project(tmp_path / "project"))


def publication(project: Project) -> str:
    """Return what is said when a build is published."""
    return project.run("publish")[1]


@pytest.mark.parametrize("dbt", EITHER)
def test_plain_dbt_refuses_seeds_of_another_export(project: Project, dbt: Path) -> None:
    """By their content: without JSON the seeds are all there is."""
    seeds, exports = project.folder / "seeds/orchestrator", project.folder / "seeds/json"

    def seed() -> str:
        code, output = project.run(dbt, "seed", "--select", "raw_channels")
        return output if code else ""

    assert seed() == ""
    for file in exports.iterdir():
        file.touch()
    assert seed() == "", "times say nothing"

    channels = read_export()["channels"]
    channels[0]["platform"] = "another"
    project.give({"channels": channels})
    said = seed()
    assert "The seeds aren't what seeds/json gives: channels.json changed" in said
    assert "Run `warehouse seeds`, and build again." in said
    before = (seeds / "SHA256SUMS").read_bytes()
    assert project.run("seeds")[0] == 0
    assert seed() == ""

    (seeds / "SHA256SUMS").write_bytes(before)  # as a conversion that was killed leaves it
    assert "channels.json, raw_channels.csv changed" in seed()
    assert project.run("seeds")[0] == 0
    (seeds / "raw_campaigns.csv").write_text("edited")
    assert "raw_campaigns.csv changed" in seed()
    (seeds / "SHA256SUMS").unlink()
    assert "SHA256SUMS changed" in seed()
    assert project.run("seeds")[0] == 0
    (exports / "attribution_hints.json").unlink()
    assert "attribution_hints.json changed" in seed()
    for file in exports.iterdir():
        file.unlink()
    assert seed() == ""


@pytest.mark.parametrize("dbt", EITHER)
def test_a_part_of_the_data_is_not_published(project: Project, dbt: Path) -> None:
    part = ("build", "--select", "raw_channels")
    assert project.run(dbt, *part, "--empty")[0] == 0
    assert "The last build ran with --empty, on part of the data." in publication(project)
    assert project.run(dbt, *part)[0] == 0
    assert "The last build was partial: it left out " in publication(project)
    assert project.run(dbt, "compile", "--select", "raw_channels")[0] == 0
    assert "The last dbt run was `dbt compile`." in publication(project)


@pytest.mark.parametrize("dbt", EITHER)
def test_an_interruption_is_no_traceback(project: Project, dbt: Path) -> None:
    process = project.start("build", env={"DBT": str(dbt)})
    lock = project.folder / ".build.lock"
    try:
        while "with dbt" not in (lock.read_text() if lock.exists() else ""):
            time.sleep(0.01)
        time.sleep(1)
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    finally:
        end(process)
    assert process.returncode == 130
    assert output.endswith("Interrupted.\n")
    assert "Traceback" not in output
    assert project.version is None


EXIT_CODES = {"structure": 1, "a seed": 1, "governance": 3, "a setting": 4}


@pytest.mark.parametrize("dbt", EITHER)
@pytest.mark.parametrize("what", EXIT_CODES)
def test_an_exit_code_says_what_is_red(project: Project, dbt: Path, what: str) -> None:
    """Of the build, and after it of its explanation and its publication."""
    export, code = read_export(), EXIT_CODES[what]
    env, arguments = {"DBT": str(dbt)}, []
    if what == "structure":
        export["campaigns"].append(export["campaigns"][0] | {"campaign_id": "CAMP_lonely"})
    if what == "governance":
        export["budget_actions"][0]["approved_by_human"] = False
    if what == "a seed":  # of which dbt 2 leaves no result
        seed = project.folder / "seeds/reference/kpi_definitions.csv"
        seed.write_text(seed.read_text(encoding="utf-8") + "a,b,c,d,e,f,g,h,i,j,k\n", "utf-8")
    if what == "a setting":
        arguments = ["--vars", "{as_of: yesterday}"]
    project.give(export)
    assert project.run("build", *arguments, env=env)[0] == code
    assert (project.version is not None) == (code == 3)
    report = ElementTree.parse(project.folder / "build/junit.xml").getroot()
    assert len(report.findall("*/failure") + report.findall("*/error")) == 1
    assert project.run("publish")[0] == code
    assert project.run("explain")[0] == code


OF_EACH = re.compile(
    r"^(dbt build: |Took |    sql     |    (Runtime|Database) Error in | +LINE \d+:| +\^).*\n"
    r"|\d+ (passed|skipped)",  # one skips tests that the other runs
    re.MULTILINE,
)


@pytest.mark.long
@pytest.mark.skipif(not DBT2.exists(), reason="dbt 2 can't be had here: make dbt2")
def test_a_red_build_is_explained_in_the_same_words(tmp_path: Path) -> None:
    """Tests that failed and warned, a node that broke, a governance breach; all that is printed."""
    export = messy_export(10)
    export["budget_actions"][0]["to_channel_id"] = "CH_none"
    said = []
    for dbt in (DBT_CORE, DBT2):
        project = Project(copy_project(tmp_path / dbt.name))
        project.give(export)
        mart = project.folder / "models/marts/core/dim_segments.sql"
        broken = mart.read_text(encoding="utf-8").replace("segment_id", "no_such_column", 1)
        mart.write_text(broken, encoding="utf-8")
        code, output = project.run("build", env={"DBT": str(dbt)})
        assert code == 1
        paths = re.findall(r"(?m)^    sql     (.*)", output)
        assert paths
        assert [path for path in paths if not (project.folder / path).is_file()] == []
        said.append(re.sub(OF_EACH, "", output))
    assert said[0] == said[1]
    assert "guards" in said[0]
    assert "FAILED  model dim_segments" in said[0]
    assert said[0].count("FAILED  ") == 2
