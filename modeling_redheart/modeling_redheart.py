"""The model: text in, one structured reading out.

    text -> backbone -> layer crossover -> token budget -> latent memory
         -> heads (4) -> analyzers (5) + perspectives -> bridge -> outputs + confidence

Notable: data flows forward only; what is not asked for is not run; every loss is computed here, so that any trainer
that passes the label columns trains all of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModel, PreTrainedModel
from transformers import initialization as init
from transformers.utils.generic import can_return_tuple

from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.labels import FAST_OUTPUTS, OUTPUTS, SURD_SOURCES, TASKS, closest
from .backbone import PretrainedTextEncoder, RedHeartBackbone
from .bentham import NeuralBenthamCalculator
from .bridge import ModuleBridge
from .confidence import EmbeddingProjector, SweetSpotNetwork
from .counterfactual import NeuralCounterfactualReasoner
from .crossover import LayerCrossover
from .emotion import NeuralEmotionAnalyzer, segment_index
from .heads import BenthamHead, EmotionHead, RegretHead, SURDHead
from .layers import QueryTokens
from .losses import Targets, collect_losses
from .outputs import BackboneOutput, BridgeOutput, RedHeartOutput, TokenBudgetOutput, VerdictOutput
from .perspectives import MoralPerspectives
from .quantization import offer_to_bitsandbytes, settle_quantized
from .regret import NeuralRegretAnalyzer
from .stored_int8 import must_requantize, requantize
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

# The output whose loss each target feeds, and whether the heads alone can be trained on it.
TARGET_OUTPUTS: dict[str, tuple[str, bool]] = {
    "emotion_labels": ("emotion", True),
    "intensity_labels": ("emotion", True),
    "affect_labels": ("emotion", True),
    "nuance_labels": ("emotion", False),
    "bentham_labels": ("bentham", True),
    "regret_labels": ("regret", True),
    "utility_labels": ("counterfactual", False),
    "plausibility_labels": ("counterfactual", False),
    "utility_pair_labels": ("counterfactual", False),
    "branch_pair_labels": ("counterfactual", False),
    "verdict_labels": ("verdict", True),
    "acceptability_labels": ("verdict", False),
    "acceptability_pair_labels": ("verdict", False),
    "perspective_labels": ("perspectives", False),
    "embedding_labels": ("embedding", True),
}


@dataclass
class _Perception:
    """What the text gives before any reading."""

    backbone: BackboneOutput
    mixture: Tensor  # (batch, tasks, layers + 1)
    budget: TokenBudgetOutput
    memories: dict[str, Tensor]  # task -> (batch, kept tokens, hidden)
    segments: Tensor  # (batch, kept tokens)
    latents: Tensor | None  # (batch, latents, hidden); None where only heads are asked for


class RedHeartPreTrainedModel(PreTrainedModel):
    """What every Red Heart model shares: its config, how weights start, what transformers may do with it."""

    config: RedHeartConfig
    config_class = RedHeartConfig
    base_model_prefix = "model"
    supports_gradient_checkpointing = True
    _no_split_modules = ["EncoderLayer", "DecoderLayer"]
    _supports_sdpa = True
    # Losses are means over the batch: the trainer must divide by the accumulation steps itself.
    accepts_loss_kwargs = False

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: Any, *args: Any, **kwargs: Any) -> Any:
        """As the base. With ``quantization_config=BitsAndBytesConfig(...)`` also what `quantization.kept_modules` names
        stays in floats, and a checkpoint that is stored in 8 bits is quantised as one in floats is."""
        load: Any = super().from_pretrained
        if must_requantize(cls.config_class, pretrained_model_name_or_path, kwargs):
            load = partial(requantize, load)
        loaded = load(pretrained_model_name_or_path, *args, **kwargs)
        model = loaded[0] if isinstance(loaded, tuple) else loaded  # with `output_loading_info` it returns two things
        settle_quantized(model)
        return loaded

    def post_init(self) -> None:
        super().post_init()
        offer_to_bitsandbytes(self)

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, QueryTokens):
            init.normal_(module.weight, mean=0.0, std=self.config.initializer_range)

    def get_input_embeddings(self) -> nn.Module:
        """The token embedding of the backbone, the native one or the text encoder's."""
        base: Any = self.base_model
        encoder = base.backbone.encoder
        if isinstance(encoder, PretrainedTextEncoder):
            return encoder.model.get_input_embeddings()
        return encoder.embed_tokens

    def resize_token_embeddings(self, *args: Any, **kwargs: Any) -> nn.Embedding:
        """As the base, and the encoder's own config learns the size, so that the saved model loads again."""
        embeddings: nn.Embedding = super().resize_token_embeddings(*args, **kwargs)
        if self.config.encoder_config is not None:
            encoder: Any = self.config.encoder_config
            encoder.vocab_size = embeddings.num_embeddings
        return embeddings

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace the token embedding."""
        base: Any = self.base_model
        encoder = base.backbone.encoder
        if isinstance(encoder, PretrainedTextEncoder):
            encoder.model.set_input_embeddings(value)
        else:
            encoder.embed_tokens = value


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
        such as ``components``; by default the width is the encoder's. Raises `ValueError` for an encoder-decoder.
        """
        pretrained = AutoModel.from_pretrained(encoder, dtype=torch.float32)
        pretrained.config.name_or_path = ""  # where it lay here says nothing to who loads the model elsewhere
        width, heads = pretrained.config.hidden_size, pretrained.config.num_attention_heads
        options = {"hidden_size": width, "num_attention_heads": heads, **options}
        if "components" not in options:
            components = RedHeartConfig(**options).components
            options["components"] = {**components, "backbone": {"projection": components["backbone"]["projection"]}}
        options.setdefault("pad_token_id", pretrained.config.pad_token_id)
        model = cls(RedHeartConfig(**options, encoder_config=pretrained.config))
        if getattr(pretrained, "pooler", None) is not None:
            pretrained.pooler = None
        target: Any = model.backbone.encoder.model
        target.load_state_dict(pretrained.state_dict())
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
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        return_loss: bool = True,
        **columns: Tensor | None,
    ) -> RedHeartOutput:
        """Read texts.

        input_ids: (batch, tokens), or inputs_embeds: (batch, tokens, encoder width). attention_mask: (batch, tokens), 1
        where there is text. outputs: which of `labels.OUTPUTS` to compute; None for all that the depth can give.
        depth: "full", or "fast" for the heads' direct reading. token_budget: most tokens that go on after the backbone;
        None takes the config's. columns: of `Targets`, by name; with any of them the output has ``loss`` and
        ``losses``, unless return_loss is False.

        Raises `ValueError` for an unknown output or depth, a text that is too long, embeddings that are not finite, and
        targets of the wrong shape or of an output that is not computed; `TypeError` for another column.
        """
        for name in columns:
            if name not in TARGET_OUTPUTS:
                raise TypeError(f"`forward` takes no {name!r}; {closest(name, TARGET_OUTPUTS)}")
        # No parameter has "label" in its name: a plain `transformers.Trainer` takes such for what every batch has.
        targets = Targets(**(columns if return_loss else {}))
        wanted = _check_request(outputs, depth, targets)
        attend_out = self.config.output_attentions if output_attentions is None else output_attentions
        hidden_out = self.config.output_hidden_states if output_hidden_states is None else output_hidden_states
        if attend_out and self.config._attn_implementation != "eager":
            raise ValueError(
                f"`output_attentions` needs the attention written out, but this model uses "
                f"{self.config._attn_implementation!r}; load it with attn_implementation='eager'."
            )
        mask = self._check_input(input_ids, attention_mask, inputs_embeds)
        encoder_inputs: dict[str, Any] = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        if attend_out and self.config.encoder_config is not None:
            encoder_inputs["output_attentions"] = True
        compress = depth == "full" or "embedding" in wanted
        seen = self._perceive(input_ids, mask, inputs_embeds, token_budget, compress, encoder_inputs)
        if depth == "fast":
            reading = self._read_fast(seen, wanted)
            heads, bridge = reading, None
        else:
            reading, heads, bridge = self._read_full(seen, wanted, training_signals=bool(targets.given()))
        reading.importance, reading.mixture = seen.budget.importance, seen.mixture
        if "embedding" in wanted:
            reading.embedding = self.projector(seen.latents)
        if hidden_out:
            reading.hidden_states = seen.backbone.hidden_states
        if attend_out:
            reading.attentions = seen.backbone.attentions
        if targets.given():
            rows = collect_losses(reading, heads, bridge, seen.backbone.mask, targets)
            costs = [self.config.loss_weight(name) * row.total().float() for name, row in rows.items()]
            return RedHeartOutput(
                loss=torch.stack(costs).sum() / len(mask),
                losses={name: row.mean() for name, row in rows.items()},
                loss_texts={name: row.valid.sum() for name, row in rows.items()},
                **reading,
            )
        return reading

    def _check_input(self, input_ids: Tensor | None, mask: Tensor | None, embeds: Tensor | None) -> Tensor:
        if (input_ids is None) == (embeds is None):
            raise ValueError("Give either `input_ids` or `inputs_embeds`, and not both.")
        batch, length = input_ids.shape if input_ids is not None else embeds.shape[:2]
        if batch < 1 or length < 1:
            raise ValueError(f"There is nothing to read in a batch of {batch} texts of {length} tokens.")
        if length > self.config.longest_text:
            raise ValueError(
                f"A text of {length} tokens is longer than this model's {self.config.longest_text}; "
                "tokenize with `truncation=True`."
            )
        if embeds is not None and not torch.compiler.is_compiling() and not bool(embeds.isfinite().all()):
            raise ValueError("`inputs_embeds` has values that are not finite (NaN or infinite).")
        device = input_ids.device if input_ids is not None else embeds.device
        mask = torch.ones(batch, length, dtype=torch.long, device=device) if mask is None else mask
        if tuple(mask.shape) != (batch, length):
            raise ValueError(f"`attention_mask` must have the shape {(batch, length)}, got {tuple(mask.shape)}.")
        return mask

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
        keep = self.config.token_budget if token_budget is None else token_budget
        if keep is not None and keep < 1:
            raise ValueError(f"`token_budget` must be at least 1 token, or None to keep all; got {keep}.")
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

    def _read_fast(self, seen: _Perception, wanted: set[str]) -> RedHeartOutput:
        run = {module for output in wanted for module in _FAST_MODULES.get(output, ())}
        reading, _ = self._read_heads(seen, run)
        if reading.surd is not None and "verdict" in wanted:
            reading.verdict = VerdictOutput(logits=reading.surd.verdict_logits)
        return _only(wanted, reading)

    def _read_heads(self, seen: _Perception, run: set[str]) -> tuple[RedHeartOutput, dict[str, Tensor]]:
        """The heads' reading, and each head's label tokens."""
        reading, bias = RedHeartOutput(), seen.budget.bias
        tokens: dict[str, Tensor] = {}
        if "emotion_head" in run:
            reading.emotion, tokens["emotion"] = self.emotion_head(seen.memories["emotion"], bias)
        if "bentham_head" in run:
            reading.bentham, tokens["bentham"] = self.bentham_head(seen.memories["bentham"], bias)
        if "regret_head" in run:
            reading.regret, tokens["regret"] = self.regret_head(seen.memories["regret"], bias)
        if "surd_head" in run:
            reading.surd = self.surd_head(seen.memories["surd"], bias)
        return reading, tokens

    def _read_full(
        self, seen: _Perception, wanted: set[str], training_signals: bool
    ) -> tuple[RedHeartOutput, RedHeartOutput, BridgeOutput | None]:
        """The reading, the heads' own reading, and the bridge's output where an output needs the bridge."""
        run = {module for output in wanted for module in _FULL_MODULES.get(output, ())}
        heads, tokens = self._read_heads(seen, run)
        states = {f"{name}_head": part.state for name, part in heads.items()}
        reading, latents = RedHeartOutput(), seen.latents
        if "emotion_analyzer" in run:
            reading.emotion = self.emotion_analyzer(
                heads.emotion, tokens["emotion"], seen.memories["emotion"], seen.segments, latents
            )
            states["emotion_analyzer"] = reading.emotion.state
        if "bentham_calculator" in run:
            reading.bentham = self.bentham_calculator(heads.bentham, tokens["bentham"], latents)
            states["bentham_calculator"] = reading.bentham.state
        if "regret_analyzer" in run:
            reading.regret = self.regret_analyzer(heads.regret, tokens["regret"], latents)
            states["regret_analyzer"] = reading.regret.state
        if "counterfactual_reasoner" in run:
            reading.counterfactual = self.counterfactual_reasoner(seen.memories["reasoning"], seen.budget.bias)
            states["counterfactual_reasoner"] = reading.counterfactual.state
        if "surd_analyzer" in run:
            sources = torch.stack([states[_SOURCE_MODULES[name]] for name in SURD_SOURCES], dim=1)
            reading.surd = self.surd_analyzer(sources)
            states["surd_analyzer"] = reading.surd.state
        if "perspectives" in run:
            reading.perspectives = self.perspectives(latents)
            states["perspectives"] = reading.perspectives.state
        bridge = None
        if wanted & _BRIDGE_OUTPUTS:
            bridge = self.bridge(states, latents, training_signals)
            reading.joint, reading.states, reading.recovered = bridge.joint, bridge.states, bridge.recovered
            if "verdict" in wanted:
                reading.verdict = bridge.verdict
            if "confidence" in wanted:
                reading.expected_loss = self.sweet_spot(bridge, latents, reading.emotion)
        return _only(wanted, reading), heads, bridge


def _only(wanted: set[str], reading: RedHeartOutput) -> RedHeartOutput:
    """The reading without what only another output needed: a head for the verdict, the sources of SURD."""
    return RedHeartOutput(**{name: part for name, part in reading.items() if name not in OUTPUTS or name in wanted})


def _check_request(outputs: Sequence[str] | None, depth: str, targets: Targets) -> set[str]:
    """The outputs to compute. Raises `ValueError` for what is unknown or does not fit together."""
    if depth not in ("full", "fast"):
        raise ValueError(f"No depth {depth!r}; {closest(str(depth), ('full', 'fast'))}")
    available = OUTPUTS if depth == "full" else FAST_OUTPUTS
    if isinstance(outputs, str):
        raise ValueError(f"`outputs` must be a list of names, got the string {outputs!r}; write [{outputs!r}].")
    wanted = set(available if outputs is None else outputs)
    for name in sorted(wanted):
        if name not in OUTPUTS:
            raise ValueError(f"No output {name!r}; {closest(name, OUTPUTS)}")
        if name not in available:
            raise ValueError(f"The output {name!r} needs depth='full'; depth='fast' gives {', '.join(FAST_OUTPUTS)}.")
    for label in targets.given():
        output, fast = TARGET_OUTPUTS[label]
        if output not in wanted or (depth == "fast" and not fast):
            raise ValueError(f"`{label}` trains the output {output!r}, which is not computed at depth={depth!r} here.")
    return wanted


__all__ = ["RedHeartModel", "RedHeartPreTrainedModel"]
