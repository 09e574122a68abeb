"""Models of which each process holds a part: what then must be alike in all processes, and what cannot be done.

Notable: a sharded model fetches weights from the other processes within every pass. So all of them must run the same
modules, and equally many passes; otherwise they wait for each other for ever.
"""

from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.fsdp import FSDPModule

from .arguments import RedHeartTrainingArguments


def refuse_whole_weights(args: RedHeartTrainingArguments, at_load: bool) -> None:
    """Raises `ValueError` for options that need whole weights. at_load: the model was sharded by `from_pretrained`."""
    if args.ema_decay is not None:
        raise ValueError(
            "`ema_decay` averages whole weights, of which each process has a part only here (FSDP, DeepSpeed or "
            "DistributedConfig); leave it out."
        )
    if at_load and args.load_best_model_at_end:
        raise ValueError(
            "`load_best_model_at_end` cannot put a checkpoint back into a model that was sharded when it was loaded; "
            "set it to False, and load the best checkpoint afterwards."
        )


def reshard(model: nn.Module) -> None:
    """Let go of the weights that an evaluation gathered, so that the model's parameters are this process's part again.

    The outermost part stays gathered after a pass without gradients. An optimiser made then would be given the gathered
    weights, which the next pass overwrites: it would run, and nothing would be learned.
    """
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.reshard()


def in_any_process(names: Sequence[str], known: Sequence[str], device: torch.device) -> tuple[str, ...]:
    """Those of the ``known`` names, in their order, that are among the ``names`` of any process. All must ask."""
    held = torch.tensor([name in names for name in known], device=device).int()
    if dist.is_initialized():
        dist.all_reduce(held, op=dist.ReduceOp.MAX)
    return tuple(name for name, there in zip(known, held.tolist(), strict=True) if there)


def even_out(batches: Sequence[Sequence[int]], multiple: int) -> list[list[int]]:
    """The batches, the largest of them cut in two until their number is a multiple of ``multiple``.

    Raises `ValueError` when there are too few units for that.
    """
    cut = [list(batch) for batch in batches]
    while len(cut) % multiple:
        place = max(range(len(cut)), key=lambda number: len(cut[number]))
        batch = cut[place]
        if len(batch) < 2:
            raise ValueError(
                f"{sum(map(len, cut))} units cannot be shared out alike among {multiple} processes, as a sharded model "
                "needs: evaluate on more of them."
            )
        cut[place : place + 1] = [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
    return cut


__all__ = ["even_out", "in_any_process", "refuse_whole_weights", "reshard"]
