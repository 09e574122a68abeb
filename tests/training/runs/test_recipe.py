"""Recipes: what a file may say, and that what is wrong is named by its place."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from redheart.data.rows import read_rows
from redheart.training.runs.recipe import ConfidenceRecipe, read_recipe

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
        ({"model": {"checkpoint": "a", "preset": "b"}}, "defines sizes"),
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
        ({"confidence": {"share": 2}}, "above 0 and below 1"),
        ({"training": {"lerning_rate": 1}}, r"no option training\.lerning_rate; did you mean 'learning_rate'"),
        ({"training": {"num_train_epochs": "six"}}, r"training\.num_train_epochs must be of type float, got 'six'"),
        ({"training": {"output_dir": "x"}}, r"training\.output_dir cannot be given here: `output` names the folder"),
        (
            {"training": {"eval_strategy": "epoch"}, "sweet_spot": {"windw": 3}},
            r"sweet_spot\.windw; did you mean 'window'",
        ),
        ({"training": {"eval_strategy": "epoch"}, "crossover": {"trainer": 1}}, r"crossover\.trainer cannot be given"),
        ({"lr_sweep": {"low": "tiny"}}, r"lr_sweep\.low must be of type float, got 'tiny'"),
        ({"model": {"preset": "redheart-mni"}}, "no preset 'redheart-mni'; did you mean 'redheart-mini'"),
        ({"data": {"train": [{"name": "goemotion"}]}}, "no set 'goemotion'; did you mean 'goemotions'"),
        ({"data": {"train": [{"path": "a", "columns": {"x": 3}}]}}, "column 'x' must become a name, null, or"),
        (
            {"data": {"train": [{"path": "a", "columns": {"x": "verdct"}}]}},
            "cannot become 'verdct'; did you mean 'verdict'",
        ),
        (
            {"pretraining": {"texts": [{"path": "a"}], "training": {"max_step": 1}}, "data": {}},
            r"pretraining\.training\.max_step; did you mean 'max_steps'",
        ),
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


def test_keys_are_names_whatever_yaml_makes_of_them(tmp_path: Path) -> None:
    """A bare yes is true to YAML; as a value of a column it is the word."""
    recipe = read_recipe(
        write(
            tmp_path,
            """
output: out
model: {preset: redheart-tiny}
data:
  train:
    - path: a.csv
      columns:
        sentence: text
        ticket: null
        at_fault: {to: verdict, values: {yes: author, no: other, true: everybody, 1: nobody}}
training: {use_cpu: yes, learning_rate: 5e-4}
""",
        )
    )
    (source,) = recipe.data.train
    rows = [{"sentence": "a", "ticket": 1, "at_fault": value} for value in ("yes", "no", True, 1.0)]
    found = [dict(row) for row in read_rows(rows, column_names=source.columns)]
    assert [row["verdict"] for row in found] == ["author", "other", "everybody", "nobody"]
    assert set(found[0]) == {"text", "verdict"}
    assert recipe.training == {"use_cpu": True, "learning_rate": 5e-4}


@pytest.mark.parametrize("text", ["a: [1", "just words", "- a list", "output: a\noutput: b", "output: \x07"])
def test_invalid_recipe_files_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"recipe\.yaml"):
        read_recipe(write(tmp_path, text))


@pytest.mark.parametrize(
    "path",
    sorted(path for path in EXAMPLES.glob("*.yaml") if not path.stem.startswith(("accelerate", "distill"))),
    ids=lambda path: path.stem,
)
def test_the_examples_can_be_read(path: Path) -> None:
    assert read_recipe(path).output.startswith("runs/")
