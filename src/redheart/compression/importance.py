"""How much each unit matters: the Fisher information of a mask on it, or the size of its weights.

Notable: the gradient of a mask that multiplies the output of a unit is the sum of weight times gradient over the
columns through which the unit is read, so that no mask is built in and only those matrices need a gradient.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeAlias

import torch
from torch import Tensor

from ..modeling_redheart.modeling_redheart import RedHeartModel
from .structure import Key, Size

Importance: TypeAlias = dict[Key, Tensor]  # of a size: (groups, units), float64


def fisher(model: RedHeartModel, sizes: Sequence[Size], batches: Iterable[Mapping[str, Tensor]]) -> Importance:
    """The empirical Fisher information of a mask on each unit, per text.

    It is, to second order, twice the increase of the loss when the unit is dropped from a converged model. A batch's
    gradient is that of its mean loss; its square counts once for each text. What no label trains has importance 0. A
    layer has one mask on all of its residual branches.

    Masks on heads and feed-forward units: Michel et al. 2019 (arXiv:1905.10650), Kwon et al. 2022 (arXiv:2204.09656);
    the squared gradient: Molchanov et al. 2019 (arXiv:1906.10771).

    Args:
        model: The model; it is left as it was.
        sizes: The sizes whose units are measured.
        batches: Batches with labels, as `RedHeartCollator` makes them; small ones are more informative.

    Returns:
        The importance of each unit, (groups, units) by size.

    Raises:
        ValueError: For no batch, a batch without labels, and a loss that is not finite.
    """
    found = {size.key: torch.zeros(len(size.groups), size.units, dtype=torch.float64) for size in sizes}
    parameters = dict(model.named_parameters())

    def product(name: str) -> Tensor:
        parameter = parameters[name]
        return parameter.detach() * parameter.grad if parameter.grad is not None else torch.zeros_like(parameter)

    texts = 0
    with _only_reads(model, sizes):
        for batch in batches:
            loss = model(**{name: value.to(model.device) for name, value in batch.items()}).loss
            if loss is None or not bool(loss.isfinite()):
                raise ValueError(
                    "A batch has no labels, and the importance cannot be measured without; give labelled batches."
                    if loss is None
                    else f"The loss of a batch is {loss.item()}; fix the model or the labels before pruning."
                )
            loss.backward()
            count = len(batch["input_ids"])
            for key, masks in _scores(sizes, product).items():
                found[key] += count * masks.square()
            model.zero_grad(set_to_none=True)
            texts += count
    if not texts:
        raise ValueError("There is no batch to measure the importance on; give at least one.")
    return {key: value / texts for key, value in found.items()}


def magnitude(model: RedHeartModel, sizes: Sequence[Size]) -> Importance:
    """The squared L2 norm of the weights through which each unit is read: the baseline that needs no data.

    After Li et al. 2017 (arXiv:1608.08710).

    Args:
        model: The model.
        sizes: The sizes whose units are measured.

    Returns:
        The importance of each unit, (groups, units) by size.
    """
    parameters = dict(model.named_parameters())
    return _scores(sizes, lambda name: parameters[name].detach().float().square())


def _scores(sizes: Sequence[Size], values: Callable[[str], Tensor]) -> Importance:
    return {size.key: torch.stack([group.scores(values, size.units) for group in size.groups]) for size in sizes}


@contextmanager
def _only_reads(model: RedHeartModel, sizes: Sequence[Size]) -> Iterator[None]:
    """Put the model in eval mode, with a gradient only for the parameters through which units are read."""
    groups = [group for size in sizes for group in size.groups]
    read = {place.parameter for group in groups for place in group.reads}
    read |= {name for group in groups for names in group.whole for name in names}
    before = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    training = model.training
    try:
        for name, parameter in model.named_parameters():
            parameter.requires_grad = name in read
        model.eval()
        model.zero_grad(set_to_none=True)
        yield
    finally:
        model.zero_grad(set_to_none=True)
        model.train(training)
        for name, parameter in model.named_parameters():
            parameter.requires_grad = before[name]


__all__ = ["Importance", "fisher", "magnitude"]
