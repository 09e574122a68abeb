"""Two clusters of two workers on this machine, each started once, and rows to read on them."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from redheart.batch import Reader

from ..fixtures.processes import environment

ROWS = [{"id": number, "text": "" if number % 7 == 3 else f"I lied to her {number} times."} for number in range(80)]


@pytest.fixture(scope="session")
def expected(checkpoint: Path) -> dict[int, dict[str, Any]]:
    """What a plain call of the reader gives for `ROWS`, by id."""
    return {row["id"]: row for row in Reader(str(checkpoint), outputs=["verdict"])(ROWS)}


@pytest.fixture(scope="session")
def check(expected: dict[int, dict[str, Any]]) -> Callable[[list[dict[str, Any]]], None]:
    """Checks that rows are those of `ROWS`, none missing, none twice, each as a plain call reads it."""

    def checked(rows: list[dict[str, Any]]) -> None:
        assert sorted(row["id"] for row in rows) == sorted(expected)
        for row in rows:
            plain = expected[row["id"]]
            assert list(row) == list(plain)
            for name, value in plain.items():
                assert row[name] == (pytest.approx(value, abs=1e-5) if isinstance(value, float) else value), name

    return checked


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[Any]:
    """Ray with a core for each of two workers, and one for what reads and writes files."""
    ray = pytest.importorskip("ray", reason="Ray is not installed (extra `ray`)")
    variables = {name: environment()[name] for name in ("PYTHONPATH", "HF_HUB_OFFLINE")}
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(
        num_cpus=3,
        include_dashboard=False,
        object_store_memory=2**28,
        log_to_driver=False,
        logging_level="error",
        runtime_env={"env_vars": variables},
    )
    yield ray
    ray.shutdown()


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Spark with two workers of one core, each a process of its own."""
    pytest.importorskip("pyspark", reason="PySpark is not installed (extra `spark`)")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Java is not installed, which Spark runs on")
    from pyspark.sql import SparkSession

    variables = environment(PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        session = (
            SparkSession.builder.master("local-cluster[2,1,1024]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
            .config("spark.scheduler.minRegisteredResourcesRatio", "1.0")
            .config("spark.scheduler.maxRegisteredResourcesWaitingTime", "300s")
            .config("spark.sql.shuffle.partitions", "2")
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("OFF")
        yield session
        session.stop()
