"""Read what dbt and its adapters say."""

import re

CALL = re.compile(
    r"\s*> (in|called by) (macro|model|test|seed|snapshot) "  # dbt's macros
    r"|\s*at [\w.$/<>]+\(.*\)$|\s*\.\.\. \d+ more$"  # Java's methods
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
