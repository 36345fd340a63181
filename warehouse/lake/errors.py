"""Problems that keep files from being ingested."""

from dataclasses import dataclass, field

from warehouse.system.errors import ExitCode, WarehouseError
from warehouse.system.words import shown


class IngestError(WarehouseError):
    """Nothing was ingested; `problems` has one line per reason."""

    def __init__(self, problems: list[str], *summary: str) -> None:
        self.problems = problems
        super().__init__("\n".join([*problems, *summary]))


class WrongFilesError(IngestError):
    """What the landing folder holds is wrong."""

    exit_code = ExitCode.BROKEN


SHOWN = 10  # problems of a dataset


@dataclass
class Problems:
    """Problems of a dataset: the number of records and columns, and the files."""

    count: int = 0
    files: set[str] = field(default_factory=set)  # names of files with wrong records
    columns: list[str] = field(default_factory=list)  # one line each

    def of_record(self, file: str, found: list[str]) -> None:
        """Add the problems of a record."""
        self.count += len(found)
        if found:
            self.files.add(file)

    def of_columns(self, file: str, found: list[str]) -> None:
        """Add the problems of a file's columns."""
        self.count += len(found)
        self.columns += [f"{shown(file, 500)}: {problem}" for problem in found]
