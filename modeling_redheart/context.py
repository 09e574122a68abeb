"""What a component may read: what the text gives, and what the components before it made of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from .outputs import BridgeOutput


@dataclass
class Context:
    """Grows while a text is read; each component takes from it what its ``inputs`` names."""

    memories: Mapping[str, Tensor]
    """Task of `labels.TASKS` -> (batch, kept tokens, hidden)."""
    bias: Tensor
    """(batch, 1, 1, kept tokens), the importance of each token, added to every cross-attention to tokens."""
    segments: Tensor
    """(batch, kept tokens), index of each token's segment, -1 for padding."""
    latents: Tensor | None
    """(batch, latents, hidden); None where only heads are asked for."""
    readings: dict[str, Any] = field(default_factory=dict)
    """Component that ran -> what it read, a typed output, or a tensor of those at the end."""
    tokens: dict[str, Tensor] = field(default_factory=dict)
    """Head that ran -> its label tokens (batch, labels, hidden)."""
    bridge: BridgeOutput | None = None
    """What the bridge made of the states; None before it ran."""


__all__ = ["Context"]
