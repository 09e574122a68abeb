"""Confidence and embedding: the expected loss of each part of a reading, and a vector of the text."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..configuration.component_sizes import FeedForwardSize, ScorerSize
from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.labels import RATED
from .context import Context
from .emotion import arc_text_logits
from .layers import Decoder, FeedForward, QueryTokens, Readout, RMSNorm
from .outputs import BridgeOutput, EmotionOutput, VerdictOutput


class SweetSpotNetwork(nn.Module):
    """Predicts the loss of each part of the reading for this text (Yoo & Kweon 2019, arXiv:1905.03677).

    Emotions and verdict are distributions, and the entropy of a distribution is the loss that it expects, which is
    right as far as it is calibrated (Gneiting & Raftery 2007). For these parts the network learns a correction to it.

    Reads states and distributions without a gradient to them: predicting a loss must not change it.
    """

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__()
        size = config.size_of("sweet_spot", ScorerSize)
        self.queries = QueryTokens(config, len(RATED))
        self.decoder = Decoder(config, size)
        self.readout = Readout(config, size.readout, len(RATED))

    def inputs(self, context: Context) -> tuple[Any, ...]:
        """Return the bridge's output, the latents, and the emotions."""
        return context.bridge, context.latents, context.readings["emotion_analyzer"]

    def forward(self, bridge: BridgeOutput, latents: Tensor, emotion: EmotionOutput) -> Tensor:
        """Predict the losses.

        Args:
            bridge: The bridge's output.
            latents: Latent memory of the text; shape ``(batch, latents, hidden)``.
            emotion: The emotion analyzer's reading.

        Returns:
            The expected loss of each of ``labels.RATED``, not below 0; shape ``(batch, 13)``.
        """
        memory = torch.cat((bridge.states, bridge.joint.unsqueeze(1), latents), dim=1).detach()
        tokens = self.decoder(self.queries(memory.shape[0]), memory)
        learned = self.readout(tokens).squeeze(-1)
        return F.softplus(learned + _entropy_baseline(emotion, bridge.verdict).to(learned.dtype))


def _entropy_baseline(emotion: EmotionOutput, verdict: VerdictOutput) -> Tensor:
    """Compute the entropies of the distributions, brought to the scale before the softplus.

    Returns:
        The entropies of the emotions, of the arc and of the verdict, the last also for the other parts that are about
        its votes; 0 for all other parts; shape ``(batch, 13)``.
    """
    votes = verdict.logits.detach().float()
    entropies = {
        "emotion": _binary_entropy(emotion.logits),
        "arc": _binary_entropy(arc_text_logits(emotion)),
        **dict.fromkeys(("verdict", "surd", "perspectives"), -(votes.softmax(-1) * votes.log_softmax(-1)).sum(-1)),
    }
    before = {name: _inverse_softplus(entropy.clamp(min=1e-4)) for name, entropy in entropies.items()}
    return torch.stack([before.get(name, votes.new_zeros(votes.shape[0])) for name in RATED], dim=1)


def _inverse_softplus(value: Tensor) -> Tensor:
    # log(exp(value) - 1), precise near 0 also in ONNX, which has no expm1.
    return value / 2 + torch.log(2 * torch.sinh(value / 2))


def _binary_entropy(logits: Tensor) -> Tensor:
    """Return the mean entropy of the labels, in nats (batch,), from logits (batch, labels)."""
    logits = logits.detach().float()
    return (logits.sigmoid() * F.softplus(-logits) + (-logits).sigmoid() * F.softplus(logits)).mean(dim=-1)


class EmbeddingProjector(nn.Module):
    """Projects the latents' mean to the text embedding."""

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__()
        self.norm = RMSNorm(config)
        self.feed_forward = FeedForward(config, config.size_of("projector", FeedForwardSize).intermediate)

    def inputs(self, context: Context) -> tuple[Any, ...]:
        """Return the latents."""
        return (context.latents,)

    def forward(self, latents: Tensor) -> Tensor:
        """Return embeddings of length 1 (batch, hidden) from ``latents`` (batch, latents, hidden)."""
        pooled = latents.mean(dim=1)
        return F.normalize(pooled + self.feed_forward(self.norm(pooled)), dim=-1)


__all__ = ["EmbeddingProjector", "SweetSpotNetwork"]
