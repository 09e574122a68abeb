"""The backbone: text in, layer states and one projected state per task out.

Notable: either the native encoder (rotary positions, pre-norm, norms that depend on the text) or any text encoder of
transformers; both give layer states of unit root mean square, so what follows does not see the difference.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel
from transformers.masking_utils import create_bidirectional_mask

from ..configuration.component_sizes import BackboneSize, EncoderBackboneSize
from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.labels import TASKS
from .layers import EncoderLayer, Linear, rotary_angles, unit_rms
from .outputs import BackboneOutput


class TextSummary(nn.Module):
    """Attention pooling of the token embeddings: the text's summary, on which the adaptive norms depend.

    Args:
        config: Configuration of the model.
        width: Width of the scorer's hidden layer.
        heads: Number of pieces of the features, each pooled with its own weights.
    """

    def __init__(self, config: RedHeartConfig, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.hidden = Linear(config.hidden_size, width)
        self.score = Linear(width, heads, bias=False)  # a bias would vanish in the softmax

    def forward(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Pool the embeddings.

        Args:
            embeddings: Token embeddings; shape ``(batch, tokens, hidden)``.
            mask: True where there is text; shape ``(batch, tokens)``.

        Returns:
            The summary; shape ``(batch, hidden)``.
        """
        scores = self.score(torch.tanh(self.hidden(embeddings)))
        weights = scores.masked_fill(~mask.unsqueeze(-1), torch.finfo(scores.dtype).min).softmax(dim=1)
        pieces = embeddings.unflatten(-1, (self.heads, -1))
        return (weights.unsqueeze(-1) * pieces).sum(dim=1).flatten(1)


class NativeEncoder(nn.Module):
    """Pre-norm encoder with rotary positions and adaptive norms."""

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__()
        size = config.size_of("backbone", BackboneSize)
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size, padding_idx=config.pad_token_id)
        self.summary = TextSummary(config, size.summary, size.summary_heads)
        self.layers = nn.ModuleList(
            EncoderLayer(
                config, config.num_attention_heads, config.intermediate_size, norm_rank=size.norm_rank, bias=True
            )
            for _ in range(config.num_hidden_layers)
        )

    def forward(
        self, input_ids: Tensor | None, attention_mask: Tensor, inputs_embeds: Tensor | None, **kwargs: Any
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Encode the text.

        Args:
            input_ids: Token ids, ``(batch, tokens)``; None where ``inputs_embeds`` is given.
            attention_mask: 1 where there is text; shape ``(batch, tokens)``.
            inputs_embeds: Embeddings in place of ids, ``(batch, tokens, hidden)``.
            **kwargs: Passed on to every layer.

        Returns:
            The embeddings and each layer's states, ``(batch, tokens, hidden)`` each, and the attention weights of each
            layer; there are none unless attention is eager.
        """
        hidden = self.embed_tokens(input_ids) if inputs_embeds is None else inputs_embeds
        summary = self.summary(hidden, attention_mask.bool())
        mask = create_bidirectional_mask(config=self.config, inputs_embeds=hidden, attention_mask=attention_mask)
        rotary = rotary_angles(self.config, hidden.shape[1], hidden)
        states: list[Tensor] = [hidden]
        attentions: list[Tensor] = []
        for layer in self.layers:
            hidden, weights = layer(hidden, summary, mask=mask, rotary=rotary, **kwargs)
            states.append(hidden)
            if weights is not None:
                attentions.append(weights)
        return tuple(states), tuple(attentions)


class PretrainedTextEncoder(nn.Module):
    """A text encoder of transformers, without its pooler, which nothing here would use."""

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__()
        encoder: Any = config.encoder_config
        check_encoder(encoder)
        self.num_states = config.num_layer_states
        self.model = AutoModel.from_config(encoder)
        if getattr(self.model, "pooler", None) is not None:
            self.model.pooler = None
        self.adapter = (
            nn.Identity()
            if encoder.hidden_size == config.hidden_size
            else Linear(encoder.hidden_size, config.hidden_size)
        )

    def forward(
        self, input_ids: Tensor | None, attention_mask: Tensor, inputs_embeds: Tensor | None, **kwargs: Any
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """As `NativeEncoder.forward`, at the width of this model; raise `ValueError` where a token has no state."""
        output = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            inputs_embeds=inputs_embeds,
            output_hidden_states=True,
            return_dict=True,
            **kwargs,
        )
        states = output.get("hidden_states") or ()
        if len(states) != self.num_states or any(state.shape[1] != attention_mask.shape[1] for state in states):
            shapes = ", ".join(str(tuple(state.shape[:2])) for state in states) or "none"
            raise _unsuitable(
                self.model.config,
                f"does not have a state of each token in each of {self.num_states} layers, the embeddings included, "
                f"but {shapes} of {tuple(attention_mask.shape)}",
            )
        return tuple(self.adapter(state) for state in states), tuple(output.get("attentions") or ())


def load_encoder(place: str) -> Any:
    """Return the text encoder at ``place`` in float32.

    Args:
        place: Path or hub id of the encoder.

    Returns:
        The encoder.

    Raises:
        ValueError: When the model is not a text encoder with attention; see `check_encoder`.
    """
    check_encoder(AutoConfig.from_pretrained(place))
    encoder: Any = AutoModel.from_pretrained(place, dtype=torch.float32)
    encoder.config.name_or_path = ""  # a local path means nothing where the model is loaded elsewhere
    return encoder


def check_encoder(config: Any) -> None:
    """Raise `ValueError` unless ``config`` is that of a text encoder with attention."""
    if config.is_encoder_decoder:
        raise _unsuitable(config, "is an encoder-decoder")
    for name in ("hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size"):
        if getattr(config, name, None) is None:
            raise _unsuitable(config, f"has no `{name}`")


@torch.no_grad()
def try_encoder(encoder: PretrainedTextEncoder) -> None:
    """Raise `ValueError` unless ``encoder`` gives a text the same states with and without padding."""
    config, training = encoder.model.config, encoder.training
    pad = config.pad_token_id or 0
    words = [token for token in range(min(8, config.vocab_size)) if token != pad]
    text = torch.tensor([words])
    padded = F.pad(text, (0, 3), value=pad)
    encoder.eval()
    try:
        alone, _ = encoder(text, torch.ones_like(text), None)
        followed, _ = encoder(padded, F.pad(torch.ones_like(text), (0, 3)), None)
    except (AttributeError, IndexError, RuntimeError, TypeError) as error:
        raise _unsuitable(config, f"cannot read just token ids and a mask ({error})") from error
    finally:
        encoder.train(training)
    if not torch.allclose(alone[-1], followed[-1][:, : len(words)], rtol=1e-3, atol=1e-3):
        raise _unsuitable(config, "reads a text differently when padding follows, despite the mask")


def _unsuitable(config: Any, reason: str) -> ValueError:
    return ValueError(
        f"`encoder_config` ({config.model_type}) {reason}; give that of a text encoder such as BERT, RoBERTa or "
        "ModernBERT."
    )


class TaskProjection(nn.Module):
    """One task's output projection of the backbone: a bottleneck around the last layer."""

    def __init__(self, config: RedHeartConfig, width: int) -> None:
        super().__init__()
        self.down = Linear(config.hidden_size, width)
        self.up = Linear(width, config.hidden_size)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return ``hidden`` (batch, tokens, hidden) plus its projection; same shape."""
        return hidden + self.up(F.gelu(self.down(hidden)))


class RedHeartBackbone(nn.Module):
    """Encodes the text and projects it for each task."""

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = NativeEncoder(config) if config.encoder_config is None else PretrainedTextEncoder(config)
        width = config.size_of("backbone", EncoderBackboneSize).projection
        self.projections = nn.ModuleList(TaskProjection(config, width) for _ in TASKS)

    def forward(
        self, input_ids: Tensor | None, attention_mask: Tensor, inputs_embeds: Tensor | None = None, **kwargs: Any
    ) -> BackboneOutput:
        """Encode and project the text.

        Args:
            input_ids: Token ids, ``(batch, tokens)``; None where ``inputs_embeds`` is given.
            attention_mask: 1 where there is text; shape ``(batch, tokens)``.
            inputs_embeds: Embeddings in place of ids, ``(batch, tokens, encoder width)``.
            **kwargs: Passed on to the encoder.

        Returns:
            The states of the layers and of each task.
        """
        hidden_states, attentions = self.encoder(input_ids, attention_mask, inputs_embeds, **kwargs)
        layer_states = unit_rms(torch.stack(hidden_states, dim=1), self.config.norm_eps)
        last = layer_states[:, -1]
        return BackboneOutput(
            layer_states=layer_states,
            task_states=torch.stack([projection(last) for projection in self.projections], dim=1),
            mask=attention_mask.bool(),
            hidden_states=hidden_states,
            attentions=attentions or None,
        )


__all__ = [
    "NativeEncoder",
    "PretrainedTextEncoder",
    "RedHeartBackbone",
    "TaskProjection",
    "TextSummary",
    "check_encoder",
    "load_encoder",
    "try_encoder",
]
