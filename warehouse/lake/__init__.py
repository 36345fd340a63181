"""Ingest files of any size from a landing folder into a lake of typed Parquet by day."""
