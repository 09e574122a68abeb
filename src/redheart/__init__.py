"""Red Heart: structured readings of texts about moral conflict.

Importing the package registers it with transformers: `AutoConfig`, `AutoModel`, `AutoModelForSequenceClassification`
and `pipeline("ethical-analysis")` then know Red Heart checkpoints without remote code.
"""

from pathlib import Path

from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

from .configuration import RedHeartConfig
from .modeling_redheart import RedHeartForSequenceClassification, RedHeartModel
from .modeling_redheart.pipeline_redheart import EthicalAnalysisPipeline, register_pipeline

__version__ = "0.1.0"

AutoConfig.register(RedHeartConfig.model_type, RedHeartConfig, exist_ok=True)
AutoModel.register(RedHeartConfig, RedHeartModel, exist_ok=True)
AutoModelForSequenceClassification.register(RedHeartConfig, RedHeartForSequenceClassification, exist_ok=True)
register_pipeline(Path(__file__).parent / "checkpoints" / "redheart-mini")

__all__ = [
    "EthicalAnalysisPipeline",
    "RedHeartConfig",
    "RedHeartForSequenceClassification",
    "RedHeartModel",
    "__version__",
]
