"""What a checkpoint reaches on held-out rows, beside the floor, and what is fitted on validation data.

    python -m redheart.training.evaluate --data DIR                       # the shipped checkpoint
    python -m redheart.training.evaluate --data DIR --model FOLDER --fit  # also fit thresholds and temperature into it

Notable: thresholds (one per emotion) and the verdict's temperature are fitted on validation rows only, and the figures
that depend on them are on those same rows, as the baselines' are: each says so. Test rows are used for nothing but a
figure.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import f1_score
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from ..configuration.labels import AFFECT, EMOTIONS, OUTPUTS, VERDICTS
from ..hub_upload.checkpoint import checkpoint_path, load_strict
from ..modeling_redheart.modeling_redheart import RedHeartModel
from .baselines import Figure, average_precision, pair_accuracy, pearson, record, soft_cross_entropy, table
from .collator import LengthBatches, RedHeartCollator, token_lengths
from .data import INTENSITY_EMOTIONS, Array, DataError, Unit, load, to_units

MAX_LENGTH = 256
GRID = np.round(np.arange(0.02, 0.9, 0.01), 2)


class Predictor:
    """Runs a model over the units of a split and returns its outputs in the order of the texts."""

    def __init__(self, model: RedHeartModel, tokenizer: PreTrainedTokenizerBase, max_length: int = MAX_LENGTH) -> None:
        self.model, self.tokenizer, self.max_length = model.eval(), tokenizer, max_length
        self.collate = RedHeartCollator(tokenizer, max_length)

    def __call__(self, units: Sequence[Unit], outputs: Sequence[str]) -> dict[str, Array]:
        """Outputs by name, (texts, ...) each; the texts of a unit follow each other."""
        lengths = token_lengths(units, self.tokenizer, self.max_length)
        batches = LengthBatches(units, lengths, max_tokens=8192, max_units=64, shuffle=False)
        first = np.cumsum([0] + [len(unit) for unit in units])
        rows: list[int] = []
        parts: dict[str, list[Array]] = {}
        for batch in batches:
            rows += [row for index in batch for row in range(first[index], first[index + 1])]
            encoded = self.collate([units[index] for index in batch])
            inputs = {name: value for name, value in encoded.items() if not name.endswith("_labels")}
            with torch.inference_mode():
                reading = self.model(**inputs, outputs=outputs)
            for name, value in _arrays(reading).items():
                parts.setdefault(name, []).append(value)
        order = np.argsort(rows)
        return {name: np.concatenate(values)[order] for name, values in parts.items()}


def _arrays(reading: Any) -> dict[str, Array]:
    values: dict[str, Any] = {}
    if reading.emotion is not None:
        values |= {"emotion": reading.emotion.logits.sigmoid(), "affect": reading.emotion.affect}
        values["intensity"] = reading.emotion.intensity
    if reading.verdict is not None:
        values |= {"verdict": reading.verdict.logits, "action": reading.verdict.action}
    if reading.bentham is not None:
        values["utility"] = reading.bentham.utility
    if reading.counterfactual is not None:
        values["counterfactual"] = reading.counterfactual.utility
    return {name: value.float().numpy() for name, value in values.items()}


def _targets(units: Sequence[Unit], name: str) -> Array:
    return np.stack([item.targets[name] for unit in units for item in unit])


def fit_thresholds(probabilities: Array, actual: Array) -> dict[str, float]:
    """The threshold of each emotion with the best F1 on these rows."""
    chosen = {}
    for place, name in enumerate(EMOTIONS):
        scores = [f1_score(actual[:, place], probabilities[:, place] >= value, zero_division=0) for value in GRID]
        chosen[name] = float(GRID[int(np.argmax(scores))])
    return chosen


def fit_temperature(logits: Array, shares: Array) -> float:
    """The temperature with the lowest cross entropy on these rows (Guo et al. 2017, arXiv:1706.04599)."""
    grid = np.round(np.geomspace(0.25, 4.0, 81), 3)
    return float(grid[int(np.argmin([soft_cross_entropy(_softmax(logits / value), shares) for value in grid]))])


def _softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _emotion(predict: Predictor, data: Path) -> tuple[list[Figure], dict[str, float]]:
    """The figures, and the threshold of each emotion that was fitted for them."""
    name = "goemotions"
    units = to_units(load(name, data, "validation"))
    actual, probabilities = _targets(units, "emotion_labels"), predict(units, ["emotion"])["emotion"]
    one = [f1_score(actual, probabilities >= value, average="macro", zero_division=0) for value in GRID]
    best = float(GRID[int(np.argmax(one))])
    each = fit_thresholds(probabilities, actual)
    asserted = probabilities >= np.array([each[emotion] for emotion in EMOTIONS])
    figures = [
        ("one threshold fitted here", probabilities >= best, {"threshold": best}),
        ("thresholds per label fitted here", asserted, {"average_precision": average_precision(actual, probabilities)}),
    ]
    rows = []
    for rule, decision, more in figures:
        measures = {
            "macro_f1": float(f1_score(actual, decision, average="macro", zero_division=0)),
            "micro_f1": float(f1_score(actual, decision, average="micro", zero_division=0)),
        }
        rows.append(Figure(name, "validation", f"model, {rule}", len(actual), measures | more))
    return rows, each


def _verdict(predict: Predictor, data: Path) -> tuple[Figure, float]:
    """The figure, and the temperature that was fitted for it."""
    units = to_units(load("scruples_anecdotes", data, "validation"))
    shares, logits = _targets(units, "verdict_labels"), predict(units, OUTPUTS)["verdict"]
    temperature = fit_temperature(logits, shares)
    majority, asserted = shares.argmax(axis=1), logits.argmax(axis=1)
    measures = {
        "macro_f1": float(f1_score(majority, asserted, labels=range(len(VERDICTS)), average="macro", zero_division=0)),
        "accuracy": float((majority == asserted).mean()),
        "soft_cross_entropy": soft_cross_entropy(_softmax(logits / temperature), shares),
        "temperature": temperature,
    }
    system = "model, temperature fitted here"
    return Figure("scruples_anecdotes", "validation", system, len(shares), measures), temperature


def _ranking(predict: Predictor, data: Path, name: str, split: str, target: str, output: str, task: str = "") -> Figure:
    units = [unit for unit in to_units(load(name, data, split)) if target in unit[0].targets]
    # The bridge's scores depend on which modules ran: measure what the pipeline gives by default, when all do.
    request = {"action": OUTPUTS, "utility": ["bentham"], "counterfactual": ["counterfactual"]}[output]
    scores, ranks = predict(units, request)[output], _targets(units, target)[:, 1]
    if scores.ndim == 2:  # the actual view
        scores = scores[:, 1]
    measures = {"pair_accuracy": pair_accuracy(scores[ranks == 1], scores[ranks == 0])}
    return Figure(name + task, split, "model", len(units), measures)


def _regression(
    predict: Predictor, data: Path, name: str, split: str, target: str, output: str, labels: Sequence[str]
) -> Figure:
    units = to_units(load(name, data, split))
    places = [AFFECT.index(x) if output == "affect" else EMOTIONS.index(x) for x in labels]
    actual, predicted = _targets(units, target)[:, places], predict(units, ["emotion"])[output][:, places]
    r = {f"r_{label}": pearson(predicted[:, i], actual[:, i]) for i, label in enumerate(labels)}
    return Figure(name, split, "model", len(units), r | {"r_mean": float(np.mean(list(r.values())))})


def evaluate(model: RedHeartModel, tokenizer: PreTrainedTokenizerBase, data: Path, fit: bool = False) -> list[Figure]:
    """Every figure. fit: put the thresholds and the temperature of these validation rows into ``model.config``.

    Raises `DataError` when a set is missing.
    """
    predict = Predictor(model, tokenizer)
    figures, thresholds = _emotion(predict, data)
    verdict, temperature = _verdict(predict, data)
    figures.append(verdict)
    if fit:
        model.config.thresholds, model.config.verdict_temperature = thresholds, temperature
    for split in ("validation", "test"):
        for target, output, task in (
            ("action_pair_labels", "action", " (bare action)"),
            ("branch_pair_labels", "counterfactual", " (told action)"),
        ):
            figures.append(_ranking(predict, data, "moral_stories", split, target, output, task))
    for split in ("test", "test_hard"):
        figures.append(_ranking(predict, data, "ethics_utilitarianism", split, "utility_pair_labels", "utility"))
    for split in ("validation", "test"):
        figures.append(_regression(predict, data, "emobank", split, "affect_labels", "affect", AFFECT))
    for split in ("validation", "test"):
        figures.append(
            _regression(
                predict, data, "emotion_intensity_en", split, "intensity_labels", "intensity", INTENSITY_EMOTIONS
            )
        )
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m redheart.training.evaluate", description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with one folder per set")
    parser.add_argument("--model", default="redheart-mini", help="shipped name or folder (default: redheart-mini)")
    parser.add_argument("--fit", action="store_true", help="fit thresholds and temperature into the folder's config")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    options = parser.parse_args(arguments)
    folder = checkpoint_path(options.model)
    model: Any = load_strict(folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    try:
        figures = evaluate(model, tokenizer, options.data, options.fit)
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    print(table(figures))
    if options.fit:
        model.config.save_pretrained(folder)
    if options.json:
        options.json.write_text(json.dumps(record(figures), indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
