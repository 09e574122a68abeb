"""The search of a crossover: every recombination that its strategies make of a run's checkpoints, and one comparison.

Notable: the comparison is on rows that were not used to choose anything. The model's weights change with every
candidate that is measured; at the end they are those that the report names.
"""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor, nn

from ...configuration.labels import closest
from ...statistics.disjoint import count_rows
from ...statistics.series import scaled_mean, unit_of
from .candidates import Candidate, CandidateStore
from .module_crossover import (
    REST,
    Recipe,
    Recombination,
    better_by,
    blend,
    genetic,
    interpolated,
    part_names,
    ranked,
    selective,
    single,
    weighted,
)
from .snapshots import assign, tensors_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SearchPlan:
    """What is searched, and how; the attributes are the arguments of `CrossoverCallback`."""

    selection: Any
    acceptance: Any
    modules: dict[str, tuple[str, ...]]
    strategies: tuple[str, ...]
    seed: int
    generations: int
    population: int
    metric: str
    margin: float
    coefficients: tuple[float, ...]

    def figures(self, metrics: Mapping[str, Any]) -> dict[str, float]:
        """Return the metrics that a decision depends on."""
        wanted = {self.metric, *(name for names in self.modules.values() for name in names)}
        return {name: float(value) for name, value in metrics.items() if name in wanted and value is not None}

    def check_metric(self, metrics: Mapping[str, Any]) -> None:
        """Check that the loss of the whole model is among the metrics.

        Raises:
            ValueError: When it is missing.
        """
        if self.metric not in metrics:
            raise ValueError(
                f"The evaluation has no {self.metric!r}; {closest(self.metric, sorted(metrics))} Without any loss "
                "among them, `label_names` of the arguments does not name the labels that the batches have."
            )


def part_fitness(
    metrics: Mapping[str, Mapping[str, float]], losses: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float]]:
    """Compute how good each checkpoint is at each part.

    A part counts by those of its losses that any checkpoint has, and is left out without any; a checkpoint that lacks
    one of them is infinitely bad at the part.

    Args:
        metrics: Checkpoint -> metric -> value.
        losses: Part -> names of its losses.

    Returns:
        Checkpoint -> part -> mean of the part's losses, each divided by its size at the first checkpoint that has it.
    """
    fitness: dict[str, dict[str, float]] = {name: {} for name in metrics}
    for part, names in losses.items():
        firsts = {
            name: next((held[name] for held in metrics.values() if math.isfinite(held.get(name, math.nan))), None)
            for name in names
        }
        units = {name: unit_of(first) for name, first in firsts.items() if first is not None}
        for checkpoint, held in metrics.items() if units else ():
            whole = all(name in held for name in units)
            fitness[checkpoint][part] = scaled_mean(held, units) if whole else math.inf
    return fitness


class CrossoverSearch:
    """One search over the candidates of a store.

    Args:
        plan: What is searched, and how.
        store: The candidates of the run.
        model: The model whose weights are replaced.
        evaluate: Returns the metrics of the model as it is on a data set, under the names of the run's own evaluations.
    """

    def __init__(
        self, plan: SearchPlan, store: CandidateStore, model: nn.Module, evaluate: Callable[[Any], dict[str, float]]
    ) -> None:
        self.plan, self.store, self.evaluate = plan, store, evaluate
        self.tensors = tensors_of(model)
        self.part_of = part_names(self.tensors, plan.modules)
        self.names = [candidate.name for candidate in store.candidates]
        self.measured: dict[str, dict[str, float]] = {}  # metrics of each checkpoint on the selection split
        self.acceptance: dict[str, float] = {}
        self.found: dict[str, Recombination] = {}  # by recipe
        self.returned: dict[str, str] = {}  # a recipe of one checkpoint only -> that checkpoint
        self.best = self.names[0]
        self.left_out: list[str] = []

    def run(self) -> dict[str, Any]:
        """Search, load the chosen weights into the model and return the report, which names them."""
        for name in self.names:
            self.measured[name] = self._metrics(self.whole(name), self.plan.selection)
        losses = {name: metrics[self.plan.metric] for name, metrics in self.measured.items()}
        self.best = ranked(losses)[0]
        self._recombine()
        chosen = min(self.found.values(), key=lambda item: item.selection, default=None)
        accepted, reason = self._compare(chosen, losses[self.best])
        self.load(chosen.recipe if chosen is not None and accepted else self.whole(self.best))
        winner = chosen.name if chosen is not None and accepted else self.best
        return self._report(chosen, "accepted" if accepted else "rejected", reason, winner)

    def _recombine(self) -> None:
        if len(self.names) < 2:
            return
        plan = self.plan
        fitness = part_fitness(self.measured, {REST: (plan.metric,), **plan.modules})
        self.left_out = [path for path in plan.modules if path not in fitness[self.best]]
        for path in self.left_out:
            logger.warning(
                "Crossover: %r is treated as part of the rest; no evaluation has %s.", path, list(plan.modules[path])
            )
        if REST not in self.part_of.values() and not self.left_out:
            fitness = {name: {part: losses[part] for part in plan.modules} for name, losses in fitness.items()}
        parts = list(fitness[self.best])
        if "selective" in plan.strategies:
            self._try("selective", "selective", selective(fitness))
        if "weighted" in plan.strategies:
            self._try("weighted", "weighted", weighted(fitness))
        if "interpolated" in plan.strategies:
            for coefficient in plan.coefficients:
                self._try(f"interpolated-{coefficient:g}", "interpolated", interpolated(fitness, coefficient))
        if "genetic" in plan.strategies:
            start = [selective(fitness), {part: {self.best: 1.0} for part in parts}]
            genetic(
                parts,
                self.names,
                lambda recipe: self._try(f"genetic-{len(self.found)}", "genetic", recipe),
                start,
                seed=plan.seed,
                population=plan.population,
                generations=plan.generations,
            )

    def _try(self, name: str, strategy: str, recipe: Recipe) -> float:
        """The loss of a recipe on the selection split, measured once; of a single checkpoint, the loss it has."""
        one = single(recipe)
        if one is not None:
            if strategy != "genetic":
                self.returned[name] = one
            return self.measured[one][self.plan.metric]
        key = repr(sorted((part, sorted(shares.items())) for part, shares in recipe.items()))
        if key not in self.found:
            loss = self._metrics(recipe, self.plan.selection)[self.plan.metric]
            self.found[key] = Recombination(name, strategy, recipe, loss if math.isfinite(loss) else math.inf)
        return self.found[key].selection

    def _compare(self, chosen: Recombination | None, single_loss: float) -> tuple[bool, str]:
        """Whether the chosen recombination is accepted, and why in a sentence."""
        plan = self.plan
        if chosen is None:
            return False, f"there is nothing to combine: every strategy returns to one checkpoint, {self.best}."
        both = f"{plan.metric} {chosen.selection:.6g} of {chosen.name} and {single_loss:.6g} of {self.best}"
        if not better_by(chosen.selection, single_loss, 0.0):
            chosen.reason = f"it is not better than a checkpoint even on the selection split: {both}."
            return False, chosen.reason
        rows = count_rows(plan.acceptance)
        chosen.acceptance = self._metrics(chosen.recipe, plan.acceptance)[plan.metric]
        self.acceptance[self.best] = self._metrics(self.whole(self.best), plan.acceptance)[plan.metric]
        accepted = better_by(chosen.acceptance, self.acceptance[self.best], plan.margin)
        chosen.verdict = "accepted" if accepted else "rejected"
        chosen.reason = (
            f"on the acceptance split ({rows} rows, never used to choose) {plan.metric} is {chosen.acceptance:.6g} for "
            f"{chosen.name} and {self.acceptance[self.best]:.6g} for the best checkpoint, {self.best}; it must be "
            f"lower by more than {plan.margin:g}. On the selection split: {both}."
        )
        return accepted, chosen.reason

    def _report(self, chosen: Recombination | None, verdict: str, reason: str, winner: str) -> dict[str, Any]:
        plan = self.plan
        return {
            "verdict": verdict,
            "reason": reason,
            "weights": winner,  # what the model has now
            "chosen": None if chosen is None else chosen.name,
            "best_checkpoint": self.best,
            "metric": plan.metric,
            "margin": plan.margin,
            "rows": {"selection": count_rows(plan.selection), "acceptance": count_rows(plan.acceptance)},
            "base": self.store.base,
            "seed": plan.seed,
            "search": {"generations": plan.generations, "population": plan.population},
            "strategies": plan.strategies,
            "modules": plan.modules,
            "left_out": self.left_out,
            "checkpoints": [self._entry(candidate) for candidate in self.store.candidates],
            "recombinations": [asdict(item) for item in self.found.values()],
            "no_recombination": self.returned,
        }

    def _entry(self, candidate: Candidate) -> dict[str, Any]:
        metrics = self.measured[candidate.name]
        figures = {"selection": metrics[self.plan.metric], "acceptance": self.acceptance.get(candidate.name)}
        return {**asdict(candidate), **figures, "selection_metrics": metrics}

    def whole(self, name: str) -> Recipe:
        """Return the recipe of a single checkpoint."""
        return {part: {name: 1.0} for part in (REST, *self.plan.modules)}

    def load(self, recipe: Recipe) -> None:
        """Put a recombination's weights into the model."""

        def read(name: str) -> Tensor:
            part = self.part_of[name]
            return blend(name, recipe[part if part in recipe else REST], self.best, self.store.read)

        assign(self.tensors, read, self.store.writes)

    def _metrics(self, recipe: Recipe, data: Any) -> dict[str, float]:
        """Load a recipe and evaluate it."""
        self.load(recipe)
        metrics = self.evaluate(data)
        self.plan.check_metric(metrics)
        return self.plan.figures(metrics)


__all__ = ["CrossoverSearch", "SearchPlan", "part_fitness"]
