"""Runs from a recipe, as a user starts them: one process, two, killed and resumed."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file
from typer.testing import CliRunner

from redheart.cli import main
from redheart.storage.checkpoints import complete_checkpoints
from redheart.storage.strict_loading import load_strict
from redheart.training.runs.recipe import read_recipe
from redheart.training.runs.run import run, summary

from ...fixtures.processes import environment

WORDS = {"joy": "sunny laughing party", "sadness": "crying lonely grave", "anger": "shouting furious fist"}


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Ninety texts with an emotion, a verdict and a valence that their words give away."""
    lines = []
    for number in range(90):
        emotion = list(WORDS)[number % 3]
        words = WORDS[emotion].split()
        lines.append(
            {
                "text": f"{words[number % 2]} {words[(number // 3) % 3]} number {number}",
                "emotion": [emotion],
                "verdict": "author" if emotion == "anger" else "nobody",
                "affect.valence": {"joy": 0.8, "sadness": -0.7, "anger": -0.5}[emotion] + 0.001 * (number % 7),
            }
        )
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


@pytest.fixture
def write_recipe(tmp_path: Path, rows: Path) -> Callable[..., Path]:
    """Writes a recipe over ``rows``; options of training and parts of the recipe can be given."""

    def write(name: str = "run", training: dict[str, Any] | None = None, **parts: Any) -> Path:
        options = {
            "num_train_epochs": 4, "learning_rate": 3e-3, "per_device_train_batch_size": 8, "longest_text": 32,
            "logging_steps": 1, "use_cpu": True, "disable_tqdm": True, "save_strategy": "no", "bf16": False,
        }  # fmt: skip
        content = {
            "output": str(tmp_path / name),
            "model": {"preset": "redheart-tiny", "options": {"hidden_dropout": 0.0}},
            "data": {"train": [{"path": str(rows)}], "held_out": 0.2},
            "training": {**options, **(training or {})},
            **parts,
        }
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    return write


def start(*command: str, **variables: str) -> subprocess.Popen[str]:
    """A process of one thread, without a network."""
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        env=environment(**variables),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def finish(process: subprocess.Popen[str]) -> str:
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    return out


def log_of(folder: Path) -> list[dict[str, float]]:
    state = max(folder.glob("checkpoint-*/trainer_state.json"), key=lambda path: int(path.parent.name.split("-")[1]))
    entries: list[dict[str, float]] = json.loads(state.read_text())["log_history"]
    # That of the prototypes is about the texts of a batch beside each other, and near 0.
    wanted = [{key for key in entry if "loss" in key and key != "loss_prototypes"} for entry in entries]
    return [{key: entry[key] for key in keys} for entry, keys in zip(entries, wanted, strict=True) if "loss" in entry]


def test_a_run_beats_the_constant_reading_and_leaves_a_model_and_reports(
    tmp_path: Path, write_recipe: Callable[..., Path]
) -> None:
    path = write_recipe(training={"num_train_epochs": 12}, confidence={"share": 0.1, "epochs": 2})
    report = run(read_recipe(path))
    assert report["not_better_than_constant"] == []
    assert {"emotion", "arc", "verdict", "surd", "affect"} <= set(report["validation"])
    text = summary(report)
    assert "emotion" in text
    assert "not better" not in text
    model = load_strict(tmp_path / "run" / "model")
    assert model.config.supervision["emotion.joy"] == ["rows"]
    assert model.config.supervision["confidence.verdict"] == ["rows held out of training"]
    assert "emotion.grief" in model.config.supervision  # said to be absent, which is a target
    assert "affect.arousal" not in model.config.supervision
    for name in ("report.json", "losses.png", "out_of_memory_report.json", "out_of_memory.png"):
        assert (tmp_path / "run" / name).stat().st_size > 100, name


def test_a_run_with_every_part(tmp_path: Path, write_recipe: Callable[..., Path]) -> None:
    evaluated = {"num_train_epochs": 6, "eval_strategy": "steps", "eval_steps": 4, "r_drop": 0.1, "layer_decay": 0.9}
    path = write_recipe(training=evaluated, sweet_spot={}, crossover={}, lr_sweep={"steps": 12, "probe": 4})
    report = run(read_recipe(path))
    assert report["lr_sweep"]["verdict"] in ("found", "cannot discriminate", "diverged at once")
    folder = tmp_path / "run"
    for name in ("sweet_spot_report.json", "crossover_report.json", "lr_sweep.json", "sweet_spot.png", "crossover.png"):
        assert (folder / name).stat().st_size > 100, name
    crossover = json.loads((folder / "crossover_report.json").read_text())
    assert crossover["verdict"] in ("accepted", "rejected")
    assert crossover["checkpoints"]
    assert crossover["recombinations"]


def test_a_folder_with_a_run_is_not_trained_over(tmp_path: Path, write_recipe: Callable[..., Path]) -> None:
    """With checkpoints or without, as a model or as an adapter, unless one asks for it."""
    path = write_recipe(training={"save_strategy": "steps", "save_steps": 2, "max_steps": 2})
    run(read_recipe(path))
    weights = (tmp_path / "run" / "model" / "model.safetensors").read_bytes()
    with pytest.raises(ValueError, match="continue it with --resume"):
        run(read_recipe(path))
    bare = write_recipe(training={"max_steps": 1})
    with pytest.raises(ValueError, match="holds a trained model: continue it with --resume, name another `output`"):
        run(read_recipe(bare))
    assert (tmp_path / "run" / "model" / "model.safetensors").read_bytes() == weights
    run(read_recipe(bare), overwrite=True)
    assert (tmp_path / "run" / "model" / "model.safetensors").read_bytes() != weights
    assert not list((tmp_path / "run").glob("checkpoint-*"))


def test_misspelt_names_are_reported_before_anything_is_read(
    tmp_path: Path, write_recipe: Callable[..., Path], rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files, sets, splits, models and their options: with the nearest name, and no hub is asked."""
    monkeypatch.setattr("redheart.training.runs.run.build_model", None)
    monkeypatch.setattr("redheart.training.runs.run.build_units", None)
    data: dict[str, Any] = {"train": [{"path": str(rows)}]}
    cases: list[tuple[dict[str, Any], str]] = [
        (
            {"model": {"checkpoint": "redheart-100"}},
            "No checkpoint or folder 'redheart-100'; did you mean 'redheart-100m'",
        ),
        ({"model": {"checkpoint": str(tmp_path / "rns" / "a")}}, "No checkpoint or folder"),
        (
            {"model": {"preset": "redheart-tiny", "options": {"hiden_dropout": 0}}},
            r"options\.hiden_dropout; did you mean 'hidden_dropout'",
        ),
        ({"data": {**data, "validation": [{"path": str(rows.with_name("row.jsonl"))}]}}, "did you mean 'rows.jsonl'"),
        ({"data": {"train": [{"name": "goemotions", "root": str(tmp_path / "none")}]}}, "no data folder"),
        ({"data": {"train": [{"name": "timetravel"}]}}, "supervises nothing"),
    ]
    for parts, message in cases:
        with pytest.raises(ValueError, match=message):
            run(read_recipe(write_recipe(**parts)))


def test_a_fine_tuned_model_records_which_rows_trained_what(
    tmp_path: Path, write_recipe: Callable[..., Path], checkpoint: Path
) -> None:
    """And starts from neutral thresholds; as an adapter, merged or not, too."""
    base = tmp_path / "base"
    shutil.copytree(checkpoint, base)
    config = json.loads((base / "config.json").read_text())
    fitted = {
        "thresholds": {"joy": 0.1},
        "verdict_temperature": 2.0,
        "verdict_threshold": 0.9,
        "withheld": ["affect.valence"],
    }
    (base / "config.json").write_text(json.dumps({**config, **fitted}))
    report = run(read_recipe(write_recipe(training={"max_steps": 2}, model={"checkpoint": str(base)})))
    found = load_strict(tmp_path / "run" / "model").config
    assert found.supervision["emotion.joy"] == ["made-up", "rows"]
    assert found.supervision["affect.arousal"] == ["made-up"]
    assert (found.thresholds, found.verdict_temperature, found.verdict_threshold, found.withheld) == ({}, 1.0, 0.0, [])
    assert report["supervision"]["verdict"] == ["rows"]
    assert "affect.arousal" not in report["supervision"]
    assert {"verdict_accuracy", "verdict_f1", "emotion_f1"} <= set(report["metrics"])
    assert "verdict accuracy" in summary(report)


@pytest.mark.slow
def test_a_resumed_run_continues_with_the_state_of_its_callbacks(
    tmp_path: Path, write_recipe: Callable[..., Path]
) -> None:
    parts = {"sweet_spot": {"plot": False}, "crossover": {"plot": False, "generations": 1, "population": 2}}

    def recipe(steps: int) -> Path:
        often = {"eval_strategy": "steps", "eval_steps": 2, "save_strategy": "steps", "save_steps": 2}
        return write_recipe(training={**often, "max_steps": steps}, **parts)

    run(read_recipe(recipe(4)))
    run(read_recipe(recipe(8)), resume=True)
    folder = tmp_path / "run"
    courses = json.loads((folder / "sweet_spot_report.json").read_text())["modules"]
    assert courses["emotion_analyzer"]["steps"] == [2, 4, 6, 8]
    crossover = json.loads((folder / "crossover_report.json").read_text())
    assert [item["step"] for item in crossover["checkpoints"]] == [2, 4, 6, 8]
    assert crossover["lost"] == []
    peaks = json.loads((folder / "out_of_memory_report.json").read_text())["peaks"]
    assert {1, 4, 5, 8} <= {step for step, _ in peaks}


def test_one_process_cannot_hold_a_part_of_a_model(write_recipe: Callable[..., Path], checkpoint: Path) -> None:
    with pytest.raises(ValueError, match="needs several processes"):
        run(read_recipe(write_recipe(model={"checkpoint": str(checkpoint), "sharded": True})))


@pytest.mark.slow
def test_two_processes_with_a_half_of_the_model_each_learn_what_one_does(
    tmp_path: Path,
    write_recipe: Callable[..., Path],
    checkpoint: Path,
    in_two_processes: Callable[[Callable[[], object]], None],
) -> None:
    options = {"optim": "sgd", "learning_rate": 0.05, "max_steps": 4, "save_strategy": "steps", "save_steps": 4}
    alone = write_recipe(
        "alone", training={**options, "gradient_accumulation_steps": 2}, model={"checkpoint": str(checkpoint)}
    )
    pair = write_recipe(
        "pair", training={**options, "save_only_model": True}, model={"checkpoint": str(checkpoint), "sharded": True}
    )
    run(read_recipe(alone))
    in_two_processes(lambda: run(read_recipe(pair)))
    assert log_of(tmp_path / "pair") == [pytest.approx(entry, rel=1e-4) for entry in log_of(tmp_path / "alone")]
    one, two = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("alone", "pair"))
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, atol=1e-6, rtol=1e-5, msg=name)
    assert load_strict(tmp_path / "pair" / "model").config.supervision["emotion.joy"]


def test_an_unknown_training_option_is_named(write_recipe: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match="learning_rat"):
        read_recipe(write_recipe(training={"learning_rat": 1.0}))


def test_the_command_trains_and_says_what_is_wrong(tmp_path: Path, write_recipe: Callable[..., Path]) -> None:
    path = write_recipe(training={"max_steps": 2})
    result = CliRunner().invoke(main, ["train", str(path), "--output", str(tmp_path / "there")])
    assert result.exit_code == 0, result.stderr
    assert "validation loss" in result.stdout
    assert (tmp_path / "there" / "model" / "config.json").is_file()
    path.write_text("output: x\nmodel: {preset: redheart-tiny}\ndate: {}\n")
    result = CliRunner().invoke(main, ["train", str(path)])
    assert result.exit_code == 1
    assert "no option date; did you mean 'data'" in result.stderr


@pytest.mark.slow
def test_two_processes_learn_what_one_does(tmp_path: Path, write_recipe: Callable[..., Path]) -> None:
    # Texts without a verdict in half of the rows: processes then differ in the modules that their batch touches.
    options = {"optim": "sgd", "learning_rate": 0.05, "max_steps": 6, "full_every": 3, "save_strategy": "steps",
               "save_steps": 6, "loss_weights": {"prototypes": 0}}  # fmt: skip
    alone = write_recipe("alone", training={**options, "gradient_accumulation_steps": 2})
    pair = write_recipe("pair", training=options)
    finish(start("redheart", "train", str(alone)))
    launch = ["accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--mixed_precision", "no"]
    finish(start(*launch, "-m", "redheart", "train", str(pair), ACCELERATE_USE_CPU="true"))
    assert log_of(tmp_path / "pair") == [pytest.approx(entry, rel=1e-4) for entry in log_of(tmp_path / "alone")]
    one, two = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("alone", "pair"))
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, atol=1e-6, rtol=1e-5, msg=name)


SCARCE = """
import os, sys, torch
from redheart.modeling_redheart.modeling_redheart import RedHeartModel
from redheart.cli import main

forward, calls = RedHeartModel.forward, iter(range(10**6))

def scarce(self, *args, **kwargs):
    tight = self.training and os.environ["RANK"] == "1" and len(kwargs["input_ids"]) > 3 and next(calls) in (0, 2, 3)
    if tight:
        raise torch.OutOfMemoryError("CUDA out of memory.")
    return forward(self, *args, **kwargs)

RedHeartModel.forward = scarce
sys.exit(main(["train", *sys.argv[1:]]))
"""


@pytest.mark.slow
def test_memory_that_runs_out_in_one_of_two_processes_changes_nothing(
    tmp_path: Path, write_recipe: Callable[..., Path]
) -> None:
    options = {"optim": "sgd", "learning_rate": 0.05, "max_steps": 4, "save_strategy": "steps", "save_steps": 4,
               "loss_weights": {"prototypes": 0}}  # fmt: skip
    script = tmp_path / "scarce.py"
    script.write_text(SCARCE)
    launch = ["accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--mixed_precision", "no"]
    finish(start(*launch, "-m", "redheart", "train", str(write_recipe("plain", options)), ACCELERATE_USE_CPU="true"))
    out = finish(start(*launch, str(script), str(write_recipe("scarce", options)), ACCELERATE_USE_CPU="true"))
    assert "Memory ran out at step 0" in out
    assert log_of(tmp_path / "scarce") == [pytest.approx(entry, rel=1e-4) for entry in log_of(tmp_path / "plain")]
    one, two = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("plain", "scarce"))
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, atol=1e-6, rtol=1e-5, msg=name)


@pytest.mark.slow
def test_a_killed_run_is_resumed_exactly(tmp_path: Path, write_recipe: Callable[..., Path]) -> None:
    options = {"max_steps": 30, "save_strategy": "steps", "save_steps": 3, "save_total_limit": 2, "ema_decay": 0.9}
    model = {"preset": "redheart-tiny", "options": {"hidden_dropout": 0.1}}
    whole = write_recipe("whole", training=options, model=model)
    cut = write_recipe("cut", training=options, model=model)
    finish(start("redheart", "train", str(whole)))
    moment = random.Random(0)
    for _ in range(4):
        resume = ["--resume"] if complete_checkpoints(tmp_path / "cut") else []
        process = start("redheart", "train", str(cut), *resume)
        wait_for_checkpoint(tmp_path / "cut", process)
        time.sleep(moment.uniform(0, 0.4))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    finish(start("redheart", "train", str(cut), "--resume"))
    assert log_of(tmp_path / "cut") == log_of(tmp_path / "whole")
    one, two = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("whole", "cut"))
    for name, value in one.items():
        assert torch.equal(two[name], value), name


def wait_for_checkpoint(folder: Path, process: subprocess.Popen[str]) -> None:
    """Until a checkpoint newer than those of now is begun."""
    known = {path.name for path in folder.glob("checkpoint-*")}
    while process.poll() is None:
        if {path.name for path in folder.glob("checkpoint-*")} - known:
            return
        time.sleep(0.01)
