"""Loads any model that can read texts: checkpoints (quantised or not), exported graphs, adapters, and classifiers."""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from .compression.onnx_reader import GRAPH, OnnxClassifier, open_graph
from .configuration.errors import CheckpointError
from .configuration.shipped import ADAPTER, checkpoint_path
from .modeling_redheart.classification import RedHeartForSequenceClassification
from .storage.strict_loading import load_strict


def load_reader(name_or_path: str | Path, **options: Any) -> tuple[Any, PreTrainedTokenizerBase]:
    """Load an analysis model and its tokenizer; raises as `load_strict`, `OnnxReader` and `adapters.load_adapter`.

    Args:
        name_or_path: See `checkpoint_path`.
        **options: Of `load_strict`; an exported model takes none of them.

    Returns:
        A `RedHeartModel`, an `OnnxReader` for the folder of an exported model, or a `PeftModel` for that of an adapter,
        on the base that its record names; and the tokenizer.

    Raises:
        CheckpointError: For a classifier, which gives no reading (see `load_any`).
    """
    model, tokenizer = load_any(name_or_path, **options)
    if is_classifier(model):
        labels = ", ".join(model.config.class_names)
        raise CheckpointError(
            f"{name_or_path} holds a classifier ({labels}), and this reads with an analysis model. `redheart analyze` "
            "and pipeline('text-classification') read with a classifier; `redheart export` and `push` accept it, too."
        )
    return model, tokenizer


def load_for_evaluation(name: str) -> tuple[Any, PreTrainedTokenizerBase, Path]:
    """Load a model in float32, by a shipped name or a folder: what `load_reader` gives, and the model's folder."""
    model, tokenizer = load_reader(name, dtype=torch.float32)
    return model, tokenizer, Path(checkpoint_path(name))


def load_any(name_or_path: str | Path, **options: Any) -> tuple[Any, PreTrainedTokenizerBase]:
    """Load like `load_reader`, and also a `RedHeartForSequenceClassification` or, if exported, an `OnnxClassifier`."""
    place = checkpoint_path(str(name_or_path))
    model = _read(place, **options)  # first, because its errors describe a faulty folder best
    return model, AutoTokenizer.from_pretrained(place)


def is_classifier(model: Any) -> bool:
    """Whether ``model``, from `load_any`, gives labels instead of a reading."""
    return isinstance(model, (RedHeartForSequenceClassification, OnnxClassifier))


def _read(place: str, **options: Any) -> Any:
    folder = Path(place)
    if (folder / GRAPH).is_file():
        return open_graph(folder)
    if (folder / ADAPTER).is_file():
        from .training.runs.adapter_records import read_record
        from .training.runs.adapters import load_adapter

        return load_adapter(read_record(folder).base, folder, **options)
    return load_strict(place, **options)


__all__ = ["ADAPTER", "is_classifier", "load_any", "load_for_evaluation", "load_reader"]
