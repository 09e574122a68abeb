"""The schema of what Spark gets from a `batch.Reader`.

    frame.mapInPandas(lambda batches: map(reader, batches), spark_schema(reader, frame.schema))

Notable: Spark wants to know all columns before anything is read. Those of the readings are the columns of
`batch.columns`, in the types of Spark that their Arrow types stand for.
"""

from typing import TYPE_CHECKING, Any

from ..batch import Reader
from ..batch.columns import kept_name
from ..batch.frames import check_column
from ..configuration.extras import missing

if TYPE_CHECKING:
    from pyspark.sql.types import StructType


def spark_schema(reader: Reader, kept: "StructType") -> "StructType":
    """The schema of a data frame that ``reader`` has read; loads the model in this process.

    Args:
        reader: What `mapInPandas` or `mapInArrow` maps over the batches.
        kept: The schema of the data frame with the texts.

    Returns:
        Its columns (`columns.kept_name`), those of the readings, and `columns.ERROR`; each of the latter can be null.

    Raises:
        InputError: For a data frame without the column of the texts, and as `Reader.schema`.
        MissingPackageError: When PySpark is not installed.
    """
    from_arrow_schema, types = _pyspark()
    check_column(reader.column, kept.names)
    new = from_arrow_schema(reader.schema())
    own = (types.StructField(kept_name(field.name, new.names), field.dataType, field.nullable) for field in kept)
    found: StructType = types.StructType([*own, *new])
    return found


def _pyspark() -> Any:
    """`from_arrow_schema` and the types of PySpark; `MissingPackageError` with the remedy where it is not installed."""
    try:
        from pyspark.sql import types
        from pyspark.sql.pandas.types import from_arrow_schema
    except ImportError as error:
        raise missing("Data frames of Spark need PySpark", "spark") from error
    return from_arrow_schema, types


__all__ = ["spark_schema"]
