"""Read a seed as the dbt seed loader does, without dbt."""

import re
from pathlib import Path

import duckdb
from helpers.project import PROJECT


def read_options() -> str:
    """Return the options of read_csv in the loader, but for the names of the columns."""
    loader = (PROJECT / "macros/overrides/load_csv_rows.sql").read_text(encoding="utf-8")
    (options,) = re.findall(r"from read_csv\(.*? \},(.*?)\n +\)", loader, re.DOTALL)
    return options


def seed_query(path: Path) -> str:
    """Return a query for the rows of a seed, all of them text."""
    names = path.read_text(encoding="utf-8").partition("\n")[0].split(",")
    columns = dict.fromkeys(names, "varchar")
    return f"select * from read_csv('{path}', columns = {columns}, {read_options()})"


def read_seed(path: Path) -> list[dict[str, str | None]]:
    """Return the rows of a seed."""
    rows = duckdb.sql(seed_query(path))
    return [dict(zip(rows.columns, row, strict=True)) for row in rows.fetchall()]
