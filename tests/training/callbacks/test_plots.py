"""Plots are whole PNG files with something on them."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from redheart.storage.figures import require_matplotlib
from redheart.training.callbacks import plots
from redheart.training.callbacks.plots import plot_crossover, plot_losses, plot_sweet_spots

image = pytest.importorskip("matplotlib.image")

COURSE: dict[str, Any] = {
    "steps": [10, 20, 30],
    "values": [1.0, 0.5, 0.7],
    "gaps": [None, 0.1, 0.3],
    "best_step": 20,
    "frozen_at": 30,
    "rule": "gap",
}


def candidate(name: str, selection: float | None, acceptance: float | None = None) -> dict[str, Any]:
    return {"name": name, "strategy": "genetic", "selection": selection, "acceptance": acceptance}


def colours(path: Path) -> set[tuple[int, ...]]:
    """The distinct colours of a PNG that is not blank; no temporary file is left beside it."""
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    pixels = (image.imread(path)[..., :3] * 255).round().astype(int)
    return {tuple(row) for row in np.unique(pixels.reshape(-1, 3), axis=0).tolist()}


BLUE, ORANGE, GREY = (0, 114, 178), (213, 94, 0), (138, 138, 138)


def test_sweet_spots_show_the_history_and_the_best(tmp_path: Path) -> None:
    modules = {"emotion_head": COURSE, "": COURSE | {"frozen_at": None, "gaps": [None] * 3}, "x": COURSE, "y": COURSE}
    plot_sweet_spots({"modules": modules}, tmp_path / "sweet_spot.png")
    assert {BLUE, ORANGE} <= colours(tmp_path / "sweet_spot.png")


FALLING = [1.0, 0.7, 0.5, 0.45, 0.42, 0.41, 0.41, 0.42]


@pytest.mark.parametrize(
    ("values", "gaps", "words"),
    [
        (FALLING, [-40.0, -0.1, 0.0, 0.05, 0.06, 0.07, 0.09, 0.1], ["-40"]),
        (FALLING, [None, 7.5, 0.0, 0.05, 0.06, 0.07, 0.09, 0.1], ["7.5"]),
        ([*FALLING[:-1], 2000.0], [0.0] * 8, ["2e+03"]),
        (FALLING, [None] * 8, []),
        ([1.0] * 8, [0.0] * 8, []),
    ],
)
def test_one_value_far_from_all_others_does_not_flatten_them(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    values: list[float],
    gaps: list[float | None],
    words: list[str],
) -> None:
    figures: list[Any] = []
    monkeypatch.setattr(plots, "save_figure", lambda figure, path: figures.append(figure))
    steps = list(range(10, 90, 10))
    course = {**COURSE, "steps": steps, "values": values, "gaps": gaps, "best_step": steps[values.index(min(values))]}
    plot_sweet_spots({"modules": {"emotion_head": course}}, tmp_path / "sweet_spot.png")
    (panel,) = figures[0].axes
    low, high = panel.get_ylim()
    assert -0.5 < low < min(min(values), 0.4)
    assert 1.0 < high < 1.5
    assert [text.get_text() for text in panel.texts] == words


def test_a_report_without_modules_can_be_drawn(tmp_path: Path) -> None:
    plot_sweet_spots({"modules": {}}, tmp_path / "sweet_spot.png")
    assert BLUE not in colours(tmp_path / "sweet_spot.png")


@pytest.mark.parametrize("verdict", ["accepted", "rejected"])
def test_crossover_shows_what_was_chosen(tmp_path: Path, verdict: str) -> None:
    report = {
        "checkpoints": [candidate("step-1", 2.0, 2.1), candidate("step-2", 3.0)],
        "recombinations": [candidate("selective", 1.0, 1.5), candidate("genetic-3", 2.5), candidate("bad", None)],
        "chosen": "selective",
        "metric": "eval_loss",
        "verdict": verdict,
    }
    plot_crossover(report, tmp_path / "crossover.png")
    assert {BLUE, ORANGE, GREY} <= colours(tmp_path / "crossover.png")


def test_losses_of_training_and_validation(tmp_path: Path) -> None:
    history = [
        {"step": 10, "loss": 1.0, "loss_emotion": 0.4},
        {"step": 10, "eval_loss": 1.1, "eval_loss_emotion": 0.5},
        {"step": 20, "loss": 0.8, "loss_emotion": 0.3, "learning_rate": 1e-3},
        {"step": 20, "eval_loss": 1.0, "eval_loss_emotion": 0.45},
    ]
    plot_losses(history, tmp_path / "losses.png")
    assert {BLUE, GREY} <= colours(tmp_path / "losses.png")
    with pytest.raises(ValueError, match="no loss to plot"):
        plot_losses([{"step": 1, "learning_rate": 1.0}], tmp_path / "losses.png")


def test_without_matplotlib_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"Plots need matplotlib.*: pip install "):
        require_matplotlib()
