"""The project, copies of it, and the demo's export."""

import json
import shutil
import sys
from collections import Counter
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
# The demo's exports. Those of seeds/json are whoever's uses the project.
EXPORT = PROJECT / "tests/export"
DBT_CORE = Path(sys.executable).with_name("dbt")
DBT2 = Path(sys.executable).with_name("dbt2")
FASTEST = DBT2 if DBT2.exists() else DBT_CORE
"""What runs the many builds in which dbt is not what is tested."""
RUNS: Counter[Path] = Counter()
"""How many times this process has started each dbt."""

COPIED = [
    ".dbtignore",
    "build/.gitignore",
    "dbt_project.yml",
    "profiles.yml",
    "analyses",
    "macros",
    "models",
    "seeds",
    "tests/contract",
    "tests/generic",
    "warehouse",
]

Export = dict[str, list[dict]]
"""The records of an export by dataset; a dataset that is left out has no file."""


def read_export() -> Export:
    """Return a copy of the demo's export that a test may change."""
    files = sorted(EXPORT.glob("*.json"))
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


def copy_project(folder: Path) -> Path:
    """Copy what dbt and the commands need of the project to a folder; return the folder."""
    for name in COPIED:
        source, target = PROJECT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return folder


LAKE = {"raw": "lake"}
"""The vars with which dbt reads the raw data from the lake."""
