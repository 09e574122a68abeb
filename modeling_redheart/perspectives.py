"""Perspectives: the same case judged by its narrator and by the other side; the verdict is the community's view."""

from torch import Tensor

from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.labels import PERSPECTIVES, VERDICTS
from .heads import Reader
from .layers import Readout
from .outputs import PerspectivesOutput


class MoralPerspectives(Reader):
    """A token per perspective, each with a distribution over the verdicts."""

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__(config, "perspectives", len(PERSPECTIVES))
        self.readout = Readout(config, self.size.readout, len(PERSPECTIVES), values=len(VERDICTS))

    def forward(self, latents: Tensor) -> PerspectivesOutput:
        """latents: (batch, latents, hidden)."""
        tokens, state = self.read(latents)
        return PerspectivesOutput(verdict_logits=self.readout(tokens), state=state)


__all__ = ["MoralPerspectives"]
