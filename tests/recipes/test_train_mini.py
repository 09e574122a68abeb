"""The recipe of redheart-mini: what teaches it."""

from pathlib import Path

import pytest

from redheart.data.loading import NON_COMMERCIAL
from redheart.recipes.shipped_recipes import ENGLISH
from redheart.recipes.train_mini import ROUNDS, recipe_of


def test_nothing_non_commercial_is_read() -> None:
    assert not {*NON_COMMERCIAL, "crowd_envent"} & {*ROUNDS, *ENGLISH}


def test_a_trial_run_has_a_share_of_each_set(tmp_path: Path) -> None:
    whole, trial = (recipe_of(tmp_path, tmp_path / "encoder", tmp_path / "run", share) for share in (1.0, 0.1))
    assert [source.weight for source in whole.data.train] == list(ROUNDS.values())
    assert [source.weight for source in trial.data.train] == pytest.approx([value / 10 for value in ROUNDS.values()])


def test_no_row_that_is_learned_from_is_measured_with(tmp_path: Path) -> None:
    data = recipe_of(tmp_path, tmp_path / "encoder", tmp_path / "run").data
    learned = {(source.name, source.split, source.half) for source in data.train}
    assert not learned & {(source.name, source.split, source.half) for source in data.validation}
    assert ("scruples_dilemmas", "validation", "train") in learned  # the other half is what figures are measured on
