"""The losses: one per output, each masked where its target is missing.

Notable: every loss is computed per text first (`RowLoss`), because the sweet-spot network learns to predict it per
text; a loss without a single target is 0 but stays connected, so that every module has a gradient in every step. The
loss of a batch is the mean over its texts of what each text costs, a missing target costing nothing, so that it does
not depend on how the texts are spread over batches, accumulation steps and processes. Two losses are about texts
beside each other and do depend on it: `embedding` and `prototypes`.
"""

import math
from dataclasses import dataclass, fields
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..configuration.labels import RATED, VIEWS
from .emotion import over_the_text
from .outputs import BridgeOutput, HeadsOutput, RedHeartOutput

# Weight of the prior on the scores of the branches: normal around 0 with a standard deviation of 5 nats. Weaker ones
# (1e-3) let the scores of a small training set grow until its few wrong pairs cost more than all others gain.
_ANCHOR = 0.02

# Weight of what could have been, which is known only as far as the ranking knows what was.
_OTHER_BRANCH = 0.2

# A loss below it is as good as none: ratios to it are not told apart.
_LEAST_LOSS = 1e-3


class RowLoss(NamedTuple):
    """A loss per text, (batch,), and which texts have a target for it, bool (batch,)."""

    values: Tensor
    valid: Tensor

    def mean(self) -> Tensor:
        """Mean over the texts with a target; 0, but connected to the graph, when there is none."""
        return self.total() / self.valid.sum().clamp(min=1)

    def total(self) -> Tensor:
        """Sum over the texts with a target."""
        return torch.where(self.valid, self.values, self.values * 0).sum()


def _everywhere(values: Tensor) -> RowLoss:
    """A loss, (batch,), that needs no target."""
    return RowLoss(values, torch.ones_like(values, dtype=torch.bool))


@dataclass
class Targets:
    """What a batch is trained on. None, NaN (floats) or -100 (integers) marks a missing target.

    A pair is two texts of the batch with the same id in column 0; column 1 is 1 for the better and 0 for the worse.
    """

    emotion_labels: Tensor | None = None  # (batch, 28), 0..1
    intensity_labels: Tensor | None = None  # (batch, 28), 0..1
    nuance_labels: Tensor | None = None  # (batch, 28), 0 = absent, 1..4 = level
    affect_labels: Tensor | None = None  # (batch, 3), in the ranges of `labels.AFFECT`
    bentham_labels: Tensor | None = None  # (batch, 10), in the ranges of `labels.BENTHAM`
    regret_labels: Tensor | None = None  # (batch, 7, 3), -1..1
    utility_labels: Tensor | None = None  # (batch, 3), -1..1
    plausibility_labels: Tensor | None = None  # (batch, 3), 0..1
    verdict_labels: Tensor | None = None  # (batch, 5), sums to 1
    acceptability_labels: Tensor | None = None  # (batch,), 0..1, of the narrator's own conduct
    perspective_labels: Tensor | None = None  # (batch, 2, 5), each sums to 1
    embedding_labels: Tensor | None = None  # (batch, any width), a teacher's embeddings
    utility_pair_labels: Tensor | None = None  # (batch, 2), pairs ranked by the utility of what is told
    acceptability_pair_labels: Tensor | None = None  # (batch, 2), pairs ranked by acceptability
    branch_pair_labels: Tensor | None = None  # (batch, 2), pairs of what was done and what could have been

    def given(self) -> list[str]:
        """Names of the targets that are there."""
        return [item.name for item in fields(self) if getattr(self, item.name) is not None]

    def of(self, name: str, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """The target ``name``, all missing when it is not there. Raises `ValueError` for a wrong shape."""
        target: Tensor | None = getattr(self, name)
        if target is None:
            return like.new_full(shape, math.nan)
        if target.shape != shape:
            raise ValueError(f"`{name}` must have the shape {shape}, got {tuple(target.shape)}.")
        return _floating(target, like)

    def pairs(self, name: str, batch: int, device: torch.device) -> Tensor:
        """The pairs ``name``, (batch, 2); -100 when they are not there."""
        target: Tensor | None = getattr(self, name)
        if target is None:
            return torch.full((batch, 2), -100, device=device)
        if target.shape != (batch, 2):
            raise ValueError(f"`{name}` must have the shape {(batch, 2)}, got {tuple(target.shape)}.")
        return target


def _floating(target: Tensor, like: Tensor) -> Tensor:
    """The target in the type of ``like``, with NaN where an integer target says -100."""
    missing = target == -100 if not target.is_floating_point() else torch.zeros_like(target, dtype=torch.bool)
    return target.to(like.dtype).masked_fill(missing, math.nan)


def _rows(loss: Tensor, target: Tensor) -> RowLoss:
    """Mean of an element-wise loss over the elements of each text whose target is there."""
    present = target.isfinite()
    flat = torch.where(present, loss, loss * 0).reshape(len(loss), -1)
    mask = present.reshape(len(loss), -1)
    count = mask.sum(1)
    return RowLoss(flat.sum(1) / count.clamp(min=1), count > 0)


def _binary(logits: Tensor, target: Tensor) -> RowLoss:
    return _rows(F.binary_cross_entropy_with_logits(logits, target.nan_to_num(0), reduction="none"), target)


def _regression(value: Tensor, target: Tensor) -> RowLoss:
    return _rows((value - target.nan_to_num(0)).square(), target)


def _distribution(logits: Tensor, target: Tensor) -> RowLoss:
    """Cross entropy against a distribution along the last dimension."""
    loss = -(target.nan_to_num(0) * logits.log_softmax(dim=-1)).sum(-1, keepdim=True)
    whole = target.isfinite().all(dim=-1, keepdim=True)
    return _rows(loss, target[..., :1].masked_fill(~whole, math.nan))


def _matches(pairs: Tensor) -> Tensor:
    """bool (batch, batch): row is the better, column the worse text of one pair."""
    ids, rank = pairs.unbind(-1)
    same = (ids[:, None] == ids[None, :]) & (ids >= 0)[:, None]
    return same & (rank == 1)[:, None] & (rank == 0)[None, :]


def _pairwise(loss: Tensor, match: Tensor) -> RowLoss:
    """Give each text of a pair the pair's loss. loss, match: (batch, batch)."""
    both = match | match.T
    symmetric = torch.where(match, loss, loss * 0)
    count = both.sum(1)
    return RowLoss((symmetric + symmetric.T).sum(1) / count.clamp(min=1), count > 0)


def _ranking(scores: Tensor, pairs: Tensor) -> RowLoss:
    """Pairwise logistic loss (Bradley & Terry 1952). scores: (batch,)."""
    return _pairwise(F.softplus(scores[None, :] - scores[:, None]), _matches(pairs))


def emotion_losses(reading: RedHeartOutput | HeadsOutput, targets: Targets, suffix: str = "") -> dict[str, RowLoss]:
    """Losses of the emotion reading; ``suffix`` names the head's own."""
    emotion = reading.emotion
    logits = emotion.logits
    target = targets.of("emotion_labels", tuple(logits.shape), logits)
    losses = {f"emotion{suffix}": _binary(logits, target)}
    if not suffix:
        intensity = targets.of("intensity_labels", tuple(logits.shape), logits)
        losses["intensity"] = _regression(emotion.intensity, intensity)
        affect = targets.of("affect_labels", tuple(emotion.affect.shape), logits)
        losses["affect"] = _regression(emotion.affect, affect)
    if emotion.nuance_logits is not None:
        levels = targets.of("nuance_labels", tuple(logits.shape), logits)
        levels = levels.masked_fill(levels < 0, math.nan).unsqueeze(-1)
        steps = torch.arange(1, emotion.nuance_logits.shape[-1] + 1, device=logits.device)
        reached = torch.where(levels.isfinite(), (levels >= steps).to(logits.dtype), math.nan)
        losses["nuance"] = _binary(emotion.nuance_logits, reached)
        empty = ~emotion.arc_mask.any(dim=1, keepdim=True)  # a text of padding only has no segment
        losses["arc"] = _binary(over_the_text(emotion), target.masked_fill(empty, math.nan))
    return losses


def bentham_losses(reading: RedHeartOutput | HeadsOutput, targets: Targets, suffix: str = "") -> dict[str, RowLoss]:
    """Losses of the ten dimensions."""
    bentham = reading.bentham
    target = targets.of("bentham_labels", tuple(bentham.mean.shape), bentham.mean)
    if bentham.log_variance is None:
        rows = _regression(bentham.mean, target)
    else:
        error = (bentham.mean - target.nan_to_num(0)).square()
        rows = _rows(0.5 * (error * torch.exp(-bentham.log_variance) + bentham.log_variance), target)
    return {f"bentham{suffix}": rows}


def bentham_error(reading: RedHeartOutput, targets: Targets) -> RowLoss:
    """Squared error of the ten dimensions: what their confidence is about (the likelihood has no lowest value)."""
    mean = reading.bentham.mean
    return _regression(mean, targets.of("bentham_labels", tuple(mean.shape), mean))


def regret_losses(reading: RedHeartOutput | HeadsOutput, targets: Targets, suffix: str = "") -> dict[str, RowLoss]:
    """Losses of the 21 values."""
    scores = reading.regret.scores
    return {f"regret{suffix}": _regression(scores, targets.of("regret_labels", tuple(scores.shape), scores))}


def counterfactual_losses(reading: RedHeartOutput, targets: Targets) -> dict[str, RowLoss]:
    """Losses of the three views: their values, and what rankings say of them.

    Of two branches of one situation, the better one's actual utility is above the worse one's; and the better view of
    the worse branch is what the other branch really is, as the worse view of the better branch is.
    """
    output = reading.counterfactual
    better, actual, worse = output.utility_logits.unbind(-1)
    match = _matches(targets.pairs("branch_pair_labels", len(actual), actual.device))
    rank = F.softplus(actual[None, :] - actual[:, None])
    upward = F.smooth_l1_loss(
        better[None, :].expand_as(rank), actual.detach()[:, None].expand_as(rank), reduction="none"
    )
    downward = F.smooth_l1_loss(worse[:, None].expand_as(rank), actual.detach()[None].expand_as(rank), reduction="none")
    # A ranking fixes no zero: without a weak prior around 0 the scores drift away together.
    anchor = _ANCHOR * (actual[None, :].square() + actual[:, None].square())
    shape = tuple(output.utility.shape)
    return {
        "utility": _regression(output.utility, targets.of("utility_labels", shape, actual)),
        "utility_ranking": _ranking(actual, targets.pairs("utility_pair_labels", len(actual), actual.device)),
        "counterfactual": _pairwise(rank + _OTHER_BRANCH * (upward + downward) + anchor, match),
        "plausibility": _binary(output.plausibility_logits, targets.of("plausibility_labels", shape, actual)),
    }


def regret_theory_loss(reading: RedHeartOutput) -> RowLoss:
    """Regret theory (Loomes & Sugden 1982): regret grows with the utility that the other view would have had."""
    utility = reading.counterfactual.utility_logits.detach()
    foregone = torch.tanh(utility - utility[:, VIEWS.index("actual"), None])
    felt = reading.regret.scores.mean(dim=1)
    other = [VIEWS.index("better"), VIEWS.index("worse")]
    loss = (felt - foregone)[:, other].square().mean(dim=1)
    return _everywhere(loss)


def verdict_losses(reading: RedHeartOutput, targets: Targets, suffix: str = "") -> dict[str, RowLoss]:
    """Losses of the verdict and the acceptability."""
    verdict = reading.verdict
    target = targets.of("verdict_labels", tuple(verdict.logits.shape), verdict.logits)
    losses = {f"verdict{suffix}": _distribution(verdict.logits, target)}
    logits = verdict.acceptability_logits
    if logits is not None:
        target = targets.of("acceptability_labels", tuple(logits.shape), logits)
        losses["acceptability"] = _regression(logits.sigmoid(), target)
        pairs = targets.pairs("acceptability_pair_labels", len(logits), logits.device)
        losses["acceptability_ranking"] = _ranking(logits, pairs)
    return losses


def surd_losses(reading: RedHeartOutput, head: HeadsOutput, targets: Targets) -> dict[str, RowLoss]:
    """Log loss of the verdict from every subset and from the head, and the head's agreement with the analyzer's
    parts."""
    logits = reading.surd.subset_logits
    target = targets.of("verdict_labels", (len(logits), logits.shape[-1]), logits)
    subsets = _distribution(logits, target.unsqueeze(1).expand_as(logits))
    if head.surd is None:  # the model lacks it
        return {"surd": subsets}
    direct = _distribution(head.surd.verdict_logits, target)
    agreement = F.smooth_l1_loss(head.surd.parts, reading.surd.parts, reduction="none").mean(1)
    return {"surd": subsets, "surd_head": _everywhere(agreement), "verdict_head": direct}


def perspective_losses(reading: RedHeartOutput, targets: Targets) -> dict[str, RowLoss]:
    """Log loss of the distributions of the two perspectives."""
    logits = reading.perspectives.verdict_logits
    return {"perspectives": _distribution(logits, targets.of("perspective_labels", tuple(logits.shape), logits))}


def embedding_loss(reading: RedHeartOutput, targets: Targets) -> RowLoss:
    """Texts lie to each other as they do for the teacher: cosine similarities within the batch."""
    embedding = reading.embedding
    teacher = targets.embedding_labels
    if teacher is None:
        return RowLoss(embedding.sum(1) * 0, torch.zeros(len(embedding), dtype=torch.bool, device=embedding.device))
    if teacher.dim() != 2 or len(teacher) != len(embedding):
        raise ValueError(
            f"`embedding_labels` must have the shape ({len(embedding)}, width), got {tuple(teacher.shape)}."
        )
    teacher = _floating(teacher, embedding)
    present = teacher.isfinite().all(dim=1)
    normal = F.normalize(teacher.nan_to_num(0), dim=-1)
    gap = (embedding @ embedding.T - normal @ normal.T).square()
    pair = present[:, None] & present[None] & ~torch.eye(len(gap), dtype=torch.bool, device=gap.device)
    count = pair.sum(1)
    return RowLoss(torch.where(pair, gap, gap * 0).sum(1) / count.clamp(min=1), count > 0)


def bridge_losses(bridge: BridgeOutput) -> dict[str, RowLoss]:
    """Losses of what the bridge predicts about the modules that ran."""
    real = bridge.states.detach()
    known = bridge.ran & ~bridge.recovered
    target = torch.where(known.unsqueeze(-1), real, math.nan)
    return {"asynchrony": _regression(bridge.predicted, target), "recovery": _regression(bridge.rebuilt, target)}


def prototype_loss(usage: Tensor) -> Tensor:
    """How far the prototypes are from being used alike, in nats: log n - H(mean use)."""
    return math.log(len(usage)) + (usage * usage.clamp(min=1e-12).log()).sum()


def confidence_loss(expected: Tensor, rated: dict[str, RowLoss]) -> RowLoss:
    """How far the expected losses (batch, 13) are from what they turned out to be: half the deviance of a gamma
    distribution, r - log r - 1 of their ratio r. Its least is at the mean, as that of a squared error is, and it is
    about ratios, so that a part whose losses are small counts as much as one whose losses are large."""
    columns = [
        torch.where(rated[name].valid, rated[name].values.detach(), math.nan)
        if name in rated
        else expected.new_full((len(expected),), math.nan)
        for name in RATED
    ]
    target = torch.stack(columns, dim=1)
    ratio = (target.nan_to_num(1).clamp(min=0) + _LEAST_LOSS) / (expected + _LEAST_LOSS)
    return _rows(ratio - ratio.log() - 1, target)


def sparsity_loss(importance: Tensor, mask: Tensor) -> RowLoss:
    """Mean importance of each text's tokens. importance, mask: (batch, tokens)."""
    return _everywhere(importance.sum(1) / mask.sum(1).clamp(min=1))


def collect_losses(
    reading: RedHeartOutput, heads: HeadsOutput | None, bridge: BridgeOutput | None, mask: Tensor, targets: Targets
) -> dict[str, RowLoss]:
    """Every loss of what was computed, by name.

    heads: the heads' own reading; None where only the heads ran, and ``reading`` is theirs. mask: (batch, tokens).
    """
    rows: dict[str, RowLoss] = {}
    for name, losses in (("emotion", emotion_losses), ("bentham", bentham_losses), ("regret", regret_losses)):
        if getattr(reading, name) is not None:
            rows |= losses(reading, targets)
            if heads is not None and getattr(heads, name) is not None:
                rows |= losses(heads, targets, "_head")
    if reading.counterfactual is not None:
        rows |= counterfactual_losses(reading, targets)
        if reading.regret is not None:
            rows["regret_theory"] = regret_theory_loss(reading)
    if reading.verdict is not None:
        rows |= verdict_losses(reading, targets)
    if reading.surd is not None and heads is not None:
        rows |= surd_losses(reading, heads, targets)
    if reading.perspectives is not None:
        rows |= perspective_losses(reading, targets)
    if reading.embedding is not None:
        rows["embedding"] = embedding_loss(reading, targets)
    rows["sparsity"] = sparsity_loss(reading.importance, mask)
    if bridge is not None:
        rows |= bridge_losses(bridge)
        rows["prototypes"] = _everywhere(prototype_loss(bridge.prototype_usage).expand(len(mask)))
    if reading.expected_loss is not None:
        rated = dict(rows)
        if reading.bentham is not None:
            rated["bentham"] = bentham_error(reading, targets)
        rows["confidence"] = confidence_loss(reading.expected_loss, rated)
    return rows


__all__ = ["RowLoss", "Targets", "collect_losses", "prototype_loss"]
