"""Models of which each process holds a part: what must then be equal in all processes, and what is not supported.

Notable: a sharded model fetches weights from the other processes within every pass. So all of them must run the same
modules, and the same number of passes; otherwise they wait for each other forever.
"""

from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.fsdp import FSDPModule

from .arguments import RedHeartTrainingArguments


def refuse_whole_weights(args: RedHeartTrainingArguments, at_load: bool) -> None:
    """Refuse options that need whole weights.

    Args:
        args: The training arguments.
        at_load: Whether the model was sharded by `from_pretrained`.

    Raises:
        ValueError: When such an option is set.
    """
    if args.ema_decay is not None:
        raise ValueError(
            "`ema_decay` averages whole weights, but here each process has only a part of them (FSDP, DeepSpeed or "
            "DistributedConfig); leave it out."
        )
    if at_load and args.load_best_model_at_end:
        raise ValueError(
            "`load_best_model_at_end` cannot restore a checkpoint into a model that was sharded when it was loaded; "
            "set it to False, and load the best checkpoint afterwards."
        )


def reshard(model: nn.Module) -> None:
    """Release the weights that an evaluation gathered, so that the parameters are this process's part again.

    The outermost part stays gathered after a pass without gradients. An optimiser made then would be given the gathered
    weights, which the next pass overwrites: it would run, and nothing would be learned.

    Args:
        model: The model.
    """
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.reshard()


def in_any_process(names: Sequence[str], known: Sequence[str], device: torch.device) -> tuple[str, ...]:
    """Return those of the ``known`` names, in their order, that any process has in ``names``; all must call it."""
    held = torch.tensor([name in names for name in known], device=device).int()
    if dist.is_initialized():
        dist.all_reduce(held, op=dist.ReduceOp.MAX)
    return tuple(name for name, there in zip(known, held.tolist(), strict=True) if there)


def even_out(batches: Sequence[Sequence[int]], multiple: int) -> list[list[int]]:
    """Split the largest batches in two until the number of batches is a multiple of ``multiple``.

    Args:
        batches: Places of the units of each batch.
        multiple: Number of processes.

    Returns:
        The batches.

    Raises:
        ValueError: When there are too few units for that.
    """
    cut = [list(batch) for batch in batches]
    while len(cut) % multiple:
        place = max(range(len(cut)), key=lambda number: len(cut[number]))
        batch = cut[place]
        if len(batch) < 2:
            raise ValueError(
                f"{sum(map(len, cut))} units cannot be divided evenly among {multiple} processes, as a sharded model "
                "needs: evaluate on more units."
            )
        cut[place : place + 1] = [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
    return cut


__all__ = ["even_out", "in_any_process", "refuse_whole_weights", "reshard"]
