"""Time a warm `make build` beside a `dbt build` of as many trivial nodes, alternating.

The trivial project has the same number of seeds, tables, views and data tests as this one, each as
cheap as dbt allows; what it takes is what dbt itself needs.

Usage: .venv/bin/python benchmarks/small.py [runs, 3 unless told]
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
DBT = Path(sys.executable).with_name("dbt")

PROJECT_FILE = """\
name: trivial
version: 1.0.0
config-version: 2
profile: trivial
flags: {send_anonymous_usage_stats: false}
"""
PROFILE_FILE = """\
trivial:
  target: duckdb
  outputs: {duckdb: {type: duckdb, path: trivial.duckdb, threads: 4}}
"""


def count_nodes() -> Counter[str]:
    """Return how many nodes of each kind the last build of this project ran."""
    manifest = json.loads((PROJECT / "target/manifest.json").read_text(encoding="utf-8"))
    results = json.loads((PROJECT / "target/run_results.json").read_text(encoding="utf-8"))
    kinds: Counter[str] = Counter()
    for result in results["results"]:
        node = manifest["nodes"].get(result["unique_id"], {})
        if node.get("resource_type") == "model":
            kinds[node["config"]["materialized"]] += 1
        elif node.get("resource_type") in ("seed", "test"):
            kinds[node["resource_type"]] += 1
    return kinds


def write_trivial_project(folder: Path, kinds: Counter[str]) -> None:
    """Write a project with as many nodes of each kind."""
    for name in ("models", "seeds", "tests"):
        (folder / name).mkdir()
    (folder / "dbt_project.yml").write_text(PROJECT_FILE, encoding="utf-8")
    (folder / "profiles.yml").write_text(PROFILE_FILE, encoding="utf-8")
    for number in range(kinds["seed"]):
        (folder / f"seeds/seed_{number}.csv").write_text("x\n1\n", encoding="utf-8")
    for kind in ("table", "view"):
        for number in range(kinds[kind]):
            sql = f"{{{{ config(materialized='{kind}') }}}} select x from {{{{ ref('seed_0') }}}}"
            (folder / f"models/{kind}_{number}.sql").write_text(sql, encoding="utf-8")
    for number in range(kinds["test"]):
        sql = "select x from {{ ref('table_0') }} where x = 2"
        (folder / f"tests/test_{number}.sql").write_text(sql, encoding="utf-8")


def seconds(command: list[str | Path], folder: Path) -> float:
    """Return how long a command takes; stop where it fails."""
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Print both medians and all runs."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    subprocess.run(["make", "build"], cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
    kinds = count_nodes()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_trivial_project(folder, kinds)
        seconds([DBT, "--quiet", "build"], folder)
        times: dict[str, list[float]] = {"make build": [], "trivial dbt build": []}
        for run in range(1, runs + 1):
            times["make build"].append(seconds(["make", "build"], PROJECT))
            times["trivial dbt build"].append(seconds([DBT, "--quiet", "build"], folder))
            print(f"run {run} of {runs} done", file=sys.stderr)
    print(", ".join(f"{count} {kind}s" for kind, count in sorted(kinds.items())))
    for side, values in times.items():
        each = ", ".join(f"{value:.1f}" for value in values)
        print(f"{side:<18} median {statistics.median(values):.1f} s ({each})")


if __name__ == "__main__":
    main()
