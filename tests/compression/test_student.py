"""A student that is cut from its teacher: what it starts from, and what cannot be cut."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from redheart import RedHeartConfig, RedHeartModel
from redheart.compression.distillation_recipe import read_distillation
from redheart.compression.student import Cut, cut_student, student_config

MakeModel = Callable[..., RedHeartModel]
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def teacher(lively_model: MakeModel, bert_options: dict[str, Any]) -> RedHeartModel:
    """On a BERT of four layers."""
    return lively_model(encoder_config={**bert_options, "num_hidden_layers": 4, "initializer_range": 0.1})


def encoder_of(model: RedHeartModel) -> Any:
    return model.backbone.encoder.model


def embedded(model: RedHeartModel, batch: dict[str, Tensor]) -> Tensor:
    """What the embeddings give to the encoder's first layer."""
    states: Tensor = encoder_of(model)(**batch, output_hidden_states=True).hidden_states[0]
    return states[batch["attention_mask"].bool()]


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_a_whole_cut_reads_as_its_teacher(teacher: RedHeartModel, batch: dict[str, Tensor]) -> None:
    student = cut_student(teacher, Cut(layers=4)).eval()
    with torch.no_grad():
        own, theirs = student(**batch), teacher(**batch)
    for name in ("joint", "expected_loss", "embedding", "importance"):
        torch.testing.assert_close(own[name], theirs[name], atol=1e-5, rtol=1e-5, msg=name)


def test_layers_are_copied_from_evenly_spaced_ones(teacher: RedHeartModel) -> None:
    student = cut_student(teacher, Cut(layers=2))
    theirs = encoder_of(teacher).encoder.layer
    for own, layer in zip(encoder_of(student).encoder.layer, (theirs[1], theirs[3]), strict=True):
        assert torch.equal(own.attention.self.key.weight, layer.attention.self.key.weight)
        assert torch.equal(own.output.dense.weight, layer.output.dense.weight)


def test_neurons_that_weigh_nothing_go_first(teacher: RedHeartModel, batch: dict[str, Tensor]) -> None:
    gone = torch.arange(32) % 4 == 1
    with torch.no_grad():
        for layer in encoder_of(teacher).encoder.layer:
            layer.output.dense.weight[:, gone] = 0
        student = cut_student(teacher, Cut(layers=4, intermediate=24)).eval()
        torch.testing.assert_close(student(**batch).joint, teacher(**batch).joint, atol=1e-5, rtol=1e-5)
    assert encoder_of(student).encoder.layer[0].intermediate.dense.weight.shape == (24, 24)


def test_narrow_embeddings_start_nearer_to_the_teachers_than_new_ones_and_the_nearer_the_wider(
    teacher: RedHeartModel, batch: dict[str, Tensor]
) -> None:
    wanted = embedded(teacher, batch)

    def error(width: int, random_start: bool = False) -> float:
        student = cut_student(teacher, Cut(layers=1, embedding=width)).eval()
        if random_start:
            student = RedHeartModel(student.config).eval()
        return ((embedded(student, batch) - wanted).square().mean() / wanted.var()).item()

    errors = [error(width) for width in (6, 12, 18)]
    assert errors == sorted(errors, reverse=True)
    assert errors[1] < 0.8 * error(12, random_start=True)
    assert errors[2] < 0.5


def test_narrow_embeddings_fit_the_words_of_texts_best(teacher: RedHeartModel, batch: dict[str, Tensor]) -> None:
    texts = [ids[mask.bool()].tolist() for ids, mask in zip(*batch.values(), strict=True)] * 50
    errors = [
        (embedded(cut_student(teacher, Cut(1, embedding=10), some).eval(), batch) - embedded(teacher, batch)).norm()
        for some in ([], texts)
    ]
    assert errors[1] < 0.8 * errors[0]


def test_embeddings_of_few_directions_are_kept_exactly(teacher: RedHeartModel, batch: dict[str, Tensor]) -> None:
    directions = torch.randn(7, 24, generator=torch.Generator().manual_seed(0))
    embeddings = encoder_of(teacher).embeddings
    with torch.no_grad():
        for table in (embeddings.word_embeddings, embeddings.position_embeddings, embeddings.token_type_embeddings):
            table.weight.copy_(table.weight[:, :7] @ directions)
        student = cut_student(teacher, Cut(layers=4, embedding=8)).eval()
        torch.testing.assert_close(embedded(student, batch), embedded(teacher, batch), atol=1e-4, rtol=1e-4)
        again = cut_student(student, Cut(layers=4, embedding=8)).eval()
        torch.testing.assert_close(again(**batch).joint, student(**batch).joint)


def test_components_of_equal_sizes_are_copied_and_no_others(teacher: RedHeartModel) -> None:
    student = cut_student(teacher, Cut(layers=2, components={"emotion_head": {"intermediate": 32}}))
    theirs, own = teacher.state_dict(), student.state_dict()
    same = {name for name in own if name in theirs and torch.equal(theirs[name], own[name])}
    assert any(name.startswith("bentham_head.") for name in same)
    assert any(name.startswith("backbone.encoder.adapter.") for name in same)
    assert not any(name.startswith("emotion_head.decoder.layers.0.attention.") for name in same)
    assert "layer_crossover.layer_tokens.weight" not in same, "one for each layer, and there are fewer"


def test_what_was_fitted_to_the_teacher_is_not_the_students(
    lively_model: MakeModel, bert_options: dict[str, Any]
) -> None:
    fitted = {
        "thresholds": {"joy": 0.2}, "verdict_temperature": 2.0, "verdict_threshold": 0.4,
        "supervision": {"emotion.joy": ["made-up"]}, "hidden_dropout": 0.3, "token_budget": 9,
    }  # fmt: skip
    config = student_config(lively_model(encoder_config=bert_options, **fitted).config, Cut(layers=1))
    assert (config.thresholds, config.verdict_threshold, config.supervision) == ({}, 0.0, {})
    assert config.verdict_temperature == 1.0
    assert (config.hidden_dropout, config.token_budget) == (0.3, 9)


def test_a_cut_student_is_saved_and_loaded(teacher: RedHeartModel, batch: dict[str, Tensor], tmp_path: Path) -> None:
    cut = Cut(2, 16, 8, {"hidden_size": 16, "num_attention_heads": 1}, {"emotion_head": {"registers": 2}})
    student = cut_student(teacher, cut).eval()
    student.save_pretrained(tmp_path)
    with torch.no_grad():
        assert torch.equal(RedHeartModel.from_pretrained(tmp_path)(**batch).joint, student(**batch).joint)


@pytest.mark.parametrize(
    ("cut", "told"),
    [
        (Cut(5), "`cut.layers` must be 1 to 4"),
        (Cut(0), "`cut.layers` must be 1 to 4"),
        (Cut(2, intermediate=64), "`cut.intermediate` must be 1 to 32"),
        (Cut(2, intermediate=0), "`cut.intermediate` must be 1 to 32"),
        (Cut(2, embedding=25), "`cut.embedding` must be 2 to 24"),
        (Cut(2, embedding=1), "`cut.embedding` must be 2 to 24"),
        (Cut(2, components={"emotion_heat": {}}), "did you mean 'emotion_head'"),
        (Cut(2, options={"hiden_size": 8}), "did you mean 'hidden_size'"),
    ],
)
def test_what_cannot_be_cut_is_named(teacher: RedHeartModel, cut: Cut, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        cut_student(teacher, cut)


def test_options_that_a_cut_has_itself_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`cut\.components`"):
        Cut(2, options={"components": {}})


def test_a_teacher_with_another_encoder_cannot_be_cut(lively: RedHeartModel) -> None:
    with pytest.raises(ValueError, match="its own encoder"):
        cut_student(lively, Cut(1))


def test_the_example_cuts_the_mini_to_a_quarter() -> None:
    cut = read_distillation(EXAMPLES / "distill-mini.yaml").cut
    assert cut is not None
    mini = RedHeartConfig.from_preset("redheart-mini")
    with torch.device("meta"):
        assert 4 * count(RedHeartModel(student_config(mini, cut))) <= count(RedHeartModel(mini))
