"""Adapters: what is learned on top of a checkpoint, in a few megabytes of its own (LoRA, by the library PEFT).

    model = load_adapter("redheart-730m", "runs/grief/adapter")
    model = load_adapter("redheart-730m", {"grief": "runs/grief/adapter", "verdict": "runs/verdict/adapter"})

Notable: an adapter is a change to the very weights that it was trained on. Its folder has their hash, and loading it on
others - another checkpoint, or the same one pruned, merged or trained further - is an error. A base in INT8 or NF4
counts as the checkpoint that it was loaded from.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from huggingface_hub import snapshot_download
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils.hub import cached_file

from ...batches.supervision import extended
from ...configuration.configuration_redheart import COMPONENT_SIZES, FITTED, RedHeartConfig, component_path
from ...configuration.extras import missing
from ...modeling_redheart.layers import Readout
from ...modeling_redheart.modeling_redheart import RedHeartModel
from ...modeling_redheart.quantization import FINE, SCORERS
from ...storage.files import write_json
from ...storage.folders import whole_or_nothing
from ...storage.strict_loading import checkpoint_path, load_strict, weight_files
from ...storage.weights import float_tensors
from ..callbacks.snapshots import digest
from .recipe import PeftRecipe

if TYPE_CHECKING:
    from peft import PeftModel

RECORD = "redheart_adapter.json"
_WEIGHTS = "adapter_model.safetensors"

_CARD = """---
library_name: peft
---
# A Red Heart adapter

LoRA of rank {rank} on the checkpoint `{base}`, whose weights have the SHA-256
`{weights}` (`redheart.training.runs.adapters.weights_digest`); it fits no others.

What it was trained on, by claim: {supervision}.

```python
from redheart.training.runs.adapters import load_adapter

model = load_adapter("{base}", "this folder")
```
"""


@dataclass(frozen=True)
class AdapterRecord:
    """What an adapter's folder says beside what PEFT writes.

    base: name or folder of the checkpoint that it was trained on. weights: `weights_digest` of that checkpoint.
    supervision: what supervised each claim (`RedHeartConfig.supervision`) in the adapter's own training.
    """

    base: str
    weights: str
    supervision: dict[str, list[str]] = field(default_factory=dict)


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
            raise ValueError(f"The component {component!r} has no read-out; leave it out of the `readouts`.")
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
        raise ValueError("`dora` looks at the base's own weights, which PEFT cannot in 8 bits: use 4, or leave it out.")
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


# ---- Which weights it belongs to ----


def weights_digest(base: str | Path | PreTrainedModel) -> str:
    """SHA-256 of a checkpoint's names, types, shapes and values, in hexadecimal, however they are cut into files.

    base: a folder, a checkpoint that ships, a Hub id, or a loaded model: of one in INT8 or NF4 its checkpoint counts,
    of any other the weights that it has now, without those of adapters. Of a checkpoint that is stored in 8 bits count
    the floats that it is read as. Raises `ValueError` where there is no checkpoint.
    """
    if isinstance(base, PreTrainedModel):
        if getattr(base, "hf_quantizer", None) is None:
            return digest(_without_adapters(base.state_dict()))
        if not base.config.name_or_path:
            raise ValueError(
                "This quantised model is not as it was loaded from a checkpoint; name a checkpoint instead."
            )
        base = base.config.name_or_path
    files = weight_files(_local(base))
    return digest(dict(float_tensors(files)))


def _without_adapters(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of the base by the names that they have without adapters."""
    found = {}
    for name, tensor in state.items():
        parts = name.split(".")
        if not any(map(is_tuner, parts)):
            found[".".join(part for part in parts if part not in ("base_layer", "original_module"))] = tensor
    return found


def _local(base: str | Path) -> Path:
    place = checkpoint_path(str(base))
    return Path(place) if Path(place).is_dir() else Path(snapshot_download(place))


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


def read_record(folder: str | Path) -> AdapterRecord:
    """The record of an adapter's folder. Raises `ValueError` where it or the adapter's weights are missing."""
    for name in (RECORD, _WEIGHTS):
        if not (Path(folder) / name).is_file():
            raise ValueError(
                f"{folder} is no adapter of `redheart train`: it has no {name}. Name its `adapter` folder."
            )
    return AdapterRecord(**json.loads((Path(folder) / RECORD).read_text(encoding="utf-8")))


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
        raise ValueError("This model has adapters already: name all that you want in one call, on the base itself.")
    folders = folder if isinstance(folder, Mapping) else {"default": folder}
    records = {name: read_record(place) for name, place in folders.items()}
    weights = weights_digest(base)
    for name, record in records.items():
        if record.weights != weights:
            raise _stranger(folders[name], record, base, weights)
    configs = {name: peft.PeftConfig.from_pretrained(place) for name, place in folders.items()}
    _refuse_shared_readouts({name: config.modules_to_save or () for name, config in configs.items()})
    model = base if isinstance(base, RedHeartModel) else load_strict(_local(base), RedHeartModel, **options)
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
    _claim(wrapped.config, records.values())
    return wrapped


def _claim(config: Any, records: Iterable[AdapterRecord | None]) -> None:
    """Let the config of a base claim what its adapters were trained on, too, and nothing that was fitted to its own
    weights, which they change."""
    config.clear_fitted()
    for record in records:
        if record is not None:
            config.supervision = extended(config.supervision, record.supervision)


def _refuse_shared_readouts(readouts: Mapping[str, Sequence[str]]) -> None:
    owner: dict[str, str] = {}
    for name, modules in readouts.items():
        for module in modules:
            first = owner.setdefault(module, name)
            if first != name:
                raise ValueError(
                    f"The adapters {first!r} and {name!r} have each trained the read-out {module}, of which only one "
                    "can be in use: load one of the two adapters alone."
                )


def check_whole(folder: str | Path | None, name: str, missing: Iterable[str]) -> None:
    """Raise `ValueError` where weights of the adapter ``name`` are among the ``missing``, which may be of others, too:
    PEFT looks for the name anywhere in theirs."""
    for key in sorted(missing):
        if any(part == name and is_tuner(before) for before, part in pairwise(key.split("."))):
            raise ValueError(f"{folder} lacks weights of its adapter, such as {key!r}; copy all of it.")


def is_tuner(part: str) -> bool:
    """Whether the part of a parameter's name that the name of an adapter follows is this one."""
    return part.startswith("lora_") or part == "modules_to_save"


def _stranger(
    folder: str | Path, record: AdapterRecord, base: str | Path | PreTrainedModel, weights: str
) -> ValueError:
    name = f"the loaded model ({base.config.name_or_path})" if isinstance(base, PreTrainedModel) else base
    return ValueError(
        f"The adapter {folder} was trained on {record.base} (weights {record.weights[:12]}...), and {name} has other "
        f"weights ({weights[:12]}...). It fits no other checkpoint, nor that one pruned, merged, trained further or in "
        "another type of number: name the folder that it was trained on, or train it anew on this one."
    )


# ---- Adapters that transformers loads into a model: `pipeline(task, model=FOLDER)`, `model.load_adapter` ----


def find_record(place: str | Path | None) -> AdapterRecord | None:
    """The record in an adapter's folder, here or on the Hub; None where `redheart train` did not write the adapter."""
    found = None if place is None else cached_file(str(place), RECORD, _raise_exceptions_for_missing_entries=False)
    return None if found is None else AdapterRecord(**json.loads(Path(found).read_text(encoding="utf-8")))


def check_base(model: PreTrainedModel, folder: str | Path, record: AdapterRecord) -> None:
    """Raise `ValueError` unless ``model`` has the weights that the adapter in ``folder`` was trained on."""
    weights, place = weights_digest(model), model.config.name_or_path
    if weights != record.weights and model.dtype is not torch.float32 and place:
        weights = weights_digest(place)  # of what was loaded in another type of number
    if weights != record.weights:
        raise _stranger(folder, record, model, weights)


def note_record(model: PreTrainedModel, name: str, record: AdapterRecord | None) -> None:
    """Remember the record of the adapter ``name`` that was loaded into ``model``, and claim what it was trained on."""
    noted: Any = model
    if not hasattr(model, "_own_claims"):
        names = ("supervision", *FITTED)
        noted._own_claims, noted._adapter_records = {name: getattr(model.config, name) for name in names}, {}
    noted._adapter_records[name] = record
    settle_claims(model)


def settle_claims(model: PreTrainedModel) -> None:
    """Let the config of ``model`` claim what supervised its own weights and those of the adapters in use, as that of
    `load_adapter` does; without adapters in use it is its own again."""
    own = getattr(model, "_own_claims", None)
    if own is None:
        return
    for name, value in own.items():
        setattr(model.config, name, value)
    if in_use := _in_use(model):
        records = getattr(model, "_adapter_records", {})
        _claim(model.config, [records.get(name) for name in in_use])


def write_records(model: PreTrainedModel, folder: str | Path) -> None:
    """Write the record of the adapter in use beside what transformers has saved of it."""
    for name in _in_use(model):
        record = getattr(model, "_adapter_records", {}).get(name)
        if record is not None:
            write_json(Path(folder) / RECORD, asdict(record))


def _in_use(model: nn.Module) -> list[str]:
    from peft.tuners.tuners_utils import BaseTunerLayer

    layers = [module for module in model.modules() if isinstance(module, BaseTunerLayer)]
    return list(dict.fromkeys(name for one in layers if not one.disable_adapters for name in one.active_adapters))


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
        raise ValueError(
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
    "RECORD",
    "AdapterRecord",
    "add_adapter",
    "load_adapter",
    "merge_adapter",
    "read_record",
    "readout_modules",
    "save_adapter",
    "target_modules",
    "unload_adapters",
    "weights_digest",
]
