"""Each macro of macros/dialect that gives an expression gives the same on DuckDB and on Spark.

What is expected is worked out by hand.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import duckdb
import pytest
from helpers.builds import Workspace
from helpers.on_spark import Spark, plain

LIST = """json_string_list("'[\\"a\\", \\"b\\"]'")"""
NO_LIST = """json_string_list("'[]'")"""
NULL_LIST = 'json_string_list("cast(null as string)")'
OBJECT = (
    """'{"a": "x", "none": null, "c d": -0.5, "n": {"k": [1]}, "text": "1e3", "no": "1_000"}'"""
)
ROWS = (
    "(select 2 as n, 'b' as t union all select 1 as n, 'a' as t union all select 3 as n, null as t)"
)
TURNED = (
    "(select 3 as n, null as t union all select 1 as n, 'a' as t union all select 2 as n, 'b' as t)"
)
OTHERS = (
    "(select 3 as n, 'a' as t union all select 1 as n, null as t union all select 2 as n, 'b' as t)"
)
NO_ROWS = f"(select * from {ROWS} as one where n > 9)"
DAY = "date '2026-02-28'"
MOMENT = "timestamp '2026-02-28 23:59:30'"


def value(expression: str) -> str:
    """Return a query for one value of what a macro gives."""
    return f"select {{{{ {expression} }}}} as x"


def over(expression: str, rows: str) -> str:
    """Return a query for what an aggregate gives of some rows."""
    return f"select {{{{ {expression} }}}} as x from {rows} as given"


CASES: list[tuple[str, list[Any]]] = [
]  # fmt: skip

NEXT = "\n-- next\n"


def compiled(target: str, environment: dict[str, str]) -> list[str]:
    """Return the queries as dbt renders them for a target."""
    dbt = [sys.executable, "-c", "from dbt.cli.main import cli; cli()"]
    command = [*dbt, "--quiet", "compile", "--target", target, "--output", "json", "--inline"]
    done = subprocess.run(
        [*command, NEXT.join(query for query, _ in CASES)],
        cwd=environment["DBT_PROJECT_DIR"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)["compiled"].split(NEXT.strip())


@pytest.fixture(scope="session")
def on_engine(spark: Spark, workspace: Workspace) -> dict[str, Callable[[int], list[Any]]]:
    """Return, by engine, a function that gives what a case yields."""
    places = {"DBT_PROJECT_DIR": str(workspace.folder), "DBT_PROFILES_DIR": str(workspace.folder)}
    queries = {
        target: compiled(target, spark.environment | places) for target in ("duckdb", "spark")
    }

    def of_duckdb(number: int) -> list[Any]:
        rows = duckdb.sql(queries["duckdb"][number]).fetchall()
        return [plain(row[0]) for row in rows]

    def of_spark(number: int) -> list[Any]:
        return [plain(row["x"]) for row in spark.query(queries["spark"][number])]

    return {"duckdb": of_duckdb, "spark": of_spark}


@pytest.mark.parametrize("number", range(len(CASES)), ids=[query for query, _ in CASES])
def test_a_macro_gives_the_same_on_both_engines(
    number: int, on_engine: dict[str, Callable[[int], list[Any]]]
) -> None:
    wanted = CASES[number][1]
    found = {engine: sorted(of(number), key=repr) for engine, of in on_engine.items()}
    assert found == dict.fromkeys(on_engine, wanted)
