"""Runs a model over units, and gives what it says about each target in the form in which the target is given.

Notable: the floor (`floor`) gives the same form, so that one set of measures serves both.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from ..configuration.labels import OUTPUTS, RATED, VIEWS
from ..modeling_redheart.modeling_redheart import RedHeartModel
from ..training.collator import LengthBatches, RedHeartCollator, token_lengths
from ..training.data import Array, Unit

# Values of the model beside those of the targets, by name: (texts, ...).
EXTRA = ("arc", "verdict_logits", "expected_loss", "foregone")


class Predictor:
    """A model and its tokenizer; `config.verdict_temperature` is applied, thresholds are not.

    longest: tokens from which on a text is cut; None = as many as the model reads, at most 512.
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
        self.collate = RedHeartCollator(tokenizer, self.longest)

    def texts(self, texts: Sequence[str]) -> dict[str, Array]:
        """As `__call__`, for bare texts."""
        from ..training.data import Example

        return self([(Example(text, "texts"),) for text in texts])

    def __call__(self, units: Sequence[Unit]) -> dict[str, Array]:
        """Predictions by target, and `EXTRA`: (texts, ...) each, the texts of a unit following each other.

        Everything is computed for every text, since the verdict depends on which modules ran.
        """
        lengths = token_lengths(units, self.tokenizer, self.longest)
        batches = LengthBatches(units, lengths, max_tokens=self.batch_tokens, max_units=64, shuffle=False)
        first = np.cumsum([0] + [len(unit) for unit in units])
        rows: list[int] = []
        parts: dict[str, list[Array]] = {}
        for batch in batches:
            rows += [row for index in batch for row in range(first[index], first[index + 1])]
            encoded = self.collate([units[index] for index in batch])
            inputs = {
                name: value.to(self.model.device) for name, value in encoded.items() if not name.endswith("_labels")
            }
            with torch.inference_mode():
                reading = self.model(**inputs, outputs=OUTPUTS)
            for name, value in self._values(reading).items():
                parts.setdefault(name, []).append(value.float().cpu().numpy())
        order = np.argsort(rows)
        return {name: np.concatenate(values)[order] for name, values in parts.items()}

    def _values(self, reading: Any) -> dict[str, Any]:
        logits = reading.verdict.logits / self.model.config.verdict_temperature
        better, actual = VIEWS.index("better"), VIEWS.index("actual")
        arc = reading.emotion.arc_logits.masked_fill(~reading.emotion.arc_mask.unsqueeze(-1), -torch.inf)
        return {
            "emotion_labels": reading.emotion.logits.sigmoid(),
            "arc": arc.amax(dim=1).sigmoid(),
            "intensity_labels": reading.emotion.intensity,
            # The expected level: the sum over k of P(level >= k).
            "nuance_labels": reading.emotion.nuance_logits.sigmoid().sum(dim=-1),
            "affect_labels": reading.emotion.affect,
            "bentham_labels": reading.bentham.mean,
            "utility_labels": reading.counterfactual.utility,
            "utility_pair_labels": reading.counterfactual.utility_logits[:, actual],
            "regret_labels": reading.regret.scores,
            "branch_pair_labels": reading.counterfactual.utility_logits[:, actual],
            "foregone": reading.counterfactual.utility[:, better] - reading.counterfactual.utility[:, actual],
            "plausibility_labels": reading.counterfactual.plausibility_logits.sigmoid(),
            "verdict_labels": logits.softmax(dim=-1),
            "verdict_logits": reading.verdict.logits,
            "acceptability_labels": reading.verdict.acceptability_logits.sigmoid(),
            "acceptability_pair_labels": reading.verdict.acceptability_logits,
            "perspective_labels": reading.perspectives.verdict_logits.softmax(dim=-1),
            "expected_loss": reading.expected_loss,
        }


def target_column(units: Sequence[Unit], target: str) -> tuple[Array, Array]:
    """The target of the texts that have it, and the places of these texts among all: (rows, ...), (rows,).

    NaN marks an element that is missing.
    """
    every = [item for unit in units for item in unit]
    places = np.array([place for place, item in enumerate(every) if target in item.targets], dtype=np.int64)
    values = np.stack([np.asarray(every[place].targets[target], dtype=np.float64) for place in places])
    return np.where(values == -100, np.nan, values) if target == "nuance_labels" else values, places


def expected_losses(predicted: Mapping[str, Array]) -> dict[str, Array]:
    """The expected loss of each rated part: name -> (texts,)."""
    return dict(zip(RATED, predicted["expected_loss"].T, strict=True))


__all__ = ["EXTRA", "Predictor", "expected_losses", "target_column"]
