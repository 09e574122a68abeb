"""The units of a data set that can be trained on, and their lengths in tokens: found once per set, before training.

Notable: what is left out is counted. A unit without a label teaches nothing, and a batch of such units has no loss. A
pair whose texts differ only after the longest text read is the same text twice, with a loss that stays at ln 2.
"""

import logging
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import numpy as np
from transformers import PreTrainedTokenizerBase

from ..configuration.errors import DataError
from ..configuration.inputs import check_text
from ..data.examples import PAIRS, SHAPES, Example, Unit, is_labelled

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Data sets that are cached; a trainer has a few, each new list that is evaluated is one more.
_MOST = 16


@dataclass(frozen=True)
class Prepared:
    """Units that can be trained on, and what was left out.

    Attributes:
        units: The units.
        lengths: Tokens of the longest text of each unit, special tokens included.
        unlabelled: Number of units that were left out because they have no label.
        equal: Number of pairs that were left out because both texts are equal once they are cut.
        cut: Number of texts that are cut at the longest text.
    """

    units: Sequence[Unit]
    lengths: list[int] = field(default_factory=list)
    unlabelled: int = 0
    equal: int = 0
    cut: int = 0

    def left_out(self) -> dict[str, int]:
        """Reason -> how many were left out or cut, for a report; without zeros."""
        counts = {
            "units without a label": self.unlabelled,
            "pairs that read the same": self.equal,
            "texts cut": self.cut,
        }
        return {name: count for name, count in counts.items() if count}


def prepare(
    units: Sequence[Unit], tokenizer: PreTrainedTokenizerBase, max_length: int, labelled: bool = True, chunk: int = 4096
) -> Prepared:
    """Find the units that can be trained on, with their lengths.

    Args:
        units: All units.
        tokenizer: The model's tokenizer.
        max_length: Tokens at which a text is cut.
        labelled: Whether a unit needs a label.
        chunk: Units that are tokenized together.

    Returns:
        The units that are left, and counts of what was left out.

    Raises:
        DataError: For a target of the wrong shape or of another shape than the others, for a text that cannot be read,
            and when no unit is left.
    """
    kept: list[Unit] = []
    lengths: list[int] = []
    unlabelled = equal = cut = 0
    check_shapes(units)
    for start in range(0, len(units), chunk):
        some = [units[place] for place in range(start, min(start + chunk, len(units)))]
        encoded = encode(tokenizer, [item for unit in some for item in unit], max_length=max_length)
        read = iter(zip(encoded["input_ids"], encoded.encodings or [None] * len(encoded["input_ids"]), strict=True))
        for unit in some:
            tokens = [next(read) for _ in unit]
            cut += sum(encoding is not None and bool(encoding.overflowing) for _, encoding in tokens)
            same = is_pair(unit) and tokens[0][0] == tokens[1][0]
            equal += same
            for part, width in _parts(unit, [len(ids) for ids, _ in tokens], same):
                if labelled and not any(map(is_labelled, part)):
                    unlabelled += not same
                    continue
                kept.append(part)
                lengths.append(width)
    found = Prepared(units if len(kept) == len(units) and not equal else kept, lengths, unlabelled, equal, cut)
    _report(found, len(units), max_length)
    return found


def _parts(unit: Unit, lengths: Sequence[int], same: bool) -> Iterator[tuple[Unit, int]]:
    """The unit with the tokens of its longest text; for a pair of equal texts, each text with its other labels."""
    if not same:
        yield unit, max(lengths)
        return
    for item, length in zip(unit, lengths, strict=True):
        yield (replace(item, targets={name: item.targets[name] for name in item.targets if name not in PAIRS}),), length


def _report(found: Prepared, count: int, max_length: int) -> None:
    if count and not found.units:
        raise DataError(
            f"Nothing is left of {count} units: {found.unlabelled} have no label, and {found.equal} are pairs whose "
            f"texts read the same in the first {max_length} tokens (`longest_text`)."
        )
    if found.unlabelled:
        logger.warning("Left out %d of %d units: they have no label.", found.unlabelled, count)
    if found.equal:
        logger.warning(
            "Left out %d pairs of %d units: both texts read the same in the first %d tokens; raise `longest_text`.",
            found.equal, count, max_length,
        )  # fmt: skip
    if found.cut:
        logger.warning("%d texts are longer than `longest_text` (%d tokens) and are cut there.", found.cut, max_length)


def is_pair(unit: Sequence[Example]) -> bool:
    """Whether a unit is two texts that are ranked."""
    return len(unit) == 2 and any(name in item.targets for item in unit for name in PAIRS)


def check_shapes(units: Sequence[Unit]) -> None:
    """Raise `DataError` for a target of the wrong shape, or if any width is allowed, of another than the first one."""
    shapes = dict(SHAPES)
    for place in range(len(units)):
        for item in units[place]:
            for name, value in item.targets.items():
                if name not in shapes:
                    continue
                wanted = shapes[name]
                if wanted is None:
                    shapes[name] = np.shape(value)
                elif np.shape(value) != wanted:
                    fault = f"`{name}` of a text of {item.source!r} must have the shape {wanted}, got {np.shape(value)}"
                    raise DataError(f"{fault}. Its text: {item.text[:60]!r}.")


def encode(tokenizer: PreTrainedTokenizerBase, items: Sequence[Example], **options: Any) -> Any:
    """The texts of ``items`` in tokens, cut at ``max_length``; `DataError` for a text that cannot be read."""
    try:
        return tokenizer([item.text for item in items], truncation=True, **options)
    except TypeError as error:  # a tokenizer's only sign of half a character
        for item in items:
            try:
                check_text(item.text)
            except ValueError as reason:
                raise DataError(f"{item.source}: {reason}") from error
        raise


@dataclass(frozen=True)
class _Known(Generic[T]):
    units: Sequence[Unit]  # kept alive, so that no other data set gets its id
    count: int
    items: tuple[Unit, ...]  # its items; empty if it is not a list
    found: T

    def is_of(self, units: Sequence[Unit]) -> bool:
        """Whether it was found for ``units``, unchanged."""
        same = self.units is units and self.count == len(units)
        return same and all(map(operator.is_, self.items, units))


def once_per_set(find: Callable[[Sequence[Unit]], T]) -> Callable[[Sequence[Unit]], T]:
    """Cache ``find`` by data set.

    A data set is known by its identity; a list also by the identity of its units.

    Args:
        find: Function of a data set.

    Returns:
        The same function, which calls ``find`` only for a data set that is new or has changed.
    """
    known: dict[int, _Known[T]] = {}

    def found(units: Sequence[Unit]) -> T:
        one = known.get(id(units))
        if one is None or not one.is_of(units):
            items = tuple(units) if isinstance(units, list) else ()
            one = _Known(units, len(units), items, find(units))
            known.pop(id(units), None)
            known[id(units)] = one
            if len(known) > _MOST:
                del known[next(iter(known))]
        return one.found

    return found


__all__ = ["Prepared", "check_shapes", "encode", "is_pair", "once_per_set", "prepare"]
