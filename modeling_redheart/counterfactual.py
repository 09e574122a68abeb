"""Counterfactual reasoner: a better and a worse view besides the actual one."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.labels import VIEWS
from .context import Context
from .heads import Reader
from .layers import Readout
from .outputs import CounterfactualOutput


class NeuralCounterfactualReasoner(Reader):
    """A token per view (upward, factual, downward: Roese 1997), each with its utility and plausibility.

    It reads the tokens of the text, not its latents: what could have been turns on a word. In checkpoints of an early
    version it reads the latents (``config.counterfactual_reads``).
    """

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__(config, "counterfactual_reasoner", len(VIEWS))
        self.readout = Readout(config, self.size.readout, len(VIEWS), values=2)
        self.reads_latents = config.counterfactual_reads == "latents"

    def inputs(self, context: Context) -> tuple[Any, ...]:
        """Return the memory of the reasoning task and the importance of its tokens; or the latents."""
        return (context.latents,) if self.reads_latents else (context.memories["reasoning"], context.bias)

    def forward(self, memory: Tensor, bias: Tensor | None = None) -> CounterfactualOutput:
        """Read the three views.

        Args:
            memory: What is read; shape ``(batch, tokens, hidden)``.
            bias: Importance of its tokens, ``(batch, 1, 1, tokens)``; None for latents.

        Returns:
            Utility and plausibility of each view.
        """
        tokens, state = self.read(memory, bias)
        values, plausibility = self.readout(tokens).unbind(-1)
        gain, actual, loss = values.unbind(-1)
        logits = torch.stack((actual + F.softplus(gain), actual, actual - F.softplus(loss)), dim=-1)
        return CounterfactualOutput(
            utility=logits.tanh(), utility_logits=logits, plausibility_logits=plausibility, views=tokens, state=state
        )


__all__ = ["NeuralCounterfactualReasoner"]
