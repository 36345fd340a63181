"""Explain what failed in the last dbt run, with the rows that failed.

dbt says which test failed; here stands what it guards, and which records are wrong. Both come from
dbt's artifacts and from what was built, which is only read. As a string it is for people; ci.py
says the same as CI systems read it.
"""

import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from warehouse.database.reader import BuildFile, Database, Row
from warehouse.dbt.artifacts import BROKEN, Artifact, is_governance_test, read_artifacts
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
from warehouse.explain.rows import Evidence, in_one_line, with_first
from warehouse.seeds.conversion import INPUT_DIR
from warehouse.seeds.errors import WrongExportError
from warehouse.seeds.json_text import lines_of_records
from warehouse.system.errors import ExitCode, WarehouseError
from warehouse.system.files import remedy
from warehouse.system.paths import PROJECT, relative
from warehouse.system.words import listed

MAX_ROWS = {"fail": 10, "warn": 3}
WIDTH = 100
# What each engine says where a sum, a big integer, is more than one can hold.
TOO_BIG = re.compile(r"can't be cast .*\bINT64\b|\bBIGINT overflow|\blong overflow", re.IGNORECASE)
COUNTED = ("performance_metrics", "funnel_events", "attribution_hints")  # whose counts are added up
# All that is counted is read up to it, and of what it reads nothing is added up.
AS_OF = "int_as_of"
TESTS = ("test.", "unit_test.")
# Where a structural rule is broken, the mart isn't built: nothing says how many records there are.
CONTRACT = (
    """
    select
        rule,
        rule_name as name,
        status,
        checked_rows as checked,
        violating_rows as violating,
        waived_rows as waived
    from {contract_compliance}
    order by rule
    """,
    """
    select
        rules.rule,
        rules.rule_name as name,
        cast(null as string) as status,
        cast(null as bigint) as checked,
        count(violations.rule) as violating,
        count(case when violations.is_waived then 1 end) as waived
    from {contract_rules} as rules
    left join {contract_violations} as violations on rules.rule = violations.rule
    group by rules.rule, rules.rule_name
    order by rules.rule
    """,
)
CHANGES = """
    select
        comparison as since,
        change_type as change,
        what,
        campaign_name as campaign,
        before_text as before,
        after_text as after
    from {what_changed}
    order by change_rank
"""
# How the conversion says where in the JSON something is wrong.
IN_JSON = re.compile(r"(\w+)(?:\.json)?: (?:record (?P<record>\d+)|.*\bline (?P<line>\d+))?")


@dataclass(frozen=True)
class Failure:
    """What a run found wrong: something that broke, or rows that fail a test.

    Of a test that looks at several columns there is one for each column. `count` is None of what
    broke, `problem` says why failing rows can't be shown, `path` and `line` where it is declared,
    and `node` is its entry in the manifest.
    """

    title: str
    is_warning: bool = False
    guards: str = ""
    message: str = ""
    dataset: str = ""
    count: int | None = None
    rows: list[Row] = field(default_factory=list)
    problem: str = ""
    form: str = ""
    files: list[str] = field(default_factory=list)
    sql: str | None = None
    path: str | None = None
    line: int | None = None
    node: Artifact = field(default_factory=dict)

    @property
    def extent(self) -> str:
        """How many rows fail, and how many of them are shown."""
        more = f", the first {len(self.rows)}" if (self.count or 0) > len(self.rows) > 0 else ""
        return f"{self.count or 0:,}{more}" + (f"; {self.problem}" if self.problem else "")

    def __str__(self) -> str:
        title = ("WARNED  " if self.is_warning else "FAILED  ") + self.title
        if self.count is None:
            message = textwrap.indent(textwrap.dedent(self.message), "    ")
            told = [message]
        else:
            told = [
                *labelled("dataset", self.dataset),
                *labelled("rows", self.extent),
                *(" " * 12 + in_one_line(row) for row in self.rows),
                *labelled("form", self.form),
                *labelled("files", listed(self.files)),
                *labelled("stands", self.path),
            ]
        return "\n".join(
            [title, *labelled("guards", self.guards), *told, *labelled("sql", self.sql)]
        )


@dataclass(frozen=True)
class Case:
    """How a test ended, or something that broke; with what failed, if so."""

    group: str
    name: str
    status: str
    seconds: float = 0.0
    is_breach: bool = False  # of governance
    failures: list[Failure] = field(default_factory=list)


@dataclass(frozen=True)
class Explanation:
    """How a run ended; `contract` and `changes` are the rows of marts, where it made them."""

    headline: str
    cases: list[Case]
    exit_code: ExitCode
    problem: str = ""
    contract: list[Row] = field(default_factory=list)
    changes: list[Row] = field(default_factory=list)

    @property
    def failures(self) -> list[Failure]:
        """What failed, and after that what is only warned of."""
        found = [failure for case in self.cases for failure in case.failures]
        return sorted(found, key=lambda failure: failure.is_warning)

    def __str__(self) -> str:
        problem = [self.problem] if self.problem else []
        return "\n\n".join([self.headline, *problem, *map(str, self.failures)])


def explain(
    project: Path = PROJECT,
    open_database: Callable[[Path, str], Database] | None = None,
    lost: dict[str, str] | None = None,
) -> Explanation:
    """Return how the last dbt run ended: what failed, and what it warned of.

    Args:
        project: The folder of the project.
        open_database: What gives the database that the run of an id wrote; else the build file.
        lost: What is said of nodes that broke without leaving a result, by their ids.

    Raises:
        ArtifactError: There is no run to explain.

    """
    run_results, manifest = read_artifacts(project)
    nodes: Artifact = manifest["nodes"] | manifest["unit_tests"]
    results = run_results["results"] + [
        {"unique_id": one, "status": "error", "message": message}
        for one, message in (lost or {}).items()
    ]
    results.sort(key=lambda result: result["unique_id"])
    run_id = run_results["metadata"]["invocation_id"]
    with (open_database or BuildFile)(project, run_id) as database:
        evidence = Evidence(nodes, database)
        cases = [
            case_of(result, evidence)
            for result in results
            if result["unique_id"].startswith(TESTS) or result["status"] in BROKEN
        ]
        built = {name_of(one["unique_id"]) for one in results if one["status"] == "success"}
        relations = {
            node["name"]: node.get("relation_name")
            for node in nodes.values()
            if node["name"] in built
        }
        contract = evidence.first_of(relations, *CONTRACT)
        changes = evidence.first_of(relations, CHANGES)
        problem = database.problem and f"Failing rows can't be shown: {database.problem}"
    broken = [case for case in cases if case.status in BROKEN]
    skipped = sum(result["status"] == "skipped" for result in results)
    totals = [f"{len(broken)} failed", f"{sum(case.status == 'warn' for case in cases)} warned"]
    if skipped:
        totals.append(f"{skipped} skipped, since they build on what failed")
    exit_code = ExitCode.GREEN
    if broken or skipped:  # dbt 2 leaves no result of some that break, and skips what is below
        is_breach = not skipped and all(case.is_breach for case in broken)
        exit_code = ExitCode.BREACHED if is_breach else ExitCode.BROKEN
    if remedy("\n".join(failure.message for case in broken for failure in case.failures)):
        exit_code = ExitCode.COULD_NOT_RUN  # of a full disk the export is not to blame
    return Explanation(
        f"The last dbt run: {', '.join(totals)}.",
        cases,
        exit_code,
        problem if any(case.failures for case in cases) else "",
        contract,
        changes,
    )


def explain_error(error: WarehouseError) -> Explanation:
    """Return what keeps a build from running; of JSON that is wrong, with file and line."""
    if not isinstance(error, WrongExportError):
        status = "fail" if error.exit_code == ExitCode.BROKEN else "error"
        return Explanation("Nothing was built.", [not_done(str(error), status)], error.exit_code)
    lines: dict[str, list[int]] = {}
    by_file: dict[str, list[Failure]] = {}
    for problem in error.problems:
        found = IN_JSON.match(problem)
        path = f"{relative(INPUT_DIR)}/{found[1]}.json" if found else relative(INPUT_DIR)
        line = int(found["line"]) if found and found["line"] else None
        if found and found["record"]:
            if path not in lines:
                lines[path] = lines_of_records((PROJECT / path).read_bytes())
            line = lines[path][int(found["record"]) - 1]
        failure = Failure(path, message=problem, path=path, line=line)
        by_file.setdefault(path, []).append(failure)
    cases = [
        Case("json", Path(path).name, "fail", failures=failures)
        for path, failures in by_file.items()
    ]
    return Explanation("Nothing was built.", cases, error.exit_code)


def not_done(message: str, status: str = "error") -> Case:
    """Return what is said of a build that could not be, as of a test."""
    return Case("warehouse", "build", status, failures=[Failure("the build", message=message)])


def case_of(result: Artifact, evidence: Evidence) -> Case:
    """Return how a node ended, and what failed."""
    node, status = evidence.nodes.get(result["unique_id"], {}), result["status"]
    kind, _, name = result["unique_id"].split(".", 2)
    folder = Path(node.get("original_file_path") or kind).parent.name
    tested = node.get("attached_node") or node.get("model")
    is_test = kind == "test" and status in MAX_ROWS
    is_wrong = status in BROKEN or status == "warn"
    found = failures_of if is_test else what_broke
    return Case(
        name_of(tested) if tested else folder if kind == "test" else kind,
        node.get("name") or name,
        status,
        result.get("execution_time") or 0.0,
        status == "fail" and is_governance_test(node),
        [
            replace(failure, path=node.get("original_file_path"), node=node)
            for failure in (found(node, result, evidence) if is_wrong else [])
        ],
    )


def what_broke(node: Artifact, result: Artifact, evidence: Evidence) -> list[Failure]:
    """Return what is said of a node that broke, or of a unit test that failed."""
    kind, _, name = result["unique_id"].split(".", 2)
    name = node.get("name") or name
    said = described(node) if kind == "unit_test" else ""
    message = clean(result.get("message") or result["status"])
    # dbt's name for what a macro of ours refused, which is no matter of the SQL.
    words = re.sub(r"^Compilation Error in .*\n", "", message)
    sql = node.get("compiled_path") if words == message else None
    if TOO_BIG.search(words):
        words = too_big(result["unique_id"], name, evidence.nodes)
    title = f"{kind.replace('_', ' ')} {name}"
    return [Failure(title, result["status"] == "warn", said, words, sql=sql)]


def failures_of(node: Artifact, result: Artifact, evidence: Evidence) -> list[Failure]:
    """Return what a data test found; for each column, where it looks at several."""
    title = node["name"] + (" (governance)" if is_governance_test(node) else "")
    failure = Failure(title, result["status"] == "warn", sql=node.get("compiled_path"))
    query, most = result.get("compiled_code") or "", MAX_ROWS[result["status"]]
    counts = evidence.failures_by_column(query) if looks_at_several(node) else {}
    if not counts:
        count = result.get("failures") or 0
        return [with_rows(failure, node, count, *evidence.rows(query, most), evidence)]
    return [
        with_rows(
            replace(failure, title=f"{title}: {column}"),
            node,
            count,
            *evidence.rows(query, most, column),
            evidence,
        )
        for column, count in counts.items()
    ]


def with_rows(
    failure: Failure, node: Artifact, count: int, rows: list[Row], problem: str, evidence: Evidence
) -> Failure:
    """Return a failure with its rows, all of one column where a test looks at several."""
    first = [*key_columns(parents(node), evidence.nodes), *tested_columns(node, rows)]
    records = [{name: row[name] for name in row if name not in OF_A_COLUMN} for row in rows]
    return replace(
        failure,
        guards=guarded(node, rows, evidence.contract_rule),
        dataset=datasets_of(node, rows),
        count=count,
        rows=[with_first(record, first) for record in records],
        problem=problem,
        form="; ".join(evidence.alike_but_for_their_form(records)),
        files=evidence.files_of(records, [plain(name_of(one)) for one in parents(node)]),
    )


def labelled(label: str, text: str | None) -> list[str]:
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
