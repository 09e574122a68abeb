"""What of a data set can be trained on, and how long it is in tokens: found once for each set, before anything is run.

Notable: what is left out is counted. A unit without a label teaches nothing, and a batch of such units has no loss; a
pair whose texts differ only behind the longest text read is one text twice, with a loss that stays at ln 2.
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

# Data sets that are remembered; a trainer has a few, each new list that is evaluated is one more.
_MOST = 16


@dataclass(frozen=True)
class Prepared:
    """Units, and the tokens of the longest text of each, special tokens included.

    unlabelled: units that were left out, as they have no label. equal: pairs that were left out, as both texts read the
    same. cut: texts that are cut at the longest text.
    """

    units: Sequence[Unit]
    lengths: list[int] = field(default_factory=list)
    unlabelled: int = 0
    equal: int = 0
    cut: int = 0

    def left_out(self) -> dict[str, int]:
        """How many are left out or cut, by why; for a report."""
        counts = {
            "units without a label": self.unlabelled,
            "pairs that read the same": self.equal,
            "texts cut": self.cut,
        }
        return {name: count for name, count in counts.items() if count}


def prepare(
    units: Sequence[Unit], tokenizer: PreTrainedTokenizerBase, max_length: int, labelled: bool = True, chunk: int = 4096
) -> Prepared:
    """The units that can be trained on, with their lengths, at most ``max_length``.

    labelled: whether a unit needs a label. chunk: units that are tokenized together. Raises `DataError` for a target of
    another shape than the others or its own, for a text that cannot be read, and where nothing is left.
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
    _tell(found, len(units), max_length)
    return found


def _parts(unit: Unit, lengths: Sequence[int], same: bool) -> Iterator[tuple[Unit, int]]:
    """The unit with the tokens of its longest text; of a pair that is one text, each with its other labels."""
    if not same:
        yield unit, max(lengths)
        return
    for item, length in zip(unit, lengths, strict=True):
        yield (replace(item, targets={name: item.targets[name] for name in item.targets if name not in PAIRS}),), length


def _tell(found: Prepared, count: int, max_length: int) -> None:
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
    """Raises `DataError` for a target that has not its shape, or of any width not that of the first."""
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
                    told = f"`{name}` of a text of {item.source!r} must have the shape {wanted}, got {np.shape(value)}"
                    raise DataError(f"{told}. Its text: {item.text[:60]!r}.")


def encode(tokenizer: PreTrainedTokenizerBase, items: Sequence[Example], **options: Any) -> Any:
    """The texts of ``items`` in tokens, cut at ``max_length``. Raises `DataError` for a text that cannot be read."""
    try:
        return tokenizer([item.text for item in items], truncation=True, **options)
    except TypeError as error:  # all that a tokenizer says of half a character
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
    items: tuple[Unit, ...]  # what was in it; empty for what is no list
    found: T

    def is_of(self, units: Sequence[Unit]) -> bool:
        """Whether it holds for ``units``, unchanged."""
        same = self.units is units and self.count == len(units)
        return same and all(map(operator.is_, self.items, units))


def once_per_set(find: Callable[[Sequence[Unit]], T]) -> Callable[[Sequence[Unit]], T]:
    """``find``, which is called again only for a data set that is new to it.

    A data set is known by its identity; a list is looked at again, too, when other units are in it.
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
