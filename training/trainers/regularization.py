"""Smoothed targets, and R-Drop: two passes that differ in dropout only should agree."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ...configuration.claims import CLAIMS, Kind, learned
from ...data.loading import PAIRS
from ...modeling_redheart.kinds import tensor_of

# Targets that are probabilities of single labels (a Bernoulli each), and distributions over the last dimension.
_BERNOULLI = tuple(target for target, claim in learned() if claim.kind is Kind.PROBABILITY)
_DISTRIBUTIONS = tuple(target for target, claim in learned() if claim.kind is Kind.SHARES)


def smooth_targets(batch: Mapping[str, Tensor], factor: float) -> dict[str, Tensor]:
    """Move the emotion and verdict targets towards uniform ones (Szegedy et al. 2016, arXiv:1512.00567).

    Missing targets stay missing, rankings and regressions stay as they are.

    Args:
        batch: Name -> tensor.
        factor: Share of the uniform target, 0 to 1.

    Returns:
        The batch with smoothed targets.
    """
    smoothed = dict(batch)
    for name in batch.keys() & {*_BERNOULLI, *_DISTRIBUTIONS}:
        target = batch[name]
        if not target.is_floating_point():
            target = target.float().masked_fill(target == -100, torch.nan)
        uniform = 0.5 if name in _BERNOULLI else 1 / target.shape[-1]
        smoothed[name] = torch.lerp(target, torch.full_like(target, uniform), factor)
    return smoothed


def double_batch(batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the batch with a copy of it below, whose pair ids are new."""
    doubled = {}
    for name, value in batch.items():
        copy = value
        if name in PAIRS:
            ids = value[:, :1]
            copy = torch.cat((torch.where(ids >= 0, ids + ids.max() + 1, ids), value[:, 1:]), dim=1)
        doubled[name] = torch.cat((value, copy))
    return doubled


def divergence(output: Any) -> Tensor:
    """Compute R-Drop (Liang et al. 2021, arXiv:2106.14448) on the model's output for `double_batch`.

    Args:
        output: Output of the model on a doubled batch.

    Returns:
        Mean symmetric Kullback-Leibler divergence of the two halves over the texts, summed over emotion, verdict and
        perspectives as far as they are in the output; a scalar in nats.

    Raises:
        ValueError: When the output has none of these.
    """
    parts = []
    apart = {Kind.PROBABILITY: _bernoulli, Kind.SHARES: _categorical}
    for claim in CLAIMS.values():
        logits = tensor_of(output, claim.tensor) if claim.kind in apart else None
        if logits is not None:
            halves = apart[claim.kind](*logits.float().chunk(2))
            parts.append(halves.reshape(len(halves), -1).mean(-1))
    if not parts:
        raise ValueError("R-Drop compares emotions, verdicts and perspectives, and this output has none of them.")
    return torch.stack(parts).sum(0).mean()


def _bernoulli(one: Tensor, two: Tensor) -> Tensor:
    # KL(p||q) + KL(q||p) = (p - q) (logit p - logit q)
    return (one.sigmoid() - two.sigmoid()) * (one - two) / 2


def _categorical(one: Tensor, two: Tensor) -> Tensor:
    first, second = one.log_softmax(-1), two.log_softmax(-1)
    return ((first.exp() - second.exp()) * (first - second)).sum(-1) / 2


def consistency_loss(embedding: Tensor, teacher: Tensor, temperature: float = 0.05) -> Tensor:
    """Compute how hard it is to tell by its embedding which of the batch's texts a teacher embedded.

    InfoNCE (van den Oord et al. 2018, arXiv:1807.03748); the teacher is the model's own average (He et al. 2020,
    arXiv:1911.05722). A batch of one text costs 0.

    Args:
        embedding: (batch, hidden), of length 1.
        teacher: (batch, hidden), of length 1, without a gradient.
        temperature: Divides the cosines; above 0.

    Returns:
        The loss, a scalar in nats.
    """
    similarity = embedding.float() @ teacher.float().T / temperature
    return F.cross_entropy(similarity, torch.arange(len(similarity), device=similarity.device))


__all__ = ["consistency_loss", "divergence", "double_batch", "smooth_targets"]
