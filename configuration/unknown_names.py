"""Names in a loaded config that this version does not know: they are kept, and one warning lists them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from .components import COMPONENTS
from .labels import EMOTIONS, LOSSES, closest, record_keys

# What transformers itself passes to a config beside its declared fields. Anything else is a misspelt option.
_TRANSFORMERS_OPTIONS = frozenset(
    {
        "_attn_implementation",
        "_attn_implementation_internal",
        "_commit_hash",
        "_experts_implementation",
        "_experts_implementation_internal",
        "_name_or_path",
        "attn_implementation",
        "auto_map",
        "bos_token_id",  # as pad_token_id, the trainer takes them from the tokenizer
        "custom_pipelines",
        "eos_token_id",
        "experts_implementation",
        "model_type",
        "name_or_path",
        "num_labels",
        "output_attentions",
        "per_layer_config",
        "quantization_config",
        "torch_dtype",
        "use_cache",  # set by Trainer on every config
    }
)

# Option of a config -> the names that it may have.
NAMES: dict[str, Collection[str]] = {
    "components": COMPONENTS,
    "supervision": record_keys(),
    "withheld": record_keys(),
    "loss_weights": LOSSES,
    "thresholds": EMOTIONS,
}


def unknown_options(given: Iterable[str]) -> list[str]:
    """Those of ``given``, options beside the declared ones, that transformers does not pass."""
    return sorted(set(given) - _TRANSFORMERS_OPTIONS)


def unknown_names(options: Mapping[str, Iterable[str]]) -> list[str]:
    """``"option: name"`` for each name in ``options`` (those of `NAMES`) that is not known."""
    return [f"{option}: {name}" for option in NAMES for name in options[option] if name not in NAMES[option]]


def describe_unknown(given: Mapping[str, Any], known: Sequence[str], names: Collection[str]) -> list[str]:
    """Describe what a loaded config has that this version does not know.

    Args:
        given: Options beside the declared ones.
        known: The declared options.
        names: As `unknown_names` gives them.

    Returns:
        Sentences; none where there is nothing to report.
    """
    notes = []
    if unknown := unknown_options(given):
        hints = [f" {name}: {hint}" for name in unknown if (hint := closest(name, known)).startswith("did you")]
        notes.append(
            f"The config has options that this version does not know: {', '.join(unknown)}. They are kept and have no "
            f"effect.{''.join(hints)}"
        )
    if names:
        notes.append(
            f"The config has names that this version does not know ({'; '.join(sorted(names))}). They are kept and "
            "have no effect."
        )
    return notes


__all__ = ["NAMES", "describe_unknown", "unknown_names", "unknown_options"]
