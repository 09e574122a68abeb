"""Pairs of actions are cut by their actions."""

from pathlib import Path

import numpy as np
import pytest

from redheart.data.dilemmas import dilemma_halves
from redheart.data.loading import Example, Unit
from redheart.training.runs.building import build_units
from redheart.training.runs.recipe import DataRecipe, Source


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


def test_a_recipe_trains_on_one_half_and_validates_on_the_other(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    pyarrow = pytest.importorskip("pyarrow")
    pairs = [[item.text for item in unit] for unit in _pairs(200)]
    columns = {"action0": [one for one, _ in pairs], "action1": [other for _, other in pairs]}
    (tmp_path / "scruples_dilemmas").mkdir()
    table = pyarrow.table({**columns, "gold_label": [0] * len(pairs)})
    parquet.write_table(table, tmp_path / "scruples_dilemmas" / "validation.parquet")
    halves = [
        Source("scruples_dilemmas", root=str(tmp_path), split="validation", half=half) for half in ("train", "scored")
    ]
    train, validation = build_units(DataRecipe(halves[:1], halves[1:]), seed=0)
    assert len(train) > 20
    assert len(validation) > 10
    assert not {item.text for unit in train for item in unit} & {item.text for unit in validation for item in unit}
