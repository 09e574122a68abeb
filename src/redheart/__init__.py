"""Red Heart: structured readings of texts about moral conflict.

Importing the package registers it with transformers: `AutoConfig`, `AutoModel`, `AutoModelForSequenceClassification` and
`pipeline("ethical-analysis")` then know Red Heart checkpoints without remote code.
"""

from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

from .configuration import RedHeartConfig
from .modeling_redheart import RedHeartForSequenceClassification, RedHeartModel

__version__ = "0.1.0"

AutoConfig.register(RedHeartConfig.model_type, RedHeartConfig, exist_ok=True)
AutoModel.register(RedHeartConfig, RedHeartModel, exist_ok=True)
AutoModelForSequenceClassification.register(RedHeartConfig, RedHeartForSequenceClassification, exist_ok=True)

__all__ = ["RedHeartConfig", "RedHeartForSequenceClassification", "RedHeartModel", "__version__"]
