"""`pipeline("ethical-analysis")`: texts in, readings of plain Python values out.

Notable: texts are checked before anything runs; one text, a list, and a lazy stream give the same readings, batched or
not; claims that nothing supervised are withheld unless asked for (see `reading.py`).
"""

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModel
from transformers.pipelines import PIPELINE_REGISTRY
from transformers.pipelines.base import ChunkPipeline
from transformers.utils.generic import ModelOutput

from ..configuration.errors import InputError
from ..configuration.inputs import check_batch_size, check_guaranteed, check_options, check_text
from ..configuration.labels import OUTPUTS, closest
from .derived import is_derived
from .guaranteed import guaranteed, valid_guarantee
from .reading import Reading
from .text_sources import texts_in
from .windows import cut, merge

TASK = "ethical-analysis"

_BASE_PARAMETERS = ("batch_size", "num_workers")
_PARAMETERS = ("outputs", "depth", "token_budget", "include_untrained", "guarantee", *_BASE_PARAMETERS)
# What describes the text and is not given to the model.
_TEXT_KEYS = ("offset_mapping", "special_tokens_mask", "truncated", "unknown_tokens", "windows", "text", "is_last")


class EthicalAnalysisPipeline(ChunkPipeline):
    """Reads texts about moral conflict with a `RedHeartModel` and its (fast) tokenizer.

    Parameters, here or in the call:

    - ``outputs``: names of `labels.OUTPUTS`; by default all that the model makes at the depth, except the long
      ``"embedding"``. They only select: each output has the values that it has in the whole reading.
    - ``depth``: "full", or "fast" for the heads' direct reading.
    - ``token_budget``: maximum number of tokens that are kept after the backbone; None takes the config's.
    - ``include_untrained``: also return claims that nothing supervised; ``flags.untrained`` names them.
    - ``guarantee``: a risk alpha that `redheart calibrate` has calibrated, such as 0.1; readings then have the sets of
      emotions and verdicts that it promises.

    A str gives one reading (see `postprocess`); a list, tuple, array or Series a list of readings in its order; a
    generator, iterator, dataset or `KeyDataset` an iterator that reads a text when its reading is requested. Of a table
    (a DataFrame, a `datasets.Dataset`) the column "text" is read.

    Args:
        model: A `RedHeartModel`, or an exported one.
        tokenizer: Its tokenizer, a fast one.
        **kwargs: The parameters above, and those of the pipelines of transformers.

    Raises:
        ValueError: For an unknown parameter or value, for an input that is not a text or has nothing to read (with its
            index), for a model or tokenizer that does not fit, when a requested output is not finite, and for a
            guarantee that was not calibrated or is void.
    """

    task_name = TASK
    _load_tokenizer = True  # type: ignore[assignment]  # the base declares its default, None
    _load_processor = False  # type: ignore[assignment]
    _load_image_processor = False  # type: ignore[assignment]
    _load_feature_extractor = False  # type: ignore[assignment]
    _load_video_processor = False  # type: ignore[assignment]

    def __init__(self, model: Any, tokenizer: Any = None, **kwargs: Any) -> None:
        self._check_model(model)
        if tokenizer is None or not tokenizer.is_fast:
            raise InputError(
                f"{self.task_name!r} needs a fast tokenizer (it gives the position of words), got "
                f"{type(tokenizer).__name__}; give tokenizer=AutoTokenizer.from_pretrained(the model's folder)."
            )
        rows = _embedded_tokens(model)
        if len(tokenizer) > rows:
            raise InputError(
                f"The tokenizer has {len(tokenizer)} tokens but the model's embedding {rows} rows: it is the tokenizer "
                "of another model; give the one from the model's folder."
            )
        super().__init__(model=model, tokenizer=tokenizer, **kwargs)
        self.model.eval()  # with dropout the same text would give other numbers each time

    @classmethod
    def _check_model(cls, model: Any) -> None:
        accepted = inspect.signature(model.forward).parameters.values()
        if not any(item.name == "outputs" or item.kind is item.VAR_KEYWORD for item in accepted):
            raise InputError(
                f"{TASK!r} needs a RedHeartModel, got {type(model).__name__}; load it with AutoModel.from_pretrained."
            )
        if model.config.is_classifier:
            raise InputError(
                f"{model.config.name_or_path} holds a classifier, whose labels {TASK!r} would leave out; use "
                "pipeline('text-classification')."
            )

    def _sanitize_parameters(self, **parameters: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        parameters.pop("local_files_only", None)  # `transformers.pipeline` passes its own loading option on
        for name in parameters:
            if name not in _PARAMETERS:
                raise InputError(f"Unknown parameter {name!r} of {TASK!r}; {closest(name, _PARAMETERS)}")
        forward = check_options(parameters, known=_BASE_PARAMETERS)
        for_reading = ("include_untrained", "outputs", "guarantee")
        postprocess: dict[str, Any] = {name: forward[name] for name in for_reading if name in forward}
        for name in ("include_untrained", "guarantee"):
            forward.pop(name, None)
        earlier = {**getattr(self, "_forward_params", {}), **getattr(self, "_postprocess_params", {})}
        together = {**earlier, **forward, **postprocess}
        if "guarantee" in together:
            check_guaranteed(together)
            valid_guarantee(self.model).promise(together["guarantee"])  # before anything is read
        return {}, forward, postprocess

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Read texts; see the class. All texts of a list are checked before the first is read."""
        texts = texts_in(inputs)
        return super().__call__(texts, *args, **kwargs) if texts != [] else []

    def get_iterator(self, inputs: Any, num_workers: int, batch_size: int, *parameters: Any) -> Any:
        """Return the base class's iterator, with padding on the right whatever the tokenizer's side is.

        Positions count from the start, and the reading of a text must not depend on the other texts of its batch.

        Args:
            inputs: The checked texts.
            num_workers: Of the base class.
            batch_size: Texts of a batch.
            *parameters: Of the base class.

        Returns:
            An iterator over what `postprocess` takes.
        """
        tokenizer: Any = self.tokenizer
        side, tokenizer.padding_side = tokenizer.padding_side, "right"
        try:
            # The collate function that it makes keeps this side.
            return super().get_iterator(inputs, num_workers, check_batch_size(batch_size), *parameters)
        finally:
            tokenizer.padding_side = side

    def preprocess(self, input_: str, **_: Any) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        """Tokenize one text, in as many windows as it needs (see `windows.cut`).

        A window has at most as many tokens as both the model and the tokenizer take.

        Args:
            input_: The text.

        Yields:
            For each window the model's inputs, ``(1, tokens)``, and ``offset_mapping`` ``(1, tokens, 2)``,
            ``special_tokens_mask`` ``(1, tokens)``, ``truncated`` ``(1,)`` bool, ``unknown_tokens`` ``(1,)`` share,
            ``windows`` ``(1,)``, ``text`` and ``is_last``.
        """
        check_text(input_)
        tokenizer: Any = self.tokenizer
        windows, truncated = cut(tokenizer, input_, min(self.model.config.longest_text, tokenizer.model_max_length))
        unknown_id = -1 if tokenizer.unk_token_id is None else tokenizer.unk_token_id
        for number, window in enumerate(windows, 1):
            ordinary = ~window["special_tokens_mask"].bool()
            unknown = (window["input_ids"] == unknown_id) & ordinary
            yield {
                **window,
                "truncated": torch.tensor([truncated]),
                "unknown_tokens": unknown.sum(dim=1) / ordinary.sum(dim=1).clamp(min=1),
                "windows": torch.tensor([len(windows)]),
                "text": str(input_),
                "is_last": number == len(windows),
            }

    def _forward(  # type: ignore[override]  # the base takes any parameters
        self,
        input_tensors: dict[str, Any],
        outputs: Sequence[str] | None = None,
        depth: str = "full",
        token_budget: int | None = None,
    ) -> dict[str, Any]:
        """Return the model's outputs as batch-first tensors, by dotted name, and what describes the texts."""
        available = self.model.config.outputs_at(depth)
        needed = [name for name in available if name != "embedding"]
        if outputs is not None:
            unknown = [name for name in outputs if name not in available]  # the model raises the error
            needed = [name for name in available if name in self._needed_for(outputs, depth)] + unknown
        inputs, described = split_inputs(input_tensors)
        reading = self.model(**inputs, outputs=needed, depth=depth, token_budget=token_budget)
        return {**named_tensors(reading), **described}

    def _needed_for(self, outputs: Sequence[str], depth: str) -> set[str]:
        """Return what must be computed so that ``outputs`` have the values that they have in the whole reading."""
        needed = set(outputs)
        if hasattr(self.model, "outputs"):
            return needed  # an exported model computes all that it was exported with
        if depth == "full" and needed & {"verdict", "confidence"}:
            return needed | set(OUTPUTS) - {"embedding"}  # they read the states of all modules
        if depth == "full" and "regret" in needed and any(map(is_derived, self.model.config.supervision.values())):
            needed |= {"emotion", "counterfactual"}
        return needed

    def postprocess(  # type: ignore[override]  # the base takes any parameters
        self,
        model_outputs: Sequence[dict[str, Any]],
        include_untrained: bool = False,
        outputs: Sequence[str] | None = None,
        guarantee: float | None = None,
    ) -> dict[str, Any]:
        """Make the reading of one text from the outputs of its windows.

        The keys of a reading, each only when it was computed and supervised:

        - ``text``; ``emotion``: ``labels`` {emotion: probability}, ``asserted`` [emotions at or above their threshold,
          neutral only alone], ``affect``, of those asserted ``intensity`` and ``nuance`` {emotion: {level: probability
          of at least that level}}, and ``arc`` [{start, end, text, labels} of each sentence, in characters];
        - ``bentham``: ``dimensions`` {name: {value, std}}, ``felicific_value``;
        - ``regret`` {type: {view: score}}; ``counterfactual`` {view: {utility, plausibility}};
        - ``surd``: bits of synergy, unique, redundant, and the determined share, or ``not_determined`` where it is no
          more than chance; ``perspectives`` {name: {verdict: p}};
        - ``verdict``: ``label`` (the most probable; None where it ``abstained``), ``probabilities``, ``acceptability``
          of the narrator's own conduct; ``confidence`` {part: {expected_loss, confidence}};
        - ``embedding``; ``rationale``: the 10 or fewer words that mattered most [{word, start, end, importance}];
        - ``guarantee``, where one is asked for: ``alpha``, ``delta``, the sets ``emotions`` and ``verdicts``, the
          verdict that is ``named`` or None, ``not_promised`` {part: least risk that could be}, ``scope`` in words;
        - ``rated_by`` {output: who rated the data that it was learned from: people, model, derived, or mixed};
        - ``ranges`` {part: [low, high]}, None for an open end; ``flags``: ``windows`` (how many it was read in),
          ``truncated`` (whether it needed more), ``tokens`` (read, with special ones), ``unknown_tokens``
          (share), ``no_letters``, ``speakers`` (see `speakers`), ``risk`` (of `labels.RISKS`), ``recovered`` (failed
          modules, whose outputs are left out), ``withheld``, ``derived`` and ``untrained`` (record keys, or a whole
          part of them: left out, derived from others, or kept without supervision).

        Args:
            model_outputs: What `_forward` returned for each window.
            include_untrained: Also return claims that nothing supervised.
            outputs: The outputs to return; None for all that were computed.
            guarantee: The risk of a calibrated guarantee; None for a reading without one.

        Returns:
            The reading, of plain Python values.

        Raises:
            ValueError: When a part is not finite and its module is not a recovered one, and when the guarantee is void
                because weights were changed meanwhile.
        """
        reading = Reading(merge(model_outputs), self.model.config, include_untrained, outputs).build()
        if guarantee is not None:
            reading["guarantee"] = guaranteed(reading, valid_guarantee(self.model), guarantee)
        return reading

    def save_pretrained(self, save_directory: Any, **kwargs: Any) -> None:
        """Save the model and the tokenizer; `pipeline("ethical-analysis", model=save_directory)` loads them.

        No code is copied: with redheart installed none is needed, and `redheart.hub_upload` makes a checkpoint that
        includes its code.

        Args:
            save_directory: Folder to save in.
            **kwargs: Of the model's `save_pretrained`.

        Raises:
            FileExistsError: When ``save_directory`` is a file.
        """
        if Path(save_directory).is_file():
            raise FileExistsError(f"{save_directory} is a file; give a folder to save the pipeline in.")
        self.model.save_pretrained(save_directory, **kwargs)
        tokenizer: Any = self.tokenizer
        tokenizer.save_pretrained(save_directory)


def split_inputs(tensors: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split what `preprocess` yields into the inputs of the model and what describes the text."""
    inputs = {name: value for name, value in tensors.items() if name not in _TEXT_KEYS}
    return inputs, {name: tensors[name] for name in ("attention_mask", *_TEXT_KEYS)}


def _embedded_tokens(model: Any) -> int:
    """Return how many tokens the model has; for an exported one, as its config says."""
    if hasattr(model, "get_input_embeddings"):
        return int(model.get_input_embeddings().weight.shape[0])
    return int((model.config.encoder_config or model.config).vocab_size)


def named_tensors(outputs: Any, prefix: str = "") -> dict[str, Tensor]:
    """Return the tensors of nested outputs by dotted name."""
    flat: dict[str, Tensor] = {}
    for name in (item.name for item in fields(outputs)):
        value = getattr(outputs, name)
        if isinstance(value, ModelOutput):
            flat |= named_tensors(value, f"{prefix}{name}.")
        elif isinstance(value, Tensor):
            flat[prefix + name] = value
    return flat


def register_pipeline(default_model: str | Path) -> None:
    """Register `pipeline("ethical-analysis")` in transformers.

    Args:
        default_model: Folder that is used when no model is named.
    """
    PIPELINE_REGISTRY.register_pipeline(
        TASK,
        pipeline_class=EthicalAnalysisPipeline,
        pt_model=AutoModel,
        default={"model": (str(default_model), "main")},
        type="text",
    )


__all__ = [
    "TASK",
    "EthicalAnalysisPipeline",
    "check_text",
    "named_tensors",
    "register_pipeline",
    "split_inputs",
]
