"""Token lengths of data sets, measured once for each."""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .data import Unit

# Data sets that are remembered; a trainer has a few, each new list that is evaluated is one more.
_MOST = 16


@dataclass(frozen=True)
class _Measured:
    units: Sequence[Unit]  # kept alive, so that no other data set gets its id
    items: tuple[Unit, ...]  # what was in it; empty for what is no list
    lengths: list[int]

    def is_of(self, units: Sequence[Unit]) -> bool:
        """Whether it holds for ``units``, unchanged."""
        same = self.units is units and len(self.lengths) == len(units)
        return same and all(map(operator.is_, self.items, units))


def measured_once(measure: Callable[[Sequence[Unit]], list[int]]) -> Callable[[Sequence[Unit]], list[int]]:
    """``measure``, which is called again only for a data set that is new to it.

    A data set is known by its identity; a list is measured again, too, when other units are in it.
    """
    known: dict[int, _Measured] = {}

    def lengths(units: Sequence[Unit]) -> list[int]:
        found = known.get(id(units))
        if found is None or not found.is_of(units):
            items = tuple(units) if isinstance(units, list) else ()
            found = _Measured(units, items, measure(units))
            known.pop(id(units), None)
            known[id(units)] = found
            if len(known) > _MOST:
                del known[next(iter(known))]
        return found.lengths

    return lengths


__all__ = ["measured_once"]
