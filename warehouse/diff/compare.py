"""Compare the marts in two published files, in DuckDB: rows never come here, but for examples."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from warehouse.database.marts import FINGERPRINT, as_of_in
from warehouse.database.opening import DatabaseError, attach, identifier, refuse_log
from warehouse.dbt.keys import Key
from warehouse.system.errors import ExitCode

EXAMPLES = 3  # of rows, and of values of a column
COMPARE = "compare again."
PUBLISHED = "Compare files that `warehouse publish` wrote."
ORIGIN = "warehouse_build"  # one row: what the marts were made from
Columns = dict[str, str]  # types by name


@dataclass(frozen=True)
class Side:
    """One of the two: a published file, and what the project that built it knows of its marts.

    Args:
        name: How the report calls it.
        file: The file.
        keys: The columns that identify a row of a mart, where the file declares none.
        outlived: The marts whose deprecation date has come.
        changelog: What CHANGELOG.md says there; None where there is none.

    """

    name: str
    file: Path
    keys: dict[str, Key] = field(default_factory=dict)
    outlived: set[str] = field(default_factory=set)
    changelog: str | None = None


@dataclass(frozen=True)
class ColumnChange:
    """A column whose values changed: in how many rows, and from what to what in some of them."""

    name: str
    rows: int
    examples: list[tuple[tuple, Any, Any]]  # key, before, after


@dataclass
class MartDiff:
    """What changed in a mart that both files have."""

    name: str
    key: Key | None  # by which rows were compared; None: as a whole
    rows: tuple[int, int] = (0, 0)  # before and after
    columns_added: Columns = field(default_factory=dict)
    columns_gone: Columns = field(default_factory=dict)
    types: dict[str, tuple[str, str]] = field(default_factory=dict)  # before and after
    keys: tuple[Key, Key] | None = None  # before and after, if it changed
    note: str = ""  # why rows were compared as a whole
    added: int = 0
    gone: int = 0
    changed: int = 0
    added_examples: list[tuple] = field(default_factory=list)
    gone_examples: list[tuple] = field(default_factory=list)
    columns: list[ColumnChange] = field(default_factory=list)

    @property
    def has_other_rows(self) -> bool:
        """Whether a row was added, is gone or changed."""
        return bool(self.added or self.gone or self.changed)

    @property
    def has_another_interface(self) -> bool:
        """Whether columns, types or the key changed."""
        return bool(self.columns_added or self.columns_gone or self.types or self.keys)

    @property
    def breaking(self) -> list[str]:
        """What of it breaks those who read the mart, a sentence each."""
        sentences = [f"{self.name}.{name} is gone" for name in self.columns_gone]
        for name, (before, after) in self.types.items():
            sentences.append(f"{self.name}.{name} is {after}; it was {before}")
        if self.keys:
            before, after = (", ".join(key) for key in self.keys)
            sentences.append(f"{self.name} has one row per {after}; it was one per {before}")
        return sentences


@dataclass(frozen=True)
class Diff:
    """What changed from one file to the other."""

    base: Side
    head: Side
    as_of: tuple[str, str]  # of the base and of the head
    marts: list[MartDiff]  # that both have and that aren't the same
    same: int  # marts
    added: dict[str, int]  # marts, and their rows
    gone: dict[str, int]

    @property
    def breaking(self) -> list[str]:
        """What breaks readers of the marts, a sentence each."""
        sentences = [f"{name} is gone" for name in self.gone if name not in self.base.outlived]
        return sentences + [one for mart in self.marts for one in mart.breaking]

    @property
    def is_unannounced(self) -> bool:
        """Whether readers find other marts or columns, of which the changelog doesn't tell."""
        is_other = self.added or self.gone or any(one.has_another_interface for one in self.marts)
        return bool(is_other) and self.base.changelog == self.head.changelog is not None

    @property
    def exit_code(self) -> ExitCode:
        """How the command ends."""
        return ExitCode.BROKEN if self.breaking or self.is_unannounced else ExitCode.GREEN


def compare(base: Side, head: Side) -> Diff:
    """Compare the marts of two files.

    Raises:
        DatabaseError: One of them can't be read.

    """
    for side in (base, head):
        if not side.file.is_file():
            raise DatabaseError(f"{side.name} is missing. {PUBLISHED}")
    if base.file.samefile(head.file):
        raise DatabaseError(f"{base.name} and {head.name} are the same file. {PUBLISHED}")
    with (
        tempfile.TemporaryDirectory() as spilled,
        duckdb.connect(config={"temp_directory": spilled}) as connection,
    ):
        attach(connection, Path(), base.file, "base", COMPARE, PUBLISHED)
        attach(connection, Path(), head.file, "head", COMPARE, PUBLISHED)
        for side in (base, head):  # only now: a process that still writes has a log
            refuse_log(Path(), side.file, PUBLISHED)
        try:
            before, after = (marts_in(connection, catalog) for catalog in ("base", "head"))
            keys = tuple(
                primary_keys(connection, catalog) | side.keys
                for side, catalog in ((base, "base"), (head, "head"))
            )
            found = [
                compare_mart(connection, name, before[name], after[name], keys)
                for name in before.keys() & after.keys()
            ]
            return Diff(
                base,
                head,
                (as_of_in(connection, "base"), as_of_in(connection, "head")),
                sorted(
                    (one for one in found if one.has_other_rows or one.has_another_interface),
                    key=lambda one: (not one.breaking, one.name),
                ),
                sum(not (one.has_other_rows or one.has_another_interface) for one in found),
                counted_rows(connection, "head", after.keys() - before.keys()),
                counted_rows(connection, "base", before.keys() - after.keys()),
            )
        except (duckdb.Error, LookupError) as error:
            reason = str(error).splitlines()[0]
            sentence = f"The marts of {base.name} and {head.name} can't be compared: {reason}"
            raise DatabaseError(f"{sentence} {PUBLISHED}") from None


def marts_in(connection: duckdb.DuckDBPyConnection, catalog: str) -> dict[str, Columns]:
    """Return the columns of each mart."""
    marts: dict[str, Columns] = {}
    rows = connection.execute(
        "select table_name, column_name, data_type from duckdb_columns()"
        " where database_name = ? and schema_name = 'marts' order by table_name, column_index",
        [catalog],
    ).fetchall()
    for mart, column, type_ in rows:
        marts.setdefault(mart, {})[column] = type_
    return marts


def primary_keys(connection: duckdb.DuckDBPyConnection, catalog: str) -> dict[str, Key]:
    """Return the keys that the marts declare in a file."""
    rows = connection.execute(
        "select table_name, constraint_column_names from duckdb_constraints()"
        " where database_name = ? and schema_name = 'marts' and constraint_type = 'PRIMARY KEY'",
        [catalog],
    ).fetchall()
    return {mart: tuple(columns) for mart, columns in rows}


def counted_rows(
    connection: duckdb.DuckDBPyConnection, catalog: str, names: set[str]
) -> dict[str, int]:
    """Return the rows of marts."""
    return {name: count(connection, table(catalog, name)) for name in sorted(names)}


def count(connection: duckdb.DuckDBPyConnection, source: str) -> int:
    """Return how many rows a source has."""
    return connection.sql(f"select count(*) from {source}").fetchall()[0][0]


def table(catalog: str, name: str) -> str:
    """Return a mart as SQL names it."""
    return f"{catalog}.marts.{identifier(name)}"


def compare_mart(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    before: Columns,
    after: Columns,
    keys: tuple[dict[str, Key], dict[str, Key]],
) -> MartDiff:
    """Compare a mart that both files have; the order of its columns doesn't matter."""
    old_key, new_key = (of_file.get(name) for of_file in keys)
    mart = MartDiff(
        name,
        new_key or old_key,
        columns_added={one: type_ for one, type_ in after.items() if one not in before},
        columns_gone={one: type_ for one, type_ in before.items() if one not in after},
        types={
            one: (type_, after[one])
            for one, type_ in before.items()
            if after.get(one, type_) != type_
        },
        keys=(old_key, new_key) if old_key and new_key and set(old_key) != set(new_key) else None,
    )
    same = [one for one, type_ in before.items() if after.get(one) == type_]
    compare_rows(connection, mart, same)
    return mart


def compare_rows(connection: duckdb.DuckDBPyConnection, mart: MartDiff, columns: list[str]) -> None:
    """Compare the rows of a mart by columns that have the same type in both files."""
    base, head = table("base", mart.name), table("head", mart.name)
    mart.rows = (count(connection, base), count(connection, head))
    key = mart.key
    if key is None and mart.rows == (1, 1):
        key = mart.key = ()
    if key is None:
        mart.note = "no key of it is known"
    elif missing := set(key) - set(columns) - mart.types.keys():
        mart.note = f"{', '.join(sorted(missing))} of its key isn't in both files"
    if not columns or fingerprint(connection, base, columns) == fingerprint(
        connection, head, columns
    ):
        # What is compared is equal; of nothing at all only its count can be.
        mart.added, mart.gone = (max(mart.rows[1 - one] - mart.rows[one], 0) for one in (0, 1))
        return
    for catalog, source in (("base", base), ("head", head)):
        if not mart.note and (repeated := repeated_keys(connection, source, key)):
            mart.note = f"{repeated:,} of its keys stand more than once in the {catalog}"
    if mart.note:
        mart.key = None
        compare_whole_rows(connection, mart, columns)
    else:
        compare_by_key(connection, mart, columns)


def fingerprint(
    connection: duckdb.DuckDBPyConnection, source: str, columns: list[str]
) -> tuple[Any, ...]:
    """Return what identifies the values of some columns of a source."""
    names = ", ".join(map(identifier, columns))
    query = f"select count(*), {FINGERPRINT} from (select {names} from {source}) as hashed"
    return connection.sql(query).fetchall()[0]


def repeated_keys(connection: duckdb.DuckDBPyConnection, source: str, key: Key) -> int:
    """Return how many keys stand in more than one row; nulls are equal to each other."""
    names = ", ".join(map(identifier, key)) or "true"
    return count(connection, f"(select 1 from {source} group by {names} having count(*) > 1)")


def compare_whole_rows(
    connection: duckdb.DuckDBPyConnection, mart: MartDiff, columns: list[str]
) -> None:
    """Count the rows that only one file has, as often as it has them; note some of them."""
    names = ", ".join(map(identifier, columns))
    base, head = (f"select {names} from {table(one, mart.name)}" for one in ("base", "head"))
    for one, other, place in ((head, base, "added"), (base, head, "gone")):
        found, examples = connection.sql(
            f"select count(*), min(lone, {EXAMPLES}) from ({one} except all {other}) as lone"
        ).fetchall()[0]
        setattr(mart, place, found)
        setattr(mart, f"{place}_examples", [tuple(one.values()) for one in examples or ()])


def compare_by_key(
    connection: duckdb.DuckDBPyConnection, mart: MartDiff, columns: list[str]
) -> None:
    """Pair the rows by a key that is unique in both files; count what differs in each column."""
    # A key of two types has the same text in both.
    key = [
        f"cast({identifier(one)} as varchar)" if one in mart.types else identifier(one)
        for one in mart.key
    ]
    values = [one for one in columns if one not in mart.key]
    named = [f"{one} as k{position}" for position, one in enumerate(key)]
    named += [f"{identifier(one)} as v{position}" for position, one in enumerate(values)]
    sides = (
        f"(select {', '.join(['true as is_here', *named])} from {table(catalog, mart.name)})"
        for catalog in ("base", "head")
    )
    matches = " and ".join(
        f"base.k{position} is not distinct from head.k{position}" for position in range(len(key))
    )
    examples = ", ".join(
        f"k{position} := coalesce(base.k{position}, head.k{position})"
        for position in range(len(key))
    )
    key_example = f"min(struct_pack({examples or 'k := 0'}), {EXAMPLES})"
    is_both = "base.is_here and head.is_here"
    differs = [
        f"{is_both} and base.v{position} is distinct from head.v{position}"
        for position in range(len(values))
    ]
    figures = []
    for condition in ("base.is_here is null", "head.is_here is null"):
        figures += [
            f"count(*) filter ({condition})",
            f"{key_example} filter ({condition})",
        ]
    figures.append(f"count(*) filter ({' or '.join(differs) or 'false'})")
    for position, condition in enumerate(differs):
        example = (
            f"struct_pack({examples or 'k := 0'}, b := base.v{position}, h := head.v{position})"
        )
        figures += [
            f"count(*) filter ({condition})",
            f"min({example}, {EXAMPLES}) filter ({condition})",
        ]
    base, head = sides
    found = connection.sql(
        f"select {', '.join(figures)} from {base} as base full join {head} as head"
        f" on {matches or 'base.is_here = head.is_here'}"
    ).fetchall()[0]
    mart.added, added, mart.gone, gone, mart.changed = found[:5]
    mart.added_examples, mart.gone_examples = (
        [tuple(one.values())[: len(key)] for one in examples or ()] for examples in (added, gone)
    )
    for position, name in enumerate(values):
        rows, changes = found[5 + 2 * position : 7 + 2 * position]
        if rows:
            pairs = [(tuple(one.values())[: len(key)], one["b"], one["h"]) for one in changes]
            mart.columns.append(ColumnChange(name, rows, pairs))
