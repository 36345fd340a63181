"""The commands around dbt: inputs of a build, its outputs and its messages.

The layers, from the lowest: `system`; `database`, `dbt`, `seeds`; `explain`, `publish`; `review`,
`export`; `build`; `spark`; `history`; `cli`. No layer imports from a higher one: see
pyproject.toml.
"""
