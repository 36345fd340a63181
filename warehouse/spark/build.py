"""Convert, and build and test on Spark: what `make spark-build` runs.

Arguments go to `dbt build`. The server is the one that the profile names; by default that is the
cluster of `make spark-up`.
"""

import time

from warehouse.build.build import built, given_variables, prepared, with_variables
from warehouse.build.summary import print_entry, tests_summary
from warehouse.dbt.run import LOG
from warehouse.explain.ci import tell_ci
from warehouse.explain.explanation import explain
from warehouse.lake.ingest import LAKE
from warehouse.spark.server import TARGET, Server
from warehouse.system.errors import ExitCode, WarehouseError
from warehouse.system.paths import PROJECT


def build(arguments: list[str], lock: int, landing: str | None = None) -> ExitCode:
    """Run every step; return how all ended.

    Args:
        arguments: What `dbt build` gets.
        lock: File descriptor of the lock on the project.
        landing: Folder whose files are ingested first; without it, the JSON is converted.

    """
    started = time.monotonic()
    with Server(PROJECT) as server:
        if server.problem:
            place = f"{server.credentials.host}:{server.credentials.port}"
            raise WarehouseError(
                f"No Thrift server answers at {place} ({server.problem}). Start one here with"
                " `make spark-up`, or say where yours is:"
                " export DBT_SPARK_HOST=... DBT_SPARK_PORT=..."
            )
        schemas = server.credentials.schema
    if landing:
        # A server isn't where this runs.
        lake = given_variables(arguments).get("lake_path", str(LAKE))
        arguments = with_variables(arguments, {"raw": "lake", "lake_path": lake})
    source = prepared(arguments, landing)
    results, lost, dbt_exit_code = built(["--target", TARGET, *arguments], lock)
    explanation = explain(PROJECT, Server, lost)
    if explanation.failures:
        print("", explanation, sep="\n")
    print()
    print_entry("In", source)
    print_entry("Out", f"{schemas}_marts, {schemas}_semantic")
    print_entry("Tests", tests_summary(results))
    print_entry("Took", f"{time.monotonic() - started:.1f} s")
    exit_code = explanation.exit_code
    if dbt_exit_code:
        print(f"\nNot green. {LOG}")
        exit_code = exit_code or ExitCode.COULD_NOT_RUN
    tell_ci(explanation, f"Not green. {LOG}" if exit_code else "Built.")
    return exit_code
