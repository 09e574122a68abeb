"""The kinds of components, by the sizes that each takes: one small dataclass per kind, all positive integers.

Notable: a size that a kind does not have is an `AttributeError`. Widths are in features; ``heads`` are attention heads,
each ``config.head_dim`` wide; ``layers`` are decoder or encoder layers.
"""

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar


def _at_least(number: int) -> Any:
    """A size that must be ``number`` or more."""
    return field(metadata={"least": number})


@dataclass(frozen=True)
class ComponentSize:
    """The sizes of one component."""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names of the sizes, as in ``RedHeartConfig.components[component]``."""
        return tuple(item.name for item in fields(cls))

    @classmethod
    def least(cls, name: str) -> int:
        """The smallest number that the size ``name`` may be."""
        return int(next(item.metadata.get("least", 1) for item in fields(cls) if item.name == name))


@dataclass(frozen=True)
class EncoderBackboneSize(ComponentSize):
    """The projections above a text encoder of transformers (``encoder_config``).

    Attributes:
        projection: Width of the low-rank projection of each task.
    """

    projection: int


@dataclass(frozen=True)
class BackboneSize(EncoderBackboneSize):
    """The native backbone: projections, adaptive norms, and the summary that feeds the norms.

    Attributes:
        projection: Width of the low-rank projection of each task.
        norm_rank: Rank of the adaptive norms.
        summary: Width of the summary.
        summary_heads: Attention heads of the summary; they divide ``hidden_size``.
    """

    norm_rank: int
    summary: int
    summary_heads: int


@dataclass(frozen=True)
class OneLayerSize(ComponentSize):
    """One decoder layer.

    Attributes:
        layers: Always 1.
        heads: Number of attention heads.
        intermediate: Width of the gated feed-forward.
    """

    layers: ClassVar[int] = 1
    heads: int
    intermediate: int


@dataclass(frozen=True)
class DecoderSize(ComponentSize):
    """A stack of encoder or decoder layers.

    Attributes:
        layers: Number of layers.
        heads: Number of attention heads.
        intermediate: Width of the gated feed-forward.
    """

    layers: int
    heads: int
    intermediate: int


@dataclass(frozen=True)
class ScorerSize(DecoderSize):
    """A stack that ends in scores: a `DecoderSize` and its read-out.

    Attributes:
        readout: Width of the read-out's hidden layer.
    """

    readout: int


# Where a size must be 2 or more: attention over a single token, and a choice among one, are constant, and their weights
# would never have a gradient.


@dataclass(frozen=True)
class TokenBudgetSize(DecoderSize):
    """A stack whose queries score the tokens: a `DecoderSize` with registers and a read-out.

    Attributes:
        registers: Learned queries of the text; at least 2.
        readout: Width in which queries and tokens are compared.
    """

    registers: int = _at_least(2)
    readout: int = _at_least(1)


@dataclass(frozen=True)
class LatentsSize(DecoderSize):
    """A stack that fills latents: a `DecoderSize` with latents.

    Attributes:
        latents: Number of latents; at least 2.
    """

    latents: int = _at_least(2)


@dataclass(frozen=True)
class ReaderSize(DecoderSize):
    """A stack of decoder layers that ends in a read-out and a state: every head and analyzer.

    Attributes:
        registers: Learned tokens that carry the state.
        readout: Width of the read-out's hidden layer.
        state: Width of the bottleneck through which the state reaches the bridge.
    """

    registers: int
    readout: int
    state: int


@dataclass(frozen=True)
class RecurrentReaderSize(ReaderSize):
    """A reader with a recurrence below it: a `ReaderSize` and the recurrence.

    Attributes:
        recurrent: Width of one direction.
    """

    recurrent: int


@dataclass(frozen=True)
class CacheSize(ComponentSize):
    """Learned prototypes, and how many of them are looked up.

    Attributes:
        prototypes: Number of prototypes; at least 2.
        neighbours: How many of them are looked up; at least 2, at most ``prototypes``.
    """

    prototypes: int = _at_least(2)
    neighbours: int = _at_least(2)


@dataclass(frozen=True)
class FeedForwardSize(ComponentSize):
    """A gated feed-forward alone.

    Attributes:
        intermediate: Its width.
    """

    intermediate: int


__all__ = [
    "BackboneSize",
    "CacheSize",
    "ComponentSize",
    "DecoderSize",
    "EncoderBackboneSize",
    "FeedForwardSize",
    "LatentsSize",
    "OneLayerSize",
    "ReaderSize",
    "RecurrentReaderSize",
    "ScorerSize",
    "TokenBudgetSize",
]
