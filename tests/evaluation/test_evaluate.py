"""The whole evaluation of a tiny checkpoint on a person's own rows, by the command."""

import json
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from redheart.cli import main
from redheart.commands.measure.evaluate import _command
from redheart.configuration.labels import EMOTIONS
from redheart.evaluation.evaluate import LISTS
from redheart.evaluation.measurement.predict import Predictor
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
    options = [
        "--rows",
        rows,
        "--train",
        train,
        "--fit",
        "--texts",
        "4",
        "--lists",
        "--json",
        str(folder / "found.json"),
    ]
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
    # The rows differ in their words, which a linear model learns and random weights do not.
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


def test_only_the_given_rows_are_read(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of its kind: the next list of texts that an evaluation brings along."""
    read: list[str] = []
    units, texts = Predictor.__call__, Predictor.texts
    note = read.extend
    monkeypatch.setattr(
        Predictor,
        "__call__",
        lambda self, some: (note(item.text for unit in some for item in unit), units(self, some))[1],
    )
    monkeypatch.setattr(Predictor, "texts", lambda self, some: (note(some), texts(self, some))[1])
    rows, found = _rows(0, 8), tmp_path / "found.json"
    options = ["--rows", _write(tmp_path / "rows.jsonl", rows), "--no-floor", "--texts", "0", "--json", str(found)]
    done = CliRunner().invoke(main, ["evaluate", str(checkpoint), *options])
    assert done.exit_code == 0, done.output
    assert set(read) == {row["text"] for row in rows}
    evaluation = Evaluation.load(found)
    assert {item.dataset for item in evaluation.figures} == {"rows"}
    assert not evaluation.unsupported
    assert "--lists" in evaluation.skipped[LISTS]


def _context(arguments: Sequence[str]) -> Any:
    commands: Any = typer.main.get_command(main)
    return commands.commands["evaluate"].make_context("evaluate", list(arguments))


def test_the_line_that_reproduces_it_has_every_option(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of its kind: the next option of the command."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "facts.yaml").touch()
    (tmp_path / checkpoint.name).symlink_to(checkpoint)
    given: list[str] = []
    for option in _context([]).command.params[1:]:
        values = {"data": str(tmp_path), "facts": str(tmp_path / "facts.yaml"), "texts": "7", "columns": "a b=text"}
        value = (values | {"against": "calibration"}).get(option.name, "some/a b.x")
        given += [(option.secondary_opts or option.opts)[0], *([] if option.is_flag else [value])]
        given += [option.opts[0], "c d="] if option.multiple else []
    line = shlex.split(_command(_context([str(checkpoint), *given])))
    assert line[:3] == ["redheart", "evaluate", checkpoint.name]
    assert str(tmp_path) not in " ".join(line)
    options = [word for word in given if word.startswith("--")]
    assert [word for word in line if word.startswith("--")] == options
    (tmp_path / "DATA").mkdir()
    again, first = (_context(words).params for words in (line[2:], [checkpoint.name, *given]))
    paths = ("data", "facts", "as_json", "report", "cache")
    assert {name: value for name, value in again.items() if name not in paths} == {
        name: value for name, value in first.items() if name not in paths
    }
    assert [again[name] for name in ("as_json", "report", "cache")] == [Path("a b.x")] * 3


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ([], "redheart-100m --data DATA"),
        (["--set", "emobank", "--set", "kote"], "redheart-100m --data DATA --set emobank --set kote"),
        (["--rows", "me/mine", "--no-floor"], "redheart-100m --rows me/mine --no-floor"),
        (["--rows", "rows.csv", "--column", "a b=text"], "redheart-100m --rows rows.csv --column 'a b=text'"),
    ],
)
def test_the_line_that_reproduces_it_has_what_was_given(given: list[str], options: str) -> None:
    assert _command(_context(given)) == f"redheart evaluate {options}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--train", "mine.jsonl"], "also give --rows"),
        (["--rows", "mine.jsonl", "--set", "emobank"], "leave --set out"),
        (["--rows", "missing.jsonl"], "missing.jsonl"),
    ],
)
def test_wrong_usage_is_reported_in_a_line(options: list[str], message: str, checkpoint: Path) -> None:
    done = CliRunner().invoke(main, ["evaluate", str(checkpoint), *options])
    assert done.exit_code != 0
    assert message in " ".join(done.output.split()) + str(done.exception)


def test_what_is_wrong_with_rows_is_reported_in_a_line_for_each_fault(tmp_path: Path, checkpoint: Path) -> None:
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
    assert "also give --rows" in done.output


@pytest.mark.parametrize("option", ["--json", "--report", "--cache"])
def test_a_file_in_the_way_is_named_before_any_work(option: str, tmp_path: Path) -> None:
    """Kind: a place that cannot be written, found after minutes; `new_file` checks it for the other commands."""
    (tmp_path / "file").touch()
    done = CliRunner().invoke(main, ["evaluate", "redheart-100m", option, str(tmp_path / "file" / "there")])
    assert done.exit_code == 2
    assert "is a file" in " ".join(done.stderr.split())
