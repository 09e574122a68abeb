"""Smoothed targets, R-Drop and the embedding's consistency: numbers worked out by hand, and what training does with
them."""

import math
from collections.abc import Callable

import pytest
import torch

from redheart import RedHeartModel
from redheart.data.loading import Unit
from redheart.modeling_redheart.outputs import EmotionOutput, RedHeartOutput, VerdictOutput
from redheart.training.trainers.regularization import consistency_loss, divergence, double_batch, smooth_targets
from redheart.training.trainers.trainer import RedHeartTrainer

MakeTrainer = Callable[..., RedHeartTrainer]
MakeModel = Callable[..., RedHeartModel]


def test_smoothing_moves_probabilities_to_the_middle_and_leaves_the_rest() -> None:
    batch = {
        "input_ids": torch.tensor([[1]]),
        "emotion_labels": torch.tensor([[1.0, 0.0, math.nan]]),
        "verdict_labels": torch.tensor([[1.0, 0.0, 0.0, 0.0, 0.0]]),
        "affect_labels": torch.tensor([[0.3, 0.3, 0.3]]),
    }
    smoothed = smooth_targets(batch, 0.1)
    torch.testing.assert_close(smoothed["emotion_labels"], torch.tensor([[0.95, 0.05, math.nan]]), equal_nan=True)
    torch.testing.assert_close(smoothed["verdict_labels"], torch.tensor([[0.92, 0.02, 0.02, 0.02, 0.02]]))
    assert smoothed["affect_labels"] is batch["affect_labels"]
    assert smoothed["input_ids"] is batch["input_ids"]
    integers = smooth_targets({"emotion_labels": torch.tensor([[1, 0, -100]])}, 0.1)["emotion_labels"]
    torch.testing.assert_close(integers, torch.tensor([[0.95, 0.05, math.nan]]), equal_nan=True)


def test_the_copy_of_a_pair_is_a_pair_of_its_own() -> None:
    doubled = double_batch(
        {"input_ids": torch.arange(3)[:, None], "acceptability_pair_labels": torch.tensor([[4, 1], [4, 0], [-100, 0]])}
    )
    assert doubled["input_ids"].flatten().tolist() == [0, 1, 2, 0, 1, 2]
    assert doubled["acceptability_pair_labels"].tolist() == [[4, 1], [4, 0], [-100, 0], [9, 1], [9, 0], [-100, 0]]


def test_divergence_by_hand() -> None:
    # p = 0.75, q = 0.25: (KL(p||q) + KL(q||p)) / 2 = (0.75 - 0.25) (ln 3 + ln 3) / 2 = 0.5 ln 3
    logits = torch.tensor([[math.log(3.0)], [-math.log(3.0)]])
    emotion = RedHeartOutput(emotion=EmotionOutput(logits=logits))
    assert divergence(emotion).item() == pytest.approx(0.5 * math.log(3))
    verdict = RedHeartOutput(verdict=VerdictOutput(logits=torch.tensor([[math.log(3.0), 0.0], [0.0, math.log(3.0)]])))
    assert divergence(verdict).item() == pytest.approx(0.5 * math.log(3))
    same = RedHeartOutput(verdict=VerdictOutput(logits=torch.ones(2, 5)))
    assert divergence(same).item() == 0
    with pytest.raises(ValueError, match="none of them"):
        divergence(RedHeartOutput())


def test_consistency_is_low_where_each_text_is_nearest_to_itself() -> None:
    own = torch.eye(3)
    assert consistency_loss(own, own).item() < 1e-6
    assert consistency_loss(own, own.roll(1, 0)).item() > 10
    everywhere = torch.nn.functional.normalize(torch.ones(3, 3), dim=-1)
    assert consistency_loss(everywhere, everywhere).item() == pytest.approx(
        math.log(3)
    )  # collapsed: no better than chance


def test_smoothing_keeps_a_model_less_sure(units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel) -> None:
    sure = []
    for factor in (0.0, 0.4):
        model = tiny_model(initializer_range=0.1)
        trainer = make_trainer(
            model, units, f"run-{factor}", num_train_epochs=25, learning_rate=1e-2, label_smoothing_factor=factor
        )
        trainer.train()
        batch = trainer.data_collator(units)
        model.eval()
        with torch.no_grad():
            reading = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], outputs=["emotion"])
        sure.append((reading.emotion.logits.sigmoid() * batch["emotion_labels"]).sum(1).mean().item())
    assert sure[1] < sure[0] - 0.05


def test_r_drop_brings_two_passes_together(units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel) -> None:
    ends = []
    for weight in (0.001, 20.0):
        model = tiny_model(dropout=0.3, initializer_range=0.2)
        trainer = make_trainer(
            model, units, f"run-{weight}", num_train_epochs=20, learning_rate=5e-3, r_drop=weight,
            loss_weights=dict.fromkeys(("emotion", "emotion_head", "arc"), 1.0),
        )  # fmt: skip
        trainer.train()
        gaps = [entry["loss_r_drop"] for entry in trainer.state.log_history if "loss_r_drop" in entry]
        ends.append(sum(gaps[-10:]) / 10)
    assert ends[1] < 0.5 * ends[0]


def test_without_dropout_two_passes_are_one(
    units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel
) -> None:
    trainer = make_trainer(tiny_model(dropout=0.0), units, max_steps=2, r_drop=1.0)
    trainer.train()
    assert all(entry["loss_r_drop"] < 1e-9 for entry in trainer.state.log_history if "loss_r_drop" in entry)


def test_consistency_tells_the_texts_apart(units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel) -> None:
    trainer = make_trainer(tiny_model(), units, num_train_epochs=20, learning_rate=3e-3, consistency=1.0, ema_decay=0.9)
    trainer.train()
    course = [entry["loss_consistency"] for entry in trainer.state.log_history if "loss_consistency" in entry]
    assert course[-1] < course[0]
    assert course[0] <= math.log(8) + 0.5
