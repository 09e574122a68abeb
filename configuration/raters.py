"""Who rated the data that a claim learned from, in one word: people, a model, or a rule.

Notable: a set that is unknown here counts as rated by people, the usual case; add a set of your own that a model rated
to `RATED_BY_MODEL`.
"""

from collections.abc import Iterable

PEOPLE, MODEL, DERIVED, MIXED = "people", "model", "derived", "mixed"

# Sources with labels or embeddings of a model.
RATED_BY_MODEL: frozenset[str] = frozenset({"cases", "all-MiniLM-L6-v2"})
# The start of a source that is a rule and not a set.
DERIVED_PREFIX = "derived: "
# The source of the confidence: the model's own losses on these rows.
HELD_OUT = "rows held out of training"


def rater(source: str) -> str:
    """Who rated one source of a record: `PEOPLE`, `MODEL`, or `DERIVED` for a rule or another model's readings."""
    if source.startswith((DERIVED_PREFIX, HELD_OUT)):
        return DERIVED
    return MODEL if source in RATED_BY_MODEL else PEOPLE


def rated_by(sources: Iterable[str]) -> str:
    """Who rated ``sources`` of ``RedHeartConfig.supervision``: one word; `MIXED` if they differ, "" for none."""
    kinds = {rater(source) for source in sources}
    return next(iter(kinds), "") if len(kinds) < 2 else MIXED


__all__ = ["DERIVED", "DERIVED_PREFIX", "HELD_OUT", "MIXED", "MODEL", "PEOPLE", "RATED_BY_MODEL", "rated_by", "rater"]
