"""Checks of the components of a config: which must be there, which sizes each takes, and what fits together."""

from collections.abc import Collection, Iterable, Mapping

from .component_sizes import BackboneSize, CacheSize
from .components import COMPONENTS, present_modules, size_kind
from .labels import closest


def check_components(
    components: Mapping[str, Mapping[str, int]], on_encoder: bool, hidden_size: int, kept: Collection[str] = ()
) -> None:
    """Raise `ValueError` for components that no model can be built of.

    components: component -> its sizes. on_encoder: whether a text encoder of transformers is the backbone. kept: names
    that came with a loaded config and are no component of this version.
    """
    for name in components:
        if name not in COMPONENTS and name not in kept:
            raise ValueError(f"Unknown component: {name!r}; {closest(name, COMPONENTS)}")
    for name, row in COMPONENTS.items():
        if name in components:
            _check_sizes(name, components[name], on_encoder)
            if lacking := [need for need in row.needs if need not in components]:
                raise ValueError(f"The component {name!r} needs {lacking[0]!r}: give both, or leave out {name!r}.")
        elif not row.optional:
            needed = (known for known, other in COMPONENTS.items() if not other.optional)
            raise ValueError(f"Missing component: {name!r}; give all of {', '.join(needed)}.")
    if not present_modules(components):
        raise ValueError("`components` has neither a head nor an analyzer; give at least one.")
    _check_relations(components, on_encoder, hidden_size)


def _check_sizes(name: str, sizes: Mapping[str, int], on_encoder: bool) -> None:
    kind = size_kind(name, on_encoder)
    _same_names(f"size of component {name!r}", sizes, kind.names())
    for key, value in sizes.items():
        if value < kind.least(key):
            raise ValueError(f"`components[{name!r}][{key!r}]` must be at least {kind.least(key)}, got {value}.")


def _check_relations(components: Mapping[str, Mapping[str, int]], on_encoder: bool, hidden_size: int) -> None:
    if not on_encoder:
        backbone = BackboneSize(**components["backbone"])
        if hidden_size % backbone.summary_heads:
            raise ValueError(
                f"`hidden_size` ({hidden_size}) must be a multiple of the backbone's `summary_heads` "
                f"({backbone.summary_heads})."
            )
    cache = CacheSize(**components["cache"])
    if cache.neighbours > cache.prototypes:
        raise ValueError(
            f"The cache looks up {cache.neighbours} `neighbours` among only {cache.prototypes} `prototypes`."
        )


def _same_names(what: str, given: Iterable[str], known: Collection[str]) -> None:
    for name in given:
        if name not in known:
            raise ValueError(f"Unknown {what}: {name!r}; {closest(name, known)}")
    for name in known:
        if name not in given:
            raise ValueError(f"Missing {what}: {name!r}; give all of {', '.join(known)}.")


__all__ = ["check_components"]
