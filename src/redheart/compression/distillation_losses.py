"""The distance of a student from its teacher, in the outputs, the states of the modules and the backbone's layers.

Notable: nothing is learned besides the student, so the two may differ in width, depth and tokenizer. Outputs have the
same labels everywhere; states are compared by how similar texts, or the tokens of a text, are to each other. Only
claims that labels supervised in the teacher are compared. A student that equals its teacher costs 0. States and
embeddings are compared over the texts of a batch together; everything else for each text alone.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..configuration.claims import CLAIMS, MODULES, Claim, Kind
from ..modeling_redheart.derived import is_derived
from ..modeling_redheart.emotion import segment_index, segment_means
from ..modeling_redheart.kinds import KINDS, relations_apart, tensor_of

# Pieces of a text whose means are compared where the two models have different tokens.
_PIECES = 16


@dataclass(frozen=True)
class Distillation:
    """How a student is taught. An output has the weight of its loss in the student's config.

    Attributes:
        share: Share of the teacher in the loss, the rest being that of the labels; 1 = labels are not learned from.
        temperature: Logits are divided by it before they are compared, so that what the teacher considers unlikely
            counts, too.
        states: Weight of the module states; 0 leaves them out.
        hidden: Weight of the layers of the backbone; 0 leaves them out.

    Raises:
        ValueError: For a value out of its range.
    """

    share: float = 0.5
    temperature: float = 2.0
    states: float = 2.0
    hidden: float = 2.0

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(
                f"`share` must be above 0 and at most 1, got {self.share}; to learn without a teacher, use training."
            )
        if not 0 < self.temperature < math.inf:
            raise ValueError(f"`temperature` must be above 0, got {self.temperature}; 1 leaves logits as they are.")
        for name in ("states", "hidden"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"`{name}` must be 0 or above, got {getattr(self, name)}; 0 leaves it out.")


class Read(NamedTuple):
    """The outputs of a model for a batch.

    Attributes:
        reading: The `RedHeartOutput` of the model.
        heads: A `RedHeartOutput` with the heads' own reading.
        mask: (batch, tokens), 1 where there is text.
    """

    reading: Any
    heads: Any
    mask: Tensor


def taught_claims(record: Mapping[str, list[str]]) -> set[str]:
    """The record keys that a model can teach: those that labels supervised.

    What follows by a rule is not an output of the network, and the confidence is about the model's own losses.

    Args:
        record: Sources of supervision by record key, as in ``config.supervision``.

    Returns:
        The record keys.
    """
    return {
        key
        for key, sources in record.items()
        if sources and not is_derived(sources) and not key.startswith("confidence.")
    }


# ---- The outputs ----

_TAUGHT = tuple(claim for claim in CLAIMS.values() if claim.kind is not Kind.EXPECTED_LOSS)
# Name of a loss -> the claim that a head reads by itself.
_BY_HEAD = {f"{claim.name}_head": claim.of_head() for claim in _TAUGHT if claim.head is not None}
OUTPUT_COSTS: tuple[str, ...] = (*(claim.name for claim in _TAUGHT), *_BY_HEAD)


def _mask(claim: Claim, claims: Collection[str]) -> Tensor:
    """bool, flat: which of the costs of a text are about a taught claim."""
    if claim.kind is Kind.COURSE:  # one claim about all labels, which holds for those that are taught
        whole = next(other for other in _TAUGHT if other.target == claim.learns_from)
        return _mask(whole, claims) & (claim.name in claims)
    return torch.tensor([key in claims for key in claim.keys])


def output_costs(student: Read, teacher: Read, claims: Collection[str], temperature: float) -> dict[str, Tensor]:
    """The distance of the student's outputs from the teacher's.

    The heads learn from the teacher's heads, the reading from its reading.

    Args:
        student: Outputs of the student.
        teacher: Outputs of the teacher for the same texts.
        claims: The record keys that are taught, see `taught_claims`.
        temperature: Logits are divided by it before they are compared.

    Returns:
        The cost of each text, (batch,), by output; outputs without a taught claim are left out.
    """
    costs = {}
    for named, own, theirs in (
        ({claim.name: claim for claim in _TAUGHT}, student.reading, teacher.reading),
        (_BY_HEAD, student.heads, teacher.heads),
    ):
        for name, claim in named.items():
            mask = _mask(claim, claims).to(student.mask.device)
            if mask.any() and tensor_of(own, claim.tensor) is not None:
                every = KINDS[claim.kind].distance(claim, own, theirs, temperature)
                costs[name] = every.reshape(len(every), -1)[:, mask].mean(1)
    return costs


# ---- States ----

# The claims that are read from each module's state, by their first words; the joint state is the bridge's.
_STATE_CLAIMS: dict[str, tuple[str, ...]] = {
    **{module: tuple(claim.name for claim in _TAUGHT if module in claim.modules) for module in MODULES},
    "joint": tuple(claim.name for claim in _TAUGHT if claim.bridged),
}


def state_costs(student: Read, teacher: Read, claims: Collection[str], modules: Sequence[str] = MODULES) -> Tensor:
    """The difference in how similar the batch's texts are to each other in the taught modules' states: (batch,)."""
    parts = {claim.partition(".")[0] for claim in claims}
    names = (*modules, "joint")
    chosen = [number for number, name in enumerate(names) if not parts.isdisjoint(_STATE_CLAIMS[name])]
    own, theirs = (
        torch.cat((reading.states, reading.joint.unsqueeze(1)), dim=1)[:, chosen].transpose(0, 1)
        for reading in (student.reading, teacher.reading)
    )
    return relations_apart(own, theirs).sum(0) / max(len(chosen), 1)


def mapped_layers(own: int, theirs: int) -> list[int]:
    """The teacher's layer state, 0..theirs, for each of the student's, 0..own: evenly spaced, first and last equal."""
    return [round(number * theirs / own) for number in range(own + 1)]


def hidden_costs(student: Read, teacher: Read, same_tokens: bool) -> Tensor:
    """The difference in how similar the tokens of a text are to each other in evenly mapped layers of the backbones.

    Args:
        student: Outputs of the student, with hidden states.
        teacher: Outputs of the teacher for the same texts, with hidden states.
        same_tokens: Whether both models have the same tokens; otherwise the means of equal pieces of the text are
            compared.

    Returns:
        The cost of each text, (batch,).
    """
    own, theirs = student.reading.hidden_states, teacher.reading.hidden_states
    layers = mapped_layers(len(own) - 1, len(theirs) - 1)
    costs = [
        _layer_cost(states, student.mask.bool(), theirs[layer], teacher.mask.bool(), same_tokens)
        for states, layer in zip(own, layers, strict=True)
    ]
    return torch.stack(costs).mean(0)


def _layer_cost(own: Tensor, own_mask: Tensor, theirs: Tensor, their_mask: Tensor, same_tokens: bool) -> Tensor:
    present = own_mask
    if not same_tokens:
        own, own_filled = segment_means(own, segment_index(own_mask, _PIECES), _PIECES)
        theirs, their_filled = segment_means(theirs, segment_index(their_mask, _PIECES), _PIECES)
        present = own_filled & their_filled
    return relations_apart(own, theirs, present).sum(1) / present.sum(1).clamp(min=1)


__all__ = [
    "OUTPUT_COSTS",
    "Distillation",
    "Read",
    "hidden_costs",
    "mapped_layers",
    "output_costs",
    "state_costs",
    "taught_claims",
]
