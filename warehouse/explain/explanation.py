"""Explain in words what failed in the last dbt run, with the rows that failed.

dbt names the failed test; this module adds the rule that it guards and the records that fail, from
dbt's artifacts and from the built tables, which are only read.
"""

import re
import textwrap
from collections.abc import Callable
from pathlib import Path

from warehouse.database.reader import BuildFile, Database, Row
from warehouse.dbt.artifacts import BROKEN, Artifact, ArtifactError, read_artifacts
from warehouse.dbt.messages import clean
from warehouse.explain.guards import (
    OF_A_COLUMN,
    datasets_of,
    described,
    guarded,
    key_columns,
    looks_at_several,
    name_of,
    parents,
    plain,
    tested_columns,
)
from warehouse.explain.rows import Evidence, in_one_line
from warehouse.system.paths import PROJECT
from warehouse.system.words import listed

MAX_ROWS = {"fail": 10, "warn": 3}
WIDTH = 100
# Each engine's error where a sum overflows a big integer.
TOO_BIG = re.compile(r"can't be cast .*\bINT64\b|\bBIGINT overflow|\blong overflow", re.IGNORECASE)
COUNTED = ("performance_metrics", "funnel_events", "attribution_hints")  # with counts to sum
# Counts are staged up to here, and nothing is summed before it.
AS_OF = "int_as_of"


def explain(
    project: Path = PROJECT, open_database: Callable[[Path, str], Database] | None = None
) -> str:
    """Return the failures and warnings of the last dbt run, as text.

    Args:
        project: The folder of the project.
        open_database: Returns the database that the run of an id wrote; by default the build file.

    """
    try:
        run_results, manifest = read_artifacts(project)
    except ArtifactError as error:
        return f"There is no dbt run to explain. {error}"
    nodes: Artifact = manifest["nodes"] | manifest["unit_tests"]
    results = sorted(run_results["results"], key=lambda result: result["unique_id"])
    run_id = run_results["metadata"]["invocation_id"]
    with (open_database or BuildFile)(project, run_id) as database:
        broken = [one for one in results if one["status"] in BROKEN]
        warned = [one for one in results if one["status"] == "warn"]
        evidence = Evidence(nodes, database)
        blocks = [block for one in [*broken, *warned] for block in explain_result(one, evidence)]
        if blocks and database.problem:
            blocks.insert(0, f"Failing rows can't be shown: {database.problem}")
    skipped = sum(one["status"] == "skipped" for one in results)
    totals = [f"{len(broken)} failed", f"{len(warned)} warned"]
    if skipped:
        totals.append(f"{skipped} skipped, since they build on what failed")
    return "\n\n".join([f"The last dbt run: {', '.join(totals)}.", *blocks])


def explain_result(result: Artifact, evidence: Evidence) -> list[str]:
    """Return the explanation of one failure or warning, in blocks."""
    nodes = evidence.nodes
    node = nodes.get(result["unique_id"], {})
    kind, _, name = result["unique_id"].split(".", 2)
    if kind == "test" and result["status"] in MAX_ROWS:
        return explain_test(node, result, evidence)
    name = node.get("name") or name
    title = f"FAILED  {kind.replace('_', ' ')} {name}"
    said = described(node) if kind == "unit_test" else ""
    message = clean(result.get("message") or result["status"])
    # dbt's name for an error raised by a macro of ours; its SQL is of no interest.
    words = re.sub(r"^Compilation Error in .*\n", "", message)
    sql = node.get("compiled_path") if words == message else None
    if TOO_BIG.search(words):
        words = too_big(result["unique_id"], name, nodes)
    message = textwrap.indent(textwrap.dedent(words), "    ")
    return ["\n".join([title, *field("guards", said), message, *field("sql", sql)])]


def explain_test(node: Artifact, result: Artifact, evidence: Evidence) -> list[str]:
    """Return the findings of a data test; one block per column, where it tests several."""
    title = ("WARNED  " if result["status"] == "warn" else "FAILED  ") + node["name"]
    if "governance" in node.get("tags", []):
        title += " (governance)"
    query, most = result.get("compiled_code") or "", MAX_ROWS[result["status"]]
    counts = evidence.failures_by_column(query) if looks_at_several(node) else {}
    if not counts:
        failing = evidence.rows(query, most)
        return [block(node, title, result.get("failures") or 0, *failing, evidence)]
    return [
        block(node, f"{title}: {column}", count, *evidence.rows(query, most, column), evidence)
        for column, count in counts.items()
    ]


def block(
    node: Artifact, title: str, count: int, rows: list[Row], problem: str, evidence: Evidence
) -> str:
    """Return the text for failing rows; of one column, where a test covers several."""
    keys = key_columns(parents(node), evidence.nodes)
    tested = tested_columns(node, rows)
    records = [{name: row[name] for name in row if name not in OF_A_COLUMN} for row in rows]
    more = f", the first {len(rows)}" if count > len(rows) > 0 else ""
    files = evidence.files_of(records, [plain(name_of(one)) for one in parents(node)])
    return "\n".join(
        [
            title,
            *field("guards", guarded(node, rows, evidence.contract_rule)),
            *field("dataset", datasets_of(node, rows)),
            *field("rows", f"{count:,}{more}" + (f"; {problem}" if problem else "")),
            *(" " * 12 + in_one_line(record, [*keys, *tested]) for record in records),
            *field("form", "; ".join(evidence.alike_but_for_their_form(records))),
            *field("files", listed(files)),
            *field("stands", node.get("original_file_path")),
            *field("sql", node.get("compiled_path")),
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


def too_big(unique_id: str, name: str, nodes: Artifact) -> str:
    """Return the problem where counts are too big for a mart, and where to look."""
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
