"""Which Python .venv is made with, what is installed into it, and what is said where that can't be.

Interpreters, uv, npm and uname are scripts that only say what they are asked for, on a path that
holds nothing else but what the project's own scripts need.
"""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from warehouse.system.paths import PROJECT

TOOLS = ["awk", "cat", "chmod", "cp", "make", "mkdir", "mktemp", "rm", "sed", "sh", "test", "touch"]
# Says its version, makes environments with itself in them, and installs uv; the folder comes last.
PYTHON = """
for folder; do :; done
case "$*" in
    -c*) echo {version} ;;
    "-m venv"*) {venv}; mkdir -p "$folder/bin"; cp "$0" "$folder/bin/python" ;;
    "-m pip"*--target*) {pip}; mkdir "$folder/bin"; cp "{away}" "$folder/bin/uv" ;;
    "-m pip"*uv.lock*) cp "{away}" "${{0%/*}}/uv" ;;
esac
"""
UV = """
for folder; do :; done
mkdir -p "$folder/bin"
echo ": by uv" >"$folder/bin/python"
"""


@dataclass
class Machine:
    """A copy of what sets the project up, in a folder whose name has a space, and a path."""

    project: Path
    path: Path
    away: Path

    def has(self, name: str, script: str) -> None:
        """Put a program on the path."""
        self.write(self.path / name, script)

    def has_python(self, name: str, version: str, venv: str = ":", pip: str = ":") -> None:
        """Put an interpreter on the path, which says who it is; venv and pip may be `exit 1`."""
        script = PYTHON.format(version=version, venv=venv, pip=pip, away=self.away)
        self.has(name, f": by {name}\n{script}")

    def write(self, file: Path, script: str) -> None:
        """Write a program."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the project."""
        return subprocess.run(
            command,
            cwd=self.project,
            env={"PATH": str(self.path), "TMPDIR": str(self.project.parent)} | environment,
            capture_output=True,
            text=True,
        )

    def maker(self) -> str | None:
        """Return who made .venv."""
        python = self.project / ".venv/bin/python"
        return python.read_text().split(": by ")[1].split()[0] if python.exists() else None


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    project, path, away = tmp_path / "the project", tmp_path / "path", tmp_path / "uv"
    project.mkdir()
    path.mkdir()
    for name in ("tools", "requirements"):
        shutil.copytree(PROJECT / name, project / name)
    shutil.copy(PROJECT / "Makefile", project)
    for name in TOOLS:
        found = shutil.which(name)
        assert found, name
        (path / name).symlink_to(found)
    machine = Machine(project, path, away)
    machine.write(away, UV)
    machine.has("uname", "echo Linux x86_64")
    return machine


@pytest.mark.parametrize(
    ("lock", "pythons", "maker"),
    [
        ("base", {"python3": "312", "python3.13": "313"}, "python3"),
        ("base", {"python3": "314", "python3.13": "313", "python3.12": "312"}, "python3.13"),
        ("base", {"python3": "310", "python3.11": "311"}, "python3.11"),
        ("base", {"python3.13": "; exit 127", "python3.12": "312"}, "python3.12"),  # one of pyenv's
        ("own", {"python3": "314"}, "python3"),
        ("own", {"python3": "315", "python3.14": "314"}, "python3.14"),
        ("dbt2", {"python3": "314", "python3.12": "312"}, "python3.12"),  # that dev.lock can use
    ],
)
def test_the_first_python_that_does_is_taken(
    machine: Machine, lock: str, pythons: dict[str, str], maker: str
) -> None:
    for name, version in pythons.items():
        machine.has_python(name, version)
    done = machine.run("tools/python.sh", lock)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert machine.maker() == maker


def test_one_without_venv_is_passed_over(machine: Machine) -> None:
    machine.has_python("python3", "313", venv="exit 1")
    machine.has_python("python3.12", "312")
    assert machine.run("tools/python.sh", "base").returncode == 0
    assert machine.maker() == "python3.12"


def test_python_names_one(machine: Machine) -> None:
    machine.has_python("python3", "313")
    machine.has_python("mine", "311")
    assert machine.run("tools/python.sh", "base", PYTHON="mine").returncode == 0
    assert machine.maker() == "mine"


@pytest.mark.parametrize("uv", ["on the path", "by pip", "by pip of an environment"])
def test_uv_makes_it_where_none_does(machine: Machine, uv: str) -> None:
    if uv == "on the path":
        machine.has("uv", UV)
    machine.has_python(
        "python3",
        "310",
        venv="exit 1" if uv == "on the path" else ":",
        pip=":" if uv == "by pip" else "exit 1",
    )
    before = set(machine.project.parent.iterdir())
    done = machine.run("tools/python.sh", "base")
    assert done.returncode == 0
    assert done.stderr == (
        "No Python 3.11 to 3.13 on the path makes an environment: "
        "uv does, with one that it finds or fetches.\n"
    )
    assert machine.maker() == "uv"
    assert set(machine.project.parent.iterdir()) == before  # uv was fetched for this alone


@pytest.mark.parametrize(
    ("lock", "python", "said"),
    [
        (
            "base",
            "python3.14",
            "Python 3.11 to 3.13 is needed, and python3.14 is none of them. Name one: make build "
            "PYTHON=python3.12. dbt 2 can do with 3.14: make build DBT=/path/to/dbt\n",
        ),
        (
            "own",
            "python3.10",
            "Python 3.11 to 3.14 is needed, and python3.10 is none of them. Name one: make build "
            "PYTHON=python3.12.\n",
        ),
        (
            "own",
            "",
            "Python 3.11 to 3.14 is needed. Install one with venv (Debian: apt-get install "
            "python3-venv), or name one: make build PYTHON=/path/to/python3.12.\n",
        ),
    ],
)
def test_what_is_needed_is_said(machine: Machine, lock: str, python: str, said: str) -> None:
    machine.has_python("python3.14", "314" if lock == "base" else "315")
    machine.has_python("python3.10", "310")
    done = machine.run("tools/python.sh", lock, PYTHON=python)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)
    assert not (machine.project / ".venv").exists()


def test_an_environment_that_does_is_left(machine: Machine) -> None:
    machine.has_python("python3", "314")
    for lock in ("own", "dbt2"):
        assert machine.run("tools/python.sh", lock).returncode == 0
    machine.has_python("python3.13", "313")
    assert machine.run("tools/python.sh", "own").returncode == 0
    assert machine.maker() == "python3"
    assert machine.run("tools/python.sh", "base").returncode == 0
    assert machine.maker() == "python3.13"


def test_an_environment_whose_python_is_gone_is_made_anew(machine: Machine) -> None:
    machine.has_python("python3", "313")
    assert machine.run("make", ".venv/bin/.installed-base").returncode == 0
    again = machine.run("make", ".venv/bin/.installed-base")
    assert "up to date" in again.stdout
    (machine.project / ".venv/bin/python").unlink()
    assert machine.run("make", ".venv/bin/.installed-base").returncode == 0
    assert machine.maker() == "python3"


@pytest.mark.parametrize(
    ("target", "lock"),
    [
        (["build"], "base"),
        (["build", "DBT=dbt"], "own"),
        (["export"], "own"),
        (["docs", "DBT=dbt"], "dev"),
    ],
)
def test_only_what_runs_the_pinned_dbt_installs_it(
    machine: Machine, target: list[str], lock: str
) -> None:
    machine.has_python("python3", "313")
    said = machine.run("make", "--dry-run", *target).stdout
    assert [line for line in said.splitlines() if "Installing" in line] == [
        f'echo "Installing what requirements/{lock}.lock pins into .venv."'
    ]


WITHOUT = {
    "Darwin arm64": "dbt 2 is left out: the one pinned here is for Linux x86-64. To have yours, "
    "`pip install dbt` in an environment of its own, then make build DBT=/path/to/dbt",
    "Linux x86_64": "dbt 2 is left out: npm, which brings DuckDB's driver, is not on the path "
    "(Debian: apt-get install npm).",
}


@pytest.mark.parametrize("kind", WITHOUT)
def test_dbt2_that_cannot_be_set_up_is_said(machine: Machine, kind: str) -> None:
    machine.has("uname", f"echo {kind}")
    done = machine.run("make", "dbt2")
    assert done.returncode != 0
    assert done.stderr.splitlines()[0] == WITHOUT[kind]
    assert not (machine.project / ".venv").exists()


@pytest.mark.parametrize("npm", [None, "exit 1"])
def test_the_tests_go_on_without_dbt2(machine: Machine, npm: str | None) -> None:
    machine.has_python("python3", "313")
    reason = WITHOUT["Linux x86_64"]
    if npm:
        machine.has("npm", npm)
        reason = (
            "dbt 2 is left out: npm can't install what requirements/dbt2/package-lock.json pins."
        )
    assert machine.run("make", ".venv/bin/.installed-dev").returncode == 0
    machine.write(machine.project / ".venv/bin/pytest", "echo The tests ran.")
    machine.write(machine.project / ".venv/bin/dbt2", "of another lock")
    done = machine.run("make", "test")
    assert (done.returncode, done.stderr) == (0, f"{reason}\n")
    assert done.stdout.splitlines()[-1] == "The tests ran."
    assert not list((machine.project / ".venv").rglob("dbt2"))


def test_dbt2_has_its_driver(machine: Machine) -> None:
    machine.has_python("python3", "313")
    machine.has("npm", "")
    assert machine.run("make", "dbt2").returncode == 0
    said = 'echo "$ADBC_DRIVER_PATH|$DO_NOT_TRACK|$1|$2"'
    machine.write(machine.project / ".venv/bin/dbt-core-experimental-parser", said)
    done = machine.run(str(machine.project / ".venv/bin/dbt2"), "build", "one argument")
    folder = machine.project / ".venv/dbt2"
    assert done.stdout == f"{folder}|1|build|one argument\n"
    assert f'"{folder}/node_modules/' in (folder / "duckdb.toml").read_text()
    assert machine.run("make", "dbt2").stdout == ""  # is there


def pinned(lock: str) -> set[str]:
    """Return what a lock pins."""
    text = (PROJECT / f"requirements/{lock}.lock").read_text()
    return {line.split(" ")[0] for line in text.splitlines() if "==" in line}


def test_a_lock_holds_those_below_it() -> None:
    for larger, smaller in [("base", "own"), ("dev", "base"), ("bench", "base"), ("spark", "base")]:
        assert pinned(larger) > pinned(smaller)
    assert not [one for one in pinned("own") if one.startswith("dbt")]


def test_no_lock_names_a_registry() -> None:
    npm_lock = PROJECT / "requirements/dbt2/package-lock.json"
    for lock in [npm_lock, *(PROJECT / "requirements").glob("*.lock")]:
        assert "://" not in lock.read_text(), lock.name
    packages = json.loads(npm_lock.read_text())["packages"]
    assert all("integrity" in package for name, package in packages.items() if name)
