"""Format values for people: with units, and with the unrounded value for machines."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from markupsafe import Markup

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
MINUS = "\N{MINUS SIGN}"
NOTHING = Markup('<span>\N{EN DASH}<span class="hidden"> none</span></span>')


def or_nothing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a formatter show that there is no value."""

    def written(value: Any, *arguments: Any) -> Any:
        return NOTHING if value is None else function(value, *arguments)

    return written


def marked(value: Any, text: str) -> Markup:
    """Return a text that carries its unrounded value."""
    return Markup('<data value="{}">{}</data>').format(value, text)


def number(value: float) -> Markup:
    """Format a number, with decimals where it has any."""
    return marked(value, signed(f"{value:,.2f}".removesuffix(".00")))


def share(value: float, beside: float | None = None) -> Markup:
    """Format a fraction as a percentage; unequal values beside each other look unequal."""
    return marked(value, percent(value, beside))


def percent(value: float, beside: float | None = None) -> str:
    """Return a fraction as a percentage, with more decimals where few would hide a difference.

    The difference is from 0%, from 100%, or from a fraction beside it.
    """
    others = [other for other in (0.0, 1.0, beside) if other is not None and other != value]
    for digits in range(2 if 0 < abs(value) < 0.01 else 1, 9):
        text = f"{value:,.{digits}%}"
        if text not in [f"{other:,.{digits}%}" for other in others]:
            break
    return signed(text)


def change(value: float) -> Markup:
    """Format a relative change, with its sign."""
    return marked(value, f"{'+' if value > 0 else ''}{percent(value)}")


def points(value: float) -> Markup:
    """Format the difference of two fractions, in percentage points."""
    return marked(value, f"{'+' if value > 0 else ''}{percent(value).removesuffix('%')} points")


def ratio(value: float) -> Markup:
    """Format a ratio of two amounts."""
    return marked(value, signed(f"{value:,.2f}"))


def money(value: Decimal, currency: str | None) -> Markup:
    """Format an amount with its currency."""
    amount = signed(f"{value:,.2f}")
    return marked(value, f"{currency} {amount}" if currency else amount)


def signed(text: str) -> str:
    """Return a number's text with a true minus."""
    return text.replace("-", MINUS)


def duration(minutes: float) -> Markup:
    """Format minutes in the two largest units."""
    return marked(minutes, lasting(minutes))


def lasting(minutes: float) -> str:
    """Return a time span in the two largest units."""
    whole = round(minutes)
    days, rest = divmod(whole, 24 * 60)
    hours, left = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (left, "min")]
    first = next((place for place, (number, _) in enumerate(parts) if number), 2)
    shown = [f"{number:,} {unit}" for number, unit in parts[first : first + 2] if number]
    return " ".join(shown) or ("less than a minute" if minutes > 0 else "0 min")


def day(value: date) -> Markup:
    """Format a day."""
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), written_day(value))


def moment(value: datetime) -> Markup:
    """Format a moment in UTC."""
    text = f"{written_day(value)}, {value:%H:%M}"
    return Markup('<time datetime="{}Z">{}</time>').format(value.isoformat(), text)


def written_day(value: date) -> str:
    """Return a day in English, whatever the locale."""
    return f"{value.day} {MONTHS[value.month - 1]} {value.year}"


def words(value: str) -> str:
    """Format a value of a closed list in words."""
    text = value.replace("_", " ").replace("kpi", "KPI").strip()
    return text[:1].upper() + text[1:]


def text(value: str) -> Markup:
    """Format a text so that its direction, left or right, does not affect the text beside it."""
    return Markup("<bdi>{}</bdi>").format(value)


WRITERS = {
    writer.__name__: or_nothing(writer)
    for writer in [
        *(change, day, duration, moment, money, number, points, ratio, share, text),
        words,
    ]
}
