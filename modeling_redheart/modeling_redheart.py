"""The model: text in, one structured reading out.

    text -> backbone -> layer crossover -> token budget -> latent memory
         -> heads (4) -> analyzers (5) + perspectives -> bridge -> outputs + confidence

Notable: data flows forward only; what is not requested is not run; every loss is computed here, so that any trainer
that passes the label columns trains all of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers.utils import logging
from transformers.utils.generic import can_return_tuple

from ..configuration.claims import TARGET_OUTPUTS
from ..configuration.components import COMPONENTS, check_outputs_available, needed_for
from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.errors import InputError
from ..configuration.inputs import check_depth, check_outputs, check_token_budget
from ..configuration.labels import OUTPUTS, TASKS, closest
from .backbone import RedHeartBackbone, load_encoder, try_encoder
from .bridge import ModuleBridge
from .composition import Submodules, build
from .context import Context
from .crossover import LayerCrossover
from .emotion import segment_index
from .losses import Targets, collect_losses
from .outputs import BackboneOutput, HeadsOutput, RedHeartOutput, TokenBudgetOutput
from .pretrained import RedHeartPreTrainedModel, chosen_states
from .token_budget import TokenBudget, keep_tokens

logger = logging.get_logger(__name__)


# The components after the bridge.
_END_COMPONENTS = tuple(name for name, row in COMPONENTS.items() if row.stage == "end")


@dataclass
class _Perception:
    """The state of the text before any reading.

    Attributes:
        backbone: Output of the backbone.
        mixture: Mixture of layers of each task; shape ``(batch, tasks, layers + 1)``.
        budget: The tokens that are kept, and their importance.
        context: What the components read.
    """

    backbone: BackboneOutput
    mixture: Tensor
    budget: TokenBudgetOutput
    context: Context


class RedHeartModel(RedHeartPreTrainedModel):
    """Reads a text about a moral conflict.

    It gives emotions, felicific calculus, regret, counterfactuals, information and the verdict. ``heads`` and
    ``analyzers`` are the ones that the model has, by name; a config may lack some of them.
    """

    backbone: RedHeartBackbone
    layer_crossover: LayerCrossover
    token_budget: TokenBudget
    bridge: ModuleBridge

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__(config)
        build(self, config)
        self.post_init()

    @property
    def heads(self) -> Mapping[str, Any]:
        """The heads by name, such as ``"emotion_head"``."""
        return self._of_stage("heads")

    @property
    def analyzers(self) -> Mapping[str, Any]:
        """The analyzers by name, the perspectives among them."""
        return self._of_stage("analyzers")

    def _of_stage(self, stage: str) -> Mapping[str, Any]:
        return Submodules(self, tuple(name for name in self.config.modules if COMPONENTS[name].stage == stage))

    @classmethod
    def from_text_encoder(cls, encoder: str, **options: Any) -> "RedHeartModel":
        """Create a model on top of a text encoder of transformers, with the encoder's weights; everything else is new.

        Args:
            encoder: Path or hub id of the encoder; its tokenizer is the model's tokenizer.
            **options: Of `RedHeartConfig`, such as ``components``; by default the width is the encoder's.

        Returns:
            The model.

        Raises:
            ValueError: When the encoder cannot be used, with the reason: it is an encoder-decoder, has no attention or
                no state of each token in each layer, or reads a text differently when padding follows.
        """
        pretrained = load_encoder(encoder)
        width, heads = pretrained.config.hidden_size, pretrained.config.num_attention_heads
        options = {"hidden_size": width, "num_attention_heads": heads, **options}
        if "components" not in options:
            components = RedHeartConfig(**options).components
            options["components"] = {**components, "backbone": {"projection": components["backbone"]["projection"]}}
        options.setdefault("pad_token_id", pretrained.config.pad_token_id)
        model = cls(RedHeartConfig(**options, encoder_config=pretrained.config))
        if getattr(pretrained, "pooler", None) is not None:
            pretrained.pooler = None
        below: Any = model.backbone.encoder
        below.model.load_state_dict(pretrained.state_dict())
        try_encoder(below)
        return model

    @can_return_tuple
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        outputs: Sequence[str] | None = None,
        depth: str = "full",
        token_budget: int | None = None,
        output_hidden_states: bool | int | list[int] | None = None,
        output_attentions: bool | None = None,
        output_heads: bool = False,
        return_loss: bool = True,
        **columns: Tensor | None,
    ) -> RedHeartOutput:
        """Read texts.

        Args:
            input_ids: Token ids, ``(batch, tokens)``; None where ``inputs_embeds`` is given.
            attention_mask: 1 where there is text; shape ``(batch, tokens)``.
            token_type_ids: Passed on to a text encoder of transformers that takes them.
            inputs_embeds: Embeddings in place of ids, ``(batch, tokens, encoder width)``.
            outputs: Which of `labels.OUTPUTS` to compute; None for all that the model makes at the depth.
            depth: "full", or "fast" for the heads' direct reading.
            token_budget: Maximum number of tokens that are kept after the backbone; None takes the config's.
            output_hidden_states: See `chosen_states`.
            output_attentions: Also return attention weights, which needs eager attention; None takes the config's.
            output_heads: Also return the heads' own readings, as ``heads``.
            return_loss: Whether targets give a loss.
            **columns: Targets by name; see `Targets`. A target of an output whose component the model lacks is left
                out, with a warning.

        Returns:
            The reading; with any target also ``loss`` and ``losses``, unless ``return_loss`` is False.

        Raises:
            ValueError: For an unknown output or depth, an output whose component the model lacks, a text that is too
                long, embeddings that are not finite, and targets of the wrong shape or of an output that is not
                computed.
            TypeError: For a column that is not a target.
        """
        for name in columns:
            if name not in TARGET_OUTPUTS:
                raise TypeError(f"`forward` takes no {name!r}; {closest(name, TARGET_OUTPUTS)}")
        # No parameter has "label" in its name: a plain `transformers.Trainer` would expect it in every batch.
        targets = Targets(**self._trainable(columns, depth) if return_loss else {})
        wanted = _check_request(outputs, depth, targets, self.config)
        mask = self._check_input(input_ids, attention_mask, inputs_embeds)
        states_out, attend_out = self._requested_states(output_hidden_states, output_attentions)
        encoder_inputs: dict[str, Any] = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        if attend_out and self.config.encoder_config is not None:
            encoder_inputs["output_attentions"] = True
        compress = depth == "full" or "embedding" in wanted
        seen = self._perceive(input_ids, mask, inputs_embeds, token_budget, compress, encoder_inputs)
        parts, heads = self._read(seen.context, wanted, depth, training_signals=bool(targets.given()))
        # The output is made in one call: a field that is set afterwards would be last among the keys, and in a tuple.
        reading = RedHeartOutput(
            **parts,
            importance=seen.budget.importance,
            mixture=seen.mixture,
            heads=heads if output_heads else None,
            hidden_states=chosen_states(seen.backbone.hidden_states, states_out),
            attentions=seen.backbone.attentions if attend_out else None,
        )
        if not targets.given():
            return reading
        own = None if depth == "fast" else heads
        rows = collect_losses(reading, own, seen.context.bridge, seen.backbone.mask, targets)
        costs = [self.config.loss_weight(name) * row.total().float() for name, row in rows.items()]
        return RedHeartOutput(
            loss=torch.stack(costs).sum() / len(mask),
            losses={name: row.mean() for name, row in rows.items()},
            loss_texts={name: row.valid.sum() for name, row in rows.items()},
            **reading,
        )

    def embed(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> Tensor:
        """Return the embeddings of texts and compute nothing else, for libraries that want one tensor.

        Args:
            input_ids: Token ids, ``(batch, tokens)``.
            attention_mask: 1 where there is text; shape ``(batch, tokens)``.
            token_type_ids: Passed on to a text encoder of transformers that takes them.

        Returns:
            Vectors of length 1; shape ``(batch, hidden)``.

        Raises:
            ValueError: For a model without an embedding, and a text that is too long.
        """
        given = {"input_ids": input_ids, "attention_mask": attention_mask, "token_type_ids": token_type_ids}
        reading = self(**given, outputs=("embedding",), return_dict=True)
        embedding: Tensor = reading.embedding
        return embedding

    def _trainable(self, columns: Mapping[str, Tensor | None], depth: str) -> dict[str, Tensor | None]:
        """Return the columns without those of outputs whose components the model lacks."""
        if depth != "full":
            return dict(columns)
        made = self.config.outputs_at(depth)
        lacking = [name for name, value in columns.items() if value is not None and TARGET_OUTPUTS[name][0] not in made]
        if lacking:
            logger.warning_once(f"The model has no component for the targets {', '.join(lacking)}; they are left out.")
        return {name: value for name, value in columns.items() if name not in lacking}

    def _perceive(
        self,
        input_ids: Tensor | None,
        mask: Tensor,
        embeds: Tensor | None,
        token_budget: int | None,
        compress: bool,
        encoder_inputs: dict[str, Any],
    ) -> _Perception:
        backbone = self.backbone(input_ids, mask, embeds, **encoder_inputs)
        mixed = self.layer_crossover(backbone)
        reasoning = TASKS.index("reasoning")
        keep = check_token_budget(self.config.token_budget if token_budget is None else token_budget)
        budget = self.token_budget(mixed.memories[:, reasoning], backbone.mask, keep)
        memories = keep_tokens(mixed.memories, budget.kept)
        context = Context(
            memories=dict(zip(TASKS, memories.unbind(1), strict=True)),
            bias=budget.bias,
            segments=segment_index(backbone.mask, self.config.num_segments).gather(1, budget.kept),
            latents=self.bridge.memory(memories[:, reasoning], budget.bias) if compress else None,
        )
        return _Perception(backbone=backbone, mixture=mixed.mixture, budget=budget, context=context)

    def _read(
        self, context: Context, wanted: set[str], depth: str, training_signals: bool
    ) -> tuple[dict[str, Any], HeadsOutput]:
        """Run what the wanted outputs need.

        Returns:
            The fields of the output that they fill, and the heads' own readings.
        """
        run = needed_for(wanted, depth, self.config.components)
        states: dict[str, Tensor] = {}
        for name in self.config.modules:
            if name in run:
                states[name] = self._run(name, context).state
        parts: dict[str, Any] = {}
        if "coordination" in run:
            context.bridge = bridge = self.bridge(states, context.latents, training_signals)
            parts |= {"joint": bridge.joint, "states": bridge.states, "recovered": bridge.recovered}
            parts["verdict"] = bridge.verdict
        for name in _END_COMPONENTS:
            if name in run:
                self._run(name, context)
        ran = (name for name in self.config.modules if name in run and COMPONENTS[name].stage == "heads")
        heads = {COMPONENTS[name].makes_fast[0]: context.readings[name] for name in ran}
        for name, reading in context.readings.items():
            row = COMPONENTS[name]
            if depth == "fast" and row.stage == "heads":
                head: Any = self.get_submodule(name)
                parts |= head.parts(reading)
            elif row.stage != "heads":
                parts[row.field] = reading
        kept = {name: part for name, part in parts.items() if name not in OUTPUTS or name in wanted}
        return kept, HeadsOutput(**heads)

    def _run(self, name: str, context: Context) -> Any:
        """Run one component on its inputs and return its reading, which is also added to the context."""
        module: Any = self.get_submodule(name)
        found = module(*module.inputs(context))
        if COMPONENTS[name].stage == "heads":
            found, context.tokens[name] = found
        context.readings[name] = found
        return found


def _check_request(outputs: Sequence[str] | None, depth: str, targets: Targets, config: RedHeartConfig) -> set[str]:
    """Return the outputs to compute; raise `ValueError` where one is unknown or lacking, or does not fit a target."""
    available = config.outputs_at(check_depth(depth))
    wanted = set(available if outputs is None else check_outputs(outputs, depth))
    check_outputs_available(sorted(wanted, key=OUTPUTS.index), depth, config.components)
    for label in targets.given():
        output, fast = TARGET_OUTPUTS[label]
        if output not in wanted or (depth == "fast" and not fast):
            raise InputError(f"`{label}` trains the output {output!r}, which is not computed here (depth={depth!r}).")
    return wanted


__all__ = ["RedHeartModel", "RedHeartPreTrainedModel"]
