"""Plots of a run as PNG files, drawn from its reports.

Notable: drawn without `pyplot`, so that no window and no global state is involved. matplotlib is imported when a plot
is drawn; the rest of the library does without.
"""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from ..configuration.extras import missing
from .snapshots import whole_file

# Two colours that the colour-blind tell apart (Okabe & Ito 2008), and a grey.
_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#8a8a8a"
_COLUMNS = 3
# How many interquartile ranges a value may lie from the quartiles before it is left out of a panel, so that it does not
# press all others into a flat line. The first generalisation gap often would: untrained losses are in it.
_FAR, _FAR_VALIDATION = 3.0, 10.0


def require_matplotlib() -> None:
    """Raises `ImportError` with the remedy when matplotlib is not installed; before a run rather than at its end."""
    if importlib.util.find_spec("matplotlib") is None:
        raise missing("Plots need matplotlib, unless you pass `plot=False`", "train")


def plot_losses(history: Sequence[Mapping[str, Any]], path: Path, names: Sequence[str] | None = None) -> None:
    """One panel per loss: training and validation over the steps.

    history: ``trainer.state.log_history``. names: of the losses as training logs them (``"loss_emotion"``); None = all
    that begin with ``loss``. Raises `ValueError` when there is none.
    """
    logged = sorted({name.removeprefix("eval_") for entry in history for name in entry})
    chosen = [name for name in logged if name == "loss" or name.startswith("loss_")] if names is None else list(names)
    if not chosen:
        raise ValueError("The history has no loss to plot; losses are logged as 'loss', 'loss_NAME', 'eval_loss_NAME'.")
    figure, panels = _panels(chosen)
    for name, panel in zip(chosen, panels, strict=False):
        for kind, colour, words in ((name, _GREY, "training"), (f"eval_{name}", _BLUE, "validation")):
            points = [(entry["step"], entry[kind]) for entry in history if kind in entry]
            if points:
                panel.plot(
                    *zip(*points, strict=True), color=colour, label=words, marker="." if len(points) < 30 else ""
                )
        panel.set_title(name)
    _finish(figure, panels, "step", path)


def plot_sweet_spots(report: Mapping[str, Any], path: Path) -> None:
    """One panel per module: its validation loss, with its best evaluation and where it was frozen.

    A value far from all others is a triangle at the edge of the panel, with its number. report: as in
    ``sweet_spot_report.json``.
    """
    modules: Mapping[str, Any] = report["modules"]
    figure, panels = _panels(list(modules) or ["nothing was followed"])
    for (name, course), panel in zip(modules.items(), panels, strict=False):
        panel.plot(course["steps"], course["values"], color=_BLUE, marker=".", label="validation")
        curves = [(_BLUE, _FAR_VALIDATION, list(zip(course["steps"], course["values"], strict=True)))]
        gaps = [(step, gap) for step, gap in zip(course["steps"], course["gaps"], strict=True) if gap is not None]
        if gaps:
            panel.plot(*zip(*gaps, strict=True), color=_GREY, marker=".", linestyle=":", label="generalisation gap")
            curves.append((_GREY, _FAR, gaps))
        _limit(panel, curves)
        best = course["values"][course["steps"].index(course["best_step"])]
        panel.plot([course["best_step"]], [best], color=_ORANGE, marker="o", linestyle="", label="best")
        if course["frozen_at"] is not None:
            panel.axvline(course["frozen_at"], color=_ORANGE, linestyle="--", label=f"frozen ({course['rule']})")
        panel.set_title(name or "model")
    _finish(figure, panels, "step", path)


def plot_crossover(report: Mapping[str, Any], path: Path) -> None:
    """Two panels: every candidate on the selection split, the best first; and on the acceptance split the two that
    were compared.

    report: as in ``crossover_report.json``.
    """
    rows = [("checkpoint", item) for item in report["checkpoints"]]
    rows += [(item["strategy"], item) for item in report["recombinations"]]
    known = [(kind, item) for kind, item in rows if item["selection"] is not None]
    known.sort(key=lambda row: row[1]["selection"])
    figure, (choice, verdict) = _figure(10, max(3.0, 1.2 + 0.22 * len(known)), 1, 2)
    for place, (kind, item) in enumerate(known):
        colour = _GREY if kind == "checkpoint" else _ORANGE if item["name"] == report["chosen"] else _BLUE
        choice.plot([item["selection"]], [place], color=colour, marker="s" if kind == "checkpoint" else "o")
    choice.set_yticks(range(len(known)), [item["name"] for _, item in known], fontsize=7)
    choice.invert_yaxis()
    choice.set_title("on the selection split (lower is better)")
    choice.set_xlabel(report["metric"])
    compared = [item for _, item in rows if item["acceptance"] is not None]
    colours = [_ORANGE if item["name"] == report["chosen"] else _GREY for item in compared]
    bars = verdict.bar([item["name"] for item in compared], [item["acceptance"] for item in compared], color=colours)
    verdict.bar_label(bars, fmt="%.5g")
    verdict.set_title(f"on the acceptance split: {report['verdict']}")
    _save(figure, path)


def plot_memory(report: Mapping[str, Any], path: Path) -> None:
    """The peak of the memory in use over the steps, and where it ran out.

    report: as in ``out_of_memory_report.json``.
    """
    figure, (panel,) = _figure(7, 4, 1, 1)
    steps = [step for step, _ in report["peaks"]]
    panel.plot(steps, [peak / 2**20 for _, peak in report["peaks"]], color=_BLUE, label="peak in use")
    for event in report["events"]:
        panel.axvline(event["step"], color=_ORANGE, linestyle=":")
    panel.set_ylabel("MiB")
    panel.set_title(f"memory ran out {len(report['events'])} times")
    _finish(figure, [panel], "step", path)


def _limit(panel: Any, curves: Sequence[tuple[str, float, Sequence[tuple[float, float]]]]) -> None:
    """Limit a panel to the usual values of its curves, and say what lies outside.

    curves: colour, interquartile ranges from the quartiles that are usual (Tukey 1977), points.
    """
    usual = [_usual([value for _, value in points], far) for _, far, points in curves]
    low, high = min(low for low, _ in usual), max(high for _, high in usual)
    margin = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
    panel.set_ylim(low - margin, high + margin)
    for colour, _, points in curves:
        for edge, marker, outside in (
            (low - margin, "v", [point for point in points if point[1] < low - margin]),
            (high + margin, "^", [point for point in points if point[1] > high + margin]),
        ):
            if not outside:
                continue
            steps = [step for step, _ in outside]
            panel.plot(steps, [edge] * len(steps), color=colour, marker=marker, linestyle="", clip_on=False)
            step, value = max(outside, key=lambda point: abs(point[1]))
            late = step > (points[0][0] + points[-1][0]) / 2
            panel.annotate(
                f"{value:.3g}", (step, edge), color=colour, fontsize=7, annotation_clip=False,
                xytext=(-7 if late else 7, 4 if marker == "v" else -10), textcoords="offset points",
                ha="right" if late else "left", bbox={"color": "white", "pad": 0.5},
            )  # fmt: skip


def _usual(values: Sequence[float], far: float) -> tuple[float, float]:
    """The lowest and the highest of the values that do not lie far from the others."""
    if len(values) < 4:
        return min(values), max(values)
    first, _, third = quantiles(values, n=4, method="inclusive")
    reach = max(far * (third - first), 0.05 * abs(median(values)))
    near = [value for value in values if first - reach <= value <= third + reach]
    return min(near), max(near)


def _figure(width: float, height: float, rows: int, columns: int) -> tuple[Any, list[Any]]:
    """A figure of so many inches, and its panels row by row."""
    require_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    grid: Any = figure.subplots(rows, columns, squeeze=False)
    return figure, list(grid.flat)


def _save(figure: Any, path: Path) -> None:
    with whole_file(path) as partial:
        figure.savefig(partial, format="png", dpi=110)


def _panels(names: Sequence[str]) -> tuple[Any, list[Any]]:
    columns = min(_COLUMNS, len(names))
    rows = -(-len(names) // columns)
    figure, panels = _figure(4.2 * columns, 2.8 * rows, rows, columns)
    for panel in panels[len(names) :]:
        panel.set_visible(False)
    return figure, panels


def _finish(figure: Any, panels: Sequence[Any], label: str, path: Path) -> None:
    for panel in panels:
        if panel.get_visible():
            panel.set_xlabel(label)
            if panel.get_legend_handles_labels()[0]:
                panel.legend(fontsize=7)
    _save(figure, path)


__all__ = ["plot_crossover", "plot_losses", "plot_memory", "plot_sweet_spots", "require_matplotlib"]
