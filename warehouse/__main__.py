"""`python -m warehouse` is the same as `warehouse`."""

from warehouse.cli import main

main(prog_name="warehouse")
