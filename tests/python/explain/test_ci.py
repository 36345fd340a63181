"""What CI systems are told of a run: JUnit's XML, GitHub's summary and annotations, exit codes."""

import html
import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.builds import Build, Workspace
from helpers.processes import Project
from helpers.project import EXPORT, PROJECT, Export, copy_project

from warehouse.cli import main
from warehouse.explain.ci import tell_ci
from warehouse.explain.declared import line_of
from warehouse.explain.explanation import Case, Explanation, Failure, explain
from warehouse.seeds.json_text import lines_of_records
from warehouse.system.errors import ExitCode
from warehouse.system.words import value_text

ODD = "a|b <i>&amp;</i> *c* _d_ `e` [f](g) $h$ \\| \u00e9\u4e2d\U0001f600 %0A 1:2,3"
ODD += " \x01\x0b\ufffe\x7f\u2028 \n::error::"
MIB = 1024 * 1024


class Told:
    """What was told to CI of a run."""

    def __init__(self, folder: Path, summary: Path, output: str) -> None:
        self.root = ElementTree.parse(folder / "build/junit.xml").getroot()
        self.summary = summary.read_text(encoding="utf-8")
        self.annotations = re.findall(r"(?m)^::error (.*?)::(.*)$", output)

    @property
    def cases(self) -> dict[str, ElementTree.Element]:
        """The test cases, by name."""
        return {case.attrib["name"]: case for case in self.root}

    def ended(self, tag: str) -> set[str]:
        """Return the names of the test cases that hold an element."""
        return {name for name, case in self.cases.items() if case.find(tag) is not None}

    def table(self, heading: str) -> list[list[str]]:
        """Return the table below a heading: its header and its rows."""
        parts = re.split(r"(?m)^###+ (.*)$", self.summary)
        (below,) = [b for a, b in zip(parts[1::2], parts[2::2], strict=True) if shown(a) == heading]
        header, _, *rows = [line for line in below.split("\n") if line.startswith("|")]
        return [cells(header), *map(cells, rows)]


def cells(line: str) -> list[str]:
    """Return the cells of a row as GitHub shows them."""
    parts = re.split(r"(?<!\\)(?:\\\\)*\|", line)[1:-1]
    return [shown(part.strip()) for part in parts]


def shown(text: str) -> str:
    """Return text of Markdown as GitHub shows it."""
    return html.unescape(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text))


@pytest.fixture
def told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Told]:
    """Return a function that tells CI of a run, as GitHub starts it."""

    def tell(explanation: Explanation, folder: Path = tmp_path, summary: str = "") -> Told:
        file = tmp_path / "summary.md"
        file.write_text(summary, encoding="utf-8")
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
        monkeypatch.setenv("GITHUB_WORKSPACE", str(folder.parent))
        tell_ci(explanation, "How it ended.", folder)
        return Told(folder, file, capsys.readouterr().out)

    return tell


# ---- Of real builds --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def breached(workspace: Workspace) -> Build:
    """Build an export in which money has moved without approval, and a waiver of nothing."""
    records = exported()
    records["budget_actions"][0] |= {"approved_by_human": False}
    records["campaigns"][1]["name"] = ODD
    waiver = "5,RSK_0099,Ada Lovelace,2026-12-31,Misspelt\n"
    return workspace.build(records, waivers=waiver)


@pytest.fixture(scope="module")
def broken(workspace: Workspace) -> Build:
    """Build an export of which very many records are wrong, and a campaign has no experiment."""
    records = exported()
    (event, *_) = records["funnel_events"]
    records["funnel_events"] += [
        event | {"event_id": f"{ODD}{number}", "count": -1} for number in range(10_000)
    ]
    return workspace.build(records)


def exported() -> Export:
    return {file.stem: json.loads(file.read_text("utf-8")) for file in EXPORT.glob("*.json")}


def is_test(name: str, nodes: dict) -> bool:
    return name in {node["name"] for node in nodes.values() if node["resource_type"] == "test"}


def nodes_of(build: Build) -> dict:
    return json.loads((build.folder / "target/manifest.json").read_bytes())["nodes"]


# From jenkinsci/xunit-plugin, junit-10.xsd: which attributes and children each element may have.
SCHEMA = {
    "testsuite": ({"name", "tests", "failures", "errors", "skipped", "time"}, {"testcase"}),
    "testcase": ({"name", "classname", "time"}, {"skipped", "error", "failure", "system-out"}),
    "failure": ({"type", "message"}, set()),
    "error": ({"type", "message"}, set()),
    "skipped": ({"type", "message"}, set()),
    "system-out": (set(), set()),
}


@pytest.mark.parametrize("name", ["breached", "broken"])
def test_junit_has_a_case_for_each_test(
    told: Callable[..., Told], request: pytest.FixtureRequest, name: str
) -> None:
    build: Build = request.getfixturevalue(name)
    of = told(explain(build.folder), build.folder)
    nodes = nodes_of(build)
    tests = {one for one in build.statuses if is_test(one, nodes)}
    assert of.cases.keys() == tests
    assert len(of.root) == len(tests) > 300
    assert of.ended("failure") == build.named("fail")
    assert of.ended("error") == set()
    assert of.ended("skipped") == build.named("skipped") & tests
    assert of.ended("system-out") == build.named("warn")
    counts = {one: len(of.ended(one)) for one in ("failure", "error", "skipped")}
    assert [of.root.attrib[one] for one in ("tests", "failures", "errors", "skipped")] == [
        str(count) for count in (len(tests), *counts.values())
    ]
    for element in of.root.iter():
        attributes, children = SCHEMA[element.tag]
        assert element.attrib.keys() <= attributes
        assert {child.tag for child in element} <= children
    assert re.fullmatch(r"\d+\.\d+", of.root.attrib["time"])
    groups = {case.attrib["classname"] for case in of.root}
    assert {"stg_campaigns", "contract", "what_changed", "contract_waivers"} < groups


def test_what_fails_is_said_with_its_rows(told: Callable[..., Told], breached: Build) -> None:
    of = told(explain(breached.folder), breached.folder)
    case = of.cases["rule_4_money_moves_with_approval"]
    failure = case.find("failure")
    assert (case.attrib["classname"], failure.attrib["type"]) == ("contract", "governance")
    assert failure.attrib["message"].startswith("Contract rule 4: A budget action at or above ")
    assert "record_key=BUD_0001" in failure.text
    (warned,) = of.ended("system-out")
    assert "RSK_0099" in of.cases[warned].find("system-out").text


def test_very_many_failing_rows_are_counted_and_a_few_shown(
    told: Callable[..., Told], broken: Build
) -> None:
    explanation = explain(broken.folder)
    of = told(explanation, broken.folder)
    (name,) = broken.named("fail")
    text = of.cases[name].find("failure").text
    assert "rows    10,000, the first 10" in text
    header, *rows = of.table(f"{name}: event_count")
    assert "Rows: 10,000, the first 10" in of.summary
    ids = [row[header.index("event_id")] for row in rows]
    assert ids == [value_text(one) for one in sorted(f"{ODD}{n}" for n in range(10_000))[:10]]
    assert len(of.summary.encode()) < MIB
    ((place, message),) = of.annotations
    assert message.count("%0A") == 1 + 3
    assert ",title=stg_funnel_events" in place
    assert explanation.exit_code == ExitCode.BROKEN == 1


def test_the_summary_shows_what_the_marts_do(told: Callable[..., Told], breached: Build) -> None:
    explanation = explain(breached.folder)
    of = told(explanation, breached.folder)
    assert explanation.exit_code == ExitCode.BREACHED == 3
    assert of.summary.startswith("## Warehouse: governance is breached\n\nHow it ended.\n")
    rules = breached.rows(
        "select rule, rule_name, status, checked_rows, violating_rows, waived_rows"
        " from marts.contract_compliance order by rule"
    )
    header, *rows = of.table("Contract")
    assert header == ["rule", "name", "status", "checked", "violating", "waived"]
    assert rows == [list(map(str, row.values())) for row in rules]
    assert [row["status"] for row in rules].count("fail") == 1

    changes = breached.rows(
        "select comparison, change_type, what, campaign_name, before_text, after_text"
        " from marts.what_changed order by change_rank"
    )
    _, *rows = of.table("What changed")
    escaped = {"\x01": "\\x01", "\x0b": "\\x0b", "\ufffe": "\\ufffe", "\x7f": "\\x7f"}
    escaped |= {"\u2028": "\\u2028", "\n": "\\n"}
    expected = [
        ["".join(escaped.get(one, one) for one in value or "") for value in row.values()]
        for row in changes
    ]
    assert any(ODD[:20] in (row["campaign_name"] or "") for row in changes[:20])
    assert rows == expected[:20]
    assert len(changes) > 20
    assert f"And {len(changes) - 20} more, in `marts.what_changed`." in of.summary

    header, row = of.table("rule_4_money_moves_with_approval (governance)")
    (violation,) = breached.rows("select * from marts.contract_violations")
    shown_row = dict(zip(header, row, strict=True))
    assert shown_row["record_key"] == violation["record_key"] == "BUD_0001"
    assert shown_row["what_is_wrong"] == f'"{violation["what_is_wrong"]}"'


def test_a_broken_rule_is_counted_though_its_mart_is_skipped(
    workspace: Workspace, told: Callable[..., Told]
) -> None:
    records = exported()
    records["campaigns"].append(records["campaigns"][0] | {"campaign_id": "CAMP_lonely"})
    build = workspace.build(records)
    assert build.statuses["contract_compliance"] == "skipped"
    _, *rows = told(explain(build.folder), build.folder).table("Contract")
    assert [row[2:] for row in rows] == [["", "", "1", "0"], *[["", "", "0", "0"]] * 4]


def test_a_green_run_is_summed_up_without_annotations(
    told: Callable[..., Told], sample: Build
) -> None:
    of = told(explain(sample.folder), sample.folder)
    assert of.annotations == []
    assert of.summary.startswith("## Warehouse: green\n")
    assert "What failed" not in of.summary
    assert len(of.table("Contract")) == 6
    assert len(of.root) == int(of.root.attrib["tests"]) > 400  # unit tests too
    assert all(len(case) == 0 for case in of.root)


# ---- Where it is declared --------------------------------------------------------------------


def test_the_line_of_each_test_is_that_of_its_declaration(sample: Build) -> None:
    manifest = json.loads((sample.folder / "target/manifest.json").read_bytes())
    nodes = [one for one in manifest["nodes"].values() if one["resource_type"] == "test"]
    nodes += manifest["unit_tests"].values()
    seen = set()
    for node in nodes:
        file = PROJECT / node["original_file_path"]
        line = line_of(file, node)
        metadata = node.get("test_metadata")
        if file.suffix == ".sql":
            assert line == 1
            continue
        lines = file.read_text(encoding="utf-8").splitlines()
        text = lines[line - 1]
        kind = (metadata or {}).get("name", "")
        assert node["name"] in text or re.search(rf"\b{kind}\b", text), (node["name"], line, text)
        if metadata:
            above = "\n".join(lines[:line])
            model = node["attached_node"].split(".")[-1]
            assert re.findall(r"(?m)^  - name: (\w+)", above)[-1] == model
            column = metadata["kwargs"].get("column_name")
            if column:
                declared = re.findall(r"(?m)^      - \{?name: (\w+)", above)[-1]
                assert declared == column, (node["name"], line)
            assert (file, line, kind, node["name"] in text) not in seen or not column
            seen.add((file, line, kind, node["name"] in text))
    assert len(seen) > 300


@pytest.mark.parametrize("text", ["models: [", "models: 1", "", "models: [{name: other}]"])
def test_a_declaration_that_is_not_found_is_the_first_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "models.yml"
    file.write_text(text, encoding="utf-8")
    metadata = {"name": "unique", "kwargs": {"column_name": "b"}}
    assert line_of(file, {"name": "t", "attached_node": "model.a", "test_metadata": metadata}) == 1


RECORD = '{"a": [1, {"b": "]}\\n,[{"}], "c": 1%s}' % ("0" * 5000)


@pytest.mark.parametrize("between", [",", ",\n", "\n,\r\n\n", " ,\t"])
@pytest.mark.parametrize("record", [RECORD, RECORD.replace(", ", ",\n\n"), "[\n1\n]", "null"])
@pytest.mark.parametrize("start", ["[", "\ufeff\n\n[\n"])
def test_records_are_found_in_json(start: str, record: str, between: str) -> None:
    expected, text = [], start
    for number in range(3):
        text += between if number else ""
        expected.append(text.count("\n") + 1)
        text += record
    assert lines_of_records((text + "\n]\n").encode()) == expected
    assert lines_of_records((start + "]").encode()) == []


# ---- Odd values, and many --------------------------------------------------------------------


def failing(*failures: Failure, status: str = "fail") -> Explanation:
    case = Case(ODD, ODD, status, failures=list(failures))
    return Explanation("The last dbt run: 1 failed.", [case], ExitCode.BROKEN)


def test_odd_values_are_shown_as_they_are(told: Callable[..., Told]) -> None:
    row = {ODD: ODD, "null": None, "text": "null", "number": 1.5}
    failure = Failure("odd", guards=ODD, count=1, rows=[row], form=ODD, path="a,b:c%.sql")
    of = told(failing(failure))
    header, values = of.table("odd")
    assert header[1:] == ["null", "text", "number"]
    assert values == [value_text(value) for value in row.values()]
    (case,) = of.root
    assert "\\x01\\x0b\\ufffe" in case.attrib["name"]
    assert "<i>&amp;</i>" in case.attrib["name"]
    ((place, message),) = of.annotations
    assert place.partition("/")[2] == "a%2Cb%3Ac%25.sql,line=1,title=odd"
    assert "%250A 1:2,3" in message
    assert message.count("%0A") == 1 + 1 + 2  # of the text, of a column's name, between lines


@pytest.mark.parametrize("status", ["fail", "error", "runtime error", "partial success"])
def test_what_broke_is_a_failure_or_an_error(told: Callable[..., Told], status: str) -> None:
    message = f"Binder Error:\n\n  </pre> {ODD}"
    of = told(failing(Failure("model a", message=message), status=status))
    element = of.root[0][0]
    assert element.tag == ("failure" if status == "fail" else "error")
    assert "Binder Error" in element.attrib["message"]
    assert of.summary.count("</pre>") == 1
    assert of.annotations[0][0] == "title=model a"


def test_a_summary_that_grows_too_large_is_cut(told: Callable[..., Told]) -> None:
    rows = [{f"column_{n}": "|" * 80 for n in range(40)}] * 10
    many = [Failure(f"test_{n}", count=10, rows=rows, guards="g") for n in range(99)]
    for before in ("", "x" * 500_000):
        of = told(failing(*many), summary=before)
        assert MIB - 200_000 < len(of.summary.encode()) <= MIB
        assert "There is more: `warehouse explain` shows all." in of.summary
        assert len(of.annotations) == 10
    full = "x" * (MIB - 100)
    assert told(failing(*many), summary=full).summary == full
    few = told(failing(*many[:3]))
    assert few.summary.count("#### ") == 3
    assert "There is more" not in few.summary


def test_elsewhere_only_junit_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    tell_ci(failing(Failure("a", message="b")), project=tmp_path)
    assert [file.name for file in tmp_path.rglob("*")] == ["build", "junit.xml"]
    assert capsys.readouterr().out == ""
    (tmp_path / "build/junit.xml").unlink()
    (tmp_path / "build").rmdir()
    (tmp_path / "build").write_text("in the way")
    tell_ci(failing(Failure("a", message="b")), project=tmp_path)
    assert "junit.xml can't be written: File exists." in capsys.readouterr().err


# ---- What keeps a build from running ---------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(copy_project(tmp_path / "project"))


def run(project: Project, *arguments: str, **env: str) -> tuple[int, Told]:
    """Build as GitHub would; nothing gets as far as dbt."""
    summary = project.folder / "summary.md"
    github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    env = github | {"GITHUB_WORKSPACE": str(project.folder)} | env
    code, output = project.run("build", *arguments, env=env)
    assert "Traceback" not in output
    return code, Told(project.folder, summary, output)


def test_json_that_is_wrong_is_annotated_where_it_stands(project: Project) -> None:
    records = exported()
    records["campaigns"][2]["budget"] = "much|"
    text = json.dumps(records["campaigns"], indent=2)
    (project.folder / "seeds/json/campaigns.json").write_text(text, encoding="utf-8")
    (project.folder / "seeds/json/channels.json").write_text("[\n{\n", encoding="utf-8")
    (project.folder / "seeds/json/experiments.json").unlink()
    code, of = run(project)
    assert code == 1
    start = text.index("{", text.index(records["campaigns"][1]["campaign_id"]))
    line = text.count("\n", 0, start) + 1
    file = "file=seeds/json/"
    assert sorted(of.annotations) == [
        (
            f"{file}campaigns.json,line={line},title=seeds/json/campaigns.json",
            'campaigns: record 3 (CAMP_003): budget: expected a number, found the string "much|"',
        ),
        (
            f"{file}channels.json,line=3,title=seeds/json/channels.json",
            "channels: malformed JSON at line 3, column 1: Expecting property name enclosed in"
            " double quotes; the file seems to be cut off",
        ),
        (
            f"{file}experiments.json,line=1,title=seeds/json/experiments.json",
            "experiments: experiments.json is missing from seeds/json",
        ),
    ]
    assert of.ended("failure") == {"campaigns.json", "channels.json", "experiments.json"}
    assert of.summary.startswith("## Warehouse: broken\n")


def test_what_cannot_run_says_nothing_of_the_export(project: Project) -> None:
    code, of = run(project, DBT="no-such-dbt")
    assert code == 4
    assert of.ended("error") == {"build"}
    assert of.summary.startswith("## Warehouse: could not run\n")
    ((place, message),) = of.annotations
    assert place == "title=the build"
    assert message.startswith("DBT is 'no-such-dbt', which is no program.")


def test_files_that_are_wrong_break_and_a_folder_that_is_not_there_does_not(
    project: Project,
) -> None:
    landing = project.folder / "landing"
    assert run(project, "--from", "landing")[0] == 4
    landing.mkdir()
    for file in EXPORT.glob("*.json"):
        (landing / file.name).write_bytes(file.read_bytes())
    (landing / "campaigns.json").write_text("[{}]", encoding="utf-8")
    code, of = run(project, "--from", "landing")
    assert code == 1
    assert of.ended("failure") == {"build"}
    assert "campaigns.json: record 1" in of.root[0][0].text


def test_an_error_of_ours_is_not_taken_for_a_broken_export(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def crash(*_: object) -> None:
        raise LookupError("ours")

    monkeypatch.setattr("warehouse.seeds.conversion.convert", crash)
    done = CliRunner().invoke(main, ["seeds", "--check"])
    assert done.exit_code == 4
    assert "LookupError: ours" in done.stderr
