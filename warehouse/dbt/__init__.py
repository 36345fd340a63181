"""dbt's runs: see to what it needs, start one, read what it left."""
