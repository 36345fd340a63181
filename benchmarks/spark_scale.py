"""Build on one Spark worker and on two, at several sizes, and print what took how long, where.

Each number of workers gets a fresh cluster, and so a cold JVM, as a nightly build has; DuckDB
builds the same files beside. Where the time goes, what is shuffled and how uneven tasks are
is from Spark's event log, by the node that dbt names in its queries; of the largest size on the
most workers. docs/spark.md says what came out.

Usage: .venv/bin/python benchmarks/spark_scale.py [--events 2_000_000 20_000_000]
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from measure import DBT, Project, say

from tools.spark_cluster import HOST, Cluster, free_ports

HERE = Path(__file__).resolve().parent

DAYS = 90
SHOWN = 8
ONLY_MODELS = ("build", "--exclude-resource-type", "test", "unit_test")
MEGA = 1e6


@dataclass
class Work:
    """What the tasks of a node did: seconds each, by stage, and bytes."""

    tasks: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    read: int = 0
    shuffled: int = 0

    @property
    def seconds(self) -> float:
        """All tasks' time together."""
        return sum(map(sum, self.tasks.values()))

    @property
    def count(self) -> int:
        """How many tasks there were."""
        return sum(map(len, self.tasks.values()))

    @property
    def skew(self) -> str:
        """The longest task beside the median, of the stage that took longest."""
        longest = max(self.tasks.values(), key=sum)
        if len(longest) < 3:
            return ""
        return f"{max(longest):.2f} / {statistics.median(longest):.2f}"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, nargs="+", default=[2_000_000, 20_000_000])
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()) / "spark_scale")
    arguments = parser.parse_args()
    scratch = arguments.scratch.resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    rows: list[str] = []
    details: list[str] = []
    for events in arguments.events:
        landing = generated(scratch, events)
        rows.append(f"| {events:,} | DuckDB | {build(project(scratch), landing):.0f} | | | |")
        for workers in (1, 2):
            row, details = on_spark(scratch, landing, events, workers)
            rows.append(row)
    print("| events | on | build s | all tasks s | tasks | shuffled MB |")
    print("|---:|---|---:|---:|---:|---:|", *rows, sep="\n")
    print("", *details, sep="\n")


def generated(scratch: Path, events: int) -> Path:
    """Return a folder of Parquet by the day, generated once."""
    landing = scratch / f"landing-{events}"
    if not landing.exists():
        say(f"generating {events:,} events")
        size = ("--events", str(events), "--days", str(DAYS))
        subprocess.run([sys.executable, HERE / "generate.py", landing, *size], check=True)
    return landing


def project(scratch: Path) -> Project:
    """Return a fresh copy of the project."""
    return Project(HERE.parent, scratch / "project")


def build(project: Project, landing: Path, port: int | None = None) -> float:
    """Build the models, on Spark if there is a port; return the seconds that took."""
    target, environment = "duckdb", {}
    if port:
        target, environment = "spark", {"DBT_SPARK_HOST": HOST, "DBT_SPARK_PORT": str(port)}
    project.ingest(landing)
    variables = json.dumps({"raw": "lake", "lake_path": str(project.folder / "lake")})
    started = time.time()
    done = subprocess.run(
        [DBT, "--quiet", *ONLY_MODELS, "--target", target, "--vars", variables],
        cwd=project.folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    took = time.time() - started
    if done.returncode:
        raise SystemExit(done.stdout[-3000:] + done.stderr[-3000:])
    say(f"  {target}: {took:.0f} s")
    return took


def on_spark(scratch: Path, landing: Path, events: int, workers: int) -> tuple[str, list[str]]:
    """Build on a cluster of so many workers; return a line, and lines of where time went."""
    say(f"{events:,} events, {workers} workers")
    folder = scratch / "cluster"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "events").mkdir(parents=True)
    (port,) = free_ports(1)
    cluster = Cluster(folder)
    settings = {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": str(folder / "events"),
        "spark.eventLog.rolling.enabled": "false",
        "spark.eventLog.compress": "false",
    }
    cluster.up(workers=workers, cores=1, memory="2g", port=port, settings=settings)
    try:
        took = build(project(scratch), landing, port)
    finally:
        cluster.down()
    work = by_node(folder / "events")
    seconds = sum(one.seconds for one in work.values())
    tasks = sum(one.count for one in work.values())
    shuffled = sum(one.shuffled for one in work.values()) / MEGA
    line = (
        f"| {events:,} | Spark, {workers} worker{'s' if workers > 1 else ''} | {took:.0f}"
        f" | {seconds:.0f} | {tasks:,} | {shuffled:,.1f} |"
    )
    return line, [*where_time_went(work), "", *tables(folder / "warehouse")]


def by_node(logs: Path) -> dict[str, Work]:
    """Return what was done for each node of dbt's, from Spark's event log."""
    node_of_stage: dict[int, str] = {}
    work: dict[str, Work] = defaultdict(Work)
    for event in logged(logs):
        if event["Event"] == "SparkListenerJobStart":
            said = event.get("Properties", {}).get("spark.job.description", "")
            node = re.search(r'"node_id": "\w+\.\w+\.(\w+)', said)
            for stage in event["Stage IDs"]:
                node_of_stage.setdefault(stage, node[1] if node else "(before and after)")
        elif event["Event"] == "SparkListenerTaskEnd" and event["Stage ID"] in node_of_stage:
            info, metrics = event["Task Info"], event.get("Task Metrics") or {}
            one = work[node_of_stage[event["Stage ID"]]]
            took = (info["Finish Time"] - info["Launch Time"]) / 1000
            one.tasks[event["Stage ID"]].append(took)
            one.read += metrics.get("Input Metrics", {}).get("Bytes Read", 0)
            one.shuffled += metrics.get("Shuffle Write Metrics", {}).get("Shuffle Bytes Written", 0)
    return work


def logged(logs: Path) -> Iterator[dict[str, Any]]:
    """Yield the events of a folder of logs."""
    for log in sorted(logs.iterdir()):
        with log.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def where_time_went(work: dict[str, Work]) -> list[str]:
    """Return a table of the nodes whose tasks took longest."""
    lines = [
        "| node | all tasks s | tasks | read MB | shuffled MB | longest task / median s |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    ordered = sorted(work.items(), key=lambda item: -item[1].seconds)
    for name, one in ordered[:SHOWN]:
        lines.append(
            f"| {name} | {one.seconds:.1f} | {one.count:,} | {one.read / MEGA:,.1f}"
            f" | {one.shuffled / MEGA:,.1f} | {one.skew} |"
        )
    rest = [one.seconds for _, one in ordered[SHOWN:]]
    return [*lines, f"| {len(rest)} more | {sum(rest):.1f} | | | | |"]


def tables(warehouse: Path) -> list[str]:
    """Return a table of the largest tables, and the files that they lie in."""
    lines = [
        "| table | partitions | files | MB | median file KB |",
        "|---|---:|---:|---:|---:|",
    ]
    sizes = {}
    for table in warehouse.glob("*/*"):
        files = list(table.rglob("*.parquet"))
        sizes[table] = [file.stat().st_size for file in files], {file.parent for file in files}
    for table, (files, folders) in sorted(sizes.items(), key=lambda item: -sum(item[1][0]))[:SHOWN]:
        lines.append(
            f"| {table.name} | {len(folders - {table})} | {len(files)} | {sum(files) / MEGA:,.2f}"
            f" | {statistics.median(files) / 1000:,.1f} |"
        )
    all_files = [size for files, _ in sizes.values() for size in files]
    return [
        *lines,
        f"| all {len(sizes)} tables | | {len(all_files)} | {sum(all_files) / MEGA:,.1f} | |",
    ]


if __name__ == "__main__":
    main()
