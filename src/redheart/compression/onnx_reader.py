"""Reads texts with an exported model: onnxruntime computes, and the result is the model's own typed output.

Notable: an `OnnxReader` replaces the `RedHeartModel` where texts are only read, as in `evaluation`. Its outputs and its
depth are those of the export.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import SequenceClassifierOutput

from ..configuration.claims import CLAIMS
from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.errors import CheckpointError
from ..configuration.extras import missing
from ..configuration.inputs import check_depth, check_outputs
from ..modeling_redheart.outputs import PARTS, RedHeartOutput

GRAPH = "model.onnx"


class _Graph(nn.Module):
    """A graph in a folder that `export_onnx` wrote, on as many threads as torch uses.

    It has no parameters and no gradient. ``config`` is that of the model.

    Args:
        folder: Folder of the exported model.

    Raises:
        CheckpointError: For a folder without an exported model.
        ImportError: Without onnxruntime.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        try:
            import onnxruntime
        except ImportError as error:
            raise missing("Reading an exported model needs onnxruntime", "onnx") from error
        if not (folder / GRAPH).is_file():
            raise CheckpointError(f"{folder} has no {GRAPH}; `export_onnx` writes such a folder.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3  # errors
        self.session: Any = onnxruntime.InferenceSession(folder / GRAPH, options, providers=["CPUExecutionProvider"])
        self.config: RedHeartConfig = RedHeartConfig.from_pretrained(folder)
        self.about: dict[str, str] = self.session.get_modelmeta().custom_metadata_map
        self._nbytes = sum(path.stat().st_size for path in folder.glob(f"{GRAPH}*"))

    @property
    def device(self) -> torch.device:
        """The CPU, where the graph computes."""
        return torch.device("cpu")

    def num_parameters(self) -> int:
        """Number of parameters of the model that was exported."""
        return int(self.about["parameters"])

    def get_memory_footprint(self) -> int:
        """Bytes of the graph and its weights."""
        return self._nbytes

    def run(
        self, names: Sequence[str], input_ids: Tensor, attention_mask: Tensor | None, token_type_ids: Tensor | None
    ) -> dict[str, Tensor]:
        """Run the graph.

        Args:
            names: Names of the outputs to compute.
            input_ids: (batch, tokens).
            attention_mask: (batch, tokens); None = all ones.
            token_type_ids: (batch, tokens), 0 everywhere, or None.

        Returns:
            The outputs by name.

        Raises:
            CheckpointError: For a text that is too long, and for tokens of a second segment.
        """
        if token_type_ids is not None and bool(token_type_ids.any()):
            raise CheckpointError("An exported model reads one text at a time; `token_type_ids` must be 0 everywhere.")
        if input_ids.shape[1] > self.config.longest_text:
            raise CheckpointError(
                f"A text of {input_ids.shape[1]} tokens is longer than this model's {self.config.longest_text}; "
                "tokenize with `truncation=True`."
            )
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        given = {"input_ids": input_ids, "attention_mask": mask}
        feeds = {name: value.to("cpu", torch.long).numpy() for name, value in given.items()}
        values = self.session.run(list(names), feeds)
        return {name: torch.from_numpy(value) for name, value in zip(names, values, strict=True)}


class OnnxReader(_Graph):
    """An exported `RedHeartModel`. ``outputs`` and ``depth`` are those of the export. Raises as `_Graph` does."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.outputs: list[str] = json.loads(self.about["outputs"])
        self.depth: str = self.about["depth"]

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        outputs: Sequence[str] | None = None,
        depth: str | None = None,
        token_budget: int | None = None,
    ) -> RedHeartOutput:
        """Read texts, as `RedHeartModel.forward` does.

        Args:
            input_ids: (batch, tokens).
            attention_mask: (batch, tokens); None = all ones.
            token_type_ids: (batch, tokens), 0 everywhere, or None.
            outputs: Which of the exported outputs to return; None = all. Their values do not depend on this choice: the
                verdict and the confidence are those of all exported outputs together.
            depth: Must be the exported one, or None.
            token_budget: Must be None.

        Returns:
            The typed output.

        Raises:
            CheckpointError: For an output or depth that was not exported, a token budget, a text that is too long, and
                tokens of a second segment.
        """
        wanted = self._check_request(outputs, depth, token_budget)
        names = [item.name for item in self.session.get_outputs() if _output_of(item.name) in {*wanted, None}]
        return _nested(self.run(names, input_ids, attention_mask, token_type_ids))

    def _check_request(self, outputs: Sequence[str] | None, depth: str | None, token_budget: int | None) -> set[str]:
        if check_depth(depth or self.depth) != self.depth:
            raise CheckpointError(
                f"This model was exported at depth={self.depth!r}, not {depth!r}; export it at that depth."
            )
        if token_budget is not None:
            raise CheckpointError("An exported model keeps all tokens; leave `token_budget` out.")
        wanted = set(self.outputs if outputs is None else check_outputs(outputs, self.depth))
        for name in sorted(wanted):
            if name not in self.outputs:
                raise CheckpointError(
                    f"This model was exported without the output {name!r}, only with {', '.join(self.outputs)}; "
                    "export it again with that output."
                )
        return wanted


class OnnxClassifier(_Graph):
    """An exported `RedHeartForSequenceClassification`. Raises as `_Graph` does."""

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> SequenceClassifierOutput:
        """Classify texts, as `RedHeartForSequenceClassification.forward` does."""
        logits: Any = self.run(["logits"], input_ids, attention_mask, token_type_ids)["logits"]
        return SequenceClassifierOutput(logits=logits)


def open_graph(folder: Path) -> OnnxReader | OnnxClassifier:
    """The exported model in ``folder``, of either kind. Raises as `_Graph` does."""
    return (OnnxClassifier if RedHeartConfig.from_pretrained(folder).is_classifier else OnnxReader)(folder)


def _output_of(tensor: str) -> str | None:
    """The one of `claims.OUTPUTS` that the tensor of this name belongs to; None for a tensor of all of them."""
    part = tensor.partition(".")[0]
    return next((claim.output for claim in CLAIMS.values() if claim.tensor.partition(".")[0] == part), None)


def _nested(tensors: dict[str, Tensor]) -> RedHeartOutput:
    """The typed output from tensors by dotted name."""
    parts: dict[str, Any] = {}
    for name, value in tensors.items():
        part, _, field = name.partition(".")
        if field:
            parts.setdefault(part, {})[field] = value
        else:
            parts[part] = value
    typed: dict[str, Any] = {part: PARTS[part](**value) if part in PARTS else value for part, value in parts.items()}
    return RedHeartOutput(**typed)


__all__ = ["GRAPH", "OnnxClassifier", "OnnxReader", "open_graph"]
