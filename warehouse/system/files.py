"""Replace files and folders atomically: a kill or a crash leaves no incomplete one.

A new file or folder is written beside its target, since a rename is only atomic within one file
system, and renamed once it is on disk.
"""

import ctypes
import errno
import os
import re
import shutil
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

# DuckDB's messages, some with the file's name and some without.
DAMAGE = re.compile(
    "No magic bytes|TProtocolException|[Dd]ecompression failure|Failed to read file .*\\.parquet"
)


def remedy(message: str) -> str:
    """Return advice for the system's error or the damage in a message, or ""."""
    for code, advice in REMEDIES.items():
        if os.strerror(code) in message:
            return advice
    if DAMAGE.search(message):
        return "A file is damaged: have it written again, or take it out, and build again."
    return ""


def temporary_beside(target: Path) -> Path:
    """Return the temporary path of this process for a new file or folder."""
    return target.with_name(f".{target.name}.{os.getpid()}.tmp")


def remove_leftovers(target: Path) -> None:
    """Remove temporary files that killed processes left beside a target, with DuckDB's logs.

    The holder of the project's lock is the only writer, so none of these is in use.
    """
    ours = re.compile(rf"\.{re.escape(target.name)}\.\d+\.tmp(\..*)?")
    for left in target.parent.iterdir():
        if not ours.fullmatch(left.name):
            continue
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink(missing_ok=True)


def replace_folder(temporary: Path, target: Path) -> None:
    """Put a folder in a target's place; the old target, if any, takes the folder's place.

    A rename can't replace a folder that isn't empty, but Linux can exchange two folders. Where it
    can't, a kill between the two renames leaves nothing under the target's name.
    """
    if not target.exists():
        temporary.rename(target)
    elif not exchanged(temporary, target):
        aside = temporary.with_name(f"{temporary.name}.old")
        target.rename(aside)
        try:
            temporary.rename(target)
        except BaseException:
            aside.rename(target)
            raise
        aside.rename(temporary)
    sync_folder(target.parent)


def exchanged(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; return whether the system could."""
    try:
        rename = ctypes.CDLL(None).renameat2
    except AttributeError:
        return False
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return rename(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0


def write_synced(path: Path, data: bytes) -> None:
    """Write a file, and return once it is on disk."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Return once the names in a folder are on disk, where the file system supports it."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
