"""dbt's runs: start one, read what it left; and the plugins that dbt loads."""
