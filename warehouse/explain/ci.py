"""Say how a run ended as CI systems read it: in JUnit's XML, and to GitHub.

GitHub shows a summary of the job, in Markdown, and annotations beside the lines of the code.
"""

import html
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import junitparser

from warehouse.database.reader import Row
from warehouse.dbt.artifacts import BROKEN
from warehouse.explain.declared import line_of
from warehouse.explain.explanation import Case, Explanation, Failure
from warehouse.explain.rows import in_one_line
from warehouse.system.errors import ExitCode
from warehouse.system.files import temporary_beside
from warehouse.system.paths import BUILD_FILE, PROJECT, relative
from warehouse.system.words import listed, shown, value_text

JUNIT_FILE = BUILD_FILE.with_name("junit.xml")
SUMMARY = "GITHUB_STEP_SUMMARY"  # in the environment; the file to append to
MAX_SUMMARY = 1024 * 1024  # bytes; of a larger one GitHub shows nothing
MAX_FAILURES = 100
MAX_CHANGES = 20
MAX_CELL = 300  # characters
MAX_ANNOTATIONS = 10  # of a step; GitHub shows no more
MAX_ANNOTATED_ROWS = 3
MAX_ANNOTATION = 1000  # characters
NOT_IN_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
OF_MARKDOWN = re.compile(r"([\\`*_~|$\[\]])")
TITLES = {
    ExitCode.GREEN: "green",
    ExitCode.BROKEN: "broken",
    ExitCode.BREACHED: "governance is breached",
    ExitCode.COULD_NOT_RUN: "could not run",
}


def tell_ci(
    explanation: Explanation,
    ending: str = "",
    project: Path = PROJECT,
    published: Sequence[Path] = (),
) -> None:
    """Write build/junit.xml and, where GitHub runs this, a summary and annotations.

    Args:
        explanation: How the run ended.
        ending: What became of it.
        project: The folder of the project.
        published: The files that this run published.

    """
    with said_if_not_written(project / JUNIT_FILE) as file:
        write_junit(explanation, file)
    if summary := os.environ.get(SUMMARY):
        with said_if_not_written(Path(summary)) as file:
            room = MAX_SUMMARY - (file.stat().st_size if file.exists() else 0)
            text = summary_of(explanation, ending, published, room).encode()
            with file.open("ab") as opened:
                opened.write(text if len(text) <= room else b"")
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for annotation in annotations(explanation, project):
            print(annotation)


@contextmanager
def said_if_not_written(file: Path) -> Iterator[Path]:
    """Say that a file can't be written, if so; that changes nothing of how the run ended."""
    try:
        yield file
    except OSError as error:
        print(f"{relative(file)} can't be written: {error.strerror}.", file=sys.stderr)


# ---- JUnit ----------------------------------------------------------------------------------


def write_junit(explanation: Explanation, file: Path) -> None:
    """Write how each test ended; what is only warned of has passed, and says so."""
    # Alone: what junitparser writes around suites has an attribute that Jenkins doesn't know.
    suite = junitparser.TestSuite("warehouse")
    suite.add_testcases(map(junit_case, explanation.cases))
    file.parent.mkdir(exist_ok=True)
    temporary = temporary_beside(file)
    suite.write(str(temporary))
    temporary.replace(file)


def junit_case(case: Case) -> junitparser.TestCase:
    """Return how a test ended as JUnit says it."""
    one = junitparser.TestCase(in_xml(case.name), in_xml(case.group), round(case.seconds, 3))
    said = in_xml("\n\n".join(map(str, case.failures)))
    if case.status in BROKEN:
        kind = junitparser.Failure if case.status == "fail" else junitparser.Error
        first = case.failures[0]
        message = first.guards or first.message or case.name
        result = kind(in_xml(message), "governance" if case.is_breach else "structure")
        result.text = said
        one.result = result
    elif case.status == "skipped":
        one.result = junitparser.Skipped("It builds on what failed.")
    elif said:
        one.system_out = said
    return one


def in_xml(text: str) -> str:
    """Return a text with what XML can't hold escaped."""
    return NOT_IN_XML.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


# ---- GitHub's summary -----------------------------------------------------------------------


def summary_of(explanation: Explanation, ending: str, published: Sequence[Path], room: int) -> str:
    """Return a summary in Markdown, of as many failures as so many bytes have room for."""
    title = f"## Warehouse: {TITLES[explanation.exit_code]}"
    head = [title, in_markdown(ending), in_markdown(explanation.headline)]
    if explanation.contract:
        head += ["### Contract", table(explanation.contract)]
    failures, changes = explanation.failures, explanation.changes
    if failures:
        head.append("### What is warned of" if failures[0].is_warning else "### What failed")
        head.append(in_markdown(explanation.problem))
    tail = []
    if changes:
        tail += ["### What changed", table(changes[:MAX_CHANGES])]
    if len(changes) > MAX_CHANGES:
        tail.append(f"And {len(changes) - MAX_CHANGES:,} more, in `marts.what_changed`.")
    if published:
        tail += ["### Marts", f"Published: {listed(f'`{file}`' for file in published)}."]
    more = "There is more: `warehouse explain` shows all."
    room -= size([*head, more, *tail])
    found = []
    for block in map(failure_summary, failures):
        room -= size([block])
        if room < 0 or len(found) == MAX_FAILURES:
            found.append(more)
            break
        found.append(block)
    return joined([*head, *found, *tail])


def joined(blocks: Iterable[str]) -> str:
    """Return blocks of Markdown as one text."""
    return "".join(f"{block}\n\n" for block in blocks if block)


def size(blocks: Iterable[str]) -> int:
    """Return how many bytes blocks take."""
    return len(joined(blocks).encode())


def failure_summary(failure: Failure) -> str:
    """Return what is said of a failure, its rows as a table."""
    title = f"#### {in_markdown(failure.title)}" + (" (warning)" if failure.is_warning else "")
    if failure.count is None:
        message = html.escape(failure.message, quote=False)
        return joined([title, in_markdown(failure.guards), f"<pre>{message}</pre>"]).rstrip()
    facts = {
        "Dataset": failure.dataset,
        "Rows": failure.extent,
        "Form": failure.form,
        "Files": listed(failure.files),
        "Stands": failure.path or "",
    }
    said = [f"{label}: {in_markdown(fact)}" for label, fact in facts.items() if fact]
    rows = [{name: value_text(value) for name, value in row.items()} for row in failure.rows]
    return joined(
        [title, in_markdown(failure.guards), "<br>".join(said), table(rows) if rows else ""]
    ).rstrip()


def table(rows: list[Row]) -> str:
    """Return rows as a table."""
    names = list(rows[0])
    lines = [[in_markdown(name) for name in names], ["---"] * len(names)]
    for row in rows:
        values = ["" if value is None else shown(str(value), MAX_CELL) for value in row.values()]
        lines.append([in_markdown(value) for value in values])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def in_markdown(text: str) -> str:
    """Return a text, on one line, that Markdown shows as it is."""
    escaped = html.escape(shown(text, len(text)), quote=False)
    return OF_MARKDOWN.sub(r"\\\1", escaped)


# ---- GitHub's annotations -------------------------------------------------------------------


def annotations(explanation: Explanation, project: Path) -> Iterator[str]:
    """Yield a command for each of the first failures, which GitHub shows beside what it is of."""
    root = os.environ.get("GITHUB_WORKSPACE") or project
    failed = [failure for failure in explanation.failures if not failure.is_warning]
    for failure in failed[:MAX_ANNOTATIONS]:
        properties = {}
        if failure.path:
            file = project / failure.path
            properties["file"] = os.path.relpath(file, root)
            properties["line"] = str(failure.line or line_of(file, failure.node))
        properties["title"] = failure.title
        told = ",".join(f"{name}={in_property(text)}" for name, text in properties.items())
        yield f"::error {told}::{in_command(annotation_of(failure))}"


def annotation_of(failure: Failure) -> str:
    """Return what an annotation says of a failure."""
    rows = [in_one_line(row) for row in failure.rows[:MAX_ANNOTATED_ROWS]]
    count = [] if failure.count is None else [f"rows: {failure.count:,}"]
    lines = [failure.guards, failure.message, *count, *rows]
    return "\n".join(filter(None, lines))[:MAX_ANNOTATION]


def in_command(text: str) -> str:
    """Return a text as a command of GitHub's holds it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def in_property(text: str) -> str:
    """Return a text as a property of a command of GitHub's holds it."""
    return in_command(text).replace(":", "%3A").replace(",", "%2C")
