"""The components of the model, one row each: its sizes, where it lies, what it needs and what it makes.

Notable: every table by component derives from these rows (budget, stages of layer decay, modules of the sweet spot,
what an output needs). A config may lack the components that are optional: the model then has neither them nor their
outputs. What a component reads from stands with its class, in ``inputs``.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from .claims import CLAIMS, losses_of, losses_of_bridge, losses_of_module
from .component_sizes import (
    BackboneSize,
    CacheSize,
    ComponentSize,
    DecoderSize,
    EncoderBackboneSize,
    FeedForwardSize,
    LatentsSize,
    OneLayerSize,
    ReaderSize,
    RecurrentReaderSize,
    ScorerSize,
    TokenBudgetSize,
)
from .errors import InputError
from .labels import FAST_OUTPUTS, OUTPUTS, closest

# How far behind the text a component lies, in the order in which a text passes them.
STAGES = ("backbone", "mixture", "tokens", "heads", "analyzers", "bridge", "end")

BRIDGE, SYSTEMS = "module bridge", "optimisation systems"


@dataclass(frozen=True)
class Component:
    """One row of `COMPONENTS`."""

    name: str
    size: type[ComponentSize]
    """The kind: which sizes it takes in ``RedHeartConfig.components``."""
    stage: str
    """One of `STAGES`."""
    path: str = ""
    """Its place in a `RedHeartModel`; empty where that is its name."""
    part: str = ""
    """The row of the parameter budget that it counts in; empty where that is its name."""
    stack: str = ""
    """Where its decoder layers lie, as seen from it; empty where it has none, "." in it itself."""
    makes: str | None = None
    """The output, of `labels.OUTPUTS`, that it makes at full depth."""
    fills: str = ""
    """The field of `RedHeartOutput` that it fills; empty where it has the name of what it makes."""
    makes_fast: tuple[str, ...] = ()
    """The outputs that it makes at ``depth="fast"``; the first is the one that an analyzer refines at full depth."""
    needs: tuple[str, ...] = ()
    """Components that must have run before it."""
    losses: tuple[str, ...] = ()
    """The losses on what it reads out, as `claims` gives them. Empty where it serves other components: frozen ahead of
    those that read it (backbone, layer crossover, token budget, latent memory) it would break them, and where it
    imitates them (asynchrony, recovery, expected losses) its loss rises whenever they change."""
    has_state: bool = False
    """Whether the bridge reads its state: every head and analyzer."""
    optional: bool = False
    """Whether a config may lack it."""

    @property
    def place(self) -> str:
        """Path of its submodule in a `RedHeartModel`."""
        return self.path or self.name

    @property
    def field(self) -> str:
        """The field of `RedHeartOutput` that it fills at full depth; empty for none."""
        return self.fills or self.makes or ""

    @property
    def budget_part(self) -> str:
        """Its row in the parameter budget."""
        return self.part or self.name.replace("_", " ")

    @property
    def layers_path(self) -> str | None:
        """Path of the module that holds its decoder layers; None where it has none."""
        return None if not self.stack else self.place if self.stack == "." else f"{self.place}.{self.stack}"


def _head(name: str, *makes_fast: str, also: tuple[str, ...] = ()) -> Component:
    """also: a loss that no label is needed for."""
    losses = (*also, *losses_of_module(name))
    return Component(
        name, ReaderSize, "heads", stack="decoder", makes_fast=makes_fast, losses=losses, has_state=True, optional=True
    )


def _analyzer(name: str, makes: str, *needs: str, size: type[ComponentSize] = ReaderSize) -> Component:
    losses = losses_of_module(name)
    return Component(
        name, size, "analyzers", stack="decoder", makes=makes, needs=needs, losses=losses, has_state=True, optional=True
    )


# Heads and analyzers stand in the order of `labels.MODULES`, and a component behind those that it needs.
COMPONENTS: dict[str, Component] = {
    row.name: row
    for row in (
        Component("backbone", BackboneSize, "backbone"),
        Component("layer_crossover", ScorerSize, "mixture", part=SYSTEMS, stack="."),
        Component("token_budget", TokenBudgetSize, "tokens", part=SYSTEMS, stack="decoder"),
        # It lies in the bridge, but the analyzers read it.
        Component("latent_memory", LatentsSize, "heads", path="bridge.memory", part=BRIDGE, stack="decoder"),
        _head("emotion_head", "emotion"),
        _head("bentham_head", "bentham"),
        _head("regret_head", "regret"),
        _head("surd_head", "surd", "verdict", also=("surd_head",)),
        _analyzer("emotion_analyzer", "emotion", "emotion_head", size=RecurrentReaderSize),
        _analyzer("bentham_calculator", "bentham", "bentham_head"),
        _analyzer("regret_analyzer", "regret", "regret_head"),
        _analyzer("counterfactual_reasoner", "counterfactual"),
        _analyzer("surd_analyzer", "surd", "emotion_analyzer", "bentham_calculator", "regret_analyzer"),
        _analyzer("perspectives", "perspectives"),
        Component("cache", CacheSize, "bridge", path="bridge.cache", part=BRIDGE, losses=losses_of_bridge()),
        Component("asynchrony", DecoderSize, "bridge", path="bridge.asynchrony", part=BRIDGE, stack="decoder"),
        Component("recovery", OneLayerSize, "bridge", path="bridge.recovery", part=BRIDGE, stack="decoder"),
        Component(
            "coordination", ReaderSize, "bridge", path="bridge.coordination", part=BRIDGE, stack="decoder",
            makes="verdict", losses=losses_of_bridge(),
        ),
        Component(
            "sweet_spot", ScorerSize, "end", part=SYSTEMS, stack="decoder", makes="confidence", fills="expected_loss",
            needs=("emotion_analyzer", "coordination"), optional=True,
        ),
        Component(
            "projector", FeedForwardSize, "end", part=SYSTEMS, makes="embedding", makes_fast=("embedding",),
            losses=losses_of(CLAIMS["embedding"]),
        ),
    )
}  # fmt: skip

# The sizes that each component takes. All are positive integers.
COMPONENT_SIZES: dict[str, tuple[str, ...]] = {name: row.size.names() for name, row in COMPONENTS.items()}


def size_kind(name: str, on_encoder: bool) -> type[ComponentSize]:
    """The kind of the component ``name``. on_encoder: whether a text encoder of transformers is the backbone."""
    return EncoderBackboneSize if name == "backbone" and on_encoder else COMPONENTS[name].size


def present_modules(components: Collection[str]) -> tuple[str, ...]:
    """Of ``components`` those with a state on the bridge, in the order of its module dimension."""
    return tuple(name for name, row in COMPONENTS.items() if row.has_state and name in components)


@cache
def makers(output: str, depth: str) -> tuple[str, ...]:
    """The components without which there is no ``output`` at ``depth``: what makes it, and what that needs."""
    rows = COMPONENTS.values()
    first = (row.name for row in rows if (row.makes == output if depth == "full" else output in row.makes_fast))
    return tuple(sorted(_with_needs(first), key=list(COMPONENTS).index))


def _with_needs(names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for name in names:
        found |= {name} | _with_needs(COMPONENTS[name].needs)
    return found


def outputs_of(components: Collection[str], depth: str) -> tuple[str, ...]:
    """The outputs that a model with ``components`` makes at ``depth``, in the order of `labels.OUTPUTS`."""
    names = OUTPUTS if depth == "full" else FAST_OUTPUTS
    return tuple(name for name in names if all(maker in components for maker in makers(name, depth)))


def needed_for(outputs: Iterable[str], depth: str, components: Collection[str]) -> set[str]:
    """The components to run for ``outputs``; at full depth also the heads of what is read, whose states count."""
    wanted = set(outputs)
    heads = {name for name, row in COMPONENTS.items() if row.makes_fast and row.makes_fast[0] in wanted}
    run = {maker for output in wanted for maker in makers(output, depth)}
    return run | (heads & set(components) if depth == "full" else set())


def refuse_absent(outputs: Iterable[str], depth: str, components: Collection[str]) -> None:
    """Raise `ValueError` that names the first of ``outputs`` that a model with ``components`` cannot make."""
    for output in outputs:
        absent = [name for name in makers(output, depth) if name not in components]
        if absent:
            raise InputError(
                f"This model has no output {output!r} at depth={depth!r}: its config lacks the component "
                f"{absent[0]!r}. It makes {', '.join(outputs_of(components, depth))}."
            )


def check_components(
    components: Mapping[str, Mapping[str, int]], on_encoder: bool, hidden_size: int, kept: Collection[str] = ()
) -> None:
    """Raise `ValueError` for components that no model can be built of.

    components: component -> its sizes. on_encoder: whether a text encoder of transformers is the backbone. kept: names
    that came with a loaded config and are no component of this version.
    """
    for name in components:
        if name not in COMPONENTS and name not in kept:
            raise InputError(f"Unknown component: {name!r}; {closest(name, COMPONENTS)}")
    for name, row in COMPONENTS.items():
        if name in components:
            _check_sizes(name, components[name], on_encoder)
            if lacking := [need for need in row.needs if need not in components]:
                raise InputError(f"The component {name!r} needs {lacking[0]!r}: give both, or leave out {name!r}.")
        elif not row.optional:
            needed = (known for known, other in COMPONENTS.items() if not other.optional)
            raise InputError(f"Missing component: {name!r}; give all of {', '.join(needed)}.")
    if not present_modules(components):
        raise InputError("`components` has neither a head nor an analyzer; give at least one.")
    _check_relations(components, on_encoder, hidden_size)


def _check_sizes(name: str, sizes: Mapping[str, int], on_encoder: bool) -> None:
    kind = size_kind(name, on_encoder)
    _same_names(f"size of component {name!r}", sizes, kind.names())
    for key, value in sizes.items():
        if value < kind.least(key):
            raise InputError(f"`components[{name!r}][{key!r}]` must be at least {kind.least(key)}, got {value}.")


def _check_relations(components: Mapping[str, Mapping[str, int]], on_encoder: bool, hidden_size: int) -> None:
    if not on_encoder:
        backbone = BackboneSize(**components["backbone"])
        if hidden_size % backbone.summary_heads:
            raise InputError(
                f"`hidden_size` ({hidden_size}) must be a multiple of the backbone's `summary_heads` "
                f"({backbone.summary_heads})."
            )
    cache = CacheSize(**components["cache"])
    if cache.neighbours > cache.prototypes:
        raise InputError(
            f"The cache looks up {cache.neighbours} `neighbours` among only {cache.prototypes} `prototypes`."
        )


def _same_names(what: str, given: Iterable[str], known: Collection[str]) -> None:
    for name in given:
        if name not in known:
            raise InputError(f"Unknown {what}: {name!r}; {closest(name, known)}")
    for name in known:
        if name not in given:
            raise InputError(f"Missing {what}: {name!r}; give all of {', '.join(known)}.")


def small_components() -> dict[str, dict[str, int]]:
    """The sizes of a very small model, those of a config without arguments."""
    reader = {"layers": 1, "heads": 1, "intermediate": 64, "registers": 1, "readout": 16, "state": 16}
    sizes = {name: {key: reader.get(key, 16) for key in keys} for name, keys in COMPONENT_SIZES.items()}
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
    known = (*COMPONENTS, "bridge")
    if name not in known:
        raise InputError(f"No component {name!r}; {closest(name, known)}")
    return COMPONENTS[name].place if name in COMPONENTS else name


__all__ = [
    "BRIDGE",
    "COMPONENTS",
    "COMPONENT_SIZES",
    "STAGES",
    "SYSTEMS",
    "Component",
    "check_components",
    "component_path",
    "makers",
    "needed_for",
    "outputs_of",
    "present_modules",
    "refuse_absent",
    "size_kind",
    "small_components",
]
