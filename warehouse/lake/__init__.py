"""Ingest files of any size: what lies in a landing folder becomes typed Parquet, by the day."""
