"""The losses of a batch: of each claim by its kind (`kinds`), of rankings, and of agreement between the modules.

Notable: every loss is masked where its target is missing, and computed per text first (`RowLoss`), because the
sweet-spot network learns to predict it per text; a loss without a single target is 0 but stays connected, so that every
module has a gradient in every step. The loss of a batch is the mean over its texts of what each text costs, a missing
target costing nothing, so that it does not depend on how the texts are spread over batches, accumulation steps and
processes. Two losses compare the texts of a batch with each other and do depend on it: `embedding` and `prototypes`.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ..configuration.claims import CLAIMS, RANKINGS, RATED, SHAPES, Claim, Kind, Ranking
from ..configuration.errors import InputError
from ..configuration.labels import VIEWS
from .kinds import KINDS, RowLoss, regression, rows, tensor_of
from .outputs import BridgeOutput, HeadsOutput, RedHeartOutput

# Weight of the prior on the scores of the branches: normal around 0 with a standard deviation of 5 nats. Weaker ones
# (1e-3) let the scores of a small training set grow until its few wrong pairs cost more than all others gain.
_ANCHOR = 0.02

# Weight of what could have been, which is known only as far as the ranking knows what was.
_OTHER_BRANCH = 0.2

# A loss below this counts as none, so that ratios of tiny losses do not matter.
_LEAST_LOSS = 1e-3


def _everywhere(values: Tensor) -> RowLoss:
    """Wrap a loss (batch,) that needs no target."""
    return RowLoss(values, torch.ones_like(values, dtype=torch.bool))


class Targets:
    """What a batch is trained on.

    None, NaN (floats) or -100 (integers) marks a missing target. A pair is two texts of the batch with the same id in
    column 0; column 1 is 1 for the better and 0 for the worse.

    Args:
        **columns: The columns of `claims.SHAPES` by name; shape ``(batch, *shape)`` each.
    """

    def __init__(self, **columns: Tensor | None) -> None:
        self.columns = {name: column for name, column in columns.items() if column is not None}

    def given(self) -> list[str]:
        """Return the names of the targets that are given."""
        return [name for name in SHAPES if name in self.columns]

    def of(self, name: str, batch: int, like: Tensor) -> Tensor:
        """Return a target; where it is not given, all of it is missing.

        Args:
            name: Name of the column.
            batch: Number of texts.
            like: A tensor of the device and dtype to return.

        Returns:
            The target, with NaN where it is missing; shape ``(batch, *shape)``.

        Raises:
            InputError: When the target has the wrong shape.
        """
        labels = SHAPES[name]
        target = self.columns.get(name)
        if target is None:
            return like.new_full((batch, *((1,) if labels is None else labels)), math.nan)
        if labels is None and (target.dim() != 2 or len(target) != batch):
            raise InputError(f"`{name}` must have the shape ({batch}, width), got {tuple(target.shape)}.")
        if labels is not None and target.shape != (batch, *labels):
            raise InputError(f"`{name}` must have the shape {(batch, *labels)}, got {tuple(target.shape)}.")
        return _floating(target, like)

    def pairs(self, name: str, batch: int, device: torch.device) -> Tensor:
        """Return pairs.

        Args:
            name: Name of the column.
            batch: Number of texts.
            device: Where to make the column if it is not given.

        Returns:
            The pairs, ``(batch, 2)``; -100 where they are not given.

        Raises:
            InputError: When the pairs have the wrong shape.
        """
        target = self.columns.get(name)
        if target is None:
            return torch.full((batch, 2), -100, device=device)
        if target.shape != (batch, 2):
            raise InputError(f"`{name}` must have the shape {(batch, 2)}, got {tuple(target.shape)}.")
        return target


def _floating(target: Tensor, like: Tensor) -> Tensor:
    """Return the target in the type of ``like``, with NaN where an integer target is -100."""
    missing = target == -100 if not target.is_floating_point() else torch.zeros_like(target, dtype=torch.bool)
    return target.to(like.dtype).masked_fill(missing, math.nan)


def _matches(pairs: Tensor) -> Tensor:
    """Return bool (batch, batch): row is the better, column the worse text of one pair."""
    ids, rank = pairs.unbind(-1)
    same = (ids[:, None] == ids[None, :]) & (ids >= 0)[:, None]
    return same & (rank == 1)[:, None] & (rank == 0)[None, :]


def _pairwise(loss: Tensor, match: Tensor) -> RowLoss:
    """Give each text of a pair the pair's loss; ``loss`` and ``match`` are (batch, batch)."""
    both = match | match.T
    symmetric = torch.where(match, loss, loss * 0)
    count = both.sum(1)
    return RowLoss((symmetric + symmetric.T).sum(1) / count.clamp(min=1), count > 0)


def scores_of(ranking: Ranking, reading: RedHeartOutput) -> Tensor | None:
    """Return the scores that a ranking ranks, (batch,); None where they were not computed."""
    scores = tensor_of(reading, ranking.score)
    if scores is None or ranking.label is None:
        return scores
    return scores[:, CLAIMS[ranking.claim].axes[-1].index(ranking.label)]


def _ranking(scores: Tensor, pairs: Tensor) -> RowLoss:
    """Return the pairwise logistic loss (Bradley & Terry 1952) of ``scores`` (batch,)."""
    return _pairwise(F.softplus(scores[None, :] - scores[:, None]), _matches(pairs))


def claim_losses(reading: RedHeartOutput, heads: HeadsOutput | None, targets: Targets) -> dict[str, RowLoss]:
    """Compute the loss of each claim that was read, by its kind, and of each head's own reading of one.

    Args:
        reading: The reading of the model.
        heads: The heads' own reading; see `collect_losses`.
        targets: What the batch is trained on.

    Returns:
        The losses by name.
    """
    losses = {}
    for claim in CLAIMS.values():
        values = tensor_of(reading, claim.tensor)
        if values is not None and claim.labels is not None and _has_loss(claim, reading):
            target = targets.of(claim.labels, len(values), values)
            losses[claim.name] = KINDS[claim.kind].loss(claim, reading, target)
        # A head has a loss only where the part of the reading that it contributes to was computed.
        if claim.head is not None and heads is not None and getattr(reading, claim.head.split(".")[0]) is not None:
            direct = tensor_of(heads, claim.head)
            if direct is not None:
                alone = claim.of_head()
                target = targets.of(str(claim.labels), len(direct), direct)
                losses[f"{claim.name}_head"] = KINDS[alone.kind].loss(alone, heads, target)
    return losses


def _has_loss(claim: Claim, reading: RedHeartOutput) -> bool:
    """Return whether the claim has a loss of its own: a head's parts of the information learn from the analyzer's."""
    return claim.kind is not Kind.INFORMATION or getattr(reading, claim.output).subset_logits is not None


def ranking_losses(reading: RedHeartOutput, targets: Targets) -> dict[str, RowLoss]:
    """Return the losses of the rankings whose scores were computed."""
    losses = {}
    for name, ranking in RANKINGS.items():
        scores = scores_of(ranking, reading)
        if scores is not None:
            pairs = targets.pairs(name, len(scores), scores.device)
            branches = name == "branch_pair_labels"
            losses[ranking.loss] = _branches(reading, pairs) if branches else _ranking(scores, pairs)
    return losses


def _branches(reading: RedHeartOutput, pairs: Tensor) -> RowLoss:
    """Compute the loss of two branches of one situation.

    The better branch's actual utility is above the worse one's; the better view of the worse branch equals the other
    branch's actual utility, and so does the worse view of the better branch.

    Args:
        reading: The reading, with utilities.
        pairs: The pairs of branches; see `Targets.pairs`.

    Returns:
        The loss per text.
    """
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
    """Compute the loss of regret theory: regret grows with the utility of the other view (Loomes & Sugden 1982)."""
    utility = reading.counterfactual.utility_logits.detach()
    foregone = torch.tanh(utility - utility[:, VIEWS.index("actual"), None])
    felt = reading.regret.scores.mean(dim=1)
    other = [VIEWS.index("better"), VIEWS.index("worse")]
    loss = (felt - foregone)[:, other].square().mean(dim=1)
    return _everywhere(loss)


def surd_head_loss(reading: RedHeartOutput, heads: HeadsOutput) -> RowLoss:
    """Return how far the head's parts are from those that the analyzer finds."""
    return _everywhere(F.smooth_l1_loss(heads.surd.parts, reading.surd.parts, reduction="none").mean(1))


def bridge_losses(bridge: BridgeOutput) -> dict[str, RowLoss]:
    """Return the losses of what the bridge predicts about the modules that ran."""
    real = bridge.states.detach()
    known = bridge.ran & ~bridge.recovered
    target = torch.where(known.unsqueeze(-1), real, math.nan)
    return {"asynchrony": regression(bridge.predicted, target), "recovery": regression(bridge.rebuilt, target)}


def prototype_loss(usage: Tensor) -> Tensor:
    """Return how far the prototypes are from being used equally, in nats: log n - H(mean use)."""
    return math.log(len(usage)) + (usage * usage.clamp(min=1e-12).log()).sum()


def confidence_loss(expected: Tensor, rated: dict[str, RowLoss]) -> RowLoss:
    """Compute how far the expected losses are from the actual ones.

    It is half the deviance of a gamma distribution, r - log r - 1 of their ratio r. Its minimum is at the mean, as that
    of a squared error is, and it depends on ratios, so that a part whose losses are small counts as much as one whose
    losses are large.

    Args:
        expected: The expected losses, in the order of ``labels.RATED``; shape ``(batch, 13)``.
        rated: The actual losses by name.

    Returns:
        The loss per text.
    """
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
    """Return the mean importance of each text's tokens; ``importance`` and ``mask`` are (batch, tokens)."""
    return _everywhere(importance.sum(1) / mask.sum(1).clamp(min=1))


def collect_losses(
    reading: RedHeartOutput, heads: HeadsOutput | None, bridge: BridgeOutput | None, mask: Tensor, targets: Targets
) -> dict[str, RowLoss]:
    """Compute every loss of what was computed.

    Args:
        reading: The reading of the model.
        heads: The heads' own reading; None where only the heads ran, and ``reading`` is theirs.
        bridge: Output of the bridge; None where it did not run.
        mask: True where there is text; shape ``(batch, tokens)``.
        targets: What the batch is trained on.

    Returns:
        The losses by name.
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
    """Return the loss that confidence predicts for a number with an uncertainty: a likelihood has no lowest value."""
    values = tensor_of(reading, claim.tensor)
    if values is None:
        raise InputError(f"{claim.name!r} was not computed, so it has no error.")
    return regression(values, targets.of(str(claim.labels), len(values), values))


__all__ = ["Targets", "collect_losses", "prototype_loss", "scores_of"]
