"""What all processes must do alike when each holds a part of the weights, and what is refused."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from redheart import RedHeartModel
from redheart.modeling_redheart.layers import DecoderLayer, EncoderLayer
from redheart.training.trainers.arguments import RedHeartTrainingArguments
from redheart.training.trainers.sharding import even_out, in_any_process, refuse_whole_weights, reshard


def test_batches_are_split_until_every_process_has_as_many() -> None:
    assert even_out([[1, 2], [3, 4, 5], [6]], 2) == [[1, 2], [3], [4, 5], [6]]
    assert even_out([[1, 2], [3]], 2) == [[1, 2], [3]]
    assert even_out([[1, 2, 3]], 3) == [[1], [2], [3]]
    with pytest.raises(ValueError, match="2 units cannot be divided evenly among 3 processes"):
        even_out([[1, 2]], 3)


def test_in_any_process_of_a_single_process_returns_its_own_names() -> None:
    assert in_any_process(("verdict", "emotion"), ("emotion", "bentham", "verdict"), torch.device("cpu")) == (
        "emotion",
        "verdict",
    )


@pytest.mark.parametrize("text_encoder", [False, True])
def test_the_plan_names_every_layer_and_what_it_names_is_there(
    lively_model: Callable[..., RedHeartModel], bert_options: dict[str, Any], text_encoder: bool
) -> None:
    model = lively_model(**({"encoder_config": bert_options} if text_encoder else {}))
    paths = {re.sub(r"\.\d+", ".*", path): module for path, module in model.named_modules()}
    plan = model.config.base_model_fsdp_plan
    assert plan == model.fsdp_plan
    assert plan.keys() <= paths.keys()
    layers = {path for path, module in paths.items() if isinstance(module, EncoderLayer | DecoderLayer)}
    assert plan.keys() - layers == {f"backbone.encoder{'' if text_encoder else '.embed_tokens'}"}
    assert layers <= plan.keys()
    assert "fsdp" not in model.config.to_json_string()


def test_reshard_leaves_an_unsharded_model_unchanged() -> None:
    model = nn.Linear(1, 1)
    weight, value = model.weight, model.weight.item()
    reshard(model)
    assert model.weight is weight
    assert weight.item() == value


@pytest.mark.parametrize(
    ("options", "at_load", "message"),
    [
        ({"ema_decay": 0.9}, False, "averages whole weights"),
        ({"load_best_model_at_end": True, "eval_strategy": "steps", "save_strategy": "steps"}, True, "set it to False"),
        ({"save_strategy": "steps"}, True, None),
        ({"load_best_model_at_end": True, "eval_strategy": "steps", "save_strategy": "steps"}, False, None),
    ],
)
def test_what_needs_whole_weights_is_refused(
    tmp_path: Path, options: dict[str, Any], at_load: bool, message: str | None
) -> None:
    arguments = RedHeartTrainingArguments(str(tmp_path), use_cpu=True, **{"save_strategy": "no", **options})
    if message is None:
        refuse_whole_weights(arguments, at_load)
        return
    with pytest.raises(ValueError, match=message):
        refuse_whole_weights(arguments, at_load)
