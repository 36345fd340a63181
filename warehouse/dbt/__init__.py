"""dbt's runs: prepare its files, start a run, read its artifacts."""
