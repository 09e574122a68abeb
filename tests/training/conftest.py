"""What the tests of training share: units of two emotions and of verdicts, and a trainer of a tiny model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import debug_launcher
from accelerate.state import AcceleratorState
from transformers import PreTrainedTokenizerBase

from redheart import RedHeartConfig, RedHeartModel
from redheart.training.arguments import RedHeartTrainingArguments
from redheart.training.data import Example, Unit
from redheart.training.trainer import RedHeartTrainer

JOY, SADNESS = 17, 25


def labelled(emotion: int, text: str, source: str = "made-up") -> Unit:
    """A text with one emotion."""
    target = np.zeros(28, dtype=np.float32)
    target[emotion] = 1
    return (Example(text, source, {"emotion_labels": target}),)


def judged(verdict: int, text: str, source: str = "made-up") -> Unit:
    """A text with one verdict."""
    return (Example(text, source, {"verdict_labels": np.eye(5, dtype=np.float32)[verdict]}),)


@pytest.fixture
def units() -> list[Unit]:
    """Eight glad and eight sad texts."""
    joy = [labelled(JOY, f"wonderful happy sunny day number {i}") for i in range(8)]
    return joy + [labelled(SADNESS, f"crying alone in the dark night {i}") for i in range(8)]


@pytest.fixture
def mixed_units(units: list[Unit]) -> list[Unit]:
    """The same, and texts with a verdict between them, so that a batch has both kinds of target."""
    verdicts = [judged(i % 5, f"who is wrong in story {i}") for i in range(8)]
    return [unit for three in zip(units[:8], units[8:], verdicts, strict=True) for unit in three]


@pytest.fixture
def two_sets() -> list[Unit]:
    """Twelve texts with an emotion and twelve with a verdict, of two sets: a batch has only one of both."""
    feelings = [(JOY, "wonderful happy sunny day"), (SADNESS, "crying alone in the dark night")] * 6
    glad = [labelled(emotion, f"{text} number {i}", "feelings") for i, (emotion, text) in enumerate(feelings)]
    return glad + [judged(i % 5, f"who is wrong in story {i}", "verdicts") for i in range(12)]


@pytest.fixture
def in_two_processes() -> Callable[[Callable[[], object]], None]:
    """Runs a function in two processes that know each other: forks of this one, whose failure is an error here."""

    def run(function: Callable[[], object]) -> None:
        def alone() -> None:
            AcceleratorState._reset_state(reset_partial_state=True)  # the parent's, which a fork inherits
            function()

        debug_launcher(alone, num_processes=2)

    return run


@pytest.fixture
def tiny_model() -> Callable[..., RedHeartModel]:
    """Makes the tiny model; ``dropout`` and other options of the config can be given."""

    def make(dropout: float = 0.0, seed: int = 0, **options: Any) -> RedHeartModel:
        torch.manual_seed(seed)
        return RedHeartModel(RedHeartConfig.from_preset("redheart-tiny", hidden_dropout=dropout, **options))

    return make


@pytest.fixture
def make_trainer(tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> Callable[..., RedHeartTrainer]:
    """Makes a trainer on the CPU that logs every step, below ``tmp_path``."""

    def make(model: RedHeartModel, units: list[Unit], folder: str = "run", **options: Any) -> RedHeartTrainer:
        kind = options.pop("kind", RedHeartTrainer)
        others = {name: options.pop(name) for name in ("eval_dataset", "callbacks", "sizes") if name in options}
        defaults: dict[str, Any] = {
            "per_device_train_batch_size": 8,
            "longest_text": 32,
            "use_cpu": True,
            "logging_steps": 1,
            "save_strategy": "no",
            "disable_tqdm": True,
            "report_to": "none",
        }
        arguments = RedHeartTrainingArguments(output_dir=str(tmp_path / folder), **{**defaults, **options})
        trainer: RedHeartTrainer = kind(
            model=model, args=arguments, train_dataset=units, processing_class=tokenizer, **others
        )
        return trainer

    return make
