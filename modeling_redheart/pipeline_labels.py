"""Texts in, a classifier's labels out, in the form that `redheart analyze` shows.

Notable: texts are checked, and long ones read in windows, as for an analysis; transformers' own `text-classification`
pipeline reads with a classifier, too, but does neither.
"""

import inspect
from collections.abc import Sequence
from typing import Any

import torch

from ..configuration.errors import InputError
from ..configuration.labels import closest
from .flags import text_flags
from .pipeline_redheart import EthicalAnalysisPipeline, named_tensors, split_inputs
from .windows import merge

_PARAMETERS = ("batch_size", "num_workers")
# Options of an analysis, at the value that changes nothing.
_DEFAULTS = {"outputs": None, "depth": "full", "token_budget": None, "include_untrained": False, "guarantee": None}
# Flags of an analysis that are always empty for a classifier.
_ANALYSIS_FLAGS = ("recovered", "withheld", "derived", "untrained")
# From this probability on a label is asserted where a text can have several.
_ASSERTED = 0.5


class LabelPipeline(EthicalAnalysisPipeline):
    """Reads texts with a `RedHeartForSequenceClassification` and its (fast) tokenizer.

    It takes the inputs of `EthicalAnalysisPipeline`, and of its options only the defaults; see `postprocess` for the
    result. It raises `ValueError` as that pipeline does.
    """

    task_name = "text-classification"

    @classmethod
    def _check_model(cls, model: Any) -> None:
        if "outputs" in inspect.signature(model.forward).parameters:
            raise InputError(f"{cls.task_name!r} needs a classifier, got {type(model).__name__}.")

    def _sanitize_parameters(self, **parameters: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        parameters.pop("local_files_only", None)
        for name, value in parameters.items():
            if name not in _PARAMETERS and not (name in _DEFAULTS and value in (None, _DEFAULTS[name])):
                raise InputError(f"A classifier takes no parameter {name!r}; {closest(name, _PARAMETERS)}")
        return {}, {name: value for name, value in parameters.items() if name in _PARAMETERS}, {}

    def _forward(self, input_tensors: dict[str, Any]) -> dict[str, Any]:  # type: ignore[override]
        inputs, described = split_inputs(input_tensors)
        return {**named_tensors(self.model(**inputs)), **described}

    def postprocess(self, model_outputs: Sequence[dict[str, Any]]) -> dict[str, Any]:  # type: ignore[override]
        """Make the labels of one text from the logits of its windows.

        Args:
            model_outputs: What `_forward` returned for each window.

        Returns:
            A reading with one part. ``text``; ``classification``: ``labels`` {name: probability}, and ``label``, the
            most probable one, or ``asserted``, those of 0.5 and more where a text can have several; for a regression
            only ``values`` {name: number}; ``rated_by``, ``ranges`` and ``flags`` as of an analysis.

        Raises:
            InputError: When a logit is not finite.
        """
        outputs = merge(model_outputs)
        text, logits = str(outputs["text"]), outputs["logits"][0].double()
        if not bool(logits.isfinite().all()):
            raise InputError(f"The model's logits are not finite (NaN or infinite) for the text {text[:40]!r}.")
        found = self._classification(logits)
        return {
            "text": text,
            "classification": found,
            "rated_by": {},
            "ranges": {"classification.labels": [0, 1]} if "labels" in found else {},
            "flags": {**text_flags(outputs), **{name: [] for name in _ANALYSIS_FLAGS}},
        }

    def _classification(self, logits: torch.Tensor) -> dict[str, Any]:
        config: Any = self.model.config
        names = config.class_names
        kind = config.problem_type or ("regression" if len(names) == 1 else "single_label_classification")
        if kind == "regression":
            return {"values": dict(zip(names, logits.tolist(), strict=True))}
        several = kind == "multi_label_classification"
        labels = dict(zip(names, (logits.sigmoid() if several else logits.softmax(-1)).tolist(), strict=True))
        ranked = sorted(labels, key=lambda name: -labels[name])
        if several:
            return {"labels": labels, "asserted": [name for name in ranked if labels[name] >= _ASSERTED]}
        return {"labels": labels, "label": ranked[0]}


__all__ = ["LabelPipeline"]
