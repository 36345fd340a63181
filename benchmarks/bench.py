"""Measure the project against what it competes with, and print one table.

Sides of a comparison run in turn, each in its own process, at least three times; the table shows
medians. Data is generated once, into a scratch folder outside the checkout, and kept there.
benchmarks/README.md describes each section, and has the results.

Usage: make bench [ARGS="limit days --events 2_000_000"]
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb
from by_hand import Script, missing_checks, quoted
from ingest import MANY, MEMORY_LIMIT, ingest
from measure import BUILD, DBT, DBT2, Line, Project, Took, alternate, apart, judged, run, say

from warehouse.database.marts import FINGERPRINT, PUBLIC_SCHEMAS

ENGINES = {"dbt-core 1.11": DBT} | ({"dbt 2": DBT2} if DBT2.exists() else {})
HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
FUNNEL = ("run", "--select", "+fct_funnel_daily", "+funnel_conversion")
EVENTS_A_DAY = 20_000_000 / 365
LIMIT_AIM, DAY_AIM, GROWTH_AIM, FLAT_AIM = 1.3, 0.3, 3.0, 1.3  # of dbt 2
# The marts of datasets stored by day; the others are whole in each export.
BY_DAY = ("--select", "+fct_funnel_daily", "+fct_performance_daily", "+funnel_conversion")
WHOLE = "365 days all at once"
PYTHON_EVENTS = 500_000  # events for plain Python


HEADER = """\
| what | side | total s | database s | CPU s | peak MB | ratio | aim | reached |
|---|---|---:|---:|---:|---:|---|---|---|"""


@dataclass(frozen=True)
class Bench:
    """Paths, and the number of runs per side."""

    source: Path
    scratch: Path
    runs: int
    events: list[int]

    def project(self, engine: str = "dbt-core 1.11", days: int = 0) -> Project:
        """Return a fresh copy of the project, one for each engine and number of days."""
        folder = self.scratch / f"project-{days}-{ENGINES[engine].name}"
        return Project(self.source, folder, ENGINES[engine])

    def data(self, events: int, *options: str, days: int = 365, name: str = "parquet") -> Path:
        """Return a folder of generated data; generate it if it isn't there yet."""
        folder = self.scratch / f"{name}-{events}-{days}"
        if not folder.exists():
            say(f"generating {events:,} events on {days} days ({name})")
            unfinished = folder.with_suffix(".tmp")
            shutil.rmtree(unfinished, ignore_errors=True)
            size = ["--events", str(events), "--days", str(days)]
            generate = [sys.executable, HERE / "generate.py", unfinished, *size, *options]
            subprocess.run(generate, check=True, stdout=subprocess.DEVNULL)
            unfinished.rename(folder)
        return folder


# ---- Against the hand-written limit ----------------------------------------------------------


def limit(bench: Bench) -> Iterator[Line]:
    """Compare `dbt build` with one SQL script that makes and checks the same without dbt."""
    for events in bench.events:
        raw, projects = bench.data(events), {engine: bench.project(engine) for engine in ENGINES}
        say(f"limit: {events:,} events")
        for project in projects.values():
            project.parse(raw)
        project.build_anew(raw)  # the script is put together from dbt's compiled SQL
        text = bench.scratch / "script.sql"
        text.write_text(Script(project.folder, raw).text(), encoding="utf-8")
        hand = bench.scratch / "by_hand"
        sides: dict[str, Callable[[], Took]] = {
            engine: partial(project.build_anew, raw) for engine, project in projects.items()
        }
        took = alternate(sides | {"SQL by hand": partial(run_script, text, hand)}, bench.runs)
        for project in projects.values():
            refuse_difference(project.file, hand / "warehouse.duckdb")
        missing = apart(missing_checks, project.folder, raw, hand / "warehouse.duckdb")
        by_hand, subject = took.pop("SQL by hand"), f"limit, {events / 1e6:g} million"
        for engine, dbt in took.items():
            total, database = dbt.total / by_hand.total, dbt.database / by_hand.database
            ratio = f"total {total:.2f}, database {database:.2f}"
            aim = LIMIT_AIM if engine == "dbt 2" and events >= 20_000_000 else None
            yield judged(subject, f"`dbt build`, {engine}", dbt, ratio, total, aim)
            subject = ""
        yield Line("", "SQL by hand", by_hand, " ".join(missing))


def run_script(text: Path, folder: Path) -> Took:
    """Run the script by hand, into new files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    took, printed = run([sys.executable, HERE / "by_hand.py", text, folder], PROJECT)
    took.database = float(printed)
    return took


def fingerprints(file: Path) -> dict[str, tuple]:
    """Return rows and fingerprint of each mart, as `warehouse publish` does."""
    with duckdb.connect(str(file), read_only=True) as connection:
        schemas = ", ".join(map(quoted, PUBLIC_SCHEMAS))
        names = connection.execute(
            "select table_schema, table_name from information_schema.tables"
            # Except for the inputs: a lake has its own hashes, computed when it was written.
            f" where table_schema in ({schemas}) and table_name <> 'warehouse_build' order by all"
        ).fetchall()
        return {
            f"{schema}.{name}": connection.execute(
                f'select count(*), {FINGERPRINT} from {schema}."{name}" as hashed'
            ).fetchone()
            for schema, name in names
        }


def refuse_difference(one: Path, other: Path) -> None:
    """Stop where the marts of two builds differ, row by row."""
    ours, theirs = apart(fingerprints, one), apart(fingerprints, other)
    differing = [name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)]
    if differing:
        raise SystemExit(f"Not the same marts: {', '.join(sorted(differing))} differ.")


# ---- Against what people would write instead -------------------------------------------------


def instead(bench: Bench) -> Iterator[Line]:
    """Compare the models of the funnel marts, without their tests, with Polars and plain Python."""
    events = max(one for one in bench.events if one < MANY)
    raw, project, out = bench.data(events), bench.project(), bench.scratch / "instead"
    few, text = (
        bench.data(PYTHON_EVENTS, *options, name=f"funnel-{name}")
        for name, options in (("parquet", ()), ("json", ("--format", "json", "--flat")))
    )
    say(f"instead: {events:,} events, plain Python {PYTHON_EVENTS:,}")
    project.parse(few)
    project.forget()
    project.dbt(*FUNNEL, raw=few)
    beside = partial(run_instead, out)
    beside("python", text)
    apart(refuse_other_funnel, project.file, out, "csv")
    project.parse(raw)
    sides: dict[str, Callable[[], Took]] = {
        "`dbt run`": lambda: (project.forget(), project.dbt(*FUNNEL, raw=raw))[1],
        "Polars": partial(beside, "polars", raw),
        "plain Python": partial(beside, "python", text),
    }
    dbt, polars, python = alternate(sides, bench.runs).values()
    apart(refuse_other_funnel, project.file, out, "parquet")
    factor = events / PYTHON_EVENTS
    python = Took(python.total * factor, python.cpu * factor, 0)
    yield Line(f"funnel marts, {events / 1e6:g} million", "`dbt run`, no tests", dbt)
    yield Line("", "Polars, from Parquet", polars, f"{polars.total / dbt.total:.2f} of dbt's")
    yield Line(
        "",
        f"plain Python, from JSON: {PYTHON_EVENTS / 1e6:g} million times {factor:g}",
        python,
        f"{python.total / dbt.total:.2f} of dbt's",
    )


def run_instead(out: Path, side: str, raw: Path) -> Took:
    """Run Polars or plain Python."""
    return run([sys.executable, HERE / "instead.py", side, raw, out], PROJECT)[0]


def refuse_other_funnel(file: Path, out: Path, form: str) -> None:
    """Stop where the other side's files differ from the marts; doubles to 12 places."""
    with duckdb.connect(str(file), read_only=True) as connection:
        connection.execute("set enable_progress_bar = false")  # it would be printed into the table
        for mart in ("fct_funnel_daily", "funnel_conversion"):
            path = quoted(out / f"{mart}.{form}")
            reader = f"read_parquet({path})"
            if form == "csv":
                reader = f"read_csv({path}, header = true, all_varchar = true)"
            values = ", ".join(
                f'round(cast("{name}" as double), 12)'
                if kind == "DOUBLE"
                else f'cast("{name}" as {kind})'
                for name, kind, *_ in connection.execute(f"describe marts.{mart}").fetchall()
            )
            one, other = f"select {values} from marts.{mart}", f"select {values} from {reader}"
            differing = connection.execute(
                f"select count(*) from (({one} except all {other})"
                f" union all ({other} except all {one}))"
            ).fetchone()[0]
            if differing:
                raise SystemExit(f"Not the same {mart}: {differing} rows differ from {out}.")


# ---- A day at a time -------------------------------------------------------------------------


def days(bench: Bench) -> Iterator[Line]:
    """Build a history without its last day, then repeatedly that day."""
    for engine in ENGINES:
        yield from days_of(bench, engine)


def days_of(bench: Bench, engine: str) -> Iterator[Line]:
    """Do so for one dbt."""
    sides, projects = {}, {}
    for count in (90, 365, 1095):
        raw = bench.data(round(count * EVENTS_A_DAY), days=count)
        project = bench.project(engine, count)
        say(f"a day at a time: {count} days, {engine}")
        project.parse(raw)
        if count == 365:
            whole = alternate({WHOLE: partial(project.build_anew, raw)}, bench.runs)
        withheld = bench.scratch / f"withheld-{count}"
        move_last_day(raw, withheld)
        project.ingest(raw)
        project.build_anew(raw)
        move_last_day(withheld, raw, day=last_day(withheld))
        project.ingest(raw)
        kept = project.folder / "kept"
        kept.mkdir()
        for name in ("build", "history.duckdb"):
            project.folder.joinpath(name).rename(kept / name)
        projects[count] = project
        sides[count, ""] = partial(build_day, project, kept, raw)
        sides[count, ", by day"] = partial(build_day, project, kept, raw, *BY_DAY)
    took = alternate(
        {f"{count} days{part}": run for (count, part), run in sides.items()}, bench.runs
    )
    for project in projects.values():
        project.forget()
        shutil.rmtree(project.folder / "kept")
        shutil.rmtree(project.folder / "lake")
    own = {side: one.total - one.start for side, one in (took | whole).items()}
    share = own["365 days"] / own[WHOLE]
    growth, flat = (own[f"1095 days{part}"] / own[f"90 days{part}"] for part in ("", ", by day"))
    judgments = {
        "365 days": (f"{share:.3f} of all at once", share, DAY_AIM),
        "1095 days": (f"{growth:.2f} of 90 days", growth, GROWTH_AIM),
        "1095 days, by day": (f"{flat:.2f} of 90 days", flat, FLAT_AIM),
    }
    for side, one in (took | whole).items():
        words, value, aim = judgments.get(side, ("", 0.0, None))
        ratio = f"{own[side]:.1f} s without dbt's start; {words}".removesuffix("; ")
        is_aimed_at = aim if engine == "dbt 2" else None
        subject = side if side == WHOLE else f"a day on {side}"
        yield judged(subject, f"`dbt build`, {engine}", one, ratio, value, is_aimed_at)


def last_day(raw: Path) -> str:
    """Return the name of the folder of the latest day."""
    return max(folder.name for folder in (raw / "funnel_events").iterdir())


def move_last_day(source: Path, target: Path, day: str = "") -> None:
    """Move the latest day's files from one folder to another."""
    day = day or last_day(source)
    for dataset in ("funnel_events", "performance_metrics"):
        (target / dataset).mkdir(parents=True, exist_ok=True)
        (source / dataset / day).rename(target / dataset / day)


def build_day(project: Project, kept: Path, raw: Path, *selection: str) -> Took:
    """Restore the build without the last day, and build."""
    project.forget()
    shutil.copytree(kept / "build", project.folder / "build")
    shutil.copy2(kept / "history.duckdb", project.folder)
    return project.dbt(*BUILD, *selection, raw=raw)


# ---- Memory, BI, small -----------------------------------------------------------------


def memory(bench: Bench) -> Iterator[Line]:
    """Build many events with little memory; once, since time does not matter here."""
    raw, project = bench.data(MANY), bench.project()
    say(f"memory: {MANY:,} events, memory_limit {MEMORY_LIMIT}")
    project.set_memory_limit(MEMORY_LIMIT)
    project.parse(raw)
    side = f"`dbt build`, memory_limit {MEMORY_LIMIT}"
    took = alternate({side: partial(project.build_anew, raw)}, 1)[side]  # a failed build stops here
    spilled, subject = f"spilled {took.spilled:,.0f} MB", f"memory, {MANY / 1e6:g} million"
    yield Line(subject, side, took, spilled, "completes, spilling", took.spilled > 0)


def bi(bench: Bench) -> Iterator[Line]:
    """Run the ten analyses on the published file, in fresh processes, and again in one."""
    events = max(one for one in bench.events if one < MANY)
    raw, project = bench.data(events), bench.project()
    say(f"BI: the analyses on {events:,} events")
    project.parse(raw)
    project.build_anew(raw)
    publish = [sys.executable, "-m", "warehouse", "publish"]
    subprocess.run(publish, cwd=project.folder, check=True, stdout=subprocess.DEVNULL)
    project.dbt("compile", raw=raw)
    compiled = project.folder / "target/compiled/marketing_orchestrator/analyses"
    queries = sorted(compiled.glob("*.sql"))
    cold: dict[str, list[float]] = {query.stem: [] for query in queries}
    warm: dict[str, list[float]] = {query.stem: [] for query in queries}
    for _ in range(bench.runs):
        for query in queries:
            drop_cache(project.folder / "warehouse.duckdb")
            command = [sys.executable, "-c", ASK, project.folder / "warehouse.duckdb", query]
            first, *again = json.loads(run(command, PROJECT)[1])
            cold[query.stem].append(first)
            warm[query.stem].extend(again)
    for name, times, aim in (("cold", cold, None), ("warm", warm, 0.05)):
        medians = {query: statistics.median(several) for query, several in times.items()}
        slowest = max(medians, key=medians.__getitem__)
        worst = f"worst {medians[slowest] * 1000:.0f} ms: {slowest}"
        yield Line(
            f"BI, {events / 1e6:g} million, {name}",
            f"median of {len(queries)} analyses",
            Took(statistics.median(medians.values()), 0, 0),
            worst,
            "0.05" if aim else "",
            medians[slowest] <= aim if aim else None,
        )


ASK = """
import json, sys, time, duckdb
from pathlib import Path
file, query = sys.argv[1], Path(sys.argv[2]).read_text(encoding="utf-8")
times = []
started = time.perf_counter()
connection = duckdb.connect(file, read_only=True)
for _ in range(6):
    connection.execute(query).fetchall()
    times.append(time.perf_counter() - started)
    started = time.perf_counter()
print(json.dumps(times))
"""


def drop_cache(file: Path) -> None:
    """Drop a file from the operating system's cache."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


TRIVIAL_PROJECT = """\
name: trivial
version: 1.0.0
config-version: 2
profile: trivial
flags: {send_anonymous_usage_stats: false}
"""
TRIVIAL_PROFILE = """\
trivial:
  target: duckdb
  outputs: {duckdb: {type: duckdb, path: trivial.duckdb, threads: 4}}
"""


def small(bench: Bench) -> Iterator[Line]:
    """Compare the sample's `dbt build` with that of as many nodes, each as cheap as dbt allows."""
    projects = {engine: bench.project(engine) for engine in ENGINES}
    say("small: the sample")
    sides: dict[str, Callable[[], Took]] = {}
    for engine, project in projects.items():
        project.parse()
        project.build_anew()
        kinds, trivial = nodes_of(project), bench.scratch / f"trivial-{project.program.name}"
        write_trivial_project(trivial, kinds)
        run([project.program, "--quiet", "parse"], trivial)
        sides[f"sample, {engine}"] = project.build
        sides[f"trivial, {engine}"] = partial(run_build, project.program, trivial)
    took = alternate(sides, bench.runs)
    counted = ", ".join(f"{count} {kind}s" for kind, count in sorted(kinds.items()))
    for engine in ENGINES:
        sample, nothing = took[f"sample, {engine}"], took[f"trivial, {engine}"]
        ratio = f"{sample.total / nothing.total:.2f}"
        yield Line("small, 182 rows", f"`dbt build`, {engine}", sample, ratio)
        yield Line("", f"`dbt build` of nothing: {counted}", nothing)


def run_build(program: Path, folder: Path) -> Took:
    """Run a `dbt build` without reading its log."""
    return run([program, "--quiet", *BUILD], folder)[0]


def nodes_of(project: Project) -> dict[str, int]:
    """Return the number of nodes of each kind in the last build of a project."""
    target = project.folder / "target"
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))
    kinds = dict.fromkeys(("seed", "table", "view", "test"), 0)
    for result in results["results"]:
        node = manifest["nodes"].get(result["unique_id"], {})
        kind = node.get("resource_type")
        if kind == "model":
            kind = "view" if node["config"]["materialized"] == "view" else "table"
        if kind in kinds:
            kinds[kind] += 1
    return kinds


def write_trivial_project(folder: Path, kinds: dict[str, int]) -> None:
    """Write a project with as many nodes of each kind."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("models", "seeds", "tests"):
        (folder / name).mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(TRIVIAL_PROJECT, encoding="utf-8")
    (folder / "profiles.yml").write_text(TRIVIAL_PROFILE, encoding="utf-8")
    for number in range(kinds["seed"]):
        (folder / f"seeds/seed_{number}.csv").write_text("x\n1\n", encoding="utf-8")
    for kind in ("table", "view"):
        for number in range(kinds[kind]):
            sql = f"{{{{ config(materialized='{kind}') }}}} select x from {{{{ ref('seed_0') }}}}"
            (folder / f"models/{kind}_{number}.sql").write_text(sql, encoding="utf-8")
    for number in range(kinds["test"]):
        sql = "select x from {{ ref('table_0') }} where x = 2"
        (folder / f"tests/test_{number}.sql").write_text(sql, encoding="utf-8")


# ---- Command line ----------------------------------------------------------------------------

SECTIONS = {
    "limit": limit,
    "instead": instead,
    "days": days,
    "memory": memory,
    "ingest": ingest,
    "bi": bi,
    "small": small,
}


def main() -> None:
    """Run the chosen sections, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = ", ".join(SECTIONS)
    parser.add_argument("sections", nargs="*", metavar="section", help=f"{names}; all unless told")
    parser.add_argument(
        "--events", type=int, nargs="+", default=[2_000_000, 20_000_000, MANY], help="of limit"
    )
    parser.add_argument("--runs", type=int, default=3, help="of each side")
    scratch = Path(tempfile.gettempdir()) / "marketing-orchestrator-bench"
    parser.add_argument("--scratch", type=Path, default=scratch, help="up to 10 GB; it is kept")
    parser.add_argument("--project", type=Path, default=PROJECT, help="another checkout to measure")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.sections if name not in SECTIONS]
    if unknown:
        parser.error(f"there is no section {unknown[0]}: {names}")
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    bench = Bench(
        arguments.project.resolve(), arguments.scratch.resolve(), arguments.runs, arguments.events
    )
    started = time.perf_counter()
    print(HEADER, flush=True)
    for name in arguments.sections or SECTIONS:
        for line in SECTIONS[name](bench):
            print(line, flush=True)
    say(f"done in {(time.perf_counter() - started) / 60:.0f} min")


if __name__ == "__main__":
    main()
