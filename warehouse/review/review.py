"""Write the operating review: one HTML page of what is published, that needs nothing but itself.

All figures and judgments are the marts'; here they are only read, put into words people write, and
shown. The page holds its own style, charts and script, and asks no address for anything.
"""

import base64
import hashlib
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor, as_completed
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
from warehouse.review.contents import MANY_ROWS, MOST_ROWS, Published, Row, contents
from warehouse.review.words import WRITERS, lasting, percent, words, written_day
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
from warehouse.system.progress import Progress
from warehouse.system.words import BUILD

AGAIN = "run `make review` again."
# What marts of another version, or damaged ones, lead to.
NOT_OURS = (duckdb.Error, jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError)
PAGE = Path(__file__).with_name("page")
MANY_CAMPAIGNS = 10  # with more, a campaign's pictures are folded up
CAMPAIGNS_DRAWN = 20  # in a chart of all of them
WIDEST_LIFT = 1.0  # intervals are drawn from -100% to 100%: what is beyond is cut off

SECTIONS = [
    ("health", "Health"),
    ("next-actions", "Next actions"),
    ("targets", "Targets"),
    ("funnels", "Funnels"),
    ("segments", "Segments"),
    ("budget", "Budget"),
    ("risks", "Risks"),
    ("experiments", "Experiments"),
    ("returns", "Return"),
    ("timelines", "Timelines"),
    ("contract", "Contract"),
    ("data", "Data"),
]


class ReviewError(WarehouseError):
    """There is no new review, and one from before is untouched; the message says why."""


# ---- What is drawn beside the figures ---------------------------------------------------------


def review_clock(risk: Row, as_of: datetime) -> str:
    """Return how a risk's review stands, with the time that it has left or has taken."""
    state = risk["review_state"]
    if state in ("awaiting_review", "overdue"):
        return due_clock(risk["review_due_at"], as_of)
    if state.startswith("reviewed") and risk["response_minutes"] is not None:
        return f"{words(state)}, after {lasting(risk['response_minutes'])}"
    return words(state)


def due_clock(due_at: datetime, as_of: datetime) -> str:
    """Return how much time is left, or for how long it has been over."""
    left = minutes_between(as_of, due_at)
    return f"Overdue by {lasting(-left)}" if left < 0 else f"Due in {lasting(left)}"


def minutes_between(start: datetime, end: datetime) -> float:
    """Return how long it was from one moment to another."""
    return (end - start) / timedelta(minutes=1)


def time_used(risk: Row) -> float | None:
    """Return which share of its review time a waiting risk has used, 1 at most."""
    if risk["review_state"] not in ("awaiting_review", "overdue"):
        return None
    allowed = minutes_between(risk["raised_at"], risk["review_due_at"])
    return min(1.0, risk["waiting_minutes"] / allowed) if allowed > 0 else 1.0


def finding_of(experiment: Row, minimum_lift: float) -> str:
    """Return in a sentence what an experiment's verdict rests on."""
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
    """Return where a relative lift stands on the axis, in percent of its width."""
    return 50 + 50 * max(-WIDEST_LIFT, min(WIDEST_LIFT, value)) / WIDEST_LIFT


def bar_of(actual: float | None, target: float | None, unit: str) -> dict[str, float] | None:
    """Return length of a metric's bar and place of its target, in percent of the width."""
    if actual is None or target is None:
        return None
    whole = max(actual, target, 1.0 if unit == "share" else 0.0)
    if whole <= 0:
        return None
    return {"actual": 100 * max(0.0, actual) / whole, "target": 100 * max(0.0, target) / whole}


# ---- The page -------------------------------------------------------------------------------


@dataclass
class Picture:
    """A chart, and what it shows in words, for those who can't see it.

    `is_told` says whether the words tell all of it: they take its place where there is no room.
    """

    svg: Markup
    text: str
    is_told: bool = True
    caption: str = ""


def pictures(shown: dict[str, Any]) -> dict[str, Any]:
    """Draw the charts, on all processors."""
    moves = [
        (key, list(rows))
        for key, rows in groupby(shown["moves"], lambda row: (row["campaign_id"], row["currency"]))
    ]
    timelines = list(shown["events"].by_campaign().items())
    performance = [row for row in shown["performance"].rows if row["ledger_cost"] is not None]
    largest = performance[:CAMPAIGNS_DRAWN]
    progress = Progress("review")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        flows = [pool.submit(flow_picture, rows, *key[1:]) for key, rows in moves]
        events = [pool.submit(events_picture, rows, shown["as_of"]) for _, rows in timelines]
        returns = [pool.submit(return_picture, largest)] if largest else []
        futures = [*flows, *events, *returns]
        try:
            for _ in as_completed(futures):
                progress.show(len(futures))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    progress.close()
    flows_of: dict[str, list[Picture]] = {}
    for ((campaign, _), _), drawn in zip(moves, flows, strict=True):
        flows_of.setdefault(campaign, []).append(drawn.result())
    return {
        "flow_pictures": flows_of,
        "timeline_pictures": {
            campaign: drawn.result() for (campaign, _), drawn in zip(timelines, events, strict=True)
        },
        "return_picture": returns[0].result() if returns else None,
        "campaigns_left_out": len(performance) - len(largest),
    }


def flow_picture(rows: list[Row], currency: str) -> Picture:
    """Draw where a campaign's money moved."""
    text = "; ".join(
        f"{currency} {row['amount']:,.2f} from {row['from_channel_label']}"
        f" to {row['to_channel_label']}"
        for row in rows
    )
    caption = ""
    if rows[0]["pairs_in_all"] > len(rows):
        caption = f"The {len(rows)} largest of {rows[0]['pairs_in_all']:,} pairs of channels."
    svg = Markup(charts.budget_flow(rows, currency))
    return Picture(svg, f"Budget that moved: {text}. {caption}".strip(), caption=caption)


def events_picture(rows: list[Row], as_of: datetime) -> Picture:
    """Draw what happened in a campaign, and when."""
    first, last = written_day(rows[-1]["occurred_at"]), written_day(rows[0]["occurred_at"])
    text = f"Events by kind over time, from {first} to {last}; the table below lists the newest."
    return Picture(Markup(charts.timeline(rows, as_of)), text, is_told=False)


def return_picture(rows: list[Row]) -> Picture:
    """Draw what campaigns cost and are worth."""
    text = "; ".join(
        f"{row['campaign_name']}: costs {row['currency']} {row['ledger_cost']:,.2f}"
        + (
            f", value {row['currency']} {row['estimated_value']:,.2f}"
            if row["estimated_value"] is not None
            else ""
        )
        for row in rows
    )
    return Picture(Markup(charts.cost_and_value(rows)), f"Costs beside value: {text}.")


def page(shown: dict[str, Any]) -> str:
    """Return the whole page as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGE),
        autoescape=True,  # text from the data is data
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= WRITERS | {"tojson_text": json.dumps}
    environment.globals["many_rows"] = MANY_ROWS
    script = (PAGE / "filter.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("page.html").render(
        shown,
        style=Markup((PAGE / "style.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=digest,
        bar_of=bar_of,
        due_clock=due_clock,
        minutes_between=minutes_between,
        review_clock=review_clock,
        time_used=time_used,
        finding_of=finding_of,
        on_lift_axis=on_lift_axis,
        are_many=len(shown["labels"]) > MANY_CAMPAIGNS,
        campaigns_drawn=CAMPAIGNS_DRAWN,
        status_of={one["campaign_id"]: one["status"] for one in shown["campaigns"]},
        confidence=1 - dict(shown["policy"])["significance_level"],
        minimum_lift=dict(shown["policy"])["minimum_lift_to_scale"],
        most_rows=MOST_ROWS,
        currency_of={one["campaign_id"]: one["currency"] for one in shown["performance"].rows},
        sections=SECTIONS,
    )


def review(
    published: Path = PROJECT / PUBLISHED_FILE, target: Path = PROJECT / REVIEW_FILE
) -> Path:
    """Write the review of a published file; return where it is.

    Raises:
        DatabaseError: There is no published file that can be opened.
        ReviewError: Its marts can't be shown, or the page can't be written.
        LockError: It can't be made sure that nobody else writes it.

    """
    if not published.is_file():
        raise DatabaseError(f"{published.name} is missing. {BUILD}")
    target = target.resolve()  # a link stays one
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
    """Put a page in place; whoever could read the one before still can."""
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
