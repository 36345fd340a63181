"""Convert, and build and test on Spark: what `make spark-build` runs.

Arguments go to `dbt build`. The cluster is whichever DBT_SPARK_HOST and DBT_SPARK_PORT name.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from build import DATA_ONLY, given_variables
from files import remedy
from json_to_seeds import ConversionError, convert
from spark_cluster import HOST, PORT


def main(arguments: list[str]) -> int:
    """Run every step; return the exit code."""
    host = os.environ.get("DBT_SPARK_HOST") or HOST
    try:
        socket.create_connection((host, PORT), timeout=10).close()
    except OSError as error:
        print(
            f"No Thrift server answers at {host}:{PORT} ({error}). Start one here with"
            " `make spark-up`, or say where yours is: export DBT_SPARK_HOST=... DBT_SPARK_PORT=...",
            file=sys.stderr,
        )
        return 1
    if given_variables(arguments).get("raw", "seeds") == "seeds":
        try:
            print(f"Converted {convert()}.", flush=True)
        except ConversionError as error:
            print(error, *filter(None, [remedy(str(error))]), sep="\n", file=sys.stderr)
            return 1
    dbt = Path(sys.executable).with_name("dbt")
    command = [dbt, "build", "--target", "spark", *DATA_ONLY, *arguments]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
