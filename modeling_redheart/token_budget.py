"""Token budget: how much each token matters, and which ones are kept.

Notable: the importance is a soft gate on every later cross-attention (so it is learned from all tasks) and the
rationale that is returned; with a budget of k tokens it also bounds the memory and time of everything that follows.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..configuration.component_sizes import TokenBudgetSize
from ..configuration.configuration_redheart import RedHeartConfig
from .layers import Decoder, Linear, QueryTokens
from .outputs import TokenBudgetOutput


class TokenBudget(nn.Module):
    """Compares every token with what a few queries found in the whole text."""

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__()
        size = config.size_of("token_budget", TokenBudgetSize)
        self.queries = QueryTokens(config, size.registers)
        self.decoder = Decoder(config, size)
        self.wanted = Linear(config.hidden_size, size.readout)
        self.offered = Linear(config.hidden_size, size.readout, bias=False)  # a bias would shift all tokens alike
        self.scale = size.readout**-0.5

    def forward(self, memory: Tensor, mask: Tensor, budget: int | None) -> TokenBudgetOutput:
        """Rate the tokens and select those to keep.

        Args:
            memory: Memory of the tokens; shape ``(batch, tokens, hidden)``.
            mask: True where there is text; shape ``(batch, tokens)``.
            budget: Maximum number of tokens to keep; None for all.

        Returns:
            The importance of each token, and the tokens that are kept.
        """
        found = self.decoder(self.queries(memory.shape[0]), memory, mask[:, None, None, :])
        wanted = self.wanted(found).mean(dim=1, keepdim=True)
        logits = (self.offered(memory) * wanted).sum(dim=-1) * self.scale
        lowest = torch.finfo(logits.dtype).min
        # The logarithm of a sigmoid, precise also in onnxruntime, whose sigmoid is a rational approximation.
        gate = (-F.softplus(-logits)).masked_fill(~mask, lowest)
        if budget is None or budget >= memory.shape[1]:
            kept = torch.arange(memory.shape[1], device=memory.device).expand(memory.shape[0], -1)
        else:
            kept = gate.topk(budget, dim=1).indices.sort(dim=1).values
        return TokenBudgetOutput(
            importance=torch.sigmoid(logits).masked_fill(~mask, 0),
            kept=kept,
            bias=gate.gather(1, kept)[:, None, None, :],
        )


def keep_tokens(memories: Tensor, kept: Tensor) -> Tensor:
    """Select the kept tokens.

    Args:
        memories: Memory of each task; shape ``(batch, tasks, tokens, hidden)``.
        kept: Positions of the tokens to keep; shape ``(batch, kept tokens)``.

    Returns:
        The memories of the kept tokens; shape ``(batch, tasks, kept tokens, hidden)``.
    """
    if kept.shape[1] == memories.shape[2]:
        return memories
    index = kept[:, None, :, None].expand(-1, memories.shape[1], -1, memories.shape[3])
    return memories.gather(2, index)


__all__ = ["TokenBudget", "keep_tokens"]
