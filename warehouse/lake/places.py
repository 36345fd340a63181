"""The place of a landing folder or a lake: a folder, or an address such as s3://bucket/lake.

fsspec reads addresses, of any store that it knows. It is configured by the environment
(FSSPEC_S3_KEY) or in ~/.config/fsspec.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import duckdb

from warehouse.lake.errors import IngestError
from warehouse.system.files import sync_folder, temporary_beside, write_synced

# Keys of a store's listing that change with a file's content: a checksum, or else a time.
CHECKSUMS = ("ETag", "etag", "md5Hash", "content_md5")
MARKS = (*CHECKSUMS, "LastModified", "last_modified", "updated", "mtime", "created")


class Folder:
    """A folder of this machine."""

    def __init__(self, path: Path) -> None:
        self.root = str(path)

    def __str__(self) -> str:
        return self.root

    def holds(self, other: "Place") -> bool:
        """Return whether another place is this one, or inside it."""
        return isinstance(other, Folder) and Path(other.root).resolve().is_relative_to(
            Path(self.root).resolve()
        )

    def register(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let DuckDB read this place; folders need nothing."""

    @contextmanager
    def workshop(self) -> Iterator[Path]:
        """Yield the folder for files that are to be put here: this folder."""
        Path(self.root).mkdir(parents=True, exist_ok=True)
        yield Path(self.root)

    def path(self, name: str) -> str:
        """Return DuckDB's path of the file of a name below here."""
        return str(Path(self.root, name))

    def versions(self) -> Iterator[tuple[str, str | None]]:
        """Yield each file's name, and a version that changes with its content; None if it is gone.

        Raises:
            IngestError: A link leads back to a folder above it.

        """
        for name in names_below(self.root):
            version = None
            with suppress(OSError):  # a broken link
                status = Path(self.root, name).stat()
                version = f"{status.st_size}-{status.st_mtime_ns}"
            yield name, version

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading bytes."""
        return Path(self.root, name).open("rb")

    def put(self, file: Path, name: str) -> None:
        """Copy a file to a name below here, unless it has been written there."""

    def replace(self, name: str, data: bytes) -> None:
        """Replace the content of a file in one step."""
        target = Path(self.root, name)
        temporary = temporary_beside(target)
        write_synced(temporary, data)
        temporary.replace(target)
        sync_folder(target.parent)

    def remove(self, name: str) -> None:
        """Remove a file."""
        Path(self.root, name).unlink()


class Store:
    """The files below an address of a store."""

    def __init__(self, address: str) -> None:
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            what_to_do = "an address is read by fsspec: `python -m pip install fsspec`."
            raise IngestError([f"{address}: {what_to_do}"]) from None
        self.address = address.rstrip("/")
        with self.in_sentences():
            self.files, self.root = url_to_fs(self.address)

    def __str__(self) -> str:
        return self.address

    @contextmanager
    def in_sentences(self) -> Iterator[None]:
        """Name the address in errors."""
        try:
            yield
        except FileNotFoundError:
            raise
        except (ImportError, ValueError, OSError) as error:  # ImportError: a package to install
            raise IngestError([f"{self.address}: {error}"]) from None

    def holds(self, other: "Place") -> bool:
        """Return whether another place is this one, or inside it."""
        return isinstance(other, Store) and f"{other.address}/".startswith(f"{self.address}/")

    def register(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let DuckDB read this place."""
        with suppress(duckdb.InvalidInputException):  # already registered
            connection.register_filesystem(self.files)

    @contextmanager
    def workshop(self) -> Iterator[Path]:
        """Yield the folder for files that are to be put here: a temporary one."""
        with TemporaryDirectory(prefix="warehouse-") as folder:
            yield Path(folder)

    def path(self, name: str) -> str:
        """Return DuckDB's path of the file of a name below here."""
        return self.files.unstrip_protocol(f"{self.root}/{name}")

    def versions(self) -> Iterator[tuple[str, str | None]]:
        """Yield each file's name and its version, which changes with its content."""
        self.files.invalidate_cache()
        with self.in_sentences():
            found = self.files.find(self.root, detail=True)
        for path, about in found.items():
            mark = next((about[mark] for mark in MARKS if about.get(mark)), "")
            yield path.removeprefix(self.root).lstrip("/"), f"{about['size']}-{mark}"

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading bytes."""
        return self.files.open(f"{self.root}/{name}", "rb")

    def put(self, file: Path, name: str) -> None:
        """Copy a file to a name below here."""
        with self.in_sentences():
            self.files.put_file(str(file), f"{self.root}/{name}")

    def replace(self, name: str, data: bytes) -> None:
        """Replace the content of a file."""
        with self.in_sentences():
            self.files.pipe_file(f"{self.root}/{name}", data)

    def remove(self, name: str) -> None:
        """Remove a file."""
        with self.in_sentences():
            self.files.rm_file(f"{self.root}/{name}")


Place = Folder | Store


def place(where: str | Path | Place) -> Place:
    """Return the folder or the store of a path or an address.

    Raises:
        IngestError: fsspec doesn't know the store, or lacks the package for it.

    """
    if isinstance(where, Place):
        return where
    path = re.sub("^file:(//)?", "", str(where))
    return Store(path) if "://" in path else Folder(Path(path))


def names_below(folder: str, prefix: str = "", above: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the names of the files below a folder, each with its parent folders."""
    above = (*above, os.path.realpath(folder))
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        name = prefix + entry.name
        if not entry.is_dir():
            yield name
        elif os.path.realpath(entry.path) in above:
            raise IngestError([f"{name}: a link to a folder that it lies in; remove it."])
        else:
            yield from names_below(entry.path, f"{name}/", above)


def opened(path: str) -> BinaryIO:
    """Open a file by DuckDB's path, for reading bytes."""
    folder, _, name = path.rpartition("/")
    return place(folder).open(name)
