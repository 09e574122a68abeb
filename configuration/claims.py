"""What a reading can claim, one row each: where it is read, what it learns from, which modules make it.

    CLAIMS["bentham"].kind, CLAIMS["bentham"].label_names()

Notable: plain data, so that every part of the library derives its own table from it: row columns, target shapes,
losses, record keys, ranges, the wire schema. `modeling_redheart.kinds` has what a kind computes, and `evaluation` how
it is measured. A new claim is one more row of `_READ`.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import product

from .vocabulary import (
    AFFECT,
    BENTHAM,
    EMOTIONS,
    NUANCE_LEVELS,
    PERSPECTIVES,
    REGRET_TYPES,
    SIGNED_AFFECT,
    SIGNED_BENTHAM,
    SURD,
    VERDICTS,
    VIEWS,
)


class Kind(StrEnum):
    """What the numbers of a claim are; `modeling_redheart.kinds` has what each computes."""

    PROBABILITY = "probability"  # logits of labels that are there or not, independent of each other
    DEGREE = "degree"  # the same, of labels that apply to a degree, 0..1
    COURSE = "course"  # logits of labels for each segment of the text; its targets are of the whole text
    LEVELS = "levels"  # cumulative logits of ordered levels, along the last axis; the target is a level, 0 = none
    VALUE = "value"  # a number in its range
    GAUSSIAN = "gaussian"  # a number in its range, with an uncertainty
    RATE = "rate"  # the logit of a number in 0..1
    SHARES = "shares"  # logits of a distribution over the last axis
    INFORMATION = "information"  # bits about another claim's target, and the share of it that they determine
    EXPECTED_LOSS = "expected loss"  # of each rated claim
    RELATIONS = "relations"  # a direction, by its cosine similarities with those of other texts


@dataclass(frozen=True)
class Claim:
    """One value, or group of values, of a reading.

    Attributes:
        name: First word of its record keys, and the name of its loss.
        output: Its name in ``outputs=``.
        tensor: Dotted path in a `RedHeartOutput`.
        kind: What its numbers are.
        place: Dotted path in a reading, with ``{}`` for a label where ranges are given by label.
        axes: Names along the tensor's dimensions after the batch.
        keyed: How many of the axes name record keys; None = all.
        target: Its own training target.
        learns_from: Training target of another claim that it learns from.
        column: First word of its columns in a row of training data; None = ``name``.
        signed: Labels of the last axis in -1..1; all others are in 0..1.
        modules: Modules that make it; without any, all of them (``bridged``) or the latent memory.
        bridged: Whether the bridge reads it out of the states of all modules.
        head: Tensor in the reading of its head (the first module) with a loss of its own, NAME_head.
        fast: Whether the heads alone give it and can be trained on it.
        rated: Index among the expected losses, a dimension of saved weights.
        spread: Tensor of the logarithm of its variance.
    """

    name: str
    output: str
    tensor: str
    kind: Kind
    place: str
    axes: tuple[tuple[str, ...], ...] = ()
    keyed: int | None = None
    target: str | None = None
    learns_from: str | None = None
    column: str | None = None
    signed: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    bridged: bool = False
    head: str | None = None
    fast: bool = False
    rated: int | None = None
    spread: str | None = None

    @property
    def labels(self) -> str | None:
        """The target that it is trained on, its own or another claim's."""
        return self.target or self.learns_from

    @property
    def target_axes(self) -> tuple[tuple[str, ...], ...]:
        """Names along the dimensions of its target after the batch: of levels one level each, not one number each."""
        return self.axes[:-1] if self.kind is Kind.LEVELS else self.axes

    @property
    def columns(self) -> str:
        """First word of its columns in a row of training data."""
        return self.column or self.name

    @property
    def key_axes(self) -> tuple[tuple[str, ...], ...]:
        """The axes whose names follow in its record keys."""
        return self.axes[: len(self.axes) if self.keyed is None else self.keyed]

    @property
    def keys(self) -> tuple[str, ...]:
        """Its record keys, in the order of its tensor: ``affect.valence``, ``nuance.anger.strong``, ``verdict``."""
        return tuple(".".join((self.name, *names)) for names in product(*self.key_axes))

    def of_head(self) -> "Claim":
        """The claim as its head alone reads it, without an uncertainty; `ValueError` where no head reads it."""
        if self.head is None:
            raise ValueError(f"No head reads {self.name!r} alone; choose a claim that has a `head`.")
        return replace(self, tensor=self.head, spread=None, kind=Kind.VALUE if self.spread else self.kind)

    def span(self, label: str = "") -> tuple[int, int | None]:
        """Lowest and highest value of ``label`` (of the last axis) in a reading; None where there is no limit."""
        if self.kind is Kind.INFORMATION:
            return (0, 1) if label == self.axes[-1][-1] else (0, None)
        if self.kind is Kind.EXPECTED_LOSS:
            return 0, None
        return (-1 if self.kind is Kind.RELATIONS or label in self.signed else 0), 1

    def ranges(self) -> dict[str, tuple[int, int | None]]:
        """Dotted path in a reading -> `span`."""
        last = self.axes[-1] if self.axes else ()
        if "{}" in self.place:
            return {self.place.format(label): self.span(label) for label in last}
        return {self.place: self.span(last[0] if last else "")}


# Every claim about the text itself, in the order of the record keys.
_READ = (
    Claim(
        name="emotion", output="emotion", tensor="emotion.logits", kind=Kind.PROBABILITY, place="emotion.labels",
        axes=(EMOTIONS,), target="emotion_labels", modules=("emotion_head", "emotion_analyzer"), head="emotion.logits",
        fast=True, rated=0,
    ),
    Claim(
        name="intensity", output="emotion", tensor="emotion.intensity", kind=Kind.VALUE, place="emotion.intensity",
        axes=(EMOTIONS,), target="intensity_labels", modules=("emotion_head",), fast=True, rated=2,
    ),
    Claim(
        name="nuance", output="emotion", tensor="emotion.nuance_logits", kind=Kind.LEVELS, place="emotion.nuance",
        axes=(EMOTIONS, NUANCE_LEVELS), target="nuance_labels", modules=("emotion_analyzer",), rated=1,
    ),
    Claim(
        name="affect", output="emotion", tensor="emotion.affect", kind=Kind.VALUE, place="emotion.affect.{}",
        axes=(AFFECT,), target="affect_labels", signed=SIGNED_AFFECT, modules=("emotion_head",), fast=True, rated=3,
    ),
    Claim(
        name="arc", output="emotion", tensor="emotion.arc_logits", kind=Kind.COURSE, place="emotion.arc.labels",
        axes=(EMOTIONS,), keyed=0, learns_from="emotion_labels", modules=("emotion_analyzer",), rated=4,
    ),
    Claim(
        name="bentham", output="bentham", tensor="bentham.mean", kind=Kind.GAUSSIAN,
        place="bentham.dimensions.{}.value", axes=(BENTHAM,), target="bentham_labels", signed=SIGNED_BENTHAM,
        spread="bentham.log_variance", modules=("bentham_head", "bentham_calculator"), head="bentham.mean", fast=True,
        rated=5,
    ),
    Claim(
        name="regret", output="regret", tensor="regret.scores", kind=Kind.VALUE, place="regret",
        axes=(REGRET_TYPES, VIEWS), target="regret_labels", signed=VIEWS,
        modules=("regret_head", "regret_analyzer"), head="regret.scores", fast=True, rated=6,
    ),
    Claim(
        name="utility", output="counterfactual", tensor="counterfactual.utility", kind=Kind.VALUE,
        place="counterfactual.utility", axes=(VIEWS,), target="utility_labels", signed=VIEWS,
        modules=("counterfactual_reasoner",), rated=7,
    ),
    Claim(
        name="plausibility", output="counterfactual", tensor="counterfactual.plausibility_logits", kind=Kind.DEGREE,
        place="counterfactual.plausibility", axes=(VIEWS,), target="plausibility_labels",
        column="counterfactual.plausibility", modules=("counterfactual_reasoner",), rated=8,
    ),
    Claim(
        name="surd", output="surd", tensor="surd.parts", kind=Kind.INFORMATION, place="surd.{}", axes=(SURD,), keyed=0,
        learns_from="verdict_labels", modules=("surd_analyzer",), fast=True, rated=9,
    ),
    Claim(
        name="verdict", output="verdict", tensor="verdict.logits", kind=Kind.SHARES, place="verdict.probabilities",
        axes=(VERDICTS,), keyed=0, target="verdict_labels", modules=("surd_head",), bridged=True,
        head="surd.verdict_logits", fast=True, rated=10,
    ),
    Claim(
        name="acceptability", output="verdict", tensor="verdict.acceptability_logits", kind=Kind.RATE,
        place="verdict.acceptability", target="acceptability_labels", bridged=True, rated=11,
    ),
    Claim(
        name="perspectives", output="perspectives", tensor="perspectives.verdict_logits", kind=Kind.SHARES,
        place="perspectives", axes=(PERSPECTIVES, VERDICTS), keyed=1, target="perspective_labels",
        modules=("perspectives",), rated=12,
    ),
)  # fmt: skip

# Claims whose loss is predicted, and so whose confidence is reported.
RATED: tuple[str, ...] = tuple(
    claim.name for claim in sorted(_READ, key=lambda claim: claim.rated or 0) if claim.rated is not None
)

CLAIMS: dict[str, Claim] = {
    claim.name: claim
    for claim in (
        *_READ,
        Claim(
            name="confidence", output="confidence", tensor="expected_loss", kind=Kind.EXPECTED_LOSS,
            place="confidence.expected_loss", axes=(RATED,), bridged=True,
        ),
        Claim(
            name="embedding", output="embedding", tensor="embedding", kind=Kind.RELATIONS, place="embedding",
            target="embedding_labels", fast=True,
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Ranking:
    """A target of two texts of a batch, one of which ranks above the other.

    Attributes:
        loss: Name of the loss.
        claim: Name of the claim whose values it ranks.
        score: Dotted path of the tensor that ranks.
        label: Label on the score's last axis; None = it has none.
        keys: Record keys that it supervises.
    """

    loss: str
    claim: str
    score: str
    label: str | None
    keys: tuple[str, ...]

    @property
    def output(self) -> str:
        """The output that it trains."""
        return CLAIMS[self.claim].output


RANKINGS: dict[str, Ranking] = {
    "utility_pair_labels": Ranking(
        "utility_ranking", "utility", "counterfactual.utility_logits", "actual", ("utility.actual",)
    ),
    "acceptability_pair_labels": Ranking(
        "acceptability_ranking", "acceptability", "verdict.acceptability_logits", None, ("acceptability",)
    ),
    "branch_pair_labels": Ranking(
        "counterfactual", "utility", "counterfactual.utility_logits", "actual", CLAIMS["utility"].keys
    ),
}

# Losses that need no label: they keep modules consistent, and their value says nothing about a reading.
UNLABELLED_LOSSES: tuple[str, ...] = (
    "regret_theory",
    "surd_head",
    "asynchrony",
    "recovery",
    "prototypes",
    "sparsity",
    "confidence",
)


def learned() -> Iterator[tuple[str, Claim]]:
    """Every target of a single text, with the claim that it belongs to."""
    yield from ((claim.target, claim) for claim in CLAIMS.values() if claim.target is not None)


def losses_of(claim: Claim, of_head: bool = False) -> tuple[str, ...]:
    """The losses that labels give a claim: its own and those of rankings, or that of its head alone."""
    if of_head:
        return (f"{claim.name}_head",) if claim.head else ()
    return (claim.name, *(ranking.loss for ranking in RANKINGS.values() if ranking.claim == claim.name))


def losses_of_module(module: str) -> tuple[str, ...]:
    """The losses on the outputs of a module of `MODULES`."""
    found: list[str] = []
    for claim in CLAIMS.values():
        if module in claim.modules:
            of_head = claim.head is not None and module == claim.modules[0]
            found += losses_of(claim, of_head)
    return tuple(found)


def losses_of_bridge() -> tuple[str, ...]:
    """The losses on what the bridge reads out of the states of all modules."""
    made = (claim for claim in CLAIMS.values() if claim.bridged and claim.kind is not Kind.EXPECTED_LOSS)
    return tuple(loss for claim in made for loss in losses_of(claim))


def _outputs() -> tuple[str, ...]:
    """The outputs of single modules, then those that are made of all modules."""
    ordered = sorted(CLAIMS.values(), key=lambda claim: claim.bridged or not claim.modules)
    return tuple(dict.fromkeys(claim.output for claim in ordered))


# Names for `outputs=`, and those that the heads alone can give (`depth="fast"`).
OUTPUTS: tuple[str, ...] = _outputs()
FAST_OUTPUTS: tuple[str, ...] = tuple(
    name for name in OUTPUTS if any(claim.fast for claim in CLAIMS.values() if claim.output == name)
)

# Modules with a state on the bridge, in the order of its module dimension: the heads, then the analyzers.
MODULES: tuple[str, ...] = tuple(
    sorted(
        dict.fromkeys(module for claim in CLAIMS.values() for module in claim.modules),
        key=lambda module: not module.endswith("_head"),
    )
)

# The losses, by the name under which they are logged and weighted.
LOSSES: tuple[str, ...] = tuple(
    dict.fromkeys(
        (
            *(loss for claim in CLAIMS.values() for of_head in (False, True) for loss in losses_of(claim, of_head)),
            *UNLABELLED_LOSSES,
        )
    )
)

# The targets that a text can have -> the shape of each; None = any width.
SHAPES: dict[str, tuple[int, ...] | None] = {
    **{
        target: None if claim.kind is Kind.RELATIONS else tuple(len(names) for names in claim.target_axes)
        for target, claim in learned()
    },
    **dict.fromkeys(RANKINGS, (2,)),
}

# The output that each target trains, and whether the heads alone can be trained on it.
TARGET_OUTPUTS: dict[str, tuple[str, bool]] = {
    **{target: (claim.output, claim.fast) for target, claim in learned()},
    **{target: (ranking.output, False) for target, ranking in RANKINGS.items()},
}


def target_limits(target: str) -> tuple[tuple[float, ...], float]:
    """The lowest value of each label on a target's last axis (one value if it has no axis), and the highest of all."""
    claim = next(claim for name, claim in learned() if name == target)
    axes = claim.target_axes
    high = {Kind.LEVELS: float(len(claim.axes[-1])) if claim.axes else 1.0, Kind.SHARES: math.inf}.get(claim.kind, 1.0)
    return tuple(-1.0 if label in claim.signed else 0.0 for label in (axes[-1] if axes else ("",))), high


def record_keys() -> tuple[str, ...]:
    """List every claim that a reading can make, as the keys of ``RedHeartConfig.supervision``.

    A claim whose key has no record was not supervised, and the pipeline withholds it by default.

    Returns:
        Keys ``part`` or ``part.label``, such as ``"affect.valence"`` and ``"nuance.anger.strong"``.
    """
    return tuple(key for claim in CLAIMS.values() for key in claim.keys)


def claim_of(key: str) -> Claim:
    """The claim of a record key."""
    return CLAIMS[key.partition(".")[0]]


def output_of(key: str) -> str:
    """The name in `OUTPUTS` of the output that makes the claim of a record key."""
    return claim_of(key).output


__all__ = [
    "CLAIMS",
    "FAST_OUTPUTS",
    "LOSSES",
    "MODULES",
    "OUTPUTS",
    "RANKINGS",
    "RATED",
    "SHAPES",
    "TARGET_OUTPUTS",
    "UNLABELLED_LOSSES",
    "Claim",
    "Kind",
    "Ranking",
    "claim_of",
    "learned",
    "losses_of",
    "losses_of_bridge",
    "losses_of_module",
    "output_of",
    "record_keys",
    "target_limits",
]
