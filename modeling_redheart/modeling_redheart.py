"""The model: text in, one structured reading out.

    text -> backbone -> layer crossover -> token budget -> latent memory
         -> heads (4) -> analyzers (5) + perspectives -> bridge -> outputs + confidence

Notable: data flows forward only; what is not asked for is not run; every loss is computed here, so that any trainer
that passes the label columns trains all of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers.utils.generic import can_return_tuple

from ..configuration.claims import TARGET_OUTPUTS
from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.inputs import check_depth, check_outputs, check_token_budget
from ..configuration.labels import FAST_OUTPUTS, OUTPUTS, SURD_SOURCES, TASKS, closest
from .backbone import RedHeartBackbone, load_encoder, try_encoder
from .bentham import NeuralBenthamCalculator
from .bridge import ModuleBridge
from .confidence import EmbeddingProjector, SweetSpotNetwork
from .counterfactual import NeuralCounterfactualReasoner
from .crossover import LayerCrossover
from .emotion import NeuralEmotionAnalyzer, segment_index
from .heads import BenthamHead, EmotionHead, RegretHead, SURDHead
from .losses import Targets, collect_losses
from .outputs import BackboneOutput, BridgeOutput, RedHeartOutput, TokenBudgetOutput, VerdictOutput
from .perspectives import MoralPerspectives
from .pretrained import RedHeartPreTrainedModel, chosen_states
from .regret import NeuralRegretAnalyzer
from .surd import NeuralSURDAnalyzer
from .token_budget import TokenBudget, keep_tokens

# The analyzer behind each source of the SURD decomposition, in the order of `labels.SURD_SOURCES`.
_SOURCE_MODULES = {"emotion": "emotion_analyzer", "bentham": "bentham_calculator", "regret": "regret_analyzer"}

# The modules that an output needs, at full depth and from the heads alone. The verdict and the confidence come from the
# bridge, which predicts the state of every module that did not run; the confidence also looks at the emotions.
_FULL_MODULES: dict[str, tuple[str, ...]] = {
    "emotion": ("emotion_head", "emotion_analyzer"),
    "bentham": ("bentham_head", "bentham_calculator"),
    "regret": ("regret_head", "regret_analyzer"),
    "counterfactual": ("counterfactual_reasoner",),
    "surd": ("emotion_head", "bentham_head", "regret_head", "surd_head", *_SOURCE_MODULES.values(), "surd_analyzer"),
    "perspectives": ("perspectives",),
    "confidence": ("emotion_head", "emotion_analyzer"),
}
_FAST_MODULES: dict[str, tuple[str, ...]] = {
    "emotion": ("emotion_head",),
    "bentham": ("bentham_head",),
    "regret": ("regret_head",),
    "surd": ("surd_head",),
    "verdict": ("surd_head",),
}
_BRIDGE_OUTPUTS = frozenset({"verdict", "confidence"})


@dataclass
class _Perception:
    """What the text gives before any reading."""

    backbone: BackboneOutput
    mixture: Tensor  # (batch, tasks, layers + 1)
    budget: TokenBudgetOutput
    memories: dict[str, Tensor]  # task -> (batch, kept tokens, hidden)
    segments: Tensor  # (batch, kept tokens)
    latents: Tensor | None  # (batch, latents, hidden); None where only heads are asked for


class RedHeartModel(RedHeartPreTrainedModel):
    """Reads a text about a moral conflict: emotions, felicific calculus, regret, counterfactuals, information,
    verdict."""

    def __init__(self, config: RedHeartConfig) -> None:
        super().__init__(config)
        self.backbone = RedHeartBackbone(config)
        self.layer_crossover = LayerCrossover(config)
        self.token_budget = TokenBudget(config)
        self.emotion_head = EmotionHead(config)
        self.bentham_head = BenthamHead(config)
        self.regret_head = RegretHead(config)
        self.surd_head = SURDHead(config)
        self.emotion_analyzer = NeuralEmotionAnalyzer(config)
        self.bentham_calculator = NeuralBenthamCalculator(config)
        self.regret_analyzer = NeuralRegretAnalyzer(config)
        self.counterfactual_reasoner = NeuralCounterfactualReasoner(config)
        self.surd_analyzer = NeuralSURDAnalyzer(config)
        self.perspectives = MoralPerspectives(config)
        self.bridge = ModuleBridge(config)
        self.sweet_spot = SweetSpotNetwork(config)
        self.projector = EmbeddingProjector(config)
        self.post_init()

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
        return_loss: bool = True,
        **columns: Tensor | None,
    ) -> RedHeartOutput:
        """Read texts.

        input_ids: (batch, tokens), or inputs_embeds: (batch, tokens, encoder width). attention_mask: (batch, tokens), 1
        where there is text. outputs: which of `labels.OUTPUTS` to compute; None for all that the depth can give.
        depth: "full", or "fast" for the heads' direct reading. token_budget: most tokens that go on after the backbone;
        None takes the config's. output_hidden_states: see `chosen_states`. columns: of `Targets`, by name; with any of
        them the output has ``loss`` and ``losses``, unless return_loss is False.

        Raises `ValueError` for an unknown output or depth, a text that is too long, embeddings that are not finite, and
        targets of the wrong shape or of an output that is not computed; `TypeError` for another column.
        """
        for name in columns:
            if name not in TARGET_OUTPUTS:
                raise TypeError(f"`forward` takes no {name!r}; {closest(name, TARGET_OUTPUTS)}")
        # No parameter has "label" in its name: a plain `transformers.Trainer` takes such for what every batch has.
        targets = Targets(**(columns if return_loss else {}))
        wanted = _check_request(outputs, depth, targets)
        mask = self._check_input(input_ids, attention_mask, inputs_embeds)
        states_out, attend_out = self._asked_for(output_hidden_states, output_attentions)
        encoder_inputs: dict[str, Any] = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        if attend_out and self.config.encoder_config is not None:
            encoder_inputs["output_attentions"] = True
        compress = depth == "full" or "embedding" in wanted
        seen = self._perceive(input_ids, mask, inputs_embeds, token_budget, compress, encoder_inputs)
        bridge = None
        if depth == "fast":
            heads = parts = self._read_fast(seen, wanted)
        else:
            parts, heads, bridge = self._read_full(seen, wanted, training_signals=bool(targets.given()))
        if "embedding" in wanted:
            parts["embedding"] = self.projector(seen.latents)
        # The outputs are made in one go: what is set afterwards would stand last among the keys, and in a tuple.
        reading = RedHeartOutput(
            **parts,
            importance=seen.budget.importance,
            mixture=seen.mixture,
            hidden_states=chosen_states(seen.backbone.hidden_states, states_out),
            attentions=seen.backbone.attentions if attend_out else None,
        )
        if not targets.given():
            return reading
        apart = None if depth == "fast" else RedHeartOutput(**heads)
        rows = collect_losses(reading, apart, bridge, seen.backbone.mask, targets)
        costs = [self.config.loss_weight(name) * row.total().float() for name, row in rows.items()]
        return RedHeartOutput(
            loss=torch.stack(costs).sum() / len(mask),
            losses={name: row.mean() for name, row in rows.items()},
            loss_texts={name: row.valid.sum() for name, row in rows.items()},
            **reading,
        )

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
        return _Perception(
            backbone=backbone,
            mixture=mixed.mixture,
            budget=budget,
            memories=dict(zip(TASKS, memories.unbind(1), strict=True)),
            segments=segment_index(backbone.mask, self.config.num_segments).gather(1, budget.kept),
            latents=self.bridge.memory(memories[:, reasoning], budget.bias) if compress else None,
        )

    def _read_fast(self, seen: _Perception, wanted: set[str]) -> dict[str, Any]:
        run = {module for output in wanted for module in _FAST_MODULES.get(output, ())}
        parts, _ = self._read_heads(seen, run)
        if "verdict" in wanted:
            parts["verdict"] = VerdictOutput(logits=parts["surd"].verdict_logits)
        return _only(wanted, parts)

    def _read_heads(self, seen: _Perception, run: set[str]) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """The heads' reading, and each head's label tokens."""
        bias = seen.budget.bias
        parts: dict[str, Any] = {}
        tokens: dict[str, Tensor] = {}
        if "emotion_head" in run:
            parts["emotion"], tokens["emotion"] = self.emotion_head(seen.memories["emotion"], bias)
        if "bentham_head" in run:
            parts["bentham"], tokens["bentham"] = self.bentham_head(seen.memories["bentham"], bias)
        if "regret_head" in run:
            parts["regret"], tokens["regret"] = self.regret_head(seen.memories["regret"], bias)
        if "surd_head" in run:
            parts["surd"] = self.surd_head(seen.memories["surd"], bias)
        return parts, tokens

    def _read_full(
        self, seen: _Perception, wanted: set[str], training_signals: bool
    ) -> tuple[dict[str, Any], dict[str, Any], BridgeOutput | None]:
        """The reading, the heads' own reading, and the bridge's output where an output needs the bridge."""
        run = {module for output in wanted for module in _FULL_MODULES.get(output, ())}
        heads, tokens = self._read_heads(seen, run)
        states = {f"{name}_head": part.state for name, part in heads.items()}
        parts: dict[str, Any] = {}
        latents = seen.latents
        if "emotion_analyzer" in run:
            parts["emotion"] = self.emotion_analyzer(
                heads["emotion"], tokens["emotion"], seen.memories["emotion"], seen.segments, latents
            )
            states["emotion_analyzer"] = parts["emotion"].state
        if "bentham_calculator" in run:
            parts["bentham"] = self.bentham_calculator(heads["bentham"], tokens["bentham"], latents)
            states["bentham_calculator"] = parts["bentham"].state
        if "regret_analyzer" in run:
            parts["regret"] = self.regret_analyzer(heads["regret"], tokens["regret"], latents)
            states["regret_analyzer"] = parts["regret"].state
        if "counterfactual_reasoner" in run:
            parts["counterfactual"] = self.counterfactual_reasoner(seen.memories["reasoning"], seen.budget.bias)
            states["counterfactual_reasoner"] = parts["counterfactual"].state
        if "surd_analyzer" in run:
            sources = torch.stack([states[_SOURCE_MODULES[name]] for name in SURD_SOURCES], dim=1)
            parts["surd"] = self.surd_analyzer(sources)
            states["surd_analyzer"] = parts["surd"].state
        if "perspectives" in run:
            parts["perspectives"] = self.perspectives(latents)
            states["perspectives"] = parts["perspectives"].state
        bridge = None
        if wanted & _BRIDGE_OUTPUTS:
            bridge = self.bridge(states, latents, training_signals)
            parts |= {"joint": bridge.joint, "states": bridge.states, "recovered": bridge.recovered}
            parts["verdict"] = bridge.verdict
            if "confidence" in wanted:
                parts["expected_loss"] = self.sweet_spot(bridge, latents, parts["emotion"])
        return _only(wanted, parts), heads, bridge


def _only(wanted: set[str], parts: dict[str, Any]) -> dict[str, Any]:
    """The parts without what only another output needed: a head for the verdict, the sources of SURD."""
    return {name: part for name, part in parts.items() if name not in OUTPUTS or name in wanted}


def _check_request(outputs: Sequence[str] | None, depth: str, targets: Targets) -> set[str]:
    """The outputs to compute. Raises `ValueError` for what is unknown or does not fit together."""
    available = OUTPUTS if check_depth(depth) == "full" else FAST_OUTPUTS
    wanted = set(available if outputs is None else check_outputs(outputs, depth))
    for label in targets.given():
        output, fast = TARGET_OUTPUTS[label]
        if output not in wanted or (depth == "fast" and not fast):
            raise ValueError(f"`{label}` trains the output {output!r}, which is not computed at depth={depth!r} here.")
    return wanted


__all__ = ["RedHeartModel", "RedHeartPreTrainedModel"]
