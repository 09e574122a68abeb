"""Crossover of a run whose checkpoints are made by hand: accepted where it helps, rejected where it does not."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import debug_launcher
from accelerate.state import AcceleratorState
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel, Trainer, TrainerCallback

from redheart.training.callbacks.crossover_callback import CrossoverCallback
from redheart.training.callbacks.module_crossover import REST
from redheart.training.callbacks.sweet_spot import SweetSpotCallback

from ...fixtures.runs import report_in, small_arguments

MODULES = {"left": ["eval_loss_left"], "right": ["eval_loss_right"]}
Rows = list[dict[str, Tensor]]


class PointConfig(PreTrainedConfig):
    model_type = "tiny-crossover"


class Coordinate(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.zeros(1))


class Point(PreTrainedModel):
    """A point in the plane; its loss is its squared distance, a coordinate per module."""

    config_class = PointConfig
    accepts_loss_kwargs = False

    def __init__(self, config: PointConfig) -> None:
        super().__init__(config)
        self.left, self.right = Coordinate(), Coordinate()
        self.spare = nn.Parameter(torch.ones(1))
        self.register_buffer("count", torch.tensor(0))
        self.post_init()

    def forward(self, labels: Tensor) -> dict[str, Tensor]:
        errors = (torch.cat((self.left.value, self.right.value)) - labels).square()
        return {"loss": errors.sum(1).mean() + 0 * self.spare.sum(), "errors": errors}

    def at(self) -> tuple[float, float]:
        return self.left.value.item(), self.right.value.item()


class Script(TrainerCallback):
    """Puts the point where each step should leave it, and counts what it hears."""

    def __init__(self, places: Sequence[tuple[float, float]], stop: int | None = None) -> None:
        self.places, self.stop = places, stop
        self.evaluations = 0

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        with torch.no_grad():
            model.left.value.fill_(self.places[state.global_step - 1][0])
            model.right.value.fill_(self.places[state.global_step - 1][1])
            model.count.fill_(state.global_step)

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.evaluations += 1

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        control.should_training_stop = control.should_training_stop or state.global_step == self.stop


def around(left: float, right: float, seed: int, count: int = 6) -> Rows:
    """Rows whose best point is near (left, right)."""
    spread = torch.randn(count, 2, generator=torch.Generator().manual_seed(seed)) / 10
    return [{"labels": row} for row in torch.tensor([left, right]) + spread]


def errors_by_module(prediction: Any) -> dict[str, float]:
    left, right = prediction.predictions.mean(axis=0).tolist()
    return {"loss_left": left, "loss_right": right}


# The best left (1) is in step 1, the best right (1) in step 2; as a whole step 3 is best.
PLACES = [(1.0, 3.0), (3.0, 1.0), (2.0, 2.0)]


def make_run(
    folder: Path, places: Sequence[tuple[float, float]] = PLACES, stop: int | None = None, **options: Any
) -> tuple[Trainer, Script]:
    script = Script(places, stop)
    defaults = {"eval_strategy": "steps", "eval_steps": 1, "max_steps": len(places)}
    args = small_arguments(folder, learning_rate=0.0, label_names=["labels"], **{**defaults, **options})
    trainer = Trainer(
        model=Point(PointConfig()),
        args=args,
        train_dataset=around(1, 1, 1),  # type: ignore[arg-type]
        eval_dataset=around(1, 1, 2),  # type: ignore[arg-type]
        compute_metrics=errors_by_module,
        callbacks=[script],
    )
    return trainer, script


def add(trainer: Trainer, acceptance: Rows | None = None, **options: Any) -> CrossoverCallback:
    acceptance = around(1, 1, 4) if acceptance is None else acceptance
    callback = CrossoverCallback(
        trainer, around(1, 1, 3), acceptance, options.pop("modules", MODULES), **{"plot": False, **options}
    )
    trainer.add_callback(callback)
    return callback


def test_the_best_of_each_module_is_accepted_where_it_helps(tmp_path: Path) -> None:
    trainer, _ = make_run(tmp_path)
    add(trainer)
    trainer.train()
    report = report_in(tmp_path, "crossover")
    assert report["verdict"] == "accepted"
    assert report["best_checkpoint"] == "step-3"
    assert trainer.model.at() == (1.0, 1.0)
    chosen = next(item for item in report["recombinations"] if item["name"] == report["chosen"])
    assert (report["weights"], chosen["verdict"]) == (chosen["name"], "accepted")
    assert chosen["recipe"]["left"] == {"step-1": 1.0}
    assert chosen["recipe"]["right"] == {"step-2": 1.0}
    single = next(item for item in report["checkpoints"] if item["name"] == "step-3")
    assert chosen["acceptance"] < single["acceptance"]
    assert f"{chosen['acceptance']:.6g}" in report["reason"]
    assert f"{single['acceptance']:.6g}" in report["reason"]


def test_it_is_rejected_where_new_rows_say_otherwise(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    trainer, _ = make_run(tmp_path)
    add(trainer, acceptance=around(2, 2, 4))
    trainer.train()
    report = report_in(tmp_path, "crossover")
    assert report["verdict"] == "rejected"
    assert report["weights"] == "step-3"
    assert trainer.model.at() == (2.0, 2.0)
    assert trainer.model.count.item() == 3
    chosen = next(item for item in report["recombinations"] if item["name"] == report["chosen"])
    assert chosen["selection"] < min(item["selection"] for item in report["checkpoints"])
    assert "Crossover rejected; the model has step-3" in caplog.text


def test_a_margin_must_be_beaten(tmp_path: Path) -> None:
    trainer, _ = make_run(tmp_path)
    add(trainer, margin=10.0)
    trainer.train()
    assert report_in(tmp_path, "crossover")["verdict"] == "rejected"
    assert "lower by more than 10" in report_in(tmp_path, "crossover")["reason"]


def test_the_acceptance_split_is_spared_where_nothing_is_better(tmp_path: Path) -> None:
    trainer, _ = make_run(tmp_path, [(3.0, 3.0), (1.0, 1.0), (2.0, 2.0)])
    add(trainer)
    trainer.train()
    report = report_in(tmp_path, "crossover")
    assert (report["verdict"], report["weights"]) == ("rejected", "step-2")
    assert "even on the selection split" in report["reason"]
    assert all(item["acceptance"] is None for item in report["checkpoints"] + report["recombinations"])
    assert trainer.model.at() == (1.0, 1.0)


def test_one_checkpoint_leaves_nothing_to_combine(tmp_path: Path) -> None:
    trainer, _ = make_run(tmp_path, [(2.0, 2.0)])
    add(trainer)
    trainer.train()
    report = report_in(tmp_path, "crossover")
    assert (report["verdict"], report["chosen"], report["weights"]) == ("rejected", None, "step-1")
    assert "nothing to combine" in report["reason"]


def test_every_candidate_is_in_the_report(tmp_path: Path) -> None:
    trainer, _ = make_run(tmp_path)
    add(trainer, seed=5, generations=2, population=4)
    trainer.train()
    report = report_in(tmp_path, "crossover")
    assert [item["name"] for item in report["checkpoints"]] == ["step-1", "step-2", "step-3"]
    names = [item["name"] for item in report["recombinations"]]
    assert names[:5] == ["selective", "weighted", "interpolated-0.25", "interpolated-0.5", "interpolated-0.75"]
    assert len(names) == len(set(names))
    assert any(item["strategy"] == "genetic" for item in report["recombinations"])
    assert report["seed"] == 5
    assert report["rows"] == {"selection": 6, "acceptance": 6}
    for item in report["recombinations"]:
        assert item["selection"] > 0
        assert item["verdict"] == ("accepted" if item["name"] == report["chosen"] else "rejected")
        assert item["reason"]
        for shares in item["recipe"].values():
            assert sum(shares.values()) == pytest.approx(1)
    between = next(item for item in report["recombinations"] if item["name"] == "interpolated-0.5")
    assert between["recipe"]["left"] == {"step-1": 0.5, "step-3": 0.5}


def test_a_search_that_fails_leaves_the_weights_of_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, _ = make_run(tmp_path)
    callback = add(trainer)
    evaluate, calls = trainer.evaluate, []

    def fail(data: Any = None, **kwargs: Any) -> dict[str, float]:
        if data is callback.plan.selection:
            calls.append(trainer.model.at())
            if len(calls) == 2:
                raise RuntimeError("the disk is gone")
        return evaluate(data, **kwargs)

    monkeypatch.setattr(trainer, "evaluate", fail)
    with pytest.raises(RuntimeError, match="the disk is gone"):
        trainer.train()
    assert calls[-1] == (3.0, 1.0)
    assert trainer.model.at() == (2.0, 2.0)
    assert callback in trainer.callback_handler.callbacks, "the callbacks are there again"


def test_its_evaluations_are_not_events_of_the_run(tmp_path: Path) -> None:
    trainer, script = make_run(tmp_path)
    add(trainer)
    trainer.train()
    assert script.evaluations == 3
    assert sum("eval_loss" in entry for entry in trainer.state.log_history) == 3


def test_a_resumed_run_has_the_same_candidates_and_the_same_verdict(tmp_path: Path) -> None:
    options = {"save_strategy": "steps", "save_steps": 1, "restore_callback_states_from_checkpoint": True}
    places = [*PLACES, (4.0, 4.0)]
    whole, _ = make_run(tmp_path / "whole", places, **options)
    add(whole)
    whole.train()
    killed, _ = make_run(tmp_path / "killed", places, stop=2, **options)
    add(killed)
    killed.train()
    (tmp_path / "killed" / "crossover_report.json").unlink()
    resumed, _ = make_run(tmp_path / "killed", places, **options)
    add(resumed)
    resumed.train(resume_from_checkpoint=True)
    assert report_in(tmp_path / "killed", "crossover") == report_in(tmp_path / "whole", "crossover")
    assert resumed.model.at() == whole.model.at() == (1.0, 1.0)


class CrashAt(TrainerCallback):
    """Ends a run right after a checkpoint, before the callbacks behind this one hear of it."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.step:
            raise KeyboardInterrupt


def train_two_best(folder: Path, resume: bool | str = False, others: Sequence[TrainerCallback] = ()) -> Trainer:
    """A run of four checkpoints of which the two best are kept: after the third step no longer step-2."""
    places = [(1.0, 3.0), (3.0, 1.0), (1.5, 1.5), (1.4, 1.4)]
    trainer, _ = make_run(folder, places, save_strategy="steps", save_steps=1)
    for callback in others:
        trainer.add_callback(callback)
    add(trainer, keep=2)
    trainer.train(resume_from_checkpoint=resume)
    return trainer


def test_a_kill_before_the_callback_is_notified_of_the_checkpoint_changes_nothing(tmp_path: Path) -> None:
    whole = train_two_best(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train_two_best(tmp_path / "killed", others=[CrashAt(3)])
    resumed = train_two_best(tmp_path / "killed", resume=True)
    assert report_in(tmp_path / "killed", "crossover") == report_in(tmp_path / "whole", "crossover") | {"lost": []}
    assert resumed.model.at() == whole.model.at()


def test_a_resumed_run_without_a_candidate_warns(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    train_two_best(tmp_path)
    assert [item["name"] for item in report_in(tmp_path, "crossover")["checkpoints"]] == ["step-1", "step-4"]
    train_two_best(tmp_path, resume=str(tmp_path / "checkpoint-2"))
    assert "continues without step-2, which the checkpoint of step 2 had" in caplog.text
    assert report_in(tmp_path, "crossover")["lost"] == ["step-2"]
    train_two_best(tmp_path, resume=str(tmp_path / "checkpoint-4"))
    assert report_in(tmp_path, "crossover")["lost"] == ["step-2"], (
        "it stays in the report of a run that is resumed once more"
    )


def test_the_report_names_what_was_not_kept_and_recipes_of_one_checkpoint(tmp_path: Path) -> None:
    report = report_in(Path(str(train_two_best(tmp_path).args.output_dir)), "crossover")
    assert [item["step"] for item in report["not_kept"] if item["eval_loss"] > 0] == [2, 3]
    assert report["no_recombination"] == {}
    trainer, _ = make_run(tmp_path / "single", [(3.0, 3.0), (1.0, 1.0), (2.0, 2.0)])
    add(trainer)
    trainer.train()
    assert report_in(tmp_path / "single", "crossover")["no_recombination"] == {"selective": "step-2"}


def test_only_the_best_stay_on_disk(tmp_path: Path) -> None:
    trainer, _ = make_run(tmp_path, [(1.0, 3.0), (3.0, 3.0), (3.0, 1.0), (4.0, 4.0), (2.0, 2.0)])
    callback = add(trainer, keep=3)
    trainer.train()
    assert [candidate.step for candidate in callback.store.candidates] == [1, 3, 5]
    assert report_in(tmp_path, "crossover")["verdict"] == "accepted"


def test_the_end_of_a_run_is_a_candidate(tmp_path: Path) -> None:
    trainer, _ = make_run(tmp_path, [(3.0, 3.0), (1.0, 1.0)], eval_steps=5, eval_strategy="steps")
    callback = add(trainer)
    trainer.train()
    # The trainer evaluates the last step itself; with weights that moved since, the end would be another one.
    assert [candidate.name for candidate in callback.store.candidates] == ["step-2"]
    moved, _ = make_run(tmp_path / "moved")
    moved_callback = add(moved)
    moved.add_callback(_Move())
    moved.train()
    assert [candidate.name for candidate in moved_callback.store.candidates][-1] == "end-3"
    assert moved.model.at() == (1.0, 1.0)


class _Move(TrainerCallback):
    """Changes a module after the evaluation, as the sweet spot does."""

    def on_evaluate(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
        with torch.no_grad():
            model.left.value.fill_(5.0)


def test_a_module_without_metrics_is_part_of_the_rest(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    trainer, _ = make_run(tmp_path)
    with caplog.at_level(logging.WARNING):
        add(trainer, modules={"left": ["eval_loss_left"], "right": ["eval_loss_up"]}, strategies=["selective"])
        trainer.train()
    report = report_in(tmp_path, "crossover")
    assert report["left_out"] == ["right"]
    assert "'right' is treated as part of the rest; no evaluation has ['eval_loss_up']" in caplog.text
    (selective,) = report["recombinations"]
    assert selective["recipe"] == {REST: {"step-3": 1.0}, "left": {"step-1": 1.0}}
    assert trainer.model.at() == (1.0, 2.0)


def recombine_together(folder: Path) -> None:
    """A run with a crossover in one of several processes; each writes where its point ended."""
    AcceleratorState._reset_state(reset_partial_state=True)  # the parent's, which a fork inherits
    trainer, _ = make_run(folder)
    add(trainer)
    trainer.train()
    (folder / f"rank-{trainer.args.process_index}").write_text(f"{trainer.args.world_size} {trainer.model.at()}")


@pytest.mark.slow
def test_two_processes_accept_the_same(tmp_path: Path) -> None:
    debug_launcher(recombine_together, args=(tmp_path,), num_processes=2)
    assert [(tmp_path / f"rank-{rank}").read_text() for rank in range(2)] == ["2 (1.0, 1.0)"] * 2
    assert report_in(tmp_path, "crossover")["verdict"] == "accepted"


def test_it_draws_the_candidates(tmp_path: Path) -> None:
    trainer, _ = make_run(tmp_path)
    add(trainer, plot=True)
    trainer.train()
    assert (tmp_path / "crossover.png").read_bytes().startswith(b"\x89PNG")


def test_misuse_is_an_error(tmp_path: Path) -> None:
    trainer, _ = make_run(tmp_path)
    rows = around(1, 1, 9)
    cases: list[tuple[Callable[[], object], str]] = [
        (lambda: CrossoverCallback(trainer, rows, rows, MODULES), "shares 6 rows with the selection split"),
        (lambda: CrossoverCallback(trainer, rows, around(1, 1, 2), MODULES), "shares 6 rows with the evaluation"),
        (lambda: CrossoverCallback(trainer, rows, [], MODULES), "The acceptance split is empty"),
        (lambda: CrossoverCallback(trainer, [], rows, MODULES), "The selection split is empty"),
        (lambda: add(trainer, modules={"lefd": ["eval_loss"]}), "did you mean 'left'"),
        (lambda: add(trainer, strategies=["genetik"]), "did you mean 'genetic'"),
        (lambda: add(trainer, keep=1), "2 or more, got 1"),
        (lambda: add(trainer, margin=-1.0), "0 or above, got -1.0"),
    ]
    for call, message in cases:
        with pytest.raises(ValueError, match=message):
            call()
    assert not any(isinstance(callback, CrossoverCallback) for callback in trainer.callback_handler.callbacks)


def test_a_run_it_cannot_work_with_does_not_begin(tmp_path: Path) -> None:
    trainer, _ = make_run(tmp_path, eval_strategy="no")
    add(trainer)
    with pytest.raises(ValueError, match="set `eval_strategy`"):
        trainer.train()
    trainer, _ = make_run(tmp_path)
    trainer.add_callback(SweetSpotCallback(MODULES, plot=False))
    add(trainer)
    with pytest.raises(ValueError, match="Add CrossoverCallback before SweetSpotCallback"):
        trainer.train()
    trainer, _ = make_run(tmp_path)
    add(trainer, metric="eval_los")
    with pytest.raises(ValueError, match="no 'eval_los'; did you mean 'eval_loss'"):
        trainer.train()
