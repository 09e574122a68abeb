"""Texts that are longer than the model reads at once: overlapping windows, whose readings are merged into one.

A text of more tokens than fit is cut into as few windows as reach, all of about the same length, neighbours sharing
`OVERLAP` tokens. A value for the whole text is the mean over the windows, where the weight of a window is the number of
tokens that it is the first to read; values for a token, or for a part of the text, are joined one after the other.

Notable: where the model gives logits, the mean is one of logits (a geometric mean of odds), which one confident window
cannot outvote. `benchmarks/windows.py` compares this rule with others.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from ..configuration.errors import InputError
from .emotion import segment_index

OVERLAP = 64
MOST_WINDOWS = 32

# Values for each token; all other values are for the text.
_BY_TOKEN = ("input_ids", "attention_mask", "special_tokens_mask", "offset_mapping", "importance", "segments")


def cut(tokenizer: PreTrainedTokenizerBase, text: str, longest: int) -> tuple[list[dict[str, Tensor]], bool]:
    """Cut a text into windows.

    Args:
        tokenizer: A fast tokenizer.
        text: The text.
        longest: Maximum number of tokens of a window, the special ones included.

    Returns:
        The windows, and whether the last of `MOST_WINDOWS` does not reach the end of the text. A window is
        ``input_ids``, ``attention_mask``, ``special_tokens_mask``, ``(1, tokens)`` each, and ``offset_mapping``,
        ``(1, tokens, 2)``, in characters of the whole text.
    """
    tokenize: Any = tokenizer
    described = dict.fromkeys(("return_attention_mask", "return_offsets_mapping", "return_special_tokens_mask"), True)
    encoded = tokenize([text], **described, verbose=False)
    special = tokenize.num_special_tokens_to_add()
    whole, room = len(encoded["input_ids"][0]) - special, longest - special
    if whole > room:
        overlap = min(OVERLAP, room // 4)
        count = min(-(-(whole - overlap) // (room - overlap)), MOST_WINDOWS)
        length = min(room, -(-(whole + (count - 1) * overlap) // count))
        parts = {"truncation": True, "max_length": length + special, "stride": overlap}
        encoded = tokenize([text], **described, **parts, return_overflowing_tokens=True)
    count = min(len(encoded["input_ids"]), MOST_WINDOWS)
    names = [name for name in encoded if name != "overflow_to_sample_mapping"]
    windows = [{name: torch.tensor([encoded[name][index]]) for name in names} for index in range(count)]
    return windows, len(encoded["input_ids"]) > count


def first_read(windows: Sequence[Mapping[str, Tensor]]) -> list[Tensor]:
    """Return for each window which of its tokens cover text that no window before it has: bool (tokens,) each."""
    end, found = 0, []
    for window in windows:
        offsets = window["offset_mapping"][0]
        words = window["attention_mask"][0].bool() & ~window["special_tokens_mask"][0].bool()
        found.append(words & (offsets[:, 0] >= end) if end else words)
        end = max(end, int(offsets[words][:, 1].max())) if bool(words.any()) else end
    return found


def weights_of(own: Sequence[Tensor]) -> list[float]:
    """Return the weight of each window, summing to 1; ``own`` is the result of `first_read`."""
    sizes = [max(1, int(tokens.sum())) for tokens in own]
    return [size / sum(sizes) for size in sizes]


def merge(windows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Merge the outputs of a text's windows (see `cut`) into those of the text.

    Args:
        windows: Outputs of each window by dotted name, with a batch of one.

    Returns:
        The outputs of the text in the same form, with ``segments`` ``(1, tokens)``: the part of the arc that a token is
        in, -1 for none, numbered through all windows.

    Raises:
        InputError: When there are no windows.
    """
    if not windows:
        raise InputError("There are no windows to merge; give at least one.")
    parts = [_with_segments(window, index) for index, window in enumerate(windows)]
    if len(parts) == 1:
        return parts[0]
    own = first_read(parts)
    weights = weights_of(own)
    own[0] = parts[0]["attention_mask"][0].bool()  # the special tokens count once, in the first window
    merged: dict[str, Any] = {"text": parts[0]["text"]}
    for name, first in parts[0].items():
        values = [part[name] for part in parts]
        if name in _BY_TOKEN:
            merged[name] = torch.cat([value[:, kept] for value, kept in zip(values, own, strict=True)], dim=1)
        elif name.startswith("emotion.arc_"):
            merged[name] = torch.cat(values, dim=1)
        elif name == "recovered":
            merged[name] = torch.stack(values).any(dim=0)
        elif isinstance(first, Tensor) and first.is_floating_point():
            mean = sum(weight * value.float() for weight, value in zip(weights, values, strict=True))
            merged[name] = torch.nn.functional.normalize(mean, dim=-1) if name == "embedding" else mean
        elif isinstance(first, Tensor):
            merged[name] = first  # the same for all windows of a text
    return merged


def _with_segments(window: Mapping[str, Any], index: int) -> dict[str, Any]:
    if "emotion.arc_logits" not in window:
        return dict(window)
    count = window["emotion.arc_logits"].shape[1]
    segments = segment_index(window["attention_mask"].bool(), count)
    return {**window, "segments": torch.where(segments >= 0, segments + index * count, -1)}


__all__ = ["MOST_WINDOWS", "OVERLAP", "cut", "first_read", "merge", "weights_of"]
