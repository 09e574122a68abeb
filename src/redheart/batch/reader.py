"""`Reader`: a small picklable object that engines call with batches of rows, and that adds the columns of readings.

    reader = Reader("redheart-100m", outputs=["verdict"])
    reader([{"text": "I lied.", "id": 7}])                     # rows
    dataset.with_format("arrow").map(reader, batched=True)     # datasets
    ray_data.map_batches(Reader, batch_format="pyarrow", ...)  # Ray Data, one model per actor
    frame.mapInPandas(lambda frames: map(reader, frames), ...) # Spark, with `clusters.spark.spark_schema`

Notable: it holds names and options only. A process loads the model when the first batch reaches it, once for all
readers of that model, and keeps it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

from ..configuration.errors import InputError
from ..configuration.inputs import check_batch_size, check_options, check_text
from ..configuration.shipped import DEFAULT_MODEL
from ..loading import load_text_pipeline
from .columns import ERROR, Column, ColumnType, arrow_schema, columns_of
from .frames import texts_of, with_columns
from .reading import read_each

_LOADING = Lock()


@cache
def _load(model: str, device: str | int | None) -> Any:
    return load_text_pipeline(model, device)


def pipeline_of(model: str, device: str | int | None = None) -> Any:
    """The pipeline of a model, loaded on first use in this process; raises as `load_text_pipeline`."""
    with _LOADING:
        return _load(model, device)


@dataclass(frozen=True)
class Reader:
    """Reads the texts of a batch: the same rows in the same order, with the columns of the readings and `ERROR`.

    A row whose text cannot be read has the reason under `ERROR`, where the others have null, and null in all other new
    columns. What holds for the whole batch or model (no such column, no such model) is raised.

    Attributes:
        model: A shipped checkpoint, a folder, or a Hugging Face Hub id; also a classifier.
        outputs: Names in `labels.OUTPUTS`; None for all that the model gives but the long embedding.
        column: Name of the column with the texts.
        depth: "full" or "fast".
        token_budget: Maximum number of tokens that are kept after the backbone; None takes the config's.
        include_untrained: Also give values that no training data supervised.
        batch_size: Texts that are read together.
        device: Where the model is, as in transformers' `pipeline`; None for the first GPU, else the CPU.
    """

    model: str = DEFAULT_MODEL
    outputs: Sequence[str] | None = None
    column: str = "text"
    depth: str = "full"
    token_budget: int | None = None
    include_untrained: bool = False
    batch_size: int = 8
    device: str | int | None = None

    def __post_init__(self) -> None:
        self.options()
        check_batch_size(self.batch_size)
        if not isinstance(self.column, str):
            raise InputError(f"`column` must be the name of a column, got {self.column!r}.")

    def options(self) -> dict[str, Any]:
        """The checked options of a call of the pipeline; raises `InputError` as `check_options`."""
        names = ("outputs", "depth", "token_budget", "include_untrained")
        return check_options({name: getattr(self, name) for name in names})

    def pipeline(self) -> Any:
        """The pipeline that it reads with; loads the model."""
        return pipeline_of(self.model, self.device)

    def columns(self) -> list[Column]:
        """The columns that it adds, without `ERROR`; loads the model."""
        return columns_of(self.pipeline().model.config, self.outputs, self.depth)

    def schema(self) -> Any:
        """The Arrow schema of what it adds, with `ERROR` (`columns.arrow_schema`); loads the model."""
        return arrow_schema(self.pipeline().model.config, self.outputs, self.depth)

    def types(self) -> dict[str, ColumnType]:
        """Name -> type of the columns that it adds, with `ERROR`; loads the model."""
        return {column.name: column.type for column in self.columns()} | {ERROR: "text"}

    def read(self, texts: Sequence[Any]) -> dict[str, list[Any]]:
        """Read texts.

        Args:
            texts: The texts; what is not a text gets an error.

        Returns:
            The values of each column that it adds, in the order of ``texts``.
        """
        columns = self.columns()
        found: list[dict[str, Any] | Exception] = [_refused(text) for text in texts]
        # Texts of about one length together, so that little is padded.
        waiting = sorted((n for n, text in enumerate(texts) if not found[n]), key=lambda n: len(texts[n]))
        for start in range(0, len(waiting), self.batch_size):
            places = waiting[start : start + self.batch_size]
            readings = read_each(self.pipeline(), [texts[place] for place in places], self.options())
            for place, reading in zip(places, readings, strict=True):
                found[place] = reading
        values: dict[str, list[Any]] = {
            column.name: [None if isinstance(one, Exception) else column.value(one) for one in found]
            for column in columns
        }
        return values | {ERROR: [str(one) if isinstance(one, Exception) else None for one in found]}

    def __call__(self, batch: Any) -> Any:
        """Read a batch.

        Args:
            batch: A list of rows, a mapping of columns (lists or arrays), or a table of pyarrow or pandas.

        Returns:
            The batch in the same form, with more columns; a column of that name is renamed (`columns.kept_name`).

        Raises:
            InputError: For a batch of another form, and for one without the column of the texts.
        """
        return with_columns(batch, self.read(texts_of(batch, self.column)), self.types())


def _refused(text: Any) -> dict[str, Any] | Exception:
    """Why a text cannot be read; empty if it can."""
    try:
        check_text(text)
    except ValueError as error:
        return error
    return {}


__all__ = ["Reader", "pipeline_of"]
