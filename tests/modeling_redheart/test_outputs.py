"""Outputs: their keys are in the order of the fields in every mode, and hidden states are those that were requested.

Other doors of the same kind: `return_dict=False`, `torch.export`, pytrees, `DataParallel`, which go by the keys.
"""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.utils.generic import ModelOutput

from redheart import RedHeartConfig, RedHeartForSequenceClassification, RedHeartModel
from redheart.configuration.labels import FAST_OUTPUTS, OUTPUTS
from redheart.modeling_redheart.masked_lm import RedHeartForMaskedLM

Batch = dict[str, Tensor]
Make = Callable[..., RedHeartModel]

REQUESTS: list[dict[str, Any]] = [
    {},
    {"depth": "fast"},
    {"outputs": ["embedding", "verdict"]},
    {"outputs": ["confidence"]},
    {"outputs": list(reversed(OUTPUTS)), "output_hidden_states": True},
    {"outputs": list(reversed(FAST_OUTPUTS)), "depth": "fast", "token_budget": 2},
]


def in_order(output: ModelOutput) -> bool:
    order = [item.name for item in fields(output)]
    inside = [value for value in output.values() if isinstance(value, ModelOutput)]
    return list(output) == [name for name in order if name in output] and all(map(in_order, inside))


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_keys_are_in_the_order_of_the_fields(
    lively: RedHeartModel, batch: Batch, targets: Batch, request_: dict[str, Any]
) -> None:
    with torch.no_grad():
        output = lively(**batch, **request_)
        values = lively(**batch, **request_, return_dict=False)
    assert in_order(output)
    assert len(values) == len(output)
    for value, name in zip(values, output, strict=True):
        if isinstance(value, Tensor):
            assert torch.equal(value, output[name]), name
    if not request_:
        assert in_order(lively(**batch, **targets))


def test_a_pytree_round_trip(lively: RedHeartModel, batch: Batch) -> None:
    with torch.no_grad():
        output = lively(**batch, output_hidden_states=True)
    leaves, structure = pytree.tree_flatten(output)
    back = pytree.tree_unflatten(leaves, structure)
    assert list(back) == list(output)
    assert torch.equal(back.emotion.logits, output.emotion.logits)
    assert torch.equal(back.mixture, output.mixture)


@pytest.mark.slow
@pytest.mark.parametrize("strict", [True, False])
def test_an_exported_program_gives_each_value_under_its_name(lively: RedHeartModel, batch: Batch, strict: bool) -> None:
    with torch.no_grad():
        expected = lively(**batch)
        program = torch.export.export(lively, (), dict(batch), strict=strict)
        found = program.module()(**batch)
    for name in ("expected_loss", "embedding", "importance", "mixture", "states"):
        torch.testing.assert_close(found[name], expected[name], msg=name)
    torch.testing.assert_close(found["emotion"]["logits"], expected.emotion.logits)


def models(make: Make) -> list[Any]:
    """Every class, with the native encoder."""
    config = RedHeartConfig.from_preset("redheart-tiny")
    return [make(), RedHeartForSequenceClassification(config).eval(), RedHeartForMaskedLM(config).eval()]


def test_requested_hidden_states_are_returned(lively_model: Make, batch: Batch) -> None:
    """By a flag, one number or several, as transformers' own models take them, each in its own place; in the config a
    flag."""
    for model in models(lively_model):
        with torch.no_grad():
            every = model(**batch, output_hidden_states=True).hidden_states
            for asked, places in (([-1], [2]), (-1, [2]), ([2, 0], [0, 2]), ((1,), [1]), ([0, -3], [0])):
                found = model(**batch, output_hidden_states=asked).hidden_states
                assert [place for place, state in enumerate(found) if state is not None] == places
                assert all(torch.equal(found[place], every[place]) for place in places)
            assert model(**batch, output_hidden_states=[]).hidden_states is None
            assert model(**batch, output_hidden_states=False).hidden_states is None
            model.config.output_hidden_states = True
            assert len(model(**batch).hidden_states) == 3
            assert model(**batch, output_hidden_states=False).hidden_states is None


@pytest.mark.parametrize("asked", [[3], -4, ["last"], [True], [0, 7]])
def test_nonexistent_hidden_states_are_refused(lively_model: Make, batch: Batch, asked: Any) -> None:
    for model in models(lively_model):
        with pytest.raises(ValueError, match="there are 3 hidden states"):
            model(**batch, output_hidden_states=asked)


def test_every_class_refuses_the_same_inputs(lively_model: Make, batch: Batch) -> None:
    """Attention weights where there are none, texts without tokens or too long, masks of another shape."""
    for model in models(lively_model):
        with pytest.raises(ValueError, match="attn_implementation='eager'"):
            model(**batch, output_attentions=True)
        with pytest.raises(ValueError, match="either `input_ids` or `inputs_embeds`"):
            model()
        with pytest.raises(ValueError, match="There is nothing to read"):
            model(torch.zeros(2, 0, dtype=torch.long))
        with pytest.raises(ValueError, match="longer than this model's"):
            model(torch.zeros(1, model.longest_text + 1, dtype=torch.long))
        with pytest.raises(ValueError, match="`attention_mask` must have the shape"):
            model(batch["input_ids"], attention_mask=torch.ones(1, 3, dtype=torch.long))


@pytest.mark.slow
def test_layers_are_compiled_one_by_one(lively_model: Make, batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Regional compilation: what repeats is compiled once, for texts of any length, and without a break."""
    monkeypatch.setattr(torch._dynamo.config, "recompile_limit", 64)  # the stacks are of many sizes
    model, plain = lively_model(), lively_model()
    for module in model.modules():
        if isinstance(module, GradientCheckpointingLayer):
            module.compile(dynamic=True, fullgraph=True)
    with torch.no_grad():
        for length in (12, 7):
            short = {name: value[:, :length] for name, value in batch.items()}
            torch.testing.assert_close(model(**short).verdict.logits, plain(**short).verdict.logits)
