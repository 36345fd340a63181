"""Check that files are complete: DuckDB may read a truncated file without an error.

In a .zst file only the compressed data are checked, not whether an array in them ends after a
comma: Python can't decompress it before version 3.14.
"""

import gzip
import os
import zlib
from typing import BinaryIO

from warehouse.lake.landing import LandingFile
from warehouse.lake.places import opened
from warehouse.seeds.json_text import wrong_encoding

CHUNK = 1 << 20  # bytes
BLANK = b" \t\r\n"
FRAME, SKIPPABLE = 0xFD2FB528, 0x184D2A5  # magic numbers of zstd; the latter without four bits


class DamagedError(Exception):
    """Compressed data can't be read; the message has the reason."""


def wrong_ending(landed: LandingFile) -> str | None:
    """Return the problem with a file's end, None if there is none."""
    try:
        with opened(landed.path) as file:
            return wrong_ending_in(landed.name, file)
    except OSError as error:
        return f"the file can't be read: {error.strerror or error}"


def wrong_ending_in(name: str, file: BinaryIO) -> str | None:
    """Return the problem with the end of a file, which is open at its beginning."""
    try:
        if name.endswith(".zst"):
            pass_frames(file)
            return None
        if name.endswith(".gz"):
            end = end_of(gzip.GzipFile(fileobj=file))
            if not file.tell():  # which gzip reads as the end of a file
                raise EOFError
        else:
            end, start = b"", file.seek(0, os.SEEK_END)
            while start and not end:  # there may be many blanks
                start = max(start - CHUNK, 0)
                file.seek(start)
                end = file.read(CHUNK).rstrip(BLANK)[-4:]
    except EOFError:
        return "expected compressed data, found data that are cut off"
    except (gzip.BadGzipFile, zlib.error, DamagedError) as error:
        return f"expected compressed data, found damaged data: {error}"
    if name.endswith(".parquet") and not end.endswith((b"PAR1", b"PARE")):
        return "expected Parquet, found no footer at its end; is the file cut off?"
    if name.endswith((".json", ".json.gz")) and not end.endswith(b"]"):
        file.seek(0)
        start = (gzip.GzipFile(fileobj=file) if name.endswith(".gz") else file).read(4)
        if start.strip(b"\0") and (wrong := wrong_encoding(start)):
            return wrong
        found = "no ] at its end; is the file cut off?" if end else "an empty file"
        return f"expected a JSON array, found {found}"
    return None


def end_of(file: gzip.GzipFile) -> bytes:
    """Unpack a file to its end; return its last bytes that aren't blank.

    Raises:
        EOFError: Compressed data are truncated.
        gzip.BadGzipFile, zlib.error: Compressed data are damaged, or followed by something else.

    """
    end = b""
    while chunk := file.read(CHUNK):
        end = (end + chunk).rstrip(BLANK)[-4:]
    return end


def pass_frames(file: BinaryIO) -> None:
    """Go from block to block of a .zst file by their lengths (RFC 8878).

    Raises:
        EOFError: The file is truncated.
        DamagedError: There is something else in the place of a block.

    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)

    def number(length: int) -> int:
        data = file.read(length)
        if len(data) < length:
            raise EOFError
        return int.from_bytes(data, "little")

    def skip(length: int) -> None:
        if file.seek(length, os.SEEK_CUR) > size:
            raise EOFError

    while True:
        magic = number(4)
        if magic >> 4 == SKIPPABLE:
            skip(number(4))
        elif magic == FRAME:
            described = number(1)
            is_one_segment = described >> 5 & 1
            skip((0, 1, 2, 4)[described & 3] + (is_one_segment, 2, 4, 8)[described >> 6])
            skip(1 - is_one_segment)
            is_last = 0
            while not is_last:
                header = number(3)
                is_last, kind, length = header & 1, header >> 1 & 3, header >> 3
                skip(1 if kind == 1 else length)
            skip(4 * (described >> 2 & 1))  # its checksum
        else:
            raise DamagedError("no zstd frame where one should begin")
        if file.tell() == size:
            return
