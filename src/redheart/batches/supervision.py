"""The supervision of each claim of a model: the record in its config, from the targets that it was trained on.

Notable: a model that is trained further keeps its record, as its weights do, and adds the names of new data sets. It
does not keep what was fitted to its weights.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from ..configuration.claims import CLAIMS, RANKINGS, RATED, Kind, learned, record_keys
from ..configuration.labels import EMOTIONS, NUANCE_LEVELS
from ..configuration.raters import HELD_OUT
from ..data.loading import Array, Unit

# Kinds in which each value of the target has its own key.
_BY_VALUE = (Kind.PROBABILITY, Kind.DEGREE, Kind.VALUE, Kind.GAUSSIAN, Kind.RATE)
# Targets with a key for each of their values, in order.
KEYS_OF_VALUES: dict[str, tuple[str, ...]] = {
    target: claim.keys for target, claim in learned() if claim.kind in _BY_VALUE
}
# Distributions: one key for each, in order.
_KEYS_OF_SHARES = {target: claim.keys for target, claim in learned() if claim.kind is Kind.SHARES}
# What a target supervises as a whole.
_WHOLE: dict[str, tuple[str, ...]] = {
    **{target: ranking.keys for target, ranking in RANKINGS.items()},
    **{target: claim.keys for target, claim in learned() if claim.kind is Kind.RELATIONS},
}
# Claims that learn from another's target, wherever something of it is known.
_BESIDE: dict[str, tuple[str, ...]] = {
    target: tuple(key for claim in CLAIMS.values() if claim.learns_from == target for key in claim.keys)
    for target, _ in learned()
}


def supervision_of(units: Iterable[Unit]) -> dict[str, list[str]]:
    """Find the sources whose texts have a target for each claim.

    A level of an emotion is supervised if some text of the source has at least that level and another has less.

    Args:
        units: The training data.

    Returns:
        Record key -> sorted sources, in the order of `labels.record_keys`.
    """
    sources: dict[str, set[str]] = {}
    levels: dict[tuple[str, str], set[int]] = {}
    for unit in units:
        for item in unit:
            for target, value in item.targets.items():
                if target == "nuance_labels":
                    for place in np.flatnonzero(value >= 0):
                        levels.setdefault((item.source, EMOTIONS[place]), set()).add(int(value[place]))
                for key in _keys(target, value):
                    sources.setdefault(key, set()).add(item.source)
    for (source, name), given in levels.items():
        for number, level in enumerate(NUANCE_LEVELS, start=1):
            if min(given) < number <= max(given):
                sources.setdefault(f"nuance.{name}.{level}", set()).add(source)
    return {key: sorted(sources[key]) for key in record_keys() if key in sources}


def _keys(target: str, value: Array) -> Iterator[str]:
    if target in _WHOLE:
        yield from _WHOLE[target]
        return
    present = np.isfinite(np.asarray(value, dtype=np.float64))
    if target in _KEYS_OF_SHARES:
        keys, present = _KEYS_OF_SHARES[target], np.asarray(present.all(axis=-1))
    elif target in KEYS_OF_VALUES:
        keys = KEYS_OF_VALUES[target]
    else:
        return
    for key, there in zip(keys, present.flatten(), strict=True):
        if there:
            yield key
            if target == "emotion_labels":  # an emotion that is there is at least slight
                yield f"nuance.{key.removeprefix('emotion.')}.{NUANCE_LEVELS[0]}"
            yield from _BESIDE[target]


def extended(record: Mapping[str, Sequence[str]], own: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Join the records of a model that was trained further.

    Args:
        record: Of the model before.
        own: Of the rows that it was trained on since.

    Returns:
        Record key -> the sources before, then the new ones.
    """
    keys = [key for key in record_keys() if key in record or key in own]
    return {key: list(dict.fromkeys([*record.get(key, ()), *own.get(key, ())])) for key in keys}


def confidence_keys(record: Sequence[str] | dict[str, list[str]]) -> list[str]:
    """Record keys of the confidences of all rated parts that ``record`` has a key of."""
    parts = {key.split(".")[0] for key in record}
    return [f"confidence.{part}" for part in RATED if part in parts]


__all__ = ["HELD_OUT", "KEYS_OF_VALUES", "confidence_keys", "extended", "supervision_of"]
