"""Plots of a run as PNG files, drawn from its reports.

Notable: drawn without `pyplot`, so that no window and no global state is involved. matplotlib is imported when a plot
is drawn; the rest of the library does without.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from ...storage.figures import new_figure, save_figure

# Two colours that the colour-blind tell apart (Okabe & Ito 2008), and a grey.
_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#8a8a8a"
_COLUMNS = 3
# How many interquartile ranges a value may lie from the quartiles before it is left out of a panel, so that it does not
# press all others into a flat line. The first generalisation gap often would: untrained losses are in it.
_FAR, _FAR_VALIDATION = 3.0, 10.0


def plot_losses(history: Sequence[Mapping[str, Any]], path: Path, names: Sequence[str] | None = None) -> None:
    """Plot one panel per loss: training and validation over the steps.

    Args:
        history: ``trainer.state.log_history``.
        path: The PNG file to write.
        names: Names of the losses as training logs them (``"loss_emotion"``); None = all that begin with ``loss``.

    Raises:
        ValueError: When there is no loss to plot.
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
    """Plot one panel per module: its validation loss, with its best evaluation and where it was frozen.

    A value far from all others is a triangle at the edge of the panel, with its number.

    Args:
        report: As in ``sweet_spot_report.json``.
        path: The PNG file to write.
    """
    modules: Mapping[str, Any] = report["modules"]
    figure, panels = _panels(list(modules) or ["nothing was followed"])
    for (name, history), panel in zip(modules.items(), panels, strict=False):
        panel.plot(history["steps"], history["values"], color=_BLUE, marker=".", label="validation")
        curves = [(_BLUE, _FAR_VALIDATION, list(zip(history["steps"], history["values"], strict=True)))]
        gaps = [(step, gap) for step, gap in zip(history["steps"], history["gaps"], strict=True) if gap is not None]
        if gaps:
            panel.plot(*zip(*gaps, strict=True), color=_GREY, marker=".", linestyle=":", label="generalisation gap")
            curves.append((_GREY, _FAR, gaps))
        _limit(panel, curves)
        best = history["values"][history["steps"].index(history["best_step"])]
        panel.plot([history["best_step"]], [best], color=_ORANGE, marker="o", linestyle="", label="best")
        if history["frozen_at"] is not None:
            panel.axvline(history["frozen_at"], color=_ORANGE, linestyle="--", label=f"frozen ({history['rule']})")
        panel.set_title(name or "model")
    _finish(figure, panels, "step", path)


def plot_crossover(report: Mapping[str, Any], path: Path) -> None:
    """Plot every candidate on the selection split, the best first, and the two compared on the acceptance split.

    Args:
        report: As in ``crossover_report.json``.
        path: The PNG file to write.
    """
    rows = [("checkpoint", item) for item in report["checkpoints"]]
    rows += [(item["strategy"], item) for item in report["recombinations"]]
    known = [(kind, item) for kind, item in rows if item["selection"] is not None]
    known.sort(key=lambda row: row[1]["selection"])
    figure, (choice, verdict) = new_figure(10, max(3.0, 1.2 + 0.22 * len(known)), 1, 2)
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
    save_figure(figure, path)


def plot_memory(report: Mapping[str, Any], path: Path) -> None:
    """Plot the peak of the memory in use over the steps, and where it ran out.

    Args:
        report: As in ``out_of_memory_report.json``.
        path: The PNG file to write.
    """
    figure, (panel,) = new_figure(7, 4, 1, 1)
    steps = [step for step, _ in report["peaks"]]
    panel.plot(steps, [peak / 2**20 for _, peak in report["peaks"]], color=_BLUE, label="peak in use")
    for event in report["events"]:
        panel.axvline(event["step"], color=_ORANGE, linestyle=":")
    panel.set_ylabel("MiB")
    panel.set_title(f"memory ran out {len(report['events'])} times")
    _finish(figure, [panel], "step", path)


def _limit(panel: Any, curves: Sequence[tuple[str, float, Sequence[tuple[float, float]]]]) -> None:
    """Limit a panel to the usual values of its curves, and mark values outside at its edge.

    Args:
        panel: Axes of matplotlib.
        curves: Colour, how many interquartile ranges from the quartiles are usual (Tukey 1977), and points of each
            curve.
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


def _panels(names: Sequence[str]) -> tuple[Any, list[Any]]:
    columns = min(_COLUMNS, len(names))
    rows = -(-len(names) // columns)
    figure, panels = new_figure(4.2 * columns, 2.8 * rows, rows, columns)
    for panel in panels[len(names) :]:
        panel.set_visible(False)
    return figure, panels


def _finish(figure: Any, panels: Sequence[Any], label: str, path: Path) -> None:
    for panel in panels:
        if panel.get_visible():
            panel.set_xlabel(label)
            if panel.get_legend_handles_labels()[0]:
                panel.legend(fontsize=7)
    save_figure(figure, path)


__all__ = [
    "plot_crossover",
    "plot_losses",
    "plot_memory",
    "plot_sweet_spots",
]
