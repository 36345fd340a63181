"""The files of each dataset in a landing folder."""

import difflib
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from warehouse.lake.errors import IngestError
from warehouse.lake.places import Place, place
from warehouse.seeds.declaration import Dataset
from warehouse.system.words import listed, shown

ENDING = re.compile(r"\.(?:(json|ndjson)(?:\.(?:gz|zst))?|(parquet))$")
ENDINGS = ".json, .ndjson or .parquet (.json and .ndjson also with .gz or .zst)"
IN_PATH = re.compile(r"([^/=]+)=([^/]*)/")
NO_VALUE = {"", "__HIVE_DEFAULT_PARTITION__"}


@dataclass(frozen=True)
class LandingFile:
    """A file of a dataset: its place, and its version, which changes with its content."""

    path: str
    name: str  # below the landing folder
    version: str

    @property
    def format(self) -> str | None:
        """Its format by its name: json, ndjson, parquet; None for anything else."""
        ending = ENDING.search(self.name)
        return ending and (ending[1] or ending[2])

    @property
    def values_in_path(self) -> dict[str, str]:
        """Fields from the names of folders such as date=2026-03-16/."""
        found = {key: unquote(value) for key, value in IN_PATH.findall(self.name)}
        return {key: value for key, value in found.items() if value not in NO_VALUE}


@dataclass
class Landing:
    """The readable files of each dataset, and the problems, one line each."""

    files: dict[str, list[LandingFile]]
    problems: list[str]


def look(landing: Place | Path, datasets: dict[str, Dataset]) -> Landing:
    """Find the files of each dataset in a landing folder.

    A dataset is one file, such as <dataset>.json, or all files below <dataset>/. Names that begin
    with a dot or an underscore belong to writers (_SUCCESS), and are ignored.

    Raises:
        IngestError: There is no file at all, or a link leads back to a folder above it.

    """
    by_dataset: dict[str, list[LandingFile]] = defaultdict(list)
    problems, unusable = [], set()
    for name, version in sorted(place(landing).versions()):
        if any(part[0] in "._" for part in name.split("/")):
            continue
        if (text := os.fsencode(name).decode(errors="backslashreplace")) != name:
            problems.append(f"{shown(text)}: its name is not UTF-8; give it another.")
            continue
        if version is None:
            problems.append(f"{shown(name)}: No such file or directory: a link that leads nowhere?")
            unusable.add(dataset_of(name))
            continue
        file = LandingFile(place(landing).path(name), name, version)
        by_dataset[dataset_of(name)].append(file)
    if not by_dataset and not problems:
        raise IngestError(
            [f"{landing}: there is no file of data below it."],
            "A dataset is <dataset>.json, .ndjson or .parquet there, or files below <dataset>/.",
        )
    right = {}
    for dataset, files in by_dataset.items():
        if wrong := list(wrong_files(dataset, files, datasets)):
            problems += wrong
        else:
            right[dataset] = files
    for name, dataset in datasets.items():
        if name not in by_dataset.keys() | unusable and not dataset.optional:
            problems.append(
                f"{name}: no file. Expected {name}.json or the like, or files in {name}/."
            )
    return Landing(right, problems)


def dataset_of(name: str) -> str:
    """Return the dataset of a file by its name below the landing folder."""
    if "/" in name:
        return name.split("/")[0]
    return ENDING.sub("", name) if ENDING.search(name) else name.split(".")[0]


def wrong_files(
    dataset: str, files: list[LandingFile], datasets: dict[str, Dataset]
) -> Iterator[str]:
    """Yield the problems of a dataset's files that show before any is read."""
    if dataset not in datasets:
        closest = difflib.get_close_matches(dataset[:100].lower(), datasets, n=1)
        guess = f"; did you mean {closest[0]}?" if closest else "."
        yield (
            f"{first_of(files)}: no declared dataset is called {shown(dataset)}{guess}"
            f" The datasets are {listed(sorted(datasets))}."
        )
        return
    if others := [file for file in files if not file.format]:
        yield f"{first_of(others)}: expected a file that ends in {ENDINGS}."
    alone = [file.name for file in files if "/" not in file.name]
    if alone and len(files) > 1:
        other = next(file.name for file in files if file.name != alone[0])
        yield (
            f"{dataset}: {shown(alone[0])} and {shown(other)} are both there. A dataset is one"
            " file, or what lies in one folder: remove the other."
        )
    example = {file.format: file.name for file in reversed(files) if file.format}
    if len(example) > 1 and not alone:
        one, other, *_ = sorted(example.values())
        yield (
            f"{dataset}: its files are of several formats ({listed(sorted(example))}), such as"
            f" {shown(one)} and {shown(other)}. A dataset has one: remove the others."
        )


def first_of(files: list[LandingFile]) -> str:
    """Return the name of the first file, and the number of the others."""
    return shown(files[0].name) + (f" and {len(files) - 1:,} more" if len(files) > 1 else "")
