"""What training reads: a text with its targets, and units of one or two texts.

Notable:

* A training unit is one text, or the two texts of a pair, which must stay in one batch: `to_units` makes them.
* `held_out` splits by what the units share, not by row: two units with a text in common, or of one story, or two
  languages of one comment, are always on the same side.
* Missing values are NaN (floats) or -100 (integers), never 0: "not annotated" is not "absent".
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ..configuration.claims import RANKINGS, SHAPES, Kind, learned
from ..configuration.errors import DataError

# Target of two texts that are ranked -> the name of its loss, which is also that of its measure.
RANKING_LOSSES = {target: ranking.loss for target, ranking in RANKINGS.items()}
PAIRS = tuple(RANKING_LOSSES)
LEVELS = tuple(target for target, claim in learned() if claim.kind is Kind.LEVELS)
INTEGERS = (*LEVELS, *PAIRS)
MISSING = -100

Array: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True, eq=False, slots=True)
class Example:
    """One text and what is known about it.

    Attributes:
        text: The text.
        source: Name of the data set.
        targets: Columns of `claims.SHAPES`; more can be added. A pair column is ``(pair id, 1 = the better or 0 = the
            worse)``.
        group: What the text belongs to (a story, a comment in any language); `held_out` never splits a group.
        better: The nearest other course of events that would have been better, as text; empty = unknown.
        worse: The nearest other course of events that would have been worse, as text; empty = unknown.
    """

    text: str
    source: str
    targets: dict[str, Array] = field(default_factory=dict)
    group: str = ""
    better: str = ""
    worse: str = ""


Unit: TypeAlias = tuple[Example, ...]


def is_known(target: str, value: Array) -> bool:
    """Whether a target has a value that is not missing."""
    array = np.asarray(value)
    return bool((array != MISSING).any() if target in INTEGERS else np.isfinite(array.astype(np.float64)).any())


def is_labelled(item: Example) -> bool:
    """Whether a text has a target that can be trained on."""
    return any(is_known(name, value) for name, value in item.targets.items() if name in SHAPES)


def normalised(text: str) -> str:
    """The form in which equal texts are compared: its words (NFKC, case folded), or all of it if it has none."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"\w+", folded) or folded.split())


def overlap(train: Iterable[Example], validation: Iterable[Example]) -> set[str]:
    """The normalised texts that occur in both."""
    return {normalised(item.text) for item in train} & {normalised(item.text) for item in validation}


def drop_seen(train: Sequence[Example], validation: Iterable[Example]) -> list[Example]:
    """``train`` without the units that have a text of ``validation``."""
    seen = overlap(train, validation)
    return [item for unit in to_units(train) if not any(normalised(one.text) in seen for one in unit) for item in unit]


def to_units(examples: Iterable[Example]) -> list[Unit]:
    """Put the two texts of each pair together; every other text is a unit of its own. The order is kept."""
    units: dict[object, list[Example]] = {}
    for row, item in enumerate(examples):
        pair = tuple((name, int(item.targets[name][0])) for name in PAIRS if name in item.targets)
        units.setdefault((item.source, pair) if pair else row, []).append(item)
    for key, unit in units.items():
        if not isinstance(key, int):
            _check_pair(unit)
    return [tuple(unit) for unit in units.values()]


def _check_pair(unit: Sequence[Example]) -> None:
    for name in PAIRS:
        ranks = sorted(int(item.targets[name][1]) for item in unit if name in item.targets)
        if ranks and ranks != [0, 1]:
            raise DataError(
                f"A pair of {unit[0].source!r} in {name!r} has the ranks {ranks} and must have one 1 and one 0. "
                f"Pair ids must be unique within a set. Its first text: {unit[0].text[:60]!r}."
            )


def held_out(units: Sequence[Unit], share: float, seed: int = 0) -> tuple[list[Unit], list[Unit]]:
    """Hold out a share of the units.

    Which side a unit is on depends on the seed and on the texts only, not on their order; units that share a text or a
    group, also through other units, are on the same side.

    Args:
        units: The units.
        share: About this share of them is held out, in 0..1.
        seed: Another seed holds out other units.

    Returns:
        The units that are kept, and those that are held out.

    Raises:
        DataError: For a ``share`` out of range.
    """
    if not 0 <= share <= 1:
        raise DataError(f"`share` must lie in 0..1, got {share}.")
    parent: dict[str, str] = {}

    def find(key: str) -> str:
        parent.setdefault(key, key)
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    firsts = []
    for unit in units:
        keys = [f"text/{normalised(item.text)}" for item in unit] + [
            f"group/{item.group}" for item in unit if item.group
        ]
        roots = sorted({find(key) for key in keys})
        for root in roots:  # the smallest key represents all, so that the order of the units does not matter
            parent[root] = roots[0]
        firsts.append(keys[0])
    out = [fraction(f"{seed}/{find(key)}") < share for key in firsts]
    kept = [unit for unit, held in zip(units, out, strict=True) if not held]
    return kept, [unit for unit, held in zip(units, out, strict=True) if held]


def fraction(key: str) -> float:
    """A number in 0..1 that depends on the key only."""
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


__all__ = [
    "INTEGERS",
    "LEVELS",
    "MISSING",
    "PAIRS",
    "RANKING_LOSSES",
    "SHAPES",
    "Array",
    "Example",
    "Unit",
    "drop_seen",
    "fraction",
    "held_out",
    "is_known",
    "is_labelled",
    "normalised",
    "overlap",
    "to_units",
]
