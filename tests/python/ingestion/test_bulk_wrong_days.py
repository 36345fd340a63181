"""What is wrong with days is found beside days that were found right, until it is mended."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from helpers.builds import Build, Workspace
from helpers.bulk import Record, assert_whole, day_of
from helpers.days import DAYS, FIRST_DAY, JUDGED, UNTESTED, Story, funnel_day

from warehouse.explain import explanation
from warehouse.lake.errors import IngestError

LATE_DAY = FIRST_DAY - timedelta(days=5)
"""A day that arrives late, and is none of the newest, which are looked at in any case."""


@dataclass(frozen=True)
class Wrong:
    """A file that makes a build red: its records, and the test that fails and what it must name."""

    dataset: str
    records: Callable[[Story], list[Record]]
    test: str
    says: Callable[[list[Record]], str]


def first_of(story: Story, dataset: str, day: date) -> Record:
    """Return a record of a day."""
    return next(
        record for record in story.landing.export()[dataset] if day_of(record) == day.isoformat()
    )


def on_another_day(story: Story) -> list[Record]:
    """Return an event with the id of one of an old day."""
    old, late = first_of(story, "funnel_events", DAYS[0]), LATE_DAY
    return [old | {"timestamp": f"{late}T00:00:00", "date": late.isoformat()}]


def with_another_id(story: Story) -> list[Record]:
    """Return an event of an old day's grain."""
    return [first_of(story, "funnel_events", DAYS[1]) | {"event_id": "FNL_AGAIN"}]


def twice_in_a_late_day(story: Story) -> list[Record]:
    """Return a late day that counts one place twice."""
    day = LATE_DAY.isoformat()
    event = first_of(story, "funnel_events", DAYS[0])
    event = event | {"timestamp": f"{day}T00:00:00", "date": day}
    return [event | {"event_id": "FNL_NEW_1"}, event | {"event_id": "FNL_NEW_2"}]


def changed_to(**values: object) -> Callable[[Story], list[Record]]:
    """Return an event of a late day that breaks the contract."""

    def records(story: Story) -> list[Record]:
        event = first_of(story, "funnel_events", DAYS[0])
        day = LATE_DAY.isoformat()
        own = {"event_id": "FNL_WRONG", "timestamp": f"{day}T00:00:00", "date": day}
        return [event | own | values]

    return records


def of_another_asset(story: Story) -> list[Record]:
    """Return a late day's snapshot of an asset that its experiment doesn't compare."""
    first = next(
        record
        for record in story.landing.export()["performance_metrics"]
        if record["experiment_id"]
    )
    others = {asset["asset_id"] for asset in story.assets} - {first["asset_id"]}
    (test,) = (one for one in story.experiments if one["experiment_id"] == first["experiment_id"])
    asset = min(others - {test["control_asset"], test["variant_asset"]})
    return [first | {"asset_id": asset, "timestamp": f"{LATE_DAY}T03:04:05"}]


def snapshot_again(story: Story) -> list[Record]:
    """Return a snapshot that an old file has."""
    return [first_of(story, "performance_metrics", DAYS[0]) | {"cost": 1}]


def id_of(records: list[Record]) -> str:
    """Return the id of the last record."""
    return records[-1]["event_id"]


COUNTED_ONCE = "^funnel_stages_are_counted_once$"
RULE_3 = "^rule_3_performance_is_a_unique_snapshot$"
NOT_COMPARED = "an asset that isn't compared"
VARIANTS = ("ASSET_002", "ASSET_006")
OTHERS = {"EXP_001": "ASSET_004", "EXP_003": "ASSET_008"}
"""Variants of two experiments, and other assets of their campaigns."""

OLD = (
    ("campaigns", "campaign_id", "CAMP_OLD"),
    ("audience_segments", "segment_id", "SEG_OLD"),
    ("channels", "channel_id", "CH_OLD"),
    ("creative_assets", "asset_id", "ASSET_OLD"),
    ("experiments", "experiment_id", "EXP_OLD"),
)
OF_OLD = {
    "funnel_events": {
        "event_id": "FNL_OLD",
        "campaign_id": "CAMP_OLD",
        "segment_id": "SEG_OLD",
        "channel_id": "CH_OLD",
    },
    "performance_metrics": {"asset_id": "ASSET_OLD", "experiment_id": "EXP_OLD"},
}

WRONG = {
    "an id of an old day": Wrong("funnel_events", on_another_day, r"^unique_.*event_id", id_of),
    "a grain of an old day": Wrong("funnel_events", with_another_id, COUNTED_ONCE, id_of),
    "a grain twice in a day": Wrong("funnel_events", twice_in_a_late_day, COUNTED_ONCE, id_of),
    "a negative count": Wrong(
        "funnel_events",
        changed_to(count=-1),
        r"stg_funnel_events_values_are_accepted: event_count",
        id_of,
    ),
    "an unknown stage": Wrong(
        "funnel_events",
        changed_to(stage="glance"),
        "stg_funnel_events_values_are_accepted: stage",
        lambda _: "glance",
    ),
    "an unknown campaign": Wrong(
        "funnel_events",
        changed_to(campaign_id="CAMP_900"),
        r"relationships_stg_funnel_events_campaign_id",
        lambda _: "CAMP_900",
    ),
    NOT_COMPARED: Wrong(
        "performance_metrics",
        of_another_asset,
        RULE_3,
        lambda records: records[0]["asset_id"],
    ),
    "a snapshot of an old file": Wrong(
        "performance_metrics",
        snapshot_again,
        r"unique_combination.*stg_performance_metrics",
        lambda records: records[0]["asset_id"],
    ),
}


@pytest.fixture(scope="module")
def accepted(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Return a story of eleven days that were found right."""
    story = Story(workspace, tmp_path_factory.mktemp("accepted"), seed=4)
    story.waiting.sort(reverse=True)
    story.arrive(11)
    # What but one event and one snapshot of the first day refer to.
    for dataset, key, old in OLD:
        records = story.landing.files[dataset][1]
        compared = {"control_asset": "ASSET_OLD"} if dataset == "experiments" else {}
        story.landing.put(dataset, dataset, [*records, records[0] | compared | {key: old}])
    for dataset, record in OF_OLD.items():
        name = story.place(dataset, DAYS[0])
        _, records = story.landing.files[name]
        story.landing.put(name, dataset, [*records, records[0] | record])
    story.step(lambda: "eleven days arrive")
    return story


BLOCK = re.compile(r"^FAILED  ([^\n]+)(.*?)(?=^FAILED|^WARNED|\Z)", re.DOTALL | re.MULTILINE)


@contextmanager
def wrong_files(story: Story, *kinds: str) -> Iterator[list[list[Record]]]:
    """Let wrong files arrive, whose records are given; mend it in the end."""
    files = {}
    for number, wrong in enumerate(WRONG[kind] for kind in kinds):
        name = f"{wrong.dataset}/day={LATE_DAY}/wrong-{number}"
        files[name] = (wrong.dataset, wrong.records(story))
    for name, (dataset, records) in files.items():
        story.landing.put(name, dataset, records)
    story.told.append(f"wrong files arrive: {kinds}")
    try:
        yield [records for _, records in files.values()]
    finally:
        for name in files:
            story.landing.remove(name)
        story.told.append("they are removed")


@contextmanager
def replaced(story: Story, name: str, records: list[Record]) -> Iterator[None]:
    """Let a file arrive with other records; put the first ones back in the end."""
    dataset, before = story.landing.files[name]
    story.landing.put(name, dataset, records)
    try:
        yield
    finally:
        story.landing.put(name, dataset, before)
        story.told.append(f"{name} was replaced, and is back")


def red(build: Build, test: str) -> str:
    """Return the test that failed, with its column if it has several, that a pattern describes."""
    names = [name for name, _ in BLOCK.findall(str(explanation.explain(build.folder)))]
    found = [name for name in names if re.search(test, name)]
    assert found, f"{test} isn't among {names}"
    return found[0]


@pytest.mark.long
def test_what_is_wrong_is_found_beside_days_that_were_right(accepted: Story) -> None:
    """All of it in one build, beside old days that no one reads again; and in the next as well."""
    # What stands on staging is skipped where the tests of staging fail.
    wrongs = {
        kind: wrong for kind, wrong in WRONG.items() if wrong.test not in (RULE_3, COUNTED_ONCE)
    }
    with wrong_files(accepted, *wrongs) as all_records:
        # A look in between accepts nothing.
        assert_whole(accepted.build("--select", "raw_*", *UNTESTED))
        for turn in ("first", "second"):
            build = accepted.build()
            text = str(explanation.explain(build.folder))
            blocks = dict(BLOCK.findall(text))
            for (kind, wrong), records in zip(wrongs.items(), all_records, strict=True):
                block = blocks[red(build, wrong.test)]
                assert wrong.says(records) in block, f"{kind}, {turn} build: {text}"


@pytest.mark.long
def test_a_stage_that_is_counted_twice_is_found_until_it_is_mended(accepted: Story) -> None:
    """Its day has been accepted by then: what is looked at is all that is kept."""
    kinds = ("a grain of an old day", "a grain twice in a day")
    with wrong_files(accepted, *kinds) as all_records:
        for _ in range(2):
            build = accepted.build()
            assert build.failures[red(build, COUNTED_ONCE)] == 2 + 2
            text = str(explanation.explain(build.folder))
            assert "dataset funnel_events" in text
            for kind, records in zip(kinds, all_records, strict=True):
                assert WRONG[kind].says(records) in text, text
    accepted.step(lambda: "nothing")


@pytest.mark.long
def test_a_build_that_was_red_accepts_nothing(accepted: Story) -> None:
    """The next one looks again, though no file changed; also where it is but a rule that fails.

    The rule is broken by a new day, and in old ones, whose experiments compare others now.
    """
    experiments = [
        one | {"variant_asset": OTHERS.get(one["experiment_id"], one["variant_asset"])}
        for one in accepted.landing.files["experiments"][1]
    ]
    no_longer_compared = [
        one
        for one in accepted.landing.export()["performance_metrics"]
        if one["experiment_id"] in OTHERS and one["asset_id"] in VARIANTS
    ]
    with wrong_files(accepted, NOT_COMPARED):
        red(accepted.build(), RULE_3)
        with replaced(accepted, "experiments", experiments):
            build = accepted.build()
    assert build.failures[red(build, RULE_3)] == 1 + len(no_longer_compared) > 1


@pytest.mark.long
def test_a_build_without_tests_accepts_nothing(accepted: Story) -> None:
    """What it took in is judged by the first build that judges, and goes with its file."""
    kinds = ("a negative count", "an id of an old day")
    with wrong_files(accepted, *kinds):
        accepted.build(*UNTESTED)
        unjudged = accepted.build(*UNTESTED)
        on_that_day = f"select * from marts.fct_funnel_daily where event_date = '{LATE_DAY}'"
        assert unjudged.rows(on_that_day)
        build = accepted.build()
        for kind in kinds:
            red(build, WRONG[kind].test)
    accepted.step(lambda: "nothing")


def without(story: Story, dataset: str, **values: str) -> AbstractContextManager[None]:
    """Let a dataset arrive without the record that has a value."""
    ((field, value),) = values.items()
    records = story.landing.files[dataset][1]
    return replaced(story, dataset, [one for one in records if one[field] != value])


@pytest.mark.long
def test_a_day_that_was_right_and_is_wrong_now_is_found(accepted: Story) -> None:
    name = accepted.place("funnel_events", DAYS[2])
    records = accepted.landing.files[name][1]
    with replaced(accepted, name, [*records[:-1], records[-1] | {"count": -7}]):
        build = accepted.build()
        said = str(explanation.explain(build.folder))  # which looks at the files again
        red(build, r"stg_funnel_events_values_are_accepted: event_count")
    assert records[-1]["event_id"] in said, said


@pytest.mark.long
def test_a_reference_that_goes_is_found_in_old_days(accepted: Story) -> None:
    """None of the newest days, which are looked at in any case, refers to it."""
    with (
        without(accepted, "campaigns", campaign_id="CAMP_OLD"),
        without(accepted, "audience_segments", segment_id="SEG_OLD"),
        without(accepted, "channels", channel_id="CH_OLD"),
        without(accepted, "creative_assets", asset_id="ASSET_OLD"),
        without(accepted, "experiments", experiment_id="EXP_OLD"),
    ):
        build = accepted.build(*JUDGED, "*_still_exist")
    assert build.named("fail") >= {
        "campaigns_of_the_funnel_still_exist",
        "segments_of_the_funnel_still_exist",
        "channels_of_the_funnel_still_exist",
        "measured_assets_still_exist",
        "measured_experiments_still_exist",
    }
    accepted.step(lambda: "nothing")


@pytest.mark.long
def test_a_day_that_cannot_be_read_is_no_half_day(accepted: Story) -> None:
    """A good file and one that is cut off arrive together; then the rest of it does."""
    day = DAYS[-1]
    records = funnel_day(day, accepted.assets, accepted.chance)
    good, cut_off = (accepted.place("funnel_events", day, part) for part in ("good", "cut-off"))
    accepted.landing.put(good, "funnel_events", records[::2])
    accepted.landing.put(cut_off, "funnel_events", records[1::2])
    path = accepted.landing.path(cut_off)
    whole_file = path.read_bytes()
    path.write_bytes(whole_file[:-20])
    with pytest.raises(IngestError, match=path.name):
        accepted.build()
    path.write_bytes(whole_file)
    accepted.waiting.remove(day)
    grown = accepted.step(lambda: f"{cut_off} is whole")
    accepted.assert_as_from_scratch(grown)
