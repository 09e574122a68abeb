"""What a plain student begins as: the teacher's encoder, weight for weight, under a head that is fitted to it."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer, BertForSequenceClassification

from redheart import RedHeartModel
from redheart.configuration.labels import EMOTIONS
from redheart.storage.strict_loading import load_strict
from redheart.views.students import EmbeddingStudent, EmotionStudent, PlainStudent

Tokens = dict[str, torch.Tensor]


@pytest.fixture
def teacher(on_encoder: Path) -> RedHeartModel:
    model: Any = load_strict(on_encoder)
    return model.eval()


@pytest.fixture
def tokenizer_of(on_encoder: Path) -> Any:
    return AutoTokenizer.from_pretrained(on_encoder)


@pytest.fixture(params=[EmotionStudent, EmbeddingStudent])
def student(request: pytest.FixtureRequest, teacher: RedHeartModel, tokenizer_of: Any) -> PlainStudent:
    if request.param is EmbeddingStudent:
        pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    made: PlainStudent = request.param(teacher, tokenizer_of)
    return made.eval()


@pytest.fixture
def tokens(tokenizer_of: Any) -> Tokens:
    words = ("sunny", "lonely", "furious", "late", "kind", "lost", "proud", "sorry")
    texts = [f"A {first} and {second} story." for first in words for second in words]
    encoded = tokenizer_of(texts, padding=True, return_tensors="pt")
    return {name: encoded[name] for name in ("input_ids", "attention_mask")}


def test_the_encoder_is_the_teachers(student: PlainStudent, teacher: RedHeartModel, tokens: Tokens) -> None:
    with torch.no_grad():
        own = student.encoder(**tokens).last_hidden_state
        theirs = teacher.backbone.encoder.model(**tokens).last_hidden_state
    torch.testing.assert_close(own, theirs, atol=1e-6, rtol=1e-6)


def test_a_fitted_head_is_nearer_to_the_teacher(student: PlainStudent, teacher: RedHeartModel, tokens: Tokens) -> None:
    with torch.no_grad():
        wanted = student.target(teacher, **tokens)
        before = student.loss(student(**tokens), wanted)
        student.fit_head(teacher, [{name: value[:32] for name, value in tokens.items()}])
        after = student.loss(student(**tokens), wanted)
    assert after < before


def test_a_student_that_says_the_same_has_the_least_loss(
    student: PlainStudent, teacher: RedHeartModel, tokens: Tokens
) -> None:
    wanted = student.target(teacher, **tokens)
    same = wanted.logit() if isinstance(student, EmotionStudent) else wanted
    assert student.loss(same, wanted) < student.loss(same.roll(1, dims=0), wanted)


def test_only_the_last_layers_and_the_head_are_trained(student: PlainStudent) -> None:
    student.freeze_below(1)
    trained = {name for name, value in student.named_parameters() if value.requires_grad}
    assert any("layer.2." in name for name in trained)
    assert not [name for name in trained if "layer.0." in name or "layer.1." in name or "embeddings" in name]
    assert {id(value) for value in student.new_parameters()} <= {
        id(value) for value in student.parameters() if value.requires_grad
    }


def test_more_layers_than_there_are_is_refused(student: PlainStudent) -> None:
    with pytest.raises(ValueError, match="`trained_layers` is 4, but the encoder has 3 layers"):
        student.freeze_below(4)


def test_the_classifier_has_the_28_labels(teacher: RedHeartModel, tokenizer_of: Any) -> None:
    network: Any = EmotionStudent(teacher, tokenizer_of).network
    assert isinstance(network, BertForSequenceClassification)
    assert tuple(network.config.id2label.values()) == EMOTIONS
    assert network.config.problem_type == "multi_label_classification"


def test_what_has_no_plain_form_is_refused(checkpoint: Path, teacher: RedHeartModel, tokenizer_of: Any) -> None:
    native: Any = load_strict(checkpoint)
    with pytest.raises(ValueError, match="The model's backbone is Red Heart's own"):
        EmotionStudent(native, tokenizer_of)
    del teacher.config.supervision["emotion.joy"]
    with pytest.raises(ValueError, match=r"Nothing supervised 'emotion\.joy'"):
        EmotionStudent(teacher, tokenizer_of)
