"""Adapters by every road that leads to them: their own loader, `pipeline`, `AutoModel`, a model's own `load_adapter`.

Other doors of the same kind: `redheart analyze` and `evaluate` of an adapter's folder, which go by `load_adapter`; a
pipeline that is saved, and an adapter that is loaded beside another.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerBase, pipeline

from redheart import RedHeartModel
from redheart.training.runs.adapter_records import AdapterRecord, weights_digest
from redheart.training.runs.adapters import load_adapter, save_adapter
from redheart.training.runs.recipe import PeftRecipe

from ...fixtures.small_adapters import CLAIMS, EMOTION, VERDICT, adapted, changed, load, read_in

pytest.importorskip("peft")

# PEFT asks transformers for what that calls by another name now.
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")


@pytest.mark.parametrize(
    "names", [("grief", "work"), ("ko", "en"), ("emotion", "verdict"), ("a", "b"), ("1", "x"), ("weight", "lora_A")]
)
def test_adapters_may_have_any_name(base: Path, trained: Callable[..., Path], names: tuple[str, str]) -> None:
    """Also one that is a part of the names of parameters, by either road."""
    folders = [trained(EMOTION, "one"), trained(VERDICT, "two")]
    model = load_adapter(base, dict(zip(names, folders, strict=True)))
    assert set(model.peft_config) == set(names)
    native: Any = load(base)
    for name, folder in zip(names, folders, strict=True):
        native.load_adapter(str(folder), name)
    assert set(native.peft_config) == set(names)


def test_a_part_of_the_second_adapter_is_refused_whatever_the_names(base: Path, trained: Callable[..., Path]) -> None:
    one, two = trained(EMOTION, "one"), trained(VERDICT, "two")
    weights = load_file(two / "adapter_model.safetensors")
    gone = next(name for name in weights if "lora_B" in name)
    save_file({name: value for name, value in weights.items() if name != gone}, two / "adapter_model.safetensors")
    for names in (("a", "b"), ("ko", "en")):
        with pytest.raises(ValueError, match=r"two lacks weights of its adapter, such as .*lora_B"):
            load_adapter(base, {names[0]: one, names[1]: two})


def test_a_read_out_that_is_missing_is_refused(base: Path, trained: Callable[..., Path]) -> None:
    folder = trained(PeftRecipe(rank=2, components=["emotion_head"], readouts=["emotion_head"]))
    weights = load_file(folder / "adapter_model.safetensors")
    left = {name: value for name, value in weights.items() if "lora" in name}
    assert len(left) < len(weights)
    save_file(left, folder / "adapter_model.safetensors")
    with pytest.raises(ValueError, match=r"lacks weights of its adapter, such as .*readout"):
        load_adapter(base, folder)


# ---- By the roads of transformers ----


def claims(model: Any) -> set[str]:
    return set(model.config.supervision)


def test_the_pipeline_of_an_adapter_folder_claims_what_it_was_trained_on(
    base: Path, trained: Callable[..., Path], read: Callable[..., Tensor]
) -> None:
    """As `load_adapter`, `redheart analyze`, `AutoModel` of the folder and a model's own `load_adapter` do."""
    folder = trained()
    make: Any = pipeline
    pipe = make("ethical-analysis", model=str(folder))
    expected = load_adapter(base, folder)
    assert claims(pipe.model) == claims(expected) == {"verdict", "emotion.joy"}
    assert "emotion" in pipe("I lied.")
    torch.testing.assert_close(read(pipe.model), read(expected))
    loaded = AutoModel.from_pretrained(folder)
    assert claims(loaded) == claims(expected)
    model: Any = load(base)
    model.load_adapter(str(folder), "mine")
    assert claims(model) == claims(expected)
    model.disable_adapters()
    assert claims(model) == {"verdict"}
    model.enable_adapters()
    assert claims(model) == claims(expected)
    model.delete_adapter("mine")
    assert claims(model) == {"verdict"}


def test_what_was_fitted_to_the_base_is_not_kept_with_an_adapter(base: Path, trained: Callable[..., Path]) -> None:
    """By either road, of thresholds as of the temperature; without the adapter it is there again."""
    model: Any = load(base)
    model.config.verdict_temperature, model.config.thresholds = 2.0, {"joy": 0.25}
    folder = trained()
    wrapped: Any = load_adapter(model, folder)
    assert (wrapped.config.verdict_temperature, wrapped.config.thresholds) == (1.0, {})
    native: Any = load(base)
    native.config.verdict_temperature, native.config.thresholds = 2.0, {"joy": 0.25}
    native.load_adapter(str(folder), "mine")
    assert (native.config.verdict_temperature, native.config.thresholds) == (1.0, {})
    native.disable_adapters()
    assert (native.config.verdict_temperature, native.config.thresholds) == (2.0, {"joy": 0.25})


def test_every_road_refuses_a_base_that_has_changed(base: Path, trained: Callable[..., Path], tmp_path: Path) -> None:
    folder, other = trained(), changed(base, tmp_path / "other")
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = str(other)
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    make: Any = pipeline
    roads: list[Callable[[], Any]] = [
        lambda: make("ethical-analysis", model=str(folder)),
        lambda: AutoModel.from_pretrained(folder),
        lambda: RedHeartModel.from_pretrained(folder),
        lambda: read_in(other, None).load_adapter(str(folder)),
        lambda: load_adapter(other, folder),
    ]
    for road in roads:
        with pytest.raises(ValueError, match="It fits no other checkpoint"):
            road()


def test_a_second_adapter_is_checked_against_the_base_below_the_first(base: Path, trained: Callable[..., Path]) -> None:
    one, two = trained(EMOTION, "one"), trained(VERDICT, "two")
    model: Any = load(base)
    model.load_adapter(str(one), "one")
    model.load_adapter(str(two), "two")
    with torch.no_grad():
        model.projector.norm.weight[0] += 1e-3
    with pytest.raises(ValueError, match="It fits no other checkpoint"):
        model.load_adapter(str(one), "three")


def test_what_is_saved_with_its_adapter_keeps_the_record(
    trained: Callable[..., Path], tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    make: Any = pipeline
    make("ethical-analysis", model=str(trained())).save_pretrained(tmp_path / "saved")
    assert claims(make("ethical-analysis", model=str(tmp_path / "saved")).model) == {"verdict", "emotion.joy"}


def test_an_adapter_names_its_base_as_it_was_named(trained: Callable[..., Path], base: Path) -> None:
    """Not where a checkpoint that ships lies on the machine of the training."""
    model = adapted(base, EMOTION)
    record = AdapterRecord("redheart-100m", weights_digest(base), CLAIMS)
    folder = trained()
    save_adapter(model, AutoTokenizer.from_pretrained(base), record, folder)
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    assert config["base_model_name_or_path"] == "redheart-100m"
