"""The handler of an Inference Endpoint. The model's repository has a copy of it.

Notable: it uses what is in that folder (weights, tokenizer, code) and transformers, and nothing else; so its errors are
`ValueError`, not the family of the library, which the endpoint does not have.
"""

import json
from pathlib import Path
from typing import Any

import torch
from transformers import pipeline

# The task of each class that a checkpoint can be saved from.
_TASKS = {"RedHeartModel": "ethical-analysis", "RedHeartForSequenceClassification": "text-classification"}


class EndpointHandler:
    """Reads texts with the model in a folder."""

    def __init__(self, path: str = "") -> None:
        """Load the model.

        Args:
            path: Folder of the repository.

        Raises:
            ValueError: When the folder has no config of this family.
        """
        folder = Path(path or ".").resolve()
        config = folder / "config.json"
        if not config.is_file():
            raise ValueError(f"{folder} has no config.json; give the folder of the model's repository.")
        names = json.loads(config.read_text(encoding="utf-8")).get("architectures") or ["none"]
        if names[0] not in _TASKS:
            raise ValueError(f"{config} names the class {names[0]!r}; known are {', '.join(_TASKS)}.")
        make: Any = pipeline  # typed for the built-in tasks only
        device = 0 if torch.cuda.is_available() else -1
        self.pipeline = make(_TASKS[names[0]], model=str(folder), device=device, trust_remote_code=True)

    def __call__(self, data: dict[str, Any]) -> list[Any]:
        """Read texts.

        Args:
            data: ``inputs``, a text or a list of texts; ``parameters``, options of the pipeline by name, may be missing
                (``outputs``, ``depth``, ``token_budget``, ``include_untrained``, ``batch_size``).

        Returns:
            A reading for each text, in a list also for a single text.

        Raises:
            ValueError: When ``data`` has wrong keys or types, a text with nothing to read, or an unknown parameter or
                value.
        """
        if not isinstance(data, dict) or "inputs" not in data:
            raise ValueError(f'Send {{"inputs": "a text"}}, or a list of texts; got {_short(data)}.')
        if unknown := sorted(set(data) - {"inputs", "parameters"}):
            raise ValueError(f'Unknown key {unknown[0]!r}; known are "inputs" and "parameters".')
        inputs, parameters = data["inputs"], data.get("parameters")
        texts = [inputs] if isinstance(inputs, str) else inputs
        if not isinstance(texts, list):
            raise ValueError(f'"inputs" must be a text or a list of texts, got {_short(inputs)}.')
        # The pipeline of readings reports a text that it cannot read; that of transformers takes any text.
        for index, text in enumerate(texts if self.pipeline.task == "text-classification" else ()):
            if not isinstance(text, str) or not text.strip():
                raise ValueError(f'"inputs" must be texts with something to read; number {index} is {_short(text)}.')
        if parameters is not None and not isinstance(parameters, dict):
            raise ValueError(f'"parameters" must be names with their values, got {_short(parameters)}.')
        readings: list[Any] = self.pipeline(texts, **(parameters or {})) if texts else []
        return readings


def _short(value: Any) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 80 else f'{text[:77]}...'}"


__all__ = ["EndpointHandler"]
