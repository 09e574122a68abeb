"""The checkpoint that ships: in bfloat16 or in 8 bits, in files that a host takes, and every door it goes through."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModel

from redheart import RedHeartModel
from redheart.hub_upload.inspection import stray_weights
from redheart.hub_upload.staging import Extras, staged
from redheart.recipes import ship as shipping
from redheart.recipes.ship import ship
from redheart.storage import create as creating
from redheart.storage.create import create_checkpoint
from redheart.storage.remote_code import add_auto_map, bundle_code
from redheart.storage.strict_loading import SUMS, load_strict, weight_files
from redheart.storage.weights import float_tensors, parameters_in, stored_slots

# The other process has no package, only what lies beside the weights.
READER = """
import sys
sys.modules["redheart"] = None
import torch
from transformers import AutoModel
model = AutoModel.from_pretrained(sys.argv[1], trust_remote_code=True)
again = AutoModel.from_pretrained(sys.argv[2], trust_remote_code=True)  # the same code a second time
assert not hasattr(model.config, "quantization_config")
assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
model.save_pretrained(sys.argv[3])
"""


@pytest.fixture(scope="module")
def stored(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shipped") / "redheart-tiny"
    ship(tiny, folder, "int8")
    return folder


def same(left: torch.nn.Module, right: torch.nn.Module) -> bool:
    pairs = zip(left.state_dict().items(), right.state_dict().items(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


def test_both_forms_load_as_float32(tiny: Path, stored: Path, tmp_path: Path) -> None:
    ship(tiny, tmp_path)
    assert load_strict(tmp_path).dtype is load_strict(stored).dtype is torch.float32
    assert weight_files(stored)[0].stat().st_size < weight_files(tiny)[0].stat().st_size
    assert parameters_in(stored_slots(weight_files(stored))) == load_strict(stored).num_parameters()


def test_what_is_too_large_goes_in_shards(
    tiny: Path, stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ship(tiny, tmp_path, "int8")
    monkeypatch.setattr(shipping, "_LARGEST_FILE", 100_000)
    monkeypatch.setattr(shipping, "_SHARD_SIZE", 50_000)
    ship(tiny, tmp_path, "int8")
    files = weight_files(tmp_path)
    assert len(files) > 2
    assert stray_weights(tmp_path) == []
    assert len((tmp_path / SUMS).read_text().splitlines()) == len(files)
    assert same(load_strict(tmp_path), load_strict(stored))
    assert same(AutoModel.from_pretrained(tmp_path), load_strict(stored))
    with files[1].open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        byte = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(ValueError, match=f"{files[1].name} is not the file that {SUMS} records"):
        load_strict(tmp_path)


def test_an_unknown_form_and_the_same_folder_are_refused(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No form 'int4'"):
        ship(tiny, tmp_path, "int4")
    with pytest.raises(ValueError, match="is the trained model itself"):
        ship(tiny, tiny)


def test_a_checkpoint_is_created_from_it(stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(creating, "list_checkpoints", lambda: ["redheart-tiny"])
    monkeypatch.setattr(creating, "shipped_folder", lambda name: stored)
    for dtype, wanted in ((None, torch.float32), ("bfloat16", torch.bfloat16)):
        folder = create_checkpoint("redheart-tiny", tmp_path / str(dtype), dtype)
        model = load_strict(folder)
        assert same(model, load_strict(stored, dtype=wanted))
        assert model.dtype is wanted
        options = json.loads((folder / "config.json").read_text())
        assert ("quantization_config" in options) == (dtype is None)


def test_it_is_pushed_as_it_is_or_in_bfloat16(stored: Path) -> None:
    extras = Extras(tokenizer=False)
    with staged(stored, "mine", extras) as stage:
        assert (stage.folder / "model.safetensors").is_symlink()
        assert same(load_strict(stage.folder), load_strict(stored))
    with staged(stored, "mine", Extras(tokenizer=False, dtype=torch.bfloat16)) as stage:
        with safe_open(stage.folder / "model.safetensors", framework="pt") as file:
            assert {file.get_slice(key).get_dtype() for key in file.keys()} == {"BF16"}  # noqa: SIM118
        assert "quantization_config" not in json.loads((stage.folder / "config.json").read_text())
        assert same(load_strict(stage.folder), load_strict(stored, dtype=torch.bfloat16).float())
    assert "quantization_config" in json.loads((stored / "config.json").read_text())


def test_it_is_quantised_exported_and_pruned_as_floats_are(stored: Path, tmp_path: Path) -> None:
    from redheart.compression.onnx_export import _check_config
    from redheart.compression.pruning import check_target
    from redheart.compression.quantize import _check_source
    from redheart.configuration.configuration_redheart import RedHeartConfig
    from redheart.training.runs.building import _quantised

    model = load_strict(stored, RedHeartModel)
    _check_source(stored)
    _check_config(RedHeartConfig.from_pretrained(stored))
    assert isinstance(model, RedHeartModel)
    check_target(model, model.num_parameters() - 1)
    assert "quantization_config" in _quantised(str(stored), "int8", None)


def test_an_adapter_knows_the_checkpoint_and_the_loaded_model_as_one(stored: Path) -> None:
    from redheart.training.runs.adapter_records import weights_digest

    model = load_strict(stored, RedHeartModel)
    assert isinstance(model, RedHeartModel)
    assert weights_digest(stored) == weights_digest(model)


def test_the_floats_of_the_files_are_those_of_the_model(stored: Path) -> None:
    assert all(
        torch.equal(load_strict(stored).state_dict()[name], value)
        for name, value in list(float_tensors(weight_files(stored)))[:20]
    )


@pytest.mark.slow
def test_it_loads_as_remote_code(stored: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        shutil.copytree(stored, tmp_path / name)
        bundle_code(tmp_path / name)
        add_auto_map(tmp_path / name)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"HF_HUB_OFFLINE": "1", "HF_MODULES_CACHE": str(tmp_path / "modules")}
    arguments = [str(tmp_path / name) for name in ("one", "two", "saved")]
    done = subprocess.run(
        [sys.executable, "-c", READER, *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert same(load_strict(tmp_path / "saved"), load_strict(stored))
