"""Regret analyzer: seven types of regret, each against three views of what could have been."""

from typing import Any

from torch import Tensor

from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.labels import REGRET_TYPES, VIEWS
from .context import Context
from .heads import Reader
from .layers import Readout
from .outputs import RegretOutput


class NeuralRegretAnalyzer(Reader):
    """21 tokens, one per type and view; above 0 is regret, below 0 rejoicing (Loomes & Sugden 1982)."""

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__(config, "regret_analyzer", len(REGRET_TYPES) * len(VIEWS))
        self.readout = Readout(config, self.size.readout, len(REGRET_TYPES) * len(VIEWS))

    def inputs(self, context: Context) -> tuple[Any, ...]:
        """Return the head's reading and type tokens, and the latents."""
        return context.readings["regret_head"], context.tokens["regret_head"], context.latents

    def forward(self, head: RegretOutput, type_tokens: Tensor, latents: Tensor) -> RegretOutput:
        """Refine the head's reading.

        Args:
            head: The head's reading.
            type_tokens: The head's tokens; shape ``(batch, 7, hidden)``.
            latents: Latent memory of the text; shape ``(batch, latents, hidden)``.

        Returns:
            The refined reading.
        """
        tokens, state = self.read(latents, start=type_tokens.repeat_interleave(len(VIEWS), dim=1))
        logits = head.logits + self.readout(tokens).view_as(head.logits)
        return RegretOutput(scores=logits.tanh(), logits=logits, state=state)


__all__ = ["NeuralRegretAnalyzer"]
