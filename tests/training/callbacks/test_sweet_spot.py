"""When a module is at its sweet spot, that it is then restored and stays, and that a resumed run decides the same."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from transformers import (
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from redheart import RedHeartModel
from redheart.configuration.labels import LOSSES, MODULES, UNLABELLED_LOSSES
from redheart.modeling_redheart.digests import digest
from redheart.training.callbacks.sweet_spot import SweetSpotCallback, redheart_modules
from redheart.training.callbacks.sweet_spot_rules import Rules, judge

FALLING = [1.0, 0.8, 0.65, 0.55, 0.5]
NO_GAPS: list[float | None] = [None] * 20


def five(**options: float) -> Rules:
    """Rules with a window of five evaluations."""
    chosen: dict[str, Any] = {"window": 5, "minimum": 5, **options}
    return Rules(**chosen)


class TestRules:
    """The decision on plain series."""

    def test_a_loss_that_falls_is_left_alone(self) -> None:
        assert judge(FALLING, NO_GAPS, five()) is None
        assert judge([5.0, 5.0, 5.0, 5.0], NO_GAPS, five()) is None, "fewer evaluations than the minimum"

    def test_a_loss_that_rises_over_the_window(self) -> None:
        finding = judge([1.0, 0.5, 0.51, 0.52, 0.53, 0.54], NO_GAPS, five(threshold=1e9))
        assert finding is not None
        assert finding.rule == "rising"
        # All 10 pairs of the last 5 rise: 1 order of 120.
        assert "S = 10, p = 0.00833, slope +0.01 each" in finding.reason

    def test_a_jump_over_the_best(self) -> None:
        # Not a trend, but one evaluation after the other far above the best.
        values = [1.0, 0.7, 0.5, 0.9, 0.8, 0.9, 0.8]
        finding = judge(values, NO_GAPS, five(min_delta=0.05, slack=0.5, threshold=3.0))
        assert finding is not None
        assert finding.rule == "cusum"
        assert "above its best 0.5" in finding.reason

    def test_a_gap_that_widens_while_validation_stands_still(self) -> None:
        values = [0.60, 0.50, 0.53, 0.49, 0.52]
        gaps: list[float | None] = [0.1, 0.2, 0.3, 0.4, 0.5]
        rules = five(threshold=1e9)
        finding = judge(values, gaps, rules)
        assert finding is not None
        assert finding.rule == "gap"
        assert "from 0.1 to 0.5" in finding.reason
        assert judge(values, NO_GAPS, rules) is None, "without the training loss nothing is said of the gap"
        assert judge(FALLING, gaps, rules) is None, "a gap may widen while validation improves"

    def test_a_plateau(self) -> None:
        finding = judge([1.0, 0.5, 0.501, 0.4995, 0.5005, 0.4999], NO_GAPS, five(threshold=1e9))
        assert finding is not None
        assert finding.rule == "plateau"
        assert "gain 0.001 is below 0.005" in finding.reason

    def test_one_outlier_decides_nothing(self) -> None:
        assert judge([1.0, 0.9, 0.8, 0.7, 0.6, 5.0], NO_GAPS, five()) is None

    def test_the_unit_of_the_loss_does_not_matter(self) -> None:
        values = [1.0, 0.5, 0.501, 0.4995, 0.5005, 0.4999]
        small = judge([value / 1000 for value in values], NO_GAPS, five())
        assert small is not None
        assert small.rule == "plateau"

    def test_a_longer_window_is_the_remedy_for_noise(self) -> None:
        # Each evaluation is 0.01 lower than the one before, and scatters by 0.02.
        random = np.random.default_rng(0)
        courses = [(1 - 0.01 * np.arange(20) + random.normal(scale=0.02, size=20)).tolist() for _ in range(60)]

        def stopped(window: int) -> int:
            rules = Rules(window=window, minimum=window)
            return sum(any(judge(course[:n], NO_GAPS, rules) for n in range(21)) for course in courses)

        assert stopped(8) < 0.1 * 60 < 0.25 * 60 < stopped(5)

    def test_rules_that_could_not_decide_are_an_error(self) -> None:
        cases: list[tuple[dict[str, Any], str]] = [
            ({"window": 3, "minimum": 3}, "window of 3 evaluations no trend can be significant at 0.05"),
            ({"minimum": 7}, r"`minimum` \(7\) must not be below `window` \(8\)"),
            ({"alpha": 1.0}, "above 0 and below 1, got 1.0"),
            ({"min_delta": -1.0}, "must be 0 or above"),
            ({"threshold": 0.0}, "above 0"),
        ]
        for options, message in cases:
            with pytest.raises(ValueError, match=message):
                Rules(**options)


class Two(nn.Module):
    """Two modules, one with running means."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
        self.classifier = nn.Linear(4, 2)


class Run:
    """Feeds a callback the events of a run; each evaluation comes after a change of all weights."""

    def __init__(self, callback: SweetSpotCallback, folder: Path, step: int = 0, **options: Any) -> None:
        torch.manual_seed(0)
        self.callback, self.model = callback, Two()
        self.args = TrainingArguments(output_dir=str(folder), use_cpu=True, **options)
        self.state, self.control = TrainerState(global_step=step), TrainerControl()
        self.weights: dict[int, dict[str, Tensor]] = {}
        self.begin()

    def begin(self) -> None:
        self.callback.on_train_begin(self.args, self.state, self.control, model=self.model)

    def evaluate(self, **metrics: float) -> None:
        self.state.global_step += 10
        with torch.no_grad():
            for parameter in self.model.parameters():
                parameter.add_(1)
        self.weights[self.state.global_step] = {
            name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()
        }
        self.hear(**metrics)

    def hear(self, **metrics: float) -> None:
        self.callback.on_evaluate(self.args, self.state, self.control, metrics=metrics, model=self.model)

    def log(self, **logs: float) -> None:
        self.callback.on_log(self.args, self.state, self.control, logs=logs)

    def save(self) -> None:
        self.callback.on_save(self.args, self.state, self.control)

    def end(self) -> None:
        self.callback.on_train_end(self.args, self.state, self.control)

    def equal(self, path: str, step: int) -> bool:
        """Whether a module has the weights it had at a step."""
        names = [name for name in self.weights[step] if name.startswith(path)]
        return all(torch.equal(self.model.state_dict()[name], self.weights[step][name]) for name in names)


def watch(**options: Any) -> SweetSpotCallback:
    modules = {"encoder": ["eval_loss_a"], "classifier": ["eval_loss_b"]}
    return SweetSpotCallback(modules, **{"window": 4, "plot": False, **options})


RISING = [2.0, 1.0, 1.2, 1.4, 1.6]  # best at step 20; significant at step 50
STEADY = [5.0, 4.0, 3.0, 2.0, 1.0, 1.1, 1.2, 1.3]  # best at step 50; significant at step 80


def test_each_module_goes_back_to_its_own_best_and_the_run_ends_with_the_last(tmp_path: Path) -> None:
    run = Run(watch(), tmp_path)
    for step, (a, b) in enumerate(zip([*RISING, 9, 9, 9], STEADY, strict=True), start=1):
        run.evaluate(eval_loss_a=a, eval_loss_b=b)
        if step == 5:  # later, this test moves what training would not
            assert run.equal("encoder", 20)
            assert run.equal("classifier", 50)
            assert not run.control.should_training_stop
    assert run.equal("classifier", 50)
    assert run.control.should_training_stop
    report = json.loads((tmp_path / "sweet_spot_report.json").read_text())
    encoder = report["modules"]["encoder"]
    assert (encoder["best_step"], encoder["frozen_at"], encoder["rule"]) == (20, 50, "rising")
    assert encoder["values"][:5] == [1.0, 0.5, 0.6, 0.7, 0.8], "in the unit of the first value"
    assert encoder["reason"].endswith("restored to its best, 0.5 at step 20")
    assert encoder["hash"] == digest(
        {name.removeprefix("encoder."): tensor for name, tensor in run.weights[20].items() if "encoder" in name}
    )
    assert report["finished"]
    assert sorted(file.name for file in (tmp_path / "sweet_spot").iterdir()) == [
        "classifier-step-50.safetensors",
        "encoder-step-20.safetensors",
    ]


def test_neither_step_nor_decay_nor_a_forward_pass_moves_what_is_frozen(tmp_path: Path) -> None:
    run = Run(watch(), tmp_path)
    optimizer = torch.optim.AdamW(run.model.parameters(), lr=0.1, weight_decay=0.5)

    def step() -> None:
        run.model.classifier(run.model.encoder(torch.randn(8, 3))).square().sum().backward()
        run.callback.on_pre_optimizer_step(run.args, run.state, run.control, model=run.model)
        optimizer.step()
        optimizer.zero_grad()

    step()  # so that the optimiser has momentum for every weight
    for number, value in enumerate(RISING, start=1):
        run.evaluate(eval_loss_a=value, eval_loss_b=1 / number)
    before = {name: tensor.clone() for name, tensor in run.model.state_dict().items()}
    for _ in range(3):
        step()
    after = run.model.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before if name.startswith("encoder"))
    assert not torch.equal(after["classifier.weight"], before["classifier.weight"])
    assert all(parameter.requires_grad for parameter in run.model.parameters()), "DDP must not notice"


def test_a_series_is_a_mean_of_metrics_in_their_own_units(tmp_path: Path) -> None:
    run = Run(SweetSpotCallback({"encoder": ["eval_loss_a", "eval_loss_b"]}, plot=False), tmp_path)
    run.log(loss_a=0.5, loss_b=50.0)
    run.log(loss_a=0.3, loss_b=50.0)
    run.evaluate(eval_loss_a=0.5, eval_loss_b=100.0)
    run.evaluate(eval_loss_a=0.4, eval_loss_b=50.0)
    history = run.callback.histories["encoder"]
    assert history.values == pytest.approx([1.0, 0.65])
    # Training had 0.4 and 50 on average: (0.1 / 0.5 + 50 / 100) / 2; nothing is logged before the second.
    assert history.gaps == [pytest.approx(0.35), None]


def test_modules_that_are_never_measured_are_left_out_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    modules = {"encoder": ["eval_loss_a", "eval_loss_c"], "classifier": ["eval_los_a"]}
    run = Run(SweetSpotCallback(modules, window=4, plot=False), tmp_path)
    for value in RISING:
        run.evaluate(eval_loss_a=value)
    run.end()
    assert "'encoder': followed without eval_loss_c" in caplog.text
    assert caplog.text.count("'classifier': left out and never frozen") == 1
    assert "did you mean 'eval_loss_a'" in caplog.text
    assert run.control.should_training_stop, "all that could be followed are frozen"
    assert run.equal("classifier", 50)
    report = json.loads((tmp_path / "sweet_spot_report.json").read_text())
    assert report["left_out"] == {"classifier": ["eval_los_a"]}


def test_several_evaluation_sets_are_one_evaluation(tmp_path: Path) -> None:
    run = Run(watch(), tmp_path)
    run.log(loss_a=1.0, loss_b=2.0)
    run.evaluate(eval_loss_a=2.0)
    run.hear(eval_loss_b=3.0)
    run.hear(eval_loss_b=9.0)  # a second time at one step does not count
    histories = run.callback.histories
    assert [history.steps for history in histories.values()] == [[10], [10]]
    assert histories["classifier"].gaps == [pytest.approx(1 / 3)]


def test_an_evaluation_that_is_not_finite_does_not_count(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = Run(watch(), tmp_path)
    run.evaluate(eval_loss_a=1.0, eval_loss_b=1.0)
    run.evaluate(eval_loss_a=float("nan"), eval_loss_b=0.5)
    assert run.callback.histories["encoder"].steps == [10]
    assert "the evaluation at step 20 does not count; eval_loss_a is missing or not finite" in caplog.text
    json.dumps(run.callback.state(), allow_nan=False)


def test_evaluations_outside_training_are_not_followed(tmp_path: Path) -> None:
    run = Run(watch(), tmp_path)
    run.end()
    run.evaluate(eval_loss_a=1.0)
    assert run.callback.histories["encoder"].steps == []


def test_the_state_is_json_and_makes_the_same_callback(tmp_path: Path) -> None:
    run = Run(watch(output=tmp_path / "there", alpha=0.045), tmp_path)
    for value in RISING:
        run.log(loss_a=value)
        run.evaluate(eval_loss_a=value, eval_loss_b=value**2)
    run.log(loss_b=0.1)
    stored = json.loads(json.dumps(run.callback.state()))
    again = SweetSpotCallback.from_state(stored)
    assert json.loads(json.dumps(again.state())) == stored
    assert again.histories == run.callback.histories
    assert (tmp_path / "there" / "sweet_spot_report.json").is_file()


def test_a_resumed_run_restores_frozen_modules_and_ends_at_once_when_all_are(tmp_path: Path) -> None:
    run = Run(watch(), tmp_path)
    for value in RISING:
        run.evaluate(eval_loss_a=value, eval_loss_b=value)
    assert run.control.should_training_stop
    frozen = {name: tensor.clone() for name, tensor in run.model.state_dict().items()}
    again = Run(
        SweetSpotCallback.from_state(run.callback.state()),
        tmp_path,
        step=50,
        restore_callback_states_from_checkpoint=True,
    )
    assert again.control.should_training_stop
    for name, tensor in again.model.state_dict().items():
        assert torch.equal(tensor, frozen[name])
    again.model.classifier(again.model.encoder(torch.randn(8, 3))).sum().backward()
    again.callback.on_pre_optimizer_step(again.args, again.state, again.control, model=again.model)
    assert all(parameter.grad is None for parameter in again.model.parameters())


def test_the_newest_checkpoint_keeps_its_snapshots(tmp_path: Path) -> None:
    run = Run(watch(), tmp_path)
    run.evaluate(eval_loss_a=3.0, eval_loss_b=1.0)
    run.save()
    stored = run.callback.state()
    run.evaluate(eval_loss_a=2.0, eval_loss_b=1.5)
    names = {file.name for file in (tmp_path / "sweet_spot").iterdir()}
    assert names == {"classifier-step-10.safetensors", "encoder-step-10.safetensors", "encoder-step-20.safetensors"}
    run.save()
    assert not (tmp_path / "sweet_spot" / "encoder-step-10.safetensors").exists()
    late = SweetSpotCallback.from_state(stored)
    run.args.restore_callback_states_from_checkpoint = True
    with pytest.raises(FileNotFoundError, match="resume from that checkpoint"):
        late.on_train_begin(run.args, TrainerState(global_step=10), TrainerControl(), model=run.model)


def test_misuse_is_an_error(tmp_path: Path) -> None:
    name: Any = "eval_loss"
    cases: list[tuple[Callable[[], object], str]] = [
        (lambda: SweetSpotCallback({"encoder": name}), "must be a list of names, got 'eval_loss'"),
        (lambda: SweetSpotCallback({"encoder": []}), r"must be a list of names, got \[\]"),
        (lambda: watch(window=3), "no trend can be significant"),
        (lambda: Run(SweetSpotCallback({"encodr": ["eval_loss"]}), tmp_path), "did you mean 'encoder'"),
        (
            lambda: Run(watch(), tmp_path, load_best_model_at_end=True, eval_strategy="steps", save_strategy="steps"),
            "set it to False when you use SweetSpotCallback",
        ),
    ]
    for call, message in cases:
        with pytest.raises(ValueError, match=message):
            call()
    run = Run(watch(), tmp_path)
    stored: Any = {"SweetSpotCallback": run.callback.state()}
    run.state = TrainerState(global_step=10, stateful_callbacks=stored)
    with pytest.raises(ValueError, match="set `restore_callback_states_from_checkpoint=True`"):
        run.begin()


def test_the_map_of_red_heart_names_what_trains_each_module(
    lively_model: Callable[..., RedHeartModel], batch: dict[str, Tensor], targets: dict[str, Tensor]
) -> None:
    model = lively_model()
    losses = model(**batch, **targets).losses
    modules = redheart_modules()
    assert set(MODULES) <= set(modules)
    named = {name.removeprefix("eval_loss_") for names in modules.values() for name in names}
    assert set(LOSSES) - named == set(UNLABELLED_LOSSES) - {"surd_head"}, "which hold modules to each other"
    for path, names in modules.items():
        for name in names:
            gradients = torch.autograd.grad(
                losses[name.removeprefix("eval_loss_")],
                list(model.get_submodule(path).parameters()),
                retain_graph=True,
                allow_unused=True,
            )
            assert any(gradient is not None and gradient.any() for gradient in gradients), (path, name)
    assert redheart_modules("eval_mini")["projector"] == ("eval_mini_loss_embedding",)
