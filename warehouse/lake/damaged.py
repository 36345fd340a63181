"""Find the files that can't be read, after reading them all at once has failed."""

import codecs
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

FAILURES = (duckdb.Error, UnicodeDecodeError)  # what DuckDB quotes of a file may not be UTF-8
PLACE = re.compile(r", at byte \d+ in record/value \d+")  # counts no record that anyone could find


def damaged(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, files: list[LandingFile]
) -> list[tuple[str, str]]:
    """Return the names of the first files that can't be read, each with the reason.

    DuckDB doesn't always name the file, so files are read again, one by one.
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
    """Return DuckDB's message without the kind of error at its start."""
    if isinstance(error, UnicodeDecodeError):
        return "expected UTF-8, found other bytes"
    words = str(error).partition("Error: ")[2].strip() or str(error)
    return PLACE.sub("", words.partition("\n")[0])


def wrong_array(file: LandingFile) -> str | None:
    """Return the converter's message for a file of an array, None if it finds nothing.

    It names line and column. For files too large for the converter, only the encoding is checked
    here: in a file with several faults, the one that DuckDB names depends on its threads.
    """
    if file.format != "json" or file.name.endswith(".zst"):
        return None
    with opened(file.path) as stored:
        unpacked = gzip.GzipFile(fileobj=stored) if file.name.endswith(".gz") else stored
        data = unpacked.read(MAX_BYTES + 1)
    try:
        if len(data) <= MAX_BYTES:
            records_in(data)
        else:
            codecs.getincrementaldecoder("utf-8")().decode(data)  # which may end within a character
    except FileError as error:
        return str(error)
    except UnicodeDecodeError as error:
        return f"can't be read: {reason(error)}"
    return None
