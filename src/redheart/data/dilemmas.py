"""Pairs of actions split in two by their actions, for a set whose training split is too small.

Notable: an action is in about two pairs, so a split by pairs would train on half of the actions that it scores. Here
each action is on one side, and a pair across the split is on neither.
"""

from collections.abc import Sequence

from .examples import fraction, normalised
from .loading import Unit

SCORED = 0.4  # share of the actions that figures are about


def dilemma_halves(units: Sequence[Unit], scored: float = SCORED) -> tuple[list[Unit], list[Unit]]:
    """Split pairs so that no action is on both sides.

    Which side an action is on depends on its text only. Pairs with one action on each side are left out.

    Args:
        units: The pairs.
        scored: Share of the actions to score, in 0..1.

    Returns:
        The pairs to train on, and the pairs to score.
    """
    train: list[Unit] = []
    held: list[Unit] = []
    for unit in units:
        sides = {fraction(f"dilemma/{normalised(item.text)}") < scored for item in unit}
        if len(sides) == 1:
            (held if sides.pop() else train).append(unit)
    return train, held


__all__ = ["SCORED", "dilemma_halves"]
