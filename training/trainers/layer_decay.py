"""The learning rate of each parameter: lower, the further its layer is from the outputs.

Notable: the depth of a parameter follows from the module that holds it - the order in which a text passes the model -
and never from digits in its name.
"""

from typing import Any

from torch import nn

from ...configuration.components import COMPONENTS
from ...configuration.components import STAGES as ORDER
from ...modeling_redheart.backbone import PretrainedTextEncoder
from ...modeling_redheart.layers import QueryTokens
from ...modeling_redheart.modeling_redheart import RedHeartModel

# The components after the backbone, by their paths, in the order in which a text passes them.
STAGES: tuple[tuple[str, ...], ...] = tuple(
    tuple(row.place for row in COMPONENTS.values() if row.stage == stage) for stage in ORDER[1:]
)


def module_depths(model: RedHeartModel) -> dict[str, int]:
    """Compute the depth of each submodule: 0 for the embeddings of the text, one more for each layer and stage.

    Args:
        model: The model.

    Returns:
        Path -> depth. A module that is not listed has the depth of the module that holds it.

    Raises:
        ValueError: When the encoder has no list of its layers.
    """
    encoder: Any = model.backbone.encoder
    layers = encoder.layers if not isinstance(encoder, PretrainedTextEncoder) else _layer_list(encoder.model)
    paths = {id(module): path for path, module in model.named_modules()}
    depths = {"backbone.encoder": 0}
    for number, layer in enumerate(layers, start=1):
        depths[paths[id(layer)]] = number
    behind = len(layers) + 1
    depths["backbone"] = behind  # what it makes of the encoder's states
    for number, stage in enumerate(STAGES, start=behind + 1):
        depths |= dict.fromkeys(stage, number)
    return depths


def _layer_list(encoder: Any) -> nn.ModuleList:
    """The encoder's module list of `num_hidden_layers` modules. Raises `ValueError` where there is none."""
    count = encoder.config.num_hidden_layers
    for module in encoder.modules():
        if isinstance(module, nn.ModuleList) and len(module) == count:
            return module
    raise ValueError(
        f"{type(encoder).__name__} has no list of its {count} layers, which `layer_decay` needs; set it to 1."
    )


def parameter_depths(model: RedHeartModel) -> dict[str, int]:
    """Return the depth of each parameter by its name."""
    depths = module_depths(model)
    result = {}
    for name, _ in model.named_parameters():
        path = name
        while path not in depths:
            path, _, last = path.rpartition(".")
            if not last:
                raise ValueError(f"The parameter {name!r} belongs to no stage of the model that has a depth.")
        result[name] = depths[path]
    return result


def parameter_groups(
    model: RedHeartModel,
    decayed: set[str],
    learning_rate: float,
    weight_decay: float,
    layer_decay: float = 1.0,
    encoder_learning_rate: float | None = None,
) -> list[dict[str, Any]]:
    """Group the trainable parameters for an optimiser.

    The rate of a parameter is ``learning_rate`` (``encoder_learning_rate`` in a pre-trained encoder) times
    ``layer_decay`` to the power of the stages between it and the outputs.

    Args:
        model: The model.
        decayed: Names that weight decay applies to (`Trainer.get_decay_parameter_names`); learned tokens never decay.
        learning_rate: Learning rate at the outputs.
        weight_decay: Weight decay of the parameters in ``decayed``.
        layer_decay: Rate of a layer as a share of the next one's, above 0, at most 1.
        encoder_learning_rate: Learning rate of a pre-trained encoder; None = ``learning_rate``.

    Returns:
        Groups with ``params``, ``lr`` and ``weight_decay``, the highest rate first.
    """
    depths = dict.fromkeys((name for name, _ in model.named_parameters()), 0)
    if layer_decay < 1:
        depths = parameter_depths(model)
    deepest = max(depths.values())
    tokens = {f"{path}.weight" for path, module in model.named_modules() if isinstance(module, QueryTokens)}
    pretrained = isinstance(model.backbone.encoder, PretrainedTextEncoder)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        base = learning_rate
        if encoder_learning_rate is not None and pretrained and name.startswith("backbone.encoder.model."):
            base = encoder_learning_rate
        rate = base * layer_decay ** (deepest - depths[name])
        groups.setdefault((rate, weight_decay if name in decayed - tokens else 0.0), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "weight_decay": decay}
        for (rate, decay), parameters in sorted(groups.items(), key=lambda item: (-item[0][0], item[0][1]))
    ]


__all__ = ["STAGES", "module_depths", "parameter_depths", "parameter_groups"]
