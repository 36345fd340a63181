"""The types of fields: validate a value, and return its text in a seed."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from warehouse.seeds.errors import MismatchError
from warehouse.seeds.json_text import JsonObject, Number, described, to_json

MAX_CHARACTERS = 131_072  # of one value: the limit of Python's csv, with which dbt reads seeds
INT64 = 2**63
DECIMAL_18_6_LIMIT = Decimal("999999999999.9999995")  # from here it rounds to 10^12
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
EXPECTED = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "date": "a date such as 2026-03-16",
    "timestamp": "a timestamp such as 2026-03-16T10:30:00Z",
    "string_list": "a list of strings",
    "object": "an object",
}
TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?"
    r"([Zz]|[+-][0-9]{2}:?[0-5][0-9])?"
)


def string_text(value: object) -> str:
    """Return a string as it is."""
    if not isinstance(value, str):
        raise MismatchError(EXPECTED["string"])
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
    """Return the digits of an integer; 1200.0 and 1.2e3 are integers too."""
    expected = EXPECTED["integer"]
    number = exact(value, expected)
    if not -INT64 <= number < INT64:
        raise MismatchError(f"{expected} within 64 bits ({-INT64} to {INT64 - 1})")
    if number != number.to_integral_value():
        raise MismatchError(expected)
    return str(int(number))


def number_text(value: object) -> str:
    """Return a number without an exponent, which DuckDB doesn't always cast correctly."""
    expected = EXPECTED["number"]
    number = exact(value, expected)
    if number.copy_abs() >= DECIMAL_18_6_LIMIT:  # abs() would round, and overflow
        why = "staging types money as decimal(18,6)"
        raise MismatchError(f"{expected} below 10^12 in magnitude ({why})")
    if int(number.as_tuple().exponent) < -MAX_CHARACTERS:
        raise MismatchError(f"{expected} of at most {MAX_CHARACTERS:,} decimal places")
    return format(number, "f")


def boolean_text(value: object) -> str:
    """Return true or false; no other value is accepted."""
    if not isinstance(value, bool):
        raise MismatchError(EXPECTED["boolean"])
    return "true" if value else "false"


def date_text(value: object) -> str:
    """Return a date that exists."""
    expected = EXPECTED["date"]
    if not isinstance(value, str) or not DATE.fullmatch(value):
        raise MismatchError(expected)
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise MismatchError(expected) from None


def timestamp_text(value: object) -> str:
    """Return a timestamp in UTC without a zone, cut to microseconds."""
    expected = EXPECTED["timestamp"]
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
    expected = EXPECTED["string_list"]
    if not isinstance(value, list):
        raise MismatchError(expected)
    for position, item in enumerate(value, start=1):
        if not isinstance(item, str):
            raise MismatchError(f"{expected} (its item {position} is {described(item)})")
    return to_json(value)


def object_text(value: object) -> str:
    """Return an object as JSON text, its keys in the file's order."""
    if not isinstance(value, JsonObject):
        raise MismatchError(EXPECTED["object"])
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
