"""The command `redheart memory`, as a person or a program calls it."""

import io
import json
from typing import Any

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from redheart.commands.measure.memory import memory, render
from redheart.training.runs.memory_planner import MemoryPlan

HEADS = ("--output", "emotion", "--depth", "fast", "--batch", "2", "--seq", "16")


def call(*arguments: str) -> Any:
    app = typer.Typer()
    app.command()(memory)
    return CliRunner().invoke(app, [*arguments])


def test_the_table_has_every_part_and_the_setting() -> None:
    result = call("redheart-tiny", *HEADS, "--optim", "sgd_momentum", "--checkpointing")
    assert result.exit_code == 0, result.output
    for text in ("redheart-tiny", "2 texts of 16 tokens", "float32", "sgd_momentum", "checkpointing",
                 "weights", "gradients", "optimizer", "activations", "peak", "MB", "0.5 GB"):  # fmt: skip
        assert text in result.stdout


def test_json_is_one_object_of_the_setting_and_the_bytes() -> None:
    result = call("redheart-tiny", *HEADS, "--bf16", "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["setting"]["name"] == "redheart-tiny"
    assert answer["setting"]["outputs"] == ["emotion"]
    assert answer["setting"]["mixed_precision"] == "bf16"
    assert set(answer["bytes"]) == {"weights", "gradients", "optimizer", "activations", "peak"}
    assert answer["bytes"]["peak"] > answer["bytes"]["weights"] > 0
    assert answer["peak_phase"] in ("forward", "backward", "update")


def test_reading_alone_has_no_optimiser() -> None:
    answer = json.loads(call("redheart-tiny", *HEADS, "--inference", "--json").stdout)
    assert answer["bytes"]["optimizer"] == answer["bytes"]["gradients"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("redheart-tinny",), "did you mean 'redheart-tiny'"),
        (("redheart-tiny", "--optim", "adam_8bit"), "did you mean 'adamw_8bit'"),
        (("redheart-tiny", "--output", "emotions"), "did you mean 'emotion'"),
        (("redheart-tiny", "--seq", "300"), "longer than this model's 256"),
        (("redheart-tiny", "--batch", "0"), "--batch"),
    ],
)
def test_wrong_usage_is_exit_status_2(arguments: tuple[str, ...], message: str) -> None:
    result = call(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.output.replace("│", " ").split())


def test_sizes_are_in_the_unit_that_suits_them() -> None:
    shown = io.StringIO()
    plan = MemoryPlan(1_460_000_000, 2_000_000, 0, 12_345_678, 3_000_000_000, "backward")
    render(plan, "a title", Console(file=shown, width=100))
    for text in ("a title", "1.46 GB", "2.0 MB", "0.0 MB", "12.3 MB", "3.00 GB", "backward"):
        assert text in shown.getvalue()
