"""Which checkpoint an adapter belongs to: the record in its folder, and the hash of the weights that it fits.

Notable: an adapter is a change to the very weights that it was trained on; loading it on others is an error. For a base
in INT8 or NF4, the checkpoint that it was loaded from counts.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from huggingface_hub import snapshot_download
from torch import Tensor
from transformers import PreTrainedModel
from transformers.utils.hub import cached_file

from ...configuration.errors import CheckpointError
from ...modeling_redheart.digests import digest
from ...storage.strict_loading import checkpoint_path, weight_files
from ...storage.weights import float_tensors

RECORD = "redheart_adapter.json"

_WEIGHTS = "adapter_model.safetensors"


@dataclass(frozen=True)
class AdapterRecord:
    """What an adapter's folder records beside what PEFT writes.

    Attributes:
        base: Name or folder of the checkpoint that the adapter was trained on.
        weights: `weights_digest` of that checkpoint.
        supervision: What supervised each claim (`RedHeartConfig.supervision`) in the adapter's own training.
    """

    base: str
    weights: str
    supervision: dict[str, list[str]] = field(default_factory=dict)


def weights_digest(base: str | Path | PreTrainedModel) -> str:
    """Hash a checkpoint's names, types, shapes and values, however they are divided into files.

    Of a checkpoint that is stored in 8 bits the floats that it is read as are hashed.

    Args:
        base: A folder, a checkpoint that ships, a Hub id, or a loaded model: of one in INT8 or NF4 its checkpoint is
            hashed, of any other the weights that it has now, without those of adapters.

    Returns:
        SHA-256, in hexadecimal.

    Raises:
        CheckpointError: When there is no checkpoint; a `ValueError`.
    """
    if isinstance(base, PreTrainedModel):
        if getattr(base, "hf_quantizer", None) is None:
            return digest(_without_adapters(base.state_dict()))
        if not base.config.name_or_path:
            raise CheckpointError(
                "This quantised model is not as it was loaded from a checkpoint; name a checkpoint instead."
            )
        base = base.config.name_or_path
    files = weight_files(local_folder(base))
    return digest(dict(float_tensors(files)))


def _without_adapters(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of the base by the names that they have without adapters."""
    found = {}
    for name, tensor in state.items():
        parts = name.split(".")
        if not any(map(is_tuner, parts)):
            found[".".join(part for part in parts if part not in ("base_layer", "original_module"))] = tensor
    return found


def local_folder(base: str | Path) -> Path:
    """Return the folder of a checkpoint: a folder, one that ships, or a Hub id, which is downloaded."""
    place = checkpoint_path(str(base))
    return Path(place) if Path(place).is_dir() else Path(snapshot_download(place))


def read_record(folder: str | Path) -> AdapterRecord:
    """Read the record of an adapter's folder.

    Args:
        folder: The adapter's folder.

    Returns:
        The record.

    Raises:
        CheckpointError: When the record or the adapter's weights are missing; a `ValueError`.
    """
    for name in (RECORD, _WEIGHTS):
        if not (Path(folder) / name).is_file():
            raise CheckpointError(
                f"{folder} is not an adapter of `redheart train`: it has no {name}. Name the run's `adapter` folder."
            )
    return AdapterRecord(**json.loads((Path(folder) / RECORD).read_text(encoding="utf-8")))


def is_tuner(part: str) -> bool:
    """Return whether the part of a parameter's name that comes before an adapter's name is ``part``."""
    return part.startswith("lora_") or part == "modules_to_save"


def base_mismatch(folder: str | Path, record: AdapterRecord, base: str | Path | PreTrainedModel, weights: str) -> str:
    """Return the message for an adapter in ``folder`` on a ``base`` whose `weights_digest` is another: ``weights``."""
    name = f"the loaded model ({base.config.name_or_path})" if isinstance(base, PreTrainedModel) else base
    return (
        f"The adapter {folder} was trained on {record.base} (weights {record.weights[:12]}...), and {name} has other "
        f"weights ({weights[:12]}...). It fits no other checkpoint, not even the same one pruned, merged, trained "
        "further or in another number format: name the folder that it was trained on, or train it again on this one."
    )


def find_record(place: str | Path | None) -> AdapterRecord | None:
    """Find the record of an adapter, here or on the Hub.

    Args:
        place: Folder or Hub id of the adapter.

    Returns:
        The record; None where the adapter was not written by `redheart train`.
    """
    found = None if place is None else cached_file(str(place), RECORD, _raise_exceptions_for_missing_entries=False)
    return None if found is None else AdapterRecord(**json.loads(Path(found).read_text(encoding="utf-8")))


def check_base(model: PreTrainedModel, folder: str | Path, record: AdapterRecord) -> None:
    """Check that ``model`` has the weights that the adapter in ``folder`` was trained on.

    Args:
        model: The base.
        folder: The adapter's folder, for the message.
        record: The adapter's record.

    Raises:
        CheckpointError: When the weights are others; a `ValueError`.
    """
    weights, place = weights_digest(model), model.config.name_or_path
    if weights != record.weights and model.dtype is not torch.float32 and place:
        weights = weights_digest(place)  # of the checkpoint, as the model was loaded in another number format
    if weights != record.weights:
        raise CheckpointError(base_mismatch(folder, record, model, weights))


__all__ = [
    "RECORD",
    "AdapterRecord",
    "base_mismatch",
    "check_base",
    "find_record",
    "is_tuner",
    "local_folder",
    "read_record",
    "weights_digest",
]
