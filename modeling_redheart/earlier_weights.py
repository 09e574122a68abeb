"""Weights that an earlier version saved, in today's names; `configuration.earlier_versions` lists each one."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor
from transformers.utils.hub import cached_file, get_checkpoint_shard_files

from ..configuration.earlier_versions import DROPPED_WEIGHTS, NEW_ZEROS, RENAMED_WEIGHTS, WEIGHT_ROWS, is_earlier

_HUB = ("cache_dir", "force_download", "local_files_only", "proxies", "revision", "subfolder", "token")
# Options that name the source of the weights, which are given as a `state_dict` instead.
_SOURCES = (*_HUB, "use_safetensors", "variant", "gguf_file", "weights_only")
_FILE, _INDEX = "model.safetensors", "model.safetensors.index.json"


def is_earlier_checkpoint(config_class: Any, place: Any, options: Mapping[str, Any]) -> bool:
    """Return whether ``from_pretrained(place, **options)`` loads weights that an earlier version saved."""
    if place is None:
        return False
    try:
        config, _ = config_class.get_config_dict(place, **{key: options[key] for key in _HUB if key in options})
    except OSError:
        return False  # no config there, as in an adapter's folder: transformers handles it
    return is_earlier(config)


def load_earlier(load: Callable[..., Any], config_class: Any, place: Any, *args: Any, **options: Any) -> Any:
    """Do ``load(place, **options)``, the `from_pretrained` of transformers, with the weights under today's names.

    Args:
        load: The `from_pretrained` of transformers.
        config_class: Class of the config.
        place: Folder or hub id of the checkpoint.
        *args: Passed on to ``load``.
        **options: Options of `from_pretrained`.

    Returns:
        What ``load`` returns.

    Raises:
        ValueError: When the checkpoint is quantised.
        OSError: When the checkpoint has no safetensors.
    """
    hub = {key: options[key] for key in _HUB if key in options}
    saved, _ = config_class.get_config_dict(place, **hub)
    if saved.get("quantization_config"):
        raise ValueError(
            f"{place} was quantised by an earlier version, whose weights cannot be converted; load and save the "
            "float checkpoint that it was made from, and quantise that."
        )
    config = options.pop("config", None)
    if config is None:
        config, options = config_class.from_pretrained(place, return_unused_kwargs=True, **options)
    options = {key: value for key, value in options.items() if key not in _SOURCES}
    loaded = load(None, *args, config=config, state_dict=converted(read_weights(str(place), hub)), **options)
    model = loaded[0] if isinstance(loaded, tuple) else loaded
    model.config.name_or_path = str(place)
    return loaded


def read_weights(place: str, hub: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return every tensor of the safetensors files of ``place``, a folder or a hub id, by name."""
    single = cached_file(place, _FILE, _raise_exceptions_for_missing_entries=False, **hub)
    if single is not None:
        files = [single]
    else:
        files, _ = get_checkpoint_shard_files(place, cached_file(place, _INDEX, **hub), **hub)
    weights: dict[str, Tensor] = {}
    for path in files:
        with safe_open(path, framework="pt") as file:
            weights |= {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
    return weights


def converted(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convert weights of an earlier version to today's names and rows; any other weight stays as it is.

    Args:
        weights: Weights by name. The names may begin with ``model.``, as those of a classifier do.

    Returns:
        The converted weights by name.
    """
    prefix = "model." if any(name.startswith("model.bridge.") for name in weights) else ""
    found: dict[str, Tensor] = {}
    for full, weight in weights.items():
        name, start = full.removeprefix(prefix), prefix if full.startswith(prefix) else ""
        if name.startswith(DROPPED_WEIGHTS):
            continue
        for old, new in RENAMED_WEIGHTS.items():
            if name.startswith(old):
                name = new + name.removeprefix(old)
        if name in WEIGHT_ROWS:
            weight = weight[list(WEIGHT_ROWS[name])].clone()
        found[start + name] = weight
    for name in NEW_ZEROS:
        out = found.get(f"{prefix}{name.removesuffix('bias')}weight")
        if out is not None and f"{prefix}{name}" not in found:
            found[f"{prefix}{name}"] = torch.zeros(len(out), dtype=out.dtype)
    return found


__all__ = ["converted", "is_earlier_checkpoint", "load_earlier", "read_weights"]
