"""A dbt-duckdb plugin that creates the folder of the database file, which DuckDB does not."""

from pathlib import Path

from dbt.adapters.duckdb.plugins import BasePlugin


class Plugin(BasePlugin):
    """Runs before dbt-duckdb opens the file; see `plugins` in profiles.yml."""

    def initialize(self, plugin_config):  # noqa: D102
        Path(self.creds.path).parent.mkdir(parents=True, exist_ok=True)
