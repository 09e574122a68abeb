"""Two processes: a sharded model, a run that is killed and continued, and memory that runs out in one of them."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch.distributed.tensor import DTensor
from torch.multiprocessing.spawn import ProcessExitedException
from transformers import TrainerCallback, TrainerControl
from transformers.distributed.configuration_utils import DistributedConfig

from redheart import RedHeartConfig, RedHeartModel
from redheart.data.loading import Unit
from redheart.storage.checkpoints import complete_checkpoints
from redheart.storage.strict_loading import load_strict
from redheart.training.trainers import oom_callback
from redheart.training.trainers.arguments import RedHeartTrainingArguments
from redheart.training.trainers.oom_callback import OOMCallback
from redheart.training.trainers.trainer import RedHeartTrainer

MakeTrainer = Callable[..., RedHeartTrainer]
MakeModel = Callable[..., RedHeartModel]
InTwoProcesses = Callable[[Callable[[], object]], None]


def losses(metrics: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if "loss" in name or name == "grad_norm"}


def log_of(trainer: RedHeartTrainer) -> list[dict[str, float]]:
    return [losses(entry) for entry in trainer.state.log_history if "loss" in entry]


def outcome(trainer: RedHeartTrainer) -> dict[str, Any]:
    """The losses before, in and after training."""
    before = losses(trainer.evaluate())
    trainer.train()
    return {"before": before, "log": log_of(trainer), "after": losses(trainer.evaluate())}


def assert_close(one: Any, other: Any) -> None:
    for phase in ("before", "after"):
        assert one[phase] == pytest.approx(other[phase], rel=1e-5, abs=1e-6)
    assert one["log"] == [pytest.approx(entry, rel=1e-5, abs=1e-6) for entry in other["log"]]


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def sharded(folder: Path, run: Path) -> RedHeartModel:
    """The model in ``folder``, of which this process holds a half."""
    assert RedHeartTrainingArguments(str(run), use_cpu=True).world_size == 2  # the processes know each other from here
    model: RedHeartModel = RedHeartModel.from_pretrained(folder, distributed_config=DistributedConfig(fsdp_size=2))
    return model


# Plain gradient descent, so that an error in a gradient's size shows; gradients are clipped. Twelve texts in batches of
# at most five, of two sets: six batches, and the two processes have different targets in some of the steps.
OPTIONS: dict[str, Any] = {
    "optim": "sgd", "learning_rate": 0.1, "num_train_epochs": 2, "per_device_train_batch_size": 5,
    "per_device_eval_batch_size": 5, "ddp_timeout": 600,
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("accumulation", "text_encoder"), [(1, False), (3, False), (1, True)])
def test_a_sharded_model_learns_what_a_whole_one_does(
    tmp_path: Path, two_sets: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel,
    in_two_processes: InTwoProcesses, bert_options: dict[str, Any], accumulation: int, text_encoder: bool,
) -> None:  # fmt: skip
    preset = RedHeartConfig.from_preset("redheart-tiny")
    no_dropout = dict.fromkeys(("hidden_dropout_prob", "attention_probs_dropout_prob"), 0.0)
    encoder = {
        "encoder_config": {**bert_options, **no_dropout, "vocab_size": preset.vocab_size},
        "components": {**preset.components, "backbone": {"projection": 16}},
    }
    tiny_model(**(encoder if text_encoder else {})).save_pretrained(tmp_path / "start")
    # Three batches to evaluate on, which two processes cannot share out alike as they are.
    options = {**OPTIONS, "eval_dataset": two_sets[6:20]}
    alone = make_trainer(
        load_strict(tmp_path / "start"), two_sets, "alone", gradient_accumulation_steps=2 * accumulation, **options
    )
    expected = outcome(alone)
    alone.save_model(str(tmp_path / "alone"))

    def train() -> None:
        model = sharded(tmp_path / "start", tmp_path / "pair")
        assert all(isinstance(parameter, DTensor) for parameter in model.parameters())
        own = sum(parameter.to_local().numel() for parameter in model.parameters())  # type: ignore[operator]
        assert own < 0.6 * model.num_parameters()
        saving = {"save_strategy": "steps", "save_steps": 1, "save_only_model": True}
        trainer = make_trainer(
            model, two_sets, "pair", gradient_accumulation_steps=accumulation, **{**options, **saving}
        )
        found = outcome(trainer)
        (tmp_path / f"rank-{trainer.args.process_index}.json").write_text(json.dumps(found))

    in_two_processes(train)
    for rank in range(2):
        assert_close(json.loads((tmp_path / f"rank-{rank}.json").read_text()), expected)
    assert expected["after"]["eval_loss"] < expected["before"]["eval_loss"] - 0.1
    wanted = weights_of(tmp_path / "alone")
    checkpoint = tmp_path / "pair" / f"checkpoint-{alone.state.global_step}"
    for name, value in weights_of(checkpoint).items():
        torch.testing.assert_close(value, wanted[name], atol=1e-6, rtol=1e-5, msg=name)
    assert len(wanted) == len(dict(load_strict(checkpoint).named_parameters()))


@pytest.mark.slow
def test_a_sharded_model_runs_what_any_process_needs_and_refuses_what_needs_whole_weights(
    tmp_path: Path, two_sets: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel,
    in_two_processes: InTwoProcesses,
) -> None:  # fmt: skip
    tiny_model().save_pretrained(tmp_path / "start")

    def train() -> None:
        model = sharded(tmp_path / "start", tmp_path / "pair")
        trainer = make_trainer(model, two_sets, "pair", full_every=3, **OPTIONS)
        trainer.train()
        assert len(log_of(trainer)) == 6
        with pytest.raises(ValueError, match="cannot be resumed"):
            trainer.train(resume_from_checkpoint=True)
        for options, message in (
            ({"ema_decay": 0.9}, "averages whole weights"),
            ({"save_strategy": "steps"}, "`save_only_model=True`"),
        ):
            with pytest.raises(ValueError, match=message):
                make_trainer(model, two_sets, "refused", **options)
        with pytest.raises(ValueError, match="1 units cannot be divided evenly among 2 processes"):
            trainer.evaluate(two_sets[:1])

    in_two_processes(train)


class KillAt(TrainerCallback):
    """Kills its process at the end of a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


def kill_while_writing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kill this process when it is about to write the file ``name``, some time after the other one wrote its own."""
    save = torch.save

    def write(value: Any, file: Any, *args: Any, **options: Any) -> None:
        if str(file).endswith(name):
            time.sleep(2)
            os.kill(os.getpid(), signal.SIGKILL)
        save(value, file, *args, **options)

    monkeypatch.setattr(torch, "save", write)


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["after a checkpoint", "within a checkpoint"])
def test_two_killed_processes_are_resumed_exactly(
    tmp_path: Path, two_sets: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel,
    in_two_processes: InTwoProcesses, monkeypatch: pytest.MonkeyPatch, moment: str,
) -> None:  # fmt: skip
    options = {
        "max_steps": 6, "save_strategy": "steps", "save_steps": 2, "learning_rate": 1e-2, "ema_decay": 0.8,
        "per_device_train_batch_size": 3, "ddp_timeout": 600,
    }  # fmt: skip

    def train(folder: str, seed: int = 0, resume: bool = False, kill: bool = False) -> None:
        trainer = make_trainer(tiny_model(dropout=0.1, seed=seed), two_sets, folder, **options)
        assert trainer.args.world_size == 2
        rank = trainer.args.process_index
        if kill and moment == "after a checkpoint":
            trainer.add_callback(KillAt(5))
        elif kill and rank == 1:
            kill_while_writing("checkpoint-4/rng_state_1.pth", monkeypatch)
        trainer.train(resume_from_checkpoint=resume)
        trainer.save_model(str(tmp_path / folder / "model"))
        (tmp_path / folder / f"rank-{rank}.json").write_text(json.dumps(log_of(trainer)))

    in_two_processes(lambda: train("whole"))
    with pytest.raises(ProcessExitedException, match="SIGKILL"):
        in_two_processes(lambda: train("cut", kill=True))
    newest = complete_checkpoints(tmp_path / "cut")[-1].name
    # The main process had nothing more to wait for but the other one's random state.
    assert newest == ("checkpoint-4" if moment == "after a checkpoint" else "checkpoint-2")
    in_two_processes(lambda: train("cut", seed=3, resume=True))
    for rank in range(2):
        one, two = (json.loads((tmp_path / name / f"rank-{rank}.json").read_text()) for name in ("whole", "cut"))
        assert len(one) == 6
        assert one == two
    one, two = (weights_of(tmp_path / name / "model") for name in ("whole", "cut"))
    for name, value in one.items():
        assert torch.equal(two[name], value), name


def test_memory_that_runs_out_in_one_process_while_it_evaluates(
    tmp_path: Path, two_sets: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel,
    in_two_processes: InTwoProcesses,
) -> None:  # fmt: skip
    def evaluate() -> None:
        model = tiny_model(loss_weights={"prototypes": 0})
        callbacks = [OOMCallback(plot=False)]
        trainer = make_trainer(model, two_sets, "run", eval_dataset=two_sets, callbacks=callbacks, **OPTIONS)
        whole = losses(trainer.evaluate())
        forward = model.forward

        def scarce(**inputs: Any) -> Any:
            if len(inputs["input_ids"]) > 2:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return forward(**inputs)

        if trainer.args.process_index == 1:
            model.forward = scarce  # type: ignore[method-assign]
        pieces = losses(trainer.evaluate())
        del whole["eval_loss_prototypes"], pieces["eval_loss_prototypes"]
        assert pieces == pytest.approx(whole, rel=1e-5)
        # Each knows what happened to the other one, so that the main process can report it.
        assert {event.phase for event in trainer.out_of_memory} == {"eval"}

    in_two_processes(evaluate)
    report = json.loads((tmp_path / "run" / "out_of_memory_report.json").read_text())
    assert {event["phase"] for event in report["events"]} == {"eval"}
    assert all(event["pieces"] > 1 for event in report["events"])


def test_all_processes_save_when_one_has_little_memory_left(
    tmp_path: Path, in_two_processes: InTwoProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step() -> None:
        arguments = RedHeartTrainingArguments(str(tmp_path), use_cpu=True, report_to="none")
        monkeypatch.setattr(oom_callback, "memory_left", lambda device: 0.01 if arguments.process_index else 0.9)
        callback = OOMCallback(save_below=0.05)
        state: Any = type("State", (), {"global_step": 7})
        assert callback.on_step_end(arguments, state, TrainerControl()).should_save
        assert callback.asked_at == 7

    in_two_processes(step)
