"""What people are told in a sentence, and not by a traceback."""


class WarehouseError(Exception):
    """What was asked for can't be done; the message says why, and what to do."""
