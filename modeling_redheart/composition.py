"""What a `RedHeartModel` is built of: the class of each component, in the order in which a text passes them.

Notable: each submodule has its own attribute name in the model, which weights, adapters, quantised folders and exported
graphs use; `Submodules` shows those of one kind as a mapping.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import nn

from ..configuration.components import COMPONENTS
from ..configuration.configuration_redheart import RedHeartConfig
from .backbone import RedHeartBackbone
from .bentham import NeuralBenthamCalculator
from .bridge import ModuleBridge
from .confidence import EmbeddingProjector, SweetSpotNetwork
from .counterfactual import NeuralCounterfactualReasoner
from .crossover import LayerCrossover
from .emotion import NeuralEmotionAnalyzer
from .heads import BenthamHead, EmotionHead, RegretHead, SURDHead
from .perspectives import MoralPerspectives
from .regret import NeuralRegretAnalyzer
from .surd import NeuralSURDAnalyzer
from .token_budget import TokenBudget

# Submodule of a `RedHeartModel` -> its class; the bridge makes those of its components.
CLASSES: dict[str, Callable[[RedHeartConfig], nn.Module]] = {
    "backbone": RedHeartBackbone,
    "layer_crossover": LayerCrossover,
    "token_budget": TokenBudget,
    "emotion_head": EmotionHead,
    "bentham_head": BenthamHead,
    "regret_head": RegretHead,
    "surd_head": SURDHead,
    "emotion_analyzer": NeuralEmotionAnalyzer,
    "bentham_calculator": NeuralBenthamCalculator,
    "regret_analyzer": NeuralRegretAnalyzer,
    "counterfactual_reasoner": NeuralCounterfactualReasoner,
    "surd_analyzer": NeuralSURDAnalyzer,
    "perspectives": MoralPerspectives,
    "bridge": ModuleBridge,
    "sweet_spot": SweetSpotNetwork,
    "projector": EmbeddingProjector,
}


def build(model: nn.Module, config: RedHeartConfig) -> None:
    """Add every component that ``config`` has to ``model``, each under its name."""
    for name, make in CLASSES.items():
        if name not in COMPONENTS or name in config.components:
            model.add_module(name, make(config))


class Submodules(Mapping[str, Any]):
    """A read-only mapping of submodules by name.

    Args:
        model: The model that has them.
        names: Their names.
    """

    def __init__(self, model: nn.Module, names: tuple[str, ...]) -> None:
        self._model, self._names = model, names

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        return self._model.get_submodule(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self._names)})"


__all__ = ["CLASSES", "Submodules", "build"]
