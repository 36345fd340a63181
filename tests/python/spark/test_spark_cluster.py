"""Problems with a cluster are reported before anything is started or stopped."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.project import PROJECT


def told(folder: Path, command: str, **environment: str) -> str:
    """Return the message of a refused command."""
    done = subprocess.run(
        [sys.executable, PROJECT / "tools/spark_cluster.py", command],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("port", ["ten", "-1", "10000.5"])
def test_a_port_that_is_none_is_said(tmp_path: Path, port: str) -> None:
    assert f"DBT_SPARK_PORT is '{port}'. It is a port" in told(tmp_path, "up", DBT_SPARK_PORT=port)


@pytest.mark.parametrize("command", ["up", "down"])
@pytest.mark.parametrize("text", ['[{"name": "mas', "[1]", '[{"unheard": "of"}]'])
def test_a_state_file_that_is_cut_off_is_said(tmp_path: Path, command: str, text: str) -> None:
    state = tmp_path / ".spark/cluster.json"
    state.parent.mkdir()
    state.write_text(text, encoding="utf-8")
    said = told(tmp_path, command)
    assert "cluster.json isn't what was written there, and what runs is not known" in said
    assert state.read_text(encoding="utf-8") == text
