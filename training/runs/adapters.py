"""Adapters: what is learned on top of a checkpoint, in a few megabytes of its own (LoRA, by the library PEFT).

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
from .adapter_records import RECORD, AdapterRecord, is_tuner, local_folder, other_base, read_record, weights_digest
from .recipe import PeftRecipe

if TYPE_CHECKING:
    from peft import PeftModel


_CARD = """---
library_name: peft
---
# A Red Heart adapter

LoRA of rank {rank} on the checkpoint `{base}`, whose weights have the SHA-256
`{weights}` (`redheart.training.runs.adapter_records.weights_digest`); it fits no others.

What it was trained on, by claim: {supervision}.

```python
from redheart.training.runs.adapters import load_adapter

model = load_adapter("{base}", "this folder")
```
"""


# ---- What is adapted ----


def target_modules(config: RedHeartConfig, components: Sequence[str] | None = None) -> list[str]:
    """What `peft.LoraConfig` takes as ``target_modules``: the linear layers of attention, feed-forward, recurrence,
    projections and cache, by their whole names; those of a text encoder of transformers, too.

    components: of `COMPONENT_SIZES`, or "bridge" for all that is in it; None for all that the config has. Left out are
    read-outs, which are rather trained whole (`readout_modules`), and the low-rank maps of the adaptive norms, as
    narrow as an adapter. The names fit a `RedHeartModel` and every model around one.
    Raises `ValueError` for a name that is no component.
    """
    present = [name for name in COMPONENT_SIZES if name in config.components]
    layers = _layers(config, present if components is None else components)
    return list(dict.fromkeys(name for _, name, holder in layers if not isinstance(holder, FINE)))


def readout_modules(config: RedHeartConfig, components: Sequence[str]) -> list[str]:
    """What `peft.LoraConfig` takes as ``modules_to_save``, to train the read-outs of ``components`` whole.

    Raises `ValueError` for a name that is no component, and for a component that reads nothing out.
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
    """Wrap ``model``, in place, with a new adapter, which alone is trained; it changes nothing before it is trained.

    LoRA (Hu et al. 2021, arXiv:2106.09685), on a base in 4 bits QLoRA (Dettmers et al. 2023, arXiv:2305.14314).
    Raises what `target_modules`, `readout_modules` and, for ``recipe.merge``, `merge_adapter` raise.
    """
    peft = _peft()
    if recipe.merge:
        _refuse_merging(model)
    if recipe.dora and getattr(model, "is_loaded_in_8bit", False):
        raise InputError("`dora` looks at the base's own weights, which PEFT cannot in 8 bits: use 4, or leave it out.")
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
    """Write the adapter, its tokenizer, a model card and the ``record`` to ``folder``, whole or not at all."""
    needed = sum(parameter.nbytes for parameter in model.parameters() if parameter.requires_grad)
    with whole_or_nothing(Path(folder), needed) as partial:
        config: Any = model.peft_config["default"]
        said = "; ".join(f"{claim}: {', '.join(sources)}" for claim, sources in record.supervision.items()) or "unknown"
        card = _CARD.format(rank=config.r, base=record.base, weights=record.weights, supervision=said)
        (partial / "README.md").write_text(card, encoding="utf-8")
        config.base_model_name_or_path = record.base  # by its name, not where it lies on this machine
        model.save_pretrained(str(partial))
        tokenizer.save_pretrained(partial)
        write_json(partial / RECORD, asdict(record))


def load_adapter(
    base: str | Path | RedHeartModel, folder: str | Path | Mapping[str, str | Path], **options: Any
) -> "PeftModel":
    """Load an adapter on its base, or several of one base, in eval mode.

    base: a folder, a checkpoint that ships or a Hub id, loaded with the ``options`` of `load_strict` (such as
    ``quantization_config``); or a model, which is wrapped in place. folder: of the adapter, or of each by a name of
    your choice. All are active, and where two change the same layer their changes add up; ``set_adapter(name)`` makes
    one the only one. ``config.supervision`` of what is returned has the records of the base and of all adapters, and no
    threshold or temperature that was fitted to the base; the base's own config stays as it is.

    Raises `ValueError` for an adapter of another base, and for two that have each trained one and the same read-out.
    """
    peft = _peft()
    if isinstance(base, peft.PeftModel):
        raise InputError("This model has adapters already: name all that you want in one call, on the base itself.")
    folders = folder if isinstance(folder, Mapping) else {"default": folder}
    records = {name: read_record(place) for name, place in folders.items()}
    weights = weights_digest(base)
    for name, record in records.items():
        if record.weights != weights:
            raise other_base(folders[name], record, base, weights)
    configs = {name: peft.PeftConfig.from_pretrained(place) for name, place in folders.items()}
    _refuse_shared_readouts({name: config.modules_to_save or () for name, config in configs.items()})
    model = base if isinstance(base, RedHeartModel) else load_strict(local_folder(base), RedHeartModel, **options)
    wrapped: Any = None
    for name, place in folders.items():
        if wrapped is None:
            wrapped = peft.PeftModel(model, configs[name], name)
        try:
            missing = wrapped.load_adapter(place, name).missing_keys
        except KeyError as error:  # of a read-out that is saved whole
            missing = [f"{error.args[0]}.modules_to_save.{name}"]
        check_whole(place, name, missing)
    wrapped.base_model.set_adapter(list(folders), inference_mode=True)
    # A config of its own: without its adapters, the base must not claim what only they were trained on.
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
    """Raise `ValueError` where weights of the adapter ``name`` are among the ``missing``, which may be of others, too:
    PEFT looks for the name anywhere in theirs."""
    for key in sorted(missing):
        if any(part == name and is_tuner(before) for before, part in pairwise(key.split("."))):
            raise CheckpointError(f"{folder} lacks weights of its adapter, such as {key!r}; copy all of it.")


# ---- Without adapters ----


def unload_adapters(model: "PeftModel") -> RedHeartModel:
    """The base as it was, without any adapter; PEFT's own ``unload`` leaves the trained read-outs in it."""
    for name in list(model.peft_config):
        model.delete_adapter(name)
    base: RedHeartModel = model.unload()
    return base


def merge_adapter(model: "PeftModel") -> RedHeartModel:
    """The base with the active adapters merged into its weights, in place, and with their supervision in its config.

    Raises `ValueError` for a base in NF4: rounding to 4 bits again costs as much as an adapter changes.
    """
    _refuse_merging(model.get_base_model())
    supervision = model.config.supervision
    merged: RedHeartModel = model.merge_and_unload(safe_merge=True)
    merged.config.supervision = supervision
    merged.config.clear_fitted()
    merged.config.name_or_path = ""  # it is no longer what lies there
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
