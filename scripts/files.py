"""Replace files so that neither a kill nor a crash leaves half of one under its name.

What is new is written to a temporary file beside its target, since a rename is only atomic within
one file system, and renamed once it is on disk.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def temporary_beside(target: Path) -> Path:
    """Return where this process writes what is to replace a file."""
    return target.with_name(f".{target.name}.{os.getpid()}.tmp")


def remove_leftovers(target: Path) -> None:
    """Remove what processes that were killed have left beside a target."""
    for file in target.parent.glob(f".{target.name}.*.tmp"):
        try:
            os.kill(int(file.name.split(".")[-2]), 0)  # signal 0 only asks whether it lives
        except ProcessLookupError:
            file.unlink(missing_ok=True)
        except (ValueError, OverflowError, PermissionError):
            pass


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
