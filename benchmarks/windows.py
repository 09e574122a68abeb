"""Compares rules that combine the verdicts of the windows of a long text, on posts longer than a window.

    python benchmarks/windows.py redheart-100m --data DATA --json docs/results/windows.json

For the posts of scruples_anecdotes (validation) that need more than one window: the soft cross entropy with the votes,
and how often the most probable verdict has the most votes. The rules are the first window alone, the last alone, the
mean of logits or of probabilities weighted by tokens, and the surest window.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from redheart.configuration.shipped import DEFAULT_MODEL
from redheart.data.loading import Array, load, to_units
from redheart.evaluation.measurement.predict import target_column
from redheart.modeling_redheart.windows import cut, first_read, weights_of
from redheart.readers import load_reader
from redheart.statistics.measures import bootstrap, right_verdicts


def _softmax(logits: Array) -> Array:
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


# Each rule takes the logits (windows, 5) and the weights (windows,) of a post, and returns probabilities (5,).
RULES: dict[str, Callable[[Array, Array], Array]] = {
    "first window": lambda logits, _: _softmax(logits[0]),
    "last window": lambda logits, _: _softmax(logits[-1]),
    "mean of logits": lambda logits, weights: _softmax(weights @ logits),
    "mean of probabilities": lambda logits, weights: weights @ _softmax(logits),
    "surest window": lambda logits, _: _softmax(logits[_softmax(logits).max(axis=1).argmax()]),
}


def read_windows(
    model: Any, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], longest: int
) -> list[tuple[Array, Array]]:
    """Read texts in windows.

    Args:
        model: A `RedHeartModel`.
        tokenizer: Its tokenizer.
        texts: What to read.
        longest: Maximum tokens of a window.

    Returns:
        Logits, shape ``(windows, 5)``, and weights, shape ``(windows,)``, of each text.
    """
    found = []
    for text in texts:
        windows, _ = cut(tokenizer, text, longest)
        logits = []
        for window in windows:
            with torch.inference_mode():
                reading = model(input_ids=window["input_ids"], attention_mask=window["attention_mask"])
            logits.append(reading.verdict.logits[0].double().numpy() / model.config.verdict_temperature)
        found.append((np.stack(logits), np.array(weights_of(first_read(windows)))))
    return found


def compare(read: Sequence[tuple[Array, Array]], shares: Array) -> dict[str, dict[str, float]]:
    """Compare the rules.

    Args:
        read: Logits and weights of each text, as `read_windows` gives them.
        shares: Votes as shares, shape ``(texts, 5)``.

    Returns:
        Rule -> soft cross entropy and share right, each with the ends of its 95 % interval.
    """
    table = {}
    for name, rule in RULES.items():
        probabilities = np.stack([rule(*one) for one in read])
        costs = -(shares * np.log(np.maximum(probabilities, 1e-12))).sum(axis=1)
        cost = bootstrap(lambda rows: float(rows.mean()), costs)
        right = bootstrap(lambda rows: float(rows.mean()), right_verdicts(probabilities, shares).astype(np.float64))
        table[name] = {
            "soft cross entropy": cost.value,
            "soft cross entropy, low": cost.low,
            "soft cross entropy, high": cost.high,
            "right": right.value,
            "right, low": right.low,
            "right, high": right.high,
        }
    return table


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default=DEFAULT_MODEL)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data sets")
    parser.add_argument(
        "--posts", type=int, default=300, help="number of posts, the first ones; by default %(default)s"
    )
    parser.add_argument("--longest", type=int, default=512, help="maximum tokens of a window; by default %(default)s")
    parser.add_argument("--json", type=Path, help="also write the table to this file")
    args = parser.parse_args()
    model, tokenizer = load_reader(args.model, dtype=torch.float32)
    units = to_units(load("scruples_anecdotes", args.data, "validation"))
    shares, places = target_column(units, "verdict_labels")
    every = [item.text for unit in units for item in unit]
    chosen = [row for row, place in enumerate(places) if len(cut(tokenizer, every[place], args.longest)[0]) > 1]
    chosen = chosen[: args.posts]
    table = compare(
        read_windows(model, tokenizer, [every[places[row]] for row in chosen], args.longest), shares[chosen]
    )
    print(f"{len(chosen)} posts of scruples_anecdotes (validation) longer than {args.longest} tokens")
    for name, row in table.items():
        print(f"{name:24} {row['soft cross entropy']:.3f}  right {row['right']:.3f}")
    if args.json:
        report = {"model": Path(args.model).name, "posts": len(chosen), "longest": args.longest, "rules": table}
        args.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
