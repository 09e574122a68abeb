"""Pruning: what matters stays, the target is met, and what comes out is an ordinary model."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from redheart import RedHeartConfig, RedHeartModel
from redheart.compression.importance import Importance, fisher, magnitude
from redheart.compression.pruning import choose, cut, parse_target, prune
from redheart.compression.structure import ENCODER, Size, find_sizes
from redheart.configuration.labels import OUTPUTS, UNLABELLED_LOSSES
from redheart.storage.strict_loading import load_strict

Batch = dict[str, Tensor]
Make = Callable[..., RedHeartModel]


@pytest.fixture(scope="module")
def roomy(lively_model: Make) -> Make:
    """Makes a tiny model with two layers and two heads everywhere."""

    def make(**options: Any) -> RedHeartModel:
        components = RedHeartConfig.from_preset("redheart-tiny").components
        for sizes in components.values():
            sizes |= {name: 2 for name in ("layers", "heads") if name in sizes}
        if "encoder_config" in options:
            components["backbone"] = {"projection": 16}
        return lively_model("eager", components=components, **options)

    return make


@pytest.fixture(scope="module")
def model(roomy: Make) -> RedHeartModel:
    return roomy()


@pytest.fixture(scope="module")
def labelled(batch: Batch, targets: Batch) -> Batch:
    return {**batch, **targets}


def body(model: RedHeartModel) -> int:
    """Parameters without those of the token embeddings, which stay."""
    embeddings: Any = model.get_input_embeddings()
    return model.num_parameters() - int(embeddings.weight.numel())


def share(model: RedHeartModel, part: float) -> int:
    """The target at which ``part`` of the body is left."""
    return model.num_parameters() - round((1 - part) * body(model))


@torch.no_grad()
def assert_same_reading(one: RedHeartModel, other: RedHeartModel, batch: Batch, tolerance: float) -> None:
    first, second = one(**batch), other(**batch)
    assert set(OUTPUTS) - {"confidence"} < set(first)
    for name in first:
        expected = first[name] if isinstance(first[name], dict) else {"": first[name]}
        found = second[name] if isinstance(second[name], dict) else {"": second[name]}
        for part, value in expected.items():
            torch.testing.assert_close(found[part], value, rtol=tolerance, atol=tolerance)


# --- targets


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("200m", 200_000_000),
        ("24M", 24_000_000),
        ("1.5b", 1_500_000_000),
        ("900k", 900_000),
        ("200_000_000", 200_000_000),
        ("200,000,000", 200_000_000),
        (" 7 ", 7),
        ("0.5", 500),
        ("1", 1),
    ],
)
def test_targets(text: str, parameters: int) -> None:
    assert parse_target(text, whole=1000) == parameters


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("200mb", "unknown unit 'mb'; did you mean 'm'"),
        ("small", "is not a number of parameters"),
        ("-5m", "is not a number of parameters"),
        ("", "is not a number of parameters"),
        ("0", "cannot have 0 parameters"),
        ("0.5", "is a share of a model"),
    ],
)
def test_targets_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_target(text)


def test_a_target_out_of_reach(model: RedHeartModel, labelled: Batch) -> None:
    with pytest.raises(ValueError, match=r"which is not above the target"):
        prune(model, model.num_parameters(), [labelled])
    sizes = find_sizes(model)
    with pytest.raises(ValueError, match=r"([\d,]+) is the least") as caught:
        prune(model, 1000, [labelled])
    least = int(str(caught.value).split(": ")[1].split(" ")[0].replace(",", ""))
    smallest = prune(model, least, [labelled], rounds=1)
    assert smallest.num_parameters() == least
    assert {size.key: size.units for size in find_sizes(smallest)} == {size.key: size.least for size in sizes}


def test_unknown_options(model: RedHeartModel, labelled: Batch) -> None:
    with pytest.raises(ValueError, match="did you mean 'fisher'"):
        prune(model, 1, [labelled], method="fischer")
    with pytest.raises(ValueError, match="rounds"):
        prune(model, 1, [labelled], rounds=0)


def test_a_quantised_model_is_refused(model: RedHeartModel, labelled: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model.config, "quantization_config", {"quant_method": "bitsandbytes"}, raising=False)
    with pytest.raises(ValueError, match="prune first"):
        prune(model, share(model, 0.5), [labelled])


# --- what goes


def silence(model: RedHeartModel, sizes: list[Size]) -> dict[tuple[str, str], Tensor]:
    """Put zeros where the first units of each size are read; returns the others."""
    kept = {}
    parameters = dict(model.named_parameters())
    for size in sizes:
        # What a prototype holds weighs among others, and every layer of the encoder is read by the layer crossover.
        silent = 0 if size.key in (("cache", "prototypes"), (ENCODER, "layers")) else size.units // 2
        kept[size.key] = torch.arange(silent, size.units).expand(len(size.groups), -1)
        with torch.no_grad():
            for group in size.groups:
                for place in group.reads:
                    parameters[place.parameter].index_fill_(place.dim, place.entries(size.units)[:silent].flatten(), 0)
                for names in group.whole[:silent]:
                    for name in names:
                        parameters[name].zero_()
    return kept


def test_dropping_units_without_output_changes_nothing(roomy: Make, batch: Batch, labelled: Batch) -> None:
    model = roomy()
    sizes = find_sizes(model)
    kept = silence(model, sizes)
    expected = cut(model, sizes, kept)
    assert body(expected) < 0.7 * body(model)
    assert_same_reading(expected, model, batch, 1e-5)
    found = prune(model, expected.num_parameters(), [labelled], rounds=1)
    assert found.num_parameters() <= expected.num_parameters()
    assert_same_reading(found, model, batch, 1e-5)


def test_prototypes_that_no_text_finds_are_dropped_first(model: RedHeartModel, labelled: Batch) -> None:
    sizes = find_sizes(model)
    importance = fisher(model, sizes, [labelled])["cache", "prototypes"][0]
    unused = int((importance == 0).sum())
    assert 0 < unused < 32
    kept = {size.key: torch.arange(size.units).expand(len(size.groups), -1) for size in sizes}
    kept["cache", "prototypes"] = importance.nonzero().T
    assert_same_reading(
        cut(model, sizes, kept), model, {name: labelled[name] for name in ("input_ids", "attention_mask")}, 1e-6
    )


def test_the_cheapest_parameters_are_removed_first_and_needless_steps_undone(model: RedHeartModel) -> None:
    sizes = find_sizes(model)
    importance: Importance = {
        size.key: torch.ones(len(size.groups), size.units, dtype=torch.float64) * 1e3 for size in sizes
    }
    feed_forward, layers = ("emotion_head", "intermediate"), ("regret_analyzer", "layers")
    importance[feed_forward][:, :32] = 1e-5
    importance[layers][0, 1] = 1e-2
    few = choose(model, sizes, importance, model.num_parameters() - 1)
    assert changed(sizes, few) == {feed_forward: 56}
    assert few[feed_forward][0].tolist() == list(range(8, 64))
    # Four such steps are not enough, the fifth costs more than a layer, and the layer alone is enough.
    more = choose(model, sizes, importance, model.num_parameters() - 4 * 8 * 2 * (3 * 32 + 2) - 1)
    assert changed(sizes, more) == {layers: 1}
    assert more[layers].tolist() == [[0]]


def changed(sizes: list[Size], kept: dict[tuple[str, str], Tensor]) -> dict[tuple[str, str], int]:
    return {size.key: kept[size.key].shape[1] for size in sizes if kept[size.key].shape[1] < size.units}


# --- what comes out


@pytest.mark.parametrize("method", ["fisher", "magnitude"])
def test_a_pruned_model_is_an_ordinary_checkpoint(
    model: RedHeartModel, batch: Batch, labelled: Batch, tmp_path: Path, method: str
) -> None:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    target = share(model, 0.5)
    smaller = prune(model, target, [labelled], method, rounds=2)
    assert 0.97 * target < smaller.num_parameters() <= target
    smaller.save_pretrained(tmp_path)
    loaded = load_strict(tmp_path, RedHeartModel, attn_implementation="eager")
    assert isinstance(loaded, RedHeartModel)
    assert loaded.num_parameters() == smaller.num_parameters()
    assert_same_reading(loaded, smaller, batch, 0)
    again = prune(model, target, [labelled], method, rounds=2)
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in smaller.state_dict().items())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert {size.key: size.units for size in find_sizes(model)}["encoder", "intermediate"] == 64


@pytest.mark.parametrize("part", [0.5, 0.35])
@pytest.mark.parametrize("kind", ["native", "encoder"])
def test_every_parameter_of_a_pruned_model_has_a_gradient(
    roomy: Make, bert_options: dict[str, Any], labelled: Batch, kind: str, part: float
) -> None:
    model = roomy() if kind == "native" else roomy(encoder_config=bert_options)
    smaller = prune(model, share(model, part), [labelled], rounds=1)
    assert smaller.num_parameters() <= share(model, part)
    smaller(**labelled).loss.backward()
    dead = [
        name
        for name, parameter in smaller.named_parameters()
        if (parameter.grad is None or not parameter.grad.abs().max() > 0) and not name.endswith("self.key.bias")
    ]
    assert not dead


def test_an_encoder_that_is_not_built_like_bert_stays_whole(
    roomy: Make, labelled: Batch, caplog: pytest.LogCaptureFixture
) -> None:
    options = {"model_type": "distilbert", "dim": 24, "n_layers": 2, "n_heads": 2, "hidden_dim": 32, "vocab_size": 100}
    model = roomy(encoder_config={**options, "max_position_embeddings": 64})
    with caplog.at_level(logging.WARNING):
        smaller = prune(model, share(model, 0.7), [labelled], rounds=1)
    assert "only the modules after it" in caplog.text
    encoder = model.backbone.encoder.state_dict()
    assert all(torch.equal(value, encoder[name]) for name, value in smaller.backbone.encoder.state_dict().items())


def test_type_and_attention_stay(roomy: Make, batch: Batch) -> None:
    model: Any = roomy().to(torch.bfloat16)
    smaller = prune(model, share(model, 0.6), method="magnitude", rounds=1)
    assert smaller.dtype is torch.bfloat16
    assert smaller.config._attn_implementation == "eager"
    assert not smaller.training
    assert smaller(**batch).verdict.logits.isfinite().all()


# --- the quality of what is kept

WORDS = {17: range(10, 20), 25: range(20, 30), 2: range(30, 40)}  # emotion -> tokens that give it away


def rule_batches(texts: int, seed: int) -> list[Batch]:
    """Batches of texts whose tokens give away an emotion and a verdict, among tokens that say nothing."""
    random = torch.Generator().manual_seed(seed)
    emotions = list(WORDS)
    batches = []
    for _ in range(texts // 12):
        ids = torch.randint(40, 60, (12, 8), generator=random)
        labels, verdicts = torch.zeros(12, 28), torch.zeros(12, 5)
        for row in range(12):
            emotion = emotions[row % 3]
            chosen = torch.randperm(8, generator=random)[:3]
            ids[row, chosen] = torch.randint(WORDS[emotion].start, WORDS[emotion].stop, (3,), generator=random)
            labels[row, emotion] = 1
            verdicts[row, 0 if emotion == 2 else 3] = 1
        batches.append({"input_ids": ids, "emotion_labels": labels, "verdict_labels": verdicts})
    return batches


@pytest.fixture(scope="module")
def trained() -> RedHeartModel:
    """A model that has learned to read `rule_batches`, with two heads everywhere and two layers in the emotion head."""
    components = RedHeartConfig.from_preset("redheart-tiny").components
    for sizes in components.values():
        sizes |= {name: 2 for name in ("heads",) if name in sizes}
    components["emotion_head"]["layers"] = 2
    config = RedHeartConfig.from_preset("redheart-tiny", vocab_size=60, components=components, initializer_range=0.1)
    torch.manual_seed(0)
    model = RedHeartModel(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for batch in rule_batches(12 * 40, seed=0):
        optimizer.zero_grad()
        model(**batch).loss.backward()
        optimizer.step()
    return model.eval()


@pytest.fixture(scope="module")
def measured() -> list[Batch]:
    """Other texts, four at a time."""
    whole = rule_batches(48, seed=1)
    return [{name: value[row : row + 4] for name, value in batch.items()} for batch in whole for row in (0, 4, 8)]


@torch.no_grad()
def loss(model: RedHeartModel, batches: list[Batch]) -> float:
    """Mean of the losses that have labels, as they are weighted."""
    total = 0.0
    for batch in batches:
        losses = model(**batch).losses
        total += sum(
            model.config.loss_weight(name) * float(value)
            for name, value in losses.items()
            if name not in UNLABELLED_LOSSES
        )
    return total / len(batches)


@pytest.mark.slow
def test_what_the_data_show_to_matter_is_kept(trained: RedHeartModel, measured: list[Batch]) -> None:
    validation = rule_batches(48, seed=2)
    sizes = find_sizes(trained)
    random = torch.Generator().manual_seed(0)
    by: dict[str, Importance] = {
        "fisher": fisher(trained, sizes, measured),
        "magnitude": magnitude(trained, sizes),
        "chance": {
            size.key: torch.rand(len(size.groups), size.units, generator=random, dtype=torch.float64) for size in sizes
        },
    }
    # Over several sizes, since how far so small a model falls at one of them depends on the processor's rounding.
    left = {
        name: sum(
            loss(cut(trained, sizes, choose(trained, sizes, importance, share(trained, part))), validation)
            for part in (0.5, 0.6, 0.7)
        )
        for name, importance in by.items()
    }
    assert left["fisher"] < left["magnitude"]
    assert left["fisher"] < left["chance"]


@pytest.mark.slow
def test_measuring_between_rounds_keeps_more_than_magnitude(trained: RedHeartModel, measured: list[Batch]) -> None:
    validation, target = rule_batches(48, seed=2), share(trained, 0.4)
    pruned = prune(trained, target, measured, rounds=4)
    assert pruned.num_parameters() <= target
    assert loss(pruned, validation) < loss(prune(trained, target, method="magnitude", rounds=1), validation)
