"""What a model with adapters claims to be trained on, also where transformers loads and switches them
(`pipeline(task, model=FOLDER)`, `model.load_adapter`).
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
    """Let the config of a base claim what its adapters were trained on, too, and nothing that was fitted to its own
    weights, which they change."""
    config.clear_fitted()
    for record in records:
        if record is not None:
            config.supervision = extended(config.supervision, record.supervision)


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
        claim(model.config, [records.get(name) for name in in_use])


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


__all__ = [
    "claim",
    "note_record",
    "settle_claims",
    "write_records",
]
