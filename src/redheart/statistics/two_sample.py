"""Whether two samples come from one distribution: a permutation test of the energy distance (Szekely & Rizzo 2013).

Notable: the test is exact for any number of columns and any distribution, when the rows are independent of each other.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from .measures import Array

PERMUTATIONS = 1999


@dataclass(frozen=True)
class TwoSampleTest:
    """Result of `energy_test`.

    Attributes:
        distance: Energy distance of the samples as a share of the mean distance between them, 0..1; 0 when equal.
        p_value: How often a random division of all rows gives as large a distance, above 0 and at most 1.
        sizes: Rows of the two samples.
    """

    distance: float
    p_value: float
    sizes: tuple[int, int]


def energy_test(first: Array, second: Array, permutations: int = PERMUTATIONS, seed: int = 0) -> TwoSampleTest:
    """Compare two samples; columns are brought to the same spread first.

    Args:
        first: Shape ``(rows, columns)``.
        second: Shape ``(other rows, columns)``.
        permutations: Random divisions of all rows.
        seed: Seed of the divisions.

    Returns:
        The distance and its p-value.

    Raises:
        ValueError: For fewer than two rows, other columns, and values that are not finite.
    """
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1] or min(len(first), len(second)) < 2:
        raise ValueError(f"Give two samples of at least 2 rows and equal columns, got {first.shape}, {second.shape}.")
    rows = np.concatenate((first, second))
    if not np.isfinite(rows).all():
        raise ValueError("The samples have values that are not finite.")
    spread = rows.std(axis=0)
    rows = rows[:, spread > 0] / spread[spread > 0]
    apart = cdist(rows, rows) if rows.size else np.zeros((len(rows), len(rows)))
    member = np.zeros(len(rows))
    member[: len(first)] = 1
    shuffles = np.random.default_rng(seed)
    members = np.stack([member, *(shuffles.permutation(member) for _ in range(permutations))])
    distances, between = _distances(apart, members, len(first))
    as_large = int((distances[1:] >= distances[0] - 1e-12).sum())
    share = distances[0] / between if between > 0 else 0.0
    return TwoSampleTest(max(0.0, share), (1 + as_large) / (1 + permutations), (len(first), len(second)))


def _distances(apart: Array, members: Array, size: int) -> tuple[Array, float]:
    """The energy distance of each division ``(divisions, rows)``, and twice the mean distance between of the first."""
    rest = members.shape[1] - size
    others = 1 - members
    across = 2 * ((members @ apart) * others).sum(axis=1) / (size * rest)
    inside = ((members @ apart) * members).sum(axis=1) / size**2 + ((others @ apart) * others).sum(axis=1) / rest**2
    return across - inside, float(across[0]) if math.isfinite(float(across[0])) else 0.0


__all__ = ["PERMUTATIONS", "TwoSampleTest", "energy_test"]
