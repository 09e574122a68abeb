"""Red Heart: structured readings of texts about moral conflict.

Importing the package registers it with transformers: `AutoConfig`, `AutoModel`, `AutoModelForSequenceClassification`
and `pipeline("ethical-analysis")` then know Red Heart checkpoints without remote code, and the names of those that ship
(see `names`, also for how to undo it). This imports neither transformers nor torch; see `registration`.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from .moved import find_moved_modules
from .registration import register_with_transformers
from .version import __version__

if TYPE_CHECKING:
    from .configuration.configuration_redheart import RedHeartConfig
    from .configuration.errors import RedHeartError
    from .modeling_redheart import RedHeartForSequenceClassification, RedHeartModel
    from .modeling_redheart.pipeline_redheart import EthicalAnalysisPipeline
    from .names import forget_names

# Public name -> the module that defines it, imported on first use.
_MODULES = {
    "EthicalAnalysisPipeline": "modeling_redheart.pipeline_redheart",
    "RedHeartConfig": "configuration.configuration_redheart",
    "RedHeartError": "configuration.errors",
    "RedHeartForSequenceClassification": "modeling_redheart.classification",
    "RedHeartModel": "modeling_redheart.modeling_redheart",
    "forget_names": "names",
}

__all__ = [
    "EthicalAnalysisPipeline",
    "RedHeartConfig",
    "RedHeartError",
    "RedHeartForSequenceClassification",
    "RedHeartModel",
    "__version__",
    "forget_names",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


if find_spec(f"{__name__}.configuration") is None:
    raise ImportError(
        "This checkout has no symbolic links, so parts of redheart are missing: install it with `pip install .`, or "
        "run `git config core.symlinks true` and check it out again."
    )

find_moved_modules()
register_with_transformers()
