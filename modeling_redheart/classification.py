"""Text classification on top of the joint state, for the ordinary `text-classification` user."""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.utils.generic import can_return_tuple

from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.labels import OUTPUTS
from .layers import Linear
from .modeling_redheart import RedHeartModel, RedHeartPreTrainedModel

# What the joint state is made of: every module, but not the confidence and the embedding, which come after it.
_READ = tuple(name for name in OUTPUTS if name not in ("confidence", "embedding"))


class RedHeartForSequenceClassification(RedHeartPreTrainedModel):
    """A classifier or regressor that reads the bridge's joint state."""

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__(config)
        self.num_labels = config.num_labels
        self.model = RedHeartModel(config)
        self.dropout = nn.Dropout(config.hidden_dropout)
        self.classifier = Linear(config.hidden_size, config.num_labels)
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
    ) -> SequenceClassifierOutput:
        """Classify texts.

        labels: (batch,) class indices, (batch,) or (batch, labels) floats for regression, (batch, labels) 0/1 floats
        for several labels per text. ``config.problem_type`` says which; when it is None, one label means regression,
        integer labels mean one class per text, and float labels several.
        """
        output = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            outputs=_READ,
            return_dict=True,
            inputs_embeds=inputs_embeds,
            output_hidden_states=output_hidden_states,
            output_attentions=output_attentions,
        )
        logits = self.classifier(self.dropout(output.joint))
        return SequenceClassifierOutput(
            loss=None if labels is None else self._loss(logits, labels),
            logits=logits,
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        kind: Any = self.config.problem_type
        if kind is None:
            several = "multi_label_classification" if labels.is_floating_point() else "single_label_classification"
            kind = "regression" if self.num_labels == 1 else several
        if kind == "regression":
            return F.mse_loss(logits.view_as(labels), labels.to(logits.dtype))
        if kind == "single_label_classification":
            return F.cross_entropy(logits, labels)
        return F.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))


__all__ = ["RedHeartForSequenceClassification"]
