"""When memory runs out: the same batch in smaller pieces, and a record of it.

Notable: a batch in pieces has the gradient of the whole one, since every piece is weighted by its texts (see the
losses); the random state is reset before it is repeated. Transformers has no event for an error, so the trainer catches
it and the callback only watches and reports.
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

# Parts of the messages of allocators, also of the CUDA libraries. A MemoryError of Python and torch's own
# OutOfMemoryError are recognised by their type.
_MESSAGES = ("out of memory", "can't allocate memory", "not enough memory", "status_alloc_failed")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether ``error`` means that there was not enough memory, on a device or on the host."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error).lower() for text in _MESSAGES)


def rows_of(batch: Mapping[str, Any]) -> int:
    """Count the rows of a batch.

    Args:
        batch: Name -> value.

    Returns:
        The rows of a batch whose values are tensors with a row per text; 1 for any other batch, which cannot be split.
    """
    counts = {len(value) if isinstance(value, Tensor) and value.dim() else 0 for value in batch.values()}
    return counts.pop() if len(counts) == 1 else 1


def split(batch: Mapping[str, Any], pieces: int) -> list[dict[str, Any]]:
    """Split a batch into runs of rows of about the same size; the two texts of a pair stay together.

    Args:
        batch: Name -> value.
        pieces: Maximum number of runs.

    Returns:
        The runs; the whole batch where it cannot be split (`rows_of`).
    """
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
    """The state of every random generator that a step uses.

    Attributes:
        python: State of ``random``.
        numpy: State of ``numpy.random``.
        torch: State of torch on the CPU.
        cuda: State of each CUDA device.
        mps: State of Apple's GPU; None without one.
    """

    python: Any
    numpy: Any
    torch: Tensor
    cuda: list[Tensor]
    mps: Tensor | None

    @classmethod
    def now(cls) -> "RandomState":
        """Return the state at this moment."""
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
        return cls(random.getstate(), np.random.get_state(), torch.get_rng_state(), cuda, mps)

    def restore(self) -> None:
        """Set every generator back to this state."""
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

    Attributes:
        step: Step of the optimiser.
        phase: "train" or "eval".
        shape: (texts, tokens) of the batch.
        pieces: Number of pieces in which the batch then succeeded; 0 = not even row by row.
        message: First line of the allocator's message.
    """

    step: int
    phase: str
    shape: tuple[int, ...]
    pieces: int
    message: str


@dataclass(frozen=True)
class MicroBatch:
    """A batch of an optimiser step, and what is needed to run it again.

    Attributes:
        inputs: The batch.
        note: The trainer's own state for the batch.
        random: Random state before the batch.
    """

    inputs: dict[str, Any]
    note: Any
    random: RandomState


class RetriedStep:
    """One optimiser step whose batches so far are run again in pieces when memory runs out in any process."""

    def __init__(self) -> None:
        self.batches: list[MicroBatch] = []

    def clear(self) -> None:
        """Forget the batches: the step is done."""
        self.batches = []

    def run(
        self,
        batch: MicroBatch,
        backward: Callable[[MicroBatch, int], Tensor],
        start_again: Callable[[], None],
        device: torch.device,
    ) -> tuple[Tensor, tuple[int, str] | None]:
        """Run ``batch``, the next one of the step.

        Args:
            batch: The batch.
            backward: Adds the gradients of a batch that is run in the given number of pieces, and returns its loss.
            start_again: Removes all gradients of the step; its batches are then run again, as a failed pass leaves some
                of its own gradients among them.
            device: Device of the process.

        Returns:
            The loss and, if memory ran out, the number of pieces in which the batch then succeeded and the allocator's
            message; else None.

        Raises:
            MemoryExhaustedError: When memory runs out on a single text; in every process.
            RuntimeError: Any other error of ``backward``.
            MemoryError: Never in practice, as it counts as memory that ran out.
        """
        self.batches.append(batch)
        first, pieces, reported = len(self.batches) - 1, 1, ""
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
            # Outside the `except` block the error is freed, and with it the frames that held memory.
            if not largest(int(bool(message)), device):
                return loss, ((pieces, reported) if pieces > 1 else None)
            reported = message or reported or "in another process"
            if pieces >= largest(max(rows_of(earlier.inputs) for earlier in self.batches), device):
                raise MemoryExhaustedError(reported)
            pieces, first = 2 * pieces, 0
            start_again()
            empty_cache()


def empty_cache() -> None:
    """Release what the device's allocator keeps in reserve, so that it can be divided differently."""
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
