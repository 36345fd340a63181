"""Valid values of each type, and invalid ones with their messages."""

import yaml
from helpers.project import PROJECT

DECLARATION = PROJECT / "seeds/orchestrator/_orchestrator__seeds.yml"
DECLARED_IN = "declare it in seeds/orchestrator/_orchestrator__seeds.yml"
SEEDS = yaml.safe_load(DECLARATION.read_text())["seeds"]
FIELDS = {
    seed["name"].removeprefix("raw_"): {
        column["name"]: column["config"]["meta"] for column in seed["columns"]
    }
    for seed in SEEDS
}
OPTIONAL = ["segment_rollups", "attribution_hints"]
VALID = {
    "string": '"text"',
    "integer": "12",
    "number": "1500.00",
    "boolean": "true",
    "date": '"2026-03-16"',
    "timestamp": '"2026-03-16T10:30:00"',
    "string_list": '["text"]',
    "object": '{"clicks": 3}',
}
# One required field of each type to try values in.
PLACE = {
    "string": ("channels", "platform"),
    "integer": ("audience_segments", "size_estimate"),
    "number": ("channels", "avg_cost"),
    "boolean": ("creative_assets", "approved_by_human"),
    "date": ("campaigns", "start_date"),
    "timestamp": ("campaigns", "created_at"),
    "string_list": ("creative_assets", "risk_flags"),
    "object": ("campaign_risk_signals", "evidence"),
}

NO_DATE = "expected a date such as 2026-03-16"
NO_TIMESTAMP = "expected a timestamp such as 2026-03-16T10:30:00Z"
NOT_64_BITS = "expected an integer within 64 bits (-9223372036854775808 to 9223372036854775807)"
TOO_LARGE = "expected a number below 10^12 in magnitude (staging types money as decimal(18,6))"
# By type: a value as JSON, and its text in a seed or its message.
GOOD_VALUES = {
    "string": [('"NULL"', "NULL"), ('""', ""), (r'"\ud83d\ude00"', "😀"), ('"1.50"', "1.50")],
    "integer": [
        ("12", "12"),
        ("0", "0"),
        ("-0", "0"),
        ("-7", "-7"),
        ("1.0", "1"),
        ("1200.0", "1200"),
        ("1e3", "1000"),
        ("1.5e1", "15"),
        ("1.2e3", "1200"),
        ("1.20E+3", "1200"),
        ("12000e-1", "1200"),
        ("0e999999999", "0"),
        ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"),
    ],
    "number": [
        ("1500.00", "1500.00"),
        ("12.30", "12.30"),
        ("-1", "-1"),
        ("0.60", "0.60"),
        ("-0.5", "-0.5"),
        ("12", "12"),
        ("1e3", "1000"),
        ("1.50e3", "1500"),
        ("1.5E-7", "0.00000015"),
        ("123456789012345678901234567890e-20", "1234567890.12345678901234567890"),
        (
            "0.1234567890123456789012345678901234567890",
            "0.1234567890123456789012345678901234567890",
        ),
        ("999999999999", "999999999999"),
        ("999999999999.99995", "999999999999.99995"),
        ("999999999999.999999", "999999999999.999999"),
        (
            "999999999999.99999949999999999999999999999",
            "999999999999.99999949999999999999999999999",
        ),
    ],
    "boolean": [("true", "true"), ("false", "false")],
    "date": [
        ('"2026-03-16"', "2026-03-16"),
        ('"2024-02-29"', "2024-02-29"),
        ('"0001-01-01"', "0001-01-01"),
    ],
    "timestamp": [
        ('"2026-03-16T10:30"', "2026-03-16T10:30:00"),
        ('"2026-03-16T10:30Z"', "2026-03-16T10:30:00"),
        ('"2026-03-16T10:30:00Z"', "2026-03-16T10:30:00"),
        ('"2026-03-16 10:30:05"', "2026-03-16T10:30:05"),
        ('"2026-03-16T10:30:05Z"', "2026-03-16T10:30:05"),
        ('"2026-03-16T10:30:05z"', "2026-03-16T10:30:05"),
        ('"2026-03-16T00:30:00+02:00"', "2026-03-15T22:30:00"),
        ('"2026-02-28T23:30:00-0130"', "2026-03-01T01:00:00"),
        ('"2026-03-16T10:30:05.25"', "2026-03-16T10:30:05.250000"),
        ('"2026-03-16T10:30:05.5"', "2026-03-16T10:30:05.500000"),
        ('"2026-03-16T10:30:05.9999999+00:00"', "2026-03-16T10:30:05.999999"),
        ('"2026-03-16T10:30:05.000"', "2026-03-16T10:30:05"),
        ('"0001-01-01T00:00:00"', "0001-01-01T00:00:00"),
    ],
    "string_list": [
        ("[]", "[]"),
        ('["a","b"]', '["a","b"]'),
        (r'[ "a,b" , "\u00e9\"" ]', r'["a,b","é\""]'),
    ],
    "object": [
        ("{}", "{}"),
        ('{"b": 1, "a": {"y": null, "x": [1.50, -0]}}', '{"b":1,"a":{"y":null,"x":[1.50,-0]}}'),
        (f'{{"n": {"9" * 5000}}}', f'{{"n":{"9" * 5000}}}'),
        (f'{{"n": 0.{"1" * 40}}}', f'{{"n":0.{"1" * 40}}}'),
        (f'{{"a": {"[" * 99}1{"]" * 99}}}', f'{{"a":{"[" * 99}1{"]" * 99}}}'),
        (r'{"k\n": "\u00e9\t\u007f"}', '{"k\\n":"é\\t\x7f"}'),
    ],
}
BAD_VALUES = {
    "string": [
        ("12", "expected a string, found the number 12"),
        ("true", "expected a string, found true"),
        ("null", "expected a string, found null"),
        (None, "expected a string, found no such field"),
        ("[]", "expected a string, found a list"),
        ("{}", "expected a string, found an object"),
        (r'"a\u0000b"', r'expected text without NUL characters, found the string "a\x00b"'),
        (r'"\ud800x"', r'expected text without lone surrogates, found the string "\ud800x"'),
        (
            '"' + "x" * 131_073 + '"',
            "expected at most 131,072 characters, found 131,073;"
            " load this dataset in bulk from landing/ instead",
        ),
        ("-Infinity", "expected a finite number, found -Infinity"),
    ],
    "integer": [
        ('"12"', 'expected an integer, found the string "12"'),
        ("1.5", "expected an integer, found the number 1.5"),
        ("1e-999999999", "expected an integer, found the number 1e-999999999"),
        ("true", "expected an integer, found true"),
        ("null", "expected an integer, found null"),
        ("NaN", "expected a finite number, found NaN"),
        ("9223372036854775808", f"{NOT_64_BITS}, found the number 9223372036854775808"),
        ("-9223372036854775809", f"{NOT_64_BITS}, found the number -9223372036854775809"),
        ("1e999999999", f"{NOT_64_BITS}, found the number 1e999999999"),
        ("9" * 100_000, f"{NOT_64_BITS}, found the number {'9' * 57}..."),
        (
            f"1e{'9' * 30}",
            f"expected an integer with a shorter exponent, found the number 1e{'9' * 30}",
        ),
    ],
    "number": [
        ('"abc"', 'expected a number, found the string "abc"'),
        ('"12.5"', 'expected a number, found the string "12.5"'),
        ("false", "expected a number, found false"),
        (None, "expected a number, found no such field"),
        ("NaN", "expected a finite number, found NaN"),
        ("Infinity", "expected a finite number, found Infinity"),
        ("-Infinity", "expected a finite number, found -Infinity"),
        ("1000000000000", f"{TOO_LARGE}, found the number 1000000000000"),
        ("-1e12", f"{TOO_LARGE}, found the number -1e12"),
        # Rounded to six places it needs a nineteenth digit.
        ("999999999999.9999995", f"{TOO_LARGE}, found the number 999999999999.9999995"),
        ("1e999999999", f"{TOO_LARGE}, found the number 1e999999999"),
        ("9" * 100_000, f"{TOO_LARGE}, found the number {'9' * 57}..."),
        (
            "1e-999999999",
            "expected a number of at most 131,072 decimal places, found the number 1e-999999999",
        ),
        (
            f"1e-{'9' * 30}",
            f"expected a number with a shorter exponent, found the number 1e-{'9' * 30}",
        ),
    ],
    "boolean": [
        ("1", "expected true or false, found the number 1"),
        ('"true"', 'expected true or false, found the string "true"'),
        ('"True"', 'expected true or false, found the string "True"'),
        ("null", "expected true or false, found null"),
    ],
    "date": [
        ('"2026-02-30"', f'{NO_DATE}, found the string "2026-02-30"'),
        ('"2026-3-16"', f'{NO_DATE}, found the string "2026-3-16"'),
        ('"2026-3-1"', f'{NO_DATE}, found the string "2026-3-1"'),
        ('"16.03.2026"', f'{NO_DATE}, found the string "16.03.2026"'),
        ('"infinity"', f'{NO_DATE}, found the string "infinity"'),
        ('"20260316"', f'{NO_DATE}, found the string "20260316"'),
        ('"2026-W12-1"', f'{NO_DATE}, found the string "2026-W12-1"'),
        ('"2026-03-16\\n"', f'{NO_DATE}, found the string "2026-03-16\\n"'),
        ('"2026-03-1٦"', f'{NO_DATE}, found the string "2026-03-1٦"'),
        ('"0000-01-01"', f'{NO_DATE}, found the string "0000-01-01"'),
        ('"2026-03-16T00:00"', f'{NO_DATE}, found the string "2026-03-16T00:00"'),
        ('""', f'{NO_DATE}, found the string ""'),
        ("20260316", f"{NO_DATE}, found the number 20260316"),
    ],
    "timestamp": [
        ('"2026-03-16"', f'{NO_TIMESTAMP}, found the string "2026-03-16"'),
        ('"yesterday"', f'{NO_TIMESTAMP}, found the string "yesterday"'),
        ('"2026-02-30T10:00"', f'{NO_TIMESTAMP}, found the string "2026-02-30T10:00"'),
        ('"2026-03-16T24:00"', f'{NO_TIMESTAMP}, found the string "2026-03-16T24:00"'),
        ('"2026-03-16T24:00:00"', f'{NO_TIMESTAMP}, found the string "2026-03-16T24:00:00"'),
        ('"2026-03-16T10:60"', f'{NO_TIMESTAMP}, found the string "2026-03-16T10:60"'),
        ('"2026-03-16T10:00:60"', f'{NO_TIMESTAMP}, found the string "2026-03-16T10:00:60"'),
        ('"2026-03-16T10"', f'{NO_TIMESTAMP}, found the string "2026-03-16T10"'),
        ('"2026-03-16T10:00:00."', f'{NO_TIMESTAMP}, found the string "2026-03-16T10:00:00."'),
        ('"2026-03-16T10:00+2"', f'{NO_TIMESTAMP}, found the string "2026-03-16T10:00+2"'),
        ('"2026-03-16T10:00+24:00"', f'{NO_TIMESTAMP}, found the string "2026-03-16T10:00+24:00"'),
        ('"2026-03-16T10:00+02:60"', f'{NO_TIMESTAMP}, found the string "2026-03-16T10:00+02:60"'),
        ('"2026-03-16T10:00Z\\n"', f'{NO_TIMESTAMP}, found the string "2026-03-16T10:00Z\\n"'),
        (
            '"2026-03-16T10:30:00\\n"',
            f'{NO_TIMESTAMP}, found the string "2026-03-16T10:30:00\\n"',
        ),
        ('"16.03.2026 10:00"', f'{NO_TIMESTAMP}, found the string "16.03.2026 10:00"'),
        ("1773655800", f"{NO_TIMESTAMP}, found the number 1773655800"),
        (
            '"0001-01-01T00:00+02:00"',
            "expected a timestamp within the years 1 to 9999 in UTC,"
            ' found the string "0001-01-01T00:00+02:00"',
        ),
        (
            '"0001-01-01T00:00:00+02:00"',
            "expected a timestamp within the years 1 to 9999 in UTC,"
            ' found the string "0001-01-01T00:00:00+02:00"',
        ),
        (
            '"9999-12-31T23:59-02:00"',
            "expected a timestamp within the years 1 to 9999 in UTC,"
            ' found the string "9999-12-31T23:59-02:00"',
        ),
    ],
    "string_list": [
        ('"a"', 'expected a list of strings, found the string "a"'),
        ('["a", null]', "expected a list of strings (its item 2 is null), found a list"),
        ("[1]", "expected a list of strings (its item 1 is the number 1), found a list"),
        ("{}", "expected a list of strings, found an object"),
        ("null", "expected a list of strings, found null"),
    ],
    "object": [
        ("[]", "expected an object, found a list"),
        ('"{}"', 'expected an object, found the string "{}"'),
        ("null", "expected an object, found null"),
        (
            '{"a": "' + "x" * 131_072 + '"}',
            "expected at most 131,072 characters, found 131,080;"
            " load this dataset in bulk from landing/ instead",
        ),
    ],
}
