"""Read what dbt leaves of a run."""

import json
from pathlib import Path
from typing import Any

from warehouse.system.errors import WarehouseError
from warehouse.system.paths import LOGS, TARGET
from warehouse.system.words import AGAIN

RUN_RESULTS = TARGET / "run_results.json"
MANIFEST = TARGET / "manifest.json"
BROKEN = {"error", "fail", "runtime error", "partial success"}  # of a result's statuses
ENDED_EARLY = "Compilation Error"
Artifact = dict[str, Any]


class ArtifactError(WarehouseError):
    """dbt left nothing that can be read."""


def read_artifacts(project: Path) -> tuple[Artifact, Artifact]:
    """Return dbt's run results and manifest; raise ArtifactError where there are none to use."""
    artifacts = []
    for path, content in ((RUN_RESULTS, "results"), (MANIFEST, "nodes")):
        try:
            artifact = json.loads((project / path).read_bytes())
            artifact["metadata"]["invocation_id"], artifact[content]
        except OSError as error:
            raise ArtifactError(f"{path}: {error.strerror}. Run `dbt build` first.") from None
        except (ValueError, TypeError, LookupError):
            raise ArtifactError(f"{path} is cut off or damaged. {AGAIN}") from None
        artifacts.append(artifact)
    run_results, manifest = artifacts
    # dbt 2 says this one thing of every node, or nothing of any, where dbt-core leaves the results
    # of the run before.
    said = {one.get("message") for one in run_results["results"]}
    is_build = run_results.get("args", {}).get("which") == "build"
    if said == {ENDED_EARLY} or (is_build and not said):
        raise ArtifactError(f"The last dbt run ended before it built anything: see {LOGS}/dbt.log.")
    for result in run_results["results"]:
        result["status"] = result["status"].lower()  # dbt 2 says Pass of unit tests ...
        node = manifest["nodes"].get(result["unique_id"], {})
        result.setdefault("compiled_code", node.get("compiled_code"))  # ... and has it here
    return run_results, manifest


def is_governance_test(node: Artifact) -> bool:
    """Tell whether what a test guards is to be seen in the marts, and not kept out of them."""
    return node.get("resource_type") == "test" and "governance" in node.get("tags", [])
