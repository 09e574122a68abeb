"""Bentham calculator: ten dimensions of pleasure and pain, each with its uncertainty."""

from typing import Any

import torch
from torch import Tensor

from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.labels import BENTHAM
from .context import Context
from .heads import Reader, bentham_range
from .layers import Readout
from .outputs import BenthamOutput

# Log-variances are kept in this range: standard deviations of 0.02 to 2.7 on scales of width 1 or 2.
_LOG_VARIANCE_RANGE = (-8.0, 2.0)


class NeuralBenthamCalculator(Reader):
    """A token per dimension, refined over the latents of the text.

    The uncertainty is heteroscedastic (Kendall & Gal 2017, arXiv:1703.04977): a variance for each text and dimension.
    """

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__(config, "bentham_calculator", len(BENTHAM))
        self.readout = Readout(config, self.size.readout, len(BENTHAM), values=2)

    def inputs(self, context: Context) -> tuple[Any, ...]:
        """Return the head's reading and label tokens, and the latents."""
        return context.readings["bentham_head"], context.tokens["bentham_head"], context.latents

    def forward(self, head: BenthamOutput, label_tokens: Tensor, latents: Tensor) -> BenthamOutput:
        """Refine the head's reading.

        Args:
            head: The head's reading.
            label_tokens: The head's tokens; shape ``(batch, 10, hidden)``.
            latents: Latent memory of the text; shape ``(batch, latents, hidden)``.

        Returns:
            The refined reading, with its uncertainty.
        """
        tokens, state = self.read(latents, start=label_tokens)
        change, log_variance = self.readout(tokens).unbind(-1)
        logits = head.logits + change
        low, high = _LOG_VARIANCE_RANGE
        return BenthamOutput(
            mean=bentham_range(logits),
            logits=logits,
            log_variance=low + (high - low) * torch.sigmoid(log_variance),
            state=state,
        )


def felicific_value(scores: Tensor) -> Tensor:
    """Compute the value of a pleasure (above 0) or pain (below 0) from its ten dimensions.

    The value is:

        valence * intensity * duration * certainty * propinquity * (1 + fecundity)/2 * (1 + purity)/2
        * (1 + extent)/2 * (1 + vulnerability)/2

    The first four circumstances belong to the feeling itself: without one of them there is none, so they multiply. The
    others raise what is there, up to twofold. The size of the value grows with each factor, its sign is the valence's.
    Intentionality does not change it: it bears on the agent's blame, not on what is felt (Bentham, ch. VIII-IX).

    Args:
        scores: Of the ten dimensions, in the order of ``labels.BENTHAM`` and in their ranges; shape ``(..., 10)``.

    Returns:
        The value, -1..1; shape ``(...,)``.

    Raises:
        ValueError: When the last dimension is not 10.
    """
    if scores.shape[-1] != len(BENTHAM):
        raise ValueError(f"felicific_value needs {len(BENTHAM)} scores ({', '.join(BENTHAM)}), got {scores.shape[-1]}.")
    score = dict(zip(BENTHAM, scores.unbind(-1), strict=True))
    value = score["valence"]
    for name in ("intensity", "duration", "certainty", "propinquity"):
        value = value * score[name]
    for name in ("fecundity", "purity", "extent", "vulnerability"):
        value = value * (1 + score[name]) / 2
    return value


__all__ = ["NeuralBenthamCalculator", "felicific_value"]
