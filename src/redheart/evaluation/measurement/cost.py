"""The cost of a reading: response time of one text, memory of the weights."""

import time
from statistics import median

import torch

from ...modeling_redheart.modeling_redheart import RedHeartModel

TOKENS = 128
WARM_UP, RUNS = 3, 21


def cost(model: RedHeartModel) -> dict[str, float]:
    """Median response time of one text of `TOKENS` tokens, all outputs, and the bytes of the weights, on this machine.

    A figure of one machine at one time; `redheart bench` measures it against a plain encoder, in turn.

    Args:
        model: The model.

    Returns:
        Figures by name: time in ms, tokens, threads, and weights in MB.
    """
    ids = torch.randint(5, model.config.vocab_size, (1, TOKENS), generator=torch.Generator().manual_seed(0))
    ids = ids.to(model.device)
    times = []
    for _ in range(WARM_UP + RUNS):
        start = time.perf_counter()
        with torch.inference_mode():
            model(input_ids=ids)
        if model.device.type == "cuda":
            torch.cuda.synchronize()
        times.append(1000 * (time.perf_counter() - start))
    return {
        "response time, ms": median(times[WARM_UP:]),
        "tokens": TOKENS,
        "threads": torch.get_num_threads(),
        "weights, MB": model.get_memory_footprint() / 1e6,
    }


__all__ = ["TOKENS", "cost"]
