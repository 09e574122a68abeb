"""What a guarantee promises, of what, and until when: the record in a config, its checks, and the sentences about it.

Notable: a guarantee says how often a reading may miss the ratings of certain rows. It holds for texts like these rows
and for exactly the weights that read them; the sentences here say so, and every display uses them.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..configuration.errors import InputError
from ..configuration.inputs import check_alpha
from ..configuration.raters import MODEL, rater

# What is promised: the set of emotions, the set of verdicts, and the verdict that is named.
GUARANTEED = ("emotions", "verdicts", "named")
# Part -> what goes wrong at most in a share alpha of the texts on average.
ERRORS = {
    "emotions": "of the emotions that raters give missing from the set",
    "verdicts": "of the raters' votes outside the set",
    "named": "of the named verdicts wrong, where another has more votes",
}
# The rule by which a guarantee ends.
EXPIRES = "void when the weights or the verdict's temperature change"


@dataclass(frozen=True)
class Promise:
    """What is promised at one risk.

    Attributes:
        alpha: The risk, above 0 and below 1.
        thresholds: Part of `GUARANTEED` -> the probability from which a label is in its set, or a verdict is named;
            only parts that the rows allow to promise.
        least: Each other part -> the least risk that the rows could promise; None where none.
    """

    alpha: float
    thresholds: dict[str, float]
    least: dict[str, float | None]


@dataclass(frozen=True)
class Guarantee:
    """What was calibrated on which rows, for which weights.

    Attributes:
        data: Name of the rows.
        data_sha256: Sum of their texts and ratings.
        rows: Number of texts.
        groups: Number of independent groups of texts.
        delta: Each promise fails with at most this probability, over the choice of the rows.
        promises: By rising alpha.
        weights_sha256: Sum of the weights that read the rows.
        verdict_temperature: The config's at that time.
        expires: `EXPIRES`.
        used: Eight hexadecimal digits for each text, by which rows that were used are recognised.
        reference: Readings of one text per group, one byte per number (base64), which new texts are compared with.
    """

    data: str
    data_sha256: str
    rows: int
    groups: int
    delta: float
    promises: tuple[Promise, ...]
    weights_sha256: str
    verdict_temperature: float
    expires: str = EXPIRES
    used: str = ""
    reference: str = ""

    def record(self) -> dict[str, Any]:
        """The plain data of ``RedHeartConfig.guarantee``."""
        return {**asdict(self), "promises": [asdict(promise) for promise in self.promises]}

    def promise(self, alpha: float) -> Promise:
        """The promise at ``alpha``; `InputError` where that was not calibrated."""
        for promise in self.promises:
            if math.isclose(promise.alpha, alpha):
                return promise
        known = ", ".join(f"{promise.alpha:g}" for promise in self.promises)
        raise InputError(
            f"No guarantee of {alpha:g} was calibrated for this model, only of {known}; give one of these, or run "
            f"`redheart calibrate` with --alpha {alpha:g}."
        )


def read_guarantee(record: Mapping[str, Any]) -> Guarantee | None:
    """Read ``RedHeartConfig.guarantee``.

    Args:
        record: What `Guarantee.record` wrote, or empty.

    Returns:
        The guarantee; None for an empty record.

    Raises:
        InputError: For a record that is not whole.
    """
    if not record:
        return None
    try:
        promises = tuple(
            Promise(check_alpha(one["alpha"]), _thresholds(one["thresholds"]), dict(one["least"]))
            for one in record["promises"]
        )
        known = {name: kind(record[name]) for name, kind in _KINDS.items()}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"`guarantee` is not a whole record ({error!r}); run `redheart calibrate` again.") from error
    return Guarantee(promises=promises, **known)


_KINDS: dict[str, Any] = {
    "data": str,
    "data_sha256": str,
    "rows": int,
    "groups": int,
    "delta": float,
    "weights_sha256": str,
    "verdict_temperature": float,
    "expires": str,
    "used": str,
    "reference": str,
}


def _thresholds(given: Mapping[str, Any]) -> dict[str, float]:
    found = {str(name): float(value) for name, value in given.items()}
    if wrong := [name for name, value in found.items() if name not in GUARANTEED or not 0 <= value <= 1]:
        raise InputError(f"{wrong[0]!r} is no part of a guarantee, or its threshold is no probability")
    return found


def scope(guarantee: Guarantee) -> str:
    """What the guarantee is about, and what it is not, in a sentence."""
    by = ", rated by a model" if rater(guarantee.data.partition(" ")[0]) == MODEL else ""
    return (
        f"It holds against the ratings of {guarantee.data} ({guarantee.rows:,} texts in {guarantee.groups:,} "
        f"groups{by}) and for texts like those; each promise by itself, with probability {1 - guarantee.delta:g} over "
        "the choice of those texts."
    )


def guarantee_lines(guarantee: Guarantee) -> list[str]:
    """All that a guarantee promises, what it is about, and when it ends, a sentence each."""
    promises = [line for promise in guarantee.promises for line in promise_lines(promise)]
    until = f"Calibrated for the weights {guarantee.weights_sha256[:12]}; {guarantee.expires}."
    return [*promises, scope(guarantee), until]


def reading_lines(part: Mapping[str, Any]) -> list[str]:
    """The part ``guarantee`` of a reading in words: what is promised, what is not, and what it is about."""
    alpha, lines = part["alpha"], []
    for name in GUARANTEED:
        if name in part:
            found = part[name] if isinstance(part[name], list) else [part[name] or "none"]
            lines.append(f"{name}: {', '.join(found)} (at most {alpha:.0%} {ERRORS[name]})")
        elif name in part["not_promised"]:
            lines.append(_not_promised(name, alpha, part["not_promised"][name]))
    return [*lines, part["scope"]]


def _not_promised(part: str, alpha: float, least: float | None) -> str:
    instead = "nothing could be" if least is None else f"{least:.0%} could be"
    return f"{part}: not promised at {alpha:.0%}, for which the calibrated rows do not suffice; {instead}"


def promise_lines(promise: Promise) -> list[str]:
    """What is promised of each part, and what cannot be, a sentence each."""
    lines = []
    for part in GUARANTEED:
        if part in promise.thresholds:
            lines.append(f"{part}: at most {promise.alpha:.0%} {ERRORS[part]}, on average over texts")
        elif part in promise.least:
            lines.append(_not_promised(part, promise.alpha, promise.least[part]))
    return lines


__all__ = [
    "ERRORS",
    "EXPIRES",
    "GUARANTEED",
    "Guarantee",
    "Promise",
    "guarantee_lines",
    "promise_lines",
    "read_guarantee",
    "reading_lines",
    "scope",
]
