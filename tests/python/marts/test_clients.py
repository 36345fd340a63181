"""Common clients, on the published file while builds replace it.

`make clients` tests those that need their own environment; `docs/bi.md` describes the pitfalls.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar

import duckdb
import pandas as pd
import polars as pl
import pytest
import sqlalchemy as sa
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from helpers import oracle
from helpers.builds import Build
from helpers.compare import assert_same
from helpers.processes import Project, later_export
from helpers.project import Export, copy_project, read_export
from helpers.semantics import Semantics

from warehouse.publish import publish

T = TypeVar("T")

PROGRAMS = Path(sys.executable).parent
WRITES = (
    "create table marts.mine as select 1 as one",
    "insert into marts.dim_channels select * from marts.dim_channels",
    "update marts.risk_inbox set severity = 'low'",
    "drop table marts.risk_inbox",
)
REFUSED = "attached in read-only mode"
"""What DuckDB says of a write, through each client."""

EVERY_TYPE = """
    select
        budget_action_id, approval_latency_minutes, amount, requires_approval, proposed_at,
        share_of_campaign_budget
    from marts.budget_action_audit
    union all by name select recorded_date from marts.fct_performance_daily
    union all by name select stage_order from marts.funnel_conversion
    order by all
"""
"""Each type of the marts, with values and nulls: in the marts themselves not all have both."""

LATER = datetime(2026, 3, 19, 20)


def export_as_of(now: datetime) -> Export:
    """Return the demo's export, or its state later on the last day."""
    if now < LATER:
        return read_export()
    export = later_export()
    for record in export["performance_metrics"]:
        record["timestamp"] = record["timestamp"].replace(LATER.isoformat(), now.isoformat())
    return export


# MetricFlow's settings in this process are not for them.
OF_BUILDS = {"DBT_TARGET": "duckdb", "DBT_LOG_LEVEL_FILE": "debug"}


# ---- The version that is read, and one instance per process ----------------------------------


class Shop:
    """A project without running processes, whose build can be changed and published."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "warehouse.duckdb"
        self.publish(1)

    def publish(self, exports: int) -> None:
        """Publish a version with a given number of exports seen."""
        with duckdb.connect(str(self.folder / "build/warehouse.duckdb")) as connection:
            connection.execute(f"update marts.warehouse_build set exports_seen = {exports}")
        publish(self.folder)


EXPORTS_SEEN = "select exports_seen from marts.warehouse_build"


@pytest.fixture
def shop(sample: Build, tmp_path: Path) -> Shop:
    for name in ("build", "target"):
        shutil.copytree(sample.folder / name, tmp_path / name)
    return Shop(tmp_path)


def seen(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(sa.text(EXPORTS_SEEN)).scalar_one()


def test_a_pool_keeps_its_version_and_no_pool_sees_the_next(shop: Shop) -> None:
    pool, no_pool = engine_of(shop.file), engine_of(shop.file, poolclass=sa.NullPool)
    assert seen(pool) == 1
    shop.publish(2)
    assert seen(pool) == seen(no_pool) == 1, "a process has one instance of a file"
    pool.dispose()
    assert seen(no_pool) == 2
    shop.publish(3)
    assert seen(no_pool) == 3
    assert seen(pool) == 3
    pool.dispose()


def test_a_process_opens_a_file_in_one_way(shop: Shop) -> None:
    """A pitfall that `docs/bi.md` names: SQLAlchemy's way of opening is not that of DuckDB."""
    different = pytest.raises(duckdb.ConnectionException, match="different configuration")
    with connected(shop.file), different:
        duckdb.connect(str(shop.file), read_only=True)
    with opened(shop.file) as connection:
        assert connection.sql(EXPORTS_SEEN).fetchone() == (1,)


def test_a_session_at_the_command_line_keeps_its_version(shop: Shop) -> None:
    command = [
        PROGRAMS / "duckdb",
        "-readonly",
        "-init",
        os.devnull,
        "-csv",
        "-noheader",
        shop.file,
    ]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, encoding="utf-8", bufsize=1, **pipes) as session:

        def ask() -> str:
            session.stdin.write(f"{EXPORTS_SEEN};\n")
            return session.stdout.readline().strip()

        assert ask() == "1"
        shop.publish(2)
        assert ask() == "1"
        session.stdin.close()
        assert session.wait(timeout=10) == 0
    assert command_line(shop.file, "-csv", "-noheader", EXPORTS_SEEN).stdout.strip() == "2"


# ---- A project that is built and published repeatedly while clients read ---------------------


@dataclass
class Builds:
    """A project with one build after the other; `read` reads its published file."""

    project: Project
    reads: int = 0
    outcomes: list[tuple[int, str]] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)
    current: subprocess.Popen[str] | None = None

    def __post_init__(self) -> None:
        self.links = self.project.folder.with_name("versions")
        self.links.mkdir()
        self.versions.append(self.version)
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.build)
        self.thread.start()

    def build(self) -> None:
        """Add a later export, and build, until the end."""
        while not self.is_over.is_set():
            self.project.give(export_as_of(LATER + timedelta(minutes=len(self.outcomes))))
            with self.project.start("build", env=OF_BUILDS) as self.current:
                output, _ = self.current.communicate()
            self.outcomes.append((self.current.returncode, output))
            self.versions.append(self.version)

    @property
    def version(self) -> int:
        """The id of a published version."""
        return self.project.published.stat().st_mtime_ns

    @property
    def is_building(self) -> bool:
        """Whether a build runs at this moment."""
        return self.current is not None and self.current.poll() is None

    def read(self, client: Callable[[Path], T]) -> tuple[T, Path]:
        """Let a client read while a build runs; return what it read, and a link to that version.

        Where a build has ended or published meanwhile, it reads again.
        """
        for _ in range(100):
            if self.is_building:
                version = self.version
                link = self.links / f"{version}.duckdb"
                if not link.exists():
                    link.hardlink_to(self.project.published)
                result = client(self.project.published)
                if self.is_building and self.version == version == link.stat().st_mtime_ns:
                    self.reads += 1
                    return result, link
            self.is_over.wait(0.1)
        pytest.fail("there is no build to read beside")

    def finish(self) -> None:
        """Wait until the last build has ended."""
        self.is_over.set()
        self.thread.join()


@pytest.fixture(scope="module")
def builds(
    sample_of_core: Build, tmp_path_factory: pytest.TempPathFactory, figures: dict[str, str]
) -> Iterator[Builds]:
    """Publish the sample, and build from then on; in the end, all builds must have succeeded.

    dbt-core's files are there, without which there is no semantic layer.
    """
    project = Project(copy_project(tmp_path_factory.mktemp("clients") / "project"))
    for name in ("build", "target"):
        shutil.copytree(sample_of_core.folder / name, project.folder / name, dirs_exist_ok=True)
    publish(project.folder)
    builds = Builds(project)
    try:
        yield builds
    finally:
        builds.finish()
    for code, output in builds.outcomes:
        assert code == 0, output
    assert len(set(builds.versions)) == len(builds.outcomes) + 1, "a build was not published"
    assert not list(project.folder.glob("warehouse.duckdb.*")), "a client has left a log"
    figures["clients"] = f"{builds.reads} reads, {len(builds.outcomes)} builds meanwhile"


@pytest.fixture(scope="module")
def queries(builds: Builds) -> dict[str, str]:
    """Return the queries for a client: all published tables, and every type."""
    with opened(builds.project.published) as connection:
        tables = connection.sql(
            "select schema_name, table_name from duckdb_tables() order by all"
        ).fetchall()
    assert len(tables) == 43
    return {name: f"select * from {schema}.{name}" for schema, name in tables} | {
        "every type": EVERY_TYPE
    }


@contextmanager
def opened(file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(file), read_only=True) as connection:
        yield connection


def engine_of(file: Path, **options: Any) -> sa.Engine:
    return sa.create_engine(f"duckdb:///{file}?access_mode=read_only", **options)


@contextmanager
def connected(file: Path) -> Iterator[sa.Connection]:
    """Open a file with SQLAlchemy, and close it, since a process has one instance of a file."""
    engine = engine_of(file)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


# ---- Results: each value, null and type of all published tables -----------------------


@dataclass(frozen=True)
class Column:
    """A column of a result: its type, and its values in Python.

    The type is DuckDB's or, of what a client made of it, the client's.
    """

    kind: str
    values: list

    @property
    def nulls(self) -> str:
        """The nulls among the values: all (also without any value), some or none."""
        count = self.values.count(None)
        return "all" if count == len(self.values) else "some" if count else "none"


Columns = dict[str, Column]


def in_columns(names: list[str], kinds: list[object], rows: list[tuple]) -> Columns:
    values = zip(*rows, strict=True) if rows else [()] * len(names)
    zipped = zip(names, map(str, kinds), map(list, values), strict=True)
    return {name: Column(kind, values) for name, kind, values in zipped}


def in_python(connection: duckdb.DuckDBPyConnection, query: str) -> Columns:
    relation = connection.sql(query)
    return in_columns(relation.columns, relation.types, relation.fetchall())


PYTHON_TYPES = {
    "VARCHAR": str,
    "BIGINT": int,
    "INTEGER": int,
    "DOUBLE": float,
    "DECIMAL(18,2)": Decimal,
    "DECIMAL(18,6)": Decimal,
    "DATE": date,
    "TIMESTAMP": datetime,
    "BOOLEAN": bool,
}


def test_duckdb_reads_what_the_exports_say(builds: Builds) -> None:
    """The other clients are compared with DuckDB; DuckDB is, with plain Python on the exports."""

    def read(file: Path) -> dict[str, list[dict]]:
        marts = {}
        with opened(file) as connection:
            for mart in oracle.MARTS:
                result = connection.execute(f"from marts.{mart}")
                names = [column[0] for column in result.description]
                marts[mart] = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        return marts

    found, _ = builds.read(read)
    world = oracle.read_world(export_as_of(found["warehouse_build"][0]["as_of"]))
    for mart, (key, work_out) in oracle.MARTS.items():
        assert_same(mart, key, work_out(world), found[mart])


def test_python_gets_every_type_and_its_nulls(builds: Builds, queries: dict[str, str]) -> None:
    def read(file: Path) -> dict[str, Columns]:
        with opened(file) as connection:
            return {name: in_python(connection, query) for name, query in queries.items()}

    found, _ = builds.read(read)
    kinds = {column.kind for columns in found.values() for column in columns.values()}
    assert kinds == PYTHON_TYPES.keys()
    for columns in found.values():
        for column in columns.values():
            assert {type(one) for one in column.values} <= {PYTHON_TYPES[column.kind], NoneType}
    every_type = found["every type"].values()
    assert {column.kind for column in every_type} == kinds - {"DECIMAL(18,6)"}
    assert {column.nulls for column in every_type} == {"some"}


def as_is(value: Any, kind: str) -> Any:
    """Return a value that is a Python value already."""
    return value


def from_json(value: Any, kind: str) -> Any:
    """Return the JSON of DuckDB's command line, where unusual types are texts."""
    if value is None:
        return None
    if kind in ("DATE", "TIMESTAMP"):
        return PYTHON_TYPES[kind].fromisoformat(value)
    return Decimal(value) if kind.startswith("DECIMAL") else value


def from_pandas(value: Any, kind: str) -> Any:
    """Return the values of a pandas column, which has no decimals, and timestamps for dates."""
    if pd.isna(value):
        return None
    if kind.startswith("DECIMAL"):
        return Decimal(str(value)).quantize(Decimal(1).scaleb(-int(kind[-2])))
    if isinstance(value, pd.Timestamp):
        moment = value.to_pydatetime()
        return moment.date() if kind == "DATE" else moment
    return value if kind == "DATE" else PYTHON_TYPES[kind](value)


def of_frame(frame: pd.DataFrame) -> Columns:
    return {name: Column(str(frame[name].dtype), list(frame[name])) for name in frame}


def of_polars(frame: pl.DataFrame) -> Columns:
    return in_columns(frame.columns, frame.dtypes, frame.rows())


def through_pandas(connection: duckdb.DuckDBPyConnection, query: str) -> Columns:
    return of_frame(connection.sql(query).df())


def through_polars(connection: duckdb.DuckDBPyConnection, query: str) -> Columns:
    return of_polars(connection.sql(query).pl())


def through_arrow(connection: duckdb.DuckDBPyConnection, query: str) -> Columns:
    table = connection.sql(query).to_arrow_table()
    rows = [tuple(row.values()) for row in table.to_pylist()]
    return in_columns(table.column_names, table.schema.types, rows)


def through_sqlalchemy(connection: sa.Connection, query: str) -> Columns:
    result = connection.execute(sa.text(query))
    names = list(result.keys())
    return in_columns(names, [None] * len(names), [tuple(row) for row in result])


def pandas_through_sqlalchemy(connection: sa.Connection, query: str) -> Columns:
    return of_frame(pd.read_sql(sa.text(query), connection))


def polars_through_sqlalchemy(connection: sa.Connection, query: str) -> Columns:
    # A column whose first hundred values are null has no type otherwise.
    return of_polars(pl.read_database(query, connection, infer_schema_length=None))


ARROW_TYPES = {
    "VARCHAR": "string",
    "BIGINT": "int64",
    "INTEGER": "int32",
    "DOUBLE": "double",
    "DECIMAL(18,2)": "decimal128(18, 2)",
    "DECIMAL(18,6)": "decimal128(18, 6)",
    "DATE": "date32[day]",
    "TIMESTAMP": "timestamp[us]",
    "BOOLEAN": "bool",
}
POLARS_TYPES = {
    "VARCHAR": "String",
    "BIGINT": "Int64",
    "INTEGER": "Int32",
    "DOUBLE": "Float64",
    "DECIMAL(18,2)": "Decimal(precision=18, scale=2)",
    "DECIMAL(18,6)": "Decimal(precision=18, scale=6)",
    "DATE": "Date",
    "TIMESTAMP": "Datetime(time_unit='us', time_zone=None)",
    "BOOLEAN": "Boolean",
}
PANDAS_TYPES = {
    "VARCHAR": "str",
    "BIGINT": "int64",
    "INTEGER": "int32",
    "DOUBLE": "float64",
    "DECIMAL(18,2)": "float64",
    "DECIMAL(18,6)": "float64",
    "DATE": "datetime64[us]",
    "TIMESTAMP": "datetime64[us]",
    "BOOLEAN": "bool",
}
NULLABLE_IN_PANDAS = {"BIGINT": "Int64", "INTEGER": "Int32", "BOOLEAN": "boolean"}


def pandas_type(column: Column) -> str:
    """Return DuckDB's pandas type for a column, which depends on whether it has nulls."""
    if column.nulls == "all" and column.kind == "VARCHAR":
        return "object"
    if column.nulls != "none" and column.values:
        return NULLABLE_IN_PANDAS.get(column.kind, PANDAS_TYPES[column.kind])
    return PANDAS_TYPES[column.kind]


def guessed_pandas_type(column: Column) -> str:
    """Return pandas' type for values from SQLAlchemy, which come without types."""
    if column.kind == "DATE" or column.nulls == "all":
        return "object"
    if column.kind in NULLABLE_IN_PANDAS and column.nulls == "some":
        return "object" if column.kind == "BOOLEAN" else "float64"
    return "int64" if column.kind == "INTEGER" else PANDAS_TYPES[column.kind]


def guessed_polars_type(column: Column) -> str:
    """Return Polars' type for values from SQLAlchemy, which come without types."""
    if column.nulls == "all":
        return "Null"
    kind = "BIGINT" if column.kind == "INTEGER" else column.kind
    return POLARS_TYPES[kind].replace("precision=18", "precision=38")


@dataclass(frozen=True)
class HandOver:
    """A client's way to results.

    `opened` opens the file, `take` runs a query there, `kind` gives the client's name for the type
    of a column, and `value` converts a client's value to Python.
    """

    opened: Callable[[Path], AbstractContextManager[Any]]
    take: Callable[[Any, str], Columns]
    kind: Callable[[Column], str]
    value: Callable[[Any, str], Any] = as_is


HAND_OVERS = {
    "Arrow": HandOver(opened, through_arrow, lambda column: ARROW_TYPES[column.kind]),
    "Polars": HandOver(opened, through_polars, lambda column: POLARS_TYPES[column.kind]),
    "pandas": HandOver(opened, through_pandas, pandas_type, from_pandas),
    "SQLAlchemy": HandOver(connected, through_sqlalchemy, lambda column: "None"),
    "SQLAlchemy, Polars": HandOver(connected, polars_through_sqlalchemy, guessed_polars_type),
    "SQLAlchemy, pandas": HandOver(
        connected, pandas_through_sqlalchemy, guessed_pandas_type, from_pandas
    ),
}


def same(expected: object, found: object) -> bool:
    return type(expected) is type(found) and expected == found


def assert_arrived(
    name: str, expected: Columns, found: Columns, value: Callable[[Any, str], Any]
) -> None:
    """Compare columns that a client has with DuckDB's own, value by value, null by null."""
    assert list(found) == list(expected), name
    for column, wanted in expected.items():
        values = [value(one, wanted.kind) for one in found[column].values]
        pairs = zip(wanted.values, values, strict=True)
        assert [pair for pair in pairs if not same(*pair)] == [], f"{name}.{column}"


@pytest.mark.parametrize("client", HAND_OVERS)
def test_values_and_types_arrive(client: str, builds: Builds, queries: dict[str, str]) -> None:
    hand_over = HAND_OVERS[client]

    def read(file: Path) -> dict[str, Columns]:
        with hand_over.opened(file) as connection:
            return {name: hand_over.take(connection, query) for name, query in queries.items()}

    found, version = builds.read(read)
    with opened(version) as connection:
        for name, query in queries.items():
            expected = in_python(connection, query)
            kinds = {column: hand_over.kind(one) for column, one in expected.items()}
            assert {column: one.kind for column, one in found[name].items()} == kinds, name
            assert_arrived(name, expected, found[name], hand_over.value)


def command_line(file: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run DuckDB's command line, without a user's settings."""
    command = [PROGRAMS / "duckdb", "-readonly", "-init", os.devnull, *arguments]
    command.insert(len(command) - 1, str(file))
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)


def test_values_arrive_at_the_command_line(builds: Builds, queries: dict[str, str]) -> None:
    def read(file: Path) -> str:
        result = command_line(file, "-json", ";".join(queries.values()))
        assert result.returncode == 0, result.stderr
        return result.stdout

    text, version = builds.read(read)
    decoder = json.JSONDecoder()
    with opened(version) as connection:
        for name, query in queries.items():
            records, end = decoder.raw_decode(text)
            text = text[end:].lstrip()
            expected = in_python(connection, query)
            rows = [tuple(record.values()) for record in records]
            found = in_columns(list(expected), [None] * len(expected), rows)
            assert_arrived(name, expected, found, from_json)
            assert all(list(record) == list(expected) for record in records), name
    assert text == ""


# ---- SQLAlchemy: what it says of the tables --------------------------------------------------

SQLALCHEMY_TYPES = {
    "VARCHAR": sa.String,
    "BIGINT": sa.BIGINT,
    "INTEGER": sa.INTEGER,
    "DOUBLE": sa.DOUBLE,
    "DECIMAL(18,2)": sa.Numeric,
    "DECIMAL(18,6)": sa.Numeric,
    "DATE": sa.DATE,
    "TIMESTAMP": sa.TIMESTAMP,  # without a time zone
    "BOOLEAN": sa.BOOLEAN,
}


def test_sqlalchemy_reflects_tables_types_and_comments(builds: Builds) -> None:
    def read(file: Path) -> dict[str, sa.Table]:
        with connected(file) as connection:
            schemas = sa.inspect(connection).get_schema_names()
            assert {"warehouse.marts", "warehouse.semantic"} <= set(schemas)
            metadata = sa.MetaData(schema="marts")
            metadata.reflect(connection)
            return dict(metadata.tables)

    tables, version = builds.read(read)
    with opened(version) as connection:
        comments = connection.sql(
            """
            select 'marts.' || table_name, comment
            from duckdb_tables()
            where schema_name = 'marts'
            """
        ).fetchall()
        columns = connection.sql(
            """
            select 'marts.' || table_name, column_name, comment, data_type
            from duckdb_columns()
            where schema_name = 'marts'
            order by table_name, column_index
            """
        ).fetchall()
    assert all(comment for _, comment in comments) and all(comment for *_, comment, _ in columns)
    assert {name: table.comment for name, table in tables.items()} == dict(comments)
    assert [
        (name, column.name, column.comment) for name in sorted(tables) for column in tables[name].c
    ] == [column[:3] for column in columns]
    for table, name, _, kind in columns:
        found = tables[table].c[name].type
        assert isinstance(found, SQLALCHEMY_TYPES[kind]), f"{table}.{name}"
        if isinstance(found, sa.Numeric) and kind.startswith("DECIMAL"):
            assert kind == f"DECIMAL({found.precision},{found.scale})"
        assert not getattr(found, "timezone", False)


def test_sqlalchemy_finds_keys_that_lead_from_a_fact_to_each_dimension_once(builds: Builds) -> None:
    """Each mart has a primary key; what refers to a dimension refers to no other mart."""

    def read(file: Path) -> tuple[dict, dict]:
        with connected(file) as connection:
            inspector = sa.inspect(connection)
            names = inspector.get_table_names(schema="marts")
            return (
                {name: inspector.get_pk_constraint(name, "marts") for name in names},
                {name: inspector.get_foreign_keys(name, "marts") for name in names},
            )

    (primary, foreign), version = builds.read(read)
    columns = {name: key["constrained_columns"] for name, key in primary.items()}
    assert [name for name, key in columns.items() if not key] == ["warehouse_build"]  # of one row
    assert columns["fct_performance_daily"] == ["asset_id", "experiment_key", "recorded_date"]
    assert not any(foreign[name] for name in foreign if name.startswith("dim_"))
    led = {
        (name, *key["constrained_columns"], key["referred_table"], *key["referred_columns"])
        for name, keys in foreign.items()
        for key in keys
    }
    assert {table for *_, table, _ in led} == {name for name in columns if name.startswith("dim_")}
    # A column that is named as a dimension's key leads there, but where records of the past are.
    with opened(version) as connection:
        named = connection.sql(
            """
            select table_name, column_name
            from duckdb_columns()
            where schema_name = 'marts'
                and table_name not like 'dim_%'
                and table_name not in ('contract_violations', 'status_history', 'what_changed')
                and regexp_matches(
                    column_name,
                    '^(from_|to_)?(campaign|segment|channel|asset)_id$|^experiment_key$'
                )
            """
        ).fetchall()
    assert set(named) <= {key[:2] for key in led}
    assert len(named) > 50


# ---- Nobody writes ---------------------------------------------------------------------------


def refused_by_duckdb(file: Path, statement: str) -> str:
    with opened(file) as connection, pytest.raises(duckdb.Error) as error:
        connection.execute(statement)
    return str(error.value)


def refused_by_sqlalchemy(file: Path, statement: str) -> str:
    with connected(file) as connection, pytest.raises(sa.exc.DBAPIError) as error:
        connection.execute(sa.text(statement))
    return str(error.value)


def refused_by_the_command_line(file: Path, statement: str) -> str:
    result = command_line(file, statement)
    assert result.returncode != 0
    return result.stderr


@contextmanager
def semantics(folder: Path) -> Iterator[Semantics]:
    """Start MetricFlow as `DBT_TARGET=published mf` does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("DBT_TARGET", "published")
        patch.setenv("DBT_LOG_LEVEL_FILE", "none")
        try:
            yield Semantics(folder)
        finally:
            DuckDBConnectionManager.close_all_connections()


def refused_by_metricflow(file: Path, statement: str) -> str:
    with semantics(file.parent) as metricflow, pytest.raises(Exception) as error:
        metricflow.configuration.sql_client.execute(statement)
    return str(error.value)


REFUSALS = {
    "duckdb": (refused_by_duckdb, WRITES),
    "SQLAlchemy": (refused_by_sqlalchemy, WRITES),
    "command line": (refused_by_the_command_line, WRITES),
    "MetricFlow": (refused_by_metricflow, WRITES[:1]),  # it takes seconds to start
}


@pytest.mark.parametrize("client", REFUSALS)
def test_writes_are_refused(client: str, builds: Builds) -> None:
    refused, statements = REFUSALS[client]

    def write(file: Path) -> bytes:
        before = file.read_bytes()
        for statement in statements:
            assert REFUSED in refused(file, statement), statement
        return before

    before, version = builds.read(write)
    assert version.read_bytes() == before


# ---- MetricFlow ------------------------------------------------------------------------------


@pytest.mark.long
def test_metricflow_answers_what_the_marts_say(builds: Builds, tmp_path: Path) -> None:
    def query(file: Path) -> None:
        result = subprocess.run(
            [
                *(PROGRAMS / "mf", "query", "--metrics", "spend,clicks"),
                *("--group-by", "channel__platform", "--csv", tmp_path / "answer.csv"),
            ],
            cwd=file.parent,
            env=os.environ | {"DBT_TARGET": "published"},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr

    _, version = builds.read(query)
    with (tmp_path / "answer.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["channel__platform", "spend", "clicks"]
    with opened(version) as connection:
        expected = connection.sql(
            """
            select platform, sum(spend), sum(clicks)
            from marts.fct_performance_daily
            inner join marts.dim_channels using (channel_id)
            group by platform
            """
        ).fetchall()
    assert {(name, Decimal(spend), int(clicks)) for name, spend, clicks in rows} == set(expected)
    assert len(rows) == 4
