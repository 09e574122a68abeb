"""The learning-rate sweep: its verdicts on curves and on models that can be worked out, and that it leaves no trace."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    PreTrainedTokenizerBase,
    Trainer,
    default_data_collator,
    set_seed,
)

from redheart import RedHeartConfig, RedHeartModel
from redheart.data.examples import Example, Unit
from redheart.training.runs.lr_sweep import judge, sweep_learning_rates
from redheart.training.trainers.arguments import RedHeartTrainingArguments
from redheart.training.trainers.trainer import RedHeartTrainer

from ...fixtures.runs import small_arguments

RATES = np.geomspace(1e-4, 1.0, 20).tolist()
START = [1.0, 1.2, 0.8, 1.0]


def curve(*means: float) -> list[list[float]]:
    """Losses of the four batches of `START`, shifted to each mean, and a little apart."""
    return [[mean + value - 1.0 + 0.01 * (-1) ** place for place, value in enumerate(START)] for mean in means]


def test_a_rate_is_found_where_the_loss_falls_most_steeply() -> None:
    means = [1.0] * 8 + [0.98, 0.9, 0.7, 0.5, 0.4, 0.38, 0.4, 0.6, 1.0, 1.5, 2.0, 2.5]
    found = judge(RATES, START, curve(*means))
    assert (found.verdict, found.suggested) == ("found", RATES[10])
    assert found.improvement == pytest.approx(1.0 - 0.38)
    assert found.losses == pytest.approx(means)
    assert found.start == 1.0
    assert all(text in found.reason for text in ("0.62", f"{RATES[10]:.2g}", f"{RATES[13]:.2g}"))


def test_a_flat_curve_cannot_discriminate() -> None:
    flat = judge(RATES, START, [START] * 20)
    assert (flat.verdict, flat.suggested, flat.improvement) == ("cannot discriminate", None, 0.0)


def test_a_fall_within_its_standard_error_cannot_discriminate() -> None:
    # Two batches fall by 0.3 and 0.2, two rise by 0.1 and 0.2: 0.05 on average, and far from sure.
    changes = np.array([-0.3, -0.2, 0.1, 0.2])
    noisy = judge(RATES, START, [START] * 10 + [(START + changes).tolist()] * 3 + [[2.0] * 4] * 7)
    assert noisy.verdict == "cannot discriminate"
    assert noisy.improvement == pytest.approx(0.05)
    assert noisy.spread == pytest.approx(changes.std(ddof=1) / 2)
    assert "0.05" in noisy.reason
    assert "3 standard errors" in noisy.reason
    sure = judge(RATES, START, [START] * 10 + [(START + changes / 50 - 0.05).tolist()] * 3 + [[2.0] * 4] * 7)
    assert sure.verdict == "found"


def test_a_range_that_ends_too_early_or_begins_too_late_says_so() -> None:
    falling = judge(RATES, START, curve(*np.linspace(1.0, 0.5, 20)))
    assert (falling.verdict, falling.suggested) == ("cannot discriminate", None)
    assert "Raise `high`" in falling.reason
    rising = judge(RATES, START, curve(*np.linspace(0.5, 3.0, 20)))
    assert rising.verdict == "cannot discriminate"
    assert "Lower `low`" in rising.reason


def test_divergence_bounds_the_range_as_a_rise_does() -> None:
    found = judge(RATES, START, curve(*np.linspace(1.0, 0.5, 12)), ended="the loss was nan after the step at 0.01")
    assert found.verdict == "found"
    assert len(found.rates) == len(found.losses) == len(found.smoothed) == 12
    assert "The loss was nan" in found.reason
    never = judge(RATES, START, curve(*[1.0] * 12), ended="the loss was nan after the step at 0.01")
    assert never.verdict == "cannot discriminate"
    assert "The loss was nan" in never.reason
    at_once = judge(RATES, START, [], ended="the loss was nan after the step at 0.0001")
    assert (at_once.verdict, at_once.suggested, at_once.rates) == ("diverged at once", None, [])


# ---- Models whose behaviour is known ----


class Line(nn.Module):
    """A linear model with squared loss, or with what ``loss`` makes of prediction and label."""

    def __init__(self, loss: Callable[[Tensor, Tensor], Tensor] = nn.functional.mse_loss) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(4))
        self.loss = loss
        self.calls = 0

    def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        self.calls += 1
        return {"loss": self.loss(x @ self.weight, labels)}


def points(slope: Sequence[float] = (1.0, -2.0, 0.5, 3.0), noise: float = 0.1, count: int = 96) -> list[dict[str, Any]]:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(count, 4)).astype(np.float32)
    y = x @ np.array(slope, dtype=np.float32) + noise * generator.normal(size=count).astype(np.float32)
    return [{"x": torch.from_numpy(a), "labels": torch.tensor(b)} for a, b in zip(x, y, strict=True)]


def line_trainer(
    folder: Path, model: Line, data: list[dict[str, Any]], kind: type[Trainer] = Trainer, **options: Any
) -> Trainer:
    settings: dict[str, Any] = {"optim": "sgd", "per_device_train_batch_size": 6, "max_grad_norm": 0.0, **options}
    arguments = small_arguments(folder, **settings)
    set_seed(0)
    return kind(model=model, args=arguments, train_dataset=data)  # type: ignore[arg-type]


def test_on_a_quadratic_the_rate_lies_below_the_stable_one(tmp_path: Path) -> None:
    # The curvature of the mean squared error is 2 E[x x'] = 2: gradient descent diverges above a rate of 1.
    found = sweep_learning_rates(line_trainer(tmp_path, Line(), points()), low=1e-4, high=10.0, steps=60)
    assert found.verdict == "found"
    assert found.suggested is not None
    assert 0.003 < found.suggested < 1.0
    assert found.rates[-1] < 10.0, "it stops when the loss has risen"
    assert "had risen" in found.reason
    assert found.improvement > 0.9 * (found.start - 0.01)


def test_what_cannot_be_learned_is_no_verdict(tmp_path: Path) -> None:
    # The labels are noise around 0, and the model says 0 from the start: it is the best there is.
    hopeless = sweep_learning_rates(line_trainer(tmp_path, Line(), points((0, 0, 0, 0), 1.0)), 1e-4, 10.0, 40)
    assert (hopeless.verdict, hopeless.suggested) == ("cannot discriminate", None)
    assert "standard error" in hopeless.reason
    indifferent = Line(loss=lambda prediction, labels: (0 * prediction).sum() + 1)
    flat = sweep_learning_rates(line_trainer(tmp_path, indifferent, points()), 1e-4, 10.0, 20)
    assert (flat.verdict, flat.improvement, flat.spread) == ("cannot discriminate", 0.0, 0.0)


def test_a_range_beside_the_rates_that_train_says_so(tmp_path: Path) -> None:
    low = sweep_learning_rates(line_trainer(tmp_path, Line(), points()), 1e-7, 1e-2, 20)
    assert low.verdict == "cannot discriminate"
    assert "Raise `high`" in low.reason
    high = sweep_learning_rates(line_trainer(tmp_path, Line(), points()), 100.0, 1000.0, 20)
    assert (high.verdict, high.suggested) == ("diverged at once", None)


def test_losses_that_are_not_finite_end_the_sweep(tmp_path: Path) -> None:
    data = points()
    broken = [{"x": item["x"], "labels": torch.tensor(float("nan"))} for item in data[:1]] + data[1:]
    sweep = sweep_learning_rates(
        line_trainer(tmp_path, Line(), broken, train_sampling_strategy="sequential"), 1e-4, 10.0, 20
    )
    assert sweep.verdict == "diverged at once"
    assert "before any step" in sweep.reason
    assert not np.isfinite(sweep.start)
    last = [*data[:-1], {"x": data[-1]["x"], "labels": torch.tensor(float("inf"))}]
    trainer = line_trainer(tmp_path, Line(), last, train_sampling_strategy="sequential")
    sweep = sweep_learning_rates(trainer, 1e-9, 1e-8, 20)
    assert sweep.verdict == "cannot discriminate"
    assert "a training batch was inf" in sweep.reason
    assert all(np.isfinite(sweep.losses))
    exploding = Line(loss=lambda prediction, labels: nn.functional.mse_loss(prediction, labels).exp())
    sweep = sweep_learning_rates(line_trainer(tmp_path, exploding, points(noise=0.0)), 1e-6, 10.0, 40)
    assert len(sweep.losses) < 40
    assert all(np.isfinite(sweep.losses))


def test_groups_keep_their_ratio(tmp_path: Path) -> None:
    rates: list[list[float]] = []

    class Recording(Trainer):
        def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
            extra = nn.Parameter(torch.zeros(1))
            groups: list[Any] = [{"params": [self.model.weight]}, {"params": [extra], "lr": 1e-3}]
            self.optimizer = torch.optim.SGD(groups, lr=1e-2)
            return self.optimizer

        def training_step(self, *args: Any, **kwargs: Any) -> Tensor:
            rates.append([group["lr"] for group in self.optimizer.param_groups])
            step: Tensor = super().training_step(*args, **kwargs)
            return step

    trainer = line_trainer(tmp_path, Line(), points(), kind=Recording, gradient_accumulation_steps=2)
    sweep = sweep_learning_rates(trainer, 1e-6, 1e-3, 10, probe=4)
    recorded = np.array(rates)
    assert len(recorded) == 2 * len(sweep.rates) == 20
    np.testing.assert_allclose(recorded[::2, 0], sweep.rates)
    np.testing.assert_allclose(recorded[:, 1] / recorded[:, 0], 0.1)
    np.testing.assert_allclose(np.diff(np.log(sweep.rates)), np.log(1000) / 9)


def test_the_probe_is_fixed_and_read_with_the_precision_of_training(tmp_path: Path) -> None:
    notes: list[tuple[bool, bool, float]] = []

    def noted(prediction: Tensor, labels: Tensor) -> Tensor:
        notes.append((model.training, torch.is_autocast_enabled("cpu"), float(labels.sum())))
        return nn.functional.mse_loss(prediction.float(), labels)

    model = Line(noted)
    sweep_learning_rates(line_trainer(tmp_path, model, points(), bf16=True), 1e-6, 1e-3, 10, probe=4)
    assert all(autocast for _, autocast, _ in notes)
    assert "forward" not in vars(model), "autocast is taken off the model again"
    assert model.calls == 0, "what the model counts for itself is put back, too"
    read = [total for training, _, total in notes if not training]
    trained = [total for training, _, total in notes if training]
    assert read == read[:4] * 11
    assert len(set(trained)) == 10
    assert not set(trained) & set(read), "the probe is not trained on"


# ---- No trace ----


def sentences(count: int = 48) -> list[dict[str, Any]]:
    """Token ids; the label says whether token 7 is among them."""
    generator = np.random.default_rng(0)
    ids = generator.integers(5, 20, size=(count, 6))
    return [
        {"input_ids": torch.tensor(row), "attention_mask": torch.ones(6, dtype=torch.long), "labels": int(7 in row)}
        for row in ids
    ]


def masking(items: list[dict[str, Any]]) -> dict[str, Any]:
    """A collator that draws from the random numbers of Python and of numpy."""
    batch: dict[str, Any] = default_data_collator(items)
    batch["input_ids"][random.randrange(len(items)), np.random.randint(6)] = 1
    return batch


def bert_trainer(folder: Path, **options: Any) -> Trainer:
    set_seed(3)
    config = BertConfig(
        vocab_size=20, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=8, hidden_dropout_prob=0.2,
    )  # fmt: skip
    settings: dict[str, Any] = {"max_steps": 8, "learning_rate": 1e-3, "weight_decay": 0.1, **options}
    arguments = small_arguments(folder, per_device_train_batch_size=4, logging_steps=1, **settings)
    data: Any = sentences()
    model = BertForSequenceClassification(config)
    return Trainer(model=model, args=arguments, train_dataset=data, data_collator=masking)


def trace(trainer: Trainer) -> dict[str, Any]:
    """What training left: weights, what was logged, and where the random numbers are."""
    timed = ("train_runtime", "train_samples_per_second", "train_steps_per_second")
    return {
        "weights": {name: value.clone() for name, value in trainer.model.state_dict().items()},
        "log": [{k: v for k, v in entry.items() if k not in timed} for entry in trainer.state.log_history],
        "random": (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()),
    }


def assert_same(one: Any, other: Any) -> None:
    """Equal bit for bit, tensors included."""
    assert type(one) is type(other)
    if isinstance(one, Tensor):
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        assert torch.equal(one.reshape(-1).view(torch.uint8), other.reshape(-1).view(torch.uint8))
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for name in one:
            assert_same(one[name], other[name])
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_same(left, right)
    else:
        assert one == other


def interrupt(trainer: Trainer, after: int) -> None:
    """A sweep that fails in the middle."""
    usual, count = trainer.training_step, 0

    def failing(*args: Any, **kwargs: Any) -> Tensor:
        nonlocal count
        count += 1
        if count > after:
            raise RuntimeError("the machine is on fire")
        step: Tensor = usual(*args, **kwargs)
        return step

    trainer.training_step = failing
    with pytest.raises(RuntimeError, match="on fire"):
        sweep_learning_rates(trainer, steps=10, probe=4)
    del trainer.training_step


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"gradient_accumulation_steps": 2, "bf16": True, "activation_checkpointing": True},
        {"optim": "sgd", "max_grad_norm": 0.0},
    ],
)
def test_training_after_a_sweep_equals_training_without_one(tmp_path: Path, options: dict[str, Any]) -> None:
    plain = bert_trainer(tmp_path, **options)
    plain.train()
    swept = bert_trainer(tmp_path, **options)
    before, loaders = trace(swept), list(swept.accelerator.gradient_state.dataloader_references)
    sweep = sweep_learning_rates(swept, steps=10, probe=4)
    assert sweep.losses[0] != sweep.losses[-1], "the sweep did train"
    assert_same(trace(swept), before)
    interrupt(swept, after=2)
    assert_same(trace(swept), before)
    assert swept.optimizer is None
    assert swept.accelerator.sync_gradients
    assert swept.accelerator.gradient_state.dataloader_references == loaders
    swept.train()
    assert_same(trace(swept), trace(plain))


def test_a_sweep_between_two_trainings_leaves_optimiser_and_schedule(tmp_path: Path) -> None:
    plain, swept = bert_trainer(tmp_path, max_steps=4), bert_trainer(tmp_path, max_steps=4)
    for trainer in (plain, swept):
        set_seed(3)
        trainer.train()

    def state(trainer: Trainer) -> dict[str, Any]:
        return {
            "optimizer": trainer.optimizer.state_dict(),
            "scheduler": {k: v for k, v in trainer.lr_scheduler.state_dict().items() if not callable(v)},
            "state": {k: v for k, v in vars(trainer.state).items() if k != "log_history"},
            "accelerate": {k: v for k, v in vars(trainer.accelerator.gradient_state).items() if "ref" not in k},
            **trace(trainer),
        }

    identities = {key: id(value) for key, value in vars(swept).items()}
    before = torch.get_rng_state()
    sweep_learning_rates(swept, steps=10, probe=4)
    torch.set_rng_state(before)
    del (kept := state(swept))["log"], (other := state(plain))["log"]
    for part in ("optimizer", "scheduler", "state", "accelerate", "weights"):
        assert_same(kept[part], other[part])
    assert {key: id(value) for key, value in vars(swept).items()} == identities, "the same objects, nothing more"
    assert len(swept.accelerator._models) == len(plain.accelerator._models)
    assert len(swept.accelerator._dataloaders) == len(plain.accelerator._dataloaders)


def test_gradients_modes_and_what_is_frozen_stay(tmp_path: Path) -> None:
    trainer = bert_trainer(tmp_path)
    model = trainer.model
    model.bert.embeddings.word_embeddings.weight.requires_grad_(False)
    model.train()
    model.bert.encoder.layer[0].eval()
    model.classifier.weight.grad = torch.full_like(model.classifier.weight, 0.5)
    held = model.classifier.weight.grad
    model.register_buffer("counter", torch.tensor([1.0, float("nan")]))

    def count(module: Any, *_: Any) -> None:
        module.counter.add_(1)

    model.register_forward_hook(count)
    modes = [module.training for module in model.modules()]
    weights = {name: id(value) for name, value in model.named_parameters()}
    sweep_learning_rates(trainer, steps=10, probe=4)
    assert [module.training for module in model.modules()] == modes
    assert {name: id(value) for name, value in model.named_parameters()} == weights
    assert not model.bert.embeddings.word_embeddings.weight.requires_grad
    assert model.classifier.weight.grad is held
    assert held.eq(0.5).all()
    assert model.classifier.bias.grad is None
    assert model.counter[0] == 1


def labelled(number: int) -> Unit:
    target = np.zeros(28, dtype=np.float32)
    target[17 if number % 2 else 25] = 1
    text = f"{'wonderful happy sunny day' if number % 2 else 'crying alone in the dark night'} {number}"
    return (Example(text, "made-up", {"emotion_labels": target}),)


def test_a_red_heart_trainer_too(tmp_path: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    def make() -> RedHeartTrainer:
        set_seed(5)
        arguments = small_arguments(
            tmp_path, RedHeartTrainingArguments, max_steps=3, per_device_train_batch_size=4, full_every=2,
            learning_rate=1e-3, logging_steps=1, layer_decay=0.9, longest_text=32,
        )  # fmt: skip
        model = RedHeartModel(RedHeartConfig.from_preset("redheart-tiny", hidden_dropout=0.1))
        units = [labelled(number) for number in range(32)]
        return RedHeartTrainer(model=model, args=arguments, train_dataset=units, processing_class=tokenizer)

    plain, swept = make(), make()
    set_seed(5)
    plain.train()
    set_seed(5)
    sweep = sweep_learning_rates(swept, 1e-6, 1e-1, steps=10, probe=4)
    assert len(sweep.losses) >= 1
    interrupt(swept, after=1)
    swept.train()
    assert_same(trace(swept), trace(plain))


# ---- What is written, and misuse ----


def test_it_writes_the_record_and_the_curve(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    found = judge(RATES, START, curve(*[1.0] * 10, *np.linspace(1.0, 0.5, 5), *[2.0] * 5))
    found.save(tmp_path / "new" / "folder")
    record = json.loads((tmp_path / "new" / "folder" / "lr_sweep.json").read_text(encoding="utf-8"))
    assert record["verdict"] == "found"
    assert record["rates"] == RATES
    assert len(record["losses"]) == len(record["smoothed"]) == 20
    assert (tmp_path / "new" / "folder" / "lr_sweep.png").read_bytes().startswith(b"\x89PNG")
    broken = judge(RATES, [float("nan")] * 4, [], "the loss is nan before any step")
    broken.save(tmp_path)
    assert json.loads((tmp_path / "lr_sweep.json").read_text(encoding="utf-8"))["start"] is None


def test_misuse_is_an_error(tmp_path: Path) -> None:
    trainer = line_trainer(tmp_path, Line(), points(count=24))
    for options, message in (
        ({"low": 1.0, "high": 0.1}, "0 < `low` < `high`"),
        ({"low": 0.0}, "0 < `low` < `high`"),
        ({"steps": 3}, "`steps` must be 10 or more"),
        ({"probe": 2}, "`probe` must be 4 batches"),
        ({"probe": 8}, "takes 8 batches, and an epoch has 4"),
    ):
        with pytest.raises(ValueError, match=message):
            sweep_learning_rates(trainer, **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="learning rate is 0"):
        sweep_learning_rates(line_trainer(tmp_path, Line(), points(), learning_rate=0.0), steps=10, probe=4)
