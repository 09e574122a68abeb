"""What every reading says of its text: how much of it was read, whether it can be, and what it tells of."""

from collections.abc import Mapping
from typing import Any

from .risk import risks
from .speakers import count_speakers


def text_flags(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The flags of one text.

    outputs: what `windows.merge` gives: ``text``, ``attention_mask`` (1, tokens), ``truncated``, ``unknown_tokens`` and
    ``windows`` (1,).
    """
    text = str(outputs["text"])
    return {
        "windows": int(outputs["windows"][0]),
        "truncated": bool(outputs["truncated"][0]),
        "tokens": int(outputs["attention_mask"].sum()),
        "unknown_tokens": float(outputs["unknown_tokens"][0]),
        "no_letters": not any(char.isalpha() for char in text),
        "speakers": count_speakers(text),
        "risk": risks(text),
    }


__all__ = ["text_flags"]
