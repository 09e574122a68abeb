"""What a component may read: the state of the text, and the results of the components before it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from .outputs import BridgeOutput


@dataclass
class Context:
    """Grows while a text is read; each component takes from it what its ``inputs`` names.

    Attributes:
        memories: Memory of each task of `labels.TASKS`, by its name; shape ``(batch, kept tokens, hidden)``.
        bias: Importance of each token, added to every cross-attention to tokens; shape ``(batch, 1, 1, kept tokens)``.
        segments: Index of each token's segment, -1 for padding; shape ``(batch, kept tokens)``.
        latents: Latent memory, ``(batch, latents, hidden)``; None where only heads are requested.
        readings: Reading of each component that ran, by its name: a typed output, or a tensor for the components at
            the end.
        tokens: Label tokens of each head that ran, by its name; shape ``(batch, labels, hidden)``.
        bridge: Output of the bridge; None before it ran.
    """

    memories: Mapping[str, Tensor]
    bias: Tensor
    segments: Tensor
    latents: Tensor | None
    readings: dict[str, Any] = field(default_factory=dict)
    tokens: dict[str, Tensor] = field(default_factory=dict)
    bridge: BridgeOutput | None = None


__all__ = ["Context"]
