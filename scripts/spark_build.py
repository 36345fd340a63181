"""Convert, and build and test on Spark: what `make spark-build` runs.

Arguments go to `dbt build`. The server is the one that the profile names; by default that is the
cluster of `make spark-up`.
"""

from __future__ import annotations

import os
import sys
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

from build import LOG, built, is_to_explain, main, prepared, print_entry, tests_summary
from dbt.adapters.contracts.connection import Connection
from dbt.adapters.spark.connections import SparkConnectionManager
from dbt.config.runtime import load_profile
from dbt.flags import set_from_args
from dbt_common.context import set_invocation_context
from explain import Database, DatabaseError, Row, clean, explain
from publish import PROJECT

TARGET = "spark"


class Server(Database):
    """The server that the profile names."""

    def __init__(self, project: Path, _run_id: str = "") -> None:
        super().__init__(project)
        set_invocation_context(os.environ)  # what the profile's env_var reads
        set_from_args(Namespace(PROFILES_DIR=str(project)), None)
        self.credentials = load_profile(str(project), {}, target_override=TARGET).credentials
        self.connection: Any = None
        try:
            opened = SparkConnectionManager.open(Connection("spark", None, self.credentials))
            self.connection = opened.handle
        except Exception as error:  # of dbt's, of Thrift's, of the system's: all are its answer
            self.problem = in_short(error)

    def close(self) -> None:
        """Close the connection."""
        if self.connection:
            self.connection.close()
            self.connection = None

    def fetch(self, query: str) -> list[Row]:
        """Return the rows of a query; raise DatabaseError if there are none to be had."""
        if not self.connection:
            raise DatabaseError(self.problem)
        try:
            cursor = self.connection.cursor()
            cursor.execute(query)
            names = [column[0].split(".")[-1] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        except Exception as error:  # see above
            raise DatabaseError(in_short(error)) from None

    def literal(self, value: object) -> str:
        """Return a value as SQL writes it."""
        if value is None:
            return "null"
        text = str(value).replace("\\", "\\\\").replace("'", "\\'")
        return f"'{text}'"


def in_short(error: Exception) -> str:
    """Return the first line of an error's message."""
    lines = clean(getattr(error, "msg", "") or str(error)).splitlines()
    return lines[0] if lines else type(error).__name__


def build(arguments: list[str], lock: int) -> int:
    """Run every step; return 0 if all is green, else 1.

    Args:
        arguments: What `dbt build` gets.
        lock: File descriptor of the lock on the project.

    """
    started = time.monotonic()
    with Server(PROJECT) as server:
        if server.problem:
            place = f"{server.credentials.host}:{server.credentials.port}"
            print(
                f"No Thrift server answers at {place} ({server.problem}). Start one here with"
                " `make spark-up`, or say where yours is:"
                " export DBT_SPARK_HOST=... DBT_SPARK_PORT=...",
                file=sys.stderr,
            )
            return 1
        schemas = server.credentials.schema
    source = prepared(arguments)
    results, exit_code = built(["--target", TARGET, *arguments], lock) if source else (None, 1)
    if not source or results is None:
        return 1
    if is_to_explain(results):
        print("", explain(PROJECT, Server), sep="\n")
    print()
    print_entry("In", source)
    print_entry("Out", f"{schemas}_marts, {schemas}_semantic")
    print_entry("Tests", tests_summary(results))
    print_entry("Took", f"{time.monotonic() - started:.1f} s")
    if exit_code:
        print(f"\nNot green. {LOG}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(build))
