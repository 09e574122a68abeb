"""The reader in Spark: `mapInPandas` with the schema of the registry, on two workers."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from redheart.batch import Reader
from redheart.clusters.spark import spark_schema
from redheart.configuration.errors import InputError

from .conftest import ROWS

pytestmark = pytest.mark.slow

Check = Callable[[list[dict[str, Any]]], None]


@pytest.fixture(scope="session")
def verdicts(checkpoint: Path) -> Reader:
    return Reader(str(checkpoint), outputs=["verdict"])


@pytest.fixture(scope="session")
def frame(spark: Any) -> Any:
    """`ROWS` in six partitions."""
    rows = [(row["id"], row["text"]) for row in ROWS]
    return spark.createDataFrame(spark.sparkContext.parallelize(rows, 6), "id long, text string")


def over(read: Reader) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """What Spark maps; it wants a function with a signature, which `partial(map, read)` is not."""
    return lambda batches: map(read, batches)


def dicts(frame: Any) -> list[dict[str, Any]]:
    return [row.asDict() for row in frame.collect()]


def test_the_schema_is_that_of_the_registry(verdicts: Reader, frame: Any) -> None:
    from pyspark.sql.types import BooleanType, FloatType, IntegerType, LongType, StringType, StructType

    schema = spark_schema(verdicts, frame.schema)
    assert schema.names == ["id", "text", *verdicts.types()]
    kinds = {"float": FloatType(), "integer": IntegerType(), "flag": BooleanType(), "text": StringType()}
    assert [schema[name].dataType for name in verdicts.types()] == [kinds[kind] for kind in verdicts.types().values()]
    assert all(schema[name].nullable for name in verdicts.types())
    taken = StructType().add("error", LongType(), nullable=False).add("text", StringType())
    assert spark_schema(verdicts, taken).names[:2] == ["input.error", "text"]
    assert not spark_schema(verdicts, taken)["input.error"].nullable


def test_a_frame_without_the_column_is_refused_before_anything_runs(frame: Any) -> None:
    with pytest.raises(InputError, match="no column 'txt'; did you mean 'text'"):
        spark_schema(Reader("no-such-model", column="txt"), frame.schema)


def test_rows_keep_their_order_and_ids_and_each_worker_loads_once(verdicts: Reader, frame: Any, check: Check) -> None:
    from redheart.batch import reader

    def noted(frames: Iterator[Any]) -> Iterator[Any]:
        import os

        for found in map(verdicts, frames):
            yield found.assign(process=os.getpid(), loads=reader._load.cache_info().misses)

    schema = spark_schema(verdicts, frame.schema).add("process", "long").add("loads", "long")
    rows = dicts(frame.mapInPandas(noted, schema))
    assert len({row.pop("process") for row in rows}) == 2
    assert {row.pop("loads") for row in rows} == {1}
    assert [row["id"] for row in rows] == [row["id"] for row in ROWS]
    check(rows)


def test_a_killed_worker_and_a_killed_executor_leave_nothing_out_and_nothing_twice(
    spark: Any, verdicts: Reader, frame: Any, check: Check, tmp_path: Path
) -> None:
    folder, marks = tmp_path / "readings", tmp_path

    def dying(frames: Iterator[Any]) -> Iterator[Any]:
        import os
        import signal

        for given in frames:
            yield verdicts(given)
            for number, mark in ((30, marks / "worker"), (60, marks / "executor")):
                if number in set(given["id"]) and not mark.exists():
                    mark.touch()
                    daemon = os.getppid()
                    parent = int(Path(f"/proc/{daemon}/stat").read_text().rpartition(")")[2].split()[1])
                    os.kill(os.getpid() if mark.name == "worker" else parent, signal.SIGKILL)

    frame.mapInPandas(dying, spark_schema(verdicts, frame.schema)).write.parquet(str(folder))
    assert (tmp_path / "worker").exists()
    assert (tmp_path / "executor").exists()
    assert (folder / "_SUCCESS").exists()
    check(dicts(spark.read.parquet(str(folder))))


def test_a_job_that_fails_for_good_leaves_what_was_written_before(
    spark: Any, verdicts: Reader, frame: Any, check: Check, tmp_path: Path
) -> None:
    """Each attempt at one partition dies, as where a machine has too little memory; the table of before stays."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    folder = tmp_path / "readings"
    schema = spark_schema(verdicts, frame.schema)

    def dying(frames: Iterator[Any]) -> Iterator[Any]:
        import os
        import signal

        for given in frames:
            if 30 in set(given["id"]):
                os.kill(os.getpid(), signal.SIGKILL)
            yield verdicts(given)

    with pytest.raises((PySparkException, Py4JError), match="Python worker exited unexpectedly"):
        frame.mapInPandas(dying, schema).write.parquet(str(folder))
    assert not (folder / "_SUCCESS").exists()
    frame.mapInPandas(over(verdicts), schema).write.mode("overwrite").parquet(str(folder))
    check(dicts(spark.read.parquet(str(folder))))


def test_numbers_that_are_null_in_some_rows_are_kept_to_the_last_digit(spark: Any, verdicts: Reader) -> None:
    """By `mapInArrow`, or with pandas' own integers; by default pandas makes such a column one of floats."""
    many = 2**53 + 1
    given = spark.createDataFrame([(many, "I lied."), (None, "")], "id long, text string").coalesce(1)
    schema = spark_schema(verdicts, given.schema)
    found = given.mapInArrow(over(verdicts), schema).collect()
    assert [(row["id"], row["error"] is None) for row in found] == [(many, True), (None, False)]
    spark.conf.set("spark.sql.execution.pythonUDF.pandas.preferIntExtensionDtype", "true")
    try:
        assert [row["id"] for row in given.mapInPandas(over(verdicts), schema).collect()] == [many, None]
    finally:
        spark.conf.unset("spark.sql.execution.pythonUDF.pandas.preferIntExtensionDtype")


def test_what_is_not_a_text_has_an_error_in_its_row(spark: Any, verdicts: Reader) -> None:
    given = spark.createDataFrame([(5,), (None,)], "text long")
    rows = given.mapInPandas(over(verdicts), spark_schema(verdicts, given.schema)).collect()
    assert all(row["error"] and row["verdict.label"] is None for row in rows)
