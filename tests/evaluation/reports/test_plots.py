"""Plots are PNG files with something on them, and words that say what."""

import io
from pathlib import Path

import numpy as np
import pytest

from redheart.evaluation.measurement.results import Confusion, Curve, Evaluation, LabelTable
from redheart.evaluation.reports.plots import confusion, every_plot, label_bars, save_plots

image = pytest.importorskip("matplotlib.image")

NAN = float("nan")


def test_each_plot_is_a_file_of_800_pixels_that_is_not_blank(evaluation: Evaluation, tmp_path: Path) -> None:
    paths = save_plots(evaluation, tmp_path / "plots")
    assert sorted(paths) == sorted((tmp_path / "plots").iterdir())
    assert [path.name.split("-")[0] for path in paths] == ["labels", "confusion", "reliability", "risk"]
    for path in paths:
        pixels = image.imread(path)[..., :3]
        assert pixels.shape[1] == 800
        assert pixels.std() > 0.05


def test_descriptions_match_the_plots(evaluation: Evaluation) -> None:
    labels, matrix, reliable, risk = (plot.alt for plot in every_plot(evaluation))
    assert "from 0.00 (pride) to 0.86 (caring)" in labels
    assert "437 author: 112 author, 301 other, 4 everybody, 20 nobody" in matrix
    assert "the largest gap is 0.07" in reliable
    assert "0.110 at a coverage of 0.05, 0.300 at 1.00" in risk


def test_equal_descriptions_get_names_of_their_own() -> None:
    curve = Curve("risk-coverage", "my/set", "a b", "verdict", [0.5, 1.0], [0.1, 0.2])
    names = [plot.name for plot in every_plot(Evaluation("m", 1, "c", curves=[curve, curve, curve]))]
    assert names == [f"risk-coverage-verdict-my-set-a-b{end}" for end in ("", "-2", "-3")]


def test_what_is_empty_is_not_drawn() -> None:
    evaluation = Evaluation("m", 1, "c")
    evaluation.curves = [Curve("reliability", "d", "s", "o", [], [])]
    evaluation.confusions = [Confusion("d", "s", "o", [], [])]
    evaluation.tables = [LabelTable("d", "s", "o", {})]
    assert not list(every_plot(evaluation))
    with pytest.raises(ValueError, match="no measure of any label"):
        label_bars(evaluation.tables[0])


def test_undefined_values_and_formula_signs_are_drawn() -> None:
    table = LabelTable("d", "s", "$x_$", {"a$": {"r": NAN, "texts": 0.0}, "b": {"r": -0.5, "texts": 7.0}})
    figure = label_bars(table)
    assert [text.get_text() for text in figure.axes[0].texts] == ["undefined  (n = 0)", "-0.50  (n = 7)"]
    figure.savefig(io.BytesIO(), format="png")  # a formula that is none would fail here


def test_many_labels_have_no_numbers_in_their_cells() -> None:
    names = [f"label {number}" for number in range(20)]
    table = Confusion("d", "s", "o", names, np.eye(20, dtype=int).tolist())
    assert not confusion(table).axes[0].texts
