"""What is wrong with an export."""

from warehouse.system.errors import ExitCode, WarehouseError


class ConversionError(WarehouseError):
    """The seeds are not, or could not be made, what the JSON gives.

    `problems` holds one line for each reason; as a string, the error ends in a line that sums up.
    """

    def __init__(self, problems: list[str], *summary: str) -> None:
        self.problems = problems
        super().__init__("\n".join([*problems, *summary]))


class WrongExportError(ConversionError):
    """The JSON is wrong, or the seeds are of other JSON."""

    exit_code = ExitCode.BROKEN


class FileError(Exception):
    """A file that gives no records; the message says why."""


class MismatchError(Exception):
    """A value that isn't what its field declares; the message says what was expected."""
