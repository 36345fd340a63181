"""The commands around dbt: what goes into a build, what comes out of it, and what it says.

The layers, from the lowest: `system`; `database`, `dbt`, `seeds`; `explain`, `publish`; `review`,
`export`; `build`; `spark`; `history`; `cli`. None imports from one above: see pyproject.toml.
"""
