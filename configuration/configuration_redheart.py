"""The options of Red Heart: one class for every member of the family; a preset is a JSON file of these options.

Notable: sizes are per component (``components``), so that each can have exactly its number of parameters; a misspelt
option, component or size is an error that names the nearest one; relations between options are checked on creation.
"""

# No `from __future__ import annotations` here: it would switch the strict type validation off.
import math
import os
from copy import deepcopy
from dataclasses import MISSING, field, fields
from functools import lru_cache
from typing import Any, Literal, TypeVar, overload

from huggingface_hub.dataclasses import strict
from transformers import AutoConfig, AutoModel, PreTrainedConfig
from transformers.configuration_utils import SubConfigSpec
from transformers.modeling_rope_utils import RopeParameters
from transformers.utils import logging

from .component_sizes import ComponentSize
from .components import (
    COMPONENT_SIZES,
    COMPONENTS,
    check_components,
    component_path,
    outputs_of,
    present_modules,
    size_kind,
    small_components,
)
from .earlier_versions import migrated
from .errors import InputError
from .labels import EMOTIONS, LOSSES, PERSPECTIVES, closest, record_keys
from .shipped import load_preset, preset_names
from .unknown_names import NAMES, describe_unknown, unknown_names, unknown_options

logger = logging.get_logger(__name__)

Size = TypeVar("Size", bound=ComponentSize)

# Mean losses have very different sizes (a cross entropy is about 1, a mean binary cross entropy of 28 labels 0.1), and
# under equal weights the small ones are hardly learned. A reading weighs more than what supports it, such as the heads'
# own reading and the probe of the information; losses without a target regularise and must not dominate.
DEFAULT_WEIGHTS: dict[str, float] = {
    "emotion": 10.0,
    "emotion_head": 3.0,
    "arc": 3.0,
    "nuance": 2.0,
    "intensity": 5.0,
    "affect": 5.0,
    "bentham": 0.2,
    "bentham_head": 2.0,
    "regret": 5.0,
    "regret_head": 2.0,
    "utility": 3.0,
    "utility_ranking": 0.5,
    "plausibility": 0.5,
    "acceptability": 4.0,
    "surd": 0.5,
    "surd_head": 0.1,
    "verdict": 2.0,
    "verdict_head": 0.5,
    "perspectives": 0.6,
    "embedding": 2.0,
    "confidence": 0.1,
    "sparsity": 0.01,
    "prototypes": 0.01,
    "regret_theory": 0.1,
}


# Options that are fitted to the weights of a model; for other weights they mean nothing.
FITTED = ("thresholds", "verdict_temperature", "verdict_threshold", "information_null", "withheld", "guarantee")

# Marks a config that is loaded and not written by a person, and has what was converted in it.
_LOADED, _NOTES = "_loaded", "_notes"


@strict
class RedHeartConfig(PreTrainedConfig):
    """Options of a Red Heart model.

    Without arguments it describes a very small model; `RedHeartConfig.from_preset` gives the members of the family.

    Args:
        vocab_size: Tokens of the vocabulary.
        hidden_size: Width of the model, a multiple of ``num_attention_heads``; the width of one head must be even.
        num_hidden_layers: Layers of the native backbone.
        num_attention_heads: Attention heads of the native backbone; fixes the width of a head in every component.
        intermediate_size: Width of the native backbone's gated feed-forward.
        max_position_embeddings: Most tokens of one text.
        rope_parameters: Rotary positions, as in transformers.
        pad_token_id: Token of the padding, below ``vocab_size``.
        encoder_config: Text encoder of transformers in place of the native backbone: its config, or a dict of it.
        components: Component -> its sizes, see `COMPONENT_SIZES`. The model has exactly these components.
        counterfactual_reads: What the counterfactual reasoner reads: the text's "tokens", or its "latents" as in early
            checkpoints.
        perspective_tokens: Tokens of the perspectives; early checkpoints have one more, which is no longer read out.
        num_segments: Ordered segments of the text over which the emotional arc runs; at least 2.
        token_budget: Tokens kept after the backbone, the most important ones; None keeps all.
        hidden_dropout: Dropout rate of hidden states, 0 <= rate < 1.
        attention_dropout: Dropout rate of attention, 0 <= rate < 1.
        norm_eps: Epsilon of the norms, above 0.
        initializer_range: Standard deviation of new weights, above 0.
        loss_weights: Loss -> weight, 0 or above; by default as in `DEFAULT_WEIGHTS`, or 1.
        supervision: Record key -> data sets that supervised the claim; the pipeline withholds a claim without a record.
        thresholds: Emotion -> probability from which it is asserted, fitted on validation data; 0.5 by default.
        verdict_temperature: Divides the verdict's logits before the softmax; above 0, fitted on validation data.
        verdict_threshold: Probability from which the most probable verdict is named; below it the reading abstains.
            Fitted on validation data; 0 = it is always named.
        information_null: Bits that the information about the verdict must exceed to be reported: what states of other
            texts give. Fitted on validation data; 0 = it is always reported.
        withheld: Record keys of claims that were measured to be no better than a constant; the pipeline withholds them.
        guarantee: What `redheart calibrate` promises on held-out rows, for these weights (`guarantees.Guarantee`).

    Raises:
        StrictDataclassFieldValidationError: For a wrong type.
        StrictDataclassClassValidationError: For options that do not fit together.
        InputError: For an unknown option. Each error names the value and the remedy.
    """

    model_type = "redheart"
    sub_configs_defaults = {"encoder_config": SubConfigSpec(config_class=AutoConfig, model_type="bert", optional=True)}
    keys_to_ignore_at_inference = ["losses", "loss_texts"]
    default_theta = 10_000.0

    vocab_size: int = 9931
    hidden_size: int = 64
    num_hidden_layers: int = 2
    num_attention_heads: int = 1
    intermediate_size: int = 128
    max_position_embeddings: int = 2048
    rope_parameters: RopeParameters | dict[str, Any] | None = None
    pad_token_id: int | None = 0

    encoder_config: dict[str, Any] | PreTrainedConfig | None = None

    components: dict[str, dict[str, int]] = field(default_factory=small_components)
    counterfactual_reads: Literal["tokens", "latents"] = "tokens"
    perspective_tokens: int = len(PERSPECTIVES)
    num_segments: int = 8
    token_budget: int | None = None

    hidden_dropout: float | int = 0.0
    attention_dropout: float | int = 0.0
    norm_eps: float = 1e-6
    initializer_range: float = 0.02

    loss_weights: dict[str, float | int] = field(default_factory=dict)

    supervision: dict[str, list[str]] = field(default_factory=dict)
    thresholds: dict[str, float | int] = field(default_factory=dict)
    verdict_temperature: float | int = 1.0
    verdict_threshold: float | int = 0.0
    information_null: float | int = 0.0
    withheld: list[str] = field(default_factory=list)
    guarantee: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self, **kwargs: Any) -> None:
        loaded, notes = kwargs.pop(_LOADED, False), kwargs.pop(_NOTES, [])
        if loaded:
            named = {option: getattr(self, option) or () for option in NAMES}
            self._unknown = frozenset(unknown_names(named))
            notes = [*notes, *describe_unknown(kwargs, [item.name for item in fields(self)], self._unknown)]
            if notes:
                logger.warning_once(" ".join(notes))
        elif unknown := unknown_options(kwargs):
            known = [item.name for item in fields(self)]
            raise InputError(f"Unknown RedHeartConfig option {unknown[0]!r}; {closest(unknown[0], known)}")
        if __name__.startswith("redheart."):
            # They point at code beside a checkpoint, for use without the package. With the package they would make
            # `pipeline` ask for remote code, and saving would point at files that are not there.
            kwargs = {key: value for key, value in kwargs.items() if key not in ("auto_map", "custom_pipelines")}
        super().__post_init__(**kwargs)

    @classmethod
    def from_dict(cls, config_dict: dict[str, Any], **kwargs: Any) -> Any:
        """Make a config from loaded options, as the base class does; every config that is loaded passes here.

        What this version does not know (options, claims, components, losses of a newer version or of a user) is kept.
        Names of an earlier version are renamed, and what was removed is left out. One warning lists all of it.

        Args:
            config_dict: Options, such as those of ``config.json``.
            **kwargs: As in the base class.

        Returns:
            The config; with ``return_unused_kwargs=True`` also the keyword arguments that are not options.
        """
        options, notes = migrated(config_dict)
        return super().from_dict({**options, _LOADED: True, _NOTES: notes}, **kwargs)

    @classmethod
    def from_json_file(cls, json_file: str | os.PathLike[str]) -> Any:
        """Make a config from a JSON file, by `from_dict`."""
        return cls.from_dict(cls._dict_from_json_file(json_file))

    def to_dict(self) -> dict[str, Any]:
        """The options as plain data, as the base class gives them."""
        options: dict[str, Any] = super().to_dict()
        options.pop("_unknown", None)
        return options

    @property
    def modules(self) -> tuple[str, ...]:
        """The heads and analyzers that the model has, in the order of the module dimension of its outputs."""
        return present_modules(self.components)

    def outputs_at(self, depth: str = "full") -> tuple[str, ...]:
        """The outputs that the model has the components for at ``depth``, in the order of `labels.OUTPUTS`."""
        return outputs_of(self.components, depth)

    @property
    def head_dim(self) -> int:
        """Width of one attention head, the same in every component."""
        return self.hidden_size // max(self.num_attention_heads, 1)  # 0 heads are refused later, by name

    @property
    def num_layer_states(self) -> int:
        """Layer states that the backbone gives to the layer crossover: the embeddings and one per layer."""
        encoder: Any = self.encoder_config
        return 1 + int(self.num_hidden_layers if encoder is None else encoder.num_hidden_layers)

    @property
    def longest_text(self) -> int:
        """Most tokens that one text can have."""
        if self.encoder_config is None:
            return self.max_position_embeddings
        encoder: Any = self.encoder_config
        longest = int(getattr(encoder, "max_position_embeddings", None) or 0)
        if longest < 1:
            return self.max_position_embeddings  # the encoder has no table of positions, and no limit
        return longest - int(encoder.pad_token_id) - 1 if _counts_after_padding(encoder.model_type) else longest

    @property
    def base_model_fsdp_plan(self) -> dict[str, str]:  # type: ignore[override]
        """What `DistributedConfig(fsdp_size=N)` gathers one by one: layers, token embeddings, or a whole text encoder.

        The rest of the model is gathered for a whole pass.
        """
        # For a text encoder, the module around it: sharding changes a module's class, and transformers knows by the
        # class of a model which hidden states it can return.
        encoder = (".layers.*", ".embed_tokens") if self.encoder_config is None else ("",)
        stacks = (row.layers_path for name, row in COMPONENTS.items() if name in self.components)
        pieces = [f"backbone.encoder{name}" for name in encoder] + [f"{path}.layers.*" for path in stacks if path]
        return dict.fromkeys(pieces, "free_full_weight")

    @overload
    def size_of(self, component: str) -> ComponentSize: ...

    @overload
    def size_of(self, component: str, kind: type[Size]) -> Size: ...

    def size_of(self, component: str, kind: type[ComponentSize] = ComponentSize) -> ComponentSize:
        """Return the sizes of a component, typed.

        Args:
            component: Its name.
            kind: Class of `component_sizes` that they must be.

        Returns:
            An instance of ``kind``.

        Raises:
            InputError: When ``component`` is unknown, or this config lacks it.
            TypeError: When its sizes are of another kind.
        """
        if component not in COMPONENTS:
            raise InputError(f"No component {component!r}; {closest(component, COMPONENTS)}")
        if component not in self.components:
            raise InputError(f"This config lacks the component {component!r}; it has {', '.join(self.components)}.")
        size = size_kind(component, self.encoder_config is not None)(**self.components[component])
        if not isinstance(size, kind):
            raise TypeError(f"The sizes of {component!r} are a {type(size).__name__}, not a {kind.__name__}.")
        return size

    def without_records(self) -> "RedHeartConfig":
        """A copy without the records of one model: supervision, fitted values, withheld claims."""
        config = deepcopy(self)
        config.supervision = {}
        config.clear_fitted()
        return config

    @property
    def class_names(self) -> list[str]:
        """Names of a classifier's labels in the order of its logits, which a JSON file need not have."""
        return [name for _, name in sorted((int(index), name) for index, name in (self.id2label or {}).items())]

    @property
    def is_classifier(self) -> bool:
        """Whether it is of a checkpoint saved from a classifier, which gives labels instead of a reading."""
        return (self.architectures or [""])[0] == "RedHeartForSequenceClassification"

    def clear_fitted(self) -> None:
        """Reset everything that was fitted to a model, for use with other weights."""
        for item in fields(self):
            if item.name in FITTED:
                factory = item.default_factory
                setattr(self, item.name, item.default if factory is MISSING else factory())

    def loss_weight(self, name: str) -> float:
        """Weight of the loss ``name`` in the total."""
        return float(self.loss_weights.get(name, DEFAULT_WEIGHTS.get(name, 1.0)))

    @classmethod
    def from_preset(cls, name: str, **options: Any) -> "RedHeartConfig":
        """The config of a preset, such as "redheart-730m", with ``options`` over it; `InputError` for another name."""
        return cls(**{**load_preset(name), **options})

    def validate_sizes(self) -> None:
        """Sizes are positive; attention heads divide the width into an even number."""
        for name in ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
                     "max_position_embeddings", "num_segments"):  # fmt: skip
            if getattr(self, name) < 1:
                raise InputError(f"`{name}` must be at least 1, got {getattr(self, name)}.")
        if self.num_segments < 2:
            raise InputError(f"`num_segments` must be at least 2 (an arc needs two segments), got {self.num_segments}.")
        if self.pad_token_id is not None and not 0 <= self.pad_token_id < self.vocab_size:
            raise InputError(
                f"`pad_token_id` ({self.pad_token_id}) must be below `vocab_size` ({self.vocab_size}) and not negative."
            )
        if self.hidden_size % self.num_attention_heads:
            raise InputError(
                f"`hidden_size` ({self.hidden_size}) must be a multiple of `num_attention_heads` "
                f"({self.num_attention_heads})."
            )
        if self.head_dim % 2:
            raise InputError(
                f"`hidden_size` / `num_attention_heads` must be even for rotary positions, got {self.head_dim}."
            )
        if self.token_budget is not None and self.token_budget < 1:
            raise InputError(f"`token_budget` must be at least 1 token, or None to keep all; got {self.token_budget}.")

    def validate_rates(self) -> None:
        """Dropout rates are probabilities."""
        for name in ("hidden_dropout", "attention_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"`{name}` must be in 0 <= rate < 1, got {getattr(self, name)}.")
        for name in ("norm_eps", "initializer_range", "verdict_temperature"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"`{name}` must be above 0, got {getattr(self, name)}.")

    def validate_components(self) -> None:
        """Every component that is not optional is there, and each has exactly the sizes that it takes."""
        kept = [name for name in self.components if self._keeps("components", name)]
        check_components(self.components, self.encoder_config is not None, self.hidden_size, kept)
        if self.perspective_tokens < len(PERSPECTIVES):
            least, given = len(PERSPECTIVES), self.perspective_tokens
            raise InputError(f"`perspective_tokens` must be at least {least}, got {given}.")

    def _keeps(self, option: str, name: str) -> bool:
        """Whether ``name`` in ``option`` came with a loaded config, whose unknown names are kept."""
        return f"{option}: {name}" in getattr(self, "_unknown", ())

    def validate_records(self) -> None:
        """Supervision, thresholds and their keys are known."""
        known = set(record_keys())
        for key in self.supervision:
            if key not in known and not self._keeps("supervision", key):
                raise InputError(f"Unknown claim {key!r} in `supervision`; {closest(key, sorted(known))}")
        for key, value in self.loss_weights.items():
            if key not in LOSSES and not self._keeps("loss_weights", key):
                raise InputError(f"Unknown loss {key!r} in `loss_weights`; {closest(key, LOSSES)}")
            if not 0 <= value < math.inf:
                raise InputError(f"`loss_weights[{key!r}]` must be a number, 0 or above, got {value}.")
        for key, value in self.thresholds.items():
            if key not in EMOTIONS and not self._keeps("thresholds", key):
                raise InputError(f"Unknown emotion {key!r} in `thresholds`; {closest(key, EMOTIONS)}")
            if not 0 <= value <= 1:
                raise InputError(f"`thresholds[{key!r}]` must be a probability, got {value}.")
        for key in self.withheld:
            if key not in known and not self._keeps("withheld", key):
                raise InputError(f"Unknown claim {key!r} in `withheld`; {closest(key, sorted(known))}")
        if not self.information_null >= 0:
            raise InputError(f"`information_null` must be bits, at least 0, got {self.information_null}.")
        if not 0 <= self.verdict_threshold <= 1:
            raise InputError(f"`verdict_threshold` must be a probability, got {self.verdict_threshold}.")


@lru_cache
def _counts_after_padding(model_type: str) -> bool:
    """Whether encoders of this type number positions from the padding token's id + 1; padding then has its own row."""
    import torch

    with torch.device("meta"):
        encoder = AutoModel.from_config(AutoConfig.for_model(model_type, num_hidden_layers=1))
    tables = (module for name, module in encoder.named_modules() if name.endswith("position_embeddings"))
    return any(getattr(table, "padding_idx", None) is not None for table in tables)


__all__ = [
    "COMPONENT_SIZES",
    "FITTED",
    "ComponentSize",
    "RedHeartConfig",
    "component_path",
    "load_preset",
    "preset_names",
]
