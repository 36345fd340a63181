"""DuckDB's files: open them, read them, know what their marts hold."""
