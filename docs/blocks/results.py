"""The result files: where they lie, and how one figure of them is found.

Notable: a figure is asked for by its whole description; none, or two, are an error, never a guess.
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
    """The content of ``docs/results/NAME.json``."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


@cache
def shipped() -> Evaluation:
    """The evaluation that ships beside the weights of the default model."""
    return Evaluation.load(Path(shipped_folder(DEFAULT_MODEL)) / "evaluation.json")


@cache
def evaluation(name: str) -> Evaluation:
    """An evaluation in ``docs/results``."""
    return Evaluation.load(RESULTS / f"{name}.json")


def figure(
    of: Evaluation, dataset: str, split: str, output: str, measure: str, system: str = MODEL, rule: str | None = None
) -> Figure:
    """One figure. rule: how its rule begins; None where there is one figure only. Raises `BlockError` otherwise."""
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
    """What a time was measured on: the processor and its cores, where the file has them."""
    found = report.get("machine", {})
    cores = f"{found['cores']} cores" if "cores" in found else f"{report['setting']['threads']} threads"
    return f"{found['cpu']}, {cores}" if "cpu" in found else f"{cores} of a processor that the file does not name"


__all__ = ["RESULTS", "ROOT", "evaluation", "figure", "machine", "result", "shipped"]
