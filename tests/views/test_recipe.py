"""The recipe of a plain view: its defaults, and what is refused before anything is loaded."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from redheart.views.recipe import PlainRecipe, describes_plain_view, read_plain_recipe


def test_two_options_are_enough() -> None:
    recipe = read_plain_recipe(None, plain="emotions", output="runs/plain")
    assert (recipe.teacher, recipe.training["num_train_epochs"]) == ("redheart-100m", 1)
    assert {source.split for source in recipe.data.train} == {None}, "training splits alone"
    assert not recipe.data.validation


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"plain": "emotion"}, "emotion"),
        ({"longest_text": 3}, "`longest_text` must be 8 or more, got 3"),
        ({"trained_layers": -1}, "`trained_layers` must be 0 or more"),
        ({"head_learning_rate": 0.0}, "`head_learning_rate` must be above 0"),
        ({"data": {"train": []}}, "names no source of training texts"),
        ({"training": {"learning_rat": 1e-3}}, "learning_rate"),
        ({"training": {"output_dir": "x"}}, "`output` names the folder of the run"),
        ({"embeddings": "x"}, "embeddings"),
    ],
)
def test_a_wrong_option_is_named(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump({"output": "x", "plain": "emotions", **options}))
    with pytest.raises(ValueError, match=message):
        read_plain_recipe(path)


def test_the_two_kinds_of_recipes_are_told_apart(tmp_path: Path) -> None:
    for content, plain in (("plain: emotions", True), ("student: {preset: redheart-mini}", False), ("- a", False)):
        (tmp_path / "recipe.yaml").write_text(content)
        assert describes_plain_view(tmp_path / "recipe.yaml") is plain


def test_an_unknown_view_is_refused_without_a_file() -> None:
    view: Any = "feelings"
    with pytest.raises(ValueError, match="There is no plain view 'feelings'"):
        PlainRecipe("x", view)
