"""When memory runs out: the same batch in smaller pieces, and a record of it.

Notable: a batch in pieces has the gradient of the whole one, since every piece counts by its texts (see the losses);
the random state is set back before it is repeated. Transformers has no event for an error, so that catching is the
trainer's and the callback watches and reports.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...configuration.errors import MemoryExhaustedError
from ...data.loading import PAIRS
from .gradient_sync import largest

# What allocators say, those of the CUDA libraries among them. A MemoryError of Python and torch's own OutOfMemoryError
# need no text.
_MESSAGES = ("out of memory", "can't allocate memory", "not enough memory", "status_alloc_failed")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says that there was not enough memory, on a device or on the host."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error).lower() for text in _MESSAGES)


def rows_of(batch: Mapping[str, Any]) -> int:
    """Rows of a batch whose values are tensors with a row per text; 1 for any other batch, which cannot be cut."""
    counts = {len(value) if isinstance(value, Tensor) and value.dim() else 0 for value in batch.values()}
    return counts.pop() if len(counts) == 1 else 1


def split(batch: Mapping[str, Any], pieces: int) -> list[dict[str, Any]]:
    """The rows of a batch (`rows_of`) in at most ``pieces`` runs of about the same size; the two texts of a pair stay
    together."""
    rows = rows_of(batch)
    if min(pieces, rows) == 1:
        return [dict(batch)]
    groups = list(range(rows))
    for name in batch.keys() & set(PAIRS):
        first: dict[int, int] = {}
        for row, number in enumerate(batch[name][:, 0].tolist()):
            if number >= 0:
                groups[row] = min(groups[row], groups[first.setdefault(number, row)])
    members: dict[int, list[int]] = {}
    for row, group in enumerate(groups):
        members.setdefault(group, []).append(row)
    cuts: list[list[int]] = [[]]
    wanted = rows / pieces
    for together in members.values():
        if cuts[-1] and sum(map(len, cuts)) >= wanted * len(cuts) - 1e-9 and len(cuts) < pieces:
            cuts.append([])
        cuts[-1] += together
    return [{name: value[cut] for name, value in batch.items()} for cut in cuts]


@dataclass(frozen=True)
class RandomState:
    """The state of every random generator that a step draws from."""

    python: Any
    numpy: Any
    torch: Tensor
    cuda: list[Tensor]
    mps: Tensor | None

    @classmethod
    def now(cls) -> "RandomState":
        """The state at this moment."""
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
        return cls(random.getstate(), np.random.get_state(), torch.get_rng_state(), cuda, mps)

    def restore(self) -> None:
        """Set every generator back to it."""
        random.setstate(self.python)
        np.random.set_state(self.numpy)
        torch.set_rng_state(self.torch)
        if self.cuda:
            torch.cuda.set_rng_state_all(self.cuda)
        if self.mps is not None:
            torch.mps.set_rng_state(self.mps)


@dataclass(frozen=True)
class OutOfMemory:
    """One time that memory ran out.

    pieces: in how many the batch then went through; 0 = not even row by row. shape: (texts, tokens).
    """

    step: int
    phase: str  # "train" or "eval"
    shape: tuple[int, ...]
    pieces: int
    message: str


@dataclass(frozen=True)
class MicroBatch:
    """A batch of an optimiser step, and what is needed to run it again. note: the trainer's own, as it is to be run."""

    inputs: dict[str, Any]
    note: Any
    random: RandomState


class RetriedStep:
    """One optimiser step, whose batches so far are run again in pieces when memory runs out in any process."""

    def __init__(self) -> None:
        self.batches: list[MicroBatch] = []

    def clear(self) -> None:
        """The step is done."""
        self.batches = []

    def run(
        self,
        batch: MicroBatch,
        backward: Callable[[MicroBatch, int], Tensor],
        start_again: Callable[[], None],
        device: torch.device,
    ) -> tuple[Tensor, tuple[int, str] | None]:
        """Run ``batch``, the next one of the step.

        backward: adds the gradients of a batch run in so many pieces, and returns its loss. start_again: takes all
        gradients of the step away; its batches are then run anew, as a failed pass leaves some of its own among them.
        Returns the loss and, if memory ran out, in how many pieces it then went through and what the allocator said.
        Raises `MemoryExhaustedError` when memory runs out on a single text, in every process.
        """
        self.batches.append(batch)
        first, pieces, said = len(self.batches) - 1, 1, ""
        while True:
            message = ""
            try:
                for earlier in self.batches[first:]:
                    earlier.random.restore()
                    loss = backward(earlier, pieces)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                message = str(error) or type(error).__name__
            # The error is gone by now, and with it the frames that held on to memory.
            if not largest(int(bool(message)), device):
                return loss, ((pieces, said) if pieces > 1 else None)
            said = message or said or "in another process"
            if pieces >= largest(max(rows_of(earlier.inputs) for earlier in self.batches), device):
                raise MemoryExhaustedError(said)
            pieces, first = 2 * pieces, 0
            start_again()
            empty_cache()


def empty_cache() -> None:
    """Give what the device's allocator holds back, so that it can be cut anew."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


__all__ = [
    "MemoryExhaustedError",
    "MicroBatch",
    "OutOfMemory",
    "RandomState",
    "RetriedStep",
    "empty_cache",
    "is_out_of_memory",
    "rows_of",
    "split",
]
