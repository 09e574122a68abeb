"""A distillation as a user runs it: from a recipe to a folder with a model, its record and the report."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedTokenizerBase
from typer.testing import CliRunner

from redheart import RedHeartModel
from redheart.cli import main
from redheart.compression.distill import distill, summary
from redheart.compression.distillation_recipe import DistillationRecipe, read_distillation
from redheart.configuration.labels import VIEWS
from redheart.storage.strict_loading import load_strict

MakeModel = Callable[..., RedHeartModel]
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
TRAINING = {
    "max_steps": 4, "learning_rate": 3e-3, "per_device_train_batch_size": 8, "longest_text": 32, "logging_steps": 1,
    "use_cpu": True, "disable_tqdm": True, "save_strategy": "no",
}  # fmt: skip


@pytest.fixture(scope="module")
def teacher(
    lively_model: MakeModel, tokenizer: PreTrainedTokenizerBase, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Folder of a teacher that learned joy, the verdict and what could have been, with what was fitted to it."""
    folder = tmp_path_factory.mktemp("teachers") / "sage"
    record = {
        "emotion.joy": ["goemotions"],
        "verdict": ["scruples_anecdotes"],
        **{f"utility.{view}": ["moral_stories"] for view in VIEWS},
        "regret.outcome.better": ["derived: by a rule"],
        "confidence.emotion": ["rows held out of training"],
    }
    fitted = {"thresholds": {"joy": 0.2}, "verdict_temperature": 2.0, "verdict_threshold": 0.4}
    encoder = {"model_type": "bert", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
               "intermediate_size": 16, "vocab_size": 9931, "max_position_embeddings": 64}  # fmt: skip
    lively_model(supervision=record, encoder_config=encoder, **fitted).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def write(tmp_path: Path, teacher: Path) -> Callable[..., Path]:
    """Writes a recipe over fifty rows of which two in three have labels."""

    def recipe(**parts: Any) -> Path:
        rows = []
        for number in range(50):
            row: dict[str, Any] = {"text": f"{['sunny', 'lonely', 'furious'][number % 3]} story of number {number}"}
            if number % 3:
                row |= {"emotion": [["joy", "anger"][number % 2]], "affect.valence": 0.01 * number}
            rows.append(row)
        (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
        content = {
            "output": str(tmp_path / "run"),
            "teacher": str(teacher),
            "student": {"preset": "redheart-tiny"},
            "data": {"train": [{"path": str(tmp_path / "rows.jsonl")}], "held_out": 0.2},
            "training": TRAINING,
            **parts,
        }
        path = tmp_path / "recipe.yaml"
        path.write_text(yaml.safe_dump({name: value for name, value in content.items() if value is not None}))
        return path

    return recipe


def test_a_run_leaves_a_student_that_claims_what_it_was_taught(write: Callable[..., Path], tmp_path: Path) -> None:
    report = distill(read_distillation(write(confidence={"share": 0.2, "epochs": 1})))
    student = load_strict(tmp_path / "run" / "model")
    record, mark = student.config.supervision, "derived: distilled from sage"
    assert record["verdict"] == ["scruples_anecdotes", mark]
    assert record["emotion.joy"] == ["goemotions", mark, "rows"]
    assert record["affect.valence"] == ["rows"], "from the labels alone"
    assert record["utility.better"] == ["moral_stories", mark]
    assert record["regret.outcome.better"] != ["derived: by a rule"]
    assert record["regret.outcome.better"][0].startswith("derived: tanh")
    assert record["confidence.emotion"] == ["rows held out of training"]
    assert "confidence.verdict" not in record, "the teacher's confidence is not the student's"
    assert "affect.arousal" not in record
    assert (student.config.thresholds, student.config.verdict_threshold) == ({}, 0.0)
    assert student.config.verdict_temperature == 1.0
    assert report == json.loads((tmp_path / "run" / "distillation.json").read_text())
    assert report["teacher"] == "sage"
    assert report["parameters"]["student"] == sum(parameter.numel() for parameter in student.parameters())
    assert {"teacher", "student"} == set(report["validation"]["emotion"])
    assert set(report["validation"]) == {"emotion", "emotion_head", "arc", "affect", "supervised"}
    assert {"all", "emotion", "verdict", "utility", "states", "hidden"} <= set(report["distillation"])
    assert (tmp_path / "run" / "losses.png").stat().st_size > 100
    assert "emotion" in summary(report)


def test_labels_are_not_recorded_where_only_the_teacher_was_learned_from(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    cut = {"layers": 1, "embedding": 8, "options": {"hidden_size": 16, "num_attention_heads": 1}}
    report = distill(read_distillation(write(student=None, cut=cut, distillation={"share": 1.0})))
    student = load_strict(tmp_path / "run" / "model")
    assert "affect.valence" not in student.config.supervision
    assert student.config.supervision["emotion.joy"] == ["goemotions", "derived: distilled from sage"]
    assert report["student"] == "cut from the teacher"
    assert report["parameters"]["ratio"] > 1
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "run" / "model")
    with torch.no_grad():
        assert student(**tokenizer("a text", return_tensors="pt")).joint.isfinite().all()


def test_an_encoder_can_teach_the_embedding(write: Callable[..., Path], tmp_path: Path, teacher: Path,
                                             bert_options: dict[str, Any]) -> None:  # fmt: skip
    AutoModel.from_config(AutoConfig.for_model(**{**bert_options, "vocab_size": 9931})).save_pretrained(
        tmp_path / "mpnet"
    )
    AutoTokenizer.from_pretrained(teacher).save_pretrained(tmp_path / "mpnet")
    few = {**TRAINING, "max_steps": 1}
    report = distill(read_distillation(write(embeddings=str(tmp_path / "mpnet"), training=few)))
    assert load_strict(tmp_path / "run" / "model").config.supervision["embedding"] == ["mpnet"]
    assert report["validation"]["embedding"]["student"] > 0


def test_rows_without_labels_are_enough(write: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "texts.csv").write_text("text\n" + "\n".join(f"a plain text of number {n}" for n in range(30)))
    data = {"train": [{"path": str(tmp_path / "texts.csv")}], "held_out": 0.3}
    report = distill(read_distillation(write(data=data)))
    assert report["validation"] == {}
    assert report["distillation"]["all"]["after"] < report["distillation"]["all"]["before"]
    with pytest.raises(ValueError, match="`confidence` is learned from labelled rows"):
        distill(read_distillation(write(data=data, confidence={"share": 0.2})), overwrite=True)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"student": None}, "either a `student`"),
        ({"cut": {"layers": 1}}, "either a `student`"),
        ({"student": {"checkpoint": "there", "sharded": True}}, "all of its weights"),
        ({"data": {"train": []}}, "names no source"),
        ({"distilation": {}}, "did you mean 'distillation'"),
        ({"cut": {"layer": 1}, "student": None}, "did you mean 'layers'"),
        ({"distillation": {"share": 2.0}}, "`share` must be"),
    ],
)
def test_a_wrong_recipe_is_refused(write: Callable[..., Path], parts: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_distillation(write(**parts))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"student": {"preset": "redheart-10m"}}, "did you mean 'redheart-100m'"),
        ({"teacher": "redheart-730m"}, "has no trained weights"),
        ({"training": {"learning_rat": 1.0}}, "learning_rat"),
    ],
)
def test_an_impossible_run_is_refused(write: Callable[..., Path], parts: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        distill(read_distillation(write(**parts)))


def test_a_teacher_that_learned_nothing_is_refused(
    write: Callable[..., Path], tmp_path: Path, tokenizer: PreTrainedTokenizerBase, lively: RedHeartModel,
) -> None:  # fmt: skip
    lively.save_pretrained(tmp_path / "blank")
    tokenizer.save_pretrained(tmp_path / "blank")
    answer = CliRunner().invoke(main, ["distill", str(write()), "--teacher", str(tmp_path / "blank")])
    assert answer.exit_code == 1
    assert "nothing that labels supervised" in answer.stderr
    small = {"layers": 1, "components": {"cache": {"neighbours": 10**6}}}
    answer = CliRunner().invoke(main, ["distill", str(write(student=None, cut=small))])
    assert answer.exit_code == 1
    assert "`neighbours`" in answer.stderr


def test_a_folder_with_a_run_is_not_trained_over(write: Callable[..., Path]) -> None:
    saved = {**TRAINING, "save_strategy": "steps", "save_steps": 1}
    distill(read_distillation(write(training={**saved, "max_steps": 1})))
    longer = read_distillation(write(training={**saved, "max_steps": 2}))
    with pytest.raises(ValueError, match="continue it with --resume"):
        distill(longer)
    assert distill(longer, resume=True)["steps"] == 2


def test_a_recipe_needs_no_file_and_options_go_before_it(write: Callable[..., Path]) -> None:
    recipe = read_distillation(None, output=Path("there"), student="redheart-100m")
    assert recipe == DistillationRecipe("there", student=recipe.student)
    assert recipe.student is not None
    assert recipe.student.preset == "redheart-100m"
    given = read_distillation(write(student=None, cut={"layers": 1}), teacher="another", student="redheart-330m")
    assert (given.teacher, given.student_name, given.cut) == ("another", "redheart-330m", None)


@pytest.mark.parametrize("name", ["distill-mini.yaml", "distill-100m.yaml"])
def test_the_examples_can_be_read(name: str) -> None:
    assert read_distillation(EXAMPLES / name).teacher
