"""The losses of a batch: of each claim by its kind (`kinds`), of rankings, and of what holds the modules together.

Notable: every loss is masked where its target is missing, and computed per text first (`RowLoss`), because the
sweet-spot network learns to predict it per text; a loss without a single target is 0 but stays connected, so that every
module has a gradient in every step. The loss of a batch is the mean over its texts of what each text costs, a missing
target costing nothing, so that it does not depend on how the texts are spread over batches, accumulation steps and
processes. Two losses are about texts beside each other and do depend on it: `embedding` and `prototypes`.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ..configuration.claims import CLAIMS, RANKINGS, RATED, SHAPES, Claim, Kind, Ranking
from ..configuration.labels import VIEWS
from .kinds import KINDS, RowLoss, regression, rows, tensor_of
from .outputs import BridgeOutput, HeadsOutput, RedHeartOutput

# Weight of the prior on the scores of the branches: normal around 0 with a standard deviation of 5 nats. Weaker ones
# (1e-3) let the scores of a small training set grow until its few wrong pairs cost more than all others gain.
_ANCHOR = 0.02

# Weight of what could have been, which is known only as far as the ranking knows what was.
_OTHER_BRANCH = 0.2

# A loss below it is as good as none: ratios to it are not told apart.
_LEAST_LOSS = 1e-3


def _everywhere(values: Tensor) -> RowLoss:
    """A loss, (batch,), that needs no target."""
    return RowLoss(values, torch.ones_like(values, dtype=torch.bool))


class Targets:
    """What a batch is trained on: the columns of `claims.SHAPES`, each (batch, *shape).

    None, NaN (floats) or -100 (integers) marks a missing target. A pair is two texts of the batch with the same id in
    column 0; column 1 is 1 for the better and 0 for the worse.
    """

    def __init__(self, **columns: Tensor | None) -> None:
        self.columns = {name: column for name, column in columns.items() if column is not None}

    def given(self) -> list[str]:
        """Names of the targets that are there."""
        return [name for name in SHAPES if name in self.columns]

    def of(self, name: str, batch: int, like: Tensor) -> Tensor:
        """The target ``name``, all missing when it is not there. Raises `ValueError` for a wrong shape."""
        labels = SHAPES[name]
        target = self.columns.get(name)
        if target is None:
            return like.new_full((batch, *((1,) if labels is None else labels)), math.nan)
        if labels is None and (target.dim() != 2 or len(target) != batch):
            raise ValueError(f"`{name}` must have the shape ({batch}, width), got {tuple(target.shape)}.")
        if labels is not None and target.shape != (batch, *labels):
            raise ValueError(f"`{name}` must have the shape {(batch, *labels)}, got {tuple(target.shape)}.")
        return _floating(target, like)

    def pairs(self, name: str, batch: int, device: torch.device) -> Tensor:
        """The pairs ``name``, (batch, 2); -100 when they are not there."""
        target = self.columns.get(name)
        if target is None:
            return torch.full((batch, 2), -100, device=device)
        if target.shape != (batch, 2):
            raise ValueError(f"`{name}` must have the shape {(batch, 2)}, got {tuple(target.shape)}.")
        return target


def _floating(target: Tensor, like: Tensor) -> Tensor:
    """The target in the type of ``like``, with NaN where an integer target says -100."""
    missing = target == -100 if not target.is_floating_point() else torch.zeros_like(target, dtype=torch.bool)
    return target.to(like.dtype).masked_fill(missing, math.nan)


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


def scores_of(ranking: Ranking, reading: RedHeartOutput) -> Tensor | None:
    """The scores that a ranking ranks, (batch,); None where they were not read."""
    scores = tensor_of(reading, ranking.score)
    if scores is None or ranking.label is None:
        return scores
    return scores[:, CLAIMS[ranking.claim].axes[-1].index(ranking.label)]


def _ranking(scores: Tensor, pairs: Tensor) -> RowLoss:
    """Pairwise logistic loss (Bradley & Terry 1952). scores: (batch,)."""
    return _pairwise(F.softplus(scores[None, :] - scores[:, None]), _matches(pairs))


def claim_losses(reading: RedHeartOutput, heads: HeadsOutput | None, targets: Targets) -> dict[str, RowLoss]:
    """The loss of each claim that was read, by its kind, and of each head's own reading of one.

    heads: see `collect_losses`.
    """
    losses = {}
    for claim in CLAIMS.values():
        values = tensor_of(reading, claim.tensor)
        if values is not None and claim.labels is not None and _has_loss(claim, reading):
            target = targets.of(claim.labels, len(values), values)
            losses[claim.name] = KINDS[claim.kind].loss(claim, reading, target)
        # A head is judged where the part of the reading that it stands for is one.
        if claim.head is not None and heads is not None and getattr(reading, claim.head.split(".")[0]) is not None:
            direct = tensor_of(heads, claim.head)
            if direct is not None:
                alone = claim.of_head()
                target = targets.of(str(claim.labels), len(direct), direct)
                losses[f"{claim.name}_head"] = KINDS[alone.kind].loss(alone, heads, target)
    return losses


def _has_loss(claim: Claim, reading: RedHeartOutput) -> bool:
    """Whether it is learned as it was read: what a head says of the information is what the analyzer finds."""
    return claim.kind is not Kind.INFORMATION or getattr(reading, claim.output).subset_logits is not None


def ranking_losses(reading: RedHeartOutput, targets: Targets) -> dict[str, RowLoss]:
    """The losses of the rankings whose scores were read."""
    losses = {}
    for name, ranking in RANKINGS.items():
        scores = scores_of(ranking, reading)
        if scores is not None:
            pairs = targets.pairs(name, len(scores), scores.device)
            branches = name == "branch_pair_labels"
            losses[ranking.loss] = _branches(reading, pairs) if branches else _ranking(scores, pairs)
    return losses


def _branches(reading: RedHeartOutput, pairs: Tensor) -> RowLoss:
    """Of two branches of one situation, the better one's actual utility is above the worse one's; and the better view
    of the worse branch is what the other branch really is, as the worse view of the better branch is."""
    better, actual, worse = reading.counterfactual.utility_logits.unbind(-1)
    rank = F.softplus(actual[None, :] - actual[:, None])
    upward = F.smooth_l1_loss(
        better[None, :].expand_as(rank), actual.detach()[:, None].expand_as(rank), reduction="none"
    )
    downward = F.smooth_l1_loss(worse[:, None].expand_as(rank), actual.detach()[None].expand_as(rank), reduction="none")
    # A ranking fixes no zero: without a weak prior around 0 the scores drift away together.
    anchor = _ANCHOR * (actual[None, :].square() + actual[:, None].square())
    return _pairwise(rank + _OTHER_BRANCH * (upward + downward) + anchor, _matches(pairs))


def regret_theory_loss(reading: RedHeartOutput) -> RowLoss:
    """Regret theory (Loomes & Sugden 1982): regret grows with the utility that the other view would have had."""
    utility = reading.counterfactual.utility_logits.detach()
    foregone = torch.tanh(utility - utility[:, VIEWS.index("actual"), None])
    felt = reading.regret.scores.mean(dim=1)
    other = [VIEWS.index("better"), VIEWS.index("worse")]
    loss = (felt - foregone)[:, other].square().mean(dim=1)
    return _everywhere(loss)


def surd_head_loss(reading: RedHeartOutput, heads: HeadsOutput) -> RowLoss:
    """The head's agreement with the parts that the analyzer finds."""
    return _everywhere(F.smooth_l1_loss(heads.surd.parts, reading.surd.parts, reduction="none").mean(1))


def bridge_losses(bridge: BridgeOutput) -> dict[str, RowLoss]:
    """Losses of what the bridge predicts about the modules that ran."""
    real = bridge.states.detach()
    known = bridge.ran & ~bridge.recovered
    target = torch.where(known.unsqueeze(-1), real, math.nan)
    return {"asynchrony": regression(bridge.predicted, target), "recovery": regression(bridge.rebuilt, target)}


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
    return rows(ratio - ratio.log() - 1, target)


def sparsity_loss(importance: Tensor, mask: Tensor) -> RowLoss:
    """Mean importance of each text's tokens. importance, mask: (batch, tokens)."""
    return _everywhere(importance.sum(1) / mask.sum(1).clamp(min=1))


def collect_losses(
    reading: RedHeartOutput, heads: HeadsOutput | None, bridge: BridgeOutput | None, mask: Tensor, targets: Targets
) -> dict[str, RowLoss]:
    """Every loss of what was computed, by name.

    heads: the heads' own reading; None where only the heads ran, and ``reading`` is theirs. mask: (batch, tokens).
    """
    found = claim_losses(reading, heads, targets) | ranking_losses(reading, targets)
    if reading.counterfactual is not None and reading.regret is not None:
        found["regret_theory"] = regret_theory_loss(reading)
    if reading.surd is not None and heads is not None and heads.surd is not None:
        found["surd_head"] = surd_head_loss(reading, heads)
    found["sparsity"] = sparsity_loss(reading.importance, mask)
    if bridge is not None:
        found |= bridge_losses(bridge)
        found["prototypes"] = _everywhere(prototype_loss(bridge.prototype_usage).expand(len(mask)))
    if reading.expected_loss is not None:
        rated = found | {
            claim.name: _squared_error(claim, reading, targets)
            for claim in CLAIMS.values()
            if claim.kind is Kind.GAUSSIAN and claim.name in found
        }
        found["confidence"] = confidence_loss(reading.expected_loss, rated)
    return found


def _squared_error(claim: Claim, reading: RedHeartOutput, targets: Targets) -> RowLoss:
    """What the confidence in a number with an uncertainty is about: a likelihood has no lowest value."""
    values = tensor_of(reading, claim.tensor)
    if values is None:
        raise ValueError(f"{claim.name!r} was not read, so it has no error.")
    return regression(values, targets.of(str(claim.labels), len(values), values))


__all__ = ["Targets", "collect_losses", "prototype_loss", "scores_of"]
