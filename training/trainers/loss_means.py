"""The means of losses that are logged: over texts, and so the same however the texts were batched."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ...configuration.labels import LOSSES

# What is logged: the model's losses and those that only training has.
LOGGED: tuple[str, ...] = (*LOSSES, "r_drop", "consistency")


class LossMeans:
    """Sums of losses over texts, whose means are logged."""

    def __init__(self) -> None:
        self.sums: dict[str, tuple[Tensor, Tensor]] = {}

    def add(self, name: str, mean: Tensor, texts: Tensor) -> None:
        """Add a mean loss.

        Args:
            name: Name of the loss.
            mean: Mean cost of the texts, a scalar; its gradient is dropped.
            texts: Number of texts, a scalar.
        """
        total, count = self.sums.get(name, (torch.zeros((), device=mean.device), torch.zeros((), device=mean.device)))
        self.sums[name] = (total + mean.detach().float() * texts, count + texts)

    def merge(self, other: "LossMeans") -> None:
        """Add the sums of another object."""
        for name, (total, count) in other.sums.items():
            mine = self.sums.get(name, (torch.zeros_like(total), torch.zeros_like(count)))
            self.sums[name] = (mine[0] + total, mine[1] + count)

    def drain(self, names: Sequence[str], reduce: Callable[[Tensor], Tensor], device: torch.device) -> dict[str, float]:
        """Compute the mean of each loss and reset the sums.

        Args:
            names: Names of the losses, the same in every process.
            reduce: Sums a tensor over the processes.
            device: Where the tensor to reduce is put.

        Returns:
            Name -> mean, of the losses that any text has.
        """
        held = torch.zeros(len(names), 2, dtype=torch.float64)
        for row, name in enumerate(names):
            if name in self.sums:
                held[row] = torch.stack([value.double().cpu() for value in self.sums[name]])
        self.sums = {}
        totals, counts = reduce(held.float().to(device)).cpu().unbind(1)
        return {name: (totals[row] / counts[row]).item() for row, name in enumerate(names) if counts[row] > 0}


__all__ = ["LOGGED", "LossMeans"]
