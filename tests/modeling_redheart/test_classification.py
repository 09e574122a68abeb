"""What a classifier learned is in what it saves: the kind of its answers, and nothing of an analysis.

Other doors of the same kind: the plain `Trainer`, `AutoModelForSequenceClassification`, the text-classification
pipeline and `redheart analyze` of the saved folder, and regressions, whose one number a pipeline would squash.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import (
    AutoModel,
    AutoModelForSequenceClassification,
    PreTrainedTokenizerBase,
    Trainer,
    pipeline,
)

from redheart import RedHeartConfig, RedHeartForSequenceClassification, RedHeartModel
from redheart.configuration.labels import EMOTIONS

from ..fixtures.runs import small_arguments

Batch = dict[str, Tensor]

SEVERAL = torch.tensor([[1.0, 0, 1], [0, 1, 0], [1, 1, 0], [0, 0, 0]])
CLASSES = torch.tensor([0, 2, 1, 2])
TEXT = "He kept what she had told him to himself."


def classifier(labels: int = 3, **options: Any) -> RedHeartForSequenceClassification:
    torch.manual_seed(0)
    return RedHeartForSequenceClassification(
        RedHeartConfig.from_preset("redheart-tiny", num_labels=labels, initializer_range=0.1, **options)
    )


def scores(folder: Path, tokenizer: PreTrainedTokenizerBase) -> list[float]:
    """Return the output of the pipeline of a saved classifier for the text, in the order of the labels."""
    tokenizer.save_pretrained(folder)
    make: Any = pipeline
    found = make("text-classification", model=str(folder))(TEXT, top_k=None)
    return [item["score"] for item in sorted(found, key=lambda item: item["label"])]


@pytest.mark.parametrize(
    ("labels", "given", "kind", "answer"),
    [
        (3, SEVERAL, "multi_label_classification", lambda logits: logits.sigmoid()),
        (3, CLASSES, "single_label_classification", lambda logits: logits.softmax(-1)),
        (3, CLASSES[:, None].int(), "single_label_classification", lambda logits: logits.softmax(-1)),
        (1, torch.tensor([0.5, -3.0, 2.0, 0.0]), "regression", lambda logits: logits),
    ],
)
def test_the_saved_model_answers_as_it_was_trained(
    batch: Batch, tokenizer: PreTrainedTokenizerBase, tmp_path: Path, labels: int, given: Tensor, kind: str, answer: Any
) -> None:
    model = classifier(labels)
    model.train()(**batch, labels=given).loss.backward()
    model.save_pretrained(tmp_path)
    assert AutoModelForSequenceClassification.from_pretrained(tmp_path).config.problem_type == kind
    with torch.no_grad():
        logits = model.eval()(**tokenizer([TEXT], return_tensors="pt")).logits[0]
    torch.testing.assert_close(torch.tensor(scores(tmp_path, tokenizer)), answer(logits), atol=1e-5, rtol=1e-5)


def test_only_training_records_the_kind(batch: Batch) -> None:
    model = classifier().eval()
    model(**batch, labels=SEVERAL)
    assert model.config.problem_type is None
    regressor = classifier(problem_type="regression").train()
    regressor(**batch, labels=SEVERAL)
    assert regressor.config.problem_type == "regression"


@pytest.mark.parametrize(
    ("options", "given", "message"),
    [
        ({}, SEVERAL.long(), r"shape \(4, 3\) do not fit single_label_classification of 3 labels, which takes \(4,\)"),
        ({}, torch.tensor([0.0, 1.0, 2.0, 1.0]), r"shape \(4,\) do not fit multi_label_classification"),
        ({"problem_type": "single_label_classification"}, torch.tensor([0.0, 1.0, 2.0, 1.0]), "which are integers"),
        ({"labels": 1}, torch.zeros(4, 2), r"shape \(4, 2\) do not fit regression of 1 labels"),
        ({"problem_type": "regression"}, torch.zeros(4), r"shape \(4,\) do not fit regression of 3 labels"),
        ({}, torch.tensor([[0, 1, 2, 1]]), r"shape \(1, 4\) do not fit"),
    ],
)
def test_labels_with_two_meanings_are_not_guessed(
    batch: Batch, options: dict[str, Any], given: Tensor, message: str
) -> None:
    """Also a column of class numbers as floats, as pandas makes it of one with a gap."""
    with pytest.raises(ValueError, match=message):
        classifier(**options)(**batch, labels=given)


def test_only_parameters_with_a_gradient_are_trainable(batch: Batch, tmp_path: Path) -> None:
    """Several processes wait for the gradient of every parameter that is to be trained. Also after loading, by either
    class, and on the weights of an analysis model."""
    new = classifier()
    new.save_pretrained(tmp_path / "classifier")
    RedHeartModel(RedHeartConfig.from_preset("redheart-tiny")).save_pretrained(tmp_path / "model")
    loaded = RedHeartForSequenceClassification.from_pretrained(tmp_path / "classifier")
    begun = AutoModelForSequenceClassification.from_pretrained(tmp_path / "model", num_labels=3)
    for model in (new, loaded, begun):
        model.train()
        model.activation_checkpointing_enable()
        model(**batch, labels=CLASSES).loss.backward()
        for name, parameter in model.named_parameters():
            assert (parameter.grad is not None and bool(parameter.grad.any())) == parameter.requires_grad, name
    body = AutoModel.from_pretrained(tmp_path / "classifier")
    assert all(parameter.requires_grad for parameter in body.parameters())  # an analysis trains all of it


def test_records_of_an_analysis_are_not_kept(tmp_path: Path) -> None:
    """Records of what supervised a claim, thresholds and whatever was fitted are of the readings of one model."""
    records: dict[str, Any] = {
        "supervision": {"verdict": ["votes"]},
        "thresholds": {EMOTIONS[0]: 0.2},
        "verdict_temperature": 1.5,
        "verdict_threshold": 0.6,
        "information_null": 0.1,
        "withheld": ["acceptability"],
    }
    analysis = RedHeartModel(RedHeartConfig.from_preset("redheart-tiny", **records))
    analysis.save_pretrained(tmp_path / "analysis")
    begun = AutoModelForSequenceClassification.from_pretrained(tmp_path / "analysis", num_labels=2)
    begun.save_pretrained(tmp_path / "classifier")
    RedHeartForSequenceClassification(analysis.config)
    saved = RedHeartConfig.from_pretrained(tmp_path / "classifier")
    plain = RedHeartConfig()
    for name, value in records.items():
        assert getattr(saved, name) == getattr(plain, name)
        assert getattr(analysis.config, name) == value  # the config that it was given is as it was


def test_a_plain_trainer_trains_saves_and_loads_it(tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> None:
    """With code and `auto_map`, so that what such a trainer pushes loads without this package."""
    rows = [{**tokenizer(text), "labels": [float(index % 2), 1.0]} for index, text in enumerate(["I lied.", TEXT] * 2)]
    arguments = small_arguments(tmp_path, max_steps=1)
    trainer = Trainer(classifier(2), arguments, train_dataset=rows, processing_class=tokenizer)
    trainer.train()
    trainer.save_model()
    assert (tmp_path / "redheart_remote.py").is_file()
    config = RedHeartConfig.get_config_dict(tmp_path)[0]
    assert config["problem_type"] == "multi_label_classification"
    assert config["auto_map"]["AutoModelForSequenceClassification"].endswith("RedHeartForSequenceClassification")
    assert "custom_pipelines" not in config  # they would load the body alone


def test_a_pipeline_refuses_an_untrained_head(checkpoint: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    """By name, alias, or model; a head that was trained or loaded since is one."""
    make: Any = pipeline
    begun = AutoModelForSequenceClassification.from_pretrained(checkpoint, num_labels=3)
    for pipe in (
        make("text-classification", model=str(checkpoint)),
        make("sentiment-analysis", model=str(checkpoint)),
        make("text-classification", model=begun, tokenizer=tokenizer),
    ):
        with pytest.raises(ValueError, match=r"holds no classifier.* pipeline\('ethical-analysis'\)"):
            pipe(TEXT)
    begun.load_state_dict(classifier_like(begun).state_dict())
    assert make("text-classification", model=begun, tokenizer=tokenizer)(TEXT)


def classifier_like(model: RedHeartForSequenceClassification) -> RedHeartForSequenceClassification:
    torch.manual_seed(3)
    return RedHeartForSequenceClassification(model.config)


def test_a_new_head_can_be_trained_and_measured(checkpoint: Path, batch: Batch) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(checkpoint, num_labels=3)
    assert model(**batch, labels=CLASSES).loss.isfinite()  # before training, with labels
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model.train()(**batch, labels=CLASSES).loss.backward()
    optimizer.step()
    assert model.eval()(**batch).logits.shape == (4, 3)


def test_an_analysis_refuses_a_classifier(tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> None:
    classifier().save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    make: Any = pipeline
    with pytest.raises(ValueError, match=r"holds a classifier.* use pipeline\('text-classification'\)"):
        make("ethical-analysis", model=str(tmp_path))
    assert make("sentiment-analysis", model=str(tmp_path))(TEXT)[0]["label"].startswith("LABEL_")


def test_feature_extraction_gives_the_embedding(checkpoint: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    """It takes the first of the outputs, whatever that is."""
    make: Any = pipeline
    found = torch.tensor(make("feature-extraction", model=str(checkpoint))([TEXT, "I lied."]))
    model = AutoModel.from_pretrained(checkpoint)
    with torch.no_grad():
        expected = model(**tokenizer(["I lied."], return_tensors="pt"), outputs=["embedding"]).embedding
    torch.testing.assert_close(found[1], expected)
