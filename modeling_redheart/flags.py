"""Flags of the text in every reading: how much of it was read, how readable it is, and what risks it mentions."""

from collections.abc import Mapping
from typing import Any

from .risk import risks
from .speakers import count_speakers


def text_flags(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Compute the flags of one text.

    Args:
        outputs: What `windows.merge` returns: ``text``, ``attention_mask`` ``(1, tokens)``, and ``truncated``,
            ``unknown_tokens`` and ``windows``, ``(1,)`` each.

    Returns:
        The flags by name: ``windows``, ``truncated``, ``tokens``, ``unknown_tokens``, ``no_letters``, ``speakers`` and
        ``risk``; see `EthicalAnalysisPipeline.postprocess`.
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
