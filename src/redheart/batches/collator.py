"""From units to batches: the collator, and the sampler that decides which units share a batch.

Notable: a batch has texts of one data set and of similar length, up to a number of tokens rather than of texts, so that
there is little padding and memory use is even. The batches of an epoch depend on the seed and the epoch number only.
"""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Sampler
from transformers import PreTrainedTokenizerBase

from ..configuration.labels import closest
from ..data.loading import INTEGERS, MISSING, PAIRS, SHAPES, DataError, Example, Unit
from .prepared import encode, is_pair

logger = logging.getLogger(__name__)


class RedHeartCollator:
    """Makes the batch that the model is called with from units.

    A pair whose texts are equal once they are cut is not ranked: its label is missing, with one warning.

    Args:
        tokenizer: The model's tokenizer.
        max_length: Tokens at which a text is cut; a multiple of ``pad_to_multiple_of``.
        targets: Columns of every batch, with missing values where no text has one (`embedding_labels` is then left out,
            since its width is unknown); None = those that occur in the batch.
        pad_to_multiple_of: Number of which the width of a batch is a multiple; 8 suits tensor cores.

    Raises:
        DataError: For an unknown target, and a ``max_length`` that does not fit ``pad_to_multiple_of``.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        max_length: int,
        targets: Sequence[str] | None = None,
        pad_to_multiple_of: int | None = None,
    ) -> None:
        for name in targets or ():
            if name not in SHAPES:
                raise DataError(f"There is no target {name!r}; {closest(name, SHAPES)}")
        if max_length % (pad_to_multiple_of or 1):
            raise DataError(
                f"`max_length` ({max_length}) must be a multiple of {pad_to_multiple_of}, as its padding is."
            )
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.targets = targets
        self.pad_to_multiple_of = pad_to_multiple_of
        self._warned = False

    def __call__(self, units: Sequence[Sequence[Example]]) -> dict[str, Tensor]:
        """Return `input_ids`, `attention_mask` (batch, tokens) and the targets (batch, ...); a pair is two rows."""
        examples = [item for unit in units for item in unit]
        encoded = encode(
            self.tokenizer,
            examples,
            max_length=self.max_length,
            padding=True,
            padding_side="right",
            pad_to_multiple_of=self.pad_to_multiple_of,
            return_tensors="pt",
        )
        batch: dict[str, Tensor] = dict(encoded)
        numbers = [number for number, unit in enumerate(units) for _ in unit]
        same = self._same_texts(units, batch["input_ids"])
        for name in SHAPES if self.targets is None else self.targets:
            column = _column(name, examples, numbers, always=self.targets is not None)
            if column is not None:
                if name in PAIRS and same:
                    column[same] = MISSING
                batch[name] = column
        return batch

    def _same_texts(self, units: Sequence[Sequence[Example]], ids: Tensor) -> list[int]:
        """The rows of pairs whose two texts are the same tokens."""
        starts = np.cumsum([0, *map(len, units)]).tolist()
        pairs = [start for start, unit in zip(starts, units, strict=False) if is_pair(unit)]
        same = [start for start in pairs if torch.equal(ids[start], ids[start + 1])]
        if same and not self._warned:
            self._warned = True
            logger.warning(
                "Both texts of a pair read the same in the first %d tokens; it is not ranked: %r. Raise `max_length`.",
                self.max_length, units[starts.index(same[0])][0].text[:60],
            )  # fmt: skip
        return [row for start in same for row in (start, start + 1)]


def _column(name: str, examples: Sequence[Example], numbers: Sequence[int], always: bool) -> Tensor | None:
    """One target of the batch; ``numbers``: the number of each text's unit, which becomes the id of its pair."""
    given = [item.targets.get(name) for item in examples]
    first = next((np.shape(value) for value in given if value is not None), None)
    if first is None and not always:
        return None
    known = SHAPES[name]
    shape = first if known is None else known
    if shape is None:
        return None
    integer = name in INTEGERS
    column = np.full((len(given), *shape), MISSING if integer else math.nan, dtype=np.int64 if integer else np.float32)
    for row, value in enumerate(given):
        if value is None:
            continue
        if np.shape(value) != shape:
            source = examples[row].source
            raise DataError(f"`{name}` of a text of {source!r} must have the shape {shape}, got {np.shape(value)}.")
        column[row] = value
        if name in PAIRS:
            column[row, 0] = numbers[row]
    return torch.from_numpy(column)


def source_sizes(
    available: Mapping[str, int],
    total: int | None = None,
    temperature: float = 1.0,
    weights: Mapping[str, float] | None = None,
) -> dict[str, int]:
    """Compute how many units of each data set an epoch has.

    Args:
        available: Data set -> number of its units.
        total: Units of all sets together; None = as many as there are.
        temperature: A set of n units has the weight n ** (1 / temperature); 1 = every unit once, above 1 = smaller sets
            more often.
        weights: Data set -> weight, 0 or above, instead of the temperature.

    Returns:
        Data set -> number of units.

    Raises:
        DataError: For a ``temperature`` that is not above 0, and ``weights`` that are negative, all 0, or for other
            sets.
    """
    if temperature <= 0:
        raise DataError(f"`temperature` must be above 0, got {temperature}.")
    if weights is None:
        weights = {name: count ** (1 / temperature) for name, count in available.items()}
    if set(weights) != set(available):
        raise DataError(f"`weights` names {sorted(weights)}, the units are of {sorted(available)}.")
    if min(weights.values()) < 0 or not sum(weights.values()) > 0:
        raise DataError(f"`weights` must be 0 or above, and one of them above 0, got {dict(weights)}.")
    scale = (sum(available.values()) if total is None else total) / sum(weights.values())
    return {name: round(weight * scale) for name, weight in weights.items()}


class LengthBatches(Sampler[list[int]]):
    """Batches of unit indices, each of one set and of similar length; for ``DataLoader(units, batch_sampler=...)``.

    Every epoch has as many batches as epoch 0, so that a schedule made from ``len`` is right.

    Args:
        units: Units of all data sets.
        lengths: Tokens of the longest text of each unit (`prepare`).
        max_tokens: Most texts x longest text of a batch, padding included; a larger unit is a batch of its own.
        max_units: Most units of a batch.
        sizes: Units of each set per epoch (`source_sizes`). A set that gives fewer than it has gives all of them over
            the epochs before any of them is repeated.
        seed: Seed of the order.
        shuffle: False gives every unit once, in a fixed order, for evaluation.
        multiple_of: Number (of processes) of which the number of batches is a multiple; the first batches are repeated.
        pad_to_multiple_of: As in the collator, so that its padding is counted.

    Raises:
        DataError: For arguments out of range or that do not fit together.
    """

    def __init__(
        self,
        units: Sequence[Unit],
        lengths: Sequence[int],
        max_tokens: int,
        max_units: int,
        *,
        sizes: Mapping[str, int] | None = None,
        seed: int = 0,
        shuffle: bool = True,
        multiple_of: int = 1,
        pad_to_multiple_of: int = 1,
    ) -> None:
        if len(units) != len(lengths):
            raise DataError(f"There are {len(units)} units and {len(lengths)} lengths; each unit needs one.")
        if not units:
            raise DataError("There are no units to make batches of.")
        if min(max_tokens, max_units, multiple_of, pad_to_multiple_of) < 1:
            raise DataError("`max_tokens`, `max_units`, `multiple_of` and `pad_to_multiple_of` must be 1 or more.")
        if multiple_of > 1 and not shuffle:
            raise DataError(
                "`multiple_of` repeats batches, which would count twice in an evaluation (`shuffle=False`)."
            )
        self.max_tokens, self.max_units, self.seed, self.shuffle = max_tokens, max_units, seed, shuffle
        self.epoch = 0
        self.texts = np.array([len(unit) for unit in units])
        self.lengths = -(-np.asarray(lengths) // pad_to_multiple_of) * pad_to_multiple_of
        self.members: dict[str, np.ndarray[Any, np.dtype[np.int64]]] = {}
        sources = np.array([unit[0].source for unit in units])
        for source in sorted(set(sources.tolist())):
            self.members[source] = np.flatnonzero(sources == source)
        self.sizes = {source: len(members) for source, members in self.members.items()}
        if sizes is not None:
            if not shuffle:
                raise DataError("`sizes` samples the sets, and `shuffle=False` gives every unit once: choose one.")
            if set(sizes) != set(self.sizes):
                raise DataError(f"`sizes` names {sorted(sizes)}, the units are of {sorted(self.sizes)}.")
            self.sizes = dict(sizes)
        count = len(self._batches(0))
        if not count:
            raise DataError(f"`sizes` gives an epoch without units: {self.sizes}.")
        self._count = -(-count // multiple_of) * multiple_of

    @property
    def sampler(self) -> "LengthBatches":
        """Itself: a wrapper (accelerate's shards) forwards `set_epoch` to the ``sampler`` of what it wraps."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next iteration."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[list[int]]:
        batches = self._batches(self.epoch)
        return (batches[number % len(batches)] for number in range(self._count))

    def _random(self, *key: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *key])

    def _sampled(self, number: int, source: str, epoch: int) -> Sequence[int]:
        """The units of a set in an epoch: the next ones of an endless sequence of shuffled rounds through the set."""
        members, size = self.members[source], self.sizes[source]
        if not self.shuffle:
            return members.tolist()
        if not size:
            return []
        start, stop = epoch * size, (epoch + 1) * size
        first, last = start // len(members), -(-stop // len(members))
        rounds = [self._random(0, number, turn).permutation(members) for turn in range(first, last)]
        sampled = np.concatenate(rounds)[start - first * len(members) : stop - first * len(members)]
        return sampled.tolist()

    def _batches(self, epoch: int) -> list[list[int]]:
        batches: list[list[int]] = []
        for number, source in enumerate(self.members):
            sampled = np.array(self._sampled(number, source, epoch), dtype=np.int64)
            # A stable sort: units of one length stay in the order of the sample, which differs by epoch.
            ordered = sampled[np.argsort(self.lengths[sampled], kind="stable")]
            batches += self._cut(ordered.tolist())
        if self.shuffle:
            order = self._random(1, epoch).permutation(len(batches))
            batches = [batches[place] for place in order.tolist()]
        return batches

    def _cut(self, ordered: Sequence[int]) -> list[list[int]]:
        """Cut units in ascending length into batches."""
        batches: list[list[int]] = []
        texts = 0
        for index in ordered:
            fits = batches and len(batches[-1]) < self.max_units
            if fits and (texts + self.texts[index]) * self.lengths[index] <= self.max_tokens:
                batches[-1].append(index)
                texts += self.texts[index]
            else:
                batches.append([index])
                texts = self.texts[index]
        return batches


__all__ = ["LengthBatches", "RedHeartCollator", "source_sizes"]
