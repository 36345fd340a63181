"""Where things lie, from the folder of the project."""

import os
from pathlib import Path

from warehouse.system.words import shown

PROJECT = Path(__file__).resolve().parents[2]
BUILD_FILE = Path("build/warehouse.duckdb")
PUBLISHED_FILE = Path("warehouse.duckdb")
HISTORY_FILE = Path("history.duckdb")
REVIEW_FILE = Path("review.html")
EXPORT_FOLDER = Path("export")
TARGET = Path(os.environ.get("DBT_TARGET_PATH") or "target")  # where dbt leaves its artifacts
LOGS = Path(os.environ.get("DBT_LOG_PATH") or "logs")


def relative(path: Path) -> str:
    """Return a path as it is written in this project."""
    absolute = path.absolute()
    return shown(str(absolute.relative_to(PROJECT) if PROJECT in absolute.parents else path), 500)
