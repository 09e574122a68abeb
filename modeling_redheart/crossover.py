"""Layer crossover: gives each task its own mixture of the backbone's layers."""

import torch
import torch.nn.functional as F
from torch import nn

from ..configuration.component_sizes import ScorerSize
from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.labels import TASKS
from .layers import EncoderLayer, Linear, QueryTokens, RMSNorm, unit_rms
from .outputs import BackboneOutput, CrossoverOutput


class LayerCrossover(nn.Module):
    """Reads a summary of each layer's states and weights the layers for each task.

    A mixture of layers as in ELMo (Peters et al. 2018, arXiv:1802.05365), with weights that depend on the text.
    """

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__()
        size = config.size_of("layer_crossover", ScorerSize)
        self.config = config
        self.layer_tokens = QueryTokens(config, config.num_layer_states)
        self.layers = nn.ModuleList(EncoderLayer(config, size.heads, size.intermediate) for _ in range(size.layers))
        self.norm = RMSNorm(config)
        self.hidden = Linear(config.hidden_size, size.readout)
        self.score = Linear(size.readout, len(TASKS), bias=False)  # a bias would vanish in the softmax over layers

    def forward(self, backbone: BackboneOutput) -> CrossoverOutput:
        """Mix the layers and add each task's projected state.

        Args:
            backbone: The backbone's output: states of every layer and of every task, and the mask.

        Returns:
            The memory of each task, of unit root mean square, and the mixture of layers that made it.
        """
        states, mask = backbone.layer_states, backbone.mask
        weight = mask[:, None, :, None].to(states.dtype)
        summaries = (states * weight).sum(dim=2) / weight.sum(dim=2).clamp(min=1)
        tokens = summaries + self.layer_tokens(states.shape[0])
        for layer in self.layers:
            tokens, _ = layer(tokens)
        scores = self.score(F.gelu(self.hidden(self.norm(tokens))))
        mixture = scores.softmax(dim=1).transpose(1, 2)
        mixed = torch.einsum("bkl,bltd->bktd", mixture, states)
        return CrossoverOutput(memories=unit_rms(mixed + backbone.task_states, self.config.norm_eps), mixture=mixture)


__all__ = ["LayerCrossover"]
