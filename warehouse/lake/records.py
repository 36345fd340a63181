"""Validate records one by one, by the rules of warehouse/seeds."""

import json
import re

from warehouse.seeds.conversion import Row, convert_field, convert_record
from warehouse.seeds.declaration import Dataset, Field
from warehouse.seeds.json_text import JsonObject, Number, described
from warehouse.system.words import shown

NUMBER = re.compile(r"-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?")


def judged(dataset: Dataset, text: str, in_path: dict[str, str]) -> tuple[Row, list[str], str]:
    """Return a record's values, its problems, and its name in messages.

    Args:
        dataset: The record's dataset.
        text: Its JSON.
        in_path: Fields from the folders of its file.

    """
    record = read(text)
    if record is None:
        return [], ["expected a JSON object on one line, in UTF-8, found malformed JSON"], ""
    if not isinstance(record, JsonObject):
        return [], [f"expected an object, found {described(record)}"], ""
    identity = record.get(dataset.id_field or "")
    name = f" ({shown(str(identity))})" if isinstance(identity, str | Number) else ""
    for field in dataset.fields:
        if field.name in in_path and record.get(field.name) is None:
            record[field.name] = value_in_path(field, in_path[field.name])
    problems: list[str] = []
    row = convert_record(dataset, record, problems, is_in_bulk=True)
    return row, problems, name


def hint(text: str, number: int, count: int) -> str:
    """Return the likely reason for malformed JSON, by its place among a file's records."""
    if text:
        return ""
    if number == 1:
        return " or a byte order mark"
    return "; is the file cut off?" if number == count else ""


def read(text: str) -> object:
    """Return the parsed text of a record, with nothing lost; None where it is not JSON."""
    numbers = {"parse_int": Number, "parse_float": Number, "parse_constant": Number}
    try:
        return json.loads(text, object_pairs_hook=JsonObject, **numbers)
    except (ValueError, RecursionError):
        return None


def judged_in_path(field: Field, text: str) -> tuple[str | None, list[str]]:
    """Return the value of a field from a folder's name as a seed would have it, and its problem."""
    problems: list[str] = []
    record = JsonObject([(field.name, value_in_path(field, text))])
    value = convert_field(field, record, problems, is_in_bulk=True)
    return value, [f"{problem} in its path" for problem in problems]


def value_in_path(field: Field, text: str) -> object:
    """Return the text of a folder's name as a record would have it."""
    if field.type in ("integer", "number") and NUMBER.fullmatch(text):
        return Number(text)
    if field.type == "boolean" and text in ("true", "false"):
        return text == "true"
    return text
