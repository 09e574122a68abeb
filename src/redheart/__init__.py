"""Red Heart: structured readings of texts about moral conflict.

Importing the package registers it with transformers: `AutoConfig`, `AutoModel`, `AutoModelForSequenceClassification`
and `pipeline("ethical-analysis")` then know Red Heart checkpoints without remote code.
"""

from pathlib import Path

from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

from .configuration import RedHeartConfig
from .configuration.shipped import DEFAULT_MODEL
from .hub_upload.push_to_hub import push_to_hub, refuse_upload
from .modeling_redheart import RedHeartForSequenceClassification, RedHeartModel
from .modeling_redheart.pipeline_redheart import EthicalAnalysisPipeline, register_pipeline

__version__ = "0.1.0"

AutoConfig.register(RedHeartConfig.model_type, RedHeartConfig, exist_ok=True)
AutoModel.register(RedHeartConfig, RedHeartModel, exist_ok=True)
AutoModelForSequenceClassification.register(RedHeartConfig, RedHeartForSequenceClassification, exist_ok=True)
# From outside, because remote code is made from these classes and has no hub_upload.
for _class in (RedHeartModel, RedHeartForSequenceClassification, EthicalAnalysisPipeline):
    setattr(_class, "push_to_hub", push_to_hub)  # noqa: B010 - mypy takes no assignment to a method
    setattr(_class, "_upload_modified_files", refuse_upload)  # noqa: B010
register_pipeline(Path(__file__).parent / "checkpoints" / DEFAULT_MODEL)

__all__ = [
    "EthicalAnalysisPipeline",
    "RedHeartConfig",
    "RedHeartForSequenceClassification",
    "RedHeartModel",
    "__version__",
]
