"""SURD: splits the information of several sources about the verdict into synergistic, unique and redundant parts.

Method: Martinez-Sanchez, Arranz & Lozano-Duran, Nature Communications 2024. Notable: the analyzer is a probe. It reads
the sources without a gradient to them, so that measuring does not shape what is measured.
"""

import math
from typing import Any

import torch
from torch import Tensor

from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.labels import SURD, SURD_SOURCES, VERDICTS
from .context import Context
from .heads import Reader
from .layers import QueryTokens, Readout
from .outputs import SURDOutput

# The analyzer of each source of the decomposition.
_SOURCES = {"emotion": "emotion_analyzer", "bentham": "bentham_calculator", "regret": "regret_analyzer"}


class NeuralSURDAnalyzer(Reader):
    """Predicts the verdict from every subset of the source states, in one masked batch."""

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__(config, "surd_analyzer", labels=1)
        self.nothing = QueryTokens(config, 1)  # always visible: the empty set predicts from it alone
        self.readout = Readout(config, self.size.readout, labels=1, values=len(VERDICTS))

    def inputs(self, context: Context) -> tuple[Any, ...]:
        """Return the states of its sources (batch, 3, hidden)."""
        return (torch.stack([context.readings[_SOURCES[name]].state for name in SURD_SOURCES], dim=1),)

    def forward(self, sources: Tensor) -> SURDOutput:
        """Predict the verdict from every subset and decompose the information.

        Args:
            sources: States in the order of ``labels.SURD_SOURCES``; shape ``(batch, 3, hidden)``.

        Returns:
            The parts, and the prediction from each subset.
        """
        batch = sources.shape[0]
        seen = source_subsets(sources.device)
        memory = torch.cat((self.nothing(batch), sources.detach()), dim=1).repeat_interleave(len(seen), dim=0)
        visible = torch.cat((seen.new_ones(len(seen), 1), seen), dim=1).repeat(batch, 1)
        tokens, states = self.read(memory, visible[:, None, None, :])
        logits = self.readout(tokens).view(batch, len(seen), len(VERDICTS))
        return SURDOutput(
            parts=information_parts(logits.detach()),
            subset_logits=logits,
            state=states.view(batch, len(seen), -1)[:, -1],
        )


def source_subsets(device: torch.device | str = "cpu") -> Tensor:
    """Return every subset of the sources, from empty to full: bool (8, 3); bit i of the row means source i is in it."""
    count = len(SURD_SOURCES)
    subsets = [[subset >> source & 1 == 1 for source in range(count)] for subset in range(2**count)]
    return torch.tensor(subsets, device=device)


def information_parts(subset_logits: Tensor) -> Tensor:
    """Compute synergy, unique and redundant information and the determined share of each text.

    The information of a subset A is KL(p(class | A) || p(class)). Single sources are sorted: what the best one adds
    over the second is unique, all below that is redundant. What a larger set adds over the best smaller one is
    synergy; a set worth less than a smaller one adds nothing. So the three parts sum to the information of the best
    set. Determined is 1 - H(class | all sources) / H(class), not below 0: a share of the whole, separate from the
    three.

    Args:
        subset_logits: A prediction from every subset of n sources, the empty one first; shape
            ``(batch, 2**n, classes)``.

    Returns:
        The first three parts in bits and the share, in the order of ``labels.SURD``; shape ``(batch, 4)``.
    """
    log_p = subset_logits.double().log_softmax(dim=-1)  # float64: the parts are differences of near-equal terms
    information = (log_p.exp() * (log_p - log_p[:, :1])).sum(dim=-1).clamp(min=0) / math.log(2)
    single = information[:, [2**source for source in range(log_p.shape[1].bit_length() - 1)]].sort(dim=-1).values
    top = single[:, -1]
    second = single[:, -2] if single.shape[1] > 1 else torch.zeros_like(top)
    best = information.max(dim=-1).values
    entropy = -(log_p.exp() * log_p).sum(dim=-1)
    determined = (1 - entropy[:, -1] / entropy[:, 0].clamp(min=1e-12)).clamp(0, 1)
    parts = {"synergy": best - top, "unique": top - second, "redundant": second, "determined": determined}
    return torch.stack([parts[name] for name in SURD], dim=-1).to(subset_logits.dtype)


__all__ = ["NeuralSURDAnalyzer", "information_parts", "source_subsets"]
