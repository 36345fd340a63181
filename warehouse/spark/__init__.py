"""Build on Spark, and read the build."""

from importlib.util import find_spec

from warehouse.system.errors import WarehouseError

try:
    installed = find_spec("dbt.adapters.spark")
except ModuleNotFoundError:  # and dbt's adapter for Spark is missing too
    installed = None
if not installed:
    raise WarehouseError("What speaks to Spark is not installed here: `make spark-up` installs it.")
