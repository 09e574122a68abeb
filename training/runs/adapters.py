"""Adapters: changes to a checkpoint that are trained and saved separately, in a few megabytes (LoRA, with PEFT).

    model = load_adapter("redheart-730m", "runs/grief/adapter")
    model = load_adapter("redheart-730m", {"grief": "runs/grief/adapter", "verdict": "runs/verdict/adapter"})

Notable: an adapter is a change to the very weights that it was trained on. Its folder has their hash
(`adapter_records`), and loading it on others - another checkpoint, or the same one pruned, merged or trained further -
is an error.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from ...configuration.configuration_redheart import COMPONENT_SIZES, RedHeartConfig, component_path
from ...configuration.errors import CheckpointError, InputError
from ...configuration.extras import missing
from ...modeling_redheart.layers import Readout
from ...modeling_redheart.modeling_redheart import RedHeartModel
from ...modeling_redheart.quantization import FINE, SCORERS
from ...storage.files import write_json
from ...storage.folders import whole_or_nothing
from ...storage.strict_loading import load_strict
from .adapter_claims import claim
from .adapter_records import RECORD, AdapterRecord, base_mismatch, is_tuner, local_folder, read_record, weights_digest
from .recipe import PeftRecipe

if TYPE_CHECKING:
    from peft import PeftModel


_CARD = """---
library_name: peft
---
# A Red Heart adapter

LoRA of rank {rank} on the checkpoint `{base}`, whose weights have the SHA-256
`{weights}` (`redheart.training.runs.adapter_records.weights_digest`); it fits no other weights.

What it was trained on, by claim: {supervision}.

```python
from redheart.training.runs.adapters import load_adapter

model = load_adapter("{base}", "this folder")
```
"""


# ---- What is adapted ----


def target_modules(config: RedHeartConfig, components: Sequence[str] | None = None) -> list[str]:
    """List what `peft.LoraConfig` takes as ``target_modules``.

    These are the linear layers of attention, feed-forward, recurrence, projections and cache, by their whole names,
    also those of a text encoder of transformers. Left out are read-outs, which are better trained whole
    (`readout_modules`), and the low-rank maps of the adaptive norms, as narrow as an adapter. The names fit a
    `RedHeartModel` and every model around one.

    Args:
        config: Config of the model.
        components: Names from `COMPONENT_SIZES`, or "bridge" for all that is in it; None for all that the config has.

    Returns:
        Names of modules.

    Raises:
        InputError: For an unknown component; a `ValueError`.
    """
    present = [name for name in COMPONENT_SIZES if name in config.components]
    layers = _layers(config, present if components is None else components)
    return list(dict.fromkeys(name for _, name, holder in layers if not isinstance(holder, FINE)))


def readout_modules(config: RedHeartConfig, components: Sequence[str]) -> list[str]:
    """List what `peft.LoraConfig` takes as ``modules_to_save``, to train the read-outs of ``components`` whole.

    Args:
        config: Config of the model.
        components: Names from `COMPONENT_SIZES`.

    Returns:
        Names of modules.

    Raises:
        InputError: For an unknown component, and for a component without a read-out; a `ValueError`.
    """
    found = [
        (component, name.rpartition(".")[0] if isinstance(holder, Readout) else name)
        for component, name, holder in _layers(config, components)
        if isinstance(holder, (Readout, *SCORERS))
    ]
    for component in components:
        if component not in dict(found):
            raise InputError(f"The component {component!r} has no read-out; leave it out of the `readouts`.")
    return list(dict.fromkeys(name for _, name in found))


def _layers(config: RedHeartConfig, components: Iterable[str]) -> Iterator[tuple[str, str, nn.Module]]:
    """Each linear layer of ``components``: its component, its name, and the module that holds it."""
    with torch.device("meta"):
        model = RedHeartModel(config)
    for component in components:
        path = component_path(component)
        for name, module in model.get_submodule(path).named_modules(prefix=path):
            if isinstance(module, nn.Linear):
                yield component, name, model.get_submodule(name.rpartition(".")[0])


def add_adapter(model: RedHeartModel, recipe: PeftRecipe) -> "PeftModel":
    """Wrap ``model``, in place, with a new adapter; only the adapter is trained, and it changes nothing before.

    LoRA (Hu et al. 2021, arXiv:2106.09685), on a base in 4 bits QLoRA (Dettmers et al. 2023, arXiv:2305.14314).

    Args:
        model: The base.
        recipe: Options of the adapter.

    Returns:
        The wrapped model.

    Raises:
        InputError: As `target_modules` and `readout_modules`, and for ``recipe.dora`` on a base in 8 bits.
        CheckpointError: For ``recipe.merge`` on a base in 4 bits, as `merge_adapter`.
    """
    peft = _peft()
    if recipe.merge:
        _refuse_merging(model)
    if recipe.dora and getattr(model, "is_loaded_in_8bit", False):
        raise InputError(
            "`dora` reads the base's own weights, which PEFT cannot in 8 bits: use 4 bits, or leave it out."
        )
    config = peft.LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        use_dora=recipe.dora,
        use_rslora=recipe.rslora,
        target_modules=target_modules(model.config, recipe.components),
        modules_to_save=readout_modules(model.config, recipe.readouts) or None,
    )
    wrapped: PeftModel = peft.get_peft_model(model, config)
    return wrapped


# ---- Saving and loading ----


def save_adapter(
    model: "PeftModel", tokenizer: PreTrainedTokenizerBase, record: AdapterRecord, folder: str | Path
) -> None:
    """Write the adapter, its tokenizer, a model card and the record, whole or not at all.

    Args:
        model: The model with the adapter.
        tokenizer: Its tokenizer.
        record: The adapter's record.
        folder: The folder to write.
    """
    needed = sum(parameter.nbytes for parameter in model.parameters() if parameter.requires_grad)
    with whole_or_nothing(Path(folder), needed) as partial:
        config: Any = model.peft_config["default"]
        supervision = (
            "; ".join(f"{claim}: {', '.join(sources)}" for claim, sources in record.supervision.items()) or "unknown"
        )
        card = _CARD.format(rank=config.r, base=record.base, weights=record.weights, supervision=supervision)
        (partial / "README.md").write_text(card, encoding="utf-8")
        config.base_model_name_or_path = record.base  # by its name, not its path on this machine
        model.save_pretrained(str(partial))
        tokenizer.save_pretrained(partial)
        write_json(partial / RECORD, asdict(record))


def load_adapter(
    base: str | Path | RedHeartModel, folder: str | Path | Mapping[str, str | Path], **options: Any
) -> "PeftModel":
    """Load an adapter on its base, or several of one base, in eval mode.

    All are active, and where two change the same layer their changes add up; ``set_adapter(name)`` makes one the only
    active one. ``config.supervision`` of the returned model has the records of the base and of all adapters, and no
    threshold or temperature that was fitted to the base; the base's own config is not changed.

    Args:
        base: A folder, a checkpoint that ships or a Hub id; or a model, which is wrapped in place.
        folder: Folder of the adapter, or name -> folder of several, by names of your choice.
        **options: Options of `load_strict` (such as ``quantization_config``) for a ``base`` that is not a model.

    Returns:
        The wrapped model.

    Raises:
        CheckpointError: For an adapter of another base, one that is not whole, and two that have each trained the same
            read-out; a `ValueError`.
        InputError: For a base that has adapters already; a `ValueError`.
    """
    peft = _peft()
    if isinstance(base, peft.PeftModel):
        raise InputError("This model already has adapters: load all that you want in one call, on the base itself.")
    folders = folder if isinstance(folder, Mapping) else {"default": folder}
    records = {name: read_record(place) for name, place in folders.items()}
    weights = weights_digest(base)
    for name, record in records.items():
        if record.weights != weights:
            raise CheckpointError(base_mismatch(folders[name], record, base, weights))
    configs = {name: peft.PeftConfig.from_pretrained(place) for name, place in folders.items()}
    _refuse_shared_readouts({name: config.modules_to_save or () for name, config in configs.items()})
    model = base if isinstance(base, RedHeartModel) else load_strict(local_folder(base), RedHeartModel, **options)
    wrapped: Any = None
    for name, place in folders.items():
        if wrapped is None:
            wrapped = peft.PeftModel(model, configs[name], name)
        try:
            missing = wrapped.load_adapter(place, name).missing_keys
        except KeyError as error:  # a read-out that is saved whole is missing
            missing = [f"{error.args[0]}.modules_to_save.{name}"]
        check_whole(place, name, missing)
    wrapped.base_model.set_adapter(list(folders), inference_mode=True)
    # A copy of the config: without its adapters, the base must not claim what only they were trained on.
    wrapped.config = deepcopy(model.config)
    claim(wrapped.config, records.values())
    return wrapped


def _refuse_shared_readouts(readouts: Mapping[str, Sequence[str]]) -> None:
    owner: dict[str, str] = {}
    for name, modules in readouts.items():
        for module in modules:
            first = owner.setdefault(module, name)
            if first != name:
                raise CheckpointError(
                    f"The adapters {first!r} and {name!r} have each trained the read-out {module}, of which only one "
                    "can be in use: load one of the two adapters alone."
                )


def check_whole(folder: str | Path | None, name: str, missing: Iterable[str]) -> None:
    """Check that all weights of an adapter were found.

    Args:
        folder: The adapter's folder, for the message.
        name: Name of the adapter.
        missing: Names of weights that were not found, also those of other adapters: PEFT looks for the name anywhere in
            them.

    Raises:
        CheckpointError: When weights of this adapter are among them; a `ValueError`.
    """
    for key in sorted(missing):
        if any(part == name and is_tuner(before) for before, part in pairwise(key.split("."))):
            raise CheckpointError(f"{folder} lacks weights of its adapter, such as {key!r}; copy all of it.")


# ---- Without adapters ----


def unload_adapters(model: "PeftModel") -> RedHeartModel:
    """Return the base as it was, without any adapter; PEFT's own ``unload`` leaves the trained read-outs in it."""
    for name in list(model.peft_config):
        model.delete_adapter(name)
    base: RedHeartModel = model.unload()
    return base


def merge_adapter(model: "PeftModel") -> RedHeartModel:
    """Merge the active adapters into the base's weights, in place, and their supervision into its config.

    Args:
        model: The model with adapters.

    Returns:
        The base.

    Raises:
        CheckpointError: For a base in NF4: rounding to 4 bits again costs as much as an adapter changes; a
            `ValueError`.
    """
    _refuse_merging(model.get_base_model())
    supervision = model.config.supervision
    merged: RedHeartModel = model.merge_and_unload(safe_merge=True)
    merged.config.supervision = supervision
    merged.config.clear_fitted()
    merged.config.name_or_path = ""  # it differs from that checkpoint now
    return merged


def _refuse_merging(base: nn.Module) -> None:
    if getattr(base, "is_loaded_in_4bit", False):
        raise CheckpointError(
            "An adapter cannot be merged into a base in 4 bits: the sum would be rounded again, with an error "
            "as large as the adapter. Load the base without quantisation with `load_adapter`, and merge there."
        )


def _peft() -> Any:
    try:
        import peft
    except ImportError as error:
        raise missing("Adapters need the library PEFT", "peft") from error
    return peft


__all__ = [
    "add_adapter",
    "load_adapter",
    "merge_adapter",
    "readout_modules",
    "save_adapter",
    "target_modules",
    "unload_adapters",
]
