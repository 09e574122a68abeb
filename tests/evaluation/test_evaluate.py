"""The whole evaluation of a tiny checkpoint on a person's own rows, by the command."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from redheart.cli import main
from redheart.configuration.labels import EMOTIONS
from redheart.evaluation.measurement.results import CONSTANT, LINEAR, MODEL, Evaluation

SUBJECTS = ("my sister", "my boss", "a friend", "our neighbour", "my father", "the teacher")
ENDS = {"anger": "broke my phone and laughed about it", "gratitude": "helped me when nobody else did"}


def _rows(start: int, count: int) -> list[dict[str, Any]]:
    rows = []
    for number in range(start, start + count):
        emotion = ("anger", "gratitude")[number % 2]
        text = f"In week {number} {SUBJECTS[number % 6]} {ENDS[emotion]}, and I told them that I would not forget it."
        verdict = {f"verdict.{name}": 0 for name in ("author", "everybody", "nobody", "info")}
        rows.append({"text": text, "emotion": [emotion], "verdict.other": 3, **verdict, "verdict.author": number % 3})
    return rows


def _write(path: Path, rows: Sequence[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path) -> tuple[Path, str]:
    """The folder of a run of the command, and what it printed."""
    folder = tmp_path_factory.mktemp("evaluated")
    shutil.copytree(checkpoint, folder / "model")
    config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    config["supervision"] = {key: ["goemotions"] for key in config["supervision"]}  # a card needs sets with a licence
    (folder / "model" / "config.json").write_text(json.dumps(config), encoding="utf-8")
    rows, train = _write(folder / "rows.jsonl", _rows(0, 40)), _write(folder / "train.jsonl", _rows(100, 60))
    options = ["--rows", rows, "--train", train, "--fit", "--texts", "4", "--json", str(folder / "found.json")]
    done = CliRunner().invoke(
        main, ["evaluate", str(folder / "model"), *options, "--report", str(folder / "page"), "--card"]
    )
    assert done.exit_code == 0, done.output
    return folder, done.output


def test_every_figure_has_its_floor(evaluated: tuple[Path, str]) -> None:
    found = Evaluation.load(evaluated[0] / "found.json")
    for system in (MODEL, CONSTANT, LINEAR):
        assert found.find("rows", "emotion", "average precision", system=system)
        assert found.find("rows", "verdict", "soft cross entropy", system=system)
    # The rows are told by their words, which a linear model learns and random weights do not.
    linear, random = (
        found.find("rows", "emotion", "average precision", system=system)[0].value for system in (LINEAR, MODEL)
    )
    assert linear > random


def test_consistency_unsupported_claims_and_cost_are_there(evaluated: tuple[Path, str]) -> None:
    found = Evaluation.load(evaluated[0] / "found.json")
    assert {item.family for item in found.consistency} <= {"surface", "paraphrase", "point_of_view"}
    assert found.consistency
    assert all(item.raters == 6 for item in found.consistency)
    assert "all" in {item.kind for item in found.unsupported}
    assert found.cost["response time, ms"] > 0
    assert "rows" in found.skipped["information of rows (all rows)"]


def test_what_was_fitted_is_in_the_config_and_nowhere_else(evaluated: tuple[Path, str], checkpoint: Path) -> None:
    before, after = (
        json.loads((folder / "config.json").read_text(encoding="utf-8"))
        for folder in (checkpoint, evaluated[0] / "model")
    )
    assert set(after["thresholds"]) == set(EMOTIONS)
    changed = {key for key in after if after[key] != before.get(key)}
    by_chance = {"supervision", "withheld"}  # which claims a model of noise follows differs between machines
    assert changed - by_chance == {"thresholds", "verdict_temperature", "verdict_threshold"}


def test_a_page_plots_and_a_card_are_written(evaluated: tuple[Path, str]) -> None:
    folder, printed = evaluated
    page = (folder / "page" / "index.html").read_text(encoding="utf-8")
    assert "average precision" in page
    assert (folder / "model" / "README.md").read_text(encoding="utf-8").startswith("---\n")
    assert "TF-IDF" in printed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--train", "mine.jsonl"], "give --rows, too"),
        (["--rows", "mine.jsonl", "--set", "emobank"], "leave --set out"),
        (["--rows", "missing.jsonl"], "missing.jsonl"),
    ],
)
def test_wrong_usage_is_told_in_a_line(options: list[str], message: str, checkpoint: Path) -> None:
    done = CliRunner().invoke(main, ["evaluate", str(checkpoint), *options])
    assert done.exit_code != 0
    assert message in " ".join(done.output.split()) + str(done.exception)


def test_what_is_wrong_with_rows_is_told_in_a_line_for_each_fault(tmp_path: Path, checkpoint: Path) -> None:
    """By this command and by `train`, `prune` and the examples; before a model is loaded."""
    wrong = [{"text": f"Text {n}.", "verdict": "yes" if n < 7 else "author", "ticket": n} for n in range(9)]
    done = CliRunner().invoke(main, ["evaluate", str(checkpoint), "--rows", _write(tmp_path / "rows.jsonl", wrong)])
    assert done.exit_code == 1
    lines = done.output.splitlines()
    assert lines[0] == "error: 2 problems:"
    assert "column 'ticket': There is no such column" in lines[1]
    assert "--column 'ticket='" in lines[1]
    assert "7 rows (0, 1, 2, ...), column 'verdict': There is no verdict 'yes'; known are author" in lines[2]
    assert len(lines) == 3
    for name, hint in (("redheart-100", "did you mean 'redheart-100m'"), (f"{checkpoint}s", "did you mean")):
        done = CliRunner().invoke(main, ["evaluate", name, "--rows", str(tmp_path / "none.jsonl")])
        assert hint in done.output
    done = CliRunner().invoke(main, ["evaluate", str(checkpoint), "--column", "a=text"])
    assert "give --rows, too" in done.output
