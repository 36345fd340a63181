"""Read JSON with nothing lost: repeated keys are known, and numbers keep their digits."""

import json
import re
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from warehouse.seeds.errors import FileError
from warehouse.system.words import shown

MAX_BYTES = 50_000_000  # of one file: a seed is small, what is larger is read where it lies
MAX_DEPTH = 100  # of nested values: beyond any real record, below Python's recursion limit
CUT_OFF = "; the file seems to be cut off"
BETWEEN = re.compile(r"[\s,]*")  # what separates the elements of an array
IN_BULK = "load this dataset in bulk from landing/ instead"


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


def records_in(data: bytes) -> list[object]:
    """Return the elements of the JSON array in a file; raise FileError where there is none."""
    text = text_of(data)
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


def lines_of_records(data: bytes) -> list[int]:
    """Return the line on which each element begins of a JSON array that can be read."""
    text, lines, line = text_of(data), [], 1
    decoder = json.JSONDecoder(parse_int=str, parse_float=str)  # of any number of digits
    position = text.index("[") + 1
    line += text.count("\n", 0, position)
    while (start := BETWEEN.match(text, position).end()) and text[start] != "]":
        line += text.count("\n", position, start)
        lines.append(line)
        _, position = decoder.raw_decode(text, start)
        line += text.count("\n", start, position)
    return lines


def read_bytes(path: Path) -> bytes:
    """Return what is in a file; raise FileError where that can't be read, or is too much."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            found = "a directory" if stat.S_ISDIR(status.st_mode) else "something else"
            raise FileError(f"expected a file, found {found}")
        if status.st_size > MAX_BYTES:
            limit = f"expected at most {MAX_BYTES:,} bytes, found {status.st_size:,}"
            raise FileError(f"{limit}; {IN_BULK}")
        return path.read_bytes()
    except OSError as error:
        raise FileError(f"the file can't be read: {error.strerror}") from None


def text_of(data: bytes) -> str:
    """Return the text of a UTF-8 file, without its byte order mark."""
    if data and not data.strip(b"\0"):  # as a crash may leave a file
        raise FileError("expected a JSON array, found nothing but NUL bytes")
    if wrong := wrong_encoding(data):
        raise FileError(wrong)
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{data[error.start]:02x} at byte offset {error.start} (line {line})"
        cut_off = CUT_OFF if error.reason == "unexpected end of data" else ""
        raise FileError(f"expected UTF-8, found {found}{cut_off}") from None


def wrong_encoding(data: bytes) -> str | None:
    """Return what is wrong with an encoding, None where the first bytes are those of UTF-8."""
    encoding = json.detect_encoding(data)
    return None if encoding.startswith("utf-8") else f"expected UTF-8, found {encoding.upper()}"


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
