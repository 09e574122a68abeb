"""Weight files: safetensors written tensor by tensor, so that only one tensor is in memory at a time.

Notable: tensors of whole cache lines come first in a file, so that a mapped file is aligned like allocated memory, and
a model computes the same bits from either. In a file of `save_pretrained` one odd tensor shifts all after it.
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch
from safetensors import safe_open
from torch import Tensor, nn

from ..modeling_redheart.stored_int8 import SCALE, VALUES, check_files, dequantize_rows, is_storable, quantize_rows
from .files import sum_lines
from .strict_loading import SUMS

MAX_SHARD_SIZE = 2_000_000_000
# The names of tensor types in a safetensors header.
CODES: dict[torch.dtype, str] = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.bfloat16: "BF16",
    torch.float16: "F16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
_CACHE_LINE = 64

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Slot:
    """The form of one tensor in a file.

    Attributes:
        shape: Its shape.
        dtype: Its type.
    """

    shape: tuple[int, ...]
    dtype: torch.dtype

    @property
    def numel(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Size in a file, in bytes."""
        return self.numel * self.dtype.itemsize


def stored_slots(files: Sequence[Path]) -> dict[str, Slot]:
    """Name -> shape and dtype of every tensor in the weight files, as stored; `ValueError` for an unknown dtype."""
    dtypes = {code: dtype for dtype, code in CODES.items()}
    slots: dict[str, Slot] = {}
    for path in files:
        with safe_open(path, framework="pt") as file:
            for key in file.keys():  # noqa: SIM118 - not a dictionary
                there = file.get_slice(key)
                if there.get_dtype() not in dtypes:
                    known = ", ".join(dtypes)
                    raise ValueError(f"{path.name}: {key!r} is stored as {there.get_dtype()}; known are {known}.")
                slots[key] = Slot(tuple(there.get_shape()), dtypes[there.get_dtype()])
    return slots


def stored_tensors(files: Sequence[Path]) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of the weight files by name, one after the other, as they are stored."""
    for path in files:
        with safe_open(path, framework="pt") as file:
            for key in file.keys():  # noqa: SIM118 - not a dictionary
                yield key, file.get_tensor(key)


def float_slots(files: Sequence[Path], dtype: torch.dtype | None = None) -> dict[str, Slot]:
    """The `stored_slots` of what `float_tensors` gives; ``dtype``: that of all floats, by default as stored."""
    slots = {}
    for name, slot in stored_slots(files).items():
        if name.endswith(VALUES):
            slots[name.removesuffix(VALUES)] = Slot(slot.shape, dtype or torch.float32)
        elif not name.endswith(SCALE):
            slots[name] = Slot(slot.shape, dtype) if dtype and slot.dtype.is_floating_point else slot
    return slots


def float_tensors(files: Sequence[Path]) -> Iterator[tuple[str, Tensor]]:
    """Read the tensors of weight files, those stored in 8 bits as the float32 that a model computes with.

    Args:
        files: Weight files of one checkpoint.

    Yields:
        Name and tensor.

    Raises:
        ValueError: When weights in 8 bits are incomplete; the message names them.
    """
    check_files([str(path) for path in files])
    scales = {name: tensor for name, tensor in stored_tensors(files) if name.endswith(SCALE)}
    for name, tensor in stored_tensors(files):
        if name.endswith(VALUES):
            plain = name.removesuffix(VALUES)
            yield plain, dequantize_rows(plain, tensor, scales[plain + SCALE])
        elif not name.endswith(SCALE):
            yield name, tensor


def int8_tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Convert the tensors of a model to those of a checkpoint in 8 bits: matrices as integers, other floats in float32.

    Args:
        model: A model in floats.

    Yields:
        Name and tensor.

    Raises:
        ValueError: When a matrix has numbers that are not finite; the message names it.
    """
    matrices = {name for name, parameter in model.named_parameters(remove_duplicate=False) if is_storable(parameter)}
    for name, tensor in model.state_dict().items():
        if name in matrices:
            values, scale = quantize_rows(name, tensor)
            yield name + VALUES, values
            yield name + SCALE, scale
        else:
            yield name, tensor.float() if tensor.is_floating_point() else tensor


def parameters_in(slots: Mapping[str, Slot]) -> int:
    """Number of parameters in ``slots``, without the scales of 8-bit weights."""
    return sum(slot.numel for name, slot in slots.items() if not name.endswith(SCALE))


def write_weights(
    folder: Path,
    slots: Mapping[str, Slot],
    tensors: Iterable[tuple[str, Tensor]],
    max_shard_size: int = MAX_SHARD_SIZE,
    progress: Progress | None = None,
) -> None:
    """Write weight files with their sums.

    Args:
        folder: Where to write.
        slots: Name -> shape and dtype, in model order.
        tensors: Name and tensor, in any order; a tensor of another dtype than its slot is converted.
        max_shard_size: Most bytes in a file.
        progress: Called with the number of elements that are written and their total.

    Raises:
        ValueError: When a tensor has no slot, comes twice, is missing, or has another shape.
    """
    shards = _shards(slots, max_shard_size)
    total, done = sum(slot.numel for slot in slots.values()), 0
    with ExitStack() as stack:
        places: dict[str, tuple[IO[bytes], int]] = {}
        for shard, keys in shards.items():
            file = stack.enter_context((folder / shard).open("wb"))
            header, offsets = _header({key: slots[key] for key in keys})
            file.write(header)
            places.update({key: (file, len(header) + offset) for key, offset in offsets.items()})
        for key, tensor in tensors:
            if key not in places or tuple(tensor.shape) != slots[key].shape:
                raise ValueError(f"The tensor {key!r} {tuple(tensor.shape)} has no slot of this shape, or came twice.")
            into, offset = places.pop(key)
            into.seek(offset)
            into.write(tensor.to(slots[key].dtype).contiguous().reshape(-1).view(torch.uint8).numpy().data)
            done += slots[key].numel
            if progress is not None:
                progress(done, total)
    if places:
        raise ValueError(f"{len(places)} tensors have no values, such as {min(places)!r}.")
    if len(shards) > 1:
        index = {
            "metadata": {
                "total_parameters": parameters_in(slots),
                "total_size": sum(slot.nbytes for slot in slots.values()),
            },
            "weight_map": {key: shard for shard, keys in shards.items() for key in keys},
        }
        text = json.dumps(index, indent=2, sort_keys=True) + "\n"
        (folder / "model.safetensors.index.json").write_text(text, encoding="utf-8")
    (folder / SUMS).write_text(sum_lines(folder / shard for shard in shards), encoding="utf-8")


def _shards(slots: Mapping[str, Slot], most: int) -> dict[str, list[str]]:
    """File name -> keys, in model order; a file of over ``most`` bytes has a single tensor."""
    groups: list[list[str]] = [[]]
    size = 0
    for key, slot in slots.items():
        if groups[-1] and size + slot.nbytes > most:
            groups.append([])
            size = 0
        groups[-1].append(key)
        size += slot.nbytes
    if len(groups) == 1:
        return {"model.safetensors": groups[0]}
    return {f"model-{number:05d}-of-{len(groups):05d}.safetensors": keys for number, keys in enumerate(groups, 1)}


def _header(slots: Mapping[str, Slot]) -> tuple[bytes, dict[str, int]]:
    """The header of a safetensors file, and the offset of each tensor after it."""
    # Tensors of whole cache lines come first and the header fills whole lines, so those are aligned in a mapped file.
    offset, offsets = 0, {}
    entries: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    for key in sorted(slots, key=lambda key: (slots[key].nbytes % _CACHE_LINE > 0, -slots[key].dtype.itemsize)):
        slot = slots[key]
        offsets[key] = offset
        entries[key] = {
            "dtype": CODES[slot.dtype],
            "shape": list(slot.shape),
            "data_offsets": [offset, offset + slot.nbytes],
        }
        offset += slot.nbytes
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % _CACHE_LINE)
    return len(text).to_bytes(8, "little") + text, offsets


__all__ = [
    "CODES",
    "MAX_SHARD_SIZE",
    "Progress",
    "Slot",
    "float_slots",
    "float_tensors",
    "int8_tensors",
    "parameters_in",
    "stored_slots",
    "stored_tensors",
    "write_weights",
]
