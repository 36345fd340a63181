"""Find and show the records that fail."""

import re
import unicodedata
from contextlib import suppress
from datetime import date
from functools import cached_property

from warehouse.database.opening import DatabaseError
from warehouse.database.reader import Database, Row
from warehouse.dbt.artifacts import Artifact
from warehouse.explain.guards import key_columns, name_of, reference
from warehouse.system.words import value_text

MAX_FILES = 5


class Evidence:
    """The records that a run found wrong, in the database that it wrote.

    Args:
        nodes: Those of dbt's manifest.
        database: What the run wrote.

    """

    def __init__(self, nodes: Artifact, database: Database) -> None:
        self.nodes = nodes
        self.database = database

    def failures_by_column(self, query: str) -> dict[str, int]:
        """Return how many rows fail by each column; none where they can't be queried."""
        counted = (
            f"select failed_column, count(*) as failures from (\n{query}\n) as failing"
            " group by failed_column order by failed_column"
        )
        try:
            found = self.database.fetch(counted)
        except DatabaseError:
            return {}
        return {str(row["failed_column"]): int(str(row["failures"])) for row in found}

    def rows(self, query: str, limit: int, column: str = "") -> tuple[list[Row], str]:
        """Return the first rows of a query, in one order whatever ran before, or why not.

        Of a test that looks at several columns, those that fail by one of them.
        """
        if self.database.problem:
            return [], ""
        by_column = f" where failed_column = '{column}'" if column else ""
        ordered = f"select * from (\n{query}\n) as failing{by_column} order by all limit {limit}"
        try:
            return self.database.fetch(ordered), ""
        except DatabaseError as error:
            return [], f"they can't be shown: {error}"

    def first_of(self, relations: dict[str, str | None], *queries: str) -> list[Row]:
        """Return the rows of the first query that can be answered of the relations it names."""
        for query in queries:
            with suppress(KeyError, DatabaseError):  # what a failure skipped isn't there
                return self.database.fetch(query.format_map(relations))
        return []

    def files_of(self, rows: list[Row], datasets: list[str]) -> list[str]:
        """Return the landing files of failing rows, where raw data is a lake and a row tells."""
        by_dataset: dict[str, list[Row]] = {}
        for row in rows:
            for dataset in [str(row["dataset"])] if row.get("dataset") else datasets:
                by_dataset.setdefault(dataset, []).append(row)
        found = {
            file
            for dataset, of_dataset in by_dataset.items()
            for file in self.files_of_dataset(of_dataset, dataset)
        }
        names = sorted(found)
        more = len(names) - MAX_FILES
        return [*names[:MAX_FILES], f"and {more} more"] if more > 0 else names

    def files_of_dataset(self, rows: list[Row], dataset: str) -> list[str]:
        """Return the files that hold a record that a row identifies."""
        models = {name_of(one): one for one in self.nodes if one.startswith("model.")}
        staging, raw = models.get(f"stg_{dataset}"), models.get(f"raw_{dataset}")
        if self.database.problem or not staging or not raw:  # without raw, it is a seed
            return []
        keys = key_columns([staging], self.nodes)
        cast = r'cast\([`"]?(\w+)[`"]? as [\w(), ]+\) as (\w+)'
        names = {
            new: old for old, new in re.findall(cast, self.nodes[staging].get("compiled_code", ""))
        }
        rows_of_files = self.nodes[raw]["relation_name"]
        try:
            fields = {
                next(iter(row.values())) for row in self.database.fetch(f"describe {rows_of_files}")
            }
            conditions = []
            for row in rows:
                given = {names.get(name, name): it for name, it in identifying(row, keys).items()}
                same = [
                    f"{name} is not distinct from {self.database.literal(value)}"
                    for name, value in given.items()
                    if name in fields
                ]
                if same:
                    conditions.append(f"({' and '.join(same)})")
            if not conditions:
                return []
            query = f"select distinct _file from {rows_of_files} where {' or '.join(conditions)}"
            found = self.database.fetch(query)
        except DatabaseError:  # a file of the lake that is gone, say
            return []
        return [str(row["_file"]) for row in found]

    @cached_property
    def ids(self) -> set[str]:
        """Return the ids that records may refer to, by the tests that look them up."""
        relations = {one["name"]: one.get("relation_name") for one in self.nodes.values()}
        looked_up = {
            (relations.get(reference(metadata["kwargs"]["to"])), metadata["kwargs"]["field"])
            for node in self.nodes.values()
            if (metadata := node.get("test_metadata") or {}).get("name") == "relationships"
        }
        ids: set[str] = set()
        for relation, column in looked_up:
            if relation and not self.database.problem:
                with suppress(DatabaseError):  # not built, where something above it failed
                    found = self.database.fetch(f"select distinct {column} as id from {relation}")
                    ids |= {str(row["id"]) for row in found}
        return ids

    def contract_rule(self, rule: object) -> str:
        """Return the statement of a rule of the contract, if there is one of that number."""
        rules = [one for one in self.nodes.values() if one.get("name") == "contract_rules"]
        if self.database.problem or rule is None or not rules:
            return ""
        query = f"select statement from {rules[0]['relation_name']} where rule = {rule}"
        try:
            found = self.database.fetch(query)
        except DatabaseError:
            return ""
        return str(found[0]["statement"]) if found else ""

    def alike_but_for_their_form(self, rows: list[Row]) -> list[str]:
        """Return which values of rows are an existing id but for their Unicode form."""
        by_form: dict[str, list[str]] = {}
        for one in sorted(self.ids):
            by_form.setdefault(unicodedata.normalize("NFKC", one), []).append(one)
        values = {value for row in rows for value in row.values() if isinstance(value, str)}
        return [
            f'"{escaped(value)}" differs from the existing "{escaped(one)}" only in Unicode form'
            for value in sorted(values)
            for one in by_form.get(unicodedata.normalize("NFKC", value), [])
            if one != value
        ]


def escaped(text: str) -> str:
    """Return a text in ASCII, so that forms which look the same don't."""
    return text.encode("unicode_escape").decode()


def identifying(row: Row, keys: list[str]) -> Row:
    """Return what identifies a row's record: its key, else what it has; nothing without any key."""
    if keys and (record_key := row.get("record_key")):  # written as the contract's models write it
        parts = str(record_key).split(" | ", len(keys) - 1)
        return dict(zip(keys, [part or None for part in parts], strict=False))
    if row.keys() >= set(keys):
        return {name: row[name] for name in keys}
    if not row.keys() & keys:
        return {}
    # Not numbers with a fraction, which staging may round.
    return {
        name: value
        for name, value in row.items()
        if isinstance(value, str | int | date | None) and not isinstance(value, bool)
    }


def with_first(row: Row, first: list[str]) -> Row:
    """Return a row with the named columns first."""
    return {name: row[name] for name in dict.fromkeys([*first, *row]) if name in row}


def in_one_line(row: Row) -> str:
    """Return a row's columns and values."""
    return " ".join(f"{name}={value_text(value)}" for name, value in row.items())
