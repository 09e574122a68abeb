"""Adapters of a small model, of noise: what the tests of adapters share beside their fixtures."""

import shutil
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import torch

from redheart import RedHeartModel
from redheart.modeling_redheart.quantization import SCHEMES
from redheart.storage.strict_loading import load_strict
from redheart.training.runs.adapters import add_adapter
from redheart.training.runs.recipe import PeftRecipe

EMOTION = PeftRecipe(rank=4, components=["emotion_head", "emotion_analyzer"])
VERDICT = PeftRecipe(rank=2, components=["cache", "coordination"])
CLAIMS = {"emotion.joy": ["mine"]}
QUANTISED = sorted(SCHEMES)


def load(base: Path, scheme: str | None = None) -> RedHeartModel:
    """The model in eval mode, in float32 a copy of what was loaded once."""
    return deepcopy(loaded_once(base)) if scheme is None else read_in(base, scheme)


@cache
def loaded_once(base: Path) -> RedHeartModel:
    return read_in(base, None)


def read_in(base: Path, scheme: str | None) -> RedHeartModel:
    loaded: Any = load_strict(base, RedHeartModel, dtype=torch.float32, **options(scheme))
    return loaded.eval()  # type: ignore[no-any-return]


def options(scheme: str | None) -> dict[str, Any]:
    return {} if scheme is None else {"quantization_config": SCHEMES[scheme]}


def adapted(base: Path, recipe: PeftRecipe, scheme: str | None = None) -> Any:
    """The model with an adapter of noise."""
    torch.manual_seed(1)
    model: Any = add_adapter(load(base, scheme), recipe)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += 0.05 * torch.randn(parameter.shape)
    return model


def changed(base: Path, folder: Path) -> Path:
    """The folder of the model with one weight a little larger, and the tokenizer."""
    model = load(base)
    with torch.no_grad():
        model.emotion_head.decoder.norm.weight[0] += 1e-3
    shutil.copytree(base, folder)
    model.save_pretrained(folder)
    return folder
