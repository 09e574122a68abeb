"""Crossover at the end of a run: its checkpoints are recombined module by module.

The best recombination is kept if it is better than the best checkpoint on rows that were not used to choose anything.

Notable: three splits. The run's own evaluations decide which checkpoints stay on disk; the selection split decides
which recombination is best; the acceptance split is used once, to compare the two that were chosen before.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

from accelerate.utils import broadcast_object_list
from torch import nn
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ...statistics.disjoint import refuse_shared
from ...storage.figures import require_matplotlib
from ...storage.files import write_json
from .candidates import CandidateStore
from .crossover_search import CrossoverSearch, SearchPlan, part_fitness
from .module_crossover import REST, STRATEGIES, check_strategies, worth_keeping
from .plots import plot_crossover
from .snapshots import check_modules, refuse_shards
from .sweet_spot import SweetSpotCallback

logger = logging.getLogger(__name__)

# In an entry of the run's history, and so in each checkpoint: which weights the run began with, which candidates a run
# that is resumed there continues with, and which of those no longer exist.
_BASE, _KEPT, _LOST = "crossover_base", "crossover_candidates", "crossover_lost"


def _model(trainer: Trainer) -> nn.Module:
    if trainer.model is None:
        raise ValueError("The trainer has no model yet (`model_init`): pass it the model itself.")
    return trainer.model


@contextmanager
def suspend_callbacks(trainer: Trainer) -> Iterator[None]:
    """Suspend the trainer's callbacks and its history: an evaluation inside is not an event of the run."""
    handler, state, model = trainer.callback_handler, trainer.state, _model(trainer)
    training = model.training
    callbacks, history = handler.callbacks, state.log_history
    handler.callbacks, state.log_history = [], []
    try:
        yield
    finally:
        handler.callbacks, state.log_history = callbacks, history
        model.train(training)


class CrossoverCallback(TrainerCallback):
    """Stores the weights at each evaluation and recombines them when training ends.

    Works with any `transformers.Trainer` and any model. Made after the trainer:
    ``trainer.add_callback(CrossoverCallback(trainer, ...))``, before a `SweetSpotCallback`.

    When training ends the model has the weights of the recombination, or those of the checkpoint that is best on the
    selection split. A resumed run finds its candidates by itself, all of them when it resumes from the newest
    checkpoint; what no longer exists is named in a warning and in the report ("lost").

    Args:
        trainer: The trainer of the run.
        selection: Data set as ``trainer.evaluate`` takes it, with a length, by which the best recombination is chosen.
        acceptance: Another one, used once for the final comparison; must have no row in common with ``selection`` or
            with the trainer's ``eval_dataset``.
        modules: Path of a submodule -> the losses of an evaluation that measure it ("eval_loss_emotion"; lower is
            better), each divided by its size at the first checkpoint. A module none of whose losses is measured is
            treated as part of the rest of the model, with a warning.
        strategies: Names from `module_crossover.STRATEGIES`.
        seed: Seed of the genetic search.
        generations: Generations of the genetic search.
        population: Population of the genetic search, which makes at most population x (generations + 1) evaluations of
            the selection split.
        keep: Maximum number of checkpoints on disk, beside those that the newest checkpoint of the trainer needs for an
            exact resume; 2 or more.
        metric: The loss of the whole model.
        margin: By how much the recombination must be lower on the acceptance split, in the metric's unit, 0 or above;
            it must always be strictly lower.
        coefficients: Coefficients of the interpolation, each above 0 and below 1.
        output: Folder of ``crossover_report.json``, ``crossover.png`` and the folder ``crossover``; None =
            ``args.output_dir``.
        plot: Write the PNG, which needs matplotlib.

    Raises:
        ValueError: For splits with no rows or with rows in common, unknown strategies and modules, ``keep`` or
            ``margin`` out of range; when training begins, for FSDP, DeepSpeed, and candidates of another run.
    """

    def __init__(
        self,
        trainer: Trainer,
        selection: Any,
        acceptance: Any,
        modules: Mapping[str, Sequence[str]],
        strategies: Sequence[str] = STRATEGIES,
        *,
        seed: int = 0,
        generations: int = 4,
        population: int = 8,
        keep: int = 8,
        metric: str = "eval_loss",
        margin: float = 0.0,
        coefficients: Sequence[float] = (0.25, 0.5, 0.75),
        output: str | Path | None = None,
        plot: bool = True,
    ) -> None:
        if keep < 2:
            raise ValueError(f"`keep` must be 2 or more, got {keep}: one checkpoint cannot be combined.")
        if not margin >= 0:
            raise ValueError(f"`margin` must be 0 or above, got {margin}.")
        self.plan = SearchPlan(
            selection=selection,
            acceptance=acceptance,
            modules={path: tuple(names) for path, names in modules.items()},
            strategies=check_strategies(strategies),
            seed=seed,
            generations=generations,
            population=population,
            metric=metric,
            margin=margin,
            coefficients=tuple(coefficients),
        )
        check_modules(_model(trainer), self.plan.modules)
        own: Any = trainer.eval_dataset
        evaluated = own if isinstance(own, Mapping) else {"evaluation": own} if own is not None else {}
        refuse_shared(
            {"acceptance": acceptance, "selection": selection, **evaluated},
            getattr(trainer.model, "main_input_name", "input_ids"),
        )
        self.trainer, self.keep, self.plot = trainer, keep, plot
        self.folder = Path(output or str(trainer.args.output_dir))
        writes = trainer.is_world_process_zero()
        self.store = CandidateStore(self.folder / "crossover", list(self.plan.modules), writes)
        self._in_checkpoint: list[str] = []
        self._running = False

    # ---- Events ----

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **kwargs: Any
    ) -> None:
        """Store the hash of the weights that the run begins with, or find the candidates of a resumed run."""
        refuse_shards(args, model, "CrossoverCallback")
        if args.eval_strategy == "no":
            raise ValueError("CrossoverCallback stores a candidate at each evaluation: set `eval_strategy`.")
        before = takewhile(lambda callback: callback is not self, self.trainer.callback_handler.callbacks)
        if any(isinstance(callback, SweetSpotCallback) for callback in before):
            raise ValueError(
                "Add CrossoverCallback before SweetSpotCallback, which restores earlier weights of modules: a "
                "candidate must hold the weights that were evaluated. Use `trainer.add_callback` for both, in this "
                "order."
            )
        if self.plot:
            require_matplotlib()
        entry = _entry(state)
        if state.global_step and entry is not None:
            self._resume(state, model, entry)
        else:
            if state.global_step:
                logger.warning("The run had no crossover up to step %d; its candidates start there.", state.global_step)
            base: Any = self.store.begin(model)
            begun: dict[str, Any] = {"step": state.global_step, _BASE: base, _KEPT: [], _LOST: []}
            state.log_history.append(begun)
        self._in_checkpoint = [candidate.name for candidate in self.store.candidates]
        self._running = True

    def _resume(self, state: TrainerState, model: nn.Module, entry: dict[str, Any]) -> None:
        """Continue with the candidates of the checkpoint and drop later ones."""
        self.store.resume(model, str(entry[_BASE]), state.global_step)
        self.store.candidates = _from_main_process(self.store.candidates)
        found = [candidate.name for candidate in self.store.candidates]
        wanted = entry.setdefault(_KEPT, found)
        lost = [name for name in wanted if name not in found]
        self.store.keep(wanted)
        if lost:
            entry[_LOST] = [*entry.get(_LOST, []), *lost]
            logger.warning(
                "Crossover continues without %s, which the checkpoint of step %d had: only the candidates of the "
                "newest checkpoint are kept. For a complete report, resume from that checkpoint or start a new run.",
                ", ".join(lost), state.global_step,
            )  # fmt: skip

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: Mapping[str, Any] | None = None,
        model: Any = None,
        **kwargs: Any,
    ) -> None:
        """Store the weights that were evaluated; drop a candidate that is best at nothing."""
        if not self._running:
            return
        name = f"step-{state.global_step}"
        known = {candidate.name: candidate.metrics for candidate in self.store.candidates}
        # Several evaluation sets are several events of one step, and the metric is in one of them.
        several = isinstance(self.trainer.eval_dataset, Mapping)
        if not several or any(self.plan.metric not in held for other, held in known.items() if other != name):
            self.plan.check_metric(metrics or {})
        self.store.add(name, state.global_step, model, known.get(name, {}) | self.plan.figures(metrics or {}))
        best = self._best_names()
        self.store.keep([*best, *self._in_checkpoint, name])
        entry = _entry(state)
        if entry is not None:
            entry[_KEPT] = best

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Delete candidates that only earlier checkpoints need: a run may now be resumed from this one."""
        entry = _entry(state)
        if self._running and entry is not None:
            self._in_checkpoint = list(entry[_KEPT])
            self.store.keep(self._in_checkpoint)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **kwargs: Any
    ) -> None:
        """Recombine, accept or reject, load the chosen weights into the model, and write the report."""
        if not self._running:
            return
        self._running = False
        self.store.keep(self._best_names())
        end = self.store.add(f"end-{state.global_step}", state.global_step, model, {})
        same = [other.name for other in self.store.candidates if other is not end and other.parts == end.parts]
        last: str = _from_main_process(same[0] if same else end.name)
        self.store.keep([other.name for other in self.store.candidates if other is not end or other.name == last])
        about = self._about_others(state)
        with suspend_callbacks(self.trainer), self.store:
            search = CrossoverSearch(self.plan, self.store, model, self.trainer.evaluate)
            try:
                report = search.run()
            except BaseException:
                if args.world_size == 1:  # of several processes, the others wait elsewhere
                    search.load(search.whole(last))
                raise
        level = logging.INFO if report["verdict"] == "accepted" else logging.WARNING
        logger.log(level, "Crossover %s; the model has %s: %s", report["verdict"], report["weights"], report["reason"])
        if self.store.writes:
            write_json(self.folder / "crossover_report.json", report | about)
            if self.plot:
                plot_crossover(report, self.folder / "crossover.png")

    def _best_names(self) -> list[str]:
        """Names of the candidates to keep, by the evaluations of the run."""
        metrics = {candidate.name: candidate.metrics for candidate in self.store.candidates}
        return worth_keeping(part_fitness(metrics, {REST: (self.plan.metric,), **self.plan.modules}), self.keep)

    def _about_others(self, state: TrainerState) -> dict[str, Any]:
        """Report entries of checkpoints that are not searched: evaluated but not kept, or lost."""
        metric, kept = self.plan.metric, {candidate.step for candidate in self.store.candidates}
        others = [entry for entry in state.log_history if metric in entry and entry["step"] not in kept]
        lost: Any = (_entry(state) or {}).get(_LOST, [])
        return {"not_kept": [{"step": entry["step"], metric: entry[metric]} for entry in others], "lost": lost}


def _entry(state: TrainerState) -> dict[str, Any] | None:
    """The history's entry about the crossover, or None in a run without one."""
    return next((entry for entry in reversed(state.log_history) if _BASE in entry), None)


def _from_main_process(value: Any) -> Any:
    """The main process's value, on all processes."""
    return broadcast_object_list([value])[0]


__all__ = ["CrossoverCallback", "suspend_callbacks"]
