"""Which checkpoints count as whole, and what happens when the disk is full."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from redheart import RedHeartModel
from redheart.data.loading import Unit
from redheart.storage.checkpoints import complete_checkpoints, is_disk_full, last_complete_checkpoint
from redheart.training.trainers.trainer import RedHeartTrainer

MakeTrainer = Callable[..., RedHeartTrainer]
MakeModel = Callable[..., RedHeartModel]


def written(folder: Path, step: int, state: str = '{"global_step": 1}') -> Path:
    path = folder / f"checkpoint-{step}"
    path.mkdir()
    (path / "trainer_state.json").write_text(state)
    return path


def test_the_newest_whole_checkpoint_is_found(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for step in (5, 20, 100):
        written(tmp_path, step)
    written(tmp_path, 200, '{"global_st')  # killed while it was written
    (tmp_path / "checkpoint-300").mkdir()
    (tmp_path / "checkpoint-best").mkdir()
    assert [path.name for path in complete_checkpoints(tmp_path)] == ["checkpoint-5", "checkpoint-20", "checkpoint-100"]
    assert last_complete_checkpoint(tmp_path).name == "checkpoint-100"
    assert "checkpoint-200" in caplog.text
    assert "checkpoint-300" in caplog.text


def test_a_missing_checkpoint_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no complete checkpoint"):
        last_complete_checkpoint(tmp_path)
    written(tmp_path, 1, "")
    with pytest.raises(ValueError, match="only checkpoint-1"):
        last_complete_checkpoint(tmp_path)


def test_a_full_disk_is_known_by_its_cause() -> None:
    inner = OSError(errno.ENOSPC, "No space left on device")
    outer = RuntimeError("writing failed")
    outer.__cause__ = inner
    assert is_disk_full(inner)
    assert is_disk_full(outer)
    assert is_disk_full(RuntimeError("I/O error: No space left on device (os error 28)"))
    assert not is_disk_full(OSError(errno.EACCES, "Permission denied"))


def test_a_full_disk_leaves_the_checkpoint_before_and_can_be_continued_from(
    tmp_path: Path, units: list[Unit], make_trainer: MakeTrainer, tiny_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"max_steps": 4, "save_strategy": "steps", "save_steps": 2, "learning_rate": 1e-2}
    unbroken = make_trainer(tiny_model(), units, "unbroken", **options)
    unbroken.train()
    real, calls = torch.save, iter(range(100))

    def full(*args: Any, **kwargs: Any) -> None:
        if "checkpoint-4" in str(args[1]) and next(calls) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(*args, **kwargs)

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match=r"disk is full.*earlier checkpoints are complete"):
        make_trainer(tiny_model(), units, "run", **options).train()
    assert [path.name for path in (tmp_path / "run").glob("checkpoint-*")] == ["checkpoint-2"]
    resumed = make_trainer(tiny_model(seed=3), units, "run", **options)
    resumed.train(resume_from_checkpoint=True)
    for (name, one), other in zip(unbroken.model.named_parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(one, other), name
