"""Checkpoints stored in 8 bits: a quarter of the size of float32 on disk, an ordinary float model once loaded.

A large matrix ``NAME`` is stored as ``NAME:int8`` (rows, columns) and ``NAME:scale`` (rows, 1) in float32: symmetric,
one scale per row, rounded to nearest. Everything else is stored as it is. ``config.json`` has
``"quantization_config": {"quant_method": "redheart_int8"}``, for which transformers' quantizer registry has the reader
below, which needs only torch and transformers.

Notable: unlike with bitsandbytes, the loaded model is an ordinary one: it computes in floats, trains, saves plain
floats, and can be quantised, exported or pruned as any other.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor
from transformers import PreTrainedModel
from transformers.core_model_loading import ConversionOps, WeightConverter
from transformers.quantizers.auto import (
    AUTO_QUANTIZATION_CONFIG_MAPPING,
    AUTO_QUANTIZER_MAPPING,
    register_quantization_config,
    register_quantizer,
)
from transformers.quantizers.base import HfQuantizer
from transformers.utils.quantization_config import QuantizationConfigMixin

from ..configuration.errors import CheckpointError

METHOD = "redheart_int8"
# What is appended to the name of a matrix.
VALUES, SCALE = ":int8", ":scale"
# A matrix of fewer elements stays in floats: there is nothing to gain.
LEAST_ELEMENTS = 4096
_HIGHEST = 127
_REMEDY = "Download the checkpoint again, or write it again from the model in floats."
# Options of `from_pretrained` for placing and converting weights; the others are about their source.
_PLACING = (
    "dtype",
    "torch_dtype",
    "device_map",
    "max_memory",
    "offload_folder",
    "offload_buffers",
    "quantization_config",
)
_HUB = ("cache_dir", "force_download", "local_files_only", "proxies", "revision", "subfolder", "token")


# ---- The numbers ----


def is_storable(parameter: Tensor) -> bool:
    """Return whether a parameter is a matrix large enough to be stored in 8 bits."""
    return parameter.ndim == 2 and parameter.numel() >= LEAST_ELEMENTS and parameter.is_floating_point()


def quantize_rows(name: str, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Quantise a matrix to 8 bits.

    The difference to ``values * scale`` is at most half a scale. What `dequantize_rows` returns in float32 is quantised
    to the same bits again.

    Args:
        name: Name of the weight, for the error.
        weight: The matrix; shape ``(rows, columns)``.

    Returns:
        The values, int8 in the shape of ``weight``, -127 to 127, and the scales, float32 ``(rows, 1)``.

    Raises:
        CheckpointError: When a number is not finite.
    """
    wide = weight.detach().float()
    peak = wide.abs().amax(dim=1, keepdim=True)
    if not bool(peak.isfinite().all()):
        raise CheckpointError(
            f"{name!r} has numbers that are not finite, so the model cannot be stored; train it again."
        )
    scale = (peak / _HIGHEST).clamp(min=torch.finfo(torch.float32).tiny)
    return (wide / scale).round().to(torch.int8), scale


def dequantize_rows(name: str, values: Tensor, scale: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Compute a matrix from its values and scales.

    Args:
        name: Name of the weight, for the error.
        values: Int8 values; shape ``(rows, columns)``.
        scale: Float32 scales; shape ``(rows, 1)``.
        dtype: Of the result.

    Returns:
        The matrix; shape ``(rows, columns)``.

    Raises:
        CheckpointError: When values and scales do not fit together.
    """
    if fault := _fault(tuple(values.shape), values.dtype is torch.int8, scale):
        raise CheckpointError(f"The 8-bit weight {name!r} {fault}. {_REMEDY}")
    return (values.float() * scale).to(dtype)


def _fault(shape: tuple[int, ...], integers: bool, scale: Tensor) -> str | None:
    """Return what is wrong with a stored matrix of ``shape`` and its ``scale``; None where nothing is."""
    if not integers or len(shape) != 2:
        return f"is not a matrix of int8, but has the shape {shape}" if integers else "is not stored as int8"
    if scale.dtype is not torch.float32 or tuple(scale.shape) != (shape[0], 1):
        wanted = f"float32 {(shape[0], 1)} for values {shape}"
        return f"has scales {str(scale.dtype).removeprefix('torch.')} {tuple(scale.shape)}, not {wanted}"
    if not bool((scale.isfinite() & (scale > 0)).all()):
        return f"has {int((~(scale.isfinite() & (scale > 0))).sum())} scales that are not finite and positive"
    return None


def stored_names(names: Sequence[str] | Mapping[str, Any]) -> list[str]:
    """Return the names of the matrices whose values or scales are among ``names``, the names in weight files."""
    known = {name.removesuffix(end) for name in names for end in (VALUES, SCALE) if name.endswith(end)}
    return sorted(known)


# ---- Configs ----


def is_stored_int8(config: Any) -> bool:
    """Return whether ``config``, a config or its dictionary, is of a checkpoint that is only stored in 8 bits."""
    return _method(config) == METHOD


def keeps_integers(config: Any) -> bool:
    """Return whether a model has integer weights once it is loaded, as bitsandbytes makes them.

    A model that is only stored in 8 bits does not.

    Args:
        config: A config or its dictionary.

    Returns:
        Whether its weights are integers.
    """
    return _method(config) not in (None, METHOD)


def _method(config: Any) -> str | None:
    """Return the method of the ``quantization_config``; None where there is none."""
    found = config.get("quantization_config") if isinstance(config, Mapping) else None
    found = getattr(config, "quantization_config", found)
    if found is None:
        return None
    method = found.get("quant_method", "") if isinstance(found, Mapping) else found.quant_method
    return str(getattr(method, "value", method))


# ---- Reading, by transformers ----


class StoredInt8Config(QuantizationConfigMixin):
    """The ``quantization_config`` of a checkpoint stored in 8 bits.

    Args:
        quant_method: The method, "redheart_int8".

    Raises:
        CheckpointError: When the method is another one.
    """

    # Not an option, always True: transformers then removes the config from the loaded model.
    dequantize = True

    def __init__(self, quant_method: str = METHOD) -> None:
        if quant_method != METHOD:
            raise CheckpointError(f"`StoredInt8Config` needs quant_method {METHOD!r}, got {quant_method!r}.")
        self.quant_method: Any = METHOD


class _Dequantize(ConversionOps):
    """Computes the parameter from values and scale, in the dtype that the model has for it."""

    def __init__(self, hf_quantizer: HfQuantizer) -> None:
        self.hf_quantizer = hf_quantizer  # with this, transformers casts neither of the two

    def convert(self, input_dict: dict[str, Any], *args: Any, **options: Any) -> dict[str, Any]:
        """Return the parameter by its name; raise `CheckpointError` where values or scale are missing or damaged."""
        name, model = options["full_layer_name"], options["model"]
        if missing := [name + end for end in (VALUES, SCALE) if not input_dict.get(end)]:
            raise CheckpointError(f"The 8-bit weight {name!r} has no {missing[0]!r}. {_REMEDY}")
        (values,), (scale,) = input_dict[VALUES], input_dict[SCALE]
        return {name: dequantize_rows(name, values, scale, model.get_parameter_or_buffer(name).dtype)}


class StoredInt8Quantizer(HfQuantizer):
    """Reads checkpoints stored in 8 bits.

    Missing, duplicate or damaged weights raise a `CheckpointError` with their names before anything is loaded.
    """

    requires_calibration = True  # it cannot quantise weights in floats

    def get_weight_conversions(self) -> list[WeightConverter]:
        """Return the conversion of values and scale to a parameter."""
        return [WeightConverter([VALUES, SCALE], "", [_Dequantize(self)])]

    def is_serializable(self) -> bool:
        """Return True: the loaded model is saved in floats."""
        return True

    @property
    def is_trainable(self) -> bool:
        """True: the loaded model is in floats."""
        return True

    def _process_model_before_weight_loading(
        self, model: PreTrainedModel, checkpoint_files: Sequence[str] | None = None, **options: Any
    ) -> PreTrainedModel:
        check_files([file for file in checkpoint_files or () if str(file).endswith(".safetensors")])
        return model

    def _process_model_after_weight_loading(self, model: PreTrainedModel, **options: Any) -> PreTrainedModel:
        # Otherwise saving would look for the reverse conversion. From 5.24 on transformers has removed them all itself.
        loaded: Any = model
        if hasattr(loaded, "_weight_conversions"):
            loaded._weight_conversions = [one for one in loaded._weight_conversions if not _is_mine(one)]
        return model


def _is_mine(conversion: Any) -> bool:
    return any(isinstance(operation, _Dequantize) for operation in getattr(conversion, "operations", ()))


def check_files(files: Sequence[str]) -> None:
    """Check that everything that is stored in 8 bits is complete and there only once.

    The scales are read, and of the values only their type and shape.

    Args:
        files: Paths of safetensors files.

    Raises:
        CheckpointError: When a weight is missing, duplicate or damaged.
    """
    shapes: dict[str, tuple[bool, tuple[int, ...]]] = {}
    scales: dict[str, Tensor] = {}
    for path in files:
        with safe_open(path, framework="pt") as file:
            for key in file.keys():  # noqa: SIM118 - not a dictionary
                there = file.get_slice(key)
                shapes[key] = (there.get_dtype() == "I8", tuple(there.get_shape()))
                if key.endswith(SCALE):
                    scales[key] = file.get_tensor(key)
    faults = [f"{name!r} {fault}" for name in stored_names(shapes) if (fault := _file_fault(name, shapes, scales))]
    if faults:
        more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
        raise CheckpointError(f"The 8-bit weights are damaged: {'; '.join(faults[:3])}{more}. {_REMEDY}")


def _file_fault(
    name: str, shapes: Mapping[str, tuple[bool, tuple[int, ...]]], scales: Mapping[str, Tensor]
) -> str | None:
    for end in (VALUES, SCALE):
        if name + end not in shapes:
            return f"has no {name + end!r}"
    if name in shapes:
        return "is also stored in floats"
    integers, shape = shapes[name + VALUES]
    return _fault(shape, integers, scales[name + SCALE])


# ---- Quantised to something else while it is loaded ----


def must_requantize(config_class: Any, place: Any, options: Mapping[str, Any]) -> bool:
    """Return whether a checkpoint that is stored in 8 bits is to be loaded with another ``quantization_config``.

    Transformers alone would treat this as a contradiction.

    Args:
        config_class: Class of the config.
        place: Folder or hub id of the checkpoint.
        options: Options of `from_pretrained`.

    Returns:
        Whether `requantize` must load it.
    """
    wanted = options.get("quantization_config")
    if wanted is None or place is None or is_stored_int8({"quantization_config": wanted}):
        return False
    config = options.get("config")
    if config is None:
        try:
            config, _ = config_class.get_config_dict(place, **{key: options[key] for key in _HUB if key in options})
        except OSError:
            return False  # no config there, as in an adapter's folder: transformers handles it
    return is_stored_int8(config)


def requantize(load: Callable[..., Any], place: Any, *args: Any, **options: Any) -> Any:
    """Do ``load(place, **options)``, the `from_pretrained` of transformers, loading in float32 first."""
    with_info = options.pop("output_loading_info", False)
    placing = {key: options.pop(key) for key in _PLACING if key in options}
    floats, report = load(place, *args, **options, dtype=torch.float32, output_loading_info=True)
    model = load(None, *args, config=floats.config, state_dict=floats.state_dict(), **placing)
    model.config.name_or_path = floats.config.name_or_path
    return (model, report) if with_info else model


# This code may be loaded a second time in one process, as the remote code of a checkpoint.
if METHOD not in AUTO_QUANTIZATION_CONFIG_MAPPING:
    register_quantization_config(METHOD)(StoredInt8Config)
if METHOD not in AUTO_QUANTIZER_MAPPING:
    register_quantizer(METHOD)(StoredInt8Quantizer)

__all__ = [
    "LEAST_ELEMENTS",
    "METHOD",
    "SCALE",
    "VALUES",
    "StoredInt8Config",
    "StoredInt8Quantizer",
    "check_files",
    "dequantize_rows",
    "is_storable",
    "is_stored_int8",
    "keeps_integers",
    "must_requantize",
    "quantize_rows",
    "requantize",
    "stored_names",
]
