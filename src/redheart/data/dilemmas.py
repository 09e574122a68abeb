"""Pairs of actions cut in two by their actions, where a set has no training split to speak of.

Notable: an action stands in about two pairs, so a cut by pairs would train on half of what it scores. Here each action
is on one side, and a pair across the cut is on none.
"""

from collections.abc import Sequence

from .examples import fraction, normalised
from .loading import Unit

SCORED = 0.4  # share of the actions that figures are about


def dilemma_halves(units: Sequence[Unit], scored: float = SCORED) -> tuple[list[Unit], list[Unit]]:
    """The pairs to train on, and the pairs to score: no action is in both, and the pairs with one action on each side
    are left out. Which side an action is on depends on its text only."""
    train: list[Unit] = []
    held: list[Unit] = []
    for unit in units:
        sides = {fraction(f"dilemma/{normalised(item.text)}") < scored for item in unit}
        if len(sides) == 1:
            (held if sides.pop() else train).append(unit)
    return train, held


__all__ = ["SCORED", "dilemma_halves"]
