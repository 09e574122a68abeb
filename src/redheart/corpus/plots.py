"""Plots of a corpus; each comes with a description for readers who cannot see it (`evaluation.reports.plots`)."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..evaluation.reports.plots import BLUE, GREY, SMALL, Plot, new_panels, plain
from ..statistics.measures import Array, Interval

_QUANTILES = (5, 25, 50, 75, 95)


def shares_plot(name: str, title: str, shares: Mapping[str, Interval], texts: int) -> Plot:
    """Draw a share of the texts for each label, with its interval, the first on top."""
    labels = list(shares)[::-1]
    figure, (panel,) = new_panels(1.4 + 0.3 * len(labels))
    values = np.array([shares[label].value for label in labels])
    ends = np.array([[shares[label].low, shares[label].high] for label in labels]).T
    panel.barh([plain(label) for label in labels], values, color=BLUE, height=0.65)
    panel.errorbar(values, range(len(labels)), xerr=abs(ends - values), fmt="none", ecolor="black", capsize=2)
    panel.set(xlim=(0, None), xlabel=f"share of {texts:,} texts, with its 95 % interval", title=plain(title))
    panel.margins(y=0.01)
    listed = ", ".join(f"{label} {shares[label].value:.2f}" for label in list(shares)[:6])
    return Plot(name, f"Bars: {title}. {listed}.", "The line at the end of a bar is its 95 % interval.", figure)


def spread_plot(numbers: Mapping[str, Array]) -> Plot:
    """Draw the 5, 25, 50, 75 and 95 % quantiles of each measure."""
    names = list(numbers)[::-1]
    figure, (panel,) = new_panels(1.4 + 0.27 * len(names))
    for place, name in enumerate(names):
        values = numbers[name]
        low, quarter, middle, most, high = np.quantile(values[~np.isnan(values)], [q / 100 for q in _QUANTILES])
        panel.plot([low, high], [place, place], color=GREY, linewidth=1.5)
        panel.plot([quarter, most], [place, place], color=BLUE, linewidth=7, solid_capstyle="butt")
        panel.plot([middle], [place], color="white", marker="|", markersize=9, markeredgewidth=2)
    panel.axvline(0, color=GREY, linewidth=0.8, linestyle=":")
    panel.set_yticks(range(len(names)), names, fontsize=SMALL)
    panel.set(xlabel="value on its scale", title="Degrees")
    panel.margins(y=0.01)
    reading = "The bar holds half of the texts, the line 90 %, and the mark is the median."
    return Plot("degrees", f"The spread of {len(names)} measures; the table has the same numbers.", reading, figure)


def groups_plot(title: str, groups: Sequence[str], measures: Mapping[str, Sequence[Interval]], unit: str) -> Plot:
    """Draw measures of each group with their intervals, a panel each; points of periods are joined."""
    figure, panels = new_panels(1.0 + 1.9 * len(measures), len(measures), (1,) * len(measures))
    places = range(len(groups))
    for panel, (name, values) in zip(panels, measures.items(), strict=True):
        points = np.array([item.value for item in values])
        ends = np.array([[item.low, item.high] for item in values]).T
        line = "o" if unit == "value" else "o-"
        panel.errorbar(places, points, yerr=abs(ends - points), fmt=line, color=BLUE, ecolor=GREY, capsize=3)
        panel.set_title(plain(name), fontsize=SMALL, loc="left")
        panel.set_xticks(places, [""] * len(groups))
        panel.margins(x=0.04)
    step = max(1, len(groups) // 16)
    shown = [plain(group) if place % step == 0 else "" for place, group in enumerate(groups)]
    panels[-1].set_xticks(places, shown, rotation=45, ha="right", fontsize=SMALL)
    figure.suptitle(plain(title))
    reading = "A point is the group's share or mean, and the line its 95 % interval; those of small groups are long."
    return Plot("groups", f"{', '.join(measures)} of {len(groups)} groups; the table has the numbers.", reading, figure)


__all__ = ["groups_plot", "shares_plot", "spread_plot"]
