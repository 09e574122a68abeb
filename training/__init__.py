"""Training: the trainer, its arguments and its callbacks, imported when they are first used.

from redheart.training import RedHeartTrainer, RedHeartTrainingArguments, SweetSpotCallback
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .callbacks.crossover_callback import CrossoverCallback
    from .callbacks.sweet_spot import SweetSpotCallback
    from .trainers.arguments import RedHeartTrainingArguments
    from .trainers.oom_callback import OOMCallback
    from .trainers.trainer import RedHeartTrainer

_MODULES = {
    "CrossoverCallback": "callbacks.crossover_callback",
    "OOMCallback": "trainers.oom_callback",
    "RedHeartTrainer": "trainers.trainer",
    "RedHeartTrainingArguments": "trainers.arguments",
    "SweetSpotCallback": "callbacks.sweet_spot",
}

__all__ = ["CrossoverCallback", "OOMCallback", "RedHeartTrainer", "RedHeartTrainingArguments", "SweetSpotCallback"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
