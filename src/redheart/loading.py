"""The pipeline that a command reads with, from a name on the command line."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from .configuration.labels import closest
from .configuration.shipped import checkpoint_path, list_checkpoints, preset_names

if TYPE_CHECKING:
    from .modeling_redheart.pipeline_redheart import EthicalAnalysisPipeline

# A model on the Hugging Face Hub: owner/name.
_HUB_ID = re.compile(r"[\w][\w.-]*/[\w][\w.-]*")


def model_place(name: str) -> str:
    """Where to load what reads texts from: a checkpoint that ships, a folder, or a Hub id. Nothing is loaded for that.

    Raises `ValueError` for what is none of the three, and for a preset without weights.
    """
    known = list(dict.fromkeys([*list_checkpoints(), *preset_names()]))
    if name not in known and not _HUB_ID.fullmatch(name) and not Path(name).is_dir():
        raise ValueError(f"No checkpoint or folder {name!r}; {closest(name, known)}")
    return checkpoint_path(name)


def load_text_pipeline(name: str) -> "EthicalAnalysisPipeline":
    """As `load_pipeline`; of a classifier a `LabelPipeline`."""
    place = model_place(name)

    from .compression.readers import is_classifier, load_any
    from .measuring import quiet
    from .modeling_redheart.pipeline_labels import LabelPipeline
    from .modeling_redheart.pipeline_redheart import EthicalAnalysisPipeline

    quiet()
    model, tokenizer = load_any(place)
    kind = LabelPipeline if is_classifier(model) else EthicalAnalysisPipeline
    return kind(model=model, tokenizer=tokenizer, task=kind.task_name)


def load_pipeline(name: str) -> "EthicalAnalysisPipeline":
    """The pipeline of what lies at `model_place`: a checkpoint, an exported model or an adapter, checked as it loads.

    Raises what `compression.readers.load_reader` raises.
    """
    place = model_place(name)

    from .compression.readers import load_reader
    from .measuring import quiet
    from .modeling_redheart.pipeline_redheart import TASK, EthicalAnalysisPipeline

    quiet()
    model, tokenizer = load_reader(place)
    return EthicalAnalysisPipeline(model=model, tokenizer=tokenizer, task=TASK)


__all__ = ["load_pipeline", "load_text_pipeline", "model_place"]
