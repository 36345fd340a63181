"""Draw the review's charts: SVG that takes its colours from the page, light or dark."""

import re
from collections.abc import Iterator
from datetime import datetime

import altair as alt
import vl_convert

from warehouse.review.contents import Row

# Colours are the page's, so that one drawing serves light, dark and print.
INK, FAINT, LINE = "var(--ink)", "var(--faint)", "var(--line)"
COST, FLOW = "var(--cost)", "var(--flow)"
WIDTH = 820
SIDE = 30  # room for a type that is wider than the one the labels were measured in
ROW_HEIGHT = 26
CURVE_POINTS = 12
MOVED_HEIGHT = 120  # of all that moved
LABEL_HEIGHT = 36  # of the two lines beside a channel
GAP = 8  # between the channels of one side
MOST_LETTERS = 34
# What XML can't hold: vl-convert would not refuse it, but end the process. And what turns the
# direction of whatever follows.
UNFIT = re.compile(
    "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u202a-\u202e\u2066-\u2069]"
)


def budget_flow(moves: list[Row], currency: str) -> str:
    """Draw where money moved: channels that gave on the left, that received on the right.

    Args:
        moves: A row for each pair of channels: from_channel_id, from_channel_label, to_channel_id,
            to_channel_label, amount.
        currency: Of all of them.

    """
    total = sum(float(move["amount"]) for move in moves)
    scale = MOVED_HEIGHT / total if total else 0.0
    left, right = places(moves, "from", scale), places(moves, "to", scale)
    height = max(high for _, high in [*left, *right]) + LABEL_HEIGHT / 2
    ribbons = [
        {"flow": number, **point}
        for number in range(len(moves))
        for point in ribbon(left[number], right[number])
    ]
    x_axis = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[-0.6, 1.6]))
    y_axis = alt.Y("low:Q", axis=None, scale=alt.Scale(domain=[0, height], reverse=True))
    flows = (
        alt.Chart(alt.Data(values=ribbons))
        .mark_area(color=FLOW, opacity=0.45, stroke=FLOW, strokeWidth=1)
        .encode(x=x_axis, y=y_axis, y2="high:Q", detail="flow:N")
    )
    layers = [flows]
    for side, spans, x, align, dx in (("from", left, 0, "right", -8), ("to", right, 1, "left", 8)):
        labels = [{"x": x, **label} for label in channels(moves, spans, side, short(currency))]
        names = alt.Chart(alt.Data(values=labels)).encode(x="x:Q", y="y:Q", text="label:N")
        layers.append(names.mark_text(align=align, dx=dx, dy=-8, color=INK))
    return svg(alt.layer(*layers), height=round(height))


def places(moves: list[Row], side: str, scale: float) -> list[tuple[float, float]]:
    """Return from where to where each move stands on one side, in pixels, channel below channel.

    Each channel has room for its label, however little it moved.
    """
    found: dict[int, tuple[float, float]] = {}
    top = 0.0
    for channel in dict.fromkeys(move[f"{side}_channel_id"] for move in moves):
        own = [n for n, move in enumerate(moves) if move[f"{side}_channel_id"] == channel]
        heights = [float(moves[number]["amount"]) * scale for number in own]
        room = max(sum(heights), LABEL_HEIGHT)
        at = top + (room - sum(heights)) / 2
        for number, height in zip(own, heights, strict=True):
            found[number] = (at, at + height)
            at += height
        top += room + GAP
    return [found[number] for number in range(len(moves))]


def channels(
    moves: list[Row], spans: list[tuple[float, float]], side: str, currency: str
) -> Iterator[Row]:
    """Yield each channel of a side: in the middle of its moves its name, and their sum below."""
    for channel in dict.fromkeys(move[f"{side}_channel_id"] for move in moves):
        own = [
            (move, span)
            for move, span in zip(moves, spans, strict=True)
            if move[f"{side}_channel_id"] == channel
        ]
        middle = (own[0][1][0] + own[-1][1][1]) / 2
        amount = sum(move["amount"] for move, _ in own)
        label = short(own[0][0][f"{side}_channel_label"] or channel)
        yield {"y": middle, "label": [label, f"{currency} {amount:,.2f}"]}


def ribbon(left: tuple[float, float], right: tuple[float, float]) -> Iterator[dict[str, float]]:
    """Yield the points of the band between two places."""
    for step in range(CURVE_POINTS + 1):
        x = step / CURVE_POINTS
        bend = x * x * (3 - 2 * x)  # flat at both ends
        low, high = (start + (end - start) * bend for start, end in zip(left, right, strict=True))
        yield {"x": x, "low": low, "high": high}


def timeline(events: list[Row], as_of: datetime) -> str:
    """Draw the events of a campaign over time, a row for each kind."""
    values = [
        {
            "at": f"{event['occurred_at'].isoformat()}Z",
            "kind": event["event_type"].replace("_", " ").capitalize(),
        }
        for event in events
    ]
    points = (
        alt.Chart(alt.Data(values=values))
        .mark_point(filled=True, size=70, color=FLOW, opacity=0.7)
        .encode(
            x=alt.X(
                "at:T",
                title=None,
                scale=alt.Scale(type="utc"),
                axis=alt.Axis(format="%-d %b", labelFlush=True),
            ),
            y=alt.Y("kind:N", title=None, sort=None),
        )
    )
    now = (
        alt.Chart(alt.Data(values=[{"at": f"{as_of.isoformat()}Z"}]))
        .mark_rule(color=FAINT, strokeDash=[4, 4])
        .encode(x="at:T")
    )
    kinds = len({value["kind"] for value in values})
    return svg(alt.layer(now, points), height=kinds * ROW_HEIGHT)


def cost_and_value(campaigns: list[Row]) -> str:
    """Draw what each campaign costs above what it is estimated to be worth."""
    currency = short(campaigns[0]["currency"])  # they all report in one
    values = [
        {
            "campaign": f"{place}. {short(row['campaign_name'])}",  # cut, they can be the same
            "measure": measure,
            "amount": float(row[column]),
            "label": f"{measure.lower()} {float(row[column]):,.0f}",
        }
        for place, row in enumerate(campaigns, start=1)
        for measure, column in (("Costs", "ledger_cost"), ("Value", "estimated_value"))
        if row[column] is not None
    ]
    base = alt.Chart(alt.Data(values=values)).encode(
        x=alt.X("amount:Q", title=currency, axis=alt.Axis(format=",.0f", tickMinStep=1)),
        y=alt.Y("campaign:N", title=None, sort=None, axis=alt.Axis(labelLimit=300)),
        yOffset=alt.YOffset("measure:N", sort=None),
    )
    bars = base.mark_bar().encode(
        color=alt.Color(
            "measure:N",
            scale=alt.Scale(domain=["Costs", "Value"], range=[COST, FLOW]),
            legend=None,
        )
    )
    names = base.mark_text(align="left", dx=6, color=INK, fontSize=11).encode(text="label:N")
    return svg(alt.layer(bars, names), height=len(campaigns) * 2 * ROW_HEIGHT)


def short(text: str) -> str:
    """Return a text that fits beside a chart, and into SVG; in full it stands in the table."""
    text = " ".join(UNFIT.sub(" ", text).split())
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"


def svg(chart: alt.Chart | alt.LayerChart, height: int) -> str:
    """Return a chart as SVG, in the colours and the type of the page."""
    drawn = (
        chart.properties(width=WIDTH, height=height, background="transparent", padding=SIDE)
        .configure(font="system-ui, sans-serif")
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=INK,
            titleColor=INK,
            domainColor=LINE,
            tickColor=LINE,
            gridColor=LINE,
            labelFontSize=13,
            titleFontSize=13,
        )
        .configure_text(fontSize=13)
    )
    return vl_convert.vegalite_to_svg(drawn.to_dict())
