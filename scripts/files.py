"""Replace files so that neither a kill nor a crash leaves half of one under its name.

What is new is written to a temporary file beside its target, since a rename is only atomic within
one file system, and renamed once it is on disk.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

WRITABLE = "A build needs a folder that it can write to."
REMEDIES = {
    errno.ENOSPC: "Make room on the disk, and try again.",
    errno.EDQUOT: "Make room on the disk, and try again.",
    errno.EFBIG: "Raise the limit on the size of a file (`ulimit -f`), and try again.",
    errno.EROFS: WRITABLE,
    errno.EACCES: WRITABLE,
    errno.EPERM: WRITABLE,
}


def remedy(message: str) -> str:
    """Return what to do about the system's error that a message tells of; "" for any other."""
    return next((REMEDIES[code] for code in REMEDIES if os.strerror(code) in message), "")


def temporary_beside(target: Path) -> Path:
    """Return where this process writes what is to replace a file."""
    return target.with_name(f".{target.name}.{os.getpid()}.tmp")


def remove_leftovers(target: Path) -> None:
    """Remove what was left beside a target by processes that were killed, DuckDB's logs too.

    Whoever holds the project's lock is the only one who writes: no other's file is in use.
    """
    for file in target.parent.glob(f".{target.name}.*.tmp*"):
        file.unlink(missing_ok=True)


def write_synced(path: Path, data: bytes) -> None:
    """Write a file, and return once it is on disk."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Return once the names in a folder are on disk, where the file system can tell."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
