"""The predictions of a reading for each target, in the form of the target: probabilities, scores, levels."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..configuration.claims import CLAIMS, RANKINGS, Kind, learned
from ..modeling_redheart.kinds import prediction, tensor_of
from ..modeling_redheart.losses import scores_of

ARC = "arc"


def values_of(reading: Any) -> dict[str, Tensor]:
    """Collect the values of a whole reading, before everything that must follow a mean over a text's windows.

    Args:
        reading: A `RedHeartOutput`.

    Returns:
        Claim -> values, for `ARC` the highest of its segments, and target of a ranking -> scores; (texts, ...) each.
    """
    values = {
        claim.name: tensor_of(reading, claim.tensor)
        for claim in CLAIMS.values()
        if claim.kind not in (Kind.INFORMATION, Kind.RELATIONS)
    }
    if values[ARC] is not None:
        empty = ~reading.emotion.arc_mask.bool().unsqueeze(-1)
        values[ARC] = reading.emotion.arc_logits.masked_fill(empty, -torch.inf).amax(dim=1)
    values |= {target: scores_of(ranking, reading) for target, ranking in RANKINGS.items()}
    return {name: value for name, value in values.items() if value is not None}


def by_target(values: Mapping[str, Tensor], temperature: float) -> dict[str, Tensor]:
    """Target -> prediction, (texts, ...) each, from `values_of` and the verdict's ``temperature`` of the config."""
    tempered = {name: value / temperature if name == "verdict" else value for name, value in values.items()}
    learned_here = {
        target: prediction(claim.kind, tempered[claim.name]) for target, claim in learned() if claim.name in tempered
    }
    return learned_here | {target: values[target] for target in RANKINGS if target in values}


__all__ = ["ARC", "by_target", "values_of"]
