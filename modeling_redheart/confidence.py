"""Confidence and embedding: what the reading may cost if believed, and where the text lies among others."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.labels import RATED
from .layers import Decoder, FeedForward, QueryTokens, Readout, RMSNorm
from .outputs import BridgeOutput


class SweetSpotNetwork(nn.Module):
    """Predicts the loss of each part of the reading for this text (Yoo & Kweon 2019, arXiv:1905.03677).

    Reads the states without a gradient to them: predicting a loss must not change it.
    """

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__()
        size = config.size_of("sweet_spot")
        self.queries = QueryTokens(config, len(RATED))
        self.decoder = Decoder(config, size)
        self.readout = Readout(config, size.readout, len(RATED))

    def forward(self, bridge: BridgeOutput, latents: Tensor) -> Tensor:
        """Returns the expected loss of each of ``labels.RATED``: (batch, 13), not below 0."""
        memory = torch.cat((bridge.states, bridge.joint.unsqueeze(1), latents), dim=1).detach()
        tokens = self.decoder(self.queries(len(memory)), memory)
        return F.softplus(self.readout(tokens).squeeze(-1))


class EmbeddingProjector(nn.Module):
    """Projects the latents' mean to the text embedding."""

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__()
        self.norm = RMSNorm(config)
        self.feed_forward = FeedForward(config, config.size_of("projector").intermediate)

    def forward(self, latents: Tensor) -> Tensor:
        """latents: (batch, latents, hidden). Returns (batch, hidden), of length 1."""
        pooled = latents.mean(dim=1)
        return F.normalize(pooled + self.feed_forward(self.norm(pooled)), dim=-1)


__all__ = ["EmbeddingProjector", "SweetSpotNetwork"]
