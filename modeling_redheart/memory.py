"""Latent memory: compresses the tokens to a fixed number of latents, which every analyzer reads."""

from torch import Tensor, nn

from ..configuration.component_sizes import LatentsSize
from ..configuration.configuration_redheart import RedHeartConfig
from .layers import Decoder, QueryTokens


class LatentMemory(nn.Module):
    """Learned latents that attend to the tokens (Perceiver, Jaegle et al. 2021, arXiv:2103.03206).

    The cost of the analyzers does not grow with the text.
    """

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__()
        size = config.size_of("latent_memory", LatentsSize)
        self.latents = QueryTokens(config, size.latents)
        self.decoder = Decoder(config, size)

    def forward(self, memory: Tensor, bias: Tensor) -> Tensor:
        """Compress the tokens.

        Args:
            memory: Memory of the tokens; shape ``(batch, tokens, hidden)``.
            bias: Importance of the tokens; shape ``(batch, 1, 1, tokens)``.

        Returns:
            The latents; shape ``(batch, latents, hidden)``.
        """
        latents: Tensor = self.decoder(self.latents(memory.shape[0]), memory, bias)
        return latents


__all__ = ["LatentMemory"]
