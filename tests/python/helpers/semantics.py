"""Query the semantic layer."""

from pathlib import Path

from dbt_metricflow.cli.cli_configuration import CLIConfiguration
from metricflow.engine.metricflow_engine import MetricFlowQueryRequest


class Semantics:
    """MetricFlow's engine, as `mf query` uses it, in a folder with the files that `mf` needs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.configuration = CLIConfiguration()
        self.configuration.setup(folder, folder, configure_file_logging=False)

    def rows(
        self, metrics: list[str], group_by: tuple[str, ...] = (), where: tuple[str, ...] = ()
    ) -> list[tuple]:
        """Return the rows of a query: the groups, then the metrics, by name."""
        request = MetricFlowQueryRequest.create(
            metric_names=metrics, group_by_names=group_by, where_constraints=where or None
        )
        table = self.configuration.mf.query(request).result_df
        assert table is not None
        positions = [table.column_names.index(name) for name in (*group_by, *metrics)]
        return [tuple(row[position] for position in positions) for row in table.rows]

    def value(self, metric: str, where: tuple[str, ...] = ()) -> object:
        """Return a metric's total."""
        ((value,),) = self.rows([metric], where=where)
        return value
