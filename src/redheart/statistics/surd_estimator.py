"""SURD over a dataset: the information of several sources about a target, in redundant, unique and synergistic parts.

Method: Martinez-Sanchez, Arranz & Lozano-Duran, Nature Communications 2024, 15:9296. Notable: `surd` is exact for the
frequencies of the rows (plug-in). Those of few rows show information where there is none: `estimate` measures how much
on shuffled targets, subtracts it and shows it. The sources are compared for each state of the target, and the parts
averaged; ``modeling_redheart.surd`` compares them for the states they have in one text.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

import numpy as np

from .measures import Array, aligned

# Numbers of sources, counted from 0, ascending.
Subset: TypeAlias = tuple[int, ...]

# Rows that `estimate` asks for, in units of (|T| - 1)(|A| - 1) / log2|T|. The plug-in information of independent data
# is about (|T| - 1)(|A| - 1) / (2 n ln 2) bits too high (Miller 1955): with 72, by 1 % of log2|T|.
ROWS = 72
NULL_RANGE = 0.95  # share of shuffled targets between `null_low` and `null_high`


@dataclass(frozen=True)
class Surd:
    """The parts, in bits: redundant + sum(unique) + synergy is the information of all sources about the target.

    Attributes:
        entropy: Entropy of the target.
        redundant: Sum of `redundant_by`.
        unique: Unique information by source.
        synergy: Sum of `synergy_by`.
        leak: H(target | all sources) / H(target), 0..1: the part that no source explains.
        determined: 1 - leak.
        redundant_by: Information that each source of the subset gives, and no other.
        synergy_by: Information that the subset gives beyond every smaller and every weaker one.
    """

    entropy: float
    redundant: float
    unique: tuple[float, ...]
    synergy: float
    leak: float
    determined: float
    redundant_by: dict[Subset, float]
    synergy_by: dict[Subset, float]


@dataclass(frozen=True)
class Estimate:
    """The parts of a dataset beside those of the same rows with the target shuffled.

    Attributes:
        rows: Number of rows.
        target_states: States of the target that occur.
        source_states: Joint states of the sources that occur.
        corrected: ``plug_in`` - ``null_mean``; where there is no information, near or below 0, and leak near or above
            1.
        plug_in: The parts for the frequencies of the rows.
        null_mean: Mean over the shuffled targets.
        null_low: Each figure by itself: 2.5 % of the shuffled targets give less.
        null_high: Each figure by itself: 2.5 % of the shuffled targets give more.
    """

    rows: int
    target_states: int
    source_states: int
    corrected: Surd
    plug_in: Surd
    null_mean: Surd
    null_low: Surd
    null_high: Surd


def surd(target: Array, sources: Array) -> Surd:
    """The decomposition for the frequencies of the rows, which are taken as the truth.

    The information of a subset A of sources about the state t is the specific one, the sum over a of p(a|t) log2
    (p(t|a) / p(t)). For each t, the single sources are sorted; the information of a source above the one before it is
    redundant among it and all better ones, and unique for the best. Then, size by size, the larger subsets are sorted;
    one that is worth less than the best of the size below is dropped, and what another adds to the one before it is
    synergy. The parts are the means over t.

    Args:
        target: Shape ``(rows,)``, discrete: integers, booleans or strings.
        sources: Shape ``(rows, sources)``, discrete as the target.

    Returns:
        The parts, in bits.

    Raises:
        ValueError: For values that are not discrete, shapes that do not fit and a constant target.
    """
    target, sources = np.asarray(target), np.asarray(sources)
    if target.ndim != 1 or sources.ndim != 2 or len(target) != len(sources) or not sources.size:
        raise ValueError(
            f"Expected a target (rows,) and sources (rows, sources), at least one of each, got {target.shape} and "
            f"{sources.shape}."
        )
    for name, value in (("target", target), ("sources", sources)):
        if value.dtype.kind not in "biuSU":
            raise ValueError(f"`{name}` must be discrete, got {value.dtype}; take `quantile_bins` or whole numbers.")
    codes = _codes(target[:, None])
    return _unpack(_decompose(codes, _joint(sources)), sources.shape[1])


def quantile_bins(values: Array, bins: int) -> Array:
    """The bin of each value, so that the bins hold equal shares of the rows as far as ties allow.

    A value's bin follows from the middle of its ranks. So equal values share a bin, only their order counts, and two
    values or more never end up all in one bin; a constant does.

    Args:
        values: Shape ``(rows,)``, or ``(rows, columns)``, column by column.
        bins: Number of bins, at least 2.

    Returns:
        Bins 0..bins-1, in the shape of ``values``.

    Raises:
        ValueError: For fewer than 2 bins and values that are not finite.
    """
    if bins < 2:
        raise ValueError(f"`bins` must be 2 or more, got {bins}.")
    if np.ndim(values) == 2:
        return np.stack([quantile_bins(column, bins) for column in np.transpose(values)], axis=1)
    (values,) = aligned(1, values=values)
    ordered = np.sort(values)
    below, up_to = (np.searchsorted(ordered, values, side=side) for side in ("left", "right"))
    # In whole numbers: a quotient of floats may fall on the wrong side of a border.
    return bins * (below + up_to) // (2 * len(values))


def estimate(target: Array, sources: Array, bins: int = 3, permutations: int = 500, seed: int = 0) -> Estimate:
    """The decomposition of a dataset, corrected by what shuffled targets show.

    The mean over the shuffles is the bias of each part where the sources give no information; where they give much, the
    true bias is smaller, and the corrected figures err towards 0. They are not cut off at 0, which would be a bias
    again.

    Args:
        target: Shape ``(rows,)``, discrete.
        sources: Shape ``(rows, 2..3)``, one column of numbers per source, cut into bins of equal shares
            (`quantile_bins`).
        bins: 2 or 3.
        permutations: How often the target is shuffled, at least 100.
        seed: Seed of the shuffles.

    Returns:
        The corrected parts, and those that they were made of.

    Raises:
        ValueError: For fewer rows than 72 (|T| - 1)(|A| - 1) / log2|T|, with |T| states of the target and |A| joint
            states of the sources that occur; for a constant source or target, and for arguments out of range.
    """
    (sources,) = aligned(2, sources=sources)
    if sources.shape[1] not in (2, 3) or bins not in (2, 3) or permutations < 100:
        raise ValueError(
            f"Expected 2..3 sources, 2..3 bins and at least 100 permutations, got {sources.shape[1]} sources, {bins=}, "
            f"{permutations=}."
        )
    if constant := np.flatnonzero(np.ptp(sources, axis=0) == 0).tolist():
        raise ValueError(f"The sources {constant} are constant and give no information; leave them out.")
    binned = quantile_bins(sources, bins)
    plug_in = surd(target, binned)
    codes, joint = _codes(np.asarray(target)[:, None]), _joint(binned)
    states, joint_states = int(codes.max()) + 1, int(max(code.max() for code in joint.values())) + 1
    needed = math.ceil(ROWS * (states - 1) * (joint_states - 1) / math.log2(states))
    if len(codes) < needed:
        raise ValueError(
            f"{len(codes)} rows are too few for {states} states of the target and {joint_states} of the sources, which "
            f"take {needed}; give more rows, fewer bins or fewer sources."
        )
    generator = np.random.default_rng(seed)
    null = np.stack([_decompose(generator.permutation(codes), joint) for _ in range(permutations)])
    vector, mean = _decompose(codes, joint), null.mean(axis=0)
    corrected = vector - mean
    corrected[0] = vector[0]  # a shuffle leaves the entropy as it is
    corrected[1] = 1 - corrected[2]
    low, high = np.quantile(null, ((1 - NULL_RANGE) / 2, (1 + NULL_RANGE) / 2), axis=0)
    count = sources.shape[1]
    shown = (_unpack(item, count) for item in (mean, low, high))
    return Estimate(len(codes), states, joint_states, _unpack(corrected, count), plug_in, *shown)


def _subsets(count: int) -> list[Subset]:
    """Every non-empty subset of the sources, by size."""
    return [subset for size in range(1, count + 1) for subset in combinations(range(count), size)]


def _codes(columns: Array) -> Array:
    """The number of the state of each row of ``columns`` (rows, columns), among the states that occur."""
    return np.unique(columns, axis=0, return_inverse=True)[1].reshape(-1)


def _joint(sources: Array) -> dict[Subset, Array]:
    return {subset: _codes(sources[:, subset]) for subset in _subsets(sources.shape[1])}


def _specific(target: Array, states: Array) -> Array:
    """Specific information about each state of the target, in bits: KL(p(a|t) || p(a)), ``(target states,)``."""
    shape = int(target.max()) + 1, int(states.max()) + 1
    joint = np.bincount(target * shape[1] + states, minlength=shape[0] * shape[1]).reshape(shape) / len(target)
    prior = joint.sum(axis=1, keepdims=True)
    independent = prior * joint.sum(axis=0)
    terms = joint * np.log2(np.divide(joint, independent, out=np.ones(shape), where=joint > 0))
    return (terms.sum(axis=1) / prior[:, 0]).clip(min=0)


def _decompose(target: Array, joint: Mapping[Subset, Array]) -> Array:
    """The figures in the order of `_unpack`."""
    prior = np.bincount(target) / len(target)
    entropy = float(-(prior * np.log2(prior)).sum())
    if not entropy:
        raise ValueError("The target is constant, so there is no information about it; give rows with other states.")
    specific = {subset: _specific(target, states) for subset, states in joint.items()}
    shared, synergy = dict.fromkeys(joint, 0.0), dict.fromkeys(joint, 0.0)
    sizes = range(2, max(map(len, joint)) + 1)
    for state, weight in enumerate(prior):
        worth = {subset: float(values[state]) for subset, values in specific.items()}
        ascending = sorted(joint, key=worth.__getitem__)
        better = list(range(sizes.stop - 1))
        best = 0.0
        for source in (subset for subset in ascending if len(subset) == 1):
            shared[tuple(better)] += weight * (worth[source] - best)
            better.remove(source[0])
            best = worth[source]
        for size in sizes:
            floor = best
            for subset in ascending:
                if len(subset) == size and worth[subset] >= floor:
                    synergy[subset] += weight * (worth[subset] - best)
                    best = worth[subset]
    everything = max(joint, key=len)
    leak = min(max(1 - float(prior @ specific[everything]) / entropy, 0.0), 1.0)
    single = [subset for subset in joint if len(subset) == 1]
    plural = [subset for subset in joint if len(subset) > 1]
    redundant, together = [shared[subset] for subset in plural], [synergy[subset] for subset in plural]
    unique = [shared[subset] for subset in single]
    return np.array([entropy, leak, 1 - leak, sum(redundant), sum(together), *unique, *redundant, *together])


def _unpack(figures: Array, count: int) -> Surd:
    entropy, leak, determined, redundant, synergy, *parts = figures.tolist()
    plural = [subset for subset in _subsets(count) if len(subset) > 1]
    return Surd(
        entropy=entropy,
        redundant=redundant,
        unique=tuple(parts[:count]),
        synergy=synergy,
        leak=leak,
        determined=determined,
        redundant_by=dict(zip(plural, parts[count : count + len(plural)], strict=True)),
        synergy_by=dict(zip(plural, parts[count + len(plural) :], strict=True)),
    )


__all__ = ["Estimate", "Subset", "Surd", "estimate", "quantile_bins", "surd"]
