"""Read what dbt knows of the marts besides their columns: their keys, and how long they stay."""

from collections import defaultdict
from collections.abc import Set
from datetime import date
from typing import Any

from warehouse.dbt.artifacts import Artifact

Key = tuple[str, ...]
COMBINATIONS = ("primary_key", "unique_combination_of_columns")  # generic tests


def declared_keys(
    manifest: Artifact, combinations_of: tuple[str, ...] = COMBINATIONS
) -> dict[str, Key]:
    """Return the key of each table: the columns that a test says identify its rows.

    That is a combination of columns, or else a column that is unique and never null: of several
    the first text, since numbers are ranks. A table of one row has none.

    Args:
        manifest: What dbt wrote to manifest.json.
        combinations_of: The tests whose combinations are taken; only one of `primary_key` is
            never null.

    """
    tests: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for node in manifest["nodes"].values():
        is_whole = node.get("attached_node") and not node["config"].get("where")
        if is_whole and node.get("test_metadata"):
            tests[node["attached_node"]].append(node["test_metadata"])
    keys = {}
    for node_id, found in tests.items():
        node = manifest["nodes"].get(node_id, {})
        combinations = [
            tuple(test["kwargs"]["combination_of_columns"])
            for test in found
            if test["name"] in combinations_of
        ]
        never_null, unique = (
            {
                test["kwargs"]["column_name"]
                for test in found
                if test["name"] == name and "judged" not in test["kwargs"]
            }
            for name in ("not_null", "unique")
        )
        texts_first = sorted(
            (column.get("data_type") != "string", position, name)
            for position, (name, column) in enumerate(node.get("columns", {}).items())
            if name in unique & never_null
        )
        candidates = combinations + [(name,) for *_, name in texts_first]
        if candidates:
            keys[node["alias"]] = candidates[0]
    return keys


def foreign_keys(manifest: Artifact, passed: Set[str]) -> dict[str, dict[str, tuple[str, str]]]:
    """Return the foreign keys of each table: by column the table, and the column of that.

    They are what the tests `foreign_keys` found to hold: from a fact to a dimension, never between
    two facts or two dimensions, so that one path leads from a fact to each.
    """
    keys: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
    for node_id, node in manifest["nodes"].items():
        test = node.get("test_metadata") or {}
        if test.get("name") == "foreign_keys" and node_id in passed:
            table = manifest["nodes"][node["attached_node"]]["alias"]
            for column, referenced in test["kwargs"]["columns"].items():
                dimension, _, key = referenced.partition(".")
                keys[table][column] = (dimension, key)
    return keys


def outlived(manifest: Artifact, today: date) -> set[str]:
    """Return the tables whose deprecation date has come."""
    return {
        node["alias"]
        for node in manifest["nodes"].values()
        if node.get("deprecation_date") and node["deprecation_date"][:10] <= today.isoformat()
    }
