"""`RetryingTrainer`: a Trainer that repeats a batch in smaller pieces when memory runs out.

Notable: transformers has no event for an error, so a callback can only watch memory; catching needs a subclass. This
one replaces `transformers.Trainer` for any model, and `RedHeartTrainer` is built on it.
"""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from typing import Any, TypeVar

import torch
from accelerate.utils import gather_object
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader
from transformers import Trainer
from transformers.trainer_pt_utils import nested_concat

from .gradient_sync import average_gradients
from .oom_callback import OOMCallback
from .out_of_memory import (
    MemoryExhaustedError,
    MicroBatch,
    OutOfMemory,
    RandomState,
    RetriedStep,
    empty_cache,
    is_out_of_memory,
    rows_of,
    split,
)

logger = logging.getLogger(__name__)

T = TypeVar("T")

# They update the weights during the backward pass, which cannot be undone.
_FUSED_OPTIMISERS = ("lomo", "adalomo")


class RetryingTrainer(Trainer):
    """A `transformers.Trainer` that continues when memory runs out, in training and in evaluation.

    The batch, and those before it in its optimiser step, are run again in 2, 4, ... pieces, with the random state as it
    was before, by all processes of DDP together; the gradients are those of the whole batch up to the order of sums.
    This requires that every value of a batch is a tensor with a row per example, and that the model's loss is a mean
    over its labels, or a sum divided by ``num_items_in_batch`` (the trainer finds out which of the two). FSDP,
    DeepSpeed and models that were sharded when they were loaded communicate with the other processes within a pass,
    which cannot be undone: there, and with ``oom_retry=False`` or ``auto_find_batch_size=True`` among the arguments,
    the error is raised.

    ``out_of_memory`` lists each time; an `OOMCallback` among the callbacks reports them.

    Raises:
        MemoryExhaustedError: From training or evaluation, when memory runs out even row by row.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.out_of_memory: list[OutOfMemory] = []
        self._step = RetriedStep()
        # Whether the loss of a piece is already its share of the step's; None = not known yet.
        self._by_items = self.loss_is_scaled_for_ga

    @property
    def sharded(self) -> bool:
        """Whether each process holds only a part of the weights."""
        return bool(self.is_fsdp_enabled or self.is_deepspeed_enabled or self.is_distributed_loading_by_transformers)

    # ---- Training ----

    def _inner_training_loop(self, *args: Any, **options: Any) -> Any:
        # An earlier run, or one with a larger batch, may have ended within a step.
        self._step = RetriedStep()
        return super()._inner_training_loop(*args, **options)

    def training_step(
        self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Tensor | int | None = None
    ) -> Tensor:
        """Run forward and backward of one batch; in smaller pieces when memory runs out.

        Args:
            model: The model as it is trained.
            inputs: The batch.
            num_items_in_batch: Items of the whole optimiser step.

        Returns:
            The loss of the batch, detached.

        Raises:
            MemoryExhaustedError: When memory runs out even row by row.
        """
        note = self._note()
        if not self._can_retry(model):
            self._begin(note)
            whole: Tensor = super().training_step(model, inputs, num_items_in_batch)
            return whole
        model.train()
        optimizer: Any = self.optimizer
        if callable(getattr(optimizer, "train", None)):  # a schedule-free optimiser
            optimizer.train()
        batch = MicroBatch(self._prepare_inputs(inputs), note, RandomState.now())

        def backward(batch: MicroBatch, pieces: int) -> Tensor:
            return self._backward(model, batch, num_items_in_batch, pieces)

        try:
            loss, failure = self._step.run(batch, backward, model.zero_grad, self.args.device)
        except MemoryExhaustedError as error:
            self._report_memory("train", batch.inputs, 0, error.reported)
            raise
        if failure is not None:
            self._report_memory("train", batch.inputs, *failure)
        if self.accelerator.sync_gradients:
            self._step.clear()
            average_gradients(model.parameters())
        return loss

    def _note(self) -> Any:
        """State that a subclass needs to run the coming batch again as it is run now."""
        return None

    def _begin(self, note: Any) -> None:
        """Prepare for a pass over a batch, perhaps not the first one; ``note`` is the result of `_note`."""

    def _can_retry(self, model: nn.Module) -> bool:
        if not self._can_retry_alone() or self.args.optim in _FUSED_OPTIMISERS:
            return False
        return self.args.world_size == 1 or isinstance(model, DistributedDataParallel)

    def _can_retry_alone(self) -> bool:
        """Whether one process may run a batch again, if no other process waits for it within the pass."""
        alone = not self.sharded and getattr(self.accelerator, "parallelism_config", None) is None
        # `auto_find_batch_size` needs the error itself.
        wanted = getattr(self.args, "oom_retry", True) and not self.args.auto_find_batch_size
        return wanted and alone and self.args.n_gpu <= 1

    def _backward(self, model: nn.Module, batch: MicroBatch, items: Tensor | int | None, pieces: int) -> Tensor:
        """Add the gradients of one batch, without synchronising with other processes; returns its loss."""
        self._begin(batch.note)
        total = torch.zeros((), device=self.args.device)
        silent: AbstractContextManager[Any] = (
            model.no_sync() if isinstance(model, DistributedDataParallel) else nullcontext()
        )
        with silent:
            cut = split(batch.inputs, pieces)
            if len(cut) > 1 and items is not None and self._by_items is None:
                self._by_items = self._divides_by_items(model, cut, items)
                self._begin(batch.note)  # discard what these passes noted
            weights = [self._weight(piece) for piece in cut]
            for piece, weight in zip(cut, weights, strict=True):
                if not weight and any(weights):
                    continue  # a mean over no labels is NaN
                share = self._share(weight / sum(weights) if any(weights) else 1 / len(cut), items)
                with self.compute_loss_context_manager():
                    loss: Any = self.compute_loss(model, piece, num_items_in_batch=items)
                self.accelerator.backward(loss * share)
                total = total + loss.detach() * share
        return total

    @torch.no_grad()
    def _divides_by_items(self, model: nn.Module, pieces: Sequence[dict[str, Any]], items: Tensor | int) -> bool:
        """Whether the loss is a sum divided by the items of the step, and so halves when their number doubles."""
        # A model that takes `num_items_in_batch` need not use it: the loss of most classifiers is a mean all the same.
        for piece in pieces:
            state, found = RandomState.now(), []
            for count in (items, 2 * items):
                state.restore()
                with self.compute_loss_context_manager():
                    loss: Any = self.compute_loss(model, dict(piece), num_items_in_batch=count)
                found.append(float(loss))
            state.restore()
            if math.isfinite(found[0]) and found[0] != 0:
                return abs(found[1]) < 0.75 * abs(found[0])
        return True  # all of them are 0, and the share has no effect

    def _share(self, weight: float, items: Tensor | int | None) -> float:
        """The factor of the loss of a piece; ``weight`` is its share of what a mean is over."""
        # As in the base, which then leaves the accumulation to the loss.
        taken = self.model_accepts_loss_kwargs and items is not None
        scaled = bool(taken or self.compute_loss_func) if self.loss_is_scaled_for_ga is None else self._by_items
        share = 1.0 if items is not None and self._by_items else weight
        return share if scaled else share / self.current_gradient_accumulation_steps

    def _weight(self, piece: Mapping[str, Any]) -> float:
        """The size of what a mean loss is over: integer labels that are not ignored, else rows."""
        labels = piece.get("labels")
        if not isinstance(labels, Tensor) or labels.is_floating_point():
            return float(rows_of(piece))
        return float((labels[..., 1:] if self._loss_shifts_labels else labels).ne(-100).sum())

    # ---- Evaluation ----

    def prediction_step(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> tuple[Any, Any, Any]:
        """Predict a batch as the base class does; in smaller pieces when memory runs out."""
        prepared: dict[str, Any] = self._prepare_inputs(inputs)
        step = super().prediction_step

        def forward(pieces: int) -> tuple[Any, Any, Any]:
            cut = split(prepared, pieces)
            weights = [self._weight(piece) for piece in cut] if len(cut) > 1 else [1.0]
            return _joined([step(model, piece, prediction_loss_only, ignore_keys) for piece in cut], weights)

        return self._in_pieces(prepared, forward)

    def _in_pieces(self, inputs: Mapping[str, Any], forward: Callable[[int], T]) -> T:
        """``forward(pieces)``, with 1 piece and twice as many each time that memory runs out in this process."""
        pieces, reported = 1, ""
        # A model that counts the items of a batch collects those of the other processes.
        counts = self.model_accepts_loss_kwargs or self.compute_loss_func is not None
        able = self._can_retry_alone() and (self.args.world_size == 1 or not counts)
        while True:
            try:
                result = forward(pieces)
                break
            except (RuntimeError, MemoryError) as error:
                if not able or not is_out_of_memory(error):
                    raise
                reported = str(error) or type(error).__name__
            # Outside the `except` block the error is freed, and with it the frames that held memory.
            if pieces >= rows_of(inputs):
                self._report_memory("eval", inputs, 0, reported)
                raise MemoryExhaustedError(reported)
            pieces *= 2
            empty_cache()
        if reported:
            self._report_memory("eval", inputs, pieces, reported)
        return result

    def evaluation_loop(self, dataloader: DataLoader[Any], *args: Any, **options: Any) -> Any:
        """Evaluate as the base class does, and share the records of memory that ran out with all processes."""
        known = len(self.out_of_memory)
        output = super().evaluation_loop(dataloader, *args, **options)
        if self.args.world_size > 1:
            own = self.args.process_index
            for process, event in gather_object([(own, asdict(event)) for event in self.out_of_memory[known:]]):
                if process != own:
                    self._record(OutOfMemory(**event))
        return output

    # ---- Reports ----

    def _report_memory(self, phase: str, inputs: Mapping[str, Any], pieces: int, message: str) -> None:
        """Record that memory ran out, and log it; ``pieces`` is as in `OutOfMemory`."""
        step, lines = self.state.global_step, message.splitlines() or [message]
        name = getattr(self.model, "main_input_name", "input_ids")
        shape = tuple(getattr(inputs.get(name), "shape", ()))[:2]
        self._record(OutOfMemory(step, phase, shape, pieces, lines[0][:200]))
        size = " x ".join(map(str, shape)) or "unknown size"
        end = f"succeeded in {pieces} pieces" if pieces else "failed even row by row"
        logger.warning("Memory ran out at step %d (%s) on a batch of %s; it %s.", step, phase, size, end)

    def _record(self, event: OutOfMemory) -> None:
        self.out_of_memory.append(event)
        for callback in self.callback_handler.callbacks:
            if isinstance(callback, OOMCallback):
                callback.record(event, self.args, self.state)


def _joined(parts: Sequence[tuple[Any, Any, Any]], weights: Sequence[float]) -> tuple[Any, Any, Any]:
    """Loss, logits and labels of a batch from those of its pieces; ``weights`` are the sizes of their means."""
    first, *others = parts
    if not others:
        return first
    loss, logits, labels = first
    if loss is not None:
        # A mean over no labels is NaN, and its weight is 0.
        counted = [(part[0], weight) for part, weight in zip(parts, weights, strict=True) if weight]
        total = sum(weights)
        loss = sum(value * (weight / total) for value, weight in counted) if counted else loss
    for _, more, targets in others:
        logits = None if logits is None else nested_concat(logits, more)
        labels = None if labels is None else nested_concat(labels, targets)
    return loss, logits, labels


__all__ = ["RetryingTrainer"]
