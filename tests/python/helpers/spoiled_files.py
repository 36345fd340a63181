"""Exports with corruptions, as files in bulk."""

import shutil
from pathlib import Path
from typing import Any

from helpers.builds import Build, Workspace
from helpers.bulk import Form, write_export
from helpers.project import Export


class OfFiles:
    """A workspace that writes an export as files, and builds them on the last build."""

    def __init__(
        self, workspace: Workspace, folder: Path, forms: dict[str, Form] | None = None
    ) -> None:
        self.workspace, self.folder, self.forms = workspace, folder, forms or {}

    def build(self, export: Export, **arguments: Any) -> Build:
        """Build an export from files, after removing the old ones."""
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        write_export(self.folder, export, lambda dataset: self.forms.get(dataset, Form()))
        (self.workspace.folder / "history.duckdb").unlink(missing_ok=True)
        return self.workspace.build(files=self.folder, **arguments)
