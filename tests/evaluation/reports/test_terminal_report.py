"""An evaluation in a terminal: floors beside figures, marks in words, nothing undefined as a number."""

import io
import math
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from redheart.evaluation.measurement.results import CONSTANT, LINEAR, MODEL, Evaluation, Figure
from redheart.evaluation.reports.terminal_report import (
    BELOW,
    NEAR,
    comparisons,
    describe_keys,
    information_rows,
    render,
    withheld,
    words,
)

GROUP = "Verdict"


def shown(evaluation: Evaluation, width: int = 100, encoding: str = "utf-8") -> str:
    """What a pipe gets."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    render(evaluation, Console(file=file, width=width))
    file.flush()
    return raw.getvalue().decode(encoding)


def line(text: str, start: str) -> str:
    return next(one for one in text.splitlines() if one.strip().startswith(start))


def standing(measure: str, value: float, low: float, high: float, floor: float) -> str:
    """Of one figure beside one floor."""
    rows = [Figure("d", "test", "verdict", measure, LINEAR, floor, 9)]
    rows += [Figure("d", "test", "verdict", measure, MODEL, value, 9, low, high)]
    (row,) = comparisons(Evaluation("m", 1, "c", figures=rows))[GROUP]["d, test, 9 rows"]
    return row.standing


def test_what_was_saved_renders_as_before(evaluation: Evaluation, tmp_path: Path) -> None:
    evaluation.save(tmp_path / "evaluation.json")
    assert shown(Evaluation.load(tmp_path / "evaluation.json")) == shown(evaluation)


def test_a_pipe_gets_text_of_100_columns(evaluation: Evaluation) -> None:
    text = shown(evaluation, width=160)
    assert max(map(cell_len, text.splitlines())) <= 100
    assert "\x1b" not in text
    assert shown(evaluation, encoding="ascii").isascii()


def test_a_narrow_console_loses_no_number(evaluation: Evaluation) -> None:
    text = shown(evaluation, width=80)
    assert max(map(cell_len, text.splitlines())) <= 80
    for number in ("0.471", "[0.460, 0.482]", "below floor", "[0.001, 0.006]"):
        assert number in text


def test_figures_below_and_near_the_floor_are_marked_in_words(evaluation: Evaluation) -> None:
    text = shown(evaluation)
    assert line(text, "verdict: macro F1").rstrip().endswith(BELOW)
    assert line(text, "acceptability_ranking: pair accuracy").rstrip().endswith(NEAR)
    assert line(text, "affect.valence").rstrip().endswith("[0.642, 0.715]")


def test_undefined_is_a_dash(evaluation: Evaluation) -> None:
    text = shown(evaluation)
    assert "nan" not in text.lower().replace("nuance", "").replace("dominance", "")
    assert line(text, "intensity: mean Pearson r").split()[-5:] == ["-", "0.390", "-", "below", "floor"]


def test_a_risk_is_shown_with_its_coverage(evaluation: Evaluation) -> None:
    text = shown(evaluation)
    assert "0.394" in line(text, "selective risk at coverage 0.80")
    assert "coverage 0.80 of the texts, 50 claims" in text
    assert line(text, "dates").split()[:6] == ["dates", "150", "0.140", "[0.100,", "0.190]", "0.690"]
    assert "above 10 %" in line(text, "dates")
    assert "above" not in line(text, "technical prose")


def test_consistency_information_and_what_is_missing_are_shown(evaluation: Evaluation) -> None:
    text = shown(evaluation)
    assert "paraphrase: goemotions, 97 texts, 6 readings of each" in text
    assert text.count("below 0.80") == 1
    assert line(text, "unique to bentham").split()[3:] == ["-0.001", "0.002", "0.003", "[0.001,", "0.006]"]
    assert "there is no folder of this name" in text
    assert line(text, "nuance").split() == ["nuance", "all", "112"]


@pytest.mark.parametrize(
    ("measure", "figure", "floor", "expected"),
    [
        ("macro F1", (0.4, 0.3, 0.5), 0.5, BELOW),
        ("macro F1", (0.6, 0.4, 0.8), 0.5, NEAR),
        ("macro F1", (0.6, 0.55, 0.8), 0.5, ""),
        ("soft cross entropy", (0.4, 0.3, 0.45), 0.5, ""),
        ("soft cross entropy", (0.4, 0.3, 0.55), 0.5, NEAR),
        ("soft cross entropy", (0.6, 0.55, 0.8), 0.5, BELOW),
        ("Spearman r with the real loss", (0.6, 0.55, 0.8), 0.5, ""),
        ("coverage at risk", (0.6, 0.55, 0.8), 0.5, ""),
        ("wrong among named", (0.1, 0.05, 0.15), 0.2, ""),
        ("wrong among named", (0.3, 0.25, 0.35), 0.2, BELOW),
        ("Pearson r", (math.nan, math.nan, math.nan), 0.5, BELOW),
        ("Pearson r", (math.nan, math.nan, math.nan), math.nan, ""),
        ("Pearson r", (0.6, math.nan, math.nan), 0.5, ""),
    ],
)
def test_standing_knows_which_way_is_better(
    measure: str, figure: tuple[float, float, float], floor: float, expected: str
) -> None:
    assert standing(measure, *figure, floor) == expected


def test_the_floor_has_the_same_rule_and_is_the_best_of_its_kind() -> None:
    model = Figure("d", "test", "verdict", "macro F1", MODEL, 0.3, 9, rule="a")
    floors = [
        replace(model, system=LINEAR, value=0.2),
        replace(model, system=f"{LINEAR}, balanced classes", value=0.25),
        replace(model, system=LINEAR, value=0.9, rule="b"),
        replace(model, system=CONSTANT, value=0.1, rule="b"),
        replace(model, system=CONSTANT, value=0.8, split="validation"),
    ]
    (row,) = comparisons(Evaluation("m", 1, "c", figures=[*floors, model]))[GROUP]["d, test, 9 rows"]
    assert (row.constant, row.linear, row.standing) == (0.1, 0.25, "")


def test_claims_are_counted_and_named() -> None:
    keys = ["a.x", "a.y", "a.z"]
    assert describe_keys(keys, keys) == "all 3"
    assert describe_keys(["b"], ["b"]) == "all"
    assert describe_keys(keys[:2], keys) == "2 of 3: x, y"
    assert describe_keys(keys[1:], keys, most=1) == "2 of 3: y and 1 more"
    assert withheld({"arc": ["x"], "surd": []})["surd"] == "all"
    assert "arc" not in withheld({"arc": ["x"]})


def test_words_for_anything() -> None:
    assert words({"a": 0.5, "b": None, "c": {"d": [1, 2]}}) == "a: 0.5, b: -, c (d: 1, 2)"
    assert words(dict.fromkeys("abcdef", 0.25)) == "6 numbers, 0.25 to 0.25"
    assert words([math.nan, 1234567, 1234567.8, True]) == "-, 1,234,567, 1,234,568, True"


def test_nothing_decomposed_has_no_rows() -> None:
    assert information_rows({}) == []


def test_an_empty_evaluation_renders() -> None:
    assert "Reproduce: c" in shown(Evaluation("m", 1, "c"))
