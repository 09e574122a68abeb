"""Weights in files: what is written is whole, what is read is what was written, and what is restored is bit-equal."""

import json
import math
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import TrainingArguments

from redheart.modeling_redheart.digests import digest
from redheart.storage.files import whole_file, write_json
from redheart.training.callbacks.snapshots import (
    assign,
    check_modules,
    read_tensors,
    refuse_shards,
    tensors_of,
    write_tensors,
)


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(5, 3)
        self.norm = nn.BatchNorm1d(3)
        self.output = nn.Linear(3, 5, bias=False)
        self.output.weight = self.embedding.weight
        self.register_buffer("derived", torch.ones(2), persistent=False)


def test_a_module_has_its_parameters_and_lasting_buffers_a_tied_one_once() -> None:
    assert set(tensors_of(Tied())) == {
        "embedding.weight",
        *(f"norm.{name}" for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")),
    }


def test_the_hash_is_of_names_types_shapes_and_values() -> None:
    tensors = {"a": torch.arange(4.0), "b": torch.tensor(3)}
    assert digest(tensors) == digest(dict(reversed(tensors.items())))
    others = [
        {"c": tensors["a"], "b": tensors["b"]},
        tensors | {"a": torch.arange(4)},
        tensors | {"a": torch.arange(4.0).view(2, 2)},
        tensors | {"a": torch.arange(4.0).bfloat16()},
        tensors | {"a": torch.tensor([0.0, 1.0, 2.0, 3.0000002])},
    ]
    assert len({digest(tensors), *map(digest, others)}) == 6


def test_restored_tensors_equal_the_stored_ones(tmp_path: Path) -> None:
    module = Tied()
    stored = {name: tensor.clone() for name, tensor in tensors_of(module).items()}
    write_tensors(tmp_path / "deep" / "module.safetensors", stored, {"base": "abc"})
    with torch.no_grad():
        for tensor in tensors_of(module).values():
            tensor.add_(1)
    read = read_tensors(tmp_path / "deep" / "module.safetensors", digest(stored))
    assign(tensors_of(module), read.__getitem__, is_main=True)
    assert digest(tensors_of(module)) == digest(stored)
    assert module.output.weight is module.embedding.weight


def test_views_of_one_storage_can_be_stored(tmp_path: Path) -> None:
    whole = torch.arange(6.0)
    views = {"first": whole[:3], "last": whole[3:]}
    write_tensors(tmp_path / "views.safetensors", views)
    assert digest(read_tensors(tmp_path / "views.safetensors", digest(views))) == digest(views)


def test_a_file_that_changed_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "module.safetensors"
    write_tensors(file, {"a": torch.zeros(100)})
    with pytest.raises(ValueError, match="other weights than were stored"):
        read_tensors(file, "0" * 64)
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(ValueError, match="is damaged"):
        read_tensors(file, "0" * 64)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_tensors(tmp_path / "none.safetensors", "0" * 64)


def half_write(file: Path) -> None:
    with whole_file(file) as partial:
        partial.write_text("half")
        raise RuntimeError("killed")


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    write_json(file, {"loss": math.nan, "parts": [1, (2.5, math.inf)]})
    assert json.loads(file.read_text()) == {"loss": None, "parts": [1, [2.5, None]]}
    with pytest.raises(TypeError, match="not JSON serializable"):
        write_json(file, {"loss": object()})
    with pytest.raises(RuntimeError, match="killed"):
        half_write(file)
    assert json.loads(file.read_text())["loss"] is None
    assert list(tmp_path.iterdir()) == [file]


def test_another_shape_or_type_is_an_error() -> None:
    for source in (torch.zeros(2), torch.zeros(3, dtype=torch.float64)):
        with pytest.raises(ValueError, match=r"'a' is torch\.float32 of shape"):
            assign({"a": torch.zeros(3)}, {"a": source}.__getitem__, is_main=True)


def test_modules_must_exist_and_share_nothing() -> None:
    model = nn.Sequential()
    model.add_module("tied", Tied())
    model.add_module("classifier", nn.Linear(2, 2))
    assert set(check_modules(model, {"classifier": ()})["classifier"]) == {"weight", "bias"}
    for modules, message in (
        (["clasifier"], "no module 'clasifier'; did you mean 'classifier'"),
        (["tied", "tied.norm"], "'tied.norm' and 'tied' share the tensor 'weight'"),
        (["tied.embedding", "tied.output"], "share the tensor"),
        ([], "No module is named"),
    ):
        with pytest.raises(ValueError, match=message):
            check_modules(model, dict.fromkeys(modules))


def test_sharded_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    args = TrainingArguments(output_dir=str(tmp_path), use_cpu=True)
    refuse_shards(args, nn.Linear(1, 1), "X")
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(ValueError, match="X stores and restores whole modules"):
        refuse_shards(args, nn.Linear(1, 1), "X")
