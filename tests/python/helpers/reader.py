"""Read the published file repeatedly: a process of test_reliability.

`reader.py FILE reopen` opens the file anew each time, `reader.py FILE stay` once. It ends with its
standard input, and prints the number of reads per version. Any error makes it fail.
"""

import json
import select
import sys
from collections import Counter
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import duckdb

from warehouse.database.marts import FINGERPRINT

SECONDS_BETWEEN_READS = 0.05  # builds need the processor too


def version_of(connection: duckdb.DuckDBPyConnection) -> str:
    """Return the id of a published version, after reading every value of every mart."""
    marts = connection.sql(
        "select table_name from duckdb_tables() where schema_name = 'marts' order by all"
    ).fetchall()
    assert marts, "nothing is published"
    parts = []
    for (name,) in marts:
        query = f'select count(*), {FINGERPRINT} from marts."{name}" as hashed'
        parts.append((name, *connection.sql(query).fetchall()[0]))
    return sha256(repr(parts).encode()).hexdigest()[:16]


@contextmanager
def opened(file: str | Path):
    """Open a database file as its readers do."""
    with duckdb.connect(str(file), read_only=True, config={"threads": 1}) as connection:
        yield connection


def main(file: str, how: str) -> None:
    """Read until there is no standard input any more."""
    reads: Counter[str] = Counter()

    def has_ended() -> bool:
        return bool(select.select([sys.stdin], [], [], SECONDS_BETWEEN_READS)[0])

    if how == "stay":
        with opened(file) as connection:
            while not (reads and has_ended()):
                reads[version_of(connection)] += 1
                if reads.total() == 1:
                    print("reading", flush=True)
    else:
        while not (reads and has_ended()):
            with opened(file) as connection:
                reads[version_of(connection)] += 1
            if reads.total() == 1:
                print("reading", flush=True)
    print(json.dumps(reads))


if __name__ == "__main__":
    main(*sys.argv[1:])
