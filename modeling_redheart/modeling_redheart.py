"""The model: text in, one structured reading out.

    text -> backbone -> layer crossover -> token budget -> latent memory
         -> heads (4) -> analyzers (5) + perspectives -> bridge -> outputs + confidence

Notable: data flows forward only; what is not asked for is not run; every loss is computed here, so that any trainer
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


# The components behind the bridge.
_AT_THE_END = tuple(name for name, row in COMPONENTS.items() if row.stage == "end")


@dataclass
class _Perception:
    """What the text gives before any reading."""

    backbone: BackboneOutput
    mixture: Tensor  # (batch, tasks, layers + 1)
    budget: TokenBudgetOutput
    context: Context


class RedHeartModel(RedHeartPreTrainedModel):
    """Reads a text about a moral conflict: emotions, felicific calculus, regret, counterfactuals, information,
    verdict.

    ``heads`` and ``analyzers`` are the ones that it has, by name; a config may lack some of them.
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
        """A model on top of a text encoder of transformers, with the encoder's weights; everything else is new.

        encoder: path or hub id of the encoder; its tokenizer is the model's tokenizer. options: of `RedHeartConfig`,
        such as ``components``; by default the width is the encoder's.

        Raises `ValueError` with the reason for what cannot be one: an encoder-decoder, a model without attention or
        without a state of each token in each layer, and one that reads a text otherwise with padding behind it.
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

        input_ids: (batch, tokens), or inputs_embeds: (batch, tokens, encoder width). attention_mask: (batch, tokens), 1
        where there is text. outputs: which of `labels.OUTPUTS` to compute; None for all that the model makes at the
        depth. depth: "full", or "fast" for the heads' direct reading. token_budget: most tokens that go on after the
        backbone; None takes the config's. output_hidden_states: see `chosen_states`. output_heads: also give the heads'
        own readings, as ``heads``. columns: of `Targets`, by name; with any of them the output has ``loss`` and
        ``losses``, unless return_loss is False. A target of an output whose component the model lacks is left out, with
        a warning.

        Raises `ValueError` for an unknown output or depth, an output whose component the model lacks, a text that is
        too long, embeddings that are not finite, and targets of the wrong shape or of an output that is not computed;
        `TypeError` for another column.
        """
        for name in columns:
            if name not in TARGET_OUTPUTS:
                raise TypeError(f"`forward` takes no {name!r}; {closest(name, TARGET_OUTPUTS)}")
        # No parameter has "label" in its name: a plain `transformers.Trainer` takes such for what every batch has.
        targets = Targets(**self._trainable(columns, depth) if return_loss else {})
        wanted = _check_request(outputs, depth, targets, self.config)
        mask = self._check_input(input_ids, attention_mask, inputs_embeds)
        states_out, attend_out = self._asked_for(output_hidden_states, output_attentions)
        encoder_inputs: dict[str, Any] = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        if attend_out and self.config.encoder_config is not None:
            encoder_inputs["output_attentions"] = True
        compress = depth == "full" or "embedding" in wanted
        seen = self._perceive(input_ids, mask, inputs_embeds, token_budget, compress, encoder_inputs)
        parts, heads = self._read(seen.context, wanted, depth, training_signals=bool(targets.given()))
        # The outputs are made in one go: what is set afterwards would stand last among the keys, and in a tuple.
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

    def _trainable(self, columns: Mapping[str, Tensor | None], depth: str) -> dict[str, Tensor | None]:
        """The columns without those of outputs whose components the model lacks."""
        if depth != "full":
            return dict(columns)
        made = self.config.outputs_at(depth)
        lacking = [name for name, value in columns.items() if value is not None and TARGET_OUTPUTS[name][0] not in made]
        if lacking:
            logger.warning_once(f"The model has no component that {', '.join(lacking)} could train: left out.")
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
        """Run what the wanted outputs need. Returns the fields of the output that they fill, and the heads' own
        readings."""
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
        for name in _AT_THE_END:
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
        """Run one component on what it reads from; its reading, which the context then has, too."""
        module: Any = self.get_submodule(name)
        found = module(*module.inputs(context))
        if COMPONENTS[name].stage == "heads":
            found, context.tokens[name] = found
        context.readings[name] = found
        return found


def _check_request(outputs: Sequence[str] | None, depth: str, targets: Targets, config: RedHeartConfig) -> set[str]:
    """The outputs to compute. Raises `ValueError` for what is unknown or lacking, or does not fit together."""
    available = config.outputs_at(check_depth(depth))
    wanted = set(available if outputs is None else check_outputs(outputs, depth))
    check_outputs_available(sorted(wanted, key=OUTPUTS.index), depth, config.components)
    for label in targets.given():
        output, fast = TARGET_OUTPUTS[label]
        if output not in wanted or (depth == "fast" and not fast):
            raise InputError(f"`{label}` trains the output {output!r}, which is not computed at depth={depth!r} here.")
    return wanted


__all__ = ["RedHeartModel", "RedHeartPreTrainedModel"]
