"""Loading is strict: what transformers would fill with random numbers, or read as a pickle, is an error with a name."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from redheart import RedHeartForSequenceClassification, RedHeartModel
from redheart.configuration import shipped as shipped_names
from redheart.storage import strict_loading as checkpoint
from redheart.storage.strict_loading import checkpoint_path, list_checkpoints, load_strict

TINY = "redheart-tiny"


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    """A checkpoint to spoil, without recorded sums."""
    folder = tmp_path / "copy"
    folder.mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(tiny / name, folder / name)
    return folder


def _change_weights(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _change_config(folder: Path, **options: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **options}), encoding="utf-8")


def test_a_whole_checkpoint_loads(tiny: Path, copy: Path) -> None:
    for folder in (tiny, copy, str(copy)):
        model = load_strict(folder)
        assert type(model) is RedHeartModel
        assert not model.training
    assert load_strict(tiny, dtype=torch.bfloat16).dtype is torch.bfloat16


def test_a_missing_weight_is_named(copy: Path) -> None:
    name = next(name for name in load_file(copy / "model.safetensors") if name.startswith("emotion_head."))
    _change_weights(copy, lambda weights: weights.pop(name))
    RedHeartModel.from_pretrained(copy)  # transformers fills it with random numbers
    with pytest.raises(ValueError, match=f"1 missing: {name}"):
        load_strict(copy)


def test_an_unexpected_weight_is_named(copy: Path) -> None:
    _change_weights(copy, lambda weights: weights.update({"emotion_haed.weight": torch.zeros(2)}))
    with pytest.raises(ValueError, match=r"1 unexpected: emotion_haed\.weight"):
        load_strict(copy)


def test_weights_of_another_shape_are_named(copy: Path) -> None:
    name = "backbone.encoder.embed_tokens.weight"
    _change_weights(copy, lambda weights: weights.update({name: weights[name][:7].clone()}))
    with pytest.raises(ValueError, match=r"1 mismatched: backbone\.encoder\.embed_tokens\.weight \(7, \d+\) for"):
        load_strict(copy)


def test_a_config_of_another_size_is_refused(copy: Path) -> None:
    _change_config(copy, num_hidden_layers=7)
    with pytest.raises(ValueError, match=r"missing: .* and \d+ more"):
        load_strict(copy)


def test_a_classifier_needs_its_own_weights(copy: Path) -> None:
    with pytest.raises(ValueError, match=r"2 missing: classifier\.bias, classifier\.weight"):
        load_strict(copy, model_class=RedHeartForSequenceClassification)
    RedHeartForSequenceClassification.from_pretrained(copy, num_labels=3).save_pretrained(copy / "classifier")
    assert type(load_strict(copy / "classifier")) is RedHeartForSequenceClassification


@pytest.mark.parametrize("kept", [0, 5, 1_000, -1])
def test_a_truncated_file_is_refused(copy: Path, kept: int) -> None:
    path = copy / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        load_strict(copy)


def test_a_changed_header_is_refused(copy: Path) -> None:
    path = copy / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[:8] = (10**15).to_bytes(8, "little")
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        load_strict(copy)


def test_changed_values_are_refused_where_sums_are_recorded(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(tiny, folder)
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="changed or damaged"):
        load_strict(folder)
    load_strict(folder, verify=False)
    (folder / checkpoint.SUMS).write_text("not sums\n", encoding="utf-8")
    with pytest.raises(ValueError, match="SHA256SUMS"):
        load_strict(folder)


def test_pickles_are_refused(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    (copy / "model.safetensors").unlink()
    with pytest.raises(ValueError, match="no weights"):
        load_strict(copy)
    torch.save(weights, copy / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"only pytorch_model\.bin, and pickles can run code"):
        load_strict(copy)
    torch.save(weights, copy / "model.safetensors")  # a pickle under another name
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        load_strict(copy)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ({"weight_map": {"a": "model-00001-of-00002.safetensors"}}, r"model-00001-of-00002\.safetensors"),
        ({"weight_map": {"a": "../model.safetensors"}}, "which is not a file"),
        ({"weights": {}}, "not an index"),
        ([], "not an index"),
    ],
)
def test_an_index_that_leads_nowhere_is_refused(copy: Path, index: Any, message: str) -> None:
    (copy / "model.safetensors").rename(copy.parent / "model.safetensors")
    (copy / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        load_strict(copy)


def test_a_folder_that_is_not_a_checkpoint_is_refused(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"no config\.json"):
        load_strict(tmp_path / "empty")
    _change_config(copy, architectures=["RedHeartModle"])
    with pytest.raises(ValueError, match="did you mean 'RedHeartModel'"):
        load_strict(copy)
    _change_config(copy, model_type="bert")
    with pytest.raises(ValueError, match="'bert' checkpoint"):
        load_strict(copy)


def test_its_own_options_cannot_be_overruled(copy: Path) -> None:
    with pytest.raises(ValueError, match="use_safetensors"):
        load_strict(copy, use_safetensors=False)


def test_names_lead_to_folders(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped_names, "_SHIPPED", tmp_path / "package")
    monkeypatch.chdir(tmp_path)
    assert list_checkpoints() == []
    assert checkpoint_path("someone/redheart-730m") == "someone/redheart-730m"
    assert checkpoint_path(str(tiny)) == str(tiny)
    with pytest.raises(ValueError, match=f"`redheart create {TINY}`"):
        checkpoint_path(TINY)
    with pytest.raises(ValueError, match=f"`redheart create {TINY}`"):
        load_strict(TINY)
    shutil.copytree(tiny, tmp_path / "package" / TINY)
    assert list_checkpoints() == [TINY]
    assert checkpoint_path(TINY) == str(tmp_path / "package" / TINY)
    assert type(load_strict(TINY)) is RedHeartModel
    (tmp_path / TINY).mkdir()
    assert checkpoint_path(TINY) == TINY
    with pytest.raises(ValueError, match="is installed"):
        checkpoint.shipped_folder("redheart-tinny")


def test_what_ships_loads() -> None:
    assert list_checkpoints() == ["redheart-100m"]
    for name in list_checkpoints():
        assert type(load_strict(checkpoint.shipped_folder(name))) is RedHeartModel
