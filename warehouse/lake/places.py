"""Where a landing folder or a lake is: a folder, or an address such as s3://bucket/lake.

Addresses are fsspec's, of any store that it knows, and set up as fsspec says: by the environment
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

# What a store's listing says of a file that changes with its content: a checksum, or else a time.
CHECKSUMS = ("ETag", "etag", "md5Hash", "content_md5")
MARKS = (*CHECKSUMS, "LastModified", "last_modified", "updated", "mtime", "created")


class Folder:
    """A folder of this machine."""

    def __init__(self, path: Path) -> None:
        self.root = str(path)

    def __str__(self) -> str:
        return self.root

    def holds(self, other: "Place") -> bool:
        """Tell whether another place is this one, or lies in it."""
        return isinstance(other, Folder) and Path(other.root).resolve().is_relative_to(
            Path(self.root).resolve()
        )

    def register(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let DuckDB read what is here; folders it can."""

    @contextmanager
    def workshop(self) -> Iterator[Path]:
        """Give the folder in which files are written that are to be put here: this one."""
        Path(self.root).mkdir(parents=True, exist_ok=True)
        yield Path(self.root)

    def path(self, name: str) -> str:
        """Return what DuckDB calls the file of a name below here."""
        return str(Path(self.root, name))

    def versions(self) -> Iterator[tuple[str, str | None]]:
        """Yield the name of each file, and what changes with its content; None: it isn't there.

        Raises:
            IngestError: A link leads back to a folder that it lies in.

        """
        for name in names_below(self.root):
            version = None
            with suppress(OSError):  # a link that leads nowhere
                status = Path(self.root, name).stat()
                version = f"{status.st_size}-{status.st_mtime_ns}"
            yield name, version

    def open(self, name: str) -> BinaryIO:
        """Open a file to read its bytes."""
        return Path(self.root, name).open("rb")

    def put(self, file: Path, name: str) -> None:
        """Copy a file to a name below here, unless it has been written there."""

    def replace(self, name: str, data: bytes) -> None:
        """Put data in the place of what a file holds, in one step."""
        target = Path(self.root, name)
        temporary = temporary_beside(target)
        write_synced(temporary, data)
        temporary.replace(target)
        sync_folder(target.parent)

    def remove(self, name: str) -> None:
        """Remove a file."""
        Path(self.root, name).unlink()


class Store:
    """What lies below an address of a store."""

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
        """Say of which address it is that something can't be done."""
        try:
            yield
        except FileNotFoundError:
            raise
        except (ImportError, ValueError, OSError) as error:  # ImportError: what is to be installed
            raise IngestError([f"{self.address}: {error}"]) from None

    def holds(self, other: "Place") -> bool:
        """Tell whether another place is this one, or lies in it."""
        return isinstance(other, Store) and f"{other.address}/".startswith(f"{self.address}/")

    def register(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let DuckDB read what is here."""
        with suppress(duckdb.InvalidInputException):  # it knows the store already
            connection.register_filesystem(self.files)

    @contextmanager
    def workshop(self) -> Iterator[Path]:
        """Give the folder in which files are written that are to be put here: one of their own."""
        with TemporaryDirectory(prefix="warehouse-") as folder:
            yield Path(folder)

    def path(self, name: str) -> str:
        """Return what DuckDB calls the file of a name below here."""
        return self.files.unstrip_protocol(f"{self.root}/{name}")

    def versions(self) -> Iterator[tuple[str, str | None]]:
        """Yield the name of each file, and what changes with its content."""
        self.files.invalidate_cache()
        with self.in_sentences():
            found = self.files.find(self.root, detail=True)
        for path, about in found.items():
            mark = next((about[mark] for mark in MARKS if about.get(mark)), "")
            yield path.removeprefix(self.root).lstrip("/"), f"{about['size']}-{mark}"

    def open(self, name: str) -> BinaryIO:
        """Open a file to read its bytes."""
        return self.files.open(f"{self.root}/{name}", "rb")

    def put(self, file: Path, name: str) -> None:
        """Copy a file to a name below here."""
        with self.in_sentences():
            self.files.put_file(str(file), f"{self.root}/{name}")

    def replace(self, name: str, data: bytes) -> None:
        """Put data in the place of what a file holds."""
        with self.in_sentences():
            self.files.pipe_file(f"{self.root}/{name}", data)

    def remove(self, name: str) -> None:
        """Remove a file."""
        with self.in_sentences():
            self.files.rm_file(f"{self.root}/{name}")


Place = Folder | Store


def place(where: str | Path | Place) -> Place:
    """Return the folder or the store that a path or an address is of.

    Raises:
        IngestError: fsspec doesn't know the store, or lacks what it reads it by.

    """
    if isinstance(where, Place):
        return where
    path = re.sub("^file:(//)?", "", str(where))
    return Store(path) if "://" in path else Folder(Path(path))


def names_below(folder: str, prefix: str = "", above: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the names of the files below a folder, each with the folders that it lies in."""
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
    """Open what DuckDB calls a file by, to read its bytes."""
    folder, _, name = path.rpartition("/")
    return place(folder).open(name)
