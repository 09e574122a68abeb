"""A checkpoint that `sentence_transformers.SentenceTransformer` loads, too: it gives the model's own embedding.

    write_sentence_folder(Path("redheart-100m"), Path("redheart-100m-sentence-transformers"))

    SentenceTransformer("redheart-100m-sentence-transformers", trust_remote_code=True)

The folder is the checkpoint as it is, with its code (`storage.remote_code`), so that this package need not be
installed, and three small files that say which method gives the embedding. A text is cut at the longest window
(`config.longest_text`), where `pipeline()` would read several.

Notable: the embedding passes the layer crossover, the token budget and the latent memory, which no plain architecture
has; so it needs the code, and only an approximation (`views.plain`) does without. The folder appears only when
sentence-transformers has loaded it and its embeddings are the model's.
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer

from ..configuration.extras import missing
from ..modeling_redheart.modeling_redheart import RedHeartModel
from ..storage.folders import new_folder, whole_or_nothing
from ..storage.remote_code import add_auto_map, bundle_code
from ..storage.strict_loading import SUMS, checkpoint_path, load_strict, weight_files

# Largest difference between an element of an embedding of the folder and the model's own.
TOLERANCE = 1e-5
_INPUT_MODULE = "sentence_transformers.base.modules.transformer.Transformer"
_SAMPLES = (
    "I told my sister's secret to her fiancé.",
    "He waited.",
    "나는 친구의 비밀을 지켰다.",
    "She lent me her car, and I brought it back with an empty tank. " * 40,
)


def write_sentence_folder(source: Path, folder: Path, include_untrained: bool = False) -> Path:
    """Write a checkpoint as a folder for sentence-transformers, with its code.

    Args:
        source: Folder of a checkpoint, or the name of one that ships.
        folder: Folder to write to; new or empty.
        include_untrained: Write an embedding that nothing supervised, too; the README of the folder then says so.

    Returns:
        The absolute path of the folder, which appears only when its embeddings are the model's up to `TOLERANCE`.

    Raises:
        ValueError: For a checkpoint whose embedding nothing supervised, and where the embeddings differ.
        FileExistsError: For a folder that is not empty.
        ImportError: Without sentence-transformers.
        OSError: For a full disk or a missing permission; the message has the remedy.
    """
    need_sentence_transformers()
    target, place = new_folder(folder), Path(checkpoint_path(str(source)))
    model: Any = load_strict(place, RedHeartModel)
    check_supervised(model, ("embedding",), include_untrained)
    tokenizer: Any = AutoTokenizer.from_pretrained(place)
    weights = weight_files(place)
    with whole_or_nothing(target, sum(path.stat().st_size for path in weights)) as partial:
        for path in (*weights, *(place / name for name in ("config.json", "model.safetensors.index.json", SUMS))):
            if path.is_file():
                shutil.copyfile(path, partial / path.name)
        tokenizer.padding_side = "right"  # positions count from the start
        tokenizer.save_pretrained(partial)
        bundle_code(partial)
        add_auto_map(partial)
        for name, content in _settings(model.config.longest_text).items():
            (partial / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        (partial / "README.md").write_text(_card(place.name, model.config.supervision), encoding="utf-8")
        _compare(model.eval(), tokenizer, partial)
    return target


def check_supervised(model: RedHeartModel, claims: Sequence[str], include_untrained: bool = False) -> None:
    """Raise `ValueError` where nothing supervised one of ``claims``, unless that is asked for.

    Args:
        model: The model.
        claims: Record keys.
        include_untrained: Whether it is asked for.

    Raises:
        ValueError: With the first such claim.
    """
    untrained = [name for name in claims if not model.config.supervision.get(name)]
    if untrained and not include_untrained:
        raise ValueError(
            f"Nothing supervised {untrained[0]!r} in this model, so a reading withholds it; take a model that learned "
            "it, or ask for it all the same with --include-untrained."
        )


def need_sentence_transformers() -> None:
    """Raise `ImportError` without sentence-transformers."""
    if find_spec("sentence_transformers") is None:
        error = missing("Folders for sentence-transformers need that library", "sentence")
        raise error


def _card(name: str, record: Mapping[str, Sequence[str]]) -> str:
    """The README of the folder."""
    sources = ", ".join(record.get("embedding", ())) or "nothing: the model withholds it from a reading"
    return (
        f"# The embedding of {name}\n\nFor `SentenceTransformer(..., trust_remote_code=True)`. What supervised the "
        f"embedding: {sources}.\n"
    )


def _settings(longest: int) -> dict[str, Any]:
    """File -> what sentence-transformers reads there."""
    method = {"method": "embed", "method_output_name": None}
    return {
        "modules.json": [{"idx": 0, "name": "0", "path": "", "type": _INPUT_MODULE}],
        "sentence_bert_config.json": {
            "transformer_task": "feature-extraction",
            "modality_config": {"text": method},
            "module_output_name": "sentence_embedding",
            "max_seq_length": longest,
        },
        "config_sentence_transformers.json": {
            "model_type": "SentenceTransformer",
            "__version__": {name: version(name) for name in ("sentence-transformers", "transformers", "torch")},
            "prompts": {},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    }


def _compare(model: Any, tokenizer: Any, folder: Path) -> None:
    """Raise `ValueError` unless sentence-transformers gives the model's own embeddings from ``folder``."""
    from sentence_transformers import SentenceTransformer

    longest = {"truncation": True, "max_length": model.config.longest_text}
    tokens = tokenizer(list(_SAMPLES), padding=True, return_tensors="pt", **longest)
    with torch.inference_mode():
        expected = model.embed(tokens["input_ids"], tokens["attention_mask"])
    # With this package imported, its classes are used, and no copy of the code stays in the cache of remote code.
    loaded = SentenceTransformer(os.fspath(folder), device="cpu", local_files_only=True)
    found = loaded.encode(list(_SAMPLES), convert_to_tensor=True, show_progress_bar=False)
    difference = float((found - expected).abs().max())
    if not difference <= TOLERANCE:  # also where it is NaN
        raise ValueError(
            f"sentence-transformers gives other embeddings than the model, by up to {difference:.2g}. "
            "Nothing was written."
        )


__all__ = ["TOLERANCE", "check_supervised", "need_sentence_transformers", "write_sentence_folder"]
