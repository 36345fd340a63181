"""Explain in words what failed in the last dbt run, with the rows that failed.

dbt says which test failed; here stands what it guards, and which records are wrong. Both come from
dbt's artifacts and from what was built, which is only read.
"""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import date
from pathlib import Path

import duckdb
from json_to_seeds import shown
from publish import BUILD_FILE, PROJECT, Artifact, PublishError, quoted, read_artifacts, stamp_of

HISTORY_FILE = Path("history.duckdb")
MAX_ROWS = {"fail": 10, "warn": 3}
MAX_VALUE = 80  # characters
MAX_FILES = 5
WIDTH = 100
BROKEN = {"error", "fail", "runtime error", "partial success"}

CALL = re.compile(
    r"\s*> (in|called by) (macro|model|test|seed|snapshot) "  # dbt's macros
    r"|\s*at [\w.$/<>]+\(.*\)$|\s*\.\.\. \d+ more$"  # Java's methods
)

# What each engine says where a sum, a big integer, is more than one can hold.
TOO_BIG = re.compile(r"can't be cast .*\bINT64\b|\bBIGINT overflow|\blong overflow", re.IGNORECASE)
COUNTED = ("performance_metrics", "funnel_events", "attribution_hints")  # whose counts are added up
AS_OF = (
    "int_as_of"  # all that is counted is read up to it, and of what it reads nothing is added up
)

Row = dict[str, object]


def explain(
    project: Path = PROJECT, open_database: Callable[[Path, str], Database] | None = None
) -> str:
    """Return what failed in the last dbt run, and what it warned of, as text.

    Args:
        project: The folder of the project.
        open_database: What gives the database that the run of an id wrote; else the build file.

    """
    try:
        run_results, manifest = read_artifacts(project)
    except PublishError as error:
        return f"There is no dbt run to explain. {error}"
    nodes: Artifact = manifest["nodes"] | manifest["unit_tests"]
    results = sorted(run_results["results"], key=lambda result: result["unique_id"])
    run_id = run_results["metadata"]["invocation_id"]
    with (open_database or BuildFile)(project, run_id) as database:
        broken = [one for one in results if one["status"] in BROKEN]
        warned = [one for one in results if one["status"] == "warn"]
        blocks = [
            explain_result(one, nodes.get(one["unique_id"], {}), nodes, database)
            for one in [*broken, *warned]
        ]
        if blocks and database.problem:
            blocks.insert(0, f"Failing rows can't be shown: {database.problem}")
    skipped = sum(one["status"] == "skipped" for one in results)
    totals = [f"{len(broken)} failed", f"{len(warned)} warned"]
    if skipped:
        totals.append(f"{skipped} skipped, since they build on what failed")
    return "\n\n".join([f"The last dbt run: {', '.join(totals)}.", *blocks])


def explain_result(result: Artifact, node: Artifact, nodes: Artifact, database: Database) -> str:
    """Return the explanation of one result that is not as it should be."""
    kind, _, name = result["unique_id"].split(".", 2)
    name = node.get("name") or name
    path = node.get("compiled_path")
    is_data_test = kind == "test" and result["status"] in MAX_ROWS
    if not is_data_test:
        title = f"FAILED  {kind.replace('_', ' ')} {name}"
        said = described(node) if kind == "unit_test" else ""
        message = clean(result.get("message") or result["status"])
        # dbt's name for what a macro of ours refused, which is no matter of the SQL.
        words = re.sub(r"^Compilation Error in .*\n", "", message)
        sql = path if words == message else None
        if TOO_BIG.search(words):
            words = too_big(result["unique_id"], name, nodes)
        message = textwrap.indent(textwrap.dedent(words), "    ")
        return "\n".join([title, *field("guards", said), message, *field("sql", sql)])

    status = result["status"]
    rows, problem = database.rows(result.get("compiled_code") or "", MAX_ROWS[status])
    keys = key_columns(parents(node), nodes)
    tested = tested_columns(node)
    count = result.get("failures") or 0
    lines = [in_one_line(row, [*keys, *tested]) for row in rows]
    files = database.files_of(rows, [plain(name_of(one)) for one in parents(node)], nodes)
    more = f", the first {len(rows)}" if count > len(rows) > 0 else ""
    title = ("WARNED  " if status == "warn" else "FAILED  ") + name
    if "governance" in node.get("tags", []):
        title += " (governance)"
    return "\n".join(
        [
            title,
            *field("guards", guarded(node, result, rows, nodes, database)),
            *field("dataset", datasets_of(node, rows)),
            *field("rows", f"{count:,}{more}" + (f"; {problem}" if problem else "")),
            *(" " * 12 + line for line in lines),
            *field("form", "; ".join(alike_but_for_their_form(rows, database.ids(nodes)))),
            *field("files", listed(files)),
            *field("stands", node.get("original_file_path")),
            *field("sql", path),
        ]
    )


def field(label: str, text: str | None) -> list[str]:
    """Return the lines of a labelled text; none without a text."""
    indent = " " * 12
    head = f"    {label:<8}"
    return textwrap.wrap(
        text or "",
        WIDTH,
        initial_indent=head,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def clean(message: str) -> str:
    """Return a message of dbt's without colours and without the calls that it came through."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", message)
    # Spark names its error between the names of Java's, and before them.
    text = re.sub(
        r"Error running query: \[[\w.]+\] |(org|java)\.[\w.$]+(Exception|Error): ?", "", text
    )
    lines = [line.rstrip() for line in text.splitlines() if not CALL.match(line)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def too_big(unique_id: str, name: str, nodes: Artifact) -> str:
    """Return what is wrong where counts are too big for a mart, and where to look."""
    read, waiting = set(), [unique_id]
    while waiting:
        one = waiting.pop()
        if one not in read and name_of(one) != AS_OF:
            read.add(one)
            waiting += nodes.get(one, {}).get("depends_on", {}).get("nodes", [])
    datasets = [
        dataset for dataset in COUNTED if any(name_of(one) == f"stg_{dataset}" for one in read)
    ]
    return "\n".join(
        textwrap.wrap(
            f"Counts that {name} adds up come to more than 64 bits hold"
            f" ({2**63 - 1:,}). Look for a count that can't be in {listed(datasets or COUNTED)}.",
            WIDTH,
        )
    )


# ---- What a test guards ---------------------------------------------------------------------


def described(node: Artifact) -> str:
    """Return a node's own description, which for a singular test dbt keeps in its config."""
    text = node.get("description") or node.get("config", {}).get("description") or ""
    return " ".join(text.split())


def guarded(
    node: Artifact, result: Artifact, rows: list[Row], nodes: Artifact, database: Database
) -> str:
    """Return what a data test guards, in words."""
    if text := described(node):
        return text
    parents = node.get("depends_on", {}).get("nodes", [])
    is_of_contract = any(parent.endswith(".contract_violations") for parent in parents)
    if (
        is_of_contract
        and rows
        and (statement := database.contract_rule(rows[0].get("rule"), nodes))
    ):
        return f"Contract rule {rows[0]['rule']}: {statement}"
    metadata = node.get("test_metadata") or {}
    words = WORDS.get(metadata.get("name", ""))
    if not words:
        return ""
    arguments = dict(metadata["kwargs"])
    if isinstance(arguments.get("values"), str):  # Jinja, that only the SQL shows rendered
        arguments["values"] = re.findall(r"'((?:[^']|'')*)'", result.get("compiled_code") or "")
    where = node["config"].get("where")
    return words(datasets_of(node, []), arguments) + (f", where {where}" if where else "") + "."


def in_range(dataset: str, arguments: Artifact) -> str:
    """Return the words of accepted_range."""
    inclusive = arguments.get("inclusive", True)
    bounds = {
        "min_value": "at least" if inclusive else "more than",
        "max_value": "at most" if inclusive else "less than",
    }
    limits = [f"{word} {arguments[key]}" for key, word in bounds.items() if key in arguments]
    return f"{arguments['column_name']} of {dataset} is {' and '.join(limits)}"


def listed(values: Iterable[object]) -> str:
    """Return values as a list in a sentence."""
    return ", ".join(map(str, values))


WORDS: dict[str, Callable[[str, Artifact], str]] = {
    "not_null": lambda dataset, a: f"{a['column_name']} of {dataset} is never missing",
    "unique": lambda dataset, a: f"{a['column_name']} of {dataset} is unique",
    "accepted_values": lambda dataset, a: (
        f"{a['column_name']} of {dataset} is one of {listed(a['values'])}"
    ),
    "relationships": lambda dataset, a: (
        f"{a['column_name']} of {dataset}, where it is given, is "
        f"the {a['field']} of a record of {plain(reference(a['to']))}"
    ),
    "unique_combination_of_columns": lambda dataset, a: (
        f"no two records of {dataset} have the same {listed(a['combination_of_columns'])}"
    ),
    "accepted_range": in_range,
    "is_a_measure_of_risk_signals": lambda dataset, a: (
        f"{a['column_name']} of {dataset} is one of risk_signal_measures (macros/measures.sql)"
    ),
    "is_an_event_time": lambda dataset, a: (
        f"{a['column_name']} of {dataset} is a time at which something can have happened"
        " (tests/generic/is_an_event_time.sql)"
    ),
    "expression_is_true": lambda dataset, a: f"in every record of {dataset}: {a['expression']}",
}


# ---- What a test is about -------------------------------------------------------------------


def plain(model: str) -> str:
    """Return the dataset that a staging model or a seed holds; other models go by their name."""
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
    """Return the datasets that a test is about: named by its rows, or by what it reads."""
    named = {str(row["dataset"]) for row in rows if row.get("dataset")}
    return listed(sorted(named) or [plain(name_of(parent)) for parent in parents(node)])


def name_of(unique_id: str) -> str:
    """Return the name of a model or seed."""
    return unique_id.split(".")[-1]


def key_columns(parents: list[str], nodes: Artifact) -> list[str]:
    """Return the columns that identify a record of models or seeds, as their tests say."""
    single: list[str] = []
    combined: list[str] = []
    for parent in parents:
        for other in nodes.values():
            metadata = other.get("test_metadata") or {}
            if other.get("attached_node") != parent:
                continue
            if metadata.get("name") == "unique":
                single.append(metadata["kwargs"]["column_name"])
            elif metadata.get("name") == "unique_combination_of_columns":
                columns = metadata["kwargs"]["combination_of_columns"]
                combined += columns if isinstance(columns, list) else []
    return [*single, *combined]


def tested_columns(node: Artifact) -> list[str]:
    """Return the columns that a generic test looks at; its expression may hold other words too."""
    arguments = (node.get("test_metadata") or {}).get("kwargs", {})
    column = arguments.get("column_name")
    return [column] if column else re.findall(r"\w+", arguments.get("expression", ""))


# ---- Rows -----------------------------------------------------------------------------------


def alike_but_for_their_form(rows: list[Row], ids: set[str]) -> list[str]:
    """Return which values of rows are an existing id but for their Unicode form."""
    by_form: dict[str, list[str]] = {}
    for one in sorted(ids):
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


class DatabaseError(Exception):
    """A query can't be answered."""


class Database(ABC):
    """What a build of a project wrote, to be read; `problem` says why it can't be."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.problem = ""
        self.known_ids: set[str] | None = None

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Let go of it."""

    @abstractmethod
    def fetch(self, query: str) -> list[Row]:
        """Return the rows of a query; raise DatabaseError if there are none to be had."""

    @abstractmethod
    def literal(self, value: object) -> str:
        """Return a value as SQL writes it."""

    def rows(self, query: str, limit: int) -> tuple[list[Row], str]:
        """Return the first rows of a query, in one order whatever ran before, or why not."""
        if self.problem:
            return [], ""
        ordered = f"select * from (\n{query}\n) as failing order by all limit {limit}"
        try:
            return self.fetch(ordered), ""
        except DatabaseError as error:
            return [], f"they can't be shown: {error}"

    def files_of(self, rows: list[Row], datasets: list[str], nodes: Artifact) -> list[str]:
        """Return the files that failing rows come from, where raw data is files and a row tells."""
        by_dataset: dict[str, list[Row]] = {}
        for row in rows:
            for dataset in [str(row["dataset"])] if row.get("dataset") else datasets:
                by_dataset.setdefault(dataset, []).append(row)
        found = {
            file
            for dataset, of_dataset in by_dataset.items()
            for file in self.files_of_dataset(of_dataset, dataset, nodes)
        }
        names = sorted(found)
        more = len(names) - MAX_FILES
        return [*names[:MAX_FILES], f"and {more} more"] if more > 0 else names

    def files_of_dataset(self, rows: list[Row], dataset: str, nodes: Artifact) -> list[str]:
        """Return the files that hold a record that a row identifies."""
        models = {name_of(one): one for one in nodes if one.startswith("model.")}
        staging, raw = models.get(f"stg_{dataset}"), models.get(f"raw_{dataset}")
        if self.problem or not staging or not raw:  # without raw, it is a seed
            return []
        keys = key_columns([staging], nodes)
        cast = r'cast\([`"]?(\w+)[`"]? as [\w(), ]+\) as (\w+)'
        names = {new: old for old, new in re.findall(cast, nodes[staging].get("compiled_code", ""))}
        rows_of_files = f"{nodes[raw]['schema']}.rows_of_{dataset}"
        try:
            fields = {next(iter(row.values())) for row in self.fetch(f"describe {rows_of_files}")}
            conditions = []
            for row in rows:
                given = {names.get(name, name): it for name, it in identifying(row, keys).items()}
                same = [
                    f"{name} is not distinct from {self.literal(value)}"
                    for name, value in given.items()
                    if name in fields
                ]
                if same:
                    conditions.append(f"({' and '.join(same)})")
            if not conditions:
                return []
            query = f"select distinct _file from {rows_of_files} where {' or '.join(conditions)}"
            found = self.fetch(query)
        except DatabaseError:  # a file that is gone or damaged, say
            return []
        # Found by the search path of files, one goes by its whole path.
        return [str(row["_file"]).removeprefix(f"{self.project}/") for row in found]

    def ids(self, nodes: Artifact) -> set[str]:
        """Return the ids that records may refer to, by the tests that look them up."""
        if self.known_ids is None:
            relations = {one["name"]: one.get("relation_name") for one in nodes.values()}
            looked_up = {
                (relations.get(reference(metadata["kwargs"]["to"])), metadata["kwargs"]["field"])
                for node in nodes.values()
                if (metadata := node.get("test_metadata") or {}).get("name") == "relationships"
            }
            self.known_ids = set()
            for relation, column in looked_up:
                if relation and not self.problem:
                    with suppress(DatabaseError):  # not built, where something above it failed
                        found = self.fetch(f"select distinct {column} as id from {relation}")
                        self.known_ids |= {str(row["id"]) for row in found}
        return self.known_ids

    def contract_rule(self, rule: object, nodes: Artifact) -> str:
        """Return the statement of a rule of the contract, if there is one of that number."""
        rules = [one for one in nodes.values() if one.get("name") == "contract_rules"]
        if self.problem or rule is None or not rules:
            return ""
        query = f"select statement from {rules[0]['relation_name']} where rule = {rule}"
        try:
            found = self.fetch(query)
        except DatabaseError:
            return ""
        return str(found[0]["statement"]) if found else ""


class BuildFile(Database):
    """DuckDB's build file, opened read-only."""

    def __init__(self, project: Path, run_id: str) -> None:
        super().__init__(project)
        self.connection: duckdb.DuckDBPyConnection | None = None
        try:
            self.connection = duckdb.connect(str(project / BUILD_FILE), read_only=True)
        except duckdb.Error as error:
            self.problem = f"{BUILD_FILE} can't be opened. {str(error).splitlines()[0]}"
            return
        # Where raw data is files, views read them, by their paths from the project.
        self.connection.execute(f"set file_search_path = {quoted(project)}")
        with suppress(duckdb.Error):  # only a test of the history reads it
            file = quoted(project / HISTORY_FILE)
            self.connection.execute(f"attach {file} as history (read_only)")
        if stamp_of(self.connection) != run_id:
            self.close()
            self.problem = f"{BUILD_FILE} is not from this run."

    def close(self) -> None:
        """Let go of the file."""
        if self.connection:
            self.connection.close()
            self.connection = None

    def fetch(self, query: str) -> list[Row]:
        """Return the rows of a query; raise DatabaseError if there are none to be had."""
        if not self.connection:
            raise DatabaseError(self.problem)
        try:
            found = self.connection.execute(query)
            names = [column[0] for column in found.description or []]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        except duckdb.Error as error:
            raise DatabaseError(str(error).splitlines()[0]) from None

    def literal(self, value: object) -> str:
        """Return a value as SQL writes it."""
        return "null" if value is None else quoted(str(value))


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


def in_one_line(row: Row, first: list[str]) -> str:
    """Return a row's columns and values, the named columns first."""
    columns = [*(name for name in dict.fromkeys(first) if name in row), *row]
    return " ".join(f"{name}={value_text(row[name])}" for name in dict.fromkeys(columns))


def value_text(value: object) -> str:
    """Return a value in a few characters, without a doubt about where it ends."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):  # a datetime too
        return value.isoformat()
    text = shown(str(value), MAX_VALUE)
    is_bare = isinstance(value, str) and re.fullmatch(r"[^\s\"=]+", text) and text != "null"
    return text if is_bare or not isinstance(value, str) else f'"{text}"'


def main() -> int:
    """Run the command line; return its exit code."""
    argparse.ArgumentParser(description="Explain what the last dbt run found.").parse_args()
    print(explain())
    return 0


if __name__ == "__main__":
    sys.exit(main())
