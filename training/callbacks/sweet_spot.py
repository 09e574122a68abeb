"""Sweet spot: each module is trained until its own validation loss is at its best, put back to that, and frozen.

Notable: a frozen module keeps ``requires_grad``, because a running DDP model must not change in that; its gradients are
taken away before each optimiser step instead, so that the optimiser neither moves nor decays it. They are still
computed, still reach the modules below it, and still count in the gradient norm that is logged and clipped.
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
from ...statistics.series import generalisation_gap, scaled_mean, unit_of
from ...storage.figures import require_matplotlib
from ...storage.files import write_json
from .plots import plot_sweet_spots
from .snapshots import assign, check_modules, digest, read_tensors, refuse_shards, tensors_of, write_tensors
from .sweet_spot_rules import Rules, judge

logger = logging.getLogger(__name__)


def redheart_modules(
    prefix: str = "eval", components: Collection[str] = tuple(COMPONENTS)
) -> dict[str, tuple[str, ...]]:
    """The modules of a `RedHeartModel`, each with the evaluation metrics of the losses on what it reads out.

    prefix: of the metrics; ``"eval_NAME"`` for an evaluation set that the trainer knows by a name. components: the ones
    that the model has (``config.components``).
    """
    rows = (row for name, row in COMPONENTS.items() if name in components and row.losses)
    return {row.place: tuple(f"{prefix}_loss_{name}" for name in row.losses) for row in rows}


@dataclass
class Course:
    """What is known of one module in a run."""

    units: dict[str, float] = field(default_factory=dict)  # its metrics, and the size of each at the first evaluation
    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)  # mean of the metrics, each in its unit
    gaps: list[float | None] = field(default_factory=list)
    best_step: int | None = None
    snapshot: str | None = None  # file name
    hash: str | None = None  # of the snapshot's tensors; known to the process that writes
    frozen_at: int | None = None
    rule: str | None = None
    reason: str | None = None

    @property
    def frozen(self) -> bool:
        """Whether it has been put back to its best and is trained no more."""
        return self.frozen_at is not None

    def add(
        self, step: int, metrics: Mapping[str, float], training: Mapping[str, float], names: Sequence[str]
    ) -> str | None:
        """Add an evaluation. Returns why it could not be used, or None. training: by the names of the metrics."""
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
    """Puts each module back to its best evaluation and freezes it there once it no longer gets better; ends the run
    when all are frozen. Works with any `transformers.Trainer` and any model.

    modules: path of a submodule ("classifier"; "" is the whole model) -> the losses that its validation series is the
    mean of, as they are called in ``on_evaluate`` ("eval_loss"; lower is better), each divided by the size of its own
    first value. All of one module come from one evaluation set. The training loss for the generalisation gap is what
    is logged under the name without ``eval_``, as a mean since the last evaluation. A module none of whose metrics
    appears is left out, and a warning says so; what is in no module is trained until the run ends.
    output: where ``sweet_spot_report.json``, ``sweet_spot.png`` and the folder ``sweet_spot`` of snapshots go; None =
    ``args.output_dir``. window, minimum (None = the window), alpha, min_delta, slack, threshold: see `Rules`.
    plot: write the PNG, which needs matplotlib.

    A run is resumed with ``restore_callback_states_from_checkpoint=True``: the trainer then works with a new object.
    A frozen module's gradients are None in each optimiser step; its buffers (running means) are kept, too. A tensor
    that it shares with the rest of the model is frozen there as well. Only one process writes, all decide alike.

    Raises `ValueError`, when training begins, for a path that does not exist, modules with tensors in common, FSDP,
    DeepSpeed, and ``load_best_model_at_end``, which would undo what was put back.
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
        self.courses = {path: Course() for path in self.modules}
        self._heard: dict[str, list[float]] = {}  # training losses logged since the last evaluation, by metric
        self._means: dict[str, float] = {}  # and their means at the last evaluation
        self._evaluated_at: int | None = None
        self._seen: set[str] = set()  # names of metrics
        self._warned: set[str] = set()
        self._in_checkpoint: set[str] = set()  # snapshots that the newest checkpoint names
        self._buffers: dict[str, dict[str, Tensor]] = {}  # of frozen modules
        self._training = False

    # ---- State ----

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps, as JSON: the options, and the course of each module."""
        args = {"modules": {path: list(names) for path, names in self.modules.items()}, "output": self.output}
        progress = {
            "courses": {path: asdict(course) for path, course in self.courses.items()},
            "heard": self._heard,
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
        self.courses = {path: Course(**course) for path, course in stored["courses"].items()}
        self._heard, self._evaluated_at = dict(stored["heard"]), stored["evaluated_at"]

    # ---- Events ----

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **kwargs: Any
    ) -> TrainerControl:
        """Check that everything is there, and on a resume put the frozen modules back."""
        refuse_shards(args, model, "SweetSpotCallback")
        if args.load_best_model_at_end:
            raise ValueError(
                "`load_best_model_at_end` would replace the modules that were put back to their own best evaluation; "
                "set it to False beside SweetSpotCallback."
            )
        if self.plot:
            require_matplotlib()
        check_modules(model, self.modules)
        if state.global_step:
            self._resume(args, state)
        else:
            self.progress = SweetSpotCallback(self.modules).progress
        self._training, self._buffers = True, {}
        self._in_checkpoint = {course.snapshot for course in self.courses.values() if course.snapshot}
        for path, course in self.courses.items():
            if course.frozen:
                self._put_back(args, state, model, path)
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
        for path, course in self.courses.items():
            file = self._folder(args) / str(course.snapshot)
            if course.snapshot and state.is_world_process_zero and not file.is_file():
                raise FileNotFoundError(
                    f"{file}, the best weights of {path!r} (step {course.best_step}), is not there any more. Only the "
                    "snapshots that the newest checkpoint names are kept: resume from that one."
                )

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Remember the training losses."""
        for name in {name for names in self.modules.values() for name in names if name.startswith("eval_")}:
            value = (logs or {}).get(name.removeprefix("eval_"))
            if isinstance(value, int | float):
                self._heard.setdefault(name, []).append(float(value))

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: Mapping[str, Any] | None = None,
        model: Any = None,
        **kwargs: Any,
    ) -> TrainerControl:
        """Add the evaluation to the course of each module that it is about, and decide."""
        if not self._training:
            return control
        numbers = {name: float(value) for name, value in (metrics or {}).items() if isinstance(value, int | float)}
        if self._evaluated_at != state.global_step:
            if self._evaluated_at is not None:
                self._warn_left_out()
            self._means = {name: fmean(values) for name, values in self._heard.items()}
            self._heard, self._evaluated_at = {}, state.global_step
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
        """Keep what is frozen; everything, once all is: a run that is resumed then has one step before it ends."""
        for path, course in self.courses.items():
            if course.frozen:
                module = model.get_submodule(path)
                _drop_gradients(module)
                for name, value in self._buffers[path].items():
                    module.get_buffer(name).copy_(value)
        if self._finished():
            _drop_gradients(model)

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """From here on a run may be resumed from this checkpoint: what only earlier ones name can go."""
        self._in_checkpoint = {course.snapshot for course in self.courses.values() if course.snapshot}
        self._tidy(args, state)

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
        """Add the evaluation to a module's course. Returns whether it is frozen now and was not before."""
        course, step = self.courses[path], state.global_step
        names = [name for name in (course.units or self.modules[path]) if name in metrics]
        if not names or (course.steps and course.steps[-1] == step):
            return False
        first = not course.units
        problem = course.add(step, metrics, self._means, names)
        if problem:
            logger.warning("Sweet spot of %r: the evaluation at step %d does not count; %s.", path, step, problem)
            return False
        if first and len(course.units) < len(self.modules[path]):
            absent = [name for name in self.modules[path] if name not in course.units]
            logger.warning("Sweet spot of %r: followed without %s, which is not measured.", path, ", ".join(absent))
        if course.frozen:
            return False
        if course.best_step is None or course.values[-1] < min(course.values[:-1]):
            self._take_snapshot(args, state, model, path)
        finding = judge(course.values, course.gaps, self.rules)
        if finding is None:
            return False
        best = min(course.values)
        course.frozen_at, course.rule = step, finding.rule
        course.reason = f"{finding.reason}; put back to its best, {best:.4g} at step {course.best_step}"
        self._put_back(args, state, model, path)
        logger.info("Sweet spot of %r at step %d: %s.", path, step, course.reason)
        return True

    def _take_snapshot(self, args: TrainingArguments, state: TrainerState, model: Any, path: str) -> None:
        course = self.courses[path]
        course.best_step = state.global_step
        course.snapshot = f"{path or 'model'}-step-{state.global_step}.safetensors"
        if state.is_world_process_zero:
            tensors = tensors_of(model.get_submodule(path))
            course.hash = digest(tensors)
            write_tensors(self._folder(args) / course.snapshot, tensors)
            self._tidy(args, state)

    def _put_back(self, args: TrainingArguments, state: TrainerState, model: Any, path: str) -> None:
        course, is_main = self.courses[path], state.is_world_process_zero
        module = model.get_submodule(path)
        stored = read_tensors(self._folder(args) / str(course.snapshot), str(course.hash)) if is_main else {}
        tensors, buffers = tensors_of(module), dict(module.named_buffers())
        assign(tensors, stored.__getitem__, is_main)
        self._buffers[path] = {name: tensor.clone() for name, tensor in tensors.items() if name in buffers}

    # ---- All modules ----

    def _finished(self) -> bool:
        """Whether all modules that could be followed are frozen."""
        followed = [course for course in self.courses.values() if course.steps]
        return bool(followed) and all(course.frozen for course in followed)

    def _warn_left_out(self) -> None:
        for path, course in self.courses.items():
            if not course.steps and path not in self._warned:
                self._warned.add(path)
                names = ", ".join(f"{name!r} ({closest(name, sorted(self._seen))})" for name in self.modules[path])
                logger.warning("Sweet spot of %r: left out and never frozen, as no evaluation has %s.", path, names)

    def _folder(self, args: TrainingArguments) -> Path:
        return Path(self.output or str(args.output_dir)) / "sweet_spot"

    def _tidy(self, args: TrainingArguments, state: TrainerState) -> None:
        """Delete the snapshots that neither this run nor its newest checkpoint would put back."""
        needed = self._in_checkpoint | {course.snapshot for course in self.courses.values() if course.snapshot}
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
            "modules": {path: asdict(course) for path, course in self.courses.items() if course.steps},
            "left_out": {path: self.modules[path] for path, course in self.courses.items() if not course.steps},
        }
        folder = self._folder(args).parent
        write_json(folder / "sweet_spot_report.json", report)
        if self.plot:
            plot_sweet_spots(report, folder / "sweet_spot.png")


def _drop_gradients(module: nn.Module) -> None:
    for parameter in module.parameters():
        parameter.grad = None


__all__ = ["Course", "SweetSpotCallback", "redheart_modules"]
