"""Groups of texts: values of a column, or periods of time where its values are dates."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np

from ..statistics.measures import Array
from .readings import as_date

MOST_GROUPS = 12
OTHERS, NO_VALUE = "(others)", "(no value)"
# Longest span of days that is shown by day, by week and by month; a longer one is shown by year.
_SPANS = ((21, "day"), (150, "week"), (1100, "month"))


def grouped(values: Sequence[Any]) -> tuple[str, dict[str, Array]]:
    """Put texts into groups.

    Args:
        values: Value of the group column of each text.

    Returns:
        What a group is ("day", "week", "month" or "year" where all values are dates, else "value"), and the groups in
        the order of time or of their size, each with the numbers of its texts; the smallest are together in `OTHERS`.
    """
    given = [value for value in values if value not in (None, "")]
    days = [as_date(value) for value in given]
    known = [day for day in days if day is not None]
    if known and len(known) == len(given):
        span = (max(known) - min(known)).days
        unit = next((name for longest, name in _SPANS if span <= longest), "year")
        names = [NO_VALUE if value in (None, "") else _period(as_date(value), unit) for value in values]
        return unit, _places(names, sorted(set(names)))
    names = [NO_VALUE if value in (None, "") else str(value) for value in values]
    ranked = [name for name, _ in Counter(names).most_common()]
    if len(ranked) > MOST_GROUPS:
        kept = set(ranked[: MOST_GROUPS - 1])
        names = [name if name in kept else OTHERS for name in names]
        ranked = [*ranked[: MOST_GROUPS - 1], OTHERS]
    return "value", _places(names, ranked)


def _period(day: date | None, unit: str) -> str:
    if day is None:
        return NO_VALUE
    year, week, _ = day.isocalendar()
    return {
        "day": day.isoformat(),
        "week": f"{year}-W{week:02}",
        "month": f"{day:%Y-%m}",
        "year": f"{day:%Y}",
    }[unit]


def _places(names: Sequence[str], order: Sequence[str]) -> dict[str, Array]:
    found: dict[str, list[int]] = {name: [] for name in order}
    for place, name in enumerate(names):
        found[name].append(place)
    return {name: np.array(places, np.int64) for name, places in found.items()}


__all__ = ["MOST_GROUPS", "NO_VALUE", "OTHERS", "grouped"]
