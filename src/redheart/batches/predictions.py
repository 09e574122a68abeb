"""What a reading says about each target, in the form in which the target is given: probabilities, scores, levels."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..configuration.labels import VIEWS

ARC = "arc"


def values_of(reading: Any) -> dict[str, Tensor]:
    """The values of a whole reading, (texts, ...) each, before what a mean over a text's windows must precede."""
    arc = reading.emotion.arc_logits.masked_fill(~reading.emotion.arc_mask.bool().unsqueeze(-1), -torch.inf)
    return {
        "emotion": reading.emotion.logits,
        ARC: arc.amax(dim=1),
        "intensity": reading.emotion.intensity,
        "nuance": reading.emotion.nuance_logits,
        "affect": reading.emotion.affect,
        "bentham": reading.bentham.mean,
        "utility": reading.counterfactual.utility,
        "utility_logits": reading.counterfactual.utility_logits,
        "regret": reading.regret.scores,
        "plausibility": reading.counterfactual.plausibility_logits,
        "verdict": reading.verdict.logits,
        "acceptability": reading.verdict.acceptability_logits,
        "perspectives": reading.perspectives.verdict_logits,
        "expected_loss": reading.expected_loss,
    }


def by_target(values: Mapping[str, Tensor], temperature: float) -> dict[str, Tensor]:
    """Target -> prediction, (texts, ...) each. temperature: of the verdict, from the config."""
    actual = VIEWS.index("actual")
    return {
        "emotion_labels": values["emotion"].sigmoid(),
        "intensity_labels": values["intensity"],
        # The expected level: the sum over k of P(level >= k).
        "nuance_labels": values["nuance"].sigmoid().sum(dim=-1),
        "affect_labels": values["affect"],
        "bentham_labels": values["bentham"],
        "utility_labels": values["utility"],
        "utility_pair_labels": values["utility_logits"][:, actual],
        "regret_labels": values["regret"],
        "branch_pair_labels": values["utility_logits"][:, actual],
        "plausibility_labels": values["plausibility"].sigmoid(),
        "verdict_labels": (values["verdict"] / temperature).softmax(dim=-1),
        "acceptability_labels": values["acceptability"].sigmoid(),
        "acceptability_pair_labels": values["acceptability"],
        "perspective_labels": values["perspectives"].softmax(dim=-1),
    }


__all__ = ["ARC", "by_target", "values_of"]
