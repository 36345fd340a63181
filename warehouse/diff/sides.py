"""Find what is to be compared: a published file, or a commit, which is built for it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

from warehouse.dbt.artifacts import MANIFEST
from warehouse.dbt.keys import declared_keys, outlived
from warehouse.diff.compare import Side
from warehouse.system.errors import WarehouseError
from warehouse.system.paths import HISTORY_FILE, PROJECT, PUBLISHED_FILE, relative
from warehouse.system.words import BUILD

CHANGELOG = "CHANGELOG.md"
# Hooks are for who works in a checkout.
GIT = ("git", "-c", "core.hooksPath=/dev/null")


class SideError(WarehouseError):
    """There is nothing to compare under a name; the message says why."""


@contextmanager
def side(given: str | None) -> Iterator[Side]:
    """Give the side that a file's path or a commit's name stands for; None: what is published.

    Raises:
        SideError: It is neither, or the commit can't be built.

    """
    if given is None:
        if not (PROJECT / PUBLISHED_FILE).is_file():
            raise SideError(f"{PUBLISHED_FILE} is missing. {BUILD}")
        given = str(PROJECT / PUBLISHED_FILE)
    if Path(given).is_file():
        file = Path(given)
        manifest = file.parent / MANIFEST
        # What lies beside a copy of the published file is of today.
        is_beside = file.resolve() != (PROJECT / PUBLISHED_FILE).resolve() and (
            file.resolve().parent == PROJECT
        )
        yield (Side(relative(file), file) if is_beside else of_file(relative(file), file, manifest))
        return
    commit = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{given}^{{commit}}")
    if commit is None:
        raise SideError(f"{given} is neither a file nor a commit of this project.")
    git("worktree", "prune")  # of a comparison that was ended
    with tempfile.TemporaryDirectory(prefix="warehouse-diff-") as folder:
        checkout = Path(folder) / "checkout"
        try:
            if git("worktree", "add", "--quiet", "--detach", str(checkout), commit) is None:
                raise SideError(f"git can't check out {given} below {folder}.")
            manifest = build(given, checkout)
            yield of_file(f"{given} ({commit[:7]})", checkout / PUBLISHED_FILE, manifest)
        finally:
            git("worktree", "remove", "--force", str(checkout))


def of_file(name: str, file: Path, manifest_file: Path) -> Side:
    """Return a side, with what dbt's manifest and the changelog beside its file say of it."""
    keys, gone, changelog = {}, set(), None
    with suppress(OSError, ValueError, TypeError, LookupError, AttributeError):
        manifest = json.loads(manifest_file.read_bytes())
        keys, gone = declared_keys(manifest), outlived(manifest, date.today())
    with suppress(OSError):
        changelog = (file.parent / CHANGELOG).read_text("utf-8")
    return Side(name, file, keys, gone, changelog)


def git(*arguments: str) -> str | None:
    """Return what a git command prints, or None if it fails, or there is no git."""
    with suppress(OSError):
        done = subprocess.run(
            [*GIT, *arguments], cwd=PROJECT, capture_output=True, text=True, check=False
        )
        if not done.returncode:
            return done.stdout.strip()
    return None


def build(name: str, checkout: Path) -> Path:
    """Build a checkout by its own commands, with what is installed here; return the manifest.

    Its history is a copy of this project's, which it leaves alone: marts of the history differ
    only where they are made in another way.
    """
    if not (checkout / "warehouse/__main__.py").is_file():  # Python would run what is installed
        raise SideError(f"{name} has no `warehouse build`. Compare with a published file.")
    print(f"Building {name} in {checkout}.", file=sys.stderr, flush=True)
    if (PROJECT / HISTORY_FILE).is_file():
        shutil.copy(PROJECT / HISTORY_FILE, checkout)
    target = checkout / "target"
    own = {"HISTORY": "no", "DBT_TARGET_PATH": str(target), "DBT_LOG_PATH": str(checkout / "logs")}
    if program := shutil.which(os.environ.get("DBT") or ""):
        own["DBT"] = os.path.abspath(program)  # noqa: PTH100 (a link decides its environment)
    running = subprocess.Popen(
        [sys.executable, "-m", "warehouse", "build"],
        cwd=checkout,
        # What it finds is no news for who waits for this checkout's build on GitHub.
        env={name: value for name, value in os.environ.items() if name[:7] != "GITHUB_"} | own,
        stdout=subprocess.PIPE,
        text=True,
    )
    summed_up = ""
    with running:
        for line in running.stdout:
            if (
                summed_up or not line.strip()
            ):  # its progress is over: where the files are is no news
                summed_up += line
            else:
                print(line, end="", file=sys.stderr, flush=True)
    # A breach of governance is published all the same.
    if not (checkout / PUBLISHED_FILE).is_file():
        print(summed_up, end="", file=sys.stderr)
        raise SideError(f"{name} can't be built (exit code {running.returncode}): see above.")
    return target / MANIFEST.name
