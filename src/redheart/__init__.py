"""Red Heart: structured readings of texts about moral conflict.

Importing the package registers it with transformers: `AutoConfig`, `AutoModel`, `AutoModelForSequenceClassification`
and `pipeline("ethical-analysis")` then know Red Heart checkpoints without remote code, and the names of those that ship
(`names` says how, and how to undo it).
"""

from pathlib import Path

from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

from .configuration import RedHeartConfig
from .configuration.shipped import DEFAULT_MODEL
from .methods import equip_classes
from .modeling_redheart import RedHeartForSequenceClassification, RedHeartModel
from .modeling_redheart.pipeline_redheart import EthicalAnalysisPipeline, register_pipeline
from .names import forget_names, know_names

__version__ = "0.1.0"

AutoConfig.register(RedHeartConfig.model_type, RedHeartConfig, exist_ok=True)
AutoModel.register(RedHeartConfig, RedHeartModel, exist_ok=True)
AutoModelForSequenceClassification.register(RedHeartConfig, RedHeartForSequenceClassification, exist_ok=True)
equip_classes()
know_names()
register_pipeline(Path(__file__).parent / "checkpoints" / DEFAULT_MODEL)

__all__ = [
    "EthicalAnalysisPipeline",
    "RedHeartConfig",
    "RedHeartForSequenceClassification",
    "RedHeartModel",
    "__version__",
    "forget_names",
]
