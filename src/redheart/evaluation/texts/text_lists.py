"""The lists of texts that ship with the evaluation: JSON lines beside the code, written by hand, never trained on."""

import json
from importlib.resources import files
from typing import Any

LANGUAGES = ("en", "ko")


def text_list(name: str) -> list[dict[str, Any]]:
    """Read a list of texts.

    Args:
        name: Name of the list ("plain_facts").

    Returns:
        Its rows: objects with ``text``, ``language`` and what the list adds.

    Raises:
        FileNotFoundError: For a list that does not exist.
    """
    lines = (files(__package__) / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


__all__ = ["LANGUAGES", "text_list"]
