"""Long work shows its progress: in lines, and in place on a terminal."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from warehouse.system import progress
from warehouse.system.progress import Progress


def work(steps: int, failing: int = 0) -> None:
    """Do some work that shows its progress."""
    shown = Progress("work")
    shown.start()
    for step in range(steps):
        shown.show(steps, has_ended=False)
        shown.show(steps, has_failed=step < failing)
    shown.close()


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.partition(" in ")[0] for line in capsys.readouterr().out.splitlines()]


def test_lines_tell_the_beginning_and_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    work(1200)
    assert lines(capsys) == ["work: starting", "work: 1200 of 1200"]


def test_lines_come_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0)
    work(3, failing=2)
    assert lines(capsys) == [
        "work: starting",
        "work: 1 of 3, 1 failed",
        "work: 2 of 3, 2 failed",
        "work: 3 of 3, 2 failed",
        "work: 3 of 3, 2 failed",
    ]


def test_what_the_environment_says_to_others_is_not_heard() -> None:
    """In a separate process, since tqdm reads TQDM_... when it is imported."""
    said = {"DISABLE": "1", "INITIAL": "5", "POSTFIX": "x", "UNIT_SCALE": "1"}
    environment = os.environ | {f"TQDM_{name}": value for name, value in said.items()}
    command = [sys.executable, "-c", "from test_progress import work; work(2)"]
    shown = subprocess.check_output(
        command, cwd=Path(__file__).parent, env=environment, text=True
    ).splitlines()
    assert shown[0] == "work: starting"
    assert shown[1].startswith("work: 2 of 2 in ")


def test_work_that_is_broken_off_leaves_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Progress("work")
    shown.start()
    shown.show(2)
    del shown
    assert lines(capsys) == ["work: starting"]


def test_work_without_a_step_or_a_beginning_leaves_no_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Progress("work").close()
    work(0)
    assert lines(capsys) == ["work: starting"]


@pytest.mark.parametrize(("steps", "done"), [(3, "3 of 3, 1 failed in 0."), (0, "starting")])
def test_on_a_terminal_one_line_stays(steps: int, done: str) -> None:
    ours, terminal = pty.openpty()
    code = f"from test_progress import work; work({steps}, failing=1)"
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent, stdout=terminal)
    os.close(terminal)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    texts = [text for text in shown.split("\r") if text.strip()]
    assert texts[0].strip() == "work: starting"
    assert texts[-1].startswith(f"work: {done}")
    assert shown.count("\n") == 1
