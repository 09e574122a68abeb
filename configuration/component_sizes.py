"""The kinds of components, by the sizes that each takes: one small dataclass a kind, all positive integers.

Notable: a size that a kind does not have is an `AttributeError`. Widths are in features; ``heads`` are attention heads,
each ``config.head_dim`` wide.
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
    """Above a text encoder of transformers (``encoder_config``)."""

    projection: int
    """Width of the low-rank projection of each task."""


@dataclass(frozen=True)
class BackboneSize(EncoderBackboneSize):
    """The native backbone: also its adaptive norms and the summary that feeds them."""

    norm_rank: int
    summary: int
    summary_heads: int


@dataclass(frozen=True)
class OneLayerSize(ComponentSize):
    """One decoder layer."""

    layers: ClassVar[int] = 1
    heads: int
    intermediate: int
    """Width of the gated feed-forward."""


@dataclass(frozen=True)
class DecoderSize(ComponentSize):
    """A stack of encoder or decoder layers."""

    layers: int
    heads: int
    intermediate: int
    """Width of the gated feed-forward."""


@dataclass(frozen=True)
class ScorerSize(DecoderSize):
    """A stack that ends in scores."""

    readout: int
    """Width of the read-out's hidden layer."""


# Where a size must be 2 or more: attention over a single token, and a choice of one, weigh nothing, and their weights
# would never have a gradient.


@dataclass(frozen=True)
class TokenBudgetSize(DecoderSize):
    """A stack whose queries score the tokens."""

    registers: int = _at_least(2)
    readout: int


@dataclass(frozen=True)
class LatentsSize(DecoderSize):
    """A stack that fills latents."""

    latents: int = _at_least(2)


@dataclass(frozen=True)
class ReaderSize(DecoderSize):
    """A stack of decoder layers that ends in a read-out and a state: every head and analyzer."""

    registers: int
    """Learned tokens that carry the state."""
    readout: int
    """Width of the read-out's hidden layer."""
    state: int
    """Width of the bottleneck through which the state reaches the bridge."""


@dataclass(frozen=True)
class RecurrentReaderSize(ReaderSize):
    """A reader with a recurrence below it."""

    recurrent: int
    """Width of one direction."""


@dataclass(frozen=True)
class CacheSize(ComponentSize):
    """Learned prototypes, and how many of them are looked up."""

    prototypes: int = _at_least(2)
    neighbours: int = _at_least(2)


@dataclass(frozen=True)
class FeedForwardSize(ComponentSize):
    """A gated feed-forward alone."""

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
