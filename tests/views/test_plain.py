"""A plain view as a user makes it: a command, and a folder that other stacks read without redheart."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from typer.testing import CliRunner

from redheart.cli import main
from redheart.configuration.labels import EMOTIONS
from redheart.views.plain import REPORT, make_plain_view
from redheart.views.recipe import read_plain_recipe

TRAINING = {"max_steps": 4, "per_device_train_batch_size": 8, "save_steps": 2, "use_cpu": True, "disable_tqdm": True}
CLASSIFIER = """
import json, sys
from transformers import pipeline
classify = pipeline("text-classification", model=sys.argv[1], top_k=None)
print(json.dumps([classify(["I am so sorry.", "He waited."]), classify.model.config.thresholds]))
"""
ENCODER = """
import json, sys
from sentence_transformers import SentenceTransformer
model = SentenceTransformer(sys.argv[1], device="cpu")
print(json.dumps(model.encode(["I am so sorry.", "He waited."], show_progress_bar=False).tolist()))
"""


@pytest.fixture
def write(tmp_path: Path, on_encoder: Path) -> Callable[..., Path]:
    """Writes a recipe over eighty texts without labels."""

    def recipe(**parts: Any) -> Path:
        texts = [f"{['sunny', 'lonely', 'furious'][number % 3]} story of number {number}" for number in range(80)]
        (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))
        content = {
            "output": str(tmp_path / "run"),
            "plain": "emotions",
            "teacher": str(on_encoder),
            "trained_layers": 2,
            "data": {"train": [{"path": str(tmp_path / "rows.jsonl")}], "held_out": 0.3},
            "training": TRAINING,
            **parts,
        }
        path = tmp_path / "recipe.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    return recipe


def test_training_brings_the_student_nearer(write: Callable[..., Path], tmp_path: Path) -> None:
    training = {**TRAINING, "max_steps": 40, "learning_rate": 3e-3}
    report = make_plain_view(read_plain_recipe(write(training=training, head_learning_rate=3e-3)))
    assert report["distance"]["after"] < report["distance"]["before"]
    assert report["trained parameters"] < report["parameters"]
    assert sum(report["texts"].values()) == 80
    assert json.loads((tmp_path / "run" / REPORT).read_text()) == report


def test_a_training_that_leads_away_from_the_teacher_is_put_back(write: Callable[..., Path], tmp_path: Path) -> None:
    without = {**TRAINING, "learning_rate": 0.0}
    still = make_plain_view(read_plain_recipe(write(training=without, head_learning_rate=1e-12)))
    expected = AutoModelForSequenceClassification.from_pretrained(tmp_path / "run" / "model").state_dict()
    wild = {**TRAINING, "learning_rate": 3.0}
    report = make_plain_view(read_plain_recipe(write(training=wild, head_learning_rate=3.0)), overwrite=True)
    assert report["put back"]
    assert report["distance"]["before"] == pytest.approx(still["distance"]["before"])
    found = AutoModelForSequenceClassification.from_pretrained(tmp_path / "run" / "model").state_dict()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, atol=1e-5, rtol=0)


def test_the_classifier_has_its_thresholds_in_its_config(write: Callable[..., Path], tmp_path: Path) -> None:
    make_plain_view(read_plain_recipe(write()))
    config = AutoModelForSequenceClassification.from_pretrained(tmp_path / "run" / "model").config
    assert set(config.thresholds) == set(EMOTIONS)
    assert all(0 <= value <= 1 for value in config.thresholds.values())


@pytest.mark.slow
def test_the_classifier_loads_where_redheart_is_not_installed(
    write: Callable[..., Path], tmp_path: Path, elsewhere: Callable[..., str]
) -> None:
    make_plain_view(read_plain_recipe(write()))
    folder = tmp_path / "run" / "model"
    found, thresholds = json.loads(elsewhere(CLASSIFIER, folder).splitlines()[-1])
    model, tokenizer = AutoModelForSequenceClassification.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        expected = model(**tokenizer("He waited.", return_tensors="pt")).logits.sigmoid()[0]
    scores = {item["label"]: item["score"] for item in found[1]}
    assert list(scores) != list(EMOTIONS), "the most probable first"
    assert [scores[name] for name in EMOTIONS] == pytest.approx(expected.tolist(), abs=1e-5)
    assert set(thresholds) == set(EMOTIONS)


@pytest.mark.slow
def test_the_embedding_loads_where_redheart_is_not_installed(
    write: Callable[..., Path], tmp_path: Path, elsewhere: Callable[..., str]
) -> None:
    library = pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    report = make_plain_view(read_plain_recipe(write(), plain="embedding"))
    assert 0 <= report["distance"]["after"] <= 2
    folder = tmp_path / "run" / "model"
    found = torch.tensor(json.loads(elsewhere(ENCODER, folder).splitlines()[-1]))
    model = library.SentenceTransformer(str(folder), device="cpu")
    torch.testing.assert_close(found, torch.tensor(model.encode(["I am so sorry.", "He waited."])), atol=1e-5, rtol=0)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(2))
    assert not list(folder.rglob("*.py"))


def test_a_broken_run_goes_on_where_it_was(write: Callable[..., Path], tmp_path: Path) -> None:
    run, training = tmp_path / "run", {**TRAINING, "save_total_limit": 3}
    whole = make_plain_view(read_plain_recipe(write(training=training)))
    for name in ("checkpoint-4", "model"):  # as after a kill: step 2 was saved, and nothing later
        shutil.rmtree(run / name)
    resumed = make_plain_view(read_plain_recipe(write(training=training)), resume=True)
    assert resumed["distance"]["after"] == pytest.approx(whole["distance"]["after"], abs=1e-5)
    assert (run / "model" / "model.safetensors").is_file()


def test_a_run_that_is_there_is_not_replaced(write: Callable[..., Path]) -> None:
    recipe = read_plain_recipe(write())
    make_plain_view(recipe)
    with pytest.raises(ValueError, match="replace it with --overwrite"):
        make_plain_view(recipe)


def test_the_command(write: Callable[..., Path], tmp_path: Path, checkpoint: Path) -> None:
    done = CliRunner().invoke(main, ["distill", str(write())])
    assert done.exit_code == 0, done.output
    assert "plain emotions of on-bert" in done.output
    for more, message in (
        (["--plain", "emotion"], "plain"),
        (["--student", "redheart-tiny", "--include-untrained"], "It is an option of --plain"),
        (["--plain", "emotions", "--student", "redheart-tiny"], "leave --student out"),
        ([str(write()), "--teacher", str(checkpoint), "--output", str(tmp_path / "new")], "Red Heart's own"),
    ):
        refused = CliRunner().invoke(main, ["distill", *more])
        assert refused.exit_code != 0
        assert message in " ".join(refused.output.split())
