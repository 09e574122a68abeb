"""The model."""

from .classification import RedHeartForSequenceClassification
from .modeling_redheart import RedHeartModel, RedHeartPreTrainedModel

__all__ = ["RedHeartForSequenceClassification", "RedHeartModel", "RedHeartPreTrainedModel"]
