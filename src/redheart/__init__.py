"""Red Heart: structured readings of texts about moral conflict.

Importing the package registers it with transformers: `AutoConfig`, `AutoModel`, `AutoModelForSequenceClassification`
and `pipeline("ethical-analysis")` then know Red Heart checkpoints without remote code, and the names of those that ship
(`names` says how, and how to undo it). Neither transformers nor torch is imported by that; see `registration`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .registration import register_with_transformers

if TYPE_CHECKING:
    from .configuration.configuration_redheart import RedHeartConfig
    from .modeling_redheart import RedHeartForSequenceClassification, RedHeartModel
    from .modeling_redheart.pipeline_redheart import EthicalAnalysisPipeline
    from .names import forget_names

__version__ = "0.1.0"

# Public name -> the module that defines it, imported when somebody asks for it.
_MODULES = {
    "EthicalAnalysisPipeline": "modeling_redheart.pipeline_redheart",
    "RedHeartConfig": "configuration.configuration_redheart",
    "RedHeartForSequenceClassification": "modeling_redheart.classification",
    "RedHeartModel": "modeling_redheart.modeling_redheart",
    "forget_names": "names",
}

__all__ = [
    "EthicalAnalysisPipeline",
    "RedHeartConfig",
    "RedHeartForSequenceClassification",
    "RedHeartModel",
    "__version__",
    "forget_names",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


register_with_transformers()
