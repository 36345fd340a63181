"""Texts and paths in DuckDB's SQL."""

from collections.abc import Iterable


def quoted(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def texts(several: Iterable[str]) -> str:
    """Return texts as an SQL list."""
    return "[" + ", ".join(map(quoted, several)) + "]"


def in_path(field: str) -> str:
    """Return SQL for a field from the path of a row's file; see rows.in_paths."""
    return f'"{field} in path"'


def paths(several: Iterable[str]) -> str:
    """Return paths as a list for DuckDB's readers, to which p[1] is a pattern."""
    return texts("".join(f"[{one}]" if one in "[*?" else one for one in path) for path in several)
