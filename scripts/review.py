"""Write the operating review: one HTML page of what is published, that needs nothing but itself.

All figures and judgments are the marts'; here they are only read, put into words people write, and
shown. The page holds its own style, charts and script, and asks no address for anything.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import review_charts
from files import remedy, sync_folder, temporary_beside, write_synced
from markupsafe import Markup
from progress import Progress
from publish import CATALOG, PROJECT, PUBLISHED_FILE, PublishError, held
from review_words import WRITERS, lasting, words, written_day

REVIEW_FILE = Path("review.html")
BUILD = "Run `make build`."
AGAIN = "run `make review` again."
PAGE = Path(__file__).with_name("review_page")
# A page is looked through: of each campaign it shows so many rows of a table, the most important
# first, and says how many there are.
MOST_ROWS = 25
MOST_JOURNEYS = 12
MOST_EVENTS_DRAWN = 300
MOST_MOVES_DRAWN = 30
MANY_CAMPAIGNS = 10  # with more, a campaign's pictures are folded up
MANY_ROWS = 25  # a longer table scrolls in place
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

Row = dict[str, Any]


class ReviewError(Exception):
    """There is no new review, and one from before is untouched; the message says why."""


@dataclass
class Listing:
    """Rows that a part of the page shows, and how many its mart holds."""

    mart: str
    rows: list[Row]
    total: int
    most: int = MOST_ROWS

    @property
    def is_cut(self) -> bool:
        """Tell whether there are more rows than are shown."""
        return self.total > len(self.rows)

    @property
    def is_long(self) -> bool:
        """Tell whether the rows are so many that they scroll in place."""
        return len(self.rows) > MANY_ROWS

    def by_campaign(self) -> dict[str | None, list[Row]]:
        """Return the rows of each campaign, in the order in which they come."""
        groups: dict[str | None, list[Row]] = {}
        for row in self.rows:
            groups.setdefault(row["campaign_id"], []).append(row)
        return groups


# ---- What the marts hold --------------------------------------------------------------------


class Marts:
    """The published marts, at one version, only read."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def rows(self, query: str) -> list[Row]:
        """Return the rows of a query by the names of their columns."""
        relation = self.connection.sql(query)
        return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]

    def listing(
        self, mart: str, order: str, source: str = "", where: str = "true", most: int = MOST_ROWS
    ) -> Listing:
        """Return the first rows of each campaign.

        Args:
            mart: The mart that holds all of them.
            order: What comes first; it has to be total, so that the page is the same every time.
            source: What to select from, if not the mart alone.
            where: Which rows there are at all.
            most: How many of a campaign are shown.

        """
        rows = self.rows(
            f"""
            with chosen as (
                select * from {source or f"marts.{mart}"}
                where {where}
            )

            select
                *,
                count(*) over () as rows_in_all
            from chosen
            qualify row_number() over (partition by campaign_id order by {order}) <= {most}
            order by {order}
            """
        )
        total = rows[0]["rows_in_all"] if rows else 0
        return Listing(mart, rows, total, most)


def contents(marts: Marts) -> dict[str, Any]:
    """Return what the page shows, by the names that its template knows."""
    (build,) = marts.rows(
        """
        select
            as_of,
            newest_event_at,
            covers_all_events,
            input_rows,
            inputs,
            exports_seen,
            policy
        from marts.warehouse_build
        """
    )
    metrics = marts.rows("from marts.executive_scorecard order by metric_order")
    experiments = marts.listing(
        "experiment_results",
        "case health when 'unhealthy' then 0 when 'ready' then 1 else 2 end, experiment_id",
    )
    return {
        "build": build,
        "as_of": build["as_of"],
        "inputs": sorted(json.loads(build["inputs"]).items()),
        "policy": sorted(json.loads(build["policy"]).items()),
        "campaigns": marts.rows("from marts.dim_campaigns order by campaign_name, campaign_id"),
        "health": next((one for one in metrics if one["metric"] == "health"), None),
        "metrics": [one for one in metrics if one["metric"] != "health"],
        "next_actions": marts.listing("next_actions", "action_rank"),
        "journeys": journeys(marts),
        "segments": marts.listing(
            "segment_rollups",
            "campaign_name, campaign_id, spend desc, segment_id",
            source="""
            (
                select
                    rollups.*,
                    campaigns.primary_kpi_label
                from marts.segment_rollups as rollups
                left join marts.dim_campaigns as campaigns using (campaign_id)
            )
            """,
            where="is_newest",
        ),
        "reconciled": marts.rows(
            """
            select
                status,
                count(*) as figures
            from marts.segment_rollup_reconciliation
            group by status
            order by status
            """
        ),
        "differences": marts.listing(
            "segment_rollup_reconciliation",
            "window_end desc, rollup_id, measure",
            where="status = 'mismatch'",
        ),
        "moves": marts.rows(
            f"""
            with pairs as (
                select
                    campaign_id,
                    currency,
                    from_channel_id,
                    coalesce(from_channel_label, from_channel_id) as from_channel_label,
                    to_channel_id,
                    coalesce(to_channel_label, to_channel_id) as to_channel_label,
                    sum(amount) as amount
                from marts.budget_action_audit
                where money_moved
                group by all
            )

            select
                *,
                count(*) over (partition by campaign_id, currency) as pairs_in_all
            from pairs
            qualify row_number() over (
                partition by campaign_id, currency
                order by amount desc, from_channel_id, to_channel_id
            ) <= {MOST_MOVES_DRAWN}
            order by campaign_id, currency, from_channel_id, to_channel_id
            """
        ),
        "budget_actions": marts.listing(
            "budget_action_audit",
            """
            case compliance_status when 'violation' then 0 when 'pending' then 1 else 2 end,
            proposed_at desc,
            budget_action_id
            """,
        ),
        "risks": marts.listing(
            "risk_inbox",
            "priority_rank",
            source="""
            (
                select
                    inbox.*,
                    escalation.response_minutes,
                    escalation.reviewed_by_decision_id
                from marts.risk_inbox as inbox
                left join marts.risk_escalation as escalation using (risk_id)
            )
            """,
        ),
        "experiments": experiments,
        "performance": marts.listing(
            "campaign_performance", "ledger_cost desc nulls last, campaign_id"
        ),
        "events": marts.listing(
            "campaign_timeline",
            "campaign_name, campaign_id, event_order desc",
            where="event_type != 'performance_recorded'",
            most=MOST_EVENTS_DRAWN,
        ),
        "rules": marts.rows("from marts.contract_compliance order by rule"),
        "violations": marts.listing("contract_violations", "is_waived, rule, record_key"),
        "findings": marts.listing(
            "status_history",
            "seen_at desc, dataset, record_id, attribute, change_number",
            where="finding is not null",
        ),
    }


def journeys(marts: Marts) -> Listing:
    """Return each campaign's journeys, those that are stuck first, with their stages."""
    listing = marts.listing(
        "journey_diagnosis",
        """
        campaign_name,
        campaign_id,
        blocked_steps desc,
        weak_steps desc,
        measured_stages = 0,
        impressions desc nulls last,
        segment_id,
        channel_id
        """,
        source="""
        (
            select
                diagnosis.*,
                count(*) filter (where stages.drop_off_status = 'blocked') as blocked_steps,
                count(*) filter (where stages.drop_off_status = 'weak') as weak_steps,
                count(stages.stage) as measured_stages
            from marts.journey_diagnosis as diagnosis
            left join marts.funnel_conversion as stages using (campaign_id, segment_id, channel_id)
            group by all
        )
        """,
        most=MOST_JOURNEYS,
    )
    stages: dict[tuple, list[Row]] = {}
    for stage in marts.rows("from marts.funnel_conversion order by stage_order"):
        key = (stage["campaign_id"], stage["segment_id"], stage["channel_id"])
        stages.setdefault(key, []).append(stage)
    for row in listing.rows:
        key = (row["campaign_id"], row["segment_id"], row["channel_id"])
        row["stages"] = stages.get(key, [])
        row["most_counted"] = max((stage["stage_count"] or 0 for stage in row["stages"]), default=0)
    return listing


# ---- What is drawn beside the figures ---------------------------------------------------------


def review_clock(risk: Row, as_of: datetime) -> str:
    """Return how a risk's review stands, with the time that it has left or has taken."""
    state = risk["review_state"]
    if state in ("awaiting_review", "overdue"):
        left = (risk["review_due_at"] - as_of) / timedelta(minutes=1)
        return f"Overdue by {lasting(-left)}" if state == "overdue" else f"Due in {lasting(left)}"
    if state.startswith("reviewed") and risk["response_minutes"] is not None:
        return f"{words(state)}, after {lasting(risk['response_minutes'])}"
    return words(state)


def time_used(risk: Row) -> float | None:
    """Return which share of its review time a waiting risk has used, 1 at most."""
    if risk["review_state"] not in ("awaiting_review", "overdue"):
        return None
    allowed = (risk["review_due_at"] - risk["raised_at"]) / timedelta(minutes=1)
    return min(1.0, risk["waiting_minutes"] / allowed) if allowed > 0 else 1.0


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
    """A chart, what it shows in words for those who can't see it, and what all should know."""

    svg: Markup
    text: str
    caption: str


def pictures(shown: dict[str, Any]) -> dict[str, Any]:
    """Draw the charts, a few in a tenth of a second."""
    moves = [
        (key, list(rows))
        for key, rows in groupby(shown["moves"], lambda row: (row["campaign_id"], row["currency"]))
    ]
    timelines = list(shown["events"].by_campaign().items())
    performance = [row for row in shown["performance"].rows if row["ledger_cost"] is not None]
    total = len(moves) + len(timelines) + bool(performance)
    progress = Progress("review")

    def drawn(svg: str, text: str, caption: str = "") -> Picture:
        progress.show(total)
        return Picture(Markup(svg), text, caption)

    flows: dict[str, list[Picture]] = {}
    for (campaign, currency), rows in moves:
        text = "; ".join(
            f"{currency} {row['amount']:,.2f} from {row['from_channel_label']}"
            f" to {row['to_channel_label']}"
            for row in rows
        )
        pairs = rows[0]["pairs_in_all"]
        cut = (
            f" The {len(rows)} largest of {pairs:,} pairs of channels." if pairs > len(rows) else ""
        )
        picture = drawn(
            review_charts.budget_flow(rows, currency), f"Budget that moved: {text}.{cut}", cut
        )
        flows.setdefault(campaign, []).append(picture)
    events = {}
    for campaign, rows in timelines:
        first, last = rows[-1]["occurred_at"], rows[0]["occurred_at"]
        span = f"from {written_day(first)} to {written_day(last)}"
        text = f"Events by kind over time, {span}; the table below lists the newest."
        events[campaign] = drawn(review_charts.timeline(rows, shown["as_of"]), text)
    result = None
    if performance:
        largest = performance[:CAMPAIGNS_DRAWN]
        text = "; ".join(
            f"{row['campaign_name']}: costs {row['currency']} {row['ledger_cost']:,.2f},"
            f" value {row['currency']} {row['estimated_value']:,.2f}"
            for row in largest
            if row["estimated_value"] is not None
        )
        result = drawn(review_charts.cost_and_value(largest), f"Costs beside value: {text}.")
    progress.end()
    return {"flow_pictures": flows, "timeline_pictures": events, "return_picture": result}


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
        review_clock=review_clock,
        time_used=time_used,
        on_lift_axis=on_lift_axis,
        are_many=len(shown["campaigns"]) > MANY_CAMPAIGNS,
        campaigns_drawn=CAMPAIGNS_DRAWN,
        most_rows=MOST_ROWS,
        currency_of={one["campaign_id"]: one["currency"] for one in shown["performance"].rows},
        sections=SECTIONS,
    )


def review(
    published: Path = PROJECT / PUBLISHED_FILE, target: Path = PROJECT / REVIEW_FILE
) -> Path:
    """Write the review of a published file; return where it is.

    Raises:
        PublishError: There is no published file that can be opened.
        ReviewError: Its marts can't be read, or the page can't be written.

    """
    if not published.is_file():
        raise PublishError(f"{published.name} is missing. {BUILD}")
    file = Path(published.name)
    with held(published.parent, file, once_free=AGAIN, once_removed=BUILD) as connection:
        try:
            connection.execute(f"use {CATALOG}")
            shown = contents(Marts(connection))
        except duckdb.Error as error:
            message = str(error).splitlines()[0]
            reason = f"The marts in {published.name} can't be read: {message}"
            raise ReviewError(f"{reason} {BUILD}") from None
    text = page(shown | pictures(shown))
    temporary = temporary_beside(target)
    try:
        write_synced(temporary, text.encode())
        temporary.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        reason = f"{target.name} can't be written: {error.strerror}."
        raise ReviewError(f"{reason} {remedy(reason)}".rstrip()) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return target


def main(arguments: Iterable[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(description="Write the review of what is published.")
    parser.parse_args(arguments)
    try:
        print(f"Review     {review().name}, in this folder")
    except (PublishError, ReviewError) as error:
        print(f"No review. {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
