"""Draw the review's charts: SVG with the colours of the page, light or dark."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import pairwise

from markupsafe import Markup

from warehouse.review.contents import Row
from warehouse.review.words import written_day

DAY = timedelta(days=1)
TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")  # change the direction of text
MOST_LETTERS = 34

SPARK_WIDTH, SPARK_HEIGHT, SPARK_MARGIN = 96, 20, 3

WEEKS_WIDTH, BAND_HEIGHT, BAND_LABEL = 240, 24, 15
WIDEST_BAR = 28.0

FLOW_WIDTH, FLOW_LEFT, FLOW_RIGHT = 820, 290, 530
MOVED_HEIGHT = 120  # for all moved money together
LABEL_HEIGHT = 36  # for the two lines beside a channel
GAP = 8  # between channels of one side

Point = tuple[float, float]


def sparkline(values: list[float | None], target: float | None) -> Markup:
    """Draw a metric's values by export, and its target; nothing for a single value."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return Markup()
    drawn = [*known, *([] if target is None else [target])]
    lowest, whole = min(drawn), max(drawn) - min(drawn)
    room = SPARK_HEIGHT - 2 * SPARK_MARGIN
    step = (SPARK_WIDTH - 2 * SPARK_MARGIN) / (len(values) - 1)

    def height(value: float) -> float:
        return SPARK_MARGIN + room * (1 - (value - lowest) / whole if whole else 0.5)

    points = [
        None if value is None else (SPARK_MARGIN + step * place, height(value))
        for place, value in enumerate(values)
    ]
    goal = "" if target is None else f"M0 {height(target):.1f}h{SPARK_WIDTH}"
    parts = [path("goal", goal), path("trend", line(points)), path("last", line(points[-1:]))]
    return svg(SPARK_WIDTH, SPARK_HEIGHT, parts)


@dataclass
class Band:
    """A measure of a weekly chart: its label, the text beside it, and whether it is a rate."""

    measure: str
    label: str
    beside: str
    is_rate: bool = False


def broken_at_gaps(weeks: list[Row], tops: list[Point | None]) -> list[Point | None]:
    """Return the positions of weeks, with a gap where weeks have no row."""
    places = tops[:1]
    for (before, week), top in zip(pairwise(weeks), tops[1:], strict=True):
        if week["week_start"] - before["week_start"] > 7 * DAY:
            places.append(None)
        places.append(top)
    return places


def weekly(weeks: list[Row], turns: list[Row], bands: list[Band]) -> Markup:
    """Draw measures of a campaign by week, with moves of its budget and decisions.

    Args:
        weeks: In order: week_start, is_whole, and the measures.
        turns: Moves of budget and decisions: kind, turned_at.
        bands: The measures from top to bottom: rates as lines, others as bars.

    """
    start = datetime.combine(weeks[0]["week_start"], time())
    end = datetime.combine(weeks[-1]["week_start"], time()) + 7 * DAY
    bottom = len(bands) * (BAND_LABEL + BAND_HEIGHT)

    def across(moment: datetime) -> float:
        return WEEKS_WIDTH * ((moment - start) / (end - start))

    def marks(kind: str, drawn: str) -> Markup:
        moments = [one["turned_at"] for one in turns if one["kind"] == kind]
        places = {f"{across(one):.1f}" for one in moments if start <= one < end}
        return path(kind, "".join(f"M{x} {drawn}" for x in sorted(places, key=float)))

    parts = [
        marks("move", f"0V{bottom}"),
        marks("decision", f"{bottom}v5"),
        path("axis", f"M0 {bottom}H{WEEKS_WIDTH}"),
    ]
    middles = [across(datetime.combine(one["week_start"], time()) + 3.5 * DAY) for one in weeks]
    width = min(WIDEST_BAR, 0.8 * WEEKS_WIDTH * (7 * DAY / (end - start)))
    for place, band in enumerate(bands, start=1):
        foot = place * (BAND_LABEL + BAND_HEIGHT)
        values = [week[band.measure] for week in weeks]
        scale = BAND_HEIGHT / (max((value or 0.0 for value in values), default=0.0) or 1.0)
        tops = [
            None if value is None else (x, foot - scale * value)
            for x, value in zip(middles, values, strict=True)
        ]
        if band.is_rate:
            parts.append(path("trend", line(broken_at_gaps(weeks, tops))))
        else:
            for is_over, name in ((True, "bars"), (False, "bars unfinished")):
                own = [
                    f"M{top[0]:.1f} {foot}V{top[1]:.1f}"
                    for week, top in zip(weeks, tops, strict=True)
                    if top and week["is_whole"] == is_over
                ]
                parts.append(path(name, "".join(own), width))
        parts.append(text(0, foot - BAND_HEIGHT - 4, [band.label]))
        parts.append(text(WEEKS_WIDTH, foot - BAND_HEIGHT - 4, [band.beside], "end"))
    parts.append(text(0, bottom + 15, [written_day(start)]))
    parts.append(text(WEEKS_WIDTH, bottom + 15, [written_day(end - DAY)], "end"))
    return svg(WEEKS_WIDTH, bottom + 18, parts)


def budget_flow(moves: list[Row], currency: str) -> Markup:
    """Draw moves of money: giving channels on the left, receiving channels on the right.

    Args:
        moves: A row for each pair of channels: from_channel_id, from_channel_label, to_channel_id,
            to_channel_label, amount.
        currency: Currency of all moves.

    """
    total = sum(float(move["amount"]) for move in moves)
    scale = MOVED_HEIGHT / total if total else 0.0
    left, right = places(moves, "from", scale), places(moves, "to", scale)
    middle = (FLOW_LEFT + FLOW_RIGHT) / 2
    parts = [
        path(
            "flow",
            f"M{FLOW_LEFT} {top:.1f}C{middle} {top:.1f} {middle} {far_top:.1f}"
            f" {FLOW_RIGHT} {far_top:.1f}V{far_foot:.1f}"
            f"C{middle} {far_foot:.1f} {middle} {foot:.1f} {FLOW_LEFT} {foot:.1f}z",
        )
        for (top, foot), (far_top, far_foot) in zip(left, right, strict=True)
    ]
    for side, spans, x, anchor in (
        ("from", left, FLOW_LEFT - 8, "end"),
        ("to", right, FLOW_RIGHT + 8, "start"),
    ):
        for channel, own in by_channel(moves, side).items():
            y = (spans[own[0]][0] + spans[own[-1]][1]) / 2
            amount = sum(moves[number]["amount"] for number in own)
            label = moves[own[0]][f"{side}_channel_label"] or channel
            parts.append(text(x, y - 4, [label, f"{currency} {amount:,.2f}"], anchor))
    height = max(foot for _, foot in [*left, *right]) + LABEL_HEIGHT / 2
    return svg(FLOW_WIDTH, round(height), parts)


def by_channel(moves: list[Row], side: str) -> dict[str, list[int]]:
    """Return the moves of each channel of a side."""
    found: dict[str, list[int]] = {}
    for number, move in enumerate(moves):
        found.setdefault(move[f"{side}_channel_id"], []).append(number)
    return found


def places(moves: list[Row], side: str, scale: float) -> list[Point]:
    """Return the start and end of each move on one side, in pixels, channel below channel.

    Each channel has room for its label, however little money it moved.
    """
    found: dict[int, Point] = {}
    top = 0.0
    for own in by_channel(moves, side).values():
        heights = [float(moves[number]["amount"]) * scale for number in own]
        room = max(sum(heights), LABEL_HEIGHT)
        at = top + (room - sum(heights)) / 2
        for number, height in zip(own, heights, strict=True):
            found[number] = (at, at + height)
            at += height
        top += room + GAP
    return [found[number] for number in range(len(moves))]


# ---- What they are made of ------------------------------------------------------------------


def line(points: Iterable[Point | None]) -> str:
    """Return the path through points, broken at missing ones; a point alone is a dot."""
    parts, is_broken = [], True
    for point in points:
        if point:
            parts.append(f"{'M' if is_broken else 'L'}{point[0]:.1f} {point[1]:.1f}")
            parts.append("h0" if is_broken else "")
        is_broken = point is None
    return "".join(parts)


def path(name: str, drawn: str, width: float | None = None) -> Markup:
    """Return a path in the colour of its name; nothing for an empty path."""
    if not drawn:
        return Markup()
    stroke = Markup("") if width is None else Markup(' stroke-width="{:.1f}"').format(width)
    return Markup('<path class="{}"{} d="{}"/>').format(name, stroke, drawn)


def text(x: float, y: float, lines: list[str], anchor: str = "start") -> Markup:
    """Return lines of text, cut to fit; the words beside the chart have them in full."""
    spans = [
        Markup('<tspan x="{:g}" dy="{}">{}</tspan>').format(x, "1.3em" if number else 0, short(one))
        for number, one in enumerate(lines)
    ]
    start = Markup('<text y="{:.4g}" text-anchor="{}">').format(y, anchor)
    return start + Markup("").join(spans) + Markup("</text>")


def short(value: str) -> str:
    """Return a text that fits beside a chart, and does not change the direction of others."""
    value = " ".join(TURNING.sub(" ", value).split())
    return value if len(value) <= MOST_LETTERS else f"{value[: MOST_LETTERS - 1]}…"


def svg(width: int, height: int, parts: list[Markup]) -> Markup:
    """Return a chart; the caller adds its description in words."""
    start = Markup('<svg viewBox="0 0 {} {}" aria-hidden="true">').format(width, height)
    return start + Markup("").join(parts) + Markup("</svg>")
