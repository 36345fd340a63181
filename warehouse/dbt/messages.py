"""Clean up messages of dbt and its adapters."""

import re

CALL = re.compile(
    r"\s*> (in|called by) (macro|model|test|seed|snapshot) "  # dbt's macros
    r"|\s*at [\w.$/<>]+\(.*\)$|\s*\.\.\. \d+ more$"  # Java's methods
    r"|\s*(\(in|-->) \S+:\d+:\d+\)?$|\s+\d+: (<unknown>|\w+)$|\s+at \./.*:\d+$"  # dbt 2's places
)
OF_DBT_2 = re.compile(r"^\[(?:error|warning)\](?: \[\w+ \(dbt\d+\)\])?: ")
REFUSED = re.compile(
    r"^(Error executing|Failed to render) .*: Compilation Error for (\S+) from [^:]*: "
)


def clean(message: str) -> str:
    """Return a message of dbt without colours and without the stack of calls."""
    text = OF_DBT_2.sub("", re.sub(r"\x1b\[[0-9;]*m", "", message))
    text = REFUSED.sub(r"Compilation Error in \2\n", text)  # as in dbt-core
    # Spark's error stands among the names of Java's errors, or before them.
    text = re.sub(
        r"Error running query: \[[\w.]+\] |(org|java)\.[\w.$]+(Exception|Error): ?", "", text
    )
    lines = [line.rstrip() for line in text.splitlines() if not CALL.match(line)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
