"""Sweet spot: each module is trained until its own validation loss is at its best, restored to that, and frozen.

Notable: a frozen module keeps ``requires_grad``, because a running DDP model must not change in that; its gradients are
removed before each optimiser step instead, so that the optimiser neither moves nor decays it. They are still computed,
still reach the modules below it, and still count in the gradient norm that is logged and clipped.
"""

import logging
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from torch import Tensor, nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_callback import ExportableState

from ...configuration.components import COMPONENTS
from ...configuration.labels import closest
from ...modeling_redheart.digests import digest
from ...statistics.series import generalisation_gap, scaled_mean, unit_of
from ...storage.figures import require_matplotlib
from ...storage.files import write_json
from .plots import plot_sweet_spots
from .snapshots import assign, check_modules, read_tensors, refuse_shards, tensors_of, write_tensors
from .sweet_spot_rules import Rules, judge

logger = logging.getLogger(__name__)


def redheart_modules(
    prefix: str = "eval", components: Collection[str] = tuple(COMPONENTS)
) -> dict[str, tuple[str, ...]]:
    """List the modules of a `RedHeartModel`, each with the evaluation metrics of the losses on what it predicts.

    Args:
        prefix: Prefix of the metrics; ``"eval_NAME"`` for an evaluation set that the trainer knows by a name.
        components: The components that the model has (``config.components``).

    Returns:
        Path of a module -> names of its metrics.
    """
    rows = (row for name, row in COMPONENTS.items() if name in components and row.losses)
    return {row.place: tuple(f"{prefix}_loss_{name}" for name in row.losses) for row in rows}


@dataclass
class ModuleHistory:
    """What is known of one module in a run.

    Attributes:
        units: Its metrics, and the size of each at the first evaluation.
        steps: Steps at which it was evaluated.
        values: Its validation loss at each: mean of the metrics, each divided by its unit.
        gaps: Its generalisation gap at each; None where unknown.
        best_step: Step of its best evaluation.
        snapshot: Name of the file with its best weights.
        hash: Hash of the snapshot's tensors; known to the process that writes.
        frozen_at: Step at which it was frozen; None while it is trained.
        rule: The rule by which it was frozen (`Finding.rule`).
        reason: Why it was frozen, as a sentence.
    """

    units: dict[str, float] = field(default_factory=dict)
    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    gaps: list[float | None] = field(default_factory=list)
    best_step: int | None = None
    snapshot: str | None = None
    hash: str | None = None
    frozen_at: int | None = None
    rule: str | None = None
    reason: str | None = None

    @property
    def frozen(self) -> bool:
        """Whether it was restored to its best weights and is no longer trained."""
        return self.frozen_at is not None

    def add(
        self, step: int, metrics: Mapping[str, float], training: Mapping[str, float], names: Sequence[str]
    ) -> str | None:
        """Add an evaluation, with training losses by the same names; return why it is unusable, or None."""
        if not self.units:
            finite = {name: metrics[name] for name in names if math.isfinite(metrics.get(name, math.nan))}
            self.units = {name: unit_of(value) for name, value in finite.items()}
            if not self.units:
                return "none of its metrics is finite"
        wrong = [name for name in self.units if not math.isfinite(metrics.get(name, math.nan))]
        if wrong:
            return f"{', '.join(wrong)} is missing or not finite"
        self.steps.append(step)
        self.values.append(scaled_mean(metrics, self.units))
        self.gaps.append(generalisation_gap(metrics, training, self.units))
        return None


class SweetSpotCallback(TrainerCallback, ExportableState):
    """Restores each module to its best evaluation and freezes it there once it no longer improves.

    Ends the run when all modules are frozen. Works with any `transformers.Trainer` and any model.

    A run is resumed with ``restore_callback_states_from_checkpoint=True``: the trainer then works with a new object. A
    frozen module's gradients are None in each optimiser step; its buffers (running means) are kept, too. A tensor that
    it shares with the rest of the model is frozen there as well. Only one process writes, all decide alike. What is in
    no module is trained until the run ends.

    Args:
        modules: Path of a submodule ("classifier"; "" is the whole model) -> the losses that its validation series is
            the mean of, by their names in ``on_evaluate`` ("eval_loss"; lower is better), each divided by the size of
            its own first value. All of one module come from one evaluation set. The training loss for the
            generalisation gap is what is logged under the name without ``eval_``, as a mean since the last evaluation.
            A module none of whose metrics appears is left out, with a warning.
        output: Folder of ``sweet_spot_report.json``, ``sweet_spot.png`` and the folder ``sweet_spot`` of snapshots;
            None = ``args.output_dir``.
        window: See `Rules`.
        minimum: See `Rules`; None = the window.
        alpha: See `Rules`.
        min_delta: See `Rules`.
        slack: See `Rules`.
        threshold: See `Rules`.
        plot: Write the PNG, which needs matplotlib.

    Raises:
        ValueError: For a module without metrics and what `Rules` refuses; when training begins, for a path that does
            not exist, modules with tensors in common, FSDP, DeepSpeed, and ``load_best_model_at_end``, which would undo
            what was restored.
    """

    def __init__(
        self,
        modules: Mapping[str, Sequence[str]],
        output: str | Path | None = None,
        *,
        window: int = Rules.window,
        minimum: int | None = None,
        alpha: float = Rules.alpha,
        min_delta: float = Rules.min_delta,
        slack: float = Rules.slack,
        threshold: float = Rules.threshold,
        plot: bool = True,
    ) -> None:
        self.rules = Rules(window, window if minimum is None else minimum, alpha, min_delta, slack, threshold)
        for path, names in modules.items():
            if isinstance(names, str) or not names:
                raise ValueError(f"The metrics of {path!r} must be a list of names, got {names!r}.")
        self.modules = {path: tuple(names) for path, names in modules.items()}
        self.output = None if output is None else str(output)
        self.plot = plot
        self.histories = {path: ModuleHistory() for path in self.modules}
        self._training_losses: dict[str, list[float]] = {}  # logged since the last evaluation, by metric
        self._means: dict[str, float] = {}  # and their means at the last evaluation
        self._evaluated_at: int | None = None
        self._seen: set[str] = set()  # names of metrics
        self._warned: set[str] = set()
        self._in_checkpoint: set[str] = set()  # snapshots that the newest checkpoint names
        self._buffers: dict[str, dict[str, Tensor]] = {}  # buffers of frozen modules, by path
        self._training = False

    # ---- State ----

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps, as JSON: the options, and the history of each module."""
        args = {"modules": {path: list(names) for path, names in self.modules.items()}, "output": self.output}
        progress = {
            "courses": {path: asdict(history) for path, history in self.histories.items()},
            "heard": self._training_losses,
            "evaluated_at": self._evaluated_at,
        }
        return {"args": args | asdict(self.rules) | {"plot": self.plot}, "attributes": {"progress": progress}}

    @property
    def progress(self) -> dict[str, Any]:
        """The part of the state that changes during a run; a checkpoint restores it by setting it."""
        changing: dict[str, Any] = self.state()["attributes"]["progress"]
        return changing

    @progress.setter
    def progress(self, stored: Mapping[str, Any]) -> None:
        self.histories = {path: ModuleHistory(**history) for path, history in stored["courses"].items()}
        self._training_losses, self._evaluated_at = dict(stored["heard"]), stored["evaluated_at"]

    # ---- Events ----

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **kwargs: Any
    ) -> TrainerControl:
        """Check that the run can be followed; in a resumed run, restore the frozen modules."""
        refuse_shards(args, model, "SweetSpotCallback")
        if args.load_best_model_at_end:
            raise ValueError(
                "`load_best_model_at_end` would replace the modules that were restored to their own best evaluation; "
                "set it to False when you use SweetSpotCallback."
            )
        if self.plot:
            require_matplotlib()
        check_modules(model, self.modules)
        if state.global_step:
            self._resume(args, state)
        else:
            self.progress = SweetSpotCallback(self.modules).progress
        self._training, self._buffers = True, {}
        self._in_checkpoint = {history.snapshot for history in self.histories.values() if history.snapshot}
        for path, history in self.histories.items():
            if history.frozen:
                self._restore(args, state, model, path)
        control.should_training_stop = control.should_training_stop or self._finished()
        return control

    def _resume(self, args: TrainingArguments, state: TrainerState) -> None:
        name, stored = type(self).__name__, state.stateful_callbacks
        if not isinstance(stored, dict):
            raise TypeError(f"The state of the callbacks must be a dict by name, got a {type(stored).__name__}.")
        if name in stored and not args.restore_callback_states_from_checkpoint:
            raise ValueError(
                f"The checkpoint of step {state.global_step} has the state of {name}, without which frozen modules "
                "would be trained again: set `restore_callback_states_from_checkpoint=True`."
            )
        # A checkpoint from before this callback was added: without an entry the trainer fails when it saves.
        stored.setdefault(name, self.state())
        for path, history in self.histories.items():
            file = self._folder(args) / str(history.snapshot)
            if history.snapshot and state.is_world_process_zero and not file.is_file():
                raise FileNotFoundError(
                    f"{file}, the best weights of {path!r} (step {history.best_step}), no longer exists. Only the "
                    "snapshots that the newest checkpoint names are kept: resume from that checkpoint."
                )

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Collect the training losses."""
        for name in {name for names in self.modules.values() for name in names if name.startswith("eval_")}:
            value = (logs or {}).get(name.removeprefix("eval_"))
            if isinstance(value, int | float):
                self._training_losses.setdefault(name, []).append(float(value))

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: Mapping[str, Any] | None = None,
        model: Any = None,
        **kwargs: Any,
    ) -> TrainerControl:
        """Add the evaluation to the history of each module that it measures, and decide."""
        if not self._training:
            return control
        numbers = {name: float(value) for name, value in (metrics or {}).items() if isinstance(value, int | float)}
        if self._evaluated_at != state.global_step:
            if self._evaluated_at is not None:
                self._warn_left_out()
            self._means = {name: fmean(values) for name, values in self._training_losses.items()}
            self._training_losses, self._evaluated_at = {}, state.global_step
        self._seen |= set(numbers)
        decided = [path for path in self.modules if self._follow(path, args, state, model, numbers)]
        if decided:
            self._report(args, state)
            if self._finished():
                logger.warning("Every module is at its sweet spot; training ends at step %d.", state.global_step)
                control.should_training_stop = True
        return control

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **kwargs: Any
    ) -> None:
        """Keep what is frozen as it is; once all modules are frozen, keep the whole model.

        A run that is resumed with all modules frozen has one more step before it ends.
        """
        for path, history in self.histories.items():
            if history.frozen:
                module = model.get_submodule(path)
                _drop_gradients(module)
                for name, value in self._buffers[path].items():
                    module.get_buffer(name).copy_(value)
        if self._finished():
            _drop_gradients(model)

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Delete snapshots that only earlier checkpoints need: a run may now be resumed from this one."""
        self._in_checkpoint = {history.snapshot for history in self.histories.values() if history.snapshot}
        self._delete_unused_snapshots(args, state)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Write the report."""
        if self._training:
            self._warn_left_out()
            self._report(args, state)
        self._training = False

    # ---- One module ----

    def _follow(
        self, path: str, args: TrainingArguments, state: TrainerState, model: Any, metrics: Mapping[str, float]
    ) -> bool:
        """Add the evaluation to a module's history. Returns whether it is frozen now and was not before."""
        history, step = self.histories[path], state.global_step
        names = [name for name in (history.units or self.modules[path]) if name in metrics]
        if not names or (history.steps and history.steps[-1] == step):
            return False
        first = not history.units
        problem = history.add(step, metrics, self._means, names)
        if problem:
            logger.warning("Sweet spot of %r: the evaluation at step %d does not count; %s.", path, step, problem)
            return False
        if first and len(history.units) < len(self.modules[path]):
            absent = [name for name in self.modules[path] if name not in history.units]
            logger.warning("Sweet spot of %r: followed without %s, which is not measured.", path, ", ".join(absent))
        if history.frozen:
            return False
        if history.best_step is None or history.values[-1] < min(history.values[:-1]):
            self._take_snapshot(args, state, model, path)
        finding = judge(history.values, history.gaps, self.rules)
        if finding is None:
            return False
        best = min(history.values)
        history.frozen_at, history.rule = step, finding.rule
        history.reason = f"{finding.reason}; restored to its best, {best:.4g} at step {history.best_step}"
        self._restore(args, state, model, path)
        logger.info("Sweet spot of %r at step %d: %s.", path, step, history.reason)
        return True

    def _take_snapshot(self, args: TrainingArguments, state: TrainerState, model: Any, path: str) -> None:
        history = self.histories[path]
        history.best_step = state.global_step
        history.snapshot = f"{path or 'model'}-step-{state.global_step}.safetensors"
        if state.is_world_process_zero:
            tensors = tensors_of(model.get_submodule(path))
            history.hash = digest(tensors)
            write_tensors(self._folder(args) / history.snapshot, tensors)
            self._delete_unused_snapshots(args, state)

    def _restore(self, args: TrainingArguments, state: TrainerState, model: Any, path: str) -> None:
        history, is_main = self.histories[path], state.is_world_process_zero
        module = model.get_submodule(path)
        stored = read_tensors(self._folder(args) / str(history.snapshot), str(history.hash)) if is_main else {}
        tensors, buffers = tensors_of(module), dict(module.named_buffers())
        assign(tensors, stored.__getitem__, is_main)
        self._buffers[path] = {name: tensor.clone() for name, tensor in tensors.items() if name in buffers}

    # ---- All modules ----

    def _finished(self) -> bool:
        """Whether all modules that could be followed are frozen."""
        followed = [history for history in self.histories.values() if history.steps]
        return bool(followed) and all(history.frozen for history in followed)

    def _warn_left_out(self) -> None:
        for path, history in self.histories.items():
            if not history.steps and path not in self._warned:
                self._warned.add(path)
                names = ", ".join(f"{name!r} ({closest(name, sorted(self._seen))})" for name in self.modules[path])
                logger.warning("Sweet spot of %r: left out and never frozen, as no evaluation has %s.", path, names)

    def _folder(self, args: TrainingArguments) -> Path:
        return Path(self.output or str(args.output_dir)) / "sweet_spot"

    def _delete_unused_snapshots(self, args: TrainingArguments, state: TrainerState) -> None:
        """Delete the snapshots that neither this run nor its newest checkpoint would restore."""
        needed = self._in_checkpoint | {history.snapshot for history in self.histories.values() if history.snapshot}
        if state.is_world_process_zero:
            for file in self._folder(args).glob("*-step-*.safetensors"):
                if file.name not in needed:
                    file.unlink()

    def _report(self, args: TrainingArguments, state: TrainerState) -> None:
        if not state.is_world_process_zero:
            return
        report = {
            "step": state.global_step,
            "finished": self._finished(),
            "rules": asdict(self.rules),
            "modules": {path: asdict(history) for path, history in self.histories.items() if history.steps},
            "left_out": {path: self.modules[path] for path, history in self.histories.items() if not history.steps},
        }
        folder = self._folder(args).parent
        write_json(folder / "sweet_spot_report.json", report)
        if self.plot:
            plot_sweet_spots(report, folder / "sweet_spot.png")


def _drop_gradients(module: nn.Module) -> None:
    for parameter in module.parameters():
        parameter.grad = None


__all__ = ["ModuleHistory", "SweetSpotCallback", "redheart_modules"]
