"""Problems of an export."""

from warehouse.system.errors import ExitCode, WarehouseError


class ConversionError(WarehouseError):
    """The seeds do not match the JSON, or could not be written.

    `problems` has one line per reason; as a string, the error ends with a summary.
    """

    def __init__(self, problems: list[str], *summary: str) -> None:
        self.problems = problems
        super().__init__("\n".join([*problems, *summary]))


class WrongExportError(ConversionError):
    """The JSON is wrong, or the seeds are of other JSON."""

    exit_code = ExitCode.BROKEN


class FileError(Exception):
    """A file without usable records; the message has the reason."""


class MismatchError(Exception):
    """A value that does not match its field's declaration; the message has the expected type."""
