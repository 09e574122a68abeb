"""Strict loading of checkpoints: faults that transformers tolerates are errors.

Notable: `from_pretrained` fills a missing weight with random numbers and a warning, ignores an unexpected one, and
reads pickles. `load_strict` raises instead, and compares the weights with their recorded sums where there are any.
`configuration.shipped` lists the checkpoints that ship.
"""

import json
import math
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from transformers import BitsAndBytesConfig

from ..configuration.errors import CheckpointError
from ..configuration.labels import closest
from ..configuration.shipped import checkpoint_path, list_checkpoints, shipped_folder
from ..modeling_redheart.classification import RedHeartForSequenceClassification
from ..modeling_redheart.modeling_redheart import RedHeartModel, RedHeartPreTrainedModel
from .files import file_sum

# The sums of the weight files, in the format of `sha256sum --check`.
SUMS = "SHA256SUMS"

_CLASSES: dict[str, type[RedHeartPreTrainedModel]] = {
    cls.__name__: cls for cls in (RedHeartModel, RedHeartForSequenceClassification)
}
PICKLED_WEIGHTS = (".bin", ".ckpt", ".h5", ".msgpack", ".pkl", ".pt", ".pth")


def load_strict(
    name_or_path: str | Path,
    model_class: type[RedHeartPreTrainedModel] | None = None,
    verify: bool = True,
    **options: Any,
) -> RedHeartPreTrainedModel:
    """Load a model, and raise unless every weight comes from the checkpoint and every weight of it is used.

    Never runs code from the checkpoint.

    Args:
        name_or_path: See `checkpoint_path`.
        model_class: Class of the model; by default the one that the checkpoint was saved from.
        verify: Compare the weight files with ``SHA256SUMS`` if the folder has it.
        **options: Of ``from_pretrained``.

    Returns:
        The model.

    Raises:
        CheckpointError: For pickled, missing, truncated or changed weight files, and missing, unexpected or mismatched
            weights; the message names the file or the weights.
    """
    place = checkpoint_path(str(name_or_path))
    if Path(place).is_dir():
        _check_folder(Path(place), verify)
    cls = model_class or _class_of(place, options)
    asked = {"use_safetensors": True, "ignore_mismatched_sizes": True, "output_loading_info": True}
    if wrong := sorted(set(asked) & set(options)):
        raise CheckpointError(f"`load_strict` sets {wrong[0]!r} itself; leave it out.")
    try:
        load: Any = cls.from_pretrained  # with `output_loading_info` it returns two things
        model, report = load(place, **asked, **options)
    except (SafetensorError, OSError, RuntimeError) as error:
        raise CheckpointError(f"The weights of {place} cannot be read: {error}") from error
    faults = {
        "missing": sorted(report["missing_keys"]),
        "unexpected": sorted(report["unexpected_keys"]),
        "mismatched": sorted(
            f"{name} {tuple(there)} for {tuple(here)}" for name, there, here in report["mismatched_keys"]
        ),
        "not whole": _incomplete_weights(model),
    }
    if found := [f"{len(names)} {kind}: {_some(names)}" for kind, names in faults.items() if names]:
        saved = _class_of(place, options)
        remedy = "Use the config.json and the weights of the same save."
        if saved is not cls:
            remedy = f"They are of a {saved.__name__}: name a checkpoint of a {cls.__name__}."
        raise CheckpointError(
            f"The weights of {place} do not fit {cls.__name__} with its config; {'; '.join(found)}. {remedy}"
        )
    if report.get("error_msgs"):
        raise CheckpointError(f"{place} did not load: {report['error_msgs']}")
    loaded: RedHeartPreTrainedModel = model
    return loaded


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a checkpoint; `CheckpointError` if there are none, or some of the index are missing."""
    index, single = folder / "model.safetensors.index.json", folder / "model.safetensors"
    if single.is_file():
        return [single]
    if not index.is_file():
        found = [path.name for path in sorted(folder.iterdir()) if path.suffix in PICKLED_WEIGHTS]
        reason = (
            f"only {', '.join(found)}, and pickles can run code; convert them to safetensors" if found else "no weights"
        )
        raise CheckpointError(f"{folder} has {reason}. Expected model.safetensors or its index.")
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise CheckpointError(f"{index} is not an index of weight files ({error!r}).") from error
    for name in names:
        if Path(name).name != name or not (folder / name).is_file():
            raise CheckpointError(
                f"{index.name} names {name!r}, which is not a file in {folder}; copy all of the checkpoint."
            )
    return [folder / name for name in names]


def _check_folder(folder: Path, verify: bool) -> None:
    if not (folder / "config.json").is_file():
        raise CheckpointError(f"{folder} is not a checkpoint: it has no config.json.")
    files = weight_files(folder)
    for path in files:
        try:
            with safe_open(path, framework="pt"):
                pass
        except (SafetensorError, OSError) as error:
            raise CheckpointError(
                f"{path} ({path.stat().st_size:,} bytes) is not a whole safetensors file: {error}. Fetch it again."
            ) from error
    sums = folder / SUMS
    if not verify or not sums.is_file():
        return
    lines = [line.split(maxsplit=1) for line in sums.read_text(encoding="utf-8").splitlines() if line.strip()]
    known = {line[1].lstrip("*"): line[0] for line in lines if len(line) == 2}
    for path in files:
        if known.get(path.name) != file_sum(path):
            raise CheckpointError(
                f"{path} is not the file that {SUMS} records: it was changed or damaged. Fetch it again; "
                f"or delete {SUMS} if you saved other weights there on purpose."
            )


def _class_of(place: str, options: dict[str, Any]) -> type[RedHeartPreTrainedModel]:
    """The class that the config of ``place`` names; `CheckpointError` for another family."""
    hub = {
        key: options[key]
        for key in ("cache_dir", "local_files_only", "revision", "subfolder", "token")
        if key in options
    }
    config, _ = RedHeartModel.config_class.get_config_dict(place, **hub)
    if config.get("model_type") != "redheart":
        raise CheckpointError(f"{place} is a {config.get('model_type')!r} checkpoint, not a 'redheart' one.")
    names = config.get("architectures") or ["RedHeartModel"]
    if names[0] not in _CLASSES:
        raise CheckpointError(f"{place} was saved from an unknown class {names[0]!r}; {closest(names[0], _CLASSES)}")
    return _CLASSES[names[0]]


def _incomplete_weights(model: RedHeartPreTrainedModel) -> list[str]:
    """Names of modules with too few or too many bitsandbytes integers or scales, which transformers does not check."""
    quantizer = getattr(model, "hf_quantizer", None)
    if quantizer is None or not isinstance(quantizer.quantization_config, BitsAndBytesConfig):
        return []
    from bitsandbytes.nn.modules import Linear4bit, Linear8bitLt

    return [
        name
        for name, module in model.named_modules()
        if (isinstance(module, Linear8bitLt) and not _is_whole_8bit(module))
        or (isinstance(module, Linear4bit) and not _is_whole_4bit(module))
    ]


def _is_whole_8bit(module: Any) -> bool:
    weight, shape = module.weight, (module.out_features, module.in_features)
    scales = getattr(weight, "SCB", None)
    scaled = scales is not None and scales.shape == shape[:1]
    return module.state.has_fp16_weights or (weight.dtype is torch.int8 and weight.shape == shape and scaled)


def _is_whole_4bit(module: Any) -> bool:
    state, shape = getattr(module.weight, "quant_state", None), (module.out_features, module.in_features)
    if state is None or state.shape != shape or state.nested != (state.absmax.dtype is torch.uint8):
        return False
    scales = math.ceil(math.prod(shape) / state.blocksize)
    nested = not state.nested or state.state2.absmax.numel() == math.ceil(scales / state.state2.blocksize)
    return module.weight.nbytes == math.ceil(math.prod(shape) / 2) and state.absmax.numel() == scales and nested


def _some(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


__all__ = [
    "PICKLED_WEIGHTS",
    "SUMS",
    "checkpoint_path",
    "list_checkpoints",
    "load_strict",
    "shipped_folder",
    "weight_files",
]
