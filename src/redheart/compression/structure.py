"""Where the units of each size are in the weights: the one table that measuring, counting and cutting share.

A size of the config counts units, such as the feed-forward units of the emotion head. The units of a size come in
groups of equally many: one group in every layer, one for every read-out. A unit is rows of some matrices and the
columns (seldom rows) of the next matrix, through which it is read.

Notable: some sizes stay as they are. All modules share the width of the model and the vocabulary. The number of heads
of the native encoder is the width divided by the width of a head. Registers, latents and the neighbours of the cache
are so few that pruning them frees almost nothing; and a mask on a learned token is not informative, since norms undo
it.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from ..configuration.component_sizes import CacheSize
from ..configuration.configuration_redheart import COMPONENT_SIZES, RedHeartConfig
from ..modeling_redheart.backbone import NativeEncoder, TaskProjection, TextSummary
from ..modeling_redheart.bridge import PrototypeCache
from ..modeling_redheart.crossover import LayerCrossover
from ..modeling_redheart.emotion import BidirectionalGRU, NeuralEmotionAnalyzer
from ..modeling_redheart.layers import AdaptiveNorm, Attention, Decoder, FeedForward, Readout, StateProjection
from ..modeling_redheart.modeling_redheart import RedHeartModel
from ..modeling_redheart.token_budget import TokenBudget

# Component and size, as in ``config.components[component][size]``; the encoder's are options of its own config.
Key: TypeAlias = tuple[str, str]

ENCODER = "encoder"
_ENCODER_OPTIONS = {"layers": "num_hidden_layers", "intermediate": "intermediate_size"}


@dataclass(frozen=True)
class Place:
    """Where the units of a group are along one dimension of a parameter.

    After ``skip`` other entries come ``runs`` runs of all units, one after the other, with ``block`` entries for each
    unit.

    Attributes:
        parameter: Name of the parameter.
        dim: The dimension.
        block: Entries of a unit in each run.
        runs: Number of runs.
        run: The only run that belongs to the group; None = all of them.
        skip: Entries before the first run.
    """

    parameter: str
    dim: int = 0
    block: int = 1
    runs: int = 1
    run: int | None = None
    skip: int = 0

    @property
    def width(self) -> int:
        """Entries of one unit."""
        return self.block * (self.runs if self.run is None else 1)

    def entries(self, units: int) -> Tensor:
        """Indices along the dimension, (units, width)."""
        every = self.skip + torch.arange(self.runs * units * self.block).view(self.runs, units, self.block)
        mine = every if self.run is None else every[self.run : self.run + 1]
        return mine.transpose(0, 1).flatten(1)


@dataclass(frozen=True)
class Group:
    """Units, some of which can be dropped.

    Attributes:
        places: All entries that are dropped with a unit.
        reads: The places through which a unit is read: zeros there have the effect of dropping it.
        whole: Of each unit, the parameters that are read as a whole.
        layer: Component and number of the layer in which the group is.
        scaled: Whether the model divides by the square root of the number of units.
    """

    places: tuple[Place, ...] = ()
    reads: tuple[Place, ...] = ()
    whole: tuple[tuple[str, ...], ...] = ()
    layer: tuple[str, int] | None = None
    scaled: bool = False

    def scores(self, values: Callable[[str], Tensor], units: int) -> Tensor:
        """Sum of ``values`` of each read parameter, over the entries of each unit: (units,), float64."""
        total = torch.zeros(units, dtype=torch.float64)
        for place in self.reads:
            sums = values(place.parameter).movedim(place.dim, 0).flatten(1).sum(dim=1, dtype=torch.float64).cpu()
            total += sums[place.entries(units)].sum(dim=1)
        for unit, names in enumerate(self.whole):
            total[unit] += sum(float(values(name).sum(dtype=torch.float64)) for name in names)
        return total


@dataclass(frozen=True)
class Size:
    """A size that can be made smaller.

    Attributes:
        key: Component and name.
        units: The number of units that the model has.
        step: The size becomes a multiple of it.
        least: The smallest number of units allowed.
        groups: The groups of units, equally many in each.
        stack: For a number of layers, the path of their list in the model; else empty.
    """

    key: Key
    units: int
    step: int
    least: int
    groups: tuple[Group, ...]
    stack: str = ""

    def below(self, count: int) -> int | None:
        """The next smaller number of units; None where there is none."""
        fewer = (count - 1) // self.step * self.step
        return fewer if fewer >= self.least else None


@dataclass(frozen=True)
class _Part:
    """How a kind of module holds the units of the size ``key``: as rows of ``rows`` and along ``dim`` of ``read``."""

    key: str
    rows: tuple[str, ...]
    read: str
    dim: int = 1
    scaled: bool = False


_PARTS: dict[type[nn.Module], _Part] = {
    FeedForward: _Part("intermediate", ("gate_proj", "up_proj"), "down_proj"),
    Attention: _Part("heads", ("q_proj", "k_proj", "v_proj"), "o_proj"),
    Readout: _Part("readout", ("hidden",), "out"),
    NeuralEmotionAnalyzer: _Part("readout", ("arc_hidden",), "arc_out"),
    LayerCrossover: _Part("readout", ("hidden",), "score"),
    TokenBudget: _Part("readout", ("wanted",), "offered", dim=0, scaled=True),  # read by their product
    StateProjection: _Part("state", ("down",), "up"),
    TaskProjection: _Part("projection", ("down",), "up"),
    AdaptiveNorm: _Part("norm_rank", ("down",), "up"),
    TextSummary: _Part("summary", ("hidden",), "score"),
    PrototypeCache: _Part("prototypes", ("keys",), "values", dim=0),  # read by what it holds
}
# A layer of BERT, and of encoders with its structure.
_BERT_LAYER = _Part("intermediate", ("intermediate.dense",), "output.dense")
_BERT_PARTS = ("attention.output.dense", "intermediate.dense", "output.dense")

# The last matrix of each residual branch of a layer; without them a layer returns its input.
_BRANCHES = (".o_proj", ".down_proj", ".output.dense")


def find_sizes(model: RedHeartModel) -> list[Size]:
    """Every size of ``model`` that can be made smaller, with the places of its units.

    Of a text encoder of transformers the layers and feed-forward units are found if it has the structure of BERT (as
    ELECTRA, RoBERTa and others have); any other encoder is left as it is.

    Args:
        model: The model.

    Returns:
        The sizes.
    """
    stacks = {path: key for path in _stacks(model) if _is_size(model.config, key := _key(path, "layers"))}
    found = {key: [_layer_group(model, path)] for path, key in stacks.items()}
    for path, module in model.named_modules():
        for name, group in _groups(path, module):
            if _is_size(model.config, key := _key(path, name)):
                found.setdefault(key, []).append(replace(group, layer=_layer_of(path, stacks)))
    paths = {key: path for path, key in stacks.items()}
    return [_size(model.config, key, groups, paths.get(key, "")) for key, groups in found.items()]


def resized(config: RedHeartConfig, counts: Mapping[Key, int]) -> RedHeartConfig:
    """A config with the sizes ``counts``. Raises `StrictDataclassClassValidationError` for impossible ones."""
    smaller = copy.deepcopy(config)
    for (component, name), count in counts.items():
        if component == ENCODER:
            setattr(_encoder_config(smaller), _ENCODER_OPTIONS[name], count)
        else:
            smaller.components[component][name] = count
    smaller.name_or_path = ""
    smaller.validate()
    return smaller


class ParameterCount:
    """The number of parameters as a function of the sizes, without building a model.

    The number of entries of every parameter is a product of factors, its dimensions and the number of layers like its
    own, each of which grows linearly with the sizes.

    Args:
        model: The model.
        sizes: Its sizes that can change.
    """

    def __init__(self, model: RedHeartModel, sizes: Sequence[Size]) -> None:
        stacks = {size.stack: number for number, size in enumerate(sizes) if size.stack}
        rows: dict[str, int] = {}  # layers of one stack are alike: the first represents all
        constant: list[tuple[int, ...]] = []
        slope: list[np.ndarray[Any, Any]] = []
        for name, parameter in model.named_parameters():
            stack = next((path for path in stacks if name.startswith(f"{path}.")), None)
            if stack is not None and not name.startswith(f"{stack}.0."):
                continue
            rows[name] = len(rows)
            height, width = (*parameter.shape, 1)[:2]
            others = parameter.numel() // (height * width)
            constant.append((others if stack is None else 0, height, width))
            slope.append(np.zeros((3, len(sizes))))
            if stack is not None:
                slope[-1][0, stacks[stack]] = others
        self._constant, self._slope = np.array(constant, dtype=np.float64), np.array(slope)
        for number, size in enumerate(sizes):
            for place in (place for group in size.groups for place in group.places if place.parameter in rows):
                factor = rows[place.parameter], 1 + place.dim
                self._constant[factor] -= place.width * size.units
                self._slope[(*factor, number)] += place.width

    def __call__(self, counts: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Count the parameters.

        Args:
            counts: (choices, sizes), units of each size in the order of ``sizes``.

        Returns:
            The exact number of parameters of each choice, (choices,).
        """
        factors = self._constant[:, :, None] + self._slope @ counts.T.astype(np.float64)
        return factors.prod(axis=1).sum(axis=0).astype(np.int64)  # whole numbers below 2**53: exact


def _key(path: str, name: str) -> Key:
    """The size ``name`` of the module at ``path``."""
    top, *inside = path.split(".")
    if top == "bridge":
        return {"memory": "latent_memory"}.get(inside[0], inside[0]), name
    if inside[:1] == ["encoder"] and name not in COMPONENT_SIZES["backbone"]:
        return ENCODER, name
    return top, name


def _is_size(config: RedHeartConfig, key: Key) -> bool:
    """Whether the config has this size: the native encoder has none for heads, recovery none for layers."""
    component, name = key
    return name in (_ENCODER_OPTIONS if component == ENCODER else config.components[component])


def _stacks(model: RedHeartModel) -> Iterator[str]:
    """Paths of the lists of layers."""
    for path, module in model.named_modules():
        if isinstance(module, Decoder | LayerCrossover | NativeEncoder):
            yield f"{path}.layers"
        elif isinstance(module, nn.ModuleList) and len(module) and all(_is_bert_layer(layer) for layer in module):
            yield path


def _is_bert_layer(module: nn.Module) -> bool:
    return {name for name, child in module.named_modules() if isinstance(child, nn.Linear)}.issuperset(_BERT_PARTS)


def _layer_of(path: str, stacks: Mapping[str, Key]) -> tuple[str, int] | None:
    for stack, (component, _) in stacks.items():
        if path.startswith(f"{stack}."):
            return component, int(path.removeprefix(f"{stack}.").split(".")[0])
    return None


def _groups(path: str, module: nn.Module) -> Iterator[tuple[str, Group]]:
    """The groups of units that one module itself has, with the name of their size."""
    if isinstance(module, BidirectionalGRU):
        yield from (("recurrent", group) for group in _recurrent_groups(path, module))
    part = _BERT_LAYER if _is_bert_layer(module) else _PARTS.get(type(module))
    if part is None:
        return
    block = module.head_dim if isinstance(module, Attention) else 1
    own = {name for name, _ in module.named_parameters()}
    rows = [f"{name}.{kind}" for name in part.rows for kind in ("weight", "bias") if f"{name}.{kind}" in own]
    read = Place(f"{path}.{part.read}.weight", part.dim, block)
    yield part.key, Group((*(Place(f"{path}.{name}", block=block) for name in rows), read), (read,), scaled=part.scaled)


def _recurrent_groups(path: str, module: BidirectionalGRU) -> Iterator[Group]:
    """One group per layer and direction; the next layer reads both directions side by side, the forward one first."""
    directions = ("forward_layers", "backward_layers")
    for number in range(module.num_layers):
        for side, direction in enumerate(directions):
            here = f"{path}.{direction}.{number}"
            own = [
                Place(f"{here}.{matrix}.{kind}", runs=3)  # the three gates
                for matrix in ("from_input", "from_state")
                for kind in ("weight", "bias")
            ]
            last = number == module.num_layers - 1
            following = [f"{path}.{name}.{number + 1}.from_input" for name in directions]
            reads = [Place(f"{here}.from_state.weight", dim=1)]
            reads += [
                Place(f"{name}.weight", dim=1, runs=2, run=side)
                for name in ([f"{path}.projection"] if last else following)
            ]
            yield Group((*own, *reads), tuple(reads))


def _layer_group(model: RedHeartModel, path: str) -> Group:
    """The layers of a stack, each read through the last matrices of its residual branches."""
    layers: Any = model.get_submodule(path)
    branches = tuple(
        tuple(
            f"{path}.{number}.{name}"
            for name, _ in layer.named_parameters()
            if f".{name}".rpartition(".")[0].endswith(_BRANCHES)
        )
        for number, layer in enumerate(layers)
    )
    # The layer crossover has a token for each layer of the encoder, after the one for the embeddings.
    encoder = _key(path, "layers")[0] == ENCODER
    return Group((Place("layer_crossover.layer_tokens.weight", skip=1),) if encoder else (), whole=branches)


def _size(config: RedHeartConfig, key: Key, groups: list[Group], stack: str) -> Size:
    component, name = key
    encoder: Any = _encoder_config(config)
    units = getattr(encoder, _ENCODER_OPTIONS[name]) if component == ENCODER else config.components[component][name]
    # A power of two, at most 64 and at most an eighth of the units.
    step = 1 if name in ("layers", "heads") else min(64, 2 ** max(0, (units // 8).bit_length() - 1))
    least = config.size_of(component, CacheSize).neighbours if name == "prototypes" else 1
    return Size(key, units, step, min(units, -(-least // step) * step), tuple(groups), stack)


def _encoder_config(config: RedHeartConfig) -> Any:
    return config if config.encoder_config is None else config.encoder_config


__all__ = ["ENCODER", "Group", "Key", "ParameterCount", "Place", "Size", "find_sizes", "resized"]
