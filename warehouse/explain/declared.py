"""Find the line on which a test is declared, which dbt doesn't keep."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from warehouse.dbt.artifacts import Artifact
from warehouse.explain.guards import name_of

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # where libyaml is there


def line_of(file: Path, node: Artifact) -> int:
    """Return the line of a node's declaration in its file; where it isn't found, the nearest."""
    if file.suffix not in (".yml", ".yaml"):
        return 1
    try:
        root = yaml.compose(file.read_text(encoding="utf-8"), LOADER)
    except (OSError, ValueError, yaml.YAMLError):
        return 1
    if not root:  # of an empty file
        return 1
    place = named(root, name_of(node.get("attached_node") or "")) or root
    own = named(place, node["name"])
    metadata = node.get("test_metadata") or {}
    if own or not metadata:
        return line(own or place)
    arguments = {name: value for name, value in metadata["kwargs"].items() if name != "model"}
    column = arguments.pop("column_name", None)
    place = (column and named(place, column)) or place
    alike = [
        (test, given)
        for test in elements(value_of(place, "data_tests"))
        if (given := arguments_of(test, metadata["name"])) is not None
    ]
    same = [test for test, given in alike if given == arguments]
    return line((same or [test for test, _ in alike] or [place])[0])


def line(node: yaml.Node) -> int:
    """Return the line on which something stands."""
    return node.start_mark.line + 1


def named(node: yaml.Node, name: str) -> yaml.Node | None:
    """Return what has a name, at or below something."""
    own = value_of(node, "name")
    if isinstance(own, yaml.ScalarNode) and own.value == name:
        return node
    return next((found for one in below(node) if (found := named(one, name))), None)


def below(node: yaml.Node) -> Iterator[yaml.Node]:
    """Yield what something holds."""
    if isinstance(node, yaml.MappingNode):
        yield from (value for _, value in node.value)
    yield from elements(node)


def elements(node: yaml.Node | None) -> list[yaml.Node]:
    """Return the elements of a list; none of what is none."""
    return node.value if isinstance(node, yaml.SequenceNode) else []


def value_of(node: yaml.Node, key: str) -> yaml.Node | None:
    """Return the value of a key, where there is one."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for one, value in pairs if one.value == key), None)


def arguments_of(test: yaml.Node, kind: str) -> dict[str, Any] | None:
    """Return the arguments of a test of a kind; None of another."""
    if isinstance(test, yaml.ScalarNode):
        return {} if test.value == kind else None
    declared = value_of(test, kind)
    given = declared and value_of(declared, "arguments")
    constructor = yaml.constructor.SafeConstructor()
    arguments = constructor.construct_object(given, deep=True) if given else {}
    return arguments if declared else None
