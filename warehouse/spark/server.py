"""Read tables of the Thrift server that the profile names."""

import os
from argparse import Namespace
from pathlib import Path
from typing import Any

from dbt.adapters.contracts.connection import Connection
from dbt.adapters.spark.connections import SparkConnectionManager
from dbt.config.runtime import load_profile
from dbt.flags import set_from_args
from dbt_common.context import set_invocation_context

from warehouse.database.opening import DatabaseError
from warehouse.database.reader import Database, Row
from warehouse.dbt.messages import clean

TARGET = "spark"


class Server(Database):
    """The server that the profile names."""

    def __init__(self, project: Path, _run_id: str = "") -> None:
        super().__init__(project)
        set_invocation_context(os.environ)  # for the profile's env_var
        set_from_args(Namespace(PROFILES_DIR=str(project)), None)
        self.credentials = load_profile(str(project), {}, target_override=TARGET).credentials
        self.connection: Any = None
        try:
            opened = SparkConnectionManager.open(Connection("spark", None, self.credentials))
            self.connection = opened.handle
        except Exception as error:  # dbt's, Thrift's and the system's errors are all reported
            self.problem = in_short(error)

    def close(self) -> None:
        """Close the connection."""
        if self.connection:
            self.connection.close()
            self.connection = None

    def fetch(self, query: str) -> list[Row]:
        """Return the rows of a query; raise DatabaseError if it fails."""
        if not self.connection:
            raise DatabaseError(self.problem)
        try:
            cursor = self.connection.cursor()
            cursor.execute(query)
            names = [column[0].split(".")[-1] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        except Exception as error:  # see above
            raise DatabaseError(in_short(error)) from None

    def literal(self, value: object) -> str:
        """Return a value as an SQL literal."""
        if value is None:
            return "null"
        text = str(value).replace("\\", "\\\\").replace("'", "\\'")
        return f"'{text}'"


def in_short(error: Exception) -> str:
    """Return the first line of an error's message."""
    lines = clean(getattr(error, "msg", "") or str(error)).splitlines()
    return lines[0] if lines else type(error).__name__
