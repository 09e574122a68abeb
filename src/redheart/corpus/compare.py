"""How two groups of readings, or two texts, differ.

Notable: many measures are compared at once, so a difference is named only where chance among them does not explain it
(`statistics.intervals.discoveries`). Two texts are two points: their difference has no interval, and nothing is said
about chance.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..batch.columns import Column
from ..configuration.errors import DataError
from ..configuration.labels import VERDICTS, closest
from ..statistics.intervals import difference, discoveries
from ..statistics.measures import Interval
from .readings import ABSTAINED, MEASURES, PROBABILITIES, Readings


@dataclass(frozen=True)
class Difference:
    """A measure on both sides.

    Attributes:
        name: Its column; of a share, the column and the label: "verdict.label = author".
        first: Its value, mean or share on the first side.
        second: The same on the second side.
        apart: The first minus the second, with its interval; NaN ends where there is none.
        named: Whether chance among all differences does not explain it; None for two texts.
    """

    name: str
    first: float
    second: float
    apart: Interval
    named: bool | None


def compare_groups(readings: Readings, first: str, second: str) -> list[Difference]:
    """Compare two groups of a corpus.

    Args:
        readings: Readings with a group column.
        first: Value of the group column.
        second: Another value of it.

    Returns:
        The differences of the shares of verdicts and emotions and of the means of measures; those that are named
        first, then by the size of their p-values.

    Raises:
        DataError: For a group that no text is in, and for twice the same group.
    """
    names = [str(value) for value in readings.groups]
    for name in (first, second):
        if name not in names:
            raise DataError(f"No text is in the group {name!r}; {closest(name, sorted(set(names)))}")
    if first == second:
        raise DataError(f"Both groups are {first!r}; give two different ones.")
    sides = [np.array([name == side for name in names]) for side in (first, second)]
    found: list[tuple[float, Difference]] = []
    for name, values in _measured(readings).items():
        one, other = (values[side][~np.isnan(values[side])] for side in sides)
        if len(one) and len(other):
            apart, p_value = difference(one, other, MEASURES.get(name, (0, 1)))  # a share has no measure
            found.append((p_value, Difference(name, float(one.mean()), float(other.mean()), apart, None)))
    named = discoveries([p_value for p_value, _ in found])
    order = sorted(range(len(found)), key=lambda at: (not named[at], math.isnan(found[at][0]), found[at][0]))
    return [Difference(**{**vars(found[place][1]), "named": named[place]}) for place in order]


def _measured(readings: Readings) -> dict[str, Any]:
    """Every measure, and every share as zeros and ones."""
    verdicts = np.array(readings.verdicts)
    shares = {f"verdict.label = {name}": verdicts == name for name in (*VERDICTS, ABSTAINED) if len(verdicts)}
    shares |= {f"emotion.asserted = {name}": flags for name, flags in readings.asserted.items()}
    numbers = {name: readings.numbers[name] for name in MEASURES if name in readings.numbers}
    return {**{name: flags.astype(float) for name, flags in shares.items()}, **numbers}


def compare_readings(
    columns: Sequence[Column], first: Mapping[str, Any], second: Mapping[str, Any]
) -> list[Difference]:
    """Compare the readings of two texts.

    Args:
        columns: Columns of the readings (`batch.columns_of`).
        first: The reading of the first text.
        second: That of the second.

    Returns:
        The differences of the measures that both readings have, the largest first.
    """
    wanted = {*MEASURES, *PROBABILITIES}
    values = [(one.name, one.value(first), one.value(second)) for one in columns if one.name in wanted]
    found = [
        Difference(name, one, other, Interval(one - other, math.nan, math.nan), None)
        for name, one, other in values
        if one is not None and other is not None
    ]
    return sorted(found, key=lambda item: -abs(item.apart.value))


__all__ = ["Difference", "compare_groups", "compare_readings"]
