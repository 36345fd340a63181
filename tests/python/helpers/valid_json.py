"""Valid JSON for hypothesis, and its expected rows in staging.

Values follow from the declaration. A value is its JSON text and its meaning, independent of the
code under test.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from helpers.oddities import TEXTS
from hypothesis import strategies as st

from warehouse.seeds.declaration import Field, read_declaration

DATASETS = read_declaration()


@dataclass(frozen=True)
class Value:
    """A value: its JSON text (None where the field is absent), and its meaning."""

    json: str | None
    meaning: Any


NULL, ABSENT = Value("null", None), Value(None, None)
Record = dict[str, Value]


# ---- What JSON may hold ---------------------------------------------------------------------

characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
words = st.sampled_from(TEXTS) | st.text(characters)
texts = words | st.lists(words, min_size=2, max_size=5).map("".join)


def string_of(text: str, ascii_only: bool, escaped_slash: bool) -> Value:
    """Return a string, escaped in one of JSON's ways."""
    written = json.dumps(text, ensure_ascii=ascii_only)
    return Value(written.replace("/", r"\/") if escaped_slash else written, text)


strings = st.builds(string_of, texts, st.booleans(), st.booleans())
booleans = st.sampled_from([Value("true", True), Value("false", False)])
dates = st.dates().map(lambda day: Value(f'"{day.isoformat()}"', day))
spaces = st.sampled_from(["", " ", "\n", "\t", " \r\n  "])


def written(number: Decimal) -> st.SearchStrategy[str]:
    """Return the ways to write a number: plain, with a fraction, with an exponent."""
    sign, digits, exponent = number.as_tuple()
    whole = "-" * sign + "".join(map(str, digits))
    ways = [format(number, "f"), format(number, "e"), format(number, "E"), f"{whole}e{exponent}"]
    zeros = "000" if number else ""  # none after another at the start
    ways += [f"{whole}{zeros}e{exponent - len(zeros)}", f"{whole}.00E{exponent:+}"]
    return st.sampled_from(ways)


integers = (
    (st.integers(-(2**63), 2**63 - 1) | st.integers(-9, 9) | st.sampled_from([2**63 - 1, -(2**63)]))
    .map(Decimal)
    .flatmap(lambda number: written(number).map(lambda text: Value(text, int(number))))
)
limit = Decimal("999999999999.9999995")
decimals = (
    st.builds(
        lambda sign, digits, exponent: Decimal(digits * sign).scaleb(exponent),
        st.sampled_from([1, -1]),
        st.integers(0, 10**27),
        st.integers(-40, 12),
    ).filter(lambda number: number.copy_abs() < limit)
    # Halves of the last place that staging keeps, and what only just fits or is nothing.
    | st.builds(lambda cents: Decimal(10 * cents + 5).scaleb(-3), st.integers(-9999, 9999))
    | st.builds(lambda units: Decimal(10 * units + 5).scaleb(-7), st.integers(-9999, 9999))
    | st.sampled_from(["999999999999.9999994", "-0.0", "0e9", "1e-400", "5e-324"]).map(Decimal)
)
numbers = decimals.flatmap(lambda number: written(number).map(lambda text: Value(text, number)))


@st.composite
def timestamps(draw: st.DrawFn) -> Value:
    """Return a moment in UTC, in one of the ways to write it."""
    moment = draw(st.datetimes() | st.sampled_from([datetime.min, datetime.max])).replace(fold=0)
    minutes = draw(st.none() | st.integers(-23 * 60 - 59, 23 * 60 + 59))
    zone, local = draw(st.sampled_from(["", "Z", "z"])), moment
    if minutes is not None:
        try:
            local = moment.replace(tzinfo=UTC).astimezone(timezone(timedelta(minutes=minutes)))
        except OverflowError:  # beyond the years 1 to 9999 in that zone
            pass
        else:
            hours, rest = divmod(abs(minutes), 60)
            colon = draw(st.sampled_from([":", ""]))
            zone = f"{'-' if minutes < 0 else '+'}{hours:02}{colon}{rest:02}"
    fraction = f"{local.microsecond:06}"
    # Beyond microseconds a fraction is cut; zeros at its end are left out, or not.
    fraction = draw(
        st.sampled_from([fraction + "9", fraction + "0", fraction, fraction.rstrip("0")])
    )
    clock = f"{local.hour:02}:{local.minute:02}"
    if local.second or local.microsecond or draw(st.booleans()):
        clock += f":{local.second:02}" + (f".{fraction}" if fraction else "")
    separator = draw(st.sampled_from("T "))
    return Value(f'"{local.date().isoformat()}{separator}{clock}{zone}"', moment)


def list_of(items: list[Value], space: str) -> Value:
    """Return a list."""
    joined = f"{space},{space}".join(item.json or "" for item in items)
    return Value(f"[{space}{joined}{space}]", [item.meaning for item in items])


def object_of(members: list[tuple[Value, Value]], space: str) -> Value:
    """Return an object; a number in it means its digits as they are written, and order counts."""
    joined = f"{space},{space}".join(
        f"{key.json}{space}:{space}{value.json}" for key, value in members
    )
    pairs = [(key.meaning, value.meaning) for key, value in members]
    return Value(f"{{{space}{joined}{space}}}", ("object", pairs))


def objects_of(inner: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    """Return objects of such values, none of whose keys is repeated."""
    members = st.lists(
        st.tuples(strings, inner), max_size=3, unique_by=lambda member: member[0].meaning
    )
    return st.builds(object_of, members, spaces)


string_lists = st.builds(list_of, st.lists(strings, max_size=3), spaces)
exact_numbers = (integers | numbers).map(lambda number: number.json) | st.sampled_from(
    ["1e400", "-1E-400", "9" * 5000, "0." + "1" * 400, "-0"]
)
nested = st.recursive(
    strings
    | booleans
    | st.just(NULL)
    | exact_numbers.map(lambda text: Value(text, ("number", text))),
    lambda inner: st.builds(list_of, st.lists(inner, max_size=3), spaces) | objects_of(inner),
    max_leaves=4,
)


VALUES = {
    "string": strings,
    "integer": integers,
    "number": numbers,
    "boolean": booleans,
    "date": dates,
    "timestamp": timestamps(),
    "string_list": string_lists,
    "object": objects_of(nested),
}


def values_of(field: Field) -> st.SearchStrategy[Value]:
    """Return the values of a field."""
    values = VALUES[field.type]
    if field.nullable:
        values |= st.just(NULL)
    if field.optional:
        values |= st.just(ABSENT)
    return values


def records_of(dataset: str) -> st.SearchStrategy[Record]:
    """Return records of a dataset, their keys in any order."""
    fields = {field.name: values_of(field) for field in DATASETS[dataset].fields}
    in_order = st.fixed_dictionaries(fields)
    return in_order.flatmap(lambda record: st.permutations(list(record.items())).map(dict))


def json_of(records: list[Record], space: str) -> str:
    """Return a file."""
    objects = [
        object_of(
            [(Value(f'"{name}"', name), value) for name, value in record.items() if value.json],
            space,
        )
        for record in records
    ]
    return space + (list_of(objects, space).json or "") + space


# ---- Expected staging ---------------------------------------------------------------

RENAMED = {
    "campaigns": {"name": "campaign_name"},
    "audience_segments": {
        "name": "segment_name",
        "description": "segment_description",
        "priority": "segment_priority",
    },
    "channels": {"type": "channel_type", "avg_cost": "average_cost"},
    "creative_assets": {"cta": "call_to_action", "approved_by_human": "is_approved_by_human"},
    "experiments": {
        "type": "experiment_type",
        "control_asset": "control_asset_id",
        "variant_asset": "variant_asset_id",
    },
    "performance_metrics": {"timestamp": "recorded_at"},
    "orchestrator_decisions": {
        "trigger": "decision_trigger",
        "human_override": "is_human_override",
        "timestamp": "decided_at",
    },
    "funnel_events": {"timestamp": "measured_at", "date": "event_date", "count": "event_count"},
    "budget_actions": {"timestamp": "proposed_at", "approved_by_human": "is_approved_by_human"},
    "campaign_risk_signals": {"timestamp": "raised_at"},
    "attribution_hints": {"timestamp": "hinted_at"},
}
SHARES = {
    "conversion_rate",
    "confidence_score",
    "confidence",
    "kpi_value",
    "trend_vs_prior_window",
}


def staged_number(field: str, number: Decimal) -> Decimal | float:
    """Return a share as a double, an amount in whole cents, other money to six places."""
    if field in SHARES:
        return float(number)
    unit = Decimal("0.01") if field == "amount" else Decimal("0.000001")
    # Decimal knows a negative zero, a database's decimal doesn't.
    return number.quantize(unit, ROUND_HALF_UP) + 0


def staged(dataset: str, record: Record) -> dict[str, Any]:
    """Return the row that staging must show of a record."""
    row = {}
    for field in DATASETS[dataset].fields:
        meaning = record[field.name].meaning
        if field.type == "number" and meaning is not None:
            meaning = staged_number(field.name, meaning)
        row[RENAMED.get(dataset, {}).get(field.name, field.name)] = meaning
    if dataset == "budget_actions" and row["currency"] is None:
        row["currency"] = "USD"
    if dataset == "funnel_events" and row["event_date"] is None:
        row["event_date"] = row["measured_at"].date()
    return row


JSON_TEXTS = {
    field.name
    for declared in DATASETS.values()
    for field in declared.fields
    if field.type in ("string_list", "object")
}
"""Columns that are JSON text in staging."""


def read_json(text: str) -> object:
    """Return the meaning of the text of a list or an object, as in list_of and object_of."""
    numbers: dict[str, Any] = dict.fromkeys(("parse_int", "parse_float"), lambda t: ("number", t))
    return json.loads(text, object_pairs_hook=lambda pairs: ("object", pairs), **numbers)
