"""Gradients of several processes, averaged after the backward pass.

Notable: unlike the buckets that `DistributedDataParallel` sends during its backward pass, nothing is sent before every
process has finished, so that a process which runs out of memory can report it instead of leaving the others waiting;
and processes whose batches used different modules need not agree on anything.
"""

from collections.abc import Iterable, Iterator

import torch
import torch.distributed as dist
from torch import Tensor, nn

BUCKET_BYTES = 25 * 2**20


def largest(value: int, device: torch.device) -> int:
    """Return the largest ``value`` of all processes, each of which must call it."""
    if not dist.is_available() or not dist.is_initialized() or dist.get_world_size() == 1:
        return value
    held = torch.tensor([value], device=device)
    dist.all_reduce(held, op=dist.ReduceOp.MAX)
    return int(held.item())


@torch.no_grad()
def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace each gradient by its mean over the processes; it stays None where no process has one.

    A process without a gradient that another has counts as 0 there. Every process must call it with the same parameters
    in the same order.

    Args:
        parameters: The parameters of the model.
    """
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    if not trained or not dist.is_initialized() or dist.get_world_size() == 1:
        return
    present = torch.tensor([parameter.grad is not None for parameter in trained], device=trained[0].device).int()
    dist.all_reduce(present, op=dist.ReduceOp.MAX)
    shared = [parameter for parameter, there in zip(trained, present.tolist(), strict=True) if there]
    for parameter in shared:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    for bucket in _buckets([parameter.grad for parameter in shared if parameter.grad is not None]):
        flat = torch.cat([gradient.flatten() for gradient in bucket])
        dist.all_reduce(flat)
        flat /= dist.get_world_size()
        start = 0
        for gradient in bucket:
            gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
            start += gradient.numel()


def _buckets(gradients: list[Tensor]) -> Iterator[list[Tensor]]:
    """Runs of gradients of one type, of about `BUCKET_BYTES`."""
    bucket: list[Tensor] = []
    size = 0
    for gradient in gradients:
        if bucket and (size >= BUCKET_BYTES or gradient.dtype != bucket[0].dtype):
            yield bucket
            bucket, size = [], 0
        bucket.append(gradient)
        size += gradient.numel() * gradient.element_size()
    if bucket:
        yield bucket


__all__ = ["average_gradients", "largest"]
