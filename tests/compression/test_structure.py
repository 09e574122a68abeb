"""The table of units: it knows every parameter that a size changes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub.errors import StrictDataclassClassValidationError

from redheart import RedHeartConfig, RedHeartModel
from redheart.compression.pruning import cut
from redheart.compression.structure import ENCODER, ParameterCount, Place, Size, find_sizes, resized
from redheart.configuration.configuration_redheart import COMPONENT_SIZES

# Sizes that stay; see the module's docstring.
FIXED = {"registers", "latents", "neighbours", "summary_heads"}


@pytest.fixture(scope="module", params=["native", "encoder"])
def model(
    request: pytest.FixtureRequest, lively_model: Callable[..., RedHeartModel], bert_options: dict[str, Any]
) -> RedHeartModel:
    """A tiny model with two or three of everything, so that every size can go down."""
    components = RedHeartConfig.from_preset("redheart-tiny").components
    for sizes in components.values():
        sizes |= {name: 3 for name in ("layers", "heads") if name in sizes}
    if request.param == "native":
        return lively_model(components=components, num_hidden_layers=3)
    components["backbone"] = {"projection": 16}
    return lively_model(components=components, encoder_config={**bert_options, "num_hidden_layers": 3})


@pytest.fixture(scope="module")
def sizes(model: RedHeartModel) -> list[Size]:
    return find_sizes(model)


def first(sizes: list[Size], counts: dict[tuple[str, str], int]) -> dict[tuple[str, str], torch.Tensor]:
    """The first units of each size, so many as ``counts`` says, or all."""
    return {size.key: torch.arange(counts.get(size.key, size.units)).expand(len(size.groups), -1) for size in sizes}


def test_every_size_of_the_config_is_known_or_stays(model: RedHeartModel, sizes: list[Size]) -> None:
    known = {size.key for size in sizes}
    native = model.config.encoder_config is None
    expected = {
        (component, name)
        for component, names in COMPONENT_SIZES.items()
        for name in names
        if name not in FIXED and name in model.config.components[component]
    }
    assert known == expected | {(ENCODER, "layers"), (ENCODER, "intermediate")}
    assert ((("backbone", "norm_rank") in known), (("backbone", "summary") in known)) == (native, native)


@pytest.mark.parametrize("seed", range(4))
def test_smaller_sizes_give_the_shapes_of_the_smaller_model(model: RedHeartModel, sizes: list[Size], seed: int) -> None:
    random = np.random.default_rng(seed)
    count = ParameterCount(model, sizes)
    assert count(np.array([[size.units for size in sizes]])) == [model.num_parameters()]
    chosen = {size.key: int(random.integers(size.least, size.units)) for size in sizes}
    assert all(chosen[size.key] < size.units for size in sizes)
    smaller = cut(model, sizes, first(sizes, chosen))  # refuses tensors of other shapes than the smaller model's
    assert count(np.array([list(chosen.values())])) == [smaller.num_parameters()]
    assert {size.key: size.units for size in find_sizes(smaller)} == chosen


def test_the_smallest_model_still_reads(
    model: RedHeartModel, sizes: list[Size], batch: dict[str, torch.Tensor]
) -> None:
    smaller = cut(model, sizes, first(sizes, {size.key: size.least for size in sizes}))
    assert smaller(**batch).verdict.logits.isfinite().all()
    assert all(size.below(size.least) is None for size in sizes)


def test_the_layer_tokens_follow_the_layers_of_the_encoder(model: RedHeartModel, sizes: list[Size]) -> None:
    kept = first(sizes, {})
    kept[ENCODER, "layers"] = torch.tensor([[0, 2]])
    smaller = cut(model, sizes, kept)
    tokens = model.layer_crossover.layer_tokens.weight
    assert torch.equal(smaller.layer_crossover.layer_tokens.weight, tokens[[0, 1, 3]])
    prefix = next(size.stack for size in sizes if size.key == (ENCODER, "layers"))
    old, new = model.get_submodule(f"{prefix}.2"), smaller.get_submodule(f"{prefix}.1")
    assert all(torch.equal(old.state_dict()[name], value) for name, value in new.state_dict().items())


def test_the_count_of_a_preset_is_exact() -> None:
    with torch.device("meta"):
        model = RedHeartModel(RedHeartConfig.from_preset("redheart-100m"))
    sizes = find_sizes(model)
    assert ParameterCount(model, sizes)(np.array([[size.units for size in sizes]])) == [100_000_000]


def test_an_encoder_that_is_not_built_like_bert_is_left_as_it_is(lively_model: Callable[..., RedHeartModel]) -> None:
    encoder = {"model_type": "distilbert", "dim": 24, "n_layers": 2, "n_heads": 2, "hidden_dim": 32, "vocab_size": 100}
    model = lively_model(encoder_config={**encoder, "max_position_embeddings": 64})
    assert not [size for size in find_sizes(model) if size.key[0] == ENCODER]


@pytest.mark.parametrize("family", ["electra", "roberta", "camembert", "xlm-roberta"])
def test_encoders_that_are_built_like_bert(
    lively_model: Callable[..., RedHeartModel], bert_options: dict[str, Any], family: str
) -> None:
    encoder = {**bert_options, "model_type": family, "pad_token_id": 1, "embedding_size": 16}
    if family != "electra":
        del encoder["embedding_size"]
    model = lively_model(encoder_config=encoder)
    sizes = find_sizes(model)
    smaller = cut(model, sizes, first(sizes, {(ENCODER, "layers"): 1, (ENCODER, "intermediate"): 8}))
    assert smaller.config.encoder_config.num_hidden_layers == 1
    assert smaller.config.encoder_config.intermediate_size == 8
    assert model.config.encoder_config.intermediate_size == 32


def test_units_in_several_runs() -> None:
    place = Place("weight", block=2, runs=3, skip=1)
    assert place.entries(2).tolist() == [[1, 2, 5, 6, 9, 10], [3, 4, 7, 8, 11, 12]]
    assert Place("weight", runs=2, run=1).entries(3).tolist() == [[3], [4], [5]]


def test_impossible_sizes_are_refused_by_the_config(lively: RedHeartModel) -> None:
    with pytest.raises(StrictDataclassClassValidationError, match="neighbours"):
        resized(lively.config, {("cache", "prototypes"): 3})
    assert lively.config.components["cache"]["prototypes"] == 32


def test_steps_are_powers_of_two_and_end_at_one_step() -> None:
    size = Size(("emotion_head", "intermediate"), units=70, step=8, least=8, groups=())
    course, count = [70], size.below(70)
    while count is not None:
        course.append(count)
        count = size.below(count)
    assert course == [70, 64, 56, 48, 40, 32, 24, 16, 8]
