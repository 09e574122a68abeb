"""Who rated what a claim was learned from, in one word: people, a model, or a rule.

Notable: a set that is not known here counts as people's, since that is what labels are unless somebody says otherwise;
a set of your own that a model rated belongs in `RATED_BY_MODEL`.
"""

from collections.abc import Iterable

PEOPLE, MODEL, DERIVED, MIXED = "people", "model", "derived", "mixed"

# Sources whose labels, or whose embeddings, a model gave.
RATED_BY_MODEL: frozenset[str] = frozenset({"cases", "all-MiniLM-L6-v2"})
# How a source begins that is a rule and no set.
DERIVED_PREFIX = "derived: "
# What the confidence learned from: the model's own losses.
HELD_OUT = "rows held out of training"


def rater(source: str) -> str:
    """Who rated one source of a record: `PEOPLE`, `MODEL`, or `DERIVED` for a rule or another model's readings."""
    if source.startswith((DERIVED_PREFIX, HELD_OUT)):
        return DERIVED
    return MODEL if source in RATED_BY_MODEL else PEOPLE


def rated_by(sources: Iterable[str]) -> str:
    """Who rated several sources, as one word: `MIXED` where they differ, "" where there is none.

    sources: as they stand in ``RedHeartConfig.supervision``.
    """
    kinds = {rater(source) for source in sources}
    return next(iter(kinds), "") if len(kinds) < 2 else MIXED


__all__ = ["DERIVED", "DERIVED_PREFIX", "HELD_OUT", "MIXED", "MODEL", "PEOPLE", "RATED_BY_MODEL", "rated_by", "rater"]
