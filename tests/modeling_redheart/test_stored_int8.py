"""Checkpoints stored in 8 bits: close to the model, an ordinary float model once loaded, and refused when damaged."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModel, PreTrainedTokenizerBase, pipeline

from redheart import RedHeartForSequenceClassification, RedHeartModel
from redheart.modeling_redheart.stored_int8 import (
    LEAST_ELEMENTS,
    METHOD,
    SCALE,
    VALUES,
    dequantize_rows,
    is_storable,
    is_stored_int8,
    keeps_integers,
    quantize_rows,
)
from redheart.recipes.ship import ship
from redheart.storage.strict_loading import SUMS, load_strict

Make = Callable[..., RedHeartModel]
Batch = dict[str, Tensor]


@pytest.fixture(scope="module")
def lively(lively_model: Make) -> RedHeartModel:
    """A model in which many matrices are large enough; not to be changed."""
    return lively_model(hidden_size=64)


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory, lively: RedHeartModel, tokenizer: PreTrainedTokenizerBase
) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "model"
    lively.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, trained: Path) -> Path:
    folder = tmp_path_factory.mktemp("stored") / "model"
    ship(trained, folder, "int8")
    return folder


@pytest.fixture
def damaged(stored: Path, tmp_path: Path) -> Callable[..., Path]:
    """Writes the stored checkpoint with other tensors; None removes one. Without checksums, which would detect it."""

    def write(**changes: Tensor | None) -> Path:
        tensors = {**load_file(stored / "model.safetensors"), **changes}
        save_file({name: value for name, value in tensors.items() if value is not None}, tmp_path / "model.safetensors")
        (tmp_path / "config.json").write_bytes((stored / "config.json").read_bytes())
        return tmp_path

    return write


def a_matrix(folder: Path) -> str:
    return min(name for name in load_file(folder / "model.safetensors") if name.endswith(VALUES)).removesuffix(VALUES)


def equal(left: torch.nn.Module, right: torch.nn.Module) -> bool:
    a, b = left.state_dict(), right.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


# --- the numbers


@pytest.mark.parametrize("factor", [1.0, 1e-6, 1e4])
def test_the_error_is_at_most_half_a_scale_and_requantising_is_exact(factor: float) -> None:
    weight = torch.randn(200, 65, generator=torch.Generator().manual_seed(0)) * factor
    weight[3], weight[4, 0] = 0.0, 100 * factor
    values, scale = quantize_rows("w", weight)
    assert values.dtype is torch.int8
    assert scale.shape == (200, 1)
    assert int(values.abs().max()) == 127
    found = dequantize_rows("w", values, scale)
    assert bool(((weight - found).abs() <= scale * (0.5 + 1e-4)).all())
    assert torch.equal(found[3], torch.zeros(65))
    again = quantize_rows("w", found)
    assert torch.equal(again[0], values)
    assert torch.equal(again[1], scale)


def test_numbers_that_are_not_finite_are_refused() -> None:
    weight = torch.ones(64, 64)
    weight[5, 5] = torch.inf
    with pytest.raises(ValueError, match=r"'a\.weight' has numbers that are not finite"):
        quantize_rows("a.weight", weight)


# --- the files


def test_large_matrices_are_integers_and_all_else_is_exact(lively: RedHeartModel, stored: Path) -> None:
    files, parameters = load_file(stored / "model.safetensors"), dict(lively.named_parameters())
    matrices = {name for name, value in parameters.items() if is_storable(value)}
    assert len(matrices) > 3
    assert {name.removesuffix(VALUES) for name in files if name.endswith(VALUES)} == matrices
    assert all(parameters[name].numel() >= LEAST_ELEMENTS for name in matrices)
    for name, value in files.items():
        if not name.endswith((VALUES, SCALE)):
            assert torch.equal(value, lively.state_dict()[name]), name
    assert json.loads((stored / "config.json").read_text())["quantization_config"] == {"quant_method": METHOD}


def test_storing_what_was_loaded_gives_the_same_files(stored: Path, tmp_path: Path) -> None:
    ship(stored, tmp_path / "again", "int8")
    for name in ("model.safetensors", "config.json", SUMS):
        assert (tmp_path / "again" / name).read_bytes() == (stored / name).read_bytes(), name


# --- what loads


def test_the_outputs_stay_close(lively: RedHeartModel, stored: Path, batch: Batch) -> None:
    model = RedHeartModel.from_pretrained(stored)
    for name, value in model.state_dict().items():
        assert float((value - lively.state_dict()[name]).abs().max()) < 0.01, name
    with torch.no_grad():
        found, wanted = model(**batch).emotion.logits, lively(**batch).emotion.logits
    assert float((found - wanted).abs().mean()) < 0.1 * float(wanted.std())


def test_it_is_an_ordinary_model(stored: Path) -> None:
    model = AutoModel.from_pretrained(stored)
    assert type(model) is RedHeartModel
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert not hasattr(model.config, "quantization_config")
    assert not hasattr(model, "hf_quantizer")
    assert not model.is_quantized
    assert equal(model, load_strict(stored))
    assert equal(model, RedHeartModel.from_pretrained(stored, disable_mmap=True))


def test_bf16_is_rounded_from_the_float32_that_is_read(stored: Path) -> None:
    model, wide = load_strict(stored, dtype=torch.bfloat16), load_strict(stored)
    assert model.dtype is torch.bfloat16
    assert equal(model, wide.to(torch.bfloat16))


def test_a_classifier_takes_the_body(stored: Path) -> None:
    classifier = RedHeartForSequenceClassification.from_pretrained(stored, num_labels=3)
    assert equal(classifier.model, load_strict(stored))


def test_it_trains_and_saves_plain_floats(
    stored: Path, batch: Batch, targets: Batch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = RedHeartModel.from_pretrained(stored).train()
    name = a_matrix(stored)
    before = model.get_parameter(name).detach().clone()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model(**batch, **targets).loss.backward()
    optimizer.step()
    assert not torch.equal(model.get_parameter(name), before)
    model.save_pretrained(tmp_path)
    assert "quantization_config" not in json.loads((tmp_path / "config.json").read_text())
    assert set(load_file(tmp_path / "model.safetensors")) == set(model.state_dict())
    from transformers.quantizers import auto

    monkeypatch.delitem(auto.AUTO_QUANTIZATION_CONFIG_MAPPING, METHOD)
    monkeypatch.delitem(auto.AUTO_QUANTIZER_MAPPING, METHOD)
    assert equal(load_strict(tmp_path), model)


def test_it_loads_by_device_map_and_offloaded(stored: Path, batch: Batch, tmp_path: Path) -> None:
    pytest.importorskip("accelerate")
    whole = load_strict(stored)
    assert equal(RedHeartModel.from_pretrained(stored, device_map="cpu"), whole)
    leaves = [name for name, module in whole.named_modules() if not list(module.children())]
    places: dict[str, Any] = {name: "disk" if name.startswith("emotion_head.") else "cpu" for name in leaves}
    model = RedHeartModel.from_pretrained(stored, device_map=places, offload_folder=tmp_path)
    with torch.no_grad():
        assert torch.equal(model(**batch).emotion.logits, whole(**batch).emotion.logits)


def test_a_text_encoder_inside(
    lively_model: Make, bert_options: dict[str, Any], tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    model = lively_model(encoder_config=bert_options | {"vocab_size": 300, "hidden_size": 48, "intermediate_size": 96})
    model.save_pretrained(tmp_path / "trained")
    tokenizer.save_pretrained(tmp_path / "trained")
    ship(tmp_path / "trained", tmp_path / "stored", "int8")
    files = load_file(tmp_path / "stored" / "model.safetensors")
    assert any("encoder.model.embeddings" in name and name.endswith(VALUES) for name in files)
    assert load_strict(tmp_path / "stored").num_parameters() == model.num_parameters()


def test_the_pipeline_reads(stored: Path) -> None:
    make: Any = pipeline
    assert make("ethical-analysis", model=str(stored))("I lied.", include_untrained=True)["emotion"]


@pytest.mark.parametrize("bits", [4, 8])
def test_bitsandbytes_quantises_it_as_it_does_its_floats(stored: Path, tmp_path: Path, bits: int) -> None:
    pytest.importorskip("bitsandbytes")
    from transformers import BitsAndBytesConfig

    load_strict(stored).save_pretrained(tmp_path)
    options = {"quantization_config": BitsAndBytesConfig(**{f"load_in_{bits}bit": True})}
    model, wanted = load_strict(stored, **options), load_strict(tmp_path, **options)
    assert equal(model, wanted)
    assert keeps_integers(model.config)
    assert model.config.name_or_path == str(stored)
    through_auto = AutoModel.from_pretrained(stored, **options)
    assert equal(through_auto, wanted)


# --- what does not


def test_every_damage_is_named(damaged: Callable[..., Path], stored: Path) -> None:
    name = a_matrix(stored)
    files = load_file(stored / "model.safetensors")
    values, scale = files[name + VALUES], files[name + SCALE]
    broken = scale.clone()
    broken[1] = torch.nan
    cases: list[tuple[dict[str, Tensor | None], str]] = [
        ({name + SCALE: None}, f"'{name}' has no '{name}:scale'"),
        ({name + VALUES: None}, f"'{name}' has no '{name}:int8'"),
        ({name + SCALE: broken}, f"'{name}' has 1 scales that are not finite and positive"),
        ({name + SCALE: -scale}, f"'{name}' has {len(scale)} scales that are not finite and positive"),
        (
            {name + SCALE: scale[1:]},
            f"'{name}' has scales float32 ({len(scale) - 1}, 1), not float32 ({len(scale)}, 1)",
        ),
        ({name + SCALE: scale.half()}, f"'{name}' has scales float16"),
        ({name + VALUES: values.float()}, f"'{name}' is not stored as int8"),
        ({name: values.float()}, f"'{name}' is also stored in floats"),
    ]
    for changes, message in cases:
        folder = damaged(**changes)
        for load in (load_strict, AutoModel.from_pretrained):
            with pytest.raises(ValueError, match=re.escape(message)):
                load(folder)


def test_what_does_not_fit_the_model_is_named(damaged: Callable[..., Path], stored: Path) -> None:
    name = a_matrix(stored)
    files = load_file(stored / "model.safetensors")
    values, scale = files[name + VALUES], files[name + SCALE]
    with pytest.raises(ValueError, match=rf"1 missing: {name}"):
        load_strict(damaged(**{name + VALUES: None, name + SCALE: None}))
    with pytest.raises(ValueError, match=rf"1 mismatched: {name} "):
        load_strict(damaged(**{name + VALUES: values[1:].clone(), name + SCALE: scale[1:].clone()}))
    with pytest.raises(ValueError, match=r"1 unexpected: stray\.weight"):
        load_strict(damaged(**{"stray.weight" + VALUES: values, "stray.weight" + SCALE: scale}))


def test_floats_are_not_made_integers_while_loading(trained: Path) -> None:
    with pytest.raises(ValueError, match="pre-quantized"):
        RedHeartModel.from_pretrained(trained, quantization_config={"quant_method": METHOD})


def test_a_changed_byte_is_refused(stored: Path, tmp_path: Path) -> None:
    for path in stored.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = bytearray((tmp_path / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (tmp_path / "model.safetensors").write_bytes(weights)
    with pytest.raises(ValueError, match="not the file that SHA256SUMS records"):
        load_strict(tmp_path)


def test_only_what_computes_in_integers_counts_as_quantised(stored: Path) -> None:
    options = json.loads((stored / "config.json").read_text())
    assert is_stored_int8(options)
    assert not keeps_integers(options)
    assert keeps_integers({"quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True}})
    assert not keeps_integers({})
