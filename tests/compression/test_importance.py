"""Importance: a mask's squared gradient, measured on data, without a mask in the model."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from redheart import RedHeartConfig, RedHeartModel
from redheart.compression.importance import Importance, fisher, magnitude
from redheart.compression.structure import find_sizes

Batch = dict[str, Tensor]


@pytest.fixture(scope="module")
def model(lively_model: Callable[..., RedHeartModel]) -> RedHeartModel:
    """A tiny model with two layers and two heads in the emotion head."""
    components = RedHeartConfig.from_preset("redheart-tiny").components
    components["emotion_head"] |= {"layers": 2, "heads": 2}
    return lively_model(components=components)


@pytest.fixture(scope="module")
def labelled(batch: Batch, targets: Batch) -> Batch:
    return {**batch, **targets}


@pytest.fixture(scope="module")
def measured(model: RedHeartModel, labelled: Batch) -> Importance:
    return fisher(model, find_sizes(model), [labelled])


def mask_gradient(
    model: RedHeartModel, batch: Batch, width: int, inputs: Sequence[str], outputs: Sequence[str]
) -> Tensor:
    """Gradient of a mask that the inputs of some matrices, and the outputs of others, are multiplied with.

    inputs: paths, each with the entries that a unit has there, as ``"path*16"``; a mask that is shorter than the input
    is for its first part.
    """
    mask = torch.ones(width, requires_grad=True)
    hooks = []
    for name in inputs:
        path, _, block = name.partition("*")

        def scale(module: nn.Module, given: Any, block: int = int(block or 1)) -> Any:
            factors = mask.repeat_interleave(block)
            rest = given[0].shape[-1] - len(factors)
            return (given[0] * torch.cat((factors, torch.ones(rest))), *given[1:])

        hooks.append(model.get_submodule(path).register_forward_pre_hook(scale))
    hooks += [
        model.get_submodule(path).register_forward_hook(lambda module, given, out: out * mask) for path in outputs
    ]
    loss = model(**batch).loss
    for hook in hooks:
        hook.remove()
    (gradient,) = torch.autograd.grad(loss, mask)
    return gradient.double()


HEAD = "emotion_head.decoder.layers.1"
RECURRENCE = "emotion_analyzer.recurrence"


@pytest.mark.parametrize(
    ("key", "group", "inputs"),
    [
        (("emotion_head", "intermediate"), 1, [f"{HEAD}.feed_forward.down_proj"]),
        (("emotion_head", "heads"), 3, [f"{HEAD}.cross_attention.o_proj*16"]),
        (("emotion_head", "readout"), 1, ["emotion_head.affect_readout.out"]),
        (("emotion_head", "state"), 0, ["emotion_head.to_state.up"]),
        (("encoder", "intermediate"), 1, ["backbone.encoder.layers.1.feed_forward.down_proj"]),
        (("backbone", "norm_rank"), 2, ["backbone.encoder.layers.1.attention_norm.up"]),
        (("backbone", "summary"), 0, ["backbone.encoder.summary.score"]),
        (("backbone", "projection"), 4, ["backbone.projections.4.up"]),
        (
            ("emotion_analyzer", "recurrent"),
            0,
            [f"{RECURRENCE}.forward_layers.{path}" for path in ("0.from_state", "1.from_input")]
            + [f"{RECURRENCE}.backward_layers.1.from_input"],
        ),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else "",
)
def test_importance_is_the_squared_gradient_of_a_mask_on_the_output_of_a_unit(
    model: RedHeartModel, labelled: Batch, measured: Importance, key: tuple[str, str], group: int, inputs: list[str]
) -> None:
    found = measured[key][group]
    expected = mask_gradient(model, labelled, len(found), inputs, []).square()
    assert expected.max() > 0
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-6 * float(expected.max()))


def test_the_mask_of_a_layer_is_on_all_of_its_branches(
    model: RedHeartModel, labelled: Batch, measured: Importance
) -> None:
    branches = [f"{HEAD}.{name}" for name in ("attention.o_proj", "cross_attention.o_proj", "feed_forward.down_proj")]
    expected = mask_gradient(model, labelled, 1, [], branches).square()
    torch.testing.assert_close(measured["emotion_head", "layers"][0, 1:], expected, rtol=1e-3, atol=0)


def test_batches_count_by_their_texts(model: RedHeartModel, labelled: Batch, measured: Importance) -> None:
    sizes = find_sizes(model)
    half = {name: value[:2] for name, value in labelled.items()}
    other, both = fisher(model, sizes, [half]), fisher(model, sizes, [labelled, half])
    for key, value in both.items():
        torch.testing.assert_close(value, (4 * measured[key] + 2 * other[key]) / 6)


def test_measuring_leaves_the_model_as_it_was(model: RedHeartModel, labelled: Batch) -> None:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    frozen = model.sweet_spot.readout.out.weight
    frozen.requires_grad = False
    model.train()
    fisher(model, find_sizes(model), [labelled])
    assert model.training
    assert [name for name, value in model.named_parameters() if not value.requires_grad] == [
        "sweet_spot.readout.out.weight"
    ]
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    frozen.requires_grad = True
    model.eval()


def test_what_no_label_trains_is_worth_nothing(model: RedHeartModel, batch: Batch, targets: Batch) -> None:
    found = fisher(model, find_sizes(model), [{**batch, "emotion_labels": targets["emotion_labels"]}])
    assert found["projector", "intermediate"].max() == 0
    assert found["emotion_head", "intermediate"].min() > 0


def test_magnitude_is_the_norm_of_the_columns_that_read_a_unit(model: RedHeartModel) -> None:
    found = magnitude(model, find_sizes(model))
    down = model.get_submodule(f"{HEAD}.feed_forward.down_proj").weight
    torch.testing.assert_close(found["emotion_head", "intermediate"][1], down.detach().double().square().sum(dim=0))


def test_without_labels_or_with_a_broken_loss_there_is_no_importance(
    model: RedHeartModel, batch: Batch, labelled: Batch
) -> None:
    sizes = find_sizes(model)
    with pytest.raises(ValueError, match="no batch"):
        fisher(model, sizes, [])
    with pytest.raises(ValueError, match="no labels"):
        fisher(model, sizes, [batch])
    bias = model.emotion_head.readout.out.bias
    kept = bias.detach().clone()
    with torch.no_grad():
        bias.fill_(math.nan)
    with pytest.raises(ValueError, match="fix the model"):
        fisher(model, sizes, [labelled])
    with torch.no_grad():
        bias.copy_(kept)
