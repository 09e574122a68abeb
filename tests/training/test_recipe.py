"""Recipes: what a file may say, and that what is wrong is named by its place."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from redheart.training.recipe import ConfidenceRecipe, read_recipe

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
LEAST: dict[str, Any] = {
    "output": "out",
    "model": {"preset": "redheart-tiny"},
    "data": {"train": [{"path": "a.jsonl"}]},
}


def write(folder: Path, content: object) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def test_the_least_that_a_run_needs(tmp_path: Path) -> None:
    recipe = read_recipe(write(tmp_path, LEAST))
    assert recipe.model.preset == "redheart-tiny"
    assert recipe.data.train[0].label == "a"
    assert recipe.data.held_out == 0.1
    assert recipe.sweet_spot is None
    assert read_recipe(write(tmp_path, LEAST), output=Path("there")).output == "there"


def test_parts_become_what_they_are(tmp_path: Path) -> None:
    recipe = read_recipe(
        write(tmp_path, {**LEAST, "confidence": {"share": 0.2, "epochs": 1}, "lr_sweep": {}, "training": {"seed": 3}})
    )
    assert recipe.confidence == ConfidenceRecipe(share=0.2, epochs=1.0)
    assert recipe.lr_sweep == {}
    assert recipe.training == {"seed": 3}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"outputs": "x"}, "no option outputs; did you mean 'output'"),
        ({"model": {"present": "x"}}, r"no option model\.present; did you mean 'preset'"),
        ({"model": {}}, "needs a `preset`"),
        ({"model": {"checkpoint": "a", "preset": "b"}}, "brings its sizes"),
        ({"model": {"preset": "a", "sharded": True}}, "`redheart create PRESET` makes one"),
        ({"model": {"checkpoint": "a", "sharded": True}, "lr_sweep": {}}, "`lr_sweep` needs whole weights"),
        ({"data": {"train": []}}, "names no source"),
        ({"data": {"train": {"path": "a"}}}, r"data\.train must be a list"),
        ({"data": {"train": [{"path": "a", "nam": "b"}]}}, r"data\.train\[0\]\.nam; did you mean 'name'"),
        ({"data": {"train": [{}]}}, "either a `name`"),
        (
            {"data": {"train": [{"path": "a", "rows": "many"}]}},
            r"data\.train\[0\]\.rows must be of type int, got 'many'",
        ),
        ({"data": {"train": [{"path": "a", "rows": True}]}}, "must be of type int, got True"),
        ({"data": {"train": [{"path": "a", "weight": 0}]}}, "above 0"),
        ({"data": {"train": [{"path": "a", "half": "left"}]}}, "'train' or 'scored'"),
        ({"confidence": {"share": 2}}, "between 0 and 1"),
        ({"sweet_spot": {}}, "eval_strategy"),
        ({"crossover": {}}, "eval_strategy"),
        ({"output": None}, "output has no value"),
        ({"pretraining": {"texts": [{"path": "a"}], "training": {}}}, "labelled `data`"),
        ({"pretraining": {"texts": [{"path": "a"}]}, "data": {}}, r"pretraining\.training is missing"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        read_recipe(write(tmp_path, {**LEAST, **change}))
    assert "recipe.yaml" in str(caught.value)


@pytest.mark.parametrize("text", ["a: [1", "just words", "- a list"])
def test_what_is_no_recipe_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"recipe\.yaml"):
        read_recipe(write(tmp_path, text))


@pytest.mark.parametrize(
    "path",
    sorted(path for path in EXAMPLES.glob("*.yaml") if not path.stem.startswith(("accelerate", "distill"))),
    ids=lambda path: path.stem,
)
def test_the_examples_can_be_read(path: Path) -> None:
    assert read_recipe(path).output.startswith("runs/")
