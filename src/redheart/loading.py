"""The pipeline that a command reads with, from a name on the command line."""

from typing import TYPE_CHECKING

from .configuration.shipped import checkpoint_path

if TYPE_CHECKING:
    from .modeling_redheart.pipeline_redheart import EthicalAnalysisPipeline


def load_text_pipeline(name: str) -> "EthicalAnalysisPipeline":
    """As `load_pipeline`; of a classifier a `LabelPipeline`."""
    place = checkpoint_path(name)

    from .compression.readers import is_classifier, load_any
    from .measuring import quiet
    from .modeling_redheart.pipeline_labels import LabelPipeline
    from .modeling_redheart.pipeline_redheart import EthicalAnalysisPipeline

    quiet()
    model, tokenizer = load_any(place)
    kind = LabelPipeline if is_classifier(model) else EthicalAnalysisPipeline
    return kind(model=model, tokenizer=tokenizer, task=kind.task_name)


def load_pipeline(name: str) -> "EthicalAnalysisPipeline":
    """The pipeline of a checkpoint, an exported model or an adapter, checked as it loads. name: of `checkpoint_path`.

    Raises what `compression.readers.load_reader` raises.
    """
    place = checkpoint_path(name)

    from .compression.readers import load_reader
    from .measuring import quiet
    from .modeling_redheart.pipeline_redheart import TASK, EthicalAnalysisPipeline

    quiet()
    model, tokenizer = load_reader(place)
    return EthicalAnalysisPipeline(model=model, tokenizer=tokenizer, task=TASK)


__all__ = ["load_pipeline", "load_text_pipeline"]
