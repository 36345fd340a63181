"""Build on Spark, and read what was built there."""

from importlib.util import find_spec

from warehouse.system.errors import WarehouseError

try:
    installed = find_spec("dbt.adapters.spark")
except ModuleNotFoundError:  # nor is the dbt that it belongs to
    installed = None
if not installed:
    raise WarehouseError("What speaks to Spark is not installed here: `make spark-up` installs it.")
