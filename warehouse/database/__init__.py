"""DuckDB's files: open them, read them, describe their marts."""
