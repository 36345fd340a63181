"""Which files can't be read, and why, where reading them all at once has failed."""

import gzip
import re

import duckdb

from warehouse.lake import rows
from warehouse.lake.errors import SHOWN, Problems
from warehouse.lake.landing import LandingFile
from warehouse.lake.places import opened
from warehouse.seeds.declaration import Dataset
from warehouse.seeds.errors import FileError
from warehouse.seeds.json_text import MAX_BYTES, records_in

FAILURES = (duckdb.Error, UnicodeDecodeError)  # what DuckDB quotes of a file may be no UTF-8
PLACE = re.compile(r", at byte \d+ in record/value \d+")  # of no record that anyone would count


def damaged(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, files: list[LandingFile]
) -> list[tuple[str, str]]:
    """Return the names of the first files that can't be read, each with the reason.

    DuckDB doesn't always say which file it was, so that they are read again, one by one.
    """
    found: list[tuple[str, str]] = []
    for file in files:
        if len(found) == SHOWN:
            break
        try:
            for query in rows.queries(connection, dataset, [file], Problems()):
                connection.execute(f"select bit_xor(hash(found)) from ({query}) as found")
        except FAILURES as error:
            words = reason(error).replace(file.path, file.name)
            found.append((file.name, wrong_array(file) or f"can't be read: {words}"))
    return found


def reason(error: Exception) -> str:
    """Return what DuckDB says, without the kind of error that it begins with."""
    if isinstance(error, UnicodeDecodeError):
        return "expected UTF-8, found other bytes"
    return PLACE.sub("", str(error).partition("\n")[0].partition("Error: ")[2].strip())


def wrong_array(file: LandingFile) -> str | None:
    """Return what the converter says of a file of an array, None where that is nothing.

    It knows the line and the column; what is too large for it is DuckDB's alone.
    """
    if file.format != "json" or file.name.endswith(".zst"):
        return None
    with opened(file.path) as stored:
        unpacked = gzip.GzipFile(fileobj=stored) if file.name.endswith(".gz") else stored
        data = unpacked.read(MAX_BYTES + 1)
    try:
        if len(data) <= MAX_BYTES:
            records_in(data)
    except FileError as error:
        return str(error)
    return None
