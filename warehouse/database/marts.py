"""What the marts in a file hold."""

from dataclasses import dataclass

import duckdb

from warehouse.database.opening import CATALOG, quoted

PUBLIC_SCHEMAS = ("marts", "semantic")  # the rest is how the marts came about
# Order-free: the sum, modulo 2^64, of a hash of each row; equal rows count. The dbt macro
# `fingerprint` takes that of an input in the same way.
FINGERPRINT = """
    printf('%016x', cast(coalesce(sum(hash(hashed, 1)), 0) % 18446744073709551616 as ubigint))
"""


@dataclass(frozen=True)
class Marts:
    """What the marts hold: rows and fingerprint of each, and the time as of which they are."""

    rows: dict[str, int]
    fingerprints: dict[str, str]
    as_of: str

    def __str__(self) -> str:
        return f"{len(self.rows)} marts, {sum(self.rows.values()):,} rows"


def public_relations(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Return schema and name of what is published."""
    schemas = ", ".join(map(quoted, PUBLIC_SCHEMAS))
    return connection.sql(
        f"""
        select table_schema, table_name
        from information_schema.tables
        where table_catalog = '{CATALOG}' and table_schema in ({schemas})
        order by all
        """
    ).fetchall()


def read_marts(connection: duckdb.DuckDBPyConnection, catalog: str) -> Marts:
    """Return what the marts in an attached file hold, which are those of `warehouse`.

    Raises:
        duckdb.Error: They can't be read.
        LookupError: What they were made from isn't said.

    """
    names = [name for schema, name in public_relations(connection) if schema == "marts"]
    rows, fingerprints = {}, {}
    for name in names:
        query = f'select count(*), {FINGERPRINT} from {catalog}.marts."{name}" as hashed'
        rows[name], fingerprints[name] = connection.sql(query).fetchall()[0]
    return Marts(rows, fingerprints, as_of_in(connection, catalog))


def as_of_in(connection: duckdb.DuckDBPyConnection, catalog: str) -> str:
    """Return as of when the marts in an attached file are; raise as `read_marts` does."""
    return connection.sql(
        f"""
        select
            coalesce(cast(as_of as varchar), 'no event at all')
            || case when covers_all_events then '' else ', later events left out' end
        from {catalog}.marts.warehouse_build
        """
    ).fetchall()[0][0]
