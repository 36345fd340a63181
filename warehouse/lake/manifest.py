"""The version of a lake: which files are in it, what they hold, and what they were made from.

`manifest.json` in the lake is written last, and replaced in one step: who reads it has one version
from start to end.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from warehouse.lake.errors import IngestError
from warehouse.system.files import sync_folder, temporary_beside, write_synced

MANIFEST = "manifest.json"


@dataclass
class Part:
    """What the lake holds of a day, or of all of a dataset that doesn't come by the day.

    `files` are paths below the lake; `long_numbers` names the numbers that are text in them, since
    a double would lose digits.
    """

    files: list[str]
    row_count: int
    last_at: str | None
    content_hash: str
    long_numbers: list[str]


@dataclass
class Source:
    """A landing file as it was taken in: its version, and the days that it brought."""

    version: str
    days: list[str]


@dataclass
class Content:
    """A dataset in the lake; days as 2026-03-16, "" where it doesn't come by the day."""

    sources: dict[str, Source] = field(default_factory=dict)
    days: dict[str, Part] = field(default_factory=dict)


@dataclass
class Manifest:
    """A version of the lake. `declaration` is a hash of what the datasets were declared to be."""

    version: int = 0
    declaration: str = ""
    datasets: dict[str, Content] = field(default_factory=dict)

    @property
    def files(self) -> set[str]:
        """Return all files of the lake, as paths below it."""
        return {
            name
            for content in self.datasets.values()
            for part in content.days.values()
            for name in part.files
        }


def read(lake: Path) -> Manifest:
    """Return the version of a lake; an empty one where there is none yet."""
    try:
        said = json.loads((lake / MANIFEST).read_bytes())
        datasets = {
            name: Content(
                {file: Source(**source) for file, source in content["sources"].items()},
                {day: Part(**part) for day, part in content["days"].items()},
            )
            for name, content in said["datasets"].items()
        }
        return Manifest(said["version"], said["declaration"], datasets)
    except FileNotFoundError:
        return Manifest()
    except (ValueError, LookupError, TypeError, AttributeError):
        reason = f"{lake / MANIFEST} is damaged. Remove {lake}, and take in everything anew."
        raise IngestError([reason]) from None


def write(lake: Path, manifest: Manifest) -> None:
    """Make a version the lake's."""
    target = lake / MANIFEST
    temporary = temporary_beside(target)
    write_synced(temporary, json.dumps(asdict(manifest), indent=1).encode())
    temporary.replace(target)
    sync_folder(lake)
