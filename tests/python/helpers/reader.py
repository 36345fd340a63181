"""Read all that is published, again and again: a process of test_reliability.

`reader.py FILE reopen` opens the file anew each time, `reader.py FILE stay` once. It ends with its
standard input, and prints how often it read which version. Whatever goes wrong ends it in red.
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
    """Return what identifies a published version; every value of every mart is read for it."""
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
    """Open a database file as those who query it do."""
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
