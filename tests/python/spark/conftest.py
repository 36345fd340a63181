"""One cluster for all tests of a process."""

from collections.abc import Iterator

import pytest
from helpers.on_spark import Spark


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    """Start a cluster, for all tests; stop it in the end."""
    spark = Spark.started(tmp_path_factory.mktemp("spark"))
    try:
        yield spark
    finally:
        spark.cluster.down()
