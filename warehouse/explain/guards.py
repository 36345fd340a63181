"""Describe the rule that a test guards, and its subject, from dbt's manifest."""

import re
from collections.abc import Callable

from warehouse.database.reader import Row
from warehouse.dbt.artifacts import Artifact
from warehouse.system.words import listed


def described(node: Artifact) -> str:
    """Return a node's own description, which for a test is in its config."""
    text = node.get("description") or node.get("config", {}).get("description") or ""
    return " ".join(text.split())


def guarded(node: Artifact, rows: list[Row], contract_rule: Callable[[object], str]) -> str:
    """Return what a data test guards, in words; `contract_rule` gives the statement of a rule."""
    if text := described(node):
        return text
    parents = node.get("depends_on", {}).get("nodes", [])
    is_of_contract = any(parent.endswith(".contract_violations") for parent in parents)
    if is_of_contract and rows and (statement := contract_rule(rows[0].get("rule"))):
        return f"Contract rule {rows[0]['rule']}: {statement}"
    metadata = node.get("test_metadata") or {}
    words = WORDS.get(metadata.get("name", ""))
    if not words:
        return ""
    arguments = metadata["kwargs"] | (rows[0] if rows and looks_at_several(node) else {})
    where = node["config"].get("where")
    return words(datasets_of(node, []), arguments) + scope(where) + "."


OF_A_COLUMN = ("failed_column", "allowed")
"""What a row of a test that looks at several columns says before the record."""


WORDS: dict[str, Callable[[str, Artifact], str]] = {
    "not_null": lambda dataset, a: f"{a['column_name']} of {dataset} is never missing",
    "unique": lambda dataset, a: f"{a['column_name']} of {dataset} is unique",
    "values_are_accepted": lambda dataset, a: (
        f"{a['failed_column']} of {dataset} is {a['allowed']}"
        if "failed_column" in a
        else f"{listed(a['columns'])} of {dataset} hold what its YAML allows"
    ),
    "required_fields_are_present": lambda dataset, a: (
        f"every field of {dataset} that is neither nullable nor optional has a value, and no id"
        " is blank"
    ),
    "relationships": lambda dataset, a: (
        f"{a['column_name']} of {dataset}, where it is given, is "
        f"the {a['field']} of a record of {plain(reference(a['to']))}"
    ),
    "unique_combination_of_columns": lambda dataset, a: (
        f"no two records of {dataset} have the same {listed(a['combination_of_columns'])}"
    ),
    "primary_key": lambda dataset, a: (
        f"no two records of {dataset} have the same {listed(a['combination_of_columns'])}, and"
        " none of these is missing"
    ),
    "foreign_keys": lambda dataset, a: (
        f"{a['failed_column']} of {dataset}, where it is given, is {a['allowed']}"
        if "failed_column" in a
        else f"{listed(a['columns'])} of {dataset} are in the dimensions that its YAML names"
    ),
    "expression_is_true": lambda dataset, a: f"in every record of {dataset}: {a['expression']}",
}


def scope(where: str | None) -> str:
    """Return the rows that a test covers, as its `where` sets."""
    if where == "is_new":
        return ", of days that are new"
    return f", where {where}" if where else ""


def plain(model: str) -> str:
    """Return the dataset of a staging model or a seed; for other models, their name."""
    return re.sub(r"^(stg|raw)_", "", model)


def reference(jinja: str) -> str:
    """Return the model that a ref names."""
    found = re.search(r"""ref\(\s*['"]([^'"]+)""", jinja)
    return found[1] if found else jinja


def parents(node: Artifact) -> list[str]:
    """Return the ids of the models and seeds that a test is about."""
    attached = node.get("attached_node")
    return [attached] if attached else node.get("depends_on", {}).get("nodes", [])


def datasets_of(node: Artifact, rows: list[Row]) -> str:
    """Return the datasets that a test is about: named by its rows, else those that it reads."""
    named = {str(row["dataset"]) for row in rows if row.get("dataset")}
    return listed(sorted(named) or [plain(name_of(parent)) for parent in parents(node)])


def name_of(unique_id: str) -> str:
    """Return the name of a model or seed, with a model's version as dbt's tables have it."""
    return "_".join(unique_id.split(".")[2:])


def key_columns(parents: list[str], nodes: Artifact) -> list[str]:
    """Return the columns that identify a record of models or seeds, by their tests."""
    single: list[str] = []
    combined: list[str] = []
    for parent in parents:
        for other in nodes.values():
            metadata = other.get("test_metadata") or {}
            if other.get("attached_node") != parent:
                continue
            if metadata.get("name") == "unique":
                single.append(metadata["kwargs"]["column_name"])
            elif metadata.get("name") in ("unique_combination_of_columns", "primary_key"):
                columns = metadata["kwargs"]["combination_of_columns"]
                combined += columns if isinstance(columns, list) else []
    return [*single, *combined]


def tested_columns(node: Artifact, rows: list[Row]) -> list[str]:
    """Return the columns of a generic test; its expression may have other words too."""
    if rows and looks_at_several(node):
        return [str(rows[0]["failed_column"])]
    arguments = (node.get("test_metadata") or {}).get("kwargs", {})
    column = arguments.get("column_name")
    return [column] if column else re.findall(r"\w+", arguments.get("expression", ""))


def looks_at_several(node: Artifact) -> bool:
    """Return whether a test covers several columns and names the failing one in each row."""
    return "columns" in (node.get("test_metadata") or {}).get("kwargs", {})
