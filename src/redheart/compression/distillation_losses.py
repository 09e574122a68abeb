"""What a student's reading is away from its teacher's: the outputs, the states of the modules, the backbone's layers.

Notable: nothing is learned besides the student, so the two may differ in width, depth and tokenizer. Outputs have the
same labels everywhere; states are compared by how similar texts, or the tokens of a text, are to each other. Only
claims that labels supervised in the teacher are compared. A student that equals its teacher costs 0. States and
embeddings are about the texts of a batch beside each other; everything else is about each text alone.
"""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import product
from operator import attrgetter
from typing import Any, NamedTuple, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from ..configuration.labels import (
    AFFECT,
    BENTHAM,
    EMOTIONS,
    MODULES,
    NUANCE_LEVELS,
    PERSPECTIVES,
    REGRET_TYPES,
    VIEWS,
)
from ..modeling_redheart.derived import is_derived
from ..modeling_redheart.emotion import segment_index, segment_means

# Pieces of a text whose means are compared where the two models have different tokens.
_PIECES = 16

_Apart: TypeAlias = Callable[[Tensor, Tensor, float], Tensor]
_Costs: TypeAlias = Callable[[Any, Any, float], Tensor]  # of two readings


@dataclass(frozen=True)
class Distillation:
    """How a student is taught. An output has the weight of its loss in the student's config."""

    share: float = 0.5
    """Share of the teacher in the loss, the rest being the labels'; 1 = labels are not learned from."""
    temperature: float = 2.0
    """Logits are divided by it before they are compared, so that what the teacher holds unlikely counts, too."""
    states: float = 2.0
    """Weight of the module states; 0 leaves them out."""
    hidden: float = 2.0
    """Weight of the layers of the backbone; 0 leaves them out."""

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"`share` must be above 0 and at most 1, got {self.share}; without a teacher, train.")
        if not 0 < self.temperature < math.inf:
            raise ValueError(f"`temperature` must be above 0, got {self.temperature}; 1 leaves logits as they are.")
        for name in ("states", "hidden"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"`{name}` must be 0 or above, got {getattr(self, name)}; 0 leaves it out.")


class Read(NamedTuple):
    """What a model makes of a batch."""

    reading: Any  # RedHeartOutput
    heads: Any  # RedHeartOutput, the heads' own reading
    mask: Tensor  # (batch, tokens), 1 where there is text


def taught_claims(record: Mapping[str, list[str]]) -> set[str]:
    """The record keys that a model can teach: those that labels supervised.

    What follows by a rule is no output of the network, and its confidence is about its own losses.
    """
    return {
        key
        for key, sources in record.items()
        if sources and not is_derived(sources) and not key.startswith("confidence.")
    }


# ---- How far apart two values are; each is 0 where they are equal ----


def bernoulli(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Kullback-Leibler divergence of independent labels, from logits at a temperature T, times T^2 so that gradients
    keep their size (Hinton et al. 2015, arXiv:1503.02531); same shape."""
    logits, likely = student / temperature, (teacher / temperature).sigmoid()
    cross = F.binary_cross_entropy_with_logits(logits, likely, reduction="none")
    own = F.binary_cross_entropy_with_logits(teacher / temperature, likely, reduction="none")
    return (cross - own) * temperature**2


def categorical(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """The same of distributions along the last dimension, which goes."""
    own, theirs = (student / temperature).log_softmax(-1), (teacher / temperature).log_softmax(-1)
    return F.kl_div(own, theirs, reduction="none", log_target=True).sum(-1) * temperature**2


def squared(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Squared error; values have no temperature."""
    return (student - teacher).square()


def gaussian(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Kullback-Leibler divergence of normal distributions, whose mean and log-variance are the last dimension, which
    goes: the uncertainty is a claim, too."""
    (mean, spread), (wanted, certain) = student.unbind(-1), teacher.unbind(-1)
    return 0.5 * (spread - certain + (certain.exp() + (mean - wanted).square()) / spread.exp() - 1)


# ---- The outputs ----


class _Lesson(NamedTuple):
    """How an output is taught.

    claim: what its record keys begin with. axes: the labels that follow in them, one tuple per dimension of the costs
    after the batch. costs: of the student's and the teacher's reading at a temperature.
    """

    claim: str
    axes: tuple[tuple[str, ...], ...]
    costs: _Costs


def _of(place: str, apart: _Apart) -> _Costs:
    """Costs of the tensor at a dotted ``place`` in a reading."""
    get = attrgetter(place)
    return lambda student, teacher, temperature: apart(get(student).float(), get(teacher).float(), temperature)


def _alone(apart: _Apart) -> _Apart:
    """``apart`` of values without a label dimension, (batch,)."""
    return lambda student, teacher, temperature: apart(student[:, None], teacher[:, None], temperature)


def _averaged(apart: _Apart) -> _Apart:
    """Mean over the last dimension of what ``apart`` gives: one claim about all of it."""
    return lambda student, teacher, temperature: apart(student, teacher, temperature).mean(-1)


def _bentham(student: Any, teacher: Any, temperature: float) -> Tensor:
    own, theirs = (
        torch.stack((one.bentham.mean, one.bentham.log_variance), dim=-1).float() for one in (student, teacher)
    )
    return gaussian(own, theirs, temperature)


def _arc(student: Any, teacher: Any, temperature: float) -> Tensor:
    """Mean over the segments that have text in both: (batch, 28)."""
    filled = (student.emotion.arc_mask & teacher.emotion.arc_mask).unsqueeze(-1)
    costs = bernoulli(student.emotion.arc_logits.float(), teacher.emotion.arc_logits.float(), temperature)
    return torch.where(filled, costs, costs * 0).sum(1) / filled.sum(1).clamp(min=1)


_READING: dict[str, _Lesson] = {
    "emotion": _Lesson("emotion", (EMOTIONS,), _of("emotion.logits", bernoulli)),
    "intensity": _Lesson("intensity", (EMOTIONS,), _of("emotion.intensity", squared)),
    "affect": _Lesson("affect", (AFFECT,), _of("emotion.affect", squared)),
    "nuance": _Lesson("nuance", (EMOTIONS, NUANCE_LEVELS), _of("emotion.nuance_logits", bernoulli)),
    "arc": _Lesson("arc", (EMOTIONS,), _arc),
    "bentham": _Lesson("bentham", (BENTHAM,), _bentham),
    "regret": _Lesson("regret", (REGRET_TYPES, VIEWS), _of("regret.scores", squared)),
    "utility": _Lesson("utility", (VIEWS,), _of("counterfactual.utility", squared)),
    "plausibility": _Lesson("plausibility", (VIEWS,), _of("counterfactual.plausibility_logits", bernoulli)),
    "surd": _Lesson("surd", (), _of("surd.subset_logits", _averaged(categorical))),
    "verdict": _Lesson("verdict", (), _of("verdict.logits", categorical)),
    "acceptability": _Lesson("acceptability", (), _of("verdict.acceptability_logits", _alone(bernoulli))),
    "perspectives": _Lesson("perspectives", (PERSPECTIVES,), _of("perspectives.verdict_logits", categorical)),
}
_HEADS: dict[str, _Lesson] = {
    "emotion_head": _READING["emotion"],
    "bentham_head": _Lesson("bentham", (BENTHAM,), _of("bentham.mean", squared)),
    "regret_head": _READING["regret"],
    "verdict_head": _Lesson("verdict", (), _of("surd.verdict_logits", categorical)),
}
OUTPUT_COSTS: tuple[str, ...] = (*_READING, *_HEADS, "embedding")


def _mask(lesson: _Lesson, claims: Collection[str]) -> Tensor:
    """bool, flat: which of the costs of a text are about a taught claim."""
    if lesson.claim == "arc":  # one claim about all emotions, of which it holds for those that are taught
        return _mask(_READING["emotion"], claims) & ("arc" in claims)
    keys = [".".join((lesson.claim, *labels)) for labels in product(*lesson.axes)]
    return torch.tensor([key in claims for key in keys])


def output_costs(student: Read, teacher: Read, claims: Collection[str], temperature: float) -> dict[str, Tensor]:
    """What each text costs, (batch,), by output; those without a taught claim are left out.

    claims: see `taught_claims`. The heads learn from the teacher's heads, the reading from its reading.
    """
    costs = {}
    for lessons, own, theirs in (
        (_READING, student.reading, teacher.reading),
        (_HEADS, student.heads, teacher.heads),
    ):
        for name, lesson in lessons.items():
            mask = _mask(lesson, claims).to(student.mask.device)
            if mask.any():
                every = lesson.costs(own, theirs, temperature)
                costs[name] = every.reshape(len(every), -1)[:, mask].mean(1)
    if "embedding" in claims:
        costs["embedding"] = relations_apart(student.reading.embedding, teacher.reading.embedding)
    return costs


# ---- States ----

# The claims that each module's state stands for, by their first words; the joint state is the bridge's.
_STATE_CLAIMS: dict[str, tuple[str, ...]] = {
    "emotion_head": ("emotion", "intensity", "affect"),
    "bentham_head": ("bentham",),
    "regret_head": ("regret",),
    "surd_head": ("verdict",),
    "emotion_analyzer": ("emotion", "nuance", "arc"),
    "bentham_calculator": ("bentham",),
    "regret_analyzer": ("regret",),
    "counterfactual_reasoner": ("utility", "plausibility"),
    "surd_analyzer": ("surd",),
    "perspectives": ("perspectives",),
    "joint": ("verdict", "acceptability"),
}


def relations_apart(student: Tensor, teacher: Tensor, present: Tensor | None = None) -> Tensor:
    """How differently things lie to each other: mean squared difference of the cosine similarities of each to the
    others, which needs no common width (Tung & Mori 2019, arXiv:1907.09682; Park et al. 2019, arXiv:1904.05068).

    student: (..., things, width). teacher: (..., things, another width). present: bool (..., things); None = all.
    Returns (..., things); 0 for one that is absent or alone.
    """
    own, theirs = (F.normalize(states.float(), dim=-1) for states in (student, teacher))
    gap = (own @ own.mT - theirs @ theirs.mT).square()
    pair = ~torch.eye(gap.shape[-1], dtype=torch.bool, device=gap.device).expand_as(gap)
    if present is not None:
        pair = pair & present.unsqueeze(-1) & present.unsqueeze(-2)
    return torch.where(pair, gap, gap * 0).sum(-1) / pair.sum(-1).clamp(min=1)


def state_costs(student: Read, teacher: Read, claims: Collection[str]) -> Tensor:
    """How differently the batch's texts lie to each other in the states of the modules that are taught: (batch,)."""
    parts = {claim.partition(".")[0] for claim in claims}
    chosen = [number for number, name in enumerate((*MODULES, "joint")) if not parts.isdisjoint(_STATE_CLAIMS[name])]
    own, theirs = (
        torch.cat((reading.states, reading.joint.unsqueeze(1)), dim=1)[:, chosen].transpose(0, 1)
        for reading in (student.reading, teacher.reading)
    )
    return relations_apart(own, theirs).sum(0) / max(len(chosen), 1)


def mapped_layers(own: int, theirs: int) -> list[int]:
    """The teacher's layer state, 0..theirs, for each of the student's, 0..own: evenly spaced, the ends on the ends."""
    return [round(number * theirs / own) for number in range(own + 1)]


def hidden_costs(student: Read, teacher: Read, same_tokens: bool) -> Tensor:
    """How differently the tokens of a text lie to each other in evenly mapped layers of the backbones: (batch,).

    same_tokens: both models have the same tokens; without, the means of equal pieces of the text are compared.
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
    "bernoulli",
    "categorical",
    "gaussian",
    "hidden_costs",
    "mapped_layers",
    "output_costs",
    "relations_apart",
    "squared",
    "state_costs",
    "taught_claims",
]
