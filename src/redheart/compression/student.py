"""A student that is cut from its teacher: fewer layers of its text encoder, narrower ones, smaller token embeddings.

Notable: the cut encoder is an ELECTRA, whose layers are BERT's and whose embeddings may be narrower than its layers
(Clark et al. 2020, arXiv:2003.10555; Lan et al. 2019, arXiv:1909.11942, factorise them so, too). It starts from the
teacher's weights, as the components after it do where all their sizes are the same. What was fitted to the teacher on
validation rows is not copied to the student.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import ElectraConfig

from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.labels import closest
from ..modeling_redheart.modeling_redheart import RedHeartModel
from .distillation_losses import mapped_layers

logger = logging.getLogger(__name__)

# Encoders whose embeddings and layers have the names and the meaning of ELECTRA's.
_LIKE_ELECTRA = ("bert", "electra")
_TABLES = ("word_embeddings", "position_embeddings", "token_type_embeddings")
# Options that both have, and that a student takes from its teacher.
_ENCODER_OPTIONS = (
    "vocab_size", "hidden_size", "num_attention_heads", "hidden_act", "max_position_embeddings", "type_vocab_size",
    "layer_norm_eps", "pad_token_id", "initializer_range", "hidden_dropout_prob", "attention_probs_dropout_prob",
)  # fmt: skip
_OPTIONS = (
    "vocab_size", "hidden_size", "num_attention_heads", "max_position_embeddings", "pad_token_id", "num_segments",
    "token_budget", "hidden_dropout", "attention_dropout", "norm_eps", "initializer_range",
)  # fmt: skip


@dataclass(frozen=True)
class Cut:
    """The parts of a teacher that its student keeps. A component or a size that is not named stays.

    Attributes:
        layers: Layers of the encoder, copied from evenly spaced ones, the last included.
        intermediate: Feed-forward neurons of each layer, those with the largest weights; by default all.
        embedding: Width of the token embeddings; by default that of the teacher.
        options: Options of `RedHeartConfig` that replace those of the teacher.
        components: Sizes of components that replace those of the teacher.

    Raises:
        ValueError: For `options` that have a field of their own here.
    """

    layers: int
    intermediate: int | None = None
    embedding: int | None = None
    options: dict[str, Any] = field(default_factory=dict)
    components: dict[str, dict[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, instead in (("components", "`cut.components`"), ("encoder_config", "`cut.layers` and the like")):
            if name in self.options:
                raise ValueError(f"`cut.options` cannot hold {name!r}; use {instead}.")


def student_config(teacher: RedHeartConfig, cut: Cut) -> RedHeartConfig:
    """The config of a student that is cut from its teacher.

    Args:
        teacher: Config of the teacher.
        cut: The parts that the student keeps.

    Returns:
        The student's config.

    Raises:
        ValueError: For a teacher without a text encoder like BERT, and for a part that is larger than the teacher's.
    """
    encoder: Any = teacher.encoder_config
    if encoder is None or encoder.model_type not in _LIKE_ELECTRA:
        kind = "its own encoder" if encoder is None else f"an encoder of the type {encoder.model_type!r}"
        raise ValueError(
            f"A student can only be cut from a teacher on {' or '.join(_LIKE_ELECTRA)}, and this one has {kind}. Name "
            "a preset or a text encoder as the student."
        )
    has = {
        "layers": encoder.num_hidden_layers,
        "intermediate": encoder.intermediate_size,
        "embedding": getattr(encoder, "embedding_size", encoder.hidden_size),
    }
    sizes = {name: most if getattr(cut, name) is None else getattr(cut, name) for name, most in has.items()}
    for name, value in sizes.items():
        least = 2 if name == "embedding" else 1  # the norm of a single feature is always 0
        if not least <= value <= has[name]:
            raise ValueError(f"`cut.{name}` must be {least} to {has[name]}, the number of the teacher; got {value}.")
    return RedHeartConfig(
        **{name: getattr(teacher, name) for name in _OPTIONS}
        | {"components": _components(teacher.components, cut.components)}
        | cut.options
        | {
            "encoder_config": ElectraConfig(
                **{name: getattr(encoder, name) for name in _ENCODER_OPTIONS},
                num_hidden_layers=sizes["layers"],
                intermediate_size=sizes["intermediate"],
                embedding_size=sizes["embedding"],
            )
        }
    )


def _components(teacher: Mapping[str, dict[str, int]], cut: Mapping[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    for name in cut:
        if name not in teacher:
            raise ValueError(f"No component {name!r} in `cut.components`; {closest(name, teacher)}")
    return {name: {**sizes, **cut.get(name, {})} for name, sizes in teacher.items()}


@torch.no_grad()
def cut_student(teacher: RedHeartModel, cut: Cut, texts: Iterable[Sequence[int]] = ()) -> RedHeartModel:
    """A student that is cut from its teacher. Raises as `student_config` does.

    Args:
        teacher: The teacher.
        cut: The parts that the student keeps.
        texts: Token ids of texts like those that the student is to read, each no longer than the teacher reads. Narrow
            embeddings are fitted to the words in them; without texts, to every word alike.

    Returns:
        The student, in float32.
    """
    student = RedHeartModel(student_config(teacher.config, cut))
    theirs, own = (_text_encoder(model) for model in (teacher, student))
    state = {name: value.float() for name, value in theirs.state_dict().items()}
    layers = mapped_layers(cut.layers, theirs.config.num_hidden_layers)[1:]
    kept = _embeddings(theirs, own.config.embedding_size, texts)
    for number, layer in enumerate(layers):
        before, after = f"encoder.layer.{layer - 1}.", f"encoder.layer.{number}."
        one = {name.removeprefix(before): value for name, value in state.items() if name.startswith(before)}
        kept |= {after + name: value for name, value in _pruned(one, own.config.intermediate_size).items()}
    own.load_state_dict(kept)
    copied = _copy_equal_components(teacher, student) or ["no component"]
    logger.info("Copied from the teacher: the encoder's layers %s, and %s.", layers, ", ".join(copied))
    return student


def _text_encoder(model: RedHeartModel) -> Any:
    encoder: Any = model.backbone.encoder
    return encoder.model


def _pruned(layer: Mapping[str, Tensor], intermediate: int) -> dict[str, Tensor]:
    """A layer with those feed-forward neurons whose input and output weights have the largest product of norms."""
    inwards, outwards = layer["intermediate.dense.weight"], layer["output.dense.weight"]
    importance = inwards.norm(dim=1) * outwards.norm(dim=0)
    kept = importance.topk(intermediate).indices.sort().values
    return {
        **layer,
        "intermediate.dense.weight": inwards[kept],
        "intermediate.dense.bias": layer["intermediate.dense.bias"][kept],
        "output.dense.weight": outwards[:, kept],
    }


def _embeddings(encoder: Any, width: int, texts: Iterable[Sequence[int]]) -> dict[str, Tensor]:
    """Weights of embeddings of another width that approximate those of an encoder.

    The tables are projected onto the directions in which their normalised sums vary most, and the projection to the
    width of the layers is fitted by least squares; both over the tokens of ``texts`` and, once each, all words.

    Args:
        encoder: The encoder whose embeddings are approximated.
        width: Width of the new embeddings; the weights stay as they are where it is that of ``encoder``.
        texts: Token ids of texts.

    Returns:
        The weights by name.
    """
    before = ("embeddings.", "embeddings_project.")
    state = {name: value.float() for name, value in encoder.state_dict().items() if name.startswith(before)}
    tables = {name: state[f"embeddings.{name}.weight"].double() for name in _TABLES}
    if tables["word_embeddings"].shape[1] == width:
        return state
    words, positions, _ = (len(table) for table in tables.values())
    seen = [(word, place) for text in texts for place, word in enumerate(text)]
    seen += [(word, word % positions) for word in range(words)]
    ids, places = torch.tensor(seen).unbind(1)

    def summed(tables: Mapping[str, Tensor]) -> Tensor:
        word, position, kind = tables.values()
        return word[ids] + position[places] + kind[0]

    wanted = F.layer_norm(summed(tables), (tables["word_embeddings"].shape[1],))
    rotation = _principal(wanted, width)
    rotated = {name: (table - table.mean(1, keepdim=True)) @ rotation for name, table in tables.items()}
    wanted = wanted * state["embeddings.LayerNorm.weight"] + state["embeddings.LayerNorm.bias"]
    if "embeddings_project.weight" in state:
        wanted = F.linear(wanted, *(state[f"embeddings_project.{name}"].double() for name in ("weight", "bias")))
    given = F.pad(F.layer_norm(summed(rotated), (width,)), (0, 1), value=1.0)
    # Normalised features sum to 0, so that their weights are not determined: the solution with the least norm is used.
    fitted = torch.linalg.lstsq(given, wanted, rcond=1e-10, driver="gelsd").solution.float()
    return {
        **{f"embeddings.{name}.weight": table.float() for name, table in rotated.items()},
        "embeddings.LayerNorm.weight": torch.ones(width),
        "embeddings.LayerNorm.bias": torch.zeros(width),
        "embeddings_project.weight": fitted[:-1].T.contiguous(),
        "embeddings_project.bias": fitted[-1],
    }


def _principal(rows: Tensor, width: int) -> Tensor:
    """The matrix that projects rows onto their ``width - 1`` principal directions, as ``width`` features of mean 0.

    A layer norm, which subtracts the mean of the features, then loses nothing.

    Args:
        rows: (rows, features).
        width: Number of the new features.

    Returns:
        The matrix, (features, width).
    """
    directions = torch.linalg.eigh(rows.T @ rows).eigenvectors[:, 1 - width :]
    ones_first = torch.cat((rows.new_ones(width, 1), torch.eye(width, dtype=rows.dtype)[:, 1:]), dim=1)
    without_mean = torch.linalg.qr(ones_first).Q[:, 1:]
    return directions @ without_mean.T


def _copy_equal_components(teacher: RedHeartModel, student: RedHeartModel) -> list[str]:
    """Copy the teacher's weights of the components after the encoder where all sizes are equal; returns their names."""
    theirs, own = teacher.state_dict(), student.state_dict()
    members: dict[str, list[str]] = {}
    for name in own:
        if not name.startswith("backbone.encoder.model."):
            members.setdefault(_component(name), []).append(name)
    equal = [
        component
        for component, names in members.items()
        if all(name in theirs and theirs[name].shape == own[name].shape for name in names)
    ]
    for name in (name for component in equal for name in members[component]):
        own[name].copy_(theirs[name])
    return equal


def _component(name: str) -> str:
    """The component of a parameter; for the backbone and the bridge, the part of it."""
    parts = name.split(".")
    return ".".join(parts[:2] if parts[0] in ("backbone", "bridge") else parts[:1])


__all__ = ["Cut", "cut_student", "student_config"]
