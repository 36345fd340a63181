"""Errors that people see as a message, not as a traceback, and exit codes."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of commands; 2 is click's, for wrong arguments."""

    GREEN = 0
    BROKEN = 1  # the export or its build is broken: nothing is published
    BREACHED = 3  # governance is breached: published, since the marts show where
    COULD_NOT_RUN = 4  # says nothing about the export
    INTERRUPTED = 130  # as in shells, for Ctrl-C


class WarehouseError(Exception):
    """The command can't be done; the message has the reason and the remedy."""

    exit_code = ExitCode.COULD_NOT_RUN
