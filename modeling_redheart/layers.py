"""The two building blocks, an encoder layer and a decoder layer, and what they are made of.

Notable: every matrix is a plain linear layer, so that quantisation, adapters and offloading reach all of them;
attention takes an additive bias per memory token; the norms of the native backbone depend on the text.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from ..configuration.component_sizes import DecoderSize, OneLayerSize
from ..configuration.configuration_redheart import RedHeartConfig

# Rows up to which the oneDNN kernel reads a float32 weight matrix faster than the default one (`redheart bench`).
_FEW_ROWS = 128


class Linear(nn.Linear):
    """`torch.nn.Linear` with a faster kernel for few rows on the CPU.

    The modules behind the latent memory multiply a handful of query tokens with large matrices: there the time is that
    of reading the weights, and oneDNN's kernel reads them about twice as fast as the default one. Equal up to rounding.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the product (..., outputs) of ``input`` (..., inputs), with the bias."""
        if _few_rows_on_cpu(input, self.weight):
            output: Tensor = torch.ops.mkldnn._linear_pointwise(input, self.weight, self.bias, "none", [], "")
            return output
        return F.linear(input, self.weight, self.bias)


def _few_rows_on_cpu(input: Tensor, weight: Tensor) -> bool:
    return (
        not torch.compiler.is_compiling()
        and not torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
        and type(weight) in (Tensor, nn.Parameter)
        and input.dtype is torch.float32
        and weight.dtype is torch.float32
        and input.device.type == "cpu"
        and 0 < input.numel() <= _FEW_ROWS * input.shape[-1]
        and torch.backends.mkldnn.is_available()
    )


class RMSNorm(nn.Module):
    """Root-mean-square norm (Zhang & Sennrich 2019, arXiv:1910.07467), in float32 whatever the weights are."""

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(config.hidden_size))
        self.eps = config.norm_eps

    def forward(self, hidden: Tensor) -> Tensor:
        """Return ``hidden`` (..., hidden) normalised and scaled; same shape."""
        return self.weight * unit_rms(hidden, self.eps)


def unit_rms(hidden: Tensor, eps: float) -> Tensor:
    """Scale ``hidden`` (..., width) to a root mean square of 1 along its last dimension; same shape and dtype."""
    wide = hidden.float()
    return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps)).to(hidden.dtype)


class AdaptiveNorm(nn.Module):
    """A norm whose scale and shift depend on a summary of the text, through a low-rank map.

    Conditional normalisation as in FiLM (Perez et al. 2018, arXiv:1709.07871), over an RMS norm.
    """

    def __init__(self, config: RedHeartConfig, rank: int) -> None:
        super().__init__()
        self.down = Linear(config.hidden_size, rank)
        self.up = Linear(rank, 2 * config.hidden_size)
        self.eps = config.norm_eps

    def forward(self, hidden: Tensor, summary: Tensor) -> Tensor:
        """Normalise.

        Args:
            hidden: States of the tokens; shape ``(batch, tokens, hidden)``.
            summary: Summary of each text; shape ``(batch, hidden)``.

        Returns:
            The normalised states, in the shape of ``hidden``.
        """
        scale, shift = self.up(F.silu(self.down(summary))).unsqueeze(1).chunk(2, dim=-1)
        return unit_rms(hidden, self.eps) * (1 + scale) + shift


class Attention(nn.Module):
    """Multi-head attention of queries over a memory, or of tokens over themselves (Vaswani et al. 2017)."""

    is_causal = False  # without it, sdpa would be causal when there is no padding

    def __init__(self, config: RedHeartConfig, heads: int, bias: bool = False) -> None:
        super().__init__()
        self.config = config
        self.head_dim = config.head_dim
        width = heads * config.head_dim
        self.q_proj = Linear(config.hidden_size, width, bias=False)
        self.k_proj = Linear(config.hidden_size, width, bias=False)
        self.v_proj = Linear(config.hidden_size, width, bias=False)
        self.o_proj = Linear(width, config.hidden_size, bias=bias)

    def forward(
        self,
        hidden: Tensor,
        memory: Tensor | None = None,
        mask: Tensor | None = None,
        rotary: tuple[Tensor, Tensor] | None = None,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend.

        Args:
            hidden: The queries; shape ``(batch, queries, hidden)``.
            memory: What they attend to, ``(batch, tokens, hidden)``; by default ``hidden`` itself.
            mask: Bool (True is visible) or additive float, broadcast to ``(batch, heads, queries, tokens)``.
            rotary: Cosine and sine for queries and keys, ``(1, 1, tokens, head_dim)`` each.
            **kwargs: Passed on to the attention implementation.

        Returns:
            The result in the shape of ``hidden``, and the attention weights where the implementation returns them.
        """
        source = hidden if memory is None else memory
        query = self._split(self.q_proj(hidden))
        key = self._split(self.k_proj(source))
        value = self._split(self.v_proj(source))
        if rotary is not None:
            query, key = rotate(query, *rotary), rotate(key, *rotary)
        attend: Callable[..., tuple[Tensor, Tensor | None]] = ALL_ATTENTION_FUNCTIONS.get_interface(
            self.config._attn_implementation, eager_attention
        )
        dropout = self.config.attention_dropout if self.training else 0.0
        attended, weights = attend(
            self, query, key, value, mask, dropout=dropout, scaling=self.head_dim**-0.5, **kwargs
        )
        # Not `flatten`, which cannot be exported to ONNX where the fused kernel leaves the heads in another order.
        return self.o_proj(attended.reshape(*attended.shape[:2], -1)), weights

    def _split(self, projected: Tensor) -> Tensor:
        return projected.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)


def eager_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    **kwargs: Any,
) -> tuple[Tensor, Tensor]:
    """Attention in plain operations, which can return its weights.

    Args:
        module: The module that attends; its training mode decides on dropout.
        query: Queries; shape ``(batch, heads, queries, head_dim)``.
        key: Keys; shape ``(batch, heads, tokens, head_dim)``.
        value: Values; shape ``(batch, heads, tokens, head_dim)``.
        attention_mask: Bool (True is visible) or additive float, broadcast to the weights; None for all visible.
        scaling: Factor of the scores.
        dropout: Share of the weights that is dropped in training.
        **kwargs: Ignored.

    Returns:
        The result, ``(batch, queries, heads, head_dim)``, and the weights, ``(batch, heads, queries, tokens)``.
    """
    scores = query @ key.transpose(-1, -2) * scaling
    if attention_mask is not None:
        if attention_mask.dtype is torch.bool:
            scores = scores.masked_fill(~attention_mask, torch.finfo(scores.dtype).min)
        else:
            scores = scores + attention_mask.to(scores.dtype)
    weights = scores.softmax(dim=-1, dtype=torch.float32).to(query.dtype)
    dropped = F.dropout(weights, p=dropout, training=module.training)
    return (dropped @ value).transpose(1, 2).contiguous(), weights


def rotary_angles(config: RedHeartConfig, length: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Compute cosine and sine of rotary positions (Su et al. 2021, arXiv:2104.09864).

    They are computed from the config at every call, so that there is no buffer to lose on meta-device loading.

    Args:
        config: Has the base of the angles and the width of a head.
        length: Number of positions.
        like: A tensor of the device and dtype to return.

    Returns:
        Cosine and sine; shape ``(1, 1, length, head_dim)`` each.
    """
    theta = float((config.rope_parameters or {}).get("rope_theta", config.default_theta))
    exponent = torch.arange(0, config.head_dim, 2, device=like.device, dtype=torch.float32) / config.head_dim
    angles = torch.arange(length, device=like.device, dtype=torch.float32)[:, None] * theta ** (-exponent)
    angles = torch.cat((angles, angles), dim=-1)[None, None]
    return angles.cos().to(like.dtype), angles.sin().to(like.dtype)


def rotate(states: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turn each pair of features of ``states`` (batch, heads, tokens, head_dim) by its position's angle."""
    first, second = states.chunk(2, dim=-1)
    return states * cosine + torch.cat((-second, first), dim=-1) * sine


class FeedForward(nn.Module):
    """Gated feed-forward, SwiGLU (Shazeer 2020, arXiv:2002.05202)."""

    def __init__(self, config: RedHeartConfig, intermediate: int) -> None:
        super().__init__()
        self.gate_proj = Linear(config.hidden_size, intermediate)
        self.up_proj = Linear(config.hidden_size, intermediate)
        self.down_proj = Linear(intermediate, config.hidden_size)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the transformed ``hidden`` (..., hidden), in the same shape."""
        return self.down_proj(F.silu(self.gate_proj(hidden)) * self.up_proj(hidden))


class EncoderLayer(GradientCheckpointingLayer):
    """Building block one: pre-norm self-attention and a gated feed-forward.

    Args:
        config: Configuration of the model.
        heads: Number of attention heads.
        intermediate: Width of the feed-forward.
        norm_rank: Rank of adaptive norms, to which the caller then gives a summary of the text; None takes plain norms.
        bias: Whether the attention's output projection has a bias.
    """

    def __init__(
        self, config: RedHeartConfig, heads: int, intermediate: int, norm_rank: int | None = None, bias: bool = False
    ) -> None:
        super().__init__()
        self.attention_norm = RMSNorm(config) if norm_rank is None else AdaptiveNorm(config, norm_rank)
        self.attention = Attention(config, heads, bias)
        self.feed_forward_norm = RMSNorm(config) if norm_rank is None else AdaptiveNorm(config, norm_rank)
        self.feed_forward = FeedForward(config, intermediate)
        self.dropout = nn.Dropout(config.hidden_dropout)

    def forward(
        self,
        hidden: Tensor,
        *condition: Tensor,
        mask: Tensor | None = None,
        rotary: tuple[Tensor, Tensor] | None = None,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor | None]:
        """Update the states of the tokens.

        Args:
            hidden: States of the tokens; shape ``(batch, tokens, hidden)``.
            *condition: Summary of each text, ``(batch, hidden)``, where the norms are adaptive; nothing otherwise.
            mask: See `Attention.forward`.
            rotary: See `Attention.forward`.
            **kwargs: Passed on to the attention implementation.

        Returns:
            The new states, in the same shape, and the attention weights where the implementation returns them.
        """
        attended, weights = self.attention(self.attention_norm(hidden, *condition), mask=mask, rotary=rotary, **kwargs)
        hidden = hidden + self.dropout(attended)
        hidden = hidden + self.dropout(self.feed_forward(self.feed_forward_norm(hidden, *condition)))
        return hidden, weights


class DecoderLayer(GradientCheckpointingLayer):
    """Building block two: self-attention among the queries, cross-attention to a memory, gated feed-forward."""

    def __init__(self, config: RedHeartConfig, heads: int, intermediate: int) -> None:
        super().__init__()
        self.attention_norm = RMSNorm(config)
        self.attention = Attention(config, heads)
        self.cross_norm = RMSNorm(config)
        self.cross_attention = Attention(config, heads)
        self.feed_forward_norm = RMSNorm(config)
        self.feed_forward = FeedForward(config, intermediate)
        self.dropout = nn.Dropout(config.hidden_dropout)

    def forward(self, queries: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
        """Update the queries from the memory.

        Args:
            queries: States of the queries; shape ``(batch, queries, hidden)``.
            memory: What they attend to; shape ``(batch, tokens, hidden)``.
            mask: Of the memory; see `Attention.forward`.

        Returns:
            The new states, in the shape of ``queries``.
        """
        attended, _ = self.attention(self.attention_norm(queries))
        queries = queries + self.dropout(attended)
        attended, _ = self.cross_attention(self.cross_norm(queries), memory, mask)
        queries = queries + self.dropout(attended)
        return queries + self.dropout(self.feed_forward(self.feed_forward_norm(queries)))


class Decoder(nn.Module):
    """Decoder layers and a norm."""

    def __init__(self, config: RedHeartConfig, size: DecoderSize | OneLayerSize) -> None:
        super().__init__()
        self.layers = nn.ModuleList(DecoderLayer(config, size.heads, size.intermediate) for _ in range(size.layers))
        self.norm = RMSNorm(config)

    def forward(self, queries: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
        """Update the queries from the memory; see `DecoderLayer.forward`."""
        for layer in self.layers:
            queries = layer(queries, memory, mask)
        return self.norm(queries)


class QueryTokens(nn.Module):
    """Learned tokens that a decoder fills."""

    def __init__(self, config: RedHeartConfig, count: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(count, config.hidden_size))

    def forward(self, batch: int) -> Tensor:
        """Return the tokens for each text; shape (batch, count, hidden)."""
        return self.weight.expand(batch, -1, -1)


class Readout(nn.Module):
    """Reads numbers per label, each label from its own token with its own weights.

    Args:
        config: Configuration of the model.
        width: Width of the hidden layer.
        labels: Number of labels.
        values: Numbers per label.
        bias: Whether the last layer has a bias.
    """

    def __init__(self, config: RedHeartConfig, width: int, labels: int, values: int = 1, bias: bool = True) -> None:
        super().__init__()
        self.labels, self.values = labels, values
        self.hidden = Linear(config.hidden_size, width)
        self.out = Linear(width, labels * values, bias=bias)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the numbers (batch, labels, values) of ``tokens`` (batch, labels, hidden)."""
        every = self.out(F.gelu(self.hidden(tokens))).unflatten(-1, (self.labels, self.values))
        return every.diagonal(dim1=1, dim2=2).transpose(1, 2)


class StateProjection(nn.Module):
    """Brings a module's registers to the state that the bridge reads: their mean, refined through a bottleneck."""

    def __init__(self, config: RedHeartConfig, width: int) -> None:
        super().__init__()
        self.down = Linear(config.hidden_size, width)
        self.up = Linear(width, config.hidden_size)
        self.norm = RMSNorm(config)

    def forward(self, registers: Tensor) -> Tensor:
        """Return the state (batch, hidden) of ``registers`` (batch, registers, hidden)."""
        pooled = registers.mean(dim=1)
        return self.norm(pooled + self.up(F.gelu(self.down(pooled))))


def masked_mean(hidden: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of ``hidden`` (batch, tokens, hidden) where ``mask`` (batch, tokens) is True; 0 for no token."""
    weight = mask.to(hidden.dtype).unsqueeze(-1)
    return (hidden * weight).sum(1) / weight.sum(1).clamp(min=1)


__all__ = [
    "AdaptiveNorm",
    "Attention",
    "Decoder",
    "DecoderLayer",
    "EncoderLayer",
    "FeedForward",
    "Linear",
    "QueryTokens",
    "RMSNorm",
    "Readout",
    "StateProjection",
    "masked_mean",
    "rotary_angles",
    "unit_rms",
]
