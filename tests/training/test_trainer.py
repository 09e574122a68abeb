"""The trainer: what it logs, how fast it moves which weights, and that what it saves can be loaded."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import BertConfig, PreTrainedTokenizerBase, TrainingArguments

from redheart import RedHeartConfig, RedHeartModel
from redheart.hub_upload.checkpoint import load_strict
from redheart.training.collator import LengthBatches, RedHeartCollator, token_lengths
from redheart.training.data import Example, Unit
from redheart.training.trainer import RedHeartTrainer

JOY, SADNESS = 17, 25


def labelled(emotion: int, text: str) -> Unit:
    target = np.zeros(28, dtype=np.float32)
    target[emotion] = 1
    return (Example(text, "made-up", {"emotion_labels": target}),)


@pytest.fixture
def units() -> list[Unit]:
    joy = [labelled(JOY, f"wonderful happy sunny day number {i}") for i in range(8)]
    return joy + [labelled(SADNESS, f"crying alone in the dark night {i}") for i in range(8)]


def make_trainer(
    folder: Path, units: list[Unit], tokenizer: PreTrainedTokenizerBase, model: RedHeartModel, **options: Any
) -> RedHeartTrainer:
    batches = LengthBatches(units, token_lengths(units, tokenizer, 32), max_tokens=512, max_units=8)
    full_every = options.pop("full_every", 1)
    arguments = TrainingArguments(
        output_dir=str(folder), use_cpu=True, logging_steps=1, remove_unused_columns=False, **options
    )
    return RedHeartTrainer(
        model=model,
        args=arguments,
        train_dataset=units,
        data_collator=RedHeartCollator(tokenizer, 32),
        batches=batches,
        encoder_learning_rate=1e-4,
        full_every=full_every,
    )


def test_it_learns_logs_each_loss_and_saves_what_loads(
    tmp_path: Path, units: list[Unit], tokenizer: PreTrainedTokenizerBase
) -> None:
    torch.manual_seed(0)
    model = RedHeartModel(RedHeartConfig.from_preset("redheart-tiny"))
    trainer = make_trainer(tmp_path, units, tokenizer, model, num_train_epochs=12, learning_rate=3e-3)
    trainer.train()
    steps = [entry for entry in trainer.state.log_history if "loss_emotion" in entry]
    assert steps[-1]["loss_emotion"] < 0.75 * steps[0]["loss_emotion"]
    assert {"loss_emotion_head", "loss_arc", "loss_asynchrony", "loss_recovery", "loss_sparsity"} <= set(steps[0])
    assert "loss_verdict" not in steps[0], "a loss without a target is not logged as 0"
    trainer.save_model(tmp_path / "saved")
    again = load_strict(tmp_path / "saved")
    for name, value in model.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])


def test_a_pretrained_encoder_moves_at_its_own_rate(
    tmp_path: Path, units: list[Unit], tokenizer: PreTrainedTokenizerBase
) -> None:
    encoder = BertConfig(
        vocab_size=9931, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    components = {**RedHeartConfig.from_preset("redheart-tiny").components, "backbone": {"projection": 16}}
    model = RedHeartModel(RedHeartConfig.from_preset("redheart-tiny", encoder_config=encoder, components=components))
    trainer = make_trainer(tmp_path, units, tokenizer, model, learning_rate=1e-3)
    rates = {
        id(parameter): group["lr"] for group in trainer.create_optimizer().param_groups for parameter in group["params"]
    }
    for name, parameter in model.named_parameters():
        assert rates[id(parameter)] == (1e-4 if "encoder.model." in name else 1e-3), name


def test_only_the_labelled_modules_run_between_full_batches(
    tmp_path: Path, units: list[Unit], tokenizer: PreTrainedTokenizerBase
) -> None:
    model = RedHeartModel(RedHeartConfig.from_preset("redheart-tiny"))
    calls: list[str] = []
    model.regret_analyzer.register_forward_hook(lambda *_: calls.append("regret"))
    model.emotion_analyzer.register_forward_hook(lambda *_: calls.append("emotion"))
    trainer = make_trainer(tmp_path, units, tokenizer, model, max_steps=4, full_every=4)
    trainer.train()
    assert calls.count("emotion") == 4
    assert calls.count("regret") == 1
