"""Options, label schema, parameter budget.

Notable: the options need transformers, and with it torch. They are imported on first use, so that names and labels are
available at once.
"""

from typing import TYPE_CHECKING, Any

from .shipped import load_preset, preset_names

if TYPE_CHECKING:
    from .configuration_redheart import ComponentSize, RedHeartConfig

__all__ = ["ComponentSize", "RedHeartConfig", "load_preset", "preset_names"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import configuration_redheart

    return getattr(configuration_redheart, name)
