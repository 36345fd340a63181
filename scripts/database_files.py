"""A dbt-duckdb plugin that sees to the database files before they are opened.

It creates the folder of the build file, waits for whoever has one of the files open, and removes a
damaged build file, which is built anew. What it can't mend it says in a sentence, where dbt would
show a traceback.
"""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.events.logging import AdapterLogger
from dbt_common.exceptions import DbtRuntimeError
from locks import LockError, holder_of, tries, wait_seconds

logger = AdapterLogger("DuckDB")


class Plugin(BasePlugin):
    """See `plugins` in profiles.yml."""

    def update_connection_config(self, creds, config):
        """Run just before the files are opened."""
        build_file = Path(creds.path)
        try:
            build_file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = f"The folder {build_file.parent} can't be created: {error.strerror}."
            raise DbtRuntimeError(
                f"{reason} A build needs a folder that it can write to."
            ) from None
        damage = wait_for(build_file)
        if damage:
            logger.warning(f"{build_file} is damaged ({damage}): it is removed and built anew.")
            remove(build_file)
        for attachment in creds.attach or ():
            kept_file = Path(attachment.path)
            damage = wait_for(kept_file)
            if damage:
                advice = (
                    "It can't be built anew: put back a copy of it, or remove it to start over."
                )
                raise DbtRuntimeError(f"{kept_file} is damaged ({damage}). {advice}")


def wait_for(file: Path) -> str | None:
    """Return once nobody else has a database file open; what is wrong with it, or None."""
    for path in (file, file.parent):
        # Without opening anything: that would end a lock that this process has.
        if path.exists() and not os.access(path, os.W_OK):
            raise DbtRuntimeError(f"{path} can't be written: it is read-only, or another user's.")
    if not file.exists():
        return None
    try:
        seconds = wait_seconds()
    except LockError as error:
        raise DbtRuntimeError(str(error)) from None
    for waited in tries(seconds):
        try:
            duckdb.connect(str(file)).close()
            return None
        except duckdb.Error as error:
            holder = holder_of(error)
            if not holder:
                return str(error).splitlines()[0]
        if not waited and seconds:
            logger.warning(f"{file} is held by {holder}: waiting up to {seconds:g} s.")
    reason = f"{file} is held by {holder}, and was waited for {seconds:g} s."
    raise DbtRuntimeError(f"{reason} Let it end, or close it, and build again.")


def remove(file: Path) -> None:
    """Remove a database file and its log."""
    for path in (file, *file.parent.glob(f"{file.name}.wal*")):
        path.unlink(missing_ok=True)
