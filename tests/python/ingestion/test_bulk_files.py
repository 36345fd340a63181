"""What dbt says of files: whose rows fail, which vars make no sense; and what stays meanwhile."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import oracle
from helpers.builds import DbtError, Workspace
from helpers.bulk import (
    Form,
    assert_as_the_oracle_reads,
    assert_same_content,
    assert_whole,
    problem,
    unsaid,
    write_export,
)
from helpers.project import LAKE, Export, read_export

from warehouse import publish
from warehouse.explain import explanation
from warehouse.lake.errors import IngestError

ONLY_MODELS = ("--exclude-resource-type", "unit_test", "test")


def test_the_files_of_failing_rows_are_named(workspace: Workspace, tmp_path: Path) -> None:
    """Of a test of dbt's and of a rule, by one field or several, one of them null or renamed."""
    export = read_export()
    outside = {"experiment_id": None, "asset_id": export["performance_metrics"][0]["asset_id"]}
    snapshot = export["performance_metrics"][0] | outside
    other_time = snapshot | {"timestamp": "2026-03-03T18:00:01"}
    performance = [*export["performance_metrics"][:4], snapshot, other_time, dict(snapshot)]
    export["performance_metrics"] = performance
    export["funnel_events"][5]["confidence"] = 1.5
    export["experiments"][1]["variant_asset"] = export["experiments"][1]["control_asset"]
    landing = write_export(tmp_path / "landing", export, lambda _: Form("ndjson", "parts"))
    of_range = "stg_funnel_events_values_are_accepted"
    of_key = "unique_combination_of_columns_stg_performance_metrics*"
    of_rule = "rule_2_experiments_compare_two_assets"
    workspace.build(files=landing, arguments=("--exclude-resource-type", "test", "unit_test"))
    files: dict[str, set[str]] = {}
    for names in ((of_range, of_key), (of_rule,)):  # dbt skips a rule of a dataset that failed
        tests = ("--select", *names, "--resource-type", "test")
        build = workspace.build(files=landing, fresh=False, arguments=tests)
        said = str(explanation.explain(build.folder))
        for block in re.split(r"^(?=FAILED)", said, flags=re.MULTILINE)[1:]:
            found = re.findall(r"(\S+[.]ndjson),?$", block, re.MULTILINE)
            files[block.split()[1].rstrip(":")] = set(found)
    (of_key,) = [name for name in files if name.startswith(of_key.rstrip("*"))]
    assert files == {
        of_range: {"funnel_events/part-1.ndjson"},
        of_rule: {"experiments/part-1.ndjson"},
        of_key: {"performance_metrics/part-0.ndjson"},
    }


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"raw": "nonsense"}, "nonsense"),
        ({"raw": "files"}, "make build FROM=landing"),
        ({"raw": "Lake"}, "Lake"),
        ({"raw": "lake", "lake_path": "nowhere"}, "no lake in nowhere: `warehouse ingest`"),
    ],
    ids=["nonsense", "of old", "wrong case", "no lake"],
)
def test_vars_that_make_no_sense_are_said(
    workspace: Workspace, variables: dict, words: str
) -> None:
    """No build on the seeds by mistake."""
    with pytest.raises(DbtError, match=words):
        workspace.dbt("build", "--select", "raw_channels", "--vars", json.dumps(variables))


@pytest.fixture
def first_and_second(export: Callable[[], Export]) -> tuple[Export, Export]:
    """Return an export, and the next."""
    second = export()
    second["campaigns"][0]["name"] = "Another name"
    second["funnel_events"][0]["count"] += 1
    return export(), second


@pytest.mark.long
def test_what_was_built_stays_until_all_is_right_again(
    workspace: Workspace, tmp_path: Path, first_and_second: tuple[Export, Export]
) -> None:
    first, second = first_and_second
    landing = write_export(tmp_path / "landing", first, lambda dataset: Form("ndjson"))
    before = workspace.build(files=landing)
    assert_whole(before)
    assert before.named("fail") == set()

    broken, wrong = json.loads(json.dumps(second)), "campaigns.ndjson"
    broken["campaigns"][1]["budget"] = "a lot"
    broken["channels"][0]["avg_cost"] = []
    write_export(landing, broken, lambda dataset: Form("ndjson"))
    with pytest.raises(IngestError) as error:
        workspace.build(files=landing, fresh=False)
    expected = [
        problem(wrong, 2, "CAMP_002", "budget", "expected a number", 'the string "a lot"'),
        problem("channels.ndjson", 1, "CH_01", "avg_cost", "expected a number", "a list"),
    ]
    assert not unsaid(str(error.value).splitlines(), expected), error.value
    workspace.dbt("build", "--vars", json.dumps(LAKE), *ONLY_MODELS)
    assert_same_content(replace(before, folder=workspace.folder), before)

    write_export(landing, second, lambda dataset: Form("ndjson"))
    after = workspace.build(files=landing, fresh=False)
    assert_whole(after)
    assert after.named("fail") == set()
    # The history goes on: exports_seen is of both.
    assert_as_the_oracle_reads(after, oracle.read_world(second))
    assert publish.publish(after.folder).path.is_file()
