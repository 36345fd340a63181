"""The version of a lake: its files, their contents and their sources.

`manifest.ndjson` in the lake is written last, and replaced in one step, so that a reader has one
version from start to end. Its first line is the version; then follow one line per day of a dataset,
and one per landing file. A dataset without days has null for its day.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from warehouse.lake.errors import IngestError
from warehouse.lake.places import Place, place

MANIFEST = "manifest.ndjson"


@dataclass
class Part:
    """The contents of a day, or of a whole dataset without days.

    `files` are paths below the lake; in `text_files` among them numbers are text, since a double
    would lose digits. `content_hash` (64 bits) is the same for the same rows, in any files and any
    order.
    """

    files: list[str]
    text_files: list[str]
    row_count: int
    last_at: str | None
    content_hash: int


@dataclass
class Source:
    """A landing file as ingested: its version, and its days."""

    source_version: str
    days: list[str | None]


@dataclass
class Content:
    """A dataset in the lake: its landing files by name, and its days, such as 2026-03-16."""

    sources: dict[str, Source] = field(default_factory=dict)
    days: dict[str | None, Part] = field(default_factory=dict)


@dataclass
class Manifest:
    """A version of the lake. `declaration` is a hash of the datasets' declaration."""

    version: int = 0
    declaration: str = ""
    datasets: dict[str, Content] = field(default_factory=dict)

    def forget(self, missing: set[str]) -> None:
        """Treat days with missing files as lost: their landing files are read again."""
        for content in self.datasets.values():
            lost = {day for day, part in content.days.items() if not missing.isdisjoint(part.files)}
            content.days = {day: part for day, part in content.days.items() if day not in lost}
            for source in content.sources.values():
                if not lost.isdisjoint(source.days):
                    source.source_version = ""

    @property
    def files(self) -> set[str]:
        """Return all files of the lake, as paths below it."""
        return {
            name
            for content in self.datasets.values()
            for part in content.days.values()
            for name in part.files
        }


def read(lake: Place | Path | str) -> Manifest:
    """Return the version of a lake; an empty one where there is none yet."""
    lake = place(lake)
    try:
        with lake.open(MANIFEST) as file:
            first, *lines = map(json.loads, file.read().splitlines())
        manifest = Manifest(first["version"] + 0, str(first["declaration"]))
        for line in lines:
            content = manifest.datasets.setdefault(line.pop("dataset"), Content())
            if "source" in line:
                source = line.pop("source")
                content.sources[source] = Source(**line)
            else:
                day = line.pop("day")
                content.days[day] = Part(**line)
        return manifest
    except FileNotFoundError:
        return Manifest()
    except (ValueError, LookupError, TypeError, AttributeError):
        reason = f"{lake.path(MANIFEST)} is damaged. Remove {lake}, and ingest everything anew."
        raise IngestError([reason]) from None


def write(lake: Place, manifest: Manifest) -> None:
    """Make a version the current one of the lake."""
    lines: list[dict] = [{"version": manifest.version, "declaration": manifest.declaration}]
    for dataset, content in manifest.datasets.items():
        lines += [
            {"dataset": dataset, "day": day} | asdict(part) for day, part in content.days.items()
        ]
        lines += [
            {"dataset": dataset, "source": name} | asdict(source)
            for name, source in content.sources.items()
        ]
    lake.replace(MANIFEST, "".join(f"{json.dumps(line)}\n" for line in lines).encode())
