"""Difficult texts that a step between JSON and a mart may corrupt."""

TEXTS = [
    # Blank, and blank at the ends
    "", " ", "\t", "\n", "\r", "\r\n", " lead", "trail ", " blank on both sides ", "tab\there",
    "\u00a0no-break spaces\u00a0", "\u3000", "\u200b",
    # Lines
    "a\nb", "a\rb", "a\r\nb", "end\n", "both\r\n", "\n\n", "\u2028line separator", "\x85\x0b\x0c",
    # Quotes and what separates
    'say "hi", ok', '"hello"', "'hello'", '"', "'", '""', '"""', 'a""b', 'he said ""so""',
    ",", ",,", "comma, semicolon; tab\t, backslash \\ and \\n",
    "O'Brien", "`tick`", "„low“ «angle»",
    # Backslashes
    "back\\slash", "\\", "\\\\", '\\"', "\\n", "\\N", "\\u0041", "C:\\new\\table",
    # Code
    "{{ jinja }} {% raw %} {# comment #}", "{{", "}}", "{% endraw %}", "{% raw %}", "${HOME} $1 %s",
    "Robert'); drop table marts.dim_campaigns; --", "'; drop table x; --", "-- x", "/* x", "%_",
    "<script>alert(1)</script> & co", "&amp;", "<!-- -->", "=1+1", "@SUM(A1)", "#comment", "[1, 2]",
    '{"a": "b"}', "null,", "a|b;c",
    # What could be taken for something else
    "NULL", "null", "None", "nan", "NaN", "Infinity", "-inf", "sNaN", "true", "false", "00000001",
    "1e5", "1e999999999", "9" * 5000, "1,000.50", "$5", "12 %", "-0", "0x1F", "٣", "2026-03-16",
    "2026-03-16T10:30:00Z", "99999-01-01", "10:30",
    # Scripts, emoji, and what can't be seen
    "日本語 العربية עברית हिन्दी русский ไทย 한국어 ελληνικά አማርኛ ქართული ᚠᛇᚻ 𐎀𐎁",
    "שלום", "é", "e\u0301",
    "👩‍👩‍👧‍👦 🏳️‍🌈 🇪🇺 👍🏽 e\u0301 \u202e reversed", "😀", "\u202ertl", "\ufeffmark in front",
    "\x01\x7f\x1b[31m", "\ufffd\ufffe\uffff", "\U0010ffff\ue000", "Z\u0351\u036b\u0343algo\u0321",
    "ﬁ ß İ ǅ",
]  # fmt: skip

LONG_TEXT = "long " * 4_000
