"""The columns of a row that hold targets: their names, their ranges, and how a value is read.

Notable: nothing here lists labels; the names are built from `configuration.claims`, such as `emotion.joy` or
`regret.action.better`. The other columns of a row, and the table of all columns, are in `schema`.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from numbers import Real
from typing import Any

import numpy as np

from ..configuration.claims import Kind, learned, target_limits
from ..configuration.labels import EMOTIONS, NUANCE_LEVELS, VERDICTS, closest
from .examples import INTEGERS, LEVELS, MISSING, PAIRS, SHAPES, Array

# The name of each target's columns and the names along its dimensions.
AXES: dict[str, tuple[str, tuple[tuple[str, ...], ...]]] = {
    target: (claim.columns, claim.target_axes) for target, claim in learned() if SHAPES[target] is not None
}
DISTRIBUTIONS = tuple(target for target, claim in learned() if claim.kind is Kind.SHARES)

# Limits of a target without a range of its own, so that float32 holds it and a sum of five, and int64 an id.
_LARGEST, _LARGEST_ID = 1e30, 2.0**53


@dataclass(frozen=True, slots=True)
class Column:
    """Where a column's value is written: ``target[place]``.

    Attributes:
        target: Name of the target.
        place: Index in it.
        parse: Makes a number or an array of a value; raises `ValueError` for one that does not fit.
    """

    target: str
    place: tuple[int, ...]
    parse: Callable[[Any], Any]


def limits(target: str) -> tuple[Array, Array]:
    """The lowest and highest value of each element of a target, in its shape."""
    shape = SHAPES[target]
    if shape is None:
        return np.array(-_LARGEST), np.array(_LARGEST)
    if target in PAIRS:
        return np.zeros(shape), np.array([_LARGEST_ID, 1.0])  # of the pair, and the rank
    low, high = target_limits(target)
    lowest = np.array(low) if shape else np.array(low[0])
    return np.broadcast_to(lowest, shape).copy(), np.full(shape, min(high, _LARGEST))


def _shape(target: str, width: int) -> tuple[int, ...]:
    """The shape of a target; (``width``,) where it may have any width."""
    shape = SHAPES[target]
    return (width,) if shape is None else shape


def empty(target: str, width: int) -> Array:
    """A target with all values missing, in its shape; ``width`` is that of a target of any width."""
    integer = target in INTEGERS
    return np.full(_shape(target, width), MISSING if integer else math.nan, np.int64 if integer else np.float32)


class WrongValueError(ValueError):
    """A value that does not fit.

    Args:
        value: The value.
        template: The message, with ``{}`` in place of the value.
    """

    def __init__(self, value: Any, template: str) -> None:
        self.value, self.template = shown(value), template
        super().__init__(template.replace("{}", self.value, 1))


def shown(value: Any) -> str:
    """A value as a message shows it: as Python writes it, cut to 60 characters."""
    several = isinstance(value, list)
    plain = [item.item() if isinstance(item, np.generic) else item for item in (value if several else [value])]
    try:
        written = repr(plain if several else plain[0])
    except ValueError:  # Python does not write integers of more than 4,300 digits
        return f"{'a list with ' if several else ''}an integer of more than 4,300 digits"
    return written if len(written) <= 60 else f"{written[:57]}..."


def is_missing(value: Any) -> bool:
    """None, NaN (of any type, pandas' NA and NaT among them), or the empty cell of a CSV file."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, Decimal):
        return value.is_nan()  # comparing a signalling NaN raises an error
    return isinstance(value, float | np.floating) and bool(value != value)


def _number(value: Any, low: float, high: float) -> float:
    if not isinstance(value, str | Real | Decimal | np.number | np.bool_):
        raise WrongValueError(value, "{} is not a number.")
    try:
        number = float(value)
    except (ValueError, OverflowError) as error:
        raise WrongValueError(value, "{} is not a number.") from error
    if not low <= number <= high:
        span = f"in {low:g}..{high:g}" if high < _LARGEST else f"{low:g} or more, up to {high:g}"
        raise WrongValueError(value, f"{{}} must lie {span}. It may be on another scale.")
    return number


def _level(value: Any) -> int:
    if isinstance(value, str) and value.strip().lower() in NUANCE_LEVELS:
        return NUANCE_LEVELS.index(value.strip().lower()) + 1
    if isinstance(value, str) and not value.strip().lstrip("-").replace(".", "", 1).isdigit():
        raise WrongValueError(value, f"{{}} is not a level; {closest(value, NUANCE_LEVELS)}")
    number = MISSING if value == MISSING else _number(value, 0, len(NUANCE_LEVELS))
    if number != int(number):
        raise WrongValueError(
            value, f"{{}} must be a whole level, 0..{len(NUANCE_LEVELS)}. A strength goes in `intensity`."
        )
    return int(number)


def label_ids(given: Sequence[Any], count: int) -> list[int]:
    """Check ids of labels.

    Args:
        given: Whole numbers in 0..count-1, each once.
        count: Number of labels.

    Returns:
        The ids.

    Raises:
        WrongValueError: For anything else, such as a vector of 0 and 1, which could be taken for the ids 0 and 1.
    """
    whole = all(isinstance(item, int | np.integer) and not isinstance(item, bool) for item in given)
    if not whole or len(set(given)) < len(given) or not all(0 <= item < count for item in given):
        raise WrongValueError(
            list(given), f"{{}} must be ids in 0..{count - 1}, each once, and not a number for each label."
        )
    return [int(item) for item in given]


def _emotions(value: Any) -> Array:
    """1 for each emotion that is named and 0 for the others, (28,)."""
    given = value.split(",") if isinstance(value, str) else value
    if not isinstance(given, Iterable) or isinstance(given, Mapping) or getattr(given, "ndim", 1) == 0:
        raise WrongValueError(value, "{} must be a list of emotions, by name or id. Whether one is present goes in "
                           "`emotion.NAME`.")  # fmt: skip
    names: list[int] = []
    ids: list[Any] = []
    for item in given:
        name = item.strip() if isinstance(item, str) else item
        if isinstance(name, str) and not name.isdecimal():
            if name not in EMOTIONS:
                listed = " A list in one cell is written joy, anger." if name[:1] in ("[", "(") else ""
                raise WrongValueError(name, f"There is no emotion {{}}; {closest(name, EMOTIONS)}{listed}")
            names.append(EMOTIONS.index(name))
        else:
            ids.append(int(name) if isinstance(name, str) and len(name) < 10 else name)
    try:
        ids = label_ids(ids, len(EMOTIONS))
    except WrongValueError as error:
        whole = f"Numbers for all {len(EMOTIONS)}, in the order of `labels.EMOTIONS`, go in `emotion_labels`."
        raise WrongValueError(list(given), f"{error.template} {whole}") from error
    labels = np.zeros(len(EMOTIONS), dtype=np.float32)
    labels[[*names, *ids]] = 1
    return labels


def _choice(value: Any, names: tuple[str, ...]) -> Array:
    """All of the shares for one of the names, such as a verdict: (names,)."""
    name = value.strip().lower() if isinstance(value, str) else value
    if not isinstance(name, str) or name not in names:
        what = "verdict" if names is VERDICTS else "answer"
        raise WrongValueError(value, f"There is no {what} {{}}; {closest(str(value), names)}")
    return np.array([name == known for known in names], dtype=np.float32)


def _whole(value: Any, target: str) -> Array:
    """A whole target from (nested) lists of numbers; None, NaN, and -100 in integer targets, are missing values."""
    wanted = "(any width,)" if SHAPES[target] is None else SHAPES[target]
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"It must hold numbers in the shape {wanted}.") from error
    if array.shape != _shape(target, array.size) or not array.size:
        raise ValueError(f"It must have the shape {wanted}, got {array.shape}.")
    integer = target in INTEGERS
    if integer:
        array[array == MISSING] = math.nan
    wrong = outside(array, target)
    if wrong is not None:
        raise ValueError(wrong)
    if not integer:
        return array.astype(np.float32)
    present = array[~np.isnan(array)]
    if (present != np.round(present)).any():
        raise ValueError(f"It must hold whole numbers, got {array.tolist()}.")
    return np.nan_to_num(array, nan=MISSING).astype(np.int64)


def outside(array: Array, target: str) -> str | None:
    """A message about the first value out of range, NaN ignored; None where all values are in range."""
    low, high = (np.broadcast_to(bound, array.shape) for bound in limits(target))
    places = np.argwhere(~(np.isnan(array) | ((array >= low) & (array <= high))))
    if not len(places):
        return None
    place = tuple(places[0].tolist())
    return f"{element(target, place)} must lie in {low[place]:g}..{high[place]:g}, got {array[place]:g}."


def element(target: str, place: tuple[int, ...]) -> str:
    """The column name of one element of a target, such as `affect.valence`."""
    if target not in AXES:
        return f"{target}{list(place)}"
    prefix, axes = AXES[target]
    return ".".join([prefix, *(names[index] for names, index in zip(axes, place, strict=False))])


def _columns() -> dict[str, Column]:
    columns = {name: Column(name, (), partial(_whole, target=name)) for name in SHAPES}
    columns["emotion"] = Column("emotion_labels", (), _emotions)
    for target in DISTRIBUTIONS:
        *outer, names = AXES[target][1]
        for place in np.ndindex(tuple(map(len, outer))):
            columns[element(target, place)] = Column(target, place, partial(_choice, names=names))
    for target in AXES:
        low, high = limits(target)
        for place in np.ndindex(low.shape):
            parse = _level if target in LEVELS else partial(_number, low=float(low[place]), high=float(high[place]))
            columns[element(target, place)] = Column(target, place, parse)
    return columns


COLUMNS: dict[str, Column] = _columns()


__all__ = [
    "AXES",
    "COLUMNS",
    "DISTRIBUTIONS",
    "Column",
    "WrongValueError",
    "element",
    "empty",
    "is_missing",
    "label_ids",
    "limits",
    "outside",
    "shown",
]
