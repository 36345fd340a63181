"""The review as a file: the same marts give the same page; it names no machine; its errors."""

import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import pytest
from helpers.builds import Build
from helpers.project import PROJECT, copy_project

from warehouse.database.opening import DatabaseError
from warehouse.review.charts import Band, weekly
from warehouse.review.review import ReviewError, finding_of, review
from warehouse.review.words import lasting, number, percent, words


def test_the_same_marts_give_the_same_page(sample: Build, tmp_path: Path) -> None:
    first = review(sample.database, tmp_path / "first.html").read_bytes()
    second = review(sample.database, tmp_path / "second.html").read_bytes()
    assert first == second


def test_the_page_asks_for_nothing_and_names_no_machine(sample: Build, tmp_path: Path) -> None:
    text = review(sample.database, tmp_path / "review.html").read_text(encoding="utf-8")
    assert re.findall(r"\b\w+://[^\s\"'<>)]+", text) == []
    assert not re.search(r"<(link|img|iframe|object|embed|base)\b(?![^>]*href=\"data:)", text)
    # Whatever gets into the page, no script runs but the one whose hash stands there.
    (policy,) = re.findall('http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-")
    assert len(re.findall("<script", text)) == 1
    assert str(PROJECT) not in text
    assert str(sample.folder) not in text


def test_no_line_runs_through_weeks_without_a_row() -> None:
    weeks = [
        {"week_start": date(2026, 3, day), "is_whole": True, "cost": 1.0} for day in (2, 9, 30)
    ]
    drawn = weekly(weeks, [], [Band("cost", "Cost", "", is_rate=True)])
    (trend,) = re.findall('<path class="trend" d="([^"]*)"', drawn)
    assert [part.count(" ") for part in trend.split("M")[1:]] == [2, 1], trend


@pytest.mark.parametrize(
    ("verdict", "low", "high", "guardrails", "is_interim", "text"),
    [
        ("fix_experiment", 0.1, 0.2, "ok", True, "What it shows can't be trusted."),
        ("scale_variant", 0.1, None, "ok", True, "Better by 10.0% at least, and no guardrail is"),
        (
            "discuss",
            0.1,
            0.2,
            "worse",
            True,
            "Better by 10.0% at least, but a guardrail got worse.",
        ),
        ("discuss", 0.1, 0.2, "inconclusive", True, "Better by 10.0% at least, but too little"),
        ("discuss", 0.01, 0.2, "ok", True, "Surely better, but by less than 20.0%"),
        ("keep_control", -0.3, -0.1, "ok", True, "Worse by 10.0% at least."),
        ("stopped", None, None, "ok", True, "Its campaign is paused or over."),
        ("stop_futile", -0.1, 0.19, "ok", True, "A lift of 20.0% is ruled out."),
        ("stop_futile", -0.1, 0.2, "ok", True, "There is too little time left"),
        ("stop_futile", None, None, "ok", True, "There is too little time left"),
        ("not_enough", -0.1, 0.3, "ok", True, "Its declared end is reached, and nothing is sure."),
        ("not_enough", -0.1, 0.3, "ok", False, "It is over, and nothing is sure."),
        ("continue", -0.1, 0.3, "ok", True, "Nothing is sure yet."),
        ("continue", None, None, "ok", True, "There is too little to judge yet."),
    ],
)
def test_a_verdict_says_what_it_rests_on(
    verdict: str, low: float, high: float, guardrails: str, is_interim: bool, text: str
) -> None:
    row = {"verdict": verdict, "sequential_ci_low": low, "sequential_ci_high": high}
    row |= {"guardrail_status": guardrails, "is_interim": is_interim}
    row["health"] = "too_small" if low is None else "ready"
    assert finding_of(row, 0.2).startswith(text)


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        (0, "0 min"),
        (0.4, "less than a minute"),
        (59.6, "1 h"),
        (75, "1 h 15 min"),
        (1440, "1 d"),
        (1441, "1 d"),
        (3140, "2 d 4 h"),
        (1440 * 1000 + 60, "1,000 d 1 h"),
    ],
)
def test_a_time_span_is_told_in_two_units(minutes: float, text: str) -> None:
    assert lasting(minutes) == text


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0.0, "0.0%"),
        (0.8333333, "83.3%"),
        (0.00753, "0.75%"),
        (-0.004, "\N{MINUS SIGN}0.40%"),
        (12.3456, "1,234.6%"),
        (0.99996, "99.996%"),  # not all
        (0.0000004, "0.00004%"),  # not nothing
    ],
)
def test_a_fraction_is_told_as_a_percentage(fraction: float, text: str) -> None:
    assert percent(fraction) == text


def test_a_miss_is_not_rounded_away() -> None:
    assert percent(0.7996, beside=0.8) == "79.96%"
    assert percent(0.8, beside=0.7996) == "80.00%"
    assert percent(0.8, beside=0.7) == "80.0%"
    assert number(2.5).endswith(">2.50</data>")


def test_a_value_of_a_closed_list_is_told_in_words() -> None:
    assert words("kpi_value") == "KPI value"
    assert words("closed_without_review") == "Closed without review"


# ---- Errors ---------------------------------------------------------------------------------


def test_without_a_published_file_the_build_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"warehouse\.duckdb is missing. Run `make build`"):
        review(tmp_path / "warehouse.duckdb", tmp_path / "review.html")


@pytest.mark.parametrize("content", [b"", b"this is no database" * 500])
def test_a_damaged_file_is_named(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    file.write_bytes(content)
    with pytest.raises(DatabaseError, match=r"duckdb can't be opened: .*Run `make build`"):
        review(file, tmp_path / "review.html")


def test_a_file_of_other_marts_is_named(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema marts; create table marts.warehouse_build (as_of date)")
    with pytest.raises(ReviewError, match="can't be shown"):
        review(file, tmp_path / "review.html")


@pytest.mark.parametrize("mart", ["scorecard_history", "what_changed", "campaign_pacing"])
def test_a_mart_that_is_missing_is_named(mart: str, sample: Build, tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    file.write_bytes(sample.database.read_bytes())
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"drop table marts.{mart}")
    with pytest.raises(ReviewError, match=rf"can't be shown: .*{mart}.*Run `make build`"):
        review(file, tmp_path / "review.html")


def test_who_has_the_file_open_for_writing_is_named(sample: Build, tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    file.write_bytes(sample.database.read_bytes())
    code = f"import duckdb, time; c = duckdb.connect({str(file)!r}); print(1, flush=True)"
    holder = subprocess.Popen(
        [sys.executable, "-c", f"{code}; time.sleep(60)"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout and holder.stdout.readline() == "1\n"
        with pytest.raises(DatabaseError, match=rf"open for writing by .*PID {holder.pid}"):
            review(file, tmp_path / "review.html")
    finally:
        holder.kill()
        holder.wait()


def test_a_page_that_cannot_be_written_leaves_the_old_one(sample: Build, tmp_path: Path) -> None:
    target = tmp_path / "review.html"
    target.mkdir()  # what no file can be renamed to
    with pytest.raises(ReviewError, match=r"review\.html can't be written: Is a directory"):
        review(sample.database, target)
    assert {file.name for file in tmp_path.iterdir()} == {"review.html", ".review.lock"}


def test_the_command_says_what_is_wrong_without_a_traceback(tmp_path: Path) -> None:
    project = copy_project(tmp_path)
    command = [sys.executable, "-m", "warehouse", "review"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert done.stdout == ""
    assert done.stderr == "No review. warehouse.duckdb is missing. Run `make build`.\n"
