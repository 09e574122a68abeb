"""Methods that the package adds to the model classes: saving for the hub, `push_to_hub`, and checked adapters.

Notable: remote code is made from the same classes and has neither `hub_upload` nor `training`, so `registration` sets
these methods on the classes from outside, once. A model that was loaded by remote code has transformers' own methods.
"""

import shutil
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from .hub_upload.push_to_hub import push_to_hub, push_trained
from .modeling_redheart import RedHeartForSequenceClassification, RedHeartModel, RedHeartPreTrainedModel
from .modeling_redheart.pipeline_redheart import EthicalAnalysisPipeline
from .storage.remote_code import AUTO_CLASSES, add_auto_map, bundle_code

# Methods of transformers that change which adapters are in use.
_CHANGES_ADAPTERS = ("set_adapter", "enable_adapters", "disable_adapters", "delete_adapter")


def equip_classes() -> None:
    """Set the methods of this module on the classes."""
    classes: tuple[Any, ...] = (RedHeartModel, RedHeartForSequenceClassification, EthicalAnalysisPipeline)
    for one in classes:
        one.push_to_hub = push_to_hub
    base: Any = RedHeartPreTrainedModel
    base.save_pretrained = save_pretrained
    base.push_trained = staticmethod(push_trained)
    base.load_adapter = load_adapter
    for name in _CHANGES_ADAPTERS:
        setattr(base, name, _with_claims(getattr(PreTrainedModel, name)))


def save_pretrained(
    self: Any,
    save_directory: str | Path,
    is_main_process: bool = True,
    state_dict: dict[str, Any] | None = None,
    push_to_hub: bool = False,
    **options: Any,
) -> None:
    """Save the model as transformers does, with the code that loads the folder where this package is not installed.

    So a plain `Trainer` can push what it saves. Of a model with adapters only the active one is saved, as transformers
    does, with its record.

    Args:
        self: The model.
        save_directory: Folder to save in.
        is_main_process: As in transformers.
        state_dict: As in transformers.
        push_to_hub: Must be False; use the method `push_to_hub` instead.
        **options: As in transformers.

    Raises:
        ValueError: For ``push_to_hub=True``, before anything is written or uploaded.
        FileExistsError: When ``save_directory`` is a file.
    """
    if push_to_hub:
        raise ValueError(
            "`save_pretrained(push_to_hub=True)` would upload the weights without card, label schema and licence. "
            "Nothing was saved or uploaded; call `push_to_hub(repo_id)` instead."
        )
    folder = Path(save_directory)
    if folder.is_file():
        raise FileExistsError(f"{folder} is a file; give a folder to save in.")
    PreTrainedModel.save_pretrained(self, folder, is_main_process, state_dict, **options)
    if not self.should_save_on_this_rank(is_main_process):
        return
    if getattr(self, "_hf_peft_config_loaded", False):
        from .training.runs.adapter_claims import write_records

        write_records(self, folder)
        return
    for weights in folder.glob("*.safetensors"):
        shutil.copymode(folder / "config.json", weights)  # safetensors makes files that only their owner can read
    if self.config.architectures[0] in AUTO_CLASSES.values() and not self.is_remote_code():
        bundle_code(folder)
        add_auto_map(folder)


def load_adapter(self: Any, peft_model_id: Any = None, adapter_name: str | None = None, *rest: Any, **more: Any) -> Any:
    """Load an adapter as transformers does, and check one that `redheart train` wrote.

    The check is that of `runs.adapters.load_adapter`. The config claims what the adapter was trained on while it is in
    use. `pipeline(task, model=FOLDER)` and `from_pretrained(FOLDER)` of an adapter's folder call this method.

    Args:
        self: The model.
        peft_model_id: Folder of the adapter.
        adapter_name: Its name in the model; "default" by default.
        *rest: As in transformers.
        **more: As in transformers.

    Returns:
        What transformers returns.

    Raises:
        ValueError: For an adapter of another base, and for one that is incomplete.
    """
    from .training.runs.adapter_claims import note_record
    from .training.runs.adapter_records import check_base, find_record
    from .training.runs.adapters import check_whole

    load = more.get("load_config")
    place = peft_model_id or getattr(load, "pretrained_model_name_or_path", None)
    record = find_record(place)
    if record is not None and place is not None:
        check_base(self, place, record)
    info = PreTrainedModel.load_adapter(self, peft_model_id, adapter_name, *rest, **more)
    check_whole(place, adapter_name or "default", info.missing_keys)
    note_record(self, adapter_name or "default", record)
    return info


def _with_claims(method: Callable[..., Any]) -> Callable[..., Any]:
    """The ``method`` of transformers, after which the config claims what the adapters in use were trained on."""

    @wraps(method)
    def call(self: Any, *args: Any, **options: Any) -> Any:
        from .training.runs.adapter_claims import update_claims

        result = method(self, *args, **options)
        update_claims(self)
        return result

    return call


__all__ = ["equip_classes", "load_adapter", "save_pretrained"]
