"""Days delivered in any order, late, again, changed or not at all give the marts of a first build.

A small world is delivered day by day in files that are added, replaced, renamed and removed between
builds on one database. After every build the marts equal the oracle's from the present files, and
at times, row by row, those of a build from scratch.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.builds import Build, Workspace
from helpers.days import DAYS, JUDGED, SERIES, UNTESTED, Story

TESTED = ("--exclude-resource-type", "unit_test")


# ---- Any order ends the same -----------------------------------------------------------------

MODELS_OF_A_PART = (
    ("--select", "+int_funnel_daily"),
    ("--select", "+fct_performance_daily"),
    ("--exclude", "fct_funnel_daily", "int_performance+"),
    ("--select", "staging"),
    ("--empty",),
)
"""Builds that are no whole ones: what they take in must not be lost to the next."""


@pytest.mark.long
def test_a_warehouse_that_grew_is_one_built_from_scratch(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Every event once, in a likely order."""
    story = Story(workspace, tmp_path, seed=1)
    story.step(lambda: story.arrive(5))
    story.step(story.arrive, story.redeliver)
    story.step(story.come_late, story.shrink)
    story.step(story.change_policy, story.move_asset)
    story.tell(lambda: story.arrive(2))
    for part in (("--select", "+int_funnel_daily"), ("--empty",)):
        story.build(*part, *UNTESTED)
    story.step(story.redate, arguments=UNTESTED)
    story.step(story.look_back, story.arrive, story.delete)
    story.assert_as_from_scratch(story.step(story.look_back, story.merge, story.touch))
    story.step(story.rename, story.arrive, story.come_late, arguments=TESTED)
    story.assert_as_from_scratch(story.step(story.redeliver, story.delete))
    story.step(story.redeliver, arguments=("--full-refresh", *UNTESTED))


@pytest.mark.long
def test_a_build_that_reads_no_files_accepts_none(workspace: Workspace, tmp_path: Path) -> None:
    """A build knows only the files that it reads itself."""
    story = Story(workspace, tmp_path, seed=4)
    story.step(lambda: story.arrive(5), arguments=TESTED)
    story.tell(*[story.redeliver] * 6)
    of_staging = [f"stg_{dataset}+" for dataset in SERIES]
    story.build("--select", *of_staging, "--exclude-resource-type", "unit_test")
    story.assert_as_from_scratch(story.step(lambda: "nothing"))


@pytest.mark.long
def test_what_is_built_by_itself_is_made_anew_if_it_read_something_else(
    workspace: Workspace, tmp_path: Path
) -> None:
    """A model stores the version of the content that it read, and no other."""
    story = Story(workspace, tmp_path, seed=4)
    story.step(lambda: story.arrive(8))
    event = min(story.landing.of("funnel_events"))
    dataset, right = story.landing.files[event]
    story.landing.put(event, dataset, [one | {"count": -5} for one in right])
    assert "stg_funnel_events_values_are_accepted" in story.build().named("fail")
    story.build("--select", "int_funnel_daily", *UNTESTED)
    story.landing.put(event, dataset, right)
    story.step(lambda: "a wrong day is as it was")

    snapshots = min(story.landing.of("performance_metrics"))
    dataset, before = story.landing.files[snapshots]
    story.landing.put(snapshots, dataset, [one | {"cost": one["cost"] + 1} for one in before])
    for part in (
        ("--exclude", "int_performance_snapshots"),
        ("--select", "int_performance_snapshots"),
    ):
        story.build(*part, *UNTESTED)
    story.step(lambda: "snapshots are made behind what sums them")

    story.landing.put(event, "funnel_events", [one | {"count": 7} for one in right])
    story.build("--exclude", "raw_funnel_events", "--exclude-resource-type", "unit_test")
    story.assert_as_from_scratch(story.step(lambda: "raw data stays behind"))


@pytest.mark.long
def test_any_order_of_arrivals(workspace: Workspace, tmp_path: Path) -> None:
    """Random events, several between two builds, which are whole or partial."""
    for seed in range(2, 4):
        story = Story(workspace, tmp_path / str(seed), seed)
        story.step(lambda story=story: story.arrive(3))
        happenings = [
            *(story.arrive, story.arrive, story.come_late, story.redeliver, story.shrink),
            *(story.delete, story.rename, story.touch, story.redate, story.merge),
            *(story.change_policy, story.look_back, story.move_asset),
        ]
        build = None
        for number in range(4):
            chosen = story.chance.sample(happenings, 4)
            if story.chance.random() < 0.4:
                story.tell(*chosen[2:])
                part = story.chance.choice(MODELS_OF_A_PART)
                story.told[-1] += f"; a build of a part: {part}"
                story.build(*part, *UNTESTED)
            arguments = story.chance.choice((JUDGED, JUDGED, UNTESTED))
            if story.chance.random() < 0.1:
                arguments += ("--full-refresh",)
            build = story.step(*chosen[:2], arguments=arguments)
            if number == 1:
                story.assert_as_from_scratch(build)
        story.assert_as_from_scratch(build)


# ---- What is new -----------------------------------------------------------------------------


def new_days(build: Build) -> dict[str, set[str]]:
    """Return the days that a build rebuilt, by dataset, with the removed ones."""
    query = "select dataset, cast(day as varchar) as day from lake.lake_days where is_new"
    found = {dataset: set() for dataset in SERIES}
    for row in build.rows(f"{query} and day is not null"):
        found[row["dataset"]].add(row["day"])
    return found


def test_only_days_that_changed_are_made_anew(
    workspace: Workspace, tmp_path: Path, whole: bool
) -> None:
    story = Story(workspace, tmp_path, seed=3)
    story.waiting.sort(reverse=True)  # the oldest are delivered first
    first = story.step(lambda: story.arrive(9))
    everything = {dataset: set(story.landing.days(dataset)) for dataset in SERIES}
    assert new_days(first) == everything

    def changed_by(happening: Callable[[], str], **changed: set[str]) -> None:
        found = new_days(story.step(happening))
        assert found == {dataset: changed.get(dataset, set()) for dataset in SERIES}

    changed_by(lambda: "nothing")
    (tenth,) = story.waiting[-1:]
    changed_by(story.arrive, **{dataset: {tenth.isoformat()} for dataset in SERIES})

    old = story.place("funnel_events", DAYS[1])
    _, records = story.landing.files[old]

    def change_an_old_day() -> str:
        more = [record | {"count": record["count"] + 1} for record in records]
        story.landing.put(old, "funnel_events", more)
        return f"{old} arrives again"

    changed_by(change_an_old_day, funnel_events={DAYS[1].isoformat()})
    if not whole:
        return

    def touch_an_old_day() -> str:
        story.landing.put(old, *story.landing.files[old])
        return f"{old} arrives again, the same"

    changed_by(touch_an_old_day)

    def remove_an_old_day() -> str:
        for name in [one for one in story.landing.files if f"funnel_events/day={DAYS[2]}" in one]:
            story.landing.remove(name)
        return f"{DAYS[2]} is removed"

    changed_by(remove_an_old_day, funnel_events={DAYS[2].isoformat()})
