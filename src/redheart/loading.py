"""The pipeline that a command reads with, from a name on the command line."""

from typing import TYPE_CHECKING

from .configuration.shipped import checkpoint_path

if TYPE_CHECKING:
    from .modeling_redheart.pipeline_redheart import EthicalAnalysisPipeline


def load_pipeline(name: str) -> "EthicalAnalysisPipeline":
    """Load the pipeline of a checkpoint, an exported model or an adapter; raises as `readers.load_reader`.

    Args:
        name: See `checkpoint_path`.

    Returns:
        The pipeline, whose model was loaded strictly.
    """
    return _load(name, classifiers=False)


def load_text_pipeline(name: str, device: str | int | None = None) -> "EthicalAnalysisPipeline":
    """Load a pipeline like `load_pipeline`, onto ``device``; that of a classifier is a `LabelPipeline`."""
    return _load(name, classifiers=True, device=device)


def _load(name: str, classifiers: bool, device: str | int | None = None) -> "EthicalAnalysisPipeline":
    place = checkpoint_path(name)  # before torch is imported

    from .modeling_redheart.pipeline_labels import LabelPipeline
    from .modeling_redheart.pipeline_redheart import EthicalAnalysisPipeline
    from .readers import is_classifier, load_any, load_reader
    from .storage.quiet import silence_libraries

    silence_libraries()
    model, tokenizer = (load_any if classifiers else load_reader)(place)
    kind = LabelPipeline if is_classifier(model) else EthicalAnalysisPipeline
    return kind(model=model, tokenizer=tokenizer, task=kind.task_name, device=device)


__all__ = ["load_pipeline", "load_text_pipeline"]
