"""Saving and loading: what comes back is what was saved, from every door; and the classifier."""

import copy
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    BertConfig,
    BertModel,
    RobertaConfig,
    RobertaModel,
    T5Config,
    T5Model,
)

from redheart import RedHeartConfig, RedHeartForSequenceClassification, RedHeartModel
from redheart.modeling_redheart.layers import Attention, Linear

Batch = dict[str, Tensor]
Make = Callable[..., RedHeartModel]


def read(model: nn.Module, batch: Batch) -> list[Tensor]:
    """Some tensors of the reading that every module contributes to."""
    model.eval()
    with torch.no_grad():
        output = model(**batch)
    return [output.verdict.logits, output.emotion.nuance_logits, output.surd.parts, output.expected_loss,
            output.embedding, output.states, output.importance]  # fmt: skip


def assert_equal(found: list[Tensor], expected: list[Tensor]) -> None:
    """Equal but for the last bit, which depends on how the memory of the weights is aligned."""
    for value, right in zip(found, expected, strict=True):
        torch.testing.assert_close(value, right, atol=1e-6, rtol=1e-5)


def assert_equal_weights(found: nn.Module, expected: nn.Module) -> None:
    """Exactly equal, bit by bit."""
    weights = expected.state_dict()
    assert set(found.state_dict()) == set(weights)
    assert [name for name, value in found.state_dict().items() if not torch.equal(value, weights[name])] == []


@pytest.fixture(scope="module")
def saved(shared_lively: RedHeartModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loading") / "tiny"
    shared_lively.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def reading(shared_lively: RedHeartModel, batch: Batch) -> list[Tensor]:
    return read(shared_lively, batch)


# --- round trips


@pytest.mark.parametrize("options", [{}, {"device_map": "cpu"}, {"device_map": "auto"}], ids=str)
def test_a_round_trip_gives_equal_outputs(
    saved: Path, batch: Batch, lively: RedHeartModel, reading: list[Tensor], options: dict[str, Any]
) -> None:
    model, info = RedHeartModel.from_pretrained(saved, output_loading_info=True, **options)
    assert not any(info.values())
    assert not model.training
    assert_equal_weights(model, lively)
    assert_equal(read(model, batch), reading)


def test_shards_give_equal_outputs(lively: RedHeartModel, batch: Batch, reading: list[Tensor], tmp_path: Path) -> None:
    lively.save_pretrained(tmp_path, max_shard_size="500KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 2
    model = RedHeartModel.from_pretrained(tmp_path)
    assert_equal_weights(model, lively)
    assert_equal(read(model, batch), reading)


def test_bf16_round_trip(lively: RedHeartModel, batch: Batch, tmp_path: Path) -> None:
    half = copy.deepcopy(lively).to(torch.bfloat16)
    half.save_pretrained(tmp_path)
    loaded = RedHeartModel.from_pretrained(tmp_path)
    assert {value.dtype for value in loaded.parameters()} == {torch.bfloat16}
    assert_equal_weights(loaded, half)
    for value, right in zip(read(loaded, batch), read(half, batch), strict=True):
        torch.testing.assert_close(value, right, atol=0.02, rtol=0.02)


def test_an_encoder_round_trip(lively_model: Make, bert_options: dict[str, Any], batch: Batch, tmp_path: Path) -> None:
    model = lively_model(encoder_config=bert_options)
    model.save_pretrained(tmp_path)
    loaded, info = RedHeartModel.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(info.values())
    assert_equal_weights(loaded, model)
    assert_equal(read(loaded, batch), read(model, batch))


@pytest.mark.parametrize("above_encoder", [False, True])
def test_a_resized_vocabulary_survives_the_round_trip(
    lively_model: Make, bert_options: dict[str, Any], batch: Batch, tmp_path: Path, above_encoder: bool
) -> None:
    model = lively_model(encoder_config=bert_options) if above_encoder else lively_model(vocab_size=100)
    model.resize_token_embeddings(110, mean_resizing=False)
    batch = {**batch, "input_ids": batch["input_ids"] + 8}
    assert batch["input_ids"].max() >= 100
    model.save_pretrained(tmp_path)
    loaded = RedHeartModel.from_pretrained(tmp_path)
    assert_equal_weights(loaded, model)
    assert_equal(read(loaded, batch), read(model, batch))


def test_the_auto_classes_know_red_heart(saved: Path, batch: Batch, reading: list[Tensor], tmp_path: Path) -> None:
    assert type(AutoConfig.from_pretrained(saved)) is RedHeartConfig
    model = AutoModel.from_pretrained(saved)
    assert type(model) is RedHeartModel
    assert_equal(read(model, batch), reading)
    assert type(AutoModel.from_config(RedHeartConfig.from_preset("redheart-tiny"))) is RedHeartModel
    classifier = RedHeartForSequenceClassification(RedHeartConfig.from_preset("redheart-tiny", num_labels=3)).eval()
    classifier.save_pretrained(tmp_path)
    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    assert type(loaded) is RedHeartForSequenceClassification
    assert_equal_weights(loaded, classifier)
    with torch.no_grad():
        assert_equal([loaded(**batch).logits], [classifier(**batch).logits])


def test_a_classifier_takes_the_weights_of_a_model(lively: RedHeartModel, saved: Path) -> None:
    classifier, info = AutoModelForSequenceClassification.from_pretrained(saved, num_labels=3, output_loading_info=True)
    assert set(info["missing_keys"]) == {"classifier.weight", "classifier.bias"}
    assert not info["unexpected_keys"]
    assert_equal_weights(classifier.model, lively)
    assert classifier.classifier.weight.isfinite().all()
    assert classifier.classifier.out_features == 3


def test_a_model_takes_the_weights_of_a_classifier(tmp_path: Path) -> None:
    classifier = RedHeartForSequenceClassification(RedHeartConfig.from_preset("redheart-tiny"))
    classifier.save_pretrained(tmp_path)
    assert_equal_weights(AutoModel.from_pretrained(tmp_path), classifier.model)


# --- initialisation on the meta device

# What is taken out of the checkpoint: whole modules, and single parameters of modules that otherwise were loaded.
REMOVED = (
    "backbone.encoder.embed_tokens.weight",
    "backbone.encoder.layers.0.attention_norm.up.bias",
    "backbone.encoder.layers.1.feed_forward.gate_proj.weight",
    "backbone.projections.2.down.weight",
    "layer_crossover.layer_tokens.weight",
    "layer_crossover.norm.weight",
    "emotion_head.queries.weight",
    "emotion_analyzer.recurrence.forward_layers.0.from_state.weight",
    "regret_analyzer.decoder.layers.0.cross_norm.weight",
    "surd_analyzer.nothing.weight",
    "bridge.cache.values.weight",
    "bridge.cache.query.bias",
    "bridge.coordination.acceptability_readout.out.weight",
    "sweet_spot.queries.weight",
    "projector.norm.weight",
)


def test_what_a_checkpoint_lacks_is_initialised_and_the_rest_left_alone(saved: Path, tmp_path: Path) -> None:
    weights = load_file(saved / "model.safetensors")
    kept = {name: value for name, value in weights.items() if name not in REMOVED}
    assert len(kept) == len(weights) - len(REMOVED)
    save_file(kept, tmp_path / "model.safetensors", metadata={"format": "pt"})
    (tmp_path / "config.json").write_bytes((saved / "config.json").read_bytes())
    model, info = RedHeartModel.from_pretrained(tmp_path, output_loading_info=True)
    assert set(info["missing_keys"]) == set(REMOVED)
    found, spread = model.state_dict(), model.config.initializer_range
    for name, value in kept.items():
        assert torch.equal(found[name], value), name
    for name in REMOVED:
        value = found[name]
        assert value.isfinite().all(), name
        if "norm.weight" in name:
            assert value.eq(1).all(), name
        elif name.endswith("bias"):
            assert value.eq(0).all(), name
        else:
            assert 0.6 * spread < value.std().item() < 1.4 * spread, name
            assert value.abs().max().item() < 6 * spread, name


def test_a_model_starts_with_finite_weights_of_the_right_size(bert_options: dict[str, Any]) -> None:
    components = {**RedHeartConfig.from_preset("redheart-tiny").components, "backbone": {"projection": 16}}
    for options in ({}, {"encoder_config": {**bert_options, "initializer_range": 0.02}, "components": components}):
        torch.manual_seed(0)
        model = RedHeartModel(RedHeartConfig.from_preset("redheart-tiny", **options))
        for name, value in model.named_parameters():
            assert value.isfinite().all(), name
            if value.dim() == 2 and value.numel() > 500:
                assert 0.01 < value.std().item() < 0.03, name


def test_the_model_has_no_buffers(lively: RedHeartModel) -> None:
    """A buffer that is not saved would be lost when a model is built on the meta device."""
    assert not list(lively.named_buffers())
    assert not [name for name, value in vars(lively).items() if isinstance(value, Tensor)]


def test_two_seeds_start_differently() -> None:
    weights = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        weights.append(RedHeartModel(RedHeartConfig.from_preset("redheart-tiny")).emotion_head.queries.weight)
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


# --- devices


def test_offloaded_submodules_give_equal_outputs(
    saved: Path, batch: Batch, reading: list[Tensor], lively: RedHeartModel, tmp_path: Path
) -> None:
    leaves = [name for name, module in lively.named_modules() if not list(module.children())]
    offloaded = ("regret_analyzer.", "bridge.cache.", "emotion_analyzer.recurrence.", "surd_analyzer.nothing")
    places: dict[str, Any] = {name: "disk" if name.startswith(offloaded) else "cpu" for name in leaves}
    model = RedHeartModel.from_pretrained(saved, device_map=places, offload_folder=tmp_path)
    assert model.regret_analyzer.to_state.down.weight.device.type == "meta"
    assert_equal(read(model, batch), reading)


# --- what a model is made of


def test_every_module_can_be_quantised_offloaded_and_exported(lively: RedHeartModel) -> None:
    assert not [name for name, module in lively.named_modules() if isinstance(module, nn.RNNBase)]
    assert not [name for name, module in lively.named_modules() if isinstance(module, nn.MultiheadAttention)]
    matrices = {type(module) for module in lively.modules() if isinstance(module, nn.Linear)}
    assert matrices == {Linear}
    # a parameter of a module that has submodules is out of reach for offloading
    for name, module in lively.named_modules():
        if list(module.children()):
            assert not list(module.parameters(recurse=False)), name


def test_no_attention_is_causal(lively_model: Make, bert_options: dict[str, Any], lively: RedHeartModel) -> None:
    for model in (lively, lively_model(encoder_config=bert_options)):
        attentions = [m for m in model.modules() if isinstance(m, Attention) or hasattr(m, "is_causal")]
        assert len(attentions) > 20
        assert all(attention.is_causal is False for attention in attentions)


def test_the_trainer_divides_the_loss_itself() -> None:
    assert RedHeartModel.accepts_loss_kwargs is False
    assert RedHeartForSequenceClassification.accepts_loss_kwargs is False


def test_embeddings_can_be_replaced(lively_model: Make, bert_options: dict[str, Any], batch: Batch) -> None:
    for model in (lively_model(), lively_model(encoder_config=bert_options)):
        new = nn.Embedding(120, model.get_input_embeddings().embedding_dim)
        model.set_input_embeddings(new)
        assert model.get_input_embeddings() is new
        model.zero_grad()
        model(**batch).verdict.logits.sum().backward()
        assert new.weight.grad is not None
        assert new.weight.grad.any()


# --- from a text encoder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory, bert_options: dict[str, Any]) -> Path:
    """A very small random BERT, on disk."""
    folder = tmp_path_factory.mktemp("somebody") / "their-bert"
    torch.manual_seed(3)
    BertModel(BertConfig(**{key: value for key, value in bert_options.items() if key != "model_type"})).save_pretrained(
        folder
    )
    return folder


def test_an_encoder_keeps_its_weights(encoder: Path, batch: Batch) -> None:
    model = RedHeartModel.from_text_encoder(str(encoder)).eval()
    theirs = BertModel.from_pretrained(encoder).eval()
    assert model.config.hidden_size == 24
    ours = model.backbone.encoder.model.state_dict()
    assert set(ours) == {name for name in theirs.state_dict() if not name.startswith("pooler.")}
    assert all(torch.equal(value, theirs.state_dict()[name]) for name, value in ours.items())
    assert not [name for name, _ in model.named_parameters() if "pooler" in name]
    with torch.no_grad():
        found = model(**batch, output_hidden_states=True).hidden_states
        expected = theirs(**batch, output_hidden_states=True).hidden_states
    assert len(found) == len(expected)
    for value, right in zip(found, expected, strict=True):
        torch.testing.assert_close(value, right)


def test_an_encoder_of_another_width_gets_an_adapter(encoder: Path, batch: Batch, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = RedHeartModel.from_text_encoder(str(encoder), hidden_size=32, num_attention_heads=2)
    adapter = model.backbone.encoder.adapter
    assert (adapter.in_features, adapter.out_features) == (24, 32)
    assert torch.equal(
        model.get_input_embeddings().weight, BertModel.from_pretrained(encoder).get_input_embeddings().weight
    )
    assert torch.isfinite(read(model, batch)[0]).all()
    model.save_pretrained(tmp_path)
    assert_equal(read(RedHeartModel.from_pretrained(tmp_path), batch), read(model, batch))


def test_an_encoder_saved_in_bf16_gives_one_type_of_weights(encoder: Path, batch: Batch, tmp_path: Path) -> None:
    BertModel.from_pretrained(encoder).to(torch.bfloat16).save_pretrained(tmp_path)
    model = RedHeartModel.from_text_encoder(str(tmp_path)).eval()
    assert len({value.dtype for value in model.parameters()}) == 1
    assert all(value.isfinite().all() for value in read(model, batch))


def test_options_reach_the_model_above_an_encoder(encoder: Path) -> None:
    components = {**RedHeartConfig.from_preset("redheart-tiny").components, "backbone": {"projection": 7}}
    model = RedHeartModel.from_text_encoder(str(encoder), components=components, num_segments=3)
    assert model.config.num_segments == 3
    assert model.backbone.projections[0].down.out_features == 7


def test_a_checkpoint_does_not_record_the_path_of_the_encoder(encoder: Path, tmp_path: Path) -> None:
    RedHeartModel.from_text_encoder(str(encoder)).save_pretrained(tmp_path / "first")
    RedHeartModel.from_pretrained(tmp_path / "first").save_pretrained(tmp_path / "second")
    for name in ("first", "second"):
        text = (tmp_path / name / "config.json").read_text(encoding="utf-8")
        assert str(encoder.parent) not in text
        assert str(tmp_path) not in text
        assert "their-bert" not in text
        assert json.loads(text)["encoder_config"]["model_type"] == "bert"


def test_an_encoder_decoder_is_refused(tmp_path: Path) -> None:
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2, "vocab_size": 50}
    T5Model(T5Config(**sizes)).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"t5\) is an encoder-decoder; give that of a text encoder such as BERT"):
        RedHeartModel.from_text_encoder(str(tmp_path))


def test_the_longest_text_of_an_encoder_is_read(tmp_path: Path) -> None:
    """RoBERTa has fewer usable positions than `max_position_embeddings`: they start behind the padding index."""
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = RobertaConfig(**sizes, vocab_size=50, max_position_embeddings=34, pad_token_id=1)
    RobertaModel(config).save_pretrained(tmp_path)
    model = RedHeartModel.from_text_encoder(str(tmp_path)).eval()
    with torch.no_grad():
        assert model(torch.full((1, 32), 7)).verdict.logits.isfinite().all()
        assert model(torch.full((1, model.config.longest_text), 7)).verdict.logits.isfinite().all()
        with pytest.raises(ValueError, match="longer than this model's"):
            model(torch.full((1, 33), 7))


# --- classification


def classifier(labels: int, kind: str | None = None, **options: Any) -> RedHeartForSequenceClassification:
    torch.manual_seed(0)
    options.setdefault("initializer_range", 0.1)
    config = RedHeartConfig.from_preset("redheart-tiny", num_labels=labels, problem_type=kind, **options)
    return RedHeartForSequenceClassification(config).eval()


CLASSES, FLOATS, SEVERAL = torch.tensor([0, 2, 1, 2]), torch.tensor([0.5, -1.0, 2.0, 0.0]), torch.eye(4)[:, :3]


@pytest.mark.parametrize(
    ("labels", "kind", "given", "loss"),
    [
        (3, None, CLASSES, lambda x: F.cross_entropy(x, CLASSES)),
        (3, "single_label_classification", CLASSES, lambda x: F.cross_entropy(x, CLASSES)),
        (1, None, FLOATS, lambda x: F.mse_loss(x[:, 0], FLOATS)),
        (1, None, FLOATS[:, None], lambda x: F.mse_loss(x[:, 0], FLOATS)),
        (1, "regression", torch.tensor([1, 2, 3, 4]), lambda x: F.mse_loss(x[:, 0], torch.arange(1.0, 5.0))),
        (3, "regression", SEVERAL, lambda x: F.mse_loss(x, SEVERAL)),
        (3, None, SEVERAL, lambda x: F.binary_cross_entropy_with_logits(x, SEVERAL)),
        (3, "multi_label_classification", SEVERAL.long(), lambda x: F.binary_cross_entropy_with_logits(x, SEVERAL)),
    ],
)
def test_the_loss_of_each_problem(
    batch: Batch, labels: int, kind: str | None, given: Tensor, loss: Callable[[Tensor], Tensor]
) -> None:
    model = classifier(labels, kind)
    with torch.no_grad():
        output = model(**batch, labels=given)
        assert model(**batch).loss is None
    assert output.logits.shape == (4, labels)
    torch.testing.assert_close(output.loss, loss(output.logits))
    assert model.config.problem_type == kind  # reading a batch does not change what is saved


def test_missing_classes_do_not_count(batch: Batch) -> None:
    model = classifier(3)
    with torch.no_grad():
        output = model(**batch, labels=torch.tensor([0, -100, 1, -100]))
    torch.testing.assert_close(output.loss, F.cross_entropy(output.logits[[0, 2]], torch.tensor([0, 1])))


def test_the_classifier_gives_a_tuple_on_request(batch: Batch) -> None:
    model = classifier(3)
    with torch.no_grad():
        loss, logits = model(**batch, labels=CLASSES, return_dict=False)
        output = model(**batch, labels=CLASSES)
    assert torch.equal(logits, output.logits)
    assert torch.equal(loss, output.loss)


def test_the_config_may_ask_for_tuples(batch: Batch) -> None:
    with torch.no_grad():
        logits = classifier(3)(**batch).logits
        found = classifier(3, return_dict=False)(**batch)
    assert isinstance(found, tuple)
    torch.testing.assert_close(found[0], logits)


def test_the_classifier_runs_what_the_joint_state_needs(batch: Batch) -> None:
    model, called = classifier(3), []
    for name, module in model.model.named_children():
        module.register_forward_hook(lambda *_, name=name: called.append(name))
    with torch.no_grad():
        model(**batch)
    assert "bridge" in called
    assert not {"projector", "sweet_spot"} & set(called)


def test_the_classifier_gives_hidden_states(batch: Batch) -> None:
    with torch.no_grad():
        output = classifier(3)(**batch, output_hidden_states=True)
    assert [tuple(value.shape) for value in output.hidden_states] == [(4, 12, 32)] * 3


def test_the_classifier_overfits_eight_texts() -> None:
    model = classifier(3, initializer_range=0.05).train()
    input_ids = torch.randint(5, 500, (8, 6), generator=torch.Generator().manual_seed(2))
    labels = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    start, loss, steps = time.process_time(), math.inf, 0
    while loss > 0.05 and steps < 60:
        output = model(input_ids, labels=labels)
        output.loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        loss, steps = output.loss.item(), steps + 1
    assert loss <= 0.05
    assert time.process_time() - start < 10
    with torch.no_grad():
        assert model.eval()(input_ids).logits.argmax(-1).tolist() == labels.tolist()
