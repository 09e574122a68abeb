"""The components of the model: which there are, the sizes that each takes, and where each lies in the model."""

from typing import NamedTuple

from .errors import InputError
from .labels import MODULES, closest

# A stack of decoder layers that ends in a read-out and a state: the shape of every head and analyzer.
_READER = ("layers", "heads", "intermediate", "registers", "readout", "state")

# The sizes that each component takes. All are positive integers.
COMPONENT_SIZES: dict[str, tuple[str, ...]] = {
    "backbone": ("projection", "norm_rank", "summary", "summary_heads"),
    "layer_crossover": ("layers", "heads", "intermediate", "readout"),
    "token_budget": ("layers", "heads", "intermediate", "registers", "readout"),
    "latent_memory": ("layers", "heads", "intermediate", "latents"),
    "emotion_head": _READER,
    "bentham_head": _READER,
    "regret_head": _READER,
    "surd_head": _READER,
    "emotion_analyzer": (*_READER, "recurrent"),
    "bentham_calculator": _READER,
    "regret_analyzer": _READER,
    "counterfactual_reasoner": _READER,
    "surd_analyzer": _READER,
    "perspectives": _READER,
    "cache": ("prototypes", "neighbours"),
    "asynchrony": ("layers", "heads", "intermediate"),
    "recovery": ("heads", "intermediate"),
    "coordination": _READER,
    "sweet_spot": ("layers", "heads", "intermediate", "readout"),
    "projector": ("intermediate",),
}

# The components that lie in the bridge, by their place in the model; the others lie there under their own names.
_IN_BRIDGE: dict[str, str] = {
    "latent_memory": "bridge.memory",
    **{name: f"bridge.{name}" for name in ("cache", "asynchrony", "recovery", "coordination")},
}


# With `encoder_config` the backbone is that encoder; adaptive norms and the summary that feeds them are the native
# one's.
ENCODER_BACKBONE_SIZES = ("projection",)


class ComponentSize(NamedTuple):
    """The sizes of one component; a size that the component does not take is 0.

    layers: encoder or decoder layers. heads: attention heads, each ``config.head_dim`` wide. intermediate: width of the
    gated feed-forward. registers: learned tokens that carry the state. readout: width of the read-out's hidden layer.
    state: width of the bottleneck through which the state reaches the bridge.
    """

    layers: int = 0
    heads: int = 0
    intermediate: int = 0
    registers: int = 0
    readout: int = 0
    state: int = 0
    projection: int = 0
    norm_rank: int = 0
    summary: int = 0
    summary_heads: int = 0
    latents: int = 0
    recurrent: int = 0
    prototypes: int = 0
    neighbours: int = 0


# Where the model has a stack of decoder layers.
DECODERS = (
    "layer_crossover",
    *(f"{name}.decoder" for name in ("token_budget", *MODULES, "sweet_spot")),
    *(f"bridge.{name}.decoder" for name in ("memory", "asynchrony", "recovery", "coordination")),
)


# Attention over a single token, and a choice of one, weigh nothing: their weights would never have a gradient.
LEAST: dict[tuple[str, str], int] = {
    ("token_budget", "registers"): 2,
    ("latent_memory", "latents"): 2,
    ("cache", "prototypes"): 2,
    ("cache", "neighbours"): 2,
}


def small_components() -> dict[str, dict[str, int]]:
    """The sizes of a very small model, those of a config without arguments."""
    reader = {"layers": 1, "heads": 1, "intermediate": 64, "registers": 1, "readout": 16, "state": 16}
    sizes = {
        name: {key: reader.get(key, 16) for key in keys if key in reader or name != "backbone"}
        for name, keys in COMPONENT_SIZES.items()
    }
    sizes["backbone"] = {"projection": 32, "norm_rank": 8, "summary": 8, "summary_heads": 1}
    sizes["latent_memory"]["latents"] = 4
    sizes["emotion_analyzer"]["recurrent"] = 32
    sizes["token_budget"]["registers"] = 2
    sizes["cache"] = {"prototypes": 32, "neighbours": 4}
    return sizes


def component_path(name: str) -> str:
    """Path of the submodule of a `RedHeartModel` that is the component ``name``; "bridge" is all of its components.

    Raises `ValueError` for a name that is no component.
    """
    known = (*COMPONENT_SIZES, "bridge")
    if name not in known:
        raise InputError(f"No component {name!r}; {closest(name, known)}")
    return _IN_BRIDGE.get(name, name)


__all__ = [
    "COMPONENT_SIZES",
    "DECODERS",
    "ENCODER_BACKBONE_SIZES",
    "LEAST",
    "ComponentSize",
    "component_path",
    "small_components",
]
