"""Emotion analyzer: the course of the emotions through the text, and 112 nuances.

Notable: the recurrence is made of linear layers, and an empty segment passes the state on unchanged, so that neither
padding nor a short text changes the result; the four levels of an emotion are monotone by construction.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..configuration.component_sizes import RecurrentReaderSize
from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.labels import EMOTIONS, NUANCE_LEVELS
from .context import Context
from .heads import Reader
from .layers import Linear, Readout
from .outputs import EmotionOutput


class GatedRecurrence(nn.Module):
    """One direction of a gated recurrent unit (Cho et al. 2014, arXiv:1406.1078), of two linear layers."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.from_input = Linear(inputs, 3 * width)
        self.from_state = Linear(width, 3 * width)

    def forward(self, inputs: Tensor, mask: Tensor, backward: bool) -> Tensor:
        """Run the recurrence.

        Args:
            inputs: What each step reads; shape ``(batch, steps, inputs)``.
            mask: False where the state is passed on unchanged; shape ``(batch, steps)``.
            backward: Run from the last step to the first.

        Returns:
            The state after each step; shape ``(batch, steps, width)``.
        """
        gates = self.from_input(inputs)
        state = gates.new_zeros(inputs.shape[0], self.width)
        steps = range(inputs.shape[1])
        states: list[Tensor] = [state] * inputs.shape[1]
        for step in reversed(steps) if backward else steps:
            reset, update, candidate = gates[:, step].chunk(3, dim=-1)
            reset_state, update_state, candidate_state = self.from_state(state).chunk(3, dim=-1)
            update = torch.sigmoid(update + update_state)
            candidate = torch.tanh(candidate + torch.sigmoid(reset + reset_state) * candidate_state)
            state = torch.where(mask[:, step, None], torch.lerp(candidate, state, update), state)
            states[step] = state
        return torch.stack(states, dim=1)


class BidirectionalGRU(nn.Module):
    """Three layers of gated recurrence in both directions, brought back to the width of the model."""

    num_layers = 3

    def __init__(self, config: RedHeartConfig, width: int) -> None:
        super().__init__()
        widths = [config.hidden_size] + [2 * width] * (self.num_layers - 1)
        self.forward_layers = nn.ModuleList(GatedRecurrence(inputs, width) for inputs in widths)
        self.backward_layers = nn.ModuleList(GatedRecurrence(inputs, width) for inputs in widths)
        self.projection = Linear(2 * width, config.hidden_size)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Run the layers in both directions.

        Args:
            states: What each step reads; shape ``(batch, steps, hidden)``.
            mask: False for an empty step; shape ``(batch, steps)``.

        Returns:
            ``states`` plus what the recurrence adds; shape ``(batch, steps, hidden)``.
        """
        hidden = states
        for ahead, back in zip(self.forward_layers, self.backward_layers, strict=True):
            hidden = torch.cat((ahead(hidden, mask, backward=False), back(hidden, mask, backward=True)), dim=-1)
        return states + self.projection(hidden)


class NeuralEmotionAnalyzer(Reader):
    """Follows the emotions over the segments of the text and grades each of the 28 in four levels."""

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__(config, "emotion_analyzer", len(EMOTIONS))
        self.num_segments = config.num_segments
        width = config.size_of("emotion_analyzer", RecurrentReaderSize).recurrent
        self.recurrence = BidirectionalGRU(config, width)
        self.nuance_readout = Readout(config, self.size.readout, len(EMOTIONS), values=len(NUANCE_LEVELS))
        self.arc_hidden = Linear(config.hidden_size, self.size.readout)
        self.arc_out = Linear(self.size.readout, len(EMOTIONS))

    def inputs(self, context: Context) -> tuple[Any, ...]:
        """Return the head's reading and label tokens, the emotion task's memory and its segments, and the latents."""
        head, tokens = context.readings["emotion_head"], context.tokens["emotion_head"]
        return head, tokens, context.memories["emotion"], context.segments, context.latents

    def forward(
        self, head: EmotionOutput, label_tokens: Tensor, memory: Tensor, segments: Tensor, latents: Tensor
    ) -> EmotionOutput:
        """Refine the head's reading.

        Args:
            head: The head's reading.
            label_tokens: The head's tokens; shape ``(batch, 28, hidden)``.
            memory: The emotion task's memory; shape ``(batch, tokens, hidden)``.
            segments: Index of each token's segment, -1 for padding; shape ``(batch, tokens)``.
            latents: Latent memory of the text; shape ``(batch, latents, hidden)``.

        Returns:
            The refined reading, with the nuances and the arc.
        """
        states, mask = segment_means(memory, segments, self.num_segments)
        arc_states = self.recurrence(states, mask)
        everything = torch.cat((arc_states, latents), dim=1)
        visible = torch.cat((mask, mask.new_ones(latents.shape[:2])), dim=1)[:, None, None, :]
        tokens, state = self.read(everything, visible, start=label_tokens)
        first, *gaps = self.nuance_readout(tokens).unbind(-1)
        logits = head.logits + first
        falls = torch.stack([torch.zeros_like(first), *(F.softplus(gap) for gap in gaps)], dim=-1).cumsum(dim=-1)
        return EmotionOutput(
            logits=logits,
            intensity=head.intensity,
            affect=head.affect,
            nuance_logits=logits.unsqueeze(-1) - falls,
            arc_logits=self.arc_out(F.gelu(self.arc_hidden(arc_states))),
            arc_mask=mask,
            state=state,
        )


def arc_text_logits(emotion: EmotionOutput) -> Tensor:
    """Reduce the arc to logits of the whole text.

    An emotion of the text is an emotion of at least one segment: a soft maximum over the segments.

    Args:
        emotion: A reading of the analyzer, with its arc.

    Returns:
        Logits, ``(batch, 28)``; 0 where a text is all padding and has no segment.
    """
    mask = emotion.arc_mask
    arc = emotion.arc_logits.masked_fill(~mask.unsqueeze(-1), torch.finfo(emotion.arc_logits.dtype).min)
    pooled = arc.logsumexp(dim=1) - mask.sum(1, keepdim=True).clamp(min=1).log()
    return pooled.masked_fill(~mask.any(dim=1, keepdim=True), 0)


def segment_index(mask: Tensor, segments: int) -> Tensor:
    """Find the segment of each token.

    Args:
        mask: True where there is text, padded on either side; shape ``(batch, tokens)``.
        segments: Number of equal pieces that the text is divided into.

    Returns:
        Which piece each token is in, -1 for padding; shape ``(batch, tokens)``.
    """
    position = mask.long().cumsum(dim=1) - 1
    length = mask.long().sum(dim=1, keepdim=True).clamp(min=1)
    return torch.where(mask, position * segments // length, -1)


def segment_means(memory: Tensor, segments: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Average a memory over each segment.

    Args:
        memory: What is averaged; shape ``(batch, tokens, hidden)``.
        segments: Index of each token's segment, -1 for padding; shape ``(batch, tokens)``.
        count: Number of segments.

    Returns:
        The means, ``(batch, count, hidden)``, and which segments are not empty, bool ``(batch, count)``.
    """
    member = segments.unsqueeze(1) == torch.arange(count, device=segments.device)[None, :, None]
    sizes = member.sum(dim=2)
    means = member.to(memory.dtype) @ memory / sizes.clamp(min=1).unsqueeze(-1)
    return means.to(memory.dtype), sizes > 0


__all__ = [
    "BidirectionalGRU",
    "GatedRecurrence",
    "NeuralEmotionAnalyzer",
    "arc_text_logits",
    "segment_index",
    "segment_means",
]
