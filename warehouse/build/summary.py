"""Sum up a build for whoever started it."""

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from warehouse.database.marts import Marts
from warehouse.database.reader import Row
from warehouse.system.words import counted

MAX_DAYS = 5


def print_entry(label: str, *lines: str) -> None:
    """Print lines beside a label."""
    for position, line in enumerate(lines):
        print(f"{'' if position else label:<10} {line}")


def tests_summary(results: list[dict[str, Any]]) -> str:
    """Return how the tests went; unit tests are counted with the others."""
    counts = Counter(
        result["status"]
        for result in results
        if result["unique_id"].startswith(("test.", "unit_test."))
    )
    failed = counts["fail"] + counts["error"]
    words = f"{counts['pass']} passed, {counts['warn']} warned, {failed} failed"
    return words + (f", {counts['skipped']} skipped" if counts["skipped"] else "")


def marts_summary(marts: Marts) -> list[str]:
    """Return a line for each mart, with its rows and fingerprint."""
    width = max(map(len, marts.rows), default=0)
    return [
        f"{name:<{width}}  {rows:>7,}  {marts.fingerprints[name]}"
        for name, rows in marts.rows.items()
    ]


def rows_of(file: Path, query: str) -> list[tuple]:
    """Return the rows of a query on a file, which has just been written and read."""
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.sql(query).fetchall()


def input_summary(file: Path) -> str:
    """Return how many records of how many datasets a build took its marts from."""
    query = """
        select input_rows, (
            select count(*) from json_each(inputs) where cast(value ->> 'rows' as bigint) > 0
        )
        from marts.warehouse_build
    """
    ((rows, datasets),) = rows_of(file, query)
    return f"{counted(datasets, 'dataset')}, {counted(rows, 'row')}"


def days_summary(file: Path) -> list[str]:
    """Return a line for each dataset that comes by the day: the days made anew, and those gone."""
    query = """
        select
            dataset,
            count(row_count) as kept_days,
            count(row_count) filter (where is_new) as new_days,
            list(day order by day) filter (where is_new and row_count is not null) as days,
            list(day order by day) filter (where row_count is null) as gone
        from lake.lake_days
        where day is not null
        group by dataset
        order by dataset
    """
    return [
        f"{dataset}: {new:,} of {counted(kept, 'day')} new"
        + (f": {listed_days(days)}" if days else "")
        + (f"; gone: {listed_days(gone)}" if gone else "")
        for dataset, kept, new, days, gone in rows_of(file, query)
    ]


def listed_days(days: list[date]) -> str:
    """Return some days, and how many more there are."""
    more = f" and {len(days) - MAX_DAYS:,} more" if len(days) > MAX_DAYS else ""
    return ", ".join(map(str, days[:MAX_DAYS])) + more


def contract_summary(rules: list[Row]) -> list[str]:
    """Return a line for each rule of the contract."""
    width = max((len(str(rule["name"])) for rule in rules), default=0)
    return [
        f"{rule['rule']} {rule['name']:<{width}}  {rule['status']}"
        f"  {rule['checked']:,} checked, {rule['violating']:,} violating"
        + (f", {rule['waived']:,} of them waived" if rule["waived"] else "")
        for rule in rules
    ]


def history_summary(file: Path, is_left_alone: bool) -> str:
    """Return how many exports the history holds, and what is odd in it."""
    query = """
        select
            (select exports_seen from marts.warehouse_build),
            (select count(*) from marts.status_history where change_number > 1),
            (select count(*) from marts.status_history where finding is not null)
    """
    ((exports, changes, findings),) = rows_of(file, query)
    seen = f"{counted(exports, 'export')} seen, {counted(changes, 'change')}"
    left_alone = "left alone: " if is_left_alone else ""
    return f"{left_alone}{seen}, {counted(findings, 'finding')}: marts.status_history"


def ways_to_open(file: Path) -> list[str]:
    """Return commands that open the published file, read-only as it is meant to be."""
    code = f"duckdb.connect('{file.name}', read_only=True).sql('show all tables').show()"
    return [f'.venv/bin/python -c "import duckdb; {code}"', f"duckdb -readonly {file.name}"]
