"""The chart of an output without a chart of its own: a bar for each of its values."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from ..configuration.claims import CLAIMS, OUTPUTS, Claim
from .charts import Reading, mark, row
from .drawing import bar, element
from .interface import Words

# Outputs that have a chart of their own, or whose numbers say nothing to a reader.
_DRAWN = (
    "emotion", "bentham", "regret", "counterfactual", "surd", "perspectives", "verdict", "confidence", "embedding",
)  # fmt: skip


def plain_charts(reading: Reading, words: Words) -> Iterator[tuple[str, str]]:
    """Draw the outputs of a reading that have no chart of their own.

    Args:
        reading: A reading of the pipeline.
        words: The texts of the page.

    Yields:
        Title and chart of each such output.
    """
    for output in OUTPUTS:
        if output in _DRAWN or output not in reading:
            continue
        claims = [claim for claim in CLAIMS.values() if claim.output == output]
        lines: list[str] = []
        for claim in claims:
            part = reading[output] if len(claims) == 1 else reading[output].get(claim.name, {})
            lines += _lines(reading, claim, claim.name, part, words)
        yield words.name("part", output), element("ul", *lines, class_="rows")


def _lines(reading: Reading, claim: Claim, key: str, part: Any, words: Words) -> list[str]:
    if isinstance(part, Mapping):
        return [line for name, value in part.items() for line in _lines(reading, claim, f"{key}.{name}", value, words)]
    low, _ = claim.span(key.rpartition(".")[2])
    title = escape(words.claim(key)) + mark(reading, key, words)
    return [row(title, bar(part, float(low)), words.signed(part) if low < 0 else f"{part:.2f}")]


__all__ = ["plain_charts"]
