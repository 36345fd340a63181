"""Locks: one build at a time in a project, one writer at a time of a database file."""

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import duckdb

from warehouse.system.errors import WarehouseError
from warehouse.system.files import WRITABLE

LOCK_FILE = ".build.lock"
REVIEW_LOCK_FILE = ".review.lock"
WAIT_VARIABLE = "BUILD_WAIT_SECONDS"  # in the environment; how long to wait for another build
WAIT_SECONDS = 60.0
SECONDS_BETWEEN_TRIES = 0.2


class LockError(WarehouseError):
    """Another process has the lock, or it can't be taken; the message has who, or the reason."""


def wait_seconds() -> float:
    """Return the seconds to wait for another build."""
    try:
        return max(0.0, float(os.environ.get(WAIT_VARIABLE) or WAIT_SECONDS))
    except ValueError:
        given = os.environ[WAIT_VARIABLE]
        raise LockError(f"{WAIT_VARIABLE} is {given!r}. It is a number of seconds.") from None


@contextmanager
def sole_build(project: Path) -> Iterator[int]:
    """Hold the lock for converting, building and publishing in a project.

    It is the system's lock, which is free again however its holder ends. Yields its file
    descriptor; a process that inherits it keeps the lock for as long as it lives.

    Raises:
        LockError: Another build is still running after the wait.

    """
    try:
        file = (project / LOCK_FILE).open("a+", encoding="utf-8", errors="replace")
    except OSError as error:
        raise LockError(f"{LOCK_FILE} can't be written: {error.strerror}. {WRITABLE}") from None
    with file:
        seconds = wait_seconds()
        for waited in tries(seconds):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                file.seek(0)
                other = file.read().strip() or "just started"
            except OSError as error:
                raise LockError(f"{LOCK_FILE} can't be locked: {error.strerror}.") from None
            if not waited and seconds:
                print(
                    f"Another build is running ({other}): waiting up to {seconds:g} s.", flush=True
                )
        else:
            reason = f"Another build is running ({other}), and was waited for {seconds:g} s."
            raise LockError(f"{reason} Let it end, and try again.")
        sign(file.fileno(), f"PID {os.getpid()}")
        yield file.fileno()


@contextmanager
def sole_export(parent: Path) -> Iterator[None]:
    """Hold the lock for exporting into a folder in this one; builds aren't affected.

    The folder itself is locked, so that no lock file is left.

    Raises:
        LockError: Another export is running, or the folder can't be locked.

    """
    try:
        descriptor = os.open(parent, os.O_RDONLY)
    except OSError as error:
        raise LockError(f"The folder {parent} can't be opened: {error.strerror}.") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockError("Another export is running. Let it end, and try again.") from None
        except OSError as error:
            reason = f"The folder {parent} can't be locked: {error.strerror}."
            raise LockError(reason) from None
        yield
    finally:
        os.close(descriptor)


@contextmanager
def sole_review(folder: Path) -> Iterator[None]:
    """Hold the lock for writing a review in a folder, after waiting for others.

    Raises:
        LockError: The lock can't be taken.

    """
    try:
        file = (folder / REVIEW_LOCK_FILE).open("a", encoding="utf-8")
    except OSError as error:
        raise LockError(f"{REVIEW_LOCK_FILE} can't be written: {error.strerror}.") from None
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_interruption(error: BaseException) -> bool:
    """Return whether an error is Ctrl-C, which DuckDB turns into its own error within a query."""
    return isinstance(error.__cause__ or error, KeyboardInterrupt)


def sign(lock: int, holder: str) -> None:
    """Write the holder of a lock and its start, for those who wait."""
    with suppress(OSError):  # on a full disk the lock works all the same
        os.truncate(lock, 0)
        os.write(lock, f"{holder}, since {datetime.now():%H:%M:%S}".encode())


def tries(seconds: float) -> Iterator[bool]:
    """Yield at once, then repeatedly for some seconds; the value is whether it has waited."""
    end = time.monotonic() + seconds
    yield False
    while time.monotonic() < end:
        time.sleep(SECONDS_BETWEEN_TRIES)
        yield True


def holder_of(error: duckdb.Error) -> str | None:
    """Return the process that keeps a database file from being opened; None if there is none."""
    message = str(error).splitlines()[0]
    holder = re.search(r"held in (.+? \(PID \d+\))", message)
    if holder:
        return holder[1]
    signs = ("Could not set lock", "already attached", "different configuration")
    is_locked = any(sign in message for sign in signs)
    return f"another connection ({message})" if is_locked else None
