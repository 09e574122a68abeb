"""Weights in files: written whole or not at all, checked by a hash, and restored on every process.

Notable: safetensors and JSON only. What is restored is read by the main process and sent to the others, so that all
have the same bits and need no common disk.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch import distributed as dist
from torch.distributed.tensor import DTensor
from transformers import TrainingArguments

from ...configuration.labels import closest
from ...modeling_redheart.digests import digest
from ...storage.files import whole_file


def tensors_of(module: nn.Module) -> dict[str, Tensor]:
    """Collect parameters and persistent buffers by name.

    Buffers that are not persistent are derived from the config and are left out.

    Args:
        module: The module whose tensors are collected.

    Returns:
        Name -> tensor; a tied tensor once, under its first name.
    """
    kept = set(module.state_dict())
    buffers = {name: buffer for name, buffer in module.named_buffers() if name in kept}
    return dict(module.named_parameters()) | buffers


def write_tensors(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, str] | None = None) -> None:
    """Write tensors as safetensors, with the texts ``about`` in the header."""
    with whole_file(path) as partial:
        # A copy each: safetensors refuses tensors that lie in one storage, as the weights of a GRU may.
        copies = {
            name: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
            for name, tensor in tensors.items()
        }
        save_file(copies, partial, metadata=dict(about or {}))


def read_tensors(path: Path, expected: str) -> dict[str, Tensor]:
    """Read what `write_tensors` wrote.

    Args:
        path: The file.
        expected: The `digest` of its tensors.

    Returns:
        Name -> tensor, on the CPU.

    Raises:
        FileNotFoundError: When the file does not exist.
        ValueError: When it is damaged or holds other weights.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist, but its weights must be restored: copy the file back.")
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged and cannot be read: {error}. Copy the file again.") from error
    if digest(tensors) != expected:
        raise ValueError(f"{path} holds other weights than were stored (hash {expected[:12]}...). Copy the file again.")
    return tensors


@torch.no_grad()
def assign(targets: Mapping[str, Tensor], read: Callable[[str], Tensor], is_main: bool) -> None:
    """Copy ``read(name)`` into each target, in place; with several processes, what the main one (rank 0) reads.

    Every process must call it, with the same names.

    Args:
        targets: Name -> tensor to overwrite.
        read: Returns the new value of a tensor by its name; called in the main process only.
        is_main: Whether this is the main process.

    Raises:
        ValueError: When a value has another shape or type than its target.
    """
    together = dist.is_available() and dist.is_initialized()
    for name, target in targets.items():
        value = target.detach().clone(memory_format=torch.contiguous_format)
        if is_main:
            source = read(name)
            if source.shape != target.shape or source.dtype != target.dtype:
                raise ValueError(
                    f"{name!r} is {target.dtype} of shape {tuple(target.shape)} in the model, but "
                    f"{source.dtype} of shape {tuple(source.shape)} in the stored weights."
                )
            value.copy_(source)
        if together:
            dist.broadcast(value, src=0)
        target.copy_(value)


def check_modules(model: nn.Module, modules: Mapping[str, object]) -> dict[str, dict[str, Tensor]]:
    """Check the modules that a callback is given, and collect their tensors.

    Args:
        model: The model that contains the modules.
        modules: Paths of the modules in the model ("" is the model itself), as keys.

    Returns:
        Path -> name -> tensor.

    Raises:
        ValueError: For no module, an unknown one, one without weights, and two that have tensors in common.
    """
    if not modules:
        raise ValueError(
            "No module is named: `modules` maps paths such as 'classifier' to metrics such as 'eval_loss'."
        )
    known = dict(model.named_modules())
    found: dict[str, dict[str, Tensor]] = {}
    owner: dict[int, str] = {}
    for path in modules:
        if path not in known:
            near = [name for name in known if name and name.count(".") <= path.count(".")]
            raise ValueError(f"{type(model).__name__} has no module {path!r}; {closest(path, near)}")
        found[path] = tensors_of(known[path])
        if not found[path]:
            raise ValueError(f"The module {path!r} has no weights; leave it out.")
        for name, tensor in found[path].items():
            first = owner.setdefault(id(tensor), path)
            if first != path:
                raise ValueError(f"{path!r} and {first!r} share the tensor {name!r}: name one of the two modules only.")
    return found


def refuse_shards(args: TrainingArguments, model: nn.Module, who: str) -> None:
    """Refuse a model of which each process holds only a part of the weights, as under FSDP and DeepSpeed.

    Args:
        args: Arguments of the run.
        model: The model that is trained.
        who: Name of the callback, for the message.

    Raises:
        ValueError: When the model is sharded.
    """
    sharded = any(isinstance(parameter, DTensor) for parameter in model.parameters())
    if sharded or args.fsdp or args.deepspeed or os.environ.get("ACCELERATE_USE_FSDP", "").lower() in ("1", "true"):
        raise ValueError(
            f"{who} stores and restores whole modules, but here each process has only a part of the weights (FSDP or "
            "DeepSpeed). Use one process or DDP, or leave the callback out."
        )


__all__ = [
    "assign",
    "check_modules",
    "read_tensors",
    "refuse_shards",
    "tensors_of",
    "write_tensors",
]
