"""Every possible corruption of an export is caught by its check, with a message.

The corruptions are derived: what the converter must refuse from the declaration of the datasets,
what dbt must find from what the specification says of each field (corruptions.py).
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers import corruptions as c
from helpers.builds import Build, Workspace
from helpers.corruptions import Clones, Corruption
from helpers.project import PROJECT, Export, read_export
from helpers.spoiled import (
    DECLARED,
    POLICY_TEST,
    Spoiled,
    assert_nothing_else_is_accused,
    checks_of,
    judged,
    spoiled_build,
    survivors_of,
    the_check,
)
from helpers.values import BAD_VALUES, VALID

from warehouse import publish
from warehouse.seeds import conversion
from warehouse.seeds.conversion import convert
from warehouse.seeds.declaration import Dataset, Field
from warehouse.seeds.errors import ConversionError

DECLARED_IN = f"declare it in {conversion.DECLARED_IN}"


@dataclass
class Tally:
    """The number of corruptions tried, by their check, and those that no check caught."""

    tried: Counter[str] = field(default_factory=Counter)
    survivors: list[str] = field(default_factory=list)

    def count(self, by: str, survivors: list[str], tried: int) -> None:
        """Count corruptions; fail where one survived."""
        self.tried[by] += tried
        self.survivors += survivors
        assert not survivors, "\n".join([f"{len(survivors)} of {tried} survived:", *survivors])


@pytest.fixture(scope="module")
def control(workspace: Workspace, export: Callable[[], Export]) -> Build:
    """Build the carriers before they are corrupted, and values at the edge of being valid."""
    clones = Clones(export())
    for corruption in [*c.of_every_field(), *c.STRUCTURAL, *c.GOVERNANCE]:
        clones.carry(corruption, spoil=False)
    for edge in c.edges():
        clones.carry(edge, spoil=True)
    return workspace.build(clones.export)


def with_nulls(manifest: dict[str, Any]) -> list[Corruption]:
    """Return the corruptions of fields and facts, nulls in the seeds included."""
    found = c.of_every_field() + c.of_the_reference()
    for name, dataset in DECLARED.items():
        mentions: dict[str, set[str]] = defaultdict(set)
        for node in manifest["nodes"].values():
            if judged(node) == f"stg_{name}":
                expression = node["test_metadata"]["kwargs"].get("expression", "")
                # What a macro reads it may forgive (a rate of nothing is none), and where there
                # are alternatives the other one holds.
                expression = "" if " or " in expression else re.sub("{{.*?}}", "", expression)
                for of in dataset.fields:
                    if re.search(rf"\b{c.staged(name, of.name)}\b", expression):
                        mentions[of.name].add(node["name"])
        if name == "segment_rollups":
            mentions["primary_kpi"].add("rollup_kpi_is_the_kpi_of_its_campaign")
        required = [of.name for of in dataset.fields if not of.nullable and not of.optional]
        found += c.nulls(name, required, mentions)
    return found


@pytest.fixture(scope="module")
def corruptions(workspace: Workspace, control: Build) -> list[Corruption]:
    manifest = json.loads((control.folder / "target/manifest.json").read_text(encoding="utf-8"))
    return with_nulls(manifest)


@pytest.fixture(scope="module")
def tally(figures: dict[str, str]) -> Iterator[Tally]:
    """Count the module's corruptions, and say so at the end."""
    tally = Tally()
    yield tally
    tried = tally.tried.total()
    by = ", ".join(f"{count} by {name}" for name, count in tally.tried.items())
    caught = tried - len(tally.survivors)
    figures["corruptions"] = f"{tried} tried, {caught} caught ({by})"


# ---- What the converter refuses --------------------------------------------------------------

Pairs = list[tuple[str, str]]
"""A record as JSON: its fields and their values' JSON text, so that a key can come twice."""

NEW_FIELD = f"of_tomorrow: undeclared field; {DECLARED_IN}"
IN_JSON = {"date": "string", "timestamp": "string", "integer": "number"}


def as_pairs(record: dict) -> Pairs:
    """Return a record's fields and the JSON text of their values."""
    return [(key, json.dumps(value)) for key, value in record.items()]


def wrong_values(of: Field) -> Iterator[str]:
    """Yield JSON texts that a field of this type refuses, null aside."""
    yield from (given for given, _ in BAD_VALUES[of.type] if given not in (None, "null"))
    shape = IN_JSON.get(of.type, of.type)
    for other, text in VALID.items():
        if IN_JSON.get(other, other) != shape:
            yield text
    if of.type in ("date", "timestamp"):
        yield from ('"soon"', '"0000-00-00T00:00:00"', '"2026-03-16T10:00:00 CET"')
    if of.type == "integer":
        yield from ("1e400", '""', "0.5")
    if of.type == "number":
        yield from ("1e400", '""')


def spoiled_records(of: Field, good: Pairs) -> Iterator[tuple[str, Pairs, list[str]]]:
    """Yield the change of a field, the changed record, and its problems, in order."""
    others = [(name, text) for name, text in good if name != of.name]
    value = dict(good).get(of.name, VALID[of.type])
    whole = [*others, (of.name, value)]
    for text in wrong_values(of):
        yield f"{of.name} is {text[:60]}", [*others, (of.name, text)], [f"{of.name}: expected"]
    if not of.nullable:
        yield f"{of.name} is null", [*others, (of.name, "null")], [f"{of.name}: expected"]
    missing = [] if of.optional else [f"{of.name}: expected"]
    if missing:
        yield f"{of.name} is missing", others, missing
    again = f"{of.name}: expected the key once, found it again"
    yield f"{of.name} comes twice", [*whole, (of.name, value)], [again]
    misspelt = f"{of.name[:-1]}{of.name[-1] * 2}"
    advice = f"{misspelt}: undeclared field; did you mean {of.name}? If not, {DECLARED_IN}"
    yield f"{of.name} is misspelt", [*others, (misspelt, value)], [advice, *missing]
    new = ("of_tomorrow", value)
    yield f"new beside {of.name}", [*others, new, whole[-1]], [NEW_FIELD]


class Converter:
    """A folder of exports of two records each, and their seeds."""

    def __init__(self, folder: Path) -> None:
        self.inputs, self.seeds = folder / "json", folder / "seeds"
        self.inputs.mkdir()
        self.good = {name: records[:2] for name, records in read_export().items()}
        for name, records in self.good.items():
            self.file(name).write_text(json.dumps(records), encoding="utf-8")
        convert(self.inputs, self.seeds)
        self.before = self.bytes()

    def file(self, dataset: str) -> Path:
        """Return the file of a dataset."""
        return self.inputs / f"{dataset}.json"

    def bytes(self) -> dict[str, bytes]:
        """Return the content of the seeds."""
        return {path.name: path.read_bytes() for path in self.seeds.iterdir()}

    def refusal(self, dataset: str, text: str | None) -> list[str]:
        """Return the converter's problems for a file's text, or for no file."""
        path = self.file(dataset)
        kept = path.read_bytes() if path.exists() else None
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_text(text, encoding="utf-8")
        try:
            convert(self.inputs, self.seeds)
        except ConversionError as error:
            assert self.bytes() == self.before, "a seed has changed"
            return error.problems
        finally:
            path.unlink(missing_ok=True)
            if kept is not None:
                path.write_bytes(kept)
        for name, data in self.before.items():
            (self.seeds / name).write_bytes(data)
        return []


@pytest.fixture(scope="module")
def converter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Converter]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conversion, "read_declaration", lambda: DECLARED)  # read once, not 2,000 x
        yield Converter(tmp_path_factory.mktemp("converter"))


def as_json(*records: Pairs) -> str:
    """Return an export's text."""
    texts = (", ".join(f'"{key}": {text}' for key, text in record) for record in records)
    return "[" + ", ".join(f"{{{text}}}" for text in texts) + "]"


def leads_to(problem: str, dataset: Dataset, of: Field, key: str, words: str) -> bool:
    """Return whether a problem has these words about a field of the second record, with its key."""
    if of.name == dataset.id_field:  # which is what is wrong, and may be no name
        return problem.startswith(f"{dataset.name}: record 2") and f": {words}" in problem
    named = f" ({key})" if key else ""
    return problem.startswith(f"{dataset.name}: record 2{named}: {words}")


@pytest.mark.parametrize("dataset", DECLARED.values(), ids=lambda dataset: dataset.name)
def test_the_converter_refuses_every_record_that_is_not_as_declared(
    converter: Converter, dataset: Dataset, tally: Tally
) -> None:
    first, second = map(as_pairs, converter.good[dataset.name])
    key = json.loads(dict(second).get(dataset.id_field or "", '""'))
    survivors, tried = [], 0
    for of in dataset.fields:
        for what, record, expected in spoiled_records(of, second):
            tried += 1
            problems = converter.refusal(dataset.name, as_json(first, record))
            is_led = len(problems) == len(expected) and all(
                leads_to(problem, dataset, of, key, words)
                for problem, words in zip(problems, expected, strict=True)
            )
            if not is_led:
                survivors.append(f"{dataset.name}: {what}: {problems}")
    for nothing in ("null", '"text"', "12", "[]", "true"):
        tried += 1
        expected = f"{dataset.name}: record 2: expected an object, found "
        problems = converter.refusal(dataset.name, f"{as_json(first)[:-1]}, {nothing}]")
        if not (len(problems) == 1 and problems[0].startswith(expected)):
            survivors.append(f"{dataset.name}: a record is {nothing}: {problems}")
    tally.count("the converter", survivors, tried)


@pytest.mark.parametrize("dataset", DECLARED.values(), ids=lambda dataset: dataset.name)
def test_the_converter_refuses_every_file_that_is_no_export(
    converter: Converter, dataset: Dataset, tally: Tally
) -> None:
    good = converter.file(dataset.name).read_text(encoding="utf-8")
    texts = {
        "": "expected a JSON array, found an empty file",
        good[1:-1].partition("}, {")[0] + "}": "expected a JSON array of records, found an object",
        good[:-1]: "malformed JSON at line 1",
        good[: len(good) // 2]: "malformed JSON at line 1",
        good[:-1] + ",]": "malformed JSON at line 1",
        "null": "expected a JSON array of records, found null",
    }
    cases: list[tuple[str, str | None, str]] = [
        (dataset.name, text, f"{dataset.name}: {words}") for text, words in texts.items()
    ]
    misspelt = f"{dataset.name}s"
    advice = f"no declared dataset; did you mean {dataset.name}? If not, {DECLARED_IN}"
    cases.append((misspelt, good, f"{misspelt}.json: {advice}"))
    if not dataset.optional:
        cases.append((dataset.name, None, f"{dataset.name}: {dataset.name}.json is missing from "))
    survivors = [
        f"{name}.json of {text!r:.60}: {problems}"
        for name, text, expected in cases
        for problems in [converter.refusal(name, text)]
        if not (len(problems) == 1 and problems[0].startswith(expected))
    ]
    tally.count("the converter", survivors, len(cases))


def test_what_may_be_left_out_may_be(converter: Converter) -> None:
    """The other half of the above: valid values are accepted."""
    for dataset in DECLARED.values():
        first, second = map(as_pairs, converter.good[dataset.name])
        for of in dataset.fields:
            others = [(name, text) for name, text in second if name != of.name]
            if of.nullable:
                assert not converter.refusal(
                    dataset.name, as_json(first, [*others, (of.name, "null")])
                )
            if of.optional:
                assert not converter.refusal(dataset.name, as_json(first, others))
        if dataset.optional:
            assert not converter.refusal(dataset.name, None)


# ---- What dbt finds --------------------------------------------------------------------------

TRIED_ELSEWHERE = {
    "export_holds_campaigns": "an export without campaigns: test_build",
    "waiver_matches_a_breach": "a waiver of nothing: test_contract",
    "performance_totals_do_not_exceed_impressions": "a sum's: test_late_events",
    "ids_differ_by_more_than_their_unicode_form": "two ids, each right by itself: test_oddities",
    "export_is_not_older_than_the_history": "an older export: test_history",
    "now_is_not_far_from_all_else": "a date far from all others: test_history",
    "dataset_has_not_become_empty": "an export after one that had records: test_history",
}
"""Tests whose corruption would mask all others, or is no part of an export; who tries it."""

POLICY = {"escalation_severity_minimum": "urgent"}


def test_the_table_says_something_of_every_declared_field() -> None:
    declared = {name: [of.name for of in d.fields] for name, d in DECLARED.items()}
    file = PROJECT / "seeds/reference/_reference__seeds.yml"
    for seed in yaml.safe_load(file.read_text(encoding="utf-8"))["seeds"]:
        declared[seed["name"]] = [column["name"] for column in seed["columns"]]
    told = {name: list(fields) for name, fields in (c.PROPERTIES | c.REFERENCE).items()}
    assert told == declared


# ---- All fields, in one build ----------------------------------------------------------------


def test_the_carriers_are_right_until_they_are_spoiled(control: Build) -> None:
    assert control.named("success", "pass", "no-op") == set(control.statuses)


@pytest.fixture(scope="module")
def corrupted(
    workspace: Workspace, export: Callable[[], Export], corruptions: list[Corruption]
) -> Spoiled:
    return spoiled_build(workspace, export(), corruptions, variables=POLICY)


@pytest.mark.parametrize("dataset", [*c.PROPERTIES, *c.REFERENCE])
def test_every_corruption_is_caught(corrupted: Spoiled, dataset: str, tally: Tally) -> None:
    tried = sum(corruption.dataset == dataset for corruption, _ in corrupted.carried)
    tally.count("dbt's tests", survivors_of(corrupted, dataset), tried)


def test_nothing_else_is_accused(corrupted: Spoiled) -> None:
    assert_nothing_else_is_accused(corrupted)


def test_a_policy_of_no_severity_is_caught(corrupted: Spoiled, tally: Tally) -> None:
    said = corrupted.said[POLICY_TEST]
    survivors = [] if "escalation_severity_minimum=urgent" in said else [said]
    tally.count("dbt's tests", survivors, 1)


def test_a_corrupted_export_is_not_published(corrupted: Spoiled) -> None:
    with pytest.raises(publish.PublishError):
        publish.publish(corrupted.build.folder)


def test_every_check_has_a_corruption(corrupted: Spoiled, corruptions: list[Corruption]) -> None:
    """A check without a corruption that it catches may not work."""
    staging = {f"stg_{name}" for name in DECLARED}
    manifest = corrupted.manifest
    checks = {
        (test, kind)
        for node in manifest["nodes"].values()
        if (
            # The grains of other steps follow from those of the datasets.
            judged(node) in {*staging, *c.REFERENCE}
            or node["name"] == "funnel_stages_are_counted_once"
            or not node.get("test_metadata")
        )
        for test, kind, _ in checks_of(node)
    }
    tried = {
        the_check(manifest, one.dataset, one.checks[0])
        for one in [*corruptions, *c.STRUCTURAL, *c.GOVERNANCE]
    }
    assert checks == tried | {(test, "") for test in [*TRIED_ELSEWHERE, POLICY_TEST]}


# What no seed of seeds/reference can hold: it isn't loaded, so that each takes a run of its own.
TYPED = [
    {
        "risk_severities": ("severity_rank", "highest"),
        "rollup_measures": ("tolerance", "0,005"),
        "scorecard_metrics": ("metric_order", "first"),
        "evidence_measures": ("tolerance", "none"),
        "contract_rules": ("rule", "six"),
        "contract_waivers": ("waived_until", "31.12.2026"),
        "experiment_designs": ("declared_on", "31.12.2026"),
        "risk_definitions": ("limit_value", "a half"),
    },
    {
        "risk_severities": ("review_minutes", "one hour"),
        "contract_waivers": ("rule", "four"),
        "experiment_designs": ("planned_variant_share", "20%"),
        "risk_definitions": ("minimum_sample", "many"),
    },
    {
        "risk_severities": ("always_requires_review", "mostly"),
        "experiment_designs": ("planned_sample", "1,000"),
        "risk_definitions": ("level", "1%"),
    },
    {"experiment_designs": ("planned_end_date", "31.12.2026")},
]


@pytest.mark.long
def test_a_reference_value_of_the_wrong_type_is_caught(
    workspace: Workspace, export: Callable[[], Export], tally: Tally
) -> None:
    survivors = []
    for wrong in TYPED:
        corruptions = [
            Corruption("wrong type", seed, name, change={name: value})
            for seed, (name, value) in wrong.items()
        ]
        found = spoiled_build(workspace, export(), corruptions, arguments=("--select", *wrong))
        for seed, (name, value) in wrong.items():
            said = found.said.get(seed, "")
            if found.build.statuses[seed] != "error" or value not in said or name not in said:
                survivors.append(f"{seed}.{name} {value}: {said}")
    tally.count("dbt's seeds", survivors, sum(map(len, TYPED)))


# ---- The five rules --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def structural(workspace: Workspace, export: Callable[[], Export]) -> Spoiled:
    return spoiled_build(workspace, export(), c.STRUCTURAL)


@pytest.fixture(scope="module")
def governance(workspace: Workspace, export: Callable[[], Export]) -> Spoiled:
    return spoiled_build(workspace, export(), c.GOVERNANCE, c.WITHIN_THE_RULES)


def test_every_breach_of_a_structural_rule_is_caught(structural: Spoiled, tally: Tally) -> None:
    tally.count("structural rules", survivors_of(structural), len(c.STRUCTURAL))
    assert_nothing_else_is_accused(structural)
    with pytest.raises(publish.PublishError):
        publish.publish(structural.build.folder)


def test_every_breach_of_a_governance_rule_is_caught(governance: Spoiled, tally: Tally) -> None:
    """What else governance does, test_contract shows."""
    tally.count("governance rules", survivors_of(governance), len(c.GOVERNANCE))
    assert_nothing_else_is_accused(governance)
