"""Errors that people see as a message, not as a traceback."""


class WarehouseError(Exception):
    """The command can't be done; the message has the reason and the remedy."""
