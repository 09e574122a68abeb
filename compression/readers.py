"""Loads whatever texts can be read with: a checkpoint, quantised or not, an exported graph, an adapter on its base."""

from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from ..configuration.shipped import ADAPTER, checkpoint_path
from ..hub_upload.checkpoint import load_strict
from ..modeling_redheart.modeling_redheart import RedHeartModel
from .onnx_reader import GRAPH, OnnxReader


def load_reader(name_or_path: str | Path, **options: Any) -> tuple[Any, PreTrainedTokenizerBase]:
    """What reads with ``name_or_path``, and its tokenizer: a `RedHeartModel`, an `OnnxReader` for the folder of an
    exported model, or a `PeftModel` for that of an adapter, on the base that its record names.

    name_or_path: see `checkpoint_path`. options: of `load_strict`; an exported model takes none of them.

    Raises what `load_strict`, `OnnxReader` and `adapters.load_adapter` raise.
    """
    place = checkpoint_path(str(name_or_path))
    model = _read(place, **options)  # first: what is wrong with a folder, this tells best
    return model, AutoTokenizer.from_pretrained(place)


def _read(place: str, **options: Any) -> Any:
    folder = Path(place)
    if (folder / GRAPH).is_file():
        return OnnxReader(folder)
    if (folder / ADAPTER).is_file():
        from ..training.adapters import load_adapter, read_record

        return load_adapter(read_record(folder).base, folder, **options)
    return load_strict(place, RedHeartModel, **options)


__all__ = ["ADAPTER", "load_reader"]
