"""Figures as PNG files."""

import importlib.util
from pathlib import Path
from typing import Any

from ..configuration.extras import missing
from .files import whole_file


def require_matplotlib() -> None:
    """Raise `ImportError` with the remedy if matplotlib is missing; call it before a run, not at its end."""
    if importlib.util.find_spec("matplotlib") is None:
        raise missing("Plots need matplotlib, unless you pass `plot=False`", "train")


def new_figure(width: float, height: float, rows: int, columns: int) -> tuple[Any, list[Any]]:
    """A figure of ``width`` x ``height`` inches, and its panels row by row."""
    require_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    grid: Any = figure.subplots(rows, columns, squeeze=False)
    return figure, list(grid.flat)


def save_figure(figure: Any, path: Path) -> None:
    """Write ``figure`` to ``path`` as PNG."""
    with whole_file(path) as partial:
        figure.savefig(partial, format="png", dpi=110)


__all__ = ["new_figure", "require_matplotlib", "save_figure"]
