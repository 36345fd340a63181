"""Build on Spark, and read what was built there."""

from importlib.util import find_spec

from warehouse.system.errors import WarehouseError

if not find_spec("dbt.adapters.spark"):
    raise WarehouseError("What speaks to Spark is not installed here: `make spark-up` installs it.")
