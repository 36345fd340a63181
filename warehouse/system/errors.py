"""What people are told in a sentence, and not by a traceback, and how a command ends then."""

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ends, for whoever called it; 2 is click's, of a command called wrongly."""

    GREEN = 0
    BROKEN = 1  # the export or what was built of it is broken: nothing is published
    BREACHED = 3  # governance is breached: it is published, since the marts show where
    COULD_NOT_RUN = 4  # nothing is said of the export
    INTERRUPTED = 130  # as shells say of Ctrl-C


class WarehouseError(Exception):
    """What was asked for can't be done; the message says why, and what to do."""

    exit_code = ExitCode.COULD_NOT_RUN
