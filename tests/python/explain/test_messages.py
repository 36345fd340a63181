"""What dbt and the engines say so that nobody understands it is said in words, on the real path."""

from collections.abc import Callable

import pytest
from helpers.builds import Build, Workspace
from helpers.project import Export

from warehouse.explain import explanation


def said(build: Build) -> str:
    """Return what is explained of a build, on one line."""
    return " ".join(str(explanation.explain(build.folder)).split())


def test_a_reference_in_another_unicode_form_is_told_so(
    workspace: Workspace, export: Callable[[], Export]
) -> None:
    records = export()
    records["channels"].append(records["channels"][0] | {"channel_id": "CH_caf\u00e9"})
    records["budget_actions"][0]["to_channel_id"] = "CH_cafe\u0301"
    build = workspace.build(records)
    (failed,) = build.named("fail")
    assert failed.startswith("relationships_stg_budget_actions_to_channel_id")
    assert (
        'form "CH_cafe\\u0301" differs from the existing "CH_caf\\xe9" only in Unicode form'
    ) in said(build)


MOST = 2**63 - 1
COUNTED = {
    "performance_metrics": ("int_performance_daily", {"impressions": MOST, "conversion_rate": 0}),
    "funnel_events": ("int_funnel_stage_sets", {"count": MOST}),
    "attribution_hints": ("attribution_summary", {"attributed_conversions": MOST}),
}


@pytest.mark.long
@pytest.mark.parametrize("dataset", COUNTED)
def test_counts_beyond_64_bits_are_told_in_words(
    workspace: Workspace, export: Callable[[], Export], dataset: str
) -> None:
    mart, most = COUNTED[dataset]
    records = export()
    first = records[dataset][0]
    for day in (1, 2):
        again = first | most | {"timestamp": f"2026-03-1{day}T0{day}:00:00"}
        if dataset == "performance_metrics":
            again["timestamp"] = f"2026-03-11T0{day}:00:00"
        if "date" in first:
            again["date"] = again["timestamp"][:10]
        again |= {name: f"{first[name]}{day}" for name in ("event_id", "hint_id") if name in first}
        records[dataset].append(again)
    build = workspace.build(records)
    assert mart in build.named("error")
    words = said(build)
    assert (
        f"FAILED model {mart} Counts that {mart} adds up come to more than 64 bits hold"
        " (9,223,372,036,854,775,807). Look for a count that can't be in"
    ) in words
    assert dataset in words.partition("can't be in")[2].partition(".")[0]
    assert "INT64" not in words
