"""The pipeline that a command reads with, from a name on the command line."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .modeling_redheart.pipeline_redheart import EthicalAnalysisPipeline


def model_place(name: str) -> str:
    """Where to load what reads texts from: a checkpoint that ships, a folder, or a Hub id.

    Raises `ValueError` for what is none of the three, and for a preset without weights.
    """
    from .hub_upload.checkpoint import checkpoint_path

    return checkpoint_path(name)


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


__all__ = ["load_pipeline", "model_place"]
