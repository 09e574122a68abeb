"""Cutting a batch, telling a lack of memory from other errors, and the report on it."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from redheart.training.trainers.oom_callback import OOMCallback
from redheart.training.trainers.out_of_memory import (
    MicroBatch,
    RandomState,
    RetriedStep,
    is_out_of_memory,
    rows_of,
    split,
)
from redheart.training.trainers.retrying_trainer import RetryingTrainer

from ...fixtures.runs import report_in, small_arguments


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 4 bytes."), True),
        (MemoryError(), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_counts_as_out_of_memory(error: BaseException, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


@pytest.mark.parametrize("pieces", [1, 2, 3, 5, 8, 20])
def test_pieces_hold_every_row_once_in_order(pieces: int) -> None:
    batch = {"input_ids": torch.arange(8)[:, None], "attention_mask": torch.ones(8, 1)}
    cut = split(batch, pieces)
    assert torch.cat([piece["input_ids"] for piece in cut]).flatten().tolist() == list(range(8))
    assert len(cut) == min(pieces, 8)
    assert max(len(piece["input_ids"]) for piece in cut) - min(len(piece["input_ids"]) for piece in cut) <= 1


def test_the_texts_of_a_pair_stay_together() -> None:
    pairs = torch.tensor([[7, 1], [-100, -100], [7, 0], [3, 0], [-100, -100], [3, 1]])
    cut = split({"input_ids": torch.arange(6)[:, None], "acceptability_pair_labels": pairs}, 6)
    rows = [piece["input_ids"].flatten().tolist() for piece in cut]
    assert rows == [[0, 2], [1], [3, 5], [4]]


def test_a_batch_is_cut_only_where_each_value_has_a_row_per_text() -> None:
    rows = {"input_ids": torch.ones(4, 2), "labels": torch.ones(4)}
    assert rows_of(rows) == 4
    for other in (torch.tensor(1.0), torch.ones(3), [1, 2, 3, 4], None):
        odd = {**rows, "other": other}
        assert rows_of(odd) == 1
        assert split(odd, 4) == [odd]


def test_the_random_state_is_that_of_the_moment() -> None:
    state = RandomState.now()
    one = torch.rand(3)
    state.restore()
    assert torch.equal(torch.rand(3), one)


def test_a_step_that_fits_runs_once() -> None:
    step, calls = RetriedStep(), []

    def backward(batch: Any, pieces: int) -> torch.Tensor:
        calls.append(pieces)
        return torch.zeros(())

    batch = MicroBatch({"input_ids": torch.ones(4, 1)}, None, RandomState.now())
    assert step.run(batch, backward, lambda: None, torch.device("cpu"))[1] is None
    assert calls == [1]


def make_trainer(folder: Path, callbacks: list[TrainerCallback], kind: type[Trainer] = Trainer, **options: Any) -> Any:
    """A trainer of a very small model, of two rows a step."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, num_labels=2
    )
    rows: Any = [{"input_ids": [1, 2, 3], "labels": place % 2} for place in range(8)]
    defaults = {"max_steps": 3, "logging_steps": 1, "per_device_train_batch_size": 2}
    arguments = small_arguments(folder, **{**defaults, **options})
    model = BertForSequenceClassification(config)
    return kind(model=model, args=arguments, train_dataset=rows, callbacks=callbacks)


def test_the_callback_watches_a_plain_trainer(tmp_path: Path) -> None:
    make_trainer(tmp_path, [OOMCallback()]).train()
    report = report_in(tmp_path, "out_of_memory")
    assert report["events"] == []
    assert [step for step, _ in report["peaks"]][:3] == [1, 2, 3]
    assert all(peak > 2**20 for _, peak in report["peaks"])
    assert (tmp_path / "out_of_memory.png").stat().st_size > 1000


def fail_once(trainer: Any) -> None:
    """There is too little memory in the first pass of the model."""
    forward, calls = trainer.model.forward, iter(range(1000))

    def scarce(*args: Any, **kwargs: Any) -> Any:
        if not next(calls):
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(*args, **kwargs)

    trainer.model.forward = scarce


@pytest.mark.parametrize("restored", [True, False])
def test_a_resumed_run_reports_what_was_before(tmp_path: Path, restored: bool) -> None:
    options = {
        "kind": RetryingTrainer, "save_strategy": "steps", "save_steps": 2, "max_steps": 4,
        "restore_callback_states_from_checkpoint": restored, "remove_unused_columns": False,
    }  # fmt: skip
    whole = make_trainer(tmp_path / "run", [OOMCallback(plot=False)], **options)
    fail_once(whole)
    whole.train()
    expected = report_in(tmp_path / "run", "out_of_memory")
    assert [event["step"] for event in expected["events"]] == [0]
    resumed = make_trainer(tmp_path / "run", [OOMCallback(plot=False)], **options)
    resumed.train(resume_from_checkpoint=str(tmp_path / "run" / "checkpoint-2"))
    found = report_in(tmp_path / "run", "out_of_memory")
    assert found["events"] == expected["events"]
    assert [step for step, _ in found["peaks"]] == [step for step, _ in expected["peaks"]]


def test_it_can_be_added_to_a_run_that_had_none(tmp_path: Path) -> None:
    options = {"save_strategy": "steps", "save_steps": 2, "max_steps": 4}
    make_trainer(tmp_path, [], **options).train()
    resumed = make_trainer(tmp_path, [OOMCallback(plot=False)], **options)
    resumed.train(resume_from_checkpoint=str(tmp_path / "checkpoint-2"))
    assert [step for step, _ in report_in(tmp_path, "out_of_memory")["peaks"]][:2] == [3, 4]


def test_another_run_begins_with_an_empty_report(tmp_path: Path) -> None:
    callback = OOMCallback(plot=False)
    trainer = make_trainer(tmp_path, [callback], kind=RetryingTrainer, remove_unused_columns=False)
    fail_once(trainer)
    trainer.evaluate(trainer.train_dataset)  # before the run, and so a part of it
    trainer.train()
    assert len(report_in(tmp_path, "out_of_memory")["events"]) == 1
    trainer.train()
    assert report_in(tmp_path, "out_of_memory")["events"] == []


def test_little_memory_left_asks_for_a_checkpoint_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redheart.training.trainers.oom_callback.memory_left", lambda device: 0.01)
    callback = OOMCallback(save_below=0.05)
    arguments, state = TrainingArguments(output_dir=str(tmp_path), use_cpu=True), TrainerState(global_step=7)
    assert callback.on_step_end(arguments, state, TrainerControl()).should_save
    assert not callback.on_step_end(arguments, state, TrainerControl()).should_save
    assert callback.asked_at == 7
