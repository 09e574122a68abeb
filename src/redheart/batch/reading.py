"""Readings of several texts, in which a text that fails does not fail the others."""

from collections.abc import Sequence
from typing import Any


def read_each(pipe: Any, texts: Sequence[str], options: dict[str, Any]) -> list[dict[str, Any] | Exception]:
    """Read checked texts together; after a failure one by one, so that only the faulty one fails.

    Args:
        pipe: An `EthicalAnalysisPipeline`.
        texts: The texts of one batch.
        options: Options of the call of the pipeline.

    Returns:
        For each text its reading, or the error of reading it.
    """
    if not texts:
        return []
    try:
        return list(pipe(list(texts), batch_size=len(texts), **options))
    except (ValueError, RuntimeError) as error:
        if len(texts) == 1:
            return [error]
    return [read_each(pipe, [text], options)[0] for text in texts]


__all__ = ["read_each"]
