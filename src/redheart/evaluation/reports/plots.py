"""Plots of an evaluation, as matplotlib figures and as PNG files of 800 pixels.

Notable: drawn without `pyplot`, so that no window and no global state is involved. Every plot comes with a description
for readers who cannot see it. matplotlib is imported when a plot is drawn.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...storage.figures import require_matplotlib
from ...storage.files import whole_file
from ..measurement.results import Confusion, Curve, Evaluation, LabelTable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 100
SUPPORT = ("support", "texts")  # columns of a label table that count its rows
_WIDTH = 8.0  # inches
BLUE, GREY = "#0072B2", "#595959"  # the colour-blind tell them apart (Okabe & Ito 2008), as their lines do
SMALL = 11  # points
_MAX_LABELS_WITH_COUNTS = 12  # in a larger confusion matrix the counts do not fit into their cells


@dataclass(frozen=True)
class Plot:
    """A plot with its descriptions.

    Attributes:
        name: Name of its file, without ending.
        alt: What it shows.
        reading: How to read it.
        figure: The matplotlib figure.
    """

    name: str
    alt: str
    reading: str
    figure: "Figure"


def reliability(curve: Curve) -> "Figure":
    """Draw confidence against observed frequency, above the number in each bin; ``curve`` is of kind "reliability"."""
    figure, (panel, counts) = new_panels(7.0, 2, heights=(3, 1))
    panel.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="perfectly calibrated")
    panel.plot(curve.x, curve.y, color=BLUE, marker="o", label="model")
    panel.set(xlim=(0, 1), ylim=(0, 1), ylabel="observed frequency (share)")
    panel.set_title(_title("Reliability", curve))
    panel.legend(loc="upper left", fontsize=SMALL)
    if curve.counts:
        counts.vlines(curve.x, 0, curve.counts, color=BLUE, linewidth=6)
    counts.set(xlim=(0, 1), xlabel="confidence (probability)", ylabel="number in the bin")
    counts.set_ylim(bottom=0)
    counts.yaxis.set_major_formatter("{x:,.0f}")
    return figure


def risk_coverage(curve: Curve) -> "Figure":
    """Draw the risk when only the most confident texts are answered; ``curve`` is of kind "risk-coverage"."""
    figure, (panel,) = new_panels(5.0)
    panel.plot(curve.x, curve.y, color=BLUE, label="the surest are answered first")
    if curve.y:
        panel.axhline(curve.y[-1], color=GREY, linestyle="--", label=f"all answered: {curve.y[-1]:.3f}")
    panel.set(xlim=(0, 1), xlabel="coverage (share of texts answered)", ylabel="risk (mean loss of those answered)")
    panel.set_ylim(bottom=0)
    panel.set_title(_title("Risk against coverage", curve))
    panel.legend(loc="lower right", fontsize=SMALL)
    return figure


def confusion(table: Confusion) -> "Figure":
    """Draw each label's texts by the label that was given: shares of the row as colour, and numbers of texts."""
    figure, (panel,) = new_panels(6.8)
    totals = [sum(row) for row in table.counts]
    shares = [
        [count / total if total else 0.0 for count in row] for row, total in zip(table.counts, totals, strict=True)
    ]
    image = panel.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    places, names = range(len(table.labels)), [plain(name) for name in table.labels]
    panel.set_xticks(places, names, rotation=45 if len(names) > 6 else 0, ha="right" if len(names) > 6 else "center")
    panel.set_yticks(places, [f"{name} ({total:,})" for name, total in zip(names, totals, strict=True)])
    if len(names) <= _MAX_LABELS_WITH_COUNTS:
        for row, column in ((row, column) for row in places for column in places):
            colour = "white" if shares[row][column] > 0.5 else "black"
            panel.text(
                column, row, f"{table.counts[row][column]:,}", ha="center", va="center", color=colour, fontsize=SMALL
            )
    panel.set(xlabel="label that was given", ylabel="label of the text (number of texts)")
    panel.set_title(_title("Confusion", table))
    figure.colorbar(image, ax=panel, label="share of the texts of the row", shrink=0.8)
    return figure


def label_bars(table: LabelTable) -> "Figure":
    """Draw a bar per label: its F1, or else its first measure, the best on top, with its support.

    Args:
        table: Measures of the labels.

    Returns:
        The plot.

    Raises:
        ValueError: For a table without labels or measures.
    """
    measure = _leading(table)
    order = sorted(table.rows, key=lambda name: _known(table.rows[name].get(measure), -math.inf))
    figure, (panel,) = new_panels(1.4 + 0.27 * len(order))
    values = [_known(table.rows[name].get(measure), 0.0) for name in order]
    bars = panel.barh([plain(name) for name in order], values, color=BLUE, height=0.7)
    panel.bar_label(
        bars, [_value_and_support(table.rows[name], measure) for name in order], padding=4, color=GREY, fontsize=SMALL
    )
    panel.set(xlim=(min(0.0, *values), 1.25 * max(0.01, *values)), ylim=(-0.6, len(order) - 0.4))
    panel.set_xlabel(plain(f"{measure} (n: texts that have the label)"))
    panel.set_title(_title(f"{measure} by label", table))
    return figure


def every_plot(evaluation: Evaluation) -> Iterator[Plot]:
    """Draw all plots, in the order of the evaluation; an empty curve or table has none.

    Args:
        evaluation: The evaluation.

    Yields:
        The plots.

    Raises:
        ImportError: With the remedy, where matplotlib is not installed.
    """
    require_matplotlib()
    taken: set[str] = set()
    for table in evaluation.tables:
        if any(table.rows.values()):
            reading = "The longer the bar, the better; with few texts, a label's value may be chance."
            yield Plot(_name("labels", table, taken), _bars_in_words(table), reading, label_bars(table))
    for matrix in evaluation.confusions:
        if matrix.counts:
            reading = "What lies on the diagonal is right; a dark column off it is a label that is given too often."
            yield Plot(_name("confusion", matrix, taken), _confusion_in_words(matrix), reading, confusion(matrix))
    for curve in evaluation.curves:
        if curve.x:
            plot_curve, reading = _CURVES[curve.kind]
            yield Plot(_name(curve.kind, curve, taken), _curve_in_words(curve), reading, plot_curve(curve))


def save_plots(evaluation: Evaluation, folder: Path) -> list[Path]:
    """Write all plots to a folder as PNG files, named by what they show.

    Args:
        evaluation: The evaluation.
        folder: The folder.

    Returns:
        Paths of the files.

    Raises:
        ImportError: With the remedy, where matplotlib is not installed.
    """
    return [save_plot(plot, folder) for plot in every_plot(evaluation)]


def save_plot(plot: Plot, folder: Path) -> Path:
    """Write a plot to a folder as a PNG file; return the file."""
    path = folder / f"{plot.name}.png"
    with whole_file(path) as partial:
        plot.figure.savefig(partial, format="png", dpi=DPI)
    return path


_CURVES = {
    "reliability": (
        reliability,
        "On the dashed line it is right as often as its confidence; below the line it is overconfident.",
    ),
    "risk-coverage": (
        risk_coverage,
        "The lower the line runs on the left, the better the confidence finds the errors.",
    ),
}
_About = Curve | Confusion | LabelTable


def new_panels(height: float, panels: int = 1, heights: tuple[int, ...] = (1,)) -> tuple["Figure", list[Any]]:
    """A figure of the common width and ``height`` inches, and its panels from the top."""
    require_matplotlib()
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    with rc_context({"font.size": 12, "axes.titlesize": 13, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(_WIDTH, height), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1))
        grid: Any = figure.subplots(panels, 1, squeeze=False, height_ratios=heights)
    return figure, list(grid.flat)


def plain(text: str) -> str:
    """Escape a text so that matplotlib sees no formula in it."""
    return text.replace("$", r"\$")


def _title(kind: str, about: _About) -> str:
    return plain(f"{kind}: {about.output}\n{about.dataset}, {about.split}")


def _name(kind: str, about: _About, taken: set[str]) -> str:
    """A file name that is not in ``taken`` yet."""
    stem = re.sub(r"[^\w.-]+", "-", "-".join((kind, about.output, about.dataset, about.split)))
    name = next(
        name for number in range(1, len(taken) + 2) if (name := stem + f"-{number}" * (number > 1)) not in taken
    )
    taken.add(name)
    return name


def _leading(table: LabelTable) -> str:
    """The measure that the bars show."""
    names = dict.fromkeys(name for row in table.rows.values() for name in row if name not in SUPPORT)
    if not names:
        raise ValueError(f"The table of {table.output} on {table.dataset} has no measure of any label.")
    return next((name for name in names if name.lower() == "f1"), next(iter(names)))


def _known(value: float | None, otherwise: float) -> float:
    return otherwise if value is None or math.isnan(value) else value


def _value_and_support(row: Mapping[str, float], measure: str) -> str:
    value = row.get(measure)
    shown = "undefined" if value is None or math.isnan(value) else f"{value:.2f}"
    support = next((number for name, number in row.items() if name in SUPPORT), None)
    return shown if support is None else f"{shown}  (n = {support:,.0f})"


def _bars_in_words(table: LabelTable) -> str:
    measure = _leading(table)
    values = {name: row[measure] for name, row in table.rows.items() if math.isfinite(row.get(measure, math.nan))}
    spread = ""
    if values:
        worst, best = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
        spread = f", from {values[worst]:.2f} ({worst}) to {values[best]:.2f} ({best})"
    about = f"{table.output} on {table.dataset}, {table.split}"
    return f"Bars: {measure} of each of {len(table.rows)} labels of {about}{spread}. The table has the same numbers."


def _confusion_in_words(table: Confusion) -> str:
    rows = []
    for name, row in zip(table.labels, table.counts, strict=True):
        given = [f"{count:,} {label}" for label, count in zip(table.labels, row, strict=True) if count]
        rows += [f"{sum(row):,} {name}: {', '.join(given)}"] if given else []
    rows_text = (
        f" Texts of each label, by the label given: {'; '.join(rows)}." if len(rows) <= _MAX_LABELS_WITH_COUNTS else ""
    )
    return (
        f"Confusion matrix of {table.output} on {table.dataset}, {table.split}, {len(table.labels)} labels.{rows_text}"
    )


def _curve_in_words(curve: Curve) -> str:
    about = f"{curve.output} on {curve.dataset}, {curve.split}"
    if curve.kind != "reliability":
        return (
            f"Risk against coverage of {about}: {curve.y[0]:.3f} at a coverage of {curve.x[0]:.2f}, "
            f"{curve.y[-1]:.3f} at {curve.x[-1]:.2f}."
        )
    confidence, frequency = max(zip(curve.x, curve.y, strict=True), key=lambda point: abs(point[0] - point[1]))
    return (
        f"Reliability of {about}, in {len(curve.x)} bins; the largest gap is {abs(confidence - frequency):.2f}, where "
        f"a confidence of {confidence:.2f} came true {frequency:.2f} of the time."
    )


__all__ = [
    "BLUE",
    "DPI",
    "GREY",
    "SMALL",
    "SUPPORT",
    "Plot",
    "confusion",
    "every_plot",
    "label_bars",
    "new_panels",
    "plain",
    "reliability",
    "risk_coverage",
    "save_plot",
    "save_plots",
]
