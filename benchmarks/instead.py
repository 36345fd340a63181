"""The funnel marts as people would write them without dbt: in Polars, and in plain Python.

Both make fct_funnel_daily and funnel_conversion, with all columns of the project's marts, and write
them to Parquet and CSV files. Polars reads dbt's Parquet; plain Python reads one JSON file per
dataset. Neither checks anything.

Usage: .venv/bin/python benchmarks/instead.py {polars,python} RAW OUT
"""

import csv
import json
import math
import sys
from collections.abc import Callable
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parent.parent
POLICY = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
STAGES: list[str] = POLICY["funnel_stages"]
TRUSTED: float = POLICY["trusted_confidence_minimum"]
ENOUGH: int = POLICY["funnel_minimum_previous_count"]
WEAK: float = POLICY["weak_step_ratio"]
CELL = ["campaign_id", "segment_id", "channel_id"]
PAIRS = list(combinations(STAGES, 2))
Z = 1.959963984540054  # the 0.975 quantile of the normal distribution

CONVERSION_COLUMNS = [
    *CELL, "campaign_name", "segment_name", "channel_label", "stage", "stage_order", "stage_count",
    "trusted_count", "measured_days", "previous_stage", "previous_stage_count", "compared_count",
    "step_conversion_rate", "portfolio_step_rate", "cumulative_conversion_rate", "dropped_count",
    "ci_low", "ci_high", "confidence", "drop_off_status",
]  # fmt: skip
DAILY_COLUMNS = [
    *CELL, "event_date", *(f"{stage}_count" for stage in STAGES), "confidence", "is_trusted",
]  # fmt: skip

Row = dict[str, Any]


# ---- Shared by both: a few thousand cells, each with its totals ---------------------------


def wilson(successes: int, trials: int) -> tuple[float | None, float | None]:
    """Return the 95% Wilson score interval of a proportion; see macros/measures.sql."""
    if trials <= 0 or successes > trials:
        return None, None
    share = successes / trials
    middle = share + Z * Z / (2 * trials)
    spread = Z * math.sqrt(share * (1 - share) / trials + Z * Z / (4 * trials * trials))
    scale = 1 + Z * Z / trials
    low = 0.0 if successes == 0 else (middle - spread) / scale
    high = 1.0 if successes == trials else (middle + spread) / scale
    return low, high


def rate(numerator: int | None, denominator: int | None) -> float | None:
    """Return a rate; None where the denominator is None or zero."""
    return numerator / denominator if denominator and numerator is not None else None


def steps_of(cell: Row, path: set[str]) -> list[Row]:
    """Return a row for each stage of the campaign's path, from its own cell alone."""
    measured = [stage for stage in STAGES if cell[f"{stage}_days"]]
    previous = {later: earlier for earlier, later in pairwise(measured)}
    rows = []
    for order, stage in enumerate(STAGES, 1):
        if stage not in path:
            continue
        row: Row = {name: cell[name] for name in CELL}
        is_measured, before = stage in measured, previous.get(stage)
        is_entry = is_measured and stage == measured[0]
        days = cell[f"{before}_{stage}_days"] if before else 0
        from_entry = f"{measured[0]}_{stage}" if before else None
        row |= {
            "stage": stage,
            "stage_order": order,
            "stage_count": cell[f"{stage}_count"],
            "trusted_count": (cell[f"{stage}_trusted_count"] or 0) if is_measured else None,
            "confidence": cell[f"{stage}_confidence"],
            "measured_days": cell[f"{stage}_days"] if is_entry else days,
            "previous_stage": before,
            "previous_stage_count": cell[f"{before}_{stage}_before"] if before else None,
            "compared_count": cell[f"{before}_{stage}_after"] if before else None,
            "cumulative_conversion_rate": rate(cell[f"{stage}_count"], cell[f"{stage}_count"])
            if is_entry
            else rate(cell[f"{from_entry}_after"], cell[f"{from_entry}_before"])
            if from_entry
            else None,
        }
        rows.append(row)
    return rows


def status_of(row: Row) -> str:
    """Return a step's drop_off_status."""
    came, went_on = row["previous_stage_count"], row["compared_count"]
    if not row["measured_days"]:
        return "not_measured"
    if row["previous_stage"] is None:
        return "entry"
    if went_on > came:
        return "anomalous"
    if came == 0:
        return "no_traffic"
    if came >= ENOUGH and went_on == 0:
        return "blocked"
    portfolio = row["portfolio_step_rate"]
    if came >= ENOUGH and portfolio is not None and row["ci_high"] < WEAK * portfolio:
        return "weak"
    return "healthy"


def conversion(cells: list[Row], campaigns: Row, segments: Row, channels: Row) -> list[Row]:
    """Return funnel_conversion from the totals of the cells, and the names."""
    paths: dict[str, set[str]] = {}
    for cell in cells:
        measured = {stage for stage in STAGES if cell[f"{stage}_days"]}
        paths.setdefault(cell["campaign_id"], set()).update(measured)
    rows = [row for cell in cells for row in steps_of(cell, paths[cell["campaign_id"]])]
    came: dict[tuple[str, str], int] = {}
    went_on: dict[tuple[str, str], int] = {}
    for row in rows:
        if row["previous_stage"]:
            step = (row["previous_stage"], row["stage"])
            came[step] = came.get(step, 0) + (row["previous_stage_count"] or 0)
            went_on[step] = went_on.get(step, 0) + (row["compared_count"] or 0)
    for row in rows:
        step = (row["previous_stage"], row["stage"])
        counts = (row["compared_count"], row["previous_stage_count"])
        low, high = wilson(*counts) if None not in counts else (None, None)
        row |= {
            "campaign_name": campaigns[row["campaign_id"]],
            "segment_name": segments[row["segment_id"]],
            "channel_label": channels[row["channel_id"]],
            "step_conversion_rate": rate(*counts),
            "portfolio_step_rate": rate(went_on.get(step), came.get(step)),
            "dropped_count": counts[1] - counts[0] if None not in counts else None,
            "ci_low": low,
            "ci_high": high,
        }
        row["drop_off_status"] = status_of(row)
    return rows


def names_of(read: Callable[[str], list[Row]]) -> tuple[Row, Row, Row]:
    """Return names of campaigns and segments and labels of channels, by their ids."""
    return (
        {row["campaign_id"]: row["name"] for row in read("campaigns")},
        {row["segment_id"]: row["name"] for row in read("audience_segments")},
        {
            row["channel_id"]: f"{row['type'].replace('_', ' ')} ({row['platform']})"
            for row in read("channels")
        },
    )


# ---- Polars ----------------------------------------------------------------------------------


def with_polars(raw: Path, out: Path) -> None:
    """Make the marts in Polars, lazily and streaming, from Parquet."""
    import polars as pl

    events = pl.scan_parquet(raw / "funnel_events/**/*.parquet", hive_partitioning=False)
    of_stage = {stage: pl.col("stage") == stage for stage in STAGES}
    day = pl.coalesce("date", pl.col("timestamp").cast(pl.Date)).alias("event_date")
    totals = []
    for stage, is_stage in of_stage.items():
        counts = pl.col("count").filter(is_stage)
        trusted = pl.col("count").filter(is_stage & (pl.col("confidence") >= TRUSTED))
        totals += [
            # The sum of nothing is 0 in Polars.
            pl.when(counts.len() > 0).then(counts.sum()).alias(f"{stage}_count"),
            pl.when(trusted.len() > 0).then(trusted.sum()).alias(f"{stage}_trusted_count"),
            pl.col("confidence").filter(is_stage).min().alias(f"{stage}_confidence"),
        ]
    daily = (
        events.group_by(*CELL, day)
        .agg(*totals, pl.col("confidence").min())
        .with_columns((pl.col("confidence") >= TRUSTED).alias("is_trusted"))
        .collect(engine="streaming")
    )
    daily.select(DAILY_COLUMNS).write_parquet(out / "fct_funnel_daily.parquet")

    sums: list[pl.Expr] = []
    for stage in STAGES:
        sums += [
            pl.when(pl.col(f"{stage}_{count}").count() > 0)
            .then(pl.col(f"{stage}_{count}").sum())
            .alias(f"{stage}_{count}")
            for count in ("count", "trusted_count")
        ]
        sums += [
            pl.col(f"{stage}_confidence").min(),
            pl.col(f"{stage}_count").count().alias(f"{stage}_days"),
        ]
    for earlier, later in PAIRS:
        before, after = pl.col(f"{earlier}_count"), pl.col(f"{later}_count")
        is_shared = before.is_not_null() & after.is_not_null()
        for name, count in (("before", before), ("after", after)):
            shared = count.filter(is_shared)
            total = pl.when(shared.len() > 0).then(shared.sum())
            sums.append(total.alias(f"{earlier}_{later}_{name}"))
        sums.append(is_shared.sum().alias(f"{earlier}_{later}_days"))
    cells = daily.lazy().group_by(CELL).agg(sums).collect(engine="streaming")

    def read(dataset: str) -> list[Row]:
        return pl.read_parquet(raw / f"{dataset}.parquet").to_dicts()

    rows = conversion(cells.to_dicts(), *names_of(read))
    pl.DataFrame(rows, infer_schema_length=None).select(CONVERSION_COLUMNS).write_parquet(
        out / "funnel_conversion.parquet"
    )


# ---- Plain Python ----------------------------------------------------------------------------


def with_python(raw: Path, out: Path) -> None:
    """Make the marts with only the standard library, from JSON."""

    def read(dataset: str) -> list[Row]:
        return json.loads((raw / f"{dataset}.json").read_bytes())

    daily: dict[tuple[str, ...], Row] = {}
    for event in read("funnel_events"):
        event_date = event["date"] or event["timestamp"][:10]
        key = (event["campaign_id"], event["segment_id"], event["channel_id"], event_date)
        row = daily.setdefault(key, {})
        count, confidence = f"{event['stage']}_count", f"{event['stage']}_confidence"
        row[count] = row.get(count, 0) + event["count"]
        if event["confidence"] >= TRUSTED:
            trusted = f"{event['stage']}_trusted_count"
            row[trusted] = row.get(trusted, 0) + event["count"]
        row[confidence] = min(row.get(confidence, 1.0), event["confidence"])
        row["confidence"] = min(row.get("confidence", 1.0), event["confidence"])
    cells: dict[tuple[str, ...], Row] = {}
    for key, row in daily.items():
        row |= zip([*CELL, "event_date"], key, strict=True)
        row["is_trusted"] = row["confidence"] >= TRUSTED
        cell = cells.setdefault(key[:3], dict(zip(CELL, key, strict=False)))
        measured = [stage for stage in STAGES if f"{stage}_count" in row]
        for stage in measured:
            add(cell, f"{stage}_count", row[f"{stage}_count"])
            add(cell, f"{stage}_trusted_count", row.get(f"{stage}_trusted_count"))
            add(cell, f"{stage}_days", 1)
            confidence = f"{stage}_confidence"
            cell[confidence] = min(cell.get(confidence, 1.0), row[confidence])
        for earlier, later in combinations(measured, 2):
            add(cell, f"{earlier}_{later}_before", row[f"{earlier}_count"])
            add(cell, f"{earlier}_{later}_after", row[f"{later}_count"])
            add(cell, f"{earlier}_{later}_days", 1)
    nothing = dict.fromkeys(
        f"{stage}_{total}" for stage in STAGES for total in ("count", "trusted_count", "confidence")
    )
    nothing |= dict.fromkeys(f"{a}_{b}_{side}" for a, b in PAIRS for side in ("before", "after"))
    nothing |= dict.fromkeys(
        [f"{stage}_days" for stage in STAGES] + [f"{a}_{b}_days" for a, b in PAIRS], 0
    )
    rows = conversion([nothing | cell for cell in cells.values()], *names_of(read))
    write_csv(out / "fct_funnel_daily.csv", DAILY_COLUMNS, list(daily.values()))
    write_csv(out / "funnel_conversion.csv", CONVERSION_COLUMNS, rows)


def add(totals: Row, name: str, count: int | None) -> None:
    """Add to a total; None plus None stays None."""
    if count is not None:
        totals[name] = totals.get(name, 0) + count


def write_csv(file: Path, columns: list[str], rows: list[Row]) -> None:
    """Write rows; missing values are empty."""
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Run the command line."""
    side, raw, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    out.mkdir(parents=True, exist_ok=True)
    {"polars": with_polars, "python": with_python}[side](raw, out)


if __name__ == "__main__":
    main()
