"""Crossover of checkpoints: weights recombined module by module, and when a recombination may be kept.

Notable: pure functions. A part is a module of the model, or the rest of it; a recipe says, for each part, which share
of which checkpoint is in it. Fitness is a loss: lower is better, and what is not finite is the worst.
"""

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...configuration.labels import closest

# The part that holds what is in none of the modules.
REST = "(rest)"

STRATEGIES: tuple[str, ...] = ("selective", "weighted", "interpolated", "genetic")

Recipe = dict[str, dict[str, float]]  # part -> checkpoint -> share; the shares of a part sum to 1
Fitness = Mapping[str, Mapping[str, float]]  # checkpoint -> part -> loss


@dataclass
class Recombination:
    """A candidate recombination and its losses.

    Attributes:
        name: Its name in the report.
        strategy: One of `STRATEGIES`.
        recipe: Part -> checkpoint -> share.
        selection: Its loss on the selection split.
        acceptance: Its loss on the acceptance split; None where it was not measured.
        verdict: "accepted" or "rejected".
        reason: Why, as a sentence.
    """

    name: str
    strategy: str
    recipe: Recipe
    selection: float
    acceptance: float | None = None
    verdict: str = "rejected"
    reason: str = "another recombination is better on the selection split"


def part_names(tensors: Iterable[str], modules: Iterable[str]) -> dict[str, str]:
    """Return the part of each tensor: the module whose path it begins with ("" takes all), or `REST`."""
    paths = list(modules)
    return {name: next((path for path in paths if not path or name.startswith(f"{path}.")), REST) for name in tensors}


def ranked(losses: Mapping[str, float]) -> list[str]:
    """Return names from the lowest loss to the highest; what is not finite comes last, ties keep their order."""
    return sorted(losses, key=lambda name: losses[name] if math.isfinite(losses[name]) else math.inf)


def by_part(fitness: Fitness, part: str) -> dict[str, float]:
    """Return the losses of one part: checkpoint -> loss."""
    return {name: losses[part] for name, losses in fitness.items()}


def worth_keeping(fitness: Fitness, keep: int) -> list[str]:
    """Choose the checkpoints to keep: the best of each part in the order of the parts, then the second best, and so on.

    Args:
        fitness: Checkpoint -> part -> loss; the first part of each entry counts as the most important.
        keep: Maximum number of checkpoints.

    Returns:
        Names of at most ``keep`` checkpoints.
    """
    parts = list(next(iter(fitness.values()), {}))
    orders = [ranked(by_part(fitness, part)) for part in parts]
    chosen: dict[str, None] = {}
    for place in range(len(fitness)):
        for order in orders:
            if len(chosen) < keep:
                chosen[order[place]] = None
    return list(chosen)


def single(recipe: Recipe) -> str | None:
    """Return the checkpoint that a recipe takes everything from, or None when it mixes several."""
    names = {name for shares in recipe.values() for name in shares}
    return names.pop() if len(names) == 1 else None


def selective(fitness: Fitness) -> Recipe:
    """Return the recipe with each part from the checkpoint that is best at it."""
    parts = next(iter(fitness.values()))
    return {part: {ranked(by_part(fitness, part))[0]: 1.0} for part in parts}


def weighted(fitness: Fitness, temperature: float = 1.0) -> Recipe:
    """Mix each part from all checkpoints, weighted by the softmax of how good they are at it.

    The losses of a part are first scaled to mean 0 and standard deviation 1 over the checkpoints. A checkpoint whose
    loss is not finite has no share.

    Args:
        fitness: Checkpoint -> part -> loss.
        temperature: Above 0; a low one gives nearly everything to the best.

    Returns:
        Part -> checkpoint -> share.

    Raises:
        ValueError: For a temperature out of range, and for a part without any finite loss.
    """
    if temperature <= 0:
        raise ValueError(f"`temperature` must be above 0, got {temperature}.")
    recipe: Recipe = {}
    for part in next(iter(fitness.values())):
        losses = {name: loss for name, loss in by_part(fitness, part).items() if math.isfinite(loss)}
        if not losses:
            raise ValueError(f"No checkpoint has a finite loss for {part!r}; leave that module out.")
        mean = math.fsum(losses.values()) / len(losses)
        spread = math.sqrt(math.fsum((loss - mean) ** 2 for loss in losses.values()) / len(losses)) or 1.0
        lowest = min(losses.values())
        powers = {name: math.exp((lowest - loss) / (spread * temperature)) for name, loss in losses.items()}
        total = math.fsum(powers.values())
        recipe[part] = {name: power / total for name, power in powers.items()}
    return recipe


def interpolated(fitness: Fitness, coefficient: float) -> Recipe:
    """Interpolate each part between the two checkpoints that are best at it.

    Linear interpolation of checkpoints of one run: Izmailov et al. 2018, arXiv:1803.05407; Wortsman et al. 2022,
    arXiv:2203.05482.

    Args:
        fitness: Checkpoint -> part -> loss.
        coefficient: Share of the second best, above 0 and below 1.

    Returns:
        Part -> checkpoint -> share.

    Raises:
        ValueError: For a coefficient out of range.
    """
    if not 0 < coefficient < 1:
        raise ValueError(f"An interpolation coefficient must be above 0 and below 1, got {coefficient}.")
    recipe: Recipe = {}
    for part in next(iter(fitness.values())):
        best, *others = ranked(by_part(fitness, part))
        recipe[part] = {best: 1 - coefficient, others[0]: coefficient} if others else {best: 1.0}
    return recipe


def genetic(
    parts: Sequence[str],
    checkpoints: Sequence[str],
    evaluate: Callable[[Recipe], float],
    start: Sequence[Recipe],
    *,
    seed: int,
    population: int,
    generations: int,
) -> list[tuple[Recipe, float]]:
    """Search for the checkpoint that each part should come from (genetic algorithm: Holland 1975; Goldberg 1989).

    Each generation keeps its two best; the others are children of parents that win a tournament of two, with one-point
    or uniform crossover, and a mutation in one part on average. The same seed gives the same recipes.

    Args:
        parts: Names of the parts.
        checkpoints: Names of the checkpoints.
        evaluate: Returns the loss of a recipe; called once for each different one.
        start: Recipes of whole parts in the first generation, which random ones fill up.
        seed: Seed of the random choices.
        population: Recipes per generation, 2 or more.
        generations: Number of generations, 1 or more.

    Returns:
        The recipes that were evaluated, with their losses, in the order of evaluation; at most
        population x (generations + 1).

    Raises:
        ValueError: For ``population`` or ``generations`` out of range.
    """
    if population < 2 or generations < 1:
        raise ValueError(
            f"A search needs `population` 2 and `generations` 1 or more, got {population} and {generations}."
        )
    choice = random.Random(seed)
    met: dict[tuple[str, ...], float] = {}

    def loss(genes: tuple[str, ...]) -> float:
        if genes not in met:
            value = evaluate({part: {name: 1.0} for part, name in zip(parts, genes, strict=True)})
            met[genes] = value if math.isfinite(value) else math.inf
        return met[genes]

    def parent() -> tuple[str, ...]:
        return min(choice.choice(current), choice.choice(current), key=loss)

    current = [tuple(next(iter(recipe[part])) for part in parts) for recipe in start][:population]
    while len(current) < population:
        current.append(tuple(choice.choice(checkpoints) for _ in parts))
    for _ in range(generations):
        following = sorted(current, key=loss)[:2]
        while len(following) < population:
            following.append(_mutated(_crossed(parent(), parent(), choice), checkpoints, choice))
        current = following
    for genes in current:
        loss(genes)
    return [({part: {name: 1.0} for part, name in zip(parts, genes, strict=True)}, met[genes]) for genes in met]


def _crossed(first: tuple[str, ...], second: tuple[str, ...], choice: random.Random) -> tuple[str, ...]:
    if choice.random() < 0.5:  # one point
        point = choice.randint(0, len(first))
        return first[:point] + second[point:]
    return tuple(choice.choice(pair) for pair in zip(first, second, strict=True))


def _mutated(genes: tuple[str, ...], checkpoints: Sequence[str], choice: random.Random) -> tuple[str, ...]:
    return tuple(choice.choice(checkpoints) if choice.random() < 1 / len(genes) else gene for gene in genes)


def blend(name: str, shares: Mapping[str, float], base: str, read: Callable[[str, str], Tensor]) -> Tensor:
    """Compute one tensor of a recombination.

    A tensor from one checkpoint is that tensor, bit for bit; floating ones are mixed in float64 and cast back.

    Args:
        name: Name of the tensor.
        shares: Checkpoint -> share, 0 or above; they sum to 1.
        base: The checkpoint that counters come from where several are mixed.
        read: Returns a tensor by checkpoint and name.

    Returns:
        The tensor, in the shape and type that it has in the checkpoints.

    Raises:
        ValueError: For a negative share and for shares that do not sum to 1.
    """
    if not math.isclose(math.fsum(shares.values()), 1.0, abs_tol=1e-9) or min(shares.values()) < 0:
        raise ValueError(f"The shares of {name!r} must be 0 or above and sum to 1, got {dict(shares)}.")
    present = {checkpoint: share for checkpoint, share in shares.items() if share}
    if len(present) == 1:
        return read(next(iter(present)), name)
    like = read(base, name)
    if not like.is_floating_point():
        return like
    mixed = [share * read(checkpoint, name).double() for checkpoint, share in present.items()]
    return torch.stack(mixed).sum(dim=0).to(like.dtype)


def better_by(new: float, old: float, margin: float) -> bool:
    """Return whether a loss is lower by more than a margin; a loss that is not finite is never better."""
    return math.isfinite(new) and (not math.isfinite(old) or old - new > margin)


def check_strategies(strategies: Sequence[str]) -> tuple[str, ...]:
    """Return the strategies as a tuple.

    Raises:
        ValueError: For an unknown one and for none.
    """
    for name in strategies:
        if name not in STRATEGIES:
            raise ValueError(f"No strategy {name!r}; {closest(name, STRATEGIES)}")
    if not strategies:
        raise ValueError(f"No strategy is named; known are {', '.join(STRATEGIES)}.")
    return tuple(strategies)


__all__ = [
    "REST",
    "STRATEGIES",
    "Fitness",
    "Recipe",
    "Recombination",
    "better_by",
    "blend",
    "by_part",
    "check_strategies",
    "genetic",
    "interpolated",
    "part_names",
    "ranked",
    "selective",
    "single",
    "weighted",
    "worth_keeping",
]
