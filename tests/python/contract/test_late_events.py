"""Late clicks and conversions: of one row they are a warning, of an asset's total an error."""

from collections.abc import Callable

import pytest
from helpers.builds import Build, Workspace
from helpers.project import Export

from warehouse import publish
from warehouse.explain import explanation

IN_A_ROW = {
    "performance_clicks_do_not_exceed_impressions",
    "performance_conversions_do_not_exceed_impressions",
    "performance_conversions_do_not_exceed_clicks",
}
TOTAL = "performance_totals_do_not_exceed_impressions"


def late(clicks: int, conversions: int, **fields: object) -> dict:
    """Return a row of an asset that was shown once since the row before."""
    row = {"asset_id": "ASSET_006", "experiment_id": "EXP_003", "cost": 0.0, "revenue_proxy": 100.0}
    row |= {"timestamp": "2026-03-19T20:05:00", "impressions": 1, "clicks": clicks}
    return row | {"conversions": conversions, "conversion_rate": float(conversions)} | fields


def built(workspace: Workspace, records: Export, row: dict, **arguments: object) -> Build:
    """Build an export with one more row of performance."""
    records["performance_metrics"].append(row)
    return workspace.build(records, **arguments)


@pytest.mark.long
def test_a_row_of_late_events_is_a_warning(
    workspace: Workspace, export: Callable[[], Export]
) -> None:
    """Also outside any experiment, where all of an asset's rows can be late."""
    records = export()
    outside = {"asset_id": "ASSET_009", "experiment_id": None}
    records["performance_metrics"].append(late(2, 3, **outside))
    build = built(workspace, records, late(2, 3))
    assert build.named("fail", "error", "skipped") == set()
    assert build.named("warn") == IN_A_ROW


@pytest.mark.parametrize(
    "row",
    [late(9_999_999, 0, conversion_rate=0), late(0, 9_999_999)],
    ids=["clicks", "conversions"],
)
def test_more_than_all_impressions_is_an_error(
    workspace: Workspace, export: Callable[[], Export], row: dict
) -> None:
    build = built(workspace, export(), row)
    assert build.named("fail") == {TOTAL}
    assert build.failures[TOTAL] == 1
    assert build.named("error") == set()
    assert build.statuses["experiment_results"] == "skipped", "there is no interval of it"
    assert build.statuses["status_log"] == "skipped", "it is no history"
    with pytest.raises(publish.PublishError):
        publish.publish(build.folder)
    said = " ".join(str(explanation.explain(build.folder)).split())
    assert f"FAILED {TOTAL} guards An asset has at most as many clicks" in said
    assert "dataset performance_metrics" in said
    assert f"asset_id={row['asset_id']}" in said
