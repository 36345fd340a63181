"""Convert the orchestrator's JSON exports into dbt seeds.

Each `<dataset>.json` becomes `raw_<dataset>.csv`. What a dataset holds is declared in
`seeds/orchestrator/_orchestrator__seeds.yml` and nowhere else. Either everything is right and the
seeds are exactly what the JSON gives, or every problem is reported and no seed changes.

In the CSV every value is quoted and null is not, so that a reader can tell an empty string from
null; numbers keep the precision that the JSON wrote, and timestamps are UTC. SHA256SUMS beside the
seeds holds the checksums of each file that was converted and of each seed: by it `dbt build` knows
seeds of another export, or half a conversion (macros/seeds.sql).
"""

import difflib
import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from warehouse.seeds.declaration import DECLARED_IN, Dataset, Field, read_declaration
from warehouse.seeds.errors import (
    ConversionError,
    FileError,
    MismatchError,
    WrongExportError,
)
from warehouse.seeds.json_text import (
    IN_BULK,
    JsonObject,
    Number,
    defects,
    described,
    read_bytes,
    records_in,
)
from warehouse.seeds.values import CONVERTERS, MAX_CHARACTERS
from warehouse.system.files import (
    remedy,
    remove_leftovers,
    sync_folder,
    temporary_beside,
    write_synced,
)
from warehouse.system.paths import PROJECT, relative
from warehouse.system.words import counted, shown

INPUT_DIR = PROJECT / "seeds/json"
OUTPUT_DIR = PROJECT / "seeds/orchestrator"
CHECKSUMS = "SHA256SUMS"
Row = list[str | None]  # the values of a record as text, or None for null


@dataclass(frozen=True)
class Conversion:
    """What a conversion gave.

    `records` counts them for each dataset that has a file, `missing` names the optional datasets
    that have none, and `changed` the seeds that were written.
    """

    records: dict[str, int]
    missing: list[str]
    changed: list[str]

    def __str__(self) -> str:
        rows = sum(self.records.values())
        without = f"; no {', '.join(self.missing)} (optional)" if self.missing else ""
        return f"{counted(len(self.records), 'dataset')}, {counted(rows, 'row')}{without}"


def convert(
    input_dir: Path = INPUT_DIR, output_dir: Path = OUTPUT_DIR, check: bool = False
) -> Conversion:
    """Write the seeds that the JSON gives, or with `check` only compare them.

    Args:
        input_dir: Folder of the `<dataset>.json` files.
        output_dir: Folder of the `raw_<dataset>.csv` files; created where missing.
        check: Change nothing, and raise where a seed isn't what the JSON gives.

    Raises:
        WrongExportError: A file or a record is wrong, or `check` found a difference.
        ConversionError: The declaration can't be used, or seeds can't be written. Only where a file
            system refuses the last step, a rename, can some seeds have changed; the message then
            says how many.

    """
    datasets = read_declaration()
    seeds, records = build_seeds(datasets, input_dir, output_dir)
    missing = [name for name in datasets if name not in records]
    if not check:
        return Conversion(records, missing, write(seeds, output_dir))
    differences = compare(seeds, output_dir)
    if differences:
        count = counted(len(differences), "difference")
        raise WrongExportError(differences, f"{count} from what the JSON gives; nothing changed.")
    return Conversion(records, missing, [])


def build_seeds(
    datasets: dict[str, Dataset], input_dir: Path, output_dir: Path
) -> tuple[dict[str, bytes], dict[str, int]]:
    """Return the bytes of each file by its name, and how many records each dataset has."""
    try:
        present = {path.name for path in input_dir.iterdir()}
    except OSError as error:
        reason = f"The input folder {relative(input_dir)} can't be read: {error.strerror}"
        raise ConversionError([f"{reason}. No seed was changed."]) from None
    seeds, records, checksums = {}, {}, ""
    problems: dict[str, list[str]] = {name: [] for name in datasets}
    for name, dataset in datasets.items():
        rows: list[Row] = []
        if f"{name}.json" in present:
            file = input_dir / f"{name}.json"
            try:
                data = read_bytes(file)
                rows = convert_dataset(dataset, data, problems[name])
            except FileError as error:
                problems[name].append(str(error))
                continue
            records[name] = len(rows)
            checksums += checksum(data, os.path.relpath(file, output_dir))
        elif not dataset.optional:
            problems[name].append(f"{name}.json is missing from {relative(input_dir)}")
        if not problems[name]:
            seeds[f"raw_{name}.csv"] = to_csv(dataset, rows)
            checksums += checksum(seeds[f"raw_{name}.csv"], f"raw_{name}.csv")
    for file in sorted(present - {f"{name}.json" for name in datasets}):
        if Path(file).suffix.lower() == ".json":
            problems[file] = [f"no declared dataset; {advice(Path(file).stem, list(datasets))}"]
    lines = [f"{shown(name)}: {text}" for name, found in problems.items() for text in found]
    if lines:
        affected = counted(sum(map(bool, problems.values())), "dataset")
        summary = f"{counted(len(lines), 'problem')} in {affected}; no seed was changed."
        raise WrongExportError(lines, summary)
    return seeds | {CHECKSUMS: checksums.encode()}, records


def checksum(data: bytes, name: str) -> str:
    """Return a line of what `sha256sum --check` reads."""
    return f"{hashlib.sha256(data).hexdigest()}  {name}\n"


def convert_dataset(dataset: Dataset, data: bytes, problems: list[str]) -> list[Row]:
    """Return a dataset's rows and add its problems; with problems, the rows are of no use.

    Raises:
        FileError: The file gives no records.

    """
    rows = []
    for number, record in enumerate(records_in(data), start=1):
        place = f"record {number}"
        if not isinstance(record, JsonObject):
            problems.append(f"{place}: expected an object, found {described(record)}")
            continue
        identity = record.get(dataset.id_field or "")
        if isinstance(identity, str | Number):
            place += f" ({shown(str(identity))})"
        found: list[str] = []
        rows.append(convert_record(dataset, record, found))
        problems += [f"{place}: {problem}" for problem in found]
    return rows


def convert_record(
    dataset: Dataset, record: JsonObject, problems: list[str], is_in_bulk: bool = False
) -> Row:
    """Return a record's values in declared order, whatever the order of its keys."""
    problems += [f"{shown(key)}: expected the key once, found it again" for key in record.repeated]
    names = [field.name for field in dataset.fields]
    absent = [name for name in names if name not in record]
    for key in record:
        if key not in names:
            problems.append(f"{shown(key)}: undeclared field; {advice(key, absent)}")
    return [convert_field(field, record, problems, is_in_bulk) for field in dataset.fields]


def convert_field(
    field: Field, record: JsonObject, problems: list[str], is_in_bulk: bool
) -> str | None:
    """Return the text of a record's field, or None for null."""
    present, value = field.name in record, record.get(field.name)
    if value is None and (field.nullable if present else field.optional):
        return None
    found = list(defects(value, field.name))
    if found:
        problems += found
        return None
    try:
        text = CONVERTERS[field.type](value)
    except MismatchError as error:
        instead = described(value) if present else "no such field"
        problems.append(f"{field.name}: expected {error}, found {instead}")
        return None
    if len(text) > MAX_CHARACTERS and not is_in_bulk:
        limit = f"expected at most {MAX_CHARACTERS:,} characters, found {len(text):,}"
        problems.append(f"{field.name}: {limit}; {IN_BULK}")
    return text


def to_csv(dataset: Dataset, rows: list[Row]) -> bytes:
    """Return a seed's bytes: null is empty, everything else is quoted."""
    lines = [[field.name for field in dataset.fields]]
    for row in rows:
        lines.append(["" if text is None else '"' + text.replace('"', '""') + '"' for text in row])
    return "".join(",".join(line) + "\n" for line in lines).encode()


def compare(seeds: dict[str, bytes], output_dir: Path) -> list[str]:
    """Return a line for each seed file that is missing, different or unexpected."""
    differences = []
    for name, data in seeds.items():
        try:
            if (output_dir / name).read_bytes() != data:
                differences.append(f"{name}: differs from what the JSON gives")
        except FileNotFoundError:
            differences.append(f"{name}: missing")
        except OSError as error:
            differences.append(f"{name}: can't be read: {error.strerror}")
    for name in sorted(path.name for path in output_dir.glob("*.csv")):
        if name not in seeds:
            differences.append(f"{shown(name)}: unexpected, no dataset of that name is declared")
    return differences


def write(seeds: dict[str, bytes], output_dir: Path) -> list[str]:
    """Replace the seeds that differ, once all of them are on disk; return their names."""
    temporary: dict[Path, Path] = {}
    replaced: list[str] = []
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
        for name, data in seeds.items():
            target = output_dir / name
            remove_leftovers(target)
            if target.exists() and target.read_bytes() == data:
                continue
            temporary[target] = temporary_beside(target)
            write_synced(temporary[target], data)
        for target, file in temporary.items():
            file.replace(target)
            if target.name != CHECKSUMS:
                replaced.append(target.name)
        sync_folder(output_dir)
    except OSError as error:
        count = sum(target.name != CHECKSUMS for target in temporary)
        changed = f"{len(replaced)} of {count} seeds were" if replaced else "no seed was"
        reason = f"The seeds can't be written to {relative(output_dir)}: {error.strerror}"
        sentence = f"{reason}; {changed} changed. {remedy(reason)}".rstrip()
        raise ConversionError([sentence]) from None
    finally:
        for file in temporary.values():
            with suppress(OSError):
                file.unlink(missing_ok=True)
    return replaced


def advice(name: str, candidates: list[str]) -> str:
    """Return what to do about an undeclared name, and the one it was probably meant to be."""
    # Comparing takes quadratic time, and no declared name is nearly as long.
    closest = difflib.get_close_matches(name[:100].lower(), candidates, n=1)
    guess = f"did you mean {closest[0]}? If not, " if closest else ""
    return f"{guess}declare it in {DECLARED_IN}"
