"""Pairs of actions are cut by their actions."""

import numpy as np

from redheart.training.data import Example, Unit
from redheart.training.dilemmas import dilemma_halves


def _pairs(count: int) -> list[Unit]:
    generator = np.random.default_rng(0)
    return [
        tuple(Example(f"action {place}", "scruples_dilemmas") for place in generator.choice(count, 2, replace=False))
        for _ in range(count)
    ]


def test_no_action_is_on_both_sides() -> None:
    train, scored = dilemma_halves(_pairs(400))
    actions = [{item.text for unit in units for item in unit} for units in (train, scored)]
    assert not actions[0] & actions[1]
    assert len(train) > 80
    assert len(scored) > 40


def test_the_side_of_an_action_depends_on_its_words_only() -> None:
    pairs = _pairs(100)
    louder: list[Unit] = [tuple(Example(item.text.upper() + "!", item.source) for item in unit) for unit in pairs]
    assert [[item.text.upper() + "!" for item in unit] for unit in dilemma_halves(pairs)[1]] == [
        [item.text for item in unit] for unit in dilemma_halves(louder)[1]
    ]
    assert set(dilemma_halves(pairs[::-1])[1]) == set(dilemma_halves(pairs)[1])
