"""Masked language modelling: pre-trains the native encoder on plain text without labels."""

import torch.nn.functional as F
from torch import Tensor, nn
from transformers.modeling_outputs import MaskedLMOutput
from transformers.utils.generic import can_return_tuple

from ..configuration.configuration_redheart import RedHeartConfig
from .backbone import NativeEncoder
from .layers import Linear, RMSNorm
from .pretrained import RedHeartPreTrainedModel, chosen_states


class _Backbone(nn.Module):
    """Holds the encoder under the name that it has in `RedHeartModel`."""

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__()
        self.encoder = NativeEncoder(config)


class RedHeartForMaskedLM(RedHeartPreTrainedModel):
    """Predicts masked tokens (Devlin et al. 2019, arXiv:1810.04805) with the backbone's own token embeddings.

    Its ``backbone.encoder`` weights are those of a `RedHeartModel` of the same config (`runs.pretraining`).

    Args:
        config: Configuration of the model.

    Raises:
        ValueError: When the config has an ``encoder_config``: such an encoder is pre-trained with its own model class.
    """

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__(config)
        if config.encoder_config is not None:
            raise ValueError(
                "Only the native encoder is pre-trained here; a text encoder of transformers has a masked language "
                "model of its own (AutoModelForMaskedLM)."
            )
        self.backbone = _Backbone(config)
        self.norm = RMSNorm(config)
        self.transform = Linear(config.hidden_size, config.hidden_size)
        self.token_bias = nn.Embedding(config.vocab_size, 1)  # as a bare parameter it would start uninitialised
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        output_hidden_states: bool | int | list[int] | None = None,
        output_attentions: bool | None = None,
    ) -> MaskedLMOutput:
        """Score every token of the vocabulary at every position.

        Args:
            input_ids: Token ids, ``(batch, tokens)``; None where ``inputs_embeds`` is given.
            attention_mask: 1 where there is text; shape ``(batch, tokens)``.
            inputs_embeds: Embeddings in place of ids, ``(batch, tokens, hidden)``.
            labels: Ids of the masked tokens, -100 where nothing was masked; shape ``(batch, tokens)``.
            output_hidden_states: See `chosen_states`.
            output_attentions: Also return attention weights, which needs eager attention; None takes the config's.

        Returns:
            The logits, ``(batch, tokens, vocabulary)``; with ``labels`` also ``loss``, the mean cross entropy over the
            masked tokens, in nats (0 when there is none).
        """
        mask = self._check_input(input_ids, attention_mask, inputs_embeds)
        states_out, attend_out = self._requested_states(output_hidden_states, output_attentions)
        states, attentions = self.backbone.encoder(input_ids, mask, inputs_embeds)
        hidden = F.gelu(self.transform(self.norm(states[-1])))
        logits = F.linear(hidden, self.backbone.encoder.embed_tokens.weight, self.token_bias.weight.squeeze(1))
        loss = None
        if labels is not None:
            total = F.cross_entropy(logits.flatten(0, 1).float(), labels.flatten(), ignore_index=-100, reduction="sum")
            loss = total / (labels != -100).sum().clamp(min=1)
        return MaskedLMOutput(
            loss=loss,
            logits=logits,
            hidden_states=chosen_states(states, states_out),
            attentions=attentions if attend_out else None,
        )


__all__ = ["RedHeartForMaskedLM"]
