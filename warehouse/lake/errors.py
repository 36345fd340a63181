"""What keeps files from being ingested."""

from dataclasses import dataclass, field

from warehouse.system.errors import ExitCode, WarehouseError
from warehouse.system.words import shown


class IngestError(WarehouseError):
    """Nothing was ingested; `problems` holds one line for each reason."""

    def __init__(self, problems: list[str], *summary: str) -> None:
        self.problems = problems
        super().__init__("\n".join([*problems, *summary]))


class WrongFilesError(IngestError):
    """What the landing folder holds is wrong."""

    exit_code = ExitCode.BROKEN


SHOWN = 10  # problems of a dataset


@dataclass
class Problems:
    """What is wrong with a dataset: with how many records and columns, and in which files."""

    count: int = 0
    files: set[str] = field(default_factory=set)  # names of those with records that are wrong
    columns: list[str] = field(default_factory=list)  # a line each

    def of_record(self, file: str, found: list[str]) -> None:
        """Add what is wrong with a record."""
        self.count += len(found)
        if found:
            self.files.add(file)

    def of_columns(self, file: str, found: list[str]) -> None:
        """Add what is wrong with the columns of a file."""
        self.count += len(found)
        self.columns += [f"{shown(file, 500)}: {problem}" for problem in found]
