"""Text classification on top of the joint state, for the ordinary `text-classification` user."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.utils.generic import can_return_tuple

from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.errors import InputError
from .layers import Linear
from .modeling_redheart import RedHeartModel
from .pretrained import RedHeartPreTrainedModel

# Outputs that come after the joint state and so do not contribute to it; all others do.
_AFTER_JOINT = ("confidence", "embedding")


class RedHeartForSequenceClassification(RedHeartPreTrainedModel):
    """A classifier or regressor that reads the bridge's joint state.

    Parts that only the outputs of an analysis need, such as their read-outs, exist and are not trained. Its config is a
    copy of the given one, without the records of an analysis (`RedHeartConfig.without_records`).
    """

    # None of these contributes to the joint state, except the recovery where a state is not finite.
    _unread = (
        *(f"model.{name}_head.readout" for name in ("emotion", "bentham", "regret", "surd")),
        "model.emotion_head.affect_readout",
        *(f"model.emotion_analyzer.{name}" for name in ("nuance_readout", "arc_hidden", "arc_out")),
        *(f"model.{name}.readout" for name in ("bentham_calculator", "regret_analyzer", "surd_analyzer")),
        *(f"model.{name}.readout" for name in ("counterfactual_reasoner", "perspectives")),
        *(f"model.bridge.coordination.{name}_readout" for name in ("verdict", "acceptability")),
        "model.bridge.asynchrony",
        "model.bridge.recovery",
        "model.sweet_spot",
        "model.projector",
    )

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__(config.without_records())
        self.num_labels = config.num_labels
        self._new_head: Tensor | None = None  # the random weights of the classifier, until they have changed
        self.model = RedHeartModel(self.config)
        self.dropout = nn.Dropout(config.hidden_dropout)
        self.classifier = Linear(config.hidden_size, config.num_labels)
        self.post_init()

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, *args: Any, **kwargs: Any) -> Any:
        """Load as the base class does; if the checkpoint has no classification layer, that layer is new and untrained.

        Args:
            pretrained_model_name_or_path: As of the base class.
            *args: As of the base class.
            **kwargs: As of the base class.

        Returns:
            The model; with ``output_loading_info=True`` the model and the loading report.
        """
        with_info = kwargs.pop("output_loading_info", False)
        load: Any = super().from_pretrained
        model, info = load(pretrained_model_name_or_path, *args, output_loading_info=True, **kwargs)
        if "classifier.weight" in info["missing_keys"]:
            model._new_head = model.classifier.weight.detach().clone()
        return (model, info) if with_info else model

    @can_return_tuple
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        output_hidden_states: bool | int | list[int] | None = None,
        output_attentions: bool | None = None,
    ) -> SequenceClassifierOutput:
        """Classify texts.

        Args:
            input_ids: Token ids, ``(batch, tokens)``; None where ``inputs_embeds`` is given.
            attention_mask: 1 where there is text; shape ``(batch, tokens)``.
            token_type_ids: Passed on to a text encoder of transformers that takes them.
            inputs_embeds: Embeddings in place of ids, ``(batch, tokens, encoder width)``.
            labels: Class indices, ``(batch,)`` or ``(batch, 1)``; or floats, ``(batch, labels)``: several labels per
                text, each 0 or 1, or the targets of a regression. ``config.problem_type`` decides which; when it is
                None, one label means regression, integers mean one class per text, and floats several, and a forward
                pass in training records it.
            output_hidden_states: See `chosen_states`.
            output_attentions: Also return attention weights, which needs eager attention; None takes the config's.

        Returns:
            The logits, ``(batch, labels)``, and with ``labels`` the loss.

        Raises:
            ValueError: For labels of another type or shape, for texts without labels while the classification layer
                still has its initial random weights, and for whatever `RedHeartModel.forward` refuses.
        """
        if labels is None and not self.training:
            self._check_head()
        output = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            outputs=[name for name in self.config.outputs_at("full") if name not in _AFTER_JOINT],
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

    def _check_head(self) -> None:
        """Raise `ValueError` for an untrained head: pipelines would return labels from its random numbers."""
        if self._new_head is None or torch.compiler.is_compiling():
            return
        weight = getattr(self.classifier, "weight", None)
        if weight is None or not torch.equal(weight, self._new_head.to(weight)):
            self._new_head = None  # trained, loaded, or taken over by an adapter
            return
        raise InputError(
            f"{self.config.name_or_path or 'The checkpoint'} holds no classifier, so the classification layer has "
            "random weights; train it first, or use pipeline('ethical-analysis') with the checkpoint as it is."
        )

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        kind: Any = self.config.problem_type
        if kind is None:
            several = "multi_label_classification" if labels.is_floating_point() else "single_label_classification"
            kind = "regression" if self.num_labels == 1 else several
            if self.training:
                self.config.problem_type = kind  # the saved model must record what it learned
        one = kind == "single_label_classification"
        wanted = tuple(logits.shape[:1] if one else logits.shape)
        if labels.numel() != math.prod(wanted) or len(labels) != len(logits):
            raise InputError(
                f"`labels` of the shape {tuple(labels.shape)} do not fit {kind} of {self.num_labels} labels, which "
                f"takes {wanted}. Class indices are integers, one for each text; several labels per text are floats, "
                "0 or 1."
            )
        labels = labels.reshape(wanted)
        if one:
            if labels.is_floating_point():
                raise InputError(f"{kind} takes class indices, which are integers, got labels of {labels.dtype}.")
            return F.cross_entropy(logits, labels.long())
        loss = F.mse_loss if kind == "regression" else F.binary_cross_entropy_with_logits
        return loss(logits, labels.to(logits.dtype))


__all__ = ["RedHeartForSequenceClassification"]
