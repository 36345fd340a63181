"""Convert, and build and test on Spark: what `make spark-build` runs.

Arguments go to `dbt build`. The server is the one that the profile names; by default that is the
cluster of `make spark-up`.
"""

import sys
import time

from warehouse.build.build import (
    built,
    given_variables,
    is_to_explain,
    prepared,
    with_variables,
)
from warehouse.build.summary import print_entry, tests_summary
from warehouse.dbt.run import LOG
from warehouse.explain.explanation import explain
from warehouse.lake.ingest import LAKE
from warehouse.spark.server import TARGET, Server
from warehouse.system.paths import PROJECT


def build(arguments: list[str], lock: int, landing: str | None = None) -> int:
    """Run every step; return 0 if all is green, else 1.

    Args:
        arguments: Arguments of `dbt build`.
        lock: File descriptor of the lock on the project.
        landing: Folder whose files are ingested first; without it, the JSON is converted.

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
    if landing:
        # A server can be on another machine.
        lake = given_variables(arguments).get("lake_path", str(LAKE))
        arguments = with_variables(arguments, {"raw": "lake", "lake_path": lake})
    source = prepared(arguments, landing)
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
