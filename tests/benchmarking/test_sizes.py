"""The command `redheart sizes`: that every figure is of the form that it stands beside. No time is judged here."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from redheart.benchmarking import sizes
from redheart.benchmarking.sizes import Size, SizeSetting, changes, measure_memory, measure_sizes
from redheart.commands.measure.sizes import sizes as command
from redheart.compression.forms import FORMS, weight_bytes, write_form
from redheart.data.loading import Example
from redheart.evaluation.measurement.rows import Rows
from redheart.readers import load_reader

APP = typer.Typer()
APP.command()(command)
SETTING = SizeSetting(("float32", "bfloat16"), tokens=8, threads=1, runs=2, rows=12)


def _fresh_here(code: str, thread_count: int, options: dict[str, Any]) -> Any:
    """In place of a new process, which takes seconds to start."""
    return measure_memory(**json.loads(json.dumps(options)))


@pytest.fixture(autouse=True)
def _one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "run_in_subprocess", _fresh_here)


def _rows(count: int) -> Rows:
    """Texts whose emotions are known."""
    random = np.random.default_rng(0)
    units = [
        (Example(f"text number {number}", "own", {"emotion_labels": random.integers(0, 2, 28).astype(np.float32)}),)
        for number in range(count)
    ]
    return Rows("own", "validation", units)


def test_each_form_is_measured_beside_float32(checkpoint: Path, tmp_path: Path) -> None:
    whole, half = measure_sizes(checkpoint, tmp_path, SETTING, rows=[_rows(20), ("missing", "it is not there")])
    assert (whole.name, half.name) == ("float32", "bfloat16")
    assert whole.parameters == half.parameters
    assert 1.9 < whole.disk / half.disk < 2.1
    assert whole.emotion == whole.verdict == 0
    assert 0 < half.emotion < 0.01
    assert whole.milliseconds > 0
    assert half.ratio > 0
    assert whole.figures.keys() == half.figures.keys()
    assert any(name.startswith("own validation, emotion: macro F1") for name in whole.figures)


def test_other_checkpoints_are_measured_beside_the_forms(checkpoint: Path, tmp_path: Path) -> None:
    found = measure_sizes(checkpoint, tmp_path, SizeSetting(("float32",), tokens=8, threads=1, runs=1), [checkpoint])
    assert [item.name for item in found] == ["float32", checkpoint.name]
    assert found[1].emotion == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("form", ["bfloat16", "int8", "nf4"])
def test_a_form_can_be_read_with(form: str, checkpoint: Path, tmp_path: Path) -> None:
    reader, tokenizer = load_reader(write_form(checkpoint, form, tmp_path / form))
    reading = reader(**tokenizer(["a text"], return_tensors="pt"), outputs=["emotion"])
    assert reading.emotion.logits.shape == (1, 28)
    assert 0 < weight_bytes(tmp_path / form) < weight_bytes(checkpoint)


def test_an_unknown_form_names_the_nearest(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="bfloat16"):
        SizeSetting(("bfloat",))
    with pytest.raises(ValueError, match="int8"):
        write_form(checkpoint, "int9", tmp_path / "form")
    assert "int8" in FORMS


def test_the_table_and_the_file_say_the_same(checkpoint: Path, tmp_path: Path) -> None:
    report = tmp_path / "sizes.json"
    result = CliRunner().invoke(
        APP, [str(checkpoint), "--form", "bfloat16", "--runs", "1", "--threads", "1", "--json", str(report)]
    )
    assert result.exit_code == 0, result.output
    written = json.loads(report.read_text(encoding="utf-8"))
    assert [item["name"] for item in written["sizes"]] == ["float32", "bfloat16"]
    for item in written["sizes"]:
        assert f"{item['parameters']:,}" in result.stdout
        assert f"{item['ratio']:.2f}" in result.stdout


def test_random_weights_are_named_so_and_have_no_figures(tmp_path: Path) -> None:
    result = CliRunner().invoke(APP, ["redheart-tiny", "--form", "float32", "--runs", "1", "--threads", "1"])
    assert result.exit_code == 0, result.output
    assert "redheart-tiny, random weights" in result.stdout
    refused = CliRunner().invoke(APP, ["redheart-tiny", "--data", str(tmp_path)])
    assert refused.exit_code == 2
    assert "random weights" in refused.output


def test_changes_are_of_what_the_model_says() -> None:
    base, other = (
        Size("float32", 1, 1, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, figures)
        for figures in (
            {"a validation, emotion: macro F1": 0.5, "a validation, confidence.emotion: Spearman r": 0.2},
            {"a validation, emotion: macro F1": 0.25, "a validation, confidence.emotion: Spearman r": 0.9},
        )
    )
    assert changes(other, base) == [0.25]
    assert changes(base, base) == [0.0]
