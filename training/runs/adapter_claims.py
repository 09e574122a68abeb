"""Claims of a model with adapters, also where transformers loads and switches them.

That is, in ``pipeline(task, model=FOLDER)`` and ``model.load_adapter``: the config then claims what the adapters in use
were trained on.
"""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from ...batches.supervision import extended
from ...configuration.configuration_redheart import FITTED
from ...storage.files import write_json
from .adapter_records import RECORD, AdapterRecord


def claim(config: Any, records: Iterable[AdapterRecord | None]) -> None:
    """Extend the claims of a base's config to what its adapters were trained on.

    What was fitted to the base's own weights is removed, since the adapters change them.

    Args:
        config: Config of the base, which is changed.
        records: Records of the adapters; None for one without a record.
    """
    config.clear_fitted()
    for record in records:
        if record is not None:
            config.supervision = extended(config.supervision, record.supervision)


def note_record(model: PreTrainedModel, name: str, record: AdapterRecord | None) -> None:
    """Store the record of an adapter that was loaded into ``model``, and claim what it was trained on.

    Args:
        model: The model with the adapter.
        name: Name of the adapter in the model.
        record: Its record; None where it has none.
    """
    noted: Any = model
    if not hasattr(model, "_own_claims"):
        names = ("supervision", *FITTED)
        noted._own_claims, noted._adapter_records = {name: getattr(model.config, name) for name in names}, {}
    noted._adapter_records[name] = record
    update_claims(model)


def update_claims(model: PreTrainedModel) -> None:
    """Make the config of ``model`` claim what supervised its own weights and the adapters in use.

    The config is then that of `load_adapter`; without adapters in use it is the model's own again.

    Args:
        model: The model.
    """
    own = getattr(model, "_own_claims", None)
    if own is None:
        return
    for name, value in own.items():
        setattr(model.config, name, value)
    if in_use := _in_use(model):
        records = getattr(model, "_adapter_records", {})
        claim(model.config, [records.get(name) for name in in_use])


def write_records(model: PreTrainedModel, folder: str | Path) -> None:
    """Write the record of the adapter in use into the folder in which transformers has saved it."""
    for name in _in_use(model):
        record = getattr(model, "_adapter_records", {}).get(name)
        if record is not None:
            write_json(Path(folder) / RECORD, asdict(record))


def _in_use(model: nn.Module) -> list[str]:
    from peft.tuners.tuners_utils import BaseTunerLayer

    layers = [module for module in model.modules() if isinstance(module, BaseTunerLayer)]
    return list(dict.fromkeys(name for one in layers if not one.disable_adapters for name in one.active_adapters))


__all__ = [
    "claim",
    "note_record",
    "update_claims",
    "write_records",
]
