"""Options, label schema, parameter budget."""

from .configuration_redheart import ComponentSize, RedHeartConfig, load_preset, preset_names

__all__ = ["ComponentSize", "RedHeartConfig", "load_preset", "preset_names"]
