"""The keys of the marts, as their tests say: the build has verified what a table declares."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from warehouse.database.opening import identifier


@dataclass
class Keys:
    """The primary key of a mart, and for each column that is a foreign key, what it refers to."""

    primary: list[str] = field(default_factory=list)
    foreign: dict[str, tuple[str, str]] = field(default_factory=dict)

    def clauses(self, with_foreign: bool) -> Iterator[str]:
        """Yield what declares them in a statement that creates the table."""
        if self.primary:
            yield f"primary key ({', '.join(map(identifier, self.primary))})"
        for column, (table, key) in self.foreign.items() if with_foreign else ():
            referenced = f"marts.{identifier(table)} ({identifier(key)})"
            yield f"foreign key ({identifier(column)}) references {referenced}"


def keys_of(manifest: dict) -> dict[str, Keys]:
    """Return the keys of each model of dbt's manifest that has any.

    Its primary key is what `primary_key` tests, else the first column that is both `unique` and
    `not_null`. Foreign keys are what `foreign_keys` tests: from a fact to a dimension, never
    between two facts or two dimensions, so that one path leads from a fact to each.
    """
    nodes = manifest["nodes"]
    tests: dict[str, dict[str, list[dict]]] = {}
    for node in nodes.values():
        metadata, attached = node.get("test_metadata"), node.get("attached_node")
        if metadata and attached:
            of_model = tests.setdefault(attached, {})
            of_model.setdefault(metadata["name"], []).append(metadata["kwargs"])
    found = {}
    for model, by_kind in tests.items():
        node = nodes[model]
        keys = found[node["name"]] = Keys()
        unique, not_null = (
            {one["column_name"] for one in by_kind.get(kind, [])} for kind in ("unique", "not_null")
        )
        composite = [one["combination_of_columns"] for one in by_kind.get("primary_key", [])]
        single = [[column] for column in node.get("columns", {}) if column in unique & not_null]
        keys.primary = next(iter(composite + single), [])
        for test in by_kind.get("foreign_keys", []):
            for column, key in test["columns"].items():
                table, _, referenced = key.partition(".")
                keys.foreign[column] = (table, referenced)
    return found
