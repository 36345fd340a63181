"""Each macro of macros/dialect that is an expression has the same value on DuckDB and on Spark.

Expected values are worked by hand.
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
    """Return a query for one value of a macro."""
    return f"select {{{{ {expression} }}}} as x"


def over(expression: str, rows: str) -> str:
    """Return a query for an aggregate's value of some rows."""
    return f"select {{{{ {expression} }}}} as x from {rows} as given"


# ruff: noqa: E501 - a case is a line, as a row of a table

CASES: list[tuple[str, list[Any]]] = [
    # arrays.sql, json.sql
    (value(f"unnest_array({LIST})"), ["a", "b"]),
    (value(f"unnest_array({NO_LIST})"), []),
    (value(f"unnest_array({NULL_LIST})"), []),
    (value(f"array_length({LIST})"), [2]),
    (value(f"array_length({NO_LIST})"), [0]),
    (value(f"array_length({NULL_LIST})"), [None]),
    (value(f"array_text({LIST})"), ["a, b"]),
    (value(f"array_text({NO_LIST})"), [""]),
    (value(f"array_text({NULL_LIST})"), [None]),
    *(
        (f"select {{{{ json_value('given.o', 'given.k') }}}} as x from (select {OBJECT} as o, '{key}' as k) as given", [found])
        for key, found in {"a": "x", "none": None, "c d": "-0.5", "n": '{"k":[1]}', "gone": None}.items()
    ),
    *(
        (f"select {{{{ json_number('given.o', 'given.k') }}}} as x from (select {OBJECT} as o, '{key}' as k) as given", [found])
        for key, found in {"a": None, "none": None, "c d": -0.5, "text": 1000.0, "no": None}.items()
    ),
    # decimals.sql
    *(
        (f"select cast({{{{ exact_decimal({number!r}, {scale}) }}}} as string) as x", [found])
        for number, scale, found in (
            ("cast(1.005 as double)", 2, "1.01"),
            ("'1.005'", 2, "1.01"),
            ("cast(-1.005 as double)", 2, "-1.01"),
            ("'1.00499999999'", 2, "1.00"),
            ("cast(999.995 as double)", 2, "1000.00"),
            ("cast(123456789012.345 as double)", 2, "123456789012.35"),
            ("cast(0.0000005 as double)", 6, "0.000001"),
            ("cast(0.00000000000000005 as double)", 6, "0.000000"),
            ("'5e-17'", 6, "0.000000"),
            ("'-5E-17'", 6, "0.000000"),
            ("1234567", 2, "1234567.00"),
            ("cast(null as double)", 6, None),
        )
    ),
    # text.sql
    (over("string_list('t', 'n', ', ')", ROWS), ["a, b"]),
    (over("string_list('t', 'n desc' if target.type == 'none' else 'n', '; ')", TURNED), ["a; b"]),
    (over("string_list('t', 'n', ', ')", NO_ROWS), [None]),
    *(
        (value(f"number_text('{number}')"), [text])
        for number, text in {
            "1": "1", "100": "100", "0.5": "0.5", "-2.50": "-2.5", "1234567.125": "1234567.125",
            "1e-7": "0", "0.0000005": "0", "0.0000015": "0.000002", "null": None,
        }.items()
    ),
    *(
        (value(f"money_text('{number}')"), [text])
        for number, text in {
            "1234.5": "1,234.50", "0": "0.00", "2.675": "2.67", "0.125": "0.12", "-1234567.005": "-1,234,567.00",
            "null": None,
        }.items()
    ),
    *(
        (value(f"percent_text('{number}')"), [text])
        for number, text in {"0.0641": "6.4%", "12.5": "1250.0%", "-0.5": "-50.0%", "null": None}.items()
    ),
    (value("""timestamp_text("timestamp '2026-03-16 10:30:00'")"""), ["2026-03-16T10:30:00"]),
    (value("""timestamp_text("timestamp '2026-03-16 10:30:00.5'")"""), ["2026-03-16T10:30:00.500000"]),
    *(
        (f"select {{{{ blank_to_null('t') }}}} as x from (select {text} as t) as given", [found])
        for text, found in {
            "''": None, "'  '": None, "' ' || chr(9) || chr(10)": None, "' a '": " a ", "chr(160)": "\u00a0",
            "cast(null as string)": None,
        }.items()
    ),
    (value("""each_word("'(RSK_1), Ü-2: é\u0301²٣?'")"""), ["", "", "RSK_1", "Ü-2", "é\u0301", "٣"]),
    (value("""first_word("'(Ü.5) b'")"""), ["Ü"]),
    *(
        (value(f"""has_letter("'{text}'")"""), [found])
        for text, found in {"1٣-2²": False, "1ж": True, "": False}.items()
    ),
    *(
        (value(f"""stands_free("'{text}'", "'a.b$1'")"""), [found])
        for text, found in {"a.b$1": True, "(a.b$1)": True, "xa.b$1 or a.b$12": False, "a.b$1-c": False, "a-b$1": False}.items()
    ),
    # time.sql
    (value(f'end_of_day("{DAY}")'), ["2026-02-28 23:59:59.999999"]),
    (value(f'add_days("{DAY}", 1)'), ["2026-03-01"]),
    (value(f"""add_days("{DAY}", "-1 - 1")"""), ["2026-02-26"]),
    (value(f"""days_between("{DAY}", "date '2026-03-02'")"""), [2]),
    (value(f"""days_between("{DAY}", "{DAY}")"""), [0]),
    (value(f"""each_day("{DAY}", "date '2026-03-02'")"""), ["2026-02-28", "2026-03-01", "2026-03-02"]),
    (value(f"""each_day("{DAY}", "{DAY}")"""), ["2026-02-28"]),
    (value(f"""each_day("{DAY}", "date '2026-02-27'")"""), []),
    (value(f"""each_day("{DAY}", "cast(null as date)")"""), []),
    (value(f'add_minutes("{MOMENT}", 1)'), ["2026-03-01 00:00:30"]),
    (value(f"""minutes_between("{MOMENT}", "timestamp '2026-03-01 00:01:00'")"""), [1.5]),
    # fingerprint.sql
    (f"select count(distinct {{{{ row_hash('n, t') }}}}) as x from (select * from {ROWS} as one union all select * from {OTHERS} as other) as given", [5]),
    ("select count(distinct {{ row_hash('a, b') }}) as x from (select 1 as a, null as b union all select null as a, 1 as b) as given", [2]),
    (over("hash_text(combined_hash(row_hash('n, t')))", NO_ROWS), ["0000000000000000"]),
    (value(f"""fingerprint("{ROWS} as one") ~ " = " ~ fingerprint("{TURNED} as other")"""), [True]),
    (value(f"""fingerprint("{ROWS} as one") ~ " = " ~ fingerprint("{OTHERS} as other")"""), [False]),
    (value(f"""rows_as_json("{TURNED} as one")"""), ['[{"n":1,"t":"a"},{"n":2,"t":"b"},{"n":3,"t":null}]']),
    (value(f"""rows_as_json("{NO_ROWS} as one")"""), ["[]"]),
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
