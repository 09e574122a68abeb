"""Compares two files of `redheart evaluate --json`: which share of each figure of the first model the second reaches.

    python benchmarks/compare_evaluations.py docs/results/redheart-100m.json runs/student/evaluation.json

The share is the value of the second model divided by that of the first; for a loss, the other way round. Only the main
measures are compared, and only figures that both files have.
"""

import argparse
from pathlib import Path
from statistics import mean

from redheart.evaluation.measurement.results import MODEL, Evaluation, Figure

LOSS = "soft cross entropy"
MEASURES = ("average precision", "macro F1", LOSS, "pair accuracy", "Pearson r")
# Rules of macro F1 that are compared: one threshold for all labels, or thresholds that were fitted on other rows.
RULES = ("", "one threshold, fitted here", "per label, cross-fitted", "most probable")
OUTPUTS = (
    "emotion",
    "intensity",
    "affect",
    "utility_ranking",
    "acceptability_ranking",
    "counterfactual",
    "verdict",
)


def figures(path: Path) -> dict[tuple[str, ...], Figure]:
    """Return the figures of the model itself, by data set, split, output, measure and rule."""
    return {
        (item.dataset, item.split, item.output, item.measure, item.rule): item
        for item in Evaluation.load(path).figures
        if item.system == MODEL
        and item.output.partition(".")[0] in OUTPUTS
        and item.measure in MEASURES
        and item.rule.split(";")[0] in RULES
    }


def share(first: Figure, second: Figure) -> float:
    """Return which share of the first figure the second reaches; 1 = all."""
    return first.value / second.value if first.measure == LOSS else second.value / first.value


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    options = parser.parse_args()
    one, other = figures(options.first), figures(options.second)
    shares: dict[str, list[float]] = {}
    print(f"{'':<90}{options.first.stem:>16}{options.second.stem:>16}{'share':>8}")
    for key in one:
        if key in other:
            kept = share(one[key], other[key])
            shares.setdefault(key[1], []).append(kept)
            words = " ".join(filter(None, key))
            print(f"{words:<90}{one[key].value:>16.3f}{other[key].value:>16.3f}{kept:>8.1%}")
    for split, kept_ones in shares.items():
        print(f"{split}: {len(kept_ones)} figures, mean share {mean(kept_ones):.1%}, "
              f"{sum(value >= 0.95 for value in kept_ones)} of them at 95 % or more")  # fmt: skip


if __name__ == "__main__":
    main()
