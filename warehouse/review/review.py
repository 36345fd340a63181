"""Write the operating review: one self-contained HTML page from the published marts.

All figures and judgments come from the marts; this module only formats and shows them. The page has
its own style, charts and script, and loads nothing from elsewhere.
"""

import base64
import hashlib
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import jinja2
from markupsafe import Markup

from warehouse.database.opening import CATALOG, DatabaseError, held, refuse_log
from warehouse.review import charts
from warehouse.review.contents import MANY_ROWS, Published, Row, contents
from warehouse.review.words import WRITERS, lasting, percent, signed, words, written_day
from warehouse.system.errors import WarehouseError
from warehouse.system.files import (
    remedy,
    remove_leftovers,
    sync_folder,
    temporary_beside,
    write_synced,
)
from warehouse.system.locks import sole_review
from warehouse.system.paths import PROJECT, PUBLISHED_FILE, REVIEW_FILE
from warehouse.system.words import BUILD

AGAIN = "run `make review` again."
# Errors from marts of another version, or damaged ones.
NOT_OURS = (duckdb.Error, jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError)
PAGE = Path(__file__).with_name("page")
MANY_CAMPAIGNS = 10  # with more, a campaign's charts are folded up
# Rows that fit on the first sheet on paper; the rest follows later.
CHANGES_FIRST = {"export": 8, "week": 12}  # together at most the last
ACTIONS_FIRST = 5
CAMPAIGNS_FIRST = 3
# Measures of the weekly chart.
MEASURES = {
    "spend": "Spend",
    "conversions": "Conversions",
    "cost_per_conversion": "Cost per conversion",
}
WIDEST_LIFT = 1.0  # intervals are drawn from -100% to 100%, and cut off beyond

SECTIONS = [
    ("sheet", "At a glance"),
    ("actions", "Actions and risks"),
    ("campaigns", "Campaigns"),
    ("segments", "Segments and funnels"),
    ("experiments", "Experiments"),
    ("budget", "Budget"),
    ("trust", "Trust"),
    ("contract", "Contract and data"),
]


class ReviewError(WarehouseError):
    """There is no new review, and an earlier one is untouched; the message has the reason."""


# ---- What is drawn beside the figures ---------------------------------------------------------


def review_clock(risk: Row, as_of: datetime) -> str:
    """Return the state of a risk's review, with the time left or taken."""
    state = risk["review_state"]
    if state in ("awaiting_review", "overdue"):
        return due_clock(risk["review_due_at"], as_of)
    if state.startswith("reviewed") and risk["response_minutes"] is not None:
        return f"{words(state)}, after {lasting(risk['response_minutes'])}"
    return words(state)


def due_clock(due_at: datetime, as_of: datetime) -> str:
    """Return the time left, or the time since the deadline."""
    left = minutes_between(as_of, due_at)
    return f"Overdue by {lasting(-left)}" if left < 0 else f"Due in {lasting(left)}"


def minutes_between(start: datetime, end: datetime) -> float:
    """Return the time from one moment to another."""
    return (end - start) / timedelta(minutes=1)


def changes_by_place(rows: list[Row]) -> dict[str, tuple[list[Row], list[Row]]]:
    """Return the changes of each comparison that fit on the first sheet, and the others."""
    found, shown = {}, 0
    for comparison, most in CHANGES_FIRST.items():
        own = [row for row in rows if row["comparison"] == comparison]
        room = most - shown
        found[comparison] = (own[:room], own[room:])
        shown += len(own[:room])
    return found


def time_used(risk: Row) -> float | None:
    """Return the share of its review time that a waiting risk has used, at most 1."""
    if risk["review_state"] not in ("awaiting_review", "overdue"):
        return None
    allowed = minutes_between(risk["raised_at"], risk["review_due_at"])
    return min(1.0, risk["waiting_minutes"] / allowed) if allowed > 0 else 1.0


def finding_of(experiment: Row, minimum_lift: float) -> str:
    """Return the basis of an experiment's verdict in a sentence."""
    low, high = experiment["sequential_ci_low"], experiment["sequential_ci_high"]
    guardrails, is_ready = experiment["guardrail_status"], experiment["health"] == "ready"
    match experiment["verdict"]:
        case "fix_experiment":
            return "What it shows can't be trusted."
        case "scale_variant":
            return f"Better by {percent(low)} at least, and no guardrail is much worse."
        case "discuss" if guardrails == "worse":
            return f"Better by {percent(low)} at least, but a guardrail got worse."
        case "discuss" if guardrails == "inconclusive":
            return f"Better by {percent(low)} at least, but too little is known of its guardrails."
        case "discuss":
            return f"Surely better, but by less than {percent(minimum_lift)} as far as one sees."
        case "keep_control":
            return f"Worse by {percent(-high)} at least."
        case "stopped":
            return "Its campaign is paused or over."
        case "stop_futile" if high is not None and high < minimum_lift:
            return f"A lift of {percent(minimum_lift)} is ruled out."
        case "stop_futile":
            return "There is too little time left to be sure of a lift worth acting on."
        case "not_enough" if experiment["is_interim"]:
            return "Its declared end is reached, and nothing is sure."
        case "not_enough":
            return "It is over, and nothing is sure."
        case _ if is_ready:
            return "Nothing is sure yet."
        case _:
            return "There is too little to judge yet."


def on_lift_axis(value: float) -> float:
    """Return the position of a relative lift on the axis, in percent of its width."""
    return 50 + 50 * max(-WIDEST_LIFT, min(WIDEST_LIFT, value)) / WIDEST_LIFT


# ---- The page -------------------------------------------------------------------------------


@dataclass
class Picture:
    """A chart, and its description in words, which replaces it where there is no room."""

    svg: Markup
    text: str
    caption: str = ""


def pictures(shown: dict[str, Any]) -> dict[str, Any]:
    """Draw the charts."""
    actuals: dict[str, list[float | None]] = {}
    for row in shown["scorecards"]:
        actuals.setdefault(row["metric"], []).append(row["actual"])
    flows: dict[str, list[Picture]] = {}
    for (campaign, currency), rows in groupby(
        shown["moves"], lambda row: (row["campaign_id"], row["currency"])
    ):
        flows.setdefault(campaign, []).append(flow_picture(list(rows), currency))
    turns: dict[str, list[Row]] = {}
    for row in shown["turns"]:
        turns.setdefault(row["campaign_id"], []).append(row)
    weeks = {
        campaign: list(rows)
        for campaign, rows in groupby(shown["weeks"], lambda row: row["campaign_id"])
    }
    currencies = currency_of(shown)
    by_spend = sorted(weeks, key=lambda one: (-sum(row["spend"] or 0 for row in weeks[one]), one))
    return {
        "flow_pictures": flows,
        "trends": {
            metric["metric"]: trend_picture(metric, actuals.get(metric["metric"], []))
            for metric in shown["metrics"]
        },
        "week_pictures": {
            campaign: week_picture(
                shown["labels"][campaign],
                weeks[campaign],
                turns.get(campaign, []),
                currencies.get(campaign),
            )
            for campaign in by_spend
        },
    }


def currency_of(shown: dict[str, Any]) -> dict[str, str]:
    """Return the currency of each campaign that has one."""
    return {one["campaign_id"]: one["currency"] for one in shown["performance"].rows}


def trend_picture(metric: Row, values: list[float | None]) -> Picture:
    """Draw a metric by export."""
    is_share = metric["unit"] == "share"
    known = [value for value in values if value is not None]
    text = ""
    if len(known) > 1:
        marks = [known[0], known[-1], min(known), max(known)]
        first, last, low, high = (percent(one) if is_share else f"{one:,.0f}" for one in marks)
        text = f"Over {len(values)} exports from {first} to {last}; lowest {low}, highest {high}."
    return Picture(charts.sparkline(values, metric["target"]), text)


def week_picture(label: str, weeks: list[Row], turns: list[Row], currency: str | None) -> Picture:
    """Draw a campaign's weeks, and describe the latest complete ones in words."""
    over = [row for row in weeks if row["is_whole"]]
    figures = [week_figures(row, currency) for row in over[-1:-3:-1]]
    newest = figures[0] if figures else dict.fromkeys(MEASURES, "")
    bands = [
        charts.Band(measure, title, newest[measure], is_rate=measure == "cost_per_conversion")
        for measure, title in MEASURES.items()
    ]
    told = [
        f"Week of {written_day(row['week_start'])}: "
        + ", ".join(f"{title.lower()} {one[measure]}" for measure, title in MEASURES.items())
        for row, one in zip(over[-1:-3:-1], figures, strict=True)
    ] or ["No week is over"]
    marks = [
        f"{title} {len(own):,}, last on {written_day(own[-1])}"
        for kind, title in (("move", "Moves of budget"), ("decision", "Decisions"))
        if (own := [one["turned_at"] for one in turns if one["kind"] == kind])
    ]
    text = ". ".join([f"{label}, {len(weeks)} week{'s' if len(weeks) > 1 else ''}", *told, *marks])
    return Picture(charts.weekly(weeks, turns, bands), f"{text}.")


def week_figures(row: Row, currency: str | None) -> dict[str, str]:
    """Return the formatted measures of a week."""
    unit = f"{currency} " if currency else ""
    texts = {
        "spend": f"{unit}{row['spend'] or 0:,.2f}",
        "conversions": f"{row['conversions'] or 0:,.0f}",
        "cost_per_conversion": f"{unit}{row['cost_per_conversion'] or 0:,.2f}",
    }
    return {
        measure: signed(text) if row[measure] is not None else "none"
        for measure, text in texts.items()
    }


def flow_picture(rows: list[Row], currency: str) -> Picture:
    """Draw a campaign's moves of money."""
    text = "; ".join(
        f"{currency} {row['amount']:,.2f} from {row['from_channel_label']}"
        f" to {row['to_channel_label']}"
        for row in rows
    )
    caption = ""
    if rows[0]["pairs_in_all"] > len(rows):
        caption = f"The {len(rows)} largest of {rows[0]['pairs_in_all']:,} pairs of channels."
    svg = charts.budget_flow(rows, currency)
    return Picture(svg, f"Budget that moved: {text}. {caption}".strip(), caption)


def page(shown: dict[str, Any]) -> str:
    """Return the whole page as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGE),
        autoescape=True,  # text from the data is data
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= WRITERS
    environment.globals["many_rows"] = MANY_ROWS
    script = (PAGE / "filter.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    text = environment.get_template("page.html").render(
        shown,
        style=Markup((PAGE / "style.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=digest,
        due_clock=due_clock,
        minutes_between=minutes_between,
        review_clock=review_clock,
        time_used=time_used,
        finding_of=finding_of,
        on_lift_axis=on_lift_axis,
        are_many=len(shown["labels"]) > MANY_CAMPAIGNS,
        changes_by_place=changes_by_place(shown["changes"].rows),
        actions_first=ACTIONS_FIRST,
        campaigns_first=CAMPAIGNS_FIRST,
        status_of={one["campaign_id"]: one["status"] for one in shown["campaigns"]},
        confidence=1 - shown["policy"]["significance_level"],
        minimum_lift=shown["policy"]["minimum_lift_to_scale"],
        reporting=shown["policy"]["reporting_currency"],
        currency_of=currency_of(shown),
        most_money=max(
            (
                amount
                for one in shown["performance"].rows
                for amount in (one["ledger_cost"], one["estimated_value"])
                if amount is not None
            ),
            default=0,
        ),
        sections=SECTIONS,
    )
    # Indentation only helps readers of the template; the script stays as hashed.
    markup, mark, rest = text.rpartition("<script>")
    return re.sub(r"\n[ ]+", "\n", markup) + mark + rest


def review(
    published: Path = PROJECT / PUBLISHED_FILE, target: Path = PROJECT / REVIEW_FILE
) -> Path:
    """Write the review of a published file; return its path.

    Raises:
        DatabaseError: There is no published file that can be opened.
        ReviewError: Its marts can't be shown, or the page can't be written.
        LockError: The lock on the review can't be taken.

    """
    if not published.is_file():
        raise DatabaseError(f"{published.name} is missing. {BUILD}")
    target = target.resolve()  # a link stays a link
    file = Path(published.name)
    with (
        sole_review(target.parent),
        held(published.parent, file, once_free=AGAIN, once_removed=BUILD) as connection,
    ):
        refuse_log(published.parent, file, f"Remove both. {BUILD}")
        try:
            connection.execute(f"use {CATALOG}")
            shown = contents(Published(connection))
            text = page(shown | pictures(shown))
        except NOT_OURS as error:
            message = str(error).splitlines()[0]
            reason = f"The marts in {published.name} can't be shown: {message}."
            raise ReviewError(f"{reason} {BUILD}") from None
        write(target, text)
    return target


def write(target: Path, text: str) -> None:
    """Replace the page, and keep its permissions."""
    temporary = temporary_beside(target)
    try:
        remove_leftovers(target)
        write_synced(temporary, text.encode())
        if target.is_file():
            shutil.copymode(target, temporary)
        temporary.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        reason = f"{target.name} can't be written: {error.strerror or error}."
        raise ReviewError(f"{reason} {remedy(reason)}".rstrip()) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
