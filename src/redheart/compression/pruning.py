"""Structured pruning: a smaller model of the same class, with the most important units of the larger one.

    smaller = prune(model, parse_target("200m"), batches)
    smaller.save_pretrained("redheart-200m")

Notable: which sizes shrink is decided over all components at once, always by the least loss per removed parameter; the
result is an ordinary model, without masks.
"""

import logging
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor
from transformers.initialization import no_init_weights

from ..configuration.labels import closest
from ..modeling_redheart.modeling_redheart import RedHeartModel
from ..modeling_redheart.stored_int8 import keeps_integers
from .importance import Importance, fisher, magnitude
from .structure import ENCODER, Key, ParameterCount, Size, find_sizes, resized

logger = logging.getLogger(__name__)

METHODS = ("fisher", "magnitude")

Kept: TypeAlias = dict[Key, Tensor]  # of a size: the units that stay, ascending, (groups, count)

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9}


def parse_target(text: str, whole: int | None = None) -> int:
    """The number of parameters that a text names.

    Args:
        text: A number such as "200m", "1.5b" or "200_000_000", or a share of the model such as "0.5".
        whole: The parameters of the model, for a share.

    Returns:
        The number of parameters.

    Raises:
        ValueError: For another form, and for a share where ``whole`` is not given.
    """
    match = re.fullmatch(r"([\d_,]*\.?\d+)\s*([a-z]*)", text.strip().lower())
    if match is None:
        raise ValueError(
            f"{text!r} is not a number of parameters; write 200m, 200_000_000, or 0.5 for half of the model."
        )
    number, unit = float(re.sub("[_,]", "", match[1])), match[2]
    if unit not in _UNITS:
        raise ValueError(f"{text!r} has the unknown unit {unit!r}; {closest(unit, [name for name in _UNITS if name])}")
    if 0 < number < 1 and not unit:
        if whole is None:
            raise ValueError(
                f"{text!r} is a share of a model, and there is no model here; write a number such as 200m."
            )
        return int(number * whole)
    if number * _UNITS[unit] < 1:
        raise ValueError(f"A model cannot have {text} parameters; write a number such as 200m.")
    return round(number * _UNITS[unit])


def prune(
    model: RedHeartModel,
    target: int,
    batches: Sequence[Mapping[str, Tensor]] = (),
    method: str = "fisher",
    rounds: int = 4,
) -> RedHeartModel:
    """A smaller copy of a model.

    A text encoder that does not have the structure of BERT is left as it is, with a warning.

    Args:
        model: The model; it is left as it was.
        target: The largest number of parameters of the copy.
        batches: Batches of training data with labels, to measure the importance on (`importance.fisher`).
        method: "fisher", or "magnitude" of the weights, which needs no data.
        rounds: Number of rounds, each of which removes an equal share and measures again what is left (as Molchanov et
            al. 2019 do): what matters changes as units are removed.

    Returns:
        A new model in eval mode, with the type and device of ``model``.

    Raises:
        ValueError: For an unknown method, fewer rounds than 1, a quantised model, and a target that is not below the
            size of the model or cannot be reached.
    """
    if method not in METHODS:
        raise ValueError(f"No method {method!r}; {closest(method, METHODS)}")
    if rounds < 1:
        raise ValueError(f"`rounds` must be 1 or more, got {rounds}.")
    check_target(model, target)
    if not any(size.key[0] == ENCODER for size in find_sizes(model)):
        logger.warning("The text encoder does not have the structure of BERT: only the modules after it are pruned.")
    parameters = model.num_parameters()
    for number in range(1, rounds + 1):
        goal = target if number == rounds else math.floor(parameters * (target / parameters) ** (number / rounds))
        sizes = find_sizes(model)
        importance = fisher(model, sizes, batches) if method == "fisher" else magnitude(model, sizes)
        model = cut(model, sizes, choose(model, sizes, importance, goal))
    return model


def check_target(model: RedHeartModel, target: int) -> None:
    """Check that a model can be pruned to a size.

    Args:
        model: The model.
        target: The number of parameters to prune to.

    Raises:
        ValueError: For a quantised model, and for a target that is not below the size of the model or below the
            smallest possible one.
    """
    if keeps_integers(model.config):
        raise ValueError("The weights of this model are quantised and cannot be pruned; prune first, then quantise.")
    parameters, sizes = model.num_parameters(), find_sizes(model)
    if target >= parameters:
        raise ValueError(
            f"The model has {parameters:,} parameters, which is not above the target of {target:,}; name a smaller one."
        )
    least = int(ParameterCount(model, sizes)(np.array([[size.least for size in sizes]]))[0])
    if target < least:
        raise ValueError(
            f"The model cannot be pruned to {target:,} parameters: {least:,} is the least, with one layer and one head "
            "everywhere, since width, vocabulary and components stay; name a larger target."
        )


def choose(model: RedHeartModel, sizes: Sequence[Size], importance: Importance, target: int) -> Kept:
    """The units that stay when the model is to have at most ``target`` parameters.

    Greedy: each step shrinks one size by its step, in each of its groups by the least important units; it is the size
    that loses the least importance per removed parameter. At the end the latest steps that were not needed are undone.

    Args:
        model: The model.
        sizes: Its sizes, as `find_sizes` gives them.
        importance: The importance of each unit, (groups, units) by size.
        target: The largest number of parameters.

    Returns:
        The units that stay, ascending, (groups, count) by size.

    Raises:
        ValueError: When nothing is left to prune.
    """
    search = _GreedySearch(model, sizes, importance)
    steps: list[tuple[int, int]] = []
    while search.parameters() > target:
        number = search.cheapest()
        if number is None:
            raise ValueError(
                f"Nothing is left to prune at {search.parameters():,} parameters, above {target:,}; name a larger "
                "target."
            )
        steps.append((number, int(search.counts[number])))
        search.counts[number] = sizes[number].below(steps[-1][1])
    for number, before in reversed(steps):
        after, search.counts[number] = search.counts[number], before
        if search.parameters() > target:
            search.counts[number] = after
    return search.kept()


class _GreedySearch:
    """How many units of each size are left, and what the next step of each would cost."""

    def __init__(self, model: RedHeartModel, sizes: Sequence[Size], importance: Importance) -> None:
        self.counts = np.array([size.units for size in sizes])
        self._sizes = sizes
        self._count = ParameterCount(model, sizes)
        self._order = [importance[size.key].sort(dim=1, stable=True).indices for size in sizes]
        # The importance lost with the 0, 1, 2, ... least important units of each group, (groups, units + 1).
        self._lost = [
            np.pad(importance[size.key].sort(dim=1).values.cumsum(dim=1).numpy(), ((0, 0), (1, 0))) for size in sizes
        ]
        self._stacks = {size.key[0]: number for number, size in enumerate(sizes) if size.stack}
        # The rank of each layer in the order in which the layers of its stack are removed.
        self._rank = {name: self._order[number][0].argsort().tolist() for name, number in self._stacks.items()}

    def parameters(self) -> int:
        """The number of parameters of the model with the units that are left."""
        return int(self._count(self.counts[None])[0])

    def cheapest(self) -> int | None:
        """The size whose next step loses the least importance per parameter; None where none can shrink."""
        options = [(number, size.below(int(self.counts[number]))) for number, size in enumerate(self._sizes)]
        steps = [(number, below) for number, below in options if below is not None]
        if not steps:
            return None
        choices = np.repeat(self.counts[None], len(steps), axis=0)
        for row, (number, below) in enumerate(steps):
            choices[row, number] = below
        freed = self.parameters() - self._count(choices)
        costs = np.array([self._cost(number, below) for number, below in steps])
        return steps[int((costs / freed).argmin())][0]

    def kept(self) -> Kept:
        """The units that are left."""
        return {
            size.key: order[:, size.units - int(count) :].sort(dim=1).values
            for size, order, count in zip(self._sizes, self._order, self.counts, strict=True)
        }

    def _cost(self, number: int, below: int) -> float:
        units, lost = self._sizes[number].units, self._lost[number]
        there = [self._is_there(group.layer) for group in self._sizes[number].groups]
        return float((lost[:, units - below] - lost[:, units - int(self.counts[number])])[there].sum())

    def _is_there(self, layer: tuple[str, int] | None) -> bool:
        if layer is None:
            return True
        stack = self._stacks[layer[0]]
        return self._rank[layer[0]][layer[1]] >= self._sizes[stack].units - self.counts[stack]


@torch.no_grad()
def cut(model: RedHeartModel, sizes: Sequence[Size], kept: Kept) -> RedHeartModel:
    """A new model with only some of the units of another.

    Args:
        model: The model; it is left as it was.
        sizes: Its sizes, as `find_sizes` gives them.
        kept: The units that stay, ascending, (groups, count) by size.

    Returns:
        The new model, in eval mode.
    """
    tensors = model.state_dict()
    masks: dict[tuple[str, int], Tensor] = {}
    factors: dict[str, float] = {}
    for size in sizes:
        for group, units in zip(size.groups, kept[size.key], strict=True):
            dropped = torch.ones(size.units, dtype=torch.bool)
            dropped[units] = False
            for place in group.places:
                length = tensors[place.parameter].shape[place.dim]
                mask = masks.setdefault((place.parameter, place.dim), torch.ones(length, dtype=torch.bool))
                mask[place.entries(size.units)[dropped]] = False
            if group.scaled:
                factors |= {place.parameter: (len(units) / size.units) ** 0.5 for place in group.reads}
    numbers = {
        size.stack: {str(old): str(new) for new, old in enumerate(kept[size.key][0].tolist())}
        for size in sizes
        if size.stack
    }
    smaller: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        new_name = _renumbered(name, numbers)
        if new_name is None:
            continue
        for dim in range(tensor.dim()):
            if (name, dim) in masks:
                tensor = tensor.index_select(dim, masks[name, dim].nonzero().flatten().to(tensor.device))
        smaller[new_name] = tensor * factors[name] if name in factors else tensor
    config = resized(model.config, {size.key: kept[size.key].shape[1] for size in sizes})
    with no_init_weights():
        result: Any = type(model)(config)
    result.to(device=model.device, dtype=model.dtype).load_state_dict(smaller)
    return result.eval()


def _renumbered(name: str, numbers: Mapping[str, Mapping[str, str]]) -> str | None:
    """The name with the new number of its layer; None where its layer is removed."""
    for stack, new in numbers.items():
        if name.startswith(f"{stack}."):
            number, _, rest = name.removeprefix(f"{stack}.").partition(".")
            return f"{stack}.{new[number]}.{rest}" if number in new else None
    return name


__all__ = ["METHODS", "check_target", "choose", "cut", "parse_target", "prune"]
