"""The command line says in a sentence what can't be done."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from warehouse.cli import main
from warehouse.system.paths import PROJECT


def test_it_works_for_the_project_that_it_is_installed_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "warehouse").mkdir()
    (tmp_path / "warehouse/cli.py").touch()
    below = tmp_path / "models"
    below.mkdir()
    monkeypatch.chdir(below)
    done = CliRunner().invoke(main, ["seeds", "--check"])
    assert (done.exit_code, done.stdout) == (4, "")
    reason = f"This command is installed for {PROJECT}. Here, run `python -m warehouse`.\n"
    assert done.stderr == reason


def test_a_folder_that_cannot_be_read_is_no_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # which root never is
    done = CliRunner().invoke(main, ["seeds", "--check", "--input", str(tmp_path)])
    assert (done.exit_code, done.stdout) == (1, "")
    assert "campaigns.json is missing" in done.stderr


@pytest.mark.parametrize("missing", ["dbt.adapters.spark", "dbt"])
@pytest.mark.parametrize("arguments", [["spark"], ["history", "--target", "spark"]])
def test_spark_that_is_not_installed_is_said(
    arguments: list[str], missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_spec(name: str) -> None:
        if name != missing:
            raise ModuleNotFoundError  # as where a parent is missing

    for name in ("warehouse.spark", "warehouse.spark.build", "warehouse.spark.server"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr("importlib.util.find_spec", find_spec)
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 4
    assert "not installed here: `make spark-up` installs it." in done.stderr
