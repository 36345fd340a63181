"""Write docs/data_dictionary.md from dbt's manifest: what every mart and column means.

Reads target/manifest.json, which any dbt command writes.
"""

import json
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
MANIFEST = Path("target/manifest.json")
PAGE = Path("docs/data_dictionary.md")

HEAD = """\
# Data dictionary

The marts, schema `marts` of `warehouse.duckdb`. Written by `make docs` from the models' YAML,
which is where to change it. The same texts are comments in the database.
"""


def render(manifest: dict) -> str:
    """Return the page for a manifest: one section per domain, one table per mart."""
    domains: dict[str, list[dict]] = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model" and node["schema"] == "marts":
            domains.setdefault(Path(node["path"]).parent.name, []).append(node)
    for models in domains.values():
        models.sort(key=lambda model: model["alias"])
    parts = [HEAD, "\n"]
    for domain, models in sorted(domains.items()):
        links = (f"[{model['alias']}](#{model['alias']})" for model in models)
        parts.append(f"- {domain}: {', '.join(links)}\n")
    for domain, models in sorted(domains.items()):
        parts.append(f"\n## {domain}\n")
        for model in models:
            parts.append(f"\n### {model['alias']}\n\n{one_line(model['description'])}\n")
            parts.append("\n| column | type | meaning |\n|---|---|---|\n")
            for column in model["columns"].values():
                meaning = one_line(column["description"])
                parts.append(f"| `{column['name']}` | {column['data_type']} | {meaning} |\n")
    return "".join(parts)


def one_line(text: str) -> str:
    """Return a text on one line, as a table's cell needs it."""
    return " ".join(text.split()).replace("|", "\\|")


def main() -> int:
    """Write the page; return the exit code."""
    try:
        manifest = json.loads((PROJECT / MANIFEST).read_text(encoding="utf-8"))
    except OSError as error:
        print(f"{MANIFEST}: {error.strerror}. Run `dbt parse` first.", file=sys.stderr)
        return 1
    (PROJECT / PAGE).write_text(render(manifest), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
