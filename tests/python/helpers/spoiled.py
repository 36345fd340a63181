"""Builds of exports with corruptions, and the tests that caught them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from helpers import corruptions as c
from helpers.builds import Build, Workspace
from helpers.corruptions import Clones, Corruption
from helpers.project import Export

from warehouse.dbt.artifacts import read_artifacts
from warehouse.explain import explanation
from warehouse.seeds import conversion
from warehouse.seeds.declaration import Dataset

DECLARED = conversion.read_declaration()
POLICY_TEST = "policy_names_a_severity"


@dataclass(frozen=True)
class Spoiled:
    """A build of an export with corruptions, and its results."""

    build: Build
    carried: list[tuple[Corruption, set[str | None]]]
    """The corruptions, and the keys of the records that each makes wrong."""
    manifest: dict[str, Any]
    said: dict[str, str]
    """What `warehouse explain` says, by test or seed; of a test of several columns, by both."""
    rows: dict[str, list[dict]]
    """The failing rows, by the same."""

    def test_of(self, dataset: str, check: c.Check) -> str:
        """Return the name of the expected test, and the column if it has several."""
        return the_check(self.manifest, dataset, check)[0]


def judged(node: dict[str, Any]) -> str:
    """Return the name of the model or seed that a generic test is attached to; none is empty."""
    return (node.get("attached_node") or "").split(".")[-1]


def the_check(manifest: dict[str, Any], dataset: str, check: c.Check) -> tuple[str, str]:
    """Return the one test and kind that a check of a dataset means, or raise LookupError."""
    kinds, name = check
    column = c.staged(dataset, name)
    model = dataset if dataset in c.REFERENCE else f"stg_{dataset}"
    found = [
        (test, kind)
        for node in manifest["nodes"].values()
        for test, kind, judges in checks_of(node)
        if node["name"] == kinds
        or (judged(node) == model and kind in kinds.split(" or ") and judges == column)
    ]
    if len(found) != 1:
        raise LookupError(f"{found or 'no test'} is the check of {dataset}: {check}")
    return found[0]


def checks_of(node: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the checks of a test: its name, and the column if it has several; the kind; the column.

    A column that is one of several is checked once for each key of its rule.
    """
    if node["resource_type"] != "test":
        return
    metadata = node.get("test_metadata") or {"name": "", "kwargs": {}}
    arguments = metadata["kwargs"]
    if metadata["name"] == "values_are_accepted":
        for column, rule in arguments["columns"].items():
            for kind in rule.keys() - {"inclusive"}:
                yield f"{node['name']}: {column}", kind, column
    else:
        yield node["name"], metadata["name"], arguments.get("column_name") or ""


def identity(dataset: str, row: dict) -> str | None:
    """Return the key of a failing row's carrier."""
    if "record_key" in row and dataset != "contract_waivers":
        return row["record_key"].split(" | ")[-1]
    key = c.KEYS[dataset]
    value = row[key] if key in row else row[c.staged(dataset, key)]
    return value if value is None or isinstance(value, str) else value.isoformat()


TITLE = re.compile(r"^(?:FAILED|WARNED)  (?:seed )?(\S+(?:(?<=:) \S+)?)", re.MULTILINE)


def spoiled_build(
    workspace: Workspace,
    export: Export,
    corruptions: list[Corruption],
    others: Iterable[Corruption] = (),
    **arguments: Any,
) -> Spoiled:
    """Build an export with all of these corruptions, and with values at the edge."""
    clones = Clones(export)
    carried = [(one, clones.carry(one, spoil=True)) for one in corruptions]
    for one in others:
        clones.carry(one, spoil=True)
    records = {name: rows for name, rows in clones.export.items() if name in DECLARED}
    reference = {name: rows for name, rows in clones.export.items() if name in c.REFERENCE}
    waivers = csv_lines("contract_waivers", reference.pop("contract_waivers", []))

    def edit_seeds(folder: Path) -> None:
        for name in {dataset for dataset, _, _ in clones.nulls}:
            empty_fields(folder, DECLARED[name], clones.nulls)
        for name, rows in reference.items():
            with (folder.parent / f"reference/{name}.csv").open("a", encoding="utf-8") as file:
                file.write(csv_lines(name, rows))

    build = workspace.build(records, waivers=waivers, edit_seeds=edit_seeds, **arguments)
    results, manifest = read_artifacts(build.folder)
    with pytest.MonkeyPatch.context() as patch:
        # All rows, where a reader gets the first few: each of them must lead somewhere.
        patch.setattr(explanation, "MAX_ROWS", {"fail": 1000, "warn": 1000})
        text = str(explanation.explain(build.folder))
    titles = [*TITLE.finditer(text)]
    ends = [title.start() for title in titles[1:]] + [len(text)]
    said = {title[1]: text[title.start() : end] for title, end in zip(titles, ends, strict=True)}
    rows: dict[str, list[dict]] = defaultdict(list)
    for result in results["results"]:
        if result["status"] in ("fail", "warn"):
            name = manifest["nodes"][result["unique_id"]]["name"]
            for row in build.rows(result["compiled_code"]):
                column, _ = row.pop("failed_column", ""), row.pop("allowed", "")
                rows[f"{name}: {column}" if column else name].append(row)
    return Spoiled(build, carried, manifest, said, dict(rows))


def csv_lines(seed: str, rows: list[dict]) -> str:
    """Return lines of a reference seed: null is empty, everything else is quoted."""
    values = ([row[name] for name in c.REFERENCE[seed]] for row in rows)
    quoted = (["" if value is None else f'"{value}"' for value in row] for row in values)
    return "".join(",".join(row) + "\n" for row in quoted)


def empty_fields(folder: Path, dataset: Dataset, nulls: set[tuple[str, str, str]]) -> None:
    """Set fields of a seed to null, which the converter would refuse."""
    names = [of.name for of in dataset.fields]
    rows = conversion.convert_dataset(
        dataset, (folder.parent / f"json/{dataset.name}.json").read_bytes(), problems := []
    )
    assert not problems
    for row in rows:
        key = row[names.index(c.KEYS[dataset.name])]
        for name in names:
            if (dataset.name, key, name) in nulls:
                row[names.index(name)] = None
    (folder / f"raw_{dataset.name}.csv").write_bytes(conversion.to_csv(dataset, rows))


def survivors_of(spoiled: Spoiled, dataset: str = "") -> list[str]:
    """Return the corruptions (of one dataset) that their check misses, with reasons."""
    survivors = []
    for corruption, accused in spoiled.carried:
        if dataset in ("", corruption.dataset):
            try:
                test = spoiled.test_of(corruption.dataset, corruption.checks[0])
            except LookupError as error:
                survivors.append(f"{corruption}: {error}")
                continue
            for reason in reasons(spoiled, corruption, test, accused):
                survivors.append(f"{corruption}: {test} {reason}")
    return survivors


def reasons(
    spoiled: Spoiled, corruption: Corruption, test: str, accused: set[str | None]
) -> Iterator[str]:
    """Yield the reasons why a test misses a corruption, or does not lead to it."""
    dataset, column = corruption.dataset, c.staged(corruption.dataset, corruption.field)
    status = spoiled.build.statuses[test.partition(":")[0]]
    if status != corruption.status:
        yield f"has the status {status}"
        return
    rows = [row for row in spoiled.rows.get(test, []) if identity(dataset, row) in accused]
    if {identity(dataset, row) for row in rows} != accused:
        yield f"doesn't accuse {accused}"
        return
    said = spoiled.said[test]
    head, _, lines = said.partition("    rows ")
    head = " ".join(head.split())
    if not re.search(rf"\b{dataset}\b", head):
        yield f"doesn't name the dataset: {head}"
    for row in rows:
        line = explanation.in_one_line(row)
        tokens = re.findall(r'\S+="[^\n]*?"(?= |$)|\S+=\S+', line)
        printed = next(
            (one for one in lines.splitlines() if all(token in one for token in tokens)), None
        )
        if printed is None:
            yield f"doesn't print the record: {line}"
        elif corruption.says and corruption.says not in printed:
            yield f"doesn't say {corruption.says!r}: {printed}"
        guards = head.partition(" guards ")[2] + f" {row.get('missing_fields')}"
        if not re.search(rf"\b({corruption.field}|{column})\b", guards, re.IGNORECASE):
            yield f"doesn't name the field: {head}"


def assert_nothing_else_is_accused(spoiled: Spoiled) -> None:
    """Every failing test names exactly the records that break its rule."""
    expected: dict[str, set[str | None]] = defaultdict(set)
    datasets: dict[str, str] = {}
    for corruption, accused in spoiled.carried:
        for check in corruption.checks:
            test = spoiled.test_of(corruption.dataset, check)
            expected[test] |= accused
            datasets[test] = corruption.dataset
    assert spoiled.rows.keys() - {POLICY_TEST} == expected.keys()
    found = {
        test: {identity(datasets[test], row) for row in spoiled.rows[test]} for test in expected
    }
    assert not [
        f"{test} accuses {found[test]}, not {accused}"
        for test, accused in expected.items()
        if found[test] != accused
    ]
