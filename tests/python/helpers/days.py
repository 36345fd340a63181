"""Late-arriving and restated days, and the checks of their builds."""

import random
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from helpers import oracle
from helpers.builds import Build, Workspace
from helpers.bulk import (
    Form,
    Record,
    assert_as_the_oracle_reads,
    assert_same_marts,
    assert_whole,
    day_of,
    write_file,
)
from helpers.compare import keyed
from helpers.project import Export, read_export

FIRST_DAY = date(2026, 3, 6)
DAYS = [FIRST_DAY + timedelta(days=number) for number in range(12)]
SERIES = ("funnel_events", "performance_metrics")
JOURNEYS = {
    "CAMP_001": ("impression", "visit", "signup", "purchase"),
    "CAMP_002": ("click", "visit", "demo_request"),
    "CAMP_003": ("visit", "feature_adopt"),
}
SOURCES = ("ads_platform", "crm", "web_analytics", "product_analytics")
GOVERNANCE = {"rule_4_money_moves_with_approval", "rule_5_risks_are_reviewed_in_time"}
JUDGED = (
    *("--indirect-selection", "empty", "--exclude-resource-type", "unit_test", "--select"),
    *("resource_type:model", "resource_type:seed", "rule_3_performance_is_a_unique_snapshot"),
    "funnel_stages_are_counted_once",
    *(f"stg_{dataset}+1,resource_type:test" for dataset in SERIES),
)
"""All models, and only those tests without which no day is accepted."""
UNTESTED = ("--exclude-resource-type", "unit_test", "test")


def written(at: datetime, chance: random.Random) -> str:
    """Return a UTC moment as an export may write it: with an offset it can be on another day."""
    minutes = chance.choice((None, None, 0, 600, -720))
    if minutes is None:
        return at.isoformat()
    zone = timezone(timedelta(minutes=minutes))
    return at.replace(tzinfo=UTC).astimezone(zone).isoformat()


def funnel_day(day: date, assets: list[Record], chance: random.Random) -> list[Record]:
    """Return a day's counts of each place that has an asset; some stages aren't measured."""
    places = sorted({(a["campaign_id"], a["segment_id"], a["channel_id"]) for a in assets})
    records = []
    for campaign, segment, channel in places:
        count = chance.randrange(50, 2000)
        for stage in JOURNEYS[campaign]:
            count = int(count * chance.uniform(0.3, 1.05))
            if chance.random() < 0.1:
                continue
            record = {
                "event_id": f"FNL_{day:%m%d}_{len(records):03}",
                "timestamp": written(datetime.combine(day, time(chance.randrange(24))), chance),
                "date": day.isoformat(),
                "campaign_id": campaign,
                "segment_id": segment,
                "channel_id": channel,
                "stage": stage,
                "count": count,
                "source": chance.choice(SOURCES),
                "confidence": chance.choice((0.7, 0.85, 0.9, 0.95)),
            }
            if chance.random() < 0.2:
                del record["date"]
            records.append(record)
    return records


def performance_day(
    day: date, assets: list[Record], experiments: list[Record], chance: random.Random
) -> list[Record]:
    """Return a day's snapshots of each asset, up to two in its experiment and one outside."""
    tests = {
        experiment[arm]: experiment["experiment_id"]
        for experiment in experiments
        for arm in ("control_asset", "variant_asset")
    }
    records = []
    for asset in assets:
        name = asset["asset_id"]
        for hour, experiment in ((0, tests.get(name)), (13, tests.get(name)), (23, None)):
            if chance.random() < 0.5:
                records.append(snapshot(name, experiment, day, hour, chance))
    return records


def snapshot(
    asset: str, experiment: str | None, day: date, hour: int, chance: random.Random
) -> Record:
    """Return the results of an asset."""
    impressions = chance.choice((0, 100, 1000, 4321))
    clicks = impressions // chance.randrange(5, 50)
    conversions = clicks // chance.randrange(1, 9)
    rate = Decimal(conversions) / (impressions or 1)
    return {
        "asset_id": asset,
        "experiment_id": experiment,
        "timestamp": written(datetime.combine(day, time(hour, 59, 59)), chance),
        "impressions": impressions,
        "clicks": clicks,
        "conversions": conversions,
        "conversion_rate": float(rate.quantize(Decimal("0.001"), ROUND_HALF_UP)),
        "cost": chance.choice((0, 0.005, 12.3456, 250)),
        "revenue_proxy": chance.choice((0, 0.1, 1000, 77.777)),
    }


@dataclass
class Landing:
    """A folder of files, and the records in each."""

    folder: Path
    forms: dict[str, Form]
    files: dict[str, tuple[str, list[Record]]] = field(default_factory=dict)

    def put(self, name: str, dataset: str, records: list[Record]) -> None:
        """Write a new or an existing file; its extension is that of the dataset's form."""
        self.files[name] = (dataset, records)
        form = self.forms.get(dataset, Form())
        write_file(self.folder / f"{name}.{form.extension}", dataset, records, form)

    def path(self, name: str) -> Path:
        """Return the path of a file."""
        form = self.forms.get(self.files[name][0], Form())
        return self.folder / f"{name}.{form.extension}"

    def remove(self, name: str) -> None:
        """Remove a file, and its folder if that is empty."""
        path = self.path(name)
        path.unlink()
        del self.files[name]
        if path.parent != self.folder and not any(path.parent.iterdir()):
            path.parent.rmdir()

    def rename(self, name: str, to: str) -> None:
        """Rename a file without other changes."""
        before, records = self.path(name), self.files[name]
        self.files[to] = records
        self.path(to).parent.mkdir(parents=True, exist_ok=True)
        before.rename(self.path(to))
        del self.files[name]

    def export(self) -> Export:
        """Return the records in the files."""
        export: Export = defaultdict(list)
        for dataset, records in self.files.values():
            export[dataset] += records
        return dict(export)

    def of(self, dataset: str) -> list[str]:
        """Return the names of a dataset's files with records."""
        return [name for name, (one, records) in self.files.items() if one == dataset and records]

    def days(self, dataset: str) -> Counter[str]:
        """Return the days of a dataset, and the number of records of each."""
        return Counter(day_of(record) for record in self.export().get(dataset, []))


@contextmanager
def aside(workspace: Workspace) -> Iterator[None]:
    """Move the build aside for a while, and back again."""
    kept = workspace.folder / "kept"
    kept.mkdir()
    for name in ("build", "lake", "history.duckdb"):
        if (workspace.folder / name).exists():
            (workspace.folder / name).rename(kept / name)
    try:
        yield
    finally:
        for name in ("build", "lake"):
            shutil.rmtree(workspace.folder / name, ignore_errors=True)
        (workspace.folder / "history.duckdb").unlink(missing_ok=True)
        for path in kept.iterdir():
            path.rename(workspace.folder / path.name)
        kept.rmdir()


FUNNEL_FORMS = (Form("ndjson"), Form("json.gz"), Form("parquet", types="pandas"))
PERFORMANCE_FORMS = (Form("parquet"), Form("ndjson.zst"), Form("parquet", types="exact"))


class Story:
    """A world that is delivered day by day, and its builds: each step changes files, and builds."""

    def __init__(self, workspace: Workspace, folder: Path, seed: int) -> None:
        self.workspace = workspace
        self.chance = random.Random(seed)
        forms = {
            "funnel_events": FUNNEL_FORMS[seed % 3],
            "performance_metrics": PERFORMANCE_FORMS[seed % 3],
        }
        self.landing = Landing(folder, forms)
        self.variables: dict[str, Any] = {}
        self.waiting: list[date] = list(DAYS)
        self.chance.shuffle(self.waiting)
        self.held_back: list[tuple[str, Record]] = []
        self.built = 0
        self.told: list[str] = []
        self.is_first = True
        export = read_export()
        self.assets, self.experiments = export["creative_assets"], export["experiments"]
        self.assets = self.assets[:12]  # the other two need assets that aren't here
        for dataset, records in export.items():
            if dataset not in SERIES:
                self.landing.put(dataset, dataset, records)

    # ---- What can happen

    def pick(self, dataset: str | None = None) -> str:
        """Return one of the files of days."""
        names = self.landing.of(dataset or self.chance.choice(SERIES))
        return self.chance.choice(
            names or [name for one in SERIES for name in self.landing.of(one)]
        )

    def place(self, dataset: str, day: date, part: str = "part-0") -> str:
        """Return the name of a day's file."""
        return f"{dataset}/day={day}/{part}"

    def arrive(self, count: int = 1) -> str:
        """Deliver new days; hold back some records of each."""
        days = [self.waiting.pop() for _ in range(min(count, len(self.waiting)))]
        for day in days:
            made = {
                "funnel_events": funnel_day(day, self.assets, self.chance),
                "performance_metrics": performance_day(
                    day, self.assets, self.experiments, self.chance
                ),
            }
            for dataset, records in made.items():
                late = [record for record in records if self.chance.random() < 0.06]
                self.held_back += [(dataset, record) for record in late]
                kept = [record for record in records if record not in late]
                if self.chance.random() < 0.3:
                    half = len(kept) // 2
                    self.landing.put(self.place(dataset, day, "part-1"), dataset, kept[half:])
                    kept = kept[:half]
                self.landing.put(self.place(dataset, day), dataset, kept)
        return f"{[day.isoformat() for day in days]} arrive"

    def come_late(self) -> str:
        """Deliver all held-back records in a file of the latest day."""
        newest = max(max(self.landing.days(dataset), default="") for dataset in SERIES)
        for dataset in SERIES:
            records = [record for one, record in self.held_back if one == dataset]
            if records:
                name = f"{dataset}/day={newest}/late-{self.built}"
                self.landing.put(name, dataset, records)
        self.held_back = []
        return f"what is late arrives in files of {newest}"

    def redeliver(self) -> str:
        """Deliver a file again, with other figures."""
        name = self.pick()
        dataset, records = self.landing.files[name]
        counted = {"funnel_events": "count", "performance_metrics": "cost"}[dataset]
        changed = [
            record | {counted: record[counted] + self.chance.randrange(2)} for record in records
        ]
        self.chance.shuffle(changed)
        self.landing.put(name, dataset, changed)
        return f"{name} arrives again with other figures"

    def shrink(self) -> str:
        """Deliver a file again, with fewer records."""
        name = self.pick()
        dataset, records = self.landing.files[name]
        kept = [record for record in records if self.chance.random() < 0.5] or records[:1]
        self.landing.put(name, dataset, kept)
        return f"{name} arrives again with {len(kept)} of {len(records)} records"

    def delete(self) -> str:
        """Remove a file; a dataset without any would be missing."""
        name = self.pick()
        if len(self.landing.of(self.landing.files[name][0])) == 1:
            return f"{name} stays"
        self.landing.remove(name)
        return f"{name} is removed"

    def rename(self) -> str:
        """Rename a file, or move it to another folder."""
        name = self.pick()
        dataset = self.landing.files[name][0]
        to = self.chance.choice((f"{name}-renamed", f"{dataset}/moved/{self.built}"))
        self.landing.rename(name, to)
        return f"{name} is now {to}"

    def touch(self) -> str:
        """Deliver a file again, unchanged."""
        name = self.pick()
        self.landing.put(name, *self.landing.files[name])
        return f"{name} arrives again, the same"

    def redate(self) -> str:
        """Move a funnel event to another day without one for its place."""
        name = self.pick("funnel_events")
        _, records = self.landing.files[name]
        record = self.chance.choice(records)
        day = DAYS[0] - timedelta(days=1 + self.built)
        moved = record | {"date": day.isoformat(), "timestamp": f"{day}T00:00:00"}
        others = [one for one in records if one is not record]
        self.landing.put(name, "funnel_events", [*others, moved])
        return f"{record['event_id']} in {name} is of {day}"

    def merge(self) -> str:
        """Merge all files of a dataset."""
        dataset = self.chance.choice(SERIES)
        names = self.landing.of(dataset)
        records = [record for name in names for record in self.landing.files[name][1]]
        if not records:
            return f"{dataset} stays empty"
        for name in names:
            self.landing.remove(name)
        self.chance.shuffle(records)
        self.landing.put(f"{dataset}/all-{self.built}", dataset, records)
        return f"{dataset} is one file, all-{self.built}"

    def change_policy(self) -> str:
        """Change the confidence from which a count is trusted."""
        minimum = self.chance.choice((0.86, 0.9, 0.95, 0.5))
        self.variables["trusted_confidence_minimum"] = minimum
        return f"counts are trusted from {minimum}"

    def look_back(self) -> str:
        """Set the as-of to an earlier day, or to the latest event again."""
        if self.variables.pop("as_of", None):
            return "the newest day is shown again"
        self.variables["as_of"] = self.chance.choice(DAYS[4:]).isoformat()
        return f"{self.variables['as_of']} is shown"

    def move_asset(self) -> str:
        """Put an asset into another segment and channel."""
        export = self.landing.export()["creative_assets"]
        asset = self.chance.choice(export)
        asset["segment_id"] = self.chance.choice(("SEG_001", "SEG_003", "SEG_005"))
        asset["channel_id"] = self.chance.choice(("CH_01", "CH_04"))
        self.landing.put("creative_assets", "creative_assets", export)
        return f"{asset['asset_id']} is of {asset['segment_id']}"

    # ---- Builds

    def build(self, *arguments: str) -> Build:
        """Build the files on the last build; the history starts again."""
        (self.workspace.folder / "history.duckdb").unlink(missing_ok=True)
        build = self.workspace.build(
            files=self.landing.folder,
            variables=self.variables,
            arguments=arguments or JUDGED,
            fresh=self.is_first,
        )
        self.is_first = False
        self.built += 1
        return build

    def scratch(self) -> Build:
        """Build the files from scratch; the history is that of an untested build."""
        with aside(self.workspace):
            return self.workspace.build(
                files=self.landing.folder, variables=self.variables, arguments=UNTESTED
            )

    def check(self, build: Build) -> None:
        """Compare a build with the oracle's rows from the files."""
        assert_whole(build)
        assert build.named("fail") <= GOVERNANCE
        world = oracle.read_world(self.landing.export(), self.variables)
        assert_as_the_oracle_reads(build, world)
        assert performance_by_day(build) == expected_performance(world)

    def tell(self, *happenings: Callable[[], str]) -> None:
        """Apply events; they are printed if a check fails."""
        self.told.append(", then ".join(happening() for happening in happenings))

    def step(self, *happenings: Callable[[], str], arguments: tuple[str, ...] = ()) -> Build:
        """Apply events, build, and check the build."""
        self.tell(*happenings)
        try:
            build = self.build(*arguments)
            self.check(build)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.so_far()}") from None
        return build

    def assert_as_from_scratch(self, build: Build) -> None:
        """Compare a build with one from scratch, row by row."""
        try:
            assert_same_marts(build, self.scratch(), "intermediate.int_funnel_stages")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.so_far()}") from None

    def so_far(self) -> str:
        """Return the events so far."""
        steps = (f"{number}. {told}" for number, told in enumerate(self.told, start=1))
        return "\n".join(["What happened before:", *steps])


GRAIN = ("asset_id", "experiment_id", "recorded_date")
SUMS = ("impressions", "clicks", "conversions", "spend", "revenue_proxy")


def performance_by_day(build: Build) -> dict[tuple, dict]:
    """Return fct_performance_daily by its grain."""
    rows = build.rows(f"select {', '.join(GRAIN + SUMS)} from marts.fct_performance_daily")
    return keyed(rows, GRAIN)


def expected_performance(world: oracle.World) -> dict[tuple, dict]:
    """Return the same from the records, money to six places."""
    found: dict[tuple, dict] = {}
    for row in world.export["performance_metrics"]:
        at = oracle.moment(row["timestamp"])
        if at > world.as_of:
            continue
        key = (row["asset_id"], row.get("experiment_id"), at.date())
        values = dict(zip(GRAIN, key, strict=True))
        sums = found.setdefault(key, values | dict.fromkeys(SUMS, 0))
        for name in SUMS:
            value = row["cost" if name == "spend" else name]
            if name in ("spend", "revenue_proxy"):
                value = Decimal(str(value)).quantize(Decimal("0.000001"), ROUND_HALF_UP)
            sums[name] += value
    return found
