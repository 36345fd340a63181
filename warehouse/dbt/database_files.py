"""A dbt-duckdb plugin that sees to what a build reads and writes before it starts.

It refuses seeds of which only some are new, creates the folder of the build file, waits for whoever
has a database file open, and removes a damaged build file, which is built anew. What it can't mend
it says in a sentence, where dbt would show a traceback.
"""

import logging
import os
from collections.abc import Callable
from pathlib import Path

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.events.logging import AdapterLogger
from dbt_common.exceptions import DbtRuntimeError

from warehouse.system.files import WRITABLE, remedy
from warehouse.system.locks import LockError, holder_of, tries, wait_seconds

logger = AdapterLogger("DuckDB")
logging.raiseExceptions = False  # a log that can't be written, on a full disk, is no traceback
SEEDS = Path("seeds/orchestrator")
EMPTY_BYTES = 3 * 4096  # DuckDB's headers; behind the first eight bytes stands DUCK


class Plugin(BasePlugin):
    """See `plugins` in profiles.yml."""

    def initialize(self, plugin_config):  # noqa: D102
        self.given_up: dict[Path, float] = {}  # seconds waited in vain; dbt asks again and again

    def update_connection_config(self, creds, config):
        """Run just before the files are opened; more than once where that fails."""
        refuse_half_a_conversion()
        build_file = Path(creds.path)
        try:
            build_file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = f"The folder {build_file.parent} can't be created: {error.strerror}."
            raise DbtRuntimeError(f"{reason} {WRITABLE}") from None
        damage = self.wait_for(build_file)
        if damage:
            logger.warning(f"{build_file} is damaged ({damage}): it is removed and built anew.")
            remove(build_file)
        for attachment in creds.attach or ():
            kept_file = Path(attachment.path)
            damage = self.wait_for(kept_file, read_all)
            if damage and kept_file.is_file() and was_left_at_its_creation(kept_file):
                logger.warning(f"{kept_file} was left half created, with nothing in it: removed.")
                remove(kept_file)
            elif damage:
                advice = "put back a copy of it, or remove it to start over."
                reason = f"{kept_file} is damaged ({damage}). It can't be built anew"
                raise DbtRuntimeError(f"{reason}: {advice}")

    def wait_for(
        self, file: Path, check: Callable[[duckdb.DuckDBPyConnection], None] | None = None
    ) -> str | None:
        """Return once nobody else has a database file open; what is wrong with it, or None.

        Args:
            file: The database file, which may be missing.
            check: Given the open file; what it raises of DuckDB's errors is wrong with the file.

        """
        for path in (file, file.parent):
            # Without opening anything: that would end a lock that this process has.
            if path.exists() and not os.access(path, os.W_OK):
                reason = f"{path} can't be written: it is read-only, or another user's."
                raise DbtRuntimeError(f"{reason} {WRITABLE}")
        if not file.exists():
            return None
        try:
            seconds = 0.0 if file in self.given_up else wait_seconds()
        except LockError as error:
            raise DbtRuntimeError(str(error)) from None
        for waited in tries(seconds):
            try:
                with duckdb.connect(str(file)) as connection:
                    if check:
                        check(connection)
                return None
            except duckdb.Error as error:
                holder = holder_of(error)
                message = str(error).splitlines()[0]
                if not holder and remedy(message):
                    reason = f"{file} can't be opened: {message.rstrip('.')}."
                    raise DbtRuntimeError(f"{reason} {remedy(message)}") from None
                if not holder:
                    return message
            if not waited and seconds:
                logger.warning(f"{file} is held by {holder}: waiting up to {seconds:g} s.")
        self.given_up.setdefault(file, seconds)
        reason = f"{file} is held by {holder}, and was waited for {self.given_up[file]:g} s."
        raise DbtRuntimeError(f"{reason} Let it end, or close it, and build again.")


def refuse_half_a_conversion() -> None:
    """Stop where a conversion was killed, or goes on: some seeds may be new and others old."""
    if any(SEEDS.glob(".raw_*.tmp")):
        reason = f"A conversion into {SEEDS} goes on, or was broken off."
        raise DbtRuntimeError(f"{reason} Run `warehouse seeds`, and build again.")


def was_left_at_its_creation(file: Path) -> bool:
    """Tell whether a database file holds nothing but the beginning of DuckDB's headers."""
    head = file.read_bytes()[: EMPTY_BYTES + 1]
    return len(head) < EMPTY_BYTES and (not head.strip(b"\0") or head[8:12] == b"DUCK")


def read_all(connection: duckdb.DuckDBPyConnection) -> None:
    """Read every value in a database file, which opens well also if only its head is left."""
    tables = connection.sql("select schema_name, table_name from duckdb_tables()").fetchall()
    for schema, name in tables:
        connection.execute(f'select bit_xor(hash(entry, 1)) from "{schema}"."{name}" as entry')


def remove(file: Path) -> None:
    """Remove a database file and its log."""
    for path in (file, *file.parent.glob(f"{file.name}.wal*")):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            reason = f"{path} can't be removed: {error.strerror}."
            raise DbtRuntimeError(f"{reason} Remove it, and build again.") from None
