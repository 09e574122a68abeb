"""Calibrating a guarantee: by group, bound to what it was made of, and what is said where rows are too few."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax
from typer.testing import CliRunner

from redheart import RedHeartModel
from redheart.cli import main
from redheart.configuration.labels import EMOTIONS, VERDICTS
from redheart.data.loading import Array, Example, Unit
from redheart.evaluation.measurement.guarantees import (
    NAMING_THRESHOLDS,
    SET_THRESHOLDS,
    achieved,
    calibrate,
    losses,
    never_used,
    one_per_group,
    quantised,
    rated_texts,
    read_rated,
    readings,
    reference,
    used_texts,
)
from redheart.modeling_redheart.guarantees import Guarantee, read_guarantee

COLUMNS = ("emotion_labels", "verdict_labels")


class Oracle:
    """A predictor that is right but for noise, so that simulated rows have a known risk."""

    def __init__(self, seed: int = 0, noise: float = 1.0) -> None:
        self.known: dict[str, dict[str, Array]] = {}
        self.random, self.noise = np.random.default_rng(seed), noise

    def unit(self, number: int, group: str) -> Unit:
        """A text with labels, and the prediction about it."""
        emotions, text = np.zeros(len(EMOTIONS)), f"text {number}"
        emotions[self.random.choice(len(EMOTIONS), 2, replace=False)] = 1
        votes = self.random.multinomial(9, self.random.dirichlet(np.full(5, 0.3))) / 9
        score = 4 * emotions - 3 + self.noise * self.random.normal(size=len(EMOTIONS))
        logits = 4 * votes + self.noise * self.random.normal(size=len(VERDICTS))
        self.known[text] = {"emotion_labels": 1 / (1 + np.exp(-score)), "verdict_labels": softmax(logits)}
        return (Example(text, "made-up", dict(zip(COLUMNS, (emotions, votes), strict=True)), group),)

    def texts(self, texts: list[str]) -> dict[str, Array]:
        """Predictions, as `Predictor.texts` gives them."""
        return {name: np.stack([self.known[text][name] for text in texts]) for name in COLUMNS}


@pytest.fixture
def model(lively_model: Callable[..., RedHeartModel]) -> RedHeartModel:
    return lively_model()


def _calibrated(
    model: Any, oracle: Any, count: int, alphas: tuple[float, ...] = (0.1, 0.3)
) -> tuple[Guarantee, list[Unit]]:
    units = [oracle.unit(number, f"group {number // 2}") for number in range(count)]
    return calibrate(model, oracle, units, "mine", alphas), units


@pytest.mark.slow
def test_the_promise_holds_on_new_rows_in_all_but_a_few_repetitions(model: RedHeartModel) -> None:
    """Whole, with groups: calibrated on simulated rows and checked against thousands of new ones."""
    test = Oracle(1)
    rated = read_rated(test, rated_texts([test.unit(number, str(number)) for number in range(4000)]))  # type: ignore[arg-type]
    broken: list[bool] = []
    for seed in range(15):
        guarantee, _ = _calibrated(model, Oracle(seed + 2), 200, (0.1,))
        for part, threshold in guarantee.promises[0].thresholds.items():
            wrong, counted = losses(rated, part, threshold)
            broken.append(bool(wrong.sum() / counted.sum() > 0.1))
    assert len(broken) > 25
    assert np.mean(broken) <= 0.2  # delta, and chance


def test_what_is_recorded_is_what_it_was_made_of(model: RedHeartModel) -> None:
    guarantee, units = _calibrated(model, oracle := Oracle(), 120)
    assert (guarantee.rows, guarantee.groups, guarantee.data) == (120, 60, "mine")
    assert [promise.alpha for promise in guarantee.promises] == [0.1, 0.3]
    assert len(used_texts(guarantee)) == 120
    again = calibrate(model, oracle, units[::-1], "mine", (0.1, 0.3))  # type: ignore[arg-type]
    assert again == guarantee  # the order of the rows does not matter
    other, _ = _calibrated(model, Oracle(9), 120)
    assert other.data_sha256 != guarantee.data_sha256
    assert json.loads(json.dumps(guarantee.record())) == guarantee.record()


def test_the_reference_has_one_text_of_each_group(model: RedHeartModel) -> None:
    guarantee, units = _calibrated(model, oracle := Oracle(), 40)
    rated = read_rated(oracle, rated_texts(units))  # type: ignore[arg-type]
    assert reference(guarantee).shape == (20, len(EMOTIONS) + len(VERDICTS))
    kept = quantised(one_per_group(readings(rated.predictions), rated.groups)) / 255
    assert np.array_equal(reference(guarantee), kept)


def test_rows_of_a_used_group_are_never_checked(model: RedHeartModel) -> None:
    guarantee, units = _calibrated(model, oracle := Oracle(), 40)
    sibling, stranger = oracle.unit(1000, "group 3"), oracle.unit(1001, "elsewhere")
    assert never_used([*units, sibling, stranger], guarantee) == [stranger]


def test_too_few_rows_promise_nothing_and_say_what_they_could(model: RedHeartModel) -> None:
    guarantee, _ = _calibrated(model, Oracle(), 30, (0.05,))
    assert guarantee.promises[0].thresholds == {}
    least = guarantee.promises[0].least
    assert set(least) == {"emotions", "verdicts", "named"}
    assert all(value is None or value > 0.05 for value in least.values())


def test_what_is_achieved_stands_beside_what_is_promised(model: RedHeartModel) -> None:
    guarantee, _ = _calibrated(model, oracle := Oracle(), 300)
    fresh = [oracle.unit(number, str(number)) for number in range(5000, 5200)]
    figures = achieved(guarantee, read_rated(oracle, rated_texts(fresh)), "rows, never used")  # type: ignore[arg-type]
    errors = [figure for figure in figures if figure.measure == "error, promised at most 0.3"]
    assert {figure.output for figure in errors} == {f"guarantee.{part}" for part in guarantee.promises[1].thresholds}
    assert all(figure.low <= figure.value <= figure.high for figure in errors)
    assert all("promised with probability 0.9, calibrated on mine" in figure.rule for figure in errors)
    sizes = [figure.value for figure in figures if figure.measure.startswith("mean size")]
    assert all(1 <= size <= len(EMOTIONS) for size in sizes)


def test_rows_without_all_ratings_are_refused() -> None:
    bare = (Example("a", "mine", {"verdict_labels": np.full(5, 0.2)}),)
    with pytest.raises(ValueError, match=r"None of the 1 texts has both emotions.*and votes"):
        rated_texts([bare])


def _write(path: Path, count: int) -> str:
    rows = [
        {
            "text": f"On day {number} my neighbour broke window {number * 7} and I said nothing.",
            "emotion": [EMOTIONS[number % 5]],
            "verdict": VERDICTS[number % 3],
            "group": f"g{number // 2}",
        }
        for number in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


@pytest.mark.slow
def test_the_command_stores_prints_and_reads(checkpoint: Path, tmp_path: Path) -> None:
    """And evaluation checks it on other rows, and new texts are compared with those rows."""
    shutil.copytree(checkpoint, tmp_path / "model")
    folder, rows = str(tmp_path / "model"), _write(tmp_path / "mine.jsonl", 160)
    run = CliRunner().invoke
    done = run(main, ["calibrate", folder, "--data", rows, "--alpha", "0.3"])
    assert done.exit_code == 0, done.output
    words = " ".join(done.output.split())
    assert "against the ratings of mine" in words
    assert "for texts like those" in words
    assert "guarantee.emotions: error" in words
    before, after = (json.loads((Path(place) / "config.json").read_text()) for place in (checkpoint, folder))
    assert {key for key in after if after[key] != before.get(key)} == {"guarantee"}
    found = read_guarantee(after["guarantee"])
    assert found is not None
    assert 0 < found.groups < 80
    read = run(main, ["analyze", "--model", folder, "--guarantee", "0.3", "--json", "I lied to my sister."])
    assert json.loads(read.stdout)["guarantee"]["emotions"]
    assert "No guarantee of 0.1" in run(main, ["analyze", "--model", folder, "--guarantee", "0.1", "a lie"]).stderr
    assert "for texts like those" in " ".join(run(main, ["info", folder]).output.split())
    options = ["--rows", rows, "--texts", "0", "--no-lists", "--json", str(tmp_path / "found.json")]
    assert run(main, ["evaluate", folder, *options]).exit_code == 0
    figures = json.loads((tmp_path / "found.json").read_text())["figures"]
    checked = [figure for figure in figures if figure["output"] == "guarantee.emotions"]
    assert checked[0]["rows"] == 160 - found.rows
    compared = run(main, ["evaluate", folder, "--rows", rows, "--against", "calibration"])
    assert compared.exit_code == 0, compared.output
    assert "No difference" in compared.output


def test_the_command_stores_nothing_where_nothing_can_be_promised(checkpoint: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoint, tmp_path / "model")
    before = (tmp_path / "model" / "config.json").read_text()
    rows = _write(tmp_path / "few.jsonl", 12)
    done = CliRunner().invoke(main, ["calibrate", str(tmp_path / "model"), "--data", rows])
    assert done.exit_code == 1
    assert "too few for any promise" in done.stderr
    assert "could be" in done.stderr
    assert (tmp_path / "model" / "config.json").read_text() == before


@pytest.mark.parametrize(
    ("options", "status", "complaint"),
    [
        (["--alpha", "1.5"], 2, "above 0 and below 1"),
        (["--delta", "0"], 2, "above 0 and below 1"),
        (["--data", "nowhere.jsonl"], 1, "nowhere.jsonl"),
        (["--data", "."], 1, "."),
    ],
)
def test_wrong_usage_is_told_before_anything_is_read(
    checkpoint: Path, options: list[str], status: int, complaint: str
) -> None:
    done = CliRunner().invoke(main, ["calibrate", str(checkpoint), *options])
    assert done.exit_code == status
    assert complaint in " ".join(done.stderr.split())


def test_thresholds_are_tested_from_the_safest_on() -> None:
    assert list(SET_THRESHOLDS) == sorted(set(SET_THRESHOLDS))
    assert list(NAMING_THRESHOLDS) == sorted(set(NAMING_THRESHOLDS), reverse=True)
    assert 0 < SET_THRESHOLDS[0] < SET_THRESHOLDS[-1] < 1


def test_rows_that_all_fall_into_the_check_are_said_to_be_too_few(checkpoint: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("text,emotion,verdict\nI lied to my mother.,remorse,author\nHe took my bike.,anger,other\n")
    words = ["calibrate", str(checkpoint), "--data", str(rows), "--check-share", "0.9"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 1
    assert "All of the 2 rows fall into the share that only checks (0.9)" in result.stderr
