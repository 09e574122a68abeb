"""Writes a checkpoint whose matrices are integers, INT8 or NF4, by bitsandbytes.

The schemes are INT8 (LLM.int8(), Dettmers et al. 2022, arXiv:2208.07339) and NF4 with double quantisation (QLoRA,
Dettmers et al. 2023, arXiv:2305.14314).

Notable: it loads as it is, in a fraction of the time and memory of quantising at each load. What is not quantised (see
`modeling_redheart.quantization.kept_modules`) is stored in bfloat16, and the operations between the matrices are
computed in bfloat16, or in float32 with ``from_pretrained(folder, dtype=torch.float32)``.
"""

import re
from importlib.util import find_spec
from pathlib import Path

import torch
from transformers import AutoTokenizer

from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.extras import missing
from ..configuration.labels import closest
from ..modeling_redheart.modeling_redheart import RedHeartPreTrainedModel
from ..modeling_redheart.quantization import SCHEMES, cast_kept
from ..modeling_redheart.stored_int8 import keeps_integers
from ..storage.files import sum_lines
from ..storage.folders import new_folder, whole_or_nothing
from ..storage.strict_loading import SUMS, load_strict, weight_files

# Code, tokenizer, card, header: bytes of the checkpoint beside its weights.
_OTHER_BYTES = 8_000_000


def quantize(source: Path, folder: Path, scheme: str) -> Path:
    """Write a quantised checkpoint: config, weights with their sums, tokenizer, model card, remote code.

    Args:
        source: Folder of the checkpoint to quantise.
        folder: Folder to write to; new or empty.
        scheme: One of `SCHEMES`, "int8" or "nf4".

    Returns:
        The absolute path of the folder, which appears only when it is whole and has been loaded strictly.

    Raises:
        ValueError: For an unknown scheme, and for a source that is quantised already or does not load strictly.
        FileExistsError: For a folder that is not empty.
        ImportError: Without bitsandbytes or accelerate.
        OSError: For a full disk or a missing permission; the message has the remedy.
    """
    if scheme not in SCHEMES:
        raise ValueError(f"No scheme {scheme!r}; {closest(scheme, SCHEMES)}")
    if not all(find_spec(name) for name in ("accelerate", "bitsandbytes")):
        error = missing("Quantising needs bitsandbytes and accelerate", "quantize")
        raise error
    target = new_folder(folder)
    _check_source(source)
    model = _quantized(source, scheme)
    needed = sum(value.nbytes for value in model.state_dict().values()) + _OTHER_BYTES
    with whole_or_nothing(target, needed) as partial:
        model.save_pretrained(partial)
        (partial / SUMS).write_text(sum_lines(weight_files(partial)), encoding="utf-8")
        if (source / "tokenizer_config.json").is_file():
            AutoTokenizer.from_pretrained(source).save_pretrained(partial)
        _write_card(source, partial, scheme)
        load_strict(partial)
    return target


def _check_source(source: Path) -> None:
    if not (source / "config.json").is_file():
        raise ValueError(
            f"{source} is not a checkpoint folder: it has no config.json. Name the folder of a checkpoint."
        )
    options, _ = RedHeartConfig.get_config_dict(source)
    if keeps_integers(options):
        raise ValueError(f"{source} is quantised already; quantise the float checkpoint that it was made from.")


def _quantized(source: Path, scheme: str) -> RedHeartPreTrainedModel:
    """The model, quantised from float32; only after that the rest becomes bfloat16."""
    model = load_strict(source, dtype=torch.float32, quantization_config=SCHEMES[scheme])
    cast_kept(model, torch.bfloat16)
    model.config.dtype = torch.bfloat16
    return model


def _write_card(source: Path, folder: Path, scheme: str) -> None:
    """Write the card of ``source``, if it has one, with a note that its figures are of the weights before."""
    card = source / "README.md"
    if card.is_file():
        text = card.read_text(encoding="utf-8")
        header = re.match(r"(---\n.*?\n---\n)?\n*", text, re.DOTALL)
        body = header.end() if header else 0
        note = f"> The weights are quantised to **{scheme.upper()}**; the figures are of the weights before.\n\n"
        (folder / card.name).write_text(text[:body] + note + text[body:], encoding="utf-8")


__all__ = ["quantize"]
