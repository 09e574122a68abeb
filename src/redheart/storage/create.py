"""Makes a checkpoint folder for a member of the family: trained weights where they ship, else new random ones.

Notable: weights are made and written module by module, so that only one module is in memory at a time. The folder
appears under its name only when it is complete and has been loaded strictly.
"""

import json
import math
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers.utils import logging

from ..cards.plain_card import plain_card
from ..configuration.configuration_redheart import RedHeartConfig, load_preset
from ..configuration.labels import closest
from ..configuration.shipped import CONFIGURATION
from ..modeling_redheart.modeling_redheart import RedHeartModel
from ..modeling_redheart.stored_int8 import is_stored_int8
from .folders import whole_or_nothing
from .remote_code import add_auto_map, bundle_code
from .strict_loading import SUMS, list_checkpoints, load_strict, shipped_folder, weight_files
from .weights import (
    MAX_SHARD_SIZE,
    Progress,
    Slot,
    float_slots,
    float_tensors,
    parameters_in,
    stored_slots,
    stored_tensors,
    write_weights,
)

DTYPES: dict[str, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
_TOKENIZER = CONFIGURATION / "tokenizer"
# Size of code, tokenizer, index and card, beside the weights.
_OTHER_BYTES = 4_000_000


@dataclass(frozen=True)
class _Source:
    """The source of a checkpoint: its config, the tensors in model order, and what makes them one by one."""

    config: RedHeartConfig
    slots: dict[str, Slot]
    tensors: Callable[[], Iterator[tuple[str, Tensor]]]
    files: list[Path]
    trained: bool

    @property
    def nbytes(self) -> int:
        return sum(slot.nbytes for slot in self.slots.values())


def create_checkpoint(
    name: str,
    folder: Path,
    dtype: str | None = None,
    seed: int = 0,
    force: bool = False,
    progress: Progress | None = None,
    max_shard_size: int = MAX_SHARD_SIZE,
) -> Path:
    """Write a complete checkpoint of a preset: config, weights, tokenizer, remote code, model card.

    After an error ``folder`` is as it was before.

    Args:
        name: Name of the preset.
        folder: Where to write.
        dtype: "float32", "bfloat16" or "float16"; by default as a trained checkpoint is stored (8 bits included), and
            float32 for new weights.
        seed: Seed of new weights; they are the same for every dtype up to rounding.
        force: Replace a checkpoint in ``folder``.
        progress: Called with the number of parameters that are written and their total.
        max_shard_size: Most bytes in a weight file.

    Returns:
        The absolute path of the folder.

    Raises:
        ValueError: For an unknown name or dtype.
        FileExistsError: For a folder that is not empty.
        OSError: For a full disk or a missing permission, with what to do.
    """
    if dtype is not None and dtype not in DTYPES:
        raise ValueError(f"No dtype {dtype!r}; {closest(dtype, DTYPES)}")
    target = _checked_target(Path(folder), force)
    wanted = None if dtype is None else DTYPES[dtype]
    trained = name in list_checkpoints()
    source = _trained_source(name, wanted) if trained else _random_source(name, wanted or torch.float32, seed)
    with whole_or_nothing(target, source.nbytes + _OTHER_BYTES) as partial:
        write_weights(partial, source.slots, source.tensors(), max_shard_size, progress)
        for file in source.files:
            shutil.copyfile(file, partial / file.name)
        if not source.trained:
            _fit_tokenizer(partial, source.config)
        _write_card(partial, name, source, seed)
        source.config.save_pretrained(partial)
        bundle_code(partial)
        add_auto_map(partial)
        with _without_bars():
            load_strict(partial, verify=False)
        _flush(partial)
    return target


def _trained_source(name: str, dtype: torch.dtype | None) -> _Source:
    folder = shipped_folder(name)
    weights = weight_files(folder)
    config = RedHeartConfig.from_pretrained(folder)
    slots = stored_slots(weights) if dtype is None else float_slots(weights, dtype)
    if dtype is not None:
        config.dtype = dtype
        if is_stored_int8(config):
            del config.quantization_config
    read = stored_tensors if dtype is None else float_tensors
    made_here = {path.name for path in weights} | {"config.json", "model.safetensors.index.json", SUMS}
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name not in made_here]
    return _Source(config, slots, lambda: read(weights), files, trained=True)


def _random_source(name: str, dtype: torch.dtype, seed: int) -> _Source:
    options = load_preset(name)
    if options.get("encoder_config") is not None:
        raise ValueError(
            f"{name!r} reads with a pre-trained text encoder, whose weights and tokenizer a new checkpoint cannot "
            "have, and this package does not ship it trained. `RedHeartModel.from_text_encoder` builds such a model."
        )
    config = RedHeartConfig(**options)
    config.dtype = dtype
    config.architectures = [RedHeartModel.__name__]
    with torch.device("meta"):
        model = RedHeartModel(config)
    tied = set(model.all_tied_weights_keys)
    slots = {
        key: Slot(tuple(value.shape), dtype if value.is_floating_point() else value.dtype)
        for key, value in model.state_dict().items()
        if key not in tied
    }
    return _Source(config, slots, lambda: _initialised(model, set(slots), seed), sorted(_TOKENIZER.iterdir()), False)


@torch.no_grad()
def _initialised(model: RedHeartModel, keys: set[str], seed: int) -> Iterator[tuple[str, Tensor]]:
    """The tensors ``keys`` of a model on the meta device, as its own `_init_weights` starts them, module by module."""
    state = torch.Generator().manual_seed(seed).get_state()
    for prefix, module in model.named_modules():
        direct = [*module.named_parameters(prefix, recurse=False), *module.named_buffers(prefix, recurse=False)]
        names = [name for name, _ in direct if name in keys]
        if not names:
            continue
        module.to_empty(device="cpu", recurse=False)
        tensors: dict[str, Tensor] = {name: getattr(module, name.rpartition(".")[2]).data for name in names}
        for tensor in tensors.values():
            if tensor.is_floating_point():
                tensor.fill_(math.nan)
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(state)
            model._init_weights(module)
            state = torch.get_rng_state()
        for name, tensor in tensors.items():
            if not math.isfinite(float(tensor.sum())):
                raise ValueError(f"`_init_weights` leaves {name!r} without a value; it must set every parameter.")
            yield name, tensor
        module.to_empty(device="meta", recurse=False)


def _fit_tokenizer(folder: Path, config: RedHeartConfig) -> None:
    """Check the shipped tokenizer against the vocabulary, and set its length to that of the model."""
    words = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    highest = max(*words["model"]["vocab"].values(), *(token["id"] for token in words["added_tokens"]))
    if highest >= config.vocab_size:
        raise ValueError(
            f"The shipped tokenizer has {highest + 1} tokens and the preset a `vocab_size` of {config.vocab_size}; "
            "a preset needs at least as many."
        )
    path = folder / "tokenizer_config.json"
    options = json.loads(path.read_text(encoding="utf-8"))
    options["model_max_length"] = min(options["model_max_length"], config.max_position_embeddings)
    path.write_text(json.dumps(options, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_card(folder: Path, name: str, source: _Source, seed: int) -> None:
    path = folder / "README.md"
    if path.exists():
        return
    remark = f"Trained weights of `{name}`." if source.trained else f"**The weights are random** (seed {seed})."
    parameters = parameters_in(source.slots)
    path.write_text(plain_card(name, parameters, source.config, remark=remark), encoding="utf-8")


def _checked_target(folder: Path, force: bool) -> Path:
    """The absolute path of ``folder``; raises where a checkpoint must not be written."""
    target = folder.resolve()
    if target.exists() and not target.is_dir():
        raise FileExistsError(f"{folder} is a file; give the name of a folder.")
    if Path.cwd().is_relative_to(target):
        raise ValueError(f"{folder} is the current folder or around it; give the name of a folder inside, or another.")
    if not target.is_dir() or not any(target.iterdir()):
        return target
    if not force:
        raise FileExistsError(
            f"{folder} is not empty; give another folder, or force=True (--force) to replace what is there."
        )
    config = target / "config.json"
    try:
        known = json.loads(config.read_text(encoding="utf-8")).get("model_type") == "redheart"
    except (OSError, ValueError, AttributeError):
        known = False
    if not known:
        raise FileExistsError(
            f"{folder} holds something other than a Red Heart checkpoint, which is not replaced even with force; "
            "remove it yourself or give another folder."
        )
    return target


@contextmanager
def _without_bars() -> Iterator[None]:
    """Switch off transformers' progress bars, which would mix with the caller's."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _flush(folder: Path) -> None:
    """Sync every file to the disk, so that a delayed write cannot fail after the folder has its name."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())


__all__ = [
    "DTYPES",
    "create_checkpoint",
]
