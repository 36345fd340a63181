"""The contents of the marts in a file."""

from dataclasses import dataclass

import duckdb

from warehouse.database.opening import CATALOG, quoted

PUBLIC_SCHEMAS = ("marts", "semantic")  # the other schemas are internal
# The sum, modulo 2^64, of a hash of each row: independent of their order, and equal rows count. The
# dbt macro `fingerprint` computes it the same way for an input.
FINGERPRINT = """
    printf('%016x', cast(coalesce(sum(hash(hashed, 1)), 0) % 18446744073709551616 as ubigint))
"""


@dataclass(frozen=True)
class Marts:
    """Rows and fingerprint of each mart, and the as-of of all."""

    rows: dict[str, int]
    fingerprints: dict[str, str]
    as_of: str

    def __str__(self) -> str:
        return f"{len(self.rows)} marts, {sum(self.rows.values()):,} rows"


def public_relations(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Return schema and name of each published table."""
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
    """Return the contents of the marts in the attached database `warehouse`.

    Raises:
        duckdb.Error: They can't be read.
        LookupError: The file has no record of their input.

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
