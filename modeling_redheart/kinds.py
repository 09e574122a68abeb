"""What each kind of claim computes: its loss, its distance to a teacher's claim, the cost of a constant.

    KINDS[Kind.LEVELS].loss(CLAIMS["nuance"], reading, target)

Notable: a loss is per text first, and 0 but connected to the graph where there is no target; a distance is 0 where
student and teacher are equal. How a kind is measured, and what a linear model learns of it, is in `evaluation`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from ..configuration.claims import Claim, Kind
from .emotion import arc_text_logits

Array = npt.NDArray[np.float64]


class RowLoss(NamedTuple):
    """A loss per text.

    Attributes:
        values: The loss of each text; shape ``(batch,)``.
        valid: Which texts have a target for it; bool ``(batch,)``.
    """

    values: Tensor
    valid: Tensor

    def mean(self) -> Tensor:
        """Return the mean over the texts with a target; 0, but connected to the graph, when there is none."""
        return self.total() / self.valid.sum().clamp(min=1)

    def total(self) -> Tensor:
        """Return the sum over the texts with a target."""
        return torch.where(self.valid, self.values, self.values * 0).sum()


def tensor_of(reading: Any, name: str) -> Tensor | None:
    """Return the tensor at a dotted ``name`` in a `RedHeartOutput`; None where it, or the part it is in, is None."""
    found = reading
    for step in name.split("."):
        found = None if found is None else getattr(found, step)
    return found


# ---- Losses: of the values and the target of a batch, per text ----


def rows(loss: Tensor, target: Tensor) -> RowLoss:
    """Return the mean of an element-wise loss over the elements of each text that have a target."""
    present = target.isfinite()
    flat = torch.where(present, loss, loss * 0).reshape(len(loss), -1)
    mask = present.reshape(len(loss), -1)
    count = mask.sum(1)
    return RowLoss(flat.sum(1) / count.clamp(min=1), count > 0)


def binary(logits: Tensor, target: Tensor) -> RowLoss:
    """Return the cross entropy of independent labels; ``logits`` and ``target`` are (batch, ...)."""
    return rows(F.binary_cross_entropy_with_logits(logits, target.nan_to_num(0), reduction="none"), target)


def regression(value: Tensor, target: Tensor) -> RowLoss:
    """Return the squared error; ``value`` and ``target`` are (batch, ...)."""
    return rows((value - target.nan_to_num(0)).square(), target)


def distribution(logits: Tensor, target: Tensor) -> RowLoss:
    """Return the cross entropy against a distribution along the last dimension."""
    loss = -(target.nan_to_num(0) * logits.log_softmax(dim=-1)).sum(-1, keepdim=True)
    whole = target.isfinite().all(dim=-1, keepdim=True)
    return rows(loss, target[..., :1].masked_fill(~whole, math.nan))


def ordinal(logits: Tensor, target: Tensor) -> RowLoss:
    """Compute the cross entropy of having reached each level.

    Args:
        logits: Cumulative logits; shape ``(batch, ..., levels)``.
        target: Level, 0 for none, below 0 for missing; shape ``(batch, ...)``.

    Returns:
        The loss per text.
    """
    levels = target.masked_fill(target < 0, math.nan).unsqueeze(-1)
    steps = torch.arange(1, logits.shape[-1] + 1, device=logits.device)
    return binary(logits, torch.where(levels.isfinite(), (levels >= steps).to(logits.dtype), math.nan))


def _tensor(claim: Claim, reading: Any) -> Tensor:
    found: Tensor = attrgetter(claim.tensor)(reading)
    return found


def _plain(loss: Callable[[Tensor, Tensor], RowLoss]) -> Callable[[Claim, Any, Tensor], RowLoss]:
    return lambda claim, reading, target: loss(_tensor(claim, reading), target)


def _course_loss(claim: Claim, reading: Any, target: Tensor) -> RowLoss:
    part = getattr(reading, claim.output)
    empty = ~part.arc_mask.any(dim=1, keepdim=True)  # a text of padding only has no segment
    return binary(arc_text_logits(part), target.masked_fill(empty, math.nan))


def _gaussian_loss(claim: Claim, reading: Any, target: Tensor) -> RowLoss:
    mean, log_variance = _tensor(claim, reading), tensor_of(reading, str(claim.spread))
    if log_variance is None:
        return regression(mean, target)
    error = (mean - target.nan_to_num(0)).square()
    return rows(0.5 * (error * torch.exp(-log_variance) + log_variance), target)


def _information_loss(claim: Claim, reading: Any, target: Tensor) -> RowLoss:
    """Return the log loss of the prediction of every subset of the sources."""
    logits = getattr(reading, claim.output).subset_logits
    return distribution(logits, target.unsqueeze(1).expand_as(logits))


def _relations_loss(claim: Claim, reading: Any, target: Tensor) -> RowLoss:
    """Return how far the cosine similarities of the texts of the batch are from the teacher's."""
    present = target.isfinite().all(dim=1)
    loss = relations_apart(_tensor(claim, reading), target.nan_to_num(0), present)
    return RowLoss(loss, present & (present.sum() > 1))


# ---- Distances of a student's values to a teacher's; each is 0 where they are equal ----


def bernoulli(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Compute the Kullback-Leibler divergence of independent labels at a temperature T.

    It is multiplied by T^2, so that gradients keep their size (Hinton et al. 2015, arXiv:1503.02531).

    Args:
        student: Logits of the student.
        teacher: Logits of the teacher, in the same shape.
        temperature: T, which divides the logits.

    Returns:
        The divergence of each label, in the same shape.
    """
    logits, likely = student / temperature, (teacher / temperature).sigmoid()
    cross = F.binary_cross_entropy_with_logits(logits, likely, reduction="none")
    own = F.binary_cross_entropy_with_logits(teacher / temperature, likely, reduction="none")
    return (cross - own) * temperature**2


def categorical(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """As `bernoulli`, but for distributions along the last dimension, which the result does not have."""
    own, theirs = (student / temperature).log_softmax(-1), (teacher / temperature).log_softmax(-1)
    return F.kl_div(own, theirs, reduction="none", log_target=True).sum(-1) * temperature**2


def squared(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Return the squared error; values have no temperature."""
    return (student - teacher).square()


def gaussian(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Compute the Kullback-Leibler divergence of normal distributions: the uncertainty is a claim, too.

    Args:
        student: Mean and log-variance of the student; shape ``(..., 2)``.
        teacher: Those of the teacher, in the same shape.
        temperature: Not used; normal distributions have none.

    Returns:
        The divergence; shape ``(...,)``.
    """
    (mean, spread), (wanted, certain) = student.unbind(-1), teacher.unbind(-1)
    return 0.5 * (spread - certain + (certain.exp() + (mean - wanted).square()) / spread.exp() - 1)


def relations_apart(student: Tensor, teacher: Tensor, present: Tensor | None = None) -> Tensor:
    """Compute how far the relations among the student's things are from those among the teacher's.

    It is the mean squared difference of the cosine similarities of each thing to the others, which does not need a
    common width (Tung & Mori 2019, arXiv:1907.09682; Park et al. 2019, arXiv:1904.05068).

    Args:
        student: States of the things; shape ``(..., things, width)``.
        teacher: States of the same things, of any width; shape ``(..., things, width)``.
        present: Which things count, bool ``(..., things)``; None for all.

    Returns:
        The difference for each thing; 0 for one that is absent or alone; shape ``(..., things)``.
    """
    own, theirs = (F.normalize(states.float(), dim=-1) for states in (student, teacher))
    gap = (own @ own.mT - theirs @ theirs.mT).square()
    pair = ~torch.eye(gap.shape[-1], dtype=torch.bool, device=gap.device).expand_as(gap)
    if present is not None:
        pair = pair & present.unsqueeze(-1) & present.unsqueeze(-2)
    return torch.where(pair, gap, gap * 0).sum(-1) / pair.sum(-1).clamp(min=1)


_Pointwise = Callable[[Tensor, Tensor, float], Tensor]
_Distance = Callable[[Claim, Any, Any, float], Tensor]


def _apart(distance: _Pointwise) -> _Distance:
    def costs(claim: Claim, student: Any, teacher: Any, temperature: float) -> Tensor:
        return distance(_tensor(claim, student).float(), _tensor(claim, teacher).float(), temperature)

    return costs


def _course_apart(claim: Claim, student: Any, teacher: Any, temperature: float) -> Tensor:
    """Return the mean over the segments that have text in both; shape (batch, labels)."""
    own, theirs = getattr(student, claim.output), getattr(teacher, claim.output)
    filled = (own.arc_mask & theirs.arc_mask).unsqueeze(-1)
    costs = bernoulli(own.arc_logits.float(), theirs.arc_logits.float(), temperature)
    return torch.where(filled, costs, costs * 0).sum(1) / filled.sum(1).clamp(min=1)


def _gaussian_apart(claim: Claim, student: Any, teacher: Any, temperature: float) -> Tensor:
    places = (claim.tensor, str(claim.spread))
    own, theirs = (torch.stack(attrgetter(*places)(one), dim=-1).float() for one in (student, teacher))
    return gaussian(own, theirs, temperature)


def _information_apart(claim: Claim, student: Any, teacher: Any, temperature: float) -> Tensor:
    """Return the mean over the subsets of the sources; shape (batch,)."""
    own, theirs = (getattr(one, claim.output).subset_logits.float() for one in (student, teacher))
    return categorical(own, theirs, temperature).mean(-1)


def _relations_apart(claim: Claim, student: Any, teacher: Any, temperature: float) -> Tensor:
    return relations_apart(_tensor(claim, student), _tensor(claim, teacher))


# ---- Loss of the best constant, in the unit of the loss: it is fitted to some targets and evaluated on others ----


def _over_texts(loss: Array) -> float:
    """Return the mean over the texts of the mean over the values each text has, as the model's losses do."""
    present = np.isfinite(loss).reshape(len(loss), -1)
    sums = np.where(present, loss.reshape(len(loss), -1), 0).sum(axis=1)
    some = present.any(axis=1)
    return float((sums[some] / present[some].sum(axis=1)).mean()) if some.any() else math.nan


def _mean(seen: Array) -> Array:
    """Return the mean of each element over the texts that have it; NaN where none does."""
    count = np.isfinite(seen).sum(axis=0)
    return np.where(count > 0, np.nansum(seen, axis=0) / np.maximum(count, 1), np.nan)


def _constant_binary(claim: Claim, seen: Array, asked: Array) -> float:
    share = np.clip(_mean(seen), 1e-6, 1 - 1e-6)
    return _over_texts(-(asked * np.log(share) + (1 - asked) * np.log(1 - share)))


def _constant_levels(claim: Claim, seen: Array, asked: Array) -> float:
    steps = np.arange(1, len(claim.axes[-1]) + 1)
    reached = [
        np.where(np.isnan(levels)[..., None], np.nan, (levels[..., None] >= steps).astype(np.float64))
        for levels in (seen, asked)
    ]
    return _constant_binary(claim, *reached)


def _constant_value(claim: Claim, seen: Array, asked: Array) -> float:
    return _over_texts((asked - _mean(seen)) ** 2)


def _constant_gaussian(claim: Claim, seen: Array, asked: Array) -> float:
    variance = np.maximum(_mean((seen - _mean(seen)) ** 2), 1e-6)
    return _over_texts(0.5 * ((asked - _mean(seen)) ** 2 / variance + np.log(variance)))


def _constant_shares(claim: Claim, seen: Array, asked: Array) -> float:
    shares = np.clip(_mean(seen), 1e-6, None)
    shares = shares / shares.sum(axis=-1, keepdims=True)
    return _over_texts(-(asked * np.log(shares)).sum(axis=-1))


# ---- Values in the form of a reading, and in the form of a target ----

_LOGITS = (Kind.PROBABILITY, Kind.DEGREE, Kind.COURSE, Kind.LEVELS, Kind.RATE)


def in_range(kind: Kind, values: Tensor) -> Tensor:
    """Return the numbers of a claim as a reading has them: probabilities, or shares that sum to 1; same shape."""
    if kind is Kind.SHARES:
        return values.softmax(dim=-1)
    return values.sigmoid() if kind in _LOGITS else values


def prediction(kind: Kind, values: Tensor) -> Tensor:
    """Return the numbers of a claim in the form of its target; a level is the expected one, sum of P(level >= k)."""
    predicted = in_range(kind, values)
    return predicted.sum(dim=-1) if kind is Kind.LEVELS else predicted


@dataclass(frozen=True)
class Computation:
    """What a kind computes.

    Attributes:
        loss: Takes a claim, a reading and the claim's target ``(batch, ...)``; returns the loss per text.
        distance: Takes a claim, the student's and the teacher's reading and a temperature; returns
            ``(batch, labels that its record keys name)``.
        constant: Takes a claim, the targets that the best constant is fitted to and those that it is evaluated on,
            ``(texts, ...)`` each; returns its loss. None where there is no best constant.
    """

    loss: Callable[[Claim, Any, Tensor], RowLoss]
    distance: _Distance
    constant: Callable[[Claim, Array, Array], float] | None


KINDS: dict[Kind, Computation] = {
    Kind.PROBABILITY: Computation(_plain(binary), _apart(bernoulli), _constant_binary),
    Kind.DEGREE: Computation(_plain(binary), _apart(bernoulli), _constant_binary),
    Kind.COURSE: Computation(_course_loss, _course_apart, _constant_binary),
    Kind.LEVELS: Computation(_plain(ordinal), _apart(bernoulli), _constant_levels),
    Kind.VALUE: Computation(_plain(regression), _apart(squared), _constant_value),
    Kind.GAUSSIAN: Computation(_gaussian_loss, _gaussian_apart, _constant_gaussian),
    Kind.RATE: Computation(
        lambda claim, reading, target: regression(_tensor(claim, reading).sigmoid(), target),
        _apart(bernoulli),
        _constant_value,
    ),
    Kind.SHARES: Computation(_plain(distribution), _apart(categorical), _constant_shares),
    Kind.INFORMATION: Computation(_information_loss, _information_apart, _constant_shares),
    Kind.RELATIONS: Computation(_relations_loss, _relations_apart, None),
}


__all__ = [
    "KINDS",
    "Computation",
    "RowLoss",
    "bernoulli",
    "binary",
    "categorical",
    "distribution",
    "gaussian",
    "in_range",
    "ordinal",
    "prediction",
    "regression",
    "relations_apart",
    "rows",
    "squared",
    "tensor_of",
]
