"""Runs a model over units, and gives its predictions about each target in the form in which the target is given.

Notable: the floor (`floor`) gives the same form, so that one set of measures serves both.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from ...batches.predictions import ARC, by_target, values_of
from ...configuration.labels import RATED, VIEWS
from ...data.examples import LEVELS, MISSING
from ...data.loading import Array, Unit
from ...modeling_redheart.modeling_redheart import RedHeartModel
from ...modeling_redheart.windows import cut, first_read, weights_of

# Values of the model beside those of the targets, by name: (texts, ...).
EXTRA = (ARC, "verdict_logits", "expected_loss", "foregone")
_MOST_TEXTS = 64  # in a batch


class _Window(NamedTuple):
    """A part of a text: the place of the text, the weight of the part, and its tokens."""

    row: int
    weight: float
    ids: list[int]


class Predictor:
    """A model and its tokenizer; `config.verdict_temperature` is applied, thresholds are not.

    Args:
        model: The model; it is put into evaluation mode.
        tokenizer: Its tokenizer.
        longest: Tokens of a window, see `windows.cut`; None = as many as the model reads, at most 512. A longer text is
            read in windows, as the pipeline does.
        batch_tokens: Tokens of a batch, padding included, at most.
    """

    def __init__(
        self,
        model: RedHeartModel,
        tokenizer: PreTrainedTokenizerBase,
        longest: int | None = None,
        batch_tokens: int = 8192,
    ) -> None:
        self.model, self.tokenizer, self.batch_tokens = model.eval(), tokenizer, batch_tokens
        self.longest = min(512, model.config.longest_text) if longest is None else longest

    def texts(self, texts: Sequence[str]) -> dict[str, Array]:
        """Predict as `__call__`, for bare texts.

        Args:
            texts: The texts.

        Returns:
            Predictions by target, and `EXTRA`: ``(texts, ...)`` each.

        Raises:
            ValueError: Where there is no text.
        """
        if not texts:
            raise ValueError("There are no texts to read.")
        windows: list[_Window] = []
        for row, text in enumerate(texts):
            cuts, _ = cut(self.tokenizer, text, self.longest)
            weights = weights_of(first_read(cuts))
            pairs = zip(cuts, weights, strict=True)
            windows += [_Window(row, weight, window["input_ids"][0].tolist()) for window, weight in pairs]
        outputs: dict[str, Tensor] = {}
        for batch in self._batches(windows):
            rows = torch.tensor([window.row for window in batch])
            weights_here = torch.tensor([window.weight for window in batch])
            for name, value in self._read(batch).items():
                if name not in outputs:
                    outputs[name] = value.new_full((len(texts), *value.shape[1:]), -torch.inf if name == ARC else 0.0)
                if name == ARC:
                    index = rows[:, None].expand_as(value)
                    outputs[name].scatter_reduce_(0, index, value, "amax")
                else:
                    outputs[name].index_add_(0, rows, value * weights_here.view(-1, *(1,) * (value.dim() - 1)))
        return {name: value.numpy() for name, value in self._values(outputs).items()}

    def __call__(self, units: Sequence[Unit]) -> dict[str, Array]:
        """Predict everything of every text, since the verdict depends on which modules ran.

        Args:
            units: Rows; the texts of a unit follow each other.

        Returns:
            Predictions by target, and `EXTRA`: ``(texts, ...)`` each.
        """
        return self.texts([item.text for unit in units for item in unit])

    def _batches(self, windows: Sequence[_Window]) -> Iterator[list[_Window]]:
        """Windows of similar length, the longest first."""
        batch: list[_Window] = []
        for window in sorted(windows, key=lambda window: -len(window.ids)):
            if batch and (len(batch) == _MOST_TEXTS or (len(batch) + 1) * len(batch[0].ids) > self.batch_tokens):
                yield batch
                batch = []
            batch.append(window)
        if batch:
            yield batch

    def _read(self, batch: Sequence[_Window]) -> dict[str, Tensor]:
        """The outputs for each window, before anything that the mean over a text's windows must precede."""
        pad: Any = self.tokenizer.pad
        tokens = {"input_ids": [window.ids for window in batch]}
        inputs = pad(tokens, padding=True, padding_side="right", return_tensors="pt", verbose=False)
        names = ("input_ids", "attention_mask")
        with torch.inference_mode():
            outputs = self.model.config.outputs_at("full")
            reading = self.model(**{name: inputs[name].to(self.model.device) for name in names}, outputs=outputs)
        return {name: value.float().cpu().clone() for name, value in values_of(reading).items()}

    def _values(self, outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        better, actual = VIEWS.index("better"), VIEWS.index("actual")
        found = by_target(outputs, self.model.config.verdict_temperature)
        extra: dict[str, tuple[str, Callable[[Tensor], Tensor]]] = {
            ARC: (ARC, torch.sigmoid),
            "foregone": ("utility", lambda utility: utility[:, better] - utility[:, actual]),
            "verdict_logits": ("verdict", lambda logits: logits),
            "expected_loss": ("confidence", lambda losses: losses),
        }
        # A model may lack a component, and so its outputs.
        return found | {name: make(outputs[claim]) for name, (claim, make) in extra.items() if claim in outputs}


def target_column(units: Sequence[Unit], target: str) -> tuple[Array, Array]:
    """The target of the texts that have it, and the places of these texts among all.

    Args:
        units: Rows, of which at least one text has the target.
        target: Name of the target.

    Returns:
        Values ``(rows, ...)``, NaN for an element that is missing, and places ``(rows,)``.
    """
    every = [item for unit in units for item in unit]
    places = np.array([place for place, item in enumerate(every) if target in item.targets], dtype=np.int64)
    values = np.stack([np.asarray(every[place].targets[target], dtype=np.float64) for place in places])
    return np.where(values == MISSING, np.nan, values) if target in LEVELS else values, places


def expected_losses(predicted: Mapping[str, Array]) -> dict[str, Array]:
    """The expected loss of each rated part: name -> (texts,)."""
    return dict(zip(RATED, predicted["expected_loss"].T, strict=True))


__all__ = ["EXTRA", "Predictor", "expected_losses", "target_column"]
