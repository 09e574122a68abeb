"""The four heads: the direct, fast reading of each task's own memory; and the base they share with the analyzers.

Notable: each reader declares its own inputs, in ``inputs``, so that the model runs all of them in one loop.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..configuration.component_sizes import ReaderSize
from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.labels import AFFECT, BENTHAM, EMOTIONS, REGRET_TYPES, SIGNED_BENTHAM, SURD, VERDICTS, VIEWS
from .context import Context
from .layers import Decoder, QueryTokens, Readout, StateProjection
from .outputs import BenthamOutput, EmotionOutput, RegretOutput, SURDOutput, VerdictOutput


class Reader(nn.Module):
    """Learned query tokens, one per label, that a decoder fills from a memory; registers carry the state.

    Args:
        config: Configuration of the model.
        component: Name of the sizes in ``config.components``.
        labels: Number of label tokens.
    """

    def __init__(self, config: RedHeartConfig, component: str, labels: int) -> None:
        super().__init__()
        self.size = config.size_of(component, ReaderSize)
        self.num_labels = labels
        self.queries = QueryTokens(config, labels + self.size.registers)
        self.decoder = Decoder(config, self.size)
        self.to_state = StateProjection(config, self.size.state)

    def read(self, memory: Tensor, mask: Tensor | None = None, start: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Fill the tokens.

        Args:
            memory: What is read; shape ``(batch, tokens, hidden)``.
            mask: See `Attention.forward`.
            start: What an earlier reading found, added to the label queries; shape ``(batch, labels, hidden)``.

        Returns:
            The label tokens, ``(batch, labels, hidden)``, and the state, ``(batch, hidden)``.
        """
        queries = self.queries(memory.shape[0])
        if start is not None:
            queries = torch.cat((queries[:, : self.num_labels] + start, queries[:, self.num_labels :]), dim=1)
        tokens = self.decoder(queries, memory, mask)
        return tokens[:, : self.num_labels], self.to_state(tokens[:, self.num_labels :])

    def inputs(self, context: Context) -> tuple[Any, ...]:
        """Return the arguments of ``forward``, taken from what the context has when this component runs."""
        raise NotImplementedError


class Head(Reader):
    """A reader of the memory of one task."""

    task: ClassVar[str]

    def inputs(self, context: Context) -> tuple[Any, ...]:
        """Return the task's memory (batch, tokens, hidden) and the importance of its tokens (batch, 1, 1, tokens)."""
        return context.memories[self.task], context.bias

    def parts(self, reading: Any) -> dict[str, Any]:
        """Return the fields of `RedHeartOutput` that the reading fills at ``depth="fast"``."""
        return {self.task: reading}


class EmotionHead(Head):
    """28 emotions, their intensity, and valence, arousal, dominance."""

    task = "emotion"

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__(config, "emotion_head", len(EMOTIONS))
        self.readout = Readout(config, self.size.readout, len(EMOTIONS), values=2)
        self.affect_readout = Readout(config, self.size.readout, labels=1, values=len(AFFECT))

    def forward(self, memory: Tensor, bias: Tensor) -> tuple[EmotionOutput, Tensor]:
        """Read the emotions.

        Args:
            memory: Memory of the task; shape ``(batch, tokens, hidden)``.
            bias: Importance of its tokens; shape ``(batch, 1, 1, tokens)``.

        Returns:
            The reading, and the label tokens, ``(batch, 28, hidden)``, for the analyzer.
        """
        tokens, state = self.read(memory, bias)
        logits, intensity = self.readout(tokens).unbind(-1)
        valence, others = self.affect_readout(state.unsqueeze(1)).squeeze(1).split((1, len(AFFECT) - 1), dim=-1)
        affect = torch.cat((valence.tanh(), others.sigmoid()), dim=-1)
        return EmotionOutput(logits=logits, intensity=intensity.sigmoid(), affect=affect, state=state), tokens


class BenthamHead(Head):
    """Ten dimensions."""

    task = "bentham"

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__(config, "bentham_head", len(BENTHAM))
        self.readout = Readout(config, self.size.readout, len(BENTHAM))

    def forward(self, memory: Tensor, bias: Tensor) -> tuple[BenthamOutput, Tensor]:
        """Read the dimensions.

        Args:
            memory: Memory of the task; shape ``(batch, tokens, hidden)``.
            bias: Importance of its tokens; shape ``(batch, 1, 1, tokens)``.

        Returns:
            The reading, and the label tokens, ``(batch, 10, hidden)``, for the calculator.
        """
        tokens, state = self.read(memory, bias)
        logits = self.readout(tokens).squeeze(-1)
        return BenthamOutput(mean=bentham_range(logits), logits=logits, state=state), tokens


class RegretHead(Head):
    """Seven types of regret, each for three views."""

    task = "regret"

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__(config, "regret_head", len(REGRET_TYPES))
        self.readout = Readout(config, self.size.readout, len(REGRET_TYPES), values=len(VIEWS))

    def forward(self, memory: Tensor, bias: Tensor) -> tuple[RegretOutput, Tensor]:
        """Read the types of regret.

        Args:
            memory: Memory of the task; shape ``(batch, tokens, hidden)``.
            bias: Importance of its tokens; shape ``(batch, 1, 1, tokens)``.

        Returns:
            The reading, and the type tokens, ``(batch, 7, hidden)``, for the analyzer.
        """
        tokens, state = self.read(memory, bias)
        logits = self.readout(tokens)
        return RegretOutput(scores=logits.tanh(), logits=logits, state=state), tokens


class SURDHead(Head):
    """The verdict, read directly, and the four parts of the information about it, as the analyzer would find them."""

    task = "surd"

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__(config, "surd_head", len(SURD) + len(VERDICTS))
        self.readout = Readout(config, self.size.readout, len(SURD) + len(VERDICTS))

    def forward(self, memory: Tensor, bias: Tensor) -> tuple[SURDOutput, Tensor]:
        """Read the verdict and the parts.

        Args:
            memory: Memory of the task; shape ``(batch, tokens, hidden)``.
            bias: Importance of its tokens; shape ``(batch, 1, 1, tokens)``.

        Returns:
            The reading, and the tokens of its parts and verdicts, ``(batch, 9, hidden)``.
        """
        tokens, state = self.read(memory, bias)
        bits, determined, verdict = self.readout(tokens).squeeze(-1).split((len(SURD) - 1, 1, len(VERDICTS)), dim=-1)
        parts = torch.cat((nn.functional.softplus(bits), determined.sigmoid()), dim=-1)
        return SURDOutput(parts=parts, verdict_logits=verdict, state=state), tokens

    def parts(self, reading: Any) -> dict[str, Any]:
        """Return the fields of the base class, and the verdict."""
        return {**super().parts(reading), "verdict": VerdictOutput(logits=reading.verdict_logits)}


def bentham_range(logits: Tensor) -> Tensor:
    """Bring logits (..., 10) to the range of each dimension: -1..1 where it is signed, else 0..1; same shape."""
    signed = torch.tensor([name in SIGNED_BENTHAM for name in BENTHAM], device=logits.device)
    return torch.where(signed, logits.tanh(), logits.sigmoid())


__all__ = ["BenthamHead", "EmotionHead", "Head", "Reader", "RegretHead", "SURDHead", "bentham_range"]
