"""Checkpoints that are saved quantised: whole or not there, strict to load, and as small as they claim."""

import os
import shutil
import subprocess
import sys
from math import ceil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoTokenizer

from redheart import RedHeartConfig, RedHeartForSequenceClassification, RedHeartModel
from redheart.compression import quantize as module
from redheart.compression.quantize import quantize
from redheart.modeling_redheart.layers import Readout
from redheart.modeling_redheart.quantization import SCHEMES, kept_modules
from redheart.storage.strict_loading import SUMS, load_strict

pytest.importorskip("bitsandbytes")

BITS = {"int8": 8, "nf4": 4}
CARD = "---\nlicense: mit\n---\n\n# A model\n\nIts figures.\n"


def _config(**options: Any) -> RedHeartConfig:
    components = RedHeartConfig().components
    components["emotion_analyzer"]["recurrent"] = 64
    return RedHeartConfig(components=components, initializer_range=0.1, **options)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any) -> Path:
    folder = tmp_path_factory.mktemp("floats")
    torch.manual_seed(0)
    RedHeartModel(_config()).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "README.md").write_text(CARD, encoding="utf-8")
    return folder


@pytest.fixture(scope="module", params=sorted(SCHEMES))
def made(request: pytest.FixtureRequest, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A quantised checkpoint, in a folder with the name of its scheme."""
    return quantize(source, tmp_path_factory.mktemp("quantised") / request.param, request.param)


def _emotions(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    with torch.no_grad():
        return model(**batch).emotion.logits.float()


def test_it_loads_as_it_is_and_reads_alike(made: Path, source: Path, batch: dict[str, Tensor]) -> None:
    model = load_strict(made)
    assert model.dtype is torch.bfloat16
    readouts = [part for part in model.modules() if isinstance(part, Readout)]
    assert all(part.hidden.weight.dtype is part.out.weight.dtype is torch.bfloat16 for part in readouts)
    assert model.emotion_analyzer.recurrence.projection.weight.dtype in (torch.int8, torch.uint8)
    right = _emotions(load_strict(source), batch)
    found = torch.stack([_emotions(load_strict(made, dtype=dtype), batch) for dtype in (torch.bfloat16, torch.float32)])
    for logits in found:
        least = {"int8": 0.99, "nf4": 0.85}[made.name]
        assert torch.corrcoef(torch.stack((logits.flatten(), right.flatten())))[0, 1] > least


def test_the_folder_is_complete(made: Path, source: Path) -> None:
    card = (made / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlicense: mit\n---\n\n> The weights are quantised to **")
    assert card.endswith("\n\n# A model\n\nIts figures.\n")
    assert AutoTokenizer.from_pretrained(made).get_vocab() == AutoTokenizer.from_pretrained(source).get_vocab()
    assert str(source) not in (made / "config.json").read_text(encoding="utf-8")
    weights = made / "model.safetensors"
    assert weights.stat().st_mode == (made / "config.json").stat().st_mode
    assert (made / SUMS).read_text(encoding="utf-8").endswith("  model.safetensors\n")


def test_a_changed_weight_file_is_refused(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(made, folder)
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match="changed or damaged"):
        load_strict(folder)


def test_integers_without_all_of_their_scales_are_refused(made: Path, source: Path, tmp_path: Path) -> None:
    """transformers would read with what is left."""
    layer = "projector.feed_forward.up_proj"
    integers, scale = f"{layer}.weight", f"{layer}.SCB" if made.name == "int8" else f"{layer}.weight.absmax"
    folder = tmp_path / "spoilt"
    shutil.copytree(made, folder)
    (folder / SUMS).unlink()
    whole = load_file(made / "model.safetensors")
    named = rf"1 not whole: {layer}\."
    spoilt: list[tuple[str, dict[str, Tensor]]] = [
        ("cannot be read", {name: value for name, value in whole.items() if name != scale}),
        (named, {**whole, scale: whole[scale][:3].clone()}),
        (named, {**whole, integers: whole[integers][:7].clone()}),
        (r"\d+ not whole: .* and \d+ more", load_file(source / "model.safetensors")),
    ]
    if made.name == "nf4":
        state = [name for name in whole if name.startswith(f"{layer}.weight.")]
        for lost in (state, [f"{layer}.weight.nested_absmax"]):
            spoilt.append((named, {name: value for name, value in whole.items() if name not in lost}))
    for message, weights in spoilt:
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(ValueError, match=message):
            load_strict(folder)


def test_a_classifier_stays_one(tmp_path: Path, batch: dict[str, Tensor]) -> None:
    RedHeartForSequenceClassification(_config(num_labels=3)).save_pretrained(tmp_path / "floats")
    model = load_strict(quantize(tmp_path / "floats", tmp_path / "int8", "int8"))
    assert type(model) is RedHeartForSequenceClassification
    assert model.classifier.weight.dtype is torch.bfloat16
    assert model(**batch).logits.shape == (4, 3)


def test_what_cannot_be_quantised_is_refused(
    made: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "target"
    with pytest.raises(ValueError, match="did you mean 'nf4'"):
        quantize(source, target, "nf44")
    with pytest.raises(ValueError, match="quantised already; quantise the float checkpoint"):
        quantize(made, target, "int8")
    with pytest.raises(ValueError, match=r"no config\.json"):
        quantize(tmp_path / "nowhere", target, "int8")
    with pytest.raises(FileExistsError, match="not empty"):
        quantize(source, made, "int8")
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install .*\[quantize\]'"):
        quantize(source, target, "int8")
    assert not list(tmp_path.iterdir())


def test_what_fails_halfway_leaves_nothing(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(module, "_write_card", full)
    with pytest.raises(OSError, match=r"No space for .* Free some there"):
        quantize(source, tmp_path / "target", "int8")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_it_loads_where_redheart_is_not_installed(made: Path, tmp_path: Path, batch: dict[str, Tensor]) -> None:
    script = (
        "import sys, torch\nfrom transformers import AutoModel\n"
        f"model = AutoModel.from_pretrained({str(made)!r}, trust_remote_code=True)\n"
        "assert 'redheart' not in sys.modules\n"
        "assert not any(getattr(part, 'support_avx512bf16_for_cpu', False) for part in model.modules())\n"
        f"batch = {{'input_ids': torch.tensor({batch['input_ids'].tolist()}),"
        f" 'attention_mask': torch.tensor({batch['attention_mask'].tolist()})}}\n"
        "with torch.no_grad():\n    print(model(**batch).emotion.logits.double().sum().item())\n"
    )
    environment = {**os.environ, "HF_MODULES_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) == pytest.approx(_emotions(load_strict(made), batch).double().sum().item())


# --- sizes


def _planned_bytes(model: nn.Module, bits: int) -> int:
    """Bytes of the tensors of ``model`` when it is quantised: two for a number that is kept; one or a half, and the
    scales, for one that is not."""
    kept = set(kept_modules(model, bits))
    total = 2 * sum(parameter.numel() for parameter in model.parameters())
    for name, part in model.named_modules():
        if isinstance(part, nn.Linear) and name not in kept:
            count = part.weight.numel()
            blocks = ceil(count / 64)
            tables = 4 * (16 + 256) + 167  # of NF4's and its scales' values, and the state as JSON
            nf4 = ceil(count / 2) + blocks + 4 * ceil(blocks / 256) + tables
            int8 = count + 4 * part.out_features + 1
            total += (int8 if bits == 8 else nf4) - 2 * count
    return total


def test_the_plan_of_bytes_is_what_is_saved(made: Path, source: Path) -> None:
    stored = sum(value.nbytes for value in load_file(made / "model.safetensors").values())
    assert stored == pytest.approx(_planned_bytes(load_strict(source), BITS[made.name]), rel=1e-3)


def test_the_730m_is_as_small_as_it_claims() -> None:
    with torch.device("meta"):
        model = RedHeartModel(RedHeartConfig.from_preset("redheart-730m"))
    assert _planned_bytes(model, 8) < 0.80e9
    assert _planned_bytes(model, 4) < 0.42e9
