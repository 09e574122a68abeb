"""The baselines, on sets of a few dozen rows written here whose answer lies in single words."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]
import pyarrow.parquet as pq  # type: ignore[import-untyped, unused-ignore]
import pytest

from redheart.configuration.labels import EMOTIONS, VERDICTS
from redheart.training import baselines
from redheart.training.baselines import BASELINES, Figure
from redheart.training.data import DataError, find_data

ROWS = 24


def write(root: Path, name: str, columns: dict[str, list[Any]], *splits: str) -> None:
    """Every split gets the same columns, its own name in the texts: the words that matter are shared, no text is."""
    (root / name).mkdir()
    for split in splits:
        own = {key: [f"{v} {split}" if isinstance(v, str) else v for v in values] for key, values in columns.items()}
        pq.write_table(pa.table(own), root / name / f"{split}.parquet")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good words go with joy, pleasure and being right, bad ones with anger, pain and being wrong."""
    root = tmp_path_factory.mktemp("data")
    good = [number % 2 == 0 for number in range(ROWS)]
    texts = [f"{'lovely' if is_good else 'awful'} day number{number}" for number, is_good in enumerate(good)]
    joy, anger = EMOTIONS.index("joy"), EMOTIONS.index("anger")
    labels = [[joy] if is_good else [anger] for is_good in good]
    write(root, "goemotions", {"id": texts, "text": texts, "labels": labels}, "train", "validation")
    votes: dict[str, list[Any]] = {f"n_{name}": [0] * ROWS for name in VERDICTS}
    votes["n_other"] = [3 if is_good else 1 for is_good in good]
    votes["n_author"] = [1 if is_good else 3 for is_good in good]
    write(root, "scruples_anecdotes", {"title": texts, "text": texts, **votes}, "train", "validation")
    better, worse = ([f"{word} deed{number}" for number in range(ROWS)] for word in ("kind", "cruel"))
    scenes: dict[str, list[Any]] = {"more_pleasant": better, "less_pleasant": worse}
    write(root, "ethics_utilitarianism", scenes, "train", "test", "test_hard")
    story: dict[str, list[Any]] = {"moral_action": better, "immoral_action": worse}
    story |= {name: [f"{name}{number}" for number in range(ROWS)] for name in ("id", "situation", "intention")}
    write(root, "moral_stories", story, "train", "validation", "test")
    scale = [4.0 if is_good else 2.0 for is_good in good]
    write(root, "emobank", {"text": texts, "valence": scale, "arousal": scale, "dominance": scale},
          "train", "validation", "test")  # fmt: skip
    grades: dict[str, list[Any]] = {name: [0 if is_good else 3 for is_good in good] for name in ("anger", "fear")}
    grades |= {name: [2 if is_good else 0 for is_good in good] for name in ("joy", "sadness", "surprise")}
    write(root, "emotion_intensity_en", {"text": texts, **grades}, "train", "validation", "test")
    return root


def by_system(figures: list[Figure], split: str) -> list[dict[str, float]]:
    return [item.measures for item in figures if item.split == split]


def test_pearson() -> None:
    assert baselines.pearson(np.array([1.0, 2, 3, 4]), np.array([1.0, 3, 2, 4])) == pytest.approx(0.8)
    assert baselines.pearson(np.array([1.0, 2, 3]), np.array([3.0, 2, 1])) == pytest.approx(-1)
    assert math.isnan(baselines.pearson(np.full(10, 0.1), np.arange(10.0)))


def test_soft_cross_entropy() -> None:
    shares, uniform = np.array([[0.5, 0.5, 0, 0, 0], [1, 0, 0, 0, 0]]), np.full((2, 5), 0.2)
    assert baselines.soft_cross_entropy(uniform, shares) == pytest.approx(math.log(5))
    assert baselines.soft_cross_entropy(shares, shares) == pytest.approx(math.log(2) / 2)


def test_a_tie_is_half_a_pair() -> None:
    assert baselines.pair_accuracy(np.array([2, 1, 0, 3]), np.array([1, 1, 1, 0])) == 0.625


def test_emotions(root: Path) -> None:
    prior, linear = by_system(BASELINES["goemotions"](root), "validation")
    # Joy and anger, each in half of the texts, are always asserted: F1 = 2/3 for two of 28 labels.
    assert prior["macro_f1"] == pytest.approx(2 / 3 * 2 / 28)
    assert prior["average_precision"] == pytest.approx(0.5)
    assert linear["average_precision"] == pytest.approx(1)


def test_verdicts(root: Path) -> None:
    prior, soft, hard = by_system(BASELINES["scruples_anecdotes"](root), "validation")
    assert prior["accuracy"] == 0.5
    assert prior["soft_cross_entropy"] == pytest.approx(math.log(2))
    assert soft["accuracy"] == hard["accuracy"] == 1
    assert hard["macro_f1"] == pytest.approx(2 / 5)
    floor = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert floor <= soft["soft_cross_entropy"] < prior["soft_cross_entropy"]


@pytest.mark.parametrize(("name", "split"), [("moral_stories", "validation"), ("ethics_utilitarianism", "test_hard")])
def test_rankings(root: Path, name: str, split: str) -> None:
    accuracies = [measures["pair_accuracy"] for measures in by_system(BASELINES[name](root), split)]
    assert accuracies == [0.5, 1] * (len(accuracies) // 2)


@pytest.mark.parametrize("name", ["emobank", "emotion_intensity_en"])
def test_regressions(root: Path, name: str) -> None:
    mean, ridge = by_system(BASELINES[name](root), "test")
    assert math.isnan(mean["r_mean"])
    assert ridge["r_mean"] > 0.99
    assert ridge["rmse"] < mean["rmse"]


def test_the_mean_of_emobank_misses_by_the_spread(root: Path) -> None:
    # valence is +-0.5, arousal and dominance 0.5 +- 0.25, around their means
    mean = by_system(BASELINES["emobank"](root), "test")[0]
    assert mean["rmse"] == pytest.approx(math.sqrt((0.25 + 0.0625 + 0.0625) / 3))


def test_the_command_prints_a_table_and_writes_json(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    assert baselines.main(["--data", str(root), "--json", str(file), "--sets", "emobank"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("| set | split |")
    assert lines[2].startswith("| emobank | validation | 24 | mean of train | r_valence -")
    figures = json.loads(file.read_text())["figures"]
    assert figures[0]["measures"]["r_valence"] is None
    assert figures[1]["measures"]["r_valence"] > 0.99


def test_the_command_says_what_is_wrong(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert baselines.main(["--data", str(tmp_path / "nowhere")]) == 1
    assert "no data folder" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        baselines.main(["--data", str(root), "--json", str(tmp_path / "no" / "figures.json")])
    assert "does not exist" in capsys.readouterr().err


def test_the_emotion_intensities_have_the_figure_of_record() -> None:
    try:
        root = find_data()
    except DataError as error:
        pytest.skip(str(error))
    ridge = by_system(BASELINES["emotion_intensity_en"](root), "test")[1]
    assert ridge["r_mean"] == pytest.approx(0.390, abs=0.005)
