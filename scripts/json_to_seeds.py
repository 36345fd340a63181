"""Convert the orchestrator's JSON exports into dbt seeds.

Each `<dataset>.json` becomes `raw_<dataset>.csv`. What a dataset holds is declared in
`seeds/orchestrator/_orchestrator__seeds.yml` and nowhere else. Either everything is right and the
seeds are exactly what the JSON gives, or every problem is reported and no seed changes.

In the CSV every value is quoted and null is not, so that a reader can tell an empty string from
null; numbers keep the precision that the JSON wrote, and timestamps are UTC.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

import yaml
from files import remove_leftovers, sync_folder, temporary_beside, write_synced
from locks import LockError, sole_build

PROJECT = Path(__file__).resolve().parent.parent
INPUT_DIR = PROJECT / "seeds/json"
OUTPUT_DIR = PROJECT / "seeds/orchestrator"

MAX_BYTES = 50_000_000  # of one file: a seed is small, what is larger is read where it lies
MAX_CHARACTERS = 131_072  # of one value: dbt reads seeds with Python's csv, which stops here
MAX_DEPTH = 100  # of nested values: beyond any real record, below Python's recursion limit
INT64 = 2**63
DECIMAL_18_6_LIMIT = Decimal("999999999999.9999995")  # from here on it rounds to 10^12
DECLARED_IN = "seeds/orchestrator/_orchestrator__seeds.yml"
CUT_OFF = "; the file seems to be cut off"
IN_BULK = "load this dataset in bulk from landing/ instead"

Row = list[str | None]  # the values of a record as text, or None for null

DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?"
    r"([Zz]|[+-][0-9]{2}:?[0-5][0-9])?"
)


class ConversionError(Exception):
    """The seeds are not, or could not be made, what the JSON gives.

    `problems` holds one line for each reason; as a string, the error ends in a line that sums up.
    """

    def __init__(self, problems: list[str], *summary: str) -> None:
        self.problems = problems
        super().__init__("\n".join([*problems, *summary]))


class FileError(Exception):
    """A file that gives no records; the message says why."""


class MismatchError(Exception):
    """A value that isn't what its field declares; the message says what was expected."""


@dataclass(frozen=True)
class Field:
    """A declared field."""

    name: str
    type: str
    nullable: bool
    optional: bool


@dataclass(frozen=True)
class Dataset:
    """A declared dataset; `id_field` names a record in messages."""

    name: str
    fields: tuple[Field, ...]
    id_field: str | None
    optional: bool


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


# ---- JSON, with nothing lost ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Number:
    """A number as the JSON wrote it: no float to round it, no limit to its digits."""

    text: str

    def __str__(self) -> str:
        return self.text


class JsonObject(dict[str, object]):
    """A JSON object that remembers which of its keys were repeated."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        self.repeated: list[str] = []
        if len(self) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            self.repeated = [key for key, count in counts.items() if count > 1]


def read_records(path: Path) -> list[object]:
    """Return the elements of the JSON array in a file; raise FileError where there is none."""
    text = read_text(path)
    if not text.strip(" \t\r\n"):
        raise FileError("expected a JSON array, found an empty file")
    try:
        numbers = {"parse_int": Number, "parse_float": Number, "parse_constant": Number}
        records = json.loads(text, object_pairs_hook=JsonObject, **numbers)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        cut_off = CUT_OFF if is_cut_off(error) else ""
        is_not_array = error.msg == "Extra data"
        hint = "; expected one JSON array of records" if is_not_array else cut_off
        # Name it, since what can't be read is often what can't be seen.
        wrong = error.doc[error.pos : error.pos + 1] if error.msg.startswith("Expecting") else ""
        found = f', found "{shown(wrong)}"' if wrong and not cut_off else ""
        raise FileError(f"malformed JSON at {place}: {error.msg}{found}{hint}") from None
    except RecursionError:
        raise FileError("expected JSON, found values nested too deeply to be read") from None
    if not isinstance(records, list):
        raise FileError(f"expected a JSON array of records, found {described(records)}")
    return records


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file, without its byte order mark."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            found = "a directory" if stat.S_ISDIR(status.st_mode) else "something else"
            raise FileError(f"expected a file, found {found}")
        if status.st_size > MAX_BYTES:
            limit = f"expected at most {MAX_BYTES:,} bytes, found {status.st_size:,}"
            raise FileError(f"{limit}; {IN_BULK}")
        data = path.read_bytes()
    except OSError as error:
        raise FileError(f"the file can't be read: {error.strerror}") from None
    if data and not data.strip(b"\0"):  # as a crash may leave a file
        raise FileError("expected a JSON array, found nothing but NUL bytes")
    encoding = json.detect_encoding(data)
    if not encoding.startswith("utf-8"):
        raise FileError(f"expected UTF-8, found {encoding.upper()}")
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{data[error.start]:02x} at byte offset {error.start} (line {line})"
        cut_off = CUT_OFF if error.reason == "unexpected end of data" else ""
        raise FileError(f"expected UTF-8, found {found}{cut_off}") from None


def is_cut_off(error: json.JSONDecodeError) -> bool:
    """Tell whether the JSON is right as far as it goes, and only ends too early."""
    is_within_a_word = re.fullmatch(r"[-+.\w]*", error.doc[error.pos :].strip())
    return error.msg.startswith("Unterminated string") or is_within_a_word is not None


def to_json(value: object) -> str:
    """Return a value as compact JSON text, its numbers as they were written."""
    if isinstance(value, Number):
        return value.text
    if isinstance(value, list):
        return "[" + ",".join(map(to_json, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{to_json(k)}:{to_json(v)}" for k, v in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def defects(value: object, path: str, depth: int = 0) -> Iterator[str]:
    """Yield what is wrong with a value whatever its field declares, nested values included."""
    if depth >= MAX_DEPTH and isinstance(value, list | JsonObject):
        yield f"{path}: expected at most {MAX_DEPTH} levels of nesting, found more"
    elif isinstance(value, Number):
        if value.text in ("NaN", "Infinity", "-Infinity"):
            yield f"{path}: expected a finite number, found {value.text}"
    elif isinstance(value, str):
        if "\0" in value:
            yield f"{path}: expected text without NUL characters, found {described(value)}"
        if any("\ud800" <= character <= "\udfff" for character in value):
            yield f"{path}: expected text without lone surrogates, found {described(value)}"
    elif isinstance(value, list):
        for position, item in enumerate(value, start=1):
            yield from defects(item, f"{path}[{position}]", depth + 1)
    elif isinstance(value, JsonObject):
        for key in value.repeated:
            yield f"{path}.{shown(key)}: expected the key once, found it again"
        for key, item in value.items():
            yield from defects(key, f"{path}: a key", depth)
            yield from defects(item, f"{path}.{shown(key)}", depth + 1)


# ---- One value: from JSON to the text of its seed -------------------------------------------


def string_text(value: object) -> str:
    """Return a string as it is."""
    if not isinstance(value, str):
        raise MismatchError("a string")
    return value


def exact(value: object, expected: str) -> Decimal:
    """Return a number without rounding it."""
    if not isinstance(value, Number):
        raise MismatchError(expected)
    try:
        return Decimal(value.text)
    except InvalidOperation:
        raise MismatchError(f"{expected} with a shorter exponent") from None


def integer_text(value: object) -> str:
    """Return an integer's digits; 1200.0 and 1.2e3 are integers too."""
    number = exact(value, "an integer")
    if not -INT64 <= number < INT64:
        raise MismatchError(f"an integer within 64 bits ({-INT64} to {INT64 - 1})")
    if number != number.to_integral_value():
        raise MismatchError("an integer")
    return str(int(number))


def number_text(value: object) -> str:
    """Return a number with its exponent expanded, which DuckDB doesn't always cast right."""
    number = exact(value, "a number")
    if number.copy_abs() >= DECIMAL_18_6_LIMIT:  # abs() would round, and overflow
        why = "staging types money as decimal(18,6)"
        raise MismatchError(f"a number below 10^12 in magnitude ({why})")
    if int(number.as_tuple().exponent) < -MAX_CHARACTERS:
        raise MismatchError(f"a number of at most {MAX_CHARACTERS:,} decimal places")
    return format(number, "f")


def boolean_text(value: object) -> str:
    """Return true or false; nothing else stands for them."""
    if not isinstance(value, bool):
        raise MismatchError("true or false")
    return "true" if value else "false"


def date_text(value: object) -> str:
    """Return a date that the calendar has."""
    expected = "a date such as 2026-03-16"
    if not isinstance(value, str) or not DATE.fullmatch(value):
        raise MismatchError(expected)
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise MismatchError(expected) from None


def timestamp_text(value: object) -> str:
    """Return a timestamp in UTC without a zone; digits beyond microseconds are cut."""
    expected = "a timestamp such as 2026-03-16T10:30:00Z"
    if not isinstance(value, str) or not TIMESTAMP.fullmatch(value):
        raise MismatchError(expected)
    try:
        written = datetime.fromisoformat(value.upper())  # Python doesn't know a lower-case z
        utc = written.astimezone(UTC) if written.tzinfo else written
        return utc.replace(tzinfo=None).isoformat()
    except ValueError:
        raise MismatchError(expected) from None
    except OverflowError:
        raise MismatchError("a timestamp within the years 1 to 9999 in UTC") from None


def string_list_text(value: object) -> str:
    """Return a list of strings as JSON text."""
    if not isinstance(value, list):
        raise MismatchError("a list of strings")
    for position, item in enumerate(value, start=1):
        if not isinstance(item, str):
            raise MismatchError(f"a list of strings (its item {position} is {described(item)})")
    return to_json(value)


def object_text(value: object) -> str:
    """Return an object as JSON text, its keys in the file's order."""
    if not isinstance(value, JsonObject):
        raise MismatchError("an object")
    return to_json(value)


CONVERTERS: dict[str, Callable[[object], str]] = {
    "string": string_text,
    "integer": integer_text,
    "number": number_text,
    "boolean": boolean_text,
    "date": date_text,
    "timestamp": timestamp_text,
    "string_list": string_list_text,
    "object": object_text,
}


# ---- Records and datasets -------------------------------------------------------------------


def read_declaration() -> dict[str, Dataset]:
    """Return the declared datasets by name, in their declared order."""
    try:
        seeds = yaml.safe_load((PROJECT / DECLARED_IN).read_text(encoding="utf-8"))["seeds"]
        datasets = [declared_dataset(seed) for seed in seeds]
    except (OSError, ValueError, yaml.YAMLError, LookupError, TypeError, AttributeError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ConversionError([f"{DECLARED_IN} can't be used: {reason}"]) from None
    return {dataset.name: dataset for dataset in datasets}


def declared_dataset(seed: dict) -> Dataset:
    """Return what a seed of the declaration says."""
    fields = []
    for column in seed["columns"]:
        meta = column["config"]["meta"]
        if meta["type"] not in CONVERTERS:
            raise ValueError(f"{seed['name']}.{column['name']} has the type {meta['type']!r}")
        nullable, optional = meta.get("nullable", False), meta.get("optional", False)
        fields.append(Field(column["name"], meta["type"], nullable, optional))
    meta = seed.get("config", {}).get("meta", {})
    name = seed["name"].removeprefix("raw_")
    return Dataset(name, tuple(fields), meta.get("id"), meta.get("optional", False))


def convert_dataset(dataset: Dataset, path: Path, problems: list[str]) -> list[Row]:
    """Return a dataset's rows and add its problems; with problems, the rows are of no use."""
    try:
        records = read_records(path)
    except FileError as error:
        problems.append(str(error))
        return []
    rows = []
    for number, record in enumerate(records, start=1):
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


def convert_record(dataset: Dataset, record: JsonObject, problems: list[str]) -> Row:
    """Return a record's values in declared order, whatever the order of its keys."""
    problems += [f"{shown(key)}: expected the key once, found it again" for key in record.repeated]
    names = [field.name for field in dataset.fields]
    absent = [name for name in names if name not in record]
    for key in record:
        if key not in names:
            problems.append(f"{shown(key)}: undeclared field; {advice(key, absent)}")
    return [convert_field(field, record, problems) for field in dataset.fields]


def convert_field(field: Field, record: JsonObject, problems: list[str]) -> str | None:
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
    if len(text) > MAX_CHARACTERS:
        limit = f"expected at most {MAX_CHARACTERS:,} characters, found {len(text):,}"
        problems.append(f"{field.name}: {limit}; {IN_BULK}")
    return text


def to_csv(dataset: Dataset, rows: list[Row]) -> bytes:
    """Return a seed's bytes: null is empty, everything else is quoted."""
    lines = [[field.name for field in dataset.fields]]
    for row in rows:
        lines.append(["" if text is None else '"' + text.replace('"', '""') + '"' for text in row])
    return "".join(",".join(line) + "\n" for line in lines).encode()


# ---- The whole conversion -------------------------------------------------------------------


def convert(
    input_dir: Path = INPUT_DIR, output_dir: Path = OUTPUT_DIR, check: bool = False
) -> Conversion:
    """Write the seeds that the JSON gives, or with `check` only compare them.

    Args:
        input_dir: Folder of the `<dataset>.json` files.
        output_dir: Folder of the `raw_<dataset>.csv` files; created where missing.
        check: Change nothing, and raise where a seed isn't what the JSON gives.

    Raises:
        ConversionError: The declaration, a file or a record is wrong, seeds can't be written, or
            `check` found a difference. Only where a file system refuses the last step, a rename,
            can some seeds have changed; the message then says how many.

    """
    datasets = read_declaration()
    seeds, records = build_seeds(datasets, input_dir)
    missing = [name for name in datasets if name not in records]
    if not check:
        return Conversion(records, missing, write(seeds, output_dir))
    differences = compare(seeds, output_dir)
    if differences:
        count = counted(len(differences), "difference")
        raise ConversionError(differences, f"{count} from what the JSON gives; nothing changed.")
    return Conversion(records, missing, [])


def build_seeds(
    datasets: dict[str, Dataset], input_dir: Path
) -> tuple[dict[str, bytes], dict[str, int]]:
    """Return the bytes of each seed by its file name, and how many records each file has."""
    try:
        present = {path.name for path in input_dir.iterdir()}
    except OSError as error:
        reason = f"the input folder {relative(input_dir)} can't be read: {error.strerror}"
        raise ConversionError([reason], "No seed was changed.") from None
    seeds, records = {}, {}
    problems: dict[str, list[str]] = {name: [] for name in datasets}
    for name, dataset in datasets.items():
        rows: list[Row] = []
        if f"{name}.json" in present:
            rows = convert_dataset(dataset, input_dir / f"{name}.json", problems[name])
            records[name] = len(rows)
        elif not dataset.optional:
            problems[name].append(f"{name}.json is missing from {relative(input_dir)}")
        if not problems[name]:
            seeds[f"raw_{name}.csv"] = to_csv(dataset, rows)
    for file in sorted(present - {f"{name}.json" for name in datasets}):
        if Path(file).suffix.lower() == ".json":
            problems[file] = [f"no declared dataset; {advice(Path(file).stem, list(datasets))}"]
    lines = [f"{shown(name)}: {text}" for name, found in problems.items() for text in found]
    if lines:
        affected = counted(sum(map(bool, problems.values())), "dataset")
        summary = f"{counted(len(lines), 'problem')} in {affected}; no seed was changed."
        raise ConversionError(lines, summary)
    return seeds, records


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
            replaced.append(target.name)
        sync_folder(output_dir)
    except OSError as error:
        changed = f"{len(replaced)} of {len(temporary)} seeds were" if replaced else "no seed was"
        reason = f"the seeds can't be written to {relative(output_dir)}: {error.strerror}"
        raise ConversionError([f"{reason}; {changed} changed."]) from None
    finally:
        for file in temporary.values():
            with suppress(OSError):
                file.unlink(missing_ok=True)
    return replaced


# ---- Words for messages, each of which is one line ------------------------------------------


def shown(text: str, limit: int = 60) -> str:
    """Return a text on one line, what can't be printed escaped, and its end cut."""
    head = text if len(text) <= limit else text[: limit - 3] + "..."
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in head
    )


def described(value: object) -> str:
    """Return what a value is, in words."""
    if isinstance(value, str):
        return f'the string "{shown(value)}"'
    if isinstance(value, Number):
        return f"the number {shown(value.text)}"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    return to_json(value)


def advice(name: str, candidates: list[str]) -> str:
    """Return what to do about an undeclared name, and the one it was probably meant to be."""
    # Comparing takes quadratic time, and no declared name is nearly as long.
    closest = difflib.get_close_matches(name[:100].lower(), candidates, n=1)
    guess = f"did you mean {closest[0]}? If not, " if closest else ""
    return f"{guess}declare it in {DECLARED_IN}"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count} {noun}" if count == 1 else f"{count:,} {noun}s"


def relative(path: Path) -> str:
    """Return a path as it is written in this project."""
    absolute = path.absolute()
    return shown(str(absolute.relative_to(PROJECT) if PROJECT in absolute.parents else path), 500)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(description="Convert the orchestrator's JSON to dbt seeds.")
    parser.add_argument("--input", type=Path, default=INPUT_DIR, help="folder of the JSON files")
    parser.add_argument("--output", type=Path, default=OUTPUT_DIR, help="folder of the seeds")
    parser.add_argument("--check", action="store_true", help="change nothing, fail on a difference")
    options = parser.parse_args(arguments)
    try:
        with nullcontext() if options.check else sole_build(PROJECT):
            conversion = convert(options.input, options.output, options.check)
    except (ConversionError, LockError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130
    if options.check:
        print(f"{relative(options.output)} is what the JSON gives: {conversion}.")
    else:
        changed = counted(len(conversion.changed), "seed")
        print(f"Converted {conversion}. Changed {changed} in {relative(options.output)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
