"""Perspectives: the same case judged by its narrator and by the other side; the verdict is the community's view."""

from typing import Any

from torch import Tensor

from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.labels import PERSPECTIVES, VERDICTS
from .context import Context
from .heads import Reader
from .layers import Readout
from .outputs import PerspectivesOutput


class MoralPerspectives(Reader):
    """A token per perspective, each with a distribution over the verdicts.

    Checkpoints of an early version have one token more (``config.perspective_tokens``), which the others attend to and
    which is not read out.
    """

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__(config, "perspectives", config.perspective_tokens)
        self.readout = Readout(config, self.size.readout, len(PERSPECTIVES), values=len(VERDICTS))

    def inputs(self, context: Context) -> tuple[Any, ...]:
        """Return the latents."""
        return (context.latents,)

    def forward(self, latents: Tensor) -> PerspectivesOutput:
        """Return the verdict of each perspective from ``latents`` (batch, latents, hidden)."""
        tokens, state = self.read(latents)
        return PerspectivesOutput(verdict_logits=self.readout(tokens[:, : len(PERSPECTIVES)]), state=state)


__all__ = ["MoralPerspectives"]
