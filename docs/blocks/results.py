"""The result files, and how a figure in them is found.

Notable: a figure is named by its whole description; if none or several fit, that is an error.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from redheart.configuration.shipped import DEFAULT_MODEL
from redheart.evaluation.measurement.results import MODEL, Evaluation, Figure
from redheart.storage.strict_loading import shipped_folder

from .markdown import BlockError

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "results"


@cache
def result(name: str) -> Any:
    """Load ``docs/results/NAME.json``."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


@cache
def shipped() -> Evaluation:
    """Load the evaluation that ships with the weights of the default model."""
    return Evaluation.load(Path(shipped_folder(DEFAULT_MODEL)) / "evaluation.json")


@cache
def evaluation(name: str) -> Evaluation:
    """Load an evaluation in ``docs/results``."""
    return Evaluation.load(RESULTS / f"{name}.json")


def figure(
    of: Evaluation, dataset: str, split: str, output: str, measure: str, system: str = MODEL, rule: str | None = None
) -> Figure:
    """Find a figure.

    Args:
        of: The evaluation.
        dataset: Data set of the figure.
        split: Split of the data set.
        output: Output of the figure.
        measure: Measure of the figure.
        system: The model, or a baseline.
        rule: How the rule of the figure begins; None when there is only one.

    Returns:
        The figure.

    Raises:
        BlockError: When none fits, or several do.
    """
    found = [
        item for item in of.find(dataset, output, measure, split, system) if rule is None or item.rule.startswith(rule)
    ]
    if len(found) != 1:
        raise BlockError(
            f"{of.model} has {len(found)} figures of {dataset} ({split}), {output}, {measure}, {system}, {rule!r}; "
            "a block needs one."
        )
    return found[0]


def machine(report: dict[str, Any]) -> str:
    """Return the processor and cores that a report was measured on, as far as it records them."""
    found = report.get("machine", {})
    cores = f"{found['cores']} cores" if "cores" in found else f"{report['setting']['threads']} threads"
    return f"{found['cpu']}, {cores}" if "cpu" in found else f"{cores} of a processor that the file does not name"


__all__ = ["RESULTS", "ROOT", "evaluation", "figure", "machine", "result", "shipped"]
