"""Replace files and folders so that neither a kill nor a crash leaves half of one under its name.

What is new is written to a temporary one beside its target, since a rename is only atomic within
one file system, and renamed once it is on disk.
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

# DuckDB's words, of which some name the file and some don't.
DAMAGE = re.compile(
    "No magic bytes|TProtocolException|[Dd]ecompression failure|Failed to read file .*\\.parquet"
)


def remedy(message: str) -> str:
    """Return what to do about the system's error, or the damage, that a message tells of, or ""."""
    for code, advice in REMEDIES.items():
        if os.strerror(code) in message:
            return advice
    if DAMAGE.search(message):
        return "A file is damaged: have it written again, or take it out, and build again."
    return ""


def temporary_beside(target: Path) -> Path:
    """Return where this process writes what is to replace a file or a folder."""
    return target.with_name(f".{target.name}.{os.getpid()}.tmp")


def remove_leftovers(target: Path) -> None:
    """Remove what was left beside a target by processes that were killed, DuckDB's logs too.

    Whoever holds the project's lock is the only one who writes: no other's file is in use.
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
    """Put a folder in a target's place; the target's content, if it has any, takes the other's.

    A rename doesn't replace a folder that holds something, but Linux can exchange the two. Where
    it can't, a kill between the two renames leaves nothing under the target's name.
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
    """Give each of two folders the other's name, in one step; tell whether the system could."""
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
    """Return once the names in a folder are on disk, where the file system can tell."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
