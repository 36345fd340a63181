"""The choice of dbt, and the reading of each dbt's events."""

import io
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from warehouse.dbt import run as run_module
from warehouse.dbt.messages import clean
from warehouse.dbt.run import (
    DbtError,
    DbtRun,
    dbt_program,
    events,
    follow,
    results_of,
    run_dbt,
)
from warehouse.system.progress import Progress


def program(folder: Path, output: str, name: str = "dbt") -> Path:
    """Write a program that answers --version."""
    file = folder / name
    file.write_text(f"#!/bin/sh\ncat <<'END'\n{output}\nEND\n", encoding="utf-8")
    file.chmod(0o755)
    return file


CORE = "Core:\n  - installed: 1.11.16\n  - latest:    1.12.0 - Update available!\n"


@pytest.mark.parametrize("said", [CORE, "dbt-core 2.0.0-alpha.4", "dbt-fusion 2.1.3", "dbt 2.0.0"])
def test_a_dbt_that_builds_this_project_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    file = program(tmp_path, said)
    monkeypatch.setenv("DBT", str(file))
    assert dbt_program() == str(file)
    monkeypatch.setenv("DBT", "dbt")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert dbt_program() == str(file)


@pytest.mark.parametrize(
    "said",
    [
        CORE.replace("1.11", "1.10") + "Plugins:\n  - duckdb: 1.11.1",
        "dbt Cloud CLI - 0.38.22 (2.1)",
        "dbt-core 3.0.0",
        "",
    ],
)
def test_another_dbt_is_named_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    file = program(tmp_path, said)
    monkeypatch.setenv("DBT", str(file))
    with pytest.raises(DbtError) as refusal:
        dbt_program()
    assert str(refusal.value).startswith(f"{file} can't build this project: it is ")
    assert "DBT names dbt 2 (`pip install dbt`) or dbt-core 1.11" in str(refusal.value)


def test_a_dbt_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBT", "no-such-dbt")
    with pytest.raises(DbtError, match="DBT is 'no-such-dbt', which is no program"):
        dbt_program()


def test_without_a_choice_the_one_beside_this_python_is_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DBT", "")
    assert Path(dbt_program()).parent == Path(sys.executable).parent


TALKATIVE = """#!/bin/sh
[ "$1" = --version ] && echo dbt 2.0.0 && exit
sleep 1  # until it is read
kill -INT $PPID
head -c 1000000 /dev/zero | tr '\\0' '\\n'
touch {ended}
"""


def test_what_dbt_says_after_an_interruption_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says more than a pipe holds, and ends before we do."""
    file, ended = tmp_path / "dbt", tmp_path / "ended"
    file.write_text(TALKATIVE.format(ended=ended), encoding="utf-8")
    file.chmod(0o755)
    monkeypatch.setenv("DBT", str(file))
    # Whoever runs the suite in the background ignores the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with (tmp_path / "lock").open("wb") as lock, pytest.raises(KeyboardInterrupt):
            run_dbt([], lock.fileno())
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.exists()


# ---- Events: as each dbt logs them, shortened -------------------------------------------------

RUN = "0f1e"


def event(name: str, level: str, message: str = "", **data: object) -> str:
    info = {"name": name, "level": level, "msg": message, "invocation_id": RUN}
    return json.dumps({"info": info, "data": data})


def node(name: str, status: str | None = None) -> dict[str, str]:
    return {"unique_id": name, "node_name": name} | ({"node_status": status} if status else {})


HOOK = "operation.p.on-run-start-0"
OF_CORE = [
    event("MainReportVersion", "info", "Running with dbt=1.11.16"),
    event("JinjaLogInfo", "info", "Of 3 nodes.", msg="Of 3 nodes.", node_info=node(HOOK)),
    event("LogHookEndLine", "info", "OK hook", node_info=node(HOOK, "success"), index=1, total=1),
    event("LogStartLine", "info", "START", node_info=node("model.a", "started"), index=1, total=3),
    event("LogModelResult", "info", "OK", node_info=node("model.a", "success"), index=1, total=3),
    event("LogTestResult", "error", "FAIL", node_info=node("test.b", "fail"), index=2, total=3),
    event(
        "SkippingDetails", "info", "SKIP", node_info=node("model.c", "skipped"), index=3, total=3
    ),
    event("RunResultError", "error", "Got 1 result", node_info=node("test.b", "fail")),
]
OF_2 = [
    event("MainReportVersion", "info", "Running with dbt-core=2.0.0-alpha.4"),
    event("Generic", "warn", "[warning] [SemanticModelDeprecated (dbt1157)]: The package ..."),
    event("JinjaLogInfo", "info", "Of 3 nodes.", msg="Of 3 nodes.", node_info=node(HOOK)),
    event("LogHookEndLine", "info", "OK hook", node_info=node(HOOK, "success"), index=0),
    event("NodeStart", "debug", "Began", node_info=node("model.a", "started")),
    event("NodeExecuting", "debug", "Started", node_info=node("model.a", "executing")),
    event("LogModelResult", "info", "Succeeded", node_info=node("model.a", "success")),
    event("NodeFinished", "debug", "Finished", node_info=node("model.a", "success")),
    event("Generic", "error", "[error] [X (dbt1308)]: Database Error", node_info=node("test.b")),
    event("LogTestResult", "info", "Failed", node_info=node("test.b", "fail")),
    event("LogModelResult", "info", "Skipped", node_info=node("model.c", "skipped")),
    event("NodeFinished", "debug", "Finished", node_info=node("model.c", "skipped")),
]


class Output:
    """What a process writes."""

    def __init__(self, lines: list[str]) -> None:
        self.stdout = io.StringIO("".join(f"{line}\n" for line in lines))


def followed(lines: list[str]) -> tuple[DbtRun, Progress]:
    run, progress, ended = DbtRun(), Progress("dbt build"), set()
    for one in events(Output(lines), run):
        follow(one, run, ended, progress)
    return run, progress


@pytest.mark.parametrize("lines", [OF_CORE, OF_2], ids=["dbt-core", "dbt 2"])
def test_what_has_ended_is_counted_once(lines: list[str]) -> None:
    run, progress = followed([*lines, "no event"])
    assert (progress.n, progress.total, progress.failed) == (3, 3, 1)
    assert run.broken == {"test.b"}
    assert (run.run_id, run.errors, run.warnings, run.other_lines) == (RUN, [], [], ["no event"])


def test_a_node_without_a_result_is_not_the_end_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a seed that is not CSV, dbt 2 names no node, and has no result."""
    seed = event("LogSeedResult", "info", "Failed", node_info=node("seed.a", "error"))
    said = event("Generic", "error", "[error]: Arrow error: Csv error: expected 5 got 6")
    results = {"metadata": {"invocation_id": RUN}, "results": []}
    monkeypatch.setattr(run_module, "read_artifacts", lambda project: (results, {}))
    run, _ = followed([seed, said])
    assert run.errors == ["Arrow error: Csv error: expected 5 got 6"]
    assert results_of(run) == []
    assert results_of(followed([said])[0]) is None


REFUSAL = "The var as_of is 'x'. It is a date (2026-03-16)."
PLACES = "\n(in macros/policy.sql:94:30)\n  --> macros/policy.sql:94:30\n   0: <unknown>\n"
PLACES += "  12: start_thread\n             at ./nptl/pthread_create.c:442:8\n"
FROM = "invalid operation: Compilation Error for model.p.a from models/a.sql: "
RENDERED = f"Failed to render SQL {FROM}"
EXECUTED = (
    f"Error executing materialization macro 'p.view' for model model.p.a: Failed to eval {FROM}"
)


@pytest.mark.parametrize(
    "line",
    [
        event(
            "MainEncounteredError",
            "error",
            exc=f"Compilation Error in model.p.a\n  {REFUSAL}\n  \n  > in macro as_of (m/a.sql)",
        ),
        event("Generic", "error", f"[error] [JinjaError (dbt1501)]: {RENDERED}{REFUSAL}{PLACES}"),
        event("Generic", "error", f"[error] [JinjaError (dbt1501)]: {EXECUTED}{REFUSAL}{PLACES}"),
    ],
    ids=["dbt-core", "dbt 2", "a macro of dbt 2"],
)
def test_what_keeps_a_run_from_starting_is_its_error(line: str) -> None:
    (said,) = followed([line])[0].errors
    first, *others = said.splitlines()
    assert first == "Compilation Error in model.p.a"
    assert [one.strip() for one in others] == [REFUSAL]


def test_a_warning_that_is_about_no_node_is_kept() -> None:
    run, _ = followed([event("Generic", "warn", "[warning] [Odd (dbt1000)]: A column is odd.")])
    assert run.warnings == ["A column is odd."]


def test_the_words_of_a_database_are_kept() -> None:
    message = 'Database Error in model a (models/a.sql)\n  Binder Error: no "b"\n  LINE 3: select b'
    assert clean(f"{message}\n  (in run/p/models/a.sql:1:11)") == message
