"""Making checkpoints: whole or not at all, reproducible, in little memory."""

import errno
import json
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoModel, AutoTokenizer

from redheart import RedHeartConfig, RedHeartModel
from redheart.configuration import shipped as shipped_names
from redheart.storage import create
from redheart.storage import strict_loading as checkpoint
from redheart.storage.create import create_checkpoint
from redheart.storage.weights import Slot, write_weights

TINY = "redheart-tiny"
IDS = torch.arange(5, 25)[None]


@pytest.fixture
def shipped(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that ships one trained checkpoint, ``redheart-mini``; its folder."""
    folder = tmp_path / "package" / "redheart-mini"
    folder.mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((tiny / name).read_bytes())
    (folder / "README.md").write_text("# Trained\n", encoding="utf-8")
    monkeypatch.setattr(shipped_names, "_SHIPPED", folder.parent)
    return folder


def _weights(folder: Path) -> dict[str, Tensor]:
    return {name: tensor for path in sorted(folder.glob("*.safetensors")) for name, tensor in load_file(path).items()}


def _same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return set(one) == set(other) and all(torch.equal(one[name], other[name]) for name in one)


def test_the_folder_is_complete(tiny: Path) -> None:
    names = {path.name for path in tiny.iterdir() if path.suffix != ".py"}
    assert names == {
        "README.md", "SHA256SUMS", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"
    }  # fmt: skip
    options = json.loads((tiny / "config.json").read_text(encoding="utf-8"))
    assert (options["architectures"], options["dtype"]) == (["RedHeartModel"], "float32")
    assert "random" in (tiny / "README.md").read_text(encoding="utf-8")
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    assert tokenizer.model_max_length <= options["max_position_embeddings"]
    assert len(tokenizer) <= options["vocab_size"]
    umask = os.umask(0)
    os.umask(umask)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tiny.iterdir()} == {0o666 & ~umask}


def test_a_reloaded_model_gives_equal_outputs(tiny: Path) -> None:
    loaded = AutoModel.from_pretrained(tiny)
    built = RedHeartModel(RedHeartConfig.from_preset(TINY)).eval()
    built.load_state_dict(_weights(tiny), strict=True)
    with torch.no_grad():
        ours, theirs = built(input_ids=IDS), loaded(input_ids=IDS)
    assert torch.equal(ours.joint, theirs.joint)
    assert torch.equal(ours.embedding, theirs.embedding)
    assert torch.equal(ours.verdict.logits, theirs.verdict.logits)


def test_weights_depend_on_the_seed_alone(tiny: Path, tmp_path: Path) -> None:
    torch.manual_seed(123)
    before = torch.get_rng_state()
    same = create_checkpoint(TINY, tmp_path / "same", seed=0)
    assert torch.equal(torch.get_rng_state(), before)
    other = create_checkpoint(TINY, tmp_path / "other", seed=1)
    assert (same / "model.safetensors").read_bytes() == (tiny / "model.safetensors").read_bytes()
    assert not _same(_weights(other), _weights(tiny))


def test_weights_start_as_the_model_starts_them(tiny: Path) -> None:
    weights = _weights(tiny)
    std = RedHeartConfig.from_preset(TINY).initializer_range
    table = weights["backbone.encoder.embed_tokens.weight"]
    assert not table[0].any()  # padding
    assert table[1:].std().item() == pytest.approx(std, rel=0.05)
    matrices = [tensor for tensor in weights.values() if tensor.dim() == 2 and tensor.numel() > 2_000]
    assert all(tensor.std().item() == pytest.approx(std, rel=0.15) for tensor in matrices)
    assert not any(tensor.any() for name, tensor in weights.items() if name.endswith(".bias"))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_other_dtypes_are_the_same_weights_rounded(tiny: Path, tmp_path: Path, dtype: str) -> None:
    folder = create_checkpoint(TINY, tmp_path / dtype, dtype=dtype)
    kind = create.DTYPES[dtype]
    assert _same(_weights(folder), {name: tensor.to(kind) for name, tensor in _weights(tiny).items()})
    loaded = AutoModel.from_pretrained(folder)
    assert loaded.dtype is loaded.config.dtype is kind


def test_shards_hold_the_same_weights(tiny: Path, tmp_path: Path) -> None:
    folder = create_checkpoint(TINY, tmp_path / "shards", max_shard_size=400_000)
    files = sorted(folder.glob("*.safetensors"))
    assert len(files) > 2
    assert files[0].name == f"model-00001-of-{len(files):05d}.safetensors"
    assert _same(_weights(folder), _weights(tiny))
    for path in files:
        content = load_file(path)
        assert sum(tensor.nbytes for tensor in content.values()) <= 400_000 or len(content) == 1
    loaded, whole = AutoModel.from_pretrained(folder), AutoModel.from_pretrained(tiny)
    assert _same(loaded.state_dict(), whole.state_dict())
    assert len((folder / checkpoint.SUMS).read_text(encoding="utf-8").splitlines()) == len(files)
    (files[1]).unlink()
    with pytest.raises(ValueError, match=files[1].name):
        checkpoint.load_strict(folder)


def test_progress_counts_every_parameter(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    create_checkpoint(TINY, tmp_path / "x", progress=lambda done, total: calls.append((done, total)))
    total = sum(tensor.numel() for tensor in _weights(tmp_path / "x").values())
    assert calls[-1] == (total, total)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)


def test_only_one_module_is_in_memory_at_a_time() -> None:
    with torch.device("meta"):
        model = RedHeartModel(RedHeartConfig.from_preset(TINY))
    largest = max(sum(p.nbytes for p in module.parameters(recurse=False)) for module in model.modules())
    for _ in create._initialised(model, set(model.state_dict()), seed=0):
        assert sum(p.nbytes for p in model.parameters() if p.device.type != "meta") <= largest
    assert {p.device.type for p in model.parameters()} == {"meta"}


def test_a_parameter_that_nothing_initialises_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(RedHeartModel, "_init_weights", lambda self, module: None)
    with pytest.raises(ValueError, match=r"backbone\..* without a value"):
        create_checkpoint(TINY, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [("redheart-tinny", {}, "did you mean 'redheart-tiny'"), (TINY, {"dtype": "float23"}, "did you mean 'float32'")],
)
def test_unknown_names_are_refused(tmp_path: Path, name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        create_checkpoint(name, tmp_path / "x", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_preset_with_a_text_encoder_must_ship(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped_names, "_SHIPPED", tmp_path / "nothing")
    monkeypatch.setattr(create, "load_preset", lambda name: {"encoder_config": {"model_type": "bert"}})
    with pytest.raises(ValueError, match="from_text_encoder"):
        create_checkpoint("redheart-mini", tmp_path / "x")


def test_a_preset_smaller_than_the_tokenizer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(create, "load_preset", lambda name: {"vocab_size": 100})
    with pytest.raises(ValueError, match="`vocab_size` of 100"):
        create_checkpoint(TINY, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_a_shipped_checkpoint_is_copied(shipped: Path, tmp_path: Path) -> None:
    assert checkpoint.list_checkpoints() == ["redheart-mini"]
    copied = create_checkpoint("redheart-mini", tmp_path / "copy")
    assert _same(_weights(copied), _weights(shipped))
    assert (copied / "README.md").read_text(encoding="utf-8") == "# Trained\n"
    assert (copied / "redheart_remote.py").is_file()
    assert (copied / "tokenizer.json").read_bytes() == (shipped / "tokenizer.json").read_bytes()
    half = create_checkpoint("redheart-mini", tmp_path / "half", dtype="bfloat16")
    assert _same(_weights(half), {name: tensor.bfloat16() for name, tensor in _weights(shipped).items()})
    assert AutoModel.from_pretrained(half).dtype is torch.bfloat16


def test_what_is_there_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("years of work", encoding="utf-8")
    for force in (False, True):
        with pytest.raises(FileExistsError, match="foreign"):
            create_checkpoint(TINY, foreign, force=force)
    with pytest.raises(FileExistsError, match="is a file"):
        create_checkpoint(TINY, foreign / "thesis.txt")
    monkeypatch.chdir(foreign)
    with pytest.raises(ValueError, match="current folder"):
        create_checkpoint(TINY, Path("."))
    assert [path.name for path in tmp_path.rglob("*")] == ["foreign", "thesis.txt"]


def test_force_replaces_a_checkpoint(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "x"
    create_checkpoint(TINY, folder)
    (folder / "stale.txt").write_text("old", encoding="utf-8")
    with pytest.raises(FileExistsError, match=r"force=True \(--force\)"):
        create_checkpoint(TINY, folder)
    assert (folder / "stale.txt").exists()
    create_checkpoint(TINY, folder, seed=1, force=True)
    assert not (folder / "stale.txt").exists()
    assert [path.name for path in folder.parent.iterdir()] == ["x"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    assert create_checkpoint(TINY, tmp_path / "x") == (tmp_path / "x").resolve()


@pytest.mark.parametrize(
    ("code", "message"),
    [(errno.ENOSPC, r"takes [\d,]+ bytes"), (errno.EACCES, "No permission"), (errno.EIO, "could not be written")],
)
def test_a_failed_write_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, message: str
) -> None:
    def fail(folder: Path, *args: Any) -> None:
        (folder / "model.safetensors").write_bytes(b"half")
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(create, "write_weights", fail)
    with pytest.raises(OSError, match=message) as caught:
        create_checkpoint(TINY, tmp_path / "x")
    assert caught.value.errno == code
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_the_system_stops_leaves_the_old_checkpoint(tmp_path: Path) -> None:
    folder = create_checkpoint(TINY, tmp_path / "x")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
    try:
        with pytest.raises(OSError, match="No space"):
            create_checkpoint(TINY, folder, seed=1, force=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, previous)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_disk_that_is_too_small_is_reported_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1_000})())
    monkeypatch.setattr(create, "write_weights", lambda *args: pytest.fail("wrote"))
    with pytest.raises(OSError, match="another disk") as caught:
        create_checkpoint(TINY, tmp_path / "x")
    assert caught.value.errno == errno.ENOSPC


def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done > total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        create_checkpoint(TINY, tmp_path / "x", progress=interrupt)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("existing", [False, True])
def test_a_kill_leaves_nothing_that_loads(tmp_path: Path, existing: bool) -> None:
    folder = tmp_path / "x"
    if existing:
        create_checkpoint(TINY, folder)
    killed = (
        "import os, signal, sys\n"
        "from redheart.storage.create import create_checkpoint\n"
        "kill = lambda done, total: done > total / 2 and os.kill(os.getpid(), signal.SIGKILL)\n"
        f"create_checkpoint({TINY!r}, sys.argv[1], seed=1, force=True, progress=kill)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", killed, str(folder)], env=environment, capture_output=True, timeout=300
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
    (left,) = [path for path in tmp_path.iterdir() if path != folder]
    assert left.name.startswith("x.partial-")
    with pytest.raises(ValueError, match="is not a checkpoint"):
        checkpoint.load_strict(left)
    assert folder.exists() == existing
    if existing:
        checkpoint.load_strict(folder)
    create_checkpoint(TINY, folder, force=True)


def test_weight_files_are_what_safetensors_reads(tmp_path: Path) -> None:
    tensors = {
        "odd": torch.arange(3, dtype=torch.float32),
        "even": torch.arange(32, dtype=torch.float32).reshape(4, 8),
        "scalar": torch.tensor(2.5),
        "counts": torch.arange(5),
        "flags": torch.tensor([True, False]),
        "empty": torch.zeros(0, 4),
    }
    slots = {name: Slot(tuple(tensor.shape), tensor.dtype) for name, tensor in tensors.items()}
    write_weights(tmp_path, slots, reversed(tensors.items()))
    assert _same(load_file(tmp_path / "model.safetensors"), tensors)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([("a", torch.zeros(2)), ("b", torch.zeros(3))], "'b'"),
        ([("a", torch.zeros(2)), ("a", torch.zeros(2))], "came twice"),
        ([("a", torch.zeros(1, 2))], "'a'"),
        ([], "1 tensors have no values, such as 'a'"),
    ],
)
def test_tensors_must_fit_their_slots(tmp_path: Path, given: list[tuple[str, Tensor]], message: str) -> None:
    def tensors() -> Iterator[tuple[str, Tensor]]:
        yield from given

    with pytest.raises(ValueError, match=message):
        write_weights(tmp_path, {"a": Slot((2,), torch.float32)}, tensors())


def test_whole_lines_are_aligned_in_a_file(tiny: Path) -> None:
    content = (tiny / "model.safetensors").read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__")
    spans = [tuple(entry["data_offsets"]) for entry in header.values()]
    assert (8 + length) % 64 == 0
    assert all(start % 64 == 0 for start, end in spans if (end - start) % 64 == 0)
