"""The dashboard of bi/superset, as its command puts it in and Chromium shows it."""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from conftest import Server, Warehouse, as_answered
from helpers.browser import chromium
from playwright.sync_api import Page, Response

SECONDS_AT_MOST = 300

Row = dict[str, Any]


# ---- What each chart should show, of the rows of its mart -----------------------------------


def total(rows: list[Row], column: str) -> Any:
    """Return the sum of what is there."""
    return sum(row[column] for row in rows if row[column] is not None)


def ratio(numerator: Any, denominator: Any) -> float | None:
    return float(numerator) / float(denominator) if denominator else None


def grouped(rows: list[Row], column: str) -> dict[Any, list[Row]]:
    """Return rows by the value of a column."""
    groups = defaultdict(list)
    for row in rows:
        groups[row[column]].append(row)
    return groups


def ordered(*columns: str) -> Callable[[list[Row]], list[list[Row]]]:
    """Return a function that gives rows in an order; - before a name is downwards."""

    def in_order(rows: list[Row]) -> list[list[Row]]:
        for column in reversed(columns):
            name = column.removeprefix("-")
            rows = sorted(rows, key=lambda row: row[name], reverse=column != name)
        return [rows]

    return in_order


def sums_by_week(rows: list[Row]) -> list[list[Row]]:
    weeks = sorted(grouped(rows, "week_start").items())
    return [
        [{"week_start": week, measure: total(of_week, measure)} for week, of_week in weeks]
        for measure in ("spend", "conversions")
    ]


def costs_by_channel(rows: list[Row]) -> list[list[Row]]:
    costs = [
        {
            "channel_label": channel,
            "cost_per_conversion": ratio(total(own, "spend"), total(own, "conversions")),
        }
        for channel, own in grouped(rows, "channel_label").items()
    ]
    return [sorted(costs, key=lambda row: row["channel_label"])]


def people_by_stage(rows: list[Row]) -> list[list[Row]]:
    stages = grouped(rows, "stage").items()
    people = [
        {"stage": stage, "people": total(of_stage, "stage_count")} for stage, of_stage in stages
    ]
    return [sorted(people, key=lambda row: -row["people"])]


def rates_by_segment(rows: list[Row]) -> list[list[Row]]:
    segments = sorted({row["segment_name"] for row in rows})
    shown = []
    for week, of_week in sorted(grouped(rows, "week_start").items()):
        own = grouped(of_week, "segment_name")
        shown.append(
            {"week_start": week}
            | {
                name: ratio(total(own[name], "conversions"), total(own[name], "impressions"))
                for name in segments
            }
        )
    return [shown]


CHARTS: dict[str, tuple[str, Callable[[list[Row]], list[list[Row]]]]] = {
    "Scorecard": ("executive_scorecard", ordered("metric_order")),
    "Next actions": (
        "next_actions",
        lambda rows: ordered("action_rank")([row for row in rows if row["action_state"] == "open"]),
    ),
    "Spend and conversions by week": ("fct_channel_weekly", sums_by_week),
    "Cost per conversion by channel": ("fct_channel_weekly", costs_by_channel),
    "Funnel by stage": ("funnel_conversion", people_by_stage),
    "Conversion rate of segments by week": ("fct_segment_weekly", rates_by_segment),
    "Pacing": ("campaign_pacing", ordered("campaign_name")),
    "Experiments": ("experiment_results", ordered("experiment_id")),
    "Moves of budget": ("money_uptake", ordered("-budget_action_id")),
    "Risk inbox": ("risk_inbox", ordered("priority_rank")),
    "Risks that no signal reports": ("missed_risks", ordered("-severity_rank", "finding_id")),
    "Track record of the orchestrator": (
        "orchestrator_track_record",
        ordered("-week_start", "claim_kind"),
    ),
}


# ---- What it shows --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def marts(served: Warehouse) -> dict[str, list[Row]]:
    """Return the rows of each mart."""
    return {
        mart: [
            dict(zip(served.columns(mart), row, strict=True))
            for row in served.rows(f"from marts.{mart}")
        ]
        for mart, _ in CHARTS.values()
    }


@pytest.fixture(scope="module")
def page(superset: Server) -> Iterator[Page]:
    """Start Chromium, and log in."""
    with chromium() as browser:
        # Charts load once they are in view.
        page = browser.new_page(viewport={"width": 1400, "height": 3000})
        page.set_default_timeout(SECONDS_AT_MOST * 1000)
        page.goto(f"{superset.address}/login/")
        page.fill("#username", "admin")
        page.fill("#password", superset.password)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda address: "/login/" not in address)
        yield page


def shown(page: Page, superset: Server, filtered: str = "") -> dict[str, list[list[Row]]]:
    """Open the dashboard; return the rows that each chart got."""
    names = {chart["id"]: chart["slice_name"] for chart in superset.all("chart")}
    answers: dict[str, Response] = {}

    def listen(response: Response) -> None:
        if "/api/v1/chart/data" in response.url:
            chart = json.loads(response.request.post_data or "{}")["form_data"].get("slice_id")
            if chart:  # else it is what a filter offers
                answers[names[chart]] = response

    page.on("response", listen)
    page.goto(f"{superset.address}/superset/dashboard/marketing/{filtered}")
    until = time.monotonic() + SECONDS_AT_MOST
    while len(answers) < len(CHARTS):
        assert time.monotonic() < until, f"no answer for {CHARTS.keys() - answers.keys()}"
        page.wait_for_timeout(500)
    page.wait_for_load_state("networkidle")
    page.remove_listener("response", listen)
    return {
        name: [result["data"] for result in response.json()["result"]]
        for name, response in answers.items()
    }


def filtered_by(name: str, column: str, value: Any) -> str:
    """Return what an address ends with that sets a filter."""
    if column == "week_start":
        chosen = f"{value} : {value + timedelta(days=7)}"
        extra = f"(time_range:'{chosen}')"
    else:
        chosen = f"!('{value}')"
        extra = f"(filters:!((col:{column},op:IN,val:{chosen})))"
    state = chosen if chosen.startswith("!") else f"'{chosen}'"
    key = f"NATIVE_FILTER-{name}"
    mask = f"(id:{key},extraFormData:{extra},filterState:(value:{state}),ownState:())"
    return "?native_filters=" + quote(f"({key}:{mask})", safe="()!:,'")


def assert_shown(found: dict[str, list[list[Row]]], marts: dict[str, list[Row]]) -> None:
    """Compare what each chart shows with what it should, of some rows of the marts."""
    assert found.keys() == CHARTS.keys()
    for chart, (mart, work_out) in CHARTS.items():
        expected = work_out(marts[mart])
        assert len(found[chart]) == len(expected), chart
        for rows, wanted in zip(found[chart], expected, strict=True):
            if chart == "Cost per conversion by channel":  # its order is the browser's
                rows.sort(key=lambda row: row["channel_label"])
            columns = list(rows[0]) if rows else []
            assert rows == [
                pytest.approx({name: as_answered(row[name]) for name in columns}) for row in wanted
            ], chart


def test_every_chart_shows_what_the_marts_say(
    page: Page, superset: Server, marts: dict[str, list[Row]]
) -> None:
    assert all(marts.values())
    assert_shown(shown(page, superset), marts)
    for title in CHARTS:
        assert page.get_by_text(title, exact=True).first.is_visible()
    assert not page.get_by_text("error", exact=False).count()


@pytest.mark.parametrize(
    ("name", "column"),
    [("campaign", "campaign_name"), ("channel", "channel_label"), ("week", "week_start")],
)
def test_a_filter_reaches_the_charts_whose_mart_has_its_column(
    name: str, column: str, page: Page, superset: Server, marts: dict[str, list[Row]]
) -> None:
    value = max(row[column] for row in marts["fct_channel_weekly"])
    kept = {
        mart: [row for row in rows if column not in row or row[column] == value]
        for mart, rows in marts.items()
    }
    assert sum(kept[mart] != rows for mart, rows in marts.items()) >= 2
    assert_shown(shown(page, superset, filtered_by(name, column, value)), kept)


# ---- Putting it in --------------------------------------------------------------------------


def content(superset: Server) -> dict[str, Any]:
    """Return what Superset holds, without what it counts and when it was changed."""
    columns = ("column_name", "verbose_name", "description", "type", "is_dttm")
    datasets = {}
    for one in superset.all("dataset"):
        result = superset.done("GET", f"/api/v1/dataset/{one['id']}")["result"]
        datasets[one["id"]] = (
            [[column[name] for name in columns] for column in result["columns"]],
            [(metric["metric_name"], metric["expression"]) for metric in result["metrics"]],
        )
    charts = {one["id"]: (one["slice_name"], one["params"]) for one in superset.all("chart")}
    dashboard = superset.done("GET", "/api/v1/dashboard/marketing")["result"]
    names = ("id", "dashboard_title", "position_json", "json_metadata", "charts")
    return {
        "databases": [one["id"] for one in superset.all("database")],
        "datasets": datasets,
        "charts": charts,
        "dashboard": {name: dashboard[name] for name in names},
    }


def test_putting_it_in_twice_changes_nothing(superset: Server, served: Warehouse) -> None:
    contents = []
    for _ in range(2):
        assert superset.command(served.file).returncode == 0
        contents.append(content(superset))
    assert contents[0] == contents[1]
    assert len(contents[0]["charts"]) == len(CHARTS)


def test_what_prevents_it_is_said(superset: Server, served: Warehouse) -> None:
    for arguments, said in (
        ({"password": "of another"}, "Set SUPERSET_USER and SUPERSET_PASSWORD."),
        ({"at": "http://127.0.0.1:9"}, "No Superset answers at http://127.0.0.1:9: "),
        ({"file": Path("/nowhere/warehouse.duckdb")}, "be able to read the file by that path."),
    ):
        result = superset.command(**{"file": served.file, **arguments})
        assert result.returncode == 1
        assert said in result.stderr
        assert "Traceback" not in result.stderr
    assert superset.command(served.file).returncode == 0
