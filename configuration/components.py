"""The components of the model, one row each: its sizes, its place, what it needs and what it makes.

Notable: every table by component derives from these rows (budget, stages of layer decay, modules of the sweet spot,
what an output needs). A config may lack the components that are optional: the model then has neither them nor their
outputs. What a component reads from is in ``inputs`` of its class.
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

# The stages of the model, in the order in which a text passes them.
STAGES = ("backbone", "mixture", "tokens", "heads", "analyzers", "bridge", "end")

BRIDGE, SYSTEMS = "module bridge", "optimisation systems"


@dataclass(frozen=True)
class Component:
    """One row of `COMPONENTS`.

    Attributes:
        name: Its name in ``RedHeartConfig.components``.
        size: Its kind: the sizes that it takes in ``RedHeartConfig.components``.
        stage: One of `STAGES`.
        path: Path of its submodule in a `RedHeartModel`; empty = ``name``.
        part: Row of the parameter budget that it counts in; empty = ``name`` in words.
        stack: Path of its decoder layers inside it; empty = it has none, "." = the component itself.
        makes: Output, of `labels.OUTPUTS`, that it makes at full depth.
        fills: Field of `RedHeartOutput` that it fills; empty = ``makes``.
        makes_fast: Outputs that it makes at ``depth="fast"``; an analyzer refines the first of them at full depth.
        needs: Components that must run before it.
        losses: Losses on its outputs, as `claims` gives them. Empty for a component that serves others: frozen before
            those that read it (backbone, layer crossover, token budget, latent memory) it would break them, and where
            it imitates them (asynchrony, recovery, expected losses) its loss rises whenever they change.
        has_state: Whether the bridge reads its state: every head and analyzer.
        optional: Whether a config may lack it.
    """

    name: str
    size: type[ComponentSize]
    stage: str
    path: str = ""
    part: str = ""
    stack: str = ""
    makes: str | None = None
    fills: str = ""
    makes_fast: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    has_state: bool = False
    optional: bool = False

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
    """A head that makes ``makes_fast``; ``also`` names losses on it that need no label."""
    losses = (*also, *losses_of_module(name))
    return Component(
        name, ReaderSize, "heads", stack="decoder", makes_fast=makes_fast, losses=losses, has_state=True, optional=True
    )


def _analyzer(name: str, makes: str, *needs: str, size: type[ComponentSize] = ReaderSize) -> Component:
    losses = losses_of_module(name)
    return Component(
        name, size, "analyzers", stack="decoder", makes=makes, needs=needs, losses=losses, has_state=True, optional=True
    )


# Heads and analyzers are in the order of `labels.MODULES`, and a component is after those that it needs.
COMPONENTS: dict[str, Component] = {
    row.name: row
    for row in (
        Component("backbone", BackboneSize, "backbone"),
        Component("layer_crossover", ScorerSize, "mixture", part=SYSTEMS, stack="."),
        Component("token_budget", TokenBudgetSize, "tokens", part=SYSTEMS, stack="decoder"),
        # A submodule of the bridge, but the analyzers read it.
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
    """The kind of the component ``name``; ``on_encoder``: whether a text encoder of transformers is the backbone."""
    return EncoderBackboneSize if name == "backbone" and on_encoder else COMPONENTS[name].size


def present_modules(components: Collection[str]) -> tuple[str, ...]:
    """Those of ``components`` with a state on the bridge, in the order of its module dimension."""
    return tuple(name for name, row in COMPONENTS.items() if row.has_state and name in components)


@cache
def makers(output: str, depth: str) -> tuple[str, ...]:
    """The components that ``output`` requires at ``depth``: the one that makes it, and what that one needs."""
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
    """The components to run for ``outputs``; at full depth also their heads, whose states the bridge reads."""
    wanted = set(outputs)
    heads = {name for name, row in COMPONENTS.items() if row.makes_fast and row.makes_fast[0] in wanted}
    run = {maker for output in wanted for maker in makers(output, depth)}
    return run | (heads & set(components) if depth == "full" else set())


def check_outputs_available(outputs: Iterable[str], depth: str, components: Collection[str]) -> None:
    """Check that a model with ``components`` can make all of ``outputs`` at ``depth``.

    Args:
        outputs: Names of `labels.OUTPUTS`.
        depth: "full" or "fast".
        components: Names of the components that the model has.

    Raises:
        InputError: For the first output that it cannot make; the message names the absent component.
    """
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
    """Check that a model can be built of ``components``.

    Args:
        components: Component -> its sizes.
        on_encoder: Whether a text encoder of transformers is the backbone.
        hidden_size: Width of the model.
        kept: Names from a loaded config that are not components of this version.

    Raises:
        InputError: For an unknown or missing component or size, a size that is too small, and components or sizes that
            do not fit together.
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
    """The sizes of a very small model, which a config without arguments has."""
    reader = {"layers": 1, "heads": 1, "intermediate": 64, "registers": 1, "readout": 16, "state": 16}
    sizes = {name: {key: reader.get(key, 16) for key in keys} for name, keys in COMPONENT_SIZES.items()}
    sizes["backbone"] = {"projection": 32, "norm_rank": 8, "summary": 8, "summary_heads": 1}
    sizes["latent_memory"]["latents"] = 4
    sizes["emotion_analyzer"]["recurrent"] = 32
    sizes["token_budget"]["registers"] = 2
    sizes["cache"] = {"prototypes": 32, "neighbours": 4}
    return sizes


def component_path(name: str) -> str:
    """Look up the submodule of a component.

    Args:
        name: A component, or "bridge" for all components of the bridge.

    Returns:
        Path of the submodule in a `RedHeartModel`.

    Raises:
        InputError: When ``name`` is not a component.
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
    "check_outputs_available",
    "component_path",
    "makers",
    "needed_for",
    "outputs_of",
    "present_modules",
    "size_kind",
    "small_components",
]
