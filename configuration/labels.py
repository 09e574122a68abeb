"""The one label schema: every label, its order, and the names of the outputs.

Notable: import all names from here, whether a paper gives them (`vocabulary`) or they follow from the claims that a
reading can make (`claims`, which also has the ranges). Index ``i`` of a tensor's label dimension is the ``i``-th name.
"""

import difflib
from collections.abc import Iterable

from .claims import FAST_OUTPUTS, LOSSES, MODULES, OUTPUTS, RATED, UNLABELLED_LOSSES, record_keys
from .vocabulary import (
    AFFECT,
    BENTHAM,
    EMOTIONS,
    NUANCE_LEVELS,
    PERSPECTIVES,
    REGRET_TYPES,
    RISKS,
    SIGNED_AFFECT,
    SIGNED_BENTHAM,
    SURD,
    SURD_SOURCES,
    VERDICTS,
    VIEWS,
)

# The tasks that read the backbone through a projection and a mixture of layers of their own.
# "reasoning" feeds the latent memory that every analyzer reads.
TASKS: tuple[str, ...] = ("emotion", "bentham", "regret", "surd", "reasoning")


def closest(name: str, known: Iterable[str]) -> str:
    """A hint for a misspelt ``name``: ``"did you mean 'x'?"``, or the known names when none is close."""
    names = list(known)
    matches = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if not any(names):
        return "there are none."
    return f"did you mean {matches[0]!r}?" if matches else f"known are {', '.join(names)}."


__all__ = [
    "AFFECT",
    "BENTHAM",
    "EMOTIONS",
    "FAST_OUTPUTS",
    "LOSSES",
    "MODULES",
    "NUANCE_LEVELS",
    "OUTPUTS",
    "PERSPECTIVES",
    "RATED",
    "REGRET_TYPES",
    "RISKS",
    "SIGNED_AFFECT",
    "SIGNED_BENTHAM",
    "SURD",
    "SURD_SOURCES",
    "TASKS",
    "UNLABELLED_LOSSES",
    "VERDICTS",
    "VIEWS",
    "closest",
    "record_keys",
]
